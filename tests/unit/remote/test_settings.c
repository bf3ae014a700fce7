#include "remote/profile.h"
#include "remote/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION",
                                    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE",
                                    "AWS_MAX_ATTEMPTS", "ECLUSE_REMOTE_TIMEOUT", "ECLUSE_WEBHDFS", "ECLUSE_WEBHDFS_TOKEN_FILE", "AWS_CA_BUNDLE",
                                    "HADOOP_USER_NAME", "HOME", "USER"};

static int clear(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) (void)unsetenv(names[i]);
    return 0;
}

static void put(const char *name, const char *value) { assert_int_equal(setenv(name, value, 1), 0); }

static void test_from_environment(void **state) {
    (void)state;
    struct ec_remote_settings s;
    put("AWS_ACCESS_KEY_ID", "AKIA1");
    put("AWS_SECRET_ACCESS_KEY", "hush");
    put("AWS_SESSION_TOKEN", "tok");
    put("AWS_DEFAULT_REGION", "eu-west-3");
    put("AWS_ENDPOINT_URL", "http://127.0.0.1:9000/");
    put("AWS_MAX_ATTEMPTS", "3");
    assert_int_equal(ec_remote_settings_load(&s, NULL), EC_OK);
    assert_string_equal(s.access_key, "AKIA1");
    assert_string_equal(s.token, "tok");
    assert_string_equal(s.region, "eu-west-3");
    assert_string_equal(s.endpoint, "http://127.0.0.1:9000");
    assert_string_equal(s.keys_from, "the environment");
    assert_int_equal(s.tries, 3);
    ec_remote_settings_wipe(&s);
    assert_string_equal(s.secret_key, "");
}

static void test_usual_ports_are_left_out(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"https://s3.example:443/", "https://s3.example"}, {"http://s3.example:80", "http://s3.example"},
                                           {"https://s3.example:80", "https://s3.example:80"}, {"http://[::1]:9000", "http://[::1]:9000"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct ec_remote_settings s;
        put("AWS_ENDPOINT_URL", pairs[i][0]);
        assert_int_equal(ec_remote_settings_load(&s, NULL), EC_OK);
        assert_string_equal(s.endpoint, pairs[i][1]);
    }
}

static void test_nothing_is_no_error(void **state) {
    (void)state;
    struct ec_remote_settings s;
    assert_int_equal(ec_remote_settings_load(&s, NULL), EC_OK);
    assert_string_equal(s.access_key, "");
    assert_string_equal(s.region, "us-east-1");
    assert_string_equal(s.endpoint, "");
}

/* Messages name the variable and never its value. */
static void refuse(const char *name, const char *value, const char *words) {
    struct ec_remote_settings s;
    struct ec_err err = {0};
    put(name, value);
    assert_int_not_equal(ec_remote_settings_load(&s, &err), EC_OK);
    if (!strstr(err.message, words)) fail_msg("%s: %s", name, err.message);
    assert_null(strstr(err.message, "hush"));
    assert_int_equal(clear(NULL), 0);
}

static void test_refused(void **state) {
    (void)state;
    refuse("AWS_SECRET_ACCESS_KEY", "hush", "one is set and the other is not");
    refuse("AWS_ACCESS_KEY_ID", "hush\r\nX-Evil: 1", "AWS_ACCESS_KEY_ID");
    refuse("AWS_ENDPOINT_URL", "https://user:hush@host", "AWS_ENDPOINT_URL");
    refuse("AWS_ENDPOINT_URL", "host:9000", "AWS_ENDPOINT_URL");
    refuse("AWS_ENDPOINT_URL", "https://host/path", "AWS_ENDPOINT_URL");
    refuse("AWS_REGION", "eu.evil.example", "AWS_REGION");
    refuse("AWS_MAX_ATTEMPTS", "0", "AWS_MAX_ATTEMPTS");
    refuse("AWS_MAX_ATTEMPTS", "99999999999999999999", "AWS_MAX_ATTEMPTS");
    refuse("ECLUSE_WEBHDFS", "hdfs://namenode:8020", "ECLUSE_WEBHDFS");
    refuse("ECLUSE_WEBHDFS_TOKEN_FILE", "/nonexistent/token", "ECLUSE_WEBHDFS_TOKEN_FILE");
    refuse("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", "cannot be read");
}

static const char profiles[] = "# of AWS's tools\n[default]\naws_access_key_id = AKIA2\r\naws_secret_access_key=hush=x\n\n"
                               "[other]\n  aws_access_key_id=AKIA3\naws_secret_access_key = hush3\naws_session_token = t\nregion = eu-north-1\n"
                               "output = json\n[broken]\naws_access_key_id hush\n";

static void test_profiles(void **state) {
    (void)state;
    struct ec_remote_settings s = {0};
    bool found;
    assert_int_equal(ec_remote_profile_parse(&s, EC_STR(profiles), "default", &found, NULL), EC_OK);
    assert_true(found);
    assert_string_equal(s.access_key, "AKIA2");
    assert_string_equal(s.secret_key, "hush=x");
    assert_string_equal(s.region, "");
    assert_int_equal(ec_remote_profile_parse(&s, EC_STR(profiles), "other", &found, NULL), EC_OK);
    assert_string_equal(s.access_key, "AKIA3");
    assert_string_equal(s.token, "t");
    assert_string_equal(s.region, "eu-north-1");
    assert_int_equal(ec_remote_profile_parse(&s, EC_STR(profiles), "none", &found, NULL), EC_OK);
    assert_false(found);
    struct ec_err err = {0};
    assert_int_equal(ec_remote_profile_parse(&s, EC_STR(profiles), "broken", &found, &err), EC_REMOTE_DENIED);
    assert_non_null(strstr(err.message, "line 13"));
    assert_null(strstr(err.message, "hush"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_from_environment, clear), cmocka_unit_test_setup(test_nothing_is_no_error, clear),
        cmocka_unit_test_setup(test_refused, clear), cmocka_unit_test_setup(test_usual_ports_are_left_out, clear), cmocka_unit_test_setup(test_profiles, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
