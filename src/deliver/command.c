/* A message to a program: its words as they are configured, without a shell; JSON on its standard input; an
 * environment of a few variables; a time-out, after which it and what it started are killed. */
#include "base/calendar.h"
#include "base/io.h"
#include "deliver/send.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS     50
#define WORDS_BYTES 512u /* of what it says on stderr, the end */
#define ENV_BYTES   ((size_t)1 << 20)

/* What every program needs to find its way; nothing that is ours, and no secret of the environment. */
static const char *const kept[] = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"};

struct running {
    struct ec_sending *s;
    pid_t pid;
    int in, words; /* ours: what it reads, what it says on stderr */
    struct ec_str left;
    char last[WORDS_BYTES + 1];
    size_t last_n;
    int64_t until_us;
};

static void close_fd(int *fd) {
    if (*fd >= 0) (void)ec_io.close(*fd);
    *fd = -1;
}

/* ---- its environment ---- */

static void add_variable(struct ec_buf *text, const char *name) {
    const char *value = getenv(name);
    if (!value) return;
    ec_buf_printf(text, "%s=%s", name, value);
    ec_buf_addc(text, '\0');
}

static void fill_environment(struct ec_sending *s, struct ec_buf *text) {
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) add_variable(text, kept[i]);
    for (size_t i = 0; i < s->alert->env_count; i++) {
        const char *value = getenv(s->alert->env[i]);
        add_variable(text, s->alert->env[i]);
        if (value) ec_secrets_add(&s->secrets, value, strlen(value)); /* it may say it again on stderr */
    }
    const struct ec_message *m = s->message;
    ec_buf_printf(text, "ECLUSE_ALERT_ID=%s%cECLUSE_ALERT_KIND=%s%cECLUSE_ALERT_SEVERITY=%s%c", m->id, 0, m->kind, 0, m->severity, 0);
}

/* Its words, each of which may be a secret of the user's. */
static void guard_words(struct ec_sending *s) {
    for (size_t i = 1; i < s->alert->argv_count; i++)
        if (strlen(s->alert->argv[i]) >= 8) ec_secrets_add(&s->secrets, s->alert->argv[i], strlen(s->alert->argv[i]));
}

/* ---- starting ---- */

static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr, const char *project, int in, int words) {
    sigset_t defaults, none;
    sigemptyset(&defaults);
    sigemptyset(&none);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGTERM);
    int cause = posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO);
    if (cause == 0) cause = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (cause == 0) cause = posix_spawn_file_actions_adddup2(actions, words, STDERR_FILENO);
    if (cause == 0) cause = posix_spawn_file_actions_addchdir_np(actions, project[0] ? project : ".");
    if (cause == 0) cause = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (cause == 0) cause = posix_spawnattr_setpgroup(attr, 0);
    if (cause == 0) cause = posix_spawnattr_setsigdefault(attr, &defaults);
    return cause == 0 ? posix_spawnattr_setsigmask(attr, &none) : cause;
}

static int spawn(struct running *r, char *const *env, int in, int words) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int cause = posix_spawn_file_actions_init(&actions);
    if (cause != 0) return cause;
    cause = posix_spawnattr_init(&attr);
    if (cause == 0) {
        cause = prepare(&actions, &attr, r->s->project, in, words);
        const char **argv = r->s->alert->argv;
        if (cause == 0) cause = posix_spawnp(&r->pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, env);
        (void)posix_spawnattr_destroy(&attr);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return cause;
}

static enum ec_status start(struct running *r, char *const *env, struct ec_err *err) {
    int in[2] = {-1, -1}, words[2] = {-1, -1};
    int cause = pipe2(in, O_CLOEXEC) == 0 && pipe2(words, O_CLOEXEC) == 0 ? 0 : errno;
    if (cause == 0) cause = spawn(r, env, in[0], words[1]);
    close_fd(&in[0]);
    close_fd(&words[1]);
    r->in = in[1];
    r->words = words[0];
    if (cause == 0 && (fcntl(r->in, F_SETFL, O_NONBLOCK) != 0 || fcntl(r->words, F_SETFL, O_NONBLOCK) != 0)) cause = errno;
    if (cause == 0) return EC_OK;
    errno = cause;
    return ec_fail_errno(err, EC_DELIVERY, "%s cannot be started", r->s->alert->argv[0]);
}

