/* From a column's values to the pages of a column chunk in the file. */
#ifndef EC_STORE_PARQUET_PAGE_H
#define EC_STORE_PARQUET_PAGE_H

#include "store/parquet_column.h"
#include "store/parquet_frame.h"

/* What ending a row group needs. */
struct pq_scratch {
    struct ec_buf body;   /* a page's levels, and its values where they are not taken from elsewhere */
    struct ec_buf packed; /* a page compressed, behind room for its header */
    struct ec_buf header;
    void *zstd;
    struct pq_frame_scratch frame;
    uint16_t *codes; /* of numbers */
    size_t codes_cap;
    uint64_t *wide; /* dates as 64 bits */
    size_t wide_cap;
    struct pq_number_dict numbers;
};

enum pq_content {
    PQ_CONTENT_OTHER,
    PQ_CONTENT_NUMBERS, /* of eight bytes */
    PQ_CONTENT_TEXTS,
};

struct pq_page {
    enum pq_content content;
    enum pq_encoding encoding;
    size_t count;       /* rows of a data page, entries of a dictionary */
    size_t levels_n;    /* the first bytes of scratch->body */
    const char *values; /* with PQ_SLACK bytes that may be read behind them; NULL: in scratch->body */
    size_t values_n;
    size_t length;             /* of every text; SIZE_MAX: they differ */
    enum pq_text_codec *codec; /* of texts: the column's */
    bool *stored;              /* of codes and booleans: the column's; NULL: they are compressed */
};

/* parquet_numbers.c: the dictionary of a chunk of numbers. *count is 0 where none of c->width bytes
 * an entry pays; `bounds` are those of integers, NULL for others. */
/* Makes scratch->numbers and scratch->codes of the column's values, which are given as 64 bits. */
enum ec_status pq_number_code(struct pq_scratch *scratch, const struct pq_column *c, const uint64_t *value,
                              const struct pq_bounds *bounds, uint32_t *count, struct ec_err *err) EC_MUST_USE;
/* The same, by the same rules, of a column of coded numbers. */
enum ec_status pq_number_recode(struct pq_scratch *scratch, const struct pq_column *c, const struct pq_bounds *bounds,
                                uint32_t *count, struct ec_err *err) EC_MUST_USE;

/* parquet_chunk.c */
enum ec_status pq_chunk_write(struct ec_parquet *pq, struct pq_scratch *scratch, struct pq_column *c,
                              struct pq_chunk *chunk, struct ec_err *err) EC_MUST_USE;
/* The chunk of a column that a row group did not have yet. */
enum ec_status pq_chunk_write_null(struct ec_parquet *pq, struct pq_scratch *scratch, uint64_t rows,
                                   struct pq_chunk *chunk, struct ec_err *err) EC_MUST_USE;
void pq_bounds_merge(struct pq_bounds *into, const struct pq_bounds *from, enum ec_type type);

/* parquet_page.c: into scratch->body. `valid` NULL: every row is null. */
void pq_page_levels(struct ec_buf *body, const uint64_t *valid, size_t first, size_t rows);
void pq_page_codes(struct ec_buf *body, const uint16_t *code, size_t n, uint32_t dict_count);
void pq_page_booleans(struct ec_buf *body, const uint8_t *value, size_t n);

/* parquet_write.c */
enum ec_status pq_page_write_data(struct ec_parquet *pq, struct pq_scratch *scratch, const struct pq_page *page,
                                  struct pq_chunk *chunk, struct ec_err *err) EC_MUST_USE;
enum ec_status pq_page_write_dict(struct ec_parquet *pq, struct pq_scratch *scratch, const struct pq_page *page,
                                  struct pq_chunk *chunk, struct ec_err *err) EC_MUST_USE;
struct pq_scratch pq_scratch_make(void);
void pq_scratch_deinit(struct pq_scratch *scratch);

#endif
