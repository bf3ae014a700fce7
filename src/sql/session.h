/* DuckDB, behind the one folder that includes duckdb.h.
 *
 * A session is one in-memory database with one connection: bounded memory and threads, a
 * temporary folder of its own, no extension loading, time zone UTC, configuration locked. It
 * never opens an untrusted file: workers give it typed values only, the driver our own parts.
 *
 * SQL may use these macros besides DuckDB's own functions (docs/models.md):
 *
 *     run_date()     the run's date (--as-of)
 *     exact_sum(x)   a sum of doubles that is the same for every order of the rows: the values
 *     exact_avg(x)   as decimals of nine places, summed exactly; what does not fit is as null
 *
 * One thread at a time, but for ec_sql_interrupt(). Threads that are to work beside each other share a database by
 * a session for each (ec_sql_share()).
 *
 *     struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB, .run_date = days};
 *     struct ec_sql *sql;
 *     EC_TRY(ec_sql_open(&options, &sql, err));
 *     ...
 *     ec_sql_close(sql);
 */
#ifndef EC_SQL_SESSION_H
#define EC_SQL_SESSION_H

#include "base/batch.h"

struct ec_sql;

struct ec_sql_options {
    unsigned threads; /* at least 1 */
    uint64_t memory_bytes;
    const char *temp_dir;  /* for spilling; NULL: none allowed */
    const char *files_dir; /* the one folder whose Parquet files may be read; NULL: no file access */
    int32_t run_date;      /* days since 1970 */
    uint64_t temp_bytes;   /* the most that may be spilled; 0: EC_SQL_TEMP_MAX */
};

#define EC_SQL_TEMP_MAX (256 * EC_GIB) /* where the disk ends first, the statement fails as well */

/* EC_ENGINE where DuckDB refuses an option, EC_NO_MEMORY. About 50 ms. */
enum ec_status ec_sql_open(const struct ec_sql_options *options, struct ec_sql **sql, struct ec_err *err) EC_MUST_USE;
/* Loads the library, which the first session does otherwise. */
enum ec_status ec_sql_load(struct ec_err *err) EC_MUST_USE;
void ec_sql_close(struct ec_sql *sql); /* NULL allowed */

/* A session that is settled later, perhaps in a copy of the process (fork(), which with `threads` 1 it outlives): then
 * threads, memory and folders become those of other options, and the configuration is locked. Until then it must meet
 * nothing but text of ours. The date stays. */
enum ec_status ec_sql_open_unsettled(const struct ec_sql_options *options, struct ec_sql **sql, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_sql_settle(struct ec_sql *sql, const struct ec_sql_options *options, struct ec_err *err) EC_MUST_USE;

/* Another session on the database of `of`, for another thread: its memory, folders and settings are shared, and what
 * it knows of files. Opening a database takes some 25 ms and closing it 10, this next to nothing. A statement
 * runs in the thread that asks for it where `of` was opened with one thread. Closed before `of`; any thread. */
enum ec_status ec_sql_share(const struct ec_sql *of, struct ec_sql **sql, struct ec_err *err) EC_MUST_USE;

/* Runs statements whose result does not matter. */
enum ec_status ec_sql_run(struct ec_sql *sql, const char *text, struct ec_err *err) EC_MUST_USE;

/* Makes the temporary table `name`, or makes it anew, of the rows of a batch, which may have any number of them. */
enum ec_status ec_sql_keep(struct ec_sql *sql, const char *name, const struct ec_batch *batch, struct ec_err *err) EC_MUST_USE;

/* Asks a running statement, and every later one, to end with EC_INTERRUPTED; callable from
 * another thread, such as the one that waits for signals, while the session is open. */
void ec_sql_interrupt(struct ec_sql *sql);

/* A statement whose rows come as batches; text views are borrowed until the next call. The
 * rows are streamed: a result of any size costs a few chunks of memory. One at a time: a new
 * statement of the session ends the rows that were not fetched. */
struct ec_sql_rows;
enum ec_status ec_sql_query(struct ec_sql *sql, const char *text, struct ec_sql_rows **rows, struct ec_err *err) EC_MUST_USE;
/* The batch that ec_sql_next() fills, for its columns' names and types. Its `place` is NULL and
 * it is never to be reset: columns may lie in DuckDB's own memory. */
const struct ec_batch *ec_sql_rows_batch(const struct ec_sql_rows *rows);
/* The batch's columns are the result's; batch->rows == 0 is the end. Types without a column
 * type of ours are cast where that loses nothing (small integers, TIMESTAMP variants, ENUM,
 * UUID as text), HUGEINT to integer where it fits, else EC_ENGINE names the column. */
enum ec_status ec_sql_next(struct ec_sql_rows *rows, struct ec_batch **batch, struct ec_err *err) EC_MUST_USE;
void ec_sql_rows_close(struct ec_sql_rows *rows); /* NULL allowed */

#endif
