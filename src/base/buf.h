/* A growable byte buffer that is made with a maximum.
 *
 * Appending reports failure once, at the end: a buffer that could not grow is
 * `failed`, ignores further appends, and ec_buf_check() turns that into
 * EC_NO_MEMORY. Always NUL-terminated behind `n`, for messages. Not thread-safe.
 *
 *     struct ec_buf b = ec_buf_make(EC_PROTOCOL_LINE_MAX);
 *     ec_buf_printf(&b, "%zu rows", n);
 *     EC_TRY(ec_buf_check(&b, err));
 *     ec_buf_free(&b);
 */
#ifndef EC_BASE_BUF_H
#define EC_BASE_BUF_H

#include "base/err.h"
#include "base/text.h"

struct ec_buf {
    char *p;
    size_t n;
    size_t cap;
    size_t bytes_max;
    bool failed;
};

static inline struct ec_buf ec_buf_make(size_t bytes_max) {
    return (struct ec_buf){.bytes_max = bytes_max};
}

void ec_buf_free(struct ec_buf *buf);
void ec_buf_clear(struct ec_buf *buf); /* keeps its memory; forgets a failure */

/* Room for n more bytes behind buf->n, or NULL (and failed). Add to buf->n what was used. */
char *ec_buf_reserve(struct ec_buf *buf, size_t n);
void ec_buf_add(struct ec_buf *buf, const void *p, size_t n);
void ec_buf_addz(struct ec_buf *buf, const char *z);
void ec_buf_addc(struct ec_buf *buf, char c);
void ec_buf_printf(struct ec_buf *buf, const char *fmt, ...) EC_PRINTF(2, 3);
enum ec_status ec_buf_check(const struct ec_buf *buf, struct ec_err *err) EC_MUST_USE;

static inline struct ec_str ec_buf_str(const struct ec_buf *buf) {
    return (struct ec_str){buf->p ? buf->p : "", buf->n};
}

#endif
