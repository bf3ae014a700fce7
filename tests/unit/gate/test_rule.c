#include "kit.h"

#include "base/coder.h"

#include "gate/rule.h"

#define WORDS (EC_BATCH_ROWS / 64)

/* Evaluates the rule over one column of these cells (NULL: null); a '1' in `expected` per row that
 * breaks it. */
static void expect(struct ec_column_type type, struct ec_rule want, const char *const *cell, const char *expected) {
    struct kit k;
    kit_init(&k);
    size_t column = kit_column(&k, "c", type);
    struct ec_rule *rule = kit_rule(&k, "c.rule", "c", want.kind);
    rule->min = want.min;
    rule->max = want.max;
    rule->values = want.values;
    rule->value_count = want.value_count;
    rule->text = want.text;
    rule->length_min = want.length_min;
    if (want.length_max) rule->length_max = want.length_max;
    for (size_t i = 0; i < strlen(expected); i++) kit_set(&k, column, kit_row(&k), cell[i]);

    struct ec_arena arena;
    ec_arena_init(&arena, EC_MIB);
    struct ec_bound_rule bound;
    struct ec_err err = {0};
    uint64_t failed[WORDS] = {0};
    if (ec_rule_bind(rule, &k.batch, &arena, &bound, &err) != EC_OK) fail_msg("%s", err.message);
    ec_rule_eval(&bound, &k.batch, failed);
    for (size_t i = 0; i < strlen(expected); i++)
        if (ec_bit(failed, i) != (expected[i] == '1'))
            fail_msg("row %zu, `%.80s`: %d", i, cell[i] ? cell[i] : "null", ec_bit(failed, i));
    ec_rule_unbind(&bound);
    ec_arena_deinit(&arena);
    kit_deinit(&k);
}

#define CELLS(...)                                                                                                     \
    (const char *const[]) {                                                                                            \
        __VA_ARGS__                                                                                                    \
    }
#define RANGE(low, high)                                                                                               \
    (struct ec_rule) {                                                                                                 \
        .kind = EC_RULE_RANGE, .min = low, .max = high                                                                 \
    }

static void bounds_are_inclusive_and_nulls_pass(void **state) {
    (void)state;
    expect(KIT_TYPE(INTEGER), RANGE("100", "599"), CELLS("99", "100", "599", "600", NULL, "-9223372036854775808"),
           "100101");
    expect(KIT_TYPE(INTEGER), RANGE("0", NULL), CELLS("-1", "0", NULL, "9223372036854775807"), "1000");
    expect(KIT_TYPE(INTEGER), RANGE(NULL, "0"), CELLS("-1", "0", NULL, "1"), "0001");
    expect(KIT_TYPE(FLOAT), RANGE("0", "1"), CELLS("-0.0", "-1e-300", "1", "1.0000001", NULL, "0.5"), "010100");
    expect(KIT_TYPE(FLOAT), RANGE(NULL, "1e300"), CELLS("1e301", NULL, "-1e308"), "100");
    expect(KIT_TYPE(DATE), RANGE("2025-01-01", "2025-12-31"),
           CELLS("2024-12-31", "2025-01-01", "2025-12-31", "2026-01-01", NULL), "10010");
    expect(KIT_TYPE(DATETIME), RANGE("2025-01-01", "2025-06-30T12:00:00Z"),
           CELLS("2024-12-31T23:59:59.999999Z", "2025-01-01T00:00:00Z", "2025-06-30 12:00:00",
                 "2025-06-30T12:00:00.000001Z", NULL, "2025-01-01T01:00:00+02:00"),
           "100101");
    expect(KIT_DECIMAL(10, 2), RANGE("0.5", "100"), CELLS("0.49", "0.5", "100", "100.01", NULL, "-1"), "100101");
    expect(KIT_TYPE(BOOLEAN), RANGE("true", NULL), CELLS("true", "false", NULL), "010");
}

