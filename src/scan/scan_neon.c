/* Four registers of 16 bytes a block; every aarch64 has them. NEON has no movemask: a comparison's
 * bytes are masked to one bit each and added in pairs until 64 bits are left. */
#if defined(__aarch64__)

#include "scan/variants.h"

#include <arm_neon.h>

static inline uint64_t bits(const uint8x16_t v[4]) {
    const uint8x16_t weights = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t low = vpaddq_u8(vandq_u8(v[0], weights), vandq_u8(v[1], weights));
    uint8x16_t high = vpaddq_u8(vandq_u8(v[2], weights), vandq_u8(v[3], weights));
    uint8x16_t sum = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}

static inline uint8x16_t line_ends(uint8x16_t v) {
    return vorrq_u8(vceqq_u8(v, vdupq_n_u8('\n')), vceqq_u8(v, vdupq_n_u8('\r')));
}

static void csv(const char *p, size_t blocks, char separator, uint64_t *special, uint64_t *suspect) {
    uint8x16_t sep = vdupq_n_u8((uint8_t)separator), quote = vdupq_n_u8('"'), ascii_max = vdupq_n_u8(0x7f);
    for (size_t i = 0; i < blocks; i++, p += EC_SCAN_BLOCK) {
        uint8x16_t marks[4], strange[4];
        for (size_t k = 0; k < 4; k++) {
            uint8x16_t v = vld1q_u8((const uint8_t *)p + 16 * k);
            marks[k] = vorrq_u8(vorrq_u8(vceqq_u8(v, sep), vceqq_u8(v, quote)), line_ends(v));
            strange[k] = vorrq_u8(vcgtq_u8(v, ascii_max), vceqq_u8(v, vdupq_n_u8(0)));
        }
        special[i] = bits(marks);
        suspect[i] = bits(strange);
    }
}

static size_t line_end(const char *p, size_t n) {
    size_t i = 0;
    for (; n - i >= 16; i += 16) {
        uint8x16_t found = line_ends(vld1q_u8((const uint8_t *)p + i));
        if (vmaxvq_u8(found)) break;
    }
    return i + ec_scan_scalar.line_end(p + i, n - i);
}

const struct ec_scan ec_scan_neon = {.name = "neon", .csv = csv, .line_end = line_end};

#else
typedef int ec_no_neon;
#endif
