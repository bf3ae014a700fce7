/* Codes against a plain list of values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/coder.h"

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct fixture {
    struct ec_batch batch;
    struct ec_coder *coder;
};

static void open_fixture(struct fixture *f) {
    size_t at;
    assert_int_equal(ec_batch_init(&f->batch, NULL), EC_OK);
    assert_int_equal(ec_batch_add_column(&f->batch, "n", (struct ec_column_type){.type = EC_TYPE_INTEGER}, &at, NULL),
                     EC_OK);
    assert_int_equal(ec_batch_add_column(&f->batch, "s", (struct ec_column_type){.type = EC_TYPE_STRING}, &at, NULL),
                     EC_OK);
    assert_int_equal(ec_coder_create(&f->batch, &f->coder, NULL), EC_OK);
}

static void close_fixture(struct fixture *f) {
    ec_coder_destroy(f->coder);
    ec_batch_deinit(&f->batch);
}

/* Text number k: of 0 to 70 bytes, so that its length passes every branch of the hash; those of one
 * length differ in a single byte, wherever that is. */
static size_t make_text(size_t k, char *out) {
    size_t n = k % 71, at = n ? k / 71 % n : 0;
    memset(out, 'x', n);
    if (n) out[at] = (char)('a' + k / 71 / n % 20);
    return n;
}

static void fill(struct fixture *f, size_t rows, size_t values, uint64_t *seed, char (*text)[72]) {
    ec_batch_reset(&f->batch);
    f->batch.rows = rows;
    for (size_t row = 0; row < rows; row++) {
        uint64_t r = next_random(seed);
        if (r % 10 == 0) continue; /* null */
        size_t n = make_text(r / 10 % values, text[row]);
        ec_column_text(&f->batch.column[1])[row] = ec_text_of(text[row], n);
        ec_bit_set(f->batch.column[1].valid, row);
    }
}

static bool same(const struct ec_text *a, const struct ec_text *b) {
    return ec_str_eq(ec_text_str(a), ec_text_str(b));
}

static void check_codes(const struct fixture *f) {
    const struct ec_column *c = &f->batch.column[1];
    const struct ec_text *value = c->dictionary->values;
    assert_int_equal(value[0].n, 0);
    for (size_t row = 0; row < f->batch.rows; row++) {
        uint32_t code = c->code[row];
        assert_true(code < c->dictionary->count);
        assert_int_equal(code != 0, ec_bit(c->valid, row));
        if (code) assert_true(same(&value[code], &ec_column_text(c)[row]));
    }
    for (uint32_t a = 1; a < c->dictionary->count; a++)
        for (uint32_t b = a + 1; b < c->dictionary->count; b++) assert_false(same(&value[a], &value[b]));
}

static void every_value_has_one_code(void **state) {
    (void)state;
    static char text[EC_BATCH_ROWS][72];
    uint64_t seed = 42, id = 0;
    for (size_t values = 1; values <= 1000; values = values * 3 + 1) {
        struct fixture f;
        open_fixture(&f);
        for (size_t batch = 0; batch < 6; batch++) {
            fill(&f, batch == 5 ? 77 : EC_BATCH_ROWS, values, &seed, text);
            ec_coder_run(f.coder, &f.batch);
            assert_non_null(f.batch.column[1].dictionary);
            assert_null(f.batch.column[0].dictionary);
            if (batch == 0) assert_int_not_equal(f.batch.column[1].dictionary->id, id);
            if (batch > 0) assert_int_equal(f.batch.column[1].dictionary->id, id);
            id = f.batch.column[1].dictionary->id;
            check_codes(&f);
            /* The values are the coder's own. */
            memset(text, '?', sizeof text);
        }
        close_fixture(&f);
    }
}

static void unique_columns_are_left(void **state) {
    (void)state;
    static char text[EC_BATCH_ROWS][72];
    uint64_t seed = 7;
    struct fixture f;
    open_fixture(&f);
    fill(&f, EC_BATCH_ROWS, 20, &seed, text);
    ec_coder_run(f.coder, &f.batch);
    const struct ec_dictionary *dictionary = f.batch.column[1].dictionary;
    assert_non_null(dictionary);
    for (size_t batch = 0; f.batch.column[1].dictionary; batch++) {
        assert_true(batch < 10);
        fill(&f, EC_BATCH_ROWS, 1000000, &seed, text);
        ec_coder_run(f.coder, &f.batch);
    }
    assert_in_range(dictionary->count, 2049, EC_CODED_MAX); /* what it knew is still there */
    fill(&f, EC_BATCH_ROWS, 20, &seed, text);
    ec_coder_run(f.coder, &f.batch);
    assert_null(f.batch.column[1].dictionary);
    close_fixture(&f);
}

static void too_many_values_and_long_ones_are_left(void **state) {
    (void)state;
    static char text[EC_BATCH_ROWS][72];
    struct fixture f;
    open_fixture(&f);
    /* Each value occurs four times, so only their number ends the coding. */
    size_t first = 0;
    do {
        assert_true(first < 2 * EC_CODED_MAX);
        ec_batch_reset(&f.batch);
        f.batch.rows = EC_BATCH_ROWS;
        for (size_t row = 0; row < EC_BATCH_ROWS; row++) {
            int n = snprintf(text[row], sizeof text[row], "value %zu", first + row / 4);
            ec_column_text(&f.batch.column[1])[row] = ec_text_of(text[row], (size_t)n);
            ec_bit_set(f.batch.column[1].valid, row);
        }
        first += EC_BATCH_ROWS / 4;
        ec_coder_run(f.coder, &f.batch);
    } while (f.batch.column[1].dictionary);
    assert_int_equal(first, EC_CODED_MAX);
    close_fixture(&f);

    char longest[EC_CODED_TEXT_MAX + 1];
    memset(longest, 'x', sizeof longest);
    for (size_t n = EC_CODED_TEXT_MAX; n <= sizeof longest; n++) {
        open_fixture(&f);
        f.batch.rows = 1;
        ec_column_text(&f.batch.column[1])[0] = ec_text_of(longest, n);
        ec_bit_set(f.batch.column[1].valid, 0);
        ec_coder_run(f.coder, &f.batch);
        assert_int_equal(f.batch.column[1].dictionary != NULL, n == EC_CODED_TEXT_MAX);
        close_fixture(&f);
    }
    ec_coder_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_has_one_code),
        cmocka_unit_test(unique_columns_are_left),
        cmocka_unit_test(too_many_values_and_long_ones_are_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
