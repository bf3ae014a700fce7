/* Which files are found, for whom, in which order, and what is said of the others. */
#include "base/io.h"
#include "source/discover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void globs_match_whole_paths(void **state) {
    (void)state;
    static const struct {
        const char *glob, *path;
        bool match;
    } cases[] = {
        {"a.csv", "a.csv", true},
        {"a.csv", "a.csv.gz", false},
        {"a.csv", "b/a.csv", false},
        {"*.csv", "a.csv", true},
        {"*.csv", ".csv", true},
        {"*.csv", "b/a.csv", false},
        {"api_logs*.json*", "api_logs_2025.json.gz", true},
        {"api_logs/**/*.json*", "api_logs/a.json", true},
        {"api_logs/**/*.json*", "api_logs/x/y/z/a.json.gz", true},
        {"api_logs/**/*.json*", "api_logs/x/y/a.csv", false},
        {"api_logs/**/*.json*", "other/x/a.json", false},
        {"**/a.csv", "a.csv", true},
        {"**/a.csv", "x/y/a.csv", true},
        {"**/a.csv", "x/ya.csv", false},
        {"x/**", "x/y/z", true},
        {"x/**", "x", false},
        {"**/b/**/c", "a/b/q/b/d/c", true},
        {"**/b/*/c", "b/x/y/b/z/c", true},
        {"**/b/*/c", "b/x/y/b/z/d", false},
        {"a?c", "abc", true},
        {"a?c", "a/c", false},
        {"a?c",
         "a\xc3\xa9"
         "c",
         true},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[!a-c]x", "/x", false},
        {"[]]x", "]x", true},
        {"[a", "[a", true},
        {"*a*b*c*", "xxaxxbxxcxx", true},
        {"*a*b*c*", "xxaxxcxxbxx", false},
        {"a**b", "axxb", true},
        {"a**b", "ax/xb", false},
        {"", "", true},
        {"", "a", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (ec_glob_match(cases[i].glob, cases[i].path) != cases[i].match)
            fail_msg("%s against %s", cases[i].glob, cases[i].path);

    char glob[61], path[512];
    for (size_t i = 0; i < 60; i += 2) memcpy(glob + i, "*a", 3);
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = 0;
    path[sizeof path - 2] = 'b'; /* would take exponential time by recursion */
    assert_false(ec_glob_match(glob, path));
}

static char folder[] = "/tmp/ecluse-discover-XXXXXX";

static void put(const char *name, const void *p, size_t n) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    *strrchr(path, '/') = 0;
    assert_int_equal(ec_dir_make(path, NULL), EC_OK);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fwrite(p, 1, n, f);
    fclose(f);
}

static const char *sessions_files[] = {"user_sessions/sessions_*.csv", "*.csv"};
static const char *logs_files[] = {"api_logs.zip", "api_logs/**/*.json*", "*.csv"};
static struct ec_source sources[] = {
    {.name = "sessions", .files = sessions_files, .file_count = 2},
    {.name = "api_logs", .files = logs_files, .file_count = 3},
};
static const struct ec_config config = {.source = sources, .source_count = 2};

/* Three stored members: z.json, a.json and what a Mac adds to archives. */
static const unsigned char archive[] =
    "PK\3\4\24\0\0\0\0\0!Z!Z\203\334\357\267\1\0\0\0\1\0\0\0\6\0\0\0z.json1"
    "PK\3\4\24\0\0\0\0\0!Z!Z\203\334\357\267\1\0\0\0\1\0\0\0\6\0\0\0a.json1"
    "PK\3\4\24\0\0\0\0\0!Z!Z\203\334\357\267\1\0\0\0\1\0\0\0\13\0\0\0__MAC/._a.j1"
    "PK\1\2\24\3\24\0\0\0\0\0!Z!Z\203\334\357\267\1\0\0\0\1\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0z.json"
    "PK\1\2\24\3\24\0\0\0\0\0!Z!Z\203\334\357\267\1\0\0\0\1\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\0\0%\0\0\0a.json"
    "PK\1\2\24\3\24\0\0\0\0\0!Z!Z\203\334\357\267\1\0\0\0\1\0\0\0\13\0\0\0\0\0\0\0\0\0\0\0\0\0J\0\0\0__MAC/._a.j"
    "PK\5\6\0\0\0\0\3\0\3\0\241\0\0\0t\0\0\0\0";

