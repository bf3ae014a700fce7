/* The reader against the oracle: random texts and fuzzers' finds, for every scan variant, window and
 * stream step, and for every split. */
#include "csv_oracle.h"

#include "base/io.h"
#include "read/csv_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ec_schema_column schema[] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
static struct ec_str names[] = {EC_STR("a"), EC_STR("b"), EC_STR("c")};
static struct ec_source source = {.name = "test", .column = schema, .column_count = 3};
static struct ec_batch batch;
static struct ec_buf rows, expected;

static int make_batch(void **state) {
    (void)state;
    rows = expected = ec_buf_make(64 * EC_MIB);
    if (ec_batch_init(&batch, NULL) != EC_OK) return -1;
    return ec_reader_columns(&source, &batch, NULL) == EC_OK ? 0 : -1;
}

static int drop_batch(void **state) {
    (void)state;
    ec_batch_deinit(&batch);
    ec_buf_free(&rows);
    ec_buf_free(&expected);
    return 0;
}

static uint64_t seed = 88172645463325252u;
static size_t pick(size_t n) { /* xorshift64 */
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed >> 11) % n;
}

/* Mostly well-formed rows of three cells, with damage of every kind. */
static size_t random_text(char *out, size_t n_max) {
    static const char *const pieces[] = {"x",    "yy", "long text", "\"q\"",    "\"a,b\"",  "\"a\nb\"",    "\"a\"\"b\"",
                                         "\"\"", "\"", "\r\n",      "\xc3\xa9", "\xff",     "\"\r\"",      "12",
                                         "\"x",  " ",  "",          "",         "\"\"\"\"", "\xe2\x82\xac"};
    static const char *const ends[] = {"\n", "\n", "\n", "\r\n", "\r", "\n\n", "\r\r\n"};
    size_t n = 0, weight = 1 + pick(12), target = pick(n_max - 32);
    while (n < target) {
        for (size_t c = 0; c < 3; c++) {
            const char *piece = pick(weight) ? pieces[pick(4)] : pieces[pick(sizeof pieces / sizeof *pieces)];
            memcpy(out + n, piece, strlen(piece));
            n += strlen(piece);
            if (c < 2 || pick(20) == 0) out[n++] = ',';
            if (pick(200) == 0) out[n++] = '\0';
        }
        const char *end = ends[pick(sizeof ends / sizeof *ends)];
        memcpy(out + n, end, strlen(end));
        n += strlen(end);
    }
    return n - (n > 0 && pick(2));
}

static void expect(const char *p, size_t n, struct ec_csv_limits limits) {
    struct oracle o = {.p = p,
                       .n = n,
                       .separator = ',',
                       .field_max = limits.field ? limits.field : EC_FIELD_MAX,
                       .record_max = limits.record ? limits.record : EC_RECORD_MAX,
                       .name = names,
                       .names = 3,
                       .line = 1};
    ec_buf_clear(&expected);
    oracle_read(&o, &expected);
}

/* A copy of exactly n bytes is read, so that a sanitizer sees a byte too far. */
static void check(const char *p, size_t n, struct ec_csv_limits limits, size_t step) {
    struct rows_args args = {.source = &source, .limits = limits, .step = step, .header = names, .header_count = 3};
    struct ec_err err = {0};
    ec_buf_clear(&rows);
    if (rows_read(&args, p, n, &batch, &rows, &err) != EC_OK) fail_msg("%s", err.message);
    if (rows.n == expected.n && (rows.n == 0 || memcmp(rows.p, expected.p, rows.n) == 0)) return;
    size_t at = 0;
    while (at < rows.n && at < expected.n && rows.p[at] == expected.p[at]) at++;
    while (at > 0 && rows.p[at - 1] != '\n') at--;
    print_message("window %zu, field %zu, record %zu, step %zu, %s\n", limits.window, limits.field, limits.record, step,
                  ec_scan()->name);
    fail_msg("read:\n%.300s\nexpected:\n%.300s", at < rows.n ? rows.p + at : "",
             at < expected.n ? expected.p + at : "");
}

static void random_texts(void **state) {
    (void)state;
    static const size_t windows[] = {64, 71, 128, 1000, 0};
    size_t variants;
    const struct ec_scan *const *variant = ec_scan_variants(&variants);
    static char text[6000];
    for (size_t round = 0; round < 2500; round++) {
        size_t n = random_text(text, round % 50 == 0 ? sizeof text : 40 + round % 400);
        struct ec_csv_limits limits = {.window = windows[round % 5]};
        if (pick(2)) limits.field = 1 + pick(40);
        if (pick(2)) limits.record = 1 + pick(100);
        if (!limits.record) limits.record = 400 + pick(400);
        expect(text, n, limits);
        for (size_t v = 0; v < variants; v++) {
            assert_true(ec_scan_use(variant[v]->name));
            check(text, n, limits, v == 0 ? 1 + pick(9) : 0);
        }
    }
}

