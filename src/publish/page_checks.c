/* The facts of the page: checks and columns of each source, its files added up, with their history. */
#include "publish/page_data_private.h"

#include "base/calendar.h"
#include "publish/mask.h"
#include "quality/report.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* ---- checks ---- */

static unsigned check_rank(const struct ec_check_facts *c) {
    static const char *const worst[] = {"critical", "error", "warn", "info"};
    unsigned rank = 0;
    if (c->failed == 0) return 8;
    while (rank < 4 && strcmp(c->severity, worst[rank]) != 0) rank++;
    return rank;
}

static double failed_share(const struct ec_check_facts *c) {
    return c->evaluated ? (double)c->failed / (double)c->evaluated : 0;
}

/* Failed first: by severity, then by share; else by source and id. */
static int by_weight(const void *a, const void *b) {
    const struct ec_sheet_check *x = a, *y = b;
    unsigned rx = check_rank(x->check), ry = check_rank(y->check);
    if (rx != ry) return rx < ry ? -1 : 1;
    double sx = failed_share(x->check), sy = failed_share(y->check);
    if (sx != sy) return sx > sy ? -1 : 1;
    int order = strcmp(x->of->name, y->of->name);
    return order ? order : strcmp(x->check->id, y->check->id);
}

void ec_sheet_collect_checks(struct ec_sheet *s) {
    size_t n = 0;
    for (size_t i = 0; i < s->source_count; i++) n += s->source[i].facts.check_count;
    s->check = ec_arena_calloc(&s->arena, n, sizeof *s->check);
    if (!s->check) {
        s->failed = true;
        return;
    }
    for (size_t i = 0; i < s->source_count; i++)
        for (size_t k = 0; k < s->source[i].facts.check_count; k++)
            s->check[s->check_count++] = (struct ec_sheet_check){&s->source[i], &s->source[i].facts.check[k]};
    if (n) qsort(s->check, n, sizeof *s->check, by_weight);
}

/* The same check of a file, which mostly stands where the source's does. */
static const struct ec_check_facts *check_of(const struct ec_unit *unit, const struct ec_sheet_check *c) {
    size_t at = (size_t)(c->check - c->of->facts.check);
    const struct ec_facts *f = &unit->facts;
    if (at < f->check_count && strcmp(f->check[at].id, c->check->id) == 0) return &f->check[at];
    for (size_t i = 0; i < f->check_count; i++)
        if (strcmp(f->check[i].id, c->check->id) == 0) return &f->check[i];
    return NULL;
}

static void write_samples(struct ec_sheet *s, const struct ec_sheet_check *c) {
    struct ec_json_writer *w = &s->w;
    size_t shown = 0;
    ec_json_array(w, "samples");
    for (size_t u = 0; c->check->failed && u < s->run->unit_count && shown < EC_SAMPLES_MAX; u++) {
        const struct ec_unit *unit = &s->run->unit[u];
        if (!ec_unit_known(unit) || strcmp(unit->source_name, c->of->name) != 0) continue;
        const struct ec_check_facts *own = check_of(unit, c);
        bool masked = own && ec_mask_check(unit, own);
        for (size_t i = 0; own && i < own->sample_count && shown < EC_SAMPLES_MAX; i++, shown++) {
            ec_json_object(w, NULL);
            ec_json_str(w, "file", unit->label);
            ec_json_uint(w, "line", own->sample[i].line);
            ec_sheet_masked(w, "value", own->sample[i].value, masked);
            ec_json_end(w);
        }
    }
    ec_json_end_array(w);
}

/* Where the trend begins: the newest runs of the source that are on the page. */
static size_t trend_first(const struct ec_sheet *s, const struct ec_sheet_source *of) {
    size_t first = of->past_count >= EC_PAGE_TREND_MAX ? of->past_count - EC_PAGE_TREND_MAX + 1 : 0;
    while (first < of->past_count && (!of->past[first]->detailed || ec_sheet_place(s, of->past[first]->run) == EC_NO_RUN))
        first++;
    return first;
}

