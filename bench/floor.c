/* The floor of the pipeline's time: what it costs to inflate, read and copy the bytes, and nothing else.
 *
 *     ecluse_floor RAW [--jobs N] [--logs]
 *
 * Each member of RAW/api_logs.zip and each plain file below RAW is a task, the largest first; N processes
 * (default 2) take tasks from a shared counter. A member is inflated by ISA-L, its CRC verified, into a window
 * that stays in L2, a plain file read into it, 4 MiB at a time; every decoded byte is then copied out of the window
 * into 32 MiB of memory that is used in turns. --logs takes the archive alone. Prints bytes and seconds.
 */
#include "base/arena.h"
#include "source/discover.h"

#include <dirent.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TASKS_MAX   20000
#define WINDOW      ((size_t)256 << 10)
#define INPUT       ((size_t)128 << 10)
#define COPIES      ((size_t)32 << 20)
#define PIECE       ((uint64_t)4 << 20) /* of a plain file */
#define ZIP_STORED  0
#define ARENA_BYTES ((size_t)64 << 20)

struct task {
    char path[1024];
    uint64_t offset, bytes; /* where the stored bytes lie */
    bool gzip;
};

struct shared {
    atomic_size_t next;
    atomic_ullong decoded;
    atomic_bool failed;
};

struct copier {
    char *to;
    size_t at;
};

static struct task *tasks;
static size_t task_count;

static void stop(const char *what, const char *path) {
    (void)fprintf(stderr, "ecluse_floor: %s: %s\n", path, what);
    exit(3);
}

static void add_task(const char *path, uint64_t offset, uint64_t bytes, bool gzip) {
    if (task_count == TASKS_MAX) stop("too many files", path);
    struct task *t = &tasks[task_count++];
    (void)snprintf(t->path, sizeof t->path, "%s", path);
    t->offset = offset;
    t->bytes = bytes;
    t->gzip = gzip;
}

static void add_archive(const char *path) {
    static struct ec_arena arena;
    struct ec_zip_member *member;
    size_t count;
    struct ec_err err = {0};
    ec_arena_init(&arena, ARENA_BYTES);
    if (ec_zip_list(path, &arena, &member, &count, &err) != EC_OK) stop(err.message, path);
    for (size_t i = 0; i < count; i++) {
        if (member[i].method != ZIP_STORED) stop("a member is not stored, as the shop's are", path);
        add_task(path, member[i].data_offset, member[i].bytes_stored, true);
    }
    ec_arena_deinit(&arena);
}

static void add_plain(const char *path, uint64_t bytes) {
    for (uint64_t at = 0; at < bytes; at += PIECE) add_task(path, at, bytes - at < PIECE ? bytes - at : PIECE, false);
}

static void add_folder(const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) stop("cannot be opened", folder);
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        char path[1024];
        struct stat info;
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "api_logs.zip") == 0) continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (stat(path, &info) != 0) stop("cannot be read", path);
        if (S_ISDIR(info.st_mode))
            add_folder(path);
        else
            add_plain(path, (uint64_t)info.st_size);
    }
    (void)closedir(dir);
}

static void copy_out(struct copier *c, const void *p, size_t n) {
    if (c->at + n > COPIES) c->at = 0;
    memcpy(c->to + c->at, p, n);
    c->at += n;
}

static size_t read_at(int fd, const struct task *t, uint64_t at, uint8_t *buf, size_t n) {
    if (t->bytes - at < n) n = (size_t)(t->bytes - at);
    ssize_t got = pread(fd, buf, n, (off_t)(t->offset + at));
    if (got < 0 || (size_t)got != n) stop("cannot be read", t->path);
    return n;
}

static uint64_t inflate_member(int fd, const struct task *t, uint8_t *input, uint8_t *window, struct copier *c) {
    struct inflate_state state;
    uint64_t at = 0, decoded = 0;
    isal_inflate_init(&state);
    state.crc_flag = ISAL_GZIP;
    while (state.block_state != ISAL_BLOCK_FINISH) {
        if (state.avail_in == 0) {
            state.next_in = input;
            state.avail_in = (uint32_t)read_at(fd, t, at, input, INPUT);
            if (state.avail_in == 0) stop("is truncated", t->path);
            at += state.avail_in;
        }
        state.next_out = window;
        state.avail_out = (uint32_t)WINDOW;
        if (isal_inflate(&state) != ISAL_DECOMP_OK) stop("is damaged", t->path);
        size_t n = WINDOW - state.avail_out;
        copy_out(c, window, n);
        decoded += n;
    }
    return decoded;
}

static uint64_t read_plain(int fd, const struct task *t, uint8_t *window, struct copier *c) {
    for (uint64_t at = 0; at < t->bytes;) {
        size_t n = read_at(fd, t, at, window, WINDOW);
        copy_out(c, window, n);
        at += n;
    }
    return t->bytes;
}

static void work(struct shared *s) {
    uint8_t *input = malloc(INPUT), *window = malloc(WINDOW);
    struct copier c = {.to = malloc(COPIES)};
    if (!input || !window || !c.to) stop("no memory", "-");
    for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < task_count;) {
        const struct task *t = &tasks[i];
        int fd = open(t->path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) stop("cannot be opened", t->path);
        uint64_t n = t->gzip ? inflate_member(fd, t, input, window, &c) : read_plain(fd, t, window, &c);
        (void)atomic_fetch_add(&s->decoded, n);
        (void)close(fd);
    }
    free(c.to);
    free(window);
    free(input);
}

static int larger_first(const void *a, const void *b) {
    const struct task *x = a, *y = b;
    /* A byte of a member is some six decoded ones. */
    uint64_t cost_x = x->gzip ? 6 * x->bytes : x->bytes, cost_y = y->gzip ? 6 * y->bytes : y->bytes;
    return cost_x < cost_y ? 1 : cost_x > cost_y ? -1 : 0;
}

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(int jobs, struct shared *s) {
    for (int i = 0; i < jobs; i++) {
        pid_t pid = fork();
        if (pid < 0) stop("cannot fork", "-");
        if (pid == 0) {
            work(s);
            _exit(0);
        }
    }
    for (int i = 0; i < jobs; i++) {
        int status;
        if (wait(&status) < 0 || status != 0) exit(3);
    }
}

int main(int argc, char **argv) {
    const char *raw = NULL;
    int jobs = 2;
    bool logs_alone = false;
    char archive[1024];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--logs") == 0)
            logs_alone = true;
        else if (strcmp(argv[i], "--jobs") == 0 && i + 1 < argc)
            jobs = argv[++i][0] - '0';
        else
            raw = argv[i];
    }
    if (!raw || jobs < 1 || jobs > 9) {
        (void)fprintf(stderr, "usage: ecluse_floor RAW [--jobs 1..9] [--logs]\n");
        return 2;
    }
    double start = seconds();
    tasks = calloc(TASKS_MAX, sizeof *tasks);
    struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!tasks || s == MAP_FAILED) stop("no memory", "-");
    (void)snprintf(archive, sizeof archive, "%s/api_logs.zip", raw);
    add_archive(archive);
    if (!logs_alone) add_folder(raw);
    qsort(tasks, task_count, sizeof *tasks, larger_first);
    run(jobs, s);
    double took = seconds() - start;
    double mb = (double)atomic_load(&s->decoded) / 1e6;
    (void)printf("%.1f MB decoded in %.3f s: %.0f MB/s\n", mb, took, mb / took);
    return 0;
}
