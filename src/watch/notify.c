#include "watch/notify.h"

#include "base/io.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void ec_notify(const char *message) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t n = path ? strlen(path) : 0;
    if (n < 2 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@')) return;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@') to.sun_path[0] = '\0'; /* a name without a file */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    (void)sendto(fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&to,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    (void)ec_io.close(fd);
}

/* A whole number above 0 of the environment, 0 where there is none. */
static int64_t number_of(const char *name) {
    const char *text = getenv(name);
    int64_t value = 0;
    for (; text && *text >= '0' && *text <= '9' && value < INT64_MAX / 100; text++) value = value * 10 + (*text - '0');
    return text && *text == '\0' ? value : 0;
}

int64_t ec_notify_watchdog_us(void) {
    int64_t pid = number_of("WATCHDOG_PID");
    if (pid != 0 && pid != (int64_t)getpid()) return 0;
    return number_of("WATCHDOG_USEC") / 2;
}
