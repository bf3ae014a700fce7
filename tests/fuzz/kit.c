#include "kit.h"

#include "base/io.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS 4

/* libfyaml 0.7 keeps a buffer where a quoted text does not end. It is not ours to free, a configuration is read once,
 * and what is not libfyaml's is still seen. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfyaml.so\n";
}

static char dir[256];

static void remove_dir(void) {
    if (*dir) (void)ec_dir_remove(dir, true, NULL);
}

void fuzz_fail(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    (void)fputs("property violated: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
    remove_dir();
    abort();
}

void fuzz_need(enum ec_status status, const struct ec_err *err) {
    if (status != EC_OK) fuzz_fail("%s: %s", ec_status_text(status)->slug, err->message);
}

static int line_length(const struct ec_buf *b, size_t from) {
    size_t n = 0;
    while (from + n < b->n && b->p[from + n] != '\n' && n < 2000) n++;
    return (int)n;
}

void fuzz_same(const struct ec_buf *a, const struct ec_buf *b, const char *what) {
    FUZZ_CHECK(!a->failed && !b->failed, "%s: no room to show it", what);
    if (ec_str_eq(ec_buf_str(a), ec_buf_str(b))) return;
    size_t at = 0, line = 0;
    for (; at < a->n && at < b->n && a->p[at] == b->p[at]; at++)
        if (a->p[at] == '\n') line = at + 1;
    fuzz_fail("%s differ:\n< %.*s\n> %.*s", what, line_length(a, line), line < a->n ? a->p + line : "",
              line_length(b, line), line < b->n ? b->p + line : "");
}

/* FNV-1a, then a turn of splitmix64. */
struct fuzz_choice fuzz_choice_of(const void *p, size_t n) {
    const unsigned char *bytes = p;
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < n; i++) hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return (struct fuzz_choice){hash};
}

size_t fuzz_pick(struct fuzz_choice *choice, size_t n) {
    uint64_t z = choice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ z >> 31) % n);
}

char *fuzz_copy(const void *p, size_t n) {
    char *copy = malloc(n ? n : 1);
    if (!copy) fuzz_fail("no memory for %zu bytes", n);
    if (n) memcpy(copy, p, n);
    return copy;
}

const char *fuzz_file(unsigned slot, const void *p, size_t n) {
    static int file[SLOTS];
    static char path[SLOTS][32];
    if (file[slot] == 0) {
        file[slot] = memfd_create("fuzz", MFD_CLOEXEC);
        if (file[slot] <= 0) fuzz_fail("there is no file without a name");
        (void)snprintf(path[slot], sizeof path[slot], "/proc/self/fd/%d", file[slot]);
    }
    if (ftruncate(file[slot], 0) != 0 || pwrite(file[slot], p, n, 0) != (ssize_t)n) fuzz_fail("cannot write a file");
    return path[slot];
}

const char *fuzz_dir(void) {
    if (*dir) return dir;
    const char *temporary = getenv("TMPDIR");
    (void)snprintf(dir, sizeof dir, "%.200s/ecluse-fuzz-XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(dir)) fuzz_fail("cannot make the folder %s", dir);
    (void)atexit(remove_dir);
    return dir;
}

const char *fuzz_path(unsigned slot, const char *name) {
    static char path[SLOTS][512];
    (void)snprintf(path[slot], sizeof path[slot], "%s/%s", fuzz_dir(), name);
    return path[slot];
}

/* Where a line begins with the mark, or n. */
static size_t find_mark(struct ec_str text, const char *mark) {
    size_t m = strlen(mark);
    for (size_t i = 0; i + m <= text.n; i++)
        if ((i == 0 || text.p[i - 1] == '\n') && memcmp(text.p + i, mark, m) == 0) return i;
    return text.n;
}

static void take(struct ec_str *text, size_t n) {
    text->p += n;
    text->n -= n;
}

bool fuzz_next_part(struct ec_str *rest, const char *mark, struct ec_str *name, struct ec_str *part) {
    *name = (struct ec_str){rest->p, 0};
    if (rest->n == 0) return false;
    if (find_mark(*rest, mark) == 0) {
        take(rest, strlen(mark));
        name->p = rest->p;
        while (name->n < rest->n && rest->p[name->n] != '\n') name->n++;
        take(rest, name->n + (name->n < rest->n));
    }
    *part = (struct ec_str){rest->p, find_mark(*rest, mark)};
    take(rest, part->n);
    return true;
}
