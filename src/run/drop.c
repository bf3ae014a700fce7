#include "run/drop.h"

#include "base/io.h"
#include "base/json.h"
#include "base/limits.h"

#include <inttypes.h>
#include <jansson.h>

#define DROP_BYTES_MAX ((size_t)1 * EC_GIB)

static void write_row(struct ec_json_writer *w, const struct ec_key *key) {
    char hash[33];
    (void)snprintf(hash, sizeof hash, "%016" PRIx64 "%016" PRIx64, key->hash.hi, key->hash.lo);
    ec_json_object(w, "row");
    ec_json_uint(w, "line", key->line);
    ec_json_uint(w, "length", key->length);
    ec_json_uint(w, "part", key->part);
    ec_json_uint(w, "row", key->row);
    ec_json_str(w, "hash", hash);
    ec_json_end(w);
}

void ec_drop_write(struct ec_buf *out, const struct ec_drop *drop) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_uint(&w, "offset", drop->key.offset);
    ec_json_str(&w, "file", drop->first_file);
    ec_json_uint(&w, "line", drop->first_line);
    if (drop->placed) write_row(&w, &drop->key);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

static bool read_half(const char *text, uint64_t *half) {
    *half = 0;
    for (size_t i = 0; i < 16; i++) {
        char c = text[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : 16;
        if (digit == 16) return false;
        *half = *half << 4 | digit;
    }
    return true;
}

static bool within(json_int_t value, unsigned bits) {
    return value >= 0 && (uint64_t)value >> bits == 0;
}

static bool read_row(json_t *object, struct ec_key *key) {
    json_int_t line, length, part, row;
    const char *hash;
    size_t n;
    if (json_unpack(object, "{s:I,s:I,s:I,s:I,s:s%}", "line", &line, "length", &length, "part", &part, "row", &row,
                    "hash", &hash, &n) != 0)
        return false;
    if (!within(line, EC_KEY_LINE_BITS) || !within(length, EC_KEY_LENGTH_BITS)) return false;
    if (!within(part, 32) || !within(row, 32) || n != 32) return false;
    key->line = (uint64_t)line & EC_KEY_LINE_MAX;
    key->length = (uint64_t)length & EC_KEY_LENGTH_MAX;
    key->part = (uint32_t)part;
    key->row = (uint32_t)row;
    return read_half(hash, &key->hash.hi) && read_half(hash + 16, &key->hash.lo);
}

static enum ec_status read_object(json_t *object, struct ec_drop_list *list, struct ec_drop *drop, const char *path,
                                  struct ec_err *err) {
    json_int_t offset, first_line;
    const char *file;
    json_t *row = NULL;
    *drop = (struct ec_drop){0};
    if (!object || json_unpack(object, "{s:I,s:s,s:I,s?o}", "offset", &offset, "file", &file, "line", &first_line,
                               "row", &row) != 0)
        return ec_fail(err, EC_PROTOCOL, "the drop list %s is damaged", path);
    if (row && !read_row(row, &drop->key)) return ec_fail(err, EC_PROTOCOL, "the drop list %s is damaged", path);
    /* Many rows have their first in one file. */
    const char *last = list->count ? list->drop[list->count - 1].first_file : NULL;
    drop->first_file = last && strcmp(last, file) == 0 ? last : ec_arena_strdup(&list->arena, file);
    drop->key.offset = (uint64_t)offset;
    drop->first_line = (uint64_t)first_line;
    drop->placed = row != NULL;
    return drop->first_file ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the drop list %s", path);
}

static enum ec_status read_line(const char *line, size_t n, struct ec_drop_list *list, struct ec_drop *drop,
                                const char *path, struct ec_err *err) {
    json_error_t cause;
    json_t *object = json_loadb(line, n, JSON_REJECT_DUPLICATES, &cause);
    enum ec_status status = read_object(object, list, drop, path, err);
    json_decref(object);
    return status;
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

void ec_drop_list_deinit(struct ec_drop_list *list) {
    ec_arena_deinit(&list->arena);
}

const struct ec_drop *ec_drop_find(const struct ec_drop_list *list, uint64_t offset) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->drop[middle].key.offset == offset) return &list->drop[middle];
        if (list->drop[middle].key.offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
