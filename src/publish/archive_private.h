/* What the archive's files share: ARCHIVE.json, and the walk over an archive. */
#ifndef EC_PUBLISH_ARCHIVE_PRIVATE_H
#define EC_PUBLISH_ARCHIVE_PRIVATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "publish/archive.h"

#include <locale.h>

/* 200,000 files of ordinary names. */
#define EC_ARCHIVE_LIST_MAX ((size_t)64 << 20)

struct ec_archive_entry {
    const char *name;
    const char *path; /* where it is read; NULL in a list read back */
    uint64_t bytes;
    int64_t mtime_s;
    char sha256[EC_SHA256_HEX];
    struct ec_hash128 quick; /* of the same bytes; not in a list read back */
};

struct ec_archive_list {
    struct ec_arena arena;
    const char *run;
    struct ec_archive_entry *entry;
    size_t count;
    int64_t mtime_s; /* of the newest file */
};

void ec_archive_list_init(struct ec_archive_list *list);
void ec_archive_list_deinit(struct ec_archive_list *list);

/* Relative, no empty component, '.' or '..', valid UTF-8, not ARCHIVE.json; EC_ARCHIVE_UNSAFE says
 * what is wrong. Any other byte may stand in a name, as on the disk: a dropped file with a line feed
 * or backslash in its name is archived like any other. */
enum ec_status ec_archive_check_name(const char *name, struct ec_err *err) EC_MUST_USE;
/* The names of all entries, and that none occurs twice. */
enum ec_status ec_archive_check_names(const struct ec_archive_list *list, struct ec_err *err) EC_MUST_USE;

void ec_archive_list_write(const struct ec_archive_list *list, struct ec_buf *out);
/* EC_ARCHIVE_DAMAGED or EC_ARCHIVE_UNSAFE. */
enum ec_status ec_archive_list_parse(const char *text, size_t n, struct ec_archive_list *list,
                                     struct ec_err *err) EC_MUST_USE;

/* libarchive translates names between the locale's characters and the tar's UTF-8: within these
 * two, the thread's locale is UTF-8. Where a system has no such locale nothing changes, and names
 * beyond ASCII are stored as their bytes. */
locale_t ec_archive_enter_utf8(void);
void ec_archive_leave_utf8(locale_t before);

/* Called in the order of the archive; NULL members are left out. */
struct ec_archive_sink {
    void *context;
    /* All names and sizes are known, nothing was read yet. */
    enum ec_status (*list)(void *context, const struct ec_archive_list *list, struct ec_err *err);
    enum ec_status (*begin)(void *context, const struct ec_archive_entry *entry, struct ec_err *err);
    enum ec_status (*data)(void *context, const void *p, size_t n, struct ec_err *err);
    /* The file is whole and right. */
    enum ec_status (*end)(void *context, const struct ec_archive_entry *entry, struct ec_err *err);
};

/* Reads the archive to its last byte, checking everything; sink may be NULL. Whoever has just written
 * it gives the list that it wrote: ARCHIVE.json must say the same, and the members are compared with
 * what their SHA-256 were computed of by `quick`, at a twentieth of the cost of a second SHA-256. */
enum ec_status ec_archive_walk(const char *path, const struct ec_archive_list *written,
                               const struct ec_archive_sink *sink, struct ec_archive_made *made,
                               struct ec_err *err) EC_MUST_USE;

#endif
