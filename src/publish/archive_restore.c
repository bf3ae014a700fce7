#include "publish/archive_private.h"

#include "base/io.h"

#include <errno.h>
#include <unistd.h>

struct restoring {
    const char *dest;
    bool overwrite;
    int fd; /* of the file being written; -1: none */
    char tmp[4096];
    char target[4096];
    char folder[4096]; /* of the file before: synced when the next one lies elsewhere */
};

static enum ec_status check_free(void *context, const struct ec_archive_list *list, struct ec_err *err) {
    struct restoring *r = context;
    for (size_t i = 0; i < list->count && !r->overwrite; i++) {
        char path[4096];
        EC_TRY(ec_path_join(path, sizeof path, r->dest, list->entry[i].name, err));
        if (ec_path_exists(path)) return ec_fail(err, EC_ARCHIVE_EXISTS, "%s exists already", path);
    }
    return EC_OK;
}

/* Makes the folders of `name` below dest one by one; none may be a link. */
static enum ec_status make_folders(const struct restoring *r, const char *name, char *folder, size_t size,
                                   struct ec_err *err) {
    EC_TRY(ec_path_join(folder, size, r->dest, name, err));
    size_t base = strlen(folder) - strlen(name);
    char *end = strrchr(folder + base, '/');
    if (!end) {
        folder[base > 1 ? base - 1 : base] = '\0'; /* dest itself */
        return EC_OK;
    }
    *end = '\0';
    for (char *p = folder + base;; p++) {
        if (*p != '/' && *p != '\0') continue;
        bool last = *p == '\0';
        struct stat st;
        *p = '\0';
        if (ec_io.mkdir(folder, 0777) != 0 && errno != EEXIST)
            return ec_fail_errno(err, EC_IO, "cannot create the folder %s", folder);
        if (lstat(folder, &st) != 0) return ec_fail_errno(err, EC_IO, "cannot look at %s", folder);
        if (!S_ISDIR(st.st_mode))
            return ec_fail(err, EC_ARCHIVE_UNSAFE, "%s is a link or file where a folder is to be", folder);
        if (last) return EC_OK;
        *p = '/';
    }
}

static enum ec_status begin_file(void *context, const struct ec_archive_entry *e, struct ec_err *err) {
    struct restoring *r = context;
    char folder[4096], name[64];
    EC_TRY(make_folders(r, e->name, folder, sizeof folder, err));
    if (r->folder[0] && strcmp(folder, r->folder) != 0) EC_TRY(ec_dir_sync(r->folder, err));
    memcpy(r->folder, folder, strlen(folder) + 1);
    (void)snprintf(name, sizeof name, ".ecluse-restore.%d.tmp", (int)getpid());
    EC_TRY(ec_path_join(r->tmp, sizeof r->tmp, folder, name, err));
    EC_TRY(ec_path_join(r->target, sizeof r->target, r->dest, e->name, err));
    (void)ec_io.unlink(r->tmp);
    return ec_file_create(r->tmp, &r->fd, err);
}

static enum ec_status add_data(void *context, const void *p, size_t n, struct ec_err *err) {
    struct restoring *r = context;
    return ec_file_write(r->fd, p, n, r->tmp, err);
}

static enum ec_status put_in_place(struct restoring *r, struct ec_err *err) {
    if (r->overwrite) {
        if (ec_io.rename(r->tmp, r->target) == 0) return EC_OK;
        return ec_fail_errno(err, EC_IO, "cannot replace %s", r->target);
    }
    if (ec_io.link(r->tmp, r->target) == 0) {
        if (ec_io.unlink(r->tmp) == 0) return EC_OK;
        return ec_fail_errno(err, EC_IO, "cannot remove %s", r->tmp);
    }
    if (errno == EEXIST) return ec_fail(err, EC_ARCHIVE_EXISTS, "%s exists already", r->target);
    return ec_fail_errno(err, EC_IO, "cannot put %s in place", r->target);
}

static enum ec_status end_file(void *context, const struct ec_archive_entry *e, struct ec_err *err) {
    struct restoring *r = context;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = e->mtime_s}};
    int fd = r->fd;
    if (futimens(fd, times) != 0) return ec_fail_errno(err, EC_IO, "cannot set the time of %s", r->tmp);
    r->fd = -1;
    enum ec_status status = ec_file_finish(fd, r->tmp, err);
    if (status == EC_OK) status = put_in_place(r, err);
    if (status != EC_OK) (void)ec_io.unlink(r->tmp);
    return status;
}

enum ec_status ec_archive_restore(const char *path, const char *dest, bool overwrite, struct ec_archive_made *made,
                                  struct ec_err *err) {
    struct restoring r = {.dest = dest, .overwrite = overwrite, .fd = -1};
    struct ec_archive_sink first = {.context = &r, .list = check_free};
    struct ec_archive_sink second = {&r, check_free, begin_file, add_data, end_file};
    EC_TRY(ec_archive_walk(path, NULL, &first, made, err));
    EC_TRY(ec_dir_make(dest, err));
    enum ec_status status = ec_archive_walk(path, NULL, &second, made, err);
    if (r.fd >= 0) ec_file_abandon(r.fd, r.tmp);
    if (status == EC_OK && r.folder[0]) status = ec_dir_sync(r.folder, err);
    return status;
}
