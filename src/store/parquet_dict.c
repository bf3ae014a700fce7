/* The dictionary of texts: each once, and a code of at most sixteen bits per row.
 *
 * It is in the order of first appearance, so it depends on the values alone. The hash table probes
 * linearly, at most PROBES_MAX steps: texts chosen to collide make the dictionary give up, not the
 * encoder slow.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/io.h"
#include "store/parquet_column.h"
#include "store/parquet_text.h"

#define PROBES_MAX 256u
/* A dictionary gives up where more than half of the values so far were new; but not before it
 * has so many entries, because every column's first values are new: of 10,000 different ones
 * drawn at random, the first 8,192 take 17,000 values. Identifiers show themselves sooner: of those
 * 10,000, the first 2,048 take 244 values more, of 50,000 take 42. */
#define TEXT_RATIO_FROM 8192u
#define TEXT_NEW_FROM   2048u
#define TEXT_NEW_REPEAT 16u /* one in so many */
#define TEXT_SLOTS_MIN  256u

#define NONE PQ_NO_CODE

static inline uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t text_hash(const struct ec_text *t, struct pq_entry e) {
    if (t->n > EC_TEXT_INLINE) return XXH3_64bits(t->p, t->n);
    return fold(e.head ^ UINT64_C(0xa0761d6478bd642f), e.tail ^ UINT64_C(0xe7037ed1a0b428db));
}