static void bounds_finer_than_the_column_are_rounded_to_the_inside(void **state) {
    (void)state;
    expect(KIT_TYPE(INTEGER), RANGE("0.5", "2.5"), CELLS("0", "1", "2", "3", NULL), "10010");
    expect(KIT_TYPE(INTEGER), RANGE("-0.5", "1e3"), CELLS("-1", "0", "1000", "1001"), "1001");
    expect(KIT_TYPE(INTEGER), RANGE("-1e30", "1e30"), CELLS("-9223372036854775808", "9223372036854775807"), "00");
    expect(KIT_DECIMAL(10, 2), RANGE("0.005", "0.999"), CELLS("0.00", "0.01", "0.99", "1.00"), "1001");
    expect(KIT_DECIMAL(10, 2), RANGE("-0.999", "-0.005"), CELLS("-1.00", "-0.99", "-0.01", "0.00"), "1001");
    expect(KIT_DECIMAL(5, 2), RANGE("-1000000", "1000000"), CELLS("-999.99", "999.99", NULL), "000");
    expect(KIT_DECIMAL(5, 2), RANGE("1000000", NULL), CELLS("999.99", NULL), "10");
    expect(KIT_DECIMAL(18, 0), RANGE("-1e40", "0.3"), CELLS("-999999999999999999", "0", "1"), "001");
    expect(KIT_TYPE(DATE), RANGE("2025-07-18T12:00:00Z", "2025-07-20T12:00:00Z"),
           CELLS("2025-07-18", "2025-07-19", "2025-07-20", "2025-07-21"), "1001");
}

#define VALUES(k, ...)                                                                                                 \
    (struct ec_rule) {                                                                                                 \
        .kind = EC_RULE_##k, .values = (struct ec_str[]){__VA_ARGS__},                                                 \
        .value_count = sizeof((struct ec_str[]){__VA_ARGS__}) / sizeof(struct ec_str)                                  \
    }

static void values_are_compared_in_the_columns_type(void **state) {
    (void)state;
    expect(KIT_TYPE(STRING), VALUES(ALLOWED, EC_STR("GET"), EC_STR("a method longer than inline")),
           CELLS("GET", "get", "GE", "a method longer than inline", "a method longer than inlinE", NULL, ""),
           "0110101");
    expect(KIT_TYPE(STRING), VALUES(NOT_ALLOWED, EC_STR("")), CELLS("", "x", NULL), "100");
    expect(KIT_TYPE(INTEGER), VALUES(ALLOWED, EC_STR("1"), EC_STR("2.0")), CELLS("1", "2", "3", NULL), "0010");
    expect(KIT_TYPE(FLOAT), VALUES(NOT_ALLOWED, EC_STR("0.1")), CELLS("0.1", "0.10000000000000001", "0.2", NULL),
           "1100");
    expect(KIT_TYPE(FLOAT), VALUES(ALLOWED, EC_STR("0")), CELLS("-0.0", "0", "1"), "001");
    expect(KIT_TYPE(BOOLEAN), VALUES(ALLOWED, EC_STR("yes")), CELLS("true", "0", NULL), "010");
    expect(KIT_TYPE(DATE), VALUES(ALLOWED, EC_STR("2025-07-18")), CELLS("2025-07-18", "2025-07-19", NULL), "010");
    expect(KIT_TYPE(DATETIME), VALUES(ALLOWED, EC_STR("2025-07-18T00:00:00Z")),
           CELLS("2025-07-18", "2025-07-18T02:00:00+02:00", "2025-07-19"), "001");
    expect(KIT_DECIMAL(10, 2), VALUES(ALLOWED, EC_STR("1.5")), CELLS("1.50", "1.51", NULL), "010");
}

