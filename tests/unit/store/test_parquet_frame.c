/* Frames made without the library, read back by it: numbers, texts of one length and of many, with
 * every length of what repeats, across blocks, and Huffman codes of every shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/limits.h"
#include "store/parquet_frame.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { PAD = 16 }; /* bytes that may be read behind a page */

static struct pq_frame_scratch scratch;
static uint64_t seed = 88172645463325252ULL;

static uint64_t next(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void check_frame(const struct ec_buf *frame, const struct pq_page_bytes *page) {
    size_t n = page->levels_n + page->values_n;
    char *got = malloc(n + 1);
    assert_non_null(got);
    assert_false(frame->failed);
    assert_int_equal(ZSTD_getFrameContentSize(frame->p, frame->n), n);
    size_t read = ZSTD_decompress(got, n, frame->p, frame->n);
    if (ZSTD_isError(read)) fail_msg("%s", ZSTD_getErrorName(read));
    assert_int_equal(read, n);
    assert_memory_equal(got, page->levels, page->levels_n);
    assert_memory_equal(got + page->levels_n, page->values, page->values_n);
    free(got);
}

/* A page behind levels of a length that brings values out of alignment; at the end of an allocation,
 * so that a sanitizer sees reads past PAD. */
static struct pq_page_bytes page_of(const char *values, size_t n, char **memory) {
    static const char levels[] = "\x03\0\0\0\xc0\x9a\x0c";
    *memory = malloc(n + PAD);
    assert_non_null(*memory);
    if (n > 0) memcpy(*memory, values, n);
    memset(*memory + n, 0x55, PAD);
    return (struct pq_page_bytes){.levels = levels, .levels_n = 7 - n % 3, .values = *memory, .values_n = n};
}

static size_t check_numbers(const uint64_t *value, size_t n) {
    char *memory;
    struct pq_page_bytes page = page_of((const char *)value, n * 8, &memory);
    struct ec_buf out = ec_buf_make(64 * EC_MIB);
    pq_frame_numbers(&out, &page);
    check_frame(&out, &page);
    size_t bytes = out.n;
    ec_buf_free(&out);
    free(memory);
    return bytes;
}

static void test_numbers(void **state) {
    (void)state;
    static const size_t counts[] = {1, 2, 3, 4, 5, 31, 100, 16383, 16384, 16385, 16386, 40000, 131072};
    uint64_t *v = malloc(131072 * sizeof *v);
    assert_non_null(v);
    for (unsigned width = 0; width <= 64; width += 4) {
        uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            size_t n = counts[k];
            for (size_t i = 0; i < n; i++) v[i] = UINT64_C(0x00063c1d2e3f4455) ^ (next() & mask);
            size_t varies = width ? (width + 7) / 8 : 1, most = n * varies + n / 8 + 400;
            size_t bytes = check_numbers(v, n);
            if (n > 16000 && width <= 40) assert_true(bytes < most);
            for (size_t i = 0; width > 0 && i < n; i++) v[i] <<= 64 - width; /* zeros below, as doubles have them */
            bytes = check_numbers(v, n);
            if (n > 16000 && width <= 40) assert_true(bytes < most);
        }
    }
    free(v);
}

/* Numbers that rise, and whose upper bytes change once or in the middle of a block. */
static void test_numbers_that_rise(void **state) {
    (void)state;
    enum { N = 60000 };
    uint64_t *v = malloc(N * sizeof *v);
    assert_non_null(v);
    for (uint64_t step = 1; step < UINT64_C(1) << 60; step *= 13) {
        uint64_t at = next();
        for (size_t i = 0; i < N; i++) v[i] = at += next() % step;
        (void)check_numbers(v, N);
    }
    for (size_t i = 0; i < N; i++) v[i] = i < 20000 ? i : UINT64_MAX - i;
    (void)check_numbers(v, N);
    memset(v, 0, N * sizeof *v);
    assert_true(check_numbers(v, N) < 70000);
    free(v);
}

struct texts {
    char *p;
    size_t n;
};

static void add_text(struct texts *t, const char *text, uint32_t n) {
    memcpy(t->p + t->n, &n, 4);
    if (n > 0) memcpy(t->p + t->n + 4, text, n);
    t->n += 4 + (size_t)n;
}

/* Returns the frame's bytes; 0 where there is none. */
static size_t check_texts(const struct texts *t, size_t length) {
    char *memory;
    struct pq_page_bytes page = page_of(t->p, t->n, &memory);
    struct ec_buf out = ec_buf_make(64 * EC_MIB);
    ec_buf_addz(&out, "before");
    bool made = pq_frame_texts(&scratch, &out, &page, length);
    assert_memory_equal(out.p, "before", 6);
    size_t bytes = out.n - 6;
    struct ec_buf frame = {.p = out.p + 6, .n = bytes};
    if (made)
        check_frame(&frame, &page);
    else
        assert_int_equal(bytes, 0);
    ec_buf_free(&out);
    free(memory);
    return bytes;
}

static void test_texts_of_one_length(void **state) {
    (void)state;
    static const char hex[] = "0123456789abcdef";
    struct texts t = {.p = malloc(8 * EC_MIB)};
    assert_non_null(t.p);
    for (uint32_t length = 0; length < 260; length += length < 40 ? 1 : 7) {
        for (uint32_t varies = 0; varies <= length; varies += 1 + length / 5) { /* bytes, at the end */
            static const size_t counts[] = {1, 2, 3, 5, 70, 3000, 9000};
            char text[300];
            memset(text, 'x', sizeof text);
            size_t records = counts[(length + varies) % 7];
            t.n = 0;
            for (size_t r = 0; r < records; r++) {
                for (uint32_t k = length - varies; k < length; k++) text[k] = hex[next() % 16];
                add_text(&t, text, length);
            }
            size_t bytes = check_texts(&t, length);
            if (records >= 3000 && varies >= 2 && varies + 20 >= length && length < 200)
                assert_true(bytes > 0 && bytes < records * (varies + 20) / 2 + records + 500);
        }
    }
    free(t.p);
}

