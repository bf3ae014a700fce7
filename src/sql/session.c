#include "base/calendar.h"
#include "base/io.h"
#include "sql/duck.h"

#include <inttypes.h>

/* Nine decimals: exact for amounts, milliseconds and shares, and 29 digits before the point. Doubles have a cast of
 * their own (exact.c); an argument's type chooses. */
#define EXACT_OF(use) "(x DOUBLE) AS " use("exact_decimal(x)") OTHER("DECIMAL(38, 9)", use) OTHER("BIGINT", use) OTHER("HUGEINT", use) \
    OTHER("FLOAT", use) OTHER("BOOLEAN", use) OTHER("VARCHAR", use)
#define OTHER(type, use) ", (x " type ") AS " use("TRY_CAST(x AS DECIMAL(38, 9))")
#define SUM(exact) "CAST(sum(" exact ") AS DOUBLE)"
#define AVG(exact) "CAST(sum(" exact ") AS DOUBLE) / count(" exact ")"

static const char *const macros[] = {
    "CREATE MACRO exact_sum" EXACT_OF(SUM),
    "CREATE MACRO exact_avg" EXACT_OF(AVG),
};

/* One setting while the database is being made. */
static enum ec_status set(duckdb_config config, const char *name, const char *value, struct ec_err *err) {
    if (duckdb_set_config(config, name, value) == DuckDBSuccess) return EC_OK;
    return ec_fail(err, EC_ENGINE, "DuckDB refuses %s = %s", name, value);
}

static enum ec_status set_bytes(duckdb_config config, const char *name, uint64_t bytes, struct ec_err *err) {
    char text[40];
    (void)snprintf(text, sizeof text, "%" PRIu64 "B", bytes);
    return set(config, name, text, err);
}

/* Everything that decides results or resources is said, so that no version's default matters. */
static enum ec_status configure(duckdb_config config, const struct ec_sql_options *options, const char *disabled_optimizers,
                                struct ec_err *err) {
    char threads[16];
    (void)snprintf(threads, sizeof threads, "%u", options->threads ? options->threads : 1);
    EC_TRY(set(config, "threads", threads, err));
    EC_TRY(set_bytes(config, "memory_limit", options->memory_bytes, err));
    EC_TRY(set(config, "temp_directory", options->temp_dir ? options->temp_dir : "", err));
    if (options->temp_dir)
        EC_TRY(set_bytes(config, "max_temp_directory_size", options->temp_bytes ? options->temp_bytes : EC_SQL_TEMP_MAX, err));
    /* What a statement used goes back to the system at its end, not some gigabytes later. */
    EC_TRY(set(config, "allocator_flush_threshold", "8MB", err));
    EC_TRY(set(config, "allocator_bulk_deallocation_flush_threshold", "8MB", err));
    EC_TRY(set(config, "preserve_insertion_order", "true", err));
    EC_TRY(set(config, "default_order", "ASC", err));
    EC_TRY(set(config, "default_null_order", "NULLS_LAST", err));
    EC_TRY(set(config, "autoinstall_known_extensions", "false", err));
    EC_TRY(set(config, "autoload_known_extensions", "false", err));
    EC_TRY(set(config, "allow_community_extensions", "false", err));
    EC_TRY(set(config, "allow_unsigned_extensions", "false", err));
    EC_TRY(set(config, "allow_persistent_secrets", "false", err));
    if (disabled_optimizers) EC_TRY(set(config, "disabled_optimizers", disabled_optimizers, err));
    return EC_OK;
}

/* SET name = <before>'text'<behind> */
static enum ec_status set_text(struct ec_sql *sql, const char *name, const char *before, const char *text,
                               const char *behind, struct ec_err *err) {
    struct ec_buf statement = ec_buf_make(EC_SQL_TEXT_MAX);
    ec_buf_printf(&statement, "SET %s = %s", name, before);
    ec_sql_quote_text(&statement, text);
    ec_buf_addz(&statement, behind);
    enum ec_status status = ec_buf_check(&statement, err);
    if (status == EC_OK) status = ec_sql_run(sql, statement.p, err);
    ec_buf_free(&statement);
    return status;
}

