/* A DuckDB vector into a column of a batch.
 *
 * Where the layouts are the same it is one memcpy; the others are loops over one pair of types
 * each. Values under nulls become zero, as the batch promises its encoder.
 */
#include "sql/duck.h"

#define DECIMAL_LIMIT INT64_C(1000000000000000000) /* 10^18, EC_DECIMAL_PRECISION_MAX digits */

_Static_assert(sizeof(struct ec_text) == sizeof(duckdb_string_t), "texts are copied as they are");
_Static_assert(EC_BATCH_ROWS == 2048, "a DuckDB chunk is a batch");

static enum ec_status does_not_fit(const struct ec_column *column, struct ec_err *err) {
    return ec_fail(err, EC_ENGINE, "a value of the column %s does not fit the type %s; cast it in the SQL", column->name,
                   ec_type_name(column->type.type));
}

static inline bool is_valid(const uint64_t *mask, size_t row) { return !mask || ec_bit(mask, row); }

/* Widening of n values that are valid, to int64. */
#define WIDEN(ctype)               \
    for (size_t i = 0; i < n; i++) \
        if (is_valid(mask, i)) to[i] = (int64_t)((const ctype *)data)[i]

static void widen(duckdb_type storage, const void *data, const uint64_t *mask, size_t n, int64_t *to) {
    switch (storage) {
    case DUCKDB_TYPE_TINYINT: WIDEN(int8_t); break;
    case DUCKDB_TYPE_SMALLINT: WIDEN(int16_t); break;
    case DUCKDB_TYPE_INTEGER: WIDEN(int32_t); break;
    case DUCKDB_TYPE_BIGINT: WIDEN(int64_t); break;
    case DUCKDB_TYPE_UTINYINT: WIDEN(uint8_t); break;
    case DUCKDB_TYPE_USMALLINT: WIDEN(uint16_t); break;
    case DUCKDB_TYPE_UINTEGER: WIDEN(uint32_t); break;
    default: break;
    }
}

/* 64 and 128 bits unsigned, and 128 signed: each value is checked. */
static bool narrow(duckdb_type storage, const void *data, const uint64_t *mask, size_t n, int64_t *to) {
    for (size_t i = 0; i < n; i++) {
        if (!is_valid(mask, i)) continue;
        uint64_t low;
        bool fits;
        if (storage == DUCKDB_TYPE_HUGEINT) {
            const duckdb_hugeint *v = (const duckdb_hugeint *)data + i;
            low = v->lower;
            fits = v->upper == ((int64_t)low < 0 ? -1 : 0);
        } else if (storage == DUCKDB_TYPE_UHUGEINT) {
            const duckdb_uhugeint *v = (const duckdb_uhugeint *)data + i;
            low = v->lower;
            fits = v->upper == 0 && low <= INT64_MAX;
        } else {
            low = ((const uint64_t *)data)[i];
            fits = low <= INT64_MAX;
        }
        if (!fits) return false;
        to[i] = (int64_t)low;
    }
    return true;
}

static bool wide(duckdb_type storage) {
    return storage == DUCKDB_TYPE_HUGEINT || storage == DUCKDB_TYPE_UHUGEINT || storage == DUCKDB_TYPE_UBIGINT;
}

static bool integers(duckdb_type storage, const void *data, const uint64_t *mask, size_t n, int64_t *to) {
    if (wide(storage)) return narrow(storage, data, mask, n, to);
    widen(storage, data, mask, n, to);
    return true;
}

static bool decimals(duckdb_type storage, const void *data, const uint64_t *mask, size_t n, int64_t *to) {
    if (!integers(storage, data, mask, n, to)) return false;
    if (!wide(storage)) return true;
    for (size_t i = 0; i < n; i++)
        if (to[i] <= -DECIMAL_LIMIT || to[i] >= DECIMAL_LIMIT) return false;
    return true;
}

static bool timestamps(duckdb_type id, const int64_t *data, const uint64_t *mask, size_t n, int64_t *to) {
    for (size_t i = 0; i < n; i++) {
        if (!is_valid(mask, i)) continue;
        if (id == DUCKDB_TYPE_TIMESTAMP_NS) {
            if (data[i] % 1000 != 0) return false;
            to[i] = data[i] / 1000;
        } else if (__builtin_mul_overflow(data[i], id == DUCKDB_TYPE_TIMESTAMP_S ? INT64_C(1000000) : INT64_C(1000), &to[i])) {
            return false;
        }
    }
    return true;
}

static void words(const struct ec_duck_type *type, const void *data, const uint64_t *mask, size_t n, struct ec_text *to) {
    for (size_t i = 0; i < n; i++) {
        if (!is_valid(mask, i)) continue;
        size_t index = type->storage == DUCKDB_TYPE_UTINYINT    ? ((const uint8_t *)data)[i]
                       : type->storage == DUCKDB_TYPE_USMALLINT ? ((const uint16_t *)data)[i]
                                                                : ((const uint32_t *)data)[i];
        if (index < type->word_count) to[i] = type->words[index];
    }
}

