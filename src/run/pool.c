#include "run/pool.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"
#include "run/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define TICK_MS 200
#define NO_TASK SIZE_MAX

struct worker {
    struct ec_process process;
    size_t task;
    int64_t deadline_us;
};

struct ec_pool {
    struct ec_pool_options options;
    struct worker *worker;
    struct sigaction sigpipe;   /* as it was */
    bool started;               /* any worker */
    bool copying;               /* the first tasks of the first round are handed out */
    int64_t cpu_ns;             /* of the tasks so far */
    int64_t child_cpu_ns;       /* of child processes before it */
    /* The round at hand. */
    const struct ec_task *task;
    size_t count;
    size_t next; /* task to hand out */
    size_t finished;
    unsigned *attempts;
    size_t *retry; /* tasks to hand out again, first */
    size_t retry_count;
    void *user;
};

/* ---- handing out ---- */

static enum ec_status send_task(struct ec_pool *pool, struct worker *w, size_t index, struct ec_err *err) {
    struct ec_buf line = ec_buf_make(EC_PROTOCOL_LINE_MAX);
    ec_task_write(&line, &pool->task[index]);
    ec_buf_addc(&line, '\n');
    enum ec_status status = ec_buf_check(&line, err);
    w->task = index;
    w->deadline_us = ec_monotonic_micros() + (int64_t)pool->options.timeout_s * EC_MICROS_PER_SECOND;
    pool->attempts[index]++;
    if (status == EC_OK) ec_process_send(&w->process, line.p, line.n);
    ec_buf_free(&line);
    return status;
}

static bool take_task(struct ec_pool *pool, size_t *index) {
    if (pool->retry_count > 0) {
        *index = pool->retry[--pool->retry_count];
        return true;
    }
    *index = pool->next;
    return pool->next < pool->count && pool->next++ < pool->count;
}

/* Whoever is started later, in the place of a dead worker, is a program of its own: this process may have threads. */
static enum ec_status start_worker(struct ec_pool *pool, struct worker *w, struct ec_err *err) {
    const struct ec_pool_options *o = &pool->options;
    pool->started = true;
    if (o->fork && pool->copying && ec_process_fork(&w->process, o->fork, o->worker)) return EC_OK;
    return ec_process_start(&w->process, o->argv, err);
}

static enum ec_status feed(struct ec_pool *pool, struct worker *w, struct ec_err *err) {
    size_t index;
    if (w->task != NO_TASK || !take_task(pool, &index)) return EC_OK;
    if (w->process.pid == 0) EC_TRY(start_worker(pool, w, err));
    return send_task(pool, w, index, err);
}

/* ---- taking back ---- */

static enum ec_status report(struct ec_pool *pool, size_t index, struct ec_task_result *result, struct ec_err *err) {
    pool->finished++;
    return pool->options.done(pool->user, index, result, err);
}

/* The task's worker is gone: try again with a fresh one, or give the file up. */
static enum ec_status lose(struct ec_pool *pool, struct worker *w, enum ec_status why, const char *how,
                           struct ec_err *err) {
    size_t index = w->task;
    w->task = NO_TASK;
    if (index == NO_TASK) return EC_OK;
    const struct ec_task *task = &pool->task[index];
    if (task->out) EC_TRY(ec_dir_remove(task->out, true, err));
    ec_log(EC_LOG_WARN, "%s%s%s: %s (attempt %u of %u)", task->path, task->member ? " " : "",
           task->member ? task->member : "", how, pool->attempts[index], EC_TASK_ATTEMPTS);
    if (pool->attempts[index] < EC_TASK_ATTEMPTS) {
        pool->retry[pool->retry_count++] = index;
        return EC_OK;
    }
    struct ec_task_result result;
    ec_task_result_init(&result);
    result.task = ec_arena_strdup(&result.arena, task->id);
    result.status = why;
    result.error = ec_arena_strdup(&result.arena, how);
    return report(pool, index, &result, err);
}

/* A worker ends by itself only for what is not the file's fault: then it said why on stderr and left
 * with the exit code of that error. Where its memory did not suffice, another file's may. */
