/* A model's columns, found by preparing it, and its rows. */
#include "sql/model_private.h"

#include <strings.h>

static enum ec_status in_model(const struct ec_model *model, enum ec_status status, struct ec_err *err) {
    ec_err_context(err, "the model %s", model->table.name);
    if (err && !err->file[0]) ec_err_at(err, model->file, 0, 0);
    return status;
}

static enum ec_status take_column(struct ec_models *models, struct ec_delta_column *out, duckdb_prepared_statement statement,
                                  size_t index, struct ec_err *err) {
    const char *name = duckdb_prepared_statement_column_name(statement, index);
    out->name = name ? ec_arena_strdup(&models->arena, name) : NULL;
    duckdb_free((void *)(uintptr_t)name);
    if (!out->name) return ec_fail(err, EC_NO_MEMORY, "no memory for a model's columns");
    duckdb_logical_type logical = duckdb_prepared_statement_column_logical_type(statement, index);
    struct ec_duck_type type;
    bool known = ec_duck_type_of(logical, &type);
    out->type = type.type;
    duckdb_type id = type.id;
    ec_duck_type_release(&type);
    duckdb_destroy_logical_type(&logical);
    if (!known)
        return ec_fail(err, EC_CONFIG, "the column %s is %s, which a table cannot hold; cast it", out->name, ec_duck_type_word(id));
    if (!ec_delta_name_valid(out->name))
        return ec_fail(err, EC_CONFIG, "`%s` cannot be the name of a column; name it with AS", out->name);
    return EC_OK;
}

static enum ec_status take_columns(struct ec_models *models, struct ec_model *model, duckdb_prepared_statement statement,
                                   struct ec_err *err) {
    size_t count = duckdb_prepared_statement_column_count(statement);
    if (count > EC_COLUMNS_MAX) return ec_fail(err, EC_CONFIG, "more than %u columns", EC_COLUMNS_MAX);
    struct ec_delta_column *column = ec_arena_calloc(&models->arena, count, sizeof *column);
    if (!column) return ec_fail(err, EC_NO_MEMORY, "no memory for a model's columns");
    model->table.column = column;
    model->table.column_count = 0;
    for (size_t i = 0; i < count; i++) {
        EC_TRY(take_column(models, &column[i], statement, i, err));
        if (ec_model_column(&model->table, column[i].name))
            return ec_fail(err, EC_CONFIG, "two columns are named %s; rename one with AS, EXCLUDE or RENAME", column[i].name);
        model->table.column_count++;
    }
    return EC_OK;
}

static enum ec_status no_column(const struct ec_model *model, const char *key, const char *name, struct ec_err *err) {
    const char *at = strstr(model->text, key);
    (void)ec_fail(err, EC_CONFIG, "%s names `%s`, which is no column of the result", key, name);
    return ec_model_at(err, EC_CONFIG, model->file, model->text, at ? (size_t)(at - model->text) : 0);
}

static bool can_partition(enum ec_type type) {
    return type == EC_TYPE_DATE || type == EC_TYPE_STRING || type == EC_TYPE_INTEGER || type == EC_TYPE_BOOLEAN;
}

/* The header speaks of columns, which are known only now. */
static enum ec_status check_header(const struct ec_model *model, struct ec_err *err) {
    const char *by = model->table.partition_by;
    const struct ec_delta_column *column = by ? ec_model_column(&model->table, by) : NULL;
    if (by && !column) return no_column(model, "partition_by", by, err);
    if (by && !can_partition(column->type.type))
        return ec_fail(err, EC_CONFIG, "%s is %s: a table is partitioned by a date, a text, a whole number or a boolean", by,
                       ec_type_name(column->type.type));
    for (size_t i = 0; i < model->csv_column_count; i++)
        if (!ec_model_column(&model->table, model->csv_column[i])) return no_column(model, "csv", model->csv_column[i], err);
    for (size_t i = 0; i < model->order_by_count; i++)
        if (!ec_model_column(&model->table, model->order_by[i])) return no_column(model, "order_by", model->order_by[i], err);
    for (size_t i = 0; i < model->input_count; i++) {
        const struct ec_model_input *input = &model->input[i];
        if (input->reach != EC_REACH_DAYS) continue;
        const struct ec_delta_column *theirs = ec_model_column(input->table, input->table->partition_by);
        if (column->type.type != EC_TYPE_DATE || !theirs || theirs->type.type != EC_TYPE_DATE)
            return ec_fail(err, EC_CONFIG, "`within days` needs %s and %s to be partitioned by a date", model->table.name,
                           input->table->name);
    }
    return EC_OK;
}

static enum ec_status check_model(struct ec_sql *sql, struct ec_models *models, struct ec_model *model, struct ec_err *err) {
    duckdb_prepared_statement statement = NULL;
    size_t position;
    enum ec_status status = ec_duck_prepare(sql, model->text, &statement, EC_CONFIG, &position, err);
    if (status != EC_OK && position <= strlen(model->text)) return ec_model_at(err, status, model->file, model->text, position);
    if (status != EC_OK) return status;
    status = take_columns(models, model, statement, err);
    duckdb_destroy_prepare(&statement);
    if (status == EC_OK) status = check_header(model, err);
    return status == EC_OK ? ec_model_find_wide(sql, &models->arena, model, err) : status;
}

