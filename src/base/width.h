/* How many columns of a terminal a character takes. */
#ifndef EC_BASE_WIDTH_H
#define EC_BASE_WIDTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 for combining marks and what has no width, 2 for East Asian wide and full-width characters and
 * emoji, else 1 (Unicode 15, UAX #11, categories Mn, Me, Cf). Of a printable code point: control
 * characters are to be made inert first. */
unsigned ec_width_of(uint32_t code);
/* Of Hebrew, Arabic and the other scripts that are written from right to left. */
bool ec_is_right_to_left(uint32_t code);

/* The code point at p (n > 0 bytes), *size receives its bytes; a byte that is no UTF-8 is U+FFFD of one byte. */
uint32_t ec_code_point(const char *p, size_t n, size_t *size);
/* The columns of a text, and its largest prefix, in bytes, that fits into `columns`. */
size_t ec_width(const char *p, size_t n);
size_t ec_width_prefix(const char *p, size_t n, size_t columns);

#endif
