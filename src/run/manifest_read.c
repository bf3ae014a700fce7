/* Reading a manifest back: for what was applied, and to finish what a crash interrupted. */
#include "run/manifest.h"

#include "base/io.h"
#include "base/limits.h"
#include "run/paths.h"

#include <jansson.h>

#define MANIFEST_BYTES_MAX ((size_t)1 * EC_GIB)

struct reading {
    struct ec_manifest *m;
    bool failed; /* memory ran out, or a member is not what it must be */
};

static const char *text_of(struct reading *r, const json_t *value) {
    if (!value || json_is_null(value)) return NULL;
    const char *copy = json_is_string(value)
                           ? ec_arena_copy(&r->m->arena, json_string_value(value), json_string_length(value))
                           : NULL;
    if (!copy) r->failed = true;
    return copy;
}

static const char *text(struct reading *r, const json_t *o, const char *key) { return text_of(r, json_object_get(o, key)); }

static const char *needed(struct reading *r, const json_t *o, const char *key) {
    const char *value = text(r, o, key);
    if (!value) r->failed = true;
    return value;
}

static int64_t number(const json_t *o, const char *key) { return (int64_t)json_integer_value(json_object_get(o, key)); }

/* The list under `key`, and zeroed room for its elements. */
static const json_t *list(struct reading *r, const json_t *o, const char *key, size_t size, void *elements, size_t *count) {
    const json_t *array = json_object_get(o, key);
    *count = json_array_size(array);
    void *room = ec_arena_calloc(&r->m->arena, *count, size);
    if (!room) {
        r->failed = true;
        *count = 0;
    }
    memcpy(elements, &room, sizeof room);
    return array;
}

/* Null stands for the null partition, and for nothing elsewhere. */
static void read_texts(struct reading *r, const json_t *o, const char *key, bool nulls, const char ***texts, size_t *count) {
    const json_t *array = list(r, o, key, sizeof **texts, texts, count);
    for (size_t i = 0; i < *count; i++) {
        (*texts)[i] = text_of(r, json_array_get(array, i));
        if (!(*texts)[i] && !nulls) r->failed = true;
    }
}

static enum ec_input_state state_of(const char *name) {
    if (name && strcmp(name, "applied") == 0) return EC_INPUT_APPLIED;
    return name && strcmp(name, "rejected") == 0 ? EC_INPUT_REJECTED : EC_INPUT_ERRORED;
}

static void read_inputs(struct reading *r, const json_t *o) {
    struct ec_manifest *m = r->m;
    const json_t *array = list(r, o, "inputs", sizeof *m->input, &m->input, &m->input_count);
    for (size_t i = 0; i < m->input_count; i++) {
        const json_t *from = json_array_get(array, i);
        struct ec_manifest_input *in = &m->input[i];
        in->source = needed(r, from, "source");
        in->path = needed(r, from, "path");
        in->member = text(r, from, "member");
        in->bytes = (uint64_t)number(from, "bytes");
        in->mtime_us = number(from, "mtime_us");
        in->inode = (uint64_t)number(from, "inode");
        in->tag = text(r, from, "tag");
        in->sha256 = text(r, from, "sha256");
        in->rules = text(r, from, "rules");
        in->drop = (uint32_t)number(from, "drop");
        if (in->drop == 0) in->drop = m->seq; /* written before drops were numbered */
        in->state = state_of(json_string_value(json_object_get(from, "state")));
        in->rows = (uint64_t)number(from, "rows");
        read_texts(r, from, "parts", false, &in->part, &in->part_count);
    }
}

static void read_commits(struct reading *r, const json_t *o) {
    struct ec_manifest *m = r->m;
    const json_t *array = list(r, o, "commits", sizeof *m->commit, &m->commit, &m->commit_count);
    for (size_t i = 0; i < m->commit_count; i++) {
        const json_t *from = json_array_get(array, i);
        struct ec_manifest_commit *c = &m->commit[i];
        c->table = needed(r, from, "table");
        c->operation = needed(r, from, "operation");
        c->base_version = number(from, "base_version");
        c->base_metadata = text(r, from, "base_metadata");
        c->timestamp_ms = number(from, "timestamp_ms");
        c->actions = ec_str_of(needed(r, from, "actions"));
    }
}

