/* What the files of the Parquet encoder share. Private to store/.
 *
 *     parquet.c         life, slices of batches, row groups
 *     parquet_column.c  a column's values of the row group under way
 *     parquet_dict.c    dictionaries, of texts while appending, of numbers afterwards
 *     parquet_chunk.c   a column chunk: encoding, bounds, where pages end
 *     parquet_page.c    levels, hybrid runs, compression, one page to the file
 *     parquet_footer.c  the footer; parquet_thrift.h is its wire format
 *
 * A row group is gathered uncompressed: per column a bitmap of the rows that have a value, and
 * the values without gaps. Text is hashed on arrival, so that a repeated one costs four bytes;
 * where the dictionary gives up, later texts are kept as the PLAIN bytes that a page will hold.
 * All decisions hang on the order of the rows, never on how they were cut into batches.
 */
#ifndef EC_STORE_PARQUET_INTERNAL_H
#define EC_STORE_PARQUET_INTERNAL_H

#include "base/buf.h"
#include "store/parquet.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are written as they lie in memory");

/* A page ends at whichever comes first. A mebibyte is what Arrow and parquet-mr write. */
#define PQ_PAGE_BYTES ((size_t)EC_MIB)
#define PQ_PAGE_ROWS  ((size_t)1 << 17)
/* A row group ends early behind the row that brings its columns to this many bytes. */
#define PQ_GROUP_BYTES    ((size_t)(64 * EC_MIB))
#define PQ_GROUP_ROWS_MAX ((size_t)1 << 24)
/* Sixteen-bit codes at most; a dictionary page as large as a data page. */
#define PQ_DICT_ENTRIES_MAX ((uint32_t)1 << 16)
#define PQ_DICT_BYTES_MAX   PQ_PAGE_BYTES
/* A page is counted in 31 bits. */
#define PQ_TEXT_MAX ((size_t)EC_GIB)
/* Texts are copied in strides of sixteen bytes, which may end this much behind them. */
#define PQ_SLACK ((size_t)64)

enum pq_encoding { PQ_PLAIN = 0, PQ_RLE = 3, PQ_RLE_DICTIONARY = 8 };
enum pq_physical { PQ_BOOLEAN = 0, PQ_INT32 = 1, PQ_INT64 = 2, PQ_DOUBLE = 5, PQ_BYTE_ARRAY = 6 };

struct pq_bounds {
    bool known;
    bool nan; /* NaN has no place in an order that all readers share: then nothing is known */
    union {
        int64_t i;
        double d;
    } min, max;
};

/* What the footer says of a column chunk. */
struct pq_chunk {
    uint64_t dict_offset; /* 0: no dictionary page */
    uint64_t data_offset; /* of the first data page */
    uint64_t bytes_raw;   /* headers included, before and after compression */
    uint64_t bytes_stored;
    uint64_t nulls;
    uint32_t pages_coded;
    uint32_t pages_plain;
    struct pq_bounds bounds;
};

struct pq_group {
    uint64_t rows;
    struct pq_chunk *chunk;
    size_t chunk_count; /* fewer than the file has columns where some came later */
};

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
    uint32_t count;
    uint32_t entry_cap;
    uint32_t slots; /* a power of two */
};

struct pq_column {
    char *name;
    struct ec_column_type type;
    uint32_t width; /* of a value in memory; 0 for text */
    /* The row group under way. */
    uint64_t *valid; /* bit set: the row has a value; zero behind the last row */
    size_t valid_words;
    size_t values;       /* rows with a value */
    struct ec_buf codes; /* text: uint32_t per value, for the first coded_rows rows */
    struct ec_buf data;  /* other values without gaps; text: those behind the coded ones, PLAIN */
    struct pq_text_dict dict;
    size_t coded_rows;
    size_t coded_values;
    bool plain; /* the dictionary gave up; it is not tried again in later row groups */
    /* The whole file. */
    uint64_t nulls;
    struct pq_bounds bounds;
    /* The append() under way, borrowed. */
    const struct ec_column *source; /* NULL: all null */
    bool source_full;               /* no null in the whole batch */
};

