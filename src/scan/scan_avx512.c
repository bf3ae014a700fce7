/* One register a block, and comparisons that give the 64 bits themselves: AVX-512BW, Intel from
 * Skylake-SP (2017), AMD from Zen 4 (2022). */
#if defined(__x86_64__)

#include "scan/variants.h"

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,bmi,bmi2")))

AVX512 static inline __mmask64 equal(__m512i v, char c) {
    return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(c));
}

AVX512 static void csv(const char *p, size_t blocks, char separator, uint64_t *special, uint64_t *suspect) {
    for (size_t i = 0; i < blocks; i++, p += EC_SCAN_BLOCK) {
        __m512i v = _mm512_loadu_si512(p);
        special[i] = equal(v, separator) | equal(v, '"') | equal(v, '\n') | equal(v, '\r');
        suspect[i] = _mm512_movepi8_mask(v) | _mm512_testn_epi8_mask(v, v);
    }
}

AVX512 static size_t line_end(const char *p, size_t n) {
    for (size_t i = 0; i < n; i += EC_SCAN_BLOCK) {
        size_t left = n - i;
        __mmask64 inside = left >= EC_SCAN_BLOCK ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
        __m512i v = _mm512_maskz_loadu_epi8(inside, p + i);
        uint64_t found = equal(v, '\n') | equal(v, '\r'); /* bytes outside are loaded as NUL */
        if (found) return i + (size_t)__builtin_ctzll(found);
    }
    return n;
}

const struct ec_scan ec_scan_avx512 = {.name = "avx512", .csv = csv, .line_end = line_end};

#else
typedef int ec_no_avx512;
#endif
