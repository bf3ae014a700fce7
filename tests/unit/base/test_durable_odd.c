/* Files that become durable together, where names and the system are odd: paths without a folder, files that change while
 * they are compared, more files than may be open and no commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/durable.h"
#include "base/io.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static char root[64], before[4096];
static struct ec_io real;
static char synced[16][64]; /* the last names of what was synced */
static size_t syncs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* files are synced side by side */

static int noted_fsync(int fd) {
    char link[64], path[256];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    assert_true(n > 0);
    path[n] = '\0';
    const char *slash = strrchr(path, '/');
    (void)pthread_mutex_lock(&lock);
    if (syncs < 16) (void)snprintf(synced[syncs++], sizeof synced[0], "%s", slash[1] ? slash + 1 : "/");
    (void)pthread_mutex_unlock(&lock);
    return 0; /* these tests are not about the disk */
}

static int set_up(void **state) {
    (void)state;
    memcpy(root, "/tmp/ec-odd-XXXXXX", 19);
    real = ec_io;
    ec_io.fsync = noted_fsync;
    syncs = 0;
    return mkdtemp(root) && getcwd(before, sizeof before) && chdir(root) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ec_io = real;
    return chdir(before) == 0 && ec_dir_remove(root, true, NULL) == EC_OK ? 0 : -1;
}

static struct ec_durable *begin(void) {
    struct ec_durable *d;
    assert_int_equal(ec_durable_create(&d, NULL), EC_OK);
    return d;
}

static bool was_synced(const char *name) {
    for (size_t i = 0; i < syncs; i++)
        if (strcmp(synced[i], name) == 0) return true;
    return false;
}

static void expect_text(const char *path, const char *text) {
    struct ec_buf have = ec_buf_make(EC_MIB);
    assert_int_equal(ec_file_load(path, &have, NULL), EC_OK);
    assert_string_equal(have.p, text);
    ec_buf_free(&have);
}

/* A name without a folder stands in the working folder, which is synced as any other; so is the root. */
static void names_without_a_folder(void **state) {
    (void)state;
    struct ec_durable *d = begin();
    assert_int_equal(ec_durable_make_dir(d, "new/one", NULL), EC_OK);
    assert_int_equal(ec_durable_put(d, "plain", "x", 1, NULL), EC_OK);
    assert_int_equal(ec_durable_put(d, "new/one/f", "y", 1, NULL), EC_OK);
    assert_int_equal(ec_durable_commit(d, NULL), EC_OK);
    expect_text("plain", "x");
    expect_text("new/one/f", "y");
    assert_true(was_synced(strrchr(root, '/') + 1) && was_synced("new") && was_synced("one"));
    syncs = 0;
    ec_durable_doubt(d); /* all that is above is in doubt, as far as there is something above */
    assert_int_equal(ec_durable_make_dir(d, "new", NULL), EC_OK);
    assert_int_equal(ec_durable_make_dir(d, "/tmp", NULL), EC_OK);
    assert_int_equal(ec_durable_commit(d, NULL), EC_OK);
    assert_true(was_synced(strrchr(root, '/') + 1) && was_synced("/"));
    ec_durable_destroy(d);
}

static ssize_t short_read(int fd, void *p, size_t n) { return real.read(fd, p, n > 2 ? 2 : 0); }

/* A file that is cut while it is compared does not hold the text: it is written. */
static void a_file_that_shrinks(void **state) {
    (void)state;
    assert_int_equal(ec_file_replace("cut", "abc", 3, NULL), EC_OK);
    struct stat st, after;
    assert_int_equal(stat("cut", &st), 0);
    struct ec_durable *d = begin();
    ec_io.read = short_read; /* which finds two bytes, and then the end */
    assert_int_equal(ec_durable_put(d, "cut", "abc", 3, NULL), EC_OK);
    ec_io.read = real.read;
    assert_int_equal(ec_durable_commit(d, NULL), EC_OK);
    ec_durable_destroy(d);
    assert_int_equal(stat("cut", &after), 0);
    assert_true(st.st_ino != after.st_ino);
    expect_text("cut", "abc");
}

/* In doubt a file that is as it should be is synced, also where its temporary name would be too long to be removed. */
static void a_name_that_leaves_no_room_for_another(void **state) {
    (void)state;
    char path[4096];
    assert_int_equal(ec_file_replace("held", "x", 1, NULL), EC_OK);
    memset(path, '/', sizeof path);
    memcpy(path, root, strlen(root));
    memcpy(path + sizeof path - 5, "held", 5);
    struct ec_durable *d = begin();
    ec_durable_doubt(d);
    assert_int_equal(ec_durable_put(d, path, "x", 1, NULL), EC_OK);
    assert_int_equal(ec_durable_commit(d, NULL), EC_OK);
    assert_true(was_synced("held"));
    assert_int_equal(ec_durable_put(d, path, "y", 1, NULL), EC_IO);
    expect_text("held", "x");
    ec_durable_destroy(d);
}

/* What was synced, because it was too much to be held open, goes like the rest where nothing is committed. */
static void many_files_and_no_commit(void **state) {
    (void)state;
    struct ec_durable *d = begin();
    assert_int_equal(ec_dir_make("many", NULL), EC_OK);
    for (unsigned i = 0; i < EC_DURABLE_OPEN + 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "many/%u", i);
        assert_int_equal(ec_durable_put(d, name, "x", 1, NULL), EC_OK);
    }
    ec_durable_destroy(d);
    assert_int_equal(rmdir("many"), 0); /* it is empty */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_without_a_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_shrinks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_leaves_no_room_for_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_files_and_no_commit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
