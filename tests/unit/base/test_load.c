/* A file is loaded up to the buffer's maximum, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"

#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/ecluse-load-XXXXXX";
static char path[64];

static int make_dir(void **state) {
    (void)state;
    if (!mkdtemp(dir)) return -1;
    (void)snprintf(path, sizeof path, "%s/file", dir);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

static void write_bytes(size_t n) {
    char *bytes = ec_malloc(n + 1);
    assert_non_null(bytes);
    memset(bytes, 'x', n);
    assert_int_equal(ec_file_replace(path, bytes, n, NULL), EC_OK);
    ec_free(bytes);
}

static enum ec_status load(size_t bytes_max, size_t *n) {
    struct ec_buf buf = ec_buf_make(bytes_max);
    struct ec_err err = {0};
    enum ec_status status = ec_file_load(path, &buf, &err);
    *n = buf.n;
    if (status == EC_OK && buf.p) assert_int_equal(buf.p[buf.n], '\0');
    ec_buf_free(&buf);
    return status;
}

static void what_fits_is_loaded(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 64, 4096, 65535, 65536, 65537, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n;
        write_bytes(sizes[i]);
        assert_int_equal(load(sizes[i], &n), EC_OK);
        assert_int_equal(n, sizes[i]);
        assert_int_equal(load(sizes[i] + 100000, &n), EC_OK);
        assert_int_equal(n, sizes[i]);
    }
}

static void one_byte_more_is_refused(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 64, 65536, 65537};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t n;
        write_bytes(sizes[i]);
        assert_int_equal(load(sizes[i] - 1, &n), EC_NO_MEMORY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_loaded),
        cmocka_unit_test(one_byte_more_is_refused),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
