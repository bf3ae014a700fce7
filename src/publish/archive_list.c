/* ARCHIVE.json: {"archive_version":"1","run":…,"files":[{"name":…,"bytes":…,"sha256":…},…]} */
#include "publish/archive_private.h"

#include "base/io.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <stdlib.h>

#define LIST_MEMORY_MAX ((size_t)256 * EC_MIB)

void ec_archive_list_init(struct ec_archive_list *list) {
    *list = (struct ec_archive_list){0};
    ec_arena_init(&list->arena, LIST_MEMORY_MAX);
}

void ec_archive_list_deinit(struct ec_archive_list *list) {
    ec_arena_deinit(&list->arena);
    *list = (struct ec_archive_list){0};
}

static const char *name_fault(const char *name) {
    size_t n = strlen(name);
    if (n == 0) return _("is empty");
    if (n > EC_ARCHIVE_NAME_MAX) return _("is too long");
    if (!ec_utf8_valid(name, n)) return _("is not valid UTF-8");
    if (name[0] == '/') return _("is absolute");
    for (const char *part = name; part;) {
        const char *slash = strchr(part, '/');
        size_t k = slash ? (size_t)(slash - part) : strlen(part);
        if (k == 0) return _("has an empty component");
        if (k <= 2 && memcmp(part, "..", k) == 0) return _("leaves its folder");
        part = slash ? slash + 1 : NULL;
    }
    return strcmp(name, EC_ARCHIVE_LIST_NAME) == 0 ? _("is that of the archive's own list") : NULL;
}

enum ec_status ec_archive_check_name(const char *name, struct ec_err *err) {
    const char *fault = name_fault(name);
    if (!fault) return EC_OK;
    return ec_fail(err, EC_ARCHIVE_UNSAFE, "the name \"%.200s\" in an archive %s", name, fault);
}

static int by_name(const void *a, const void *b) {
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

enum ec_status ec_archive_check_names(const struct ec_archive_list *list, struct ec_err *err) {
    const char **names = ec_calloc(list->count, sizeof *names);
    if (!names) return ec_fail(err, EC_NO_MEMORY, "no memory for the names of an archive");
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < list->count && status == EC_OK; i++) {
        names[i] = list->entry[i].name;
        status = ec_archive_check_name(names[i], err);
    }
    if (status == EC_OK) qsort(names, list->count, sizeof *names, by_name);
    for (size_t i = 1; i < list->count && status == EC_OK; i++)
        if (strcmp(names[i], names[i - 1]) == 0)
            status = ec_fail(err, EC_ARCHIVE_UNSAFE, "the name \"%s\" occurs twice in an archive", names[i]);
    ec_free(names);
    return status;
}

void ec_archive_list_write(const struct ec_archive_list *list, struct ec_buf *out) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "archive_version", "1");
    ec_json_str(&w, "run", list->run);
    ec_json_array(&w, "files");
    for (size_t i = 0; i < list->count; i++) {
        ec_buf_addz(out, i ? "" : "\n"); /* a line per file, for those who look */
        ec_json_object(&w, NULL);
        ec_json_str(&w, "name", list->entry[i].name);
        ec_json_uint(&w, "bytes", list->entry[i].bytes);
        ec_json_str(&w, "sha256", list->entry[i].sha256);
        ec_json_end(&w);
        ec_buf_addc(out, '\n');
    }
    ec_json_end_array(&w);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

static bool is_sha256(const char *hex) {
    return strlen(hex) == EC_SHA256_HEX - 1 && strspn(hex, "0123456789abcdef") == EC_SHA256_HEX - 1;
}

static enum ec_status read_list(const json_t *doc, struct ec_archive_list *list, struct ec_err *err) {
    struct ec_json_reader r = ec_json_reader_of(doc, EC_ARCHIVE_LIST_NAME, &list->arena, err);
    if (strcmp(ec_json_need_str(&r, "archive_version"), "1") != 0) ec_json_wrong(&r, "archive_version", "\"1\"");
    list->run = ec_json_get_str(&r, "run");
    const json_t *files = ec_json_get_array(&r, "files");
    if (json_array_size(files) > EC_ARCHIVE_FILES_MAX) ec_json_wrong(&r, "files", "a list of bounded length");
    EC_TRY(r.status);
    list->entry = ec_json_alloc(&r, json_array_size(files), sizeof *list->entry);
    EC_TRY(r.status);
    for (size_t i = 0; i < json_array_size(files); i++) {
        struct ec_archive_entry *e = &list->entry[i];
        struct ec_json_reader f = ec_json_reader_of(json_array_get(files, i), EC_ARCHIVE_LIST_NAME, &list->arena, err);
        e->name = ec_json_need_str(&f, "name");
        e->bytes = ec_json_get_uint(&f, "bytes");
        ec_json_get_chars(&f, "sha256", e->sha256, sizeof e->sha256);
        if (!is_sha256(e->sha256)) ec_json_wrong(&f, "sha256", "a SHA-256");
        EC_TRY(f.status);
        list->count++;
    }
    return EC_OK;
}

enum ec_status ec_archive_list_parse(const char *text, size_t n, struct ec_archive_list *list, struct ec_err *err) {
    json_error_t fault;
    struct ec_err cause = {0};
    ec_archive_list_init(list);
    json_t *doc = json_loadb(text, n, JSON_REJECT_DUPLICATES, &fault);
    if (!doc) return ec_fail(err, EC_ARCHIVE_DAMAGED, "%s, line %d: %s", EC_ARCHIVE_LIST_NAME, fault.line, fault.text);
    enum ec_status status = read_list(doc, list, &cause);
    json_decref(doc);
    /* What is wrong with the list of an archive is said as such, not as a protocol's error. */
    if (status == EC_PROTOCOL)
        status = ec_fail(err, EC_ARCHIVE_DAMAGED, "%s", cause.message);
    else if (status != EC_OK)
        status = ec_fail(err, status, "%s", cause.message);
    if (status == EC_OK) status = ec_archive_check_names(list, err);
    if (status != EC_OK) ec_archive_list_deinit(list);
    return status;
}

locale_t ec_archive_enter_utf8(void) {
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return utf8 ? uselocale(utf8) : (locale_t)0;
}

void ec_archive_leave_utf8(locale_t before) {
    if (!before) return;
    locale_t utf8 = uselocale(before);
    freelocale(utf8);
}