/* ---- while it runs ---- */

static void feed(struct running *r) {
    while (r->in >= 0 && r->left.n > 0) {
        ssize_t n = ec_io.write(r->in, r->left.p, r->left.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) break; /* it does not read on; its exit code says whether that is well */
        r->left.p += n;
        r->left.n -= (size_t)n;
    }
    close_fd(&r->in);
}

static void hear(struct running *r) {
    for (;;) {
        char text[WORDS_BYTES];
        ssize_t n = ec_io.read(r->words, text, sizeof text);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            close_fd(&r->words);
            return;
        }
        size_t got = (size_t)n, keep = r->last_n + got > WORDS_BYTES ? WORDS_BYTES - got : r->last_n;
        memmove(r->last, r->last + r->last_n - keep, keep);
        memcpy(r->last + keep, text, got);
        r->last_n = keep + got;
    }
}

/* Until it ends. False where it has to be ended. */
static bool await(struct running *r, int *status) {
    for (;;) {
        struct pollfd fds[2] = {{.fd = r->in, .events = POLLOUT}, {.fd = r->words, .events = POLLIN}};
        (void)poll(fds, 2, TICK_MS);
        if (r->in >= 0 && fds[0].revents) feed(r);
        if (r->words >= 0 && fds[1].revents) hear(r);
        pid_t ended = waitpid(r->pid, status, WNOHANG);
        if (ended == r->pid || (ended < 0 && errno != EINTR)) return true;
        if (ec_monotonic_micros() >= r->until_us || (r->s->cancelled && r->s->cancelled())) return false;
    }
}

static const char *last_line(struct running *r) {
    r->last[r->last_n] = '\0';
    while (r->last_n > 0 && (unsigned char)r->last[r->last_n - 1] <= ' ') r->last[--r->last_n] = '\0';
    const char *line = strrchr(r->last, '\n');
    return line ? line + 1 : r->last;
}

static enum ec_status judge(struct running *r, int status, struct ec_err *err) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return EC_OK;
    const char *words = last_line(r);
    const char *colon = *words ? ": " : "";
    /* Scrubbed before it is quoted: a message that is cut may hold a part of a secret. */
    ec_secrets_scrub(&r->s->secrets, r->last, sizeof r->last);
    words = last_line(r);
    if (WIFEXITED(status))
        return ec_fail(err, EC_DELIVERY, "%s ended with status %d%s%.300s", r->s->alert->argv[0], WEXITSTATUS(status), colon, words);
    return ec_fail(err, EC_DELIVERY, "%s was killed by signal %d%s%.300s", r->s->alert->argv[0], WTERMSIG(status), colon, words);
}

static enum ec_status run(struct running *r, struct ec_err *err) {
    int status = 0;
    feed(r);
    if (await(r, &status)) {
        if (r->words >= 0) hear(r);
        return judge(r, status, err);
    }
    bool late = ec_monotonic_micros() >= r->until_us;
    (void)kill(-r->pid, SIGKILL); /* and what it started: it is the first of a group of its own */
    while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR) {}
    if (!late) return ec_fail(err, EC_DELIVERY, "it was interrupted");
    return ec_fail(err, EC_DELIVERY, "%s took longer than %u s and was killed", r->s->alert->argv[0], r->s->alert->timeout_s);
}

enum ec_status ec_send_command(struct ec_sending *s, struct ec_err *err) {
    struct running r = {.s = s, .in = -1, .words = -1, .left = s->message->payload};
    struct ec_buf text = ec_buf_make(ENV_BYTES);
    char *env[sizeof kept / sizeof *kept + EC_ALERT_WORDS_MAX + 4] = {NULL};
    size_t n = 0;
    fill_environment(s, &text);
    guard_words(s);
    enum ec_status status = ec_buf_check(&text, err);
    for (size_t at = 0; status == EC_OK && at < text.n; at += strlen(text.p + at) + 1) env[n++] = text.p + at;
    r.until_us = ec_monotonic_micros() + (int64_t)s->alert->timeout_s * EC_MICROS_PER_SECOND;
    if (status == EC_OK) status = start(&r, env, err);
    if (status == EC_OK) status = run(&r, err);
    close_fd(&r.in);
    close_fd(&r.words);
    if (text.p) explicit_bzero(text.p, text.cap);
    ec_buf_free(&text);
    return status;
}
