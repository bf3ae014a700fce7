#include "run/announce.h"

#include "base/calendar.h"
#include "base/io.h"
#include "publish/prometheus.h"
#include "run/facts.h"
#include "run/manifest.h"
#include "run/paths.h"

#define METRICS_MAX ((size_t)64 * EC_MIB)
#define LOOK_BACK   50u /* runs */

static bool is_well(enum ec_verdict verdict) { return verdict != EC_VERDICT_FAILED && verdict != EC_VERDICT_ERRORED; }

static int64_t newest_well(const struct ec_history *history, const struct ec_run_facts *run) {
    int64_t best = 0, at;
    for (size_t i = 0; i < history->run_count; i++) {
        const struct ec_history_run *past = &history->run[i];
        if (past->seq >= run->seq || !is_well(past->status) || !ec_datetime_parse(past->started, strlen(past->started), &at)) continue;
        at += (int64_t)(past->seconds * 1e6);
        if (at > best) best = at;
    }
    return best;
}

/* When the last run ended that was well: this one, or one of the history. */
static int64_t last_success(const struct ec_announce_options *o, const struct ec_run_facts *run) {
    struct ec_history own = {0};
    char path[EC_PATH_MAX];
    if (is_well(ec_run_verdict(run))) return run->finished_us;
    if (o->history) return newest_well(o->history, run);
    if (ec_project_path(path, o->config->dir, EC_DIR_QUALITY, "history.jsonl", NULL) != EC_OK) return 0;
    int64_t best = ec_history_read(path, EC_HISTORY_FIGURES, &own, NULL) == EC_OK ? newest_well(&own, run) : 0;
    ec_history_deinit(&own);
    return best;
}

/* The facts of the newest run that read files; *found says whether there are such. */
static enum ec_status last_that_read(const struct ec_config *config, struct ec_run_facts *facts, bool *found, struct ec_err *err) {
    struct ec_manifest_list list;
    *found = false;
    EC_TRY(ec_manifest_list(config->dir, &list, err));
    for (size_t i = 0; i < list.count && i < LOOK_BACK && !*found; i++) {
        if (ec_facts_load(config, list.seq[list.count - 1 - i], facts, NULL) != EC_OK) continue;
        *found = facts->unit_count > 0;
        if (!*found) ec_run_facts_deinit(facts);
    }
    ec_manifest_list_deinit(&list);
    return EC_OK;
}

static enum ec_status write_metrics(const struct ec_announce_options *o, const struct ec_run_facts *run, struct ec_err *err) {
    char path[EC_PATH_MAX];
    struct ec_buf text = ec_buf_make(METRICS_MAX);
    struct ec_prometheus_times times = {.success_us = last_success(o, run), .run_us = o->ended_us, .idle = o->facts->unit_count == 0};
    enum ec_status status = ec_path_below(path, sizeof path, o->config->dir, o->config->metrics_textfile, err);
    if (status == EC_OK) status = ec_folder_make_of(path, err);
    if (status == EC_OK) status = ec_prometheus_write(run, &times, &text, err);
    /* Its temporary file is a hidden one that does not end with .prom, so the collector never reads half of it. */
    if (status == EC_OK) status = ec_file_replace(path, text.p, text.n, err);
    ec_buf_free(&text);
    return status;
}

enum ec_status ec_announce_metrics(const struct ec_announce_options *o, struct ec_err *err) {
    struct ec_run_facts last;
    bool found = false;
    if (!o->config->metrics_textfile) return EC_OK;
    if (o->facts->unit_count == 0) EC_TRY(last_that_read(o->config, &last, &found, err));
    if (!found) return write_metrics(o, o->facts, err);
    enum ec_status status = write_metrics(o, &last, err);
    ec_run_facts_deinit(&last);
    return status;
}
