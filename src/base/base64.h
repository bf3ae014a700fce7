/* Base64 with its padding (RFC 4648, 4). */
#ifndef EC_BASE_BASE64_H
#define EC_BASE_BASE64_H

#include "base/buf.h"

/* Appended. */
void ec_base64_add(struct ec_buf *out, const void *p, size_t n);

#endif
