#include "run/drop.h"

#include "base/io.h"
#include "base/json.h"
#include "base/limits.h"

#include <jansson.h>

#define DROP_BYTES_MAX ((size_t)1 * EC_GIB)

void ec_drop_write(struct ec_buf *out, const struct ec_drop *drop) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_uint(&w, "offset", drop->offset);
    ec_json_str(&w, "file", drop->first_file);
    ec_json_uint(&w, "line", drop->first_line);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

static enum ec_status read_line(const char *line, size_t n, struct ec_drop_list *list, struct ec_drop *drop,
                                const char *path, struct ec_err *err) {
    json_error_t cause;
    json_t *object = json_loadb(line, n, JSON_REJECT_DUPLICATES, &cause);
    json_int_t offset, first_line;
    const char *file;
    if (!object || json_unpack(object, "{s:I,s:s,s:I}", "offset", &offset, "file", &file, "line", &first_line) != 0) {
        json_decref(object);
        return ec_fail(err, EC_PROTOCOL, "the drop list %s is damaged", path);
    }
    const char *last = list->count ? list->drop[list->count - 1].first_file : NULL;
    const char *kept = last && strcmp(last, file) == 0 ? last : ec_arena_strdup(&list->arena, file);
    json_decref(object);
    if (!kept) return ec_fail(err, EC_NO_MEMORY, "no memory for the drop list %s", path);
    *drop = (struct ec_drop){(uint64_t)offset, kept, (uint64_t)first_line};
    return EC_OK;
}

enum ec_status ec_drop_list_load(const char *path, struct ec_drop_list *list, struct ec_err *err) {
    *list = (struct ec_drop_list){0};
    ec_arena_init(&list->arena, DROP_BYTES_MAX);
    struct ec_buf text = ec_buf_make(DROP_BYTES_MAX);
    enum ec_status status = ec_file_load(path, &text, err);
    size_t lines = 0;
    for (size_t i = 0; i < text.n; i++) lines += text.p[i] == '\n';
    if (status == EC_OK) {
        list->drop = ec_arena_calloc(&list->arena, lines, sizeof *list->drop);
        if (!list->drop) status = ec_fail(err, EC_NO_MEMORY, "no memory for the drop list %s", path);
    }
    for (size_t at = 0; at < text.n && status == EC_OK;) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        if (!end) break;
        status = read_line(text.p + at, (size_t)(end - text.p) - at, list, &list->drop[list->count], path, err);
        if (status == EC_OK) list->count++;
        at = (size_t)(end - text.p) + 1;
    }
    ec_buf_free(&text);
    return status;
}

void ec_drop_list_deinit(struct ec_drop_list *list) { ec_arena_deinit(&list->arena); }

const struct ec_drop *ec_drop_find(const struct ec_drop_list *list, uint64_t offset) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->drop[middle].offset == offset) return &list->drop[middle];
        if (list->drop[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
