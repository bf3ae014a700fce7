#include "base/io.h"

#include "base/calendar.h"
#include "base/timing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static int open_file(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

struct ec_io ec_io = {
    .open = open_file,
    .read = read,
    .pread = pread,
    .write = write,
    .ftruncate = ftruncate,
    .fsync = fsync,
    .sync_file_range = sync_file_range,
    .close = close,
    .link = link,
    .rename = rename,
    .unlink = unlink,
    .mkdir = mkdir,
    .rmdir = rmdir,
    .malloc = malloc,
    .realloc = realloc,
    .free = free,
};

void *ec_malloc(size_t n) { return ec_io.malloc(n ? n : 1); }

void *ec_calloc(size_t count, size_t size) {
    size_t n;
    if (__builtin_mul_overflow(count, size, &n)) return NULL;
    void *p = ec_malloc(n);
    if (p) memset(p, 0, n ? n : 1);
    return p;
}

void *ec_realloc_array(void *p, size_t count, size_t size) {
    size_t n;
    if (__builtin_mul_overflow(count, size, &n)) return NULL;
    return ec_io.realloc(p, n ? n : 1);
}

char *ec_strdup(const char *z) {
    size_t n = strlen(z) + 1;
    char *copy = ec_malloc(n);
    if (copy) memcpy(copy, z, n);
    return copy;
}

void ec_free(void *p) { ec_io.free(p); }

enum ec_status ec_file_open(const char *path, int *fd, struct stat *st, struct ec_err *err) {
    struct stat local;
    if (!st) st = &local;
    /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
    do {
        *fd = ec_io.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    } while (*fd < 0 && errno == EINTR);
    if (*fd < 0) return ec_fail_errno(err, EC_UNREADABLE, "cannot open %s", path);
    if (fstat(*fd, st) != 0) {
        enum ec_status status = ec_fail_errno(err, EC_UNREADABLE, "cannot look at %s", path);
        (void)ec_io.close(*fd);
        *fd = -1;
        return status;
    }
    if (!S_ISREG(st->st_mode)) {
        (void)ec_io.close(*fd);
        *fd = -1;
        return ec_fail(err, EC_UNREADABLE, "%s is not a regular file", path);
    }
    return EC_OK;
}

enum ec_status ec_file_create(const char *path, int *fd, struct ec_err *err) {
    do {
        *fd = ec_io.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (*fd < 0 && errno == EINTR);
    if (*fd < 0) return ec_fail_errno(err, EC_IO, "cannot create %s", path);
    return EC_OK;
}

enum ec_status ec_file_read(int fd, void *buf, size_t n, size_t *got, const char *path, struct ec_err *err) {
    *got = 0;
    while (*got < n) {
        ssize_t r = ec_io.read(fd, (char *)buf + *got, n - *got);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0) return ec_fail_errno(err, EC_UNREADABLE, "cannot read %s", path);
        if (r == 0) break;
        *got += (size_t)r;
    }
    return EC_OK;
}

enum ec_status ec_file_read_at(int fd, void *buf, size_t n, off_t offset, size_t *got, const char *path,
                               struct ec_err *err) {
    *got = 0;
    while (*got < n) {
        ssize_t r = ec_io.pread(fd, (char *)buf + *got, n - *got, offset + (off_t)*got);
        if (r < 0 && errno == EINTR) continue;
        if (r < 0) return ec_fail_errno(err, EC_UNREADABLE, "cannot read %s", path);
        if (r == 0) break;
        *got += (size_t)r;
    }
    return EC_OK;
}

enum ec_status ec_file_write(int fd, const void *buf, size_t n, const char *path, struct ec_err *err) {
    const char *p = buf;
    while (n > 0) {
        ssize_t w = ec_io.write(fd, p, n);
        if (w < 0 && errno == EINTR) continue;
        if (w < 0) return ec_fail_errno(err, EC_IO, "cannot write %s", path);
        p += w;
        n -= (size_t)w;
    }
    return EC_OK;
}

int ec_sync(int fd) {
    int64_t start = ec_monotonic_nanos();
    int result = ec_io.fsync(fd);
    int cause = errno;
    ec_timing_note_sync(ec_monotonic_nanos() - start, 1);
    errno = cause;
    return result;
}

void ec_file_write_back(int fd, uint64_t offset, uint64_t n) {
    if (n > 0) (void)ec_io.sync_file_range(fd, (off_t)offset, (off_t)n, SYNC_FILE_RANGE_WRITE);
}

