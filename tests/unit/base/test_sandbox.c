/* What a confined process may do, asked in a child of the test: files, network, programs, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/limits.h"
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64], given[128], own[128], other[128];

static void write_text(const char *dir, const char *name) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(ec_file_replace(path, "x", 1, NULL), EC_OK);
}

static int set_up(void **state) {
    (void)state;
    memcpy(root, "/tmp/ec-sandbox-XXXXXX", 23);
    if (!mkdtemp(root)) return -1;
    (void)snprintf(given, sizeof given, "%s/given", root);
    (void)snprintf(own, sizeof own, "%s/own", root);
    (void)snprintf(other, sizeof other, "%s/other", root);
    assert_int_equal(ec_dir_make(given, NULL), EC_OK);
    assert_int_equal(ec_dir_make(own, NULL), EC_OK);
    assert_int_equal(ec_dir_make(other, NULL), EC_OK);
    write_text(given, "file");
    write_text(other, "file");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return ec_dir_remove(root, true, NULL) == EC_OK ? 0 : -1;
}

/* Runs `ask` in a confined child; it answers with an errno, 0 for none. Skips where the kernel has not the part. */
static int confined(unsigned part, int (*ask)(void)) {
    if (!(ec_sandbox_offered() & part)) skip();
    struct ec_sandbox s = {.read = {given}, .reads = 1, .write = {own}, .writes = 1, .memory_bytes = 256 * EC_MIB};
    pid_t child = fork();
    if (child == 0) {
        if (!(ec_sandbox_enter(&s) & part)) _exit(255);
        errno = 0;
        _exit(ask());
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended));
    assert_int_not_equal(WEXITSTATUS(ended), 255);
    return WEXITSTATUS(ended);
}

static int try_open(const char *dir, const char *name, int flags) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return open(path, flags | O_CLOEXEC, 0600) >= 0 ? 0 : errno;
}

static int reads_given(void) { return try_open(given, "file", O_RDONLY); }
static int writes_given(void) { return try_open(given, "file", O_WRONLY); }
static int adds_to_given(void) { return try_open(given, "new", O_WRONLY | O_CREAT); }
static int reads_other(void) { return try_open(other, "file", O_RDONLY); }
static int reads_home(void) { return try_open("/root", "", O_RDONLY | O_DIRECTORY); }
static int reads_processes(void) { return try_open("/proc/1", "environ", O_RDONLY); }

static int works_in_own(void) {
    char a[192], b[192];
    (void)snprintf(a, sizeof a, "%s/folder", own);
    (void)snprintf(b, sizeof b, "%s/folder/b", own);
    if (mkdir(a, 0700) != 0 || try_open(a, "a", O_RDWR | O_CREAT | O_EXCL) != 0) return errno;
    (void)snprintf(a, sizeof a, "%s/folder/a", own);
    return rename(a, b) == 0 && unlink(b) == 0 ? 0 : errno;
}

static void files(void **state) {
    (void)state;
    assert_int_equal(confined(EC_SANDBOX_FILES, reads_given), 0);
    assert_int_equal(confined(EC_SANDBOX_FILES, writes_given), EACCES);
    assert_int_equal(confined(EC_SANDBOX_FILES, adds_to_given), EACCES);
    assert_int_equal(confined(EC_SANDBOX_FILES, reads_other), EACCES);
    assert_int_equal(confined(EC_SANDBOX_FILES, reads_home), EACCES);
    assert_int_equal(confined(EC_SANDBOX_FILES, reads_processes), EACCES);
    assert_int_equal(confined(EC_SANDBOX_FILES, works_in_own), 0);
}

static int connects(void) { return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno; }
static int talks_locally(void) { return socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 0 : errno; }
static int signals_others(void) { return kill(getppid(), 0) == 0 ? 0 : errno; }

static int starts_a_program(void) {
    char *const argv[] = {(char *)(uintptr_t) "true", NULL};
    (void)execv("/bin/true", argv);
    return errno;
}

static void calls(void **state) {
    (void)state;
    assert_int_equal(confined(EC_SANDBOX_CALLS, connects), EPERM);
    assert_int_equal(confined(EC_SANDBOX_CALLS, talks_locally), EPERM);
    assert_int_equal(confined(EC_SANDBOX_CALLS, signals_others), EPERM);
    assert_int_equal(confined(EC_SANDBOX_CALLS, starts_a_program), EPERM);
}

static int maps(size_t bytes) {
    return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED ? errno : 0;
}
static int maps_some(void) { return maps(128 * EC_MIB); }
static int maps_much(void) { return maps(512 * EC_MIB); }

static void memory(void **state) {
    (void)state;
    assert_int_equal(confined(EC_SANDBOX_MEMORY, maps_some), 0);
    assert_int_equal(confined(EC_SANDBOX_MEMORY, maps_much), ENOMEM);
}

static void it_can_be_turned_off(void **state) {
    (void)state;
    assert_int_equal(setenv("ECLUSE_SANDBOX", "off", 1), 0);
    unsigned offered = ec_sandbox_offered();
    (void)unsetenv("ECLUSE_SANDBOX");
    assert_int_equal(offered, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_can_be_turned_off, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
