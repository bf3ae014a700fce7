/* data/quality/history.jsonl: a line of figures per run and file, for `ecluse history` and for
 * whoever draws trends.
 *
 *     {"run":…,"seq":…,"started":…,"run_seconds":…,"source":…,"path":…,"member":…,"file":…,
 *      "status":…,"read":…,"accepted":…,"quarantined":…,"duplicate":…,"completeness":…,…,
 *      "overall":…,"threshold":…,"bytes":…,"sha256":…}
 *
 * Appending is idempotent: lines that a run already has are left as they are, so that publishing
 * may be repeated after a crash. The file is replaced as a whole, never half-written; it may grow
 * to EC_HISTORY_MAX, which is some 600,000 files. A line that is damaged is counted and passed over.
 */
#ifndef EC_QUALITY_HISTORY_H
#define EC_QUALITY_HISTORY_H

#include "base/durable.h"
#include "quality/run_facts.h"

#define EC_HISTORY_MAX ((size_t)256 * EC_MIB)

struct ec_history_run {
    const char *run;
    const char *started; /* RFC 3339 */
    double seconds;
    uint64_t seq;
    uint64_t files;
    uint64_t read;
    uint64_t accepted;
    uint64_t quarantined;
    uint64_t duplicate;
    enum ec_verdict status; /* the worst of its files */
    uint64_t scored;        /* rows of the files that have a score */
    double score;           /* mean weighted by those rows; NAN where unknown */
};

struct ec_history {
    struct ec_arena arena;
    struct ec_history_run *run; /* in the order of the file: oldest first */
    size_t run_count;
    size_t damaged; /* lines passed over */
};

/* Adds the run's units that the file does not have yet. */
enum ec_status ec_history_append(const char *path, const struct ec_run_facts *run, struct ec_durable *durable,
                                 struct ec_err *err) EC_MUST_USE;

/* Reads the whole; a file that does not exist is an empty history. */
enum ec_status ec_history_read(const char *path, struct ec_history *history, struct ec_err *err) EC_MUST_USE;
void ec_history_deinit(struct ec_history *history);

#endif
