#include "publish/archive_private.h"

#include "base/calendar.h"
#include "base/hashing.h"
#include "base/io.h"
#include "publish/archive_gzip.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

#define READ_BYTES  ((size_t)256 * EC_KIB)
#define NAMES_TRIED 1000u
/* Always the same, so that what a crash left is found by the next: one archive at a time in a folder. */
#define TEMPORARY_NAME ".archive.tmp"

/* An archive being written: libarchive makes the tar, ISA-L the gzip. */
struct writing {
    struct archive *tar;
    struct ec_gzip_writer *gzip;
    char *buffer;
    enum ec_status status; /* of our own callback */
    struct ec_err *err;
};

/* libarchive leaks what it opened where its callback fails: our failure is kept beside it, the
 * rest of the tar goes nowhere, and every call asks for the status. */
static la_ssize_t tar_write(struct archive *tar, void *context, const void *p, size_t n) {
    struct writing *w = context;
    (void)tar;
    if (w->status == EC_OK) w->status = ec_gzip_write(w->gzip, p, n, w->err);
    return (la_ssize_t)n;
}

static enum ec_status tar_failed(const struct writing *w, const char *name) {
    if (w->status != EC_OK) return w->status;
    const char *text = archive_error_string(w->tar);
    return ec_fail(w->err, EC_DELIVERY, "the archive cannot hold %s: %s", name, text ? text : _("libarchive refused it"));
}

static enum ec_status write_header(struct writing *w, const char *name, uint64_t bytes, int64_t mtime_s) {
    struct archive_entry *entry = archive_entry_new();
    if (!entry) return ec_fail(w->err, EC_NO_MEMORY, "no memory for the archive");
    archive_entry_copy_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)bytes);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, mtime_s, 0);
    /* A warning says that a name went in as its bytes; it is read back and compared. */
    int code = archive_write_header(w->tar, entry);
    archive_entry_free(entry);
    return code >= ARCHIVE_WARN && w->status == EC_OK ? EC_OK : tar_failed(w, name);
}

static enum ec_status write_data(struct writing *w, const char *name, const void *p, size_t n) {
    la_ssize_t written = archive_write_data(w->tar, p, n);
    return written >= 0 && (size_t)written == n && w->status == EC_OK ? EC_OK : tar_failed(w, name);
}

static enum ec_status copy_file(struct writing *w, const struct ec_archive_entry *e, int fd) {
    uint64_t left = e->bytes;
    for (;;) {
        size_t got;
        EC_TRY(ec_file_read(fd, w->buffer, READ_BYTES, &got, e->path, w->err));
        if (got == 0 && left == 0) return EC_OK;
        if (got == 0 || got > left)
            return ec_fail(w->err, EC_FILE_CHANGED, "%s changed its size while it was archived", e->path);
        EC_TRY(write_data(w, e->name, w->buffer, got));
        left -= got;
    }
}

static enum ec_status write_files(struct writing *w, const struct ec_archive_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct ec_archive_entry *e = &list->entry[i];
        int fd;
        EC_TRY(write_header(w, e->name, e->bytes, e->mtime_s));
        EC_TRY(ec_file_open(e->path, &fd, NULL, w->err));
        enum ec_status status = copy_file(w, e, fd);
        (void)ec_io.close(fd);
        EC_TRY(status);
    }
    return EC_OK;
}

static enum ec_status open_tar(struct writing *w) {
    w->tar = archive_write_new();
    if (!w->tar) return ec_fail(w->err, EC_NO_MEMORY, "no memory for the archive");
    /* pax extensions only where a name or size needs them; no padding to a tape's block, and no copy into one. */
    if (archive_write_set_format_pax_restricted(w->tar) != ARCHIVE_OK ||
        archive_write_add_filter_none(w->tar) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(w->tar, 0) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(w->tar, 1) != ARCHIVE_OK ||
        archive_write_open(w->tar, w, NULL, tar_write, NULL) != ARCHIVE_OK)
        return tar_failed(w, "anything");
    return EC_OK;
}

