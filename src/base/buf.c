#include "base/buf.h"

#include "base/io.h"

#include <stdarg.h>

void ec_buf_free(struct ec_buf *buf) {
    ec_free(buf->p);
    *buf = ec_buf_make(buf->bytes_max);
}

void ec_buf_clear(struct ec_buf *buf) {
    buf->n = 0;
    buf->failed = false;
    if (buf->p) buf->p[0] = '\0';
}

char *ec_buf_reserve(struct ec_buf *buf, size_t n) {
    if (buf->failed) return NULL;
    size_t need; /* with the NUL behind it */
    if (__builtin_add_overflow(buf->n, n, &need) || __builtin_add_overflow(need, 1, &need) ||
        need - 1 > buf->bytes_max) {
        buf->failed = true;
        return NULL;
    }
    if (need > buf->cap) {
        size_t cap = buf->cap ? buf->cap : 256;
        while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
        char *p = ec_realloc_array(buf->p, cap, 1);
        if (!p) {
            buf->failed = true;
            return NULL;
        }
        buf->p = p;
        buf->cap = cap;
    }
    return buf->p + buf->n;
}

void ec_buf_add(struct ec_buf *buf, const void *p, size_t n) {
    char *to = ec_buf_reserve(buf, n);
    if (!to) return;
    if (n) memcpy(to, p, n);
    buf->n += n;
    buf->p[buf->n] = '\0';
}

void ec_buf_addz(struct ec_buf *buf, const char *z) { ec_buf_add(buf, z, strlen(z)); }

void ec_buf_addc(struct ec_buf *buf, char c) { ec_buf_add(buf, &c, 1); }

void ec_buf_printf(struct ec_buf *buf, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *to = n < 0 ? NULL : ec_buf_reserve(buf, (size_t)n);
    if (!to) {
        buf->failed = true;
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(to, (size_t)n + 1, fmt, args);
    va_end(args);
    buf->n += (size_t)n;
}

enum ec_status ec_buf_check(const struct ec_buf *buf, struct ec_err *err) {
    if (!buf->failed) return EC_OK;
    return ec_fail(err, EC_NO_MEMORY, "a text would exceed its limit of %zu bytes, or memory ran out", buf->bytes_max);
}
