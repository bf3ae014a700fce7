/* Files and folders where the system is odd: calls that are interrupted, that fail, names that are too long. */
#include "../scratch.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#define LONG 4096u

static struct ec_io real;

static int set_up(void **state) {
    (void)state;
    real = ec_io;
    return scratch_make("io");
}

static int tear_down(void **state) {
    (void)state;
    ec_io = real;
    return scratch_remove();
}

/* "/a/a/…", n bytes: no folder, and no name that the system would take at 4096. */
static const char *long_path(size_t n) {
    static char path[LONG + 16];
    for (size_t i = 0; i < n; i++) path[i] = i % 2 ? 'a' : '/';
    path[n] = '\0';
    return path;
}

/* ---- calls that fail ---- */

static struct {
    const char *closed; /* what the path ends with of a folder that went when it is opened */
    const char *unseen; /* and of an entry that lstat() does not find */
    bool rlimit;        /* getrlimit() fails */
} gone;

static bool ends(const char *path, const char *end) {
    size_t n = strlen(path), k = end ? strlen(end) : 0;
    return end && n >= k && strcmp(path + n - k, end) == 0;
}

DIR *opendir(const char *path) {
    static DIR *(*next)(const char *);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "opendir");
    if (!ends(path, gone.closed)) return next(path);
    errno = ENOENT;
    return NULL;
}

int lstat(const char *path, struct stat *st) {
    if (!ends(path, gone.unseen)) return fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
    errno = ENOENT;
    return -1;
}

#ifdef __clang__ /* ThreadSanitizer asks for limits before it has begun to watch */
__attribute__((disable_sanitizer_instrumentation))
#endif
int getrlimit(__rlimit_resource_t resource, struct rlimit *limit) {
    if (!gone.rlimit) return prlimit(0, resource, NULL, limit);
    errno = EPERM;
    return -1;
}

static struct {
    unsigned interruptions; /* so many calls are interrupted first */
    int cause;              /* then they fail with it; 0: they do what they are for */
} odd;

static bool is_odd(void) {
    if (odd.interruptions > 0) {
        odd.interruptions--;
        errno = EINTR;
        return true;
    }
    if (odd.cause) errno = odd.cause;
    return odd.cause != 0;
}

static int odd_open(const char *path, int flags, mode_t mode) { return is_odd() ? -1 : real.open(path, flags, mode); }
static ssize_t odd_read(int fd, void *p, size_t n) { return is_odd() ? -1 : real.read(fd, p, n); }
static ssize_t odd_pread(int fd, void *p, size_t n, off_t at) { return is_odd() ? -1 : real.pread(fd, p, n, at); }
static ssize_t odd_write(int fd, const void *p, size_t n) { return is_odd() ? -1 : real.write(fd, p, n); }
static int odd_fsync(int fd) { return is_odd() ? -1 : real.fsync(fd); }
static int odd_link(const char *from, const char *to) { return is_odd() ? -1 : real.link(from, to); }
static int odd_rename(const char *from, const char *to) { return is_odd() ? -1 : real.rename(from, to); }
static int odd_unlink(const char *path) { return is_odd() ? -1 : real.unlink(path); }
static int odd_mkdir(const char *path, mode_t mode) { return is_odd() ? -1 : real.mkdir(path, mode); }
static int odd_rmdir(const char *path) { return is_odd() ? -1 : real.rmdir(path); }
static void *odd_malloc(size_t n) { return is_odd() ? NULL : real.malloc(n); }
static void *odd_realloc(void *p, size_t n) { return is_odd() ? NULL : real.realloc(p, n); }
static int odd_close(int fd) {
    int result = real.close(fd); /* it is closed, whatever it says */
    return is_odd() ? -1 : result;
}
static int no_file(const char *path, int flags, mode_t mode) {
    (void)path;
    (void)flags;
    (void)mode;
    return 1000000; /* which fstat() does not know */
}

