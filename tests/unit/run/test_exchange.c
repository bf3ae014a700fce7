/* What machines exchange through a store: noted before it is used, removed when the run is over, and nothing else. The store
 * is the test's: the linker has every request come to __wrap_ec_http_perform() (tests/CMakeLists.txt). */
#include "run/exchange.h"

#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "remote/http.h"
#include "run/paths.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RUN   "20250718_133402-00000004"
#define OURS  "s3://lake/shop/_ecluse/" RUN ".0123456789abcdef"
#define OTHER "s3://lake/shop/_ecluse/20250717_133402-00000003.fedcba9876543210"

static char project[64];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char asked[64][700]; /* "METHOD url", in any order */
static unsigned asks;
static unsigned objects; /* that each folder holds */
static const char *refused; /* a part of the requests that are */

enum ec_status __wrap_ec_http_perform(struct ec_http *http, const struct ec_http_call *call, struct ec_http_answer *answer, struct ec_err *err);

static void list_folder(const char *url, struct ec_buf *body) {
    const char *prefix = strstr(url, "prefix=") + 7;
    ec_buf_addz(body, "<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>");
    for (unsigned i = 0; i < objects; i++)
        ec_buf_printf(body, "<Contents><Key>%s%u%s</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>t</ETag><Size>0</Size></Contents>", prefix, i,
                      i == 0 ? "/" : "");
    ec_buf_addz(body, "</ListBucketResult>");
}

enum ec_status __wrap_ec_http_perform(struct ec_http *http, const struct ec_http_call *call, struct ec_http_answer *answer, struct ec_err *err) {
    (void)http;
    memset(answer, 0, sizeof *answer);
    answer->body = ec_buf_make(EC_MIB);
    (void)snprintf(answer->host, sizeof answer->host, "store.test");
    (void)pthread_mutex_lock(&mutex);
    (void)snprintf(asked[asks++ % 64], sizeof asked[0], "%s %s", call->method, call->url);
    (void)pthread_mutex_unlock(&mutex);
    answer->code = refused && strstr(call->url, refused) ? 403 : 200;
    if (answer->code == 200 && strcmp(call->method, "GET") == 0) list_folder(call->url, &answer->body);
    if (answer->code == 200 && strstr(call->url, "webhdfs")) ec_buf_addz(&answer->body, "{\"boolean\":true}");
    return ec_buf_check(&answer->body, err);
}

static unsigned times(const char *method, const char *part) {
    unsigned n = 0;
    for (unsigned i = 0; i < asks; i++) n += strncmp(asked[i], method, strlen(method)) == 0 && strstr(asked[i], part) != NULL;
    return n;
}

static int set_up(void **state) {
    char runs[EC_PATH_MAX];
    (void)state;
    asks = 0;
    objects = 3;
    refused = NULL;
    (void)setenv("AWS_ACCESS_KEY_ID", "key", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "hush", 1);
    (void)setenv("AWS_ENDPOINT_URL", "http://store.test", 1);
    (void)setenv("AWS_MAX_ATTEMPTS", "1", 1);
    (void)unsetenv("AWS_REGION");
    struct ec_log_options quiet = {.level = EC_LOG_ERROR};
    ec_log_init(&quiet);
    (void)snprintf(project, sizeof project, "/tmp/ec-exchange-XXXXXX");
    if (!mkdtemp(project)) return -1;
    return ec_project_path(runs, project, EC_DIR_RUNS, NULL, NULL) == EC_OK && ec_dir_make(runs, NULL) == EC_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return ec_dir_remove(project, true, NULL) == EC_OK ? 0 : -1;
}

static const char *file(void) {
    static char path[EC_PATH_MAX];
    assert_int_equal(ec_project_path(path, project, EC_DIR_RUNS, "exchange.json", NULL), EC_OK);
    return path;
}

