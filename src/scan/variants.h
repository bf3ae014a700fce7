/* The variants that are built for this architecture, for scan.c alone. Each scan_*.c explains
 * what it needs; what the processor has is asked at run time. */
#ifndef EC_SCAN_VARIANTS_H
#define EC_SCAN_VARIANTS_H

#include "scan/scan.h"

extern const struct ec_scan ec_scan_scalar;
#if defined(__x86_64__)
extern const struct ec_scan ec_scan_avx2;
extern const struct ec_scan ec_scan_avx512;
#elif defined(__aarch64__)
extern const struct ec_scan ec_scan_neon;
#endif

#endif
