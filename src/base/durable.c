#include "base/durable.h"

#include "base/arena.h"
#include "base/io.h"
#include "base/threads.h"
#include "base/timing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ARENA_MAX  ((size_t)1 << 30)
#define PATH_BYTES 4096u

/* A file, or a folder, that is to be synced. */
struct item {
    const char *path;   /* as it stands now */
    const char *target; /* as it is to be named; NULL: it has its name */
    int fd;             /* -1: synced, or a folder, which is opened when its turn comes */
    int cause;          /* why it could not be synced; 0 */
};

struct list {
    struct item *item;
    size_t count, cap;
};

struct ec_durable {
    struct ec_arena arena;
    struct list files, folders;
    size_t synced; /* of the files, the first so many */
    bool doubt;
};

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the files that are to be written");
}

enum ec_status ec_durable_create(struct ec_durable **durable, struct ec_err *err) {
    *durable = ec_calloc(1, sizeof **durable);
    if (!*durable) return no_memory(err);
    ec_arena_init(&(*durable)->arena, ARENA_MAX);
    return EC_OK;
}

void ec_durable_doubt(struct ec_durable *d) {
    d->doubt = true;
}

static enum ec_status append(struct ec_durable *d, struct list *list, const char *path, const char *target, int fd,
                             struct ec_err *err) {
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 64;
        struct item *grown = ec_realloc_array(list->item, cap, sizeof *grown);
        if (!grown) return no_memory(err);
        list->item = grown;
        list->cap = cap;
    }
    struct item item = {.path = ec_arena_strdup(&d->arena, path), .fd = fd};
    if (target) item.target = ec_arena_strdup(&d->arena, target);
    if (!item.path || (target && !item.target)) return no_memory(err);
    list->item[list->count++] = item;
    return EC_OK;
}

/* ---- syncing side by side ---- */

struct syncing {
    struct item *item;
    size_t count;
    _Atomic size_t next;
};

/* After a failed fsync a file is abandoned, never synced again: closed here in any case (C5). */
static void sync_one(struct item *item) {
    int fd = item->fd;
    if (fd < 0) fd = ec_io.open(item->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0 || ec_io.fsync(fd) != 0) item->cause = errno;
    if (fd >= 0 && ec_io.close(fd) != 0 && item->cause == 0 && errno != EINTR) item->cause = errno;
    item->fd = -1;
}

static void *sync_some(void *context) {
    struct syncing *s = context;
    for (;;) {
        size_t i = atomic_fetch_add(&s->next, 1);
        if (i >= s->count) return NULL;
        sync_one(&s->item[i]);
    }
}

static void sync_items(struct item *item, size_t count) {
    if (count == 0) return;
    struct syncing s = {.item = item, .count = count};
    int64_t start = ec_monotonic_nanos();
    ec_side_by_side(sync_some, &s, count);
    ec_timing_note_sync(ec_monotonic_nanos() - start, count);
}

static void sync_files(struct ec_durable *d) {
    if (d->synced < d->files.count) sync_items(d->files.item + d->synced, d->files.count - d->synced);
    d->synced = d->files.count;
}

/* ---- collecting ---- */

/* Takes over the descriptor, also where it fails. */
static enum ec_status take(struct ec_durable *d, const char *path, const char *target, int fd, struct ec_err *err) {
    enum ec_status status = append(d, &d->files, path, target, fd, err);
    if (status != EC_OK) {
        (void)ec_io.close(fd);
        if (target) (void)ec_io.unlink(path);
        return status;
    }
    if (d->files.count - d->synced == EC_DURABLE_OPEN) sync_files(d);
    return EC_OK;
}

static enum ec_status temporary_name(char *out, const char *path, struct ec_err *err) {
    const char *slash = strrchr(path, '/');
    int dir_n = slash ? (int)(slash - path + 1) : 0;
    int n = snprintf(out, PATH_BYTES, "%.*s.%s.tmp", dir_n, path, path + dir_n);
    if ((size_t)n >= PATH_BYTES) return ec_fail(err, EC_IO, "the path %s is too long", path);
    return EC_OK;
}

/* Whether the file holds these bytes; its descriptor is left open then. */
static bool holds(const char *path, const void *p, size_t n, int *fd) {
    struct stat st;
    char buffer[16384];
    *fd = -1;
    if (stat(path, &st) != 0 || (uint64_t)st.st_size != n || ec_file_open(path, fd, NULL, NULL) != EC_OK) return false;
    bool same = true;
    size_t at = 0;
    while (same && at < n) {
        size_t got = 0, want = n - at < sizeof buffer ? n - at : sizeof buffer;
        same = ec_file_read(*fd, buffer, want, &got, path, NULL) == EC_OK && got == want &&
               memcmp(buffer, (const char *)p + at, want) == 0;
        at += want;
    }
    if (!same) (void)ec_io.close(*fd);
    return same;
}

/* Left by a crash. */
static void remove_temporary(const char *path) {
    char tmp[PATH_BYTES];
    if (temporary_name(tmp, path, NULL) == EC_OK) (void)ec_io.unlink(tmp);
}

enum ec_status ec_durable_put(struct ec_durable *d, const char *path, const void *p, size_t n, struct ec_err *err) {
    int fd;
    if (!d) return ec_file_replace(path, p, n, err);
    if (holds(path, p, n, &fd)) {
        if (!d->doubt) {
            (void)ec_io.close(fd);
            return EC_OK;
        }
        remove_temporary(path);
        EC_TRY(take(d, path, NULL, fd, err));
        return ec_durable_folder_of(d, path, err);
    }
    EC_TRY(ec_durable_open(d, path, &fd, err));
    enum ec_status status = ec_file_write(fd, p, n, path, err);
    if (status == EC_OK) return ec_durable_close(d, path, fd, err);
    ec_durable_abandon(d, path, fd);
    return status;
}

