/* The pool: N worker processes, fed one task at a time.
 *
 *     struct ec_pool *pool;
 *     EC_TRY(ec_pool_create(&options, &pool, err));
 *     EC_TRY(ec_pool_begin(pool, task, count, user, err));   // they work, while the caller does something else
 *     EC_TRY(ec_pool_finish(pool, err));                     // until all tasks are done; then begin another round
 *     ec_pool_hang_up(pool);                                 // no round comes: they end
 *     ec_pool_destroy(pool);
 *
 * A worker that dies, exceeds the time-out, or answers what is not an answer is killed and restarted;
 * its task is tried EC_TASK_ATTEMPTS times in all, then its result says `worker-died` or `timeout`;
 * `no-memory` where the worker's share did not suffice. What a dead attempt left behind is removed
 * before the next. Results come in the order of completion; the caller puts them where they belong.
 * A worker's failure that is not the file's (disk full, configuration) ends the round with that error.
 *
 * Where `fork` is given, a worker is at first a copy of this process that calls it: libraries, configuration and
 * prepared expressions are there already. It must be called while the process has one thread. A worker that takes the
 * place of another is started as argv says.
 */
#ifndef EC_RUN_POOL_H
#define EC_RUN_POOL_H

#include "run/task.h"

struct ec_pool_options {
    const char *const *argv; /* of a worker; argv[0] is the program's path, NULL-terminated */
    void (*fork)(void *worker); /* works on standard input and output as argv's program does; NULL: argv is started */
    void *worker;
    unsigned workers;
    unsigned timeout_s; /* per task */
    uint64_t memory_bytes;
    /* Called when a task is done; result is the caller's from then on (deinit it). */
    enum ec_status (*done)(void *user, size_t task, struct ec_task_result *result, struct ec_err *err);
    /* Called a few times a second while tasks are under way; NULL allowed. */
    void (*tick)(void *user);
    /* True where the run is to stop: a signal came. */
    bool (*cancelled)(void);
    struct ec_timing *timing; /* receives the end of the workers, as a stage; NULL allowed */
};

struct ec_pool;

/* The options are copied; what they point at is borrowed. Starts nobody yet. */
enum ec_status ec_pool_create(const struct ec_pool_options *options, struct ec_pool **pool, struct ec_err *err) EC_MUST_USE;

/* Hands out the first tasks, in the given order; starts as many workers as are needed for that. The tasks are
 * borrowed until the round is finished, `user` goes to the callbacks. */
enum ec_status ec_pool_begin(struct ec_pool *pool, const struct ec_task *task, size_t count, void *user,
                             struct ec_err *err) EC_MUST_USE;
/* Until every task is done. EC_INTERRUPTED where cancelled. After an error no worker is alive. */
enum ec_status ec_pool_finish(struct ec_pool *pool, struct ec_err *err) EC_MUST_USE;

/* Lets idle workers end by themselves; nobody waits for them yet. NULL allowed. */
void ec_pool_hang_up(struct ec_pool *pool);
/* No worker is alive afterwards; those of a round that was not finished are killed. NULL allowed. */
void ec_pool_destroy(struct ec_pool *pool);

#endif
