/* Facts: sketches within their error, exact merges, and JSON that reads back as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/facts.h"
#include "base/hash.h"

#include <math.h>

static void distinct_stays_within_its_error(void **state) {
    (void)state;
    static const uint64_t counts[] = {0, 1, 2, 10, 100, 1000, 3000, 5000, 100000, 1000000};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        uint8_t hll[EC_HLL_SIZE] = {0};
        for (uint64_t i = 0; i < counts[k]; i++) {
            uint64_t value = i * 7919 + k;
            ec_facts_distinct_add(hll, ec_hash64(&value, sizeof value));
            ec_facts_distinct_add(hll, ec_hash64(&value, sizeof value)); /* repeats change nothing */
        }
        double error = fabs((double)ec_facts_distinct(hll) - (double)counts[k]);
        assert_true(error <= 0.5 + 0.10 * (double)counts[k]); /* three standard errors */
        if (counts[k] <= 10) assert_int_equal(ec_facts_distinct(hll), counts[k]);
    }
    uint8_t full[EC_HLL_SIZE];
    memset(full, 55, sizeof full);
    assert_true(ec_facts_distinct(full) > UINT64_C(1) << 60);
}

static void add_top(struct ec_top *top, const char *text) { ec_facts_top_add(top, ec_hash64(text, strlen(text)), text, strlen(text), 1); }

static void assert_top(const struct ec_top *top, const char *text, uint64_t count) {
    assert_int_equal(top->n, strlen(text));
    assert_memory_equal(top->text, text, top->n);
    assert_int_equal(top->count, count);
}

static void top_values_are_exact_while_they_fit(void **state) {
    (void)state;
    struct ec_top top[EC_TOP_SLOTS] = {0};
    for (int i = 0; i < 30; i++) {
        add_top(top, "rare");
        for (int k = 0; k < 3; k++) add_top(top, "often");
        if (i % 2) add_top(top, "also rare");
    }
    ec_facts_top_sort(top);
    assert_top(&top[0], "often", 90);
    assert_top(&top[1], "rare", 30);
    assert_top(&top[2], "also rare", 15);
    assert_int_equal(top[3].count, 0);
}

static void a_frequent_value_survives_a_flood(void **state) {
    (void)state;
    struct ec_top top[EC_TOP_SLOTS] = {0};
    char text[32];
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "one of many %d", i);
        add_top(top, text);
        if (i % 4 == 0) add_top(top, "frequent");
    }
    ec_facts_top_sort(top);
    assert_memory_equal(top[0].text, "frequent", 8);
    assert_true(top[0].count >= 1250); /* an upper bound of the truth */
}

static void long_texts_are_cut_at_a_character(void **state) {
    (void)state;
    struct ec_top top[EC_TOP_SLOTS] = {0};
    char text[80];
    memset(text, 'x', 59);
    memcpy(text + 59, "\xC3\xA9", 3);
    add_top(top, text);
    assert_int_equal(top[0].n, 59);
    ec_facts_top_add(top, 1, "a\0b", 3, 1);
    assert_int_equal(top[1].n, 1);
}

/* Facts as the gate leaves them, of rows `from` to `to`: every third price is missing, row 7 is
 * of the wrong type, every fifth row breaks a rule. */
