/* Derived columns and expression rules over a batch: every type both ways, nulls, and rows
 * that cannot be computed cost themselves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "sql/derive.h"

#include <stdlib.h>

#define COLUMN(n, kind) {.name = n, .type = {.type = kind}}
#define DECIMAL(n, p, s) {.name = n, .type = {EC_TYPE_DECIMAL, p, s}}

static struct ec_schema_column columns[] = {
    COLUMN("s", EC_TYPE_STRING),  COLUMN("i", EC_TYPE_INTEGER),  COLUMN("f", EC_TYPE_FLOAT),
    COLUMN("b", EC_TYPE_BOOLEAN), COLUMN("t", EC_TYPE_DATETIME), COLUMN("d", EC_TYPE_DATE),
    DECIMAL("tiny", 4, 2),        DECIMAL("small", 9, 3),        DECIMAL("wide", 18, 2),
};
enum { S, I, F, B, T, D, TINY, SMALL, WIDE, COLUMNS };

static struct ec_sql *sql;

static int open_session(void **state) {
    (void)state;
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB, .run_date = 20285};
    return ec_sql_open(&options, &sql, NULL) == EC_OK ? 0 : -1;
}

static int close_session(void **state) {
    (void)state;
    ec_sql_close(sql);
    return 0;
}

/* A source, its derivation and a batch; the derived columns follow the declared ones. */
struct fixture {
    struct ec_source source;
    struct ec_derive derive[16];
    struct ec_rule rule[4];
    struct ec_derivation *derivation;
    struct ec_batch batch;
    uint64_t failed[4][EC_BATCH_ROWS / 64];
    uint64_t *rule_failed[4];
};

static void add_derived(struct fixture *f, const char *name, const char *expression) {
    size_t n = f->source.derive_count++;
    f->derive[n] = (struct ec_derive){name, expression, "config/pipeline_config.yaml", (uint32_t)(10 + n)};
}

static void add_rule(struct fixture *f, const char *expression) {
    size_t n = f->source.rule_count++;
    f->rule[n] = (struct ec_rule){.id = "r", .kind = EC_RULE_EXPRESSION, .text = expression,
                                  .file = "config/business_rules.yaml", .line = (uint32_t)(20 + n)};
}

