/* Text: pointer and length, never NUL-terminated unless a name says so.
 *
 * `struct ec_str` is for names, paths and messages. `struct ec_text` is a cell
 * of a text column: sixteen bytes in DuckDB's own `duckdb_string_t` layout, so
 * that a column reaches DuckDB and our encoder without conversion. Up to twelve
 * bytes are held inline and zero-padded; a longer text keeps a prefix of four
 * and a pointer into memory that the batch names.
 *
 *      0    4    8        16
 *      +----+----+---------+
 *      | n  | inlined text |   n <= 12
 *      +----+----+---------+
 *      | n  |pre | pointer |   n > 12
 *      +----+----+---------+
 */
#ifndef EC_BASE_TEXT_H
#define EC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ec_str {
    const char *p;
    size_t n;
};

#define EC_STR(literal) ((struct ec_str){(literal), sizeof(literal) - 1})

static inline struct ec_str ec_str_of(const char *z) {
    return (struct ec_str){z, z ? strlen(z) : 0};
}

static inline bool ec_str_eq(struct ec_str a, struct ec_str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool ec_str_is(struct ec_str a, const char *z) {
    return ec_str_eq(a, ec_str_of(z));
}

#define EC_TEXT_INLINE 12u

struct ec_text {
    union {
        struct {
            uint32_t n;
            char inlined[EC_TEXT_INLINE];
        };
        struct {
            uint32_t n_again; /* the same n: the layout needs it in both */
            char prefix[4];
            const char *p;
        };
    };
};

_Static_assert(sizeof(struct ec_text) == 16, "duckdb_string_t is sixteen bytes");

/* A view of n bytes at p, borrowed while p lives where n > 12. n <= UINT32_MAX. */
static inline struct ec_text ec_text_of(const char *p, size_t n) {
    struct ec_text t;
    memset(&t, 0, sizeof t);
    t.n = (uint32_t)n;
    if (n <= EC_TEXT_INLINE) {
        if (n) memcpy(t.inlined, p, n);
    } else {
        memcpy(t.prefix, p, 4);
        t.p = p;
    }
    return t;
}

/* The bytes of *t: borrowed from *t itself where they are inlined. */
static inline const char *ec_text_bytes(const struct ec_text *t) {
    return t->n <= EC_TEXT_INLINE ? t->inlined : t->p;
}

static inline struct ec_str ec_text_str(const struct ec_text *t) {
    return (struct ec_str){ec_text_bytes(t), t->n};
}

#endif
