/* Rows of a table by their numbers, straight from its parts' column chunks.
 *
 *     struct ec_gather *g;
 *     EC_TRY(ec_gather_open(&options, &g, err));
 *     EC_TRY(ec_gather_rows(g, rows, n, err));          // ascending, each once
 *     const struct ec_gathered *c = ec_gather_column(g, i);
 *     ec_gather_close(g);
 *
 * A column that its parts hold coded comes coded: the codes of the chunks are mapped to one
 * dictionary, which costs a look-up per value of a chunk's dictionary and a load per row. All
 * other columns come as values. Only the pages that hold a wanted row are read; calls with
 * rising rows read each page about once. Memory: a page and a dictionary per column, and what
 * was asked for.
 *
 * Files that the reader does not read (another writer's), and columns of another type than
 * asked for, give EC_TABLE_FORMAT: the caller then takes DuckDB. A column that a file lacks is
 * null there. One thread.
 */
#ifndef EC_STORE_GATHER_H
#define EC_STORE_GATHER_H

#include "store/parquet.h"

#define EC_GATHER_NONE UINT64_MAX

struct ec_gather_options {
    const char *const *path; /* files; borrowed */
    size_t files;
    const struct ec_parquet_column *column; /* those that are wanted; borrowed */
    size_t columns;
};

/* The column of the rows of the last call; lives until the next. */
struct ec_gathered {
    const uint64_t *valid; /* a bit per row; NULL: none is null */
    const struct ec_dictionary *dictionary; /* with code; NULL: values */
    const uint32_t *code;
    const void *values;
};

struct ec_gather;

enum ec_status ec_gather_open(const struct ec_gather_options *options, struct ec_gather **gather, struct ec_err *err) EC_MUST_USE;
void ec_gather_close(struct ec_gather *gather); /* NULL allowed */

/* Fetches rows[i] = (file << 32) + row of the file. EC_TABLE_FORMAT, EC_IO, EC_NO_MEMORY. */
enum ec_status ec_gather_rows(struct ec_gather *gather, const uint64_t *rows, size_t n, struct ec_err *err) EC_MUST_USE;
/* The same, where the table is not read again soon: a column gives back what reading it held before the next is read. */
enum ec_status ec_gather_once(struct ec_gather *gather, const uint64_t *rows, size_t n, struct ec_err *err) EC_MUST_USE;
/* Bytes held. */
size_t ec_gather_memory(const struct ec_gather *gather);
const struct ec_gathered *ec_gather_column(const struct ec_gather *gather, size_t column);

#endif