static void lengths_count_characters(void **state) {
    (void)state;
    struct ec_rule rule = {.kind = EC_RULE_LENGTH, .length_min = 2, .length_max = 4};
    expect(KIT_TYPE(STRING), rule,
           CELLS("a", "ab", "abcd", "abcde", "é", "éé", "€€€€", "€€€€€", "\xF0\x9F\x98\x80",
                 "\xF0\x9F\x98\x80\xF0\x9F\x98\x80", NULL, "", "ééééééééééééé"),
           "1001100110011");
}

static void not_null_is_the_one_rule_that_a_null_breaks(void **state) {
    (void)state;
    struct ec_rule rule = {.kind = EC_RULE_NOT_NULL};
    expect(KIT_TYPE(STRING), rule, CELLS("", NULL, "x"), "010");
    expect(KIT_TYPE(INTEGER), rule, CELLS("0", NULL), "01");
}

static void patterns_search_characters(void **state) {
    (void)state;
    expect(KIT_TYPE(STRING), (struct ec_rule){.kind = EC_RULE_REGEX, .text = "^.{3}$"},
           CELLS("abc", "éàü", "ab", "abcd", NULL, ""), "001101");
    expect(KIT_TYPE(STRING), (struct ec_rule){.kind = EC_RULE_REGEX, .text = "b"}, CELLS("abc", "ac"), "01");
    expect(KIT_TYPE(STRING), (struct ec_rule){.kind = EC_RULE_REGEX, .text = "^[^@]+@[^@]+\\.[a-z]{2,}$"},
           CELLS("a@b.fr", "a@b", "ann.long.address@example.org"), "010");
}

/* Every value is answered for in bounded time: what explodes fails its row. */
static void a_pattern_that_explodes_fails_its_row(void **state) {
    (void)state;
    char a[41];
    memset(a, 'a', 40);
    a[40] = '\0';
    char bad[64];
    (void)snprintf(bad, sizeof bad, "%s!", a);
    expect(KIT_TYPE(STRING), (struct ec_rule){.kind = EC_RULE_REGEX, .text = "^(a+)+$"}, CELLS(bad, a), "10");
}

/* A long text that matches must not fail for want of the JIT's small stack. */
static void a_long_text_matches(void **state) {
    (void)state;
    size_t n = 20000;
    char *text = malloc(n + 1);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++) text[i] = i % 3 ? 'a' : 'b';
    text[n] = '\0';
    expect(KIT_TYPE(STRING), (struct ec_rule){.kind = EC_RULE_REGEX, .text = "^(?:a|b|(c))*$"}, CELLS(text), "0");
    free(text);
}

/* ---- bounds that are other columns ---- */

static void expect_columns(struct ec_column_type type, bool lower, const char *const (*pair)[2], const char *expected) {
    struct kit k;
    kit_init(&k);
    size_t a = kit_column(&k, "a", type), b = kit_column(&k, "b", type);
    struct ec_rule *rule = kit_rule(&k, "a.rule", "a", EC_RULE_RANGE);
    *(lower ? &rule->min : &rule->max) = "b";
    for (size_t i = 0; i < strlen(expected); i++) {
        size_t row = kit_row(&k);
        kit_set(&k, a, row, pair[i][0]);
        kit_set(&k, b, row, pair[i][1]);
    }
    struct ec_arena arena;
    ec_arena_init(&arena, EC_MIB);
    struct ec_bound_rule bound;
    uint64_t failed[WORDS] = {0};
    assert_int_equal(ec_rule_bind(rule, &k.batch, &arena, &bound, NULL), EC_OK);
    ec_rule_eval(&bound, &k.batch, failed);
    for (size_t i = 0; i < strlen(expected); i++) assert_int_equal(ec_bit(failed, i), expected[i] == '1');
    ec_rule_unbind(&bound);
    ec_arena_deinit(&arena);
    kit_deinit(&k);
}

#define PAIRS(...)                                                                                                     \
    (const char *const[][2]) {                                                                                         \
        __VA_ARGS__                                                                                                    \
    }

