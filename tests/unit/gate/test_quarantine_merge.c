#include "kit.h"

#include "gate/quarantine.h"

static const char *path_of(const char *name) {
    static char path[4][160];
    static unsigned at;
    char *out = path[at++ % 4];
    (void)snprintf(out, sizeof path[0], "%s/%s", kit_dir, name);
    return out;
}

static void write_text(const char *name, const char *text) {
    assert_int_equal(ec_file_replace(path_of(name), text, strlen(text), NULL), EC_OK);
}

/* Where the firsts of the test's duplicates are now; both end with a NULL. */
struct change {
    uint64_t offset;
    struct ec_first first;
};

static enum ec_status first_of(void *user, uint64_t offset, const struct ec_first **first, struct ec_err *err) {
    (void)err;
    *first = NULL;
    for (const struct change *c = user; c->first.file; c++)
        if (c->offset == offset) *first = &c->first;
    return EC_OK;
}

static struct change no_change[] = {{0, {0, NULL, 0}}};

static enum ec_status try_merge(const char *kept, const char *added, struct change *change, uint64_t *rows,
                                struct ec_err *err) {
    if (kept) write_text("kept", kept);
    if (added) write_text("added", added);
    (void)ec_io.unlink(path_of("out"));
    const struct ec_quarantine_merge merge = {.kept = kept ? path_of("kept") : NULL,
                                              .added = added ? path_of("added") : NULL,
                                              .out = path_of("out"),
                                              .first_of = first_of,
                                              .user = change};
    return ec_quarantine_merge(&merge, rows, err);
}