static void measure(struct ec_facts *f, uint64_t from, uint64_t to, bool note) {
    ec_facts_init(f);
    struct ec_arena *a = &f->arena;
    f->column_count = note ? 3 : 2;
    f->column = ec_arena_calloc(a, f->column_count, sizeof *f->column);
    static const char *const names[] = {"id", "price", "note"};
    static const enum ec_type types[] = {EC_TYPE_INTEGER, EC_TYPE_FLOAT, EC_TYPE_STRING};
    for (size_t i = 0; i < f->column_count; i++) {
        struct ec_column_facts *c = &f->column[i];
        *c = (struct ec_column_facts){.name = names[i], .type = {.type = types[i]}, .declared = i < 2};
        c->hll = ec_arena_calloc(a, EC_HLL_SIZE, 1);
        if (i == 2) c->top = ec_arena_calloc(a, EC_TOP_SLOTS, sizeof *c->top);
    }
    f->check_count = 1;
    f->check = ec_arena_calloc(a, 1, sizeof *f->check);
    f->check[0] = (struct ec_check_facts){.id = "price.min_value", .rule = "min_value", .column = "price",
        .dimension = "validity", .severity = "error", .action = "quarantine", .max_failed = 0.25};
    for (uint64_t row = from; row < to; row++) {
        f->read++;
        f->sound++;
        f->cells += 2;
        struct ec_column_facts *id = &f->column[0], *price = &f->column[1];
        int64_t value = (int64_t)row - 50;
        id->values++;
        id->present = true;
        if (!id->bounded || value < id->min_i) id->min_i = value;
        if (!id->bounded || value > id->max_i) id->max_i = value;
        id->bounded = true;
        id->sum += (double)value;
        ec_facts_distinct_add(id->hll, ec_hash64(&value, sizeof value));
        if (row % 3 == 0) {
            price->nulls++;
            f->cells_missing++;
        } else {
            double d = (double)row * 0.25; /* exact in binary, so that sums are */
            price->values++;
            price->present = true;
            if (!price->bounded || d < price->min_d) price->min_d = d;
            if (!price->bounded || d > price->max_d) price->max_d = d;
            price->bounded = true;
            price->sum += d;
            ec_facts_distinct_add(price->hll, ec_hash64(&d, sizeof d));
        }
        if (note) {
            f->column[2].values++;
            f->column[2].present = true;
            add_top(f->column[2].top, row % 2 ? "odd" : "even");
            uint64_t hash = ec_hash64(row % 2 ? "odd" : "even", row % 2 ? 3 : 4);
            ec_facts_distinct_add(f->column[2].hll, hash);
        }
        f->check[0].evaluated++;
        if (row % 5 == 0) {
            f->check[0].failed++;
            if (f->check[0].sample_count < EC_SAMPLES_MAX)
                f->check[0].sample[f->check[0].sample_count++] =
                    (struct ec_sample){.line = row + 2,
                                       .value = ec_arena_printf(a, "-%llu", (unsigned long long)row),
                                       .excerpt = {.text = ec_arena_printf(a, "x,-%llu", (unsigned long long)row),
                                                   .cell = {2, 2},
                                                   .cell_known = true,
                                                   .cut_after = row % 2,
                                                   .column = 3}};
            f->quarantined++;
            f->rows_invalid++;
            f->by_reason[EC_REASON_RULE]++;
        } else {
            f->accepted++;
        }
        f->newest_known = true;
        f->newest_us = (int64_t)row;
        f->money_known = true;
        f->money_e4 -= (int64_t)row;
        f->bytes_in += 10;
        f->bytes_decoded += 100;
        f->elapsed_us += 3;
    }
    f->encoding = "utf-8";
    f->layout = "csv";
}

static void to_json(const struct ec_facts *f, struct ec_buf *out) {
    ec_buf_clear(out);
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_facts_write(&w, NULL, f);
    assert_int_equal(ec_buf_check(out, NULL), EC_OK);
}

static void assert_same(struct ec_facts *a, struct ec_facts *b) {
    struct ec_buf x = ec_buf_make(EC_MIB), y = ec_buf_make(EC_MIB);
    for (size_t i = 0; i < a->column_count; i++)
        if (a->column[i].top) ec_facts_top_sort(a->column[i].top);
    for (size_t i = 0; i < b->column_count; i++)
        if (b->column[i].top) ec_facts_top_sort(b->column[i].top);
    to_json(a, &x);
    to_json(b, &y);
    assert_string_equal(x.p, y.p);
    ec_buf_free(&x);
    ec_buf_free(&y);
}

static void any_split_merges_to_the_whole(void **state) {
    (void)state;
    static const uint64_t cuts[] = {0, 1, 4, 50, 99, 100};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct ec_facts whole, left, right, sum;
        measure(&whole, 0, 100, true);
        measure(&left, 0, cuts[i], true);
        measure(&right, cuts[i], 100, true);
        ec_facts_init(&sum);
        assert_int_equal(ec_facts_merge(&sum, &left, NULL), EC_OK);
        assert_int_equal(ec_facts_merge(&sum, &right, NULL), EC_OK);
        assert_same(&sum, &whole);
        ec_facts_deinit(&sum);
        /* The other way round: samples still stand in order of line. */
        ec_facts_init(&sum);
        assert_int_equal(ec_facts_merge(&sum, &right, NULL), EC_OK);
        assert_int_equal(ec_facts_merge(&sum, &left, NULL), EC_OK);
        assert_same(&sum, &whole);
        ec_facts_deinit(&sum);
        ec_facts_deinit(&whole);
        ec_facts_deinit(&left);
        ec_facts_deinit(&right);
    }
}

