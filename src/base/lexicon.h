/* Texts, each once, each with a place: a table of slots, probed linearly.
 *
 * Place 0 is that of null, and of no text. Texts that are made to collide are refused after
 * PROBES_MAX steps: they cost speed, never an answer, since whole texts are compared. Not
 * thread-safe.
 *
 *     struct ec_lexicon lexicon;
 *     ec_lexicon_init(&lexicon);
 *     uint32_t place = ec_lexicon_find(&lexicon, &text);
 *     if (place == EC_LEXICON_NONE) place = ec_lexicon_add(&lexicon, &text);   // or again EC_LEXICON_NONE
 *     ec_lexicon_deinit(&lexicon);
 */
#ifndef EC_BASE_LEXICON_H
#define EC_BASE_LEXICON_H

#include "base/arena.h"
#include "base/limits.h"

#define EC_LEXICON_NONE UINT32_MAX

struct ec_lexicon_slot {
    uint32_t tag;   /* upper half of the hash */
    uint32_t place; /* 0: free */
};

struct ec_lexicon {
    struct ec_text *value; /* by place; longer ones lie in `texts` */
    uint32_t count;        /* with place 0; 0: nothing was added so far */
    uint32_t cap;
    struct ec_lexicon_slot *slot;
    uint32_t slots; /* a power of two; 0: nothing was added so far */
    struct ec_arena texts;
};

void ec_lexicon_init(struct ec_lexicon *lexicon);
void ec_lexicon_deinit(struct ec_lexicon *lexicon);
void ec_lexicon_clear(struct ec_lexicon *lexicon);

/* The place of a text that is not there yet, which is copied. EC_LEXICON_NONE for one of more than
 * EC_CODED_TEXT_MAX bytes, past EC_CODED_MAX places, and where memory runs out. */
uint32_t ec_lexicon_add(struct ec_lexicon *lexicon, const struct ec_text *text);

static inline uint64_t ec_lexicon_load(const char *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t ec_lexicon_mix(uint64_t a, uint64_t b) {
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Constants as in wyhash: odd, half of their bits set. Every byte counts, a multiplication for sixteen. */
static inline uint64_t ec_lexicon_hash(const struct ec_text *t) {
    const uint64_t a = UINT64_C(0xa0761d6478bd642f), b = UINT64_C(0xe7037ed1a0b428db);
    const char *view = (const char *)t, *p = t->p;
    if (t->n <= EC_TEXT_INLINE) return ec_lexicon_mix(ec_lexicon_load(view) ^ a, ec_lexicon_load(view + 8) ^ b);
    uint64_t hash = t->n ^ b;
    size_t n = t->n;
    for (; n > 16; n -= 16, p += 16) hash = ec_lexicon_mix(ec_lexicon_load(p) ^ a, ec_lexicon_load(p + 8) ^ hash);
    /* The last sixteen bytes, which may reach back; a text here has at least thirteen. */
    const char *end = p + n, *low = t->n >= 16 ? end - 16 : p;
    return ec_lexicon_mix(ec_lexicon_load(low) ^ a, ec_lexicon_load(end - 8) ^ hash);
}

static inline bool ec_lexicon_same(const struct ec_text *a, const struct ec_text *b) {
    if (ec_lexicon_load((const char *)a) != ec_lexicon_load((const char *)b)) return false; /* length and prefix */
    if (a->n <= EC_TEXT_INLINE) return ec_lexicon_load((const char *)a + 8) == ec_lexicon_load((const char *)b + 8);
    return memcmp(a->p + 4, b->p + 4, a->n - 4) == 0;
}

static inline uint32_t ec_lexicon_find(const struct ec_lexicon *lexicon, const struct ec_text *text) {
    if (lexicon->slots == 0) return EC_LEXICON_NONE;
    uint64_t hash = ec_lexicon_hash(text);
    uint32_t tag = (uint32_t)(hash >> 32), at = (uint32_t)hash & (lexicon->slots - 1);
    for (; lexicon->slot[at].place; at = (at + 1) & (lexicon->slots - 1)) {
        uint32_t place = lexicon->slot[at].place;
        if (lexicon->slot[at].tag == tag && ec_lexicon_same(&lexicon->value[place], text)) return place;
    }
    return EC_LEXICON_NONE;
}

#endif
