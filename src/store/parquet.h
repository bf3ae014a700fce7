/* The Parquet encoder: batches in, one file out.
 *
 * Data pages v1, PLAIN and RLE_DICTIONARY, zstd (at the speed of its level 1 where codes and prose
 * are, in frames of our own where numbers and identifiers are) or snappy, every column optional
 * (definition levels RLE), timestamps INT64 micros adjusted to UTC, statistics per column
 * chunk. Format: apache/parquet-format, thrift compact protocol. The bytes depend on the rows,
 * their order and the options alone (and on where a flush came): no clock, no host, no address,
 * nor how the rows were cut into batches.
 *
 * A row group is held in memory until it has rows_per_group rows, or 64 MiB of values; pages end
 * at 1 MiB. A text may be up to 1 GiB. After a failed append, flush or finish nothing more can
 * be written; destroy removes the file. One encoder, one thread.
 *
 *     struct ec_parquet *pq;
 *     EC_TRY(ec_parquet_create(path, &options, &pq, err));
 *     EC_TRY(ec_parquet_append(pq, &batch, map, NULL, batch.rows, err));
 *     EC_TRY(ec_parquet_finish(pq, &stats, err));   // footer, fsync, close
 *     ec_parquet_destroy(pq);                       // removes the file where it was not finished
 */
#ifndef EC_STORE_PARQUET_H
#define EC_STORE_PARQUET_H

#include "base/batch.h"

enum ec_codec { EC_CODEC_ZSTD, EC_CODEC_SNAPPY, EC_CODEC_NONE };

struct ec_parquet_column {
    const char *name; /* copied */
    struct ec_column_type type;
};

struct ec_parquet_options {
    const struct ec_parquet_column *column;
    size_t column_count;
    size_t rows_per_group; /* chunk_rows; 1 to 2^24, else the nearer of them */
    enum ec_codec codec;
};

struct ec_parquet;
struct ec_durable;

/* Creates the file (it must not exist). *pq is owned by the caller. EC_TABLE_FORMAT where there
 * is no column, two have one name, or a decimal's precision is not 1 to 18. */
enum ec_status ec_parquet_create(const char *path, const struct ec_parquet_options *options, struct ec_parquet **pq,
                                 struct ec_err *err) EC_MUST_USE;

/* Adds a column that only later rows have: null in every row so far. */
enum ec_status ec_parquet_add_column(struct ec_parquet *pq, const struct ec_parquet_column *column,
                                     struct ec_err *err) EC_MUST_USE;

/* Appends n rows. map[i] is the batch column of the file's column i, or SIZE_MAX for all null.
 * rows[0..n-1] are the rows to take, in that order; NULL takes 0..n-1. Columns may come coded, in
 * one batch and not in the next: the file's bytes are those that the values would have made.
 * Copies what it needs: nothing of the batch or its dictionaries is borrowed afterwards. EC_TABLE_FORMAT, and nothing
 * is appended, where a column or row is outside of the batch or of another type than the file's. */
enum ec_status ec_parquet_append(struct ec_parquet *pq, const struct ec_batch *batch, const size_t *map,
                                 const uint32_t *rows, size_t n, struct ec_err *err) EC_MUST_USE;

/* Bytes of memory held, so that a writer of many partitions can bound their sum. While a row
 * group is written, a few MiB come on top: its largest page, twice, and the codec's tables. */
size_t ec_parquet_memory(const struct ec_parquet *pq);
/* Ends the row group early, giving back its memory. */
enum ec_status ec_parquet_flush(struct ec_parquet *pq, struct ec_err *err) EC_MUST_USE;

struct ec_part_column {
    char *name;
    struct ec_column_type type;
    uint64_t nulls;
    /* min and max are known: integers, floats, dates, datetimes, decimals with at least one value.
     * Not where a NaN was met, which readers sort differently: then no bound is safe to skip by. */
    bool bounded;
    union {
        int64_t i; /* integer, datetime, date, decimal */
        double d;  /* float; never NaN; a zero is -0.0 in min and 0.0 in max */
    } min, max;
};

struct ec_part_stats {
    uint64_t rows;
    uint64_t bytes;
    struct ec_part_column *column; /* owned: ec_part_stats_deinit */
    size_t column_count;
};

/* ec_parquet_finish() then hands the file over, to be synced with others (base/durable.h). */
void ec_parquet_sync_with(struct ec_parquet *pq, struct ec_durable *durable);
/* Writes the footer, syncs and closes. *stats is the caller's to deinit, and empty on failure. */
enum ec_status ec_parquet_finish(struct ec_parquet *pq, struct ec_part_stats *stats, struct ec_err *err) EC_MUST_USE;
void ec_parquet_destroy(struct ec_parquet *pq); /* NULL allowed */
void ec_part_stats_deinit(struct ec_part_stats *stats);

#endif
