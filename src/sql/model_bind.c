/* A model's inputs over the files of a snapshot, said in front of its query.
 *
 *     WITH "api_logs" AS NOT MATERIALIZED (
 *     SELECT make_timestamp(epoch_us("timestamp")) AS "timestamp", CAST("status_code" AS BIGINT) AS ..., CAST("date" AS DATE) AS "date"
 *     FROM (SELECT NULL::TIMESTAMPTZ AS "timestamp", ... WHERE false
 *           UNION ALL BY NAME
 *           SELECT * FROM read_parquet(['...'], union_by_name = true, hive_partitioning = true, hive_types = {'date': DATE})))
 *
 * That is what a view would be, but DuckDB binds a view when it is made and again when it is used: it would open
 * every file twice. Views are made of inputs without files, to check the models, and where a model names a table
 * with its schema, which means a view and nothing else.
 *
 * The part without rows gives every declared column its type, also where no file has it. Casts
 * between equal types cost nothing. The partition column is the name of a part's folder, so that
 * DuckDB opens only the folders that a filter names.
 */
#include "sql/model_private.h"

#include <stdlib.h>
#include <strings.h>

#define BIND_MEMORY_MAX (256 * EC_MIB)

static void add_column_list(struct ec_buf *out, const struct ec_model_table *table) {
    for (size_t i = 0; i < table->column_count; i++) {
        const struct ec_delta_column *column = &table->column[i];
        char type[32];
        ec_duck_type_sql(column->type, false, type);
        if (i) ec_buf_addz(out, ", ");
        /* Our parts hold instants; SQL sees the UTC time of day. */
        bool instant = column->type.type == EC_TYPE_DATETIME;
        ec_buf_addz(out, instant ? "make_timestamp(epoch_us(" : "CAST(");
        ec_sql_quote_name(out, column->name);
        if (instant) ec_buf_addz(out, "))");
        else ec_buf_printf(out, " AS %s)", type);
        ec_buf_addz(out, " AS ");
        ec_sql_quote_name(out, column->name);
    }
}

/* `more` is said behind the columns. */
static void add_empty(struct ec_buf *out, const struct ec_model_table *table, const char *more) {
    ec_buf_addz(out, "SELECT ");
    for (size_t i = 0; i < table->column_count; i++) {
        char type[32];
        ec_duck_type_sql(table->column[i].type, true, type);
        ec_buf_printf(out, "%sNULL::%s AS ", i ? ", " : "", type);
        ec_sql_quote_name(out, table->column[i].name);
    }
    ec_buf_printf(out, "%s WHERE false", more);
}

/* DuckDB reads `key=value` in every folder of a path, not in the last alone: one above the table that
 * is named like a column would replace that column. */
static enum ec_status check_path(const struct ec_model_table *table, const char *path, struct ec_err *err) {
    const char *last = strrchr(path, '/');
    if (!last) return EC_OK;
    while (last > path && last[-1] != '/') last--; /* start of the folder that holds the file */
    for (const char *part = path; part < last;) {
        size_t n = strcspn(part, "/");
        const char *sign = memchr(part, '=', n);
        for (size_t i = 0; sign && i < table->column_count; i++) {
            const char *name = table->column[i].name;
            if (strlen(name) == (size_t)(sign - part) && strncasecmp(name, part, strlen(name)) == 0)
                return ec_fail(err, EC_CONFIG, "the folder %.*s above the table %s is named like its column %s: move the project",
                               (int)n, part, table->name, name);
        }
        part += n + 1;
    }
    return EC_OK;
}

static enum ec_status add_files(struct ec_buf *out, const struct ec_model_table *table, const struct ec_model_files *files,
                                const struct ec_partitions *needed, struct ec_err *err) {
    size_t n = 0;
    for (size_t i = 0; i < files->count; i++) {
        const struct ec_model_file *file = &files->file[i];
        if (!ec_partitions_have(needed, file->partition)) continue;
        EC_TRY(check_path(table, file->path, err));
        ec_buf_addz(out, n++ ? ", " : " UNION ALL BY NAME SELECT * FROM read_parquet([");
        ec_sql_quote_text(out, file->path);
    }
    if (n == 0) return EC_OK;
    ec_buf_addz(out, "], union_by_name = true, hive_partitioning = ");
    const struct ec_delta_column *column = table->partition_by ? ec_model_column(table, table->partition_by) : NULL;
    if (!column) {
        ec_buf_addz(out, "false)");
        return EC_OK;
    }
    char type[32];
    ec_duck_type_sql(column->type, true, type);
    ec_buf_addz(out, "true, hive_types = {");
    ec_sql_quote_text(out, column->name);
    ec_buf_printf(out, ": %s})", type);
    return EC_OK;
}

