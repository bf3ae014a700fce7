#include "remote/fetch.h"

#include "base/io.h"
#include "base/limits.h"
#include "base/threads.h"
#include "remote/curl_load.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SPARE_BYTES (64 * EC_MIB) /* that the rest of the run needs at the very least */

/* A range of a job's object. */
struct piece {
    size_t job;
    uint64_t offset, n;
};

struct fetching {
    const struct ec_remote_settings *settings;
    struct ec_remote_job *job;
    struct piece *piece;
    size_t pieces;
    _Atomic size_t next;
    _Atomic size_t *left;  /* pieces per job that are not done */
    _Atomic bool *failed;  /* per job */
    _Atomic bool stopped;  /* by what is no single object's fault */
    pthread_mutex_t mutex; /* over jobs' outcomes and `err` */
    struct ec_err err;
};

/* Whether an error is an object's, not the machine's. */
static bool is_of_object(enum ec_status status) { return status == EC_FILE_CHANGED || status == EC_REMOTE || status == EC_REMOTE_DENIED; }

static void note(struct fetching *f, size_t job, const struct ec_err *cause) {
    (void)pthread_mutex_lock(&f->mutex);
    struct ec_remote_job *j = &f->job[job];
    if (!is_of_object(cause->status)) {
        if (f->err.status == EC_OK) f->err = *cause;
        atomic_store(&f->stopped, true);
    } else if (j->status == EC_OK) {
        j->status = cause->status == EC_FILE_CHANGED ? EC_FILE_CHANGED : EC_REMOTE_READ;
        (void)snprintf(j->message, sizeof j->message, "%.*s", (int)sizeof j->message - 1, cause->message);
    }
    atomic_store(&f->failed[job], true);
    (void)pthread_mutex_unlock(&f->mutex);
}

struct target {
    int fd;
    const char *path;
};

static enum ec_status write_some(void *user, const char *p, size_t n, struct ec_err *err) {
    const struct target *t = user;
    return ec_file_write(t->fd, p, n, t->path, err);
}

