#include "run/get_worker.h"

#include "base/durable.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "remote/fetch.h"
#include "remote/put.h"
#include "run/lines.h"
#include "run/objects.h"
#include "run/paths.h"
#include "run/task.h"

#define LINES_MAX ((size_t)512 * EC_MIB)

struct want {
    const char *address, *path, *tag, *sha256; /* the last two may be NULL */
    uint64_t bytes, head, start, end;
    bool sized, durable;
    enum ec_status status;
    char message[512];
};

struct work {
    const struct ec_config *config;
    const char *exchange;
    struct ec_arena arena;
    char below[EC_PATH_MAX]; /* where files may be made, a slash behind it */
    struct want *want;
    size_t count, cap;
    struct ec_remote_settings settings;
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the files to be got"); }

/* ---- the lines ---- */

static enum ec_status check(const struct work *w, const struct want *want, struct ec_err *err) {
    size_t m = strlen(w->below);
    if (!ec_address_lies_below(want->address, w->exchange) && !ec_objects_names(w->config, want->address))
        return ec_fail(err, EC_PROTOCOL, "%.300s is no source's, and does not lie in the exchange", want->address);
    if (strncmp(want->path, w->below, m) != 0 || !ec_address_key_is_path(want->path + m))
        return ec_fail(err, EC_PROTOCOL, "%.300s is no file of staging", want->path);
    return EC_OK;
}

static void read_want(struct ec_json_reader *r, struct want *want) {
    want->address = ec_json_need_str(r, "address");
    want->path = ec_json_need_str(r, "path");
    want->tag = ec_json_get_str(r, "tag");
    want->sha256 = ec_json_get_str(r, "sha256");
    want->sized = ec_json_has(r, "bytes");
    want->bytes = want->sized ? ec_json_get_uint(r, "bytes") : 0;
    want->head = ec_json_has(r, "head") ? ec_json_get_uint(r, "head") : 0;
    want->durable = ec_json_has(r, "durable") && ec_json_get_bool(r, "durable");
    ec_json_get_range(r, "range", &want->start, &want->end);
    if (want->end > 0 && (!want->sized || want->end > want->bytes || want->sha256)) ec_json_wrong(r, "range", "a range of a file whose size is told");
    if (want->head > want->bytes) want->head = want->bytes;
    if (want->tag && strlen(want->tag) >= EC_TAG_MAX) ec_json_wrong(r, "tag", "the tag of an object");
}

static enum ec_status take(void *user, const char *line, size_t n, struct ec_err *err) {
    struct work *w = user;
    json_t *root = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    struct ec_json_reader r = ec_json_reader_of(root, "a file to be got", &w->arena, err);
    struct want want = {0};
    read_want(&r, &want);
    json_decref(root);
    EC_TRY(r.status);
    EC_TRY(check(w, &want, err));
    if (w->count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        struct want *more = ec_realloc_array(w->want, cap, sizeof *more);
        if (!more) return no_memory(err);
        w->want = more;
        w->cap = cap;
    }
    w->want[w->count++] = want;
    return EC_OK;
}

/* ---- getting ---- */

static void fail_one(struct want *want, const struct ec_err *cause) {
    want->status = cause->status;
    (void)snprintf(want->message, sizeof want->message, "%.*s", (int)sizeof want->message - 1, cause->message);
}

/* What has no size is looked for: there are few of these. */
static enum ec_status find_sizes(struct work *w, struct ec_err *err) {
    struct ec_store *store;
    EC_TRY(ec_store_open(&w->settings, &store, err));
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < w->count && status == EC_OK; i++) {
        struct want *want = &w->want[i];
        struct ec_object object;
        struct ec_err cause = {0};
        char tag[EC_TAG_MAX];
        bool there;
        if (want->sized) continue;
        status = ec_store_find(store, want->address, &object, tag, &there, err);
        if (status != EC_OK) break;
        want->bytes = object.bytes;
        if (there) continue;
        (void)ec_fail(&cause, EC_FILE_CHANGED, "%.400s is not there", want->address);
        fail_one(want, &cause);
    }
    ec_store_close(store);
    return status;
}

/* A file that is there is somebody's, and stays. */
static bool is_taken(struct want *want) {
    struct ec_err cause = {0};
    if (!ec_path_exists(want->path)) return false;
    (void)ec_fail(&cause, EC_IO, "%.400s is there already", want->path);
    fail_one(want, &cause);
    return true;
}

