/* The dictionary of a chunk of numbers.
 *
 * Whether there is one, and in which order, hangs on the values alone: integers of a narrow range
 * get theirs in rising order, by a table; others in the order of first appearance, by a hash. A
 * sample tells early where nearly all values are different. The hash table probes linearly, at most
 * PROBES_MAX steps: values chosen to collide make the dictionary give up, not the encoder slow.
 */
#include "base/io.h"
#include "store/parquet_page.h"

#define PROBES_MAX  256u
#define NUMBERS_MIN ((size_t)64) /* fewer are not worth a second page */
#define SLOTS_MIN   4096u
#define SLOTS_NONE  UINT32_MAX
#define NARROW_MAX  ((size_t)PQ_DICT_ENTRIES_MAX)

/* The sample: blocks of neighbours, because what repeats often repeats soon. */
#define SAMPLE       ((size_t)4096)
#define SAMPLE_BLOCK ((size_t)256)
#define SAMPLE_FROM  (4 * SAMPLE) /* values; fewer are coded sooner than sampled */

static enum ec_status no_memory(size_t count, struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "memory ran out for a dictionary of %zu numbers", count);
}

static bool reserve_slots(struct pq_number_dict *d, size_t need) {
    if (need <= d->slot_cap) return true;
    uint32_t *slot = ec_realloc_array(d->slot, need, sizeof *slot);
    if (!slot) return false;
    d->slot = slot;
    d->slot_cap = need;
    return true;
}

static bool reserve_entries(struct pq_number_dict *d, size_t need) {
    if (need <= d->entry_cap) return true;
    uint64_t *entry = ec_realloc_array(d->entry, need, sizeof *entry);
    if (!entry) return false;
    d->entry = entry;
    d->entry_cap = need;
    return true;
}

static inline uint32_t slot_of(uint64_t v, uint32_t slots) {
    return (uint32_t)((((v ^ (v >> 32)) * UINT64_C(0x9E3779B97F4A7C15)) >> 32) * slots >> 32);
}

/* Begins anew, with `slots` of them; the entries stay. False where memory is out or values collide
 * more than PROBES_MAX allows (*collide). */
static bool index_anew(struct pq_number_dict *d, uint32_t slots, bool *collide) {
    if (!reserve_slots(d, slots) || !reserve_entries(d, slots / 2)) return false;
    memset(d->slot, 0, slots * sizeof *d->slot);
    d->slots = slots;
    for (uint32_t k = 0; k < d->count; k++) {
        uint32_t at = slot_of(d->entry[k], slots), probes = 0;
        for (; d->slot[at]; at = (at + 1) & (slots - 1))
            if (++probes > PROBES_MAX) *collide = true;
        d->slot[at] = k + 1;
    }
    return true;
}

void pq_number_dict_clear(struct pq_number_dict *d) {
    d->count = d->slots = 0; /* the next table grows as the first did */
}

/* The value's place; *code is PQ_NO_CODE where it is not there, and *at SLOTS_NONE where it has no place. */
static inline uint32_t find(const struct pq_number_dict *d, uint64_t value, uint32_t *code) {
    uint32_t at = slot_of(value, d->slots);
    for (uint32_t probes = 0; d->slot[at]; at = (at + 1) & (d->slots - 1)) {
        *code = d->slot[at] - 1;
        if (d->entry[*code] == value) return at;
        if (++probes > PROBES_MAX) {
            at = SLOTS_NONE;
            break;
        }
    }
    *code = PQ_NO_CODE;
    return at;
}

/* Adds a value that is not there, at its place. */
static enum ec_status add(struct pq_number_dict *d, uint64_t value, uint32_t at, uint32_t *code, struct ec_err *err) {
    if (at == SLOTS_NONE || d->count == PQ_DICT_ENTRIES_MAX) return EC_OK;
    bool collide = false;
    d->entry[d->count] = value;
    uint32_t added = d->count++;
    d->slot[at] = d->count;
    if (d->count * 2 == d->slots && !index_anew(d, d->slots * 2, &collide)) return no_memory(d->count, err);
    if (!collide) *code = added;
    return EC_OK;
}

enum ec_status pq_number_dict_code(struct pq_number_dict *d, uint64_t value, uint32_t *code, struct ec_err *err) {
    bool collide = false;
    if (d->slots == 0 && !index_anew(d, SLOTS_MIN, &collide)) return no_memory(d->count, err);
    uint32_t at = find(d, value, code);
    return *code == PQ_NO_CODE ? add(d, value, at, code, err) : EC_OK;
}

/* A dictionary pays where it and its codes take less than this part of what PLAIN does. */
struct cost {
    size_t n;
    size_t plain;     /* bytes of a value */
    size_t parts, of; /* of PLAIN's bytes */
};