enum ec_status ec_file_finish(int fd, const char *path, struct ec_err *err) {
    /* A failed fsync may have dropped the dirty pages: a second one would lie. */
    enum ec_status status = EC_OK;
    if (ec_sync(fd) != 0) status = ec_fail_errno(err, EC_IO, "cannot sync %s", path);
    if (ec_io.close(fd) != 0 && status == EC_OK && errno != EINTR)
        status = ec_fail_errno(err, EC_IO, "cannot close %s", path);
    return status;
}

void ec_file_abandon(int fd, const char *path) {
    if (fd >= 0) (void)ec_io.close(fd);
    (void)ec_io.unlink(path);
}

#define LOAD_STEP ((size_t)65536)

enum ec_status ec_file_load(const char *path, struct ec_buf *out, struct ec_err *err) {
    int fd;
    struct stat st;
    EC_TRY(ec_file_open(path, &fd, &st, err));
    enum ec_status status = EC_OK;
    for (;;) {
        char past; /* a full buffer is no failure where the file ends with it */
        size_t room = out->n < out->bytes_max ? out->bytes_max - out->n : 0, got;
        size_t want = room == 0 ? 1 : room < LOAD_STEP ? room : LOAD_STEP;
        char *to = room == 0 ? &past : ec_buf_reserve(out, want);
        if (!to) {
            status = ec_fail(err, EC_NO_MEMORY, "no memory for %s", path);
            break;
        }
        status = ec_file_read(fd, to, want, &got, path, err);
        if (status != EC_OK || got == 0) break;
        if (room == 0) {
            status = ec_fail(err, EC_NO_MEMORY, "%s is larger than the limit of %zu bytes", path, out->bytes_max);
            break;
        }
        out->n += got;
    }
    if (out->p) out->p[out->n] = '\0';
    (void)ec_io.close(fd);
    return status;
}

/* Writes and syncs a temporary file beside `path`; its name is left in tmp. With a tag the
 * name is new for every call: process numbers repeat between the hosts of a shared folder. */
static enum ec_status write_beside(const char *path, int64_t tag, const void *p, size_t n, char *tmp, size_t tmp_size,
                                   struct ec_err *err) {
    const char *slash = strrchr(path, '/');
    int dir_n = slash ? (int)(slash - path + 1) : 0;
    const char *name = slash ? slash + 1 : path;
    int len = snprintf(tmp, tmp_size, "%.*s.%s.%d.%" PRIx64 ".tmp", dir_n, path, name, (int)getpid(), (uint64_t)tag);
    if ((size_t)len >= tmp_size) /* of a negative one, too */
        return ec_fail(err, EC_IO, "the path %s is too long", path);
    if (tag == 0) (void)ec_io.unlink(tmp); /* left by a crash of a process of the same number */
    int fd;
    EC_TRY(ec_file_create(tmp, &fd, err));
    enum ec_status status = ec_file_write(fd, p, n, tmp, err);
    if (status != EC_OK) {
        ec_file_abandon(fd, tmp);
        return status;
    }
    status = ec_file_finish(fd, tmp, err);
    if (status != EC_OK) (void)ec_io.unlink(tmp);
    return status;
}

enum ec_status ec_dir_sync_parent(const char *path, struct ec_err *err) {
    char dir[4096];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof dir) return ec_fail(err, EC_IO, "the path %s is too long", path);
    if (!slash) return ec_dir_sync(".", err);
    if (n == 0) return ec_dir_sync("/", err);
    memcpy(dir, path, n);
    dir[n] = '\0';
    return ec_dir_sync(dir, err);
}

enum ec_status ec_file_replace(const char *path, const void *p, size_t n, struct ec_err *err) {
    char tmp[4096];
    EC_TRY(write_beside(path, 0, p, n, tmp, sizeof tmp, err));
    if (ec_io.rename(tmp, path) != 0) {
        enum ec_status status = ec_fail_errno(err, EC_IO, "cannot put %s in place", path);
        (void)ec_io.unlink(tmp);
        return status;
    }
    return ec_dir_sync_parent(path, err);
}

enum ec_status ec_file_publish(const char *path, const void *p, size_t n, bool *exists, struct ec_err *err) {
    char tmp[4096];
    *exists = false;
    EC_TRY(write_beside(path, ec_now_micros(), p, n, tmp, sizeof tmp, err));
    enum ec_status status = EC_OK;
    if (ec_io.link(tmp, path) != 0) {
        if (errno == EEXIST)
            *exists = true;
        else
            status = ec_fail_errno(err, EC_IO, "cannot put %s in place", path);
    }
    if (ec_io.unlink(tmp) != 0 && status == EC_OK) status = ec_fail_errno(err, EC_IO, "cannot remove %s", tmp);
    if (status == EC_OK) status = ec_dir_sync_parent(path, err);
    return status;
}
