/* What a service manager hears, over a socket that is its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/io.h"
#include "watch/notify.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *path) {
    struct sockaddr_un own = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    memcpy(own.sun_path, path, n);
    if (*path == '@') own.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&own, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    return fd;
}

static void hears(int fd, const char *text) {
    char got[256] = {0};
    ssize_t n = recv(fd, got, sizeof got - 1, 0);
    assert_int_equal(n, strlen(text));
    assert_string_equal(got, text);
}

static void a_socket_with_a_file(void **state) {
    (void)state;
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/ecluse-notify-%d", (int)getpid());
    int fd = listen_at(path);
    ec_notify("READY=1\nSTATUS=waiting for files");
    hears(fd, "READY=1\nSTATUS=waiting for files");
    (void)unlink(path);
    ec_notify("STOPPING=1"); /* nobody listens: no error */
    (void)close(fd);
}

static void a_socket_without_a_file(void **state) {
    (void)state;
    char path[64];
    (void)snprintf(path, sizeof path, "@ecluse-notify-%d", (int)getpid());
    int fd = listen_at(path);
    ec_notify("WATCHDOG=1");
    hears(fd, "WATCHDOG=1");
    (void)close(fd);
}

static void no_socket(void **state) {
    (void)state;
    char path[300];
    (void)unsetenv("NOTIFY_SOCKET");
    ec_notify("READY=1");
    (void)setenv("NOTIFY_SOCKET", "relative", 1);
    ec_notify("READY=1");
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    (void)setenv("NOTIFY_SOCKET", path, 1); /* longer than an address */
    ec_notify("READY=1");
}

static int64_t watchdog(const char *usec, const char *pid) {
    usec ? (void)setenv("WATCHDOG_USEC", usec, 1) : (void)unsetenv("WATCHDOG_USEC");
    pid ? (void)setenv("WATCHDOG_PID", pid, 1) : (void)unsetenv("WATCHDOG_PID");
    return ec_notify_watchdog_us();
}

static void the_watchdog(void **state) {
    (void)state;
    char own[32], other[32];
    (void)snprintf(own, sizeof own, "%d", (int)getpid());
    (void)snprintf(other, sizeof other, "%d", (int)getppid());
    assert_int_equal(watchdog(NULL, NULL), 0);
    assert_int_equal(watchdog("20000000", NULL), 10000000);
    assert_int_equal(watchdog("20000000", own), 10000000);
    assert_int_equal(watchdog("20000000", other), 0);
    assert_int_equal(watchdog("soon", own), 0);
    assert_int_equal(watchdog("-5", own), 0);
    assert_int_equal(watchdog("99999999999999999999999999", own), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_with_a_file),
        cmocka_unit_test(a_socket_without_a_file),
        cmocka_unit_test(no_socket),
        cmocka_unit_test(the_watchdog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
