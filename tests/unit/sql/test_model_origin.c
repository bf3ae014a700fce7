/* What the columns of a model are made of: followed where the SQL says it, left out where it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "sql/model_origin.h"

#include <stdlib.h>

#define C(n, kind) {.name = n, .type = {.type = kind}}

static const struct ec_delta_column sales_columns[] = {C("id", EC_TYPE_STRING), C("day", EC_TYPE_DATE), C("product_id", EC_TYPE_STRING),
                                                       C("quantity", EC_TYPE_INTEGER), C("amount", EC_TYPE_FLOAT)};
static const struct ec_delta_column product_columns[] = {C("product_id", EC_TYPE_STRING), C("category", EC_TYPE_STRING), C("cost", EC_TYPE_FLOAT)};
static const struct ec_model_table sources[] = {{"sales", sales_columns, 5, "day"}, {"products", product_columns, 3, NULL}};

static struct ec_sql *sql;
static char dir[] = "/tmp/ec-origin-XXXXXX";

static int open_session(void **state) {
    (void)state;
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB};
    return mkdtemp(dir) && ec_sql_open(&options, &sql, NULL) == EC_OK ? 0 : -1;
}

static int close_session(void **state) {
    (void)state;
    ec_sql_close(sql);
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

/* "column=table.column/kind table.column/kind; …" of the model `m`; columns without origins are left out. */
static void origins_are(const char *text, const char *expected) {
    static const char kinds[] = "ITAF";
    char path[128];
    struct ec_models *models;
    struct ec_err err = {0};
    (void)snprintf(path, sizeof path, "%s/m.sql", dir);
    assert_int_equal(ec_file_replace(path, text, strlen(text), NULL), EC_OK);
    if (ec_models_load(sql, dir, sources, 2, &models, &err) != EC_OK || ec_models_check(sql, models, &err) != EC_OK) fail_msg("%s: %s", text, err.message);
    struct ec_arena arena;
    ec_arena_init(&arena, 16 * EC_MIB);
    struct ec_column_origins *of;
    const struct ec_model *model = ec_models_find(models, "m");
    assert_int_equal(ec_model_origins(sql, model, &arena, &of, &err), EC_OK);
    struct ec_buf got = ec_buf_make(EC_MIB);
    for (size_t i = 0; i < model->table.column_count; i++) {
        if (of[i].count == 0) continue;
        ec_buf_printf(&got, "%s%s=", got.n ? "; " : "", model->table.column[i].name);
        for (size_t k = 0; k < of[i].count; k++) {
            const struct ec_column_origin *o = &of[i].origin[k];
            ec_buf_printf(&got, "%s%s.%s/%c", k ? " " : "", o->table->name, o->column, kinds[o->kind]);
        }
    }
    if (strcmp(ec_buf_str(&got).n ? got.p : "", expected) != 0) fail_msg("%s\n   gives %s\n     not %s", text, got.n ? got.p : "", expected);
    ec_buf_free(&got);
    ec_arena_deinit(&arena);
    ec_models_destroy(models);
}

static void columns_expressions_and_aggregates(void **state) {
    (void)state;
    origins_are("SELECT id, amount AS total, quantity * amount AS x, 1 AS one FROM sales",
                "id=sales.id/I; total=sales.amount/I; x=sales.amount/T sales.quantity/T");
    origins_are("SELECT day, count(*) AS n, sum(amount) AS revenue, count(*) FILTER (quantity > 1) AS many, round(avg(amount), 2) AS mean "
                "FROM sales GROUP BY day",
                "day=sales.day/I; revenue=sales.amount/A; many=sales.quantity/F; mean=sales.amount/A");
    origins_are("SELECT CASE WHEN quantity > 5 THEN amount ELSE 0 END AS big, CAST(amount AS VARCHAR) AS said, amount / nullif(quantity, 0) AS each FROM sales",
                "big=sales.amount/T sales.quantity/T; said=sales.amount/T; each=sales.quantity/T sales.amount/T");
    origins_are("SELECT row_number() OVER (PARTITION BY day ORDER BY id) AS rank FROM sales", "rank=sales.id/T sales.day/T");
}

