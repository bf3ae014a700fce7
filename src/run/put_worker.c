#include "run/put_worker.h"

#include "base/io.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "remote/put_many.h"
#include "run/lines.h"
#include "run/paths.h"

#include <stdlib.h>

#define LINES_MAX ((size_t)512 * EC_MIB)

struct work {
    const char *store; /* below which is put, without a slash behind it */
    bool exchange;     /* that is no home of tables */
    struct ec_arena arena;
    char below[EC_PATH_MAX]; /* whose files may be put, a slash behind it */
    struct ec_remote_put *put;
    size_t count, cap;
};

static enum ec_status check(const struct work *w, const struct ec_remote_put *put, struct ec_err *err) {
    size_t m = strlen(w->below);
    if (!ec_address_lies_below(put->address, w->store))
        return ec_fail(err, EC_PROTOCOL, w->exchange ? N_("%.300s does not lie in the exchange") : N_("%.300s does not lie in the store of the tables"),
                       put->address);
    if (strncmp(put->path, w->below, m) != 0 || !ec_address_key_is_path(put->path + m))
        return ec_fail(err, EC_PROTOCOL, w->exchange ? N_("%.300s is no file of the project's data") : N_("%.300s is no file of the tables"), put->path);
    return EC_OK;
}

static enum ec_status take(void *user, const char *line, size_t n, struct ec_err *err) {
    struct work *w = user;
    json_t *root = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    struct ec_json_reader r = ec_json_reader_of(root, "a file to be put", &w->arena, err);
    struct ec_remote_put put = {.path = ec_json_need_str(&r, "path"), .address = ec_json_need_str(&r, "address"), .bytes = ec_json_get_uint(&r, "bytes")};
    json_decref(root);
    EC_TRY(r.status);
    EC_TRY(check(w, &put, err));
    if (w->count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        struct ec_remote_put *more = ec_realloc_array(w->put, cap, sizeof *more);
        if (!more) return ec_fail(err, EC_NO_MEMORY, "no memory for the files to be put");
        w->put = more;
        w->cap = cap;
    }
    w->put[w->count++] = put;
    return EC_OK;
}

static void write_answer(struct ec_json_writer *w, const struct ec_remote_put *put, enum ec_status status, const char *message) {
    ec_json_object(w, NULL);
    ec_json_str(w, "put", put->address);
    ec_json_str(w, "status", status == EC_OK ? "ok" : "failed");
    if (status != EC_OK) {
        ec_json_error(w, "error", status, message);
    }
    ec_json_end(w);
}

/* `all`: why none of them may be taken for put. */
static enum ec_status answer(const struct work *w, enum ec_status all, const char *message, int out, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(LINES_MAX);
    for (size_t i = 0; i < w->count; i++) {
        const struct ec_remote_put *put = &w->put[i];
        struct ec_json_writer line;
        ec_json_init(&line, &text);
        write_answer(&line, put, put->status != EC_OK ? put->status : all, put->status != EC_OK ? put->message : message);
        ec_buf_addc(&text, '\n');
    }
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK && text.n > 0) status = ec_file_write(out, text.p, text.n, _("standard output"), err);
    ec_buf_free(&text);
    return status;
}

static enum ec_status put_all(struct work *w, int out, struct ec_err *err) {
    struct ec_remote_settings settings;
    struct ec_err cause = {0};
    enum ec_status status = ec_remote_settings_load(&settings, &cause);
    if (status == EC_OK) status = ec_remote_put_many(&settings, w->put, w->count, &cause);
    ec_remote_settings_wipe(&settings);
    return answer(w, status, cause.message, out, err);
}

enum ec_status ec_put_worker_run(const struct ec_config *config, const char *exchange, int in, int out, struct ec_err *err) {
    struct work w = {.store = exchange ? exchange : config->tables_store, .exchange = exchange != NULL};
    char folder[EC_PATH_MAX];
    if (!w.store) return ec_fail(err, EC_CONFIG, "the configuration names no store for the tables (`tables: {store: …}`)");
    EC_TRY(ec_project_path(folder, config->dir, exchange ? "data" : EC_DIR_PROCESSED, NULL, err));
    EC_TRY(ec_path_join(w.below, sizeof w.below, folder, "", err));
    ec_arena_init(&w.arena, LINES_MAX);
    enum ec_status status = ec_lines_each(in, take, &w, err);
    if (status == EC_OK) status = put_all(&w, out, err);
    ec_free(w.put);
    ec_arena_deinit(&w.arena);
    return status;
}
