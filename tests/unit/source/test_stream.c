/* Plain files, ranges and memory: what the layers above stand on. */
#include "source/stream.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ecluse-stream-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static const char *write_file(const char *name, const void *p, size_t n) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), (ssize_t)n);
    close(fd);
    return path;
}

/* Reads everything in pieces of `piece` bytes. */
static enum ec_status drain(struct ec_stream *s, size_t piece, char *out, size_t *n, struct ec_err *err) {
    size_t got;
    *n = 0;
    do {
        enum ec_status status = ec_stream_read(s, out + *n, piece, &got, err);
        if (status != EC_OK) return status;
        *n += got;
    } while (got > 0);
    return EC_OK;
}

static void memory_gives_at_most_step_bytes(void **state) {
    (void)state;
    const char text[] = "the lock opens";
    for (size_t step = 0; step < sizeof text + 1; step++) {
        struct ec_stream *s;
        char out[64];
        size_t n, got;
        assert_int_equal(ec_stream_memory(text, sizeof text, step, &s, NULL), EC_OK);
        assert_int_equal(ec_stream_read(s, out, 20, &got, NULL), EC_OK);
        size_t expected = step && step < sizeof text ? step : sizeof text;
        assert_int_equal(got, expected);
        assert_int_equal(drain(s, 20, out + got, &n, NULL), EC_OK);
        assert_int_equal(n + got, sizeof text);
        assert_memory_equal(out, text, sizeof text);
        assert_int_equal(ec_stream_bytes_out(s), sizeof text);
        ec_stream_close(s);
    }
}

static void plain_file_in_any_pieces(void **state) {
    (void)state;
    const char text[] = "a,b\n1,2\n3,4\n";
    const char *path = write_file("plain.csv", text, sizeof text - 1);
    for (size_t piece = 1; piece < 16; piece++) {
        struct ec_stream *s;
        char out[64];
        size_t n;
        assert_int_equal(ec_stream_open(&(struct ec_stream_args){.path = path}, &s, NULL), EC_OK);
        assert_string_equal(ec_stream_compression(s), "none");
        assert_int_equal(drain(s, piece, out, &n, NULL), EC_OK);
        assert_int_equal(n, sizeof text - 1);
        assert_memory_equal(out, text, n);
        assert_int_equal(ec_stream_bytes_in(s), n);
        ec_stream_close(s);
    }
    unlink(path);
}

static void range_is_exact(void **state) {
    (void)state;
    const char *path = write_file("range.csv", "0123456789", 10);
    struct ec_stream *s;
    char out[64];
    size_t n;
    assert_int_equal(ec_stream_open(&(struct ec_stream_args){.path = path, .range_start = 3, .range_end = 7}, &s, NULL),
                     EC_OK);
    assert_int_equal(drain(s, 3, out, &n, NULL), EC_OK);
    assert_int_equal(n, 4);
    assert_memory_equal(out, "3456", 4);
    ec_stream_close(s);

    struct ec_err err = {0};
    struct ec_stream_args past = {.path = path, .range_start = 3, .range_end = 11};
    assert_int_equal(ec_stream_open(&past, &s, &err), EC_FILE_CHANGED);
    unlink(path);
}

static void missing_and_empty_files_are_named(void **state) {
    (void)state;
    struct ec_stream *s;
    struct ec_err err = {0};
    assert_int_equal(ec_stream_open(&(struct ec_stream_args){.path = "/nowhere/at.all"}, &s, &err), EC_UNREADABLE);
    assert_non_null(strstr(err.message, "/nowhere/at.all"));
    ec_err_clear(&err);
    assert_int_equal(ec_stream_open(&(struct ec_stream_args){.path = "/dev/zero"}, &s, &err), EC_UNREADABLE);
    ec_err_clear(&err);
    const char *path = write_file("empty.csv", "", 0);
    assert_int_equal(ec_stream_open(&(struct ec_stream_args){.path = path}, &s, &err), EC_EMPTY_FILE);
    unlink(path);
}

static void a_file_that_changes_is_an_error_that_stays(void **state) {
    (void)state;
    const char *path = write_file("growing.csv", "0123456789", 10);
    struct ec_stream *s;
    struct ec_err err = {0};
    char out[64];
    size_t n;
    assert_int_equal(ec_stream_open(&(struct ec_stream_args){.path = path}, &s, &err), EC_OK);
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    assert_int_equal(drain(s, 4, out, &n, &err), EC_FILE_CHANGED);
    ec_err_clear(&err);
    assert_int_equal(ec_stream_read(s, out, 1, &n, &err), EC_FILE_CHANGED);
    assert_int_equal(n, 0);
    assert_non_null(strstr(err.message, "growing.csv"));
    ec_stream_close(s);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_gives_at_most_step_bytes),
        cmocka_unit_test(plain_file_in_any_pieces),
        cmocka_unit_test(range_is_exact),
        cmocka_unit_test(missing_and_empty_files_are_named),
        cmocka_unit_test(a_file_that_changes_is_an_error_that_stays),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
