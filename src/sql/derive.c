/* A source's expressions into one prepared statement, with every mistake at its line. */
#include "sql/derive_private.h"

#include "base/io.h"

#define DERIVE_MEMORY_MAX (16 * EC_MIB)
/* It would compute a part that two expressions share once and before them, outside their TRY(). */
#define TRY_DISABLED_OPTIMIZERS "common_subexpressions"

/* The ways in which the statement is written. */
enum form {
    FORM_PLAIN, /* SELECT (d1) AS "d1", (r1) */
    FORM_TYPED, /* the same with the casts that types of ours need */
    FORM_TRY,   /* TRY(d1), TRY((d1) IS NULL), ...: the second is null where d1 fails */
};

/* An expression on lines of its own: it may end with a comment. */
static void add_expression(struct ec_buf *out, const struct ec_expression *e, enum form form) {
    bool cast = form != FORM_PLAIN && e->cast[0];
    ec_buf_printf(out, "%s(\n%s\n)", cast ? "CAST(" : "", e->text);
    if (cast) ec_buf_printf(out, " AS %s)", e->cast);
}

static void add_tried(struct ec_buf *out, const struct ec_expression *e, size_t index) {
    ec_buf_addz(out, "TRY(");
    add_expression(out, e, FORM_TRY);
    if (e->name) {
        ec_buf_addz(out, ") AS ");
        ec_sql_quote_name(out, e->name);
        ec_buf_addz(out, ", TRY((");
    } else {
        ec_buf_addz(out, "), TRY((");
    }
    add_expression(out, e, FORM_TRY);
    ec_buf_printf(out, ") IS NULL) AS \"ec fails %zu\"", index);
}

/* TRY() cannot name an alias of its own SELECT, so each derived column is a layer:
 *     SELECT "d1", "ec fails 0", TRY(r1), ... FROM (SELECT *, TRY(d1) AS "d1", ... FROM f() AS s) AS s */
static void write_tried(struct ec_buf *out, const struct ec_derivation *d, size_t count, const char *function) {
    size_t derived = d->source->derive_count < count ? d->source->derive_count : count;
    ec_buf_addz(out, "SELECT ");
    for (size_t i = 0; i < count; i++) {
        if (i) ec_buf_addz(out, ", ");
        if (i < derived) {
            ec_sql_quote_name(out, d->expression[i].name);
            ec_buf_printf(out, ", \"ec fails %zu\"", i);
        } else {
            add_tried(out, &d->expression[i], i);
        }
    }
    for (size_t i = derived; i-- > 0;) {
        ec_buf_addz(out, " FROM (SELECT *, ");
        add_tried(out, &d->expression[i], i);
    }
    ec_buf_printf(out, " FROM %s() AS ", function);
    ec_sql_quote_name(out, d->source->name);
    for (size_t i = 0; i < derived; i++) {
        ec_buf_addz(out, ") AS ");
        ec_sql_quote_name(out, d->source->name);
    }
}

static void write_statement(struct ec_buf *out, const struct ec_derivation *d, size_t count, enum form form, const char *function) {
    if (form == FORM_TRY) {
        write_tried(out, d, count, function);
        return;
    }
    ec_buf_addz(out, "SELECT ");
    for (size_t i = 0; i < count; i++) {
        if (i) ec_buf_addz(out, ", ");
        add_expression(out, &d->expression[i], form);
        if (!d->expression[i].name) continue;
        ec_buf_addz(out, " AS ");
        ec_sql_quote_name(out, d->expression[i].name);
    }
    ec_buf_printf(out, "%s FROM %s() AS ", count ? "" : "1", function);
    ec_sql_quote_name(out, d->source->name);
}

static enum ec_status prepare(struct ec_derivation *d, struct ec_sql *sql, size_t count, enum form form, const char *function,
                              duckdb_prepared_statement *statement, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_SQL_TEXT_MAX);
    write_statement(&text, d, count, form, function);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_duck_prepare(sql, text.p, statement, EC_CONFIG, NULL, err);
    ec_buf_free(&text);
    return status;
}