static void prepare(struct fixture *f) {
    f->source.name = "shop";
    f->source.column = columns;
    f->source.column_count = COLUMNS;
    f->source.derive = f->derive;
    f->source.rule = f->rule;
    struct ec_err err = {0};
    if (ec_derive_create(sql, &f->source, &f->derivation, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(ec_batch_init(&f->batch, &err), EC_OK);
    size_t at;
    for (size_t i = 0; i < COLUMNS; i++)
        assert_int_equal(ec_batch_add_column(&f->batch, columns[i].name, columns[i].type, &at, &err), EC_OK);
    for (size_t i = 0; i < f->source.derive_count; i++)
        assert_int_equal(ec_batch_add_column(&f->batch, f->derive[i].name, ec_derive_types(f->derivation)[i], &at, &err), EC_OK);
    for (size_t i = 0; i < 4; i++) f->rule_failed[i] = f->failed[i];
}

static void finish(struct fixture *f) {
    ec_derive_destroy(f->derivation);
    ec_batch_deinit(&f->batch);
}

static void eval(struct fixture *f) {
    struct ec_err err = {0};
    if (ec_derive_eval(f->derivation, &f->batch, COLUMNS, f->rule_failed, &err) != EC_OK) fail_msg("%s", err.message);
}

static void put_text(struct fixture *f, size_t row, const char *text) {
    ec_column_text(&f->batch.column[S])[row] = ec_text_of(text, strlen(text));
    ec_bit_set(f->batch.column[S].valid, row);
}

static void put_int(struct fixture *f, size_t column, size_t row, int64_t value) {
    ec_column_int(&f->batch.column[column])[row] = value;
    ec_bit_set(f->batch.column[column].valid, row);
}

static const char *cell(struct fixture *f, size_t derived, size_t row) {
    if (!ec_bit(f->batch.column[COLUMNS + derived].valid, row)) return "null";
    return ec_batch_cell_text(&f->batch, COLUMNS + derived, row).p;
}

static void every_type_goes_through_and_comes_back(void **state) {
    (void)state;
    struct fixture f = {0};
    static const char *const same[] = {"s", "i", "f", "b", "t", "d", "tiny", "small", "wide"};
    static const char *const name[] = {"s2", "i2", "f2", "b2", "t2", "d2", "tiny2", "small2", "wide2"};
    for (size_t i = 0; i < COLUMNS; i++) add_derived(&f, name[i], same[i]);
    prepare(&f);
    f.batch.rows = 2;
    static const char *const expected[] = {"a text of more than twelve bytes", "-7", "0.25", "true", "2025-07-18T00:00:01Z",
                                           "2025-07-18", "-12.34", "123456.789", "-1234567890123456.78"};
    put_text(&f, 0, expected[S]);
    put_int(&f, I, 0, -7);
    ec_column_double(&f.batch.column[F])[0] = 0.25;
    ec_column_bool(&f.batch.column[B])[0] = 1;
    put_int(&f, T, 0, INT64_C(1752796801000000));
    ec_column_days(&f.batch.column[D])[0] = 20287;
    put_int(&f, TINY, 0, -1234);
    put_int(&f, SMALL, 0, 123456789);
    put_int(&f, WIDE, 0, INT64_C(-123456789012345678));
    for (size_t i = 0; i < COLUMNS; i++) ec_bit_set(f.batch.column[i].valid, 0);
    eval(&f);
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_memory_equal(&ec_derive_types(f.derivation)[i], &columns[i].type, sizeof columns[i].type);
        assert_string_equal(cell(&f, i, 0), expected[i]);
        assert_string_equal(cell(&f, i, 1), "null");
    }
    assert_int_equal(f.batch.faults, 0);
    finish(&f);
}

static void other_types_become_ours(void **state) {
    (void)state;
    static const struct {
        const char *expression;
        enum ec_type type;
        const char *text;
    } cases[] = {
        {"i::TINYINT", EC_TYPE_INTEGER, "7"},
        {"i::HUGEINT * 2", EC_TYPE_INTEGER, "14"},
        {"i::UBIGINT", EC_TYPE_INTEGER, "7"},
        {"f::FLOAT", EC_TYPE_FLOAT, "0"},
        {"TIMESTAMPTZ '2025-07-18 02:00:00+02'", EC_TYPE_DATETIME, "2025-07-18T00:00:00Z"},
        {"t::TIMESTAMP_S", EC_TYPE_DATETIME, "1970-01-01T00:00:00Z"},
        {"wide * wide", EC_TYPE_DECIMAL, "0.0000"},
        {"CASE WHEN i > 0 THEN 'x'::ENUM('x', 'y') END", EC_TYPE_STRING, "x"},
        {"NULL", EC_TYPE_INTEGER, "null"},
        {"run_date()", EC_TYPE_DATE, "2025-07-16"},
        {"s IS NULL -- with a comment", EC_TYPE_BOOLEAN, "true"},
        {"42", EC_TYPE_INTEGER, "42"},
    };
    struct fixture f = {0};
    char names[12][4];
    for (size_t i = 0; i < 12; i++) {
        (void)snprintf(names[i], sizeof names[i], "x%zu", i);
        add_derived(&f, names[i], cases[i].expression);
    }
    prepare(&f);
    f.batch.rows = 1;
    put_int(&f, I, 0, 7);
    ec_bit_set(f.batch.column[F].valid, 0);
    put_int(&f, T, 0, 0);
    put_int(&f, WIDE, 0, 0);
    eval(&f);
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(ec_derive_types(f.derivation)[i].type, cases[i].type);
        assert_string_equal(cell(&f, i, 0), cases[i].text);
    }
    assert_int_equal(ec_derive_types(f.derivation)[6].precision, 18);
    finish(&f);
}

