/* data/runs/store.json: what of each table was found to be in the store. */
#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "base/log.h"
#include "run/mirror_private.h"
#include "run/paths.h"
#include "store/delta.h"

#define FILE_MAX  (64 * EC_MIB)
#define FILE_NAME "store.json"

static void read_table(const json_t *from, struct ec_arena *arena, struct ec_mirror_known *known, struct ec_json_reader *whole) {
    struct ec_json_reader r = ec_json_reader_of(from, "a table", arena, NULL);
    known->name = ec_json_need_str(&r, "table");
    known->version = ec_json_get_int(&r, "version");
    known->sha256 = ec_json_need_str(&r, "sha256");
    if (r.status != EC_OK) whole->status = r.status;
}

static enum ec_status parse(const struct ec_buf *text, const char *address, struct ec_mirror_state *state) {
    json_t *root = json_loadb(text->p ? text->p : "", text->n, JSON_REJECT_DUPLICATES, NULL);
    struct ec_json_reader r = ec_json_reader_of(root, FILE_NAME, &state->arena, NULL);
    const char *store = ec_json_need_str(&r, "store");
    const json_t *list = ec_json_get_array(&r, "tables");
    if (r.status == EC_OK && strcmp(store, address) == 0) { /* what is told of another one is of no use here */
        state->count = json_array_size(list);
        state->known = ec_json_alloc(&r, state->count, sizeof *state->known);
        for (size_t i = 0; r.status == EC_OK && i < state->count; i++) read_table(json_array_get(list, i), &state->arena, &state->known[i], &r);
    }
    json_decref(root);
    return r.status;
}

void ec_mirror_state_load(const char *project, const char *address, struct ec_mirror_state *state) {
    char path[EC_PATH_MAX];
    *state = (struct ec_mirror_state){0};
    ec_arena_init(&state->arena, FILE_MAX);
    if (ec_project_path(path, project, EC_DIR_RUNS, FILE_NAME, NULL) != EC_OK || !ec_path_exists(path)) return;
    struct ec_buf text = ec_buf_make(FILE_MAX);
    if (ec_file_load(path, &text, NULL) != EC_OK || parse(&text, address, state) != EC_OK) {
        state->count = 0;
        ec_log(EC_LOG_WARN, "%s cannot be read: the store is asked for every table", path);
    }
    ec_buf_free(&text);
}

void ec_mirror_state_free(struct ec_mirror_state *state) { ec_arena_deinit(&state->arena); }

const struct ec_mirror_known *ec_mirror_state_find(const struct ec_mirror_state *state, const char *name) {
    for (size_t i = 0; i < state->count; i++)
        if (strcmp(state->known[i].name, name) == 0) return &state->known[i];
    return NULL;
}

int64_t ec_mirror_believed(const char *project, const char *address, const char *name) {
    struct ec_mirror_state state;
    ec_mirror_state_load(project, address, &state);
    const struct ec_mirror_known *known = ec_mirror_state_find(&state, name);
    int64_t version = known ? known->version : -1;
    ec_mirror_state_free(&state);
    return version;
}

static enum ec_status hash(const struct ec_mirror_table *table, int64_t version, char hex[EC_SHA256_HEX], struct ec_err *err) {
    char name[64], path[EC_PATH_MAX];
    uint64_t bytes;
    ec_delta_name(version, ".json", name);
    EC_TRY(ec_path_join(path, sizeof path, table->dir, name, err));
    return ec_sha256_file(path, hex, &bytes, err);
}

bool ec_mirror_state_holds(const struct ec_mirror_known *known, const struct ec_mirror_table *table) {
    char hex[EC_SHA256_HEX];
    return known && known->version == table->version && hash(table, table->version, hex, NULL) == EC_OK && strcmp(hex, known->sha256) == 0;
}

static void write_table(struct ec_json_writer *w, const char *name, int64_t version, const char *sha256) {
    ec_json_object(w, NULL);
    ec_json_str(w, "table", name);
    ec_json_int(w, "version", version);
    ec_json_str(w, "sha256", sha256);
    ec_json_end(w);
}

static void write_state(struct ec_json_writer *w, const struct ec_mirror *m, const struct ec_mirror_state *before) {
    for (size_t i = 0; i < m->count; i++) {
        const struct ec_mirror_table *t = &m->table[i];
        const struct ec_mirror_known *known = ec_mirror_state_find(before, t->name);
        char hex[EC_SHA256_HEX];
        if (!t->believed && t->there >= 0 && t->status == EC_OK && hash(t, t->there, hex, NULL) == EC_OK) write_table(w, t->name, t->there, hex);
        else if (known) write_table(w, t->name, known->version, known->sha256);
    }
}

enum ec_status ec_mirror_state_save(const struct ec_mirror_options *o, const struct ec_mirror *m, const struct ec_mirror_state *before, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(FILE_MAX);
    struct ec_json_writer w;
    ec_json_init(&w, &text);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "store", o->address);
    ec_json_array(&w, "tables");
    write_state(&w, m, before);
    ec_json_end_array(&w);
    ec_json_end(&w);
    ec_buf_addc(&text, '\n');
    char path[EC_PATH_MAX];
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_project_path(path, o->project, EC_DIR_RUNS, FILE_NAME, err);
    if (status == EC_OK) status = ec_file_replace(path, text.p, text.n, err);
    ec_buf_free(&text);
    return status;
}
