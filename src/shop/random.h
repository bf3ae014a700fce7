/* Chance that is the same everywhere: SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom
 * Number Generators", 2014). A generator is made for a thing's number, so that the thing can be had
 * again at any time without being kept. Integers only: no rounding differs between machines. And no
 * two draws stand in one expression: in which order a compiler would take them is its own choice. */
#ifndef EC_SHOP_RANDOM_H
#define EC_SHOP_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct ec_shop_random {
    uint64_t state;
};

static inline uint64_t ec_shop_mix(uint64_t x) {
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* What the thing is, so that a session and a user of one number have nothing in common. */
enum ec_shop_tag {
    EC_SHOP_TAG_SESSION = 1,
    EC_SHOP_TAG_SESSION_ID,
    EC_SHOP_TAG_LOG,
    EC_SHOP_TAG_LOG_ID,
    EC_SHOP_TAG_SALE,
    EC_SHOP_TAG_USER,
    EC_SHOP_TAG_PRODUCT,
    EC_SHOP_TAG_RANKS,
    EC_SHOP_TAG_DEFECTS,
    EC_SHOP_TAG_CHANGES,
};

static inline struct ec_shop_random ec_shop_random_of(uint64_t seed, enum ec_shop_tag tag, uint64_t number) {
    uint64_t kind = ec_shop_mix(seed + (uint64_t)tag * UINT64_C(0x9E3779B97F4A7C15));
    return (struct ec_shop_random){ec_shop_mix(kind ^ number * UINT64_C(0xD1B54A32D192ED03))};
}

static inline uint64_t ec_shop_next(struct ec_shop_random *r) {
    r->state += UINT64_C(0x9E3779B97F4A7C15);
    return ec_shop_mix(r->state);
}

static inline uint32_t ec_shop_bits(struct ec_shop_random *r) {
    return (uint32_t)(ec_shop_next(r) >> 32);
}

/* 0 to n - 1. */
static inline uint32_t ec_shop_below(struct ec_shop_random *r, uint32_t n) {
    return (uint32_t)((uint64_t)ec_shop_bits(r) * n >> 32);
}

static inline uint32_t ec_shop_between(struct ec_shop_random *r, uint32_t low, uint32_t high) {
    return low + ec_shop_below(r, high - low + 1);
}

static inline bool ec_shop_chance(struct ec_shop_random *r, uint32_t in_thousand) {
    return ec_shop_below(r, 1000) < in_thousand;
}

#endif
