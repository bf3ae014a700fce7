#include "run/exchange.h"

#include "base/io.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "base/log.h"
#include "remote/put.h"
#include "run/paths.h"

#define FILE_NAME "exchange.json"
#define FILE_MAX  ((size_t)1 * EC_MIB)
#define FOLDER    "/_ecluse/"
#define TOKEN     16u
#define TRIES     2u

struct notes {
    struct ec_arena arena;
    const char **address;
    size_t count;
};

/* "…/_ecluse/NAME.0123456789abcdef": NAME and what follows, or NULL. */
static const char *name_of(const char *address) {
    struct ec_address parsed;
    if (ec_address_parse(address, &parsed, NULL) != EC_OK || !ec_address_key_is_path(parsed.key)) return NULL;
    const char *name = strrchr(address, '/') + 1, *dot = strrchr(name, '.');
    if (!dot || dot == name || strspn(dot + 1, "0123456789abcdef") != TOKEN || strlen(dot + 1) != TOKEN) return NULL;
    size_t n = (size_t)(name - address), m = strlen(FOLDER);
    return n >= m && strncmp(name - m, FOLDER, m) == 0 ? name : NULL;
}

enum ec_status ec_exchange_check(const char *address, const char *run, struct ec_err *err) {
    const char *name = name_of(address);
    size_t n = strlen(run);
    if (name && strncmp(name, run, n) == 0 && strlen(name) == n + 1 + TOKEN) return EC_OK;
    return ec_fail(err, EC_PROTOCOL, "%.300s is no folder for the exchange of the run %s", address, run);
}

/* ---- the notes ---- */

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the exchanges"); }

static enum ec_status parse(const struct ec_buf *text, struct notes *notes, struct ec_err *err) {
    json_t *root = json_loadb(text->p ? text->p : "", text->n, JSON_REJECT_DUPLICATES, NULL);
    struct ec_json_reader r = ec_json_reader_of(root, FILE_NAME, &notes->arena, err);
    const json_t *list = ec_json_get_array(&r, "exchanges");
    size_t count = json_array_size(list);
    notes->address = ec_json_alloc(&r, count + 1, sizeof *notes->address); /* room for one more */
    for (size_t i = 0; r.status == EC_OK && i < count; i++) {
        const char *one = json_string_value(json_array_get(list, i));
        bool good = one && name_of(one);
        notes->address[notes->count++] = good ? ec_arena_strdup(&notes->arena, one) : NULL;
        if (!good) ec_json_wrong(&r, "exchanges", "addresses of exchanges");
        else if (!notes->address[i]) r.status = no_memory(err);
    }
    json_decref(root);
    return r.status;
}

/* Empty where there are none. The caller frees them in any case. */
static enum ec_status load(const char *project, struct notes *notes, struct ec_err *err) {
    char path[EC_PATH_MAX];
    *notes = (struct notes){0};
    ec_arena_init(&notes->arena, 2 * FILE_MAX);
    EC_TRY(ec_project_path(path, project, EC_DIR_RUNS, FILE_NAME, err));
    struct ec_buf text = ec_buf_make(FILE_MAX);
    enum ec_status status = EC_OK;
    if (ec_path_exists(path)) {
        status = ec_file_load(path, &text, err);
    } else {
        ec_buf_addz(&text, "{\"exchanges\":[]}");
        status = ec_buf_check(&text, err);
    }
    if (status == EC_OK) status = parse(&text, notes, err);
    ec_buf_free(&text);
    return status;
}

static enum ec_status save(const char *project, const struct notes *notes, struct ec_err *err) {
    char path[EC_PATH_MAX];
    struct ec_buf text = ec_buf_make(FILE_MAX);
    struct ec_json_writer w;
    ec_json_init(&w, &text);
    ec_json_object(&w, NULL);
    ec_json_array(&w, "exchanges");
    for (size_t i = 0; i < notes->count; i++) ec_json_str(&w, NULL, notes->address[i]);
    ec_json_end_array(&w);
    ec_json_end(&w);
    ec_buf_addc(&text, '\n');
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_project_path(path, project, EC_DIR_RUNS, FILE_NAME, err);
    if (status == EC_OK) status = ec_file_replace(path, text.p, text.n, err);
    ec_buf_free(&text);
    return status;
}

enum ec_status ec_exchange_note(const char *project, const char *address, struct ec_err *err) {
    struct notes notes;
    enum ec_status status = load(project, &notes, err);
    if (status == EC_OK) {
        notes.address[notes.count++] = address;
        status = save(project, &notes, err);
    }
    ec_arena_deinit(&notes.arena);
    return status;
}

/* ---- removing ---- */

static enum ec_status remove_all(const struct notes *notes, bool *gone, struct ec_err *err) {
    struct ec_remote_settings settings;
    struct ec_store *store = NULL;
    enum ec_status status = ec_remote_settings_load(&settings, err);
    if (settings.tries > TRIES) settings.tries = TRIES; /* the run is over, and a later one looks again */
    if (status == EC_OK) status = ec_store_open(&settings, &store, err);
    for (size_t i = 0; i < notes->count && status == EC_OK; i++) {
        status = ec_store_remove_folder(store, notes->address[i], err);
        gone[i] = status == EC_OK;
    }
    ec_store_close(store);
    ec_remote_settings_wipe(&settings);
    return status;
}

static enum ec_status clear(const char *project, const char *own, struct notes *notes, struct ec_err *err) {
    bool *gone = ec_arena_calloc(&notes->arena, notes->count, sizeof *gone);
    size_t kept = 0;
    if (!gone) return no_memory(err);
    enum ec_status status = remove_all(notes, gone, err);
    for (size_t i = 0; i < notes->count; i++)
        if (!gone[i] || (own && strcmp(notes->address[i], own) == 0)) notes->address[kept++] = notes->address[i];
    bool changed = kept != notes->count;
    notes->count = kept;
    enum ec_status saved = changed ? save(project, notes, status == EC_OK ? err : NULL) : EC_OK;
    return status != EC_OK ? status : saved;
}

static bool has_notes(const char *project) {
    char path[EC_PATH_MAX];
    return ec_project_path(path, project, EC_DIR_RUNS, FILE_NAME, NULL) == EC_OK && ec_path_exists(path);
}

void ec_exchange_clear(const char *project, const char *own) {
    struct notes notes;
    struct ec_err cause = {0};
    if (!has_notes(project)) return;
    enum ec_status status = load(project, &notes, &cause);
    if (status == EC_OK && notes.count > 0) status = clear(project, own, &notes, &cause);
    if (status != EC_OK) ec_log(EC_LOG_WARN, "what machines exchanged through a store is left for the next run to remove: %s", cause.message);
    ec_arena_deinit(&notes.arena);
}
