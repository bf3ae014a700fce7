#include "publish/alert_note.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/utf8.h"
#include "publish/mask.h"
#include "publish/visible.h"
#include "quality/report.h"

#include <math.h>

#define ARENA_MAX ((size_t)32 * EC_MIB)
#define JUDGE_MAX ((size_t)16 * EC_MIB)
#define TITLE_MAX 160u

static const char *const kinds[] = {"problem", "recovery", "test"};

const char *ec_note_kind_name(enum ec_note_kind kind) { return kinds[kind]; }

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for an alert");
}

void ec_note_cut(struct ec_buf *out, const char *text, size_t n_max) {
    size_t n = strlen(text);
    if (n <= n_max) {
        ec_buf_add(out, text, n);
        return;
    }
    ec_buf_add(out, text, ec_utf8_truncate(text, n, n_max));
    ec_buf_addz(out, "…");
}

/* A copy that may be shown. */
static const char *shown(struct ec_alert_note *note, const char *text) {
    struct ec_buf visible = ec_buf_make(EC_MIB), cut = ec_buf_make(EC_NOTE_TEXT_MAX + 8);
    ec_visible_add(&visible, ec_str_of(text));
    ec_buf_addc(&visible, '\0');
    if (!visible.failed) ec_note_cut(&cut, visible.p, EC_NOTE_TEXT_MAX);
    const char *copy = visible.failed || cut.failed ? NULL : ec_arena_copy(&note->arena, ec_buf_str(&cut).p, cut.n);
    ec_buf_free(&visible);
    ec_buf_free(&cut);
    return copy;
}

/* ---- the issues ---- */

/* Of the file as a whole; EC_SEVERITY_INFO: nothing to tell. */
static enum ec_severity severity_of(const struct ec_unit *unit, enum ec_verdict verdict) {
    if (verdict == EC_VERDICT_ERRORED) return EC_SEVERITY_ERROR;
    if (verdict == EC_VERDICT_WARNED) return EC_SEVERITY_WARN;
    if (verdict != EC_VERDICT_FAILED) return EC_SEVERITY_INFO;
    for (size_t i = 0; i < unit->facts.check_count; i++)
        if (unit->facts.check[i].failed > 0 && strcmp(unit->facts.check[i].severity, "critical") == 0) return EC_SEVERITY_CRITICAL;
    return EC_SEVERITY_ERROR;
}

static void add_examples(struct ec_alert_note *note, struct ec_note_issue *issue, const struct ec_unit *unit) {
    struct ec_buf text = ec_buf_make((size_t)64 * EC_KIB), value = ec_buf_make((size_t)64 * EC_KIB);
    for (size_t i = 0; i < unit->facts.check_count && issue->examples < EC_NOTE_EXAMPLES_MAX; i++) {
        const struct ec_check_facts *c = &unit->facts.check[i];
        if (c->failed == 0 || c->sample_count == 0) continue;
        ec_buf_clear(&text);
        ec_buf_clear(&value);
        ec_mask_sample(&value, &c->sample[0], ec_mask_check(unit, c));
        ec_buf_printf(&text, _("line %llu, %s"), (unsigned long long)c->sample[0].line, c->id);
        if (value.n) {
            ec_buf_addz(&text, ": ");
            ec_buf_add(&text, value.p, value.n);
        }
        if (!text.failed && (issue->example[issue->examples] = shown(note, text.p))) issue->examples++;
    }
    ec_buf_free(&text);
    ec_buf_free(&value);
}

static void add_reasons(struct ec_alert_note *note, struct ec_note_issue *issue, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (issue->reasons == EC_NOTE_REASONS_MAX)
            issue->reasons_cut++;
        else if ((issue->reason[issue->reasons] = shown(note, list[i])))
            issue->reasons++;
    }
}

static void add_issue(struct ec_alert_note *note, const struct ec_unit *unit, const struct ec_judgement *j, enum ec_severity severity) {
    if (note->issues == EC_NOTE_ISSUES_MAX) {
        note->issues_cut++;
        return;
    }
    char report[EC_REPORT_NAME_MAX];
    struct ec_note_issue *issue = &note->issue[note->issues++];
    ec_report_name(unit->label, report);
    *issue = (struct ec_note_issue){.severity = severity,
                                    .source = shown(note, unit->source_name),
                                    .path = shown(note, unit->path),
                                    .member = unit->member ? shown(note, unit->member) : NULL,
                                    .verdict = ec_verdict_name(j->verdict),
                                    .report = shown(note, report)};
    issue->remedy = ec_status_text(j->verdict == EC_VERDICT_ERRORED ? unit->status : EC_GATE_FAILED)->remedy;
    add_reasons(note, issue, j->failure, j->failure_count);
    add_reasons(note, issue, j->violation, j->violation_count);
    if (ec_unit_known(unit)) add_examples(note, issue, unit);
}

/* ---- the problems, by which a repetition is known ---- */

