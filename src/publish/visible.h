/* Text of others, made fit to be shown: what cannot be seen, or would reorder or forge what
 * stands around it, becomes visible.
 *
 *     control characters      their pictures: NUL is shown as U+2400, line feed as U+240A
 *     C1 controls, bidirectional controls, zero-width and other invisible characters,
 *     line separators, tags   [U+202E]
 *     bytes that are no UTF-8 U+FFFD
 *
 * For plain text; what goes into HTML goes through publish/html.h, which uses this.
 */
#ifndef EC_PUBLISH_VISIBLE_H
#define EC_PUBLISH_VISIBLE_H

#include "base/buf.h"

#define EC_VISIBLE_MAX 16u

/* Takes the character at p (n > 0 bytes are left) and writes what is shown for it to `out`;
 * returns how many bytes it took. */
size_t ec_visible_step(const char *p, size_t n, char out[EC_VISIBLE_MAX], size_t *out_n);
void ec_visible_add(struct ec_buf *out, struct ec_str text);

#endif
