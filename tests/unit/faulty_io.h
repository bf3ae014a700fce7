/* An ec_io whose k-th call fails, or ends the process. Calls are counted from faulty_begin(),
 * over all entries that change a file, sync, or give memory, and over all threads. */
#ifndef TEST_FAULTY_IO_H
#define TEST_FAULTY_IO_H

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum faulty_mode {
    FAULTY_BEFORE,      /* the call does nothing and fails */
    FAULTY_AFTER,       /* it does its work and says that it failed (memory: FAULTY_BEFORE) */
    FAULTY_FROM_BEFORE, /* that and every later one */
    FAULTY_FROM_AFTER,
    FAULTY_MODES,
    FAULTY_DIE_BEFORE = FAULTY_MODES,
    FAULTY_DIE_AFTER,
};

static struct ec_io faulty_real;
static struct {
    unsigned mode;
    unsigned at;
    _Atomic unsigned calls;
    _Atomic bool hit;
} faulty;

/* Whether this call is one of those that fail. */
static inline bool faulty_now(void) {
    bool from = faulty.mode == FAULTY_FROM_BEFORE || faulty.mode == FAULTY_FROM_AFTER;
    unsigned call = ++faulty.calls;
    bool now = call == faulty.at || (from && call > faulty.at);
    if (now) faulty.hit = true;
    return now;
}

static inline bool faulty_works(void) {
    return faulty.mode == FAULTY_AFTER || faulty.mode == FAULTY_FROM_AFTER || faulty.mode == FAULTY_DIE_AFTER;
}

static inline int faulty_fail(void) {
    if (faulty.mode >= FAULTY_MODES) (void)raise(SIGKILL); /* not _exit(), at which valgrind looks for leaks */
    errno = EIO;
    return -1;
}

#define FAULTY(call) (faulty_now() ? ((void)(faulty_works() ? (call) : 0), faulty_fail()) : (call))

static int faulty_open(const char *path, int flags, mode_t mode) {
    /* A descriptor that the caller never saw must be closed here. */
    if (!faulty_now()) return faulty_real.open(path, flags, mode);
    int fd = faulty_works() ? faulty_real.open(path, flags, mode) : -1;
    if (fd >= 0) (void)close(fd);
    return faulty_fail();
}
static ssize_t faulty_read(int fd, void *buf, size_t n) {
    return faulty_now() ? faulty_fail() : faulty_real.read(fd, buf, n);
}
static ssize_t faulty_write(int fd, const void *buf, size_t n) {
    /* A write that fails "after" has written a half. */
    return FAULTY(faulty_real.write(fd, buf, faulty.calls == faulty.at ? n / 2 : n));
}
static int faulty_fsync(int fd) {
    return FAULTY(faulty_real.fsync(fd));
}
static int faulty_close(int fd) {
    bool now = faulty_now();
    if (now && faulty.mode == FAULTY_DIE_BEFORE) return faulty_fail();
    int result = faulty_real.close(fd); /* closed whatever it says, as Linux does */
    return now ? faulty_fail() : result;
}
static int faulty_link(const char *from, const char *to) {
    return FAULTY(faulty_real.link(from, to));
}
static int faulty_rename(const char *from, const char *to) {
    return FAULTY(faulty_real.rename(from, to));
}
static int faulty_unlink(const char *path) {
    return FAULTY(faulty_real.unlink(path));
}
static int faulty_mkdir(const char *path, mode_t mode) {
    return FAULTY(faulty_real.mkdir(path, mode));
}
static void *faulty_malloc(size_t n) {
    if (!faulty_now()) return faulty_real.malloc(n);
    (void)faulty_fail();
    return NULL;
}
static void *faulty_realloc(void *p, size_t n) {
    if (!faulty_now()) return faulty_real.realloc(p, n);
    (void)faulty_fail();
    return NULL;
}

static inline void faulty_begin(unsigned mode, unsigned at) {
    faulty_real = ec_io;
    faulty.mode = mode;
    faulty.at = at;
    faulty.calls = 0;
    faulty.hit = false;
    ec_io.open = faulty_open;
    ec_io.read = faulty_read;
    ec_io.write = faulty_write;
    ec_io.fsync = faulty_fsync;
    ec_io.close = faulty_close;
    ec_io.link = faulty_link;
    ec_io.rename = faulty_rename;
    ec_io.unlink = faulty_unlink;
    ec_io.mkdir = faulty_mkdir;
    ec_io.malloc = faulty_malloc;
    ec_io.realloc = faulty_realloc;
}

/* Restores ec_io; whether a call failed. */
static inline bool faulty_end(void) {
    ec_io = faulty_real;
    return faulty.hit;
}

#endif