static void a_column_of_one_range_is_null_in_the_others(void **state) {
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct ec_facts with, without;
        measure(&with, 0, 40, true);
        measure(&without, 40, 100, false);
        struct ec_facts *sum = first ? &with : &without;
        assert_int_equal(ec_facts_merge(sum, first ? &without : &with, NULL), EC_OK);
        assert_int_equal(sum->column_count, 3);
        assert_string_equal(sum->column[2].name, "note");
        assert_int_equal(sum->column[2].values, 40);
        assert_int_equal(sum->column[2].nulls, 60);
        assert_int_equal(ec_facts_distinct(sum->column[2].hll), 2);
        ec_facts_top_sort(sum->column[2].top);
        assert_top(&sum->column[2].top[0], "even", 20);
        ec_facts_deinit(&with);
        ec_facts_deinit(&without);
    }
}

static void facts_of_another_type_do_not_merge(void **state) {
    (void)state;
    struct ec_facts a, b;
    measure(&a, 0, 10, false);
    measure(&b, 0, 10, false);
    b.column[0].type.type = EC_TYPE_DATE;
    struct ec_err err = {0};
    assert_int_equal(ec_facts_merge(&a, &b, &err), EC_PROTOCOL);
    assert_non_null(strstr(err.message, "column id"));
    ec_facts_deinit(&a);
    ec_facts_deinit(&b);
}

static enum ec_status parse(const char *text, struct ec_facts *f, struct ec_err *err) {
    json_t *doc = json_loads(text, 0, NULL);
    assert_non_null(doc);
    enum ec_status status = ec_facts_read(doc, f, err);
    json_decref(doc);
    return status;
}

static void json_reads_back_exactly(void **state) {
    (void)state;
    struct ec_facts f, back;
    measure(&f, 0, 1000, true);
    f.rejected = true;
    f.column[1].min_d = -0.0;
    f.column[1].max_d = (double)INFINITY;
    f.column[1].sum = 0.1 + 0.2;
    f.column[0].min_i = INT64_MIN;
    f.column[0].max_i = INT64_MAX;
    f.column[2].type = (struct ec_column_type){EC_TYPE_DECIMAL, 12, 2};
    f.check[0].sample[0].value = "</script>\n\xE2\x80\xA8 \"quoted\"";
    f.compression = "zip+gzip";
    struct ec_buf text = ec_buf_make(EC_MIB), again = ec_buf_make(EC_MIB);
    to_json(&f, &text);
    assert_int_equal(parse(text.p, &back, NULL), EC_OK);
    to_json(&back, &again);
    assert_string_equal(text.p, again.p);
    assert_true(signbit(back.column[1].min_d));
    assert_true(isinf(back.column[1].max_d));
    assert_true(back.column[1].sum == 0.1 + 0.2);
    assert_true(back.column[0].min_i == INT64_MIN);
    assert_true(back.check[0].max_failed == 0.25);
    assert_int_equal(back.column[2].type.scale, 2);
    assert_string_equal(back.check[0].sample[0].value, f.check[0].sample[0].value);
    assert_string_equal(back.check[0].sample[0].excerpt.text, f.check[0].sample[0].excerpt.text);
    assert_int_equal(back.check[0].sample[0].excerpt.column, f.check[0].sample[0].excerpt.column);
    for (size_t i = 0; i < 3; i++) assert_memory_equal(back.column[i].hll, f.column[i].hll, EC_HLL_SIZE);
    for (size_t i = 0; i < 2; i++) assert_int_equal(back.column[2].top[i].hash, f.column[2].top[i].hash);
    assert_int_equal(back.newest_us, 999);
    assert_true(back.money_known && back.money_e4 == -999 * 1000 / 2);
    ec_facts_deinit(&f);
    ec_facts_deinit(&back);
    ec_buf_free(&text);
    ec_buf_free(&again);
}

static void a_sketch_of_few_values_is_short(void **state) {
    (void)state;
    struct ec_facts f;
    measure(&f, 0, 0, false);
    struct ec_buf text = ec_buf_make(EC_MIB);
    to_json(&f, &text);
    assert_null(strstr(text.p, "hll"));
    assert_null(strstr(text.p, "newest_us"));
    size_t empty = text.n;
    f.column[0].hll[0] = 55;
    f.column[0].hll[EC_HLL_SIZE - 1] = 1;
    to_json(&f, &text);
    assert_true(text.n < empty + 20);
    struct ec_facts back;
    assert_int_equal(parse(text.p, &back, NULL), EC_OK);
    assert_memory_equal(back.column[0].hll, f.column[0].hll, EC_HLL_SIZE);
    ec_facts_deinit(&back);
    ec_facts_deinit(&f);
    ec_buf_free(&text);
}

