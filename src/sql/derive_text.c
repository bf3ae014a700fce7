/* A derivation's expressions as the text of a statement. */
#include "sql/derive_private.h"

/* An expression on lines of its own: it may end with a comment. */
void ec_derive_add_expression(struct ec_buf *out, const struct ec_expression *e, enum ec_derive_form form) {
    bool cast = form != EC_FORM_PLAIN && e->cast[0];
    ec_buf_printf(out, "%s(\n%s\n)", cast ? "CAST(" : "", e->text);
    if (cast) ec_buf_printf(out, " AS %s)", e->cast);
}

static void add_tried(struct ec_buf *out, const struct ec_expression *e, size_t index) {
    ec_buf_addz(out, "TRY(");
    ec_derive_add_expression(out, e, EC_FORM_TRY);
    if (e->name) {
        ec_buf_addz(out, ") AS ");
        ec_sql_quote_name(out, e->name);
        ec_buf_addz(out, ", TRY((");
    } else {
        ec_buf_addz(out, "), TRY((");
    }
    ec_derive_add_expression(out, e, EC_FORM_TRY);
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

void ec_derive_write(struct ec_buf *out, const struct ec_derivation *d, size_t count, const uint64_t *only,
                     enum ec_derive_form form, const char *function) {
    if (form == EC_FORM_TRY) {
        write_tried(out, d, count, function);
        return;
    }
    ec_buf_addz(out, "SELECT ");
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (only && !ec_bit(only, i)) continue;
        if (any) ec_buf_addz(out, ", ");
        any = true;
        ec_derive_add_expression(out, &d->expression[i], form);
        if (!d->expression[i].name) continue;
        ec_buf_addz(out, " AS ");
        ec_sql_quote_name(out, d->expression[i].name);
    }
    ec_buf_printf(out, "%s FROM %s() AS ", any ? "" : "1", function);
    ec_sql_quote_name(out, d->source->name);
}

enum ec_status ec_derive_prepare(struct ec_derivation *d, struct ec_sql *sql, size_t count, const uint64_t *only,
                                 enum ec_derive_form form, const char *function, duckdb_prepared_statement *statement,
                                 struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_SQL_TEXT_MAX);
    ec_derive_write(&text, d, count, only, form, function);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_duck_prepare(sql, text.p, statement, EC_CONFIG, NULL, err);
    ec_buf_free(&text);
    return status;
}