static void add_problem(struct ec_alert_note *note, const struct ec_unit *unit, const char *what) {
    if (note->problems == EC_NOTE_PROBLEMS_MAX) return;
    struct ec_buf text = ec_buf_make((size_t)64 * EC_KIB);
    ec_buf_printf(&text, "%s/%s", unit->source_name, what);
    const char *problem = text.failed ? NULL : shown(note, text.p);
    ec_buf_free(&text);
    for (size_t i = 0; problem && i < note->problems; i++)
        if (strcmp(note->problem[i], problem) == 0) return;
    if (problem) note->problem[note->problems++] = problem;
}

static bool is_under(double value, const struct ec_unit *unit) {
    return !isnan(value) && value + EC_SCORE_ROUNDING < unit->terms.threshold;
}

static void add_problems(struct ec_alert_note *note, const struct ec_unit *unit, const struct ec_judgement *j) {
    char what[EC_NOTE_TEXT_MAX];
    size_t before = note->problems;
    if (j->verdict == EC_VERDICT_ERRORED) { /* each file for itself: another one is another problem */
        (void)snprintf(what, sizeof what, "%s:%s", ec_status_text(unit->status)->slug, unit->label);
        add_problem(note, unit, what);
        return;
    }
    if (j->verdict == EC_VERDICT_FAILED && is_under(j->score.overall, unit)) add_problem(note, unit, "score");
    if (j->verdict == EC_VERDICT_FAILED && is_under(j->score.dim[EC_DIM_COMPLETENESS], unit)) add_problem(note, unit, "completeness");
    for (size_t i = 0; i < unit->facts.check_count; i++) {
        const struct ec_check_facts *c = &unit->facts.check[i];
        if (c->failed == 0 || strcmp(c->severity, "info") == 0) continue;
        bool many = !isnan(c->max_failed) && (double)c->failed > c->max_failed * (double)unit->facts.read * (1 + EC_SCORE_ROUNDING);
        bool fails = many || strcmp(c->severity, "critical") == 0;
        if (fails || j->verdict == EC_VERDICT_WARNED) add_problem(note, unit, c->id);
    }
    if (note->problems == before) add_problem(note, unit, ec_verdict_name(j->verdict));
}

/* ---- the whole ---- */

static enum ec_status add_units(struct ec_alert_note *note, const struct ec_run_facts *run, const size_t *order, enum ec_severity wanted,
                                bool worse, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < run->unit_count && status == EC_OK; i++) {
        const struct ec_unit *unit = &run->unit[order[i]];
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(unit, &arena, &j, err);
        if (status != EC_OK) break;
        enum ec_severity severity = severity_of(unit, j.verdict);
        if (worse ? severity != EC_SEVERITY_CRITICAL : severity < wanted || severity == EC_SEVERITY_CRITICAL) continue;
        if (severity > note->severity) note->severity = severity;
        add_issue(note, unit, &j, severity);
        add_problems(note, unit, &j);
    }
    ec_arena_deinit(&arena);
    return status;
}

static enum ec_status list_sources(struct ec_alert_note *note, const struct ec_run_facts *run, struct ec_err *err) {
    note->source = ec_arena_calloc(&note->arena, run->unit_count, sizeof *note->source);
    if (!note->source) return no_memory(err);
    for (size_t i = 0; i < run->unit_count; i++) {
        bool known = run->unit[i].skipped;
        for (size_t k = 0; k < note->sources && !known; k++) known = strcmp(note->source[k], run->unit[i].source_name) == 0;
        if (!known) note->source[note->sources++] = run->unit[i].source_name;
    }
    return EC_OK;
}

/* "boutique: 2 files could not be read, 1 failed" */
static enum ec_status make_title(struct ec_alert_note *note, struct ec_err *err) {
    const uint64_t *v = note->totals.verdicts;
    struct ec_buf text = ec_buf_make(1024);
    ec_note_cut(&text, note->project, TITLE_MAX / 2);
    ec_buf_addz(&text, _(": "));
    size_t from = text.n;
    const struct {
        enum ec_verdict verdict;
        const char *what;
    } parts[] = {{EC_VERDICT_ERRORED, P_("file could not be read", "files could not be read", v[EC_VERDICT_ERRORED])},
                 {EC_VERDICT_FAILED, P_("file failed", "files failed", v[EC_VERDICT_FAILED])},
                 {EC_VERDICT_WARNED, P_("file with warnings", "files with warnings", v[EC_VERDICT_WARNED])}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        uint64_t n = v[parts[i].verdict];
        if (n == 0) continue;
        if (text.n > from) ec_buf_addz(&text, ", ");
        ec_count_add(&text, n);
        ec_buf_printf(&text, " %s", parts[i].what);
    }
    if (text.n == from) ec_buf_addz(&text, _("all is well"));
    note->title = text.failed ? NULL : ec_arena_copy(&note->arena, text.p, text.n);
    ec_buf_free(&text);
    return note->title ? EC_OK : no_memory(err);
}

