/* Key files: written in sorted runs, read by a k-way merge. */
#include "gate/keys.h"

#include "base/io.h"

#include <stdlib.h>

struct ec_key_writer {
    char *path;
    int fd;
    struct ec_key *run;
    size_t n;
    uint64_t count;
};

static int compare(const struct ec_key *a, const struct ec_key *b) {
    if (a->hash.hi != b->hash.hi) return a->hash.hi < b->hash.hi ? -1 : 1;
    if (a->hash.lo != b->hash.lo) return a->hash.lo < b->hash.lo ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static int compare_void(const void *a, const void *b) {
    return compare(a, b);
}

enum ec_status ec_key_writer_create(const char *path, struct ec_key_writer **out, struct ec_err *err) {
    struct ec_key_writer *w = ec_calloc(1, sizeof *w);
    if (!w) return ec_fail(err, EC_NO_MEMORY, "no memory for a key file");
    w->fd = -1;
    w->path = ec_strdup(path);
    w->run = ec_calloc(EC_KEY_RUN, sizeof *w->run);
    enum ec_status status = EC_OK;
    if (!w->path || !w->run) status = ec_fail(err, EC_NO_MEMORY, "no memory for a key file");
    if (status == EC_OK) status = ec_file_create(path, &w->fd, err);
    if (status != EC_OK) {
        ec_free(w->path);
        ec_free(w->run);
        ec_free(w);
        return status;
    }
    *out = w;
    return EC_OK;
}

static enum ec_status flush_run(struct ec_key_writer *w, struct ec_err *err) {
    if (w->n == 0) return EC_OK;
    qsort(w->run, w->n, sizeof *w->run, compare_void);
    EC_TRY(ec_file_write(w->fd, w->run, w->n * sizeof *w->run, w->path, err));
    w->count += w->n;
    w->n = 0;
    return EC_OK;
}

enum ec_status ec_key_writer_add(struct ec_key_writer *w, const struct ec_key *key, struct ec_err *err) {
    if (w->n == EC_KEY_RUN) EC_TRY(flush_run(w, err));
    w->run[w->n++] = *key;
    return EC_OK;
}

enum ec_status ec_key_writer_finish(struct ec_key_writer *w, uint64_t *count, struct ec_err *err) {
    EC_TRY(flush_run(w, err));
    *count = w->count;
    int fd = w->fd;
    w->fd = -1;
    if (ec_io.close(fd) != 0) return ec_fail_errno(err, EC_IO, "cannot close %s", w->path);
    return EC_OK;
}

void ec_key_writer_destroy(struct ec_key_writer *w) {
    if (!w) return;
    if (w->fd >= 0) ec_file_abandon(w->fd, w->path);
    ec_free(w->path);
    ec_free(w->run);
    ec_free(w);
}

/* What the buffers of all runs share, and what one of them gets at least and at most. */
#define MERGE_BYTES     ((size_t)32 * EC_MIB)
#define RUN_RECORDS_MIN ((size_t)16)
#define RUN_RECORDS_MAX ((size_t)4096)
#define MERGE_ARENA_MAX ((size_t)EC_GIB)

/* One sorted run of one file, read through a small buffer. */
struct run {
    const char *path;
    uint32_t rank;
    uint64_t next; /* record in the file to read next */
    uint64_t end;  /* record behind the run */
    size_t at, n;  /* in the buffer */
    struct ec_key *key;
};

struct ec_key_merge {
    struct run *run;
    size_t run_count;
    size_t *heap; /* runs that have a key, the smallest first */
    size_t heap_n;
    size_t buffer; /* records of a run's */
    struct ec_arena arena;
};

static bool run_less(const struct ec_key_merge *m, size_t a, size_t b) {
    const struct run *x = &m->run[a], *y = &m->run[b];
    const struct ec_key *p = &x->key[x->at], *q = &y->key[y->at];
    if (p->hash.hi != q->hash.hi) return p->hash.hi < q->hash.hi;
    if (p->hash.lo != q->hash.lo) return p->hash.lo < q->hash.lo;
    if (x->rank != y->rank) return x->rank < y->rank;
    return p->offset < q->offset;
}

static void sift_down(struct ec_key_merge *m, size_t i) {
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
            if (child < m->heap_n && run_less(m, m->heap[child], m->heap[least])) least = child;
        if (least == i) return;
        size_t t = m->heap[i];
        m->heap[i] = m->heap[least];
        m->heap[least] = t;
        i = least;
    }
}

