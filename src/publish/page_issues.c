/* The facts of the page: what matters most, what changed since the run before, what is unlike other runs. */
#include "publish/page_data_private.h"

#include "base/calendar.h"
#include "base/io.h"
#include "publish/mask.h"

#include <math.h>
#include <stdlib.h>

#define JUDGE_MAX ((size_t)16 * EC_MIB)
#define TEXT_MAX  ((size_t)8 * EC_KIB)

/* ---- issues ---- */

enum kind { KIND_ERRORED, KIND_FAILED, KIND_CHECK, KIND_ANOMALY, KIND_SCHEMA };
static const char *const kind_names[] = {"errored", "failed", "check", "anomaly", "schema"};
static const char *const severity_names[] = {"critical", "error", "warn", "info"};

struct issue {
    enum kind kind;
    unsigned severity; /* place in severity_names */
    double share, rows, money;
    const struct ec_unit *unit;
    const struct ec_sheet_check *check;
    const struct ec_anomaly *anomaly;
    const char *column, *source; /* of a schema's */
    const char *reason;          /* the first sentence of the verdict */
    size_t index;
};

struct issues {
    struct ec_sheet *sheet;
    struct issue *list;
    size_t count, cap;
};

static void add_issue(struct issues *x, struct issue issue) {
    if (x->count == x->cap) return; /* counted before */
    issue.index = x->count;
    x->list[x->count++] = issue;
}

static int by_weight(const void *a, const void *b) {
    const struct issue *x = a, *y = b;
    if (x->severity != y->severity) return x->severity < y->severity ? -1 : 1;
    if (x->kind <= KIND_FAILED || y->kind <= KIND_FAILED)
        if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->share != y->share) return x->share > y->share ? -1 : 1;
    if (x->money != y->money) return x->money > y->money ? -1 : 1;
    if (x->rows != y->rows) return x->rows > y->rows ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static unsigned severity_of(const char *name) {
    unsigned i = 0;
    while (i < 3 && strcmp(severity_names[i], name) != 0) i++;
    return i;
}

static enum ec_status add_units(struct issues *x, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < x->sheet->run->unit_count && status == EC_OK; i++) {
        const struct ec_unit *unit = &x->sheet->run->unit[i];
        struct ec_judgement j;
        ec_arena_reset(&arena);
        enum ec_language before = ec_language_swap(EC_LANGUAGE_EN); /* of `text`; `fr` is said by itself */
        status = ec_judge(unit, &arena, &j, err);
        (void)ec_language_swap(before);
        if (status != EC_OK || (j.verdict != EC_VERDICT_ERRORED && j.verdict != EC_VERDICT_FAILED)) continue;
        const char *reason = j.failure_count ? ec_arena_strdup(&x->sheet->arena, j.failure[0]) : "";
        const struct ec_facts *f = &unit->facts;
        bool known = ec_unit_known(unit);
        double read = (double)f->read, bad = (double)(f->quarantined + f->duplicate);
        add_issue(x, (struct issue){.kind = known ? KIND_FAILED : KIND_ERRORED,
                                    .severity = known ? 1 : 0,
                                    .share = known && f->read ? bad / read : known ? 0 : 1,
                                    .rows = known ? bad : 0,
                                    .money = (double)f->money_e4,
                                    .unit = unit,
                                    .reason = reason ? reason : ""});
    }
    ec_arena_deinit(&arena);
    return status;
}

static void add_checks(struct issues *x) {
    struct ec_sheet *s = x->sheet;
    for (size_t i = 0; i < s->check_count; i++) {
        const struct ec_check_facts *c = s->check[i].check;
        if (!ec_sheet_is_bad(c)) break; /* failed ones come first, but for those that are noted */
        double share = c->evaluated ? (double)c->failed / (double)c->evaluated : 0;
        add_issue(x, (struct issue){.kind = KIND_CHECK, .severity = severity_of(c->severity), .share = share,
                                    .rows = (double)c->failed, .check = &s->check[i], .source = s->check[i].of->name});
    }
}

