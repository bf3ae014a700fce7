#include "scan/variants.h"

#include "base/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define VARIANTS_MAX 4

static _Atomic(const struct ec_scan *) chosen;
bool ec_scan_bytewise;

/* The variants that run here, each better than the one before it. */
static size_t list_variants(const struct ec_scan *list[VARIANTS_MAX]) {
    size_t n = 0;
    list[n++] = &ec_scan_scalar;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) list[n++] = &ec_scan_avx2;
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("bmi2")) list[n++] = &ec_scan_avx512;
#elif defined(__aarch64__)
    list[n++] = &ec_scan_neon;
#endif
    return n;
}

const struct ec_scan *const *ec_scan_variants(size_t *count) {
    static const struct ec_scan *list[VARIANTS_MAX];
    *count = list_variants(list);
    return list;
}

static const struct ec_scan *find(const char *name) {
    const struct ec_scan *list[VARIANTS_MAX];
    size_t n = list_variants(list);
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i]->name, name) == 0) return list[i];
    return NULL;
}

static const struct ec_scan *choose(void) {
    const struct ec_scan *list[VARIANTS_MAX];
    const struct ec_scan *best = list[list_variants(list) - 1];
    const char *variable = "ECLUSE_CPU", *name = getenv(variable);
    if (!name || !*name) name = getenv(variable = "EC_SCAN");
    if (!name || !*name) return best;
    const struct ec_scan *asked = find(name);
    if (!asked)
        ec_log(EC_LOG_WARN, "%s=%s is not a variant that this machine has; %s is used", variable, name, best->name);
    return asked ? asked : best;
}

const struct ec_scan *ec_scan(void) {
    const struct ec_scan *scan = atomic_load_explicit(&chosen, memory_order_acquire);
    if (scan) return scan;
    scan = choose();
    if (getenv("ECLUSE_CPU") || getenv("EC_SCAN")) ec_scan_bytewise = scan == &ec_scan_scalar;
    atomic_store_explicit(&chosen, scan, memory_order_release); /* two threads choose the same */
    return scan;
}

bool ec_scan_use(const char *name) {
    const struct ec_scan *scan = find(name);
    if (!scan) return false;
    ec_scan_bytewise = scan == &ec_scan_scalar;
    atomic_store_explicit(&chosen, scan, memory_order_release);
    return true;
}
