/* Expressions that are not computed for every row: each against the same expression in a form that
 * DuckDB has to compute row by row, on random batches; and which functions hinder it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/coder.h"
#include "sql/derive_private.h"

static struct ec_schema_column columns[] = {
    {.name = "s", .type = {.type = EC_TYPE_STRING}},        {.name = "u", .type = {.type = EC_TYPE_STRING}},
    {.name = "i", .type = {.type = EC_TYPE_INTEGER}},       {.name = "t", .type = {.type = EC_TYPE_DATETIME}},
    {.name = "d", .type = {.type = EC_TYPE_DATE}},          {.name = "f", .type = {.type = EC_TYPE_FLOAT}},
    {.name = "b", .type = {.type = EC_TYPE_BOOLEAN}},       {.name = "m", .type = {EC_TYPE_DECIMAL, 9, 2}},
    {.name = "Odd Name", .type = {.type = EC_TYPE_STRING}},
};
enum { S, U, I, T, D, F, B, M, ODD, COLUMNS };

#define EXPRESSIONS_MAX 64

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

struct fixture {
    struct ec_source source;
    struct ec_derive derive[EXPRESSIONS_MAX];
    struct ec_rule rule[EXPRESSIONS_MAX];
    char name[EXPRESSIONS_MAX][16];
    struct ec_derivation *derivation;
    struct ec_batch batch;
    struct ec_coder *coder;
    uint64_t failed[EXPRESSIONS_MAX][EC_BATCH_WORDS];
    uint64_t *rule_failed[EXPRESSIONS_MAX];
};

static void add_derived(struct fixture *f, const char *expression) {
    size_t n = f->source.derive_count++;
    (void)snprintf(f->name[n], sizeof f->name[n], "x%zu", n);
    f->derive[n] = (struct ec_derive){f->name[n], expression, "pipeline_config.yaml", (uint32_t)n};
}

static void add_rule(struct fixture *f, const char *expression) {
    size_t n = f->source.rule_count++;
    f->rule[n] = (struct ec_rule){.id = "r", .kind = EC_RULE_EXPRESSION, .text = expression, .file = "r", .line = 1};
}

static void prepare(struct fixture *f) {
    struct ec_err err = {0};
    f->source.name = "shop";
    f->source.column = columns;
    f->source.column_count = COLUMNS;
    f->source.derive = f->derive;
    f->source.rule = f->rule;
    if (ec_derive_create(sql, &f->source, &f->derivation, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(ec_batch_init(&f->batch, NULL), EC_OK);
    size_t at;
    for (size_t i = 0; i < COLUMNS; i++)
        assert_int_equal(ec_batch_add_column(&f->batch, columns[i].name, columns[i].type, &at, NULL), EC_OK);
    assert_int_equal(ec_coder_create(&f->batch, &f->coder, NULL), EC_OK);
    for (size_t i = 0; i < f->source.derive_count; i++)
        assert_int_equal(ec_batch_add_column(&f->batch, f->name[i], ec_derive_types(f->derivation)[i], &at, NULL),
                         EC_OK);
    for (size_t i = 0; i < EXPRESSIONS_MAX; i++) f->rule_failed[i] = f->failed[i];
}

/* A task ends, another begins. */
static void new_coder(struct fixture *f) {
    ec_coder_destroy(f->coder);
    assert_int_equal(ec_coder_create(&f->batch, &f->coder, NULL), EC_OK);
}

