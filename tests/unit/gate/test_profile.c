#include "kit.h"

#include "base/calendar.h"
#include "base/coder.h"
#include "base/hash.h"
#include "gate/gate.h"

#include <math.h>

static void count(struct kit *k, struct ec_gate *gate) {
    assert_int_equal(ec_gate_check(gate, &k->batch, NULL, NULL), EC_OK);
    assert_int_equal(ec_gate_count(gate, &k->batch, NULL), EC_OK);
}

static struct ec_gate *gate_of(struct kit *k, size_t own_first, size_t own_count) {
    struct ec_gate *gate = NULL;
    assert_int_equal(ec_gate_create(&k->source, &k->batch, own_first, own_count, &gate, NULL), EC_OK);
    return gate;
}

/* Behind the file's columns come the derived ones, where a row came from, and what the file adds later. */
static void derived_columns_have_a_profile(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t n = kit_column(&k, "n", KIT_TYPE(INTEGER)), twice, line, late;
    struct ec_derive derive = {.name = "twice", .expression = "2 * n"};
    k.source.derive = &derive;
    k.source.derive_count = 1;
    assert_int_equal(ec_batch_add_column(&k.batch, "twice", KIT_TYPE(INTEGER), &twice, NULL), EC_OK);
    assert_int_equal(ec_batch_add_column(&k.batch, "_line", KIT_TYPE(INTEGER), &line, NULL), EC_OK);
    struct ec_gate *gate = gate_of(&k, 1, 2);
    for (int batch = 0; batch < 2; batch++) {
        ec_batch_reset(&k.batch);
        if (batch == 1) assert_int_equal(ec_batch_add_column(&k.batch, "late", KIT_TYPE(STRING), &late, NULL), EC_OK);
        for (int i = 1; i <= 5; i++) {
            size_t row = kit_row(&k);
            char text[16];
            (void)snprintf(text, sizeof text, "%d", i);
            kit_set(&k, n, row, text);
            (void)snprintf(text, sizeof text, "%d", 2 * i);
            if (i != 3) kit_set(&k, twice, row, text);
            kit_set(&k, line, row, "77");
            if (batch == 1) kit_set(&k, late, row, "x");
        }
        count(&k, gate);
    }
    const struct ec_facts *f = ec_gate_facts(gate);
    assert_int_equal(f->column_count, 3);
    assert_string_equal(f->column[1].name, "twice");
    assert_true(f->column[1].derived && !f->column[1].declared && f->column[1].present);
    assert_true(f->column[1].values == 8 && f->column[1].nulls == 2 && f->column[1].min_i == 2 && f->column[1].max_i == 10);
    assert_true(f->column[1].sum == 48 && ec_facts_distinct(f->column[1].hll) == 4);
    assert_string_equal(f->column[2].name, "late");
    assert_true(!f->column[2].derived && !f->column[2].declared && f->column[2].values == 5 && f->column[2].nulls == 5);
    assert_true(f->column[0].declared && !f->column[0].derived && f->column[0].values == 10);
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

static void bounds_sums_and_distinct_values(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t n = kit_column(&k, "n", KIT_TYPE(INTEGER)), d = kit_column(&k, "d", KIT_TYPE(FLOAT));
    size_t day = kit_column(&k, "day", KIT_TYPE(DATE)), when = kit_column(&k, "when", KIT_TYPE(DATETIME));
    size_t money = kit_column(&k, "money", KIT_DECIMAL(10, 2)), flag = kit_column(&k, "flag", KIT_TYPE(BOOLEAN));
    (void)kit_column(&k, "never", KIT_TYPE(STRING));
    k.source.freshness_column = "when";
    struct ec_gate *gate = gate_of(&k, 7, 0);
    for (int64_t batch = 0; batch < 2; batch++) {
        ec_batch_reset(&k.batch);
        for (int64_t i = 0; i < 64; i++) {
            size_t row = kit_row(&k);
            if (i == 63) continue; /* all null */
            char text[32];
            (void)snprintf(text, sizeof text, "%d", (int)(batch * 63 + i) - 10);
            kit_set(&k, n, row, text);
            kit_set(&k, d, row, text);
            kit_set(&k, money, row, text);
            kit_set(&k, day, row, batch ? "2025-07-19" : "2025-07-18");
            kit_set(&k, when, row, batch ? "2025-07-19T10:00:00Z" : "2025-07-20T10:00:00Z");
            kit_set(&k, flag, row, i % 3 ? "true" : "false");
        }
        count(&k, gate);
    }
    const struct ec_facts *f = ec_gate_facts(gate);
    assert_int_equal(f->column_count, 7);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(f->column[i].values, 126);
        assert_int_equal(f->column[i].nulls, 2);
        assert_true(f->column[i].present && f->column[i].declared && f->column[i].bounded);
    }
    assert_int_equal(f->column[n].min_i, -10);
    assert_int_equal(f->column[n].max_i, 115);
    assert_float_equal(f->column[n].sum, (115 - 10) * 126 / 2.0, 1e-9);
    assert_float_equal(f->column[d].min_d, -10, 0);
    assert_float_equal(f->column[d].max_d, 115, 0);
    assert_int_equal(f->column[money].max_i, 11500);
    assert_int_equal(f->column[day].max_i - f->column[day].min_i, 1);
    assert_int_equal(f->column[flag].min_i, 0);
    assert_float_equal(f->column[flag].sum, 84, 0);
    assert_in_range(ec_facts_distinct(f->column[n].hll), 120, 132);
    assert_int_equal(ec_facts_distinct(f->column[day].hll), 2);
    assert_false(f->column[6].present || f->column[6].bounded);
    assert_int_equal(f->column[6].nulls, 128);
    ec_gate_present(gate, (const bool[]){true, true, true, true, true, true, false});
    assert_int_equal(f->cells, 128 * 7);
    assert_int_equal(f->cells_missing, 2 * 6 + 128);
    /* What an optional column that the file lacks does not hold is not missing. */
    k.column[6].required = false;
    ec_gate_present(gate, (const bool[]){true, true, true, true, true, true, false});
    assert_int_equal(f->cells, 128 * 6);
    assert_int_equal(f->cells_missing, 2 * 6);
    int64_t newest;
    assert_true(ec_datetime_parse("2025-07-20T10:00:00Z", 20, &newest));
    assert_true(f->newest_known);
    assert_int_equal(f->newest_us, newest);
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

static void the_most_frequent_values(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t few = kit_column(&k, "few", KIT_TYPE(STRING)), many = kit_column(&k, "many", KIT_TYPE(STRING));
    size_t flag = kit_column(&k, "flag", KIT_TYPE(BOOLEAN));
    struct ec_gate *gate = gate_of(&k, 3, 0);
    static char text[2048][16];
    for (size_t i = 0; i < 2048; i++) {
        size_t row = kit_row(&k);
        (void)snprintf(text[i], sizeof text[i], "v%zu", i);
        kit_set(&k, few, row, i % 4 == 0 ? "often" : i % 4 == 1 ? "a value longer than inline" : "sometimes");
        kit_set(&k, many, row, text[i]);
        kit_set(&k, flag, row, i % 4 ? "yes" : "no");
    }
    count(&k, gate);
    struct ec_facts *f = ec_gate_facts(gate);
    ec_facts_top_sort(f->column[few].top);
    assert_int_equal(f->column[few].top[0].count, 1024);
    assert_memory_equal(f->column[few].top[0].text, "sometimes", 9);
    assert_int_equal(f->column[few].top[1].count, 512);
    assert_null(f->column[many].top); /* nearly all distinct: the most frequent say nothing */
    assert_in_range(ec_facts_distinct(f->column[many].hll), 1900, 2200);
    ec_facts_top_sort(f->column[flag].top);
    assert_int_equal(f->column[flag].top[0].count, 1536);
    assert_memory_equal(f->column[flag].top[0].text, "true", 4);
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

/* A column that a later batch brings was null in the rows before; damaged records have no cells.
 * Our own columns stand between, and are not profiled. */
static void a_late_column_was_null_before(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    size_t n = kit_column(&k, "n", KIT_TYPE(INTEGER)), own, late;
    assert_int_equal(ec_batch_add_column(&k.batch, "_file", KIT_TYPE(STRING), &own, NULL), EC_OK);
    struct ec_gate *gate = gate_of(&k, 1, 1);
    for (size_t i = 0; i < 10; i++) {
        size_t row = kit_row(&k);
        kit_set(&k, n, row, i < 3 ? NULL : "1");
        if (i < 3) kit_fault(&k, row, EC_NO_COLUMN, EC_REASON_PARSE, "");
    }
    count(&k, gate);
    ec_batch_reset(&k.batch);
    assert_int_equal(ec_batch_add_column(&k.batch, "late", KIT_TYPE(STRING), &late, NULL), EC_OK);
    for (size_t i = 0; i < 5; i++) {
        size_t row = kit_row(&k);
        kit_set(&k, n, row, "1");
        kit_set(&k, late, row, i == 0 ? NULL : "x");
        kit_set(&k, own, row, "file");
    }
    count(&k, gate);
    const struct ec_facts *f = ec_gate_facts(gate);
    assert_int_equal(f->column_count, 2);
    assert_string_equal(f->column[1].name, "late");
    assert_false(f->column[1].declared);
    assert_int_equal(f->column[1].values, 4);
    assert_int_equal(f->column[1].nulls, 7 + 1);
    assert_int_equal(f->column[0].nulls + f->column[0].values, f->column[1].nulls + f->column[1].values);
    ec_gate_present(gate, (const bool[]){true});
    assert_int_equal(f->cells, 12); /* of declared columns alone */
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

/* The facts of the same random batches, coded and not. Few values, more than there are slots for the
 * most frequent, and so many that the column is not coded to the end. */
static struct ec_facts *profile_random(struct kit *k, struct ec_gate **gate, struct ec_coder *coder) {
    static char text[EC_BATCH_ROWS][3][32];
    uint64_t seed = 99;
    *gate = gate_of(k, k->source.column_count, 0);
    for (size_t batch = 0; batch < 5; batch++) {
        ec_batch_reset(&k->batch);
        for (size_t row = 0; row < EC_BATCH_ROWS - batch; row++) {
            (void)kit_row(k);
            for (size_t c = 0; c < 3; c++) {
                static const uint64_t values[] = {7, 300, 30000};
                uint64_t r = kit_random(&seed), value = (r >> 8) % values[c] * ((r >> 40) % values[c]) / values[c];
                if (batch < 2) value %= 40;
                (void)snprintf(text[row][c], sizeof text[row][c], value % 2 ? "%d" : "a longer text than %d",
                               (int)value);
                if (r % 11) kit_set(k, c, row, text[row][c]);
            }
            if (row % 97 == 5) kit_fault(k, row, EC_NO_COLUMN, EC_REASON_PARSE, "");
        }
        if (coder) ec_coder_run(coder, &k->batch);
        if (coder && batch % 4 == 0) assert_int_equal(k->batch.column[2].dictionary != NULL, batch == 0);
        count(k, *gate);
    }
    return ec_gate_facts(*gate);
}

static void codes_change_no_fact(void **state) {
    (void)state;
    struct kit k[2];
    struct ec_gate *gate[2];
    struct ec_coder *coder;
    struct ec_facts *f[2];
    for (size_t i = 0; i < 2; i++) {
        kit_init(&k[i]);
        for (size_t c = 0; c < 3; c++) (void)kit_column(&k[i], "c", KIT_TYPE(STRING));
    }
    assert_int_equal(ec_coder_create(&k[1].batch, &coder, NULL), EC_OK);
    f[0] = profile_random(&k[0], &gate[0], NULL);
    f[1] = profile_random(&k[1], &gate[1], coder);
    for (size_t c = 0; c < 3; c++) {
        const struct ec_column_facts *a = &f[0]->column[c], *b = &f[1]->column[c];
        assert_int_equal(a->values, b->values);
        assert_int_equal(a->nulls, b->nulls);
        assert_memory_equal(a->hll, b->hll, EC_HLL_SIZE);
        assert_int_equal(a->top != NULL, b->top != NULL);
    }
    ec_facts_top_sort(f[0]->column[0].top);
    ec_facts_top_sort(f[1]->column[0].top);
    assert_memory_equal(f[0]->column[0].top, f[1]->column[0].top, EC_TOP_SLOTS * sizeof(struct ec_top));
    /* Past EC_TOP_SLOTS values the counts of codes are exact; one by one they are bounds from above. */
    ec_facts_top_sort(f[1]->column[1].top);
    for (size_t i = 0; i < EC_TOP_SLOTS; i++) {
        const struct ec_top *exact = &f[1]->column[1].top[i];
        assert_true(exact->count > 0);
        for (size_t s = 0; s < EC_TOP_SLOTS; s++)
            if (f[0]->column[1].top[s].hash == exact->hash) assert_true(f[0]->column[1].top[s].count >= exact->count);
    }
    assert_null(f[1]->column[2].top);
    for (size_t i = 0; i < 2; i++) {
        ec_gate_destroy(gate[i]);
        kit_deinit(&k[i]);
    }
    ec_coder_destroy(coder);
}

/* A column's facts, value by value. */
struct plain {
    double sum, min_d, max_d;
    int64_t min_i, max_i;
    uint64_t values;
    uint8_t hll[EC_HLL_SIZE];
};

static int64_t plain_value(const struct ec_column *c, size_t row) {
    if (c->type.type == EC_TYPE_BOOLEAN) return ec_column_bool(c)[row];
    return c->type.type == EC_TYPE_DATE ? ec_column_days(c)[row] : ec_column_int(c)[row];
}

static void plain_add(struct plain *p, const struct ec_column *c, size_t row) {
    int64_t i = plain_value(c, row);
    double d = (double)i;
    if (c->type.type == EC_TYPE_FLOAT) memcpy(&d, &i, sizeof d);
    if (p->values == 0 || i < p->min_i) p->min_i = i;
    if (p->values == 0 || i > p->max_i) p->max_i = i;
    if (p->values == 0 || d < p->min_d) p->min_d = d;
    if (p->values == 0 || d > p->max_d) p->max_d = d;
    p->values++;
    p->sum += d;
    ec_facts_distinct_add(p->hll, ec_hash64(&i, sizeof i));
}

/* Small integers, ones past what is remembered value by value, negative and huge ones, in turns. */
static int64_t some_int(uint64_t *seed, size_t batch) {
    uint64_t r = kit_random(seed) >> 8;
    switch (batch % 5) {
    case 0: return (int64_t)(r % 7);
    case 1: return (int64_t)(r % 1024);
    case 2: return (int64_t)(r % 1026) - 1;
    case 3: return (int64_t)(r << 8);
    default: return (int64_t)(r % 50);
    }
}

static void numbers_as_value_by_value(void **state) {
    (void)state;
    struct kit k;
    kit_init(&k);
    (void)kit_column(&k, "n", KIT_TYPE(INTEGER));
    (void)kit_column(&k, "d", KIT_TYPE(FLOAT));
    (void)kit_column(&k, "day", KIT_TYPE(DATE));
    (void)kit_column(&k, "when", KIT_TYPE(DATETIME));
    (void)kit_column(&k, "flag", KIT_TYPE(BOOLEAN));
    static struct plain plain[5];
    memset(plain, 0, sizeof plain);
    struct ec_gate *gate = gate_of(&k, 5, 0);
    uint64_t seed = 4;
    for (size_t batch = 0; batch < 20; batch++) {
        ec_batch_reset(&k.batch);
        for (size_t row = 0; row < EC_BATCH_ROWS - batch; row++) {
            (void)kit_row(&k);
            for (size_t c = 0; c < 5; c++) {
                struct ec_column *column = &k.batch.column[c];
                int64_t v = some_int(&seed, batch);
                if (batch % 3 == 1 && v % 5 == 0) continue;
                ec_bit_set(column->valid, row);
                if (c == 0 || c == 3) ec_column_int(column)[row] = v;
                if (c == 1) ec_column_double(column)[row] = (double)v / 8;
                if (c == 2) ec_column_days(column)[row] = (int32_t)(v % 100000);
                if (c == 4) ec_column_bool(column)[row] = batch > 2 && v & 1;
                plain_add(&plain[c], column, row);
            }
        }
        count(&k, gate);
    }
    const struct ec_facts *f = ec_gate_facts(gate);
    for (size_t c = 0; c < 5; c++) {
        assert_int_equal(f->column[c].values, plain[c].values);
        assert_memory_equal(f->column[c].hll, plain[c].hll, EC_HLL_SIZE);
        assert_true(fabs(f->column[c].sum - plain[c].sum) <= 1e-9 * fabs(plain[c].sum) + 1e-6);
        if (c == 1) {
            assert_true(f->column[c].min_d <= plain[c].min_d && f->column[c].min_d >= plain[c].min_d);
            assert_true(f->column[c].max_d <= plain[c].max_d && f->column[c].max_d >= plain[c].max_d);
        } else {
            assert_int_equal(f->column[c].min_i, plain[c].min_i);
            assert_int_equal(f->column[c].max_i, plain[c].max_i);
        }
    }
    ec_gate_destroy(gate);
    kit_deinit(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_sums_and_distinct_values),
        cmocka_unit_test(derived_columns_have_a_profile),
        cmocka_unit_test(the_most_frequent_values),
        cmocka_unit_test(a_late_column_was_null_before),
        cmocka_unit_test(codes_change_no_fact),
        cmocka_unit_test(numbers_as_value_by_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
