/* An ec_io of which the calls of one kind on one path fail: for a test that knows which failure it wants to see. For one that
 * wants to see each in turn there is faulty_io.h.
 *
 *     odd_begin(ODD_LINK, "sales_1", EIO);      // every link() from or to a path that holds "sales_1"
 *     status = …;
 *     assert_true(odd_end());                   // there was one
 */
#ifndef TEST_ODD_IO_H
#define TEST_ODD_IO_H

#include "base/io.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

enum odd_call { ODD_OPEN, ODD_READ, ODD_WRITE, ODD_FSYNC, ODD_LINK, ODD_RENAME, ODD_UNLINK, ODD_MKDIR, ODD_RMDIR };

static struct ec_io odd_real;
static struct {
    enum odd_call call;
    const char *path; /* what the path holds */
    int cause;
    _Atomic unsigned spared; /* the first so many of them do their work */
    _Atomic bool hit;
} odd;

static bool odd_is(enum odd_call call, const char *path) {
    if (call != odd.call || !strstr(path, odd.path)) return false;
    if (odd.spared > 0 && odd.spared--) return false;
    odd.hit = true;
    errno = odd.cause;
    return true;
}

static bool odd_is_of(enum odd_call call, int fd) {
    char link[64], path[4200];
    if (call != odd.call) return false;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n < 0 ? 0 : n] = '\0';
    return odd_is(call, path);
}

static int odd_open(const char *path, int flags, mode_t mode) { return odd_is(ODD_OPEN, path) ? -1 : odd_real.open(path, flags, mode); }
static ssize_t odd_read(int fd, void *p, size_t n) { return odd_is_of(ODD_READ, fd) ? -1 : odd_real.read(fd, p, n); }
static ssize_t odd_write(int fd, const void *p, size_t n) { return odd_is_of(ODD_WRITE, fd) ? -1 : odd_real.write(fd, p, n); }
static int odd_fsync(int fd) { return odd_is_of(ODD_FSYNC, fd) ? -1 : odd_real.fsync(fd); }
static int odd_link(const char *from, const char *to) {
    return odd_is(ODD_LINK, from) || odd_is(ODD_LINK, to) ? -1 : odd_real.link(from, to);
}
static int odd_rename(const char *from, const char *to) {
    return odd_is(ODD_RENAME, from) || odd_is(ODD_RENAME, to) ? -1 : odd_real.rename(from, to);
}
static int odd_unlink(const char *path) { return odd_is(ODD_UNLINK, path) ? -1 : odd_real.unlink(path); }
static int odd_mkdir(const char *path, mode_t mode) { return odd_is(ODD_MKDIR, path) ? -1 : odd_real.mkdir(path, mode); }
static int odd_rmdir(const char *path) { return odd_is(ODD_RMDIR, path) ? -1 : odd_real.rmdir(path); }

static inline void odd_begin(enum odd_call call, const char *path, int cause) {
    odd_real = ec_io;
    odd.call = call;
    odd.path = path;
    odd.cause = cause;
    odd.spared = 0;
    odd.hit = false;
    ec_io.open = odd_open;
    ec_io.read = odd_read;
    ec_io.write = odd_write;
    ec_io.fsync = odd_fsync;
    ec_io.link = odd_link;
    ec_io.rename = odd_rename;
    ec_io.unlink = odd_unlink;
    ec_io.mkdir = odd_mkdir;
    ec_io.rmdir = odd_rmdir;
}

/* Restores ec_io; whether a call failed. */
static inline bool odd_end(void) {
    ec_io = odd_real;
    return odd.hit;
}

#endif
