/* ecluse validate: checks files and says what a run would say; writes nothing. */
#include "base/inert.h"
#include "base/io.h"
#include "base/terminal.h"
#include "base/utf8.h"
#include "cli/check.h"
#include "cli/failures.h"
#include "cli/project.h"
#include "cli/results_out.h"
#include "cli/show.h"
#include "quality/report.h"

#include <math.h>
#include <unistd.h>

#define REPORT_MAX      ((size_t)64 * EC_MIB)
#define JUDGE_ARENA_MAX ((size_t)16 * EC_MIB)

struct validation {
    const struct ec_cli *cli;
    struct ec_results *results; /* of --format junit, markdown, github; else NULL */
    bool undelivered;
    bool color;
    struct ec_screen screen;
    size_t checked;
    uint64_t verdicts[EC_VERDICT_COUNT];
};

static void print_inert(const char *z) {
    ec_inert_print(z, strlen(z), stdout);
}

static void print_rows(const struct ec_facts *f) {
    char read[EC_FIGURE_MAX], accepted[EC_FIGURE_MAX], quarantined[EC_FIGURE_MAX], duplicate[EC_FIGURE_MAX];
    (void)printf(_("  rows:   %s read, %s accepted, %s quarantined, %s duplicate\n"), ec_figure_count(f->read, read),
                 ec_figure_count(f->accepted, accepted), ec_figure_count(f->quarantined, quarantined),
                 ec_figure_count(f->duplicate, duplicate));
}

/* Of the longest label in front of sentences. */
static size_t label_width(void) {
    const char *const labels[] = {_("score:"), _("error:"), _("failed:"), _("wrong:")};
    size_t width = 0;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        size_t n = ec_utf8_length(labels[i], strlen(labels[i]));
        if (n > width) width = n;
    }
    return width;
}

static void print_sentences(const char *label, const char *const *sentence, size_t count) {
    for (size_t i = 0; i < count; i++) {
        (void)printf("  ");
        ec_label_print(i ? "" : label, label_width(), stdout);
        print_inert(sentence[i]);
        (void)printf("\n");
    }
}

static void print_names(const char *label, const char *const *name, size_t count) {
    for (size_t i = 0; i < count; i++) {
        (void)printf("%s", i ? ", " : label);
        print_inert(name[i]);
    }
    if (count) (void)printf("\n");
}

/* Each failed check with its first rows, the bad cell marked in its record. */
static void print_failures(const struct validation *v, const struct ec_unit *u) {
    struct ec_buf text = ec_buf_make(EC_SHOW_BYTES_MAX);
    struct ec_failures_style style = {.columns = v->screen.columns, .color = v->color};
    ec_failures_add(&text, u, &style);
    (void)fwrite(text.p, 1, text.failed ? 0 : text.n, stdout);
    ec_buf_free(&text);
}

static void print_verdict(const struct validation *v, enum ec_verdict verdict) {
    static const char *const paint[EC_VERDICT_COUNT] = {"\033[32m", "\033[33m", "\033[1;31m", "\033[1;31m", ""};
    const char *name = _(ec_verdict_name(verdict));
    (void)printf(v->color ? "%s%s\033[0m" : "%s%s", v->color ? paint[verdict] : "", name);
}

static void print_unit(const struct validation *v, const struct ec_unit *u, const struct ec_judgement *j) {
    if (v->checked > 1) (void)printf("\n");
    print_inert(u->path);
    if (u->member) {
        (void)printf("/");
        print_inert(u->member);
    }
    (void)printf(_(" (%s): "), u->source_name);
    print_verdict(v, j->verdict);
    if (u->status != EC_OK) (void)printf(" [%s]", ec_status_text(u->status)->slug);
    (void)printf("\n");
    if (u->status == EC_OK) {
        print_rows(&u->facts);
        if (j->arithmetic) print_sentences(_("score:"), &j->arithmetic, 1);
    }
    print_sentences(j->verdict == EC_VERDICT_ERRORED ? _("error:") : _("failed:"), j->failure, j->failure_count);
    print_sentences(_("wrong:"), j->violation, j->violation_count);
    if (u->status != EC_OK) return;
    print_failures(v, u);
    print_names(_("  absent: "), u->missing, u->missing_count);
    print_names(_("  beyond the schema: "), u->undeclared, u->undeclared_count);
}

/* The report as it would be written, as an element of the array. */
static enum ec_status print_report(const struct validation *v, const struct ec_unit *u, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(REPORT_MAX);
    enum ec_status status = ec_report_write(u, &text, err);
    if (status == EC_OK) {
        (void)printf(v->checked > 1 ? ",\n" : "\n");
        (void)fwrite(text.p, 1, text.n - 1, stdout); /* without its line end */
    }
    ec_buf_free(&text);
    return status;
}

static enum ec_status judge(struct validation *v, const struct ec_unit *unit, struct ec_err *err) {
    struct ec_arena arena;
    struct ec_judgement judgement;
    ec_arena_init(&arena, JUDGE_ARENA_MAX);
    enum ec_status status = ec_judge(unit, &arena, &judgement, err);
    if (status == EC_OK) {
        v->checked++;
        v->verdicts[judgement.verdict]++;
        if (v->results)
            status = ec_results_add(v->results, unit, err);
        else if (v->cli->json)
            status = print_report(v, unit, err);
        else
            print_unit(v, unit, &judgement);
    }
    ec_arena_deinit(&arena);
    return status;
}

