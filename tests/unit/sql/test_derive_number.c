/* Arithmetic by programs: each expression against the same one in a form that is DuckDB's, bit by bit,
 * on random batches with nulls, signed zeros, and values that a program leaves to DuckDB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sql/derive_number.h"

static struct ec_schema_column columns[] = {
    {.name = "s", .type = {.type = EC_TYPE_STRING}},   {.name = "i", .type = {.type = EC_TYPE_INTEGER}},
    {.name = "n", .type = {.type = EC_TYPE_INTEGER}},  {.name = "f", .type = {.type = EC_TYPE_FLOAT}},
    {.name = "g", .type = {.type = EC_TYPE_FLOAT}},    {.name = "b", .type = {.type = EC_TYPE_BOOLEAN}},
    {.name = "c", .type = {.type = EC_TYPE_BOOLEAN}},  {.name = "t", .type = {.type = EC_TYPE_DATETIME}},
    {.name = "u", .type = {.type = EC_TYPE_DATETIME}}, {.name = "m", .type = {EC_TYPE_DECIMAL, 9, 2}},
};
enum { S, I, N, F, G, B, C, T, U, M, COLUMNS };

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

struct expression {
    const char *text;
    bool rule;
};

/* What the sample project computes, and every step. */
static const struct expression programs[] = {
    {"date_diff('second', t, u) / 60.0", false},
    {"n > 0 AND NOT b", false},
    {"round(i * f * (1 - coalesce(g, 0)), 2)", false},
    {"abs(f - i * g * (1 - f)) < 0.011", true},
    {"f + g", false},
    {"f - 1", false},
    {"2.5 * f", false},
    {"i / 3", false},
    {"f / -0.7", false},
    {"1e-3 * f", false},
    {"i / 7.0 + x0", false},
    {"abs(f) - abs(g)", false},
    {"round(f, 0)", false},
    {"round(f / 3, 5)", false},
    {"round(g, 15)", false},
    {"date_diff('minute', t, u)", false},
    {"datediff('hour', u, t)", false},
    {"date_diff('day', t, u)", false},
    {"coalesce(f, 0.1) + coalesce(g, f)", false},
    {"coalesce(f, 1)", false},
    {"i < n", false},
    {"i <= n OR i = 3", false},
    {"n <> 2", true},
    {"f >= g AND f < 100", true},
    {"f = g OR f <> 0.5", true},
    {"f > i", false},
    {"t < u", true},
    {"t >= u AND i IS NULL", false},
    {"b AND c", false},
    {"b OR c OR n = 1", false},
    {"NOT (b AND c)", true},
    {"f IS NOT NULL", false},
    {"x1 OR c", false},
    {"x2 > 12.5", true},
};
#define PROGRAMS (sizeof programs / sizeof *programs)

/* Others stay DuckDB's: of types that are not known, or of a kind that could fail. */
static const struct expression others[] = {
    {"i + 1", false},
    {"i * n", false},
    {"i > 0.5", false},
    {"m * f", false},
    {"f / g", false},
    {"f % 2", false},
    {"round(f)", false},
    {"round(f, i::INTEGER)", false},
    {"i::DOUBLE", false},
    {"coalesce(i, 0)", false},
    {"date_diff('month', t, u)", false},
    {"f > '1'", false},
    {"sqrt(abs(f))", false},
    {"b = c", false},
    {"-f", false},
    {"1.5 * i", false},
    {"t > TIMESTAMP '2025-01-01'", false},
};
#define OTHERS (sizeof others / sizeof *others)

struct fixture {
    struct ec_source source;
    struct ec_derive derive[2 * PROGRAMS + OTHERS];
    struct ec_rule rule[2 * PROGRAMS];
    char name[2 * PROGRAMS + OTHERS][8];
    char slow[PROGRAMS][256];
    struct ec_derivation *derivation;
    struct ec_batch batch;
    uint64_t failed[2 * PROGRAMS][EC_BATCH_WORDS];
    uint64_t *rule_failed[2 * PROGRAMS];
};

