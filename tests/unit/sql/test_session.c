/* Sessions and rows: limits hold, files outside stay shut, every type arrives as ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "sql/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static struct ec_sql *open_session(const char *temp_dir, const char *files_dir, uint64_t memory) {
    struct ec_sql_options options = {
        .threads = 2, .memory_bytes = memory, .temp_dir = temp_dir, .files_dir = files_dir, .run_date = 20285};
    struct ec_sql *sql;
    struct ec_err err = {0};
    if (ec_sql_open(&options, &sql, &err) != EC_OK) fail_msg("%s", err.message);
    return sql;
}

static void must_run(struct ec_sql *sql, const char *text) {
    struct ec_err err = {0};
    if (ec_sql_run(sql, text, &err) != EC_OK) fail_msg("%s: %s", text, err.message);
}

static void must_fail(struct ec_sql *sql, const char *text, enum ec_status status, const char *words) {
    struct ec_err err = {0};
    assert_int_equal(ec_sql_run(sql, text, &err), status);
    if (!strstr(err.message, words)) fail_msg("%s: %s", text, err.message);
}

/* The cell of a one-row result as text; the row's first column unless said otherwise. */
static void check_cell(struct ec_sql *sql, const char *text, enum ec_type type, const char *expected) {
    struct ec_sql_rows *rows;
    struct ec_batch *batch = NULL;
    struct ec_err err = {0};
    if (ec_sql_query(sql, text, &rows, &err) != EC_OK || ec_sql_next(rows, &batch, &err) != EC_OK)
        fail_msg("%s: %s", text, err.message);
    assert_int_equal(batch->rows, 1);
    assert_int_equal(batch->column[0].type.type, type);
    assert_int_equal(ec_bit(batch->column[0].valid, 0), expected != NULL);
    if (expected) assert_string_equal(ec_batch_cell_text(batch, 0, 0).p, expected);
    assert_int_equal(ec_sql_next(rows, &batch, &err), EC_OK);
    assert_int_equal(batch->rows, 0);
    ec_sql_rows_close(rows);
}

static void configuration_is_set_and_locked(void **state) {
    (void)state;
    struct ec_sql *sql = open_session(NULL, NULL, 256 * EC_MIB);
    check_cell(sql, "SELECT current_setting('threads')", EC_TYPE_INTEGER, "2");
    check_cell(sql, "SELECT current_setting('TimeZone')", EC_TYPE_STRING, "UTC");
    check_cell(sql, "SELECT current_setting('memory_limit')", EC_TYPE_STRING, "256.0 MiB");
    check_cell(sql, "SELECT run_date()", EC_TYPE_DATE, "2025-07-16");
    must_fail(sql, "SET threads = 8", EC_ENGINE, "locked");
    must_fail(sql, "SET enable_external_access = true", EC_ENGINE, "");
    must_fail(sql, "INSTALL httpfs", EC_ENGINE, "disabled");
    must_fail(sql, "LOAD httpfs", EC_ENGINE, "disabled");
    must_fail(sql, "SELECT nope FROM range(1) t(near)", EC_ENGINE, "nope");
    must_fail(sql, "SELEC 1", EC_ENGINE, "syntax error");
    must_run(sql, "-- nothing but a comment");
    must_run(sql, "CREATE TABLE a (i INT); INSERT INTO a VALUES (1), (2)");
    check_cell(sql, "SELECT count(*) FROM a", EC_TYPE_INTEGER, "2");
    ec_sql_close(sql);
    ec_sql_close(NULL);
}

static struct ec_sql *settle_session(const char *temp_dir, const char *files_dir, uint64_t memory) {
    struct ec_sql_options before = {.threads = 1, .memory_bytes = 64 * EC_MIB, .run_date = 20285};
    struct ec_sql_options options = {
        .threads = 2, .memory_bytes = memory, .temp_dir = temp_dir, .files_dir = files_dir, .run_date = 20285};
    struct ec_sql *sql;
    struct ec_err err = {0};
    if (ec_sql_open_unsettled(&before, &sql, &err) != EC_OK) fail_msg("%s", err.message);
    check_cell(sql, "SELECT current_setting('threads')", EC_TYPE_INTEGER, "1");
    must_run(sql, "CREATE TABLE made_before AS SELECT 7 AS i");
    if (ec_sql_settle(sql, &options, &err) != EC_OK) fail_msg("%s", err.message);
    check_cell(sql, "SELECT i FROM made_before", EC_TYPE_INTEGER, "7");
    return sql;
}

