/* Every variant against the scalar one, on random bytes of any alignment. */
#include "scan/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 9u

static unsigned char bytes[BLOCKS * EC_SCAN_BLOCK + EC_SCAN_BLOCK];
static uint32_t seed = 2463534242u;

static uint32_t random32(void) { /* xorshift32 */
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static void fill(void) {
    static const unsigned char marks[] = {',', ';', '"', '\n', '\r', 0, 0x80, 0xff, 0x7f, 0x01, '\t', 0x8a, 0xa2};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = random32() % 3 ? marks[random32() % sizeof marks] : (unsigned char)random32();
}

/* The first test: the choice is made at the first call. */
static void the_environment_chooses(void **state) {
    (void)state;
    size_t count;
    const char *best = ec_scan_variants(&count)[count - 1]->name;
    assert_int_equal(setenv("ECLUSE_CPU", "scalar", 1), 0);
    assert_int_equal(setenv("EC_SCAN", best, 1), 0); /* its older name counts where the first is not set */
    assert_string_equal(ec_scan()->name, "scalar");
    assert_true(ec_scan_bytewise);
    assert_true(ec_scan_use(best));
    assert_int_equal(ec_scan_bytewise, count == 1);
}

static void the_scalar_variant_says_what_it_should(void **state) {
    (void)state;
    assert_true(ec_scan_use("scalar"));
    char block[EC_SCAN_BLOCK];
    memset(block, 'x', sizeof block);
    memcpy(block, "a,\"\n\r;", 6);
    block[62] = '\0';
    block[63] = '\xc3';
    uint64_t special, suspect;
    ec_scan()->csv(block, 1, ',', &special, &suspect);
    assert_int_equal(special, 0x1e);
    assert_true(suspect == UINT64_C(3) << 62);
    ec_scan()->csv(block, 1, ';', &special, &suspect);
    assert_int_equal(special, 0x3c);
    assert_int_equal(ec_scan()->line_end("ab\r\n", 4), 2);
    assert_int_equal(ec_scan()->line_end("abc", 3), 3);
}

static void variants_agree(void **state) {
    (void)state;
    size_t count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    assert_string_equal(variant[0]->name, "scalar");
    static const char separators[] = {',', ';', '\t', '|', '\x01', '\xa7'};
    for (size_t round = 0; round < 300; round++) {
        fill();
        const char *p = (const char *)bytes + random32() % EC_SCAN_BLOCK;
        char separator = separators[round % sizeof separators];
        uint64_t special[BLOCKS], suspect[BLOCKS];
        variant[0]->csv(p, BLOCKS, separator, special, suspect);
        for (size_t v = 1; v < count; v++) {
            uint64_t a[BLOCKS], b[BLOCKS];
            variant[v]->csv(p, BLOCKS, separator, a, b);
            assert_memory_equal(a, special, sizeof a);
            assert_memory_equal(b, suspect, sizeof b);
        }
    }
}

/* In memory of exactly n bytes, so that a sanitizer sees a byte too far. */
static void line_ends_agree(void **state) {
    (void)state;
    size_t count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    for (size_t n = 0; n < 300; n++) {
        char *p = malloc(n ? n : 1);
        memset(p, 'x', n);
        for (size_t v = 0; v < count; v++) assert_int_equal(variant[v]->line_end(p, n), n);
        size_t at = n ? random32() % n : 0;
        if (n) p[at] = n % 2 ? '\r' : '\n';
        for (size_t v = 0; v < count; v++) assert_int_equal(variant[v]->line_end(p, n), n ? at : 0);
        free(p);
    }
}

static void a_variant_is_chosen_by_name(void **state) {
    (void)state;
    size_t count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    for (size_t v = 0; v < count; v++) {
        assert_true(ec_scan_use(variant[v]->name));
        assert_ptr_equal(ec_scan(), variant[v]);
    }
    assert_false(ec_scan_use("abacus"));
    assert_ptr_equal(ec_scan(), variant[count - 1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_chooses),
        cmocka_unit_test(the_scalar_variant_says_what_it_should),
        cmocka_unit_test(variants_agree),
        cmocka_unit_test(line_ends_agree),
        cmocka_unit_test(a_variant_is_chosen_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