static void end_document(const struct validation *v) {
    (void)printf("\n],\n\"verdicts\": {");
    for (int i = 0; i < EC_VERDICT_COUNT; i++)
        (void)printf("%s\"%s\": %llu", i ? ", " : "", ec_verdict_name((enum ec_verdict)i),
                     (unsigned long long)v->verdicts[i]);
    (void)printf("}}\n");
}

/* One file at a time, so that memory does not depend on how many there are. */
static enum ec_status check_all(struct validation *v, const struct ec_config *config,
                                const struct ec_check_targets *targets, int32_t as_of, struct ec_err *err) {
    struct ec_task_context context = {.config = config, .memory_bytes = config->memory_bytes};
    enum ec_status status = EC_OK;
    if (v->cli->json) (void)printf("{\"reports\": [");
    for (size_t i = 0; i < targets->count && status == EC_OK; i++) {
        struct ec_check check;
        status = ec_check_run(&context, &targets->target[i], as_of, &check, err);
        if (status == EC_OK) status = judge(v, &check.unit, err);
        ec_check_deinit(&check);
        (void)fflush(stdout);
    }
    if (v->cli->json && status == EC_OK) end_document(v);
    bool delivered = true;
    if (v->results && status == EC_OK) status = ec_cli_results_print(v->cli, v->results, &delivered, err);
    v->undelivered = !delivered;
    ec_task_context_deinit(&context);
    return status;
}

static int exit_of(const struct validation *v) {
    bool gates = strcmp(v->cli->fail_on, "never") != 0;
    if (gates && v->verdicts[EC_VERDICT_FAILED] + v->verdicts[EC_VERDICT_ERRORED] > 0) return EC_EXIT_GATE;
    if (strcmp(v->cli->fail_on, "warn") == 0 && v->verdicts[EC_VERDICT_WARNED] > 0) return EC_EXIT_GATE;
    return v->undelivered ? EC_EXIT_DELIVERY : EC_EXIT_DONE;
}

static void print_counts(const struct validation *v) {
    int shown = 0;
    (void)printf(_("\n%zu files:"), v->checked);
    for (int i = 0; i < EC_VERDICT_COUNT; i++)
        if (v->verdicts[i])
            (void)printf("%s %llu %s", shown++ ? "," : "", (unsigned long long)v->verdicts[i],
                         _(ec_verdict_name((enum ec_verdict)i)));
    (void)printf("\n");
}

static enum ec_status validate(struct validation *v, const struct ec_config *config, struct ec_err *err) {
    const char *name = ec_cli_value(v->cli, "--source");
    const struct ec_source *source = NULL;
    struct ec_check_targets targets;
    int32_t as_of;
    if (name) EC_TRY(ec_cli_source(config, name, &source, err));
    EC_TRY(ec_cli_as_of(v->cli, &as_of, err));
    enum ec_status status = ec_check_targets(config, v->cli->argument, v->cli->argument_count, source, &targets, err);
    if (status == EC_OK) status = check_all(v, config, &targets, as_of, err);
    if (status == EC_OK && v->cli->format == EC_RESULT_TEXT && v->checked > 1) print_counts(v);
    ec_check_targets_deinit(&targets);
    return status;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    struct validation v = {.cli = cli,
                           .color = ec_terminal_color(STDOUT_FILENO, cli->color),
                           .screen = ec_terminal_screen(STDOUT_FILENO)};
    struct ec_config *config;
    enum ec_status status = ec_cli_load(cli, &config, err);
    if (status == EC_OK && ec_cli_wants_results(cli))
        status = ec_cli_results(cli, "", "ecluse validate", (double)NAN, &v.results, err);
    if (status == EC_OK) status = validate(&v, config, err);
    ec_results_destroy(v.results);
    ec_config_destroy(config);
    return status == EC_OK ? exit_of(&v) : ec_exit_of(status);
}

static const struct ec_option options[] = {
    {"--source", "NAME", N_("the source that the files are of (default: found by their names)"), false},
    {"--as-of", "YYYY-MM-DD", N_("the run's date, for derived columns (default: today, UTC)"), false},
};

const struct ec_command ec_cmd_validate = {
    .name = "validate",
    .summary = N_("check files against schema and rules; writes nothing"),
    .arguments = "FILE...",
    .about = N_("Reads each file as a run would and prints its verdict: rows read, accepted and rejected, the\n"
             "score and how it came about, every rule that was broken, with the first lines that broke it.\n"
             "With --format json, the validation reports. Members of a zip archive are checked one by one.\n"
             "FILE may be - for standard input, or an address (s3://bucket/drop/*.csv). Keys are compared\n"
             "within a file, not with other files or the tables. Exit code 1 where a file failed or could not be read.\n"
             "\n"
             "Examples:\n"
             "  ecluse -C shop validate drop/sales_2025-07-18.csv\n"
             "  curl -s https://example.com/users.csv | ecluse -C shop validate - --source users --fail-on warn"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .arguments_min = 1,
    .arguments_max = SIZE_MAX,
    .results = true,
    .run = run,
};