/* What repeats stops doing so in a later block, at its first byte or its last. */
static void test_texts_that_stop_repeating(void **state) {
    (void)state;
    struct texts t = {.p = malloc(2 * EC_MIB)};
    assert_non_null(t.p);
    for (uint32_t where = 0; where < 12; where++) {
        t.n = 0;
        for (uint32_t r = 0; r < 30000; r++) {
            char text[32];
            (void)snprintf(text, sizeof text, "prefix-of-12%08u", (unsigned)(next() % 100000000));
            if (r == 20000 + where) text[where] = '!';
            add_text(&t, text, 20);
        }
        size_t bytes = check_texts(&t, 20);
        assert_true(bytes > 0 && bytes < t.n / 4);
    }
    free(t.p);
}

static void test_texts_of_many_lengths(void **state) {
    (void)state;
    struct texts t = {.p = malloc(8 * EC_MIB)};
    assert_non_null(t.p);
    for (size_t records = 1; records < 100000; records = records * 3 + 1) {
        t.n = 0;
        for (size_t r = 0; r < records; r++) {
            char text[32];
            int n = snprintf(text, sizeof text, "%u.%u.%u", (unsigned)(next() % 256), (unsigned)(next() % 256),
                             (unsigned)(next() % 10));
            add_text(&t, text, (uint32_t)n);
        }
        size_t bytes = check_texts(&t, SIZE_MAX);
        if (records > 1000) assert_true(bytes > 0 && bytes < t.n * 6 / 10);
    }
    free(t.p);
}

/* Codes of all lengths: counts that double (and would take more than eleven bits), flat ones, two symbols. */
static void test_codes_of_every_shape(void **state) {
    (void)state;
    struct texts t = {.p = malloc(2 * EC_MIB)};
    assert_non_null(t.p);
    for (unsigned symbols = 2; symbols <= 129; symbols += symbols < 24 ? 1 : 15) {
        for (unsigned skew = 0; skew < 3; skew++) {
            t.n = 0;
            for (size_t r = 0; r < 20000; r++) {
                char text[64];
                uint32_t n = (uint32_t)(next() % 60);
                for (uint32_t k = 0; k < n; k++) {
                    unsigned s = skew == 0   ? (unsigned)(next() % symbols)
                                 : skew == 1 ? (unsigned)__builtin_ctzll(next() | UINT64_C(1) << 40)
                                             : (unsigned)(next() % symbols * (next() % symbols) / symbols);
                    text[k] = (char)(s % symbols);
                }
                add_text(&t, text, n);
            }
            size_t bytes = check_texts(&t, SIZE_MAX);
            assert_true(bytes > 0 && bytes <= t.n + t.n / 100 + 1000);
            assert_true(scratch.huffman.longest <= 11); /* the format's limit; the library takes more */
        }
    }
    free(t.p);
}

/* The code is made of a page's first block: new symbols and other shares in later ones. */
static void test_texts_that_change(void **state) {
    (void)state;
    struct texts t = {.p = malloc(4 * EC_MIB)};
    assert_non_null(t.p);
    for (size_t r = 0; r < 60000; r++) {
        static const char *const sets[] = {"ab", "abcdefgh", "0123456789abcdef", "~!@#$%^&*()_+"};
        const char *set = sets[r / 15000];
        char text[40];
        for (size_t k = 0; k < 30; k++) text[k] = set[next() % strlen(set)];
        add_text(&t, text, 30);
    }
    size_t fixed = check_texts(&t, 30), loose = check_texts(&t, SIZE_MAX);
    assert_true(fixed > 0 && fixed < t.n * 4 / 10);
    assert_true(loose > 0 && loose < t.n * 6 / 10);
    for (size_t at = 100; at < t.n; at += 31000) { /* a byte past ASCII, early or late: no frame */
        char before = t.p[at];
        t.p[at] = (char)0xc3;
        assert_int_equal(check_texts(&t, SIZE_MAX), 0);
        t.p[at] = before;
    }
    free(t.p);
}

static void test_no_memory(void **state) {
    (void)state;
    struct texts t = {.p = malloc(EC_MIB)};
    assert_non_null(t.p);
    t.n = 0;
    for (size_t r = 0; r < 1000; r++) add_text(&t, "0123456789abcdef0123", (uint32_t)(next() % 21));
    struct ec_buf small = ec_buf_make(100);
    struct pq_page_bytes page = {.levels = "", .levels_n = 0, .values = t.p, .values_n = t.n};
    assert_false(pq_frame_texts(&scratch, &small, &page, SIZE_MAX));
    assert_true(small.failed);
    free(t.p);
}

static int free_scratch(void **state) {
    (void)state;
    pq_frame_scratch_deinit(&scratch);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_that_rise),
        cmocka_unit_test(test_texts_of_one_length),
        cmocka_unit_test(test_texts_that_stop_repeating),
        cmocka_unit_test(test_texts_of_many_lengths),
        cmocka_unit_test(test_codes_of_every_shape),
        cmocka_unit_test(test_texts_that_change),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("parquet_frame", tests, NULL, free_scratch);
}
