#include "run/known.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "base/log.h"
#include "run/paths.h"

#include <stdlib.h>

#define FILE_MAX ((size_t)512 * EC_MIB)
#define FILE_NAME "objects.json"

static int by_address(const void *a, const void *b) {
    return strcmp(((const struct ec_known_object *)a)->address, ((const struct ec_known_object *)b)->address);
}

static void read_part(const json_t *from, struct ec_arena *arena, struct ec_known_part *part, struct ec_json_reader *whole) {
    struct ec_json_reader r = ec_json_reader_of(from, "a part", arena, NULL);
    part->member = ec_json_get_str(&r, "member");
    part->bytes = ec_json_get_uint(&r, "bytes");
    part->sha256 = ec_json_need_str(&r, "sha256");
    if (r.status == EC_OK && strlen(part->sha256) != EC_SHA256_HEX - 1) ec_json_wrong(&r, "sha256", "a SHA-256");
    if (r.status != EC_OK) whole->status = r.status;
}

static void read_object(const json_t *from, struct ec_arena *arena, struct ec_known_object *o, struct ec_json_reader *whole) {
    struct ec_json_reader r = ec_json_reader_of(from, "an object", arena, NULL);
    o->address = ec_json_need_str(&r, "address");
    o->tag = ec_json_need_str(&r, "tag");
    o->bytes = ec_json_get_uint(&r, "bytes");
    const json_t *parts = ec_json_get_array(&r, "parts");
    o->part_count = json_array_size(parts);
    o->part = ec_json_alloc(&r, o->part_count, sizeof *o->part);
    if (r.status == EC_OK && o->part_count == 0) ec_json_wrong(&r, "parts", "a list of some");
    for (size_t i = 0; r.status == EC_OK && i < o->part_count; i++) read_part(json_array_get(parts, i), arena, &o->part[i], &r);
    if (r.status != EC_OK) whole->status = r.status;
}

static enum ec_status parse(const struct ec_buf *text, struct ec_arena *arena, struct ec_known *known) {
    json_t *root = json_loadb(text->p ? text->p : "", text->n, JSON_REJECT_DUPLICATES, NULL);
    struct ec_json_reader r = ec_json_reader_of(root, FILE_NAME, arena, NULL);
    if (ec_json_get_uint(&r, "version") != 1) ec_json_wrong(&r, "version", "1");
    const json_t *list = ec_json_get_array(&r, "objects");
    known->count = json_array_size(list);
    known->object = ec_json_alloc(&r, known->count, sizeof *known->object);
    for (size_t i = 0; r.status == EC_OK && i < known->count; i++) read_object(json_array_get(list, i), arena, &known->object[i], &r);
    json_decref(root);
    if (r.status == EC_OK && known->count > 1) qsort(known->object, known->count, sizeof *known->object, by_address);
    return r.status;
}

enum ec_status ec_known_load(const char *dir, struct ec_arena *arena, struct ec_known *known, struct ec_err *err) {
    char path[EC_PATH_MAX];
    *known = (struct ec_known){0};
    EC_TRY(ec_project_path(path, dir, EC_DIR_RUNS, FILE_NAME, err));
    if (!ec_path_exists(path)) return EC_OK;
    struct ec_buf text = ec_buf_make(FILE_MAX);
    struct ec_err cause = {0};
    enum ec_status status = ec_file_load(path, &text, &cause);
    if (status == EC_OK && parse(&text, arena, known) != EC_OK) status = ec_fail(&cause, EC_PROTOCOL, "%s is damaged", path);
    ec_buf_free(&text);
    if (status == EC_NO_MEMORY) return ec_fail(err, EC_NO_MEMORY, "%s", cause.message);
    if (status == EC_OK) return EC_OK;
    *known = (struct ec_known){0};
    ec_log(EC_LOG_WARN, "objects that were read before are fetched again: %s", cause.message);
    return EC_OK;
}

const struct ec_known_object *ec_known_find(const struct ec_known *known, const char *address, const char *tag, uint64_t bytes) {
    const struct ec_known_object key = {.address = address};
    const struct ec_known_object *o = known->count ? bsearch(&key, known->object, known->count, sizeof key, by_address) : NULL;
    return o && strcmp(o->tag, tag) == 0 && o->bytes == bytes ? o : NULL;
}

enum ec_status ec_known_save(const char *dir, const struct ec_known_object *object, size_t count, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(FILE_MAX);
    struct ec_json_writer w;
    ec_json_init(&w, &text);
    ec_json_object(&w, NULL);
    ec_json_uint(&w, "version", 1);
    ec_json_array(&w, "objects");
    for (size_t i = 0; i < count; i++) {
        ec_json_object(&w, NULL);
        ec_json_str(&w, "address", object[i].address);
        ec_json_str(&w, "tag", object[i].tag);
        ec_json_uint(&w, "bytes", object[i].bytes);
        ec_json_array(&w, "parts");
        for (size_t k = 0; k < object[i].part_count; k++) {
            ec_json_object(&w, NULL);
            ec_json_str(&w, "member", object[i].part[k].member);
            ec_json_uint(&w, "bytes", object[i].part[k].bytes);
            ec_json_str(&w, "sha256", object[i].part[k].sha256);
            ec_json_end(&w);
        }
        ec_json_end_array(&w);
        ec_json_end(&w);
    }
    ec_json_end_array(&w);
    ec_json_end(&w);
    ec_buf_addc(&text, '\n');
    char folder[EC_PATH_MAX], path[EC_PATH_MAX];
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_project_path(folder, dir, EC_DIR_RUNS, NULL, err);
    if (status == EC_OK) status = ec_dir_make(folder, err);
    if (status == EC_OK) status = ec_path_join(path, sizeof path, folder, FILE_NAME, err);
    if (status == EC_OK) status = ec_file_replace(path, text.p, text.n, err);
    ec_buf_free(&text);
    return status;
}
