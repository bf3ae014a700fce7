#include "quality/report.h"

#include "base/calendar.h"
#include "base/io.h"

#include <math.h>

#define REPORT_MAX ((size_t)64 * EC_MIB)
#define JUDGE_MAX  ((size_t)16 * EC_MIB)

static void write_percent(struct ec_json_writer *w, const char *key, double value) {
    ec_json_fixed(w, key, ec_percent(value), 2); /* NAN writes null */
}

static void write_count(struct ec_json_writer *w, const char *key, bool known, uint64_t value) {
    if (known)
        ec_json_uint(w, key, value);
    else
        ec_json_null(w, key);
}

static void write_texts(struct ec_json_writer *w, const char *key, const char *const *list, size_t count) {
    ec_json_array(w, key);
    for (size_t i = 0; i < count; i++) ec_json_str(w, NULL, list[i]);
    ec_json_end_array(w);
}

static void write_errors(struct ec_json_writer *w, const struct ec_judgement *j) {
    if (j->failure_count + j->violation_count == 0) {
        ec_json_null(w, "errors");
        return;
    }
    ec_json_array(w, "errors");
    for (size_t i = 0; i < j->failure_count; i++) ec_json_str(w, NULL, j->failure[i]);
    for (size_t i = 0; i < j->violation_count; i++) ec_json_str(w, NULL, j->violation[i]);
    ec_json_end_array(w);
}

/* Columns that the file has; derived ones it has not. */
static size_t file_columns(const struct ec_unit *unit) {
    size_t n = 0;
    for (size_t i = 0; i < unit->facts.column_count; i++) n += !unit->facts.column[i].derived;
    return n > unit->missing_count ? n - unit->missing_count : 0;
}

/* The fields that programs have been reading since before this one. */
static void write_head(struct ec_json_writer *w, const struct ec_unit *unit, const struct ec_judgement *j) {
    bool known = ec_unit_known(unit);
    const struct ec_facts *f = &unit->facts;
    ec_json_str(w, "filename", ec_report_file(unit->path, unit->member));
    ec_json_str(w, "source", unit->source_name);
    write_count(w, "rows", known, f->read);
    write_count(w, "columns", known, file_columns(unit));
    write_count(w, "missing_values", known, f->cells_missing);
    write_percent(w, "completeness", j->score.dim[EC_DIM_COMPLETENESS]);
    ec_json_double(w, "threshold", unit->terms.threshold);
    ec_json_str(w, "status", ec_verdict_name(j->verdict));
    ec_json_str(w, "validated_at", unit->validated_at);
    write_errors(w, j);
}

static void write_input(struct ec_json_writer *w, const struct ec_unit *unit) {
    const struct ec_facts *f = &unit->facts;
    ec_json_object(w, "input");
    ec_json_str(w, "path", unit->path);
    ec_json_str(w, "member", unit->member);
    ec_json_uint(w, "bytes", unit->bytes);
    ec_json_str(w, "sha256", unit->sha256[0] ? unit->sha256 : NULL);
    ec_json_str(w, "encoding", f->encoding);
    ec_json_str(w, "compression", f->compression);
    ec_json_str(w, "layout", f->layout);
    write_count(w, "bytes_decoded", f->bytes_decoded > 0, f->bytes_decoded);
    ec_json_end(w);
}

/* Whether a row that fails the check carries the reason "rule:<id>". */
static bool is_rule_reason(const struct ec_check_facts *c) {
    static const char *const own[] = {"parse", "type", "unique", "not_null"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(c->rule, own[i]) == 0) return false;
    return strcmp(c->action, "keep") != 0;
}

static void write_reasons(struct ec_json_writer *w, const struct ec_facts *f) {
    ec_json_object(w, "by_reason");
    for (int i = 0; i < EC_REASON_COUNT; i++)
        if (f->by_reason[i] && i != EC_REASON_RULE)
            ec_json_uint(w, ec_reason_text((enum ec_reason)i)->slug, f->by_reason[i]);
    for (size_t i = 0; i < f->check_count; i++) {
        const struct ec_check_facts *c = &f->check[i];
        char key[512];
        (void)snprintf(key, sizeof key, "rule:%s", c->id);
        if (c->failed && is_rule_reason(c)) ec_json_uint(w, key, c->failed);
    }
    ec_json_end(w);
}

static void write_rows(struct ec_json_writer *w, const struct ec_unit *unit) {
    const struct ec_facts *f = &unit->facts;
    bool known = ec_unit_known(unit);
    ec_json_object(w, "rows_detail");
    write_count(w, "read", known, f->read);
    write_count(w, "accepted", known, f->accepted);
    write_count(w, "quarantined", known, f->quarantined);
    write_count(w, "duplicate", known, f->duplicate);
    if (known)
        write_reasons(w, f);
    else
        ec_json_null(w, "by_reason");
    ec_json_end(w);
}