static void expect_merge(const char *kept, const char *added, struct change *change, const char *expected) {
    uint64_t rows;
    size_t lines = 0;
    struct ec_err err = {0};
    struct ec_buf text = ec_buf_make(EC_MIB);
    if (try_merge(kept, added, change, &rows, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(ec_file_load(path_of("out"), &text, NULL), EC_OK);
    assert_string_equal(text.n ? text.p : "", expected);
    for (const char *p = expected; *p; p++) lines += *p == '\n';
    assert_int_equal(rows, lines);
    ec_buf_free(&text);
}

#define LINE(offset, rest) "{\"run\":\"r\",\"offset\":" #offset ",\"length\":5," rest "}\n"
#define FIRST(file, line)                                                                                              \
    "\"reasons\":[{\"code\":\"duplicate-key\",\"value\":\"x\",\"first\":{\"file\":" file ",\"line\":" #line            \
    "}}],\"raw\":\"}\""

static void lines_are_put_in_order_of_offset(void **state) {
    (void)state;
    expect_merge(NULL, NULL, no_change, "");
    expect_merge(LINE(1, "\"a\":1") LINE(5, "\"a\":2"), NULL, no_change, LINE(1, "\"a\":1") LINE(5, "\"a\":2"));
    expect_merge(NULL, LINE(7, "\"a\":1"), no_change, LINE(7, "\"a\":1"));
    expect_merge(LINE(2, "\"k\":1") LINE(9, "\"k\":1") LINE(100, "\"k\":1"),
                 LINE(0, "\"n\":1") LINE(3, "\"n\":1") LINE(99, "\"n\":1") LINE(18446744073709551615, "\"n\":1"),
                 no_change,
                 LINE(0, "\"n\":1") LINE(2, "\"k\":1") LINE(3, "\"n\":1") LINE(9, "\"k\":1") LINE(99, "\"n\":1")
                     LINE(100, "\"k\":1") LINE(18446744073709551615, "\"n\":1"));
}

static void a_duplicate_gets_another_first(void **state) {
    (void)state;
    struct change change[] = {{4, {0, "other \"<file>\"", 77}}, {0, {0, NULL, 0}}};
    expect_merge(LINE(3, FIRST("\"a\"", 1)) LINE(4, FIRST("\"a}\\\"},{\\\\\"", 2)) LINE(5, FIRST("null", 1)), NULL,
                 change,
                 LINE(3, FIRST("\"a\"", 1)) LINE(4, FIRST("\"other \\\"\\u003cfile\\u003e\\\"\"", 77))
                     LINE(5, FIRST("null", 1)));
}

/* What a row's values say is no key of the line. */
static void values_are_not_keys(void **state) {
    (void)state;
    struct change change[] = {{40, {0, "b", 2}}, {0, {0, NULL, 0}}};
    expect_merge(
        "{\"run\":\"r\",\"file\":\"\\\"offset\\\":1\",\"offset\":40,\"reasons\":[{\"value\":\",\\\"first\\\":{"
        "\\\"file\\\":\","
        "\"first\":{\"file\":\"a\",\"line\":1}}],\"raw\":\",\\\"first\\\":{\"}\n",
        LINE(39, "\"n\":1"), change,
        LINE(39, "\"n\":1") "{\"run\":\"r\",\"file\":\"\\\"offset\\\":1\",\"offset\":40,\"reasons\":[{\"value\":\","
                            "\\\"first\\\":{\\\"file\\\":\",\"first\":{\"file\":\"b\",\"line\":2}}],\"raw\":\","
                            "\\\"first\\\":{\"}\n");
}

/* Lines that are longer than what is read or written at a time. */
static void long_lines_are_whole(void **state) {
    (void)state;
    enum { LINES = 7, LONG = 700000 };
    struct ec_buf kept = ec_buf_make((size_t)64 * EC_MIB), added = ec_buf_make((size_t)64 * EC_MIB);
    struct ec_buf both = ec_buf_make((size_t)64 * EC_MIB), found = ec_buf_make((size_t)64 * EC_MIB);
    for (unsigned i = 0; i < LINES; i++) {
        struct ec_buf *to = i % 3 == 0 ? &added : &kept;
        size_t at = to->n;
        ec_buf_printf(to, "{\"offset\":%u,\"raw\":\"", i);
        for (size_t n = 0; n < LONG + i * 1000; n += 10) ec_buf_addz(to, "0123456789");
        ec_buf_addz(to, "\"}\n");
        ec_buf_add(&both, to->p + at, to->n - at);
    }
    uint64_t rows;
    assert_int_equal(try_merge(kept.p, added.p, no_change, &rows, NULL), EC_OK);
    assert_int_equal(rows, LINES);
    assert_int_equal(ec_file_load(path_of("out"), &found, NULL), EC_OK);
    assert_int_equal(found.n, both.n);
    assert_memory_equal(found.p, both.p, both.n);
    ec_buf_free(&kept);
    ec_buf_free(&added);
    ec_buf_free(&both);
    ec_buf_free(&found);
}

static void damaged_files_are_refused(void **state) {
    (void)state;
    struct change change[] = {{4, {0, "b", 1}}, {0, {0, NULL, 0}}};
    static const char *const damaged[] = {
        "{\"run\":1}\n",                                    /* no offset */
        "{\"offset\":}\n",                                  /* without a number */
        LINE(1, "\"a\":1") "{\"offset\":2}",                /* the last line has no end */
        LINE(4, "\"a\":1"),                                 /* to be changed, but no first */
        "{\"offset\":4,\"x\":{},\"first\":{\"file\":\"a\n", /* or one without an end */
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        uint64_t rows;
        struct ec_err err = {0};
        assert_int_equal(try_merge(damaged[i], NULL, change, &rows, &err), EC_TABLE_FORMAT);
        assert_non_null(strstr(err.message, "is damaged"));
        assert_false(ec_path_exists(path_of("out")));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_put_in_order_of_offset),
        cmocka_unit_test(a_duplicate_gets_another_first),
        cmocka_unit_test(values_are_not_keys),
        cmocka_unit_test(long_lines_are_whole),
        cmocka_unit_test(damaged_files_are_refused),
    };
    return cmocka_run_group_tests(tests, kit_make_dir, kit_remove_dir);
}
