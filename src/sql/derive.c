/* A source's expressions into one prepared statement, with every mistake at its line. */
#include "sql/derive_private.h"

#include "base/io.h"

#define DERIVE_MEMORY_MAX (16 * EC_MIB)
/* It would compute a part that two expressions share once and before them, outside their TRY(). */
#define TRY_DISABLED_OPTIMIZERS "common_subexpressions"

/* The first `count` expressions where those from..to-1 stand in WHERE as well, which takes neither aggregates nor
 * windows, and says so. */
static enum ec_status prepare_row_wise(struct ec_derivation *d, size_t count, size_t from, size_t to, const char *function,
                                       duckdb_prepared_statement *statement, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_SQL_TEXT_MAX);
    ec_derive_write(&text, d, count, NULL, EC_FORM_PLAIN, function);
    for (size_t i = from; i < to; i++) {
        ec_buf_addz(&text, i == from ? " WHERE (" : " OR (");
        ec_derive_add_expression(&text, &d->expression[i], EC_FORM_PLAIN);
        ec_buf_addz(&text, ") IS NULL");
    }
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_duck_prepare(d->sql, text.p, statement, EC_CONFIG, NULL, err);
    ec_buf_free(&text);
    return status;
}

/* TRY() takes neither subqueries nor volatile functions. */
static enum ec_status check_try(struct ec_derivation *d, size_t count, const char *function, struct ec_err *err) {
    duckdb_prepared_statement statement = NULL;
    EC_TRY(ec_derive_prepare(d, d->sql, count, NULL, EC_FORM_TRY, function, &statement, err));
    duckdb_destroy_prepare(&statement);
    return EC_OK;
}

/* Whether the expressions from..to-1, behind those before them, are one value each for each row. */
static enum ec_status check_range(struct ec_derivation *d, size_t from, size_t to, const char *function, struct ec_err *err) {
    duckdb_prepared_statement statement = NULL;
    EC_TRY(ec_derive_prepare(d, d->sql, to, NULL, EC_FORM_PLAIN, function, &statement, err));
    size_t columns = duckdb_prepared_statement_column_count(statement);
    duckdb_destroy_prepare(&statement);
    if (columns != to) return ec_fail(err, EC_CONFIG, "an expression must be one value, without a comma outside brackets");
    EC_TRY(prepare_row_wise(d, to - 1, from, to, function, &statement, err));
    duckdb_destroy_prepare(&statement);
    return check_try(d, to, function, err);
}

static enum ec_status blame(const struct ec_expression *e, enum ec_status status, struct ec_err *err) {
    if (e->name) ec_err_context(err, "the derived column %s", e->name);
    else ec_err_context(err, "the expression `%s`", e->text);
    ec_err_at(err, e->file ? e->file : "", e->line, 0);
    return status;
}

/* All that check_range() asks of all expressions, by fewer statements: each takes a millisecond. The first of them is
 * the caller's, NULL where something is wrong. */
static duckdb_prepared_statement check_at_once(struct ec_derivation *d, const char *function) {
    size_t count = d->expression_count;
    duckdb_prepared_statement statement = NULL;
    if (prepare_row_wise(d, count, 0, count, function, &statement, NULL) != EC_OK) return NULL;
    if (duckdb_prepared_statement_column_count(statement) != count || check_try(d, count, function, NULL) != EC_OK)
        duckdb_destroy_prepare(&statement);
    return statement;
}

/* One by one, to find which is wrong. */
static enum ec_status check_each(struct ec_derivation *d, const char *function, struct ec_err *err) {
    for (size_t i = 0; i < d->expression_count; i++) {
        enum ec_status status = check_range(d, i, i + 1, function, err);
        if (status != EC_OK) return blame(&d->expression[i], status, err);
    }
    return check_range(d, 0, d->expression_count, function, err); /* alone each is right: DuckDB's own limit */
}

/* A type of ours for DuckDB's, and the cast that leads there. */
static enum ec_status choose_type(struct ec_expression *e, duckdb_logical_type logical, struct ec_column_type *type,
                                  struct ec_err *err) {
    struct ec_duck_type found;
    bool known = ec_duck_type_of(logical, &found);
    *type = found.type;
    bool direct = found.direct || (found.id == DUCKDB_TYPE_DECIMAL && found.storage != DUCKDB_TYPE_HUGEINT);
    duckdb_type id = found.id;
    ec_duck_type_release(&found);
    if (!e->name) {
        if (id == DUCKDB_TYPE_BOOLEAN) return EC_OK;
        return ec_fail(err, EC_CONFIG, "a rule must be true or false for each row");
    }
    if (!known)
        return ec_fail(err, EC_CONFIG, "the result is %s, which a column cannot hold; cast it, for example to VARCHAR or DOUBLE",
                       _(ec_duck_type_word(id)));
    if (!direct) ec_duck_type_sql(*type, false, e->cast);
    return EC_OK;
}

