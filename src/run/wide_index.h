/* The first table's rows by a hash of the columns that another table joins. Private to run/. */
#ifndef EC_RUN_WIDE_INDEX_H
#define EC_RUN_WIDE_INDEX_H

#include "base/arena.h"
#include "run/wide_keys.h"

#define WIDE_INDEX_END UINT32_MAX

struct wide_index {
    size_t rows;     /* so far */
    size_t cap;      /* that were promised */
    uint64_t *hash;  /* per row */
    uint32_t *next;  /* row of the same hash; WIDE_INDEX_END */
    uint64_t *slot;  /* by hash: its upper half, and below it the last row that has it, plus one; 0: none */
    size_t mask;     /* of slots */
    size_t columns;
    enum ec_type type[WIDE_KEYS_MAX];
    char *values[WIDE_KEYS_MAX];
    struct ec_arena memory, text;
};

/* Room for so many rows, fewer than UINT32_MAX, of the columns of `keys`. */
enum ec_status wide_index_init(struct wide_index *index, size_t rows, const struct wide_keys *keys, struct ec_err *err) EC_MUST_USE;
void wide_index_deinit(struct wide_index *index);
/* Adds a row group. A row that has a null among its columns gets a number, and is never found. */
enum ec_status wide_index_add(struct wide_index *index, const struct wide_keys *keys, struct ec_err *err) EC_MUST_USE;

static inline bool wide_slot_is_of(const struct wide_index *x, uint64_t slot, uint64_t hash) {
    return slot >> 32 == hash >> 32 && x->hash[(uint32_t)slot - 1] == hash;
}

/* The last row added whose hash it is; WIDE_INDEX_END. More of them by index->next[]. */
static inline uint32_t wide_index_find(const struct wide_index *x, uint64_t hash) {
    for (size_t at = hash & x->mask; x->slot[at]; at = (at + 1) & x->mask)
        if (wide_slot_is_of(x, x->slot[at], hash)) return (uint32_t)x->slot[at] - 1;
    return WIDE_INDEX_END;
}

/* Brings the hash's slot near before it is asked for. */
static inline void wide_index_prefetch(const struct wide_index *x, uint64_t hash) { __builtin_prefetch(&x->slot[hash & x->mask]); }

/* Whether the row's columns are those of a row of `keys`. */
bool wide_index_equal(const struct wide_index *index, uint32_t row, const struct wide_keys *keys, size_t other);

#endif
