#include "gate/keys.h"

#include <assert.h>

static struct ec_str cell_bytes(const struct ec_column *c, size_t row) {
    if (c->type.type == EC_TYPE_STRING) return ec_text_str(&ec_column_text(c)[row]);
    size_t width = ec_type_width(c->type.type);
    return (struct ec_str){(const char *)c->values + row * width, width};
}

/* Rows that have a key, in their order. */
static size_t keyed_rows(const struct ec_batch *batch, const size_t *columns, size_t count, uint32_t *row) {
    size_t n = 0;
    for (size_t word = 0; word * 64 < batch->rows; word++) {
        uint64_t bits = ~batch->rejected[word];
        for (size_t i = 0; i < count; i++) bits &= batch->column[columns[i]].valid[word];
        if (batch->rows - word * 64 < 64) bits &= (UINT64_C(1) << (batch->rows % 64)) - 1;
        for (; bits; bits &= bits - 1) row[n++] = (uint32_t)(word * 64 + (size_t)__builtin_ctzll(bits));
    }
    return n;
}

static void hash_texts(const struct ec_column *c, const uint32_t *row, size_t n, struct ec_key *key) {
    for (size_t i = 0; i < n; i++) {
        struct ec_str s = ec_text_str(&ec_column_text(c)[row[i]]);
        key[i] = (struct ec_key){.hash = ec_hash128(s.p, s.n)};
    }
}

/* Each part is hashed before the parts are: ("ab","c") is not ("a","bc"). */
static struct ec_hash128 hash_parts(const struct ec_batch *batch, const size_t *columns, size_t count, size_t row) {
    struct ec_hash128 parts[EC_KEY_COLUMNS_MAX];
    for (size_t i = 0; i < count; i++) {
        struct ec_str s = cell_bytes(&batch->column[columns[i]], row);
        parts[i] = ec_hash128(s.p, s.n);
    }
    return count == 1 ? parts[0] : ec_hash128(parts, count * sizeof *parts);
}

size_t ec_key_hash(const struct ec_batch *batch, const size_t *columns, size_t count, struct ec_key *key,
                   uint32_t *row) {
    assert(count > 0 && count <= EC_KEY_COLUMNS_MAX); /* the gate's creation says so to people */
    size_t n = keyed_rows(batch, columns, count, row);
    const struct ec_column *c = &batch->column[columns[0]];
    if (count == 1 && c->type.type == EC_TYPE_STRING) {
        hash_texts(c, row, n, key);
        return n;
    }
    for (size_t i = 0; i < n; i++) key[i] = (struct ec_key){.hash = hash_parts(batch, columns, count, row[i])};
    return n;
}