static bool pays(size_t count, const struct cost *cost) {
    size_t bits = count > 2 ? 64 - (size_t)__builtin_clzll(count - 1) : 1;
    return count <= PQ_DICT_ENTRIES_MAX &&
           count * cost->plain + cost->n * bits / 8 < cost->n * cost->plain / cost->of * cost->parts;
}

/* The largest dictionary that pays. */
static size_t entries_max(const struct cost *cost) {
    size_t low = 0, high = PQ_DICT_ENTRIES_MAX;
    while (low < high) {
        size_t middle = (low + high + 1) / 2;
        if (pays(middle, cost))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* pq_frame_numbers() leaves the bytes that vary, which takes far less time than hashing does, and a
 * little more than a table; but codes are read back in a tenth of the time. */
static struct cost cost_of(const struct pq_column *c, const struct pq_bounds *bounds, bool narrow) {
    struct cost cost = {.n = c->values, .plain = c->width, .parts = 3, .of = narrow ? 4 : 5};
    if (!c->framed || !bounds || !bounds->known) return cost;
    uint64_t differ = (uint64_t)bounds->min.i ^ (uint64_t)bounds->max.i;
    cost.plain = differ ? 8 - (size_t)__builtin_clzll(differ) / 8 : 1;
    if (narrow) cost.parts = 5;
    return cost;
}

static size_t sample_at(size_t k, size_t n) {
    return k / SAMPLE_BLOCK * ((n - SAMPLE_BLOCK) / (SAMPLE / SAMPLE_BLOCK - 1)) + k % SAMPLE_BLOCK;
}

/* In how many blocks of the sample each of its values is: *once and *twice count those in one and in
 * two. False where they collide. */
static enum ec_status sample_count(struct pq_number_dict *d, const uint64_t sample[SAMPLE], size_t *once, size_t *twice,
                                   bool *collide, struct ec_err *err) {
    uint8_t blocks[SAMPLE] = {0}, last[SAMPLE] = {0};
    *collide = false;
    d->count = 0;
    if (!index_anew(d, 4 * (uint32_t)SAMPLE, collide)) return no_memory(SAMPLE, err);
    for (size_t k = 0; k < SAMPLE && !*collide; k++) {
        uint32_t code;
        uint8_t block = (uint8_t)(k / SAMPLE_BLOCK + 1);
        EC_TRY(pq_number_dict_code(d, sample[k], &code, err));
        *collide = code == PQ_NO_CODE;
        if (*collide || last[code] == block) continue;
        last[code] = block;
        blocks[code]++;
    }
    *once = *twice = 0;
    for (size_t k = 0; k < d->count; k++) {
        *once += blocks[k] == 1;
        *twice += blocks[k] == 2;
    }
    return EC_OK;
}

/* Whether n values seem to be more than `most` different ones. Chao (1984): beside those of the sample
 * there are at least once^2 / 2 twice; where few values are frequent, as many again. Sorted values,
 * which no two blocks share, are as many as in the sample, in proportion. */
static enum ec_status sample_is_new(struct pq_scratch *s, const uint64_t sample[SAMPLE], size_t n, size_t most,
                                    bool *is_new, struct ec_err *err) {
    size_t once, twice;
    EC_TRY(sample_count(&s->numbers, sample, &once, &twice, is_new, err));
    if (*is_new) return EC_OK;
    size_t count = s->numbers.count, estimate = 2 * (count + once * once / (2 * twice + 1));
    size_t in_proportion = count * (n / SAMPLE);
    *is_new = (estimate < in_proportion ? estimate : in_proportion) > most;
    return EC_OK;
}

/* Marks the distinct values of [low, low + range) that are among n. */
static size_t mark(uint32_t *table, size_t range, uint64_t low, const uint64_t *value, size_t n) {
    memset(table, 0, range * sizeof *table);
    for (size_t i = 0; i < n; i++) table[value[i] - low] = 1;
    size_t count = 0;
    for (size_t k = 0; k < range; k++) count += table[k];
    return count;
}

/* Gives the marked values their codes, and the dictionary its entries, in rising order. */
static void number_marked(uint32_t *table, size_t range, uint64_t low, uint64_t *entry) {
    uint32_t code = 0;
    for (size_t k = 0; k < range; k++) {
        if (!table[k]) continue;
        entry[code] = low + k;
        table[k] = code++;
    }
}

/* The range of integers that a table can hold; 0 where it is too wide or not known. */
static size_t narrow_range(const struct pq_bounds *bounds, size_t n) {
    if (!bounds || !bounds->known) return 0;
    uint64_t range = (uint64_t)bounds->max.i - (uint64_t)bounds->min.i; /* right modulo 2^64 */
    return range < NARROW_MAX && range < n * 4 ? (size_t)range + 1 : 0;
}

static enum ec_status reserve_codes(struct pq_scratch *s, size_t n, struct ec_err *err) {
    if (n <= s->codes_cap) return EC_OK;
    uint16_t *codes = ec_realloc_array(s->codes, n, sizeof *codes);
    if (!codes) return no_memory(n, err);
    s->codes = codes;
    s->codes_cap = n;
    return EC_OK;
}

static enum ec_status code_by_table(struct pq_scratch *s, const uint64_t *value, const struct cost *cost, uint64_t low,
                                    size_t range, uint32_t *count, struct ec_err *err) {
    if (!reserve_slots(&s->numbers, range)) return no_memory(range, err);
    uint32_t *table = s->numbers.slot;
    size_t entries = mark(table, range, low, value, cost->n);
    if (!pays(entries, cost)) return EC_OK;
    if (!reserve_entries(&s->numbers, entries)) return no_memory(entries, err);
    number_marked(table, range, low, s->numbers.entry);
    for (size_t i = 0; i < cost->n; i++) s->codes[i] = (uint16_t)table[value[i] - low];
    *count = (uint32_t)entries;
    return EC_OK;
}

/* Gives up (a count of 0) as soon as the dictionary cannot pay any more. */
static enum ec_status code_by_hash(struct pq_scratch *s, const uint64_t *value, const struct cost *cost,
                                   uint32_t *count, struct ec_err *err) {
    size_t most = entries_max(cost), n = cost->n;
    if (n >= SAMPLE_FROM) {
        uint64_t sample[SAMPLE];
        for (size_t k = 0; k < SAMPLE; k++) sample[k] = value[sample_at(k, n)];
        bool is_new;
        EC_TRY(sample_is_new(s, sample, n, most, &is_new, err));
        if (is_new) return EC_OK;
    }
    struct pq_number_dict *d = &s->numbers;
    bool collide = false;
    d->count = 0;
    if (!index_anew(d, SLOTS_MIN, &collide)) return no_memory(n, err);
    uint64_t last = ~value[0];
    uint32_t code = 0;
    for (size_t i = 0; i < n; i++) {
        if (value[i] != last) {
            last = value[i];
            uint32_t at = find(d, last, &code);
            if (code == PQ_NO_CODE) EC_TRY(add(d, last, at, &code, err));
            if (code == PQ_NO_CODE || d->count > most) return EC_OK;
        }
        s->codes[i] = (uint16_t)code;
    }
    *count = d->count;
    return EC_OK;
}

enum ec_status pq_number_code(struct pq_scratch *s, const struct pq_column *c, const uint64_t *value,
                              const struct pq_bounds *bounds, uint32_t *count, struct ec_err *err) {
    size_t range = narrow_range(bounds, c->values);
    struct cost cost = cost_of(c, bounds, range > 0);
    *count = 0;
    if (cost.n < NUMBERS_MIN) return EC_OK;
    EC_TRY(reserve_codes(s, cost.n, err));
    if (range > 0) return code_by_table(s, value, &cost, (uint64_t)bounds->min.i, range, count, err);
    return code_by_hash(s, value, &cost, count, err);
}

static enum ec_status coded_sample(struct pq_scratch *s, const struct pq_column *c, const struct cost *cost,
                                   bool *is_new, struct ec_err *err) {
    const uint16_t *code = (const uint16_t *)(const void *)c->codes.p;
    uint64_t sample[SAMPLE];
    for (size_t k = 0; k < SAMPLE; k++) sample[k] = c->numbers.entry[code[sample_at(k, cost->n)]];
    return sample_is_new(s, sample, cost->n, entries_max(cost), is_new, err);
}

enum ec_status pq_number_recode(struct pq_scratch *s, const struct pq_column *c, const struct pq_bounds *bounds,
                                uint32_t *count, struct ec_err *err) {
    const struct pq_number_dict *d = &c->numbers;
    const uint16_t *code = (const uint16_t *)(const void *)c->codes.p;
    size_t n = c->values, range = narrow_range(bounds, n);
    struct cost cost = cost_of(c, bounds, range > 0);
    *count = 0;
    if (n < NUMBERS_MIN || !pays(d->count, &cost)) return EC_OK;
    bool is_new = false;
    if (range == 0 && n >= SAMPLE_FROM) EC_TRY(coded_sample(s, c, &cost, &is_new, err));
    if (is_new) return EC_OK;
    EC_TRY(reserve_codes(s, n, err));
    if (!reserve_slots(&s->numbers, range) || !reserve_entries(&s->numbers, d->count)) return no_memory(n, err);
    if (range == 0) {
        memcpy(s->numbers.entry, d->entry, d->count * sizeof *d->entry);
        memcpy(s->codes, code, n * sizeof *code);
    } else {
        uint64_t low = (uint64_t)bounds->min.i;
        (void)mark(s->numbers.slot, range, low, d->entry, d->count);
        number_marked(s->numbers.slot, range, low, s->numbers.entry);
        uint32_t *table = s->numbers.slot;
        for (size_t i = 0; i < n; i++) s->codes[i] = (uint16_t)table[d->entry[code[i]] - low];
    }
    *count = d->count;
    return EC_OK;
}
