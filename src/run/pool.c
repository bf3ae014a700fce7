#include "run/pool.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define TICK_MS 200
/* How long an idle worker may take to end, DuckDB's tear-down included. */
#define GRACE_US      (INT64_C(3) * EC_MICROS_PER_SECOND)
#define GRACE_TICK_MS 2
#define NO_TASK SIZE_MAX
/* The end of what a worker said on stderr, for the message when it dies. */
#define LAST_WORDS 512u

struct process {
    pid_t pid; /* 0: not running */
    int to, from, words;
    size_t task;
    int64_t deadline_us;
    struct ec_buf line;
    char last[LAST_WORDS + 1];
    size_t last_n;
};

struct pool {
    const struct ec_pool_options *options;
    const struct ec_task *task;
    size_t count;
    size_t next;      /* task to hand out */
    size_t finished;
    unsigned *attempts;
    size_t *retry;    /* tasks to hand out again, first */
    size_t retry_count;
    struct process *process;
};

static void close_fd(int *fd) {
    if (*fd >= 0) (void)ec_io.close(*fd);
    *fd = -1;
}

static enum ec_status make_pipes(int pair[3][2], struct ec_err *err) {
    for (int i = 0; i < 3; i++) pair[i][0] = pair[i][1] = -1;
    for (int i = 0; i < 3; i++) {
        if (pipe2(pair[i], O_CLOEXEC) == 0) continue;
        enum ec_status status = ec_fail_errno(err, EC_IO, "cannot make a pipe for a worker");
        for (int k = 0; k < i; k++) {
            close_fd(&pair[k][0]);
            close_fd(&pair[k][1]);
        }
        return status;
    }
    return EC_OK;
}

static enum ec_status start(struct pool *pool, struct process *p, struct ec_err *err) {
    int pair[3][2]; /* stdin, stdout, stderr of the worker */
    EC_TRY(make_pipes(pair, err));
    posix_spawn_file_actions_t actions;
    int cause = posix_spawn_file_actions_init(&actions);
    if (cause == 0) {
        if (!cause) cause = posix_spawn_file_actions_adddup2(&actions, pair[0][0], STDIN_FILENO);
        if (!cause) cause = posix_spawn_file_actions_adddup2(&actions, pair[1][1], STDOUT_FILENO);
        if (!cause) cause = posix_spawn_file_actions_adddup2(&actions, pair[2][1], STDERR_FILENO);
        if (!cause)
            cause = posix_spawn(&p->pid, pool->options->argv[0], &actions, NULL, (char *const *)pool->options->argv,
                                environ);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    close_fd(&pair[0][0]);
    close_fd(&pair[1][1]);
    close_fd(&pair[2][1]);
    p->to = pair[0][1];
    p->from = pair[1][0];
    p->words = pair[2][0];
    p->task = NO_TASK;
    p->last_n = 0;
    ec_buf_clear(&p->line);
    if (cause == 0) return EC_OK;
    p->pid = 0;
    errno = cause;
    return ec_fail_errno(err, EC_IO, "cannot start the worker %s", pool->options->argv[0]);
}

/* The exit status of a process that was asked to end. It has said all that it had to say, so one
 * that hangs on its way out is killed: a run never waits for it without end. */
static int await_end(pid_t pid) {
    int status = 0;
    int64_t until_us = ec_monotonic_micros() + GRACE_US;
    for (;;) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR)) return status;
        if (ec_monotonic_micros() >= until_us) (void)kill(pid, SIGKILL);
        (void)poll(NULL, 0, GRACE_TICK_MS);
    }
}

/* Ends the process for good; its exit is waited for, so that nothing of it still writes. */
static int stop(struct process *p, bool kill_it) {
    int status = 0;
    close_fd(&p->to);
    if (p->pid > 0) {
        if (kill_it) (void)kill(p->pid, SIGKILL);
        status = await_end(p->pid);
    }
    close_fd(&p->from);
    close_fd(&p->words);
    p->pid = 0;
    p->task = NO_TASK;
    return status;
}

