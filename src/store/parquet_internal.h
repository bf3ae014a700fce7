/* What the files of the Parquet encoder share. Private to store/.
 *
 *     parquet.c         life, slices of batches, row groups
 *     parquet_column.c  a column's values of the row group under way
 *     parquet_coded.c   columns that come with a dictionary of their own
 *     parquet_dict.c    the dictionary of texts, made while appending
 *     parquet_numbers.c that of numbers, made when all are at hand
 *     parquet_chunk.c   a column chunk: encoding, bounds, where pages end
 *     parquet_page.c    levels, hybrid runs
 *     parquet_write.c   compression, one page to the file
 *     parquet_frame.c   zstd frames of pages whose form is known; parquet_huffman.c, their literals
 *     parquet_footer.c  the footer; parquet_thrift.h is its wire format
 *     part_stats.c      what the Delta log is told of a finished file
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

struct pq_column; /* parquet_column.h */

struct ec_parquet {
    char *path;
    int fd;
    struct ec_durable *durable; /* or NULL */
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

/* parquet_footer.c: the footer, its length and the closing magic. */
void pq_footer(struct ec_buf *out, const struct ec_parquet *pq);

/* part_stats.c */
enum ec_status pq_part_stats(const struct ec_parquet *pq, struct ec_part_stats *stats, struct ec_err *err) EC_MUST_USE;

enum ec_status pq_no_memory(const struct ec_parquet *pq, struct ec_err *err);

#endif
