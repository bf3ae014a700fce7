/* One text into PLAIN bytes: four of length, then the text. Inline, because this runs per cell.
 *
 * A text of up to twelve bytes lies in `struct ec_text` exactly as PLAIN wants it. A longer one
 * is copied in overlapping strides, which costs a third of a memcpy() of unknown length. Both
 * may write up to PQ_SLACK bytes behind the text, and read none outside of it.
 */
#ifndef EC_STORE_PARQUET_TEXT_H
#define EC_STORE_PARQUET_TEXT_H

#include "base/text.h"

static inline void pq_copy16(char *to, const char *from) {
    memcpy(to, from, 16);
}

static inline char *pq_text_put(char *to, const struct ec_text *t) {
    size_t n = t->n;
    if (n <= EC_TEXT_INLINE) {
        pq_copy16(to, (const char *)t);
        return to + 4 + n;
    }
    const char *p = t->p;
    memcpy(to, &t->n, 4);
    to += 4;
    if (n < 16) {
        memcpy(to, p, 8);
        memcpy(to + n - 8, p + n - 8, 8);
    } else if (n <= 64) {
        pq_copy16(to, p);
        if (n > 32) {
            pq_copy16(to + 16, p + 16);
            pq_copy16(to + n - 32, p + n - 32);
        }
        pq_copy16(to + n - 16, p + n - 16);
    } else {
        memcpy(to, p, n);
    }
    return to + n;
}

#endif