/* Settled later, a session is as if it had been opened so. */
static void what_is_settled_later_holds_as_well(void **state) {
    (void)state;
    char dir[] = "/tmp/ec-sql-XXXXXX";
    assert_non_null(mkdtemp(dir));
    static const char *const settings[] = {"threads", "memory_limit", "temp_directory", "max_temp_directory_size",
                                           "TimeZone", "preserve_insertion_order", "enable_external_access",
                                           "lock_configuration", "allowed_directories", "default_null_order"};
    struct ec_sql *opened = open_session(dir, dir, 256 * EC_MIB), *settled = settle_session(dir, dir, 256 * EC_MIB);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        char text[256];
        struct ec_sql_rows *rows;
        struct ec_batch *batch;
        (void)snprintf(text, sizeof text, "SELECT CAST(current_setting('%s') AS VARCHAR)", settings[i]);
        assert_int_equal(ec_sql_query(opened, text, &rows, NULL), EC_OK);
        assert_int_equal(ec_sql_next(rows, &batch, NULL), EC_OK);
        char *expected = ec_strdup(ec_batch_cell_text(batch, 0, 0).p);
        assert_non_null(expected);
        ec_sql_rows_close(rows);
        check_cell(settled, text, EC_TYPE_STRING, expected);
        ec_free(expected);
    }
    must_fail(settled, "SET threads = 8", EC_ENGINE, "locked");
    must_fail(settled, "SET enable_external_access = true", EC_ENGINE, "");
    struct ec_sql_options again = {.threads = 1, .memory_bytes = EC_GIB};
    assert_int_equal(ec_sql_settle(settled, &again, NULL), EC_ENGINE);
    ec_sql_close(opened);
    ec_sql_close(settled);
    assert_int_equal(ec_dir_remove(dir, true, NULL), EC_OK);
}

/* With one thread, as it is used: of a pool's, DuckDB 1.5 may keep the task of a query that was interrupted, and with
 * it the database. */
static void a_shared_database_has_one_set_of_limits(void **state) {
    (void)state;
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB, .run_date = 20285};
    struct ec_sql *sql, *other;
    struct ec_err err = {0};
    if (ec_sql_open(&options, &sql, &err) != EC_OK) fail_msg("%s", err.message);
    if (ec_sql_share(sql, &other, &err) != EC_OK) fail_msg("%s", err.message);
    check_cell(other, "SELECT current_setting('threads')", EC_TYPE_INTEGER, "1");
    check_cell(other, "SELECT current_setting('TimeZone')", EC_TYPE_STRING, "UTC");
    check_cell(other, "SELECT current_setting('memory_limit')", EC_TYPE_STRING, "256.0 MiB");
    check_cell(other, "SELECT current_setting('parquet_metadata_cache')", EC_TYPE_BOOLEAN, "true");
    check_cell(other, "SELECT run_date()", EC_TYPE_DATE, "2025-07-16");
    check_cell(other, "SELECT exact_sum(x) FROM (VALUES (0.5), (1.0)) AS t(x)", EC_TYPE_FLOAT, "1.5");
    must_fail(other, "SET threads = 8", EC_ENGINE, "locked");
    must_fail(other, "SELECT * FROM read_csv('/etc/passwd')", EC_ENGINE, "disabled");
    must_fail(other, "SELECT nothing", EC_ENGINE, "Referenced column");
    /* What is asked of one is not asked of the other. */
    must_run(sql, "CREATE TEMP VIEW mine AS SELECT 1");
    must_fail(other, "SELECT * FROM mine", EC_ENGINE, "does not exist");
    ec_sql_interrupt(other);
    must_fail(other, "SELECT 1", EC_INTERRUPTED, "");
    must_run(sql, "SELECT 1");
    ec_sql_close(other);
    must_run(sql, "SELECT 1");
    ec_sql_close(sql);
}