static void joins_aliases_and_stars(void **state) {
    (void)state;
    origins_are("SELECT s.day, coalesce(p.category, 'unknown') AS category, sum(s.amount - s.quantity * p.cost) AS margin "
                "FROM sales AS s LEFT JOIN products AS p ON p.product_id = s.product_id GROUP BY s.day, coalesce(p.category, 'unknown')",
                "day=sales.day/I; category=products.category/T; margin=products.cost/A sales.quantity/A sales.amount/A");
    origins_are("SELECT s.*, p.* EXCLUDE (product_id) RENAME (cost AS price) FROM sales s JOIN products p ON p.product_id = s.product_id",
                "id=sales.id/I; day=sales.day/I; product_id=sales.product_id/I; quantity=sales.quantity/I; amount=sales.amount/I; "
                "category=products.category/I; price=products.cost/I");
    origins_are("SELECT * FROM sales JOIN products USING (product_id)",
                "id=sales.id/I; day=sales.day/I; product_id=sales.product_id/I; quantity=sales.quantity/I; amount=sales.amount/I; "
                "category=products.category/I; cost=products.cost/I");
    origins_are("SELECT product_id, category, amount FROM sales FULL JOIN products USING (product_id)",
                "category=products.category/I; amount=sales.amount/I"); /* of either side: not told */
    origins_are("SELECT amount AS a, a + 1 AS b FROM sales", "a=sales.amount/I; b=sales.amount/T");
    origins_are("SELECT category FROM sales SEMI JOIN products USING (product_id), products AS p", "category=products.category/I");
}

static void queries_within_queries(void **state) {
    (void)state;
    origins_are("WITH steps AS (SELECT day, count(*) AS n, count(*) FILTER (quantity > 1) AS many FROM sales GROUP BY day) "
                "SELECT day, n, many, many / nullif(n, 0) AS rate FROM steps",
                "day=sales.day/I; many=sales.quantity/F; rate=sales.quantity/F");
    origins_are("SELECT d AS day, t FROM (SELECT day, sum(amount) FROM sales GROUP BY day) AS q(d, t)", "day=sales.day/I; t=sales.amount/A");
    origins_are("SELECT id AS name FROM sales UNION ALL SELECT category FROM products", "name=sales.id/I products.category/I");
    origins_are("SELECT product_id FROM sales EXCEPT SELECT product_id FROM products", "product_id=sales.product_id/I");
    origins_are("WITH sales AS (SELECT product_id AS id FROM products) SELECT id FROM sales", "id=products.product_id/I");
    origins_are("WITH a AS (SELECT amount FROM sales), b AS (SELECT amount * 2 AS amount FROM a) SELECT max(amount) AS most FROM b", "most=sales.amount/A");
}

static void what_is_not_certain_is_left_out(void **state) {
    (void)state;
    origins_are("SELECT day, (SELECT max(cost) FROM products) AS dearest FROM sales", "day=sales.day/I");
    origins_are("SELECT id, list_transform([quantity], x -> x + 1)[1] AS more FROM sales", "id=sales.id/I");
    origins_are("SELECT day, COLUMNS('quan.*') FROM sales", "");
    origins_are("SELECT s.id, g.i FROM sales AS s, generate_series(1, 3) AS g(i)", "id=sales.id/I");
    origins_are("SELECT * FROM (SELECT product_id, amount FROM sales) NATURAL JOIN products", "");
    origins_are("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n, id FROM r, sales", "id=sales.id/I");
    origins_are("SELECT 1 AS one", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_expressions_and_aggregates),
        cmocka_unit_test(joins_aliases_and_stars),
        cmocka_unit_test(queries_within_queries),
        cmocka_unit_test(what_is_not_certain_is_left_out),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
