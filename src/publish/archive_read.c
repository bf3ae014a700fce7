/* Reading an archive back, believing nothing in it. */
#include "publish/archive_private.h"

#include "base/io.h"
#include "base/sha256.h"
#include "publish/archive_gzip.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

/* Zeros behind the last member: other tars pad to 10 KiB. */
#define PADDING_MAX ((uint64_t)1 * EC_MIB)

struct walk {
    struct archive *tar;
    struct ec_gzip_reader *gzip;
    struct ec_sha256 *sha;
    struct ec_hash_sum *quick;
    const struct ec_archive_list *written; /* or NULL */
    const struct ec_archive_sink *sink;
    struct ec_archive_list list;
    const char *path;
    enum ec_status status; /* of our own callback, which libarchive only knows as failed */
    struct ec_err *err;
};

static la_ssize_t tar_read(struct archive *tar, void *context, const void **p) {
    struct walk *w = context;
    size_t n;
    w->status = ec_gzip_read(w->gzip, p, &n, w->err);
    if (w->status == EC_OK) return (la_ssize_t)n;
    archive_set_error(tar, EIO, _("the gzip stream is damaged"));
    return -1;
}

static enum ec_status tar_failed(const struct walk *w) {
    if (w->status != EC_OK) return w->status;
    const char *text = archive_error_string(w->tar);
    return ec_fail(w->err, EC_ARCHIVE_DAMAGED, "%s is damaged: %s", w->path, text ? text : _("it is no tar"));
}

static enum ec_status open_tar(struct walk *w) {
    EC_TRY(ec_gzip_reader_create(w->path, &w->gzip, w->err));
    EC_TRY(ec_sha256_create(&w->sha, w->err));
    EC_TRY(ec_hash_sum_create(&w->quick, w->err));
    w->tar = archive_read_new();
    if (!w->tar) return ec_fail(w->err, EC_NO_MEMORY, "no memory to read %s", w->path);
    if (archive_read_support_format_tar(w->tar) != ARCHIVE_OK ||
        archive_read_open(w->tar, w, NULL, tar_read, NULL) != ARCHIVE_OK)
        return tar_failed(w);
    return EC_OK;
}

/* The next member, which must be a regular file of that name; *entry is NULL at the end. */
static enum ec_status next_member(struct walk *w, struct archive_entry **entry, const char **name) {
    int code = archive_read_next_header(w->tar, entry);
    if (code == ARCHIVE_EOF) {
        *entry = NULL;
        return EC_OK;
    }
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return tar_failed(w);
    *name = archive_entry_pathname(*entry);
    if (!*name) *name = archive_entry_pathname_utf8(*entry);
    if (!*name) return ec_fail(w->err, EC_ARCHIVE_UNSAFE, "%s holds a name that is not UTF-8", w->path);
    if (strcmp(*name, EC_ARCHIVE_LIST_NAME) != 0) EC_TRY(ec_archive_check_name(*name, w->err));
    if (archive_entry_filetype(*entry) != AE_IFREG || archive_entry_hardlink(*entry) || archive_entry_symlink(*entry))
        return ec_fail(w->err, EC_ARCHIVE_UNSAFE, "%s in %s is not a regular file", *name, w->path);
    return EC_OK;
}

/* The next bytes of the member, without holes; *n is 0 at its end. */
static enum ec_status next_bytes(struct walk *w, uint64_t at, const void **p, size_t *n) {
    la_int64_t offset = 0;
    *n = 0;
    do {
        int code = archive_read_data_block(w->tar, p, n, &offset);
        if (code == ARCHIVE_EOF) {
            *n = 0;
            return EC_OK;
        }
        if (code != ARCHIVE_OK) return tar_failed(w);
    } while (*n == 0);
    if (offset < 0 || (uint64_t)offset != at)
        return ec_fail(w->err, EC_ARCHIVE_DAMAGED, "%s holds a file with holes", w->path);
    return EC_OK;
}

static enum ec_status read_list(struct walk *w) {
    struct archive_entry *entry;
    const char *name = NULL;
    EC_TRY(next_member(w, &entry, &name));
    if (!entry || strcmp(name, EC_ARCHIVE_LIST_NAME) != 0)
        return ec_fail(w->err, EC_ARCHIVE_DAMAGED, "%s does not begin with %s", w->path, EC_ARCHIVE_LIST_NAME);
    struct ec_buf text = ec_buf_make(EC_ARCHIVE_LIST_MAX);
    enum ec_status status = EC_OK;
    for (;;) {
        const void *p;
        size_t n;
        status = next_bytes(w, text.n, &p, &n);
        if (status != EC_OK || n == 0 || text.failed) break;
        ec_buf_add(&text, p, n);
    }
    if (status == EC_OK && text.failed)
        status = ec_fail(w->err, EC_ARCHIVE_DAMAGED, "the list of %s exceeds its limit of %zu bytes", w->path,
                         EC_ARCHIVE_LIST_MAX);
    if (status == EC_OK) status = ec_archive_list_parse(ec_buf_str(&text).p, text.n, &w->list, w->err);
    ec_buf_free(&text);
    return status;
}

static enum ec_status add_bytes(struct walk *w, const void *p, size_t n) {
    if (w->written)
        ec_hash_sum_add(w->quick, p, n);
    else
        EC_TRY(ec_sha256_add(w->sha, p, n, w->err));
    return w->sink && w->sink->data ? w->sink->data(w->sink->context, p, n, w->err) : EC_OK;
}

