/* Business figures: rows of a statement as columns, and the strip of the newest day. */
#include "run/business.h"

#include "base/calendar.h"

#include <math.h>

/* ---- rows as columns ---- */

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the business figures"); }

static enum ec_figure_kind kind_of(enum ec_type type) {
    if (type == EC_TYPE_INTEGER) return EC_FIGURE_COUNT;
    return type == EC_TYPE_FLOAT || type == EC_TYPE_DECIMAL ? EC_FIGURE_NUMBER : EC_FIGURE_TEXT;
}

static bool make_column(struct ec_arena *arena, const struct ec_column *from, struct ec_figure_column *to) {
    to->name = ec_arena_strdup(arena, from->name);
    to->kind = kind_of(from->type.type);
    to->valid = ec_arena_calloc(arena, EC_BUSINESS_ROWS_MAX, sizeof *to->valid);
    if (to->kind == EC_FIGURE_COUNT) to->count = ec_arena_calloc(arena, EC_BUSINESS_ROWS_MAX, sizeof *to->count);
    if (to->kind == EC_FIGURE_NUMBER) to->number = ec_arena_calloc(arena, EC_BUSINESS_ROWS_MAX, sizeof *to->number);
    if (to->kind == EC_FIGURE_TEXT) to->text = ec_arena_calloc(arena, EC_BUSINESS_ROWS_MAX, sizeof(const char *));
    return to->name && to->valid && (to->count || to->number || to->text);
}

static const char *text_of(struct ec_arena *arena, const struct ec_column *c, size_t row) {
    char text[48];
    switch (c->type.type) {
    case EC_TYPE_DATE: return ec_arena_copy(arena, text, ec_date_format(ec_column_days(c)[row], text));
    case EC_TYPE_DATETIME: return ec_arena_copy(arena, text, ec_datetime_format(ec_column_int(c)[row], text));
    case EC_TYPE_STRING: {
        struct ec_str value = ec_text_str(&ec_column_text(c)[row]);
        return ec_arena_copy(arena, value.p, value.n);
    }
    default: return ec_arena_strdup(arena, "");
    }
}

static bool copy_cell(struct ec_arena *arena, const struct ec_column *from, size_t row, struct ec_figure_column *to, size_t at) {
    double unit = 1;
    to->valid[at] = ec_bit(from->valid, row);
    if (to->kind == EC_FIGURE_TEXT) {
        to->text[at] = to->valid[at] ? text_of(arena, from, row) : NULL;
        return !to->valid[at] || to->text[at];
    }
    if (to->kind == EC_FIGURE_COUNT) {
        to->count[at] = to->valid[at] ? ec_column_int(from)[row] : 0;
        return true;
    }
    for (unsigned k = 0; from->type.type == EC_TYPE_DECIMAL && k < from->type.scale; k++) unit *= 10;
    to->number[at] = !to->valid[at]                       ? (double)NAN
                     : from->type.type == EC_TYPE_DECIMAL ? (double)ec_column_int(from)[row] / unit
                                                          : ec_column_double(from)[row];
    return true;
}

static enum ec_status fetch(struct ec_sql_rows *rows, struct ec_arena *arena, struct ec_figures *f, struct ec_err *err) {
    const struct ec_batch *shape = ec_sql_rows_batch(rows);
    f->column = ec_arena_calloc(arena, shape->columns, sizeof *f->column);
    if (!f->column) return no_memory(err);
    for (size_t i = 0; i < shape->columns; i++, f->column_count++)
        if (!make_column(arena, &shape->column[i], &f->column[i])) return no_memory(err);
    for (;;) {
        struct ec_batch *batch;
        EC_TRY(ec_sql_next(rows, &batch, err));
        if (batch->rows == 0) return EC_OK;
        for (size_t row = 0; row < batch->rows && f->rows < EC_BUSINESS_ROWS_MAX; row++, f->rows++)
            for (size_t i = 0; i < f->column_count; i++)
                if (!copy_cell(arena, &batch->column[i], row, &f->column[i], f->rows)) return no_memory(err);
    }
}

