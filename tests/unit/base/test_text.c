/* Arenas, buffers, UTF-8, JSON text: the small things that everything else trusts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>

static void text_views_use_duckdbs_layout(void **state) {
    (void)state;
    struct ec_text inlined = ec_text_of("twelve bytes", 12);
    assert_int_equal(inlined.n, 12);
    assert_memory_equal(ec_text_bytes(&inlined), "twelve bytes", 12);
    static const char longer[] = "thirteen byte";
    struct ec_text pointed = ec_text_of(longer, 13);
    assert_ptr_equal(ec_text_bytes(&pointed), longer);
    assert_memory_equal(pointed.prefix, "thir", 4);
    struct ec_text empty = ec_text_of(NULL, 0);
    struct ec_text zero;
    memset(&zero, 0, sizeof zero);
    assert_memory_equal(&empty, &zero, sizeof zero);
}

static void arena_refuses_more_than_its_maximum(void **state) {
    (void)state;
    struct ec_arena a;
    ec_arena_init(&a, 1000);
    assert_non_null(ec_arena_alloc(&a, 600));
    assert_null(ec_arena_alloc(&a, 401));
    assert_non_null(ec_arena_alloc(&a, 400));
    assert_null(ec_arena_calloc(&a, SIZE_MAX, 2));
    ec_arena_reset(&a);
    char *p = ec_arena_alloc(&a, 1000);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    ec_arena_deinit(&a);
}

static void buffer_fails_once_and_says_so(void **state) {
    (void)state;
    struct ec_buf b = ec_buf_make(10);
    ec_buf_addz(&b, "0123456789");
    assert_int_equal(ec_buf_check(&b, NULL), EC_OK);
    ec_buf_addc(&b, 'x');
    struct ec_err err = {0};
    assert_int_equal(ec_buf_check(&b, &err), EC_NO_MEMORY);
    assert_non_null(strstr(err.message, "10 bytes"));
    assert_int_equal(b.n, 10);
    ec_buf_free(&b);
}

static void utf8_follows_rfc_3629(void **state) {
    (void)state;
    static const char *const good[] = {"", "plain ascii, longer than eight", "é", "€", "𝄞", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",     "\xC0\x80",         "\xC1\xBF",         "\xE0\x9F\xBF", "\xED\xA0\x80",
                                      "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82",     "\xFF"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(ec_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[32] = "12345678a";
        strcat(text, bad[i]);
        assert_false(ec_utf8_valid(text, strlen(text)));
        assert_int_equal(ec_utf8_prefix(text, strlen(text)), 9);
    }
    assert_int_equal(ec_utf8_length("aé€𝄞", strlen("aé€𝄞")), 4);
    assert_int_equal(ec_utf8_truncate("aé€", 6, 4), 3);
}

/* By another way than the code's: the code point that the bytes write must need just so many. */
static size_t plain_prefix(const unsigned char *p, size_t n) {
    size_t i = 0;
    while (i < n) {
        size_t k = p[i] < 0x80 ? 1 : p[i] >> 5 == 6 ? 2 : p[i] >> 4 == 14 ? 3 : p[i] >> 3 == 30 ? 4 : 0;
        uint32_t code = k == 1 ? p[i] : k ? p[i] & (0x7Fu >> k) : 0;
        if (k == 0 || i + k > n) return i;
        for (size_t t = 1; t < k; t++) {
            if (p[i + t] >> 6 != 2) return i;
            code = code << 6 | (p[i + t] & 0x3F);
        }
        char again[4];
        if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) || ec_utf8_encode(code, again) != k) return i;
        i += k;
    }
    return n;
}

static void utf8_prefix_of_any_two_bytes_and_random_texts(void **state) {
    (void)state;
    static const char *const piece[] = {"a", "\xC3\xA9", "\xC3", "\xA9", "\xC1\x81", "\xE2\x82\xAC", "\xF0\x9D\x84\x9E", "abcdefgh"};
    for (unsigned pair = 0; pair < 65536; pair++) {
        for (size_t at = 0; at < 18; at++) {
            unsigned char text[20];
            memset(text, 'x', sizeof text);
            text[at] = (unsigned char)(pair >> 8);
            text[at + 1] = (unsigned char)pair;
            assert_int_equal(ec_utf8_prefix((const char *)text, sizeof text), plain_prefix(text, sizeof text));
        }
    }
    uint64_t seed = 5;
    for (size_t trial = 0; trial < 200000; trial++) {
        char text[200];
        size_t n = 0;
        for (size_t i = trial % 17; i > 0; i--) {
            seed = seed * UINT64_C(6364136223846793005) + 1;
            const char *p = piece[(seed >> 33) % (trial % 3 ? 2 : 8)];
            memcpy(text + n, p, strlen(p));
            n += strlen(p);
        }
        assert_int_equal(ec_utf8_prefix(text, n), plain_prefix((const unsigned char *)text, n));
    }
}

