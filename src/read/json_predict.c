#include "read/json_predict.h"

#include "read/cell.h"
#include "read/cell_fast.h"
#include "scan/json_scan.h"

/* Literals of a record that are longer together are not worth a template. */
#define LITERALS_MAX ((size_t)64 * EC_KIB)

enum ec_status ec_json_predict_init(struct ec_json_predict *predict, struct ec_err *err) {
    *predict = (struct ec_json_predict){0};
    ec_arena_init(&predict->arena, EC_JSON_FIELDS_MAX * sizeof *predict->slot + LITERALS_MAX);
    predict->slot = ec_arena_alloc(&predict->arena, EC_JSON_FIELDS_MAX * sizeof *predict->slot);
    predict->text = ec_arena_alloc(&predict->arena, LITERALS_MAX);
    if (predict->slot && predict->text) return EC_OK;
    ec_json_predict_deinit(predict);
    return ec_fail(err, EC_NO_MEMORY, "no memory for a JSON reader");
}

void ec_json_predict_deinit(struct ec_json_predict *predict) {
    ec_arena_deinit(&predict->arena);
    *predict = (struct ec_json_predict){0};
}

static struct ec_json_literal literal_of(const char *p, size_t n) {
    struct ec_json_literal literal = {.n = (uint32_t)n, .p = p};
    size_t shown = n < EC_JSON_LITERAL_SHORT ? n : EC_JSON_LITERAL_SHORT;
    memcpy(literal.bytes, p, shown);
    literal.mask = shown == EC_JSON_LITERAL_SHORT ? UINT32_MAX : (UINT32_C(1) << shown) - 1;
    return literal;
}

static enum ec_json_how how_of(const struct ec_json_column *entry) {
    const struct ec_schema_column *schema = entry->schema;
    if (!schema) return EC_JSON_HOW_TEXT;
    if (schema->null_value_count > 0) return EC_JSON_HOW_ANY;
    switch (schema->type.type) {
    case EC_TYPE_STRING: return EC_JSON_HOW_TEXT;
    case EC_TYPE_INTEGER: return EC_JSON_HOW_INTEGER;
    case EC_TYPE_FLOAT: return EC_JSON_HOW_FLOAT;
    case EC_TYPE_BOOLEAN: return EC_JSON_HOW_BOOLEAN;
    case EC_TYPE_DATETIME:
        return schema->format_count == 0 && !schema->timezone ? EC_JSON_HOW_DATETIME : EC_JSON_HOW_TYPED;
    case EC_TYPE_DATE:
    case EC_TYPE_DECIMAL: break;
    }
    return EC_JSON_HOW_TYPED;
}

void ec_json_predict_learn(struct ec_json_predict *predict, const struct ec_json_columns *columns,
                           const struct ec_json_record *record, const char *p, size_t n) {
    predict->ready = false;
    predict->count = record->count;
    /* A record over several lines is rare and would need its lines counted. */
    if (predict->disabled || memchr(p, '\n', n)) return;
    size_t used = 0;
    const char *from = p;
    for (size_t i = 0; i <= record->count; i++) {
        bool last = i == record->count;
        const struct ec_json_value *value = last ? NULL : &record->field[i].value;
        bool quoted = value && value->kind == EC_JSON_STRING;
        const char *to = last ? p + n : value->p - quoted;
        size_t size = (size_t)(to - from);
        if (size > LITERALS_MAX - used) return;
        char *copy = memcpy(predict->text + used, from, size);
        used += size;
        struct ec_json_literal literal = literal_of(copy, size);
        if (last) {
            predict->tail = literal;
            break;
        }
        const struct ec_json_column *entry = &columns->entry[record->field[i].column];
        predict->slot[i] = (struct ec_json_slot){
            .before = literal, .entry = record->field[i].column, .column = entry->column, .how = how_of(entry)};
        from = value->p + value->n + quoted;
    }
    predict->ready = true;
}

static bool stands_bytewise(const struct ec_json_literal *literal, const char *p, const char *end) {
    return p <= end && (size_t)(end - p) >= literal->n && memcmp(p, literal->p, literal->n) == 0;
}

/* Whether the literal stands at p. Reads up to 32 bytes there: the padding allows it. */
static inline bool stands_at(const struct ec_json_literal *literal, const char *p, const char *end) {
#if defined(__SSE2__)
    if (ec_scan_bytewise) return stands_bytewise(literal, p, end);
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + 16));
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)literal->bytes);
    __m128i y = _mm_loadu_si128((const __m128i *)(const void *)(literal->bytes + 16));
    uint32_t same =
        (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a, x)) | (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b, y)) << 16;
    if ((same & literal->mask) != literal->mask) return false;
    if (literal->n <= EC_JSON_LITERAL_SHORT) return true;
#endif
    return stands_bytewise(literal, p, end);
}

/* An integer of at most seven digits, without fraction or exponent; NULL where it is anything else. */
static inline const char *plain_integer(const char *p, int64_t *value) {
    bool negative = *p == '-';
    uint64_t sum;
    p += negative;
    size_t n = ec_fast_run(p, &sum);
    if (n - 1 > 6 || (*p == '0' && n > 1)) return NULL;
    p += n;
    if (*p == '.' || *p == 'e' || *p == 'E') return NULL;
    *value = negative ? -(int64_t)sum : (int64_t)sum;
    return p;
}