/* One text with everything in it, cut at every place by every small window and step. */
static void every_boundary(void **state) {
    (void)state;
    static const char text[] =
        "1,\"two\r\nlines\",3\r\n\r\n4,\"say \"\"hi\"\"\",\xc3\xa9\r5,\"six,7\n8,\"nine\"x,\n10,11\n\n"
        "\"12\",\"\",13,14\n15,\"16\n17\",18,19\n\"20\",\"21\r22\",\"23\"\"\"\r\n24,25,\"26";
    for (size_t window = 64; window < 200; window++)
        for (size_t step = 0; step < 8; step++) {
            struct ec_csv_limits limits = {.window = window, .record = 150};
            expect(text, sizeof text - 1, limits);
            check(text, sizeof text - 1, limits, step);
        }
}

/* Lines that no window holds. */
static void endless_lines(void **state) {
    (void)state;
    static char text[3000];
    for (size_t round = 0; round < 400; round++) {
        size_t n = 0;
        while (n < 2000) {
            size_t run = pick(round % 2 ? 700 : 90);
            memset(text + n, 'x', run);
            if (run > 4 && pick(3) == 0) text[n] = '"';
            if (run > 4 && pick(3) == 0) text[n + pick(run)] = ',';
            n += run;
            if (pick(2)) text[n++] = '\r';
            if (pick(4)) text[n++] = '\n';
        }
        struct ec_csv_limits limits = {.window = 64, .field = 1 + pick(60), .record = 40 + pick(60)};
        expect(text, n, limits);
        check(text, n, limits, pick(100));
    }
}

static void split_and_read(const char *p, size_t n, struct ec_csv_limits limits, uint64_t chunk) {
    struct ec_arena arena;
    struct ec_stream *stream;
    struct ec_csv_input *in;
    const struct ec_range *range;
    size_t count;
    ec_arena_init(&arena, EC_MIB);
    assert_int_equal(ec_stream_memory(p, n, 0, &stream, NULL), EC_OK);
    struct ec_csv_input_args args = {.source = &source, .stream = stream, .limits = limits};
    assert_int_equal(ec_csv_input_open(&args, &in, NULL), EC_OK);
    assert_int_equal(ec_csv_split_input(in, "test.csv", chunk, &arena, &range, &count, NULL), EC_OK);
    ec_csv_input_close(in);
    ec_stream_close(stream);
    assert_int_equal(range[0].start, 0);
    assert_int_equal(range[count - 1].end, n);
    ec_buf_clear(&rows);
    for (size_t i = 0; i < count; i++) {
        if (i) assert_int_equal(range[i].start, range[i - 1].end);
        struct rows_args open = {.source = &source,
                                 .limits = limits,
                                 .first_offset = range[i].start,
                                 .first_line = range[i].line,
                                 .header = i ? names : NULL,
                                 .header_count = i ? 3 : 0};
        struct ec_err err = {0};
        const char *from = p + range[i].start;
        if (rows_read(&open, from, range[i].end - range[i].start, &batch, &rows, &err) != EC_OK)
            fail_msg("%s", err.message);
    }
    ec_arena_deinit(&arena);
}

static void any_split_gives_the_same_rows(void **state) {
    (void)state;
    static char text[4000] = "a,b,c\n";
    for (size_t round = 0; round < 400; round++) {
        size_t n = 6 + random_text(text + 6, 1000);
        struct ec_csv_limits limits = {.window = 64 + pick(200), .field = 10 + pick(200), .record = 60 + pick(300)};
        struct rows_args whole = {.source = &source, .limits = limits};
        ec_buf_clear(&expected);
        assert_int_equal(rows_read(&whole, text, n, &batch, &expected, NULL), EC_OK);
        split_and_read(text, n, limits, 1 + pick(200));
        assert_int_equal(rows.n, expected.n);
        if (rows.n && memcmp(rows.p, expected.p, rows.n) != 0)
            fail_msg("of:\n%.*s\nsplit:\n%s\nwhole:\n%s", (int)n, text, rows.p, expected.p);
    }
}

static const char *corpora(void) {
    const char *path = getenv("EC_CORPORA");
    return path ? path : EC_TEST_DATA "/corpora";
}

static void fuzzers_finds(void **state) {
    (void)state;
    char folder[512];
    snprintf(folder, sizeof folder, "%s/csv/fuzz", corpora());
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t variants, files = 0;
    const struct ec_scan *const *variant = ec_scan_variants(&variants);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1024];
        struct ec_buf text = ec_buf_make(EC_MIB);
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        assert_int_equal(ec_file_load(path, &text, NULL), EC_OK);
        bool is_utf16 = text.n >= 2 && (memcmp(text.p, "\xff\xfe", 2) == 0 || memcmp(text.p, "\xfe\xff", 2) == 0);
        if (text.n && text.n < 200000 && !is_utf16 && strncmp(text.p, "\xef\xbb\xbf", 3) != 0) {
            for (size_t v = 0; v < variants; v++) {
                struct ec_csv_limits limits = {.window = v ? 64 : 0, .record = v ? 1000 : 0, .field = v ? 300 : 0};
                assert_true(ec_scan_use(variant[v]->name));
                expect(text.p, text.n, limits);
                check(text.p, text.n, limits, v * 7);
            }
            files++;
        }
        ec_buf_free(&text);
    }
    closedir(dir);
    assert_true(files > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_texts),  cmocka_unit_test(every_boundary),
        cmocka_unit_test(endless_lines), cmocka_unit_test(any_split_gives_the_same_rows),
        cmocka_unit_test(fuzzers_finds),
    };
    return cmocka_run_group_tests(tests, make_batch, drop_batch);
}