static void be_odd(unsigned interruptions, int cause) {
    odd.interruptions = interruptions;
    odd.cause = cause;
}

static void an_interrupted_call_is_made_again(void **state) {
    (void)state;
    int fd;
    char text[8] = "";
    size_t got;
    ec_io.open = odd_open;
    be_odd(3, 0);
    assert_int_equal(ec_file_create(below("a"), &fd, NULL), EC_OK);
    ec_io.write = odd_write;
    be_odd(3, 0);
    assert_int_equal(ec_file_write(fd, "hello", 5, "a", NULL), EC_OK);
    assert_int_equal(ec_file_finish(fd, "a", NULL), EC_OK);
    be_odd(3, 0);
    assert_int_equal(ec_file_open(below("a"), &fd, NULL, NULL), EC_OK);
    ec_io.read = odd_read;
    be_odd(3, 0);
    assert_int_equal(ec_file_read(fd, text, 5, &got, "a", NULL), EC_OK);
    assert_int_equal(got, 5);
    assert_string_equal(text, "hello");
    ec_io.pread = odd_pread;
    be_odd(3, 0);
    assert_int_equal(ec_file_read_at(fd, text, 8, 2, &got, "a", NULL), EC_OK); /* to the end, which comes earlier */
    assert_int_equal(got, 3);
    assert_memory_equal(text, "llo", 3);
    assert_int_equal(close(fd), 0);
}

static void what_fails_is_named(void **state) {
    (void)state;
    struct ec_err err = {0};
    struct stat st;
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char byte;
    size_t got;
    ec_io.read = odd_read;
    ec_io.pread = odd_pread;
    ec_io.write = odd_write;
    be_odd(0, EIO);
    assert_int_equal(ec_file_read(fd, &byte, 1, &got, "a", &err), EC_UNREADABLE);
    assert_string_equal(err.message, "cannot read a: Input/output error");
    assert_int_equal(ec_file_read_at(fd, &byte, 1, 0, &got, "a", NULL), EC_UNREADABLE);
    be_odd(0, EDQUOT);
    assert_int_equal(ec_file_write(fd, "x", 1, "a", NULL), EC_DISK_FULL);
    assert_int_equal(close(fd), 0);
    ec_io = real;
    err = (struct ec_err){0};
    ec_io.open = no_file;
    assert_int_equal(ec_file_open("a", &fd, &st, &err), EC_UNREADABLE);
    assert_string_equal(err.message, "cannot look at a: Bad file descriptor");
    ec_io = real;
    assert_int_equal(ec_file_open(root, &fd, &st, NULL), EC_UNREADABLE);
    assert_int_equal(fd, -1);
    assert_int_equal(ec_file_open(below("none"), &fd, &st, NULL), EC_UNREADABLE);
    assert_int_equal(ec_file_create(root, &fd, NULL), EC_IO);
    ec_file_write_back(-1, 0, 0); /* of nothing: no call */
    ec_file_abandon(-1, below("none"));
}

/* What close() says counts, but for EINTR; what fsync() said counts more. */
static void finishing(void **state) {
    (void)state;
    struct ec_err err = {0};
    int fd;
    ec_io.close = odd_close;
    be_odd(0, EIO);
    assert_int_equal(ec_file_create(below("a"), &fd, NULL), EC_OK);
    assert_int_equal(ec_file_finish(fd, "a", &err), EC_IO);
    assert_string_equal(err.message, "cannot close a: Input/output error");
    be_odd(0, EINTR);
    assert_int_equal(ec_file_create(below("b"), &fd, NULL), EC_OK);
    assert_int_equal(ec_file_finish(fd, "b", NULL), EC_OK);
    ec_io.fsync = odd_fsync;
    be_odd(0, EIO);
    err = (struct ec_err){0};
    assert_int_equal(ec_file_create(below("c"), &fd, NULL), EC_OK);
    assert_int_equal(ec_file_finish(fd, "c", &err), EC_IO);
    assert_string_equal(err.message, "cannot sync c: Input/output error");
}