static void later_expressions_see_earlier_ones(void **state) {
    (void)state;
    struct fixture f = {0};
    add_derived(&f, "double", "i * 2");
    add_derived(&f, "more", "\"double\" + 1");
    add_rule(&f, "more < 10");
    add_rule(&f, "shop.i > 0");
    add_rule(&f, "NULL::BOOLEAN");
    prepare(&f);
    f.batch.rows = 3;
    put_int(&f, I, 0, 4);
    put_int(&f, I, 1, 5);
    eval(&f);
    assert_string_equal(cell(&f, 1, 0), "9");
    assert_string_equal(cell(&f, 1, 1), "11");
    assert_string_equal(cell(&f, 1, 2), "null");
    assert_int_equal(f.failed[0][0], 2); /* null passes */
    assert_int_equal(f.failed[1][0], 0);
    assert_int_equal(f.failed[2][0], 0);
    finish(&f);
}

static void rows_that_fail_cost_themselves_alone(void **state) {
    (void)state;
    struct fixture f = {0};
    add_derived(&f, "number", "CAST(s AS INTEGER)");
    add_derived(&f, "again", "CAST(s AS INTEGER) + CAST(s AS INTEGER)");
    add_derived(&f, "label", "'the number of this row is ' || number");
    add_derived(&f, "sum", "i + 1");
    add_rule(&f, "CAST(s AS INTEGER) < 100");
    add_rule(&f, "abs(i + 1) > 0");
    prepare(&f);
    f.batch.rows = EC_BATCH_ROWS;
    for (size_t i = 0; i < EC_BATCH_ROWS; i++) {
        put_text(&f, i, i % 500 == 3 ? "not a number" : i % 500 == 4 ? "250" : "12");
        put_int(&f, I, i, i == 2047 ? INT64_MAX : 1);
    }
    for (int round = 0; round < 2; round++) { /* the second finds the other session open */
        eval(&f);
        size_t bad = 0;
        for (size_t i = 0; i < EC_BATCH_ROWS; i++) {
            bool text_bad = i % 500 == 3;
            bad += text_bad;
            assert_string_equal(cell(&f, 0, i), text_bad ? "null" : i % 500 == 4 ? "250" : "12");
            assert_string_equal(cell(&f, 1, i), text_bad ? "null" : i % 500 == 4 ? "500" : "24");
            assert_string_equal(cell(&f, 3, i), i == 2047 ? "null" : "2");
            assert_int_equal(ec_bit(f.failed[0], i), text_bad || i % 500 == 4);
            assert_int_equal(ec_bit(f.failed[1], i), i == 2047);
            assert_int_equal(ec_bit(f.batch.rejected, i), text_bad || i == 2047);
        }
        assert_string_equal(cell(&f, 2, 4), "the number of this row is 250");
        assert_string_equal(cell(&f, 2, 3), "null");
        assert_int_equal(f.batch.faults, 2 * bad + 1);
        for (size_t i = 0; i < f.batch.faults; i++) {
            struct ec_fault fault = f.batch.fault[i];
            assert_int_equal(fault.reason, EC_REASON_DERIVE);
            assert_int_equal(fault.column, fault.row == 2047 ? COLUMNS + 3 : i < bad ? COLUMNS : COLUMNS + 1);
        }
        f.batch.faults = 0;
        memset(f.batch.rejected, 0, EC_BATCH_ROWS / 8);
        memset(f.failed, 0, sizeof f.failed);
    }
    /* And a whole batch after it is as fast and clean as before. */
    f.batch.rows = 1;
    put_text(&f, 0, "5");
    eval(&f);
    assert_string_equal(cell(&f, 1, 0), "10");
    assert_int_equal(f.batch.faults, 0);
    finish(&f);
}

