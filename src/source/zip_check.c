/* What an archive must be besides consistent. Nothing is ever extracted by name, so a bad name
 * cannot reach the disk; it is refused because whoever made it wanted something else than
 * to deliver data. */
#include "source/zip.h"

#include "base/io.h"

#include <stdlib.h>
#include <sys/stat.h>

static bool leaves_folder(const char *name, size_t n) {
    size_t start = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && name[i] != '/') continue;
        if (i - start == 2 && name[start] == '.' && name[start + 1] == '.') return true;
        start = i + 1;
    }
    return false;
}

static const char *name_problem(const char *name, size_t n) {
    if (n == 0) return _("has no name");
    if (n > EC_ZIP_NAME_MAX) return _("has a name that is too long");
    if (name[0] == '/') return _("has an absolute name");
    if (n >= 2 && name[1] == ':') return _("has a name with a drive letter");
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c == '\\') return _("has a name with a backslash");
        if (c == 0) return _("has a name with a NUL");
        if (c < 0x20 || c == 0x7f) return _("has a name with a control character");
    }
    return leaves_folder(name, n) ? _("has a name that leaves its folder") : NULL;
}

/* A Unix mode stands in the upper half whoever made the archive; a writer that knows none leaves 0,
 * and one that was fed through a pipe notes the pipe. */
static const char *kind_problem(const struct ec_zip_entry *e) {
    uint32_t kind = (e->attributes >> 16) & S_IFMT;
    if (kind == 0 || kind == S_IFREG || kind == S_IFDIR || kind == S_IFIFO) return NULL;
    return kind == S_IFLNK ? _("is a symbolic link") : _("is a special file");
}

static enum ec_status bad_name(const char *path, const struct ec_zip_entry *e, const char *problem,
                               struct ec_err *err) {
    char shown[128];
    size_t n = 0;
    for (; n + 1 < sizeof shown && n < e->name_n; n++) {
        unsigned char c = (unsigned char)e->member.name[n];
        shown[n] = c < 0x20 || c >= 0x7f ? '?' : (char)c; /* a name may not steer a terminal */
    }
    shown[n] = 0;
    return ec_fail(err, EC_ZIP_NAME, "%s: member \"%s\" %s", path, shown, problem);
}

static enum ec_status check_entry(const char *path, const struct ec_zip_entry *e, struct ec_err *err) {
    const struct ec_zip_member *m = &e->member;
    const char *problem = name_problem(m->name, e->name_n);
    if (!problem) problem = kind_problem(e);
    if (problem) return bad_name(path, e, problem, err);
    if (e->flags & (EC_ZIP_FLAG_ENCRYPTED | EC_ZIP_FLAG_STRONG | EC_ZIP_FLAG_MASKED) || m->method == 99)
        return ec_fail(err, EC_ZIP_ENCRYPTED, "%s: member %s is encrypted", path, m->name);
    if (m->method != 0 && m->method != 8)
        return ec_fail(err, EC_ZIP_METHOD, "%s: member %s is compressed by method %u", path, m->name, m->method);
    if (m->method == 0 && m->bytes_stored != m->bytes_decoded)
        return ec_fail(err, EC_ZIP_DAMAGED, "%s: member %s is stored in %llu bytes and said to have %llu", path,
                       m->name, (unsigned long long)m->bytes_stored, (unsigned long long)m->bytes_decoded);
    if (ec_zip_is_folder(e) && m->bytes_decoded != 0)
        return ec_fail(err, EC_ZIP_DAMAGED, "%s: folder %s has content", path, m->name);
    return EC_OK;
}

static int by_name(const void *a, const void *b) {
    const struct ec_zip_entry *x = *(struct ec_zip_entry *const *)a, *y = *(struct ec_zip_entry *const *)b;
    return strcmp(x->member.name, y->member.name);
}

static int by_offset(const void *a, const void *b) {
    const struct ec_zip_entry *x = *(struct ec_zip_entry *const *)a, *y = *(struct ec_zip_entry *const *)b;
    return x->header_offset < y->header_offset ? -1 : x->header_offset > y->header_offset;
}

/* The entries in an order; free with ec_free(). */
static const struct ec_zip_entry **sorted(const struct ec_zip_directory *dir, int (*order)(const void *, const void *),
                                          struct ec_err *err) {
    const struct ec_zip_entry **list = ec_realloc_array(NULL, dir->count, sizeof *list);
    if (!list) {
        (void)ec_fail(err, EC_NO_MEMORY, "no memory to check %s", dir->path);
        return NULL;
    }
    for (size_t i = 0; i < dir->count; i++) list[i] = &dir->entry[i];
    qsort(list, dir->count, sizeof *list, order);
    return list;
}

enum ec_status ec_zip_check_entries(const struct ec_zip_directory *dir, struct ec_err *err) {
    uint64_t total = 0;
    for (size_t i = 0; i < dir->count; i++) {
        EC_TRY(check_entry(dir->path, &dir->entry[i], err));
        if (__builtin_add_overflow(total, dir->entry[i].member.bytes_decoded, &total)) total = UINT64_MAX;
        if (total > EC_INFLATE_ARCHIVE_MAX)
            return ec_fail(err, EC_BOMB, "%s: the members expand past %llu bytes, the limit of one archive", dir->path,
                           EC_INFLATE_ARCHIVE_MAX);
    }
    const struct ec_zip_entry **list = sorted(dir, by_name, err);
    if (!list) return EC_NO_MEMORY;
    enum ec_status status = EC_OK;
    for (size_t i = 1; status == EC_OK && i < dir->count; i++) {
        if (strcmp(list[i - 1]->member.name, list[i]->member.name) == 0)
            status = ec_fail(err, EC_ZIP_NAME, "%s: the name %s occurs twice", dir->path, list[i]->member.name);
    }
    ec_free(list);
    return status;
}

enum ec_status ec_zip_check_spans(const struct ec_zip_directory *dir, struct ec_err *err) {
    const struct ec_zip_entry **list = sorted(dir, by_offset, err);
    if (!list) return EC_NO_MEMORY;
    enum ec_status status = EC_OK;
    for (size_t i = 1; status == EC_OK && i < dir->count; i++) {
        const struct ec_zip_member *before = &list[i - 1]->member;
        if (before->data_offset + before->bytes_stored > list[i]->header_offset)
            status = ec_fail(err, EC_ZIP_OVERLAP, "%s: members %s and %s share bytes: possibly a zip bomb", dir->path,
                             before->name, list[i]->member.name);
    }
    ec_free(list);
    return status;
}
