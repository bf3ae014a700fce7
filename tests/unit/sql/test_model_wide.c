/* Which models are wide, and what their narrow query and columns are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "sql/model.h"

#include <stdlib.h>

#define C(n, kind) {.name = n, .type = {.type = kind}}

static const struct ec_delta_column log_columns[] = {C("session_id", EC_TYPE_STRING), C("user_id", EC_TYPE_STRING),
                                                     C("timestamp", EC_TYPE_DATETIME), C("date", EC_TYPE_DATE)};
static const struct ec_delta_column session_columns[] = {C("session_id", EC_TYPE_STRING), C("user_id", EC_TYPE_STRING),
                                                         C("spent", EC_TYPE_FLOAT), C("date", EC_TYPE_DATE)};
static const struct ec_delta_column user_columns[] = {C("user_id", EC_TYPE_STRING), C("country", EC_TYPE_STRING)};
static const struct ec_model_table sources[] = {
    {"logs", log_columns, 4, "date"}, {"sessions", session_columns, 4, "date"}, {"users", user_columns, 2, NULL}};

static struct ec_sql *sql;
static char dir[] = "/tmp/ec-model-wide-XXXXXX";

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

static struct ec_models *load(const char *header, const char *text) {
    char path[256];
    struct ec_buf file = ec_buf_make(EC_MIB);
    struct ec_err err = {0};
    struct ec_models *models;
    (void)snprintf(path, sizeof path, "%s/m.sql", dir);
    ec_buf_printf(&file, "%s%s", header, text);
    assert_int_equal(ec_file_replace(path, file.p, file.n, &err), EC_OK);
    ec_buf_free(&file);
    if (ec_models_load(sql, dir, sources, 3, &models, &err) != EC_OK || ec_models_check(sql, models, &err) != EC_OK)
        fail_msg("%s: %s", text, err.message);
    return models;
}

/* "0.session_id 1.country v0": per column the table's place and its column, or the value. */
static void columns_are(const struct ec_model *model, const char *expected) {
    char text[1024] = "";
    size_t n = 0;
    for (size_t i = 0; i < model->wide->column_count; i++) {
        const struct ec_wide_column *c = &model->wide->column[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "%s", i ? " " : "");
        if (c->table == SIZE_MAX) n += (size_t)snprintf(text + n, sizeof text - n, "v%zu", c->value);
        else n += (size_t)snprintf(text + n, sizeof text - n, "%zu.%s", c->table, c->name);
    }
    assert_string_equal(text, expected);
}

#define NONE   "-- order_by: none\n"
#define BY_DAY "-- partition_by: date\n-- order_by: none\n"

static void joins_of_columns_are_wide(void **state) {
    (void)state;
    static const struct {
        const char *header, *text, *columns, *narrow;
    } cases[] = {
        {BY_DAY,
         "SELECT s.*, u.country, l.* EXCLUDE (user_id, session_id) RENAME (date AS date_log)\n"
         "FROM sessions AS s LEFT JOIN users u ON u.user_id = s.user_id -- FROM here\n"
         "LEFT JOIN logs l ON l.session_id = s.session_id AND l.date BETWEEN s.date - 1 AND s.date + 1 WHERE s.spent > 9007199254740993;",
         "0.session_id 0.user_id 0.spent v0 1.country 2.timestamp v1",
         "SELECT s.\"# row\" AS \"#0\", u.\"# row\" AS \"#1\", l.\"# row\" AS \"#2\", s.date AS \"#v0\", l.date AS \"#v1\" FROM sessions AS s "
         "LEFT JOIN users AS u ON ((u.user_id = s.user_id)) LEFT JOIN logs AS l ON (((l.session_id = s.session_id) AND (l.date "
         "BETWEEN (s.date - 1) AND (s.date + 1)))) WHERE (s.spent > 9007199254740993)"},
        {NONE, "SELECT * EXCLUDE (date, spent) FROM sessions", "0.session_id 0.user_id", NULL},
        {NONE, "SELECT Sessions.User_Id AS who, upper(country) AS c FROM sessions INNER JOIN users ON users.user_id = sessions.user_id",
         "0.user_id v0", NULL},
        {NONE, "SELECT a.spent, b.spent AS other, CASE WHEN a.spent IS DISTINCT FROM b.spent THEN 'x' END AS d "
               "FROM sessions a JOIN sessions b ON a.session_id = b.user_id",
         "0.spent 1.spent v0", NULL},
        {NONE, "SELECT s.spent, user_id FROM sessions s", "0.spent v0", NULL}, /* a name alone may be anything */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_models *models = load(cases[i].header, cases[i].text);
        const struct ec_model *model = &models->model[0];
        if (!model->wide) fail_msg("not wide: %s", cases[i].text);
        columns_are(model, cases[i].columns);
        if (cases[i].narrow) assert_string_equal(model->wide->text, cases[i].narrow);
        assert_int_equal(model->wide->partition_value == SIZE_MAX, model->table.partition_by == NULL);
        ec_models_destroy(models);
    }
}

static void everything_else_is_duckdbs(void **state) {
    (void)state;
    static const struct {
        const char *header, *text;
    } cases[] = {
        {"", "SELECT s.* FROM sessions s"}, /* sorted */
        {NONE, "SELECT DISTINCT s.* FROM sessions s"},
        {NONE, "SELECT s.* FROM sessions s ORDER BY spent LIMIT 3"},
        {NONE, "SELECT s.* FROM sessions s LIMIT 3"},
        {NONE, "WITH t AS (SELECT * FROM users) SELECT s.*, t.country FROM sessions s JOIN t ON true"},
        {NONE, "SELECT s.*, t.country FROM sessions s JOIN (SELECT * FROM users) t ON true"},
        {NONE, "SELECT user_id, count(*) AS n FROM sessions GROUP BY user_id"},
        {NONE, "SELECT count(*) AS n FROM sessions"},
        {NONE, "SELECT s.spent, row_number() OVER () AS n FROM sessions s"},
        {NONE, "SELECT s.spent, (SELECT max(country) FROM users) AS c FROM sessions s"},
        {NONE, "SELECT * FROM sessions s JOIN users u USING (user_id)"},
        {NONE, "SELECT * FROM sessions NATURAL JOIN users"},
        {NONE, "SELECT s.* FROM sessions s SEMI JOIN users u ON u.user_id = s.user_id"},
        {NONE, "SELECT s.* FROM sessions s ANTI JOIN users u ON u.user_id = s.user_id"},
        {NONE, "SELECT s.* REPLACE (spent + 1 AS spent) FROM sessions s"},
        {NONE, "SELECT COLUMNS('s.*') FROM sessions s"},
        {NONE, "SELECT s.* FROM sessions s TABLESAMPLE 10%"},
        {NONE, "SELECT s.* FROM sessions s UNION ALL SELECT s.* FROM sessions s"},
        {NONE, "SELECT s.spent FROM sessions s QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY spent) = 1"},
        {NONE, "SELECT s.spent FROM sessions s, users u"},
        {NONE, "SELECT s.a FROM sessions AS s(a, b, c, d)"},
        {NONE, "FROM range(3) t(i) SELECT i"},
        {NONE, "SELECT date, upper(user_id) AS u FROM sessions"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_models *models = load(cases[i].header, cases[i].text);
        if (models->model[0].wide) fail_msg("wide: %s", cases[i].text);
        ec_models_destroy(models);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_of_columns_are_wide),
        cmocka_unit_test(everything_else_is_duckdbs),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
