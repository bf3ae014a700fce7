#include "watch/watch.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"
#include "watch/look.h"
#include "watch/notify.h"
#include "watch/quiet.h"
#include "watch/tree.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Where events come, a look now and then finds what no event told of. */
#define LOOK_ANYWAY_US (INT64_C(300) * EC_MICROS_PER_SECOND)

struct watch {
    const struct ec_watch_options *o;
    struct ec_tree tree;
    struct ec_quiet quiet;
    struct ec_look seen; /* when the last run began */
    struct ec_look last; /* the last look, where events do not tell of changes */
    bool trusted;        /* every change since `last` was told by an event */
    bool told;           /* what is waited for was logged */
    bool told_of_writer;
    bool told_of_folder;
    int64_t look_at_us;  /* the next look, whatever events tell */
    int64_t watchdog_us, pinged_us;
    pid_t pid;           /* of the run; 0: there is none */
    int stop_sent;       /* the signal that it was told to end by */
    int result;          /* exit code of the last run */
    bool ran;
    bool after_run; /* since the last look a run has ended */
};

static volatile sig_atomic_t stop_signal;

static void on_stop(int number) { stop_signal = number; }
static void on_child(int number) { (void)number; }

/* They are let in while we wait, and at no other time: none is missed between a look at it and the wait. */
static void take_signals(sigset_t *waiting) {
    struct sigaction stop = {.sa_handler = on_stop}, child = {.sa_handler = on_child};
    sigset_t held;
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGINT);
    (void)sigaddset(&held, SIGCHLD);
    stop_signal = 0;
    (void)sigprocmask(SIG_BLOCK, &held, waiting);
    (void)sigdelset(waiting, SIGTERM);
    (void)sigdelset(waiting, SIGINT);
    (void)sigdelset(waiting, SIGCHLD);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGCHLD, &child, NULL);
}

/* ---- the run ---- */