static void finish(struct fixture *f) {
    ec_derive_destroy(f->derivation);
    ec_coder_destroy(f->coder);
    ec_batch_deinit(&f->batch);
}

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* `values` different texts in s; u is unique. */
static void fill(struct fixture *f, size_t rows, size_t values, uint64_t *seed) {
    static const char *const words[] = {"/checkout", "/cart/", "ads", "facebook_ads", "12", "-7", "", "été"};
    ec_batch_reset(&f->batch);
    memset(f->failed, 0, sizeof f->failed);
    f->batch.rows = rows;
    for (size_t row = 0; row < rows; row++) {
        uint64_t r = next_random(seed), k = (r >> 20) % values;
        char *text[2];
        text[0] = k < 8 ? ec_arena_strdup(&f->batch.scratch, words[k])
                        : ec_arena_printf(&f->batch.scratch, "%s, and more of it: %d", words[k % 8], (int)k);
        text[1] = ec_arena_printf(&f->batch.scratch, "%016llx%s", (unsigned long long)r, words[k % 8]);
        ec_column_text(&f->batch.column[S])[row] = ec_text_of(text[0], strlen(text[0]));
        ec_column_text(&f->batch.column[U])[row] = ec_text_of(text[1], strlen(text[1]));
        ec_column_text(&f->batch.column[ODD])[row] = ec_text_of(text[k % 2], strlen(text[k % 2]));
        ec_column_int(&f->batch.column[I])[row] = (int64_t)(r % 1000) - 500;
        ec_column_int(&f->batch.column[T])[row] =
            (int64_t)(r % UINT64_C(400000000000000000)) - INT64_C(62135596800000000);
        ec_column_days(&f->batch.column[D])[row] = (int32_t)(r % 100000) - 50000;
        ec_column_double(&f->batch.column[F])[row] = (double)(r % 100000) / 100;
        ec_column_bool(&f->batch.column[B])[row] = r & 1;
        ec_column_int(&f->batch.column[M])[row] = (int64_t)(r % 100000);
        for (size_t c = 0; c < COLUMNS; c++)
            if ((r >> (32 + 3 * c)) % 8) ec_bit_set(f->batch.column[c].valid, row);
        for (size_t c = 0; c < COLUMNS; c++) {
            if (ec_bit(f->batch.column[c].valid, row)) continue;
            size_t width = ec_type_width(columns[c].type.type);
            memset((char *)f->batch.column[c].values + row * width, 0, width);
        }
    }
}

static void eval(struct fixture *f, bool coded) {
    struct ec_err err = {0};
    if (coded) ec_coder_run(f->coder, &f->batch);
    if (ec_derive_eval(f->derivation, &f->batch, COLUMNS, f->rule_failed, &err) != EC_OK) fail_msg("%s", err.message);
}

static bool same_cell(const struct ec_column *a, const struct ec_column *b, size_t row) {
    if (ec_bit(a->valid, row) != ec_bit(b->valid, row)) return false;
    if (a->type.type == EC_TYPE_STRING)
        return ec_str_eq(ec_text_str(&ec_column_text(a)[row]), ec_text_str(&ec_column_text(b)[row]));
    size_t width = ec_type_width(a->type.type);
    return memcmp((const char *)a->values + row * width, (const char *)b->values + row * width, width) == 0;
}

/* What the encoder sees of a coded column is what its values are. */
static void check_codes(const struct ec_column *c, size_t rows) {
    if (!c->dictionary) return;
    for (size_t row = 0; row < rows; row++) {
        if (!ec_bit(c->valid, row)) continue;
        assert_true(c->code[row] < c->dictionary->count);
        const struct ec_text *value = (const struct ec_text *)c->dictionary->values + c->code[row];
        assert_true(ec_str_eq(ec_text_str(value), ec_text_str(&ec_column_text(c)[row])));
    }
}

static const struct {
    const char *expression;
    enum ec_way way;
    bool rule;
} cases[] = {
    {"s", EC_WAY_COPY, false},
    {"\"odd name\"", EC_WAY_COPY, false},
    {"shop.I", EC_WAY_COPY, false},
    {"t", EC_WAY_COPY, false},
    {"d", EC_WAY_COPY, false},
    {"f", EC_WAY_COPY, false},
    {"b", EC_WAY_COPY, false},
    {"m", EC_WAY_COPY, false},
    {"CAST(t AS DATE)", EC_WAY_DATE, false},
    {"t::date", EC_WAY_DATE, false},
    {"TRY_CAST(shop.t AS DATE)", EC_WAY_DATE, false},
    {"d::DATE", EC_WAY_COPY, false},
    {"CASE WHEN s LIKE '%/checkout%' THEN 'checkout' WHEN s LIKE '%/cart%' THEN 'cart' ELSE 'other' END", EC_WAY_VALUES,
     false},
    {"CASE WHEN s IS NULL THEN 'unknown, for it is null' WHEN contains(s, 'ads') THEN s END", EC_WAY_VALUES, false},
    {"coalesce(length(s), -1)", EC_WAY_VALUES, false},
    {"TRY_CAST(s AS DOUBLE)", EC_WAY_VALUES, false},
    {"length(s)::DECIMAL(9, 3)", EC_WAY_VALUES, false},
    {"s IN ('ads', '12')", EC_WAY_VALUES, false},
    {"run_date() - length(s)::INTEGER", EC_WAY_VALUES, false},
    {"upper(\"Odd Name\") COLLATE nocase", EC_WAY_VALUES, false},
    {"TIMESTAMP '2025-07-18' + to_seconds(length(s))", EC_WAY_VALUES, false},
    {"s || coalesce(i, 0)", EC_WAY_ROWS, false},
    {"CASE WHEN now() > TIMESTAMPTZ '2020-01-01' THEN s END", EC_WAY_ROWS, false},
    {"42", EC_WAY_ROWS, false},
    {"f * 2.5", EC_WAY_NUMBER, false},
    {"current_date > DATE '2020-01-01'", EC_WAY_ROWS, false},
    {"s <> '12'", EC_WAY_VALUES, true},
    {"length(shop.s) < 10", EC_WAY_VALUES, true},
    {"i > 0", EC_WAY_NUMBER, true},
};
#define CASES (sizeof cases / sizeof *cases)

