/* Against what AWS published: the examples of the S3 API reference (Authorization header, single chunk) and get-vanilla of
 * the signature version 4 test suite. */
#include "remote/sigv4.h"

#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct ec_sigv4 example(const char *method, const char *path, const char *query, const char *payload,
                               const struct ec_sigv4_header *header, size_t count) {
    return (struct ec_sigv4){.access_key = "AKIAIOSFODNN7EXAMPLE", .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                             .region = "us-east-1", .service = "s3", .time = "20130524T000000Z", .method = method, .path = path,
                             .query = query, .header = header, .header_count = count, .payload = payload};
}

static void assert_signed(const struct ec_sigv4 *r, const char *names, const char *signature) {
    struct ec_buf out = ec_buf_make(8192), wanted = ec_buf_make(8192);
    struct ec_err err = {0};
    assert_int_equal(ec_sigv4_authorize(r, &out, &err), EC_OK);
    ec_buf_printf(&wanted, "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request,SignedHeaders=%s,Signature=%s", r->access_key, r->time,
                  r->service, names, signature);
    assert_string_equal(out.p, wanted.p);
    ec_buf_free(&out);
    ec_buf_free(&wanted);
}

static void test_get_object(void **state) {
    (void)state;
    const struct ec_sigv4_header h[] = {{"host", "examplebucket.s3.amazonaws.com"}, {"range", "bytes=0-9"},
                                        {"x-amz-content-sha256", EMPTY}, {"x-amz-date", "20130524T000000Z"}};
    struct ec_sigv4 r = example("GET", "/test.txt", "", EMPTY, h, 4);
    struct ec_buf text = ec_buf_make(8192);
    ec_sigv4_canonical(&r, &text);
    assert_string_equal(text.p, "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\nx-amz-content-sha256:" EMPTY
                                "\nx-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n" EMPTY);
    ec_buf_free(&text);
    assert_signed(&r, "host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void test_put_object(void **state) {
    (void)state;
    char sum[EC_SHA256_HEX];
    assert_int_equal(ec_sha256_bytes("Welcome to Amazon S3.", 21, sum, NULL), EC_OK);
    const struct ec_sigv4_header h[] = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"host", "examplebucket.s3.amazonaws.com"},
                                        {"x-amz-content-sha256", sum}, {"x-amz-date", "20130524T000000Z"},
                                        {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
    struct ec_sigv4 r = example("PUT", "/test%24file.text", "", sum, h, 5);
    assert_signed(&r, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                  "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static void test_bucket_requests(void **state) {
    (void)state;
    const struct ec_sigv4_header h[] = {{"host", "examplebucket.s3.amazonaws.com"}, {"x-amz-content-sha256", EMPTY}, {"x-amz-date", "20130524T000000Z"}};
    struct ec_sigv4 lifecycle = example("GET", "/", "lifecycle=", EMPTY, h, 3), list = example("GET", "/", "max-keys=2&prefix=J", EMPTY, h, 3);
    assert_signed(&lifecycle, "host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    assert_signed(&list, "host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void test_suite_vanilla(void **state) {
    (void)state;
    const struct ec_sigv4_header h[] = {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}};
    const struct ec_sigv4 r = {.access_key = "AKIDEXAMPLE", .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", .region = "us-east-1",
                               .service = "service", .time = "20150830T123600Z", .method = "GET", .path = "/", .query = "", .header = h,
                               .header_count = 2, .payload = EMPTY};
    assert_signed(&r, "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

/* get-header-value-trim: spaces at the ends go, several within are one. */
static void test_spaces_in_values(void **state) {
    (void)state;
    const struct ec_sigv4_header h[] = {{"my-header1", "  value1  "}, {"my-header2", " \"a   b   c\" "}};
    const struct ec_sigv4 r = {.method = "GET", .path = "/", .query = "", .header = h, .header_count = 2, .payload = EMPTY};
    struct ec_buf text = ec_buf_make(8192);
    ec_sigv4_canonical(&r, &text);
    assert_string_equal(text.p, "GET\n/\n\nmy-header1:value1\nmy-header2:\"a b c\"\n\nmy-header1;my-header2\n" EMPTY);
    ec_buf_free(&text);
}

static void test_time(void **state) {
    (void)state;
    char text[EC_SIGV4_TIME];
    ec_sigv4_time(INT64_C(1369353600000000), text);
    assert_string_equal(text, "20130524T000000Z");
    ec_sigv4_time(INT64_C(1440938160123456), text);
    assert_string_equal(text, "20150830T123600Z");
}

/* A secret that does not fit is no shorter secret. */
static void test_secret_too_long(void **state) {
    (void)state;
    char secret[400];
    memset(secret, 'x', sizeof secret - 1);
    secret[sizeof secret - 1] = '\0';
    struct ec_sigv4 r = example("GET", "/", "", EMPTY, NULL, 0);
    struct ec_buf out = ec_buf_make(8192);
    struct ec_err err = {0};
    r.secret_key = secret;
    assert_int_equal(ec_sigv4_authorize(&r, &out, &err), EC_REMOTE_DENIED);
    assert_null(strstr(err.message, "xxx"));
    ec_buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_object),    cmocka_unit_test(test_put_object),       cmocka_unit_test(test_bucket_requests),
        cmocka_unit_test(test_suite_vanilla), cmocka_unit_test(test_spaces_in_values), cmocka_unit_test(test_time),
        cmocka_unit_test(test_secret_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
