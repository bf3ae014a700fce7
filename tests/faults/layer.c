/* The fault layer: linked into build/ecluse-faults, never into ecluse, it replaces the entries of `ec_io` before main()
 * and makes one call fail, or ends the process there, or records every call. tests/faults/ drives it by the environment:
 *
 *     ECLUSE_FAULT_STATE=FILE        4096 bytes, zeros at first; counts calls over all processes of a run
 *     ECLUSE_FAULT=ROLE:KIND:N:WHAT:WHEN
 *         ROLE   driver or worker (a copy of the driver or a program of its own; all workers count together)
 *         KIND   io or memory: calls of files, and malloc and realloc, are counted apart
 *         N      which call of that role and kind, from 1
 *         WHAT   EIO, ENOSPC, EDQUOT, ENOMEM, EINTR: the call fails, without effect
 *                late: the call has its effect, and fails with EIO
 *                short: half the bytes are read or written
 *                kill-before, kill-after: SIGKILL
 *         WHEN   once, or ever: from there on, every call that can fail in that way (EINTR: fifty)
 *     ECLUSE_FAULT_MEET=WHO:WHERE:SIGNAL:TIMES
 *                                    the first TIMES processes that come there get the signal; SIGSTOP: they hang
 *         WHO    driver, worker or any
 *         WHERE  a pattern of paths (fnmatch), met when such a file was opened or made; of a worker also
 *                `answer`: before it gives one; `end`: there are no more tasks for it
 *     ECLUSE_FAULT_QUOTA=BYTES       a disk that takes so many bytes more, and then ENOSPC
 *     ECLUSE_FAULT_TRACE=FILE        every call of files is appended to FILE (struct record; tests/faults/calls.py reads it)
 *     ECLUSE_FAULT_TRACE_MEMORY=1    those of memory too; each with a hash of who called
 *     ECLUSE_FAULT_TRACE_CHANGES=1   only those that may change what is on the disk
 *     ECLUSE_FAULT_CLOCK=SECONDS     it is that second, and nothing takes any time or memory: runs that do the same write the
 *                                    same bytes. Only what waits sees time go by, in steps of ten seconds
 *
 * The state's `fired` says how often the fault came. Its `passed_s` is written by whoever runs the program: so many seconds
 * more have gone by, which is how a time limit is met without any waiting. A recorded call and its record are one step for
 * all processes, so that the records' order is that of the calls. */
#include "base/io.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum role { DRIVER, WORKER, ROLES };
enum kind { FILES, MEMORY, KINDS };
enum op { OPEN, READ, PREAD, WRITE, FTRUNCATE, FSYNC, WRITE_BACK, CLOSE, LINK, RENAME, UNLINK, MKDIR, RMDIR, MALLOC, REALLOC };

struct shared {
    _Atomic uint64_t count[ROLES][KINDS];
    _Atomic uint64_t fired;
    _Atomic uint64_t used; /* of the quota */
    _Atomic uint32_t lock; /* the process that has it */
    _Atomic uint32_t dead; /* the last one that was killed: what it has is anybody's */
    _Atomic int64_t start_s; /* of CLOCK_MONOTONIC, when the first process started */
    _Atomic int64_t passed_s;
    _Atomic uint64_t met;
};

struct record {
    uint32_t magic;
    uint8_t role, op, created, is_file;
    int32_t pid, result, cause, fd;
    uint32_t flags;
    uint64_t index, ino, stack;
    int64_t offset;
    uint32_t path_n, other_n, data_n, pad;
};

#define MAGIC UINT32_C(0x5EC10C4B)
#define TRACE_FD_MIN 200
#define INTERRUPTIONS 50u

enum what { NOTHING, FAIL, LATE, SHORT, KILL_BEFORE, KILL_AFTER };

static struct ec_io real;
static struct shared own, *shared = &own;
static enum role role;
static int trace_fd = -1;