static void a_bound_may_be_another_column(void **state) {
    (void)state;
    expect_columns(KIT_TYPE(DATETIME), true,
                   PAIRS({"2025-07-18T10:00:00Z", "2025-07-18T09:00:00Z"},
                         {"2025-07-18T09:00:00Z", "2025-07-18T09:00:00Z"},
                         {"2025-07-18T08:59:59.999999Z", "2025-07-18T09:00:00Z"}, {NULL, "2025-07-18"},
                         {"2025-07-18", NULL}, {NULL, NULL}),
                   "001000");
    expect_columns(KIT_TYPE(INTEGER), false, PAIRS({"1", "2"}, {"2", "2"}, {"3", "2"}, {NULL, "0"}), "0010");
    expect_columns(KIT_TYPE(FLOAT), false, PAIRS({"0.1", "0.2"}, {"0.3", "0.2"}), "01");
    expect_columns(KIT_TYPE(DATE), true, PAIRS({"2025-07-18", "2025-07-19"}, {"2025-07-19", "2025-07-18"}), "10");
    expect_columns(KIT_DECIMAL(9, 3), true, PAIRS({"-1.001", "-1"}, {"1.001", "1"}), "10");
    expect_columns(
        KIT_TYPE(STRING), true,
        PAIRS({"b", "a"}, {"a", "b"}, {"a", "ab"}, {"ab", "a"}, {"the same long prefix 1", "the same long prefix 2"}),
        "01101");
    expect_columns(KIT_TYPE(BOOLEAN), true, PAIRS({"true", "false"}, {"false", "true"}), "01");
}

/* A lower bound that is a column and an upper one that is a value, at once. */
static void a_column_and_a_value_bound_together(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t a = kit_column(&k, "a", KIT_TYPE(INTEGER)), b = kit_column(&k, "b", KIT_TYPE(INTEGER));
    struct ec_rule *rule = kit_rule(&k, "a.rule", "a", EC_RULE_RANGE);
    rule->min = "b";
    rule->max = "10";
    static const char *const rows[][2] = {{"5", "1"}, {"0", "1"}, {"11", "1"}, {"11", NULL}, {NULL, "1"}};
    for (size_t i = 0; i < 5; i++) {
        size_t row = kit_row(&k);
        kit_set(&k, a, row, rows[i][0]);
        kit_set(&k, b, row, rows[i][1]);
    }
    struct ec_arena arena;
    ec_arena_init(&arena, EC_MIB);
    struct ec_bound_rule bound;
    uint64_t failed[WORDS] = {0};
    assert_int_equal(ec_rule_bind(rule, &k.batch, &arena, &bound, NULL), EC_OK);
    ec_rule_eval(&bound, &k.batch, failed);
    assert_int_equal(failed[0], 1u << 1 | 1u << 2 | 1u << 3);
    ec_rule_unbind(&bound);
    ec_arena_deinit(&arena);
    kit_deinit(&k);
}

/* ---- what cannot be bound ---- */

static void refuse(struct ec_column_type type, struct ec_column_type other, struct ec_rule want, const char *message) {
    struct kit k;
    kit_init(&k);
    (void)kit_column(&k, "c", type);
    (void)kit_column(&k, "other", other);
    struct ec_rule *rule = kit_rule(&k, "c.rule", want.column ? want.column : "c", want.kind);
    rule->min = want.min;
    rule->values = want.values;
    rule->value_count = want.value_count;
    rule->text = want.text;
    struct ec_arena arena;
    ec_arena_init(&arena, EC_MIB);
    struct ec_bound_rule bound;
    struct ec_err err = {0};
    assert_int_equal(ec_rule_bind(rule, &k.batch, &arena, &bound, &err), EC_CONFIG);
    if (!strstr(err.message, message)) fail_msg("`%s` lacks `%s`", err.message, message);
    assert_string_equal(err.file, "business_rules.yaml");
    assert_int_equal(err.line, 3);
    ec_arena_deinit(&arena);
    kit_deinit(&k);
}

