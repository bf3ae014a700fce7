/* How many distinct values, and which are the most frequent: two sketches of bounded size.
 *
 * HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) with the estimator of Otmar Ertl, "New
 * cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6, which needs no
 * table of corrections. The top values are the counters of Metwally, Agrawal, El Abbadi,
 * "Efficient computation of frequent and top-k elements" (2005): exact up to EC_TOP_SLOTS
 * distinct values, upper bounds past that.
 */
#include "base/facts.h"

#include "base/hash.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define RANK_MAX (64u - EC_HLL_BITS + 1u)

static inline void add_hash(uint8_t *hll, uint64_t hash) {
    size_t slot = hash >> (64 - EC_HLL_BITS);
    /* The set bit below the slot's bits bounds the rank where the rest is zero. */
    uint64_t rest = hash << EC_HLL_BITS | UINT64_C(1) << (EC_HLL_BITS - 1);
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    if (rank > hll[slot]) hll[slot] = rank;
}

void ec_facts_distinct_add(uint8_t *hll, uint64_t hash) {
    add_hash(hll, hash);
}

/* The hash inlined: of a constant length it is a dozen instructions. */
void ec_facts_distinct_words(uint8_t *hll, const void *words, size_t n) {
    for (size_t i = 0; i < n; i++) add_hash(hll, XXH3_64bits((const char *)words + 8 * i, 8));
}

void ec_facts_distinct_texts(uint8_t *hll, const struct ec_text *text, const uint64_t *known, size_t rows) {
    for (size_t row = 0; row < rows; row++)
        if (ec_bit(known, row)) add_hash(hll, XXH3_64bits(ec_text_bytes(&text[row]), text[row].n));
}

static double sigma(double x) {
    if (x >= 1) return (double)INFINITY;
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z > before);
    return z;
}

static double tau(double x) {
    if (x <= 0 || x >= 1) return 0;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z < before);
    return z / 3;
}

uint64_t ec_facts_distinct(const uint8_t *hll) {
    if (!hll) return 0;
    uint32_t count[256] = {0};
    for (size_t i = 0; i < EC_HLL_SIZE; i++) count[hll[i]]++;
    if (count[0] == EC_HLL_SIZE) return 0;
    double m = EC_HLL_SIZE;
    double z = m * tau(1 - count[RANK_MAX] / m);
    for (size_t k = RANK_MAX - 1; k >= 1; k--) z = 0.5 * (z + count[k]);
    z += m * sigma(count[0] / m);
    double estimate = m * m / (2 * M_LN2 * z);
    /* A full sketch (every register at its maximum) has no finite estimate. */
    return estimate < 9e18 ? (uint64_t)llround(estimate) : UINT64_C(9000000000000000000);
}

static void put(struct ec_top *slot, uint64_t count, uint64_t hash, const char *p, size_t n) {
    const char *nul = n ? memchr(p, 0, n) : NULL; /* shown, and carried as JSON: what follows is cut */
    if (nul) n = (size_t)(nul - p);
    slot->count = count;
    slot->hash = hash;
    slot->n = (uint32_t)ec_utf8_truncate(p, n, sizeof slot->text);
    if (slot->n) memcpy(slot->text, p, slot->n);
}

void ec_facts_top_add(struct ec_top *top, uint64_t hash, const char *p, size_t n, uint64_t count) {
    size_t least = 0;
    for (size_t i = 0; i < EC_TOP_SLOTS; i++) {
        if (top[i].count == 0) {
            put(&top[i], count, hash, p, n);
            return;
        }
        if (top[i].hash == hash) {
            top[i].count += count;
            /* Frequent values drift to the front, where the next search finds them first. */
            if (i > 0 && top[i].count > top[i - 1].count) {
                struct ec_top swap = top[i];
                top[i] = top[i - 1];
                top[i - 1] = swap;
            }
            return;
        }
        if (top[i].count < top[least].count) least = i;
    }
    put(&top[least], top[least].count + count, hash, p, n);
}

static int by_count(const void *a, const void *b) {
    const struct ec_top *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    size_t n = x->n < y->n ? x->n : y->n;
    int order = n ? memcmp(x->text, y->text, n) : 0;
    if (order) return order;
    if (x->n != y->n) return x->n < y->n ? -1 : 1;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

void ec_facts_top_sort(struct ec_top *top) {
    qsort(top, EC_TOP_SLOTS, sizeof *top, by_count);
}
