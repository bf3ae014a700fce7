/* What follows from a manifest: commits, quarantine, reports, history, exports, page, alert,
 * marks, archive, clean-up. Every step may be repeated: after a crash the next run does them again
 * from the manifest alone.
 */
#ifndef EC_RUN_FINISH_H
#define EC_RUN_FINISH_H

#include "base/durable.h"
#include "base/timing.h"
#include "quality/history.h"
#include "run/manifest.h"
#include "run/progress.h"
#include "sql/model.h"

struct ec_lineage_run;

struct ec_finish_options {
    const struct ec_config *config;
    const struct ec_manifest *manifest;
    struct ec_run_facts *facts; /* archives are added */
    struct ec_progress *progress;
    struct ec_timing *timing;   /* receives the stages; NULL allowed */
    struct ec_buf *problems;    /* what could not be delivered, a line each */
    bool again;                 /* an earlier run was interrupted while it did this: what is there may not be on the disk */
    struct ec_sql *sql;         /* reads the tables for the exports; NULL: one is opened */
    const struct ec_models *models;   /* of the run, checked; NULL: read again where they are needed */
    struct ec_history_file *history;  /* as it was before the run; NULL: read */
    struct ec_lineage_run *lineage;   /* its start was told; NULL: it was not */
    struct ec_buf *exported;    /* set by ec_finish(): CSV files, below the project folder, NUL behind each */
    struct ec_durable *durable; /* set by ec_finish(): files that are put in place together */
};

/* Commits first: a failure there is the returned status, and the manifest stays unfinished. A
 * delivery that fails is noted in `problems`; the manifest then stays unfinished too, and the
 * next run tries again. */
enum ec_status ec_finish(const struct ec_finish_options *options, struct ec_err *err) EC_MUST_USE;

#endif
