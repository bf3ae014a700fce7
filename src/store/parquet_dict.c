/* Dictionaries: each value once, and a code of at most sixteen bits per row.
 *
 * A dictionary is in the order of first appearance, so it depends on the values alone; only
 * integers of a narrow range get theirs in rising order, by a table instead of a hash. The hash
 * tables probe linearly, at most PROBES_MAX steps: values chosen to collide make the dictionary
 * give up, not the encoder slow.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/io.h"
#include "store/parquet_page.h"
#include "store/parquet_text.h"

#define PROBES_MAX 256u
/* A dictionary gives up where more than half of the values so far were new; but not before it
 * has so many entries, because every column's first values are new: of 10,000 different ones
 * drawn at random, the first 8,192 take 17,000 values. */
#define TEXT_RATIO_FROM   8192u
#define NUMBER_RATIO_FROM 1024u        /* or an eighth of the values, which all are at hand */
#define NUMBERS_MIN       ((size_t)64) /* fewer are not worth a second page */
#define TEXT_SLOTS_MIN    256u
#define NUMBER_SLOTS_MIN  4096u

#define NONE UINT32_MAX /* no code: the dictionary gives up */

static inline uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t text_hash(const struct ec_text *t, struct pq_entry e) {
    if (t->n > EC_TEXT_INLINE) return XXH3_64bits(t->p, t->n);
    return fold(e.head ^ UINT64_C(0xa0761d6478bd642f), e.tail ^ UINT64_C(0xe7037ed1a0b428db));
}

static inline bool text_equal(const struct pq_text_dict *d, const struct pq_entry *known, const struct ec_text *t,
                              struct pq_entry e) {
    if (known->head != e.head) return false;
    if (t->n <= EC_TEXT_INLINE) return known->tail == e.tail;
    return memcmp(d->bytes.p + known->tail, t->p, t->n) == 0;
}

/* Doubles the table; entries of texts are hashed anew, twice each over a table's growth. */
static bool text_grow(struct pq_text_dict *d) {
    uint32_t slots = d->slots ? d->slots * 2 : TEXT_SLOTS_MIN;
    struct pq_entry *entry = ec_realloc_array(d->entry, slots / 2, sizeof *entry);
    if (!entry) return false;
    d->entry = entry;
    d->entry_cap = slots / 2;
    struct pq_slot *slot = ec_calloc(slots, sizeof *slot);
    if (!slot) return false;
    for (uint32_t k = 0; k < d->count; k++) {
        struct ec_text t;
        memcpy(&t, &d->entry[k], sizeof t);
        if (t.n > EC_TEXT_INLINE) t.p = d->bytes.p + d->entry[k].tail;
        uint64_t hash = text_hash(&t, d->entry[k]);
        uint32_t at = (uint32_t)hash & (slots - 1);
        while (slot[at].code) at = (at + 1) & (slots - 1);
        slot[at] = (struct pq_slot){.tag = (uint32_t)(hash >> 32), .code = k + 1};
    }
    ec_free(d->slot);
    d->slot = slot;
    d->slots = slots;
    return true;
}

/* Adds a text that is not there yet; `values` came before it. *code is NONE where it has no place. */
static enum ec_status text_add(struct pq_text_dict *d, const struct ec_text *t, struct pq_entry e, uint64_t hash,
                               size_t values, uint32_t *code, struct ec_err *err) {
    *code = NONE;
    if (d->count == PQ_DICT_ENTRIES_MAX || d->bytes.n + 4 + t->n > PQ_DICT_BYTES_MAX) return EC_OK;
    if (d->count >= TEXT_RATIO_FROM && (size_t)d->count * 2 > values) return EC_OK;
    char *to = ec_buf_reserve(&d->bytes, 4 + t->n + PQ_SLACK);
    if (!to || (d->count == d->entry_cap && !text_grow(d)))
        return ec_fail(err, EC_NO_MEMORY, "memory ran out for a dictionary of %u texts", d->count);
    uint32_t at = (uint32_t)hash & (d->slots - 1);
    for (uint32_t probes = 0; d->slot[at].code; at = (at + 1) & (d->slots - 1))
        if (++probes > PROBES_MAX) return EC_OK;
    if (t->n > EC_TEXT_INLINE) e.tail = d->bytes.n + 4;
    d->bytes.n += (size_t)(pq_text_put(to, t) - to);
    d->entry[d->count] = e;
    *code = d->count++;
    d->slot[at] = (struct pq_slot){.tag = (uint32_t)(hash >> 32), .code = d->count};
    return EC_OK;
}

