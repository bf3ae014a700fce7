/* DuckDB's library is loaded and its database opened while the run is planned: 40 ms that need nothing of the plan. */
#include "run/driver.h"

#include "base/threads.h"
#include "run/rounds.h"

static void *open_early(void *context) {
    struct ec_driver *d = context;
    struct ec_sql_options options = ec_worker_sql_options(d);
    d->early.status = ec_sql_open_unsettled(&options, &d->worker.sql, &d->early.err);
    return NULL;
}

void ec_early_begin(struct ec_driver *d) {
    ec_worker_context(d->config, &d->worker);
    d->worker.sql_as_of = d->options->as_of;
    d->early.started = ec_thread_start(&d->early.thread, open_early, d) == 0;
    d->early.begun = true;
}

enum ec_status ec_early_end(struct ec_driver *d, struct ec_err *err) {
    if (!d->early.begun) return EC_OK;
    d->early.begun = false;
    if (d->early.started)
        (void)pthread_join(d->early.thread, NULL);
    else
        (void)open_early(d);
    if (d->early.status != EC_OK && err) *err = d->early.err;
    return d->early.status;
}
