/* Strict UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing past U+10FFFF). */
#ifndef EC_BASE_UTF8_H
#define EC_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the n bytes at p are valid; blocks of ASCII cost one test each. */
bool ec_utf8_valid(const char *p, size_t n);
/* The offset of the first invalid byte, or n. */
size_t ec_utf8_prefix(const char *p, size_t n);
/* The number of characters; the bytes must be valid. */
size_t ec_utf8_length(const char *p, size_t n);
/* Encodes a code point (valid, not a surrogate) into out[4]; returns its length. */
size_t ec_utf8_encode(uint32_t code, char out[4]);
/* The largest prefix of at most n_max bytes that does not cut a character. */
size_t ec_utf8_truncate(const char *p, size_t n, size_t n_max);

#endif
