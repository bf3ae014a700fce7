#include "run/export_order.h"

#include "base/calendar.h"
#include "base/io.h"

#include <math.h>
#include <stdlib.h>

/* Years of four digits, whose texts are in the order of the days: 0001-01-01 to 9999-12-31. */
#define DAY_MIN (-719162)
#define DAY_MAX 2932896

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for an export"); }

static enum ec_status say_days(const struct ec_column *from, size_t rows, struct ec_column *to, struct ec_arena *arena, struct ec_err *err) {
    for (size_t row = 0; row < rows; row++) {
        char text[16];
        int32_t day = ec_column_days(from)[row];
        if (!ec_bit(from->valid, row)) continue;
        if (row > 0 && ec_bit(from->valid, row - 1) && ec_column_days(from)[row - 1] == day) {
            ec_column_text(to)[row] = ec_column_text(to)[row - 1];
            continue;
        }
        if (day < DAY_MIN || day > DAY_MAX) return ec_fail(err, EC_TABLE_FORMAT, "a day of another millennium is left to DuckDB");
        size_t n = ec_date_format(day, text);
        const char *copy = ec_arena_copy(arena, text, n);
        if (!copy) return no_memory(err);
        ec_column_text(to)[row] = ec_text_of(copy, n);
    }
    return EC_OK;
}

static const struct ec_column *find(const struct ec_batch *batch, size_t columns, const char *name) {
    for (size_t i = 0; i < columns; i++)
        if (strcmp(batch->column[i].name, name) == 0) return &batch->column[i];
    return NULL;
}

enum ec_status ec_export_add_texts(struct ec_batch *batch, const char *const *name, size_t count, struct ec_arena *arena, struct ec_err *err) {
    size_t columns = batch->columns;
    struct ec_column *column = ec_arena_calloc(arena, columns + count, sizeof *column);
    if (!column) return no_memory(err);
    memcpy(column, batch->column, columns * sizeof *column);
    batch->column = column;
    for (size_t i = 0; i < count; i++) {
        const struct ec_column *from = find(batch, columns, name[i]);
        struct ec_column *to = &column[columns + i];
        if (!from || (from->type.type != EC_TYPE_STRING && from->type.type != EC_TYPE_DATE))
            return ec_fail(err, EC_TABLE_FORMAT, "the column %s is said by DuckDB", name[i]);
        *to = *from;
        to->type = (struct ec_column_type){.type = EC_TYPE_STRING};
        batch->columns++;
        if (from->type.type == EC_TYPE_STRING) continue;
        to->values = ec_arena_calloc(arena, batch->rows, sizeof(struct ec_text));
        if (!to->values) return no_memory(err);
        EC_TRY(say_days(from, batch->rows, to, arena, err));
    }
    return EC_OK;
}

/* ---- order ---- */

static int compare_texts(const struct ec_text *a, const struct ec_text *b) {
    size_t n = a->n < b->n ? a->n : b->n;
    int order = n ? memcmp(ec_text_bytes(a), ec_text_bytes(b), n) : 0;
    return order ? order : (a->n > b->n) - (a->n < b->n);
}

/* NaN stands behind every other value. */
static int compare_doubles(double a, double b) {
    if (isnan(a) || isnan(b)) return (isnan(a) != 0) - (isnan(b) != 0);
    return (a > b) - (a < b);
}

static int compare_values(const struct ec_column *c, size_t a, size_t b) {
    switch (c->type.type) {
    case EC_TYPE_STRING: return compare_texts(&ec_column_text(c)[a], &ec_column_text(c)[b]);
    case EC_TYPE_FLOAT: return compare_doubles(ec_column_double(c)[a], ec_column_double(c)[b]);
    case EC_TYPE_BOOLEAN: return (int)ec_column_bool(c)[a] - (int)ec_column_bool(c)[b];
    case EC_TYPE_DATE: return (ec_column_days(c)[a] > ec_column_days(c)[b]) - (ec_column_days(c)[a] < ec_column_days(c)[b]);
    default: return (ec_column_int(c)[a] > ec_column_int(c)[b]) - (ec_column_int(c)[a] < ec_column_int(c)[b]);
    }
}

static int compare_cells(const struct ec_column *c, size_t a, size_t b) {
    bool x = ec_bit(c->valid, a), y = ec_bit(c->valid, b);
    if (!x || !y) return (int)y - (int)x;
    return compare_values(c, a, b);
}

struct sorting {
    const struct ec_batch *batch;
    size_t first;
};

static int compare_rows(const void *x, const void *y, void *context) {
    const struct sorting *s = context;
    size_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    for (size_t i = s->first; i < s->batch->columns; i++) {
        int order = compare_cells(&s->batch->column[i], a, b);
        if (order) return order;
    }
    for (size_t i = 0; i < s->first; i++) {
        int order = compare_cells(&s->batch->column[i], a, b);
        if (order) return order;
    }
    return (a > b) - (a < b);
}

void ec_export_order(const struct ec_batch *batch, size_t first, uint32_t *order) {
    struct sorting s = {batch, first};
    bool sorted = true;
    for (size_t i = 0; i < batch->rows; i++) {
        order[i] = (uint32_t)i;
        sorted = sorted && (i == 0 || compare_rows(&order[i - 1], &order[i], &s) < 0); /* a model's parts mostly are */
    }
    if (!sorted) qsort_r(order, batch->rows, sizeof *order, compare_rows, &s);
}