static enum ec_status fetch_piece(struct fetching *f, struct ec_store *store, const struct piece *p, struct ec_err *err) {
    struct ec_remote_job *j = &f->job[p->job];
    struct target target = {.path = j->to};
    target.fd = ec_io.open(j->to, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (target.fd < 0) return ec_fail_errno(err, EC_IO, "cannot open %s", j->to);
    enum ec_status status = EC_OK;
    if (lseek(target.fd, (off_t)p->offset, SEEK_SET) < 0) status = ec_fail_errno(err, EC_IO, "cannot move within %s", j->to);
    if (status == EC_OK) status = ec_store_read(store, &j->object, p->offset, p->n, write_some, &target, err);
    if (ec_io.close(target.fd) != 0 && status == EC_OK) status = ec_fail_errno(err, EC_IO, "cannot close %s", j->to);
    if (status == EC_OK && atomic_fetch_sub(&f->left[p->job], 1) == 1) status = ec_store_confirm(store, &j->object, err);
    return status;
}

static void *fetch_some(void *context) {
    struct fetching *f = context;
    struct ec_store *store = NULL;
    struct ec_err cause = {0};
    enum ec_status status = ec_store_open(f->settings, &store, &cause);
    if (status != EC_OK) {
        cause.status = cause.status == EC_REMOTE ? EC_IO : cause.status; /* no library: of no single object */
        if (f->pieces > 0) note(f, f->piece[0].job, &cause);
        return NULL;
    }
    for (size_t i; !atomic_load(&f->stopped) && (i = atomic_fetch_add(&f->next, 1)) < f->pieces;) {
        if (atomic_load(&f->failed[f->piece[i].job])) continue;
        struct ec_err err = {0};
        if (fetch_piece(f, store, &f->piece[i], &err) != EC_OK) note(f, f->piece[i].job, &err);
    }
    ec_store_close(store);
    return NULL;
}

static enum ec_status make_file(struct ec_remote_job *j, struct ec_err *err) {
    int fd;
    EC_TRY(ec_file_create(j->to, &fd, err));
    enum ec_status status = EC_OK;
    if (ec_io.ftruncate(fd, (off_t)j->object.bytes) != 0) status = ec_fail_errno(err, EC_IO, "cannot make %s as large as its object", j->to);
    if (ec_io.close(fd) != 0 && status == EC_OK) status = ec_fail_errno(err, EC_IO, "cannot close %s", j->to);
    return status;
}

/* What is asked for of an object: one stretch of it, or the beginning and another. */
struct stretch {
    uint64_t from, to;
};

static size_t stretches_of(const struct ec_remote_job *j, struct stretch out[2]) {
    out[0] = (struct stretch){0, j->end == 0 ? j->object.bytes : j->head};
    out[1] = (struct stretch){j->start, j->end};
    if (j->end == 0) return 1;
    if (j->start > j->head) return 2;
    out[0].to = j->end > j->head ? j->end : j->head; /* they touch */
    return 1;
}

static uint64_t bytes_of(const struct ec_remote_job *j) {
    struct stretch part[2];
    uint64_t bytes = 0;
    for (size_t i = 0, n = stretches_of(j, part); i < n; i++) bytes += part[i].to - part[i].from;
    return bytes;
}

static enum ec_status check_room(const struct ec_remote_job *job, size_t count, struct ec_err *err) {
    struct statvfs fs;
    char folder[4096];
    uint64_t wanted = 0;
    for (size_t i = 0; i < count; i++) wanted += job[i].status == EC_OK ? bytes_of(&job[i]) : 0;
    if (ec_path_join(folder, sizeof folder, job[0].to, "..", NULL) != EC_OK) return EC_OK;
    char *slash = strrchr(folder, '/'); /* "…/file/..": two steps up */
    if (slash) *slash = '\0';
    slash = strrchr(folder, '/');
    if (slash && slash != folder) *slash = '\0';
    if (statvfs(folder, &fs) != 0) return EC_OK; /* the write will say it */
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (wanted <= room && room - wanted >= SPARE_BYTES) return EC_OK;
    return ec_fail(err, EC_DISK_FULL, "the objects to be fetched have %llu MiB, and %llu MiB are free for their copies in %s",
                   (unsigned long long)(wanted >> 20), (unsigned long long)(room >> 20), folder);
}

static enum ec_status plan_pieces(struct fetching *f, size_t count, struct ec_err *err) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct ec_remote_job *j = &f->job[i];
        if (j->object.bytes > EC_REMOTE_OBJECT_MAX) {
            j->status = EC_REMOTE_READ;
            (void)snprintf(j->message, sizeof j->message, _("it has more than %llu GiB"), EC_REMOTE_OBJECT_MAX >> 30);
        }
        if (j->status == EC_OK) n += (size_t)(bytes_of(j) / EC_REMOTE_RANGE) + 2;
    }
    f->piece = ec_calloc(n, sizeof *f->piece);
    f->left = ec_calloc(count, sizeof *f->left);
    f->failed = ec_calloc(count, sizeof *f->failed);
    if (!f->piece || !f->left || !f->failed) return ec_fail(err, EC_NO_MEMORY, "no memory to fetch objects");
    for (size_t i = 0; i < count; i++) {
        struct stretch part[2];
        size_t first = f->pieces, parts = f->job[i].status == EC_OK ? stretches_of(&f->job[i], part) : 0;
        for (size_t k = 0; k < parts; k++)
            for (uint64_t at = part[k].from; at < part[k].to; at += EC_REMOTE_RANGE) /* they were counted: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
                f->piece[f->pieces++] = (struct piece){i, at, part[k].to - at < EC_REMOTE_RANGE ? part[k].to - at : EC_REMOTE_RANGE};
        atomic_store(&f->left[i], f->pieces - first);
    }
    return EC_OK;
}

/* A part of an object must not be taken for it. */
static enum ec_status remove_failed(const struct ec_remote_job *job, size_t count, bool all, struct ec_err *err) {
    for (size_t i = 0; i < count; i++)
        if ((all || job[i].status != EC_OK) && ec_io.unlink(job[i].to) != 0 && errno != ENOENT)
            return ec_fail_errno(err, EC_IO, "cannot remove %s", job[i].to);
    return EC_OK;
}

enum ec_status ec_remote_fetch(const struct ec_remote_settings *settings, struct ec_remote_job *job, size_t count, struct ec_err *err) {
    struct fetching f = {.settings = settings, .job = job};
    const struct ec_curl *lib;
    struct ec_err cause = {0};
    if (count == 0) return EC_OK;
    if (ec_curl_load(&lib, &cause) != EC_OK) return ec_fail(err, EC_REMOTE, "%s", cause.message); /* by one thread */
    (void)pthread_mutex_init(&f.mutex, NULL);
    enum ec_status status = plan_pieces(&f, count, err);
    if (status == EC_OK) status = check_room(job, count, err);
    for (size_t i = 0; i < count && status == EC_OK; i++)
        if (job[i].status == EC_OK) status = make_file(&job[i], err);
    if (status == EC_OK && f.pieces > 0) ec_side_by_side(fetch_some, &f, f.pieces < EC_REMOTE_CONNECTIONS ? f.pieces : EC_REMOTE_CONNECTIONS);
    if (status == EC_OK && f.err.status != EC_OK) {
        status = f.err.status;
        if (err) *err = f.err;
    }
    enum ec_status removed = remove_failed(job, count, status != EC_OK, status == EC_OK ? err : NULL);
    ec_free(f.piece);
    ec_free(f.left);
    ec_free(f.failed);
    (void)pthread_mutex_destroy(&f.mutex);
    return status != EC_OK ? status : removed;
}