static struct {
    enum what what;
    enum role role;
    enum kind kind;
    uint64_t at;
    int cause;
    bool ever;
    const char *trace;
    bool trace_memory, trace_changes;
    uint64_t quota;
    bool has_quota;
    int64_t clock_s;
    enum op op; /* of the call that failed, where it is for ever */
} fault;

static struct {
    char *where;
    bool who[ROLES];
    int number;
    uint64_t times;
} meet;

/* ---- one call ---- */

struct call {
    enum op op;
    enum what what; /* what is to happen to it */
    uint64_t index;
    bool locked;
};

/* What a killed process has is for others to take, not for its own threads: they live on for a moment, in which they may
 * still link what nobody records. */
static void lock(void) {
    uint32_t own_pid = (uint32_t)getpid(), free_now = 0;
    while (!atomic_compare_exchange_weak(&shared->lock, &free_now, own_pid)) {
        free_now = free_now && free_now != own_pid && free_now == atomic_load(&shared->dead) ? free_now : 0;
        (void)sched_yield();
    }
}

static void unlock(void) { atomic_store(&shared->lock, 0); }

/* Which calls a full disk refuses: removing makes room, reading takes none. */
static bool takes_room(enum op op) {
    return op == WRITE || op == OPEN || op == LINK || op == RENAME || op == MKDIR || op == FTRUNCATE || op == FSYNC;
}

static bool moves_bytes(enum op op) { return op == READ || op == PREAD || op == WRITE; }

static bool is_hit(enum kind kind, enum op op, uint64_t index) {
    if (fault.what == NOTHING || fault.role != role || fault.kind != kind) return false;
    if (fault.what == SHORT && !moves_bytes(op)) return false;
    if (index == fault.at) {
        fault.op = op;
        return true;
    }
    if (!fault.ever || index < fault.at) return false;
    if (fault.cause == EINTR && index >= fault.at + INTERRUPTIONS) return false;
    if (fault.what == FAIL && (fault.cause == ENOSPC || fault.cause == EDQUOT)) return takes_room(op);
    return kind == MEMORY || op == fault.op || fault.op == (enum op)-1;
}

/* By tgkill(): kill() is refused to a confined worker. A process that is killed has the lock, so that no other thread of it
 * dies with a record half done, and leaves it to whoever comes next. */
static void send_itself(int number) {
    if (number == SIGKILL && fault.trace) {
        lock();
        atomic_store(&shared->dead, (uint32_t)getpid());
    }
    if (raise(number) != 0) abort();
}

static struct call begin(enum kind kind, enum op op) {
    struct call call = {.op = op, .index = atomic_fetch_add(&shared->count[role][kind], 1) + 1};
    if (!is_hit(kind, op, call.index)) return call;
    atomic_fetch_add(&shared->fired, 1);
    call.what = fault.what;
    if (call.what == KILL_BEFORE) send_itself(SIGKILL);
    return call;
}

static void end(const struct call *call) {
    if (call->what == KILL_AFTER) send_itself(SIGKILL);
}

static bool fails(const struct call *call) {
    if (call->what == FAIL) errno = fault.cause;
    return call->what == FAIL;
}

/* ---- recording ---- */

struct told {
    const char *path, *other;
    const void *data;
    size_t data_n;
    int fd, flags;
    int64_t offset;
    bool created;
};

static uint64_t stack_of(void) {
    void *frame[16];
    int n = backtrace(frame, 16);
    uint64_t hash = 14695981039346656037u;
    for (int i = 2; i < n; i++) hash = (hash ^ (uint64_t)(uintptr_t)frame[i]) * 1099511628211u;
    return hash;
}

