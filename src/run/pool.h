/* The pool: N worker processes, fed one task at a time.
 *
 * A worker that dies, exceeds the time-out, or answers what is not an answer is killed and restarted;
 * its task is tried EC_TASK_ATTEMPTS times in all, then its result says `worker-died` or `timeout`;
 * `no-memory` where the worker's share did not suffice. What a dead attempt left behind is removed
 * before the next. Results come in the order of completion; the caller puts them where they belong.
 * A worker's failure that is not the file's (disk full, configuration) ends the whole pool with that
 * error. No worker is alive when the pool returns.
 */
#ifndef EC_RUN_POOL_H
#define EC_RUN_POOL_H

#include "run/task.h"

struct ec_pool_options {
    const char *const *argv; /* of a worker; argv[0] is the program's path, NULL-terminated */
    unsigned workers;
    unsigned timeout_s; /* per task */
    uint64_t memory_bytes;
    /* Called when a task is done; result is the caller's from then on (deinit it). */
    enum ec_status (*done)(void *user, size_t task, struct ec_task_result *result, struct ec_err *err);
    /* Called a few times a second while tasks are under way; NULL allowed. */
    void (*tick)(void *user);
    /* True where the run is to stop: a signal came. */
    bool (*cancelled)(void);
    struct ec_timing *timing; /* receives start and end of the workers, as stages; NULL allowed */
    void *user;
};

/* Runs all tasks in the given order. EC_INTERRUPTED where cancelled. */
enum ec_status ec_pool_run(const struct ec_pool_options *options, const struct ec_task *task, size_t count,
                           struct ec_err *err) EC_MUST_USE;

#endif