enum ec_status ec_durable_open(struct ec_durable *d, const char *path, int *fd, struct ec_err *err) {
    (void)d;
    char tmp[PATH_BYTES];
    EC_TRY(temporary_name(tmp, path, err));
    *fd = ec_io.open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (*fd >= 0) return EC_OK;
    if (errno == EEXIST) (void)ec_io.unlink(tmp); /* left by a crash */
    return ec_file_create(tmp, fd, err);
}

enum ec_status ec_durable_close(struct ec_durable *d, const char *path, int fd, struct ec_err *err) {
    char tmp[PATH_BYTES];
    enum ec_status status = temporary_name(tmp, path, err);
    if (status != EC_OK) {
        (void)ec_io.close(fd);
        return status;
    }
    EC_TRY(take(d, tmp, path, fd, err));
    return ec_durable_folder_of(d, path, err);
}

void ec_durable_abandon(struct ec_durable *d, const char *path, int fd) {
    (void)d;
    char tmp[PATH_BYTES];
    if (temporary_name(tmp, path, NULL) == EC_OK) ec_file_abandon(fd, tmp);
}

enum ec_status ec_durable_add(struct ec_durable *d, const char *path, int fd, struct ec_err *err) {
    return take(d, path, NULL, fd, err);
}

enum ec_status ec_durable_folder(struct ec_durable *d, const char *path, struct ec_err *err) {
    /* Files of a folder follow each other; what remains is found when all are sorted. */
    size_t n = d->folders.count;
    if (n > 0 && strcmp(d->folders.item[n - 1].path, path) == 0) return EC_OK;
    return append(d, &d->folders, path, NULL, -1, err);
}

/* "a/b" becomes "a", "/b" becomes "/", "b" becomes "."; in place. */
static void cut_name(char *path) {
    char *slash = strrchr(path, '/');
    if (!slash)
        memcpy(path, ".", 2);
    else
        slash[slash == path] = '\0';
}

enum ec_status ec_durable_folder_of(struct ec_durable *d, const char *path, struct ec_err *err) {
    char folder[PATH_BYTES];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof folder) return ec_fail(err, EC_IO, "the path %s is too long", path);
    memcpy(folder, path, n + 1);
    cut_name(folder);
    return ec_durable_folder(d, folder, err);
}

#define LEVELS_IN_DOUBT 3u

enum ec_status ec_durable_make_dir(struct ec_durable *d, const char *path, struct ec_err *err) {
    char at[PATH_BYTES];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof at) return ec_fail(err, EC_IO, "the path %s is too long", path);
    memcpy(at, path, n + 1);
    /* Upwards to a folder that is there: a new folder is as durable as its entry in the one above. */
    for (unsigned level = 0;; level++) {
        struct stat st;
        bool there = stat(at, &st) == 0;
        if (there && !S_ISDIR(st.st_mode)) break; /* mkdir says what is wrong */
        if (there && !d->doubt && level == 0) return EC_OK;
        if (there && (!d->doubt || level >= LEVELS_IN_DOUBT)) break;
        if (strcmp(at, ".") == 0 || strcmp(at, "/") == 0) break;
        EC_TRY(ec_durable_folder_of(d, at, err));
        cut_name(at);
    }
    return ec_dir_make(path, err);
}

/* ---- committing ---- */

static int compare_paths(const void *a, const void *b) {
    return strcmp(((const struct item *)a)->path, ((const struct item *)b)->path);
}

static void sync_folders(struct list *folders) {
    size_t n = 0;
    if (folders->count > 1) qsort(folders->item, folders->count, sizeof *folders->item, compare_paths);
    for (size_t i = 0; i < folders->count; i++)
        if (n == 0 || strcmp(folders->item[n - 1].path, folders->item[i].path) != 0) folders->item[n++] = folders->item[i];
    folders->count = n;
    sync_items(folders->item, n);
}

static void note(enum ec_status *status, struct ec_err *err, const char *fmt, const char *path, int cause) {
    if (*status != EC_OK) return;
    errno = cause;
    *status = ec_fail_errno(err, EC_IO, fmt, path);
}

static void put_in_place(struct item *item, enum ec_status *status, struct ec_err *err) {
    if (item->cause != 0) note(status, err, _("cannot sync %s"), item->path, item->cause);
    if (!item->target) return;
    if (item->cause == 0 && ec_io.rename(item->path, item->target) == 0) return;
    if (item->cause == 0) note(status, err, _("cannot put in place %s"), item->target, errno);
    (void)ec_io.unlink(item->path);
}

static void forget(struct ec_durable *d) {
    d->files.count = d->folders.count = d->synced = 0;
    ec_arena_reset(&d->arena);
}

enum ec_status ec_durable_commit(struct ec_durable *d, struct ec_err *err) {
    enum ec_status status = EC_OK;
    sync_files(d);
    for (size_t i = 0; i < d->files.count; i++) put_in_place(&d->files.item[i], &status, err);
    sync_folders(&d->folders);
    for (size_t i = 0; i < d->folders.count; i++)
        if (d->folders.item[i].cause != 0)
            note(&status, err, _("cannot sync the folder %s"), d->folders.item[i].path, d->folders.item[i].cause);
    forget(d);
    return status;
}

void ec_durable_destroy(struct ec_durable *d) {
    if (!d) return;
    for (size_t i = 0; i < d->files.count; i++) {
        if (d->files.item[i].fd >= 0) (void)ec_io.close(d->files.item[i].fd);
        if (d->files.item[i].target) (void)ec_io.unlink(d->files.item[i].path);
    }
    ec_free(d->files.item);
    ec_free(d->folders.item);
    ec_arena_deinit(&d->arena);
    ec_free(d);
}