static void expect_notes(const char *wanted) {
    struct ec_buf text = ec_buf_make(EC_MIB);
    assert_int_equal(ec_file_load(file(), &text, NULL), EC_OK);
    ec_buf_addc(&text, '\0');
    assert_string_equal(text.p, wanted);
    ec_buf_free(&text);
}

static void what_can_be_one(void **state) {
    (void)state;
    static const char *const good[] = {OURS, "hdfs://namenode:8020/_ecluse/" RUN ".0000000000000000"};
    static const char *const bad[] = {
        "s3://lake/shop", "s3://lake/shop/_ecluse/" RUN, "s3://lake/shop/_ecluse/" RUN ".0123456789abcde", "s3://lake/shop/_ecluse/" RUN ".0123456789abcdef0",
        "s3://lake/shop/_ecluse/" RUN ".0123456789abcdeF", "s3://lake/shop/_ecluse/x" RUN ".0123456789abcdef", "s3://lake/shop/_ecluse/" RUN "5.0123456789abcdef",
        "s3://lake/shop/_ecluse/.0123456789abcdef", "s3://lake/shop/ecluse/" RUN ".0123456789abcdef", "s3://lake/x_ecluse/" RUN ".0123456789abcdef",
        "s3://lake/" RUN ".0123456789abcdef", "s3://lake/../_ecluse/" RUN ".0123456789abcdef", "/lake/_ecluse/" RUN ".0123456789abcdef",
        "s3://lake//_ecluse/" RUN ".0123456789abcdef", OURS "/", "s3://" RUN ".0123456789abcdef", OTHER};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_int_equal(ec_exchange_check(good[i], RUN, NULL), EC_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ec_err err = {0};
        if (ec_exchange_check(bad[i], RUN, &err) != EC_PROTOCOL) fail_msg("%s", bad[i]);
        assert_non_null(strstr(err.message, "is no folder for the exchange of the run " RUN));
    }
}

static void nothing_noted_nothing_asked(void **state) {
    (void)state;
    ec_exchange_clear(project, NULL);
    assert_int_equal(asks, 0);
    assert_false(ec_path_exists(file()));
}

/* The own note stays for the next run, an earlier one's goes. */
static void removed_and_remembered(void **state) {
    (void)state;
    assert_int_equal(ec_exchange_note(project, OTHER, NULL), EC_OK);
    assert_int_equal(ec_exchange_note(project, OURS, NULL), EC_OK);
    expect_notes("{\"exchanges\":[\"" OTHER "\",\"" OURS "\"]}\n");
    ec_exchange_clear(project, OURS);
    expect_notes("{\"exchanges\":[\"" OURS "\"]}\n");
    assert_int_equal(times("GET", "list-type=2"), 2);
    assert_int_equal(times("GET", "delimiter"), 0);
    assert_int_equal(times("DELETE", "/lake/shop/_ecluse/" RUN ".0123456789abcdef/"), 3); /* what only shows a folder, too */
    assert_int_equal(times("DELETE", "fedcba9876543210/"), 3);
    assert_int_equal(asks, 8);
    asks = objects = 0;
    ec_exchange_clear(project, NULL);
    expect_notes("{\"exchanges\":[]}\n");
    assert_int_equal(asks, 1);
    ec_exchange_clear(project, NULL);
    assert_int_equal(asks, 1);
}

/* In HDFS a folder goes at once. */
static void a_folder_of_hdfs(void **state) {
    (void)state;
    assert_int_equal(ec_exchange_note(project, "webhdfs://namenode:9870/lake/_ecluse/" RUN ".0123456789abcdef", NULL), EC_OK);
    ec_exchange_clear(project, NULL);
    assert_int_equal(asks, 1);
    assert_int_equal(times("DELETE", "http://namenode:9870/webhdfs/v1/lake/_ecluse/" RUN ".0123456789abcdef?op=DELETE&recursive=true"), 1);
    expect_notes("{\"exchanges\":[]}\n");
}

