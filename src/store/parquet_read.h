/* A reader of the Parquet files that our own encoder writes (store/parquet.h).
 *
 * For gathering rows of finished parts by their numbers, with the dictionaries' codes as they are
 * stored; for anything else there is DuckDB. Reads data pages v1, PLAIN and RLE_DICTIONARY, optional
 * flat columns, zstd, snappy or uncompressed, each column chunk its own. Any other file, by another
 * writer or damaged, gives EC_TABLE_FORMAT, at open or at the page that shows it; its callers then
 * take DuckDB. A file's bytes are not trusted: every length, count, code and checksum is looked at.
 *
 * Rows are numbered from 0 over the whole file; within a row group from its first row. A file is
 * read by pread(), so that memory is what was asked for and one page more. A file and its chunks
 * are for one thread.
 *
 *     struct ec_parquet_file *file;
 *     struct ec_parquet_chunk chunk = {0};
 *     EC_TRY(ec_parquet_open(path, &file, err));
 *     size_t column = ec_parquet_find(file, "user_id");          // SIZE_MAX: the file lacks it
 *     for (size_t g = 0; g < ec_parquet_groups(file); g++) {
 *         EC_TRY(ec_parquet_chunk_open(&chunk, file, g, column, err));
 *         EC_TRY(ec_parquet_chunk_rows(&chunk, rows, n, &out, err));   // or _all(), or _range()
 *     }
 *     ec_parquet_chunk_deinit(&chunk);
 *     ec_parquet_close(file);
 */
#ifndef EC_STORE_PARQUET_READ_H
#define EC_STORE_PARQUET_READ_H

#include "store/parquet.h"

struct ec_parquet_file;

/* Opens and reads the footer. *file is the caller's to close, NULL on failure. */
enum ec_status ec_parquet_open(const char *path, struct ec_parquet_file **file, struct ec_err *err) EC_MUST_USE;
void ec_parquet_close(struct ec_parquet_file *file); /* NULL allowed */

uint64_t ec_parquet_rows(const struct ec_parquet_file *file);
size_t ec_parquet_columns(const struct ec_parquet_file *file);
const struct ec_parquet_column *ec_parquet_file_column(const struct ec_parquet_file *file, size_t column);
size_t ec_parquet_find(const struct ec_parquet_file *file, const char *name); /* SIZE_MAX: not there */
size_t ec_parquet_groups(const struct ec_parquet_file *file);
uint32_t ec_parquet_group_rows(const struct ec_parquet_file *file, size_t group);
uint64_t ec_parquet_group_first(const struct ec_parquet_file *file, size_t group); /* number of its first row */

/* A column of a row group. Reused by opening it again; zeroed before the first time. What it
 * points to lives until then, or until the next call of ec_parquet_chunk_all().
 *
 * A chunk begins coded and may go on plain, where the encoder's dictionary gave up. Values have
 * the layout of ec_column.values; texts are views into the chunk's memory. */
struct ec_parquet_chunk {
    /* From ec_parquet_chunk_open(). */
    struct ec_column_type type;
    uint32_t rows;
    uint32_t coded_rows;       /* rows [0, coded_rows) are coded */
    uint32_t dictionary_count; /* 0 where no row is coded */
    const void *dictionary;
    /* From ec_parquet_chunk_all(). */
    uint32_t values;       /* rows that are not null */
    const uint64_t *valid; /* a bit per row; NULL: no row is null */
    const uint32_t *code;  /* coded_rows of them; 0 where null */
    const void *plain;     /* of rows [coded_rows, rows), by row; 0 where null */

    struct pq_reader *reader; /* private */
};

/* Looks at the page headers and decodes the dictionary. */
enum ec_status ec_parquet_chunk_open(struct ec_parquet_chunk *chunk, struct ec_parquet_file *file, size_t group,
                                     size_t column, struct ec_err *err) EC_MUST_USE;
/* Closes it and gives its memory back. It may outlive its file by this call alone. */
void ec_parquet_chunk_deinit(struct ec_parquet_chunk *chunk);
size_t ec_parquet_chunk_memory(const struct ec_parquet_chunk *chunk); /* bytes held */

/* Decodes the whole chunk: 4 bytes a coded row; a value, and for text its page, a plain row. */
enum ec_status ec_parquet_chunk_all(struct ec_parquet_chunk *chunk, struct ec_err *err) EC_MUST_USE;

/* Where wanted rows go: into the places [first, first + n) of the caller's arrays. */
struct ec_parquet_rows {
    uint64_t *valid; /* bitmap: bits of those places are set or cleared, others kept */
    uint32_t *code;  /* 0 where null. NULL: no codes are wanted, coded rows give values too */
    void *values;    /* of the column's width; 0 where null. NULL where every row of the chunk has a code, and codes are wanted */
    size_t first;
    struct ec_arena *arena; /* gets plain texts of more than EC_TEXT_INLINE bytes; may be NULL for other columns */
    size_t coded;           /* result: the first so many of the n rows gave a code, the others a value */
    size_t nulls;           /* result: how many of the n rows are null */
};

/* Gives some rows; only pages that hold one are decompressed, and the last one is kept: calls with
 * ascending rows read each page once. rows[] are numbers within the group, ascending; one may come
 * twice. Other orders give an error or the same rows more slowly, never other rows. Texts of the
 * dictionary live as long as the chunk stays open. */
enum ec_status ec_parquet_chunk_rows(struct ec_parquet_chunk *chunk, const uint32_t *rows, size_t n,
                                     struct ec_parquet_rows *out, struct ec_err *err) EC_MUST_USE;
/* The same for the rows [from, from + n). */
enum ec_status ec_parquet_chunk_range(struct ec_parquet_chunk *chunk, uint32_t from, size_t n,
                                      struct ec_parquet_rows *out, struct ec_err *err) EC_MUST_USE;

#endif