static enum ec_status send_task(struct pool *pool, struct process *p, size_t index, struct ec_err *err) {
    struct ec_buf line = ec_buf_make(EC_PROTOCOL_LINE_MAX);
    ec_task_write(&line, &pool->task[index]);
    ec_buf_addc(&line, '\n');
    enum ec_status status = ec_buf_check(&line, err);
    p->task = index;
    p->deadline_us = ec_monotonic_micros() + (int64_t)pool->options->timeout_s * EC_MICROS_PER_SECOND;
    pool->attempts[index]++;
    /* A worker that died before it could read is found by its closed output. */
    if (status == EC_OK && ec_file_write(p->to, line.p, line.n, "a task", NULL) != EC_OK) close_fd(&p->to);
    ec_buf_free(&line);
    return status;
}

static bool take_task(struct pool *pool, size_t *index) {
    if (pool->retry_count > 0) {
        *index = pool->retry[--pool->retry_count];
        return true;
    }
    *index = pool->next;
    return pool->next < pool->count && pool->next++ < pool->count;
}

static enum ec_status feed(struct pool *pool, struct process *p, struct ec_err *err) {
    size_t index;
    if (p->task != NO_TASK || !take_task(pool, &index)) return EC_OK;
    if (p->pid == 0) EC_TRY(start(pool, p, err));
    return send_task(pool, p, index, err);
}

static enum ec_status report(struct pool *pool, size_t index, struct ec_task_result *result, struct ec_err *err) {
    pool->finished++;
    return pool->options->done(pool->options->user, index, result, err);
}

