#include "run/manifest.h"

#include "base/io.h"
#include "base/json.h"
#include "base/limits.h"
#include "run/paths.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define MANIFEST_BYTES_MAX ((size_t)1 * EC_GIB)

void ec_manifest_init(struct ec_manifest *manifest) {
    *manifest = (struct ec_manifest){0};
    ec_arena_init(&manifest->arena, MANIFEST_BYTES_MAX);
}

void ec_manifest_deinit(struct ec_manifest *manifest) { ec_arena_deinit(&manifest->arena); }

enum ec_status ec_manifest_path(char *out, const char *dir, uint32_t seq, const char *suffix, struct ec_err *err) {
    char name[64];
    (void)snprintf(name, sizeof name, "%08" PRIu32 "%s", seq, suffix);
    return ec_project_path(out, dir, EC_DIR_RUNS, name, err);
}

static const char *const state_names[] = {"applied", "rejected", "errored"};

static void write_texts(struct ec_json_writer *w, const char *key, const char *const *text, size_t count) {
    ec_json_array(w, key);
    for (size_t i = 0; i < count; i++) ec_json_str(w, NULL, text[i]);
    ec_json_end_array(w);
}

static void write_input(struct ec_json_writer *w, const struct ec_manifest_input *in) {
    ec_json_object(w, NULL);
    ec_json_str(w, "source", in->source);
    ec_json_str(w, "path", in->path);
    ec_json_str(w, "member", in->member);
    ec_json_uint(w, "bytes", in->bytes);
    ec_json_int(w, "mtime_us", in->mtime_us);
    ec_json_int(w, "inode", (int64_t)in->inode); /* readers take 64 bits, but signed */
    if (in->tag) ec_json_str(w, "tag", in->tag);
    ec_json_str(w, "sha256", in->sha256);
    ec_json_str(w, "rules", in->rules);
    ec_json_uint(w, "drop", in->drop);
    ec_json_str(w, "state", state_names[in->state]);
    ec_json_uint(w, "rows", in->rows);
    write_texts(w, "parts", in->part, in->part_count);
    ec_json_end(w);
}

static void write_commits(struct ec_json_writer *w, const struct ec_manifest *m) {
    ec_json_array(w, "commits");
    for (size_t i = 0; i < m->commit_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "table", m->commit[i].table);
        ec_json_str(w, "operation", m->commit[i].operation);
        ec_json_int(w, "base_version", m->commit[i].base_version);
        if (m->commit[i].base_metadata) ec_json_str(w, "base_metadata", m->commit[i].base_metadata);
        ec_json_int(w, "timestamp_ms", m->commit[i].timestamp_ms);
        ec_json_text(w, "actions", m->commit[i].actions);
        ec_json_end(w);
    }
    ec_json_end_array(w);
}

static void write_exports(struct ec_json_writer *w, const struct ec_manifest *m) {
    ec_json_array(w, "exports");
    for (size_t i = 0; i < m->export_count; i++) {
        const struct ec_manifest_export *e = &m->export[i];
        ec_json_object(w, NULL);
        ec_json_str(w, "model", e->model);
        ec_json_str(w, "table", e->table);
        ec_json_str(w, "pattern", e->pattern);
        ec_json_bool(w, "all", e->all);
        write_texts(w, "partitions", e->partition, e->partition_count);
        ec_json_end(w);
    }
    ec_json_end_array(w);
}

static void write_rest(struct ec_json_writer *w, const struct ec_manifest *m) {
    ec_json_array(w, "models");
    for (size_t i = 0; i < m->model_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "name", m->model[i].name);
        ec_json_str(w, "fingerprint", m->model[i].fingerprint);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    write_exports(w, m);
    ec_json_array(w, "quarantine");
    for (size_t i = 0; i < m->quarantine_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "from", m->quarantine[i].from);
        ec_json_str(w, "to", m->quarantine[i].to);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_json_array(w, "marks");
    for (size_t i = 0; i < m->mark_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "path", m->mark[i].path);
        ec_json_str(w, "sha256", m->mark[i].sha256);
        ec_json_int(w, "mtime_us", m->mark[i].mtime_us);
        ec_json_int(w, "inode", (int64_t)m->mark[i].inode);
        ec_json_uint(w, "rows", m->mark[i].rows);
        ec_json_uint(w, "members", m->mark[i].members);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_json_str(w, "archive", m->archive);
    write_texts(w, "archived", m->archived, m->archived_count);
}

