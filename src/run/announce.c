#include "run/announce.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"
#include "deliver/http_post.h"
#include "deliver/secret.h"
#include "publish/openlineage.h"
#include "publish/prometheus.h"
#include "quality/history.h"
#include "run/paths.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#define EVENTS_MAX  ((size_t)256 * EC_MIB)
#define METRICS_MAX ((size_t)64 * EC_MIB)

static enum ec_status make_folder_of(const char *path, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash || slash == path) return EC_OK;
    (void)snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
    return ec_dir_make(dir, err);
}

/* ---- metrics ---- */

/* When the last run ended that was well: this one, or one of the history. */
static int64_t last_success(const struct ec_config *config, const struct ec_run_facts *run) {
    enum ec_verdict verdict = ec_run_verdict(run);
    if (verdict != EC_VERDICT_FAILED && verdict != EC_VERDICT_ERRORED) return run->finished_us;
    char path[EC_PATH_MAX];
    struct ec_history history = {0};
    int64_t best = 0;
    if (ec_project_path(path, config->dir, EC_DIR_QUALITY, "history.jsonl", NULL) != EC_OK) return 0;
    if (ec_history_read(path, EC_HISTORY_FIGURES, &history, NULL) == EC_OK)
        for (size_t i = 0; i < history.run_count; i++) {
            const struct ec_history_run *past = &history.run[i];
            int64_t at;
            if (past->seq >= run->seq || past->status == EC_VERDICT_FAILED || past->status == EC_VERDICT_ERRORED) continue;
            if (ec_datetime_parse(past->started, strlen(past->started), &at)) at += (int64_t)(past->seconds * 1e6);
            else continue;
            if (at > best) best = at;
        }
    ec_history_deinit(&history);
    return best;
}

enum ec_status ec_announce_metrics(const struct ec_finish_options *o, struct ec_err *err) {
    const char *name = o->config->metrics_textfile;
    char path[EC_PATH_MAX];
    if (!name) return EC_OK;
    struct ec_buf text = ec_buf_make(METRICS_MAX);
    enum ec_status status = ec_path_below(path, sizeof path, o->config->dir, name, err);
    if (status == EC_OK) status = make_folder_of(path, err);
    if (status == EC_OK) status = ec_prometheus_write(o->facts, last_success(o->config, o->facts), &text, err);
    /* Its temporary file is a hidden one that does not end with .prom, so the collector never reads half of it. */
    if (status == EC_OK) status = ec_file_replace(path, text.p, text.n, err);
    ec_buf_free(&text);
    return status;
}

/* ---- lineage ---- */

static enum ec_status append(const char *path, const struct ec_buf *events, struct ec_err *err) {
    EC_TRY(make_folder_of(path, err));
    int fd = ec_io.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) return ec_fail_errno(err, EC_DELIVERY, "cannot open %s", path);
    enum ec_status status = ec_file_write(fd, events->p, events->n, path, err);
    if (status == EC_OK) return ec_file_finish(fd, path, err);
    (void)ec_io.close(fd);
    return status;
}

static enum ec_status post_all(const struct ec_http_post *to, const struct ec_buf *events, struct ec_err *err) {
    struct ec_http_post request = *to;
    for (const char *p = events->p, *end = p + events->n; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        request.body = (struct ec_str){p, (size_t)(eol - p)};
        EC_TRY(ec_http_post(&request, err));
        p = eol + 1;
    }
    return EC_OK;
}

/* An event a request, as the HTTP interface takes them. */
static enum ec_status post(const struct ec_config *config, const struct ec_buf *events, struct ec_err *err) {
    const struct ec_lineage *lineage = &config->lineage;
    struct ec_secrets secrets = {0};
    struct ec_buf bearer = ec_buf_make(EC_SECRET_BYTES_MAX + 16);
    struct ec_transport_options options = {.project = config->dir, .timeout_s = lineage->timeout_s, .connect_timeout_s = lineage->timeout_s};
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
    if (status == EC_OK) status = post_all(&request, events, err);
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

/* The file first: it is the one that is always there. One that fails does not keep the other from being tried. */
static enum ec_status send_events(const struct ec_config *config, const struct ec_buf *events, struct ec_err *err) {
    const struct ec_lineage *lineage = &config->lineage;
    char path[EC_PATH_MAX];
    enum ec_status status = EC_OK;
    if (lineage->file) {
        status = ec_path_below(path, sizeof path, config->dir, lineage->file, err);
        if (status == EC_OK) status = append(path, events, err);
    }
    if (!lineage->url) return status;
    enum ec_status posted = post(config, events, status == EC_OK ? err : NULL);
    return status == EC_OK ? posted : status;
}

static enum ec_status announce(const struct ec_config *config, const struct ec_run_facts *run, struct ec_lineage_options *options,
                               struct ec_err *err) {
    char root[PATH_MAX];
    if (!realpath(config->dir, root)) return ec_fail_errno(err, EC_DELIVERY, "cannot resolve %s", config->dir);
    options->config = config;
    options->root = root;
    struct ec_buf events = ec_buf_make(EVENTS_MAX);
    enum ec_status status = ec_lineage_write(run, options, &events, err);
    if (status == EC_OK) status = send_events(config, &events, err);
    ec_buf_free(&events);
    options->root = NULL; /* it lies here */
    return status;
}

static bool is_wanted(const struct ec_config *config) { return config->lineage.file || config->lineage.url; }

enum ec_status ec_announce_lineage(const struct ec_finish_options *o, struct ec_err *err) {
    struct ec_lineage_options options = {.end = EC_LINEAGE_COMPLETE, .ended_us = o->facts->finished_us};
    return is_wanted(o->config) ? announce(o->config, o->facts, &options, err) : EC_OK;
}

void ec_announce_failure(const struct ec_config *config, const struct ec_run_facts *run, const struct ec_err *cause) {
    struct ec_lineage_options options = {.end = cause->status == EC_INTERRUPTED ? EC_LINEAGE_ABORT : EC_LINEAGE_FAIL,
                                         .message = cause->message,
                                         .ended_us = ec_now_micros()};
    struct ec_err err = {0};
    if (!is_wanted(config) || !run->run) return;
    if (announce(config, run, &options, &err) != EC_OK) ec_log(EC_LOG_ERROR, "lineage: %s", err.message);
}