static void read_exports(struct reading *r, const json_t *o) {
    struct ec_manifest *m = r->m;
    const json_t *array = list(r, o, "exports", sizeof *m->export, &m->export, &m->export_count);
    for (size_t i = 0; i < m->export_count; i++) {
        const json_t *from = json_array_get(array, i);
        struct ec_manifest_export *e = &m->export[i];
        e->model = needed(r, from, "model");
        e->table = needed(r, from, "table");
        e->pattern = needed(r, from, "pattern");
        e->all = json_is_true(json_object_get(from, "all"));
        read_texts(r, from, "partitions", true, &e->partition, &e->partition_count);
    }
}

static void read_rest(struct reading *r, const json_t *o) {
    struct ec_manifest *m = r->m;
    const json_t *array = list(r, o, "models", sizeof *m->model, &m->model, &m->model_count);
    for (size_t i = 0; i < m->model_count; i++) {
        m->model[i].name = needed(r, json_array_get(array, i), "name");
        m->model[i].fingerprint = needed(r, json_array_get(array, i), "fingerprint");
    }
    array = list(r, o, "quarantine", sizeof *m->quarantine, &m->quarantine, &m->quarantine_count);
    for (size_t i = 0; i < m->quarantine_count; i++) {
        m->quarantine[i].from = needed(r, json_array_get(array, i), "from");
        m->quarantine[i].to = needed(r, json_array_get(array, i), "to");
    }
    array = list(r, o, "marks", sizeof *m->mark, &m->mark, &m->mark_count);
    for (size_t i = 0; i < m->mark_count; i++) {
        const json_t *from = json_array_get(array, i);
        m->mark[i].path = needed(r, from, "path");
        m->mark[i].sha256 = text(r, from, "sha256");
        m->mark[i].mtime_us = number(from, "mtime_us");
        m->mark[i].inode = (uint64_t)number(from, "inode");
        m->mark[i].rows = (uint64_t)number(from, "rows");
        m->mark[i].members = (size_t)number(from, "members");
    }
    m->archive = text(r, o, "archive");
    read_texts(r, o, "archived", false, &m->archived, &m->archived_count);
}

static void read_all(struct reading *r, const json_t *o) {
    struct ec_manifest *m = r->m;
    m->seq = (uint32_t)number(o, "seq");
    m->run = needed(r, o, "run");
    m->program = needed(r, o, "program");
    m->config = needed(r, o, "config");
    m->started_us = number(o, "started_us");
    m->as_of = (int32_t)number(o, "as_of");
    read_inputs(r, o);
    read_commits(r, o);
    read_exports(r, o);
    read_rest(r, o);
}

enum ec_status ec_manifest_read(const char *dir, uint32_t seq, struct ec_manifest *manifest, struct ec_err *err) {
    ec_manifest_init(manifest);
    char path[EC_PATH_MAX];
    EC_TRY(ec_manifest_path(path, dir, seq, ".json", err));
    struct ec_buf bytes = ec_buf_make(MANIFEST_BYTES_MAX);
    json_t *object = NULL;
    enum ec_status status = ec_file_load(path, &bytes, err);
    if (status != EC_OK) goto done;
    json_error_t cause;
    object = json_loadb(ec_buf_str(&bytes).p, bytes.n, JSON_REJECT_DUPLICATES, &cause);
    struct reading reading = {.m = manifest};
    if (object) read_all(&reading, object);
    if (!object || reading.failed || number(object, "v") != EC_MANIFEST_VERSION || manifest->seq != seq) {
        status = ec_fail(err, EC_TABLE_FORMAT, "the manifest %s is damaged", path);
        if (!object) ec_err_at(err, path, (uint32_t)cause.line, (uint32_t)cause.column);
    }
done:
    json_decref(object);
    ec_buf_free(&bytes);
    return status;
}
