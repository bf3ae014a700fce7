/* A column's values of the row group under way, and the dictionary of its texts. */
#ifndef EC_STORE_PARQUET_COLUMN_H
#define EC_STORE_PARQUET_COLUMN_H

#include "store/parquet_internal.h"

/* A dictionary of texts in the order of their first appearance. */
struct pq_entry {
    uint64_t head; /* length and first four bytes, as in struct ec_text */
    uint64_t tail; /* the other eight, or the offset of the text in `bytes` */
};
struct pq_slot {
    uint32_t tag;  /* of the hash, so that a stranger costs no look at its text */
    uint32_t code; /* plus one; 0: empty */
};
struct pq_text_dict {
    struct ec_buf bytes; /* the dictionary page: PLAIN */
    struct pq_entry *entry;
    struct pq_slot *slot;
    uint16_t *recent; /* PQ_RECENT codes of texts by their length and ends; any may be out of date */
    uint32_t count;
    uint32_t slots; /* a power of two; 0: none yet in this row group */
    size_t entry_cap;
    size_t slot_cap;
};
#define PQ_RECENT_BITS 12u
#define PQ_RECENT      ((size_t)1 << PQ_RECENT_BITS)

/* Numbers, each once, in the order of their first appearance. */
struct pq_number_dict {
    uint64_t *entry;
    uint32_t *slot; /* code plus one; 0: empty */
    uint32_t count;
    uint32_t slots; /* a power of two */
    size_t entry_cap;
    size_t slot_cap;
};
#define PQ_NO_CODE UINT32_MAX

/* From the codes of a batch's dictionary to the row group's, each looked up when first met. */
struct pq_remap {
    uint64_t id; /* of the batch's dictionary */
    uint32_t *code;
    uint32_t count; /* codes that it has a place for; PQ_NO_CODE: not met yet */
    uint32_t cap;
    uint64_t measured_id; /* the batch's dictionary of which the longest text is known */
    uint32_t measured;    /* of so many entries */
    uint32_t longest;
};

struct pq_lengths {
    uint32_t shortest, longest; /* UINT32_MAX, 0: no text yet */
};
static inline void pq_lengths_add(struct pq_lengths *l, uint32_t n) {
    l->shortest = n < l->shortest ? n : l->shortest;
    l->longest = n > l->longest ? n : l->longest;
}

/* How texts in PLAIN are compressed, once a page of the file had enough of them to choose by. */
enum pq_text_codec { PQ_TEXT_UNDECIDED, PQ_TEXT_CODED, PQ_TEXT_LIBRARY };

struct pq_column {
    char *name;
    struct ec_column_type type;
    uint32_t width; /* of a value in memory; 0 for text */
    bool framed;    /* numbers in PLAIN take the bytes that vary: pq_frame_numbers() */
    /* The row group under way. */
    uint64_t *valid; /* bit set: the row has a value; zero behind the last row */
    size_t valid_words;
    size_t values;       /* rows with a value */
    struct ec_buf codes; /* text: uint16_t per value, for the first coded_rows rows; coded numbers */
    struct ec_buf data;  /* other values without gaps; text: those behind the coded ones, PLAIN */
    struct pq_text_dict dict;
    size_t coded_rows;
    size_t coded_values;
    bool plain; /* the dictionary gave up; it is not tried again in later row groups */
    enum pq_text_codec text_codec;
    enum pq_text_codec dict_codec; /* of the dictionary's texts */
    bool stored; /* pages of its codes do not shrink: they stay as they are */
    struct pq_lengths lengths;     /* of the texts in data */
    struct pq_number_dict numbers;
    bool numbers_coded; /* numbers that came coded: `codes` of `numbers`, and nothing in `data` */
    struct pq_remap remap;
    /* The whole file. */
    uint64_t nulls;
    struct pq_bounds bounds;
    /* The append() under way, borrowed. */
    const struct ec_column *source; /* NULL: all null */
    bool source_full;               /* no null in the whole batch */
    size_t slice_max;               /* bytes that the slice under way can add at most */
};

/* Rows of a batch: rows[first..first+n-1], or first..first+n-1 themselves where rows is NULL. */
struct pq_slice {
    const uint32_t *rows;
    size_t first;
    size_t n;
};

/* n bits (1..64) from bit `first` on; bits past the array's last needed word are not touched. */
static inline uint64_t pq_bits_load(const uint64_t *bits, size_t first, size_t n) {
    size_t word = first >> 6, shift = first & 63;
    uint64_t v = bits[word] >> shift;
    if (shift + n > 64) v |= bits[word + 1] << (64 - shift);
    return n < 64 ? v & ((UINT64_C(1) << n) - 1) : v;
}
size_t pq_bits_count(const uint64_t *bits, size_t first, size_t n);

enum ec_status pq_column_init(struct pq_column *c, const struct ec_parquet_column *column,
                              struct ec_err *err) EC_MUST_USE;
void pq_column_deinit(struct pq_column *c);
/* Appends the slice of c->source behind group_rows rows. */
enum ec_status pq_column_append(struct pq_column *c, const struct pq_slice *s, size_t group_rows,
                                struct ec_err *err) EC_MUST_USE;
/* Begins an append() of `source`, NULL for nulls. */
void pq_column_bind(struct pq_column *c, const struct ec_column *source, size_t rows);
/* Sets c->slice_max; `roughly` it may be more than need be. */
void pq_column_measure(struct pq_column *c, const struct pq_slice *s, bool roughly);
size_t pq_column_held(const struct pq_column *c);   /* bytes of values: depends on the rows alone */
size_t pq_column_memory(const struct pq_column *c); /* bytes allocated */
void pq_column_reset(struct pq_column *c, bool release);

/* parquet_dict.c */
/* Codes the slice's texts behind c->codes until the dictionary gives up (and c->plain is set):
 * *taken rows were coded. */
enum ec_status pq_text_code(struct pq_column *c, const struct pq_slice *s, size_t group_rows, size_t *taken,
                            struct ec_err *err) EC_MUST_USE;
/* The text's code, with `values` before it; PQ_NO_CODE where the dictionary gives up. */
enum ec_status pq_text_dict_code(struct pq_text_dict *d, const struct ec_text *t, size_t values, uint32_t *code,
                                 struct ec_err *err) EC_MUST_USE;
/* Its entries, bytes and codes hang on the order in which values first appear, and on nothing else. */
enum ec_status pq_number_dict_code(struct pq_number_dict *d, uint64_t value, uint32_t *code,
                                   struct ec_err *err) EC_MUST_USE;

void pq_number_dict_clear(struct pq_number_dict *d); /* keeps its memory */

/* parquet_coded.c: `count` values of a column that comes with a dictionary. */
enum ec_status pq_coded_append(struct pq_column *c, const struct pq_slice *s, size_t group_rows, size_t count,
                               struct ec_err *err) EC_MUST_USE;
/* Turns coded numbers into values. */
enum ec_status pq_numbers_expand(struct pq_column *c, struct ec_err *err) EC_MUST_USE;

#endif
