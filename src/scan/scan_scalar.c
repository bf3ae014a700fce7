/* The oracle: one byte at a time, as one would explain it. */
#include "scan/variants.h"

static void csv(const char *p, size_t blocks, char separator, uint64_t *special, uint64_t *suspect) {
    for (size_t i = 0; i < blocks; i++, p += EC_SCAN_BLOCK) {
        special[i] = suspect[i] = 0;
        for (unsigned k = 0; k < EC_SCAN_BLOCK; k++) {
            unsigned char c = (unsigned char)p[k];
            bool is_special = p[k] == separator || c == '"' || c == '\n' || c == '\r';
            special[i] |= (uint64_t)is_special << k;
            suspect[i] |= (uint64_t)(c == 0 || c >= 0x80) << k;
        }
    }
}

static size_t line_end(const char *p, size_t n) {
    size_t i = 0;
    while (i < n && p[i] != '\n' && p[i] != '\r') i++;
    return i;
}

const struct ec_scan ec_scan_scalar = {.name = "scalar", .csv = csv, .line_end = line_end};