/* What ending a row group needs, made for it and given back behind it. */
struct pq_scratch {
    struct ec_buf body;   /* a page before compression */
    struct ec_buf packed; /* and after, behind room for its header */
    void *zstd;
    uint32_t *codes; /* of numbers */
    size_t codes_cap;
    uint64_t *wide; /* dates as 64 bits */
    uint32_t *slot; /* the dictionary of numbers */
    size_t slots;
    uint64_t *entry;
    size_t entry_cap;
};

struct ec_parquet {
    char *path;
    int fd;
    bool finished;
    bool broken; /* an append failed half way: the row group is not whole */
    uint64_t offset;
    enum ec_codec codec;
    size_t rows_per_group;
    size_t group_rows;
    uint64_t rows;
    struct pq_column *column;
    size_t column_count;
    size_t column_cap;
    struct pq_group *group;
    size_t group_count;
    size_t group_cap;
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

/* parquet_column.c */
enum ec_status pq_column_init(struct pq_column *c, const struct ec_parquet_column *column,
                              struct ec_err *err) EC_MUST_USE;
void pq_column_deinit(struct pq_column *c);
/* Appends the slice of c->source behind group_rows rows. */
enum ec_status pq_column_append(struct pq_column *c, const struct pq_slice *s, size_t group_rows,
                                struct ec_err *err) EC_MUST_USE;
size_t pq_column_slice_max(const struct pq_column *c, const struct pq_slice *s); /* bytes it can add at most */
size_t pq_column_held(const struct pq_column *c);   /* bytes of values: depends on the rows alone */
size_t pq_column_memory(const struct pq_column *c); /* bytes allocated */
void pq_column_reset(struct pq_column *c, bool release);

/* parquet_dict.c */
/* Codes the slice's texts behind c->codes until the dictionary gives up (and c->plain is set):
 * *taken rows were coded. */
enum ec_status pq_text_code(struct pq_column *c, const struct pq_slice *s, size_t group_rows, size_t *taken,
                            struct ec_err *err) EC_MUST_USE;
/* Makes scratch->entry and scratch->codes of n 64-bit values. *count is 0 where a dictionary of
 * `width` bytes an entry does not pay. `bounds` are those of integers, NULL for others. */
enum ec_status pq_number_code(struct pq_scratch *scratch, const uint64_t *value, size_t n, size_t width,
                              const struct pq_bounds *bounds, uint32_t *count, struct ec_err *err) EC_MUST_USE;

/* parquet_chunk.c */
enum ec_status pq_chunk_write(struct ec_parquet *pq, struct pq_scratch *scratch, const struct pq_column *c,
                              struct pq_chunk *chunk, struct ec_err *err) EC_MUST_USE;
/* The chunk of a column that a row group did not have yet. */
enum ec_status pq_chunk_write_null(struct ec_parquet *pq, struct pq_scratch *scratch, uint64_t rows,
                                   struct pq_chunk *chunk, struct ec_err *err) EC_MUST_USE;
void pq_bounds_merge(struct pq_bounds *into, const struct pq_bounds *from, enum ec_type type);

/* parquet_page.c: fill scratch->body, then write it. `valid` NULL: every row is null. */
void pq_page_levels(struct ec_buf *body, const uint64_t *valid, size_t first, size_t rows);
void pq_page_codes(struct ec_buf *body, const uint32_t *code, size_t n, uint32_t dict_count);
void pq_page_booleans(struct ec_buf *body, const uint8_t *value, size_t n);
enum ec_status pq_page_write_data(struct ec_parquet *pq, struct pq_scratch *scratch, enum pq_encoding encoding,
                                  size_t rows, struct pq_chunk *chunk, struct ec_err *err) EC_MUST_USE;
enum ec_status pq_page_write_dict(struct ec_parquet *pq, struct pq_scratch *scratch, const void *page, size_t bytes,
                                  uint32_t count, struct pq_chunk *chunk, struct ec_err *err) EC_MUST_USE;
void pq_scratch_deinit(struct pq_scratch *scratch);

/* parquet_footer.c: the footer, its length and the closing magic. */
void pq_footer(struct ec_buf *out, const struct ec_parquet *pq);

enum ec_status pq_no_memory(const struct ec_parquet *pq, struct ec_err *err);

#endif