static unsigned entries(const char *dir) {
    unsigned n = 0;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder)) != NULL;) n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    (void)closedir(folder);
    return n;
}

/* Whatever fails, what was there stays, and nothing is left beside it. */
static void replacing_and_publishing(void **state) {
    (void)state;
    bool exists;
    assert_int_equal(ec_file_replace(below("a"), "old", 3, NULL), EC_OK);
    for (int i = 0; i < 4; i++) {
        ec_io = real;
        if (i == 0) ec_io.open = odd_open;
        if (i == 1) ec_io.write = odd_write;
        if (i == 2) ec_io.fsync = odd_fsync;
        if (i == 3) ec_io.rename = odd_rename, ec_io.link = odd_link;
        be_odd(0, EIO);
        assert_int_equal(ec_file_replace(below("a"), "new", 3, NULL), EC_IO);
        assert_int_equal(ec_file_publish(below("b"), "new", 3, &exists, NULL), EC_IO);
        assert_false(exists);
        ec_io = real;
        assert_int_equal(entries(root), 1);
        struct ec_buf text = ec_buf_make(16);
        assert_int_equal(ec_file_load(below("a"), &text, NULL), EC_OK);
        assert_int_equal(text.n, 3);
        assert_memory_equal(text.p, "old", 3);
        ec_buf_free(&text);
    }
    assert_int_equal(ec_file_publish(below("a"), "new", 3, &exists, NULL), EC_OK);
    assert_true(exists);
    ec_io.unlink = odd_unlink; /* there, and so is the temporary file: said */
    be_odd(0, EIO);
    assert_int_equal(ec_file_publish(below("b"), "new", 3, &exists, NULL), EC_IO);
    ec_io.link = odd_link; /* the first failure is told */
    be_odd(0, ENOSPC);
    assert_int_equal(ec_file_publish(below("c"), "new", 3, &exists, NULL), EC_DISK_FULL);
}

static void names_without_a_folder(void **state) {
    (void)state;
    char before[LONG];
    bool exists;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(root), 0);
    assert_int_equal(ec_file_replace("plain", "x", 1, NULL), EC_OK);
    assert_int_equal(ec_file_publish("other", "x", 1, &exists, NULL), EC_OK);
    assert_int_equal(ec_dir_make("one", NULL), EC_OK);
    assert_int_equal(ec_dir_sync_up("one", 3, NULL), EC_OK);
    assert_int_equal(ec_dir_sync_up("/tmp", 2, NULL), EC_OK);
    assert_int_equal(ec_dir_sync_parent("/tmp", NULL), EC_OK);
    assert_int_equal(ec_dir_make("", NULL), EC_OK);
    char path[8];
    assert_int_equal(ec_path_join(path, sizeof path, "", "a", NULL), EC_OK);
    assert_string_equal(path, "a");
    assert_int_equal(ec_path_below(path, sizeof path, "d", "/a", NULL), EC_OK);
    assert_string_equal(path, "/a");
    assert_int_equal(ec_path_below(path, sizeof path, "d/", "a", NULL), EC_OK);
    assert_string_equal(path, "d/a");
    assert_int_equal(chdir(before), 0);
}

