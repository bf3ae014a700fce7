#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_taken_apart(void **state) {
    (void)state;
    struct ec_address a;
    assert_int_equal(ec_address_parse("s3://my-bucket.eu/drop/a b.csv", &a, NULL), EC_OK);
    assert_int_equal(a.kind, EC_ADDRESS_S3);
    assert_true(ec_str_is(a.authority, "my-bucket.eu"));
    assert_string_equal(a.key, "drop/a b.csv");
    assert_int_equal(ec_address_parse("webhdfs://node:9870/x", &a, NULL), EC_OK);
    assert_int_equal(a.kind, EC_ADDRESS_WEBHDFS);
    assert_true(ec_str_is(a.authority, "node:9870"));
    assert_int_equal(ec_address_parse("hdfs://node/", &a, NULL), EC_OK);
    assert_string_equal(a.key, "");
}

static void test_what_is_one(void **state) {
    (void)state;
    assert_true(ec_is_address("s3://b/k"));
    assert_true(ec_is_address("swebhdfs://"));
    assert_false(ec_is_address("s3:/b/k"));
    assert_false(ec_is_address("S3://b/k"));
    assert_false(ec_is_address("http://b/k"));
    assert_false(ec_is_address("data/s3://b/k"));
}

static void refuse(const char *text, const char *words) {
    struct ec_address a;
    struct ec_err err = {0};
    assert_int_equal(ec_address_parse(text, &a, &err), EC_USAGE);
    if (!strstr(err.message, words)) fail_msg("%s: %s", text, err.message);
}

static void test_refused(void **state) {
    (void)state;
    refuse("ftp://host/x", "no address");
    refuse("s3://bucket", "names no object");
    refuse("s3:///key", "cannot be the bucket");
    refuse("s3://a/key", "cannot be the bucket");
    refuse("s3://a..b/key", "cannot be the bucket");
    refuse("s3://b%2e/key", "cannot be the bucket");
    refuse("s3://bucket/a\nb", "control character");
    refuse("hdfs://host:0/x", "cannot be the host");
    refuse("hdfs://host:65536/x", "cannot be the host");
    refuse("hdfs://host:12a/x", "cannot be the host");
    refuse("hdfs://ho?st/x", "cannot be the host");
    char *large = test_malloc(EC_ADDRESS_MAX + 20);
    memset(large, 'x', EC_ADDRESS_MAX + 19);
    memcpy(large, "s3://bucket/", 12);
    large[EC_ADDRESS_MAX + 19] = '\0';
    refuse(large, "more than 2048 bytes");
    test_free(large);
}

/* What stands before the @ is a secret: no message repeats it. */
static void test_password_is_not_repeated(void **state) {
    (void)state;
    struct ec_address a;
    struct ec_err err = {0};
    assert_int_equal(ec_address_parse("s3://AKIA:hush@bucket/key", &a, &err), EC_USAGE);
    assert_non_null(strstr(err.message, "no password"));
    assert_null(strstr(err.message, "hush"));
}

static void test_keys_as_paths(void **state) {
    (void)state;
    static const char *const good[] = {"a", "a/b.csv", "...", "a/..b/c", "a b", "a:b"};
    static const char *const bad[] = {"", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", "a/.."};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(ec_address_key_is_path(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(ec_address_key_is_path(bad[i]));
    char part[300];
    memset(part, 'x', 299);
    part[299] = '\0';
    assert_false(ec_address_key_is_path(part));
    part[240] = '\0';
    assert_true(ec_address_key_is_path(part));
}

static void test_below(void **state) {
    (void)state;
    static const char folder[] = "s3://bucket/lake";
    assert_true(ec_address_lies_below("s3://bucket/lake/a", folder));
    assert_true(ec_address_lies_below("s3://bucket/lake/a/b.csv", folder));
    static const char *const bad[] = {"s3://bucket/lake", "s3://bucket/lake/", "s3://bucket/lakes/a", "s3://bucket/other/a", "s3://bucket/lake/../a", "s3://b", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(ec_address_lies_below(bad[i], folder));
    assert_false(ec_address_lies_below("s3://bucket/lake/a", NULL));
    assert_false(ec_address_lies_below("/a", ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken_apart), cmocka_unit_test(test_what_is_one), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_password_is_not_repeated), cmocka_unit_test(test_keys_as_paths), cmocka_unit_test(test_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