/* A bound in the column's own type: numbers as numbers, dates as their text. */
static void write_bound(struct ec_json_writer *w, const char *key, const struct ec_column_facts *c, int64_t i,
                        double d) {
    char text[48];
    if (!c->bounded) {
        ec_json_null(w, key);
        return;
    }
    switch (c->type.type) {
    case EC_TYPE_FLOAT: ec_json_double(w, key, d); break;
    case EC_TYPE_BOOLEAN: ec_json_bool(w, key, i != 0); break;
    case EC_TYPE_INTEGER: ec_json_int(w, key, i); break;
    case EC_TYPE_DATE: ec_json_text(w, key, (struct ec_str){text, ec_date_format((int32_t)i, text)}); break;
    case EC_TYPE_DATETIME: ec_json_text(w, key, (struct ec_str){text, ec_datetime_format(i, text)}); break;
    case EC_TYPE_DECIMAL: {
        /* Divided, not scaled back: both are exact up to the one rounding of a double. */
        double unit = 1;
        for (unsigned k = 0; k < c->type.scale; k++) unit *= 10;
        ec_json_fixed(w, key, (double)i / unit, c->type.scale);
        break;
    }
    case EC_TYPE_STRING: ec_json_null(w, key); break;
    }
}

static double column_mean(const struct ec_column_facts *c) {
    if (!c->bounded || c->values == 0) return (double)NAN;
    if (c->type.type == EC_TYPE_DATE || c->type.type == EC_TYPE_DATETIME) return (double)NAN;
    double unit = 1;
    if (c->type.type == EC_TYPE_DECIMAL)
        for (unsigned k = 0; k < c->type.scale; k++) unit *= 10;
    return c->sum / (double)c->values / unit;
}

