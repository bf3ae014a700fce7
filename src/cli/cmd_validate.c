/* ecluse validate: checks files and says what a run would say; writes nothing. */
#include "base/inert.h"
#include "base/io.h"
#include "cli/check.h"
#include "cli/project.h"
#include "cli/show.h"
#include "quality/report.h"

#define REPORT_MAX      ((size_t)64 * EC_MIB)
#define JUDGE_ARENA_MAX ((size_t)16 * EC_MIB)
#define SAMPLES_SHOWN   3u

struct validation {
    const struct ec_cli *cli;
    size_t checked;
    uint64_t verdicts[EC_VERDICT_COUNT];
};

static void print_inert(const char *z) {
    ec_inert_print(z, strlen(z), stdout);
}

static void print_rows(const struct ec_facts *f) {
    char read[EC_FIGURE_MAX], accepted[EC_FIGURE_MAX], quarantined[EC_FIGURE_MAX], duplicate[EC_FIGURE_MAX];
    (void)printf("  rows:   %s read, %s accepted, %s quarantined, %s duplicate\n", ec_figure_count(f->read, read),
                 ec_figure_count(f->accepted, accepted), ec_figure_count(f->quarantined, quarantined),
                 ec_figure_count(f->duplicate, duplicate));
}

static void print_samples(const struct ec_facts *f) {
    for (size_t i = 0; i < f->check_count; i++) {
        const struct ec_check_facts *check = &f->check[i];
        if (check->failed == 0 || check->sample_count == 0) continue;
        (void)printf("    ");
        print_inert(check->id);
        for (size_t k = 0; k < check->sample_count && k < SAMPLES_SHOWN; k++) {
            (void)printf("%s line %llu", k ? "," : ":", (unsigned long long)check->sample[k].line);
            if (!check->sample[k].value || (!*check->sample[k].value && !check->column)) continue;
            (void)printf(" \"");
            print_inert(check->sample[k].value);
            (void)printf("\"");
        }
        (void)printf("%s\n", check->failed > check->sample_count || check->sample_count > SAMPLES_SHOWN ? ", ..." : "");
    }
}

static void print_sentences(const char *label, const char *const *sentence, size_t count) {
    for (size_t i = 0; i < count; i++) {
        (void)printf("  %-7s ", i ? "" : label);
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

static void print_unit(const struct validation *v, const struct ec_unit *u, const struct ec_judgement *j) {
    if (v->checked > 1) (void)printf("\n");
    print_inert(u->path);
    if (u->member) {
        (void)printf("/");
        print_inert(u->member);
    }
    (void)printf(" (%s): %s", u->source_name, ec_verdict_name(j->verdict));
    if (u->status != EC_OK) (void)printf(" [%s]", ec_status_text(u->status)->slug);
    (void)printf("\n");
    if (u->status == EC_OK) {
        print_rows(&u->facts);
        if (j->arithmetic) print_sentences("score:", &j->arithmetic, 1);
    }
    print_sentences(j->verdict == EC_VERDICT_ERRORED ? "error:" : "failed:", j->failure, j->failure_count);
    print_sentences("wrong:", j->violation, j->violation_count);
    if (u->status != EC_OK) return;
    print_samples(&u->facts);
    print_names("  absent: ", u->missing, u->missing_count);
    print_names("  beyond the schema: ", u->undeclared, u->undeclared_count);
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
        if (v->cli->json)
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
    ec_task_context_deinit(&context);
    return status;
}

static int exit_of(const struct validation *v) {
    if (strcmp(v->cli->fail_on, "never") == 0) return EC_EXIT_DONE;
    if (v->verdicts[EC_VERDICT_FAILED] + v->verdicts[EC_VERDICT_ERRORED] > 0) return EC_EXIT_GATE;
    if (strcmp(v->cli->fail_on, "warn") == 0 && v->verdicts[EC_VERDICT_WARNED] > 0) return EC_EXIT_GATE;
    return EC_EXIT_DONE;
}

static void print_counts(const struct validation *v) {
    int shown = 0;
    (void)printf("\n%zu files:", v->checked);
    for (int i = 0; i < EC_VERDICT_COUNT; i++)
        if (v->verdicts[i])
            (void)printf("%s %llu %s", shown++ ? "," : "", (unsigned long long)v->verdicts[i],
                         ec_verdict_name((enum ec_verdict)i));
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
    if (status == EC_OK && !v->cli->json && v->checked > 1) print_counts(v);
    ec_check_targets_deinit(&targets);
    return status;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    struct validation v = {.cli = cli};
    struct ec_config *config;
    enum ec_status status = ec_cli_load(cli, &config, err);
    if (status == EC_OK) status = validate(&v, config, err);
    ec_config_destroy(config);
    return status == EC_OK ? exit_of(&v) : ec_exit_of(status);
}

static const struct ec_option options[] = {
    {"--source", "NAME", "the source that the files are of (default: found by their names)", false},
    {"--as-of", "YYYY-MM-DD", "the run's date, for derived columns (default: today, UTC)", false},
};

const struct ec_command ec_cmd_validate = {
    .name = "validate",
    .summary = "check files against schema and rules; writes nothing",
    .arguments = "FILE...",
    .about = "Reads each file as a run would and prints its verdict: rows read, accepted and rejected, the\n"
             "score and how it came about, every rule that was broken, with the first lines that broke it.\n"
             "With --format json, the validation reports. Members of a zip archive are checked one by one.\n"
             "FILE may be - for standard input. Keys are compared within a file, not with other files or\n"
             "the tables. Exit code 1 where a file failed or could not be read.\n"
             "\n"
             "Examples:\n"
             "  ecluse -C shop validate drop/sales_2025-07-18.csv\n"
             "  curl -s https://example.com/users.csv | ecluse -C shop validate - --source users --fail-on warn",
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .arguments_min = 1,
    .arguments_max = SIZE_MAX,
    .run = run,
};
