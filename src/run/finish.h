/* What follows from a manifest: commits, quarantine, reports, history, exports, page, alert,
 * marks, archive, clean-up. Every step may be repeated: after a crash the next run does them again
 * from the manifest alone.
 */
#ifndef EC_RUN_FINISH_H
#define EC_RUN_FINISH_H

#include "base/timing.h"
#include "quality/run_facts.h"
#include "run/manifest.h"
#include "run/progress.h"

struct ec_finish_options {
    const struct ec_config *config;
    const struct ec_manifest *manifest;
    struct ec_run_facts *facts; /* archives are added */
    struct ec_progress *progress;
    struct ec_timing *timing;   /* receives the stages; NULL allowed */
    struct ec_buf *problems;    /* what could not be delivered, a line each */
    struct ec_buf *exported;    /* CSV files that were written, below the project folder, NUL behind each */
};

/* Commits first: a failure there is the returned status, and the manifest stays unfinished. A
 * delivery that fails is noted in `problems`; the manifest then stays unfinished too, and the
 * next run tries again. */
enum ec_status ec_finish(const struct ec_finish_options *options, struct ec_err *err) EC_MUST_USE;

#endif