static enum ec_status choose_types(struct ec_derivation *d, duckdb_prepared_statement statement, struct ec_err *err) {
    for (size_t i = 0; i < d->expression_count; i++) {
        struct ec_column_type type;
        duckdb_logical_type logical = duckdb_prepared_statement_column_logical_type(statement, i);
        enum ec_status status = choose_type(&d->expression[i], logical, &type, err);
        duckdb_destroy_logical_type(&logical);
        if (status != EC_OK) return blame(&d->expression[i], status, err);
        if (i < d->source->derive_count) d->type[i] = type;
    }
    return EC_OK;
}

static enum ec_status prepare_all(struct ec_derivation *d, struct ec_err *err) {
    if (d->expression_count == 0) return EC_OK;
    EC_TRY(ec_derive_register(d, d->sql, d->function, sizeof d->function, err));
    duckdb_prepared_statement statement = check_at_once(d, d->function);
    if (!statement) {
        EC_TRY(check_each(d, d->function, err));
        EC_TRY(ec_derive_prepare(d, d->sql, d->expression_count, NULL, EC_FORM_PLAIN, d->function, &statement, err));
    }
    enum ec_status status = choose_types(d, statement, err);
    duckdb_destroy_prepare(&statement);
    if (status != EC_OK) return status;
    return ec_derive_plan(d, err);
}

enum ec_status ec_derive_open_try(struct ec_derivation *d, struct ec_err *err) {
    if (d->try_statement) return EC_OK;
    if (!d->try_sql) EC_TRY(ec_sql_open_with(&d->options, TRY_DISABLED_OPTIMIZERS, &d->try_sql, err));
    char function[32];
    EC_TRY(ec_derive_register(d, d->try_sql, function, sizeof function, err));
    EC_TRY(ec_derive_prepare(d, d->try_sql, d->expression_count, NULL, EC_FORM_TRY, function, &d->try_statement, err));
    for (size_t i = 0; i < d->source->derive_count; i++)
        EC_TRY(ec_derive_note_type(d, i, d->try_statement, 2 * i, err));
    return EC_OK;
}

static size_t count_rules(const struct ec_source *source) {
    size_t n = 0;
    for (size_t i = 0; i < source->rule_count; i++) n += source->rule[i].kind == EC_RULE_EXPRESSION;
    return n;
}

static void list_expressions(struct ec_derivation *d) {
    const struct ec_source *source = d->source;
    struct ec_expression *e = d->expression;
    for (size_t i = 0; i < source->derive_count; i++) {
        const struct ec_derive *derive = &source->derive[i];
        *e++ = (struct ec_expression){.name = derive->name, .text = derive->expression, .file = derive->file, .line = derive->line};
    }
    for (size_t i = 0; i < source->rule_count; i++) {
        const struct ec_rule *rule = &source->rule[i];
        if (rule->kind != EC_RULE_EXPRESSION) continue;
        *e++ = (struct ec_expression){.text = rule->text, .file = rule->file, .line = rule->line};
    }
}

enum ec_status ec_derive_create(struct ec_sql *sql, const struct ec_source *source, struct ec_derivation **out,
                                struct ec_err *err) {
    *out = NULL;
    struct ec_derivation *d = ec_calloc(1, sizeof *d);
    if (!d) return ec_fail(err, EC_NO_MEMORY, "no memory for derived columns");
    d->sql = sql;
    d->source = source;
    d->options = sql->options;
    ec_arena_init(&d->arena, DERIVE_MEMORY_MAX);
    d->expression_count = source->derive_count + count_rules(source);
    d->expression = ec_arena_calloc(&d->arena, d->expression_count, sizeof *d->expression);
    d->type = ec_arena_calloc(&d->arena, source->derive_count, sizeof *d->type);
    d->duck_type = ec_arena_calloc(&d->arena, source->derive_count, sizeof *d->duck_type);
    d->projected = ec_arena_calloc(&d->arena, source->column_count + 1, sizeof *d->projected);
    size_t words = (d->expression_count + 63) / 64;
    uint64_t *needs = ec_arena_calloc(&d->arena, d->expression_count * words, sizeof *needs);
    enum ec_status status = EC_OK;
    if (!d->expression || !d->type || !d->duck_type || !d->projected || !needs)
        status = ec_fail(err, EC_NO_MEMORY, "no memory for derived columns");
    if (status == EC_OK) {
        list_expressions(d);
        for (size_t i = 0; i < d->expression_count; i++) d->expression[i].needs = needs + i * words;
        status = prepare_all(d, err);
    }
    if (status != EC_OK) {
        ec_derive_destroy(d);
        return status;
    }
    *out = d;
    return EC_OK;
}

void ec_derive_destroy(struct ec_derivation *d) {
    if (!d) return;
    duckdb_destroy_prepare(&d->try_statement);
    ec_sql_close(d->try_sql);
    ec_part_release(&d->rows);
    for (size_t i = 0; i < d->value_count; i++) ec_values_deinit(&d->values[i]);
    for (size_t i = 0; d->duck_type && i < d->source->derive_count; i++) ec_duck_type_release(&d->duck_type[i]);
    ec_arena_deinit(&d->arena);
    ec_sql_close(d->own_sql);
    ec_free(d);
}

void ec_derive_own(struct ec_derivation *d, struct ec_sql *sql) { d->own_sql = sql; }

const struct ec_column_type *ec_derive_types(const struct ec_derivation *d) { return d->type; }
