/* The rows of a statement as batches.
 *
 * The result streams: DuckDB computes a chunk when one is asked for, so that the wide join of
 * a day never stands in memory. Its C API has no other call for that than the one marked for
 * removal "in a future release" (sql/duck_calls.h); the library is pinned.
 */
#include "sql/duck.h"

#include "base/io.h"

struct ec_sql_rows {
    struct ec_sql *sql;
    struct ec_batch batch;
    duckdb_result result;
    duckdb_data_chunk chunk; /* what the batch's views point into */
    struct ec_duck_type *type;
    void **own_values; /* the batch's own arrays, for columns that must be converted */
    bool finished;
};

static enum ec_status add_column(struct ec_sql_rows *rows, size_t index, struct ec_err *err) {
    const char *name = duckdb_column_name(&rows->result, index);
    duckdb_logical_type logical = duckdb_column_logical_type(&rows->result, index);
    bool known = logical && ec_duck_type_of(logical, &rows->type[index]);
    duckdb_destroy_logical_type(&logical);
    if (!known)
        return ec_fail(err, EC_ENGINE, "the column %s is %s, which a table cannot hold; cast it in the SQL", name,
                       ec_duck_type_word(rows->type[index].id));
    char *copy = ec_arena_strdup(&rows->batch.memory, name);
    if (!copy) return ec_fail(err, EC_NO_MEMORY, "no memory for a result");
    size_t place;
    EC_TRY(ec_batch_add_column(&rows->batch, copy, rows->type[index].type, &place, err));
    rows->own_values[index] = rows->batch.column[place].values;
    return EC_OK;
}

static enum ec_status add_columns(struct ec_sql_rows *rows, struct ec_err *err) {
    EC_TRY(ec_batch_init(&rows->batch, err));
    rows->batch.place = NULL;
    size_t count = duckdb_column_count(&rows->result);
    rows->type = ec_calloc(count ? count : 1, sizeof *rows->type);
    rows->own_values = ec_calloc(count ? count : 1, sizeof *rows->own_values);
    if (!rows->type || !rows->own_values) return ec_fail(err, EC_NO_MEMORY, "no memory for a result");
    for (size_t i = 0; i < count; i++) EC_TRY(add_column(rows, i, err));
    return EC_OK;
}

static enum ec_status start(struct ec_sql *sql, const char *text, duckdb_result *result, struct ec_err *err) {
    duckdb_prepared_statement statement = NULL;
    EC_TRY(ec_duck_prepare(sql, text, &statement, EC_ENGINE, NULL, err));
    duckdb_pending_result pending = NULL;
    enum ec_status status;
    if (duckdb_pending_prepared_streaming(statement, &pending) != DuckDBSuccess)
        status = ec_duck_fail(err, EC_ENGINE, duckdb_pending_error(pending), NULL);
    else
        status = ec_duck_finish(sql, pending, result, err);
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&statement);
    return status;
}

enum ec_status ec_sql_query(struct ec_sql *sql, const char *text, struct ec_sql_rows **out, struct ec_err *err) {
    *out = NULL;
    struct ec_sql_rows *rows = ec_calloc(1, sizeof *rows);
    if (!rows) return ec_fail(err, EC_NO_MEMORY, "no memory for a result");
    rows->sql = sql;
    enum ec_status status = start(sql, text, &rows->result, err);
    if (status == EC_OK) status = add_columns(rows, err);
    if (status != EC_OK) {
        ec_sql_rows_close(rows);
        return status;
    }
    *out = rows;
    return EC_OK;
}

const struct ec_batch *ec_sql_rows_batch(const struct ec_sql_rows *rows) { return &rows->batch; }

/* A column without nulls and of our layout is DuckDB's own memory; all others are copied. */
static enum ec_status fill_column(struct ec_sql_rows *rows, size_t index, size_t n, struct ec_err *err) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(rows->chunk, index);
    struct ec_column *column = &rows->batch.column[index];
    if (rows->type[index].direct && !duckdb_vector_get_validity(vector)) {
        memset(column->valid, 0xFF, EC_BATCH_ROWS / 8);
        column->values = duckdb_vector_get_data(vector);
        return EC_OK;
    }
    column->values = rows->own_values[index];
    return ec_duck_read(&rows->type[index], vector, n, column, 0, &rows->batch.scratch, err);
}

static enum ec_status fetch(struct ec_sql_rows *rows, struct ec_err *err) {
    duckdb_destroy_data_chunk(&rows->chunk);
    if (atomic_load(&rows->sql->interrupted)) return ec_fail(err, EC_INTERRUPTED, "the statement was interrupted");
    rows->chunk = duckdb_fetch_chunk(rows->result);
    if (rows->chunk) return EC_OK;
    const char *reason = duckdb_result_error(&rows->result);
    return reason && *reason ? ec_duck_fail(err, EC_ENGINE, reason, NULL) : EC_OK;
}

enum ec_status ec_sql_next(struct ec_sql_rows *rows, struct ec_batch **batch, struct ec_err *err) {
    *batch = &rows->batch;
    rows->batch.rows = 0;
    ec_arena_reset(&rows->batch.scratch);
    size_t n = 0;
    while (n == 0 && !rows->finished) {
        EC_TRY(fetch(rows, err));
        if (!rows->chunk) rows->finished = true;
        else n = duckdb_data_chunk_get_size(rows->chunk);
    }
    for (size_t i = 0; i < rows->batch.columns && n > 0; i++) EC_TRY(fill_column(rows, i, n, err));
    rows->batch.rows = n;
    return EC_OK;
}

void ec_sql_rows_close(struct ec_sql_rows *rows) {
    if (!rows) return;
    duckdb_destroy_data_chunk(&rows->chunk);
    for (size_t i = 0; rows->type && i < duckdb_column_count(&rows->result); i++) ec_duck_type_release(&rows->type[i]);
    duckdb_destroy_result(&rows->result);
    ec_free(rows->type);
    ec_free(rows->own_values);
    ec_batch_deinit(&rows->batch);
    ec_free(rows);
}