static enum ec_status are_right(struct walk *w, size_t i, bool *right) {
    char hex[EC_SHA256_HEX];
    if (w->written) {
        struct ec_hash128 quick = ec_hash_sum_end(w->quick), first = w->written->entry[i].quick;
        *right = quick.hi == first.hi && quick.lo == first.lo;
        return EC_OK;
    }
    EC_TRY(ec_sha256_end(w->sha, hex, w->err));
    *right = strcmp(hex, w->list.entry[i].sha256) == 0;
    return EC_OK;
}

static enum ec_status read_file(struct walk *w, size_t i) {
    const struct ec_archive_entry *e = &w->list.entry[i];
    uint64_t bytes = 0;
    bool right;
    for (;;) {
        const void *p;
        size_t n;
        EC_TRY(next_bytes(w, bytes, &p, &n));
        if (n == 0) break;
        bytes += n;
        EC_TRY(add_bytes(w, p, n));
    }
    EC_TRY(are_right(w, i, &right));
    if (bytes != e->bytes || !right)
        return ec_fail(w->err, EC_ARCHIVE_DAMAGED,
                       "%s in %s is not what %s lists: its size or content differs", e->name,
                       w->path, EC_ARCHIVE_LIST_NAME);
    return EC_OK;
}

static bool lists_equal(const struct ec_archive_list *a, const struct ec_archive_list *b) {
    for (size_t i = 0; i < a->count && a->count == b->count; i++) {
        const struct ec_archive_entry *x = &a->entry[i], *y = &b->entry[i];
        if (strcmp(x->name, y->name) != 0 || x->bytes != y->bytes || strcmp(x->sha256, y->sha256) != 0) return false;
    }
    return a->count == b->count;
}

static enum ec_status walk_files(struct walk *w) {
    struct archive_entry *entry;
    const char *name = NULL;
    if (w->written && !lists_equal(w->written, &w->list))
        return ec_fail(w->err, EC_ARCHIVE_DAMAGED, "%s in %s is not the one written", EC_ARCHIVE_LIST_NAME, w->path);
    if (w->sink && w->sink->list) EC_TRY(w->sink->list(w->sink->context, &w->list, w->err));
    for (size_t i = 0; i < w->list.count; i++) {
        struct ec_archive_entry *e = &w->list.entry[i];
        EC_TRY(next_member(w, &entry, &name));
        if (!entry) return ec_fail(w->err, EC_ARCHIVE_DAMAGED, "%s lacks %s, which it lists", w->path, e->name);
        la_int64_t size = archive_entry_size(entry);
        if (strcmp(name, e->name) != 0)
            return ec_fail(w->err, EC_ARCHIVE_DAMAGED, "%s holds %s where it lists %s", w->path, name, e->name);
        if (size < 0 || (uint64_t)size != e->bytes)
            return ec_fail(w->err, EC_ARCHIVE_DAMAGED, "%s in %s has %lld bytes, not the %llu listed", name, w->path,
                           (long long)size, (unsigned long long)e->bytes);
        e->mtime_s = archive_entry_mtime(entry);
        if (w->sink && w->sink->begin) EC_TRY(w->sink->begin(w->sink->context, e, w->err));
        EC_TRY(read_file(w, i));
        if (w->sink && w->sink->end) EC_TRY(w->sink->end(w->sink->context, e, w->err));
    }
    EC_TRY(next_member(w, &entry, &name));
    if (entry) return ec_fail(w->err, EC_ARCHIVE_DAMAGED, "%s holds %s, which it does not list", w->path, name);
    return EC_OK;
}

/* libarchive stops at the tar's end; the gzip's CRC stands behind it. */
static enum ec_status drain(struct walk *w) {
    uint64_t padding = 0;
    for (;;) {
        const void *p;
        size_t n;
        EC_TRY(ec_gzip_read(w->gzip, &p, &n, w->err));
        if (n == 0) return EC_OK;
        padding += n;
        if (padding > PADDING_MAX) return ec_fail(w->err, EC_ARCHIVE_DAMAGED, "data follow the tar in %s", w->path);
    }
}

enum ec_status ec_archive_walk(const char *path, const struct ec_archive_list *written,
                               const struct ec_archive_sink *sink, struct ec_archive_made *made,
                               struct ec_err *err) {
    struct walk w = {.written = written, .sink = sink, .path = path, .err = err};
    locale_t before = ec_archive_enter_utf8();
    enum ec_status status = open_tar(&w);
    if (status == EC_OK) status = read_list(&w);
    if (status == EC_OK) status = walk_files(&w);
    if (status == EC_OK) status = drain(&w);
    if (status == EC_OK && made) {
        *made = (struct ec_archive_made){.files = w.list.count, .bytes_stored = ec_gzip_consumed(w.gzip)};
        (void)snprintf(made->path, sizeof made->path, "%s", path);
        (void)snprintf(made->run, sizeof made->run, "%s", w.list.run ? w.list.run : "");
        for (size_t i = 0; i < w.list.count; i++) made->bytes += w.list.entry[i].bytes;
    }
    if (w.tar) (void)archive_read_free(w.tar);
    ec_archive_list_deinit(&w.list);
    ec_sha256_destroy(w.sha);
    ec_hash_sum_destroy(w.quick);
    ec_gzip_reader_destroy(w.gzip);
    ec_archive_leave_utf8(before);
    return status;
}

enum ec_status ec_archive_verify(const char *path, struct ec_archive_made *made, struct ec_err *err) {
    return ec_archive_walk(path, NULL, NULL, made, err);
}
