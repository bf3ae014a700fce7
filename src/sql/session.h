/* DuckDB, behind the one folder that includes duckdb.h.
 *
 * A session is one in-memory database with one connection: bounded memory and threads, a
 * temporary folder of its own, no extension loading, time zone UTC, configuration locked. It
 * never opens an untrusted file: workers give it typed values only, the driver our own parts.
 *
 * The macro `run_date()` is the run's date (--as-of). One thread at a time.
 */
#ifndef EC_SQL_SESSION_H
#define EC_SQL_SESSION_H

#include "base/batch.h"

struct ec_sql;

struct ec_sql_options {
    unsigned threads;
    uint64_t memory_bytes;
    const char *temp_dir;  /* for spilling; NULL: none allowed */
    const char *files_dir; /* the one folder whose Parquet files may be read; NULL: no file access */
    int32_t run_date;      /* days since 1970 */
};

enum ec_status ec_sql_open(const struct ec_sql_options *options, struct ec_sql **sql, struct ec_err *err) EC_MUST_USE;
void ec_sql_close(struct ec_sql *sql); /* NULL allowed */

/* Runs statements whose result does not matter. */
enum ec_status ec_sql_run(struct ec_sql *sql, const char *text, struct ec_err *err) EC_MUST_USE;

/* Asks a running statement to stop; callable from a signal handler's thread. */
void ec_sql_interrupt(struct ec_sql *sql);

/* A statement whose rows come as batches; text views are borrowed until the next call. */
struct ec_sql_rows;
enum ec_status ec_sql_query(struct ec_sql *sql, const char *text, struct ec_sql_rows **rows, struct ec_err *err) EC_MUST_USE;
/* The batch's columns are the result's; batch->rows == 0 is the end. Types without a column
 * type of ours are cast where that loses nothing (small integers, TIMESTAMP variants, ENUM,
 * UUID as text), HUGEINT to integer where it fits, else EC_ENGINE names the column. */
enum ec_status ec_sql_next(struct ec_sql_rows *rows, struct ec_batch **batch, struct ec_err *err) EC_MUST_USE;
void ec_sql_rows_close(struct ec_sql_rows *rows); /* NULL allowed */

#endif
