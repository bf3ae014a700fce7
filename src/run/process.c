#include "run/process.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* How long a worker may take to end, DuckDB's tear-down included. */
#define GRACE_US      (INT64_C(3) * EC_MICROS_PER_SECOND)
#define GRACE_TICK_MS 2
#define HEAR_BYTES    ((size_t)65536)

static void close_fd(int *fd) {
    if (*fd >= 0) (void)ec_io.close(*fd);
    *fd = -1;
}

void ec_process_init(struct ec_process *p) {
    *p = (struct ec_process){.to = -1, .from = -1, .words = -1, .line = ec_buf_make(EC_PROTOCOL_LINE_MAX)};
}

void ec_process_deinit(struct ec_process *p) {
    (void)ec_process_stop(p, true);
    ec_buf_free(&p->line);
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

/* An error number, 0 where the process runs. */
static int spawn(pid_t *pid, int pair[3][2], const char *const *argv) {
    posix_spawn_file_actions_t actions;
    int cause = posix_spawn_file_actions_init(&actions);
    if (cause != 0) return cause;
    cause = posix_spawn_file_actions_adddup2(&actions, pair[0][0], STDIN_FILENO);
    if (cause == 0) cause = posix_spawn_file_actions_adddup2(&actions, pair[1][1], STDOUT_FILENO);
    if (cause == 0) cause = posix_spawn_file_actions_adddup2(&actions, pair[2][1], STDERR_FILENO);
    if (cause == 0) cause = posix_spawn(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return cause;
}

/* The parent's side of the pipes. An error number, 0 where all is well. */
static int take_pipes(struct ec_process *p, int pair[3][2]) {
    close_fd(&pair[0][0]);
    close_fd(&pair[1][1]);
    close_fd(&pair[2][1]);
    p->to = pair[0][1];
    p->from = pair[1][0];
    p->words = pair[2][0];
    p->last_n = 0;
    ec_buf_clear(&p->line);
    /* Somebody whom it started may hold its stderr open: to look must not be to wait. */
    return fcntl(p->words, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

static void drop_pipes(struct ec_process *p) {
    if (p->pid > 0) (void)ec_process_stop(p, true);
    p->pid = 0;
    close_fd(&p->to);
    close_fd(&p->from);
    close_fd(&p->words);
}

enum ec_status ec_process_start(struct ec_process *p, const char *const *argv, struct ec_err *err) {
    int pair[3][2]; /* stdin, stdout, stderr of the worker */
    EC_TRY(make_pipes(pair, err));
    int cause = spawn(&p->pid, pair, argv), failed = take_pipes(p, pair);
    if (cause == 0) cause = failed;
    if (cause == 0) return EC_OK;
    drop_pipes(p);
    errno = cause;
    return ec_fail_errno(err, EC_IO, "cannot start the worker %s", argv[0]);
}

/* In the copy: as a program that was just started by a parent that it must not outlive. */
static bool become_worker(pid_t parent, int pair[3][2]) {
    static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    int fd[3] = {pair[0][0], pair[1][1], pair[2][1]};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) return false;
    (void)prctl(PR_SET_NAME, "ecluse-worker");
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) (void)signal(handled[i], SIG_DFL);
    for (int i = 0; i < 3; i++) /* out of the way of 0, 1 and 2, where the parent had none of them */
        if (fd[i] < 3 && (fd[i] = fcntl(fd[i], F_DUPFD, 3)) < 0) return false;
    for (int i = 0; i < 3; i++)
        if (dup2(fd[i], i) < 0) return false;
    return close_range(3, ~0u, 0) == 0;
}

bool ec_process_fork(struct ec_process *p, void (*work)(void *context), void *context) {
    int pair[3][2];
    pid_t parent = getpid();
    if (make_pipes(pair, NULL) != EC_OK) return false;
    p->pid = fork();
    if (p->pid == 0) {
        if (!become_worker(parent, pair)) _exit(EC_EXIT_RUNTIME);
        work(context);
        _exit(EC_EXIT_DONE); /* what the parent has in its buffers is the parent's to write */
    }
    bool started = p->pid > 0;
    if (take_pipes(p, pair) == 0 && started) return true;
    drop_pipes(p);
    return false;
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

void ec_process_hang_up(struct ec_process *p) {
    close_fd(&p->to);
}

int ec_process_stop(struct ec_process *p, bool kill_it) {
    int status = 0;
    ec_process_hang_up(p);
    if (p->pid > 0) {
        if (kill_it) (void)kill(p->pid, SIGKILL);
        status = await_end(p->pid);
        if (!kill_it) ec_process_overhear(p);
    }
    close_fd(&p->from);
    close_fd(&p->words);
    p->pid = 0;
    return status;
}

void ec_process_send(struct ec_process *p, const char *line, size_t n) {
    if (ec_file_write(p->to, line, n, _("a task"), NULL) != EC_OK) close_fd(&p->to);
}

enum ec_status ec_process_hear(struct ec_process *p, enum ec_heard *heard, struct ec_err *err) {
    char *to = ec_buf_reserve(&p->line, HEAR_BYTES);
    if (!to) return ec_fail(err, EC_PROTOCOL, "an answer is longer than %llu bytes", EC_PROTOCOL_LINE_MAX);
    ssize_t got;
    do {
        got = ec_io.read(p->from, to, HEAR_BYTES);
    } while (got < 0 && errno == EINTR);
    *heard = EC_HEARD_END;
    if (got <= 0) return EC_OK;
    p->line.n += (size_t)got;
    const char *end = memchr(to, '\n', (size_t)got); /* what came before has none */
    *heard = EC_HEARD_PART;
    if (!end) return EC_OK;
    size_t n = (size_t)(end - p->line.p);
    *heard = n + 1 == p->line.n ? EC_HEARD_LINE : EC_HEARD_MORE;
    p->line.n = n;
    return EC_OK;
}

void ec_process_take(struct ec_process *p) {
    ec_buf_clear(&p->line);
}

void ec_process_overhear(struct ec_process *p) {
    while (p->words >= 0) {
        char text[EC_LAST_WORDS_MAX];
        ssize_t got = ec_io.read(p->words, text, sizeof text);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (got <= 0) {
            close_fd(&p->words);
            return;
        }
        size_t n = (size_t)got;
        size_t keep = p->last_n + n > EC_LAST_WORDS_MAX ? EC_LAST_WORDS_MAX - n : p->last_n;
        memmove(p->last, p->last + p->last_n - keep, keep);
        memcpy(p->last + keep, text, n);
        p->last_n = keep + n;
    }
}

/* Where the last error in the words begins, behind the "error [" of whichever language it was said in: a worker that could
 * not read the configuration does not know the run's. NULL where there is none. */
static char *find_error(char *words) {
    char *start = NULL;
    enum ec_language before = ec_language();
    for (unsigned i = 0; i < EC_LANGUAGE_COUNT; i++) {
        (void)ec_language_swap((enum ec_language)i);
        const char *format = _("error [%s]: ");
        char mark[64];
        (void)snprintf(mark, sizeof mark, "%.*s", (int)strcspn(format, "%"), format);
        for (char *at = strstr(words, mark); at; at = strstr(at + 1, mark)) /* the last one */
            if (!start || at + strlen(mark) > start) start = at + strlen(mark);
    }
    (void)ec_language_swap(before);
    return start;
}

const char *ec_process_last_words(struct ec_process *p, enum ec_status *status) {
    *status = EC_OK;
    while (p->last_n > 0 && (p->last[p->last_n - 1] == '\n' || p->last[p->last_n - 1] == ' ')) p->last_n--;
    p->last[p->last_n] = '\0';
    char *start = find_error(p->last), *end = start ? strchr(start, ']') : NULL, *message = end ? strstr(end, ": ") : NULL;
    if (!message) return p->last;
    *end = '\0';
    enum ec_status found = ec_status_by_slug(start);
    if (found == EC_STATUS_COUNT) {
        *end = ']';
        return p->last;
    }
    *status = found;
    message += 2;
    message[strcspn(message, "\n")] = '\0';
    return message;
}
