/* data/quality/alerts.jsonl: what became of every alert, a line each time that changes.
 *
 *     {"at":…,"id":…,"run":…,"type":…,"name":…,"target":…,"status":"pending|sent|failed|suppressed",
 *      "kind":"problem|recovery|test|attempt","severity":…,"problems":["users/score"],"message":…}
 *
 * An attempt that failed is a line of kind "attempt" with status "pending". Lines are only ever appended, by one write each under a lock
 * of the file's own, so that a run and a process that delivers may both write. A line
 * that a crash tore is passed over. `problems` is the complete list of what is open for that alert after the line:
 * what is suppressed, and when all is well again, is told from the last line of an alert's alone. Of a long file the
 * last EC_JOURNAL_TAIL bytes are read; what was older is forgotten, and told once more where it happens again. Whoever
 * makes it longer than EC_JOURNAL_MAX replaces it by that end.
 */
#ifndef EC_DELIVER_JOURNAL_H
#define EC_DELIVER_JOURNAL_H

#include "base/arena.h"
#include "base/err.h"

#define EC_JOURNAL_NAME "alerts.jsonl"
#define EC_JOURNAL_TAIL ((size_t)4 << 20)
#define EC_JOURNAL_MAX  (2 * EC_JOURNAL_TAIL)
#define EC_PROBLEMS_MAX 64u /* kept of one alert; more than that are one "more" */

struct ec_journal_line {
    int64_t at_us;
    const char *id, *run, *type, *name, *target, *status, *kind, *severity, *message;
    const char **problem;
    size_t problem_count;
};

/* What is known of one alert. */
struct ec_alert_state {
    const char *problem[EC_PROBLEMS_MAX];
    size_t problem_count;
    int64_t told_us;     /* of the last problem that was sent or waits to be; 0: none since all was well */
    const char *told_id;
    bool known;          /* its journal has a line of the id that was asked for */
    bool sent;           /* and that says that it was sent */
};

struct ec_journal {
    struct ec_arena arena;
    struct ec_journal_line *line; /* oldest first */
    size_t count;
};

enum ec_status ec_journal_read(const char *project, struct ec_journal *journal, struct ec_err *err) EC_MUST_USE;
void ec_journal_deinit(struct ec_journal *journal);
/* The state of the alert of that name; `id` is looked for among its lines. Texts are the journal's. */
void ec_journal_state(const struct ec_journal *journal, const char *name, const char *id, struct ec_alert_state *state);

/* Appends a line and waits until it is on the disk. */
enum ec_status ec_journal_append(const char *project, const struct ec_journal_line *line, struct ec_err *err) EC_MUST_USE;

/* What is to be done about a run's problems for one alert; `out` becomes the open problems after it. */
enum ec_alert_decision { EC_TELL_NOTHING, EC_TELL_PROBLEM, EC_TELL_RECOVERY, EC_TELL_SUPPRESS };
struct ec_alert_question {
    const char *const *problem; /* "source/what"; of the severity that the alert tells */
    size_t problem_count;
    const char *const *source; /* that the run read files of: what is not among problems is well again */
    size_t source_count;
    int64_t now_us, repeat_us;
    bool recovery;
};
enum ec_alert_decision ec_alert_decide(const struct ec_alert_question *question, const struct ec_alert_state *before,
                                       const char *out[EC_PROBLEMS_MAX], size_t *count);

#endif