static inline uint32_t text_find(const struct pq_text_dict *d, const struct ec_text *t, struct pq_entry e,
                                 uint64_t hash) {
    if (d->slots == 0) return NONE;
    uint32_t tag = (uint32_t)(hash >> 32);
    for (uint32_t at = (uint32_t)hash & (d->slots - 1); d->slot[at].code; at = (at + 1) & (d->slots - 1)) {
        uint32_t code = d->slot[at].code - 1;
        if (d->slot[at].tag == tag && text_equal(d, &d->entry[code], t, e)) return code;
    }
    return NONE;
}

enum ec_status pq_text_code(struct pq_column *c, const struct pq_slice *s, size_t group_rows, size_t *taken,
                            struct ec_err *err) {
    const struct ec_text *text = ec_column_text(c->source);
    const uint64_t *valid = c->source_full ? NULL : c->source->valid;
    uint32_t *start = (uint32_t *)(void *)ec_buf_reserve(&c->codes, s->n * sizeof *start), *to = start;
    if (!to) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the codes of column %s", c->name);
    size_t i = 0;
    for (; i < s->n; i++) {
        size_t row = s->rows ? s->rows[s->first + i] : s->first + i;
        if (valid && !ec_bit(valid, row)) continue;
        struct pq_entry e;
        memcpy(&e, &text[row], sizeof e);
        uint64_t hash = text_hash(&text[row], e);
        uint32_t code = text_find(&c->dict, &text[row], e, hash);
        if (code == NONE)
            EC_TRY(text_add(&c->dict, &text[row], e, hash, c->coded_values + (size_t)(to - start), &code, err));
        if (code == NONE) {
            c->plain = true;
            break;
        }
        *to++ = code;
    }
    c->codes.n += (size_t)(to - start) * sizeof *to;
    c->coded_values += (size_t)(to - start);
    c->coded_rows = group_rows + i;
    *taken = i;
    return EC_OK;
}

/* Numbers: room in the scratch. */
static bool reserve32(uint32_t **p, size_t *cap, size_t need) {
    if (need <= *cap) return true;
    uint32_t *more = ec_realloc_array(*p, need, sizeof **p);
    if (!more) return false;
    *p = more;
    *cap = need;
    return true;
}

static bool reserve_entries(struct pq_scratch *s, size_t need) {
    if (need <= s->entry_cap) return true;
    uint64_t *more = ec_realloc_array(s->entry, need, sizeof *more);
    if (!more) return false;
    s->entry = more;
    s->entry_cap = need;
    return true;
}

static bool pays(size_t count, size_t n, size_t width) {
    size_t bits = count > 2 ? 64 - (size_t)__builtin_clzll(count - 1) : 1;
    return count * width + n * bits / 8 < n * width / 4 * 3;
}

