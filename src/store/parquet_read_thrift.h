/* Thrift's compact protocol read, the counterpart of parquet_thrift.h, from bytes that nobody vouches for.
 *
 * After the first byte that makes no sense the input is `bad` and at its end: loops stop, and who
 * reads a struct asks once, behind it.
 *
 *     struct pq_field f = {0};
 *     while (pq_in_field(&in, &f)) {
 *         if (f.id == 1) rows = pq_in_int(&in, f);
 *         else pq_in_skip(&in, f.type);
 *     }
 *     if (in.bad) ...
 */
#ifndef EC_STORE_PARQUET_READ_THRIFT_H
#define EC_STORE_PARQUET_READ_THRIFT_H

#include "store/parquet_thrift.h"

struct pq_in {
    const uint8_t *p;
    const uint8_t *end;
    bool bad;
};

struct pq_field {
    int id;
    unsigned type; /* enum pq_thrift_type, or what is not */
};

static inline void pq_in_fail(struct pq_in *in) {
    in->bad = true;
    in->p = in->end;
}

/* n bytes, or NULL. */
static inline const uint8_t *pq_in_take(struct pq_in *in, uint64_t n) {
    if (n > (uint64_t)(in->end - in->p)) {
        pq_in_fail(in);
        return NULL;
    }
    const uint8_t *p = in->p;
    in->p += n;
    return p;
}

static inline uint64_t pq_in_varint(struct pq_in *in) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && in->p < in->end; shift += 7) {
        uint8_t byte = *in->p++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return v;
    }
    pq_in_fail(in);
    return 0;
}

static inline int64_t pq_in_zigzag(struct pq_in *in) {
    uint64_t v = pq_in_varint(in);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* The next field of a struct; false behind its last. */
static inline bool pq_in_field(struct pq_in *in, struct pq_field *f) {
    const uint8_t *head = pq_in_take(in, 1);
    if (!head || *head == 0) return false;
    f->type = *head & 15u;
    int64_t id = *head >> 4 ? f->id + (*head >> 4) : pq_in_zigzag(in);
    if (id <= 0 || id > INT16_MAX) pq_in_fail(in);
    f->id = (int)id;
    return !in->bad;
}

static inline int64_t pq_in_int(struct pq_in *in, struct pq_field f) {
    if (f.type == PQ_THRIFT_I16 || f.type == PQ_THRIFT_I32 || f.type == PQ_THRIFT_I64) return pq_in_zigzag(in);
    pq_in_fail(in);
    return 0;
}

/* A list's element of bytes. */
static inline struct ec_str pq_in_bytes(struct pq_in *in) {
    uint64_t n = pq_in_varint(in);
    const uint8_t *p = pq_in_take(in, n);
    return p ? (struct ec_str){(const char *)p, n} : EC_STR("");
}

static inline struct ec_str pq_in_binary(struct pq_in *in, struct pq_field f) {
    if (f.type == PQ_THRIFT_BINARY) return pq_in_bytes(in);
    pq_in_fail(in);
    return EC_STR("");
}

/* A list's length. Each element is a byte at least, so it is no more than what is left. */
static inline size_t pq_in_list(struct pq_in *in, struct pq_field f, unsigned type) {
    const uint8_t *head = f.type == PQ_THRIFT_LIST ? pq_in_take(in, 1) : NULL;
    uint64_t n = head ? *head >> 4 : 0;
    if (n == 15) n = pq_in_varint(in);
    if (head && (n == 0 || (*head & 15u) == type) && n <= (uint64_t)(in->end - in->p)) return n;
    pq_in_fail(in);
    return 0;
}

/* Enters a field that is a struct; its fields follow. */
static inline void pq_in_struct(struct pq_in *in, struct pq_field f) {
    if (f.type != PQ_THRIFT_STRUCT) pq_in_fail(in);
}

/* Passes over a field's value, however deep, within bounds. */
void pq_in_skip(struct pq_in *in, unsigned type);

#endif
