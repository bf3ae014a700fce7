#include "delta_fixture.h"

static void check_dir(const char *column, const char *value, const char *expected) {
    char out[256];
    assert_int_equal(ec_delta_partition_dir(out, sizeof out, column, value, NULL), EC_OK);
    assert_string_equal(out, expected);
}

static void partition_folders_are_escaped_as_hive_does(void **state) {
    (void)state;
    check_dir("date", "2025-07-18", "date=2025-07-18");
    check_dir("date", NULL, "date=__HIVE_DEFAULT_PARTITION__");
    check_dir("c", "", "c=__HIVE_DEFAULT_PARTITION__");
    check_dir("t", "2021-09-08 11:11:11", "t=2021-09-08 11%3A11%3A11");
    check_dir("c", "bar+%23", "c=bar+%2523"); /* as Spark's golden table data-reader-escaped-chars has it */
    check_dir("c", "a/b\\c=d?e#f'g\"h*i{j}k[l]m^n\x01\x7F",
              "c=a%2Fb%5Cc%3Dd%3Fe%23f%27g%22h%2Ai%7Bj}k%5Bl%5Dm%5En%01%7F");
    check_dir("c", "Göteborg", "c=Göteborg");
    check_dir("c", "..", "c=..");
    char small[12];
    struct ec_err err = {0};
    assert_int_equal(ec_delta_partition_dir(small, sizeof small, "date", "2025-07-18", &err), EC_TABLE_FORMAT);
    assert_non_null(strstr(err.message, "the value of the partition column date is too long"));
}

static void check_both(const char *path, const char *uri) {
    char out[256];
    struct ec_buf encoded = ec_buf_make(1024);
    ec_delta_path_encode(&encoded, path);
    assert_string_equal(encoded.p, uri);
    assert_int_equal(ec_delta_path_decode(uri, out, sizeof out, NULL), EC_OK);
    assert_string_equal(out, path);
    ec_buf_free(&encoded);
}

static void paths_go_through_the_log_and_back(void **state) {
    (void)state;
    check_both("date=2025-07-18/part-1.parquet", "date=2025-07-18/part-1.parquet");
    check_both("t=2021-09-08 11%3A11/p.parquet", "t=2021-09-08%2011%253A11/p.parquet");
    check_both("c=Göteborg/p+q&r.parquet", "c=G%C3%B6teborg/p%2Bq%26r.parquet");
    char every[256];
    for (int c = 1; c < 256; c++) every[c - 1] = (char)c;
    every[255] = '\0';
    every['/' - 1] = 'x'; /* not a leading or doubled slash */
    struct ec_buf encoded = ec_buf_make(1024);
    char out[256];
    ec_delta_path_encode(&encoded, every);
    for (size_t i = 0; i < encoded.n; i++) assert_true(encoded.p[i] > 0x20 && encoded.p[i] < 0x7F);
    assert_int_equal(ec_delta_path_decode(encoded.p, out, sizeof out, NULL), EC_OK);
    assert_string_equal(out, every);
    ec_buf_free(&encoded);
}

static void paths_that_leave_the_table_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",         "/etc/passwd", "../x.parquet", "a/../../x", "a/..",
                                      "%2Fetc/x", "..%2Fx",      "a/%2e%2e/x",   "s3://b/x",  "file:/x",
                                      "C:x",      "a%",          "a%2",          "a%zz",      "a%00b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char out[64];
        struct ec_err err = {0};
        if (ec_delta_path_decode(bad[i], out, sizeof out, &err) != EC_TABLE_FORMAT) fail_msg("accepted: '%s'", bad[i]);
        assert_true(err.message[0] != '\0');
    }
    char out[4];
    assert_int_equal(ec_delta_path_decode("abc", out, sizeof out, NULL), EC_OK);
    assert_int_equal(ec_delta_path_decode("abcd", out, sizeof out, NULL), EC_TABLE_FORMAT);
    char wide[64];
    assert_int_equal(ec_delta_path_decode("a/...x/t=1:2", wide, sizeof wide, NULL), EC_OK);
}

static void names_that_delta_cannot_hold_are_known(void **state) {
    (void)state;
    assert_true(ec_delta_name_valid("user_id"));
    assert_true(ec_delta_name_valid("größe"));
    static const char *const bad[] = {"", "a b", "a,b", "a;b", "a{", "a}", "a(", "a)", "a\n", "a\t", "a=b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(ec_delta_name_valid(bad[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partition_folders_are_escaped_as_hive_does),
        cmocka_unit_test(paths_go_through_the_log_and_back),
        cmocka_unit_test(paths_that_leave_the_table_are_refused),
        cmocka_unit_test(names_that_delta_cannot_hold_are_known),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