static void files_outside(struct ec_sql *(*open)(const char *temp_dir, const char *files_dir, uint64_t memory)) {
    char dir[] = "/tmp/ec-sql-XXXXXX", path[64], text[256];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/in", dir);
    assert_int_equal(ec_dir_make(path, NULL), EC_OK);
    struct ec_sql *sql = open(NULL, path, 256 * EC_MIB);
    (void)snprintf(text, sizeof text, "COPY (SELECT 42 AS i) TO '%s/in/it''s.parquet' (FORMAT parquet)", dir);
    must_run(sql, text);
    (void)snprintf(text, sizeof text, "SELECT i FROM read_parquet('%s/in/it''s.parquet')", dir);
    check_cell(sql, text, EC_TYPE_INTEGER, "42");
    must_fail(sql, "SELECT * FROM read_text('/etc/passwd')", EC_ENGINE, "/etc/passwd");
    (void)snprintf(text, sizeof text, "SELECT * FROM read_text('%s/in/../../../etc/passwd')", dir);
    must_fail(sql, text, EC_ENGINE, "disabled");
    (void)snprintf(text, sizeof text, "COPY (SELECT 1) TO '%s/out.csv'", dir);
    must_fail(sql, text, EC_ENGINE, "disabled");
    must_fail(sql, "ATTACH '/tmp/ec-sql.db'", EC_ENGINE, "disabled");
    ec_sql_close(sql);

    sql = open_session(NULL, NULL, 256 * EC_MIB);
    (void)snprintf(text, sizeof text, "SELECT i FROM read_parquet('%s/in/it''s.parquet')", dir);
    must_fail(sql, text, EC_ENGINE, "disabled");
    ec_sql_close(sql);
    assert_int_equal(ec_dir_remove(dir, true, NULL), EC_OK);
}

static void files_outside_the_folder_stay_shut(void **state) {
    (void)state;
    files_outside(open_session);
    files_outside(settle_session);
}

static const char big_sort[] = "SELECT count(*), sum(n) FROM (SELECT i, length(s) AS n, row_number() OVER (ORDER BY s) AS r "
                               "FROM (SELECT i, hash(i)::VARCHAR || repeat('x', 100) AS s FROM range(400000) t(i)))";

static void memory_is_bounded_and_spills_where_it_may(void **state) {
    (void)state;
    struct ec_sql *sql = open_session(NULL, NULL, 32 * EC_MIB);
    struct ec_err err = {0};
    assert_int_equal(ec_sql_run(sql, big_sort, &err), EC_NO_MEMORY);
    ec_sql_close(sql);

    char dir[] = "/tmp/ec-sql-XXXXXX";
    assert_non_null(mkdtemp(dir));
    sql = open_session(dir, NULL, 64 * EC_MIB);
    check_cell(sql, big_sort, EC_TYPE_INTEGER, "400000");
    ec_sql_close(sql);
    assert_int_equal(ec_dir_remove(dir, true, NULL), EC_OK);
}

static void an_interrupt_holds_for_later_statements(void **state) {
    (void)state;
    struct ec_sql *sql = open_session(NULL, NULL, 256 * EC_MIB);
    struct ec_sql_rows *rows, *none;
    struct ec_batch *batch;
    struct ec_err err = {0};
    assert_int_equal(ec_sql_query(sql, "SELECT * FROM range(1000000)", &rows, &err), EC_OK);
    assert_int_equal(ec_sql_next(rows, &batch, &err), EC_OK);
    ec_sql_interrupt(sql);
    assert_int_equal(ec_sql_next(rows, &batch, &err), EC_INTERRUPTED);
    ec_sql_rows_close(rows);
    assert_int_equal(ec_sql_run(sql, "SELECT 1", NULL), EC_INTERRUPTED);
    assert_int_equal(ec_sql_query(sql, "SELECT 1", &none, NULL), EC_INTERRUPTED);
    ec_sql_close(sql);
}

static void *interrupt_soon(void *session) {
    struct timespec wait = {.tv_nsec = 30000000};
    (void)nanosleep(&wait, NULL);
    ec_sql_interrupt(session);
    return NULL;
}