static void every_kind_of_failure_is_caught(void **state) {
    (void)state;
    static const char *const expressions[] = {
        "strptime(s, '%Y-%m-%d')", "sqrt(-1.0 * length(s))",   "CAST(s AS DATE)",         "CAST(s AS BOOLEAN)",
        "i * 4611686018427387904", "CAST(i AS TINYINT)",       "wide * wide",             "regexp_matches(s, s)",
        "d + i::INTEGER",          "i::HUGEINT * 4611686018427387904", "repeat(s, i * 1000000000000)", "CAST(s AS JSON)::VARCHAR",
    };
    for (size_t k = 0; k < sizeof expressions / sizeof *expressions; k++) {
        struct fixture f = {0};
        add_derived(&f, "x", expressions[k]);
        prepare(&f);
        f.batch.rows = 3;
        put_text(&f, 1, "(wrong: neither pattern nor date");
        put_int(&f, I, 1, INT32_MAX);
        put_int(&f, WIDE, 1, INT64_C(999999999999999999));
        put_int(&f, D, 1, 0);
        ec_column_days(&f.batch.column[D])[1] = INT32_MAX - 5;
        struct ec_err err = {0};
        if (ec_derive_eval(f.derivation, &f.batch, COLUMNS, f.rule_failed, &err) != EC_OK)
            fail_msg("%s: %s", expressions[k], err.message);
        if (f.batch.faults != 1) fail_msg("%s: %zu faults", expressions[k], f.batch.faults);
        assert_int_equal(f.batch.fault[0].row, 1);
        finish(&f);
    }
}

static void mistakes_are_named_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *expression;
        const char *words;
    } cases[] = {
        {"endpont || 'x'", "endpont"},
        {"smal", "\"small\""},
        {"nope(i)", "nope"},
        {"i +", "syntax error"},
        {"i), (f", "one value"},
        {"max(i)", "aggregate"},
        {"row_number() OVER ()", "window"},
        {"random()", "volatile"},
        {"(SELECT 1)", "subquery"},
        {"unnest([1, 2])", "UNNEST"},
        {"[i, i]", "LIST"},
        {"INTERVAL 1 DAY", "INTERVAL"},
        {"i) FROM range(2) t(i) WHERE (true", "syntax error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f = {0};
        add_derived(&f, "fine", "i + 1");
        add_derived(&f, "wrong", cases[i].expression);
        f.source = (struct ec_source){.name = "shop", .column = columns, .column_count = COLUMNS, .derive = f.derive, .derive_count = 2};
        struct ec_err err = {0};
        if (ec_derive_create(sql, &f.source, &f.derivation, &err) != EC_CONFIG) fail_msg("%s: accepted", cases[i].expression);
        if (!strstr(err.message, cases[i].words)) fail_msg("%s: %s", cases[i].expression, err.message);
        assert_non_null(strstr(err.message, "wrong"));
        assert_string_equal(err.file, "config/pipeline_config.yaml");
        assert_int_equal(err.line, 11);
        assert_null(f.derivation);
    }
}

static void a_rule_must_be_true_or_false(void **state) {
    (void)state;
    struct fixture f = {0};
    add_rule(&f, "i + 1");
    f.source = (struct ec_source){.name = "shop", .column = columns, .column_count = COLUMNS, .rule = f.rule, .rule_count = 1};
    struct ec_err err = {0};
    assert_int_equal(ec_derive_create(sql, &f.source, &f.derivation, &err), EC_CONFIG);
    assert_non_null(strstr(err.message, "true or false"));
    assert_int_equal(err.line, 20);
}

static void nothing_to_derive_is_nothing_to_do(void **state) {
    (void)state;
    struct fixture f = {0};
    prepare(&f);
    f.batch.rows = 5;
    eval(&f);
    finish(&f);
    ec_derive_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_goes_through_and_comes_back),
        cmocka_unit_test(other_types_become_ours),
        cmocka_unit_test(later_expressions_see_earlier_ones),
        cmocka_unit_test(rows_that_fail_cost_themselves_alone),
        cmocka_unit_test(every_kind_of_failure_is_caught),
        cmocka_unit_test(mistakes_are_named_with_their_place),
        cmocka_unit_test(a_rule_must_be_true_or_false),
        cmocka_unit_test(nothing_to_derive_is_nothing_to_do),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