static char slow_text[CASES][256];

/* Each expression as it is and, behind all of them, in a form that reads a second column. */
static void add_cases(struct fixture *f) {
    for (size_t slow = 0; slow < 2; slow++) {
        for (size_t i = 0; i < CASES; i++) {
            (void)snprintf(slow_text[i], sizeof slow_text[i], "CASE WHEN i = 3 OR f IS NULL THEN (%s) ELSE (%s) END",
                           cases[i].expression, cases[i].expression);
            const char *text = slow ? slow_text[i] : cases[i].expression;
            if (cases[i].rule)
                add_rule(f, text);
            else
                add_derived(f, text);
        }
    }
}

static void compare(const struct fixture *f) {
    size_t derived = f->source.derive_count / 2, rules = f->source.rule_count / 2;
    for (size_t i = 0; i < derived; i++) {
        const struct ec_column *fast = &f->batch.column[COLUMNS + i], *slow = &f->batch.column[COLUMNS + derived + i];
        assert_int_equal(fast->type.type, slow->type.type);
        check_codes(fast, f->batch.rows);
        for (size_t row = 0; row < f->batch.rows; row++)
            if (!same_cell(fast, slow, row)) fail_msg("row %zu: %s", row, f->derive[i].expression);
    }
    for (size_t i = 0; i < rules; i++) assert_memory_equal(f->failed[i], f->failed[rules + i], sizeof f->failed[i]);
}

static void every_way_gives_what_duckdb_gives(void **state) {
    (void)state;
    static struct fixture f;
    f = (struct fixture){0};
    add_cases(&f);
    prepare(&f);
    size_t derived = 0, rules = 0;
    for (size_t i = 0; i < CASES; i++) {
        size_t at = cases[i].rule ? f.source.derive_count + rules++ : derived++;
        if (f.derivation->expression[at].way != cases[i].way) fail_msg("%s", cases[i].expression);
        size_t slow = at + (cases[i].rule ? f.source.rule_count : f.source.derive_count) / 2;
        assert_int_equal(f.derivation->expression[slow].way, EC_WAY_ROWS);
    }
    uint64_t seed = 2025;
    for (size_t batch = 0; batch < 12; batch++) {
        if (batch % 4 == 3) new_coder(&f);
        fill(&f, batch % 3 ? EC_BATCH_ROWS : 1 + next_random(&seed) % EC_BATCH_ROWS, batch < 4 ? 8 : 40 * batch, &seed);
        /* The odd column is no longer coded after some batches; nothing is, in the last. */
        eval(&f, batch < 11);
        compare(&f);
        assert_int_equal(f.batch.faults, 0);
        assert_int_equal(f.derivation->values[0].given_up, batch == 11);
    }
    assert_true(f.derivation->values[1].given_up);
    finish(&f);
}

static void a_lexicon_that_is_full_begins_anew(void **state) {
    (void)state;
    static struct fixture f;
    f = (struct fixture){0};
    add_derived(&f, "'<' || s || '>'");
    add_rule(&f, "length(s) % 2 = 0");
    add_derived(&f, "CASE WHEN i IS NULL THEN '<' || s || '>' ELSE '<' || s || '>' END");
    add_rule(&f, "CASE WHEN i IS NULL THEN length(s) % 2 = 0 ELSE length(s) % 2 = 0 END");
    prepare(&f);
    uint64_t seed = 5, id = 0;
    size_t changes = 0;
    for (size_t task = 0; task < 6; task++) {
        new_coder(&f);
        for (size_t batch = 0; batch < 4; batch++) {
            fill(&f, EC_BATCH_ROWS, 800, &seed);
            for (size_t row = 0; row < EC_BATCH_ROWS; row++) { /* texts of this task's own */
                struct ec_str s = ec_text_str(&ec_column_text(&f.batch.column[S])[row]);
                char *own = ec_arena_printf(&f.batch.scratch, "%d%.*s", (int)task, (int)s.n, s.p);
                if (ec_bit(f.batch.column[S].valid, row))
                    ec_column_text(&f.batch.column[S])[row] = ec_text_of(own, strlen(own));
            }
            eval(&f, true);
            compare(&f);
            assert_false(f.derivation->values[0].given_up);
            changes += f.batch.column[COLUMNS].dictionary->id != id;
            id = f.batch.column[COLUMNS].dictionary->id;
        }
    }
    assert_true(changes > 1);
    finish(&f);
}

