/* The plan: which files a run would read, as which tasks, and why.
 *
 * A file (or archive member) was applied if a manifest records the same source and content under
 * the same rules. What is left is read: new files, files whose content changed under an old name,
 * files whose rules changed (their earlier rows are replaced), files that could not be read before.
 */
#ifndef EC_RUN_PLAN_H
#define EC_RUN_PLAN_H

#include "config/config.h"
#include "run/past.h"
#include "run/task.h"
#include "source/discover.h"

enum ec_cause {
    EC_CAUSE_NEW,
    EC_CAUSE_CHANGED_FILE, /* an earlier file of this name had other content */
    EC_CAUSE_CHANGED_RULE, /* the same content was applied under other rules */
    EC_CAUSE_FAILED,       /* it could not be read, or was rejected, last time */
    EC_CAUSE_FORCED,
    EC_CAUSE_TABLE_GONE, /* it was applied, but somebody removed the table */
    EC_CAUSE_APPLIED,    /* from here on: nothing to do */
    EC_CAUSE_COPY,       /* another file of this run has the same content */
};

/* Whether a unit with this cause is to be read. */
static inline bool ec_cause_is_pending(enum ec_cause cause) {
    return cause < EC_CAUSE_APPLIED;
}

struct ec_plan_unit {
    const struct ec_input *input;
    enum ec_cause cause;
    uint32_t drop;              /* the run that met this content first, this one where it is new */
    const char *since;          /* run that applied it, for EC_CAUSE_APPLIED and _CHANGED_RULE; NULL */
    char sha256[EC_SHA256_HEX]; /* "" where it could not be read */
    uint64_t bytes;
    enum ec_status status; /* why it cannot be read, known before it is tried */
    const char *problem;
    const struct ec_manifest_input *replaces; /* the earlier application that this one replaces */
    size_t task_first, task_count;
};

/* A zip archive with members that were hashed anew. */
struct ec_plan_archive {
    const char *path; /* below data/raw */
    const char *sha256;
};

struct ec_plan {
    struct ec_arena arena;
    struct ec_inputs inputs;
    struct ec_plan_unit *unit; /* in order of (source, path, member) */
    size_t unit_count;
    struct ec_plan_archive *archive;
    size_t archive_count;
    size_t pending;       /* units that are to be read */
    struct ec_task *task; /* units' tasks, in their order */
    size_t task_count;
    uint32_t seq;
    const char *run;
    struct ec_manifest *manifest; /* all earlier ones, owned */
    size_t manifest_count;
    struct ec_past past; /* over them */
};

struct ec_plan_options {
    const struct ec_config *config;
    const char *const *select; /* sources to read; NULL: all */
    size_t select_count;
    bool force;
    bool fetch;              /* objects of stores, into the staging folder of the run: without it nothing is written */
    bool (*cancelled)(void); /* NULL allowed */
    int32_t as_of;
    int64_t now_us;
};

/* Reads the manifests, looks at the files, hashes what is not known by size and time. */
enum ec_status ec_plan_make(const struct ec_plan_options *options, struct ec_plan *plan,
                            struct ec_err *err) EC_MUST_USE;
void ec_plan_deinit(struct ec_plan *plan);

const char *ec_cause_name(enum ec_cause cause);     /* "changed-rule" */
const char *ec_cause_sentence(enum ec_cause cause); /* why, for people */

#endif