static void a_running_statement_can_be_stopped(void **state) {
    (void)state;
    struct ec_sql *sql = open_session(NULL, NULL, 256 * EC_MIB);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, sql), 0);
    /* Without the interrupt it would take years. */
    assert_int_equal(ec_sql_run(sql, "SELECT sum(hash(a.range + b.range)) FROM range(10000000000) a, range(10000000000) b", NULL),
                     EC_INTERRUPTED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ec_sql_close(sql);
}

static void every_type_arrives_as_ours(void **state) {
    (void)state;
    static const struct {
        const char *sql;
        enum ec_type type;
        const char *text;
    } cases[] = {
        {"SELECT true", EC_TYPE_BOOLEAN, "true"},
        {"SELECT (-5)::TINYINT", EC_TYPE_INTEGER, "-5"},
        {"SELECT (-300)::SMALLINT", EC_TYPE_INTEGER, "-300"},
        {"SELECT 70000", EC_TYPE_INTEGER, "70000"},
        {"SELECT (-9223372036854775808)::BIGINT", EC_TYPE_INTEGER, "-9223372036854775808"},
        {"SELECT 200::UTINYINT", EC_TYPE_INTEGER, "200"},
        {"SELECT 60000::USMALLINT", EC_TYPE_INTEGER, "60000"},
        {"SELECT 4000000000::UINTEGER", EC_TYPE_INTEGER, "4000000000"},
        {"SELECT 9223372036854775807::UBIGINT", EC_TYPE_INTEGER, "9223372036854775807"},
        {"SELECT sum(x) FROM (VALUES (-3), (1)) t(x)", EC_TYPE_INTEGER, "-2"},
        {"SELECT 7::UHUGEINT", EC_TYPE_INTEGER, "7"},
        {"SELECT 0.5::FLOAT", EC_TYPE_FLOAT, "0.5"},
        {"SELECT 0.1::DOUBLE", EC_TYPE_FLOAT, "0.1"},
        {"SELECT 1.25::DECIMAL(4,2)", EC_TYPE_DECIMAL, "1.25"},
        {"SELECT (-12345.678)::DECIMAL(9,3)", EC_TYPE_DECIMAL, "-12345.678"},
        {"SELECT 0.000001::DECIMAL(18,6)", EC_TYPE_DECIMAL, "0.000001"},
        {"SELECT sum(x) FROM (VALUES (1.10::DECIMAL(18,2)), (2.20)) t(x)", EC_TYPE_DECIMAL, "3.30"},
        {"SELECT DATE '2024-02-29'", EC_TYPE_DATE, "2024-02-29"},
        {"SELECT TIMESTAMP '2025-07-18 01:02:03.5'", EC_TYPE_DATETIME, "2025-07-18T01:02:03.500000Z"},
        {"SELECT TIMESTAMPTZ '2025-07-18 01:02:03+02'", EC_TYPE_DATETIME, "2025-07-17T23:02:03Z"},
        {"SELECT TIMESTAMP_S '2025-07-18 01:02:03'", EC_TYPE_DATETIME, "2025-07-18T01:02:03Z"},
        {"SELECT TIMESTAMP_MS '2025-07-18 01:02:03.25'", EC_TYPE_DATETIME, "2025-07-18T01:02:03.250000Z"},
        {"SELECT TIMESTAMP_NS '2025-07-18 01:02:03.000001'", EC_TYPE_DATETIME, "2025-07-18T01:02:03.000001Z"},
        {"SELECT 'short'", EC_TYPE_STRING, "short"},
        {"SELECT 'longer than twelve bytes'", EC_TYPE_STRING, "longer than twelve bytes"},
        {"SELECT 'b'::ENUM('a', 'b')", EC_TYPE_STRING, "b"},
        {"SELECT UUID '01234567-89ab-cdef-fedc-ba9876543210'", EC_TYPE_STRING, "01234567-89ab-cdef-fedc-ba9876543210"},
        {"SELECT NULL::VARCHAR", EC_TYPE_STRING, NULL},
        {"SELECT NULL::HUGEINT", EC_TYPE_INTEGER, NULL},
        {"SELECT NULL::UUID", EC_TYPE_STRING, NULL},
    };
    struct ec_sql *sql = open_session(NULL, NULL, 256 * EC_MIB);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_cell(sql, cases[i].sql, cases[i].type, cases[i].text);
    ec_sql_close(sql);
}