static void add_others(struct issues *x) {
    struct ec_sheet *s = x->sheet;
    for (size_t i = 0; i < s->run->anomaly_count; i++) {
        const struct ec_anomaly *a = &s->run->anomaly[i];
        if (a->status == EC_ANOMALY_ANOMALOUS)
            add_issue(x, (struct issue){.kind = KIND_ANOMALY, .severity = severity_of(a->severity), .anomaly = a});
    }
    for (size_t i = 0; i < s->source_count; i++) {
        const struct ec_sheet_source *of = &s->source[i];
        for (size_t k = 0; k < of->facts.column_count; k++)
            if (!of->facts.column[k].declared && !of->facts.column[k].derived)
                add_issue(x, (struct issue){.kind = KIND_SCHEMA, .severity = 2, .column = of->facts.column[k].name,
                                            .source = of->name, .rows = (double)of->facts.column[k].values});
    }
}

static void add_french(struct ec_buf *out, const char *text, bool decimal) {
    for (const char *p = text; *p; p++) {
        if (*p == ',')
            ec_buf_addz(out, "\xE2\x80\xAF"); /* narrow no-break space between thousands */
        else
            ec_buf_addc(out, decimal && *p == '.' ? ',' : *p);
    }
}

static void add_count(struct ec_buf *out, double rows, bool french) {
    struct ec_buf text = ec_buf_make(64);
    ec_count_add(&text, (uint64_t)rows);
    if (french)
        add_french(out, ec_buf_str(&text).p, false);
    else
        ec_buf_addz(out, ec_buf_str(&text).p);
    ec_buf_free(&text);
}

static void add_number(struct ec_buf *out, double value, int decimals, bool french) {
    char text[EC_FIXED_TEXT];
    text[isfinite(value) ? ec_double_fixed(value, decimals, text) : 0] = '\0';
    if (french)
        add_french(out, text, true);
    else
        ec_buf_addz(out, text);
}

/* "values break age.type", "rows repeat a key"; what it is that the rows do. */
static void say_rule(struct ec_buf *out, const struct ec_check_facts *c, bool fr) {
    if (strcmp(c->rule, "unique") == 0)
        ec_buf_addz(out, fr ? " lignes répètent une clé (" : " rows repeat a key (");
    else if (strcmp(c->rule, "parse") == 0)
        ec_buf_addz(out, fr ? " enregistrements sont abîmés (" : " records are damaged (");
    else if (fr)
        ec_buf_printf(out, " %s ne respectent pas %s (", c->column ? "valeurs" : "lignes", c->id);
    else
        ec_buf_printf(out, " %s break %s (", c->column ? "values" : "rows", c->id);
}

static void say_check(struct ec_buf *out, const struct issue *i, bool fr) {
    const struct ec_check_facts *c = i->check->check;
    ec_buf_printf(out, fr ? "%s : " : "%s: ", i->check->of->name);
    add_count(out, (double)c->failed, fr);
    ec_buf_addz(out, fr ? " sur " : " of ");
    add_count(out, (double)c->evaluated, fr);
    say_rule(out, c, fr);
    add_number(out, 100 * i->share, 2, fr);
    ec_buf_addz(out, fr ? "\xC2\xA0%)." : " %).");
}

static void say_unit(struct ec_buf *out, const struct issue *i, bool fr) {
    if (i->kind == KIND_ERRORED) {
        ec_buf_printf(out, fr ? "%s n’a pas pu être lu : %s." : "%s could not be read: %s.", i->unit->label, i->reason);
        return;
    }
    if (!fr) {
        ec_buf_printf(out, "%s failed: %s.", i->unit->label, i->reason);
        return;
    }
    struct ec_score score; /* the sentences of the verdict are English: its figures are said here */
    ec_score_compute(i->unit, &score);
    ec_buf_printf(out, "%s a échoué : score ", i->unit->label);
    add_number(out, ec_percent(score.overall), 2, true);
    ec_buf_addz(out, ", complétude ");
    add_number(out, ec_percent(score.dim[EC_DIM_COMPLETENESS]), 2, true);
    ec_buf_addz(out, ", seuil ");
    add_number(out, i->unit->terms.threshold, 2, true);
    ec_buf_addc(out, '.');
}

