/* What is brought from a store is whole and, where it was asked for, on the disk before it is answered; without memory there is
 * an error and no half of a file. The store is the test's (tests/CMakeLists.txt). */
#include "run/get_worker.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "remote/http.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define EXCHANGE "s3://lake/shop/_ecluse/r.0123456789abcdef"
#define CONTENT  "twelve bytes"
#define BYTES    12u

static char project[64];
static struct ec_config config = {.dir = project};

enum ec_status __wrap_ec_http_perform(struct ec_http *http, const struct ec_http_call *call, struct ec_http_answer *answer, struct ec_err *err);

enum ec_status __wrap_ec_http_perform(struct ec_http *http, const struct ec_http_call *call, struct ec_http_answer *answer, struct ec_err *err) {
    (void)http;
    memset(answer, 0, sizeof *answer);
    answer->body = ec_buf_make(EC_MIB);
    (void)snprintf(answer->host, sizeof answer->host, "store.test");
    answer->code = 206;
    (void)snprintf(answer->etag, sizeof answer->etag, "\"e\"");
    (void)snprintf(answer->content_range, sizeof answer->content_range, "bytes 0-%u/%u", BYTES - 1, BYTES);
    return call->sink(call->user, CONTENT, BYTES, err);
}

static int set_up(void **state) {
    char staging[128];
    (void)state;
    (void)setenv("AWS_ACCESS_KEY_ID", "key", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "hush", 1);
    (void)setenv("AWS_ENDPOINT_URL", "http://store.test", 1);
    (void)setenv("AWS_MAX_ATTEMPTS", "1", 1);
    (void)snprintf(project, sizeof project, "/tmp/ec-get-XXXXXX");
    if (!mkdtemp(project)) return -1;
    (void)snprintf(staging, sizeof staging, "%s/data/staging", project);
    return ec_dir_make(staging, NULL) == EC_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return ec_dir_remove(project, true, NULL) == EC_OK ? 0 : -1;
}

static const char *file(void) {
    static char path[160];
    (void)snprintf(path, sizeof path, "%s/data/staging/in/part", project);
    return path;
}

/* Gets it, with `more` in its line; what came out is in `out`. */
static enum ec_status get(const char *more, char *out, size_t size) {
    int in[2], answers[2];
    char line[600];
    int n = snprintf(line, sizeof line, "{\"address\":\"" EXCHANGE "/part\",\"path\":\"%s\",\"bytes\":%u%s}\n", file(), BYTES, more);
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(answers), 0);
    assert_int_equal(write(in[1], line, (size_t)n), n);
    (void)close(in[1]);
    enum ec_status status = ec_get_worker_run(&config, EXCHANGE, in[0], answers[1], NULL);
    (void)close(answers[1]);
    (void)close(in[0]);
    ssize_t got = read(answers[0], out, size - 1);
    (void)close(answers[0]);
    out[got > 0 ? got : 0] = '\0';
    return status;
}

static bool is_whole(void) {
    struct ec_buf text = ec_buf_make(EC_KIB);
    bool whole = ec_path_exists(file()) && ec_file_load(file(), &text, NULL) == EC_OK && text.n == BYTES && memcmp(text.p, CONTENT, BYTES) == 0;
    ec_buf_free(&text);
    return whole;
}

static _Atomic unsigned synced;
static bool refuse_sync;

static int count_sync(int fd) {
    synced++;
    if (!refuse_sync) return fsync(fd);
    errno = EIO;
    return -1;
}

static void on_the_disk_before_it_is_answered(void **state) {
    (void)state;
    char out[1024];
    const struct ec_io before = ec_io;
    ec_io.fsync = count_sync;
    synced = 0;
    refuse_sync = false;
    assert_int_equal(get("", out, sizeof out), EC_OK);
    assert_int_equal(synced, 0); /* a copy to be read needs no disk */
    assert_non_null(strstr(out, "\"status\":\"ok\",\"bytes\":12}"));
    assert_true(is_whole());
    assert_int_equal(unlink(file()), 0);
    assert_int_equal(get(",\"durable\":true", out, sizeof out), EC_OK);
    assert_int_equal(synced, 1);
    assert_non_null(strstr(out, "\"status\":\"ok\""));
    assert_int_equal(unlink(file()), 0);
    refuse_sync = true;
    assert_int_equal(get(",\"durable\":true", out, sizeof out), EC_OK);
    assert_non_null(strstr(out, "\"status\":\"failed\",\"error\":{\"code\":\"io\""));
    ec_io = before;
}

static void held_against_its_hash(void **state) {
    (void)state;
    char out[1024], more[128], hex[EC_SHA256_HEX];
    assert_int_equal(ec_sha256_bytes(CONTENT, BYTES, hex, NULL), EC_OK);
    (void)snprintf(more, sizeof more, ",\"sha256\":\"%s\"", hex);
    assert_int_equal(get(more, out, sizeof out), EC_OK);
    assert_true(is_whole() && strstr(out, "\"status\":\"ok\""));
    assert_int_equal(get(more, out, sizeof out), EC_OK);
    assert_true(is_whole() && strstr(out, "is there already")); /* somebody's, and stays */
    assert_int_equal(unlink(file()), 0);
    more[12] = more[12] == '0' ? '1' : '0';
    assert_int_equal(get(more, out, sizeof out), EC_OK);
    assert_non_null(strstr(out, "holds other bytes than were put there"));
    assert_false(ec_path_exists(file()));
}

static _Atomic unsigned calls_left;

static void *fail_malloc(size_t n) { return calls_left-- > 0 ? malloc(n) : NULL; }
static void *fail_realloc(void *p, size_t n) { return calls_left-- > 0 ? realloc(p, n) : NULL; }

static void without_memory(void **state) {
    (void)state;
    const struct ec_io before = ec_io;
    char out[1024];
    bool done = false;
    for (unsigned n = 0; !done; n++) {
        assert_true(n < 1000);
        if (ec_path_exists(file())) assert_int_equal(unlink(file()), 0);
        calls_left = n;
        ec_io.malloc = fail_malloc;
        ec_io.realloc = fail_realloc;
        enum ec_status status = get(",\"durable\":true", out, sizeof out);
        done = calls_left > 0 && calls_left < n;
        ec_io = before;
        if (strstr(out, "\"status\":\"ok\"")) assert_true(is_whole());
        else assert_true(status != EC_OK || strstr(out, "\"status\":\"failed\""));
    }
    assert_non_null(strstr(out, "\"status\":\"ok\""));
}

int main(void) {
    struct ec_log_options quiet = {.level = EC_LOG_ERROR};
    ec_log_init(&quiet);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(on_the_disk_before_it_is_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(held_against_its_hash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