static void what_does_not_fit_names_its_column(void **state) {
    (void)state;
    static const struct {
        const char *sql;
        bool at_once; /* known from the type, before a row */
    } cases[] = {
        {"SELECT [1, 2] AS wrong", true},
        {"SELECT INTERVAL 1 DAY AS wrong", true},
        {"SELECT 1::DECIMAL(38,20) AS wrong", true},
        {"SELECT 9223372036854775808::HUGEINT AS wrong", false},
        {"SELECT 9223372036854775808::UBIGINT AS wrong", false},
        {"SELECT 1e18::DECIMAL(38,0) AS wrong", false},
        {"SELECT TIMESTAMP_NS '2025-07-18 01:02:03.000000001' AS wrong", false},
    };
    struct ec_sql *sql = open_session(NULL, NULL, 256 * EC_MIB);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_err err = {0};
        struct ec_sql_rows *rows = NULL;
        struct ec_batch *batch;
        enum ec_status status = ec_sql_query(sql, cases[i].sql, &rows, &err);
        assert_int_equal(status, cases[i].at_once ? EC_ENGINE : EC_OK);
        if (!cases[i].at_once) assert_int_equal(ec_sql_next(rows, &batch, &err), EC_ENGINE);
        if (!strstr(err.message, "wrong")) fail_msg("%s: %s", cases[i].sql, err.message);
        ec_sql_rows_close(rows);
    }
    ec_sql_close(sql);
}

static void rows_stream_with_nulls_as_zeros(void **state) {
    (void)state;
    struct ec_sql *sql = open_session(NULL, NULL, 64 * EC_MIB);
    struct ec_sql_rows *rows;
    struct ec_batch *batch;
    struct ec_err err = {0};
    assert_int_equal(ec_sql_query(sql,
                                  "SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE i END AS n, "
                                  "CASE WHEN i % 5 = 0 THEN NULL ELSE 'row number ' || i END AS s FROM range(300000) t(i)",
                                  &rows, &err), EC_OK);
    assert_int_equal(ec_sql_rows_batch(rows)->columns, 3);
    assert_string_equal(ec_sql_rows_batch(rows)->column[2].name, "s");
    int64_t row = 0;
    for (;;) {
        assert_int_equal(ec_sql_next(rows, &batch, &err), EC_OK);
        if (batch->rows == 0) break;
        assert_null(batch->place);
        for (size_t i = 0; i < batch->rows; i++, row++) {
            assert_int_equal(ec_column_int(&batch->column[0])[i], row);
            assert_int_equal(ec_bit(batch->column[1].valid, i), row % 3 != 0);
            assert_int_equal(ec_column_int(&batch->column[1])[i], row % 3 != 0 ? row : 0);
            struct ec_text *text = &ec_column_text(&batch->column[2])[i];
            char expected[32] = "";
            if (row % 5 != 0) (void)snprintf(expected, sizeof expected, "row number %ld", (long)row);
            assert_int_equal(text->n, strlen(expected));
            assert_memory_equal(ec_text_bytes(text), expected, text->n);
        }
    }
    assert_int_equal(row, 300000);
    ec_sql_rows_close(rows);
    ec_sql_rows_close(NULL);
    ec_sql_close(sql);
}