static enum ec_status write_all(int fd, const char *path, const struct ec_archive_list *list, struct ec_err *err) {
    struct writing w = {.err = err};
    locale_t before = ec_archive_enter_utf8();
    struct ec_buf text = ec_buf_make(EC_ARCHIVE_LIST_MAX);
    ec_archive_list_write(list, &text);
    enum ec_status status = ec_buf_check(&text, err);
    if (status != EC_OK) goto done;
    w.buffer = ec_malloc(READ_BYTES);
    status = w.buffer ? ec_gzip_writer_create(fd, path, &w.gzip, err)
                      : ec_fail(err, EC_NO_MEMORY, "no memory for the archive");
    if (status == EC_OK) status = open_tar(&w);
    if (status == EC_OK) status = write_header(&w, EC_ARCHIVE_LIST_NAME, text.n, list->mtime_s);
    if (status == EC_OK) status = write_data(&w, EC_ARCHIVE_LIST_NAME, text.p, text.n);
    if (status == EC_OK) status = write_files(&w, list);
    if (status == EC_OK && (archive_write_close(w.tar) != ARCHIVE_OK || w.status != EC_OK))
        status = tar_failed(&w, _("its end"));
    if (status == EC_OK) status = ec_gzip_finish(w.gzip, err);
done:
    if (status != EC_OK) w.status = status; /* what libarchive flushes now is not to be written */
    if (w.tar) (void)archive_write_free(w.tar);
    ec_gzip_writer_destroy(w.gzip);
    ec_free(w.buffer);
    ec_buf_free(&text);
    ec_archive_leave_utf8(before);
    return status;
}

static enum ec_status look_at(const struct ec_archive_file *file, struct ec_archive_entry *e, struct ec_err *err) {
    struct stat st;
    if (stat(file->path, &st) != 0) return ec_fail_errno(err, EC_UNREADABLE, "cannot look at %s", file->path);
    *e = (struct ec_archive_entry){.name = file->name, .path = file->path, .mtime_s = st.st_mtim.tv_sec};
    return EC_OK;
}

static enum ec_status hash(struct ec_archive_list *list, struct ec_err *err) {
    struct ec_hash_job *job = ec_calloc(list->count, sizeof *job);
    if (!job) return ec_fail(err, EC_NO_MEMORY, "no memory for the archive");
    for (size_t i = 0; i < list->count; i++)
        job[i] = (struct ec_hash_job){.path = list->entry[i].path, .bytes = EC_HASH_WHOLE, .with_quick = true};
    ec_hash_all(job, list->count, 1);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < list->count && status == EC_OK; i++) {
        struct ec_archive_entry *e = &list->entry[i];
        if (job[i].status != EC_OK) status = ec_fail(err, job[i].status, "%s", job[i].message);
        memcpy(e->sha256, job[i].hex, sizeof e->sha256);
        e->quick = job[i].quick;
        e->bytes = job[i].bytes;
    }
    ec_free(job);
    return status;
}

static enum ec_status make_list(const char *run, const struct ec_archive_file *files, size_t count,
                                struct ec_archive_list *list, struct ec_err *err) {
    if (count > EC_ARCHIVE_FILES_MAX)
        return ec_fail(err, EC_DELIVERY, "%zu files are more than the %u that an archive holds", count,
                       EC_ARCHIVE_FILES_MAX);
    list->run = run;
    list->entry = ec_arena_calloc(&list->arena, count, sizeof *list->entry);
    if (!list->entry) return ec_fail(err, EC_NO_MEMORY, "no memory for the archive");
    for (size_t i = 0; i < count; i++) {
        EC_TRY(look_at(&files[i], &list->entry[i], err));
        if (list->entry[i].mtime_s > list->mtime_s) list->mtime_s = list->entry[i].mtime_s;
        list->count++;
    }
    EC_TRY(ec_archive_check_names(list, err));
    return hash(list, err);
}