/* What cannot be listed or removed keeps its note, and the notes behind it theirs. */
static void what_cannot_be_removed(void **state) {
    (void)state;
    static const char *const parts[] = {"list-type=2", RUN ".0123456789abcdef/1"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        (void)unlink(file());
        assert_int_equal(ec_exchange_note(project, OURS, NULL), EC_OK);
        assert_int_equal(ec_exchange_note(project, OTHER, NULL), EC_OK);
        refused = parts[i];
        ec_exchange_clear(project, NULL);
        expect_notes("{\"exchanges\":[\"" OURS "\",\"" OTHER "\"]}\n");
    }
    refused = "fedcba9876543210";
    ec_exchange_clear(project, NULL);
    expect_notes("{\"exchanges\":[\"" OTHER "\"]}\n");
    (void)setenv("AWS_REGION", "no region", 1);
    refused = NULL;
    asks = 0;
    ec_exchange_clear(project, NULL);
    expect_notes("{\"exchanges\":[\"" OTHER "\"]}\n");
    assert_int_equal(asks, 0);
}

/* Nobody removes anything by notes that cannot be what this program wrote. */
static void notes_that_are_damaged(void **state) {
    (void)state;
    static const char *const bad[] = {"", "{", "[]", "{\"exchanges\":1}", "{\"exchanges\":[1]}", "{\"exchanges\":[\"s3://lake/shop\"]}", "{\"exchanges\":[\"" OURS "\",null]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ec_file_replace(file(), bad[i], strlen(bad[i]), NULL), EC_OK);
        ec_exchange_clear(project, NULL);
        expect_notes(bad[i]);
        assert_int_not_equal(ec_exchange_note(project, OURS, NULL), EC_OK);
        expect_notes(bad[i]);
    }
    assert_int_equal(asks, 0);
}

static _Atomic unsigned calls_left;

static void *fail_malloc(size_t n) { return calls_left-- > 0 ? malloc(n) : NULL; }
static void *fail_realloc(void *p, size_t n) { return calls_left-- > 0 ? realloc(p, n) : NULL; }

/* Without memory, wherever: the note is as it was, or as it should be. */
static void without_memory(void **state) {
    (void)state;
    const struct ec_io before = ec_io;
    bool done = false;
    for (unsigned n = 0; !done; n++) {
        assert_true(n < 400);
        ec_io = before;
        (void)unlink(file());
        assert_int_equal(ec_exchange_note(project, OTHER, NULL), EC_OK);
        calls_left = n;
        ec_io.malloc = fail_malloc;
        ec_io.realloc = fail_realloc;
        enum ec_status status = ec_exchange_note(project, OURS, NULL);
        ec_io = before;
        if (status == EC_OK) expect_notes("{\"exchanges\":[\"" OTHER "\",\"" OURS "\"]}\n");
        else expect_notes("{\"exchanges\":[\"" OTHER "\"]}\n");
        done = status == EC_OK && calls_left > 0 && calls_left < n;
    }
    done = false;
    for (unsigned n = 0; !done; n++) {
        assert_true(n < 2000);
        (void)unlink(file());
        assert_int_equal(ec_exchange_note(project, OURS, NULL), EC_OK);
        asks = 0;
        calls_left = n;
        ec_io.malloc = fail_malloc;
        ec_io.realloc = fail_realloc;
        ec_exchange_clear(project, NULL);
        done = calls_left > 0 && calls_left < n;
        ec_io = before;
        struct ec_buf text = ec_buf_make(EC_MIB);
        assert_int_equal(ec_file_load(file(), &text, NULL), EC_OK);
        bool kept = memmem(text.p, text.n, OURS, strlen(OURS)) != NULL;
        ec_buf_free(&text);
        if (!kept) assert_int_equal(times("DELETE", RUN), 3);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_can_be_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_noted_nothing_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removed_and_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_of_hdfs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(notes_that_are_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