static void what_does_not_fit_is_said_at_its_place(void **state) {
    (void)state;
    struct ec_column_type text = KIT_TYPE(STRING), number = KIT_TYPE(INTEGER);
    refuse(number, text, RANGE("x", NULL), "`x` is not a bound for the column c of type integer");
    refuse(number, text, RANGE("other", NULL), "compares c (integer) with other (string)");
    refuse(KIT_DECIMAL(10, 2), KIT_DECIMAL(10, 3), RANGE("other", NULL), "both must have one type");
    refuse(text, text, RANGE("a", NULL), "not a bound for the column c of type string");
    refuse(KIT_TYPE(DATE), text, RANGE("2025-02-30", NULL), "not a bound");
    refuse(number, text, VALUES(ALLOWED, EC_STR("1.5")), "`1.5` is not a value of the column c of type integer");
    refuse(KIT_DECIMAL(10, 2), text, VALUES(ALLOWED, EC_STR("1.234")), "is not a value");
    refuse(number, text, (struct ec_rule){.kind = EC_RULE_REGEX, .text = "x"},
           "needs a column of type string; c is integer");
    refuse(number, text, (struct ec_rule){.kind = EC_RULE_LENGTH}, "needs a column of type string");
    refuse(text, text, (struct ec_rule){.kind = EC_RULE_REGEX, .text = "a(b"}, "does not compile at character 4");
    refuse(text, text, (struct ec_rule){.kind = EC_RULE_NOT_NULL, .column = "absent"}, "names the column absent");
}

/* ---- against a naive oracle, at row counts around the words of a bitmap ---- */

static void bitmaps_are_right_at_every_row_count(void **state) {
    (void)state;
    static const size_t counts[] = {1, 63, 64, 65, 127, 128, 129, 2047, 2048};
    uint64_t seed = 7;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct kit k;
        kit_init(&k);
        size_t number = kit_column(&k, "n", KIT_TYPE(INTEGER)), text = kit_column(&k, "t", KIT_TYPE(STRING));
        kit_rule(&k, "r0", "n", EC_RULE_RANGE)->min = "3";
        (void)kit_rule(&k, "r1", "n", EC_RULE_NOT_NULL);
        struct ec_str allowed[] = {EC_STR("5"), EC_STR("6")}, words[] = {EC_STR("y"), EC_STR("xy")};
        struct ec_rule *rule = kit_rule(&k, "r2", "n", EC_RULE_NOT_ALLOWED);
        rule->values = allowed;
        rule->value_count = 2;
        kit_rule(&k, "r3", "t", EC_RULE_LENGTH)->length_min = 2;
        kit_rule(&k, "r4", "t", EC_RULE_REGEX)->text = "^x";
        int64_t value[EC_BATCH_ROWS];
        static const char *const texts[] = {"x", "xy", "y", "yy", NULL};
        const char *chosen[EC_BATCH_ROWS];
        for (size_t row = 0; row < counts[c]; row++) {
            (void)kit_row(&k);
            value[row] = (int64_t)(kit_random(&seed) % 10) - 1; /* -1: null */
            chosen[row] = texts[kit_random(&seed) % 5];
            if (value[row] >= 0) {
                ec_column_int(&k.batch.column[number])[row] = value[row];
                ec_bit_set(k.batch.column[number].valid, row);
            }
            kit_set(&k, text, row, chosen[row]);
        }
        kit_rule(&k, "r5", "t", EC_RULE_ALLOWED)->values = words;
        k.rule[5].value_count = 2;
        struct ec_coder *coder;
        assert_int_equal(ec_coder_create(&k.batch, &coder, NULL), EC_OK);
        struct ec_arena arena;
        ec_arena_init(&arena, EC_MIB);
        for (size_t r = 0; r < k.source.rule_count; r++) {
            struct ec_bound_rule bound;
            uint64_t failed[WORDS + 1] = {0};
            failed[WORDS] = UINT64_C(0xDEAD);
            assert_int_equal(ec_rule_bind(&k.rule[r], &k.batch, &arena, &bound, NULL), EC_OK);
            ec_rule_eval(&bound, &k.batch, failed);
            for (size_t row = 0; row < EC_BATCH_ROWS; row++) {
                bool null = row >= counts[c] || value[row] < 0, no_text = row >= counts[c] || !chosen[row];
                bool want = false;
                if (r == 0) want = !null && value[row] < 3;
                if (r == 1) want = row < counts[c] && null;
                if (r == 2) want = !null && (value[row] == 5 || value[row] == 6);
                if (r == 3) want = !no_text && strlen(chosen[row]) < 2;
                if (r == 4) want = !no_text && chosen[row][0] != 'x';
                if (r == 5) want = !no_text && strcmp(chosen[row], "y") != 0 && strcmp(chosen[row], "xy") != 0;
                if (ec_bit(failed, row) != want) fail_msg("rule %zu, row %zu of %zu", r, row, counts[c]);
            }
            assert_int_equal(failed[WORDS], 0xDEAD);
            /* Where the texts come coded: values that are new, and known ones. */
            for (size_t coded = 0; coded < 2; coded++) {
                uint64_t again[WORDS] = {0};
                ec_coder_run(coder, &k.batch);
                assert_non_null(k.batch.column[text].dictionary);
                ec_rule_eval(&bound, &k.batch, again);
                assert_memory_equal(again, failed, sizeof again);
            }
            k.batch.column[text].dictionary = NULL;
            ec_rule_unbind(&bound);
        }
        ec_coder_destroy(coder);
        ec_arena_deinit(&arena);
        kit_deinit(&k);
    }
}

