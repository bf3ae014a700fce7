#include "store/growing.h"

#include "base/hash.h"
#include "base/io.h"

#define VALUES_MIN     256u
#define VALUES_MAX     ((uint32_t)1 << 30)
#define TEXT_BYTES_MAX ((size_t)EC_GIB)

void ec_growing_init(struct ec_growing *g, enum ec_type type) {
    *g = (struct ec_growing){.type = type, .width = ec_type_width(type)};
    ec_arena_init(&g->text, TEXT_BYTES_MAX);
    g->dictionary.id = ec_dictionary_id();
}

void ec_growing_deinit(struct ec_growing *g) {
    ec_free(g->values);
    ec_free(g->slot);
    ec_arena_deinit(&g->text);
}

void ec_growing_reset(struct ec_growing *g) {
    if (g->slot) memset(g->slot, 0, (size_t)g->cap * 2 * sizeof *g->slot);
    g->dictionary.count = 0;
    g->dictionary.id = ec_dictionary_id();
    ec_arena_reset(&g->text);
}

static uint64_t hash_of(const struct ec_growing *g, const void *value) {
    if (g->type != EC_TYPE_STRING) return ec_hash64(value, g->width);
    const struct ec_text *text = value;
    return ec_hash64(ec_text_bytes(text), text->n);
}

/* Doubles are compared by their bits: -0.0 and every NaN keep theirs. */
static bool equal(const struct ec_growing *g, const void *a, const void *b) {
    if (g->type != EC_TYPE_STRING) return memcmp(a, b, g->width) == 0;
    const struct ec_text *left = a, *right = b;
    return left->n == right->n && memcmp(ec_text_bytes(left), ec_text_bytes(right), left->n) == 0;
}

static enum ec_status grow(struct ec_growing *g, struct ec_err *err) {
    uint32_t cap = g->cap ? g->cap * 2 : VALUES_MIN;
    if (cap > VALUES_MAX) return ec_fail(err, EC_NO_MEMORY, "more than %u values in a dictionary", VALUES_MAX);
    char *values = ec_realloc_array(g->values, cap, g->width);
    if (values) g->values = values;
    g->dictionary.values = g->values;
    uint32_t *slot = ec_calloc((size_t)cap * 2, sizeof *slot);
    if (!values || !slot) {
        ec_free(slot);
        return ec_fail(err, EC_NO_MEMORY, "no memory for a dictionary of %u values", cap);
    }
    size_t mask = (size_t)cap * 2 - 1;
    for (uint32_t i = 0; i < g->dictionary.count; i++) {
        size_t at = hash_of(g, values + i * g->width) & mask;
        while (slot[at]) at = (at + 1) & mask;
        slot[at] = i + 1;
    }
    ec_free(g->slot);
    g->slot = slot;
    g->cap = cap;
    return EC_OK;
}

static enum ec_status add(struct ec_growing *g, const void *value, uint32_t *code, struct ec_err *err) {
    char *to = g->values + g->dictionary.count * g->width;
    memcpy(to, value, g->width);
    const struct ec_text *text = value;
    if (g->type == EC_TYPE_STRING && text->n > EC_TEXT_INLINE) {
        char *copy = ec_arena_copy(&g->text, text->p, text->n);
        if (!copy) return ec_fail(err, EC_NO_MEMORY, "no memory for the texts of a dictionary");
        struct ec_text own = ec_text_of(copy, text->n);
        memcpy(to, &own, sizeof own);
    }
    *code = g->dictionary.count++;
    return EC_OK;
}

enum ec_status ec_growing_code(struct ec_growing *g, const void *value, uint32_t *code, struct ec_err *err) {
    if (g->dictionary.count == g->cap) EC_TRY(grow(g, err));
    size_t mask = (size_t)g->cap * 2 - 1, at = hash_of(g, value) & mask;
    for (; g->slot[at]; at = (at + 1) & mask) {
        *code = g->slot[at] - 1;
        if (equal(g, g->values + *code * g->width, value)) return EC_OK;
    }
    EC_TRY(add(g, value, code, err));
    g->slot[at] = *code + 1;
    return EC_OK;
}