/* Integers whose range is narrow: a table from value to code, the dictionary in rising order. */
static bool code_by_table(struct pq_scratch *s, const uint64_t *value, size_t n, size_t width, uint64_t low,
                          size_t range, uint32_t *count) {
    if (!reserve32(&s->slot, &s->slots, range)) return false;
    memset(s->slot, 0, range * sizeof *s->slot);
    for (size_t i = 0; i < n; i++) s->slot[value[i] - low] = 1;
    size_t entries = 0;
    for (size_t k = 0; k < range; k++) entries += s->slot[k];
    if (!pays(entries, n, width)) return true;
    if (!reserve_entries(s, entries)) return false;
    uint32_t code = 0;
    for (size_t k = 0; k < range; k++) {
        if (!s->slot[k]) continue;
        s->entry[code] = low + k;
        s->slot[k] = code++;
    }
    for (size_t i = 0; i < n; i++) s->codes[i] = s->slot[value[i] - low];
    *count = code;
    return true;
}

static inline uint32_t number_slot(uint64_t v, unsigned shift) {
    return (uint32_t)(((v ^ (v >> 32)) * UINT64_C(0x9E3779B97F4A7C15)) >> shift);
}

static bool number_grow(struct pq_scratch *s, size_t *slots, unsigned *shift, uint32_t count) {
    *slots *= 2;
    --*shift;
    if (!reserve32(&s->slot, &s->slots, *slots) || !reserve_entries(s, *slots / 2)) return false;
    memset(s->slot, 0, *slots * sizeof *s->slot);
    for (uint32_t k = 0; k < count; k++) {
        size_t at = number_slot(s->entry[k], *shift);
        while (s->slot[at]) at = (at + 1) & (*slots - 1);
        s->slot[at] = k + 1;
    }
    return true;
}

/* Any 64 bits. Gives up (a count of 0) as soon as too many are new. */
static bool code_by_hash(struct pq_scratch *s, const uint64_t *value, size_t n, size_t width, uint32_t *count) {
    size_t slots = NUMBER_SLOTS_MIN;
    unsigned shift = 64 - 12;
    _Static_assert(NUMBER_SLOTS_MIN == 1u << 12, "shift goes with it");
    if (!reserve32(&s->slot, &s->slots, slots) || !reserve_entries(s, slots / 2)) return false;
    memset(s->slot, 0, slots * sizeof *s->slot);
    size_t ratio_from = n / 8 > NUMBER_RATIO_FROM ? n / 8 : NUMBER_RATIO_FROM;
    uint32_t entries = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = number_slot(value[i], shift);
        uint32_t probes = 0;
        while (s->slot[at] && s->entry[s->slot[at] - 1] != value[i]) {
            at = (at + 1) & (slots - 1);
            if (++probes > PROBES_MAX) return true;
        }
        if (!s->slot[at]) {
            if (entries == PQ_DICT_ENTRIES_MAX || (entries >= ratio_from && (size_t)entries * 2 > i)) return true;
            s->entry[entries++] = value[i];
            s->slot[at] = entries;
            s->codes[i] = entries - 1;
            if (entries * 2 == slots && !number_grow(s, &slots, &shift, entries)) return false;
        } else {
            s->codes[i] = s->slot[at] - 1;
        }
    }
    if (pays(entries, n, width)) *count = entries;
    return true;
}

enum ec_status pq_number_code(struct pq_scratch *s, const uint64_t *value, size_t n, size_t width,
                              const struct pq_bounds *bounds, uint32_t *count, struct ec_err *err) {
    *count = 0;
    if (n < NUMBERS_MIN) return EC_OK;
    uint64_t low = 0, range = UINT64_MAX;
    if (bounds && bounds->known) {
        low = (uint64_t)bounds->min.i;
        range = (uint64_t)bounds->max.i - low; /* right modulo 2^64 */
    }
    bool done = reserve32(&s->codes, &s->codes_cap, n);
    if (done && range < PQ_DICT_ENTRIES_MAX && range < n * 4)
        done = code_by_table(s, value, n, width, low, (size_t)range + 1, count);
    else if (done)
        done = code_by_hash(s, value, n, width, count);
    return done ? EC_OK : ec_fail(err, EC_NO_MEMORY, "memory ran out for a dictionary of %zu numbers", n);
}