/* A UUID is held as a HUGEINT with its highest bit flipped, so that it sorts as text does. */
static bool uuids(const duckdb_hugeint *data, const uint64_t *mask, size_t n, struct ec_text *to, struct ec_arena *scratch) {
    enum { LENGTH = 36 };
    static const char hex[] = "0123456789abcdef";
    char *memory = ec_arena_alloc(scratch, n * LENGTH);
    if (!memory) return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_valid(mask, i)) continue;
        uint64_t half[2] = {(uint64_t)data[i].upper ^ (UINT64_C(1) << 63), data[i].lower};
        char *text = memory + i * LENGTH, *p = text;
        for (unsigned digit = 0; digit < 32; digit++) {
            if (digit == 8 || digit == 12 || digit == 16 || digit == 20) *p++ = '-';
            *p++ = hex[(half[digit / 16] >> (60 - 4 * (digit % 16))) & 15];
        }
        to[i] = ec_text_of(text, LENGTH);
    }
    return true;
}

/* Values whose layout is the batch's; the mask's words may have bits set past n. */
static void copy_direct(const void *data, const uint64_t *mask, size_t n, size_t width, char *to) {
    memcpy(to, data, n * width);
    if (!mask) return;
    for (size_t word = 0; word * 64 < n; word++) {
        for (uint64_t missing = ~mask[word]; missing; missing &= missing - 1) {
            size_t row = word * 64 + (size_t)__builtin_ctzll(missing);
            if (row >= n) break;
            memset(to + row * width, 0, width);
        }
    }
}

static void copy_validity(const uint64_t *mask, size_t n, uint64_t *to, size_t first) {
    if (first % 64 == 0) {
        size_t full = n / 64;
        for (size_t i = 0; i < full; i++) to[first / 64 + i] = mask ? mask[i] : UINT64_MAX;
        if (n % 64) to[first / 64 + full] = (mask ? mask[full] : UINT64_MAX) & ((UINT64_C(1) << (n % 64)) - 1);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_valid(mask, i)) ec_bit_set(to, first + i);
        else ec_bit_clear(to, first + i);
    }
}

static enum ec_status convert(const struct ec_duck_type *type, const void *data, const uint64_t *mask, size_t n, void *to,
                              const struct ec_column *column, struct ec_arena *scratch, struct ec_err *err) {
    memset(to, 0, n * ec_type_width(type->type.type));
    bool fits = true;
    switch (type->id) {
    case DUCKDB_TYPE_ENUM: words(type, data, mask, n, to); break;
    case DUCKDB_TYPE_DECIMAL: fits = decimals(type->storage, data, mask, n, to); break;
    case DUCKDB_TYPE_UUID:
        if (!uuids(data, mask, n, to, scratch)) return ec_fail(err, EC_NO_MEMORY, "no memory for the column %s", column->name);
        break;
    case DUCKDB_TYPE_FLOAT:
        for (size_t i = 0; i < n; i++)
            if (is_valid(mask, i)) ((double *)to)[i] = (double)((const float *)data)[i];
        break;
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS: fits = timestamps(type->id, data, mask, n, to); break;
    default: fits = integers(type->id, data, mask, n, to); break;
    }
    return fits ? EC_OK : does_not_fit(column, err);
}

enum ec_status ec_duck_read(const struct ec_duck_type *type, duckdb_vector vector, size_t n, struct ec_column *column,
                            size_t first, struct ec_arena *scratch, struct ec_err *err) {
    size_t width = ec_type_width(type->type.type);
    const void *data = duckdb_vector_get_data(vector);
    const uint64_t *mask = duckdb_vector_get_validity(vector);
    char *to = (char *)column->values + first * width;
    copy_validity(mask, n, column->valid, first);
    if (type->direct) {
        copy_direct(data, mask, n, width, to);
        return EC_OK;
    }
    return convert(type, data, mask, n, to, column, scratch, err);
}

/* ---- our columns into vectors ---- */

#define NARROW(ctype)              \
    for (size_t i = 0; i < n; i++) \
        ((ctype *)to)[i] = (ctype)from[i]

/* DuckDB holds a decimal in the smallest integer that has room for its precision. */
static void serve_decimals(unsigned precision, const int64_t *from, void *to, size_t n) {
    if (precision <= 4) {
        NARROW(int16_t);
    } else if (precision <= 9) {
        NARROW(int32_t);
    } else {
        memcpy(to, from, n * sizeof *from);
    }
}

static void serve_validity(const uint64_t *valid, duckdb_vector vector, size_t n) {
    size_t words = (n + 63) / 64;
    uint64_t last = n % 64 ? (UINT64_C(1) << (n % 64)) - 1 : UINT64_MAX;
    bool whole = (valid[words - 1] & last) == last;
    for (size_t i = 0; i + 1 < words && whole; i++) whole = valid[i] == UINT64_MAX;
    if (whole) return;
    duckdb_vector_ensure_validity_writable(vector);
    memcpy(duckdb_vector_get_validity(vector), valid, words * sizeof *valid);
}

void ec_duck_write(const struct ec_column *column, size_t first, size_t n, duckdb_vector vector) {
    void *to = duckdb_vector_get_data(vector);
    if (column->type.type == EC_TYPE_DECIMAL) {
        serve_decimals(column->type.precision, ec_column_int(column) + first, to, n);
    } else {
        size_t width = ec_type_width(column->type.type);
        memcpy(to, (const char *)column->values + first * width, n * width);
    }
    serve_validity(column->valid + first / 64, vector, n);
}
