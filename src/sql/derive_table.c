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

#define NARROW(ctype)              \
    for (size_t i = 0; i < n; i++) \
        ((ctype *)to)[i] = (ctype)from[i]

/* DuckDB holds a decimal in the smallest integer that has room for its precision. */
static void serve_decimals(unsigned precision, const int64_t *from, void *to, size_t n) {
    if (precision <= 4) {
        NARROW(int16_t);
    } else if (precision <= 9) {
        NARROW(int32_t);
    } else {
        memcpy(to, from, n * sizeof *from);
    }
}

static void serve_validity(const struct ec_column *column, duckdb_vector vector, size_t n) {
    size_t words = (n + 63) / 64;
    uint64_t last = n % 64 ? (UINT64_C(1) << (n % 64)) - 1 : UINT64_MAX;
    bool whole = (column->valid[words - 1] & last) == last;
    for (size_t i = 0; i + 1 < words && whole; i++) whole = column->valid[i] == UINT64_MAX;
    if (whole) return;
    duckdb_vector_ensure_validity_writable(vector);
    memcpy(duckdb_vector_get_validity(vector), column->valid, words * sizeof *column->valid);
}

static void serve_column(const struct ec_column *column, duckdb_vector vector, size_t n) {
    void *to = duckdb_vector_get_data(vector);
    if (column->type.type == EC_TYPE_DECIMAL)
        serve_decimals(column->type.precision, ec_column_int(column), to, n);
    else
        memcpy(to, column->values, n * ec_type_width(column->type.type));
    serve_validity(column, vector, n);
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
            serve_column(&batch->column[column], vector, batch->rows);
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