static void names_that_are_too_long(void **state) {
    (void)state;
    bool exists;
    char out[LONG];
    assert_int_equal(ec_path_join(out, sizeof out, long_path(LONG - 2), "ab", NULL), EC_IO);
    assert_int_equal(ec_file_replace(long_path(LONG - 4), "x", 1, NULL), EC_IO);
    assert_int_equal(ec_file_publish(long_path(LONG - 4), "x", 1, &exists, NULL), EC_IO);
    assert_int_equal(ec_dir_sync_parent(long_path(LONG + 8), NULL), EC_IO);
    assert_int_equal(ec_dir_sync_up(long_path(LONG), 1, NULL), EC_IO);
    assert_int_equal(ec_dir_make(long_path(LONG), NULL), EC_IO);
    assert_int_equal(ec_dir_remove(long_path(LONG), true, NULL), EC_IO);
    char deep[LONG] = ""; /* of folders that are there, by a path that is nearly too long */
    (void)snprintf(deep, sizeof deep, "%s", root);
    memset(deep + strlen(root), '/', sizeof deep - strlen(root) - 4);
    deep[sizeof deep - 4] = '\0';
    assert_int_equal(ec_file_replace(below("longer"), "x", 1, NULL), EC_OK);
    assert_int_equal(ec_dir_remove(deep, false, NULL), EC_IO);
    assert_true(ec_path_exists(below("longer")));
}

/* ---- folders ---- */

static void folders_that_cannot_be_made(void **state) {
    (void)state;
    struct ec_err err = {0};
    assert_int_equal(ec_file_replace(below("file"), "", 0, NULL), EC_OK);
    assert_int_equal(ec_dir_make(below("file"), &err), EC_IO);
    assert_non_null(strstr(err.message, "cannot create the folder "));
    assert_int_equal(ec_dir_make(below("file/a/b"), NULL), EC_IO);
    assert_int_equal(ec_dir_make(below("x/y/z"), NULL), EC_OK);
    assert_int_equal(ec_dir_make(below("x/y/z"), NULL), EC_OK);
    assert_int_equal(symlink("nowhere", below("dangling")), 0);
    assert_int_equal(ec_dir_make(below("dangling"), NULL), EC_IO);
    ec_io.mkdir = odd_mkdir;
    be_odd(0, EDQUOT);
    assert_int_equal(ec_dir_make(below("y"), NULL), EC_DISK_FULL);
}

static void folders_that_cannot_be_synced(void **state) {
    (void)state;
    assert_int_equal(ec_dir_make(below("x/y"), NULL), EC_OK);
    assert_int_equal(ec_dir_sync(below("none"), NULL), EC_IO);
    assert_int_equal(ec_dir_sync_up(below("none"), 1, NULL), EC_IO);
    ec_io.fsync = odd_fsync;
    be_odd(0, EIO);
    assert_int_equal(ec_dir_sync(below("x"), NULL), EC_IO);
    ec_io.fsync = real.fsync;
    ec_io.open = odd_open; /* the first is synced, the one above is not */
    be_odd(0, 0);
    assert_int_equal(ec_dir_sync_up(below("x/y"), 2, NULL), EC_OK);
}

static void removing(void **state) {
    (void)state;
    assert_int_equal(ec_dir_make(below("d/e/f"), NULL), EC_OK);
    assert_int_equal(ec_file_replace(below("d/e/file"), "", 0, NULL), EC_OK);
    assert_int_equal(symlink("/tmp", below("d/link")), 0); /* is removed, not followed */
    ec_io.unlink = odd_unlink;
    be_odd(0, EIO);
    assert_int_equal(ec_dir_remove(below("d"), true, NULL), EC_IO);
    ec_io = real;
    ec_io.rmdir = odd_rmdir;
    assert_int_equal(ec_dir_remove(below("d"), true, NULL), EC_IO);
    ec_io = real;
    ec_io.unlink = odd_unlink; /* another removed it first */
    be_odd(0, ENOENT);
    assert_int_equal(ec_dir_remove(below("d/none"), true, NULL), EC_OK);
    ec_io = real;
    assert_int_equal(ec_dir_remove(below("d"), false, NULL), EC_OK);
    assert_int_equal(entries(below("d")), 0);
    assert_int_equal(ec_dir_remove(below("d"), true, NULL), EC_OK);
    assert_int_equal(ec_dir_remove(below("d"), true, NULL), EC_OK);
    assert_true(ec_path_exists("/tmp"));
    assert_int_equal(ec_file_replace(below("file"), "", 0, NULL), EC_OK);
    assert_int_equal(ec_dir_remove(below("file"), true, NULL), EC_IO);
}

