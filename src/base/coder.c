/* Codes by a table of slots, probed linearly.
 *
 * The hash takes every byte of a text, two multiplications a 32 bytes. Values that are made to
 * collide end a column's coding after PROBES_MAX steps: they cost speed, never an answer, since
 * whole texts are compared.
 */
#include "base/coder.h"

#include "base/io.h"

#define SLOTS_MIN   256u
#define PROBES_MAX  32u
#define REPEAT_FROM 512u /* values of a column before it can show itself unique */
/* EC_CODED_MAX texts of EC_CODED_TEXT_MAX for a few columns; past it the next column gives up. */
#define TEXTS_MAX (16 * EC_MIB)
#define GAVE_UP   UINT32_MAX

struct slot {
    uint32_t tag;  /* upper half of the hash */
    uint32_t code; /* 0: free */
};

struct coded {
    size_t column;
    bool gave_up;
    struct ec_dictionary dictionary;
    struct ec_text *value;
    uint32_t value_cap;
    struct slot *slot;
    uint32_t slots; /* a power of two */
    uint64_t seen;  /* values so far */
    uint32_t *code; /* EC_BATCH_ROWS */
};

struct ec_coder {
    struct coded *column;
    size_t columns;
    struct ec_arena texts;
};

static inline uint64_t load64(const char *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t mix(uint64_t a, uint64_t b) {
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Constants as in wyhash: odd, half of their bits set. */
#define SEED_A UINT64_C(0xa0761d6478bd642f)
#define SEED_B UINT64_C(0xe7037ed1a0b428db)

static inline uint64_t text_hash(const struct ec_text *t) {
    const char *view = (const char *)t;
    if (t->n <= EC_TEXT_INLINE) return mix(load64(view) ^ SEED_A, load64(view + 8) ^ SEED_B);
    const char *p = t->p;
    uint64_t hash = t->n ^ SEED_B;
    size_t n = t->n;
    for (; n > 16; n -= 16, p += 16) hash = mix(load64(p) ^ SEED_A, load64(p + 8) ^ hash);
    /* The last sixteen bytes, which may reach back; a text here has at least thirteen. */
    const char *end = p + n, *low = t->n >= 16 ? end - 16 : p;
    return mix(load64(low) ^ SEED_A, load64(end - 8) ^ hash);
}

static inline bool text_same(const struct ec_text *a, const struct ec_text *b) {
    if (memcmp(a, b, 8) != 0) return false; /* length and prefix */
    if (a->n <= EC_TEXT_INLINE) return memcmp((const char *)a + 8, (const char *)b + 8, 8) == 0;
    return memcmp(a->p + 4, b->p + 4, a->n - 4) == 0;
}

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the values of a column");
}

enum ec_status ec_coder_create(const struct ec_batch *batch, struct ec_coder **out, struct ec_err *err) {
    struct ec_coder *coder = ec_calloc(1, sizeof *coder);
    if (!coder) return no_memory(err);
    ec_arena_init(&coder->texts, TEXTS_MAX);
    coder->column = ec_calloc(batch->columns ? batch->columns : 1, sizeof *coder->column);
    if (!coder->column) {
        ec_coder_destroy(coder);
        return no_memory(err);
    }
    for (size_t i = 0; i < batch->columns; i++)
        if (batch->column[i].type.type == EC_TYPE_STRING)
            coder->column[coder->columns++] = (struct coded){.column = i, .dictionary.id = ec_dictionary_id()};
    *out = coder;
    return EC_OK;
}

void ec_coder_destroy(struct ec_coder *coder) {
    if (!coder) return;
    for (size_t i = 0; i < coder->columns; i++) {
        ec_free(coder->column[i].value);
        ec_free(coder->column[i].slot);
        ec_free(coder->column[i].code);
    }
    ec_free(coder->column);
    ec_arena_deinit(&coder->texts);
    ec_free(coder);
}

/* Twice the slots and values. */
static bool grow(struct coded *c) {
    uint32_t slots = c->slots ? c->slots * 2 : SLOTS_MIN;
    struct slot *slot = ec_calloc(slots, sizeof *slot);
    struct ec_text *value = ec_realloc_array(c->value, slots / 2, sizeof *value);
    if (value) c->value = value;
    if (!slot || !value) {
        ec_free(slot);
        return false;
    }
    for (uint32_t code = 1; code < c->dictionary.count; code++) {
        uint64_t hash = text_hash(&value[code]);
        uint32_t at = (uint32_t)hash & (slots - 1);
        while (slot[at].code) at = (at + 1) & (slots - 1);
        slot[at] = (struct slot){(uint32_t)(hash >> 32), code};
    }
    ec_free(c->slot);
    c->slot = slot;
    c->slots = slots;
    c->value_cap = slots / 2;
    return true;
}

static bool start(struct coded *c) {
    c->code = ec_calloc(EC_BATCH_ROWS, sizeof *c->code);
    if (!c->code || !grow(c)) return false;
    c->value[0] = ec_text_of("", 0);
    c->dictionary.count = 1;
    return true;
}

static bool is_unique(const struct coded *c, uint64_t seen) {
    return c->dictionary.count == EC_CODED_MAX || (c->dictionary.count > REPEAT_FROM && c->dictionary.count > seen / 2);
}

/* The code of a text that is not among the values, or GAVE_UP. Running out of memory is giving up. */
static uint32_t add(struct ec_coder *coder, struct coded *c, const struct ec_text *t, uint64_t hash, uint64_t seen) {
    if (is_unique(c, seen) || t->n > EC_CODED_TEXT_MAX) return GAVE_UP;
    if (c->dictionary.count == c->value_cap && !grow(c)) return GAVE_UP;
    const char *bytes = ec_text_bytes(t);
    if (t->n > EC_TEXT_INLINE) bytes = ec_arena_copy(&coder->texts, bytes, t->n);
    if (!bytes) return GAVE_UP;
    uint32_t code = c->dictionary.count++, at = (uint32_t)hash & (c->slots - 1);
    while (c->slot[at].code) at = (at + 1) & (c->slots - 1);
    c->value[code] = ec_text_of(bytes, t->n);
    c->slot[at] = (struct slot){(uint32_t)(hash >> 32), code};
    return code;
}

static inline uint32_t code_of(struct ec_coder *coder, struct coded *c, const struct ec_text *t, uint64_t seen) {
    uint64_t hash = text_hash(t);
    uint32_t tag = (uint32_t)(hash >> 32), at = (uint32_t)hash & (c->slots - 1);
    for (unsigned probes = 0; c->slot[at].code; at = (at + 1) & (c->slots - 1)) {
        uint32_t code = c->slot[at].code;
        if (c->slot[at].tag == tag && text_same(&c->value[code], t)) return code;
        if (++probes == PROBES_MAX) return GAVE_UP;
    }
    return add(coder, c, t, hash, seen);
}

/* False where the column is not to be coded any more. */
static bool code_column(struct ec_coder *coder, struct coded *c, const struct ec_column *column, size_t rows) {
    if (!c->code && !start(c)) return false;
    const struct ec_text *text = ec_column_text(column);
    uint64_t seen = c->seen;
    for (size_t row = 0; row < rows; row++) {
        uint32_t code = 0;
        if (ec_bit(column->valid, row)) {
            code = code_of(coder, c, &text[row], ++seen);
            if (code == GAVE_UP) return false;
        }
        c->code[row] = code;
    }
    c->seen = seen;
    c->dictionary.values = c->value;
    return true;
}

void ec_coder_run(struct ec_coder *coder, struct ec_batch *batch) {
    for (size_t i = 0; i < coder->columns; i++) {
        struct coded *c = &coder->column[i];
        struct ec_column *column = &batch->column[c->column];
        if (c->gave_up) continue;
        c->gave_up = !code_column(coder, c, column, batch->rows);
        column->dictionary = c->gave_up ? NULL : &c->dictionary;
        column->code = c->code;
    }
}