static void json_text_is_inert(void **state) {
    (void)state;
    struct ec_buf b = ec_buf_make(1000);
    static const char hostile[] = "</script>&\"\\\x01\r\n\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA\xFF";
    ec_json_quote(&b, hostile, sizeof hostile - 1);
    assert_string_equal(b.p, "\"\\u003c/script\\u003e\\u0026\\\"\\\\\\u0001\\r\\n\\u2028\\u2029\xE2\x80\xAA\xEF\xBF\xBD\"");
    ec_buf_free(&b);
}

/* However tight the buffer is: what fits is the same, what does not fit is said. */
static void json_text_is_the_same_in_a_tight_buffer(void **state) {
    (void)state;
    uint64_t seed = 11;
    for (size_t round = 0; round < 3000; round++) {
        char text[700];
        size_t n = round % sizeof text;
        for (size_t i = 0; i < n; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            text[i] = (seed >> 60) ? "abc<\"\\\n \x7f,{}:\xc3\xa9x"[(seed >> 33) % 17] : (char)(seed >> 40);
        }
        struct ec_buf roomy = ec_buf_make(16 * sizeof text);
        ec_json_quote(&roomy, text, n);
        assert_false(roomy.failed);
        for (size_t more = 0; more < 3; more++) {
            struct ec_buf tight = ec_buf_make(roomy.n - 1 + more);
            ec_json_quote(&tight, text, n);
            assert_int_equal(tight.failed, more == 0);
            if (more) assert_int_equal(tight.n, roomy.n);
            if (more) assert_memory_equal(tight.p, roomy.p, roomy.n + 1);
            ec_buf_free(&tight);
        }
        ec_buf_free(&roomy);
    }
}

static void json_numbers(void **state) {
    (void)state;
    struct ec_buf b = ec_buf_make(1000);
    struct ec_json_writer w;
    ec_json_init(&w, &b);
    ec_json_array(&w, NULL);
    ec_json_uint(&w, NULL, 0);
    ec_json_uint(&w, NULL, 1234567890);
    ec_json_uint(&w, NULL, UINT64_MAX);
    ec_json_int(&w, NULL, INT64_MIN);
    ec_json_end_array(&w);
    assert_string_equal(b.p, "[0,1234567890,18446744073709551615,-9223372036854775808]");
    ec_buf_free(&b);
}

static void json_writer_places_commas(void **state) {
    (void)state;
    struct ec_buf b = ec_buf_make(1000);
    struct ec_json_writer w;
    ec_json_init(&w, &b);
    ec_json_object(&w, NULL);
    ec_json_array(&w, "a");
    ec_json_int(&w, NULL, -1);
    ec_json_object(&w, NULL);
    ec_json_end(&w);
    ec_json_end_array(&w);
    ec_json_double(&w, "d", 0.1);
    ec_json_double(&w, "n", (double)NAN);
    ec_json_fixed(&w, "f", 2.0 / 3, 2);
    ec_json_str(&w, "z", NULL);
    ec_json_end(&w);
    assert_string_equal(b.p, "{\"a\":[-1,{}],\"d\":0.1,\"n\":null,\"f\":0.67,\"z\":null}");
    ec_buf_free(&b);
}

static void doubles_read_back(void **state) {
    (void)state;
    static const double values[] = {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 123456789012345680.0, -0.0, 99.99};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[32];
        text[ec_double_format(values[i], text)] = '\0';
        assert_true(strtod(text, NULL) == values[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_views_use_duckdbs_layout), cmocka_unit_test(arena_refuses_more_than_its_maximum),
        cmocka_unit_test(buffer_fails_once_and_says_so), cmocka_unit_test(utf8_follows_rfc_3629),
        cmocka_unit_test(json_text_is_inert),            cmocka_unit_test(json_text_is_the_same_in_a_tight_buffer),
        cmocka_unit_test(json_numbers),                  cmocka_unit_test(json_writer_places_commas),
        cmocka_unit_test(doubles_read_back),             cmocka_unit_test(utf8_prefix_of_any_two_bytes_and_random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
