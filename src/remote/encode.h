/* Percent-encoding (RFC 3986) as signature version 4 wants it, and back. */
#ifndef EC_REMOTE_ENCODE_H
#define EC_REMOTE_ENCODE_H

#include "base/buf.h"

#include <stdbool.h>

/* Everything but A-Z a-z 0-9 - . _ ~ as %XX, with capitals; a slash stays where `slashes`. */
void ec_percent_encode(struct ec_buf *out, const char *p, size_t n, bool slashes);
/* The bytes that it stands for, a plus sign for a space where `plus`; false where a % is not followed by two hexadecimal
 * digits, or for a NUL. */
bool ec_percent_decode(struct ec_buf *out, const char *p, size_t n, bool plus);

#endif