static enum ec_status bury(struct ec_pool *pool, struct worker *w, struct ec_err *err) {
    int code = ec_process_stop(&w->process, false);
    enum ec_status said;
    const char *words = ec_process_last_words(&w->process, &said);
    char how[EC_LAST_WORDS_MAX + 64];
    if (w->task == NO_TASK) return EC_OK;
    if (said == EC_NO_MEMORY) {
        (void)snprintf(how, sizeof how, _("the worker's memory did not suffice: %s"), words);
        return lose(pool, w, EC_NO_MEMORY, how, err);
    }
    if (WIFEXITED(code) && (WEXITSTATUS(code) == EC_EXIT_USAGE || WEXITSTATUS(code) == EC_EXIT_RUNTIME)) {
        enum ec_status status = said != EC_OK ? said : WEXITSTATUS(code) == EC_EXIT_USAGE ? EC_CONFIG : EC_IO;
        return ec_fail(err, status, "a worker stopped: %s", *words ? words : _("it gave no reason"));
    }
    if (WIFSIGNALED(code))
        (void)snprintf(how, sizeof how, _("the worker died of signal %d"), WTERMSIG(code));
    else
        (void)snprintf(how, sizeof how, _("the worker ended with code %d"), WEXITSTATUS(code));
    return lose(pool, w, EC_WORKER_DIED, how, err);
}

/* A worker that answers what is not an answer may have lost its mind with its memory: it is ended, and
 * the task tried again, as if it had died. */
static enum ec_status distrust(struct ec_pool *pool, struct worker *w, const char *what, struct ec_err *err) {
    char how[sizeof((struct ec_err *)0)->message + 64];
    (void)ec_process_stop(&w->process, true);
    (void)snprintf(how, sizeof how, _("the worker did not answer as it should: %s"), what);
    return lose(pool, w, EC_WORKER_DIED, how, err);
}

/* Facts that were kept have the time of the first reading, which was noted then. */
static int64_t cpu_of(const struct ec_task_result *result) {
    return result->kept ? result->facts.time.again_cpu_ns : result->facts.time.cpu_ns;
}

static enum ec_status take_answer(struct ec_pool *pool, struct worker *w, struct ec_err *err) {
    struct ec_task_result result;
    struct ec_err cause = {0};
    enum ec_status status = ec_task_result_read(ec_buf_str(&w->process.line).p, w->process.line.n, &result, &cause);
    if (status == EC_OK && (w->task == NO_TASK || strcmp(result.task, pool->task[w->task].id) != 0))
        status = ec_fail(&cause, EC_PROTOCOL, "it is of a task that it was not given");
    ec_process_take(&w->process);
    if (status == EC_OK) {
        size_t index = w->task;
        w->task = NO_TASK;
        int64_t spent = cpu_of(&result);
        pool->cpu_ns += spent;
        ec_timing_note_child(spent);
        return report(pool, index, &result, err);
    }
    ec_task_result_deinit(&result);
    return distrust(pool, w, cause.message, err);
}

static enum ec_status hear(struct ec_pool *pool, struct worker *w, struct ec_err *err) {
    enum ec_heard heard;
    struct ec_err cause = {0};
    if (ec_process_hear(&w->process, &heard, &cause) != EC_OK) return distrust(pool, w, cause.message, err);
    switch (heard) {
    case EC_HEARD_PART: return EC_OK;
    case EC_HEARD_LINE: return take_answer(pool, w, err);
    case EC_HEARD_MORE: return distrust(pool, w, _("it said more than one line"), err);
    case EC_HEARD_END: break;
    }
    return bury(pool, w, err);
}

static enum ec_status watch_the_clock(struct ec_pool *pool, struct ec_err *err) {
    int64_t now = ec_monotonic_micros();
    for (unsigned i = 0; i < pool->options.workers; i++) {
        struct worker *w = &pool->worker[i];
        if (w->task == NO_TASK || now < w->deadline_us) continue;
        (void)ec_process_stop(&w->process, true);
        char how[96];
        (void)snprintf(how, sizeof how, P_("the task took longer than %u second", "the task took longer than %u seconds", pool->options.timeout_s),
                       pool->options.timeout_s);
        EC_TRY(lose(pool, w, EC_TIMEOUT, how, err));
    }
    return EC_OK;
}

static enum ec_status wait_once(struct ec_pool *pool, struct ec_err *err) {
    struct pollfd fds[2 * EC_JOBS_MAX];
    nfds_t n = 2 * (nfds_t)pool->options.workers;
    for (unsigned i = 0; i < pool->options.workers; i++) {
        const struct ec_process *p = &pool->worker[i].process;
        fds[2 * i] = (struct pollfd){.fd = p->pid ? p->words : -1, .events = POLLIN};
        fds[2 * i + 1] = (struct pollfd){.fd = p->pid ? p->from : -1, .events = POLLIN};
    }
    int ready = poll(fds, n, TICK_MS);
    if (ready < 0 && errno != EINTR) return ec_fail_errno(err, EC_IO, "cannot wait for the workers");
    if (pool->options.tick) pool->options.tick(pool->user);
    for (unsigned i = 0; ready > 0 && i < pool->options.workers; i++) {
        struct worker *w = &pool->worker[i];
        if (fds[2 * i].revents) ec_process_overhear(&w->process);
        if (fds[2 * i + 1].revents) EC_TRY(hear(pool, w, err));
    }
    return watch_the_clock(pool, err);
}

