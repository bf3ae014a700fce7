#include "base/base64.h"

#include <openssl/evp.h>

#define STEP ((size_t)48 << 20) /* the library counts in int; a multiple of three, so that only the end is padded */

void ec_base64_add(struct ec_buf *out, const void *p, size_t n) {
    for (const unsigned char *from = p; n > 0;) {
        size_t part = n < STEP ? n : STEP;
        char *to = ec_buf_reserve(out, (part + 2) / 3 * 4 + 1);
        if (!to) return;
        out->n += (size_t)EVP_EncodeBlock((unsigned char *)to, from, (int)part);
        from += part;
        n -= part;
    }
}
