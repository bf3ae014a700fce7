/* Runs a target over files that are there: seeds, corpora, and what was found once. No libFuzzer is needed.
 *
 *     replay_csv [-v] PATH...        a folder is taken with all that is below it
 *
 * A child process works through the files; where it dies, that file has failed, and another one goes on behind it.
 * The last line counts: "412 passed, 0 failed". */
#include "kit.h"

#include "base/io.h"
#include "base/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define INPUT_MAX   (64 * EC_MIB)
#define SECONDS_MAX 60u /* of a file; a hang must end by itself */

struct list {
    char **path;
    size_t count, cap;
};

static void add_file(struct list *list, const char *path) {
    if (list->count == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 64;
        list->path = realloc(list->path, list->cap * sizeof *list->path);
        if (!list->path) abort();
    }
    if (!(list->path[list->count++] = strdup(path))) abort();
}

static void add(struct list *list, const char *path) {
    DIR *folder = opendir(path);
    if (!folder) {
        if (ec_path_exists(path)) add_file(list, path);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char below[4096];
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        add(list, below);
    }
    (void)closedir(folder);
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void run_one(const char *path) {
    struct ec_buf bytes = ec_buf_make(INPUT_MAX);
    struct ec_err err = {0};
    fuzz_need(ec_file_load(path, &bytes, &err), &err);
    char *copy = fuzz_copy(bytes.p, bytes.n);
    (void)alarm(SECONDS_MAX);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)copy, bytes.n);
    (void)alarm(0);
    free(copy);
    ec_buf_free(&bytes);
}

/* Says by the pipe which file it has done. */
static void child(const struct list *list, size_t from, int done) {
    for (size_t i = from; i < list->count; i++) {
        run_one(list->path[i]);
        if (write(done, &i, sizeof i) != sizeof i) abort();
    }
    (void)close(done);
}

/* The files done from `from` on; the child has ended. *status is its end. */
static size_t run_child(const struct list *list, size_t from, int *status) {
    int ends[2];
    (void)fflush(NULL);
    if (pipe(ends) != 0) abort();
    pid_t pid = fork();
    if (pid < 0) abort();
    if (pid == 0) {
        (void)close(ends[0]);
        child(list, from, ends[1]);
        exit(0);
    }
    (void)close(ends[1]);
    size_t next = from, i;
    while (read(ends[0], &i, sizeof i) == sizeof i) next = i + 1;
    (void)close(ends[0]);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR) continue;
    return next;
}

/* TMPDIR of the children, so that what a dead one leaves goes as well. */
static void own_folder(char *dir, size_t n) {
    const char *temporary = getenv("TMPDIR");
    (void)snprintf(dir, n, "%.200s/ecluse-replay-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(dir) || setenv("TMPDIR", dir, 1) != 0) abort();
}

static size_t run_all(const struct list *list) {
    size_t failed = 0;
    for (size_t at = 0; at < list->count;) {
        int status = 0;
        at = run_child(list, at, &status);
        if (status == 0) continue;
        failed++;
        /* Behind the last file a leak has been found, which is nobody's in particular. */
        (void)printf("FAILED %s (status %d)\n", at < list->count ? list->path[at] : "at the end", status);
        at++;
    }
    return failed;
}

int main(int argc, char **argv) {
    struct list list = {0};
    char dir[256];
    for (int i = 1; i < argc; i++) add(&list, argv[i]);
    if (list.count) qsort(list.path, list.count, sizeof *list.path, compare);
    own_folder(dir, sizeof dir);
    size_t failed = run_all(&list);
    (void)ec_dir_remove(dir, true, NULL);
    size_t passed = list.count > failed ? list.count - failed : 0;
    (void)printf("%zu passed, %zu failed\n", passed, failed);
    for (size_t i = 0; i < list.count; i++) free(list.path[i]);
    free(list.path);
    return failed > 0 || passed == 0;
}
