/* Rows that we hold, as a temporary table: an INSERT of them would cost their text. */
#include "sql/duck.h"

static enum ec_status create(struct ec_sql *sql, const char *name, const struct ec_batch *batch, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_SQL_TEXT_MAX);
    char type[32];
    ec_buf_addz(&text, "CREATE OR REPLACE TEMP TABLE ");
    ec_sql_quote_name(&text, name);
    for (size_t i = 0; i < batch->columns; i++) {
        ec_buf_addz(&text, i ? ", " : " (");
        ec_sql_quote_name(&text, batch->column[i].name);
        ec_duck_type_sql(batch->column[i].type, true, type);
        ec_buf_printf(&text, " %s", type);
    }
    ec_buf_addc(&text, ')');
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_sql_run(sql, text.p, err);
    ec_buf_free(&text);
    return status;
}

static duckdb_logical_type type_of(struct ec_column_type type) {
    return type.type == EC_TYPE_DATETIME ? duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP_TZ) : ec_duck_logical(type);
}

static enum ec_status append_chunk(duckdb_appender to, duckdb_logical_type *type, const struct ec_batch *batch, size_t first, struct ec_err *err) {
    size_t n = batch->rows - first < EC_BATCH_ROWS ? batch->rows - first : EC_BATCH_ROWS;
    duckdb_data_chunk chunk = duckdb_create_data_chunk(type, batch->columns);
    if (!chunk) return ec_fail(err, EC_NO_MEMORY, "no memory for the rows of a table");
    for (size_t i = 0; i < batch->columns; i++) ec_duck_write(&batch->column[i], first, n, duckdb_data_chunk_get_vector(chunk, i));
    duckdb_data_chunk_set_size(chunk, n);
    bool good = duckdb_append_data_chunk(to, chunk) == DuckDBSuccess;
    enum ec_status status = good ? EC_OK : ec_duck_fail(err, EC_ENGINE, duckdb_appender_error(to), NULL);
    duckdb_destroy_data_chunk(&chunk);
    return status;
}

enum ec_status ec_sql_keep(struct ec_sql *sql, const char *name, const struct ec_batch *batch, struct ec_err *err) {
    duckdb_logical_type type[EC_COLUMNS_MAX];
    duckdb_appender to = NULL;
    if (batch->columns > EC_COLUMNS_MAX) return ec_fail(err, EC_ENGINE, "%s has more than %u columns", name, EC_COLUMNS_MAX);
    EC_TRY(create(sql, name, batch, err));
    for (size_t i = 0; i < batch->columns; i++) type[i] = type_of(batch->column[i].type);
    enum ec_status status = EC_OK;
    if (duckdb_appender_create_ext(sql->connection, "temp", NULL, name, &to) != DuckDBSuccess)
        status = ec_duck_fail(err, EC_ENGINE, to ? duckdb_appender_error(to) : "no appender", NULL);
    for (size_t first = 0; first < batch->rows && status == EC_OK; first += EC_BATCH_ROWS)
        status = append_chunk(to, type, batch, first, err);
    /* What is left is written by this. */
    if (to && duckdb_appender_destroy(&to) != DuckDBSuccess && status == EC_OK)
        status = ec_fail(err, EC_ENGINE, "DuckDB did not take the rows of %s", name);
    for (size_t i = 0; i < batch->columns; i++) duckdb_destroy_logical_type(&type[i]);
    return status;
}