static void write_check_history(struct ec_sheet *s, const struct ec_sheet_check *c) {
    static const char *const names[] = {"run", "failed", "evaluated"};
    struct ec_json_writer *w = &s->w;
    const struct ec_sheet_source *of = c->of;
    size_t first = trend_first(s, of), n = 0;
    const struct ec_history_count *found[EC_PAGE_TREND_MAX];
    size_t run[EC_PAGE_TREND_MAX];
    assert(of->past_count - first < EC_PAGE_TREND_MAX);
    for (size_t i = first; i < of->past_count; i++) {
        found[n] = ec_history_find(&of->past[i]->check, c->check->id);
        run[n] = ec_sheet_place(s, of->past[i]->run);
        n += found[n] != NULL;
    }
    ec_json_object(w, "history");
    for (int k = 0; k < 3; k++) {
        ec_json_array(w, names[k]);
        for (size_t i = 0; i < n; i++) ec_json_uint(w, NULL, k == 0 ? run[i] : k == 1 ? found[i]->part : found[i]->rest);
        ec_json_uint(w, NULL, k == 0 ? ec_sheet_this_run(s) : k == 1 ? c->check->failed : c->check->evaluated);
        ec_json_end_array(w);
    }
    ec_json_end(w);
}

static const char *change_of(const struct ec_sheet_check *c) {
    uint64_t before = ec_sheet_failed_before(c->of, c->check->id);
    if (before == UINT64_MAX) return NULL;
    if (c->check->failed && before == 0) return "new";
    return !c->check->failed && before > 0 && c->check->evaluated ? "fixed" : NULL;
}

static void write_check(struct ec_sheet *s, const struct ec_sheet_check *of) {
    struct ec_json_writer *w = &s->w;
    const struct ec_check_facts *c = of->check;
    ec_json_object(w, NULL);
    ec_report_check(w, c);
    ec_json_str(w, "source", of->of->name);
    ec_json_double(w, "max_failed_share", c->max_failed);
    write_samples(s, of);
    write_check_history(s, of);
    ec_json_str(w, "change", change_of(of));
    ec_json_end(w);
}

void ec_sheet_checks(struct ec_sheet *s) {
    size_t most = EC_PAGE_DATA_CHECKS_MAX;
    ec_json_array(&s->w, "checks");
    for (size_t i = 0; i < s->check_count && i < most; i++) write_check(s, &s->check[i]);
    ec_json_end_array(&s->w);
    ec_json_uint(&s->w, "checks_cut", s->check_count > most ? s->check_count - most : 0);
}

/* ---- columns ---- */

static void write_bound(struct ec_json_writer *w, const char *key, const struct ec_column_facts *c, int64_t i, double d) {
    char text[48];
    if (!c->bounded) {
        ec_json_null(w, key);
        return;
    }
    switch (c->type.type) {
    case EC_TYPE_FLOAT: ec_json_double(w, key, d); break;
    case EC_TYPE_BOOLEAN: ec_json_str(w, key, i != 0 ? "true" : "false"); break;
    case EC_TYPE_INTEGER: ec_json_int(w, key, i); break;
    case EC_TYPE_DATE: ec_json_text(w, key, (struct ec_str){text, ec_date_format((int32_t)i, text)}); break;
    case EC_TYPE_DATETIME: ec_json_text(w, key, (struct ec_str){text, ec_datetime_format(i, text)}); break;
    case EC_TYPE_DECIMAL: ec_json_raw(w, key, (struct ec_str){text, ec_decimal_format(i, c->type.scale, text)}); break;
    case EC_TYPE_STRING: ec_json_null(w, key); break;
    }
}

static double mean_of(const struct ec_column_facts *c) {
    if (!c->bounded || !c->values || c->type.type == EC_TYPE_DATE || c->type.type == EC_TYPE_DATETIME) return (double)NAN;
    double unit = 1;
    for (unsigned k = 0; c->type.type == EC_TYPE_DECIMAL && k < c->type.scale; k++) unit *= 10;
    return c->sum / (double)c->values / unit;
}

/* The most frequent values, which of a personal column are not shown. */
static void write_top(struct ec_json_writer *w, const struct ec_column_facts *c) {
    struct ec_top top[EC_TOP_SLOTS] = {{0}};
    if (c->top && !ec_mask_is_personal(c->name)) memcpy(top, c->top, sizeof top);
    ec_facts_top_sort(top);
    ec_json_array(w, "top");
    for (size_t i = 0; i < EC_TOP_VALUES && top[i].count; i++) {
        ec_json_object(w, NULL);
        ec_json_text(w, "value", (struct ec_str){top[i].text, top[i].n});
        ec_json_uint(w, "count", top[i].count);
        ec_json_end(w);
    }
    ec_json_end_array(w);
}