/* What can only be said to a running database: to all of it, as others may share it. */
static enum ec_status prepare_session(struct ec_sql *sql, const struct ec_sql_options *options, struct ec_err *err) {
    EC_TRY(ec_sql_run(sql, "SET GLOBAL errors_as_json = true", err));
    EC_TRY(ec_sql_run(sql, "SET GLOBAL TimeZone = 'UTC'", err));
    EC_TRY(ec_sql_run(sql, "SET GLOBAL parquet_metadata_cache = true", err));
    EC_TRY(ec_duck_add_exact(sql, err));
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) EC_TRY(ec_sql_run(sql, macros[i], err));

    char text[64], date[16];
    date[ec_date_format(options->run_date, date)] = '\0';
    (void)snprintf(text, sizeof text, "CREATE MACRO run_date() AS DATE '%s'", date);
    return ec_sql_run(sql, text, err);
}

/* The lock comes last. */
static enum ec_status lock_session(struct ec_sql *sql, const struct ec_sql_options *options, struct ec_err *err) {
    if (options->files_dir) EC_TRY(set_text(sql, "allowed_directories", "[", options->files_dir, "]", err));
    EC_TRY(ec_sql_run(sql, "SET enable_external_access = false", err));
    return ec_sql_run(sql, "SET lock_configuration = true", err);
}

static enum ec_status open_database(struct ec_sql *sql, const struct ec_sql_options *options, const char *disabled_optimizers,
                                    struct ec_err *err) {
    duckdb_config config = NULL;
    if (duckdb_create_config(&config) != DuckDBSuccess) return ec_fail(err, EC_NO_MEMORY, "no memory for DuckDB");
    char *reason = NULL;
    enum ec_status status = configure(config, options, disabled_optimizers, err);
    if (status == EC_OK && duckdb_open_ext(NULL, &sql->database, config, &reason) != DuckDBSuccess) {
        status = ec_duck_fail(err, EC_ENGINE, reason, NULL);
        ec_err_context(err, "cannot open DuckDB");
    }
    duckdb_free(reason);
    duckdb_destroy_config(&config);
    if (status != EC_OK) return status;
    if (duckdb_connect(sql->database, &sql->connection) != DuckDBSuccess)
        return ec_fail(err, EC_NO_MEMORY, "no memory for a connection to DuckDB");
    return EC_OK;
}

static enum ec_status create(const struct ec_sql_options *options, struct ec_sql **out, struct ec_err *err) {
    struct ec_sql *sql = ec_calloc(1, sizeof *sql);
    *out = sql;
    if (!sql) return ec_fail(err, EC_NO_MEMORY, "no memory for an SQL session");
    atomic_init(&sql->interrupted, false);
    sql->inputs = ec_buf_make(EC_SQL_TEXT_MAX);
    sql->options = *options;
    sql->options.temp_dir = NULL;
    sql->options.files_dir = NULL;
    return EC_OK;
}

static enum ec_status open_session(const struct ec_sql_options *options, const char *disabled_optimizers, bool locked,
                                   struct ec_sql **out, struct ec_err *err) {
    struct ec_sql *sql;
    *out = NULL;
    EC_TRY(ec_duck_load(err));
    EC_TRY(create(options, &sql, err));
    enum ec_status status = open_database(sql, options, disabled_optimizers, err);
    if (status == EC_OK) status = prepare_session(sql, options, err);
    if (status == EC_OK && locked) status = lock_session(sql, options, err);
    if (status != EC_OK) {
        ec_sql_close(sql);
        return status;
    }
    *out = sql;
    return EC_OK;
}

enum ec_status ec_sql_open_with(const struct ec_sql_options *options, const char *disabled_optimizers, struct ec_sql **sql,
                                struct ec_err *err) {
    return open_session(options, disabled_optimizers, true, sql, err);
}

