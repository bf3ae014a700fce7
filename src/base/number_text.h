/* Numbers as text, the same under every locale.
 *
 * The text of a double is the first of %.15g, %.16g and %.17g that reads back to the same double.
 * printf and strtod work with numbers of any length, at half a microsecond to two a number; values from
 * 0.0001 to 10^15, which are nearly all that a shop has, need no more than 128 bits: such a value is m/2^s
 * with m < 2^53 and s <= 66, and its first p digits are those of m * 10^k / 2^s, which is below 2^120.
 * Rounding that quotient, and the test whether it reads back, are exact; the others go to printf.
 */
#ifndef EC_BASE_NUMBER_TEXT_H
#define EC_BASE_NUMBER_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define EC_FIXED_TEXT 512u /* 309 digits of the largest double, and the decimals */

/* The text described above, of a finite double; out >= 32 bytes, NUL-terminated. Returns its length. */
size_t ec_double_format(double value, char *out);
/* The same by printf and strtod alone: what the tests compare with. */
size_t ec_double_format_slow(double value, char *out);
/* %.<decimals>f; out >= EC_FIXED_TEXT bytes, decimals <= 18. */
size_t ec_double_fixed(double value, int decimals, char *out);
/* A decimal with exactly `scale` digits behind the point; scale <= 18, out >= 32 bytes. */
size_t ec_decimal_format(int64_t value, unsigned scale, char *out);

#endif