static void record(const struct call *call, const struct told *t, int64_t result) {
    int cause = errno;
    char path[4096] = "";
    if (trace_fd < 0) {
        int fd = open(fault.trace, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        trace_fd = fcntl(fd, F_DUPFD_CLOEXEC, TRACE_FD_MIN);
        (void)close(fd);
    }
    struct record r = {.magic = MAGIC, .role = (uint8_t)role, .op = (uint8_t)call->op, .created = t->created, .pid = getpid(),
                       .result = (int32_t)result, .cause = result < 0 ? cause : 0, .fd = t->fd, .flags = (uint32_t)t->flags,
                       .index = call->index, .offset = t->offset};
    struct stat st;
    if (t->fd >= 0 && fstat(t->fd, &st) == 0) {
        char link_path[64];
        r.ino = st.st_ino;
        r.is_file = S_ISREG(st.st_mode) || S_ISDIR(st.st_mode);
        (void)snprintf(link_path, sizeof link_path, "/proc/self/fd/%d", t->fd);
        ssize_t n = t->path ? -1 : readlink(link_path, path, sizeof path - 1);
        if (n > 0) path[n] = '\0';
    }
    if (fault.trace_memory) r.stack = stack_of();
    const char *name = t->path ? t->path : path, *other = t->other ? t->other : "";
    r.path_n = (uint32_t)strlen(name);
    r.other_n = (uint32_t)strlen(other);
    r.data_n = (uint32_t)t->data_n;
    struct iovec part[4] = {{&r, sizeof r}, {(char *)(uintptr_t)name, r.path_n}, {(char *)(uintptr_t)other, r.other_n},
                            {(void *)(uintptr_t)t->data, t->data_n}};
    if (writev(trace_fd, part, 4) < 0) abort();
    errno = cause;
}

/* With O_CREAT, a file is made; a write is one to a file. The first call of a process is recorded whatever it is: where it is
 * confined later, it could not open the trace any more. */
static bool is_recorded(enum op op, int flags) {
    if (!fault.trace) return false;
    if (!fault.trace_changes || trace_fd < 0) return true;
    if (op == OPEN) return flags & O_CREAT;
    return op != READ && op != PREAD && op != CLOSE && op != WRITE_BACK && op < MALLOC;
}

static void before_step(struct call *call, int flags) {
    if (!is_recorded(call->op, flags)) return;
    lock();
    call->locked = true;
}

static void after_step(struct call *call, const struct told *t, int64_t result) {
    if (call->locked) record(call, t, result);
    if (call->locked) unlock();
    end(call);
}

/* ---- a full disk ---- */

static bool is_full(void) {
    if (!fault.has_quota || atomic_load(&shared->used) < fault.quota) return false;
    errno = ENOSPC;
    return true;
}

/* How many of the bytes find room. */
static size_t take_room(int fd, size_t n) {
    struct stat st;
    if (!fault.has_quota || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return n;
    uint64_t before = atomic_fetch_add(&shared->used, n);
    return before >= fault.quota ? 0 : fault.quota - before < n ? (size_t)(fault.quota - before) : n;
}

/* ---- places where processes get a signal ---- */

static void come_to(const char *where) {
    int cause = errno;
    if (meet.where && meet.who[role] && fnmatch(meet.where, where, 0) == 0 && atomic_fetch_add(&shared->met, 1) < meet.times)
        send_itself(meet.number);
    errno = cause;
}

/* ---- the entries ---- */

/* Calls without bytes: fail before, or have their effect and then fail, or not. */
#define STEP(op_, told_, expression)                       \
    struct call call = begin(FILES, op_);                  \
    struct told told = told_;                              \
    before_step(&call, 0);                                 \
    int result = -1;                                       \
    if (!fails(&call)) result = (expression);              \
    if (call.what == LATE && result == 0) {                \
        result = -1;                                       \
        errno = EIO;                                       \
        call.what = NOTHING;                               \
        told.flags = 1; /* it had its effect */            \
    }                                                      \
    after_step(&call, &told, result);                      \
    if (result == 0 && (op_ == LINK || op_ == RENAME || op_ == MKDIR)) \
        come_to(told.other ? told.other : told.path);      \
    return result
#define TOLD(fd_, ...) ((struct told){.fd = (fd_), __VA_ARGS__})

static int faulty_open(const char *path, int flags, mode_t mode) {
    struct call call = begin(FILES, OPEN);
    struct stat st;
    before_step(&call, flags);
    bool was_there = (flags & O_CREAT) && fault.trace && lstat(path, &st) == 0;
    int fd = -1;
    if (!fails(&call) && !((flags & O_CREAT) && is_full())) fd = real.open(path, flags, mode);
    struct told told = {.path = path, .fd = fd, .flags = flags, .created = (flags & O_CREAT) && !was_there && fd >= 0};
    bool late = call.what == LATE && fd >= 0;
    if (late) errno = EIO;
    after_step(&call, &told, late ? -1 : fd);
    if (fd >= 0) come_to(path);
    if (!late) return fd;
    (void)real.close(fd);
    errno = EIO;
    return -1;
}

static ssize_t faulty_read(int fd, void *buf, size_t n) {
    struct call call = begin(FILES, READ);
    ssize_t got = -1;
    if (call.what == LATE) call.what = FAIL, errno = EIO;
    else if (!fails(&call)) got = real.read(fd, buf, call.what == SHORT && n > 1 ? n / 2 : n);
    if (role == WORKER && fd == STDIN_FILENO && got == 0) come_to("end");
    before_step(&call, 0); /* it may have waited for another process */
    after_step(&call, &TOLD(fd, .path = NULL), got);
    return got;
}

static ssize_t faulty_pread(int fd, void *buf, size_t n, off_t offset) {
    struct call call = begin(FILES, PREAD);
    ssize_t got = -1;
    if (call.what == LATE) call.what = FAIL, errno = EIO;
    else if (!fails(&call)) got = real.pread(fd, buf, call.what == SHORT && n > 1 ? n / 2 : n, offset);
    before_step(&call, 0);
    after_step(&call, &TOLD(fd, .path = NULL), got);
    return got;
}

static ssize_t faulty_write(int fd, const void *buf, size_t n) {
    if (role == WORKER && fd == STDOUT_FILENO) come_to("answer");
    struct call call = begin(FILES, WRITE);
    struct stat st;
    ssize_t done = -1;
    bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (is_file) before_step(&call, 0); /* a pipe may wait for another process */
    size_t room = take_room(fd, n);
    if (room == 0 && n > 0) errno = ENOSPC;
    else if (!fails(&call)) done = real.write(fd, buf, call.what == SHORT && room > 1 ? room / 2 : room);
    if (!is_file && (!fault.trace_changes || trace_fd < 0)) before_step(&call, 0);
    struct told told = {.fd = fd, .data = buf, .data_n = done > 0 && is_file ? (size_t)done : 0};
    if (is_file) told.offset = (int64_t)lseek(fd, 0, SEEK_CUR) - (done > 0 ? done : 0);
    if (call.what == LATE && done >= 0) {
        done = -1;
        errno = EIO;
    }
    after_step(&call, &told, done);
    return done;
}

static int faulty_ftruncate(int fd, off_t length) { STEP(FTRUNCATE, TOLD(fd, .offset = length), real.ftruncate(fd, length)); }
static int faulty_fsync(int fd) { STEP(FSYNC, TOLD(fd, .path = NULL), real.fsync(fd)); }

static int faulty_write_back(int fd, off_t offset, off_t n, unsigned flags) {
    STEP(WRITE_BACK, TOLD(fd, .path = NULL), real.sync_file_range(fd, offset, n, flags));
}

/* As Linux does it: the descriptor is closed, whatever close() says. */
static int faulty_close(int fd) {
    struct call call = begin(FILES, CLOSE);
    before_step(&call, 0);
    struct told told = {.fd = fd};
    if (call.locked) record(&call, &told, 0);
    int result = real.close(fd);
    if (call.locked) unlock();
    if (call.what == LATE) call.what = FAIL, result = -1, errno = EIO;
    else if (fails(&call)) result = -1;
    end(&call);
    return result;
}

static int faulty_link(const char *from, const char *to) {
    STEP(LINK, TOLD(-1, .path = from, .other = to), is_full() ? -1 : real.link(from, to));
}

static int faulty_rename(const char *from, const char *to) {
    STEP(RENAME, TOLD(-1, .path = from, .other = to), real.rename(from, to));
}

static int faulty_unlink(const char *path) { STEP(UNLINK, TOLD(-1, .path = path), real.unlink(path)); }

static int faulty_mkdir(const char *path, mode_t mode) {
    STEP(MKDIR, TOLD(-1, .path = path), is_full() ? -1 : real.mkdir(path, mode));
}

static int faulty_rmdir(const char *path) { STEP(RMDIR, TOLD(-1, .path = path), real.rmdir(path)); }

static void *faulty_malloc(size_t n) {
    struct call call = begin(MEMORY, MALLOC);
    if (fault.trace_memory) {
        before_step(&call, 0);
        after_step(&call, &TOLD(-1, .offset = (int64_t)n), 0);
    }
    if (call.what == FAIL) errno = ENOMEM;
    void *p = call.what == FAIL ? NULL : real.malloc(n);
    end(&call);
    return p;
}

static void *faulty_realloc(void *p, size_t n) {
    struct call call = begin(MEMORY, REALLOC);
    if (fault.trace_memory) {
        before_step(&call, 0);
        after_step(&call, &TOLD(-1, .offset = (int64_t)n), 0);
    }
    if (call.what == FAIL) errno = ENOMEM;
    void *grown = call.what == FAIL ? NULL : real.realloc(p, n);
    end(&call);
    return grown;
}

/* ---- the time ---- */

#define STEP_S 10

int64_t __real_ec_now_micros(void);
int64_t __wrap_ec_now_micros(void);
int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __real_getrusage(int who, struct rusage *usage);
int __wrap_getrusage(int who, struct rusage *usage);

/* The linker puts these in the place of those (--wrap): in our own objects, not in libraries. */
int64_t __wrap_ec_now_micros(void) { return fault.clock_s ? fault.clock_s * 1000000 : __real_ec_now_micros(); }

int __wrap_clock_gettime(clockid_t clock, struct timespec *t) {
    int result = __real_clock_gettime(clock, t);
    if (result == 0 && clock == CLOCK_MONOTONIC) t->tv_sec += atomic_load(&shared->passed_s);
    if (!fault.clock_s || result != 0 || clock == CLOCK_REALTIME) return result; /* the last waits for threads */
    int64_t none = 0;
    if (clock != CLOCK_MONOTONIC) {
        *t = (struct timespec){0};
        return 0;
    }
    (void)atomic_compare_exchange_strong(&shared->start_s, &none, t->tv_sec);
    *t = (struct timespec){.tv_sec = 1000000 + (t->tv_sec - atomic_load(&shared->start_s)) / STEP_S * STEP_S};
    return 0;
}

int __wrap_getrusage(int who, struct rusage *usage) {
    int result = __real_getrusage(who, usage);
    if (fault.clock_s && result == 0) *usage = (struct rusage){0};
    return result;
}

/* What was written by this run, or by one before it, was written at that second: archives keep the times of files. */
static int of_this_time(int result, struct stat *st) {
    if (fault.clock_s && result == 0 && st->st_mtim.tv_sec > fault.clock_s) st->st_mtim = (struct timespec){.tv_sec = fault.clock_s};
    return result;
}

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __real_stat(const char *path, struct stat *st);
int __wrap_stat(const char *path, struct stat *st);

int __wrap_fstat(int fd, struct stat *st) { return of_this_time(__real_fstat(fd, st), st); }
int __wrap_stat(const char *path, struct stat *st) { return of_this_time(__real_stat(path, st), st); }

/* ---- the start ---- */

static void become_copy(void) {
    role = WORKER;
    trace_fd = -1; /* a copy closes what it has inherited */
}

static bool is_worker_program(void) {
    char line[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, line, sizeof line);
    (void)close(fd);
    return n > 0 && memmem(line, (size_t)n, "\0worker", sizeof "\0worker") != NULL;
}

static void refuse(const char *text) {
    (void)fprintf(stderr, "ECLUSE_FAULT: %s\n", text);
    _exit(99);
}

static void read_fault(char *text) {
    static const struct {
        const char *name;
        enum what what;
        int cause;
    } known[] = {{"EIO", FAIL, EIO},       {"ENOSPC", FAIL, ENOSPC}, {"EDQUOT", FAIL, EDQUOT},        {"ENOMEM", FAIL, ENOMEM},
                 {"EINTR", FAIL, EINTR},   {"late", LATE, EIO},      {"short", SHORT, 0},             {"kill-before", KILL_BEFORE, 0},
                 {"kill-after", KILL_AFTER, 0}};
    char *field[5], *save = NULL;
    for (size_t i = 0; i < 5; i++) field[i] = strtok_r(i ? NULL : text, ":", &save);
    if (!field[4]) refuse("it needs five fields");
    fault.role = strcmp(field[0], "worker") == 0 ? WORKER : DRIVER;
    fault.kind = strcmp(field[1], "memory") == 0 ? MEMORY : FILES;
    fault.at = strtoull(field[2], NULL, 10);
    fault.ever = strcmp(field[4], "ever") == 0;
    fault.op = (enum op)-1;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(field[3], known[i].name) != 0) continue;
        fault.what = known[i].what;
        fault.cause = known[i].cause;
    }
    if (fault.what == NOTHING || fault.at == 0) refuse("it is not known");
}