static void everything_is_found_in_order(void **state) {
    (void)state;
    struct ec_inputs in;
    struct ec_err err = {0};
    char target[512], link_path[512];
    put("user_sessions/sessions_2.csv", "a\n1\n", 4);
    put("user_sessions/sessions_1.csv", "a\n1\n", 4);
    put("user_sessions/notes.txt", "?", 1);
    put("both.csv", "a\n", 2);
    put("both.csv.done", "{}", 2);
    put("half.csv.part", "a", 1);
    put("half.csv.tmp", "a", 1);
    put(".hidden.csv", "a", 1);
    put(".git/x.csv", "a", 1);
    put("empty.csv", "", 0);
    put("api_logs.zip", archive, sizeof archive);
    put("api_logs/2025/07/b.json.gz", "\x1f\x8b", 2);
    put("api_logs/a.json", "{}", 2);
    snprintf(target, sizeof target, "%s/both.csv", folder);
    snprintf(link_path, sizeof link_path, "%s/link.csv", folder);
    assert_int_equal(symlink(target, link_path), 0);

    enum ec_status status = ec_discover(&config, folder, &in, &err);
    if (status != EC_OK) fail_msg("%s", err.message);
    static const struct {
        const char *source, *path, *member;
        enum ec_status status;
    } expected[] = {
        {"api_logs", "api_logs.zip", "a.json", EC_OK},
        {"api_logs", "api_logs.zip", "z.json", EC_OK},
        {"api_logs", "api_logs/2025/07/b.json.gz", NULL, EC_OK},
        {"api_logs", "api_logs/a.json", NULL, EC_OK},
        {"sessions", "both.csv", NULL, EC_OK},
        {"sessions", "empty.csv", NULL, EC_EMPTY_FILE},
        {"sessions", "user_sessions/sessions_1.csv", NULL, EC_OK},
        {"sessions", "user_sessions/sessions_2.csv", NULL, EC_OK},
    };
    assert_int_equal(in.count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < in.count; i++) {
        assert_string_equal(in.input[i].source->name, expected[i].source);
        assert_string_equal(in.input[i].path, expected[i].path);
        assert_int_equal(in.input[i].status, expected[i].status);
        assert_int_equal(in.input[i].problem != NULL, expected[i].status != EC_OK);
        if (expected[i].member)
            assert_string_equal(in.input[i].member, expected[i].member);
        else
            assert_null(in.input[i].member);
        assert_true(in.input[i].mtime_us > INT64_C(1500000000000000));
        assert_true(in.input[i].inode != 0);
    }
    assert_int_equal(in.input[0].bytes_decoded, 1);
    assert_int_equal(in.input[6].bytes, 4);
    assert_int_equal(in.unclaimed_count, 1);
    assert_string_equal(in.unclaimed[0], "user_sessions/notes.txt");
    ec_inputs_deinit(&in);
}

static void a_damaged_archive_is_an_input_with_its_reason(void **state) {
    (void)state;
    struct ec_inputs in;
    put("api_logs.zip", archive, sizeof archive - 30);
    assert_int_equal(ec_discover(&config, folder, &in, NULL), EC_OK);
    assert_string_equal(in.input[0].path, "api_logs.zip");
    assert_null(in.input[0].member);
    assert_int_equal(in.input[0].status, EC_ZIP_DAMAGED);
    assert_null(strstr(in.input[0].problem, "api_logs.zip")); /* it is shown behind the name */
    ec_inputs_deinit(&in);

    put("api_logs.zip", "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
    assert_int_equal(ec_discover(&config, folder, &in, NULL), EC_OK);
    assert_int_equal(in.input[0].status, EC_EMPTY_FILE);
    ec_inputs_deinit(&in);
}

static void a_missing_folder_is_an_error(void **state) {
    (void)state;
    struct ec_inputs in;
    struct ec_err err = {0};
    assert_int_equal(ec_discover(&config, "/nowhere/at/all", &in, &err), EC_IO);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return ec_dir_remove(folder, true, NULL) == EC_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globs_match_whole_paths),
        cmocka_unit_test(everything_is_found_in_order),
        cmocka_unit_test(a_damaged_archive_is_an_input_with_its_reason),
        cmocka_unit_test(a_missing_folder_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
