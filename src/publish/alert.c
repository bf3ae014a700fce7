#include "publish/alert.h"

#include "base/calendar.h"
#include "base/io.h"
#include "publish/mask.h"
#include "publish/visible.h"
#include "quality/report.h"

#include <errno.h>

#define ALERT_MAX       ((size_t)16 * EC_MIB)
#define JUDGE_MAX       ((size_t)16 * EC_MIB)
#define FILES_SHOWN     100u /* who has more to read opens the page */
#define SENTENCES_SHOWN 12u
#define CHECKS_SHOWN    5u

static void add_z(struct ec_buf *out, const char *z) {
    ec_visible_add(out, ec_str_of(z));
}

static void add_head(struct ec_buf *out, const struct ec_run_facts *run) {
    const struct ec_totals *t = &run->totals;
    char when[32];
    when[ec_datetime_format(run->started_us / EC_MICROS_PER_SECOND * EC_MICROS_PER_SECOND, when)] = '\0';
    ec_buf_addz(out, _("QUALITY ALERT\n\nRun "));
    add_z(out, run->run);
    ec_buf_printf(out, _(", started %s\nOf "), when);
    ec_count_add(out, t->files);
    ec_buf_addz(out, P_(" file, ", " files, ", t->files));
    ec_count_add(out, t->verdicts[EC_VERDICT_ERRORED]);
    ec_buf_addz(out, _(" could not be read and "));
    ec_count_add(out, t->verdicts[EC_VERDICT_FAILED]);
    ec_buf_addz(out, _(" failed the quality gate. Rows read: "));
    ec_count_add(out, t->read);
    ec_buf_addz(out, _(", accepted: "));
    ec_count_add(out, t->accepted);
    ec_buf_addz(out, _(", quarantined: "));
    ec_count_add(out, t->quarantined);
    ec_buf_addz(out, _(", duplicates: "));
    ec_count_add(out, t->duplicate);
    ec_buf_addz(out, ".\n");
}

static void add_list(struct ec_buf *out, const char *const *list, size_t count) {
    for (size_t i = 0; i < count && i < SENTENCES_SHOWN; i++) {
        ec_buf_addz(out, "     - ");
        add_z(out, list[i]);
        ec_buf_addc(out, '\n');
    }
    if (count > SENTENCES_SHOWN) ec_buf_printf(out, _("     - and %zu more in the report\n"), count - SENTENCES_SHOWN);
}

static void add_samples(struct ec_buf *out, const struct ec_unit *unit) {
    struct ec_buf value = ec_buf_make(EC_KIB);
    size_t shown = 0;
    for (size_t i = 0; i < unit->facts.check_count && shown < CHECKS_SHOWN; i++) {
        const struct ec_check_facts *c = &unit->facts.check[i];
        if (c->failed == 0 || c->sample_count == 0) continue;
        if (shown++ == 0) ec_buf_addz(out, _("   For example:\n"));
        ec_buf_printf(out, _("     - line %llu, "), (unsigned long long)c->sample[0].line);
        add_z(out, c->id);
        ec_buf_clear(&value);
        ec_mask_sample(&value, &c->sample[0], ec_mask_check(unit, c));
        if (value.n) {
            ec_buf_addz(out, ": ");
            ec_visible_add(out, ec_buf_str(&value));
        }
        ec_buf_addc(out, '\n');
    }
    ec_buf_free(&value);
}

static void add_remedy(struct ec_buf *out, const struct ec_unit *unit, enum ec_verdict verdict) {
    char report[EC_REPORT_NAME_MAX];
    enum ec_status status = verdict == EC_VERDICT_ERRORED ? unit->status : EC_GATE_FAILED;
    const struct ec_code_text *code = ec_status_text(status);
    ec_report_name(unit->label, report);
    ec_buf_printf(out, _("   What it means: %s\n   What to do: %s\n   More: `ecluse explain %s`, data/quality/"),
                  _(code->meaning), _(code->remedy), code->slug);
    add_z(out, report);
    ec_buf_addc(out, '\n');
}

static void add_unit(struct ec_buf *out, size_t number, const struct ec_unit *unit, const struct ec_judgement *j) {
    ec_buf_printf(out, "\n%zu. ", number);
    add_z(out, unit->path);
    if (unit->member) {
        ec_buf_addz(out, _(", member "));
        add_z(out, unit->member);
    }
    ec_buf_addz(out, _(" (source "));
    add_z(out, unit->source_name);
    ec_buf_printf(out, _("): %s\n"), j->verdict == EC_VERDICT_ERRORED ? _("COULD NOT BE READ") : _("FAILED"));
    ec_buf_addz(out, _("   Why:\n"));
    add_list(out, j->failure, j->failure_count);
    if (j->violation_count) ec_buf_addz(out, _("   Also:\n"));
    add_list(out, j->violation, j->violation_count);
    if (ec_unit_known(unit)) add_samples(out, unit);
    add_remedy(out, unit, j->verdict);
}

static enum ec_status add_units(struct ec_buf *out, const struct ec_run_facts *run, uint64_t bad, const size_t *order,
                                struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < bad && i < FILES_SHOWN && status == EC_OK; i++) {
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(&run->unit[order[i]], &arena, &j, err);
        if (status == EC_OK) add_unit(out, i + 1, &run->unit[order[i]], &j);
    }
    if (bad > FILES_SHOWN)
        ec_buf_printf(out, _("\nand %llu more: see data/quality/dashboard.html\n"),
                      (unsigned long long)(bad - FILES_SHOWN));
    ec_arena_deinit(&arena);
    return status;
}

static uint64_t bad_files(const struct ec_run_facts *run) {
    return run->totals.verdicts[EC_VERDICT_FAILED] + run->totals.verdicts[EC_VERDICT_ERRORED];
}

enum ec_status ec_alert_write(const struct ec_run_facts *run, struct ec_buf *out, struct ec_err *err) {
    uint64_t bad = bad_files(run);
    if (bad == 0) return EC_OK;
    size_t *order = ec_calloc(run->unit_count, sizeof *order);
    if (!order) return ec_fail(err, EC_NO_MEMORY, "no memory for the alert");
    enum ec_status status = ec_run_worst_first(run, order, err);
    if (status == EC_OK) {
        add_head(out, run);
        status = add_units(out, run, bad, order, err);
    }
    if (status == EC_OK) status = ec_buf_check(out, err);
    ec_free(order);
    return status;
}

enum ec_status ec_alert_publish(const char *dir, const struct ec_run_facts *run, struct ec_durable *durable,
                                struct ec_alert_result *result, struct ec_err *err) {
    char path[4096];
    *result = (struct ec_alert_result){.files = bad_files(run)};
    EC_TRY(ec_path_join(path, sizeof path, dir, EC_ALERT_FILE_NAME, err));
    if (result->files == 0) {
        if (ec_io.unlink(path) != 0 && errno != ENOENT)
            return ec_fail_errno(err, EC_DELIVERY, "cannot remove the alert of an earlier run, %s", path);
        return durable ? ec_durable_folder(durable, dir, err) : EC_OK;
    }
    struct ec_buf text = ec_buf_make(ALERT_MAX);
    enum ec_status status = ec_alert_write(run, &text, err);
    if (status == EC_OK) status = ec_durable_put(durable, path, text.p, text.n, err);
    result->written = status == EC_OK;
    ec_buf_free(&text);
    return status;
}