static void say(struct ec_buf *out, const struct issue *i, bool fr) {
    switch (i->kind) {
    case KIND_ERRORED:
    case KIND_FAILED: say_unit(out, i, fr); break;
    case KIND_CHECK: say_check(out, i, fr); break;
    case KIND_ANOMALY: ec_anomaly_say(out, i->anomaly, fr); break;
    case KIND_SCHEMA:
        ec_buf_printf(out, fr ? "%s : la colonne %s n’est pas déclarée." : "%s: the column %s is not declared.", i->source, i->column);
        break;
    }
}

/* The start of the first of the runs, without a gap until now, in which the check failed. */
static const char *first_seen(const struct ec_sheet *s, const struct issue *i) {
    const char *found = NULL;
    if (i->kind != KIND_CHECK) return NULL;
    const struct ec_sheet_source *of = i->check->of;
    for (size_t k = of->past_count; k-- > 0 && of->past[k]->detailed;) {
        const struct ec_history_count *count = ec_history_find(&of->past[k]->check, i->check->check->id);
        if (!count || count->part == 0) break;
        found = ec_sheet_history(s)->run[of->past[k]->run].started;
    }
    return found;
}

static void write_example(struct ec_sheet *s, const struct issue *i) {
    for (size_t u = 0; i->kind == KIND_CHECK && u < s->run->unit_count; u++) {
        const struct ec_unit *unit = &s->run->unit[u];
        if (strcmp(unit->source_name, i->source) != 0 || !ec_unit_known(unit)) continue;
        for (size_t k = 0; k < unit->facts.check_count; k++) {
            const struct ec_check_facts *c = &unit->facts.check[k];
            if (!c->sample_count || strcmp(c->id, i->check->check->id) != 0) continue;
            ec_json_object(&s->w, "example");
            ec_json_uint(&s->w, "line", c->sample[0].line);
            ec_sheet_masked(&s->w, "value", c->sample[0].value, ec_mask_check(unit, c));
            ec_json_end(&s->w);
            return;
        }
    }
    ec_json_null(&s->w, "example");
}

static void write_issue(struct ec_sheet *s, const struct issue *i) {
    struct ec_json_writer *w = &s->w;
    struct ec_buf text = ec_buf_make(TEXT_MAX);
    const char *seen = first_seen(s, i);
    const char *column = i->kind == KIND_CHECK ? i->check->check->column : i->kind == KIND_ANOMALY ? i->anomaly->column : i->column;
    ec_json_object(w, NULL);
    ec_json_str(w, "severity", severity_names[i->severity]);
    ec_json_str(w, "source", i->unit ? i->unit->source_name : i->anomaly ? i->anomaly->source : i->source);
    ec_json_str(w, "file", i->unit ? i->unit->label : NULL);
    ec_json_str(w, "check", i->check ? i->check->check->id : NULL);
    ec_json_str(w, "column", column);
    ec_json_str(w, "kind", kind_names[i->kind]);
    bool counted = i->kind == KIND_CHECK || i->kind == KIND_FAILED;
    if (counted)
        ec_json_uint(w, "rows", (uint64_t)i->rows);
    else
        ec_json_null(w, "rows");
    ec_json_fixed(w, "share", counted ? i->share : (double)NAN, 6);
    for (int fr = 0; fr < 2; fr++) {
        ec_buf_clear(&text);
        enum ec_language before = ec_language_swap(fr ? EC_LANGUAGE_FR : EC_LANGUAGE_EN);
        say(&text, i, fr);
        (void)ec_language_swap(before);
        ec_json_text(w, fr ? "fr" : "text", ec_buf_str(&text));
    }
    if (seen)
        ec_json_str(w, "first_seen", seen);
    else
        ec_sheet_time(w, "first_seen", true, s->run->started_us);
    write_example(s, i);
    ec_json_end(w);
    ec_buf_free(&text);
}

