/* The narrow rows of a run: row numbers and values. */
#include "run/wide_rows.h"

#include "base/io.h"

#include <stdlib.h>

#define ARENA_MAX ((size_t)4 * EC_GIB)
#define TEXT_MAX  ((size_t)512 * EC_MIB)

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the rows of a wide model"); }

enum ec_status wide_values_init(struct wide_values *v, const struct ec_model_wide *plan, const struct ec_model_table *table,
                                struct ec_err *err) {
    *v = (struct wide_values){.tables = plan->table_count, .values = plan->value_count};
    ec_arena_init(&v->arena, ARENA_MAX);
    ec_arena_init(&v->text, TEXT_MAX);
    v->id = ec_arena_calloc(&v->arena, v->tables, sizeof *v->id);
    v->value = ec_arena_calloc(&v->arena, v->values, sizeof *v->value);
    bool done = v->id && v->value;
    for (size_t t = 0; done && t < v->tables; t++) done = (v->id[t] = ec_arena_alloc(&v->arena, WIDE_RUN_ROWS * sizeof(uint64_t))) != NULL;
    for (size_t i = 0; done && i < plan->column_count; i++) {
        if (plan->column[i].table != SIZE_MAX) continue;
        struct wide_value *value = &v->value[plan->column[i].value];
        value->type = table->column[i].type;
        value->width = ec_type_width(value->type.type);
        value->values = ec_arena_alloc(&v->arena, WIDE_RUN_ROWS * value->width);
        value->valid = ec_arena_calloc(&v->arena, WIDE_RUN_ROWS / 64, sizeof *value->valid);
        done = value->values && value->valid;
    }
    return done ? EC_OK : no_memory(err);
}

void wide_values_deinit(struct wide_values *v) {
    ec_arena_deinit(&v->arena);
    ec_arena_deinit(&v->text);
    *v = (struct wide_values){0};
}

void wide_values_clear(struct wide_values *v) {
    for (size_t i = 0; i < v->values; i++) memset(v->value[i].valid, 0, (v->rows + 63) / 64 * sizeof *v->value[i].valid);
    ec_arena_reset(&v->text);
    v->rows = 0;
}

static enum ec_status check(const struct wide_values *v, const struct ec_batch *batch, struct ec_err *err) {
    bool fits = batch->columns == v->tables + v->values && v->rows + batch->rows <= WIDE_RUN_ROWS;
    for (size_t i = 0; fits && i < batch->columns; i++) {
        struct ec_column_type type = batch->column[i].type;
        fits = i < v->tables ? type.type == EC_TYPE_INTEGER : type.type == v->value[i - v->tables].type.type;
    }
    return fits ? EC_OK : ec_fail(err, EC_ENGINE, "DuckDB gave other columns than the model has");
}

static void add_ids(uint64_t *to, const struct ec_column *from, size_t n) {
    const int64_t *id = ec_column_int(from);
    for (size_t i = 0; i < n; i++) to[i] = ec_bit(from->valid, i) ? (uint64_t)id[i] : EC_GATHER_NONE;
}

static enum ec_status add_texts(struct wide_values *v, struct ec_text *text, size_t n, struct ec_err *err) {
    for (size_t i = 0; i < n; i++) {
        if (text[i].n <= EC_TEXT_INLINE) continue;
        char *copy = ec_arena_copy(&v->text, text[i].p, text[i].n);
        if (!copy) return no_memory(err);
        text[i] = ec_text_of(copy, text[i].n);
    }
    return EC_OK;
}

static enum ec_status add_value(struct wide_values *v, struct wide_value *value, const struct ec_column *from, size_t n, struct ec_err *err) {
    char *to = value->values + v->rows * value->width;
    memcpy(to, from->values, n * value->width);
    for (size_t i = 0; i < n; i++) {
        if (ec_bit(from->valid, i)) ec_bit_set(value->valid, v->rows + i);
        else memset(to + i * value->width, 0, value->width);
    }
    return value->type.type == EC_TYPE_STRING ? add_texts(v, (struct ec_text *)(void *)to, n, err) : EC_OK;
}

enum ec_status wide_values_add(struct wide_values *v, const struct ec_batch *batch, struct ec_err *err) {
    if (batch->rows == 0) return EC_OK;
    EC_TRY(check(v, batch, err));
    for (size_t t = 0; t < v->tables; t++) add_ids(v->id[t] + v->rows, &batch->column[t], batch->rows);
    for (size_t i = 0; i < v->values; i++) EC_TRY(add_value(v, &v->value[i], &batch->column[v->tables + i], batch->rows, err));
    v->rows += batch->rows;
    return EC_OK;
}

/* ---- order ---- */

static int compare(const struct wide_values *v, size_t a, size_t b) {
    for (size_t t = 0; t < v->tables; t++)
        if (v->id[t][a] != v->id[t][b]) return v->id[t][a] < v->id[t][b] ? -1 : 1;
    return 0;
}

static int compare_indexes(const void *a, const void *b, void *context) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    int order = compare(context, left, right);
    return order ? order : (left > right) - (left < right);
}

/* Moves row order[i] to place i. */
static void permute_value(const struct wide_values *v, const struct wide_spare *spare, struct wide_value *value) {
    const uint64_t *order = spare->order;
    char *to = spare->values;
    uint64_t word = 0, *bits = spare->valid;
    for (size_t i = 0; i < v->rows; i++) {
        memcpy(to + i * value->width, value->values + order[i] * value->width, value->width);
        word |= (uint64_t)ec_bit(value->valid, order[i]) << (i & 63);
        if ((i & 63) == 63 || i + 1 == v->rows) bits[i >> 6] = word, word = 0;
    }
    memcpy(value->values, to, v->rows * value->width);
    memcpy(value->valid, bits, (v->rows + 63) / 64 * sizeof *bits);
}

void wide_values_sort(struct wide_values *v, const struct wide_spare *spare) {
    size_t i = 1;
    while (i < v->rows && compare(v, i - 1, i) <= 0) i++;
    if (i >= v->rows) return;
    for (i = 0; i < v->rows; i++) spare->order[i] = i;
    qsort_r(spare->order, v->rows, sizeof *spare->order, compare_indexes, v);
    for (i = 0; i < v->values; i++) permute_value(v, spare, &v->value[i]);
    uint64_t *id = (uint64_t *)(void *)spare->values;
    for (size_t t = 0; t < v->tables; t++) {
        for (i = 0; i < v->rows; i++) id[i] = v->id[t][spare->order[i]];
        memcpy(v->id[t], id, v->rows * sizeof *id);
    }
}
