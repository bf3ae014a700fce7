/* ecluse doctor: checks the project and the machine before a run. */
#include "base/inert.h"
#include "cli/doctor.h"
#include "cli/project.h"
#include "cli/show.h"

#include <stdarg.h>

static const char *const finding_names[] = {"ok", "warn", "fail"};

void ec_doctor_say(struct ec_doctor *doctor, const char *check, enum ec_finding finding, const char *fix,
                   const char *fmt, ...) {
    if (doctor->count == EC_DIAGNOSES_MAX) return;
    struct ec_diagnosis *d = &doctor->diagnosis[doctor->count++];
    *d = (struct ec_diagnosis){.check = check, .finding = finding, .fix = fix ? _(fix) : NULL};
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(d->message, sizeof d->message, _(fmt), args);
    va_end(args);
}

static size_t count(const struct ec_doctor *doctor, enum ec_finding finding) {
    size_t n = 0;
    for (size_t i = 0; i < doctor->count; i++) n += doctor->diagnosis[i].finding == finding;
    return n;
}

static void print_text(const struct ec_doctor *doctor) {
    for (size_t i = 0; i < doctor->count; i++) {
        const struct ec_diagnosis *d = &doctor->diagnosis[i];
        (void)printf("%-5s %-14s ", finding_names[d->finding], d->check);
        ec_inert_print(d->message, strlen(d->message), stdout);
        (void)printf("\n");
        if (d->fix) (void)printf(_("%-20s what to do: %s\n"), "", d->fix);
    }
    size_t warnings = count(doctor, EC_FINDING_WARN), failures = count(doctor, EC_FINDING_FAIL);
    (void)printf(_("\n%s: %zu checks, %zu %s, %zu failed\n"), failures ? _("not ready") : _("ready"), doctor->count, warnings,
                 P_("warning", "warnings", warnings), failures);
}

static enum ec_status print_json(const struct ec_doctor *doctor, struct ec_err *err) {
    struct ec_doc doc;
    ec_doc_init(&doc);
    ec_json_object(&doc.json, NULL);
    ec_json_bool(&doc.json, "ready", count(doctor, EC_FINDING_FAIL) == 0);
    ec_json_array(&doc.json, "checks");
    for (size_t i = 0; i < doctor->count; i++) {
        const struct ec_diagnosis *d = &doctor->diagnosis[i];
        ec_json_object(&doc.json, NULL);
        ec_json_str(&doc.json, "check", d->check);
        ec_json_str(&doc.json, "status", finding_names[d->finding]);
        ec_json_str(&doc.json, "message", d->message);
        ec_json_str(&doc.json, "fix", d->fix);
        ec_json_end(&doc.json);
    }
    ec_json_end_array(&doc.json);
    ec_json_end(&doc.json);
    return ec_doc_print(&doc, err);
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    struct ec_doctor doctor = {.cli = cli};
    ec_doctor_project(&doctor);
    ec_doctor_alerts(&doctor);
    ec_doctor_remote(&doctor);
    ec_doctor_store(&doctor);
    ec_doctor_machine(&doctor);
    enum ec_status status = EC_OK;
    if (cli->json)
        status = print_json(&doctor, err);
    else
        print_text(&doctor);
    ec_config_destroy(doctor.config);
    if (status != EC_OK) return ec_cli_exit(status);
    return count(&doctor, EC_FINDING_FAIL) ? EC_EXIT_RUNTIME : EC_EXIT_DONE;
}

const struct ec_command ec_cmd_doctor = {
    .name = "doctor",
    .summary = N_("check the project and the machine before a run"),
    .arguments = "",
    .about = N_("Checks configuration and models, folders and their permissions, outputs for other programs,\n"
             "the lock, disk space, whether the file system can commit (hard links), memory, processors and\n"
             "libraries, and asks the stores of objects that sources read. Each line says ok, warn or fail,\n"
             "and what to do. Probe files are written and removed; nothing else changes.\n"
             "Exit code 3 where a check failed.\n"
             "\n"
             "Example:\n"
             "  ecluse -C shop doctor"),
    .run = run,
};