/* A dictionary of more values than verdicts are kept for: each row is looked at by itself. */
static void a_dictionary_of_too_many_values(void **state) {
    (void)state;
    struct ec_str forbidden[] = {EC_STR("x")};
    static struct ec_text value[EC_CODED_MAX + 1];
    static uint32_t code[EC_BATCH_ROWS];
    for (size_t i = 0; i <= EC_CODED_MAX; i++) value[i] = i == EC_CODED_MAX ? ec_text_of("x", 1) : ec_text_of("y", 1);
    for (uint32_t count = EC_CODED_MAX; count <= EC_CODED_MAX + 1; count++) {
        struct kit k;
        kit_init(&k);
        size_t column = kit_column(&k, "t", KIT_TYPE(STRING));
        kit_rule(&k, "r", "t", EC_RULE_NOT_ALLOWED)->values = forbidden;
        k.rule[0].value_count = 1;
        struct ec_dictionary dictionary = {.id = ec_dictionary_id(), .count = count, .values = value};
        for (size_t row = 0; row < 4; row++) {
            (void)kit_row(&k);
            code[row] = row == 2 ? count - 1 : 1;
            ec_column_text(&k.batch.column[column])[row] = value[code[row]];
            ec_bit_set(k.batch.column[column].valid, row);
        }
        k.batch.column[column].dictionary = &dictionary;
        k.batch.column[column].code = code;
        struct ec_arena arena;
        struct ec_bound_rule bound;
        uint64_t failed[WORDS] = {0};
        ec_arena_init(&arena, EC_MIB);
        assert_int_equal(ec_rule_bind(&k.rule[0], &k.batch, &arena, &bound, NULL), EC_OK);
        ec_rule_eval(&bound, &k.batch, failed);
        for (size_t row = 0; row < 4; row++) assert_int_equal(ec_bit(failed, row), count > EC_CODED_MAX && row == 2);
        ec_rule_unbind(&bound);
        ec_arena_deinit(&arena);
        k.batch.column[column].dictionary = NULL;
        kit_deinit(&k);
    }
}