enum ec_status ec_sheet_issues(struct ec_sheet *s, struct ec_err *err) {
    struct issues x = {.sheet = s, .cap = s->run->unit_count + s->check_count + s->run->anomaly_count};
    for (size_t i = 0; i < s->source_count; i++) x.cap += s->source[i].facts.column_count;
    x.list = ec_arena_calloc(&s->arena, x.cap, sizeof *x.list);
    if (!x.list) return ec_fail(err, EC_NO_MEMORY, "no memory for the facts of the page");
    EC_TRY(add_units(&x, err));
    add_checks(&x);
    add_others(&x);
    if (x.count) qsort(x.list, x.count, sizeof *x.list, by_weight);
    ec_json_array(&s->w, "issues");
    for (size_t i = 0; i < x.count && i < EC_PAGE_ISSUES_MAX; i++) write_issue(s, &x.list[i]);
    ec_json_end_array(&s->w);
    return EC_OK;
}

/* ---- changes ---- */

struct changes {
    struct ec_sheet *s;
    size_t count;
};

enum { GOOD_NO, GOOD_YES, GOOD_NEITHER };

/* When the run was that the source is compared with, where that is not the run before, which read nothing of it. */
static const char *since(const struct changes *c, const char *kind, const struct ec_sheet_source *of) {
    bool own = strcmp(kind, "new_check") == 0 || strcmp(kind, "fixed_check") == 0 || strcmp(kind, "schema") == 0;
    bool last = !own || !of || !of->before || of->before->run + 1 == c->s->past_runs;
    return last ? NULL : ec_sheet_history(c->s)->run[of->before->run].started;
}

static bool begin_change(struct changes *c, const char *kind, const struct ec_sheet_source *of, const char *name) {
    if (c->count++ >= EC_PAGE_CHANGES_MAX) return false;
    struct ec_json_writer *w = &c->s->w;
    ec_json_object(w, NULL);
    ec_json_str(w, "kind", kind);
    ec_json_str(w, "source", of ? of->name : NULL);
    ec_json_str(w, "name", name);
    ec_json_str(w, "since", since(c, kind, of));
    return true;
}

static void end_change(struct changes *c, int good) {
    struct ec_json_writer *w = &c->s->w;
    if (good == GOOD_NEITHER)
        ec_json_null(w, "good");
    else
        ec_json_bool(w, "good", good == GOOD_YES);
    ec_json_end(w);
}

static void change_counts(struct changes *c, const char *kind, const struct ec_sheet_source *of, const char *name, uint64_t before,
                          uint64_t after, int good) {
    if (!begin_change(c, kind, of, name)) return;
    ec_json_uint(&c->s->w, "before", before);
    ec_json_uint(&c->s->w, "after", after);
    end_change(c, good);
}

static void change_run(struct changes *c, const struct ec_history_run *before) {
    const struct ec_totals *t = &c->s->run->totals;
    double was = ec_percent(before->score), is = ec_percent(t->score);
    if (!isnan(was) && !isnan(is) && was != is && begin_change(c, "score", NULL, NULL)) {
        ec_sheet_percent(&c->s->w, "before", was);
        ec_sheet_percent(&c->s->w, "after", is);
        end_change(c, is > was ? GOOD_YES : GOOD_NO);
    }
    if (before->read != t->read) change_counts(c, "rows", NULL, NULL, before->read, t->read, GOOD_NEITHER);
}