enum ec_status ec_business_query(struct ec_sql *sql, const char *text, struct ec_arena *arena, struct ec_figures **out,
                                 struct ec_err *err) {
    struct ec_sql_rows *rows;
    struct ec_figures *made = ec_arena_calloc(arena, 1, sizeof *made);
    *out = NULL;
    if (!made) return no_memory(err);
    EC_TRY(ec_sql_query(sql, text, &rows, err));
    enum ec_status status = fetch(rows, arena, made, err);
    ec_sql_rows_close(rows);
    if (status == EC_OK) *out = made;
    return status;
}

const struct ec_figure_column *ec_business_column(const struct ec_figures *f, const char *name) {
    for (size_t i = 0; f && i < f->column_count; i++)
        if (strcmp(f->column[i].name, name) == 0) return &f->column[i];
    return NULL;
}

/* ---- the strip ---- */

static double cell(const struct ec_figures *f, const char *name, size_t row) {
    const struct ec_figure_column *c = ec_business_column(f, name);
    if (!c || c->kind == EC_FIGURE_TEXT || (c->valid && !c->valid[row])) return (double)NAN;
    return c->kind == EC_FIGURE_COUNT ? (double)c->count[row] : c->number[row];
}

struct figure {
    const char *name, *table;
    const struct ec_figures *of;
    const char *value, *by; /* the value, divided by another */
    double scale;
    double unit; /* rounded to it */
};

static double value_of(const struct figure *f, size_t row) {
    double value = cell(f->of, f->value, row);
    if (f->by) {
        double by = cell(f->of, f->by, row);
        value = by > 0 ? f->scale * value / by : (double)NAN;
    }
    return isnan(value) ? value : round(value * f->unit) / f->unit;
}

static bool day_at(const struct ec_figures *f, size_t row, int32_t *day) {
    const struct ec_figure_column *c = ec_business_column(f, "day");
    const char *text = c && c->kind == EC_FIGURE_TEXT ? c->text[row] : NULL;
    return text && ec_date_parse(text, strlen(text), day);
}

/* The newest day before the run's, and the EC_BUSINESS_SERIES days up to it; a day without rows is unknown. */
static void add_figure(struct ec_business *b, const struct figure *from, int32_t run_date) {
    struct ec_business_figure *to = &b->figure[b->figure_count++];
    int32_t day, newest = INT32_MIN;
    char text[16];
    *to = (struct ec_business_figure){.name = from->name, .table = from->table, .value = (double)NAN, .before = (double)NAN};
    for (size_t i = 0; from->of && i < from->of->rows; i++)
        if (day_at(from->of, i, &day) && day < run_date && day > newest) newest = day;
    if (newest == INT32_MIN) return;
    to->day = ec_arena_copy(&b->arena, text, ec_date_format(newest, text));
    to->series = ec_arena_calloc(&b->arena, EC_BUSINESS_SERIES, sizeof *to->series);
    if (!to->series) return; /* nothing is shown then */
    to->series_count = EC_BUSINESS_SERIES;
    for (size_t i = 0; i < EC_BUSINESS_SERIES; i++) to->series[i] = (double)NAN;
    for (size_t i = 0; i < from->of->rows; i++) {
        if (!day_at(from->of, i, &day) || day > newest || day <= newest - (int32_t)EC_BUSINESS_SERIES) continue;
        to->series[(int32_t)EC_BUSINESS_SERIES - 1 - (newest - day)] = value_of(from, i);
    }
    to->value = to->series[EC_BUSINESS_SERIES - 1];
    to->before = to->series[EC_BUSINESS_SERIES - 2];
}

void ec_business_strip(struct ec_business *b, int32_t run_date, const struct ec_figures *abandonment,
                       const struct ec_figures *latency) {
    const struct ec_figures *sales = b->part[EC_BUSINESS_SALES], *funnel = b->part[EC_BUSINESS_FUNNEL_DAILY];
    const struct figure figures[EC_BUSINESS_STRIP] = {
        {"revenue", "sales_kpi", sales, "revenue", NULL, 1, 100},
        {"orders", "sales_kpi", sales, "orders", NULL, 1, 1},
        {"average_order", "sales_kpi", sales, "revenue", "orders", 1, 100},
        {"conversion", "funnel_daily", funnel, "converted", "sessions", 100, 1e4},
        {"abandonment", "funnel_daily", abandonment, "value", NULL, 1, 1e4},
        {"p95_latency", "api_latency_daily", latency, "value", NULL, 1, 1e3},
    };
    for (size_t i = 0; i < EC_BUSINESS_STRIP; i++) add_figure(b, &figures[i], run_date);
}
