/* The project's own models (transformations/) on small tables, with figures computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "sql/model.h"

#include <stdlib.h>

#define S(n) {.name = n, .type = {.type = EC_TYPE_STRING}}
#define I(n) {.name = n, .type = {.type = EC_TYPE_INTEGER}}
#define F(n) {.name = n, .type = {.type = EC_TYPE_FLOAT}}
#define B(n) {.name = n, .type = {.type = EC_TYPE_BOOLEAN}}
#define T(n) {.name = n, .type = {.type = EC_TYPE_DATETIME}}
#define D(n) {.name = n, .type = {.type = EC_TYPE_DATE}}

static const struct ec_delta_column log_columns[] = {
    T("timestamp"), S("request_id"), S("user_id"), S("session_id"), S("endpoint"), S("method"), I("status_code"), F("response_time_ms"),
    I("payload_size_bytes"), B("cache_hit"), S("country_code"), S("ip_address"), S("user_agent"), S("_file"), I("_line"), D("date"), S("category")};
static const struct ec_delta_column session_columns[] = {
    S("session_id"), S("user_id"), T("start_time"), T("end_time"), I("pages_visited"), I("products_viewed"), I("products_added_to_cart"),
    B("conversion"), F("total_spent"), B("bounce_rate"), S("device_type"), S("browser"), S("referrer"), S("country"), S("city"),
    S("_file"), I("_line"), F("duration_min"), S("traffic_source"), S("device_category"), B("is_bounce"), B("is_conversion"),
    B("abandoned_cart"), D("date")};
static const struct ec_delta_column product_columns[] = {
    S("product_id"), S("name"), S("category"), F("price"), F("cost"), I("stock"), S("brand"), T("created_at"), B("is_active"), F("rating"),
    I("review_count"), S("_file"), I("_line"), F("margin"), F("margin_pct"), F("markup_pct"), S("stock_status"), B("is_new"), D("date")};
static const struct ec_delta_column user_columns[] = {
    S("user_id"), S("email"), S("first_name"), S("last_name"), I("age"), S("gender"), S("country"), S("city"), T("registration_date"),
    B("is_premium"), I("total_orders"), F("total_spent"), T("last_login"), S("_file"), I("_line"), S("customer_type"), F("loyalty_score"),
    I("days_since_last_login")};
static const struct ec_delta_column sale_columns[] = {
    S("order_id"), T("order_date"), S("user_id"), S("session_id"), S("product_id"), I("quantity"), F("unit_price"), F("discount"),
    F("total_amount"), S("payment_method"), S("status"), S("_file"), I("_line"), D("date"), F("net_amount")};

#define TABLE(name, columns, by) {name, columns, sizeof columns / sizeof *columns, by}
static const struct ec_model_table sources[] = {
    TABLE("api_logs", log_columns, "date"), TABLE("sessions", session_columns, "date"), TABLE("products", product_columns, NULL),
    TABLE("users", user_columns, NULL), TABLE("sales", sale_columns, "date")};

static struct ec_sql *sql;
static struct ec_models *models;
static char dir[] = "/tmp/ec-kpi-XXXXXX";

/* The parts, each with only some of its table's columns: the others are null. */
static const struct part {
    const char *table, *partition, *file, *select;
} parts[] = {
    {"api_logs", "2025-07-18", "api_logs/date=2025-07-18/a.parquet",
     "SELECT TIMESTAMPTZ '2025-07-18 12:00:00+00' AS timestamp, * FROM (VALUES "
     "('r1', 'u1', 's1', 'GET', 200, 10.0, 100, true, 'FR', 'cart'), ('r2', 'u1', 's1', 'GET', 404, 20.0, 300, false, 'FR', 'cart'), "
     "('r3', 'u2', 's2', 'GET', 503, 40.0, NULL, true, 'FR', 'cart'), ('r4', 'u2', 's2', 'GET', 200, 30.0, 200, NULL, 'FR', 'cart'), "
     "('r5', 'u9', 's1', 'POST', 201, NULL, 50, false, NULL, 'other')) "
     "t(request_id, user_id, session_id, method, status_code, response_time_ms, payload_size_bytes, cache_hit, country_code, category)"},
    {"api_logs", "2025-07-19", "api_logs/date=2025-07-19/b.parquet",
     "SELECT 'r6' AS request_id, 'u1' AS user_id, 's1' AS session_id, 'GET' AS method, 200 AS status_code, 'cart' AS category, 7 AS surplus"},
    {"api_logs", "2025-07-21", "api_logs/date=2025-07-21/c.parquet",
     "SELECT 'r7' AS request_id, 'u1' AS user_id, 's1' AS session_id, 'GET' AS method, 200 AS status_code, 'cart' AS category"},
    {"sessions", "2025-07-18", "sessions/date=2025-07-18/a.parquet",
     "SELECT TIMESTAMPTZ '2025-07-18 23:50:00+00' AS start_time, 'desktop' AS device_type, 'Firefox' AS browser, NULL::VARCHAR AS referrer, "
     "'FR' AS country, 'Lyon' AS city, 'f.csv' AS _file, 'direct' AS traffic_source, * FROM (VALUES "
     "('s1', 'u1', 4, 2, 1, false, 0.0, 10.0, false, false, true), ('s2', 'u2', 2, 0, 0, false, 0.0, 0.5, true, false, false), "
     "('s3', NULL, 6, 3, 1, true, 80.0, 30.0, false, true, false)) t(session_id, user_id, pages_visited, products_viewed, "
     "products_added_to_cart, conversion, total_spent, duration_min, is_bounce, is_conversion, abandoned_cart)"},
    {"sessions", NULL, "sessions/date=__HIVE_DEFAULT_PARTITION__/b.parquet",
     "SELECT 's4' AS session_id, 'mobile' AS device_type, 0 AS products_viewed, 0 AS products_added_to_cart, false AS is_conversion"},
    {"products", NULL, "products/a.parquet",
     "SELECT *, DATE '2025-07-01' AS date FROM (VALUES ('p1', 'toys', 10.0, 4.0, 60.0, 4.5, 10, true, 'low'), "
     "('p2', 'toys', 20.0, 5.0, 75.0, NULL, 20, true, 'low'), ('p3', 'food', 1.0, NULL, NULL, 3.0, 0, false, 'high')) "
     "t(product_id, category, price, cost, margin_pct, rating, review_count, is_active, stock_status)"},
    {"users", NULL, "users/a.parquet",
     "SELECT *, 'users.csv' AS _file FROM (VALUES ('u1', 'FR', 'Paris', 30, 2, 100.0, true, 'premium', 18.0, 5), "
     "('u2', 'FR', 'Nice', NULL, 0, 0.0, false, 'new', 0.0, 400), ('u3', 'FR', 'Nice', 41, 4, 50.5, true, 'premium', 18.525, 10)) "
     "t(user_id, country, city, age, total_orders, total_spent, is_premium, customer_type, loyalty_score, days_since_last_login)"},
    {"sales", "2025-07-18", "sales/date=2025-07-18/a.parquet",
     "SELECT * FROM (VALUES ('o1', 'p1', 2, 20.0, 'card', 'paid'), ('o2', 'p2', 1, 18.5, 'card', 'paid'), ('o3', 'p9', 3, 30.0, 'card', 'paid'), "
     "('o4', 'p3', 1, 1.0, 'cash', 'paid')) t(order_id, product_id, quantity, total_amount, payment_method, status)"},
};
enum { PARTS = sizeof parts / sizeof *parts };
static char paths[PARTS][128];