/* With the signals as we found them, and our handlers gone. */
static enum ec_status start_run(struct watch *w, const sigset_t *mask, struct ec_err *err) {
    posix_spawnattr_t attributes;
    sigset_t ours;
    (void)sigemptyset(&ours);
    (void)sigaddset(&ours, SIGPIPE); /* which we ignore */
    int cause = posix_spawnattr_init(&attributes);
    if (cause == 0) cause = posix_spawnattr_setsigmask(&attributes, mask);
    if (cause == 0) cause = posix_spawnattr_setsigdefault(&attributes, &ours);
    if (cause == 0) cause = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (cause == 0) cause = posix_spawn(&w->pid, w->o->argv[0], NULL, &attributes, (char *const *)(uintptr_t)w->o->argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    w->stop_sent = 0;
    if (cause == 0) return EC_OK;
    w->pid = 0;
    errno = cause;
    return ec_fail_errno(err, EC_IO, "cannot start the run %s", w->o->argv[0]);
}

static void say_result(const struct watch *w, int64_t again_us) {
    const char *then = again_us > 0 ? "" : _(", waiting for new files");
    enum ec_log_level level = w->result == EC_EXIT_DONE ? EC_LOG_INFO : EC_LOG_WARN;
    long long again_s = (long long)(again_us / EC_MICROS_PER_SECOND);
    if (w->result == EC_EXIT_LOCKED)
        ec_log(level, "watch: another run holds the lock, trying again in %lld s", again_s);
    else if (again_us > 0)
        ec_log(level, "watch: the run ended with exit code %d, trying again in %lld s", w->result, again_s);
    else
        ec_log(level, "watch: the run ended with exit code %d%s", w->result, w->o->once ? "" : then);
}

/* Takes the end of the run, where it has ended. */
static void reap(struct watch *w, int64_t now_us) {
    int status;
    pid_t ended = waitpid(w->pid, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return;
    w->pid = 0;
    w->ran = true;
    w->result = ended < 0 ? EC_EXIT_RUNTIME : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (stop_signal) return;
    say_result(w, ec_quiet_ran(&w->quiet, w->result, now_us));
    ec_notify("STATUS=waiting for files");
    w->told = w->told_of_writer = false;
    w->look_at_us = now_us; /* what came meanwhile? */
    w->after_run = true;
}

/* ---- what there is ---- */

static void say_folder(struct watch *w, const struct ec_err *err) {
    if (err->status != EC_OK && !w->told_of_folder) ec_log(EC_LOG_WARN, "watch: %s; waiting for it to come back", err->message);
    if (err->status == EC_OK && w->told_of_folder) ec_log(EC_LOG_INFO, "watch: the drop folder is there again");
    w->told_of_folder = err->status != EC_OK;
}

static int64_t look_interval_us(const struct watch *w) {
    bool blind = w->tree.fd < 0 || w->told_of_folder;
    return blind ? w->o->poll_s * EC_MICROS_PER_SECOND : LOOK_ANYWAY_US;
}

/* False where the folder cannot be read; it may come back. */
static bool look(struct watch *w, struct ec_look *now, int64_t now_us) {
    struct ec_err err = {0};
    enum ec_status status = ec_look_take(w->o->dir, now, &err);
    say_folder(w, &err);
    w->look_at_us = now_us + look_interval_us(w);
    if (status == EC_OK) return true;
    w->quiet.not_before_us = w->look_at_us;
    ec_look_deinit(now);
    return false;
}

static void keep(struct ec_look *kept, struct ec_look *now) {
    ec_look_deinit(kept);
    *kept = *now;
    *now = (struct ec_look){0};
}

static void open_tree(struct watch *w) {
    ec_tree_close(&w->tree);
    ec_tree_open(&w->tree, w->o->dir, w->o->events);
    if (w->tree.fd < 0 && w->o->events)
        ec_log(EC_LOG_WARN, "watch: looking every %u s from now on: %s", w->o->poll_s, w->tree.why_not);
}

static void say_arrival(struct watch *w, const char *name, size_t more) {
    if (w->told) return;
    w->told = true;
    if (more > 0)
        ec_log(EC_LOG_INFO, "watch: %s and %zu more; waiting until nothing changes for %u s", name, more, w->o->quiet_s);
    else
        ec_log(EC_LOG_INFO, "watch: %s; waiting until nothing changes for %u s", name, w->o->quiet_s);
    ec_notify("STATUS=waiting for a drop to be complete");
}

/* A look between runs: behind each, where events do not tell, and now and then anyway. */
static void look_around(struct watch *w, int64_t now_us) {
    struct ec_look now;
    bool was_gone = w->told_of_folder;
    if (!look(w, &now, now_us)) return;
    if (was_gone) {
        open_tree(w);
        w->trusted = false;
        ec_quiet_changed(&w->quiet, now_us);
    }
    size_t count = 0;
    const char *name = ec_look_news(&w->seen, &now, &count);
    if (w->after_run ? name != NULL : ec_look_differs(&w->last, &now)) {
        ec_quiet_changed(&w->quiet, now_us);
        if (name) say_arrival(w, name, count - 1);
    }
    w->after_run = false;
    keep(&w->last, &now);
}

static void hear(struct watch *w, int64_t now_us) {
    struct ec_heard_of heard;
    ec_tree_hear(&w->tree, &heard);
    if (heard.changed || heard.incomplete) ec_quiet_changed(&w->quiet, now_us);
    if (heard.name[0] && w->pid == 0) say_arrival(w, heard.name, 0);
    if (!heard.incomplete) return;
    ec_log(EC_LOG_DEBUG, "watch: events were lost, looking at the whole folder");
    w->trusted = false;
    w->look_at_us = now_us;
    open_tree(w);
}

static bool wait_for_writer(struct watch *w, int64_t now_us) {
    if (w->tree.writers == 0 || w->told_of_writer || ec_quiet_due(&w->quiet, false, now_us) > 0) return false;
    w->told_of_writer = true;
    ec_log(EC_LOG_INFO, "watch: waiting for %s, which is still open for writing (at most %u s)", w->tree.writer[0].name,
           w->o->quiet_s * EC_QUIET_PATIENCE);
    return true;
}

/* The time has come: a last look decides. */
static enum ec_status settle(struct watch *w, const sigset_t *mask, int64_t now_us, struct ec_err *err) {
    struct ec_look now;
    if (!look(w, &now, now_us)) return EC_OK;
    bool grew = !w->trusted && ec_look_differs(&w->last, &now);
    bool wanted = w->quiet.again || ec_look_news(&w->seen, &now, NULL) != NULL;
    w->trusted = w->tree.fd >= 0;
    if (grew) {
        ec_quiet_changed(&w->quiet, now_us);
        keep(&w->last, &now);
        return EC_OK;
    }
    w->told = w->told_of_writer = false;
    if (!wanted) {
        ec_quiet_nothing(&w->quiet);
        keep(&w->last, &now);
        return EC_OK;
    }
    keep(&w->seen, &now);
    ec_log(EC_LOG_INFO, "watch: starting a run");
    ec_notify("STATUS=a run is under way");
    return start_run(w, mask, err);
}

/* ---- the loop ---- */

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t next_wake_us(const struct watch *w, int64_t now_us) {
    int64_t wait_us = INT64_MAX;
    if (w->watchdog_us > 0) wait_us = earlier(wait_us, w->pinged_us + w->watchdog_us - now_us);
    if (w->pid == 0) {
        bool patient = w->tree.writers > 0 && w->told_of_writer;
        wait_us = earlier(wait_us, w->look_at_us - now_us);
        wait_us = earlier(wait_us, ec_quiet_due(&w->quiet, patient, now_us));
    }
    return wait_us < 0 ? 0 : wait_us;
}

static void wait_for(struct watch *w, const sigset_t *mask, int64_t wait_us) {
    struct pollfd event = {.fd = w->tree.fd, .events = POLLIN};
    struct timespec timeout = {.tv_sec = (time_t)(wait_us / EC_MICROS_PER_SECOND), .tv_nsec = (long)(wait_us % EC_MICROS_PER_SECOND) * 1000};
    int ready = ppoll(&event, 1, wait_us == INT64_MAX ? NULL : &timeout, mask);
    int64_t now_us = ec_monotonic_micros();
    if (ready > 0) hear(w, now_us);
    if (w->watchdog_us > 0 && now_us >= w->pinged_us + w->watchdog_us) {
        ec_notify("WATCHDOG=1");
        w->pinged_us = now_us;
    }
}

static enum ec_status step(struct watch *w, const sigset_t *mask, int64_t now_us, struct ec_err *err) {
    if (w->pid > 0) {
        reap(w, now_us);
        return EC_OK;
    }
    if (now_us >= w->look_at_us) look_around(w, now_us);
    if (wait_for_writer(w, now_us)) return EC_OK;
    if (ec_quiet_due(&w->quiet, w->tree.writers > 0, now_us) == 0) return settle(w, mask, now_us, err);
    return EC_OK;
}

static void stop_run(struct watch *w) {
    if (w->pid > 0 && w->stop_sent != stop_signal) (void)kill(w->pid, w->stop_sent = stop_signal);
}

static bool is_over(const struct watch *w) {
    bool once = w->o->once && w->ran && w->result != EC_EXIT_LOCKED;
    return w->pid == 0 && (stop_signal || once);
}

static enum ec_status loop(struct watch *w, const sigset_t *mask, struct ec_err *err) {
    enum ec_status status = EC_OK;
    for (;;) {
        if (stop_signal) stop_run(w);
        if (is_over(w)) return EC_OK;
        int64_t now_us = ec_monotonic_micros();
        status = step(w, mask, now_us, err);
        if (status != EC_OK) return status;
        if (!is_over(w)) wait_for(w, mask, next_wake_us(w, now_us));
    }
}

static void say_start(const struct watch *w) {
    if (w->tree.fd >= 0)
        ec_log(EC_LOG_INFO, "watch: %s, told by the kernel; a run starts when nothing has changed for %u s", w->o->dir, w->o->quiet_s);
    else
        ec_log(EC_LOG_INFO, "watch: %s, looking every %u s (%s); a run starts when nothing has changed for %u s", w->o->dir,
               w->o->poll_s, w->tree.why_not ? w->tree.why_not : _("no events"), w->o->quiet_s);
}

enum ec_status ec_watch(const struct ec_watch_options *options, int *exit_code, struct ec_err *err) {
    struct watch w = {.o = options, .watchdog_us = ec_notify_watchdog_us()};
    sigset_t mask;
    EC_TRY(ec_dir_make(options->dir, err));
    take_signals(&mask);
    ec_tree_open(&w.tree, options->dir, options->events);
    w.trusted = w.tree.fd >= 0;
    int64_t now_us = ec_monotonic_micros();
    ec_quiet_init(&w.quiet, options->quiet_s * EC_MICROS_PER_SECOND, options->retry_s * EC_MICROS_PER_SECOND, now_us);
    say_start(&w);
    look_around(&w, now_us);
    ec_notify("READY=1\nSTATUS=waiting for files");
    enum ec_status status = loop(&w, &mask, err);
    ec_notify("STOPPING=1");
    *exit_code = stop_signal ? 128 + (int)stop_signal : w.result;
    if (stop_signal) ec_log(EC_LOG_INFO, "watch: ended by a signal");
    ec_tree_close(&w.tree);
    ec_look_deinit(&w.seen);
    ec_look_deinit(&w.last);
    return status;
}
