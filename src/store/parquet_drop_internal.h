/* Rows taken out of one column chunk. Private to parquet_drop*.c. */
#ifndef EC_STORE_PARQUET_DROP_INTERNAL_H
#define EC_STORE_PARQUET_DROP_INTERNAL_H

#include "store/parquet_drop.h"
#include "store/parquet_page.h"
#include "store/parquet_read_internal.h"

struct pq_drop {
    struct ec_parquet *pq; /* the output */
    struct pq_scratch scratch;
    uint64_t *valid; /* of a page's rows that stay */
    size_t valid_cap;
    uint8_t *used; /* which codes of a dictionary stay */
    size_t used_cap;
    /* The row group under way. */
    const uint32_t *rows; /* to drop, rising */
    size_t n;
    /* The column chunk under way. */
    struct pq_reader *reader;
    struct pq_chunk *chunk;         /* of the output */
    enum pq_text_codec *text_codec; /* of the output's column */
    uint64_t nulls;                 /* that were dropped */
    bool bound_gone;                /* a dropped value was the smallest or largest, or a NaN */
};

/* Value number i of values as in ec_column.values, as the bounds of itself. None of texts. */
struct pq_bounds pq_bounds_of(enum ec_type type, const void *values, size_t i);

/* Writes the page without n rows, numbered within the row group; nothing where no row is left. */
enum ec_status pq_page_drop(struct pq_drop *d, const struct pq_read_page *page, const uint32_t *rows, size_t n,
                            struct ec_err *err) EC_MUST_USE;

#endif
