/* data/quality/history.jsonl: a line of figures per run and file, for `ecluse history`, the page's trends
 * and the search for anomalies.
 *
 *     {"run":…,"seq":…,"started":…,"run_seconds":…,"source":…,"path":…,"member":…,"file":…,
 *      "status":…,"read":…,"accepted":…,"quarantined":…,"duplicate":…,"completeness":…,…,
 *      "overall":…,"threshold":…,"bytes":…,"sha256":…,"money":…,"newest":…,
 *      "columns":{"age":[nulls,values]},"failed":{"age.type":[failed,evaluated]},
 *      "checks":{"age.type":evaluated},"resources":{…}}
 *
 * `checks` (all of the source's files together) stands on the first line of a source in a run, `resources`
 * (what the run cost, and its stages) on the first line of a run.
 *
 * Appending is idempotent: lines that a run already has are left as they are, so that publishing
 * may be repeated after a crash. The file is replaced as a whole, never half-written. A line that is
 * damaged is counted and passed over, and stays.
 *
 * The file is bounded (history_compact.c): of each source the newest EC_HISTORY_RUNS_DETAILED runs keep their
 * lines; of an older run the lines of a source are added up to one, which begins with {"files":N and has
 * neither columns nor checks. Past EC_HISTORY_RUNS_MAX runs the oldest go.
 */
#ifndef EC_QUALITY_HISTORY_H
#define EC_QUALITY_HISTORY_H

#include "base/durable.h"
#include "quality/run_facts.h"

#define EC_HISTORY_MAX ((size_t)256 * EC_MIB)

/* What a source's files of a run say of a check or a column. */
struct ec_history_count {
    const char *name; /* "age.type"; "age" */
    uint64_t part;    /* failed; nulls */
    uint64_t rest;    /* of a check: evaluated; of a column: values that are not null */
};

struct ec_history_counts {
    struct ec_history_count *count;
    size_t n, cap;
    size_t hint; /* where the next is looked for first: lines name them in one order */
};

/* A source in a run: its files added up. */
struct ec_history_point {
    size_t run;         /* place in ec_history.run */
    const char *source; /* the same pointer for the same source */
    uint64_t files, passed;
    uint64_t read, accepted, quarantined, duplicate;
    enum ec_verdict status; /* the worst of its files */
    uint64_t scored;        /* rows of the files that have a score */
    double score;           /* mean weighted by those rows; NAN where unknown */
    bool money_known;
    int64_t money_e4;
    bool newest_known;
    int64_t newest_us;
    bool detailed;                   /* not compacted: columns and checks are known */
    struct ec_history_counts check;  /* those that were evaluated */
    struct ec_history_counts column;
};

struct ec_history_run {
    const char *run;
    const char *started; /* RFC 3339 */
    double seconds;
    uint64_t seq;
    uint64_t files, passed;
    uint64_t read;
    uint64_t accepted;
    uint64_t quarantined;
    uint64_t duplicate;
    enum ec_verdict status; /* the worst of its files */
    uint64_t scored;        /* rows of the files that have a score */
    double score;           /* mean weighted by those rows; NAN where unknown */
    bool money_known;
    int64_t money_e4;
    struct ec_resource_facts resources;
};

struct ec_history {
    struct ec_arena arena;
    struct ec_history_run *run; /* in the order of the file: oldest first */
    size_t run_count, run_cap;
    struct ec_history_point *point; /* in the order of the file; those of a run follow each other */
    size_t point_count, point_cap;
    const char **source; /* in the order in which they were met */
    size_t source_count, source_cap;
    size_t damaged; /* lines passed over */
};

enum ec_history_part {
    EC_HISTORY_FIGURES, /* of all runs, without columns, checks and stages */
    EC_HISTORY_WHOLE,
    EC_HISTORY_RECENT, /* lines that are not compacted alone: what a baseline needs */
};
/* Reads the file; one that does not exist is an empty history. */
enum ec_status ec_history_read(const char *path, enum ec_history_part part, struct ec_history *history,
                               struct ec_err *err) EC_MUST_USE;
void ec_history_deinit(struct ec_history *history);

/* A file that is read once and added to later, by who holds the project's lock meanwhile. */
struct ec_history_file {
    struct ec_history history; /* EC_HISTORY_WHOLE, of before */
    struct ec_buf text;
};
enum ec_status ec_history_open(const char *path, struct ec_history_file *file, struct ec_err *err) EC_MUST_USE;
void ec_history_close(struct ec_history_file *file);

/* Adds the run's units that the file does not have yet. `file` (NULL: it is read) gives its text away. */
enum ec_status ec_history_append(const char *path, const struct ec_run_facts *run, struct ec_history_file *file,
                                 struct ec_durable *durable, struct ec_err *err) EC_MUST_USE;

/* The counts of that name, or NULL. */
const struct ec_history_count *ec_history_find(const struct ec_history_counts *counts, const char *name);
/* Adds to the counts of that name, which are made where they are not there; false where memory runs out. */
bool ec_history_count(struct ec_arena *arena, struct ec_history_counts *counts, const char *name, uint64_t part,
                      uint64_t rest);

#endif