/* A value that cannot be computed costs the rows that have it, and no others; also in later batches. */
static void a_value_that_fails_costs_its_rows(void **state) {
    (void)state;
    static struct fixture f;
    f = (struct fixture){0};
    add_derived(&f, "CAST(CASE WHEN contains(s, ':') THEN 'x' ELSE '1' END AS INTEGER)");
    add_derived(&f, "t");
    add_rule(&f, "s <> 'ads'");
    prepare(&f);
    uint64_t seed = 77;
    for (size_t batch = 0; batch < 4; batch++) {
        fill(&f, EC_BATCH_ROWS, batch == 1 ? 9 : 8, &seed);
        eval(&f, true);
        size_t bad = 0;
        for (size_t row = 0; row < EC_BATCH_ROWS; row++) {
            struct ec_str s = ec_text_str(&ec_column_text(&f.batch.column[S])[row]);
            bool fails = ec_bit(f.batch.column[S].valid, row) && s.n && memchr(s.p, ':', s.n);
            bad += fails;
            assert_int_equal(ec_bit(f.batch.rejected, row), fails);
            assert_int_equal(ec_bit(f.batch.column[COLUMNS].valid, row), !fails);
            assert_true(same_cell(&f.batch.column[T], &f.batch.column[COLUMNS + 1], row));
            assert_int_equal(ec_bit(f.failed[0], row), ec_str_is(s, "ads"));
        }
        assert_int_equal(f.batch.faults, bad);
        assert_int_equal(bad > 0, batch == 1);
    }
    finish(&f);
}

/* Columns without a single value, and batches of one row. */
static void nulls_alone(void **state) {
    (void)state;
    static struct fixture f;
    f = (struct fixture){0};
    add_derived(&f, "coalesce(s, 'a text for nothing')");
    add_derived(&f, "s");
    prepare(&f);
    uint64_t seed = 1;
    fill(&f, 1, 8, &seed);
    memset(f.batch.column[S].valid, 0, 8);
    memset(f.batch.column[S].values, 0, sizeof(struct ec_text));
    eval(&f, true);
    assert_string_equal(ec_batch_cell_text(&f.batch, COLUMNS, 0).p, "a text for nothing");
    assert_false(ec_bit(f.batch.column[COLUMNS + 1].valid, 0));
    finish(&f);
}

/* DuckDB's own list of functions that give another result in another query. */
static void functions_of_clock_and_session_are_known(void **state) {
    (void)state;
    struct ec_sql_rows *rows = NULL;
    struct ec_batch *batch;
    struct ec_err err = {0};
    static const char query[] =
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability = 'CONSISTENT_WITHIN_QUERY'"
        " OR (function_type = 'macro' AND regexp_matches(macro_definition, "
        "'\\b(now|today|current_\\w+|get_current_\\w+|transaction_timestamp|txid_current|localtime\\w*)\\b', 'i'))";
    if (ec_sql_query(sql, query, &rows, &err) != EC_OK) fail_msg("%s", err.message);
    size_t count = 0;
    do {
        assert_int_equal(ec_sql_next(rows, &batch, &err), EC_OK);
        for (size_t row = 0; row < batch->rows; row++) {
            const char *name = ec_batch_cell_text(batch, 0, row).p;
            if (ec_derive_function_is_pure(name)) fail_msg("%s", name);
            count++;
        }
    } while (batch->rows > 0);
    ec_sql_rows_close(rows);
    assert_true(count > 10);
    assert_false(ec_derive_function_is_pure("AGE"));
    assert_true(ec_derive_function_is_pure("contains"));
    assert_true(ec_derive_function_is_pure("run_date"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_what_duckdb_gives),
        cmocka_unit_test(a_lexicon_that_is_full_begins_anew),
        cmocka_unit_test(a_value_that_fails_costs_its_rows),
        cmocka_unit_test(nulls_alone),
        cmocka_unit_test(functions_of_clock_and_session_are_known),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