/* A number of at most seven digits on either side of the point, without exponent; correctly rounded:
 * two exact doubles and one division. */
static inline const char *plain_float(const char *p, double *value) {
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    static const uint64_t whole_powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    bool negative = *p == '-';
    uint64_t sum, fraction;
    p += negative;
    size_t n = ec_fast_run(p, &sum), scale = 0;
    if (n - 1 > 6 || (*p == '0' && n > 1)) return NULL;
    p += n;
    if (*p == '.') {
        scale = ec_fast_run(++p, &fraction);
        if (scale - 1 > 6) return NULL;
        sum = sum * whole_powers[scale] + fraction;
        p += scale;
    }
    if (*p == 'e' || *p == 'E') return NULL;
    double magnitude = (double)sum / powers[scale];
    *value = negative ? -magnitude : magnitude;
    return p;
}

static inline const char *plain_boolean(const char *p, uint8_t *value) {
    *value = *p == 't';
    if (memcmp(p, "true", 4) == 0) return p + 4;
    return memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
}

struct reading {
    struct ec_json_columns *columns;
    struct ec_batch *batch;
    size_t row;
    const char *end;
    struct ec_err *err;
    enum ec_status status;
};

/* Any value, by the functions of the strict path. NULL is a miss or an error. */
static const char *any_value(struct reading *r, const struct ec_json_slot *slot, const char *p) {
    struct ec_json_cursor c = {.p = p, .end = r->end};
    struct ec_json_value value;
    if (!ec_json_value(&c, 1, &value) || c.flawed || value.n > EC_FIELD_MAX) return NULL;
    if (value.kind == EC_JSON_NESTED && memchr(value.p, '\n', value.n)) return NULL;
    r->status = ec_json_cell_store(r->batch, &r->columns->entry[slot->entry], r->row, &value, r->err);
    return r->status == EC_OK ? c.p : NULL;
}

/* A string without escapes. NULL where it is anything else, or not of its type. */
static inline const char *read_string(struct reading *r, struct ec_json_slot *slot, struct ec_column *column,
                                      const char *p) {
    const char *q = ec_scan_json_plain(p + 1);
    size_t n = (size_t)(q - p) - 1;
    if (*q != '"' || n > EC_FIELD_MAX) return NULL;
    if (slot->how == EC_JSON_HOW_TEXT) {
        ec_column_text(column)[r->row] = ec_fast_text(p + 1, n);
        ec_bit_set(column->valid, r->row);
        return q + 1;
    }
    if (slot->how == EC_JSON_HOW_DATETIME && ec_fast_datetime(p + 1, n, &slot->day, &ec_column_int(column)[r->row])) {
        ec_bit_set(column->valid, r->row);
        return q + 1;
    }
    const struct ec_schema_column *schema = r->columns->entry[slot->entry].schema;
    return ec_cell_parse(schema, column, r->row, p + 1, n, false) == EC_CELL_BAD ? NULL : q + 1;
}

/* The commonest values at once, the others by any_value(). */
static inline const char *read_value(struct reading *r, struct ec_json_slot *slot, const char *p) {
    struct ec_column *column = &r->batch->column[slot->column];
    const char *q = NULL;
    if (*p == '"') {
        if (slot->how != EC_JSON_HOW_ANY && (q = read_string(r, slot, column, p))) return q;
        return any_value(r, slot, p);
    }
    switch (slot->how) {
    case EC_JSON_HOW_INTEGER: {
        int64_t value;
        if ((q = plain_integer(p, &value))) ec_column_int(column)[r->row] = value;
        break;
    }
    case EC_JSON_HOW_FLOAT: {
        double value;
        if ((q = plain_float(p, &value))) ec_column_double(column)[r->row] = value;
        break;
    }
    case EC_JSON_HOW_BOOLEAN: {
        uint8_t value;
        if ((q = plain_boolean(p, &value))) ec_column_bool(column)[r->row] = value;
        break;
    }
    case EC_JSON_HOW_ANY:
    case EC_JSON_HOW_TEXT:
    case EC_JSON_HOW_DATETIME:
    case EC_JSON_HOW_TYPED: break;
    }
    if (!q) return any_value(r, slot, p);
    ec_bit_set(column->valid, r->row);
    return q;
}

static const char *read_row(struct reading *r, struct ec_json_predict *predict, const char *p) {
    for (size_t i = 0; i < predict->count; i++) {
        struct ec_json_slot *slot = &predict->slot[i];
        if (!stands_at(&slot->before, p, r->end)) return NULL;
        p = read_value(r, slot, p + slot->before.n);
        if (!p) return NULL;
    }
    if (!stands_at(&predict->tail, p, r->end)) return NULL;
    p += predict->tail.n;
    return p <= r->end ? p : NULL;
}

enum ec_status ec_json_predict_read(struct ec_json_predict *predict, struct ec_json_columns *columns,
                                    struct ec_batch *batch, size_t row, const char *p, const char *end,
                                    const char **next, struct ec_err *err) {
    *next = NULL;
    if (!predict->ready) return EC_OK;
    struct reading r = {columns, batch, row, end, err, EC_OK};
    size_t faults = batch->faults;
    *next = read_row(&r, predict, p);
    if (*next) return EC_OK;
    batch->faults = faults;
    ec_bit_clear(batch->rejected, row);
    ec_json_row_clear(batch, columns, row);
    return r.status;
}