static void read_meeting(char *text) {
    char *field[4], *save = NULL;
    for (size_t i = 0; i < 4; i++) field[i] = strtok_r(i ? NULL : text, ":", &save);
    if (!field[3]) refuse("a meeting needs four fields");
    for (size_t i = 0; i < ROLES; i++) meet.who[i] = strcmp(field[0], "any") == 0 || strcmp(field[0], i == WORKER ? "worker" : "driver") == 0;
    meet.where = field[1];
    meet.number = (int)strtol(field[2], NULL, 10);
    meet.times = strtoull(field[3], NULL, 10);
    if (meet.number == 0 || meet.times == 0 || !(meet.who[DRIVER] || meet.who[WORKER])) refuse("a meeting is not known");
}

static void share_state(const char *path) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) refuse("the state cannot be opened");
    shared = p;
    (void)close(fd);
}

__attribute__((constructor)) static void replace_table(void) {
    const char *state = getenv("ECLUSE_FAULT_STATE"), *text = getenv("ECLUSE_FAULT"), *quota = getenv("ECLUSE_FAULT_QUOTA");
    const char *clock = getenv("ECLUSE_FAULT_CLOCK"), *meeting = getenv("ECLUSE_FAULT_MEET");
    if (!state) return;
    static char copy[256], meeting_copy[256];
    share_state(state);
    if (text) {
        (void)snprintf(copy, sizeof copy, "%s", text);
        read_fault(copy);
    }
    if (meeting) {
        (void)snprintf(meeting_copy, sizeof meeting_copy, "%s", meeting);
        read_meeting(meeting_copy);
    }
    fault.trace = getenv("ECLUSE_FAULT_TRACE");
    fault.trace_memory = fault.trace && getenv("ECLUSE_FAULT_TRACE_MEMORY");
    fault.trace_changes = fault.trace && getenv("ECLUSE_FAULT_TRACE_CHANGES");
    fault.has_quota = quota != NULL;
    if (quota) fault.quota = strtoull(quota, NULL, 10);
    if (clock) fault.clock_s = strtoll(clock, NULL, 10);
    role = is_worker_program() ? WORKER : DRIVER;
    (void)pthread_atfork(NULL, NULL, become_copy);
    real = ec_io;
    ec_io = (struct ec_io){.open = faulty_open, .read = faulty_read, .pread = faulty_pread, .write = faulty_write,
                           .ftruncate = faulty_ftruncate, .fsync = faulty_fsync, .sync_file_range = faulty_write_back,
                           .close = faulty_close, .link = faulty_link, .rename = faulty_rename, .unlink = faulty_unlink,
                           .mkdir = faulty_mkdir, .rmdir = faulty_rmdir, .malloc = faulty_malloc, .realloc = faulty_realloc,
                           .free = real.free};
}