static void change_checks(struct changes *c) {
    for (int fixed = 0; fixed < 2; fixed++) {
        for (size_t i = 0; i < c->s->check_count; i++) {
            const struct ec_sheet_check *check = &c->s->check[i];
            uint64_t before = ec_sheet_failed_before(check->of, check->check->id), now = check->check->failed;
            if (before == UINT64_MAX || !check->check->evaluated || (before > 0) == (now > 0) || (now == 0) != fixed) continue;
            change_counts(c, fixed ? "fixed_check" : "new_check", check->of, check->check->id, before, now, fixed);
        }
    }
}

static void change_sources(struct changes *c, size_t last_run) {
    for (size_t i = 0; i < c->s->source_count; i++) {
        const struct ec_sheet_source *of = &c->s->source[i];
        const struct ec_history_point *p = of->past_count ? of->past[of->past_count - 1] : NULL;
        uint64_t before = p && p->run == last_run ? p->files : 0;
        if (before == 0 && of->now.files > 0) change_counts(c, "new_file", of, NULL, 0, of->now.files, GOOD_NEITHER);
        if (before > 0 && of->now.files == 0) change_counts(c, "missing_file", of, NULL, before, 0, GOOD_NO);
    }
}

static void change_columns(struct changes *c) {
    for (size_t i = 0; i < c->s->source_count; i++) {
        const struct ec_sheet_source *of = &c->s->source[i];
        if (!of->before || of->facts.column_count == 0) continue;
        for (size_t k = 0; k < of->facts.column_count; k++) {
            const char *name = of->facts.column[k].name;
            if (of->facts.column[k].derived) continue; /* the configuration's doing */
            if (ec_history_find(&of->before->column, name) || !begin_change(c, "schema", of, name)) continue;
            ec_json_null(&c->s->w, "before");
            ec_json_str(&c->s->w, "after", ec_type_name(of->facts.column[k].type.type));
            end_change(c, GOOD_NEITHER);
        }
        for (size_t k = 0; k < of->before->column.n; k++) {
            const char *name = of->before->column.count[k].name;
            bool there = false;
            for (size_t n = 0; n < of->facts.column_count && !there; n++) there = strcmp(of->facts.column[n].name, name) == 0;
            if (there || !begin_change(c, "schema", of, name)) continue;
            ec_json_str(&c->s->w, "before", "column");
            ec_json_null(&c->s->w, "after");
            end_change(c, GOOD_NEITHER);
        }
    }
}

static void change_anomalies(struct changes *c) {
    for (size_t i = 0; i < c->s->run->anomaly_count; i++) {
        const struct ec_anomaly *a = &c->s->run->anomaly[i];
        const struct ec_sheet_source *of = c->s->source;
        while (of < c->s->source + c->s->source_count && strcmp(of->name, a->source) != 0) of++; /* every source of the run is there */
        if (a->status != EC_ANOMALY_ANOMALOUS || !begin_change(c, "anomaly", of, a->column ? a->column : ec_measure_name(a->measure)))
            continue;
        ec_json_fixed(&c->s->w, "before", a->median, 6);
        ec_json_fixed(&c->s->w, "after", a->value, 6);
        end_change(c, GOOD_NO);
    }
}

void ec_sheet_changes(struct ec_sheet *s) {
    struct changes c = {.s = s};
    ec_json_array(&s->w, "changes");
    if (s->past_runs > 0) {
        change_run(&c, &ec_sheet_history(s)->run[s->past_runs - 1]);
        change_checks(&c);
        change_sources(&c, s->past_runs - 1);
        change_columns(&c);
        change_anomalies(&c);
    }
    ec_json_end_array(&s->w);
}

void ec_sheet_anomalies(struct ec_sheet *s) {
    ec_json_array(&s->w, "anomalies");
    for (size_t i = 0; i < s->run->anomaly_count; i++) ec_anomaly_write(&s->w, NULL, &s->run->anomaly[i]);
    ec_json_end_array(&s->w);
}
