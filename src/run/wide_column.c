/* A column of the result, a slice at a time. */
#include "run/wide_rows.h"

#include "base/io.h"
#include "store/growing.h"

enum ec_status wide_column_init(struct wide_column *c, struct ec_column_type type, struct ec_err *err) {
    *c = (struct wide_column){.type = type, .width = ec_type_width(type.type)};
    c->valid = ec_malloc(WIDE_SLICE_ROWS / 8);
    c->code = ec_malloc(WIDE_SLICE_ROWS * sizeof *c->code);
    c->values = type.type == EC_TYPE_STRING ? NULL : ec_malloc(WIDE_SLICE_ROWS * c->width);
    if (c->valid && c->code && (c->values || type.type == EC_TYPE_STRING)) return EC_OK;
    return ec_fail(err, EC_NO_MEMORY, "no memory for a column of a wide model");
}

void wide_column_deinit(struct wide_column *c) {
    ec_free(c->valid);
    ec_free(c->code);
    ec_free(c->values);
    *c = (struct wide_column){0};
}

void wide_column_value(struct wide_column *c, const struct wide_values *v, size_t value, size_t first) {
    const struct wide_value *from = &v->value[value];
    c->dictionary = NULL;
    c->shown_values = from->values + first * from->width;
    c->shown_valid = from->valid + first / 64;
}

static void spread_codes(uint32_t *to, const uint32_t *code, const uint32_t *at, size_t n) {
    for (size_t i = 0; i < n; i++) to[i] = code[at[i]];
}

static void spread_values(const struct wide_column *c, const void *values, const uint32_t *at, size_t n) {
    switch (c->width) {
    case 1:
        for (size_t i = 0; i < n; i++) ((uint8_t *)c->values)[i] = ((const uint8_t *)values)[at[i]];
        return;
    case 4:
        for (size_t i = 0; i < n; i++) ((uint32_t *)(void *)c->values)[i] = ((const uint32_t *)values)[at[i]];
        return;
    default:
        for (size_t i = 0; i < n; i++) ((uint64_t *)(void *)c->values)[i] = ((const uint64_t *)values)[at[i]];
    }
}

static void spread_valid(struct wide_column *c, const struct wide_table *t, const uint64_t *valid, size_t n) {
    size_t words = (n + 63) / 64;
    if (!valid) {
        if (t->missing) memcpy(c->valid, t->has, words * sizeof *c->valid);
        else memset(c->valid, 0xFF, words * sizeof *c->valid);
        return;
    }
    for (size_t w = 0; w < words; w++) {
        const uint32_t *at = t->at + w * 64;
        size_t rows = n - w * 64 < 64 ? n - w * 64 : 64;
        uint64_t word = 0;
        for (size_t k = 0; k < rows; k++) word |= (valid[at[k] >> 6] >> (at[k] & 63) & 1) << k;
        c->valid[w] = word & t->has[w];
    }
}

void wide_column_gather(struct wide_column *c, struct wide_table *t, size_t column, size_t n) {
    const struct ec_gathered *from = ec_gather_column(t->gather, column);
    spread_valid(c, t, t->unique_count ? from->valid : NULL, n);
    c->shown_valid = c->valid;
    if (from->dictionary) {
        if (t->unique_count) spread_codes(c->code, from->code, t->at, n);
        c->dictionary = from->dictionary;
        c->shown_code = c->code;
    } else if (c->type.type == EC_TYPE_STRING) {
        c->own = (struct ec_dictionary){t->dictionary_id, (uint32_t)t->unique_count, from->values};
        c->dictionary = &c->own;
        c->shown_code = t->at;
    } else {
        if (t->unique_count) spread_values(c, from->values, t->at, n);
        c->dictionary = NULL;
        c->shown_values = c->values;
    }
}

void wide_column_show(const struct wide_column *c, size_t first, struct ec_column *out) {
    out->valid = c->shown_valid + first / 64;
    out->dictionary = c->dictionary;
    out->code = c->dictionary ? c->shown_code + first : NULL;
    out->values = c->dictionary ? NULL : (void *)(uintptr_t)(c->shown_values + first * c->width);
}
