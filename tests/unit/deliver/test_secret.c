/* Secrets are read, signed with, and shown to nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "deliver/secret.h"
#include "deliver/sign.h"

#include <stdlib.h>

static void redact(const char *url, const char *expected) {
    struct ec_buf out = ec_buf_make(4096);
    ec_redact_url(&out, url);
    assert_string_equal(ec_buf_str(&out).p, expected);
    ec_buf_free(&out);
}

static void an_address_shows_whom_it_belongs_to(void **state) {
    (void)state;
    redact("https://hooks.slack.com/services/T0/B0/tok", "https://hooks.slack.com/…");
    redact("https://user:pass@example.org:8443/x?key=1#f", "https://example.org:8443/…");
    redact("https://u@ser:p@ss@example.org", "https://example.org");
    redact("https://example.org?key=1", "https://example.org/…");
    redact("https://example.org#secret", "https://example.org/…");
    redact("https://example.org\\@evil.example/x", "https://example.org/…");
    redact("a-secret-without-scheme", "…");
    redact("", "…");
}

static void what_is_configured_is_shown_without_its_secrets(void **state) {
    (void)state;
    const char *to[] = {"a@b.fr", "c@d.fr"}, *argv[] = {"/bin/tell", "--key=secret", NULL};
    struct ec_alert mail = {.type = EC_ALERT_SMTP, .host = "mx.b.fr", .port = 587, .to = to, .to_count = 2};
    struct ec_alert command = {.type = EC_ALERT_COMMAND, .argv = argv, .argv_count = 2};
    struct ec_alert hook = {.type = EC_ALERT_WEBHOOK, .url = {EC_SECRET_ENV, "EC_TEST_NOT_SET"}};
    struct ec_buf out = ec_buf_make(4096);
    ec_redact_target(&out, &mail, ".");
    ec_buf_addc(&out, '|');
    ec_redact_target(&out, &command, ".");
    ec_buf_addc(&out, '|');
    ec_redact_target(&out, &hook, ".");
    ec_buf_addc(&out, '|');
    hook.url = (struct ec_secret){EC_SECRET_TEXT, "https://x.fr/secret"};
    ec_redact_target(&out, &hook, ".");
    assert_string_equal(out.p, "smtp://mx.b.fr:587 to a@b.fr, c@d.fr|/bin/tell|env EC_TEST_NOT_SET|https://x.fr/…");
    ec_buf_free(&out);
}

static void secrets_come_from_environment_and_file(void **state) {
    (void)state;
    char dir[] = "/tmp/ec-secret-XXXXXX", path[128];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/key", dir);
    struct ec_secrets s = {0};
    struct ec_err err = {0};
    const char *value;
    assert_int_equal(ec_file_replace(path, "pa ss\r\n", 7, NULL), EC_OK);
    assert_int_equal(ec_secrets_read(&s, dir, &(struct ec_secret){EC_SECRET_FILE, "key"}, "password", &value, &err), EC_OK);
    assert_string_equal(value, "pa ss");
    assert_int_equal(ec_secrets_read(&s, ".", &(struct ec_secret){EC_SECRET_FILE, path}, "password", &value, &err), EC_OK);
    assert_string_equal(value, "pa ss");
    assert_int_equal(setenv("EC_TEST_SECRET", "Wört", 1), 0);
    assert_int_equal(ec_secrets_read(&s, dir, &(struct ec_secret){EC_SECRET_ENV, "EC_TEST_SECRET"}, "password", &value, &err), EC_OK);
    assert_string_equal(value, "Wört");
    assert_int_equal(ec_secrets_read(&s, dir, &(struct ec_secret){EC_SECRET_NONE, NULL}, "password", &value, &err), EC_OK);
    assert_string_equal(value, "");
    static const char *const wrong[] = {"", "two\nlines", "nul\x01"}; /* what would end a header or a line of SMTP */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(setenv("EC_TEST_SECRET", wrong[i], 1), 0);
        ec_err_clear(&err);
        assert_int_equal(ec_secrets_read(&s, dir, &(struct ec_secret){EC_SECRET_ENV, "EC_TEST_SECRET"}, "password", &value, &err), EC_DELIVERY);
        assert_null(strstr(err.message, "lines"));
        assert_non_null(strstr(err.message, "EC_TEST_SECRET"));
    }
    assert_int_equal(unsetenv("EC_TEST_SECRET"), 0);
    ec_err_clear(&err);
    assert_int_equal(ec_secrets_read(&s, dir, &(struct ec_secret){EC_SECRET_ENV, "EC_TEST_SECRET"}, "password", &value, &err), EC_DELIVERY);
    assert_string_equal(err.message, "its `password` is to come from the environment variable EC_TEST_SECRET, which is not set");
    ec_secrets_deinit(&s);
    assert_int_equal(ec_dir_remove(dir, true, NULL), EC_OK);
}

static void scrubbing_replaces_every_one(void **state) {
    (void)state;
    struct ec_secrets s = {0};
    ec_secrets_add(&s, "hunter22", 8);
    ec_secrets_add(&s, "abc", 3); /* too short to be told from words */
    char text[64] = "hunter22 abc hunter2 xhunter22hunter22";
    ec_secrets_scrub(&s, text, sizeof text);
    assert_string_equal(text, "[secret] abc hunter2 x[secret][secret]");
    struct ec_secrets four = {0};
    ec_secrets_add(&four, "1234", 4);
    for (size_t size = 5; size < 40; size++) { /* the mark is longer than what it stands for: nothing leaves its room */
        char *room = malloc(size);
        assert_non_null(room);
        memset(room, 'y', size);
        memcpy(room, "1234", 4);
        if (size > 10) memcpy(room + size - 5, "1234", 4);
        room[size - 1] = '\0';
        ec_secrets_scrub(&four, room, size);
        assert_true(strlen(room) < size);
        assert_null(strstr(room, "1234"));
        free(room);
    }
    ec_secrets_deinit(&four);
    ec_secrets_deinit(&s);
}

/* Expected values are those of Python's hmac. */
static void signatures(void **state) {
    (void)state;
    struct ec_buf out = ec_buf_make(256);
    struct ec_err err = {0};
    assert_int_equal(ec_sign(&out, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                             EC_STR("{\"test\": 2432232314}"), &err), EC_OK);
    assert_string_equal(out.p, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    ec_buf_clear(&out);
    assert_int_equal(ec_sign(&out, "clé simple", "a", 1, EC_STR(""), &err), EC_OK);
    assert_string_equal(out.p, "v1,Ws09Em3npJ7BAdP6dbc+KX4ZF/gt5WIbGH75mHLFA+w=");
    assert_int_equal(ec_sign(&out, "whsec_no base64", "a", 1, EC_STR(""), &err), EC_DELIVERY);
    assert_null(strstr(err.message, "no base64\""));
    ec_buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_shows_whom_it_belongs_to), cmocka_unit_test(what_is_configured_is_shown_without_its_secrets),
        cmocka_unit_test(secrets_come_from_environment_and_file), cmocka_unit_test(scrubbing_replaces_every_one), cmocka_unit_test(signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
