/* Text of files made harmless for a terminal.
 *
 * Cells, names and messages come from files that anybody may have written. What could move the
 * cursor, recolour, retitle or reorder a terminal's text is shown as an escape instead: control
 * characters (C0, DEL, C1), line and paragraph separators, and the marks that change the
 * direction of text as \n \t \r \xHH or \u{HHHH}; bytes that are not UTF-8 as \xHH. Everything
 * else stays as it is, the backslash too.
 */
#ifndef EC_BASE_INERT_H
#define EC_BASE_INERT_H

#include "base/buf.h"

#define EC_INERT_MAX 12u /* bytes that one character becomes at most */

/* The character at p (n > 0) as it may be shown: out[*out_n]. Returns how many bytes it took. */
size_t ec_inert_next(const char *p, size_t n, char out[EC_INERT_MAX], size_t *out_n);

void ec_inert_add(struct ec_buf *out, const char *p, size_t n);
void ec_inert_print(const char *p, size_t n, FILE *out);

#endif