/* A derived column's dictionary answers null at place 0, and its answer may be a value, the empty text. */
static void place_0_of_a_dictionary_may_be_a_value(void **state) {
    (void)state;
    struct ec_str forbidden[] = {EC_STR("")};
    struct kit k;
    kit_init(&k);
    size_t column = kit_column(&k, "t", KIT_TYPE(STRING));
    kit_rule(&k, "r", "t", EC_RULE_NOT_ALLOWED)->values = forbidden;
    k.rule[0].value_count = 1;
    struct ec_text value[] = {ec_text_of("", 0), ec_text_of("x", 1)};
    struct ec_dictionary dictionary = {.id = ec_dictionary_id(), .count = 2, .values = value};
    uint32_t code[EC_BATCH_ROWS];
    for (size_t row = 0; row < 70; row++) {
        (void)kit_row(&k);
        code[row] = row % 7 != 3;
        ec_column_text(&k.batch.column[column])[row] = value[code[row]];
        if (row != 3) ec_bit_set(k.batch.column[column].valid, row);
    }
    k.batch.column[column].dictionary = &dictionary;
    k.batch.column[column].code = code;
    struct ec_arena arena;
    ec_arena_init(&arena, EC_MIB);
    struct ec_bound_rule bound;
    assert_int_equal(ec_rule_bind(&k.rule[0], &k.batch, &arena, &bound, NULL), EC_OK);
    for (size_t turn = 0; turn < 2; turn++) {
        uint64_t failed[WORDS] = {0};
        ec_rule_eval(&bound, &k.batch, failed);
        for (size_t row = 0; row < 70; row++)
            assert_int_equal(ec_bit(failed, row), turn == 0 && row % 7 == 3 && row != 3);
        for (size_t row = 0; row < 70; row++) code[row] = 1; /* now no row has it */
    }
    ec_rule_unbind(&bound);
    ec_arena_deinit(&arena);
    kit_deinit(&k);
}

/* Bounds and values at and around the ends of what an integer holds, where differences overflow. */
static void ranges_hold_at_the_ends_of_integers(void **state) {
    (void)state;
    static const int64_t end[] = {INT64_MIN, INT64_MIN + 1, -2, -1, 0, 1, 2, INT64_MAX - 1, INT64_MAX};
    enum { ENDS = sizeof end / sizeof *end };
    uint64_t seed = 11;
    for (size_t trial = 0; trial < 3000; trial++) {
        struct kit k;
        kit_init(&k);
        size_t column = kit_column(&k, "n", KIT_TYPE(INTEGER)), other = kit_column(&k, "o", KIT_TYPE(INTEGER));
        int64_t min = end[kit_random(&seed) % ENDS], max = end[kit_random(&seed) % ENDS];
        char low[32], high[32];
        (void)snprintf(low, sizeof low, "%lld", (long long)min);
        (void)snprintf(high, sizeof high, "%lld", (long long)max);
        uint64_t open = kit_random(&seed) % 3;
        struct ec_rule *rule = kit_rule(&k, "r", "n", EC_RULE_RANGE);
        if (open != 1) rule->min = low;
        if (open != 2) rule->max = high;
        kit_rule(&k, "lower", "n", EC_RULE_RANGE)->min = "o";
        kit_rule(&k, "upper", "n", EC_RULE_RANGE)->max = "o";
        size_t rows = 1 + kit_random(&seed) % 70;
        for (size_t row = 0; row < rows; row++) {
            (void)kit_row(&k);
            /* Mostly one value, so that nothing leaves the range in some trials. */
            ec_column_int(&k.batch.column[column])[row] = end[kit_random(&seed) % (trial % 2 ? ENDS : 1)];
            ec_column_int(&k.batch.column[other])[row] = end[kit_random(&seed) % ENDS];
            ec_bit_set(k.batch.column[column].valid, row);
            if (kit_random(&seed) % 4) ec_bit_set(k.batch.column[other].valid, row);
        }
        struct ec_arena arena;
        ec_arena_init(&arena, EC_MIB);
        for (size_t r = 0; r < 3; r++) {
            struct ec_bound_rule bound;
            uint64_t failed[WORDS] = {0};
            assert_int_equal(ec_rule_bind(&k.rule[r], &k.batch, &arena, &bound, NULL), EC_OK);
            ec_rule_eval(&bound, &k.batch, failed);
            for (size_t row = 0; row < rows; row++) {
                int64_t v = ec_column_int(&k.batch.column[column])[row], o = ec_column_int(&k.batch.column[other])[row];
                bool want = (open != 1 && v < min) || (open != 2 && v > max);
                if (r > 0) want = ec_bit(k.batch.column[other].valid, row) && (r == 1 ? v < o : v > o);
                assert_int_equal(ec_bit(failed, row), want);
            }
            ec_rule_unbind(&bound);
        }
        ec_arena_deinit(&arena);
        kit_deinit(&k);
    }
}