enum ec_status ec_manifest_publish(const char *dir, const struct ec_manifest *m, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(MANIFEST_BYTES_MAX);
    struct ec_json_writer w;
    ec_json_init(&w, &text);
    w.pretty = true;
    ec_json_object(&w, NULL);
    ec_json_int(&w, "v", EC_MANIFEST_VERSION);
    ec_json_uint(&w, "seq", m->seq);
    ec_json_str(&w, "run", m->run);
    ec_json_str(&w, "program", m->program);
    ec_json_str(&w, "config", m->config);
    ec_json_int(&w, "started_us", m->started_us);
    ec_json_int(&w, "as_of", m->as_of);
    ec_json_array(&w, "inputs");
    for (size_t i = 0; i < m->input_count; i++) write_input(&w, &m->input[i]);
    ec_json_end_array(&w);
    write_commits(&w, m);
    write_rest(&w, m);
    ec_json_end(&w);
    ec_buf_addc(&text, '\n');

    char path[EC_PATH_MAX];
    bool exists = false;
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_manifest_path(path, dir, m->seq, ".json", err);
    if (status == EC_OK) status = ec_file_publish(path, text.p, text.n, &exists, err);
    if (status == EC_OK && exists) status = ec_fail(err, EC_IO, "the manifest %s exists already", path);
    ec_buf_free(&text);
    return status;
}

bool ec_manifest_exists(const char *dir, uint32_t seq) {
    char path[EC_PATH_MAX];
    return ec_manifest_path(path, dir, seq, ".json", NULL) == EC_OK && ec_path_exists(path);
}

static int compare_seq(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* "00000012.json" is 12; anything else is not a manifest. */
static bool seq_of(const char *name, uint32_t *seq) {
    *seq = 0;
    for (int i = 0; i < 8; i++) {
        if (name[i] < '0' || name[i] > '9') return false;
        *seq = *seq * 10 + (uint32_t)(name[i] - '0');
    }
    return strcmp(name + 8, ".json") == 0;
}

static enum ec_status collect(DIR *folder, const char *dir, struct ec_manifest_list *list, struct ec_err *err) {
    size_t cap = 0;
    struct dirent *entry;
    while (errno = 0, (entry = readdir(folder)) != NULL) {
        uint32_t seq;
        if (!seq_of(entry->d_name, &seq)) continue;
        if (list->count == cap) {
            cap = cap ? cap * 2 : 64;
            uint32_t *grown = ec_arena_calloc(&list->arena, cap, sizeof *grown);
            if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory for the list of runs");
            if (list->count) memcpy(grown, list->seq, list->count * sizeof *grown);
            list->seq = grown;
        }
        list->seq[list->count++] = seq;
    }
    /* A list that ends early would have files read again that were applied. */
    if (errno != 0) return ec_fail_errno(err, EC_IO, "cannot read the folder of the runs of %s", dir);
    if (list->count) qsort(list->seq, list->count, sizeof *list->seq, compare_seq);
    list->finished = ec_arena_calloc(&list->arena, list->count, sizeof *list->finished);
    if (!list->finished) return ec_fail(err, EC_NO_MEMORY, "no memory for the list of runs");
    for (size_t i = 0; i < list->count; i++) {
        char path[EC_PATH_MAX];
        EC_TRY(ec_manifest_path(path, dir, list->seq[i], ".finished", err));
        list->finished[i] = ec_path_exists(path);
    }
    return EC_OK;
}

enum ec_status ec_manifest_list(const char *dir, struct ec_manifest_list *list, struct ec_err *err) {
    *list = (struct ec_manifest_list){0};
    ec_arena_init(&list->arena, (size_t)64 * EC_MIB);
    char path[EC_PATH_MAX];
    EC_TRY(ec_project_path(path, dir, EC_DIR_RUNS, NULL, err));
    DIR *folder = opendir(path);
    if (!folder) return errno == ENOENT ? EC_OK : ec_fail_errno(err, EC_IO, "cannot open the folder %s", path);
    enum ec_status status = collect(folder, dir, list, err);
    (void)closedir(folder);
    return status;
}

void ec_manifest_list_deinit(struct ec_manifest_list *list) { ec_arena_deinit(&list->arena); }

enum ec_status ec_manifest_finish(const char *dir, uint32_t seq, struct ec_err *err) {
    char path[EC_PATH_MAX];
    bool exists;
    EC_TRY(ec_manifest_path(path, dir, seq, ".finished", err));
    return ec_file_publish(path, "", 0, &exists, err);
}