static void write_top(struct ec_json_writer *w, const struct ec_column_facts *c) {
    if (!c->top) {
        ec_json_null(w, "top");
        return;
    }
    struct ec_top top[EC_TOP_SLOTS];
    memcpy(top, c->top, sizeof top);
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

static void write_column(struct ec_json_writer *w, const struct ec_column_facts *c) {
    char type[32];
    if (c->type.type == EC_TYPE_DECIMAL)
        (void)snprintf(type, sizeof type, "decimal(%u,%u)", c->type.precision, c->type.scale);
    else
        (void)snprintf(type, sizeof type, "%s", ec_type_name(c->type.type));
    uint64_t distinct = ec_facts_distinct(c->hll);
    ec_json_object(w, NULL);
    ec_json_str(w, "name", c->name);
    ec_json_str(w, "type", type);
    ec_json_bool(w, "declared", c->declared);
    ec_json_bool(w, "derived", c->derived);
    ec_json_uint(w, "nulls", c->nulls);
    ec_json_uint(w, "values", c->values);
    ec_json_uint(w, "distinct_approx", distinct < c->values ? distinct : c->values);
    write_bound(w, "min", c, c->min_i, c->min_d);
    write_bound(w, "max", c, c->max_i, c->max_d);
    ec_json_double(w, "mean", column_mean(c));
    write_top(w, c);
    ec_json_end(w);
}

void ec_report_check(struct ec_json_writer *w, const struct ec_check_facts *c) {
    ec_json_str(w, "id", c->id);
    ec_json_str(w, "rule", c->rule);
    ec_json_str(w, "column", c->column);
    ec_json_str(w, "dimension", c->dimension);
    ec_json_str(w, "severity", c->severity);
    ec_json_str(w, "action", c->action);
    ec_json_str(w, "status", ec_check_status(c));
    ec_json_uint(w, "evaluated", c->evaluated);
    ec_json_uint(w, "failed", c->failed);
}

static void write_check(struct ec_json_writer *w, const struct ec_check_facts *c) {
    ec_json_object(w, NULL);
    ec_report_check(w, c);
    ec_json_double(w, "max_failed", c->max_failed);
    ec_json_array(w, "samples");
    for (size_t i = 0; i < c->sample_count; i++) {
        ec_json_object(w, NULL);
        ec_json_uint(w, "line", c->sample[i].line);
        ec_json_str(w, "value", c->sample[i].value);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_json_end(w);
}

static void write_measures(struct ec_json_writer *w, const struct ec_unit *unit) {
    const struct ec_facts *f = &unit->facts;
    bool known = ec_unit_known(unit);
    ec_json_object(w, "schema");
    write_texts(w, "missing", unit->missing, unit->missing_count);
    write_texts(w, "undeclared", unit->undeclared, unit->undeclared_count);
    write_texts(w, "drift", unit->drift, unit->drift_count);
    ec_json_end(w);
    ec_json_array(w, "column_profiles");
    for (size_t i = 0; known && i < f->column_count; i++) write_column(w, &f->column[i]);
    ec_json_end_array(w);
    ec_json_array(w, "checks");
    for (size_t i = 0; known && i < f->check_count; i++) write_check(w, &f->check[i]);
    ec_json_end_array(w);
}

static void write_anomalies(struct ec_json_writer *w, const struct ec_unit *unit) {
    ec_json_array(w, "anomalies");
    for (size_t i = 0; i < unit->anomaly_count; i++) ec_anomaly_write(w, NULL, &unit->anomaly[i]);
    ec_json_end_array(w);
}

static void write_seconds(struct ec_json_writer *w, const char *key, int64_t ns) {
    ec_json_fixed(w, key, (double)ns / 1e9, 6);
}

static void write_timing(struct ec_json_writer *w, const struct ec_unit *unit) {
    const struct ec_facts *f = &unit->facts;
    double us = (double)f->elapsed_us;
    bool known = ec_unit_known(unit);
    ec_json_object(w, "timing");
    ec_json_fixed(w, "seconds", (double)unit->elapsed_us / 1e6, 6);
    ec_json_fixed(w, "worker_seconds", us / 1e6, 6);
    write_seconds(w, "cpu_seconds", f->time.cpu_ns + f->time.again_cpu_ns);
    ec_json_object(w, "parts");
    for (int i = 0; i < EC_WORK_PARTS; i++)
        write_seconds(w, ec_work_part_name((enum ec_work_part)i), f->time.part_ns[i]);
    write_seconds(w, "again", f->time.again_ns);
    ec_json_end(w);
    /* Unknown is null. */
    ec_json_fixed(w, "mb_per_second", known && us > 0 ? (double)f->bytes_decoded / us : (double)NAN, 1);
    ec_json_fixed(w, "rows_per_second", known && us > 0 ? (double)f->read * 1e6 / us : (double)NAN, 0);
    ec_json_fixed(w, "ns_per_row", known && f->read > 0 ? us * 1e3 / (double)f->read : (double)NAN, 1);
    ec_json_end(w);
}

static void write_verdict(struct ec_json_writer *w, const struct ec_unit *unit, const struct ec_judgement *j) {
    ec_json_object(w, "scores");
    write_percent(w, "overall", j->score.overall);
    for (int i = 0; i < EC_DIM_COUNT; i++) write_percent(w, ec_dimension_name((enum ec_dimension)i), j->score.dim[i]);
    ec_json_end(w);
    ec_json_object(w, "gate");
    ec_json_str(w, "status", ec_verdict_name(j->verdict));
    ec_json_double(w, "threshold", unit->terms.threshold);
    ec_json_str(w, "arithmetic", j->arithmetic);
    write_texts(w, "failures", j->failure, j->failure_count);
    ec_json_end(w);
    ec_json_object(w, "fingerprints");
    ec_json_str(w, "input", unit->sha256[0] ? unit->sha256 : NULL);
    ec_json_str(w, "rules", unit->rules[0] ? unit->rules : NULL);
    ec_json_str(w, "program", unit->program);
    ec_json_end(w);
    write_timing(w, unit);
}

enum ec_status ec_report_write(const struct ec_unit *unit, struct ec_buf *out, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    struct ec_judgement j;
    enum ec_status status = ec_judge(unit, &arena, &j, err);
    if (status != EC_OK) goto done;
    struct ec_json_writer w;
    ec_json_init(&w, out);
    w.pretty = true;
    ec_json_object(&w, NULL);
    write_head(&w, unit, &j);
    ec_json_str(&w, "report_version", "1");
    ec_json_str(&w, "run", unit->run);
    write_input(&w, unit);
    write_rows(&w, unit);
    write_measures(&w, unit);
    write_anomalies(&w, unit);
    write_verdict(&w, unit, &j);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
    status = ec_buf_check(out, err);
done:
    ec_arena_deinit(&arena);
    return status;
}

enum ec_status ec_report_save(const char *dir, const struct ec_unit *unit, struct ec_durable *durable,
                              struct ec_err *err) {
    struct ec_buf text = ec_buf_make(REPORT_MAX);
    char name[EC_REPORT_NAME_MAX], path[4096];
    ec_report_name(unit->label, name);
    enum ec_status status = ec_report_write(unit, &text, err);
    if (status == EC_OK) status = ec_path_join(path, sizeof path, dir, name, err);
    if (status == EC_OK) status = ec_durable_put(durable, path, text.p, text.n, err);
    ec_buf_free(&text);
    return status;
}