/* Opens the file for each of its buffers: a process may not hold thousands of files open. */
static enum ec_status refill(const struct ec_key_merge *m, struct run *run, struct ec_err *err) {
    uint64_t left = run->end - run->next;
    size_t n = left < m->buffer ? (size_t)left : m->buffer, got = 0;
    int fd;
    EC_TRY(ec_file_open(run->path, &fd, NULL, err));
    enum ec_status status = ec_file_read_at(fd, run->key, n * sizeof *run->key, (off_t)(run->next * sizeof *run->key),
                                            &got, run->path, err);
    (void)ec_io.close(fd);
    EC_TRY(status);
    if (got != n * sizeof *run->key) return ec_fail(err, EC_IO, "the key file %s is shorter than it was", run->path);
    run->next += n;
    run->at = 0;
    run->n = n;
    return EC_OK;
}

static enum ec_status count_records(const char *path, uint64_t *records, struct ec_err *err) {
    struct stat st;
    int fd;
    EC_TRY(ec_file_open(path, &fd, &st, err));
    (void)ec_io.close(fd);
    *records = (uint64_t)st.st_size / sizeof(struct ec_key);
    if ((uint64_t)st.st_size % sizeof(struct ec_key) == 0) return EC_OK;
    return ec_fail(err, EC_IO, "the key file %s is damaged: it ends within a record", path);
}

static enum ec_status add_runs(struct ec_key_merge *m, const struct ec_key_input *input, uint64_t records,
                               struct ec_err *err) {
    for (uint64_t start = 0; start < records; start += EC_KEY_RUN) {
        uint64_t end = records - start < EC_KEY_RUN ? records : start + EC_KEY_RUN;
        struct run *run = &m->run[m->run_count];
        *run = (struct run){.path = input->path, .rank = input->rank, .next = start, .end = end};
        uint64_t most = end - start < m->buffer ? end - start : m->buffer;
        run->key = ec_arena_alloc(&m->arena, (size_t)most * sizeof *run->key);
        if (!run->key) return ec_fail(err, EC_NO_MEMORY, "no memory to merge keys");
        EC_TRY(refill(m, run, err));
        m->heap[m->heap_n++] = m->run_count++;
    }
    return EC_OK;
}

static enum ec_status open_runs(struct ec_key_merge *m, const struct ec_key_input *input, size_t count,
                                struct ec_err *err) {
    size_t runs = 0;
    uint64_t *records = ec_arena_calloc(&m->arena, count, sizeof *records);
    if (!records) return ec_fail(err, EC_NO_MEMORY, "no memory to merge keys");
    for (size_t i = 0; i < count; i++) {
        EC_TRY(count_records(input[i].path, &records[i], err));
        runs += (size_t)((records[i] + EC_KEY_RUN - 1) / EC_KEY_RUN);
    }
    m->run = ec_arena_calloc(&m->arena, runs, sizeof *m->run);
    m->heap = ec_arena_calloc(&m->arena, runs, sizeof *m->heap);
    if (!m->run || !m->heap) return ec_fail(err, EC_NO_MEMORY, "no memory to merge keys");
    m->buffer = MERGE_BYTES / sizeof(struct ec_key) / (runs ? runs : 1);
    if (m->buffer < RUN_RECORDS_MIN) m->buffer = RUN_RECORDS_MIN;
    if (m->buffer > RUN_RECORDS_MAX) m->buffer = RUN_RECORDS_MAX;
    for (size_t i = 0; i < count; i++) EC_TRY(add_runs(m, &input[i], records[i], err));
    for (size_t i = m->heap_n; i-- > 0;) sift_down(m, i);
    return EC_OK;
}

enum ec_status ec_key_merge_open(const struct ec_key_input *input, size_t count, struct ec_key_merge **out,
                                 struct ec_err *err) {
    struct ec_key_merge *m = ec_calloc(1, sizeof *m);
    if (!m) return ec_fail(err, EC_NO_MEMORY, "no memory to merge keys");
    ec_arena_init(&m->arena, MERGE_ARENA_MAX);
    enum ec_status status = open_runs(m, input, count, err);
    if (status != EC_OK) {
        ec_key_merge_close(m);
        return status;
    }
    *out = m;
    return EC_OK;
}

enum ec_status ec_key_merge_next(struct ec_key_merge *m, struct ec_key *key, uint32_t *rank, bool *end,
                                 struct ec_err *err) {
    *end = m->heap_n == 0;
    if (*end) return EC_OK;
    struct run *run = &m->run[m->heap[0]];
    *key = run->key[run->at++];
    *rank = run->rank;
    if (run->at == run->n) {
        if (run->next < run->end)
            EC_TRY(refill(m, run, err));
        else
            m->heap[0] = m->heap[--m->heap_n];
    }
    sift_down(m, 0);
    return EC_OK;
}

void ec_key_merge_close(struct ec_key_merge *m) {
    if (!m) return;
    ec_arena_deinit(&m->arena);
    ec_free(m);
}