static enum ec_status begin(struct ec_alert_note *note, const char *project, const char *run, int64_t at_us, struct ec_err *err) {
    char when[32];
    *note = (struct ec_alert_note){.at_us = at_us / EC_MICROS_PER_SECOND * EC_MICROS_PER_SECOND};
    ec_arena_init(&note->arena, ARENA_MAX);
    when[ec_datetime_format(note->at_us, when)] = '\0';
    note->project = shown(note, project);
    note->run = shown(note, run);
    note->started = shown(note, when);
    return note->project && note->run && note->started ? EC_OK : no_memory(err);
}

enum ec_status ec_alert_note_make(struct ec_alert_note *note, const struct ec_run_facts *run, const char *project,
                                  enum ec_severity least, struct ec_err *err) {
    EC_TRY(begin(note, project, run->run, run->started_us, err));
    note->totals = run->totals;
    note->has_totals = true;
    size_t *order = ec_calloc(run->unit_count + 1, sizeof *order);
    if (!order) return no_memory(err);
    enum ec_status status = ec_run_worst_first(run, order, err);
    /* What is critical first, then in the order of the report. */
    if (status == EC_OK) status = add_units(note, run, order, least, true, err);
    if (status == EC_OK) status = add_units(note, run, order, least, false, err);
    ec_free(order);
    if (status == EC_OK) status = list_sources(note, run, err);
    return status == EC_OK ? make_title(note, err) : status;
}

enum ec_status ec_alert_note_recover(struct ec_alert_note *note, struct ec_err *err) {
    note->kind = EC_NOTE_RECOVERY;
    note->severity = EC_SEVERITY_INFO;
    note->issues = note->issues_cut = 0;
    note->title = ec_arena_printf(&note->arena, _("%s: all is well again"), note->project);
    return note->title ? EC_OK : no_memory(err);
}

enum ec_status ec_alert_note_test(struct ec_alert_note *note, const char *project, const char *run, int64_t now_us, struct ec_err *err) {
    EC_TRY(begin(note, project, run, now_us, err));
    note->kind = EC_NOTE_TEST;
    note->title = ec_arena_printf(&note->arena, _("%s: a test of this alert"), note->project);
    return note->title ? EC_OK : no_memory(err);
}

void ec_alert_note_deinit(struct ec_alert_note *note) {
    ec_arena_deinit(&note->arena);
}

/* ---- as text ---- */

static void add_issue_text(struct ec_buf *out, size_t number, const struct ec_note_issue *issue) {
    ec_buf_printf(out, _("\n%zu. [%s] %s%s%s (source %s): %s\n"), number, _(ec_severity_name(issue->severity)), issue->path,
                  issue->member ? _(", member ") : "", issue->member ? issue->member : "", issue->source, _(issue->verdict));
    for (size_t i = 0; i < issue->reasons; i++) ec_buf_printf(out, "   - %s\n", issue->reason[i]);
    if (issue->reasons_cut) ec_buf_printf(out, _("   - and %zu more in the report\n"), issue->reasons_cut);
    for (size_t i = 0; i < issue->examples; i++) ec_buf_printf(out, _("   For example: %s\n"), issue->example[i]);
    ec_buf_printf(out, _("   What to do: %s\n   Report: data/quality/%s\n"), _(issue->remedy), issue->report);
}

void ec_alert_note_text(const struct ec_alert_note *note, const char *dashboard, struct ec_buf *out) {
    const struct ec_totals *t = &note->totals;
    ec_buf_printf(out, "%s\n\n", note->title);
    if (note->kind == EC_NOTE_TEST) ec_buf_addz(out, _("If you read this, alerts arrive here. Nothing is wrong, and nothing is to be done.\n\n"));
    if (note->kind == EC_NOTE_RECOVERY) ec_buf_addz(out, _("What an earlier alert told of has not come up again in this run.\n\n"));
    ec_buf_printf(out, "%s %s, %s\n", note->kind == EC_NOTE_TEST ? _("Sent by") : _("Run"), note->run, note->started);
    if (note->has_totals) {
        ec_buf_addz(out, _("Rows read "));
        ec_count_add(out, t->read);
        ec_buf_addz(out, _(", accepted "));
        ec_count_add(out, t->accepted);
        ec_buf_addz(out, _(", quarantined "));
        ec_count_add(out, t->quarantined);
        ec_buf_addz(out, _(", duplicates "));
        ec_count_add(out, t->duplicate);
        ec_buf_addz(out, "\n");
    }
    for (size_t i = 0; i < note->issues; i++) add_issue_text(out, i + 1, &note->issue[i]);
    if (note->issues_cut) ec_buf_printf(out, _("\nand %zu more on the dashboard\n"), note->issues_cut);
    ec_buf_printf(out, _("\nDashboard: %s\n"), dashboard ? dashboard : EC_NOTE_DASHBOARD);
}