/* Every damage names the field that is wrong. */
static void damaged_json_is_refused(void **state) {
    (void)state;
    struct ec_facts f;
    measure(&f, 0, 10, true);
    struct ec_buf text = ec_buf_make(EC_MIB);
    to_json(&f, &text);
    static const struct { const char *path, *with, *named; } damage[] = {
        {"read", "-1", "\"read\""},           {"accepted", "\"1\"", "\"accepted\""},
        {"by_reason", "[]", "\"by_reason\""}, {"columns", "{}", "\"columns\""},
        {"rejected", "0", "\"rejected\""},    {"checks", "[7]", "check"},
        {"columns", "[{\"name\":\"x\",\"type\":\"uuid\"}]", "\"type\""},
        {"columns", "[{\"name\":\"x\",\"type\":\"date\",\"declared\":true,\"present\":true,\"nulls\":0,\"values\":0,"
                    "\"hll\":\".zz\"}]", "\"hll\""},
        {"columns", "[{\"name\":\"x\",\"type\":\"date\",\"declared\":true,\"present\":true,\"nulls\":0,\"values\":0,"
                    "\"top\":[[\"a\",0,1]]}]", "\"top\""},
        {"columns", "[{\"name\":\"x\",\"type\":\"decimal\",\"precision\":19,\"scale\":0}]", "\"scale\""},
        {"columns", "[{\"name\":\"x\",\"type\":\"decimal\",\"precision\":9,\"scale\":10}]", "\"scale\""},
    };
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        json_t *doc = json_loads(text.p, 0, NULL);
        json_t *with = json_loads(damage[i].with, JSON_DECODE_ANY, NULL);
        assert_non_null(with);
        assert_int_equal(json_object_set_new(doc, damage[i].path, with), 0);
        struct ec_facts back;
        struct ec_err err = {0};
        assert_int_equal(ec_facts_read(doc, &back, &err), EC_PROTOCOL);
        assert_non_null(strstr(err.message, damage[i].named));
        json_decref(doc);
    }
    ec_facts_deinit(&f);
    assert_int_equal(ec_facts_read(NULL, &f, NULL), EC_PROTOCOL);
    ec_buf_free(&text);
}

/* A worker's answer may be no longer than what a worker can have found. */
static void more_than_there_can_be_is_refused(void **state) {
    (void)state;
    struct ec_facts f, back;
    struct ec_err err = {0};
    struct ec_buf text = ec_buf_make(EC_MIB);
    measure(&f, 0, 10, true);
    to_json(&f, &text);
    json_t *doc = json_loads(text.p, 0, NULL), *columns = json_array();
    for (size_t i = 0; i <= EC_COLUMNS_MAX + EC_UNDECLARED_MAX; i++) (void)json_array_append_new(columns, json_object());
    (void)json_object_set_new(doc, "columns", columns);
    assert_int_equal(ec_facts_read(doc, &back, &err), EC_PROTOCOL);
    assert_non_null(strstr(err.message, "\"columns\" is not within the limit"));
    json_decref(doc);
    doc = json_loads(text.p, 0, NULL);
    json_t *samples = json_array();
    for (size_t i = 0; i <= EC_SAMPLES_MAX; i++) (void)json_array_append_new(samples, json_pack("[is]", 1, "x"));
    (void)json_object_set_new(json_array_get(json_object_get(doc, "checks"), 0), "samples", samples);
    err = (struct ec_err){0};
    assert_int_equal(ec_facts_read(doc, &back, &err), EC_PROTOCOL);
    assert_non_null(strstr(err.message, "a list of at most 5 samples"));
    json_decref(doc);
    ec_facts_deinit(&f);
    ec_buf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distinct_stays_within_its_error),
        cmocka_unit_test(top_values_are_exact_while_they_fit),
        cmocka_unit_test(a_frequent_value_survives_a_flood),
        cmocka_unit_test(long_texts_are_cut_at_a_character),
        cmocka_unit_test(any_split_merges_to_the_whole),
        cmocka_unit_test(a_column_of_one_range_is_null_in_the_others),
        cmocka_unit_test(facts_of_another_type_do_not_merge),
        cmocka_unit_test(json_reads_back_exactly),
        cmocka_unit_test(a_sketch_of_few_values_is_short),
        cmocka_unit_test(damaged_json_is_refused),
        cmocka_unit_test(more_than_there_can_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