/* What is no number, as a division in a derived column can give, hides no value beside it. */
static void not_a_number_hides_nothing(void **state) {
    (void)state;
    static const double some[] = {(double)NAN, 0.5, 1, 0, -0.0, 1.5, -1, (double)INFINITY, -(double)INFINITY};
    uint64_t seed = 3;
    for (size_t trial = 0; trial < 2000; trial++) {
        struct kit k;
        kit_init(&k);
        size_t column = kit_column(&k, "d", KIT_TYPE(FLOAT));
        struct ec_rule *rule = kit_rule(&k, "r", "d", EC_RULE_RANGE);
        if (trial % 3 != 1) rule->min = "0";
        if (trial % 3 != 2) rule->max = "1";
        size_t rows = 1 + kit_random(&seed) % 150;
        for (size_t row = 0; row < rows; row++) {
            (void)kit_row(&k);
            uint64_t r = kit_random(&seed) >> 16;
            ec_column_double(&k.batch.column[column])[row] = r % 40 ? some[r % 5] : some[r % 9];
            ec_bit_set(k.batch.column[column].valid, row);
        }
        struct ec_arena arena;
        ec_arena_init(&arena, EC_MIB);
        struct ec_bound_rule bound;
        uint64_t failed[WORDS] = {0};
        assert_int_equal(ec_rule_bind(&k.rule[0], &k.batch, &arena, &bound, NULL), EC_OK);
        ec_rule_eval(&bound, &k.batch, failed);
        for (size_t row = 0; row < rows; row++) {
            double v = ec_column_double(&k.batch.column[column])[row];
            assert_int_equal(ec_bit(failed, row), (trial % 3 != 1 && v < 0) || (trial % 3 != 2 && v > 1));
        }
        ec_rule_unbind(&bound);
        ec_arena_deinit(&arena);
        kit_deinit(&k);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_inclusive_and_nulls_pass),
        cmocka_unit_test(bounds_finer_than_the_column_are_rounded_to_the_inside),
        cmocka_unit_test(values_are_compared_in_the_columns_type),
        cmocka_unit_test(lengths_count_characters),
        cmocka_unit_test(not_null_is_the_one_rule_that_a_null_breaks),
        cmocka_unit_test(patterns_search_characters),
        cmocka_unit_test(a_pattern_that_explodes_fails_its_row),
        cmocka_unit_test(a_long_text_matches),
        cmocka_unit_test(a_bound_may_be_another_column),
        cmocka_unit_test(a_column_and_a_value_bound_together),
        cmocka_unit_test(what_does_not_fit_is_said_at_its_place),
        cmocka_unit_test(bitmaps_are_right_at_every_row_count),
        cmocka_unit_test(a_dictionary_of_too_many_values),
        cmocka_unit_test(place_0_of_a_dictionary_may_be_a_value),
        cmocka_unit_test(not_a_number_hides_nothing),
        cmocka_unit_test(ranges_hold_at_the_ends_of_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
