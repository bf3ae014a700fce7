/* Two registers of 32 bytes a block: Intel from Haswell (2013), AMD from Zen (2017). */
#if defined(__x86_64__)

#include "scan/variants.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi")))

AVX2 static inline __m256i load(const char *p) {
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static inline uint64_t bits(__m256i low, __m256i high) {
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

AVX2 static inline __m256i line_ends(__m256i v) {
    return _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n')), _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\r')));
}

AVX2 static inline __m256i specials(__m256i v, __m256i separator) {
    __m256i marks = _mm256_or_si256(_mm256_cmpeq_epi8(v, separator), _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')));
    return _mm256_or_si256(marks, line_ends(v));
}

/* The mask takes the highest bit of a byte: set in bytes past ASCII, and where NUL compares equal. */
AVX2 static inline __m256i suspects(__m256i v) {
    return _mm256_or_si256(v, _mm256_cmpeq_epi8(v, _mm256_setzero_si256()));
}

AVX2 static void csv(const char *p, size_t blocks, char separator, uint64_t *special, uint64_t *suspect) {
    __m256i sep = _mm256_set1_epi8(separator);
    for (size_t i = 0; i < blocks; i++, p += EC_SCAN_BLOCK) {
        __m256i low = load(p), high = load(p + 32);
        special[i] = bits(specials(low, sep), specials(high, sep));
        suspect[i] = bits(suspects(low), suspects(high));
    }
}

AVX2 static size_t line_end(const char *p, size_t n) {
    size_t i = 0;
    for (; n - i >= 32; i += 32) {
        uint32_t found = (uint32_t)_mm256_movemask_epi8(line_ends(load(p + i)));
        if (found) return i + (size_t)__builtin_ctz(found);
    }
    return i + ec_scan_scalar.line_end(p + i, n - i);
}

const struct ec_scan ec_scan_avx2 = {.name = "avx2", .csv = csv, .line_end = line_end};

#else
typedef int ec_no_avx2;
#endif
