#include "run/lineage.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"
#include "base/threads.h"
#include "deliver/http_post.h"
#include "deliver/secret.h"
#include "publish/openlineage.h"
#include "run/lineage_models.h"
#include "run/paths.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

#define EVENTS_MAX ((size_t)256 * EC_MIB)

struct ec_lineage_run {
    const struct ec_config *config;
    struct ec_buf start;
    bool in_file; /* START stands in the file */
    bool posting; /* a thread sends it to the address */
    pthread_t thread;
    atomic_bool done;
    enum ec_status posted; /* once done */
    struct ec_err err;
};

/* A run that is interrupted does not wait for a server that does not answer. A process does one run. */
static atomic_bool given_up;

static bool is_given_up(void) { return atomic_load(&given_up); }

static bool is_wanted(const struct ec_config *config) { return config->lineage.file || config->lineage.url; }

/* ---- sending ---- */

/* `sync`: on the disk when this returns. START is not waited for. */
static enum ec_status append(const struct ec_config *config, const struct ec_buf *event, bool sync, struct ec_err *err) {
    char path[EC_PATH_MAX];
    EC_TRY(ec_path_below(path, sizeof path, config->dir, config->lineage.file, err));
    EC_TRY(ec_folder_make_of(path, err));
    int fd = ec_io.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) return ec_fail_errno(err, EC_DELIVERY, "cannot open %s", path);
    enum ec_status status = ec_file_write(fd, event->p, event->n, path, err);
    if (status == EC_OK && sync) return ec_file_finish(fd, path, err);
    (void)ec_io.close(fd);
    return status;
}

/* An event a request, as the HTTP interface takes them. */
static enum ec_status post(const struct ec_config *config, const struct ec_buf *event, struct ec_err *err) {
    const struct ec_lineage *lineage = &config->lineage;
    struct ec_secrets secrets = {0};
    struct ec_buf bearer = ec_buf_make(EC_SECRET_BYTES_MAX + 16);
    struct ec_transport_options options = {.project = config->dir, .timeout_s = lineage->timeout_s, .connect_timeout_s = lineage->timeout_s,
                                           .cancelled = is_given_up};
    struct ec_http_post request = {.options = &options, .url = lineage->url, .protocols = "http,https"};
    const char *key;
    enum ec_status status = ec_secrets_read(&secrets, config->dir, &lineage->key, "api_key", &key, err);
    if (status == EC_OK) ec_buf_printf(&bearer, "Bearer %s", key);
    if (status == EC_OK) status = ec_buf_check(&bearer, err);
    struct ec_http_header header = {"Authorization", bearer.p};
    if (lineage->key.kind != EC_SECRET_NONE) {
        request.header = &header;
        request.header_count = 1;
    }
    request.body = (struct ec_str){event->p, event->n ? event->n - 1 : 0}; /* without its line end */
    if (status == EC_OK) status = ec_http_post(&request, err);
    struct ec_buf shown = ec_buf_make(EC_PATH_MAX);
    ec_redact_url(&shown, lineage->url);
    if (status != EC_OK && err) ec_secrets_scrub(&secrets, err->message, sizeof err->message);
    if (status != EC_OK) ec_err_context(err, "%s", ec_buf_check(&shown, NULL) == EC_OK ? shown.p : _("the address"));
    ec_buf_free(&shown);
    if (bearer.p) explicit_bzero(bearer.p, bearer.cap);
    ec_buf_free(&bearer);
    ec_secrets_deinit(&secrets);
    return status;
}

static enum ec_status write_event(const struct ec_config *config, const struct ec_run_facts *run, const struct ec_lineage_options *options,
                                  enum ec_lineage_event event, struct ec_buf *out, struct ec_err *err) {
    char root[PATH_MAX];
    if (!realpath(config->dir, root)) return ec_fail_errno(err, EC_DELIVERY, "cannot resolve %s", config->dir);
    struct ec_lineage_options placed = *options;
    placed.config = config;
    placed.root = root;
    return ec_lineage_write(run, &placed, event, out, err);
}

/* ---- the start ---- */

static void *post_start(void *context) {
    struct ec_lineage_run *l = context;
    l->posted = post(l->config, &l->start, &l->err);
    atomic_store(&l->done, true);
    return NULL;
}

