#include "base/io.h"
#include "run/paths.h"
#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

/* Some hold it for a moment alone: who puts a word into the page, or looks whether it is free. */
#define TRIES   10
#define TICK_MS 30

enum ec_status ec_lock_take(const char *dir, int *fd, struct ec_err *err) {
    char data[EC_PATH_MAX], path[EC_PATH_MAX];
    EC_TRY(ec_project_path(data, dir, "data", NULL, err));
    EC_TRY(ec_dir_make(data, err));
    EC_TRY(ec_path_join(path, sizeof path, data, ".lock", err));
    *fd = ec_io.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0) return ec_fail_errno(err, EC_IO, "cannot open the lock %s", path);
    int cause = 0;
    for (int tries = 0; tries < TRIES; tries++) {
        if (tries > 0) (void)poll(NULL, 0, TICK_MS);
        if (flock(*fd, LOCK_EX | LOCK_NB) == 0) return EC_OK;
        cause = errno;
        if (cause != EWOULDBLOCK) break;
    }
    (void)ec_io.close(*fd);
    *fd = -1;
    if (cause == EWOULDBLOCK) return ec_fail(err, EC_LOCKED, "another run of this project is under way (it holds %s)", path);
    errno = cause;
    return ec_fail_errno(err, EC_IO, "cannot lock %s", path);
}

void ec_lock_release(int fd) {
    if (fd >= 0) (void)ec_io.close(fd);
}
