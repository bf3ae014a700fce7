/* The driver's state, shared by the stages of a run. Private to run/.
 *
 *     plan.c     what to read            rounds.c, pool.c  workers read it
 *     dedupe.c   keys across files       sources.c   the sources' tables after this run
 *     compute.c  KPI and joined tables   commit.c    the manifest: the point of no return
 *     finish.c   commits, reports, exports, marks, archive; also after a crash
 *     mirror.c   the same tables in a store
 */
#ifndef EC_RUN_DRIVER_H
#define EC_RUN_DRIVER_H

#include "quality/history.h"
#include "run/lineage.h"
#include "run/manifest.h"
#include "run/models.h"
#include "run/plan.h"
#include "run/pool.h"
#include "run/run.h"
#include "run/table.h"

#include <pthread.h>

struct ec_engine;

struct ec_unit_state {
    struct ec_unit *unit; /* in facts.unit: what was found out about it; NULL where it is not read */
    bool merged;         /* its tasks' facts were put together */
    bool rejected;       /* by the gate: nothing of it is loaded */
    const char *drop; /* path of its drop list, or NULL */
};

struct ec_driver {
    const struct ec_run_options *options;
    const struct ec_config *config;
    struct ec_arena arena; /* of the run */
    struct ec_plan plan;
    struct ec_unit_state *state;     /* per unit of the plan */
    struct ec_task_result *result;   /* per task */
    const char *staging;             /* data/staging/<run> */
    struct ec_pool *pool;            /* NULL: no file is to be read, or the engine reads */
    struct ec_engine *engine;        /* that does the work of pool and models (run/engine.h); NULL: this machine does */
    struct ec_round *first;          /* all tasks, under way until ec_workers_finish_first() */
    struct ec_task_context worker;   /* what the workers are copies of */
    struct {
        pthread_t thread;
        bool begun, started;
        enum ec_status status;
        struct ec_err err;
    } early;                         /* opening worker.sql (early.c) */
    struct ec_sql *sql, *strong_sql;
    struct ec_project_models *models;
    struct ec_table *table;          /* sources first, then models */
    size_t table_count, source_tables;
    struct ec_manifest manifest;
    struct ec_run_facts facts;       /* its units are those that are read */
    struct ec_history_file history;  /* as it was before the run */
    bool history_known;
    struct ec_lineage_run *lineage;  /* NULL: not told, or not yet */
    bool idle;                       /* no file to read, no model that changed */
    int64_t start_us;                /* monotonic */
    struct ec_timing *timing;        /* or NULL */
    struct ec_progress *progress;
};

/* Begins to open worker.sql on a thread, and waits for it: the process has one thread again. Without effect where it
 * was not begun (early.c). */
void ec_early_begin(struct ec_driver *driver);
enum ec_status ec_early_end(struct ec_driver *driver, struct ec_err *err) EC_MUST_USE;

/* Reads all pending units with the pool, has rejected files read again into quarantine, compares
 * keys across files, and checks that rows are conserved (read.c). */
enum ec_status ec_driver_read(struct ec_driver *driver, struct ec_err *err) EC_MUST_USE;

/* Opens and composes the tables of the sources that have pending units; `final` says that drop
 * lists were applied: then merge sources are rewritten too (sources.c). */
enum ec_status ec_driver_sources(struct ec_driver *driver, bool final, struct ec_err *err) EC_MUST_USE;
/* The source's table, or NULL where it has no pending unit. */
struct ec_table *ec_driver_table(struct ec_driver *driver, const char *name);

/* Computes the models over the tables as they will be (compute.c). */
enum ec_status ec_driver_models(struct ec_driver *driver, struct ec_err *err) EC_MUST_USE;

/* Whether a model is new or has another text than its table was made with, once anything was loaded. */
bool ec_driver_models_changed(const struct ec_driver *driver);

/* Places the parts and publishes facts and manifest (commit.c). */
enum ec_status ec_driver_commit(struct ec_driver *driver, struct ec_err *err) EC_MUST_USE;

/* Brings the tables of `tables: store:` to where the project's are. What cannot be brought is noted in the outcome's
 * problems: the data are whole, and the next run brings it (mirror_driver.c). EC_INTERRUPTED, EC_NO_MEMORY. */
enum ec_status ec_driver_mirror(struct ec_driver *driver, struct ec_run_outcome *outcome, struct ec_err *err) EC_MUST_USE;

/* The driver's DuckDB session, which reads the project's own parts and spills below staging; opened when first needed.
 * Statements run in the thread that asks, so that rows come in the same order each time; threads beside each other
 * share its database (ec_sql_share()). */
enum ec_status ec_driver_sql(struct ec_driver *driver, struct ec_sql **sql, struct ec_err *err) EC_MUST_USE;
/* Another one, with as many threads as there are workers, for one statement over much. */
enum ec_status ec_driver_strong_sql(struct ec_driver *driver, struct ec_sql **sql, struct ec_err *err) EC_MUST_USE;

static inline bool ec_unit_pending(const struct ec_driver *d, size_t unit) {
    return ec_cause_is_pending(d->plan.unit[unit].cause);
}

/* Whether the unit was read and its accepted rows are to be loaded. */
static inline bool ec_unit_loaded(const struct ec_driver *d, size_t unit) {
    return ec_unit_pending(d, unit) && d->state[unit].unit->status == EC_OK && !d->state[unit].rejected;
}

#endif