static enum ec_status fetch(struct work *w, struct ec_err *err) {
    struct ec_remote_job *job = ec_calloc(w->count, sizeof *job);
    size_t *of = ec_calloc(w->count, sizeof *of), jobs = 0;
    enum ec_status status = job && of ? EC_OK : no_memory(err);
    for (size_t i = 0; i < w->count && status == EC_OK; i++) {
        const struct want *want = &w->want[i];
        if (want->status != EC_OK || is_taken(&w->want[i])) continue;
        status = ec_folder_make_of(want->path, err);
        of[jobs] = i;
        job[jobs++] = (struct ec_remote_job){.object = {.address = want->address, .bytes = want->bytes, .tag = want->tag ? want->tag : ""},
                                             .to = want->path, .head = want->head, .start = want->start, .end = want->end};
    }
    if (status == EC_OK) status = ec_remote_fetch(&w->settings, job, jobs, err);
    for (size_t i = 0; i < jobs && status == EC_OK; i++) {
        struct want *want = &w->want[of[i]];
        want->status = job[i].status;
        memcpy(want->message, job[i].message, sizeof want->message);
    }
    ec_free(job);
    ec_free(of);
    return status;
}

static enum ec_status check_content(const struct want *want, struct ec_err *err) {
    char hex[EC_SHA256_HEX];
    uint64_t bytes;
    if (!want->sha256) return EC_OK;
    EC_TRY(ec_sha256_file(want->path, hex, &bytes, err));
    if (strcmp(hex, want->sha256) == 0) return EC_OK;
    (void)ec_io.unlink(want->path);
    return ec_fail(err, EC_FILE_CHANGED, "%.400s holds other bytes than were put there", want->address);
}

/* Noted, to be synced with the others. */
static enum ec_status hold(struct ec_durable *durable, const struct want *want, struct ec_err *err) {
    int fd;
    if (!want->durable) return EC_OK;
    EC_TRY(ec_file_open(want->path, &fd, NULL, err));
    return ec_durable_add(durable, want->path, fd, err);
}

/* Whether each is what it should be, and on the disk where that was asked for. */
static enum ec_status check_and_sync(struct work *w, struct ec_err *err) {
    struct ec_durable *durable;
    EC_TRY(ec_durable_create(&durable, err));
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < w->count && status == EC_OK; i++) {
        struct want *want = &w->want[i];
        struct ec_err cause = {0};
        if (want->status != EC_OK) continue;
        if (check_content(want, &cause) != EC_OK) fail_one(want, &cause);
        else status = hold(durable, want, err);
    }
    if (status == EC_OK) status = ec_durable_commit(durable, err);
    ec_durable_destroy(durable);
    return status;
}

static enum ec_status get_all(struct work *w, struct ec_err *err) {
    EC_TRY(ec_remote_settings_load(&w->settings, err));
    if (w->count == 0) return EC_OK;
    EC_TRY(find_sizes(w, err));
    EC_TRY(fetch(w, err));
    return check_and_sync(w, err);
}

/* ---- the answers ---- */

static void write_answer(struct ec_json_writer *w, const struct want *want, enum ec_status status, const char *message) {
    ec_json_object(w, NULL);
    ec_json_str(w, "get", want->path);
    ec_json_str(w, "status", status == EC_OK ? "ok" : "failed");
    if (status == EC_OK) ec_json_uint(w, "bytes", want->bytes);
    if (status != EC_OK) {
        ec_json_error(w, "error", status, message);
    }
    ec_json_end(w);
}

/* `all`: why none of them may be taken for got. */
static enum ec_status answer(const struct work *w, enum ec_status all, const char *message, int out, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(LINES_MAX);
    for (size_t i = 0; i < w->count; i++) {
        const struct want *want = &w->want[i];
        struct ec_json_writer line;
        ec_json_init(&line, &text);
        write_answer(&line, want, all != EC_OK ? all : want->status, all != EC_OK ? message : want->message);
        ec_buf_addc(&text, '\n');
    }
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK && text.n > 0) status = ec_file_write(out, text.p, text.n, _("standard output"), err);
    ec_buf_free(&text);
    return status;
}

enum ec_status ec_get_worker_run(const struct ec_config *config, const char *exchange, int in, int out, struct ec_err *err) {
    struct work w = {.config = config, .exchange = exchange};
    char folder[EC_PATH_MAX];
    struct ec_err cause = {0};
    EC_TRY(ec_project_path(folder, config->dir, EC_DIR_STAGING, NULL, err));
    EC_TRY(ec_path_join(w.below, sizeof w.below, folder, "", err));
    ec_arena_init(&w.arena, LINES_MAX);
    enum ec_status status = ec_lines_each(in, take, &w, err);
    if (status == EC_OK) {
        enum ec_status all = get_all(&w, &cause);
        status = answer(&w, all, cause.message, out, err);
    }
    ec_remote_settings_wipe(&w.settings);
    ec_free(w.want);
    ec_arena_deinit(&w.arena);
    return status;
}
