/* Errors, statements and quoting: what every use of DuckDB needs. */
#include "sql/duck.h"

#include <stdlib.h>
#include <time.h>

/* Where no task is ready because DuckDB's own threads have them all. */
#define NO_TASK_WAIT_NS 200000

static size_t position_of(const json_t *object) {
    const char *digits = json_string_value(json_object_get(object, "position"));
    if (!digits || !*digits) return SIZE_MAX;
    size_t position = 0;
    for (; *digits >= '0' && *digits <= '9' && position < SIZE_MAX / 100; digits++)
        position = position * 10 + (size_t)(*digits - '0');
    return position;
}

static enum ec_status status_of(const char *type, enum ec_status otherwise) {
    if (strcmp(type, "Out of Memory") == 0) return EC_NO_MEMORY;
    if (strcmp(type, "INTERRUPT") == 0) return EC_INTERRUPTED;
    return otherwise;
}

enum ec_status ec_duck_fail(struct ec_err *err, enum ec_status status, const char *message, size_t *position) {
    if (position) *position = SIZE_MAX;
    if (!message) message = _("DuckDB gave no reason");
    /* errors_as_json makes DuckDB write an object; failures before that setting are plain text. */
    const char *object_text = strchr(message, '{');
    json_t *object = object_text ? json_loads(object_text, 0, NULL) : NULL;
    const char *type = json_string_value(json_object_get(object, "exception_type"));
    const char *words = json_string_value(json_object_get(object, "exception_message"));
    if (type && words) {
        if (position) *position = position_of(object);
        status = status_of(type, status);
        status = ec_fail(err, status, "%s", words);
    } else {
        status = ec_fail(err, status, "%s", message);
    }
    json_decref(object);
    return status;
}

enum ec_status ec_duck_prepare(struct ec_sql *sql, const char *text, duckdb_prepared_statement *statement,
                               enum ec_status status, size_t *position, struct ec_err *err) {
    if (position) *position = SIZE_MAX;
    if (duckdb_prepare(sql->connection, text, statement) == DuckDBSuccess) return EC_OK;
    status = ec_duck_fail(err, status, duckdb_prepare_error(*statement), position);
    duckdb_destroy_prepare(statement);
    return status;
}

enum ec_status ec_duck_finish(struct ec_sql *sql, duckdb_pending_result pending, duckdb_result *result, struct ec_err *err) {
    for (;;) {
        /* Said again, as DuckDB forgets it when a statement starts; its tasks are to end before the
         * statement is destroyed. */
        if (atomic_load(&sql->interrupted)) duckdb_interrupt(sql->connection);
        duckdb_pending_state state = duckdb_pending_execute_task(pending);
        if (state == DUCKDB_PENDING_ERROR)
            return ec_duck_fail(err, EC_ENGINE, duckdb_pending_error(pending), NULL);
        if (duckdb_pending_execution_is_finished(state)) break;
        if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
            struct timespec wait = {.tv_nsec = NO_TASK_WAIT_NS};
            (void)nanosleep(&wait, NULL);
        }
    }
    if (atomic_load(&sql->interrupted)) return ec_fail(err, EC_INTERRUPTED, "the statement was interrupted");
    if (duckdb_execute_pending(pending, result) == DuckDBSuccess) return EC_OK;
    return ec_duck_fail(err, EC_ENGINE, duckdb_result_error(result), NULL);
}

enum ec_status ec_duck_text(struct ec_sql *sql, const char *query, struct ec_buf *out, struct ec_err *err) {
    struct ec_sql_rows *rows = NULL;
    struct ec_batch *batch;
    enum ec_status status = ec_sql_query(sql, query, &rows, err);
    if (status == EC_OK) status = ec_sql_next(rows, &batch, err);
    if (status == EC_OK && batch->rows == 1) {
        struct ec_str text = ec_text_str(&ec_column_text(&batch->column[0])[0]);
        ec_buf_add(out, text.p, text.n);
        status = ec_buf_check(out, err);
    }
    /* To its end, as a statement under way would take along what is registered next. */
    if (status == EC_OK) status = ec_sql_next(rows, &batch, err);
    ec_sql_rows_close(rows);
    return status;
}

enum ec_status ec_duck_tree_text(struct ec_sql *sql, const char *text, struct ec_buf *out, struct ec_err *err) {
    struct ec_buf query = ec_buf_make(EC_SQL_TEXT_MAX);
    ec_buf_addz(&query, "SELECT CAST(json_serialize_sql(");
    ec_sql_quote_text(&query, text);
    ec_buf_addz(&query, ") AS VARCHAR)");
    enum ec_status status = ec_buf_check(&query, err);
    if (status == EC_OK) status = ec_duck_text(sql, query.p, out, err);
    ec_buf_free(&query);
    return status;
}

enum ec_status ec_duck_tree(struct ec_sql *sql, const char *text, const char *what, json_t **tree, struct ec_err *err) {
    struct ec_buf out = ec_buf_make(EC_SQL_TREE_MAX);
    enum ec_status status = ec_duck_tree_text(sql, text, &out, err);
    json_error_t error;
    /* Positions that DuckDB does not know are 2^64 - 1, past jansson's integers. */
    *tree = status == EC_OK ? json_loadb(out.p ? out.p : "", out.n, JSON_DECODE_INT_AS_REAL, &error) : NULL;
    if (status == EC_OK && !*tree)
        status = ec_fail(err, EC_ENGINE, "DuckDB's syntax tree of %s is not readable: %s", what, error.text);
    ec_buf_free(&out);
    return status;
}

static void quote(struct ec_buf *out, const char *text, char mark) {
    ec_buf_addc(out, mark);
    for (; *text; text++) {
        if (*text == mark) ec_buf_addc(out, mark);
        ec_buf_addc(out, *text);
    }
    ec_buf_addc(out, mark);
}

void ec_sql_quote_text(struct ec_buf *out, const char *text) { quote(out, text, '\''); }

void ec_sql_quote_name(struct ec_buf *out, const char *name) { quote(out, name, '"'); }
