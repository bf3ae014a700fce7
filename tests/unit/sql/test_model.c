/* Models: headers, names in SQL, order, mistakes with their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "sql/model.h"

#include <stdlib.h>

#define C(n, kind) {.name = n, .type = {.type = kind}}

static const struct ec_delta_column log_columns[] = {C("session_id", EC_TYPE_STRING), C("timestamp", EC_TYPE_DATETIME), C("date", EC_TYPE_DATE)};
static const struct ec_delta_column session_columns[] = {C("session_id", EC_TYPE_STRING), C("user_id", EC_TYPE_STRING), C("date", EC_TYPE_DATE)};
static const struct ec_delta_column user_columns[] = {C("user_id", EC_TYPE_STRING), C("country", EC_TYPE_STRING)};
static const struct ec_model_table sources[] = {
    {"api_logs", log_columns, 3, "date"}, {"sessions", session_columns, 3, "date"}, {"users", user_columns, 2, NULL}};

static struct ec_sql *sql;
static char dir[] = "/tmp/ec-model-XXXXXX";

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

static int empty_folder(void **state) {
    (void)state;
    return ec_dir_remove(dir, false, NULL) == EC_OK ? 0 : -1;
}

static void put(const char *name, const char *text) {
    char path[256];
    struct ec_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(ec_dir_make(path, NULL), EC_OK);
    *slash = '/';
    if (ec_file_replace(path, text, strlen(text), &err) != EC_OK) fail_msg("%s", err.message);
}

static struct ec_models *load(void) {
    struct ec_models *models;
    struct ec_err err = {0};
    if (ec_models_load(sql, dir, sources, 3, &models, &err) != EC_OK || ec_models_check(sql, models, &err) != EC_OK)
        fail_msg("%s:%u:%u: %s", err.file, err.line, err.column, err.message);
    return models;
}

static void order_is(const struct ec_models *models, const char *expected) {
    char names[256] = "";
    size_t n = 0;
    for (size_t i = 0; i < models->count; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? " " : "", models->model[i].table.name);
    assert_string_equal(names, expected);
}

static void inputs_are(const struct ec_model *model, const char *expected) {
    char names[256] = "";
    size_t n = 0;
    for (size_t i = 0; i < model->input_count; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? " " : "", model->input[i].table->name);
    assert_string_equal(names, expected);
}

static void models_follow_their_inputs(void **state) {
    (void)state;
    put("a_last.sql", "SELECT * FROM b_middle JOIN z_first USING (date)");
    put("deep/er/b_middle.sql", "SELECT date, count(*) AS n FROM z_first GROUP BY date;\n-- the end\n");
    put("z_first.sql", "SELECT date, session_id FROM sessions");
    put("other.sql", "SELECT 1 AS one");
    put("readme.txt", "not a model");
    put(".hidden.sql", "not a model");
    struct ec_models *models = load();
    order_is(models, "other z_first b_middle a_last");
    assert_int_equal(models->model[3].input[0].model, 2);
    assert_int_equal(models->model[3].input[1].model, 1);
    assert_int_equal(models->model[1].input[0].model, SIZE_MAX);
    assert_ptr_equal(models->model[1].input[0].table, &sources[1]);
    assert_int_equal(models->model[2].table.column_count, 2);
    assert_string_equal(models->model[2].table.column[1].name, "n");
    assert_int_equal(models->model[2].table.column[1].type.type, EC_TYPE_INTEGER);
    assert_int_equal(strlen(models->model[0].fingerprint), 64);
    assert_ptr_equal(ec_models_find(models, "B_Middle"), &models->model[2]);
    assert_null(ec_models_find(models, "users"));
    ec_models_destroy(models);
    ec_models_destroy(NULL);
}

static void no_folder_is_no_models(void **state) {
    (void)state;
    struct ec_models *models;
    char none[64];
    (void)snprintf(none, sizeof none, "%s/none", dir);
    assert_int_equal(ec_models_load(sql, none, sources, 3, &models, NULL), EC_OK);
    assert_int_equal(models->count, 0);
    ec_models_destroy(models);
}

static void names_are_found_wherever_they_stand(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *inputs;
    } cases[] = {
        {"SELECT * FROM sessions s JOIN main.users u ON s.user_id = u.user_id", "sessions users"},
        {"SELECT u.* FROM Sessions, USERS AS u", "sessions users"},
        {"SELECT (SELECT max(country) FROM users) AS c FROM sessions WHERE EXISTS (SELECT 1 FROM api_logs)", "api_logs sessions users"},
        {"WITH users AS (SELECT * FROM sessions) SELECT * FROM users", "sessions"},
        {"WITH a AS (SELECT * FROM sessions), b AS (SELECT * FROM a) SELECT b.* FROM b JOIN a USING (session_id)", "sessions"},
        {"WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n, country FROM r, users", "users"},
        {"WITH users AS (SELECT * FROM main.users) SELECT * FROM users", "users"},
        {"SELECT * FROM (WITH s AS (SELECT 1 AS x) SELECT * FROM s) UNION ALL (SELECT count(*) FROM sessions)", "sessions"},
        {"FROM users", "users"},
        {"SELECT i FROM range(3) t(i), unnest([1, 2])", ""},
        {"SELECT 'FROM users' AS text -- FROM sessions\n", ""},
        {"VALUES (1, 'x')", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("model.sql", cases[i].text);
        struct ec_models *models;
        struct ec_err err = {0};
        if (ec_models_load(sql, dir, sources, 3, &models, &err) != EC_OK) fail_msg("%s: %s", cases[i].text, err.message);
        inputs_are(&models->model[0], cases[i].inputs);
        ec_models_destroy(models);
    }
}

static void headers_say_what_sql_cannot(void **state) {
    (void)state;
    put("joined.sql", "-- Sessions and logs, for analysts: note the reach.\n"
                      "-- Note: a remark starts with a capital.\n"
                      "\n"
                      "--layer:joined\r\n"
                      "-- partition_by: date\n"
                      "--   input:  api_logs   within 2 days  \n"
                      "-- input: users current\n"
                      "-- input: sessions\n"
                      "-- order_by: session_id, timestamp\n"
                      "-- csv: all/{date}/{date}_{user_id}.csv\n"
                      "SELECT s.*, timestamp FROM sessions s LEFT JOIN api_logs USING (session_id) LEFT JOIN users USING (user_id)\n"
                      "-- layer: nonsense\n");
    struct ec_models *models = load();
    const struct ec_model *m = &models->model[0];
    assert_int_equal(m->layer, EC_LAYER_JOINED);
    assert_string_equal(ec_layer_name(m->layer), "joined");
    assert_string_equal(m->table.partition_by, "date");
    inputs_are(m, "api_logs sessions users");
    assert_int_equal(m->input[0].reach, EC_REACH_DAYS);
    assert_int_equal(m->input[0].days, 2);
    assert_int_equal(m->input[1].reach, EC_REACH_SAME);
    assert_int_equal(m->input[2].reach, EC_REACH_CURRENT);
    assert_int_equal(m->order_by_count, 2);
    assert_false(m->unordered);
    assert_string_equal(m->order_by[1], "timestamp");
    assert_string_equal(m->csv, "all/{date}/{date}_{user_id}.csv");
    assert_int_equal(m->csv_column_count, 2);
    assert_string_equal(m->csv_column[1], "user_id");
    assert_int_equal(m->table.column[m->table.column_count - 1].type.type, EC_TYPE_DATETIME);
    ec_models_destroy(models);
}

static void order_may_be_left_open(void **state) {
    (void)state;
    put("wide.sql", "-- order_by: none\nSELECT * FROM sessions");
    struct ec_models *models = load();
    assert_true(models->model[0].unordered);
    assert_int_equal(models->model[0].order_by_count, 0);
    ec_models_destroy(models);
}

static void mistakes_name_their_place(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *words;
    } cases[] = {
        {"-- partition: date\nSELECT 1 AS a", 1, 4, "did you mean `partition_by`"},
        {"-- nonsense: date\nSELECT 1 AS a", 1, 4, "no key `nonsense`"},
        {"-- layer: kpis\nSELECT 1 AS a", 1, 11, "kpi or joined"},
        {"-- layer:\nSELECT 1 AS a", 1, 4, "needs a value"},
        {"-- layer: kpi\n-- layer: kpi\nSELECT 1 AS a", 2, 4, "second time"},
        {"-- partition_by: a, b\nSELECT 1 AS a", 1, 18, "one column"},
        {"-- input: users within a day\nSELECT * FROM users", 1, 11, "within N days"},
        {"-- input: users within 400 days\nSELECT * FROM users", 1, 11, "at most 366"},
        {"-- input: users now\nSELECT * FROM users", 1, 11, "TABLE current"},
        {"-- input: user current\nSELECT * FROM users", 1, 11, "did you mean `users`"},
        {"-- input: users current\n-- input: users\nSELECT * FROM users", 2, 11, "second time"},
        {"-- partition_by: date\n-- input: users within 1 day\nSELECT date FROM users, sessions", 2, 11, "partitioned by a date"},
        {"-- input: sessions within 1 day\nSELECT date FROM sessions", 1, 11, "this model"},
        {"-- order_by: a b\nSELECT 1 AS a", 1, 16, "commas"},
        {"-- order_by: a,\nSELECT 1 AS a", 1, 16, "commas"},
        {"-- csv: ../{a}.csv\nSELECT 1 AS a", 1, 9, "below data/processed"},
        {"-- csv: x/../{a}.csv\nSELECT 1 AS a", 1, 11, "below data/processed"},
        {"-- csv: /x.csv\nSELECT 1 AS a", 1, 9, "below data/processed"},
        {"-- csv: {a.csv\nSELECT 1 AS a", 1, 9, "in braces"},
        {"-- csv: {}.csv\nSELECT 1 AS a", 1, 9, "in braces"},
        {"SELECT *\nFROM sesions", 2, 6, "did you mean `sessions`"},
        {"SELECT *\nFROM 'data.parquet'", 2, 6, "data.parquet"},
        {"SELECT * FROM read_csv('x.csv')", 1, 15, "read_csv"},
        {"SELECT * FROM other.users", 1, 15, "without a schema"},
        {"SELECT *\n  FORM users", 2, 8, "syntax error"},
        {"SELECT 1 AS a; SELECT 2 AS b", 1, 1, "one SELECT"},
        {"-- nothing\n", 1, 1, "one SELECT"},
        {"CREATE TABLE x (i INT)", 1, 1, "SELECT"},
        {"SELECT *\nFROM model", 2, 6, "model -> model"},
        {"-- A remark.\nSELECT user_id,\n  contry\nFROM users", 3, 3, "\"country\""},
        {"SELECT nope(1) AS a", 1, 8, "nope"},
        {"SELECT [1] AS a", 0, 0, "LIST"},
        {"SELECT 1 AS a, 2 AS A", 0, 0, "two columns"},
        {"SELECT count(*) + 1 FROM users", 0, 0, "name it with AS"},
        {"-- partition_by: day\nSELECT 1 AS a", 1, 4, "no column"},
        {"-- partition_by: a\nSELECT 1.5 AS a", 0, 0, "partitioned by a date"},
        {"-- csv: {b}.csv\nSELECT 1 AS a", 1, 4, "`b`"},
        {"-- order_by: b\nSELECT 1 AS a", 1, 4, "`b`"},
        {"SELECT '\xFF' AS a", 1, 9, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("model.sql", cases[i].text);
        struct ec_models *models = NULL;
        struct ec_err err = {0};
        enum ec_status status = ec_models_load(sql, dir, sources, 3, &models, &err);
        if (status == EC_OK) status = ec_models_check(sql, models, &err);
        ec_models_destroy(models);
        if (status != EC_CONFIG || !strstr(err.message, cases[i].words)) fail_msg("%s: %s", cases[i].text, err.message);
        if (err.line != cases[i].line || err.column != cases[i].column)
            fail_msg("%s: %u:%u %s", cases[i].text, err.line, err.column, err.message);
        assert_non_null(strstr(err.file, "/model.sql"));
    }
}

static void circles_are_walked_once(void **state) {
    (void)state;
    put("a.sql", "SELECT * FROM b");
    put("b.sql", "SELECT 1 AS x\nUNION ALL SELECT * FROM c");
    put("c.sql", "SELECT * FROM users, d");
    put("d.sql", "SELECT * FROM b");
    struct ec_models *models;
    struct ec_err err = {0};
    assert_int_equal(ec_models_load(sql, dir, sources, 3, &models, &err), EC_CONFIG);
    if (!strstr(err.message, "d -> b -> c -> d") && !strstr(err.message, "b -> c -> d -> b") && !strstr(err.message, "c -> d -> b -> c"))
        fail_msg("%s", err.message);
    assert_null(models);
}

static void one_table_is_made_once(void **state) {
    (void)state;
    struct ec_models *models;
    struct ec_err err = {0};
    put("users.sql", "SELECT 1 AS x");
    assert_int_equal(ec_models_load(sql, dir, sources, 3, &models, &err), EC_CONFIG);
    assert_non_null(strstr(err.message, "the source of that name"));
    ec_err_clear(&err);
    assert_int_equal(ec_dir_remove(dir, false, NULL), EC_OK);
    put("x/kpi.sql", "SELECT 1 AS x");
    put("y/kpi.sql", "SELECT 1 AS x");
    assert_int_equal(ec_models_load(sql, dir, sources, 3, &models, &err), EC_CONFIG);
    assert_non_null(strstr(err.message, "/kpi.sql"));
    ec_err_clear(&err);
    assert_int_equal(ec_dir_remove(dir, false, NULL), EC_OK);
    put("Big-Name.sql", "SELECT 1 AS x");
    assert_int_equal(ec_models_load(sql, dir, sources, 3, &models, &err), EC_CONFIG);
    assert_non_null(strstr(err.message, "lower-case"));
}

/* As many columns as a table may have, and one more. */
static void columns_are_counted(void **state) {
    (void)state;
    for (unsigned n = EC_COLUMNS_MAX; n <= EC_COLUMNS_MAX + 1; n++) {
        struct ec_buf text = ec_buf_make(EC_MIB);
        struct ec_models *models;
        struct ec_err err = {0};
        for (unsigned i = 0; i < n; i++) ec_buf_printf(&text, "%s%u AS c%u", i ? ", " : "SELECT ", i, i);
        put("wide.sql", text.p);
        enum ec_status status = ec_models_load(sql, dir, sources, 3, &models, &err);
        if (status == EC_OK) status = ec_models_check(sql, models, &err);
        assert_int_equal(status, n > EC_COLUMNS_MAX ? EC_CONFIG : EC_OK);
        if (n > EC_COLUMNS_MAX) assert_non_null(strstr(err.message, "more than 2048 columns"));
        ec_models_destroy(models);
        ec_buf_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(models_follow_their_inputs, empty_folder),
        cmocka_unit_test_setup(no_folder_is_no_models, empty_folder),
        cmocka_unit_test_setup(names_are_found_wherever_they_stand, empty_folder),
        cmocka_unit_test_setup(headers_say_what_sql_cannot, empty_folder),
        cmocka_unit_test_setup(order_may_be_left_open, empty_folder),
        cmocka_unit_test_setup(mistakes_name_their_place, empty_folder),
        cmocka_unit_test_setup(circles_are_walked_once, empty_folder),
        cmocka_unit_test_setup(one_table_is_made_once, empty_folder),
        cmocka_unit_test_setup(columns_are_counted, empty_folder),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
