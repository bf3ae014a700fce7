/* The end of a run: the tables in the store follow. */
#include "base/log.h"
#include "run/driver.h"
#include "run/engine.h"
#include "run/mirror.h"
#include "run/progress.h"

static void complain(struct ec_run_outcome *outcome, const char *message) {
    ec_log(EC_LOG_ERROR, "store: %s", message);
    ec_buf_printf(&outcome->problems, _("%s: %s\n"), _("store"), message);
    outcome->delivered = false;
}

static void put(void *user, const struct ec_remote_put *put, size_t count) { ec_engine_put(user, put, count); }

static void tell(const char *address, const struct ec_mirror *m) {
    size_t tables = 0, parts = 0, from_here = 0, versions = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct ec_mirror_table *t = &m->table[i];
        if (t->there == t->found) continue;
        tables++;
        parts += t->parts;
        from_here += t->parts_put;
        bytes += t->bytes;
        versions += (size_t)(t->there - t->found);
    }
    if (versions > 0)
        ec_log(EC_LOG_INFO, "%s: tables: %zu, versions: %zu, parts: %zu (from here: %zu, %.1f MB)", address, tables, versions, parts, from_here,
               (double)bytes / 1e6);
}

static enum ec_status follow(struct ec_driver *d, struct ec_run_outcome *outcome, struct ec_err *err) {
    struct ec_mirror_options options = {.project = d->config->dir, .address = d->config->tables_store, .remember = true,
                                        .cancelled = d->options->cancelled, .put = put, .user = d};
    struct ec_mirror mirror;
    struct ec_err cause = {0};
    enum ec_status status = ec_mirror_tables(&options, &mirror, &cause);
    if (status == EC_OK || status == EC_REMOTE || status == EC_REMOTE_DENIED) tell(options.address, &mirror);
    for (size_t i = 0; i < mirror.count; i++)
        if (mirror.table[i].status != EC_OK) complain(outcome, mirror.table[i].message);
    ec_mirror_free(&mirror);
    if (status == EC_OK) return EC_OK;
    if (status == EC_INTERRUPTED || status == EC_NO_MEMORY) {
        if (err) *err = cause;
        return status;
    }
    complain(outcome, cause.message);
    return EC_OK;
}

enum ec_status ec_driver_mirror(struct ec_driver *d, struct ec_run_outcome *outcome, struct ec_err *err) {
    if (!d->config->tables_store) return EC_OK;
    ec_progress_stage(d->progress, N_("store"));
    ec_timing_begin(d->timing, N_("store"));
    enum ec_status status = follow(d, outcome, err);
    ec_timing_end(d->timing);
    return status;
}
