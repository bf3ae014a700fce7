/* Thrift's compact protocol, as far as Parquet's headers and footer need it.
 *
 * A struct is a list of fields, each a byte (difference to the last field's number, type) and
 * its value, and a zero byte; numbers are zigzag varints. Field numbers rise by 1 to 15.
 * Format: thrift/doc/specs/thrift-compact-protocol.md.
 *
 *     struct pq_thrift t = {.out = &buf};
 *     pq_thrift_int(&t, 1, PQ_THRIFT_I32, page_type);   // a field of the outermost struct
 *     pq_thrift_struct(&t, 5);
 *     ...
 *     pq_thrift_end(&t);                                // of field 5
 *     pq_thrift_end(&t);                                // of the outermost
 *
 * Failures are those of the buffer. Inline, because a page header is written per page.
 */
#ifndef EC_STORE_PARQUET_THRIFT_H
#define EC_STORE_PARQUET_THRIFT_H

#include "base/buf.h"

#include <assert.h>

enum pq_thrift_type {
    PQ_THRIFT_TRUE = 1,
    PQ_THRIFT_FALSE = 2,
    PQ_THRIFT_BYTE = 3,
    PQ_THRIFT_I16 = 4,
    PQ_THRIFT_I32 = 5,
    PQ_THRIFT_I64 = 6,
    PQ_THRIFT_BINARY = 8,
    PQ_THRIFT_LIST = 9,
    PQ_THRIFT_STRUCT = 12,
};

#define PQ_THRIFT_DEPTH 8u

struct pq_thrift {
    struct ec_buf *out;
    unsigned depth;
    int last[PQ_THRIFT_DEPTH]; /* field number, per open struct */
};

static inline void pq_thrift_varint(struct ec_buf *out, uint64_t v) {
    char *p = ec_buf_reserve(out, 10);
    if (!p) return;
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) p[n++] = (char)(v | 0x80);
    p[n++] = (char)v;
    out->n += n;
}

static inline void pq_thrift_zigzag(struct ec_buf *out, int64_t v) {
    pq_thrift_varint(out, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

static inline void pq_thrift_field(struct pq_thrift *t, int id, enum pq_thrift_type type) {
    int delta = id - t->last[t->depth];
    assert(delta > 0 && delta < 16);
    ec_buf_addc(t->out, (char)(delta << 4 | (int)type));
    t->last[t->depth] = id;
}

/* A number (PQ_THRIFT_I16, I32 or I64), and a list's element of such a type. */
static inline void pq_thrift_int(struct pq_thrift *t, int id, enum pq_thrift_type type, int64_t v) {
    pq_thrift_field(t, id, type);
    pq_thrift_zigzag(t->out, v);
}

static inline void pq_thrift_bool(struct pq_thrift *t, int id, bool v) {
    pq_thrift_field(t, id, v ? PQ_THRIFT_TRUE : PQ_THRIFT_FALSE);
}

/* A list's element. */
static inline void pq_thrift_bytes(struct ec_buf *out, const void *p, size_t n) {
    pq_thrift_varint(out, n);
    ec_buf_add(out, p, n);
}

static inline void pq_thrift_binary(struct pq_thrift *t, int id, const void *p, size_t n) {
    pq_thrift_field(t, id, PQ_THRIFT_BINARY);
    pq_thrift_bytes(t->out, p, n);
}

static inline void pq_thrift_list(struct pq_thrift *t, int id, enum pq_thrift_type type, size_t count) {
    pq_thrift_field(t, id, PQ_THRIFT_LIST);
    ec_buf_addc(t->out, (char)((count < 15 ? count : 15) << 4 | (size_t)type));
    if (count >= 15) pq_thrift_varint(t->out, count);
}

/* A struct as a list's element, and as a field. */
static inline void pq_thrift_begin(struct pq_thrift *t) {
    assert(t->depth + 1 < PQ_THRIFT_DEPTH);
    t->last[++t->depth] = 0;
}
static inline void pq_thrift_struct(struct pq_thrift *t, int id) {
    pq_thrift_field(t, id, PQ_THRIFT_STRUCT);
    pq_thrift_begin(t);
}
static inline void pq_thrift_end(struct pq_thrift *t) {
    ec_buf_addc(t->out, 0);
    if (t->depth > 0) t->depth--;
}

#endif