enum ec_status ec_sql_load(struct ec_err *err) { return ec_duck_load(err); }

enum ec_status ec_sql_open(const struct ec_sql_options *options, struct ec_sql **sql, struct ec_err *err) {
    return open_session(options, NULL, true, sql, err);
}

enum ec_status ec_sql_open_unsettled(const struct ec_sql_options *options, struct ec_sql **sql, struct ec_err *err) {
    return open_session(options, NULL, false, sql, err);
}

enum ec_status ec_sql_settle(struct ec_sql *sql, const struct ec_sql_options *options, struct ec_err *err) {
    char text[64];
    sql->options = *options;
    sql->options.temp_dir = sql->options.files_dir = NULL;
    (void)snprintf(text, sizeof text, "SET threads = %u", options->threads ? options->threads : 1);
    EC_TRY(ec_sql_run(sql, text, err));
    (void)snprintf(text, sizeof text, "SET memory_limit = '%" PRIu64 "B'", options->memory_bytes);
    EC_TRY(ec_sql_run(sql, text, err));
    EC_TRY(set_text(sql, "temp_directory", "", options->temp_dir ? options->temp_dir : "", "", err));
    if (options->temp_dir) {
        uint64_t most = options->temp_bytes ? options->temp_bytes : EC_SQL_TEMP_MAX;
        (void)snprintf(text, sizeof text, "SET max_temp_directory_size = '%" PRIu64 "B'", most);
        EC_TRY(ec_sql_run(sql, text, err));
    }
    return lock_session(sql, options, err);
}

enum ec_status ec_sql_share(const struct ec_sql *of, struct ec_sql **out, struct ec_err *err) {
    struct ec_sql *sql;
    *out = NULL;
    EC_TRY(create(&of->options, &sql, err));
    if (duckdb_connect(of->database, &sql->connection) != DuckDBSuccess) {
        ec_sql_close(sql);
        return ec_fail(err, EC_NO_MEMORY, "no memory for a connection to DuckDB");
    }
    *out = sql;
    return EC_OK;
}

void ec_sql_close(struct ec_sql *sql) {
    if (!sql) return;
    duckdb_disconnect(&sql->connection);
    if (sql->database) duckdb_close(&sql->database);
    ec_buf_free(&sql->inputs);
    ec_free(sql);
}

void ec_sql_interrupt(struct ec_sql *sql) {
    atomic_store(&sql->interrupted, true);
    duckdb_interrupt(sql->connection);
}

static enum ec_status run_one(struct ec_sql *sql, duckdb_extracted_statements statements, idx_t index, struct ec_err *err) {
    duckdb_prepared_statement statement = NULL;
    duckdb_pending_result pending = NULL;
    duckdb_result result = {0};
    enum ec_status status;
    if (duckdb_prepare_extracted_statement(sql->connection, statements, index, &statement) != DuckDBSuccess)
        status = ec_duck_fail(err, EC_ENGINE, duckdb_prepare_error(statement), NULL);
    else if (duckdb_pending_prepared(statement, &pending) != DuckDBSuccess)
        status = ec_duck_fail(err, EC_ENGINE, duckdb_pending_error(pending), NULL);
    else
        status = ec_duck_finish(sql, pending, &result, err);
    duckdb_destroy_result(&result);
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&statement);
    return status;
}

enum ec_status ec_sql_run(struct ec_sql *sql, const char *text, struct ec_err *err) {
    duckdb_extracted_statements statements = NULL;
    idx_t count = duckdb_extract_statements(sql->connection, text, &statements);
    enum ec_status status = EC_OK;
    if (count == 0) {
        const char *reason = duckdb_extract_statements_error(statements);
        if (reason) status = ec_duck_fail(err, EC_ENGINE, reason, NULL);
    }
    for (idx_t i = 0; i < count && status == EC_OK; i++) status = run_one(sql, statements, i, err);
    duckdb_destroy_extracted(&statements);
    return status;
}