static void add(struct fixture *f, const char *text, bool rule) {
    if (rule) {
        struct ec_rule *r = &f->rule[f->source.rule_count++];
        *r = (struct ec_rule){.id = "r", .kind = EC_RULE_EXPRESSION, .text = text, .file = "r", .line = 1};
        return;
    }
    size_t n = f->source.derive_count++;
    (void)snprintf(f->name[n], sizeof f->name[n], "x%zu", n);
    f->derive[n] = (struct ec_derive){f->name[n], text, "d", (uint32_t)n};
}

static void prepare(struct fixture *f) {
    struct ec_err err = {0};
    size_t at;
    f->source.name = "shop";
    f->source.column = columns;
    f->source.column_count = COLUMNS;
    f->source.derive = f->derive;
    f->source.rule = f->rule;
    if (ec_derive_create(sql, &f->source, &f->derivation, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(ec_batch_init(&f->batch, NULL), EC_OK);
    for (size_t i = 0; i < COLUMNS; i++)
        assert_int_equal(ec_batch_add_column(&f->batch, columns[i].name, columns[i].type, &at, NULL), EC_OK);
    for (size_t i = 0; i < f->source.derive_count; i++)
        assert_int_equal(ec_batch_add_column(&f->batch, f->name[i], ec_derive_types(f->derivation)[i], &at, NULL),
                         EC_OK);
    for (size_t i = 0; i < 2 * PROGRAMS; i++) f->rule_failed[i] = f->failed[i];
}

static void finish(struct fixture *f) {
    ec_derive_destroy(f->derivation);
    ec_batch_deinit(&f->batch);
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double random_double(uint64_t r) {
    static const double odd[] = {0.0, -0.0, 0.5, -0.5, 1.005, 2.675, 4503599627370495.5, 1e15, -1e-300, 1e100};
    if (r % 8 == 0) return odd[(r >> 8) % (sizeof odd / sizeof *odd)];
    return (double)((int64_t)(r >> 8) % 1000000) / (r % 3 ? 100 : 8);
}

static void put(struct fixture *f, size_t column, size_t row, uint64_t r) {
    struct ec_column *c = &f->batch.column[column];
    if (r >> 61 == 0) return; /* null */
    ec_bit_set(c->valid, row);
    switch (c->type.type) {
    case EC_TYPE_STRING: ec_column_text(c)[row] = ec_text_of("text", 4); break;
    case EC_TYPE_FLOAT: ec_column_double(c)[row] = random_double(r); break;
    case EC_TYPE_BOOLEAN: ec_column_bool(c)[row] = r & 1; break;
    case EC_TYPE_DATETIME: ec_column_int(c)[row] = (int64_t)(r % UINT64_C(3000000000000000)); break;
    case EC_TYPE_DECIMAL: ec_column_int(c)[row] = (int64_t)(r % 1000); break;
    default: ec_column_int(c)[row] = r % 5 ? (int64_t)(r >> 8) % 4 : (int64_t)r >> 20; break;
    }
}

static void fill(struct fixture *f, size_t rows, uint64_t *seed) {
    ec_batch_reset(&f->batch);
    memset(f->failed, 0, sizeof f->failed);
    f->batch.rows = rows;
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < COLUMNS; c++) put(f, c, row, next_random(seed));
}

static void compare(struct fixture *f) {
    struct ec_err err = {0};
    size_t derived = f->source.derive_count / 2, rules = f->source.rule_count / 2;
    if (ec_derive_eval(f->derivation, &f->batch, COLUMNS, f->rule_failed, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(f->batch.faults, 0);
    for (size_t i = 0; i < derived; i++) {
        const struct ec_column *fast = &f->batch.column[COLUMNS + i], *slow = &f->batch.column[COLUMNS + derived + i];
        assert_int_equal(fast->type.type, slow->type.type);
        assert_memory_equal(fast->valid, slow->valid, EC_BATCH_WORDS * sizeof(uint64_t));
        if (memcmp(fast->values, slow->values, f->batch.rows * ec_type_width(fast->type.type)) != 0)
            fail_msg("%s", f->derive[i].expression);
    }
    for (size_t i = 0; i < rules; i++)
        if (memcmp(f->failed[i], f->failed[rules + i], sizeof f->failed[i]) != 0) fail_msg("%s", f->rule[i].text);
}

/* Each as it is and, behind them, in a CASE over a text, which no program knows. */
static void add_both(struct fixture *f, const struct expression *list, size_t count) {
    for (size_t i = 0; i < count; i++) add(f, list[i].text, list[i].rule);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(f->slow[i], sizeof f->slow[i], "CASE WHEN s IS NULL THEN (%s) ELSE (%s) END", list[i].text,
                       list[i].text);
        add(f, f->slow[i], list[i].rule);
    }
}

static enum ec_way way_of(const struct fixture *f, size_t expression) {
    return f->derivation->expression[expression].way;
}

static void programs_give_what_duckdb_gives(void **state) {
    (void)state;
    static struct fixture f;
    f = (struct fixture){0};
    add_both(&f, programs, PROGRAMS);
    prepare(&f);
    size_t derived = 0, rules = 0;
    for (size_t i = 0; i < PROGRAMS; i++) {
        size_t at = programs[i].rule ? f.source.derive_count + rules++ : derived++;
        if (way_of(&f, at) != EC_WAY_NUMBER) fail_msg("%s has no program", programs[i].text);
        size_t half = (programs[i].rule ? f.source.rule_count : f.source.derive_count) / 2;
        assert_int_equal(way_of(&f, at + half), EC_WAY_ROWS);
    }
    uint64_t seed = 1234567;
    for (size_t batch = 0; batch < 30; batch++) {
        fill(&f, batch % 3 ? EC_BATCH_ROWS : 1 + next_random(&seed) % EC_BATCH_ROWS, &seed);
        compare(&f);
    }
    for (size_t i = 0; i < derived; i++) assert_int_equal(way_of(&f, i), EC_WAY_NUMBER);
    finish(&f);
}

static void others_are_duckdbs(void **state) {
    (void)state;
    static struct fixture f;
    f = (struct fixture){0};
    for (size_t i = 0; i < OTHERS; i++) add(&f, others[i].text, false);
    prepare(&f);
    for (size_t i = 0; i < OTHERS; i++)
        if (way_of(&f, i) != EC_WAY_ROWS) fail_msg("%s", others[i].text);
    finish(&f);
}

/* Results that are not finite, and times before 1970: the rest of the derivation's life it is DuckDB's. */
static void what_is_odd_is_left_to_duckdb(void **state) {
    (void)state;
    static const struct expression list[] = {
        {"f * g", false},    {"f + g - g", false}, {"round(f, 15)", false}, {"date_diff('second', t, u)", false},
        {"f * g < 1", true},
    };
    static const size_t count = sizeof list / sizeof *list;
    for (size_t k = 0; k < 2; k++) {
        static struct fixture f;
        f = (struct fixture){0};
        add_both(&f, list, count);
        prepare(&f);
        uint64_t seed = 99;
        for (size_t batch = 0; batch < 4; batch++) {
            fill(&f, EC_BATCH_ROWS - batch, &seed);
            if (batch == 2) {
                ec_column_double(&f.batch.column[F])[700] = k ? -1.7e308 : 1.7e308;
                ec_column_double(&f.batch.column[G])[700] = 1.7e308;
                ec_column_int(&f.batch.column[T])[701] = -1;
                for (size_t c = F; c <= U; c++)
                    for (size_t row = 700; row < 702; row++) ec_bit_set(f.batch.column[c].valid, row);
            }
            compare(&f);
            for (size_t i = 0; i < 4; i++)
                if (i != 1 || k == 0) assert_int_equal(way_of(&f, i), batch < 2 ? EC_WAY_NUMBER : EC_WAY_ROWS);
        }
        assert_int_equal(way_of(&f, 2 * (count - 1)), EC_WAY_ROWS);
        finish(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_give_what_duckdb_gives),
        cmocka_unit_test(others_are_duckdbs),
        cmocka_unit_test(what_is_odd_is_left_to_duckdb),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