/* What another program removes at the same time is no failure, but for a folder that is looked into. */
static void removing_beside_others(void **state) {
    (void)state;
    struct ec_err err = {0};
    assert_int_equal(ec_dir_make(below("d/e"), NULL), EC_OK);
    assert_int_equal(ec_file_replace(below("d/file"), "", 0, NULL), EC_OK);
    gone.closed = "/d/e";
    enum ec_status closed = ec_dir_remove(below("d"), true, &err);
    gone.closed = NULL;
    assert_int_equal(closed, EC_IO);
    assert_non_null(strstr(err.message, "cannot open the folder "));
    assert_int_equal(ec_dir_make(below("f"), NULL), EC_OK);
    assert_int_equal(ec_file_replace(below("f/file"), "", 0, NULL), EC_OK);
    gone.unseen = "/f/file";
    ec_io.unlink = odd_unlink;
    be_odd(0, ENOENT);
    enum ec_status unseen = ec_dir_remove(below("f"), false, NULL);
    gone.unseen = NULL;
    ec_io = real;
    assert_int_equal(unseen, EC_OK);
    assert_true(ec_path_exists(below("f/file")));
}

/* ---- memory and descriptors ---- */

static void memory(void **state) {
    (void)state;
    assert_null(ec_calloc(SIZE_MAX / 2, 3));
    assert_null(ec_realloc_array(NULL, SIZE_MAX / 2, 3));
    void *none = ec_calloc(0, 8), *nothing = ec_malloc(0);
    assert_non_null(none);
    assert_non_null(nothing);
    none = ec_realloc_array(none, 0, 8);
    assert_non_null(none);
    ec_free(none);
    ec_free(nothing);
    ec_io.malloc = odd_malloc;
    ec_io.realloc = odd_realloc;
    be_odd(0, ENOMEM);
    assert_null(ec_calloc(1, 1));
    assert_null(ec_strdup("a"));
    struct ec_buf text = ec_buf_make(16);
    struct ec_err err = {0};
    ec_io.open = real.open;
    assert_int_equal(ec_file_load("/proc/self/stat", &text, &err), EC_NO_MEMORY);
    ec_buf_free(&text);
}

static void a_file_as_long_as_the_buffer(void **state) {
    (void)state;
    struct ec_err err = {0};
    assert_int_equal(ec_file_replace(below("five"), "12345", 5, NULL), EC_OK);
    struct ec_buf fits = ec_buf_make(5), less = ec_buf_make(4);
    assert_int_equal(ec_file_load(below("five"), &fits, NULL), EC_OK);
    assert_int_equal(fits.n, 5);
    assert_int_equal(ec_file_load(below("five"), &less, &err), EC_NO_MEMORY);
    assert_non_null(strstr(err.message, "is larger than the limit of 4 bytes"));
    ec_buf_free(&fits);
    ec_buf_free(&less);
}

static void descriptors(void **state) {
    (void)state;
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit few = {64, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    ec_files_raise(32);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(now.rlim_cur, 64);
    ec_files_raise(100);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(now.rlim_cur, 100);
    gone.rlimit = true;
    ec_files_raise(110); /* not known: left as it is */
    gone.rlimit = false;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(now.rlim_cur, 100);
    ec_files_raise(UINT32_MAX); /* as many as there may be */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
    assert_int_equal(now.rlim_cur, before.rlim_max < UINT32_MAX ? before.rlim_max : UINT32_MAX);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_interrupted_call_is_made_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_fails_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finishing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replacing_and_publishing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_without_a_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_that_are_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_that_cannot_be_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_that_cannot_be_synced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removing_beside_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_as_long_as_the_buffer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(descriptors, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