/* The views that the model names and those before it did not. */
static enum ec_status bind_inputs(struct ec_sql *sql, const struct ec_models *models, size_t index, struct ec_err *err) {
    const struct ec_model *model = &models->model[index];
    for (size_t i = 0; i < model->input_count; i++) {
        const struct ec_model_table *table = model->input[i].table;
        bool bound = false;
        for (size_t m = 0; m < index && !bound; m++)
            for (size_t k = 0; k < models->model[m].input_count && !bound; k++)
                bound = models->model[m].input[k].table == table;
        if (!bound) EC_TRY(ec_model_bind_empty(sql, table, err));
    }
    return EC_OK;
}

enum ec_status ec_models_check(struct ec_sql *sql, struct ec_models *models, struct ec_err *err) {
    for (size_t i = 0; i < models->count; i++) {
        enum ec_status status = bind_inputs(sql, models, i, err);
        if (status == EC_OK) status = check_model(sql, models, &models->model[i], err);
        if (status != EC_OK) return in_model(&models->model[i], status, err);
    }
    return EC_OK;
}

/* `name` is what the partition column is called here. */
static void add_filter(struct ec_buf *out, const struct ec_model_table *table, const char *name, const struct ec_partitions *touched) {
    if (touched->all || !table->partition_by) return;
    const struct ec_delta_column *column = ec_model_column(table, table->partition_by);
    char type[32];
    ec_duck_type_sql(column->type, false, type);
    bool null = touched->count > 0 && !touched->value[0];
    ec_buf_addz(out, " WHERE (false");
    for (size_t i = null; i < touched->count; i++) {
        ec_buf_addz(out, i == null ? " OR " : ", ");
        if (i == null) ec_sql_quote_name(out, name);
        if (i == null) ec_buf_addz(out, " IN (");
        ec_buf_addz(out, "CAST(");
        ec_sql_quote_text(out, touched->value[i]);
        ec_buf_printf(out, " AS %s)", type);
    }
    if (touched->count > null) ec_buf_addz(out, ")");
    if (null) {
        ec_buf_addz(out, " OR ");
        ec_sql_quote_name(out, name);
        ec_buf_addz(out, " IS NULL");
    }
    ec_buf_addz(out, ")");
}

static void add_order(struct ec_buf *out, const struct ec_model *model) {
    const struct ec_model_table *table = &model->table;
    const char *separator = " ORDER BY ";
    if (model->unordered) return;
    if (table->partition_by) {
        ec_buf_addz(out, separator);
        ec_sql_quote_name(out, table->partition_by);
        separator = ", ";
    }
    size_t count = model->order_by_count ? model->order_by_count : table->column_count;
    for (size_t i = 0; i < count; i++) {
        const char *name = model->order_by_count ? model->order_by[i] : table->column[i].name;
        if (table->partition_by && strcasecmp(name, table->partition_by) == 0) continue;
        ec_buf_addz(out, separator);
        ec_sql_quote_name(out, name);
        separator = ", ";
    }
}

enum ec_status ec_model_query(struct ec_sql *sql, const struct ec_model *model, const struct ec_partitions *touched,
                              struct ec_sql_rows **rows, struct ec_err *err) {
    *rows = NULL;
    /* query() takes the text as it is, with comments and a semicolon at its end. */
    struct ec_buf text = ec_buf_make(EC_SQL_TEXT_MAX);
    ec_buf_add(&text, sql->inputs.p, sql->inputs.n);
    ec_buf_addz(&text, " SELECT * FROM query(");
    ec_sql_quote_text(&text, model->text);
    ec_buf_addz(&text, ") AS model");
    add_filter(&text, &model->table, model->table.partition_by, touched);
    add_order(&text, model);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_sql_query(sql, text.p, rows, err);
    ec_buf_free(&text);
    return status == EC_OK ? EC_OK : in_model(model, status, err);
}

enum ec_status ec_model_query_rows(struct ec_sql *sql, const struct ec_model *model, const struct ec_partitions *touched,
                                   struct ec_sql_rows **rows, struct ec_err *err) {
    *rows = NULL;
    char partition[32];
    (void)snprintf(partition, sizeof partition, EC_WIDE_VALUE "%zu", model->wide->partition_value);
    struct ec_buf text = ec_buf_make(EC_SQL_TEXT_MAX);
    ec_buf_add(&text, sql->inputs.p, sql->inputs.n);
    ec_buf_addz(&text, " SELECT * FROM query(");
    ec_sql_quote_text(&text, model->wide->text);
    ec_buf_addz(&text, ") AS model");
    add_filter(&text, &model->table, partition, touched);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_sql_query(sql, text.p, rows, err);
    ec_buf_free(&text);
    return status == EC_OK ? EC_OK : in_model(model, status, err);
}
