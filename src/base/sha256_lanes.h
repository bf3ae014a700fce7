/* SHA-256 of two texts at once, on one processor core in the time of one.
 *
 * The SHA instructions of x86 wait for themselves: a round needs the one before it, which takes four
 * cycles, while the unit could begin one every two. The rounds of a second text fill the gaps:
 * 2.8 GB/s instead of 1.45 on an AMD EPYC of 2021, for the same processor time. For what arrives
 * alone, and for other processors, there is base/sha256.h. FIPS 180-4. Built for x86-64 alone.
 *
 *     if (ec_sha256_lanes_here()) {
 *         struct ec_sha256_lane a, b;
 *         ec_sha256_lane_begin(&a), ec_sha256_lane_begin(&b);
 *         ec_sha256_lanes_add(&a, p, &b, q, 1000);                   // 1000 blocks of 64 bytes of each
 *         ec_sha256_lane_end(&a, p + 64000, 17, 64017, hex);         // the rest, and the whole length
 */
#ifndef EC_BASE_SHA256_LANES_H
#define EC_BASE_SHA256_LANES_H

#include "base/hash.h"

#include <stdbool.h>

#define EC_SHA256_BLOCK ((size_t)64)

struct ec_sha256_lane {
    uint32_t state[8];
};

/* Whether the processor has the instructions; ECLUSE_CPU=scalar in the environment denies it. The others
 * may only be called where it is so. */
bool ec_sha256_lanes_here(void);

void ec_sha256_lane_begin(struct ec_sha256_lane *lane);
void ec_sha256_lane_add(struct ec_sha256_lane *lane, const void *p, size_t blocks);
/* The same number of blocks of two texts. */
void ec_sha256_lanes_add(struct ec_sha256_lane *a, const void *p, struct ec_sha256_lane *b, const void *q, size_t blocks);
/* `rest` are the last bytes, less than a block; `bytes` is the length of the whole text. */
void ec_sha256_lane_end(struct ec_sha256_lane *lane, const void *rest, size_t n, uint64_t bytes, char hex[EC_SHA256_HEX]);

#endif
