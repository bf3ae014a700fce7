/* A run: the whole pipeline, from raw files to committed tables, reports and archive.
 *
 *     struct ec_run_outcome outcome;
 *     status = ec_run(&options, &outcome, &err);
 *     ec_run_outcome_deinit(&outcome);
 */
#ifndef EC_RUN_RUN_H
#define EC_RUN_RUN_H

#include "config/config.h"
#include "base/buf.h"
#include "base/timing.h"
#include "quality/run_facts.h"

struct ec_driver;

struct ec_run_options {
    const struct ec_config *config;
    const char *const *worker_argv; /* NULL-terminated; starts `ecluse worker` for this project */
    const char *const *select;      /* sources; none: all */
    size_t select_count;
    unsigned jobs;   /* 0: as configured */
    bool force;      /* read files again that were applied, replacing their rows */
    bool no_archive;
    bool progress;   /* draw a progress bar on stderr */
    int32_t as_of;   /* the run's date */
    int64_t now_us;  /* its start, on the wall clock */
    bool engine;     /* another program works for this one, over two pipes (run/engine.h) */
    int engine_in, engine_out; /* what it says, and what it is told; the run closes them */
    bool (*cancelled)(void); /* true where a signal came; NULL allowed */
    struct ec_timing *timing; /* receives the stages; NULL allowed */
};

struct ec_run_outcome {
    bool nothing_to_do;       /* every file was applied before; no manifest was written */
    size_t applied_before;    /* files that were */
    size_t recovered;         /* earlier runs that were finished first */
    bool delivered;           /* reports, exports, alert, archive are all written */
    struct ec_run_facts facts; /* of this run; empty where nothing was to be done */
    struct ec_buf problems;   /* what could not be delivered, a line each */
    struct ec_driver *driver; /* holds the memory of the facts */
};

enum ec_status ec_run(const struct ec_run_options *options, struct ec_run_outcome *outcome, struct ec_err *err) EC_MUST_USE;
void ec_run_outcome_deinit(struct ec_run_outcome *outcome);

/* Finishes what a crash left: manifests without all their follow-ups are rolled forward, parts
 * and staging without a manifest are removed. Under the lock. What could not be delivered is added
 * to `problems`; it does not keep new data from being loaded. */
enum ec_status ec_recover(const struct ec_config *config, size_t *finished, struct ec_buf *problems, struct ec_err *err) EC_MUST_USE;

/* The project's lock, held by the kernel for as long as the descriptor is open: no stale file
 * can keep a run away. EC_LOCKED where another process holds it. */
enum ec_status ec_lock_take(const char *dir, int *fd, struct ec_err *err) EC_MUST_USE;
void ec_lock_release(int fd);

#endif