/* The k-th name, from 1, that an archive of a run of this start may have. */
static enum ec_status name_archive(const char *dir, int64_t started_us, unsigned k, char path[4096], struct ec_err *err) {
    char when[32], name[64], suffix[16] = "";
    size_t n = ec_datetime_format(started_us, when); /* 2025-08-18T13:34:05Z */
    if (n < 16) return ec_fail(err, EC_DELIVERY, "the run's start is no date of a calendar");
    if (k > 1) (void)snprintf(suffix, sizeof suffix, "_%u", k);
    (void)snprintf(name, sizeof name, "archive_%.4s%.2s%.2s_%.2s%.2s%s.tar.gz", when, when + 5, when + 8, when + 11,
                   when + 14, suffix);
    return ec_path_join(path, 4096, dir, name, err);
}

/* Links the finished file to the first name that is free. */
static enum ec_status place(const char *tmp, const char *dir, int64_t started_us, struct ec_archive_made *made,
                            struct ec_err *err) {
    for (unsigned k = 1; k <= NAMES_TRIED; k++) {
        EC_TRY(name_archive(dir, started_us, k, made->path, err));
        if (ec_io.link(tmp, made->path) == 0) return EC_OK;
        if (errno != EEXIST) return ec_fail_errno(err, EC_DELIVERY, "cannot put %s in place", made->path);
    }
    return ec_fail(err, EC_DELIVERY, "%s and %u more names are taken", made->path, NAMES_TRIED - 1);
}

/* What is read back other than it was listed changed between its hash and its copy. */
static enum ec_status verify(const char *tmp, const struct ec_archive_list *list, struct ec_archive_made *made,
                             struct ec_err *err) {
    struct ec_err cause = {0};
    enum ec_status status = ec_archive_walk(tmp, list, NULL, made, &cause);
    if (status == EC_OK) return EC_OK;
    if (status == EC_ARCHIVE_DAMAGED)
        return ec_fail(err, EC_FILE_CHANGED, "a file changed while it was archived: %s", cause.message);
    return ec_fail(err, status, "the archive was written but cannot be read back: %s", cause.message);
}

enum ec_status ec_archive_find(const char *dir, int64_t started_us, const char *run, struct ec_archive_made *made,
                               bool *found, struct ec_err *err) {
    char path[4096];
    *found = false;
    for (unsigned k = 1; k <= NAMES_TRIED && !*found; k++) {
        EC_TRY(name_archive(dir, started_us, k, path, err));
        if (!ec_path_exists(path)) return EC_OK;
        *found = ec_archive_verify(path, made, NULL) == EC_OK && strcmp(made->run, run) == 0;
    }
    return *found ? ec_dir_sync_up(dir, 1, err) : EC_OK; /* its name may stand in memory alone */
}

enum ec_status ec_archive_create(const char *dir, int64_t started_us, const char *run,
                                 const struct ec_archive_file *files, size_t count, struct ec_archive_made *made,
                                 struct ec_err *err) {
    char tmp[4096];
    int fd;
    *made = (struct ec_archive_made){0};
    EC_TRY(ec_dir_make(dir, err));
    EC_TRY(ec_path_join(tmp, sizeof tmp, dir, TEMPORARY_NAME, err));
    struct ec_archive_list list;
    ec_archive_list_init(&list);
    enum ec_status status = make_list(run, files, count, &list, err);
    if (status != EC_OK) goto done;
    (void)ec_io.unlink(tmp); /* left by a crash */
    status = ec_file_create(tmp, &fd, err);
    if (status != EC_OK) goto done;
    status = write_all(fd, tmp, &list, err);
    if (status == EC_OK)
        status = ec_file_finish(fd, tmp, err);
    else
        (void)ec_io.close(fd);
    if (status == EC_OK) status = verify(tmp, &list, made, err);
    if (status == EC_OK) status = place(tmp, dir, started_us, made, err);
    if (ec_io.unlink(tmp) != 0 && status == EC_OK) status = ec_fail_errno(err, EC_DELIVERY, "cannot remove %s", tmp);
    if (status == EC_OK) status = ec_dir_sync_up(dir, 1, err); /* it may be new itself */
done:
    ec_archive_list_deinit(&list);
    return status;
}