static enum ec_status write_view(struct ec_buf *out, const struct ec_model_table *table, const struct ec_model_files *files,
                                 const struct ec_partitions *needed, struct ec_err *err) {
    ec_buf_addz(out, "SELECT ");
    add_column_list(out, table);
    ec_buf_addz(out, " FROM (");
    add_empty(out, table, "");
    EC_TRY(add_files(out, table, files, needed, err));
    ec_buf_addz(out, ")");
    return ec_buf_check(out, err);
}

/* In a session that others share, the views are its own. */
static enum ec_status make_view(struct ec_sql *sql, const char *name, const struct ec_buf *rows, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_SQL_TEXT_MAX);
    ec_buf_addz(&text, "CREATE OR REPLACE TEMP VIEW ");
    ec_sql_quote_name(&text, name);
    ec_buf_addz(&text, " AS ");
    ec_buf_add(&text, rows->p, rows->n);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_sql_run(sql, text.p, err);
    ec_buf_free(&text);
    return status;
}

static enum ec_status add_input(struct ec_sql *sql, const char *name, const struct ec_buf *rows, struct ec_err *err) {
    ec_buf_addz(&sql->inputs, sql->inputs.n == 0 ? "WITH " : ", ");
    ec_sql_quote_name(&sql->inputs, name);
    ec_buf_addz(&sql->inputs, " AS NOT MATERIALIZED (");
    ec_buf_add(&sql->inputs, rows->p, rows->n);
    ec_buf_addz(&sql->inputs, ")");
    return ec_buf_check(&sql->inputs, err);
}

/* Makes the rows, whose text was written with this status, the model's input. Frees the text. */
static enum ec_status offer(struct ec_sql *sql, const struct ec_model *model, size_t index, struct ec_buf *rows,
                            enum ec_status status, struct ec_err *err) {
    const char *name = model->input[index].table->name;
    if (status == EC_OK) status = model->names_schema ? make_view(sql, name, rows, err) : add_input(sql, name, rows, err);
    ec_buf_free(rows);
    if (status != EC_OK) ec_err_context(err, "the input %s of the model %s", name, model->table.name);
    return status;
}

/* ---- the same with row numbers, for wide models ---- */

static int by_partition(const void *a, const void *b) {
    const struct ec_model_file *left = a, *right = b;
    if (!left->partition || !right->partition) return (left->partition != NULL) - (right->partition != NULL);
    int order = strcmp(left->partition, right->partition);
    return order ? order : strcmp(left->path, right->path);
}

enum ec_status ec_model_choose_files(const struct ec_model *model, size_t input, const struct ec_partitions *touched,
                                     struct ec_model_files *files, struct ec_arena *arena, struct ec_err *err) {
    struct ec_partitions needed;
    EC_TRY(ec_model_needs(model, input, touched, arena, &needed, err));
    struct ec_model_file *file = ec_arena_calloc(arena, files->count, sizeof *file);
    if (!file) return ec_fail(err, EC_NO_MEMORY, "no memory for the inputs of a model");
    size_t n = 0;
    for (size_t i = 0; i < files->count; i++)
        if (ec_partitions_have(&needed, files->file[i].partition)) file[n++] = files->file[i];
    if (n) qsort(file, n, sizeof *file, by_partition);
    *files = (struct ec_model_files){file, n};
    return EC_OK;
}

/* The files of one partition, whose value is said: DuckDB numbers the files of a scan anew when it passes over
 * folders by their names. */