static void write_parts(void) {
    for (size_t i = 0; i < PARTS; i++) {
        char folder[128], text[2048];
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", dir, parts[i].file);
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(paths[i], '/') - paths[i]), paths[i]);
        struct ec_err err = {0};
        if (ec_dir_make(folder, &err) != EC_OK) fail_msg("%s", err.message);
        (void)snprintf(text, sizeof text, "COPY (%s) TO '%s' (FORMAT parquet)", parts[i].select, paths[i]);
        if (ec_sql_run(sql, text, &err) != EC_OK) fail_msg("%s: %s", parts[i].file, err.message);
    }
}

static int open_all(void **state) {
    (void)state;
    struct ec_err err = {0};
    assert_non_null(mkdtemp(dir));
    struct ec_sql_options options = {.threads = 2, .memory_bytes = 256 * EC_MIB, .files_dir = dir};
    if (ec_sql_open(&options, &sql, &err) != EC_OK) fail_msg("%s", err.message);
    write_parts();
    if (ec_models_load(sql, "transformations", sources, 5, &models, &err) != EC_OK || ec_models_check(sql, models, &err) != EC_OK)
        fail_msg("%s:%u:%u: %s", err.file, err.line, err.column, err.message);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    ec_models_destroy(models);
    ec_sql_close(sql);
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

static size_t list_files(const char *table, struct ec_model_file *file) {
    size_t n = 0;
    for (size_t i = 0; i < PARTS; i++)
        if (strcmp(parts[i].table, table) == 0) file[n++] = (struct ec_model_file){paths[i], parts[i].partition};
    return n;
}

static struct ec_sql_rows *run(const struct ec_model *model, const struct ec_partitions *touched) {
    struct ec_model_file file[4][PARTS];
    struct ec_model_files files[4];
    assert_in_range(model->input_count, 1, 4);
    for (size_t i = 0; i < model->input_count; i++)
        files[i] = (struct ec_model_files){file[i], list_files(model->input[i].table->name, file[i])};
    struct ec_sql_rows *rows = NULL;
    struct ec_err err = {0};
    if (ec_model_bind(sql, model, touched, files, &err) != EC_OK || ec_model_query(sql, model, touched, &rows, &err) != EC_OK)
        fail_msg("%s: %s", err.file, err.message);
    return rows;
}

/* A row as a line of cells, null as "-"; only the named columns where `only` is given. */
static void write_row(struct ec_batch *batch, size_t row, const char *const *only, char *line, size_t size) {
    size_t n = 0;
    line[0] = '\0';
    for (size_t i = 0; i < batch->columns; i++) {
        bool wanted = !only;
        for (size_t k = 0; only && only[k]; k++) wanted |= strcmp(only[k], batch->column[i].name) == 0;
        if (!wanted) continue;
        bool valid = ec_bit(batch->column[i].valid, row);
        n += (size_t)snprintf(line + n, size - n, "%s%s", n ? " " : "", valid ? ec_batch_cell_text(batch, i, row).p : "-");
    }
}

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

/* In the order in which they come; an unordered model's in the order of their text. */
static void rows_are(const char *name, const struct ec_partitions *touched, const char *const *only, const char *const *expected) {
    const struct ec_model *model = ec_models_find(models, name);
    assert_non_null(model);
    struct ec_sql_rows *rows = run(model, touched);
    struct ec_batch *batch;
    struct ec_err err = {0};
    static char line[16][1024];
    size_t n = 0, count = 0;
    while (expected[count]) count++;
    for (;;) {
        if (ec_sql_next(rows, &batch, &err) != EC_OK) fail_msg("%s", err.message);
        if (batch->rows == 0) break;
        for (size_t row = 0; row < batch->rows && n < 16; row++) write_row(batch, row, only, line[n++], sizeof *line);
    }
    ec_sql_rows_close(rows);
    if (model->unordered) qsort(line, n, sizeof *line, by_text);
    for (size_t i = 0; i < n && i < count; i++) assert_string_equal(line[i], expected[i]);
    assert_int_equal(n, count);
}

static const struct ec_partitions all = {.all = true};

static void columns_are(const char *name, const char *expected) {
    const struct ec_model *model = ec_models_find(models, name);
    char names[2048] = "";
    size_t n = 0;
    for (size_t i = 0; i < model->table.column_count; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? " " : "", model->table.column[i].name);
    assert_string_equal(names, expected);
}

static void tables_have_the_promised_columns(void **state) {
    (void)state;
    columns_are("api_logs_kpi", "date category method country_code count_requests avg_response_time_ms p50_response_time_ms "
                                "p95_response_time_ms p99_response_time_ms avg_payload_bytes nb_cache_hits nb_4xx nb_5xx");
    columns_are("sessions_kpi", "date device_type browser referrer country city conversion nb_sessions avg_duration_min avg_pages_visited "
                                "avg_products_viewed avg_products_added conversion_rate bounce_rate avg_total_spent cart_abandonment_rate");
    columns_are("products_kpi", "date category stock_status is_active nb_products avg_price avg_cost avg_margin_pct avg_rating avg_review_count");
    columns_are("users_kpi", "country customer_type is_premium nb_users avg_age avg_total_orders avg_total_spent avg_loyalty_score "
                             "avg_days_since_login");
    columns_are("sales_kpi", "date category payment_method status orders units revenue avg_order_value margin");
    columns_are("funnel_daily", "date device_type traffic_source sessions viewed carted converted view_rate cart_rate checkout_rate conversion_rate "
                                "bounced abandoned");
    columns_are("api_latency_daily", "date is_total category requests p50 p95 p99");
    columns_are("sessions_hourly", "date hour sessions converted");
    const struct ec_model *joined = ec_models_find(models, "combined_sessions");
    assert_int_equal(joined->table.column_count, 24 + 17 + 15);
    assert_int_equal(joined->layer, EC_LAYER_JOINED);
    assert_string_equal(ec_models_find(models, "users_kpi")->csv, "users/{country}/users_{country}_summary.csv");
    assert_null(ec_models_find(models, "products_kpi")->table.partition_by);
}

static void api_logs_kpi(void **state) {
    (void)state;
    /* 10 20 30 40: p50 25, p95 10 + 0.95 * 3 steps = 38.5, p99 30 + 0.97 * 10 in binary. */
    static const char *const expected[] = {"2025-07-18 cart GET FR 4 25 25 38.5 39.699999999999996 200 2 1 1",
                                           "2025-07-18 other POST - 1 - - - - 50 0 0 0",
                                           "2025-07-19 cart GET - 1 - - - - - 0 0 0",
                                           "2025-07-21 cart GET - 1 - - - - - 0 0 0", NULL};
    rows_are("api_logs_kpi", &all, NULL, expected);
    const struct ec_partitions one = {.value = (const char *[]){"2025-07-19"}, .count = 1};
    static const char *const second[] = {"2025-07-19 cart GET - 1 - - - - - 0 0 0", NULL};
    rows_are("api_logs_kpi", &one, NULL, second);
    const struct ec_partitions absent = {.value = (const char *[]){"2025-01-01"}, .count = 1};
    static const char *const nothing[] = {NULL};
    rows_are("api_logs_kpi", &absent, NULL, nothing);
}

static void sessions_kpi(void **state) {
    (void)state;
    const struct ec_partitions day = {.value = (const char *[]){"2025-07-18"}, .count = 1};
    static const char *const expected[] = {"2025-07-18 desktop Firefox - FR Lyon false 2 5.25 3 1 0.5 0 0.5 0 0.5",
                                           "2025-07-18 desktop Firefox - FR Lyon true 1 30 6 3 1 1 0 80 0", NULL};
    rows_are("sessions_kpi", &day, NULL, expected);
}

static void products_and_users_kpi(void **state) {
    (void)state;
    static const char *const products[] = {"2025-07-01 food high false 1 1 - - 3 0", "2025-07-01 toys low true 2 15 4.5 67.5 4.5 15", NULL};
    rows_are("products_kpi", &all, NULL, products);
    static const char *const users[] = {"FR new false 1 - 0 0 0 400", "FR premium true 2 35.5 3 75.25 18.2625 7.5", NULL};
    rows_are("users_kpi", &all, NULL, users);
}

static void sales_kpi(void **state) {
    (void)state;
    /* toys: 20 + 18.5 = 38.5, less 2 * 4 and 1 * 5; food has no cost; p9 is in no catalogue. */
    static const char *const expected[] = {"2025-07-18 food cash paid 1 1 1 1 -", "2025-07-18 toys card paid 2 3 38.5 19.25 25.5",
                                           "2025-07-18 unknown card paid 1 3 30 30 -", NULL};
    rows_are("sales_kpi", &all, NULL, expected);
}

static void funnel_daily(void **state) {
    (void)state;
    const struct ec_partitions null_and_day = {.value = (const char *[]){NULL, "2025-07-18"}, .count = 2};
    static const char *const expected[] = {"2025-07-18 desktop direct 3 2 2 1 0.6666666666666666 1 0.5 0.3333333333333333 1 1",
                                           "- mobile - 1 0 0 0 0 - - 0 0 0", NULL};
    rows_are("funnel_daily", &null_and_day, NULL, expected);
}

static void sessions_hourly(void **state) {
    (void)state;
    const struct ec_partitions null_and_day = {.value = (const char *[]){NULL, "2025-07-18"}, .count = 2};
    static const char *const expected[] = {"2025-07-18 23 3 1", "- - 1 0", NULL};
    rows_are("sessions_hourly", &null_and_day, NULL, expected);
}

/* The day's quantiles are those of all its values, not of its groups' quantiles. */
static void api_latency_daily(void **state) {
    (void)state;
    static const char *const expected[] = {"2025-07-18 false cart 4 25 38.5 39.699999999999996", "2025-07-18 false other 1 - - -",
                                           "2025-07-18 true - 5 25 38.5 39.699999999999996",
                                           "2025-07-19 false cart 1 - - -", "2025-07-19 true - 1 - - -",
                                           "2025-07-21 false cart 1 - - -", "2025-07-21 true - 1 - - -", NULL};
    rows_are("api_latency_daily", &all, NULL, expected);
}

static void combined_sessions(void **state) {
    (void)state;
    static const char *const only[] = {"session_id", "user_id", "start_time", "country", "date", "country_user", "city_user", "total_spent_user",
                                       "_file_user", "timestamp", "request_id", "date_log", NULL};
    /* r6 lies within a day, r7 does not; r5 is another user's; s3 has no user; u3 has no session. */
    const struct ec_partitions day = {.value = (const char *[]){"2025-07-18"}, .count = 1};
    static const char *const expected[] = {
        "s1 u1 2025-07-18T23:50:00Z FR 2025-07-18 FR Paris 100 users.csv - r6 2025-07-19",
        "s1 u1 2025-07-18T23:50:00Z FR 2025-07-18 FR Paris 100 users.csv 2025-07-18T12:00:00Z r1 2025-07-18",
        "s1 u1 2025-07-18T23:50:00Z FR 2025-07-18 FR Paris 100 users.csv 2025-07-18T12:00:00Z r2 2025-07-18",
        "s2 u2 2025-07-18T23:50:00Z FR 2025-07-18 FR Nice 0 users.csv 2025-07-18T12:00:00Z r3 2025-07-18",
        "s2 u2 2025-07-18T23:50:00Z FR 2025-07-18 FR Nice 0 users.csv 2025-07-18T12:00:00Z r4 2025-07-18",
        "s3 - 2025-07-18T23:50:00Z FR 2025-07-18 - - - - - - -",
        NULL};
    rows_are("combined_sessions", &day, only, expected);
    const struct ec_partitions null = {.value = (const char *[]){NULL}, .count = 1};
    static const char *const only_null[] = {"s4 - - - - - - - - - - -", NULL};
    rows_are("combined_sessions", &null, only, only_null);
}

static void changes_recompute_what_they_reach(void **state) {
    (void)state;
    struct ec_arena arena;
    ec_arena_init(&arena, EC_MIB);
    const char *values[] = {"2025-07-18"};
    const struct ec_model_change logs[] = {{"api_logs", {.value = values, .count = 1}}};
    const struct ec_model_change catalogue[] = {{"products", {.all = true}}};
    struct ec_partitions touched;
    assert_int_equal(ec_model_partitions(ec_models_find(models, "combined_sessions"), logs, 1, &arena, &touched, NULL), EC_OK);
    assert_int_equal(touched.count, 3);
    assert_int_equal(ec_model_partitions(ec_models_find(models, "api_logs_kpi"), logs, 1, &arena, &touched, NULL), EC_OK);
    assert_int_equal(touched.count, 1);
    assert_int_equal(ec_model_partitions(ec_models_find(models, "sales_kpi"), catalogue, 1, &arena, &touched, NULL), EC_OK);
    assert_int_equal(touched.count, 0);
    assert_int_equal(ec_model_partitions(ec_models_find(models, "products_kpi"), catalogue, 1, &arena, &touched, NULL), EC_OK);
    assert_true(touched.all);
    ec_arena_deinit(&arena);
}

static void a_part_that_is_missing_is_said(void **state) {
    (void)state;
    const struct ec_model *model = ec_models_find(models, "users_kpi");
    char path[128];
    (void)snprintf(path, sizeof path, "%s/users/gone.parquet", dir);
    const struct ec_model_file file = {path, NULL};
    const struct ec_model_files files = {&file, 1};
    struct ec_err err = {0};
    struct ec_sql_rows *rows;
    if (ec_model_bind(sql, model, &all, &files, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(ec_model_query(sql, model, &all, &rows, &err), EC_ENGINE);
    assert_non_null(strstr(err.message, "users_kpi"));
    assert_non_null(strstr(err.message, "gone.parquet"));
}

static void a_folder_named_like_a_column_is_refused(void **state) {
    (void)state;
    const struct ec_model *model = ec_models_find(models, "users_kpi");
    const struct ec_model_file file = {"/srv/Country=FR/shop/users/a.parquet", NULL};
    const struct ec_model_files files = {&file, 1};
    struct ec_err err = {0};
    assert_int_equal(ec_model_bind(sql, model, &all, &files, &err), EC_CONFIG);
    assert_non_null(strstr(err.message, "Country=FR"));
}

/* An input is what the model's own WITH is made of, whether it is named with its schema or without. */
static void inputs_are_found_by_either_name(void **state) {
    (void)state;
    static const char *const table[] = {"users", "main.users"};
    char folder[128], path[192], text[256];
    struct ec_models *before = models;
    struct ec_err err = {0};
    (void)snprintf(folder, sizeof folder, "%s/own", dir);
    if (ec_dir_make(folder, &err) != EC_OK) fail_msg("%s", err.message);
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/own/model_%zu.sql", dir, i);
        int n = snprintf(text, sizeof text, "-- Premium.\nWITH users AS (SELECT * FROM %s WHERE is_premium) SELECT country, count(*) AS n FROM users GROUP BY country;\n", table[i]);
        if (ec_file_replace(path, text, (size_t)n, &err) != EC_OK) fail_msg("%s", err.message);
    }
    if (ec_models_load(sql, folder, sources, 5, &models, &err) != EC_OK || ec_models_check(sql, models, &err) != EC_OK) fail_msg("%s", err.message);
    rows_are("model_0", &all, NULL, (const char *const[]){"FR 2", NULL});
    rows_are("model_1", &all, NULL, (const char *const[]){"FR 2", NULL});
    rows_are("model_0", &all, NULL, (const char *const[]){"FR 2", NULL});
    ec_models_destroy(models);
    models = before;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_have_the_promised_columns), cmocka_unit_test(api_logs_kpi),
        cmocka_unit_test(sessions_kpi), cmocka_unit_test(products_and_users_kpi),
        cmocka_unit_test(sales_kpi), cmocka_unit_test(funnel_daily),
        cmocka_unit_test(sessions_hourly), cmocka_unit_test(api_latency_daily),
        cmocka_unit_test(combined_sessions), cmocka_unit_test(changes_recompute_what_they_reach),
        cmocka_unit_test(a_part_that_is_missing_is_said), cmocka_unit_test(a_folder_named_like_a_column_is_refused),
        cmocka_unit_test(inputs_are_found_by_either_name),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
