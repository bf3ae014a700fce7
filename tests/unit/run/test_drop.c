/* Drop lists, and which row repeats which: files that a task writes for another. */
#include "project.h"

#include "run/drop.h"
#include "run/repeats.h"

static struct project project, *p = &project;

static int begin(void **state) {
    (void)state;
    project_make(p);
    return 0;
}

static int end(void **state) {
    (void)state;
    project_remove(p);
    return 0;
}

static void a_list_comes_back_as_it_was(void **state) {
    (void)state;
    const struct ec_drop drop[] = {
        {.key = {.offset = 0}, .first_file = "a \"quoted\" name.csv", .first_line = 1},
        {.key = {.hash = {.hi = UINT64_C(0x0123456789abcdef), .lo = UINT64_MAX},
                 .offset = 12,
                 .line = EC_KEY_LINE_MAX,
                 .length = EC_KEY_LENGTH_MAX,
                 .part = UINT32_MAX,
                 .row = UINT32_MAX},
         .placed = true,
         .first_file = "b/c.json",
         .first_line = 7},
        {.key = {.hash = {.hi = 1, .lo = 0}, .offset = INT64_MAX, .line = 1, .length = 2, .part = 3, .row = 4},
         .placed = true,
         .first_file = "b/c.json",
         .first_line = INT64_MAX},
    };
    struct ec_buf text = ec_buf_make(EC_MIB);
    for (size_t i = 0; i < 3; i++) ec_drop_write(&text, &drop[i]);
    assert_int_equal(ec_file_replace(project_path(p, "list"), text.p, text.n, NULL), EC_OK);
    struct ec_drop_list list;
    struct ec_err err = {0};
    if (ec_drop_list_load(project_path(p, "list"), &list, &err) != EC_OK) fail_msg("%s", err.message);
    assert_int_equal(list.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_memory_equal(&list.drop[i].key, &drop[i].key, sizeof drop[i].key);
        assert_int_equal(list.drop[i].placed, drop[i].placed);
        assert_string_equal(list.drop[i].first_file, drop[i].first_file);
        assert_int_equal(list.drop[i].first_line, drop[i].first_line);
        assert_ptr_equal(ec_drop_find(&list, drop[i].key.offset), &list.drop[i]);
    }
    assert_null(ec_drop_find(&list, 13));
    ec_drop_list_deinit(&list);
    ec_buf_free(&text);
}

#define HASH "\"hash\":\"00112233445566778899aabbccddeeff\""

static void damaged_lists_are_refused(void **state) {
    (void)state;
    static const char *const damaged[] = {
        "x",
        "[]",
        "{\"offset\":1,\"file\":\"a\"}",
        "{\"offset\":\"1\",\"file\":\"a\",\"line\":1}",
        "{\"offset\":1,\"file\":\"a\",\"line\":1,\"row\":1}",
        "{\"offset\":1,\"file\":\"a\",\"line\":1,\"row\":{\"line\":1,\"length\":1,\"part\":0,\"row\":0}}",
        "{\"offset\":1,\"file\":\"a\",\"line\":1,\"row\":{\"line\":-1,\"length\":1,\"part\":0,\"row\":0," HASH "}}",
        "{\"offset\":1,\"file\":\"a\",\"line\":1,\"row\":{\"line\":1,\"length\":16777216,\"part\":0,\"row\":0," HASH
        "}}",
        "{\"offset\":1,\"file\":\"a\",\"line\":1,\"row\":{\"line\":1,\"length\":1,\"part\":4294967296,\"row\":0," HASH
        "}}",
        "{\"offset\":1,\"file\":\"a\",\"line\":1,\"row\":{\"line\":1,\"length\":1,\"part\":0,\"row\":0,\"hash\":\"0\"}"
        "}",
        "{\"offset\":1,\"file\":\"a\",\"line\":1,\"row\":{\"line\":1,\"length\":1,\"part\":0,\"row\":0,"
        "\"hash\":\"00112233445566778899AABBCCDDEEFF\"}}",
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        char text[512];
        struct ec_drop_list list;
        struct ec_err err = {0};
        (void)snprintf(text, sizeof text, "{\"offset\":0,\"file\":\"a\",\"line\":1}\n%s\n", damaged[i]);
        project_write(p, "list", text);
        if (ec_drop_list_load(project_path(p, "list"), &list, &err) != EC_PROTOCOL) fail_msg("%s", damaged[i]);
        assert_non_null(strstr(err.message, "is damaged"));
        ec_drop_list_deinit(&list);
    }
}

static void pairs_come_back_in_their_order(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, EC_REPEATS_BUFFER, EC_REPEATS_BUFFER + 1, 5 * EC_REPEATS_BUFFER + 7};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        const char *path = project_path(p, "repeats");
        struct ec_repeats r;
        const struct ec_repeat *pair;
        bool any;
        (void)ec_io.unlink(path);
        ec_repeats_init(&r, path);
        for (size_t i = 0; i < counts[k]; i++)
            assert_int_equal(ec_repeats_add(&r, (struct ec_repeat){3 * i, i}, NULL), EC_OK);
        assert_int_equal(ec_repeats_finish(&r, &any, NULL), EC_OK);
        assert_int_equal(any, counts[k] > 0);
        assert_int_equal(ec_path_exists(path), any);
        ec_repeats_init(&r, path);
        if (any) assert_int_equal(ec_repeats_open(&r, NULL), EC_OK);
        for (size_t i = 0; i < counts[k]; i++) {
            assert_int_equal(ec_repeats_peek(&r, &pair, NULL), EC_OK);
            assert_non_null(pair);
            assert_true(pair->offset == 3 * i && pair->first == i);
            ec_repeats_pass(&r);
        }
        assert_int_equal(ec_repeats_peek(&r, &pair, NULL), EC_OK);
        assert_null(pair);
        ec_repeats_close(&r);
    }
}

static void a_cut_pair_is_said(void **state) {
    (void)state;
    struct ec_repeats r;
    const struct ec_repeat *pair;
    struct ec_err err = {0};
    project_write(p, "repeats", "twenty bytes of text");
    ec_repeats_init(&r, project_path(p, "repeats"));
    assert_int_equal(ec_repeats_open(&r, NULL), EC_OK);
    assert_int_equal(ec_repeats_peek(&r, &pair, &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "ends within a pair"));
    ec_repeats_close(&r);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_list_comes_back_as_it_was),
        TEST(damaged_lists_are_refused),
        TEST(pairs_come_back_in_their_order),
        TEST(a_cut_pair_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
