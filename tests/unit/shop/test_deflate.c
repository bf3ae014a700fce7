/* The deflater against ISA-L's inflate, and its Huffman codes against Kraft's equality. */
#include "base/limits.h"
#include "shop/deflate.h"
#include "shop/huffman.h"
#include "shop/random.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <isa-l/igzip_lib.h>

#define BYTES_MAX ((size_t)400000)

static unsigned char text[BYTES_MAX], back[BYTES_MAX + 1];

/* Bytes of an alphabet of `letters`, with repetitions of earlier ones. */
static void fill(size_t n, uint32_t letters, uint32_t repeat_in_thousand, uint64_t seed) {
    struct ec_shop_random r = {seed};
    for (size_t i = 0; i < n;) {
        if (i > 0 && ec_shop_chance(&r, repeat_in_thousand)) {
            size_t distance = 1 + ec_shop_below(&r, (uint32_t)(i < 40000 ? i : 40000));
            for (size_t k = 1 + ec_shop_below(&r, 400); k > 0 && i < n; k--, i++) text[i] = text[i - distance];
        } else {
            text[i++] = (unsigned char)ec_shop_below(&r, letters);
        }
    }
}

static void check(struct ec_shop_deflate *z, struct ec_buf *out, size_t n, size_t step) {
    ec_buf_clear(out);
    ec_shop_deflate_begin(z, out);
    for (size_t i = 0; i < n; i += step) ec_shop_deflate_feed(z, text + i, n - i < step ? n - i : step);
    ec_shop_deflate_end(z);
    assert_int_equal(ec_buf_check(out, NULL), EC_OK);
    assert_int_equal(ec_shop_deflate_bytes(z), n);

    struct inflate_state state;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP_NO_HDR;
    state.next_in = (uint8_t *)out->p;
    state.avail_in = (uint32_t)out->n;
    state.next_out = back;
    state.avail_out = (uint32_t)sizeof back;
    assert_int_equal(isal_inflate(&state), ISAL_DECOMP_OK);
    assert_int_equal(state.block_state, ISAL_BLOCK_FINISH);
    assert_int_equal(state.avail_in, 0);
    assert_int_equal(state.total_out, n);
    assert_memory_equal(back, text, n);
    assert_int_equal(state.crc, ec_shop_deflate_crc(z));
}

static void what_it_packs_unpacks(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 3, 4, 5, 257, 258, 65535, 65536, 65537, 131072, 200001, BYTES_MAX};
    static const uint32_t letters[] = {1, 2, 16, 90, 256};
    static const uint32_t repeats[] = {0, 20, 400};
    struct ec_shop_deflate *z;
    struct ec_buf out = ec_buf_make(EC_MIB);
    assert_int_equal(ec_shop_deflate_create(&z, NULL), EC_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k < 15; k++) {
            fill(sizes[i], letters[k % 5], repeats[k / 5], i * 15 + k + 1);
            check(z, &out, sizes[i], k % 2 ? 1777 : BYTES_MAX);
        }
    ec_buf_free(&out);
    ec_shop_deflate_destroy(z);
}

static void text_gets_small(void **state) {
    (void)state;
    struct ec_shop_deflate *z;
    struct ec_buf out = ec_buf_make(EC_MIB);
    assert_int_equal(ec_shop_deflate_create(&z, NULL), EC_OK);
    memset(text, 'x', BYTES_MAX);
    check(z, &out, BYTES_MAX, BYTES_MAX);
    assert_true(out.n < BYTES_MAX / 200);
    fill(BYTES_MAX, 16, 0, 5); /* four bits of chance in every byte */
    check(z, &out, BYTES_MAX, BYTES_MAX);
    assert_true(out.n < BYTES_MAX * 6 / 10);
    ec_buf_free(&out);
    ec_shop_deflate_destroy(z);
}

/* Codes are a full tree, none longer than allowed, and no shorter for what is rarer. */
static void check_codes(const uint32_t *frequency, size_t n, unsigned length_max) {
    uint32_t used[EC_SHOP_SYMBOLS_MAX];
    uint8_t length[EC_SHOP_SYMBOLS_MAX];
    uint16_t code[EC_SHOP_SYMBOLS_MAX];
    memcpy(used, frequency, n * sizeof *used);
    ec_shop_huffman(used, n, length_max, length, code);
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(length[i] == 0, frequency[i] == 0);
        assert_true(length[i] <= length_max);
        if (length[i]) sum += 1u << (length_max - length[i]);
        for (size_t k = 0; k < n; k++)
            if (length[i] && frequency[k] > frequency[i]) assert_true(length[k] <= length[i]);
    }
    assert_int_equal(sum, 1u << length_max);
}

static void codes_are_full_and_short_enough(void **state) {
    (void)state;
    uint32_t frequency[EC_SHOP_SYMBOLS_MAX] = {0};
    uint32_t a = 1, b = 1;
    for (size_t i = 0; i < 24; i++) { /* Fibonacci's make the deepest trees */
        frequency[i * 3] = a;
        uint32_t next = a + b;
        a = b;
        b = next;
    }
    check_codes(frequency, 80, 15);
    check_codes(frequency, 80, 7);
    for (size_t i = 0; i < EC_SHOP_SYMBOLS_MAX; i++) frequency[i] = (uint32_t)(i * i + 1);
    check_codes(frequency, EC_SHOP_SYMBOLS_MAX, 15);
}

static void one_symbol_has_one_bit(void **state) {
    (void)state;
    uint32_t frequency[30] = {0};
    uint8_t length[30];
    uint16_t code[30];
    frequency[4] = 9;
    ec_shop_huffman(frequency, 30, 15, length, code);
    for (size_t i = 0; i < 30; i++) assert_int_equal(length[i], i == 4);
    assert_int_equal(code[4], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_packs_unpacks),
        cmocka_unit_test(text_gets_small),
        cmocka_unit_test(codes_are_full_and_short_enough),
        cmocka_unit_test(one_symbol_has_one_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