static void exact_sums_do_not_depend_on_order(void **state) {
    (void)state;
    struct ec_sql *sql = open_session(NULL, NULL, 256 * EC_MIB);
    check_cell(sql, "SELECT exact_sum(x) FROM (VALUES (0.1::DOUBLE), (0.2), (0.3), (1e16), (-1e16)) t(x)", EC_TYPE_FLOAT, "0.6");
    check_cell(sql, "SELECT exact_avg(x) FROM (VALUES (1::DOUBLE), (2), (NULL)) t(x)", EC_TYPE_FLOAT, "1.5");
    check_cell(sql, "SELECT exact_avg(x) FROM (VALUES (1), (2)) t(x)", EC_TYPE_FLOAT, "1.5");
    check_cell(sql, "SELECT exact_avg(x) FROM (VALUES ('inf'::DOUBLE), ('nan'), (3)) t(x)", EC_TYPE_FLOAT, "3");
    check_cell(sql, "SELECT exact_avg(NULL::DOUBLE)", EC_TYPE_FLOAT, NULL);
    /* Two threads on values that a plain sum would round differently in every order. */
    must_run(sql, "CREATE TABLE v AS SELECT hash(i) / 1e15 AS x FROM range(300000) t(i)");
    check_cell(sql, "SELECT exact_sum(x) = (SELECT exact_sum(x) FROM (SELECT x FROM v ORDER BY x DESC)) FROM v", EC_TYPE_BOOLEAN, "true");
    ec_sql_close(sql);
}

/* Against DuckDB's own cast: any bits, halves of the last place, amounts, and where they end to fit. */
static void exact_decimals_are_those_of_a_cast(void **state) {
    static const char *const doubles[] = {
        "CAST(CAST(hash(i) AS BIT) AS DOUBLE)",
        "((i % 100000 - 50000) + 0.5) / 1e9",
        "CAST(hash(i) % 10000000000000000 AS DOUBLE) / power(10, i % 17) * CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END",
        "(1e29 - power(2, 44) * (i % 5 - 2)) * CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END",
        "power(2, i % 300 - 150) * CASE WHEN i % 3 = 0 THEN 1 ELSE -1 END",
        "power(2, 52) / 1e9 + (i % 1000 - 500) / 1e9",
        "CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN 'inf'::DOUBLE WHEN 2 THEN '-inf'::DOUBLE WHEN 3 THEN 'nan'::DOUBLE ELSE -0.0 END",
    };
    struct ec_sql *sql = open_session(NULL, NULL, 256 * EC_MIB);
    (void)state;
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        char query[512];
        (void)snprintf(query, sizeof query,
                       "SELECT count(*) FROM (SELECT %s AS x FROM range(200000) t(i)) "
                       "WHERE exact_decimal(x) IS DISTINCT FROM TRY_CAST(x AS DECIMAL(38, 9))",
                       doubles[i]);
        check_cell(sql, query, EC_TYPE_INTEGER, "0");
    }
    check_cell(sql, "SELECT exact_sum(x) FROM (VALUES (0.25::DECIMAL(18, 2)), (1.5)) t(x)", EC_TYPE_FLOAT, "1.75");
    check_cell(sql, "SELECT exact_sum(x) FROM (VALUES (9007199254740993), (0)) t(x)", EC_TYPE_FLOAT, "9007199254740992");
    check_cell(sql, "SELECT exact_avg(x) FROM (VALUES (true), (false)) t(x)", EC_TYPE_FLOAT, "0.5");
    check_cell(sql, "SELECT exact_sum(x) FROM (VALUES ('1.5'), ('x')) t(x)", EC_TYPE_FLOAT, "1.5");
    check_cell(sql, "SELECT exact_sum(x) FROM (VALUES (0.5::FLOAT), (NULL)) t(x)", EC_TYPE_FLOAT, "0.5");
    ec_sql_close(sql);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configuration_is_set_and_locked),
        cmocka_unit_test(what_is_settled_later_holds_as_well),
        cmocka_unit_test(a_shared_database_has_one_set_of_limits),
        cmocka_unit_test(files_outside_the_folder_stay_shut),
        cmocka_unit_test(memory_is_bounded_and_spills_where_it_may),
        cmocka_unit_test(an_interrupt_holds_for_later_statements),
        cmocka_unit_test(a_running_statement_can_be_stopped),
        cmocka_unit_test(every_type_arrives_as_ours),
        cmocka_unit_test(what_does_not_fit_names_its_column),
        cmocka_unit_test(rows_stream_with_nulls_as_zeros),
        cmocka_unit_test(exact_sums_do_not_depend_on_order),
        cmocka_unit_test(exact_decimals_are_those_of_a_cast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