struct ec_lineage_run *ec_lineage_start(const struct ec_config *config, const struct ec_run_facts *run) {
    struct ec_err err = {0};
    struct ec_lineage_options options = {0};
    struct ec_lineage_run *l = is_wanted(config) ? ec_calloc(1, sizeof *l) : NULL;
    if (!l) return NULL;
    l->config = config;
    l->start = ec_buf_make(EC_MIB);
    l->posted = EC_DELIVERY;
    enum ec_status status = write_event(config, run, &options, EC_LINEAGE_START, &l->start, &err);
    if (status == EC_OK && config->lineage.file) {
        status = append(config, &l->start, false, &err);
        l->in_file = status == EC_OK;
    }
    if (status != EC_OK) ec_log(EC_LOG_WARN, "lineage: the start of the run is told at its end: %s", err.message);
    if (config->lineage.url && l->start.n) l->posting = ec_thread_start(&l->thread, post_start, l) == 0;
    return l;
}

/* Whether START is at the address. *late: it was under way until now, and failed: a second try would fail as well. */
static bool is_posted(struct ec_lineage_run *l, bool *late, struct ec_err *err) {
    *late = false;
    if (!l) return false;
    if (l->posting) {
        bool waited = !atomic_load(&l->done);
        (void)pthread_join(l->thread, NULL);
        l->posting = false;
        *late = waited && l->posted != EC_OK;
    }
    if (*late && err) *err = l->err;
    return l->posted == EC_OK;
}

void ec_lineage_release(struct ec_lineage_run *l) {
    bool late;
    if (!l) return;
    if (l->posting) atomic_store(&given_up, true); /* nobody has waited for it */
    (void)is_posted(l, &late, NULL);
    ec_buf_free(&l->start);
    ec_free(l);
}

/* ---- the end ---- */

struct events {
    struct ec_buf start, end;
};

static enum ec_status to_file(const struct ec_config *config, const struct ec_lineage_run *l, const struct events *e, struct ec_err *err) {
    if (!config->lineage.file) return EC_OK;
    if (!l || !l->in_file) EC_TRY(append(config, &e->start, false, err));
    return append(config, &e->end, true, err);
}

static enum ec_status to_address(const struct ec_config *config, struct ec_lineage_run *l, const struct events *e, struct ec_err *err) {
    bool late;
    if (!config->lineage.url) return EC_OK;
    if (!is_posted(l, &late, err)) {
        if (late) return EC_DELIVERY;
        EC_TRY(post(config, &e->start, err));
    }
    return post(config, &e->end, err);
}

/* The file first: it is the one that is always there. One that fails does not keep the other from being tried. */
static enum ec_status tell_end(const struct ec_config *config, const struct ec_run_facts *run, struct ec_lineage_run *l,
                               const struct ec_lineage_options *options, enum ec_lineage_event event, struct ec_err *err) {
    struct events e = {ec_buf_make(EC_MIB), ec_buf_make(EVENTS_MAX)};
    struct ec_lineage_options plain = {0};
    enum ec_status status = write_event(config, run, &plain, EC_LINEAGE_START, &e.start, err);
    if (status == EC_OK) status = write_event(config, run, options, event, &e.end, err);
    if (status == EC_OK) {
        status = to_file(config, l, &e, err);
        enum ec_status sent = to_address(config, l, &e, status == EC_OK ? err : NULL);
        if (status == EC_OK) status = sent;
    }
    ec_buf_free(&e.start);
    ec_buf_free(&e.end);
    return status;
}

enum ec_status ec_lineage_complete(const struct ec_finish_options *o, struct ec_err *err) {
    struct ec_lineage_options options = {.at_us = o->facts->finished_us};
    struct ec_arena arena;
    if (!is_wanted(o->config)) return EC_OK;
    ec_arena_init(&arena, EC_LINEAGE_MODELS_MAX);
    enum ec_status status = EC_OK;
    if (o->models && o->sql) status = ec_lineage_models(o->models, o->sql, &arena, &options, err);
    if (status == EC_OK) status = tell_end(o->config, o->facts, o->lineage, &options, EC_LINEAGE_COMPLETE, err);
    ec_arena_deinit(&arena);
    return status;
}

void ec_lineage_fail(const struct ec_config *config, const struct ec_run_facts *run, struct ec_lineage_run *started, const struct ec_err *cause) {
    bool interrupted = cause->status == EC_INTERRUPTED;
    struct ec_lineage_options options = {.message = cause->message, .at_us = ec_now_micros()};
    struct ec_err err = {0};
    if (!is_wanted(config) || !run->run) return;
    if (interrupted && started && started->posting) { /* nobody waits for a server that does not answer */
        bool late;
        atomic_store(&given_up, true);
        (void)is_posted(started, &late, NULL);
        atomic_store(&given_up, false);
    }
    if (tell_end(config, run, started, &options, interrupted ? EC_LINEAGE_ABORT : EC_LINEAGE_FAIL, &err) != EC_OK)
        ec_log(EC_LOG_ERROR, "lineage: %s", err.message);
}
