#include "base/batch.h"

#include "base/calendar.h"
#include "base/json.h"

#include <inttypes.h>

#define BITMAP_WORDS (EC_BATCH_ROWS / 64u)
/* The arrays of every column, the places and the bitmaps fit this easily. */
#define BATCH_MEMORY_MAX (((size_t)EC_COLUMNS_MAX + EC_UNDECLARED_MAX) * EC_BATCH_ROWS * 20)
/* Texts that a batch must copy: unescaped cells, derived columns, raw rows of a workbook. */
#define BATCH_SCRATCH_MAX ((size_t)256 * EC_MIB)
#define CACHE_LINE ((size_t)64)

size_t ec_type_width(enum ec_type type) {
    switch (type) {
    case EC_TYPE_STRING: return sizeof(struct ec_text);
    case EC_TYPE_BOOLEAN: return sizeof(uint8_t);
    case EC_TYPE_DATE: return sizeof(int32_t);
    case EC_TYPE_FLOAT: return sizeof(double);
    case EC_TYPE_INTEGER:
    case EC_TYPE_DATETIME:
    case EC_TYPE_DECIMAL: break;
    }
    return sizeof(int64_t);
}

uint64_t ec_dictionary_id(void) {
    static uint64_t last;
    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

const char *ec_type_name(enum ec_type type) {
    switch (type) {
    case EC_TYPE_STRING: return "string";
    case EC_TYPE_INTEGER: return "integer";
    case EC_TYPE_FLOAT: return "float";
    case EC_TYPE_BOOLEAN: return "boolean";
    case EC_TYPE_DATETIME: return "datetime";
    case EC_TYPE_DATE: return "date";
    case EC_TYPE_DECIMAL: return "decimal";
    }
    return "unknown";
}

enum ec_status ec_batch_init(struct ec_batch *batch, struct ec_err *err) {
    *batch = (struct ec_batch){0};
    ec_arena_init(&batch->memory, BATCH_MEMORY_MAX);
    ec_arena_init(&batch->scratch, BATCH_SCRATCH_MAX);
    batch->place = ec_arena_calloc(&batch->memory, EC_BATCH_ROWS, sizeof *batch->place);
    batch->rejected = ec_arena_calloc(&batch->memory, BITMAP_WORDS, sizeof(uint64_t));
    batch->duplicate = ec_arena_calloc(&batch->memory, BITMAP_WORDS, sizeof(uint64_t));
    if (!batch->place || !batch->rejected || !batch->duplicate) {
        ec_batch_deinit(batch);
        return ec_fail(err, EC_NO_MEMORY, "no memory for a batch");
    }
    return EC_OK;
}

void ec_batch_deinit(struct ec_batch *batch) {
    ec_arena_deinit(&batch->memory);
    ec_arena_deinit(&batch->scratch);
    *batch = (struct ec_batch){0};
}

static bool grow_columns(struct ec_batch *batch) {
    size_t cap = batch->columns_cap ? batch->columns_cap * 2 : 32;
    struct ec_column *column = ec_arena_calloc(&batch->memory, cap, sizeof *column);
    if (!column) return false;
    if (batch->columns) memcpy(column, batch->column, batch->columns * sizeof *column);
    batch->column = column;
    batch->columns_cap = cap;
    return true;
}

enum ec_status ec_batch_add_column(struct ec_batch *batch, const char *name, struct ec_column_type type, size_t *index,
                                   struct ec_err *err) {
    if (batch->columns == batch->columns_cap && !grow_columns(batch))
        return ec_fail(err, EC_NO_MEMORY, "no memory for %zu columns", batch->columns + 1);
    uint64_t *valid = ec_arena_calloc(&batch->memory, BITMAP_WORDS, sizeof *valid);
    char *values = ec_arena_calloc(&batch->memory, EC_BATCH_ROWS * ec_type_width(type.type) + CACHE_LINE, 1);
    if (!valid || !values) return ec_fail(err, EC_NO_MEMORY, "no memory for the column %s", name);
    values += (CACHE_LINE - (uintptr_t)values % CACHE_LINE) % CACHE_LINE;
    batch->column[batch->columns] = (struct ec_column){.name = name, .type = type, .valid = valid, .values = values};
    *index = batch->columns++;
    return EC_OK;
}

void ec_batch_reset(struct ec_batch *batch) {
    size_t words = (batch->rows + 63) / 64;
    for (size_t i = 0; i < batch->columns; i++) {
        struct ec_column *column = &batch->column[i];
        memset(column->valid, 0, words * sizeof *column->valid);
        memset(column->values, 0, batch->rows * ec_type_width(column->type.type));
        column->dictionary = NULL;
    }
    memset(batch->rejected, 0, words * sizeof *batch->rejected);
    memset(batch->duplicate, 0, words * sizeof *batch->duplicate);
    batch->rows = 0;
    batch->faults = 0;
    batch->faults_cap = 0; /* the list lay in scratch */
    batch->fault = NULL;
    ec_arena_reset(&batch->scratch);
}

enum ec_status ec_batch_fault(struct ec_batch *batch, struct ec_fault fault, struct ec_err *err) {
    if (batch->faults == batch->faults_cap) {
        size_t cap = batch->faults_cap ? batch->faults_cap * 2 : 64;
        struct ec_fault *list = ec_arena_alloc(&batch->scratch, cap * sizeof *list);
        if (!list) return ec_fail(err, EC_NO_MEMORY, "no memory for the faults of a batch");
        if (batch->faults) memcpy(list, batch->fault, batch->faults * sizeof *list);
        batch->fault = list;
        batch->faults_cap = cap;
    }
    batch->fault[batch->faults++] = fault;
    ec_bit_set(batch->rejected, fault.row);
    return EC_OK;
}

struct ec_str ec_batch_cell_text(struct ec_batch *batch, size_t column, size_t row) {
    const struct ec_column *c = &batch->column[column];
    if (!ec_bit(c->valid, row)) return EC_STR("");
    char text[40];
    size_t n = 0;
    switch (c->type.type) {
    case EC_TYPE_STRING: {
        struct ec_str s = ec_text_str(&ec_column_text(c)[row]);
        return ec_str_of(ec_arena_copy(&batch->scratch, s.p, s.n));
    }
    case EC_TYPE_DECIMAL: n = ec_decimal_format(ec_column_int(c)[row], c->type.scale, text); break;
    case EC_TYPE_BOOLEAN: return ec_column_bool(c)[row] ? EC_STR("true") : EC_STR("false");
    case EC_TYPE_FLOAT: n = ec_double_format(ec_column_double(c)[row], text); break;
    case EC_TYPE_DATETIME: n = ec_datetime_format(ec_column_int(c)[row], text); break;
    case EC_TYPE_DATE: n = ec_date_format(ec_column_days(c)[row], text); break;
    case EC_TYPE_INTEGER: n = (size_t)snprintf(text, sizeof text, "%" PRId64, ec_column_int(c)[row]); break;
    }
    return ec_str_of(ec_arena_copy(&batch->scratch, text, n));
}