static enum ec_status work(struct ec_pool *pool, struct ec_err *err) {
    while (pool->finished < pool->count) {
        if (pool->options.cancelled && pool->options.cancelled())
            return ec_fail(err, EC_INTERRUPTED, "interrupted; nothing of this run was committed");
        for (unsigned i = 0; i < pool->options.workers; i++) EC_TRY(feed(pool, &pool->worker[i], err));
        EC_TRY(wait_once(pool, err));
    }
    return EC_OK;
}

/* ---- the whole ---- */

enum ec_status ec_pool_create(const struct ec_pool_options *options, struct ec_pool **out, struct ec_err *err) {
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct ec_pool *pool = ec_calloc(1, sizeof *pool);
    if (pool) pool->worker = ec_calloc(options->workers, sizeof *pool->worker);
    if (!pool || !pool->worker) {
        ec_free(pool);
        return ec_fail(err, EC_NO_MEMORY, "no memory for the workers");
    }
    pool->options = *options;
    pool->child_cpu_ns = ec_timing_children_nanos();
    for (unsigned i = 0; i < options->workers; i++) {
        ec_process_init(&pool->worker[i].process);
        pool->worker[i].task = NO_TASK;
    }
    /* A worker that died before it could read is found by its closed output, not by a signal. */
    (void)sigaction(SIGPIPE, &ignore, &pool->sigpipe);
    *out = pool;
    return EC_OK;
}

enum ec_status ec_pool_begin(struct ec_pool *pool, const struct ec_task *task, size_t count, void *user,
                             struct ec_err *err) {
    ec_free(pool->attempts);
    ec_free(pool->retry);
    pool->attempts = ec_calloc(count, sizeof *pool->attempts);
    pool->retry = ec_calloc(count, sizeof *pool->retry);
    pool->task = task;
    pool->count = count;
    pool->user = user;
    pool->next = pool->finished = pool->retry_count = 0;
    if (!pool->attempts || !pool->retry) {
        pool->count = 0;
        return ec_fail(err, EC_NO_MEMORY, "no memory for the workers");
    }
    enum ec_status status = EC_OK;
    pool->copying = !pool->started;
    for (unsigned i = 0; i < pool->options.workers && status == EC_OK; i++) status = feed(pool, &pool->worker[i], err);
    pool->copying = false;
    return status;
}

enum ec_status ec_pool_finish(struct ec_pool *pool, struct ec_err *err) {
    enum ec_status status = work(pool, err);
    for (unsigned i = 0; status != EC_OK && i < pool->options.workers; i++)
        (void)ec_process_stop(&pool->worker[i].process, true);
    return status;
}

/* All are asked to end before one is waited for: their ends cost the time of one. */
void ec_pool_hang_up(struct ec_pool *pool) {
    if (!pool) return;
    for (unsigned i = 0; i < pool->options.workers; i++) ec_process_hang_up(&pool->worker[i].process);
}

void ec_pool_destroy(struct ec_pool *pool) {
    if (!pool) return;
    struct ec_time_spent stop = {.wall_ns = -ec_monotonic_nanos()};
    ec_pool_hang_up(pool);
    for (unsigned i = 0; i < pool->options.workers; i++) {
        (void)ec_process_stop(&pool->worker[i].process, pool->finished < pool->count);
        ec_process_deinit(&pool->worker[i].process);
    }
    stop.wall_ns += ec_monotonic_nanos();
    /* Of a worker's time, its tasks' is known from its answers; what it took besides, when it has ended. */
    stop.child_cpu_ns = ec_timing_children_nanos() - pool->child_cpu_ns - pool->cpu_ns;
    if (stop.child_cpu_ns > 0) ec_timing_note_child(stop.child_cpu_ns);
    if (pool->started) ec_timing_add(pool->options.timing, N_("end of workers"), &stop);
    (void)sigaction(SIGPIPE, &pool->sigpipe, NULL);
    ec_free(pool->worker);
    ec_free(pool->retry);
    ec_free(pool->attempts);
    ec_free(pool);
}