static inline uint64_t load64(const char *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* n bytes, more than EC_TEXT_INLINE: overlapping words, without the call that memcmp() would be. */
static inline bool bytes_equal(const char *a, const char *b, size_t n) {
    if (n > 128) return memcmp(a, b, n) == 0;
    uint64_t differ = load64(a + n - 8) ^ load64(b + n - 8);
    for (size_t k = 0; k + 8 < n; k += 8) differ |= load64(a + k) ^ load64(b + k);
    return differ == 0;
}

static inline bool text_equal(const struct pq_text_dict *d, const struct pq_entry *known, const struct ec_text *t,
                              struct pq_entry e) {
    if (known->head != e.head) return false;
    if (t->n <= EC_TEXT_INLINE) return known->tail == e.tail;
    return bytes_equal(d->bytes.p + known->tail, t->p, t->n);
}

/* Where to look for the text among the recent ones: its length, first four and last eight bytes tell
 * most texts apart, at a part of what a hash over all of it costs. */
static inline size_t recent_place(const struct ec_text *t, struct pq_entry e) {
    uint64_t end = t->n > EC_TEXT_INLINE ? load64(t->p + t->n - 8) : e.tail;
    return (size_t)(fold(e.head ^ UINT64_C(0xa0761d6478bd642f), end ^ UINT64_C(0xe7037ed1a0b428db)) >>
                    (64 - PQ_RECENT_BITS));
}

static bool text_reserve(struct pq_text_dict *d, size_t entries, size_t slots) {
    if (d->entry_cap < entries) {
        struct pq_entry *entry = ec_realloc_array(d->entry, entries, sizeof *entry);
        if (!entry) return false;
        d->entry = entry;
        d->entry_cap = entries;
    }
    if (d->slot_cap < slots) {
        ec_free(d->slot);
        d->slot = ec_realloc_array(NULL, slots, sizeof *d->slot);
        d->slot_cap = d->slot ? slots : 0;
        if (!d->slot) return false;
    }
    if (!d->recent) d->recent = ec_calloc(PQ_RECENT, sizeof *d->recent);
    return d->recent != NULL;
}

/* Doubles the table; entries of texts are hashed anew, twice each over a table's growth. */
static bool text_grow(struct pq_text_dict *d) {
    uint32_t slots = d->slots ? d->slots * 2 : TEXT_SLOTS_MIN;
    if (!text_reserve(d, slots / 2, slots)) return false;
    struct pq_slot *slot = d->slot;
    memset(slot, 0, slots * sizeof *slot);
    for (uint32_t k = 0; k < d->count; k++) {
        struct ec_text t;
        memcpy(&t, &d->entry[k], sizeof t);
        if (t.n > EC_TEXT_INLINE) t.p = d->bytes.p + d->entry[k].tail;
        uint64_t hash = text_hash(&t, d->entry[k]);
        uint32_t at = (uint32_t)hash & (slots - 1);
        while (slot[at].code) at = (at + 1) & (slots - 1);
        slot[at] = (struct pq_slot){.tag = (uint32_t)(hash >> 32), .code = k + 1};
    }
    d->slots = slots;
    return true;
}

/* Adds a text that is not there yet; `values` came before it. *code is NONE where it has no place. */
static enum ec_status text_add(struct pq_text_dict *d, const struct ec_text *t, struct pq_entry e, uint64_t hash,
                               size_t values, uint32_t *code, struct ec_err *err) {
    *code = NONE;
    if (d->count == PQ_DICT_ENTRIES_MAX || d->bytes.n + 4 + t->n > PQ_DICT_BYTES_MAX) return EC_OK;
    if (d->count >= TEXT_RATIO_FROM && (size_t)d->count * 2 > values) return EC_OK;
    if (d->count >= TEXT_NEW_FROM && d->count + d->count / TEXT_NEW_REPEAT > values) return EC_OK;
    char *to = ec_buf_reserve(&d->bytes, 4 + t->n + PQ_SLACK);
    if (!to || (d->count == d->slots / 2 && !text_grow(d)))
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

/* By the hash of the whole text; *code is NONE where the dictionary gives up. */
static enum ec_status text_look_up(struct pq_text_dict *d, const struct ec_text *t, struct pq_entry e, size_t values,
                                   uint32_t *code, struct ec_err *err) {
    uint64_t hash = text_hash(t, e);
    *code = text_find(d, t, e, hash);
    return *code == NONE ? text_add(d, t, e, hash, values, code, err) : EC_OK;
}

enum ec_status pq_text_dict_code(struct pq_text_dict *d, const struct ec_text *t, size_t values, uint32_t *code,
                                 struct ec_err *err) {
    struct pq_entry e;
    memcpy(&e, t, sizeof e);
    return text_look_up(d, t, e, values, code, err);
}

enum ec_status pq_text_code(struct pq_column *c, const struct pq_slice *s, size_t group_rows, size_t *taken,
                            struct ec_err *err) {
    const struct ec_text *text = ec_column_text(c->source);
    const uint64_t *valid = c->source_full ? NULL : c->source->valid;
    uint16_t *start = (uint16_t *)(void *)ec_buf_reserve(&c->codes, s->n * sizeof *start), *to = start;
    struct pq_text_dict *d = &c->dict;
    if (!to || (d->slots == 0 && !text_grow(d)))
        return ec_fail(err, EC_NO_MEMORY, "memory ran out for the codes of column %s", c->name);
    size_t i = 0;
    for (; i < s->n; i++) {
        size_t row = s->rows ? s->rows[s->first + i] : s->first + i;
        if (valid && !ec_bit(valid, row)) continue;
        struct pq_entry e;
        memcpy(&e, &text[row], sizeof e);
        size_t place = recent_place(&text[row], e);
        uint32_t code = d->recent[place];
        if (code >= d->count || !text_equal(d, &d->entry[code], &text[row], e)) {
            EC_TRY(text_look_up(d, &text[row], e, c->coded_values + (size_t)(to - start), &code, err));
            if (code == NONE) {
                c->plain = true;
                break;
            }
            d->recent[place] = (uint16_t)code;
        }
        *to++ = (uint16_t)code;
    }
    c->codes.n += (size_t)(to - start) * sizeof *to;
    c->coded_values += (size_t)(to - start);
    c->coded_rows = group_rows + i;
    *taken = i;
    return EC_OK;
}