/* WHERE takes neither aggregates nor windows, and says so. */
static enum ec_status check_row_wise(struct ec_derivation *d, size_t from, size_t to, const char *function, struct ec_err *err) {
    duckdb_prepared_statement statement = NULL;
    struct ec_buf text = ec_buf_make(EC_SQL_TEXT_MAX);
    write_statement(&text, d, to - 1, FORM_PLAIN, function);
    for (size_t i = from; i < to; i++) {
        ec_buf_addz(&text, i == from ? " WHERE (" : " OR (");
        add_expression(&text, &d->expression[i], FORM_PLAIN);
        ec_buf_addz(&text, ") IS NULL");
    }
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_duck_prepare(d->sql, text.p, &statement, EC_CONFIG, NULL, err);
    ec_buf_free(&text);
    duckdb_destroy_prepare(&statement);
    return status;
}

/* Whether the expressions from..to-1, behind those before them, are one value each for each row. */
static enum ec_status check_range(struct ec_derivation *d, size_t from, size_t to, const char *function, struct ec_err *err) {
    duckdb_prepared_statement statement = NULL;
    EC_TRY(prepare(d, d->sql, to, FORM_PLAIN, function, &statement, err));
    size_t columns = duckdb_prepared_statement_column_count(statement);
    duckdb_destroy_prepare(&statement);
    if (columns != to) return ec_fail(err, EC_CONFIG, "an expression must be one value, without a comma outside brackets");
    EC_TRY(check_row_wise(d, from, to, function, err));
    /* TRY() takes neither subqueries nor volatile functions. */
    EC_TRY(prepare(d, d->sql, to, FORM_TRY, function, &statement, err));
    duckdb_destroy_prepare(&statement);
    return EC_OK;
}

static enum ec_status blame(const struct ec_expression *e, enum ec_status status, struct ec_err *err) {
    if (e->name) ec_err_context(err, "the derived column %s", e->name);
    else ec_err_context(err, "the expression `%s`", e->text);
    ec_err_at(err, e->file ? e->file : "", e->line, 0);
    return status;
}

/* All at once, which a worker does at each start; one by one to find which is wrong. */
static enum ec_status check_all(struct ec_derivation *d, const char *function, struct ec_err *err) {
    if (check_range(d, 0, d->expression_count, function, NULL) == EC_OK) return EC_OK;
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
                       ec_duck_type_word(id));
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

/* The types of the final statement, as eval reads them. */
static enum ec_status note_types(struct ec_derivation *d, struct ec_err *err) {
    for (size_t i = 0; i < d->source->derive_count; i++) {
        duckdb_logical_type logical = duckdb_prepared_statement_column_logical_type(d->statement, i);
        bool known = ec_duck_type_of(logical, &d->duck_type[i]);
        duckdb_destroy_logical_type(&logical);
        if (!known) return ec_fail(err, EC_ENGINE, "DuckDB changed the type of %s", d->expression[i].name);
    }
    return EC_OK;
}

static enum ec_status prepare_all(struct ec_derivation *d, struct ec_err *err) {
    if (d->expression_count == 0) return EC_OK;
    char function[32];
    EC_TRY(ec_derive_register(d, d->sql, function, sizeof function, err));
    EC_TRY(check_all(d, function, err));
    duckdb_prepared_statement statement = NULL;
    EC_TRY(prepare(d, d->sql, d->expression_count, FORM_PLAIN, function, &statement, err));
    enum ec_status status = choose_types(d, statement, err);
    duckdb_destroy_prepare(&statement);
    if (status != EC_OK) return status;
    EC_TRY(prepare(d, d->sql, d->expression_count, FORM_TYPED, function, &d->statement, err));
    return note_types(d, err);
}

enum ec_status ec_derive_open_try(struct ec_derivation *d, struct ec_err *err) {
    if (d->try_statement) return EC_OK;
    if (!d->try_sql) EC_TRY(ec_sql_open_with(&d->options, TRY_DISABLED_OPTIMIZERS, &d->try_sql, err));
    char function[32];
    EC_TRY(ec_derive_register(d, d->try_sql, function, sizeof function, err));
    return prepare(d, d->try_sql, d->expression_count, FORM_TRY, function, &d->try_statement, err);
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
    enum ec_status status = EC_OK;
    if (!d->expression || !d->type || !d->duck_type || !d->projected)
        status = ec_fail(err, EC_NO_MEMORY, "no memory for derived columns");
    if (status == EC_OK) {
        list_expressions(d);
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
    duckdb_destroy_prepare(&d->statement);
    for (size_t i = 0; d->duck_type && i < d->source->derive_count; i++) ec_duck_type_release(&d->duck_type[i]);
    ec_arena_deinit(&d->arena);
    ec_free(d);
}

const struct ec_column_type *ec_derive_types(const struct ec_derivation *d) { return d->type; }