/* The task's worker is gone: try again with a fresh one, or give the file up. */
static enum ec_status lose(struct pool *pool, struct process *p, enum ec_status why, const char *how, struct ec_err *err) {
    size_t index = p->task;
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

/* A worker ends by itself only for what is not the file's fault: then it said why on stderr and
 * left with the exit code of that error. */
static enum ec_status bury(struct pool *pool, struct process *p, struct ec_err *err) {
    size_t index = p->task;
    int status = stop(p, false);
    p->last[p->last_n] = '\0';
    if (index == NO_TASK) return EC_OK;
    p->task = index;
    if (WIFEXITED(status) && (WEXITSTATUS(status) == EC_EXIT_USAGE || WEXITSTATUS(status) == EC_EXIT_RUNTIME))
        return ec_fail(err, WEXITSTATUS(status) == EC_EXIT_USAGE ? EC_CONFIG : EC_IO, "a worker stopped: %s",
                       p->last_n ? p->last : "it gave no reason");
    char how[128];
    if (WIFSIGNALED(status))
        (void)snprintf(how, sizeof how, "the worker died of signal %d", WTERMSIG(status));
    else
        (void)snprintf(how, sizeof how, "the worker ended with code %d", WEXITSTATUS(status));
    enum ec_status result = lose(pool, p, EC_WORKER_DIED, how, err);
    p->task = NO_TASK;
    return result;
}

static enum ec_status take_line(struct pool *pool, struct process *p, size_t n, struct ec_err *err) {
    struct ec_task_result result;
    enum ec_status status = ec_task_result_read(p->line.p, n, &result, err);
    if (status == EC_OK && (p->task == NO_TASK || strcmp(result.task ? result.task : "", pool->task[p->task].id) != 0))
        status = ec_fail(err, EC_PROTOCOL, "a worker answered a task that it was not given");
    if (status != EC_OK) {
        ec_task_result_deinit(&result);
        return status;
    }
    size_t index = p->task;
    p->task = NO_TASK;
    memmove(p->line.p, p->line.p + n + 1, p->line.n - n - 1);
    p->line.n -= n + 1;
    return report(pool, index, &result, err);
}

static enum ec_status hear(struct pool *pool, struct process *p, struct ec_err *err) {
    char *to = ec_buf_reserve(&p->line, 65536);
    if (!to) return ec_fail(err, EC_PROTOCOL, "a worker's answer is longer than %llu bytes", EC_PROTOCOL_LINE_MAX);
    ssize_t got;
    do {
        got = ec_io.read(p->from, to, 65536);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return bury(pool, p, err);
    p->line.n += (size_t)got;
    const char *end = memchr(p->line.p, '\n', p->line.n);
    return end ? take_line(pool, p, (size_t)(end - p->line.p), err) : EC_OK;
}

/* Keeps the end of what the worker says on stderr. */
static void overhear(struct process *p) {
    char text[LAST_WORDS];
    ssize_t got = ec_io.read(p->words, text, sizeof text);
    if (got <= 0) {
        close_fd(&p->words);
        return;
    }
    size_t n = (size_t)got;
    size_t keep = p->last_n + n > LAST_WORDS ? LAST_WORDS - n : p->last_n;
    memmove(p->last, p->last + p->last_n - keep, keep);
    memcpy(p->last + keep, text, n);
    p->last_n = keep + n;
}

static enum ec_status watch_the_clock(struct pool *pool, struct ec_err *err) {
    int64_t now = ec_monotonic_micros();
    for (unsigned i = 0; i < pool->options->workers; i++) {
        struct process *p = &pool->process[i];
        if (p->task == NO_TASK || now < p->deadline_us) continue;
        size_t index = p->task;
        (void)stop(p, true);
        p->task = index;
        char how[96];
        (void)snprintf(how, sizeof how, "the task took longer than %u second%s", pool->options->timeout_s,
                       pool->options->timeout_s == 1 ? "" : "s");
        EC_TRY(lose(pool, p, EC_TIMEOUT, how, err));
        p->task = NO_TASK;
    }
    return EC_OK;
}

static enum ec_status wait_once(struct pool *pool, struct ec_err *err) {
    struct pollfd fds[2 * EC_JOBS_MAX];
    nfds_t n = 2 * (nfds_t)pool->options->workers;
    for (unsigned i = 0; i < pool->options->workers; i++) {
        struct process *p = &pool->process[i];
        fds[2 * i] = (struct pollfd){.fd = p->pid ? p->words : -1, .events = POLLIN};
        fds[2 * i + 1] = (struct pollfd){.fd = p->pid ? p->from : -1, .events = POLLIN};
    }
    int ready = poll(fds, n, TICK_MS);
    if (ready < 0 && errno != EINTR) return ec_fail_errno(err, EC_IO, "cannot wait for the workers");
    if (pool->options->tick) pool->options->tick(pool->options->user);
    /* stderr first, so that the last words of a worker that ends are known. */
    for (unsigned i = 0; ready > 0 && i < pool->options->workers; i++)
        if (fds[2 * i].revents) overhear(&pool->process[i]);
    for (unsigned i = 0; ready > 0 && i < pool->options->workers; i++)
        if (fds[2 * i + 1].revents) EC_TRY(hear(pool, &pool->process[i], err));
    return watch_the_clock(pool, err);
}

static enum ec_status work(struct pool *pool, struct ec_err *err) {
    while (pool->finished < pool->count) {
        if (pool->options->cancelled && pool->options->cancelled())
            return ec_fail(err, EC_INTERRUPTED, "interrupted; nothing of this run was committed");
        for (unsigned i = 0; i < pool->options->workers; i++) EC_TRY(feed(pool, &pool->process[i], err));
        EC_TRY(wait_once(pool, err));
    }
    return EC_OK;
}

enum ec_status ec_pool_run(const struct ec_pool_options *options, const struct ec_task *task, size_t count,
                           struct ec_err *err) {
    struct pool pool = {.options = options, .task = task, .count = count};
    enum ec_status status = EC_OK;
    pool.attempts = ec_calloc(count, sizeof *pool.attempts);
    pool.retry = ec_calloc(count, sizeof *pool.retry);
    pool.process = ec_calloc(options->workers, sizeof *pool.process);
    if (!pool.attempts || !pool.retry || !pool.process) status = ec_fail(err, EC_NO_MEMORY, "no memory for the workers");
    for (unsigned i = 0; pool.process && i < options->workers; i++) {
        struct process *p = &pool.process[i];
        p->to = p->from = p->words = -1;
        p->task = NO_TASK;
        p->line = ec_buf_make(EC_PROTOCOL_LINE_MAX);
    }
    if (status == EC_OK) status = work(&pool, err);
    for (unsigned i = 0; pool.process && i < options->workers; i++) {
        (void)stop(&pool.process[i], status != EC_OK);
        ec_buf_free(&pool.process[i].line);
    }
    ec_free(pool.process);
    ec_free(pool.retry);
    ec_free(pool.attempts);
    return status;
}
