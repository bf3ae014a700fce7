/* A queue of files that become durable: all of them are, before its end is told; a failure is told, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/sync_queue.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES 40u

static char root[64];
static struct ec_io real;
static atomic_uint syncs;
static unsigned fails_at; /* the sync that fails, from 1; 0: none */

static int counted_fsync(int fd) {
    unsigned call = atomic_fetch_add(&syncs, 1) + 1;
    (void)usleep(2000); /* a queue grows */
    if (call != fails_at) return real.fsync(fd);
    errno = EIO;
    return -1;
}

static int set_up(void **state) {
    (void)state;
    memcpy(root, "/tmp/ec-queue-XXXXXX", 21);
    real = ec_io;
    ec_io.fsync = counted_fsync;
    atomic_store(&syncs, 0);
    fails_at = 0;
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ec_io = real;
    return ec_dir_remove(root, true, NULL) == EC_OK ? 0 : -1;
}

/* One file, written and handed over. */
static void add(struct ec_sync_queue *q, unsigned number) {
    char path[128];
    struct ec_durable *d;
    (void)snprintf(path, sizeof path, "%s/%u", root, number);
    assert_int_equal(ec_durable_create(&d, NULL), EC_OK);
    assert_int_equal(ec_durable_put(d, path, path, strlen(path), NULL), EC_OK);
    ec_sync_queue_add(q, d);
}

static unsigned files(void) {
    unsigned n = 0;
    for (unsigned i = 0; i < FILES; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%u", root, i);
        n += ec_path_exists(path);
    }
    return n;
}

static void all_are_synced_at_its_end(void **state) {
    (void)state;
    struct ec_sync_queue *q;
    assert_int_equal(ec_sync_queue_create(&q, NULL), EC_OK);
    for (unsigned i = 0; i < FILES; i++) add(q, i);
    ec_sync_queue_add(q, NULL);
    assert_int_equal(ec_sync_queue_end(q, NULL), EC_OK);
    assert_int_equal(files(), FILES);
    assert_int_equal(atomic_load(&syncs), 2 * FILES); /* each file, and its folder */
}

static void a_failure_is_told_and_ends_it(void **state) {
    (void)state;
    struct ec_sync_queue *q;
    struct ec_err err = {0};
    fails_at = 5; /* the third file */
    assert_int_equal(ec_sync_queue_create(&q, NULL), EC_OK);
    for (unsigned i = 0; i < FILES; i++) add(q, i);
    assert_int_equal(ec_sync_queue_end(q, &err), EC_IO);
    assert_int_equal(err.status, EC_IO);
    assert_int_equal(files(), 2);
}

static void nothing_to_do(void **state) {
    (void)state;
    struct ec_sync_queue *q;
    assert_int_equal(ec_sync_queue_create(&q, NULL), EC_OK);
    assert_int_equal(ec_sync_queue_end(q, NULL), EC_OK);
    assert_int_equal(ec_sync_queue_end(NULL, NULL), EC_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_are_synced_at_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_is_told_and_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_to_do, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
