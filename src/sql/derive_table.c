/* The table function that hands a batch to DuckDB as one chunk.
 *
 * A column whose layout is DuckDB's is one memcpy; texts go as sixteen-byte views into the
 * reader's window, which outlives the statement. With projection pushdown the chunk holds just
 * the columns that the expressions name. DuckDB's C++ exceptions may pass through these
 * callbacks; they hold nothing.
 */
#include "sql/derive_private.h"

static void bind(duckdb_bind_info info) {
    struct ec_derivation *derivation = duckdb_bind_get_extra_info(info);
    const struct ec_source *source = derivation->source;
    for (size_t i = 0; i < source->column_count; i++) {
        duckdb_logical_type type = ec_duck_logical(source->column[i].type);
        duckdb_bind_add_result_column(info, source->column[i].name, type);
        duckdb_destroy_logical_type(&type);
    }
    /* A table needs a column, and a source may declare none. */
    if (source->column_count == 0) {
        duckdb_logical_type type = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
        duckdb_bind_add_result_column(info, "_", type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_bind_set_cardinality(info, EC_BATCH_ROWS, false);
}

static void init(duckdb_init_info info) {
    struct ec_derivation *derivation = duckdb_init_get_extra_info(info);
    size_t count = duckdb_init_get_column_count(info);
    derivation->projected_count = 0;
    /* DuckDB asks for each column once, and for a row id (past all columns) where none is named. */
    for (size_t i = 0; i < count && i <= derivation->source->column_count; i++)
        derivation->projected[derivation->projected_count++] = duckdb_init_get_column_index(info, i);
    derivation->served = false;
}

static void serve(duckdb_function_info info, duckdb_data_chunk chunk) {
    struct ec_derivation *derivation = duckdb_function_get_extra_info(info);
    const struct ec_batch *batch = derivation->batch;
    if (derivation->served || !batch) {
        duckdb_data_chunk_set_size(chunk, 0);
        return;
    }
    derivation->served = true;
    for (size_t i = 0; i < derivation->projected_count; i++) {
        size_t column = derivation->projected[i];
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
        if (column < derivation->source->column_count)
            ec_duck_write(&batch->column[column], 0, batch->rows, vector);
        else
            memset(duckdb_vector_get_data(vector), 0, batch->rows * sizeof(int64_t));
    }
    duckdb_data_chunk_set_size(chunk, batch->rows);
}

enum ec_status ec_derive_register(struct ec_derivation *derivation, struct ec_sql *sql, char *name, size_t name_size,
                                  struct ec_err *err) {
    static atomic_uint functions; /* sessions that share a database share their names, too */
    (void)snprintf(name, name_size, "ec_batch_%u", atomic_fetch_add(&functions, 1));
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_table_function_set_name(function, name);
    duckdb_table_function_set_extra_info(function, derivation, NULL);
    duckdb_table_function_set_bind(function, bind);
    duckdb_table_function_set_init(function, init);
    duckdb_table_function_set_function(function, serve);
    duckdb_table_function_supports_projection_pushdown(function, true);
    duckdb_state state = duckdb_register_table_function(sql->connection, function);
    duckdb_destroy_table_function(&function);
    return state == DuckDBSuccess ? EC_OK : ec_fail(err, EC_ENGINE, "DuckDB refuses the table function %s", name);
}