static void write_share(struct ec_json_writer *w, uint64_t nulls, uint64_t values) {
    ec_json_fixed(w, NULL, nulls + values ? (double)nulls / (double)(nulls + values) : (double)NAN, 6);
}

static void write_null_history(struct ec_sheet *s, const struct ec_sheet_source *of, const struct ec_column_facts *c) {
    struct ec_json_writer *w = &s->w;
    ec_json_object(w, "null_history");
    for (int k = 0; k < 2; k++) {
        ec_json_array(w, k ? "share" : "run");
        for (size_t i = trend_first(s, of); i < of->past_count; i++) {
            const struct ec_history_count *found = ec_history_find(&of->past[i]->column, c->name);
            if (!found || found->part + found->rest == 0) continue;
            if (k)
                write_share(w, found->part, found->rest);
            else
                ec_json_uint(w, NULL, ec_sheet_place(s, of->past[i]->run));
        }
        if (c->nulls + c->values > 0) {
            if (k)
                write_share(w, c->nulls, c->values);
            else
                ec_json_uint(w, NULL, ec_sheet_this_run(s));
        }
        ec_json_end_array(w);
    }
    ec_json_end(w);
}

/* What the files of the source say of the column beyond its figures: each sentence once. */
static void write_drift(struct ec_sheet *s, const struct ec_sheet_source *of, const struct ec_column_facts *c) {
    const char *shown[8];
    size_t n = 0;
    ec_json_array(&s->w, "drift");
    if (!c->declared && !c->derived) ec_json_str(&s->w, NULL, "not declared");
    for (size_t u = 0; u < s->run->unit_count; u++) {
        const struct ec_unit *unit = &s->run->unit[u];
        if (strcmp(unit->source_name, of->name) != 0) continue;
        for (size_t i = 0; i < unit->drift_count && n < 8; i++) {
            bool again = !strstr(unit->drift[i], c->name);
            for (size_t k = 0; k < n && !again; k++) again = strcmp(shown[k], unit->drift[i]) == 0;
            if (again) continue;
            shown[n++] = unit->drift[i];
            ec_json_str(&s->w, NULL, unit->drift[i]);
        }
    }
    ec_json_end_array(&s->w);
}

static void write_column(struct ec_sheet *s, const struct ec_sheet_source *of, const struct ec_column_facts *c) {
    struct ec_json_writer *w = &s->w;
    char type[32];
    if (c->type.type == EC_TYPE_DECIMAL)
        (void)snprintf(type, sizeof type, "decimal(%u,%u)", c->type.precision, c->type.scale);
    else
        (void)snprintf(type, sizeof type, "%s", ec_type_name(c->type.type));
    uint64_t distinct = c->hll ? ec_facts_distinct(c->hll) : 0;
    ec_json_object(w, NULL);
    ec_json_str(w, "source", of->name);
    ec_json_str(w, "name", c->name);
    ec_json_str(w, "type", type);
    ec_json_bool(w, "declared", c->declared);
    ec_json_bool(w, "derived", c->derived);
    ec_json_uint(w, "values", c->values);
    ec_json_uint(w, "nulls", c->nulls);
    ec_json_uint(w, "distinct", distinct < c->values ? distinct : c->values);
    write_bound(w, "min", c, c->min_i, c->min_d);
    write_bound(w, "max", c, c->max_i, c->max_d);
    ec_json_double(w, "mean", mean_of(c));
    write_top(w, c);
    write_null_history(s, of, c);
    write_drift(s, of, c);
    ec_json_end(w);
}

void ec_sheet_columns(struct ec_sheet *s) {
    size_t left = EC_PAGE_COLUMNS_MAX;
    ec_json_array(&s->w, "columns");
    for (size_t i = 0; i < s->source_count; i++)
        for (size_t k = 0; k < s->source[i].facts.column_count && left > 0; k++, left--)
            write_column(s, &s->source[i], &s->source[i].facts.column[k]);
    ec_json_end_array(&s->w);
}