static void add_branch(struct ec_buf *out, const struct ec_model_table *table, const struct ec_model_file *file, size_t first,
                       size_t end) {
    ec_buf_printf(out, " UNION ALL BY NAME SELECT * EXCLUDE (file_row_number), ((CAST(file_index AS BIGINT) + %zu) << 32) + file_row_number AS ", first);
    ec_sql_quote_name(out, EC_WIDE_ROW);
    if (table->partition_by) {
        char type[32];
        const struct ec_delta_column *column = ec_model_column(table, table->partition_by);
        ec_duck_type_sql(column->type, true, type);
        ec_buf_addz(out, ", CAST(");
        if (file[first].partition) ec_sql_quote_text(out, file[first].partition);
        else ec_buf_addz(out, "NULL");
        ec_buf_printf(out, " AS %s) AS ", type);
        ec_sql_quote_name(out, column->name);
    }
    for (size_t i = first; i < end; i++) {
        ec_buf_addz(out, i == first ? " FROM read_parquet([" : ", ");
        ec_sql_quote_text(out, file[i].path);
    }
    ec_buf_addz(out, "], union_by_name = true, hive_partitioning = false, file_row_number = true)");
}

static bool same_value(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static enum ec_status write_row_view(struct ec_buf *out, const struct ec_model_table *table, const struct ec_model_files *files,
                                     struct ec_err *err) {
    ec_buf_addz(out, "SELECT ");
    add_column_list(out, table);
    ec_buf_addz(out, ", ");
    ec_sql_quote_name(out, EC_WIDE_ROW);
    ec_buf_addz(out, " FROM (");
    add_empty(out, table, ", NULL::BIGINT AS \"" EC_WIDE_ROW "\"");
    for (size_t first = 0, end; first < files->count; first = end) {
        for (end = first + 1; end < files->count && same_value(files->file[first].partition, files->file[end].partition);) end++;
        add_branch(out, table, files->file, first, end);
    }
    ec_buf_addz(out, ")");
    return ec_buf_check(out, err);
}

static enum ec_status bind_rows(struct ec_sql *sql, const struct ec_model *model, size_t index, const struct ec_model_files *files,
                                struct ec_err *err) {
    struct ec_buf rows = ec_buf_make(EC_SQL_TEXT_MAX);
    enum ec_status status = write_row_view(&rows, model->input[index].table, files, err);
    return offer(sql, model, index, &rows, status, err);
}

enum ec_status ec_model_bind_rows(struct ec_sql *sql, const struct ec_model *model, const struct ec_model_files *files,
                                  struct ec_err *err) {
    ec_buf_clear(&sql->inputs);
    for (size_t i = 0; i < model->input_count; i++) EC_TRY(bind_rows(sql, model, i, &files[i], err));
    return EC_OK;
}

/* ---- inputs ---- */

static enum ec_status bind_input(struct ec_sql *sql, const struct ec_model *model, size_t index, const struct ec_partitions *touched,
                                 const struct ec_model_files *files, struct ec_arena *arena, struct ec_err *err) {
    struct ec_partitions needed;
    EC_TRY(ec_model_needs(model, index, touched, arena, &needed, err));
    struct ec_buf rows = ec_buf_make(EC_SQL_TEXT_MAX);
    enum ec_status status = write_view(&rows, model->input[index].table, files, &needed, err);
    return offer(sql, model, index, &rows, status, err);
}

enum ec_status ec_model_bind(struct ec_sql *sql, const struct ec_model *model, const struct ec_partitions *touched,
                             const struct ec_model_files *files, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, BIND_MEMORY_MAX);
    ec_buf_clear(&sql->inputs);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < model->input_count && status == EC_OK; i++)
        status = bind_input(sql, model, i, touched, &files[i], &arena, err);
    ec_arena_deinit(&arena);
    return status;
}

enum ec_status ec_model_bind_empty(struct ec_sql *sql, const struct ec_model_table *table, struct ec_err *err) {
    const struct ec_model_files none = {0};
    const struct ec_partitions nothing = {0};
    struct ec_buf rows = ec_buf_make(EC_SQL_TEXT_MAX);
    enum ec_status status = write_view(&rows, table, &none, &nothing, err);
    if (status == EC_OK) status = make_view(sql, table->name, &rows, err);
    ec_buf_free(&rows);
    return status;
}
