#include "base/hashing_private.h"

#include "base/io.h"
#include "base/sha256.h"
#include "base/sha256_lanes.h"
#include "base/threads.h"

#include <stdlib.h>

/* A thread is worth starting for so much. */
#define BYTES_PER_THREAD ((uint64_t)8 << 20)

enum ec_status ec_hash_input_init(struct ec_hash_input *in, struct ec_err *err) {
    *in = (struct ec_hash_input){.fd = -1};
    return ec_hash_sum_create(&in->quick, err);
}

static void close_job(struct ec_hash_input *in) {
    if (in->fd >= 0) (void)ec_io.close(in->fd);
    in->fd = -1;
    in->job = NULL;
}

void ec_hash_input_deinit(struct ec_hash_input *in) {
    close_job(in);
    ec_hash_sum_destroy(in->quick);
}

void ec_hash_input_fail(struct ec_hash_input *in, enum ec_status status, const struct ec_err *err) {
    in->job->status = status;
    (void)snprintf(in->job->message, sizeof in->job->message, "%.255s", err->message);
    close_job(in);
}

bool ec_hash_input_next(struct ec_hash_input *in, struct ec_hash_work *work) {
    for (size_t i; (i = atomic_fetch_add(&work->next, 1)) < work->count;) {
        struct ec_err err = {0};
        in->job = &work->job[work->order ? work->order[i] : i];
        in->done = 0;
        (void)ec_hash_sum_end(in->quick); /* of a job that failed half way */
        enum ec_status status = ec_file_open(in->job->path, &in->fd, NULL, &err);
        if (status == EC_OK) return true;
        ec_hash_input_fail(in, status, &err);
    }
    return false;
}

enum ec_status ec_hash_input_read(struct ec_hash_input *in, void *to, size_t n, size_t *got) {
    struct ec_hash_job *job = in->job;
    struct ec_err err = {0};
    bool whole = job->bytes == EC_HASH_WHOLE;
    if (!whole && job->bytes - in->done < n) n = (size_t)(job->bytes - in->done);
    enum ec_status status = ec_file_read_at(in->fd, to, n, (off_t)(job->offset + in->done), got, job->path, &err);
    if (status == EC_OK && *got < n && !whole)
        status = ec_fail(&err, EC_UNREADABLE, "%s is shorter than its directory says", job->path);
    if (status != EC_OK) {
        ec_hash_input_fail(in, status, &err);
        return status;
    }
    if (job->with_quick) ec_hash_sum_add(in->quick, to, *got);
    in->done += *got;
    return EC_OK;
}

void ec_hash_input_end(struct ec_hash_input *in) {
    in->job->bytes = in->done;
    if (in->job->with_quick) in->job->quick = ec_hash_sum_end(in->quick);
    in->job->status = EC_OK;
    close_job(in);
}

static enum ec_status add_all(struct ec_hash_input *in, struct ec_sha256 *sha, void *piece, struct ec_err *err) {
    for (;;) {
        size_t got;
        if (ec_hash_input_read(in, piece, EC_HASH_PIECE, &got) != EC_OK) return EC_OK; /* it has its outcome */
        if (got == 0) break;
        EC_TRY(ec_sha256_add(sha, piece, got, err));
    }
    EC_TRY(ec_sha256_end(sha, in->job->hex, err));
    ec_hash_input_end(in);
    return EC_OK;
}

static void do_job(struct ec_hash_input *in, void *piece) {
    struct ec_err err = {0};
    struct ec_sha256 *sha = NULL;
    enum ec_status status = ec_sha256_create(&sha, &err);
    if (status == EC_OK) status = add_all(in, sha, piece, &err);
    if (status != EC_OK) ec_hash_input_fail(in, status, &err);
    ec_sha256_destroy(sha);
}

static enum ec_status one_by_one(struct ec_hash_work *work, struct ec_err *err) {
    struct ec_hash_input in;
    void *piece = ec_malloc(EC_HASH_PIECE);
    enum ec_status status = ec_hash_input_init(&in, err);
    if (!piece) status = ec_fail(err, EC_NO_MEMORY, "no memory to hash files");
    while (status == EC_OK && ec_hash_input_next(&in, work)) do_job(&in, piece);
    ec_hash_input_deinit(&in);
    ec_free(piece);
    return status;
}

/* A thread that has no memory leaves its share to the others. */
static void *do_jobs(void *context) {
    struct ec_err unused = {0};
#if defined(__x86_64__)
    if (ec_sha256_lanes_here() && ec_hash_in_pairs(context, &unused) == EC_OK) return NULL;
#endif
    (void)one_by_one(context, &unused);
    return NULL;
}

struct size {
    uint64_t bytes;
    size_t job;
};

static int larger_first(const void *a, const void *b) {
    const struct size *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return (x->job > y->job) - (x->job < y->job);
}

static uint64_t bytes_of(const struct ec_hash_job *job) {
    struct stat st;
    if (job->bytes != EC_HASH_WHOLE) return job->bytes;
    return stat(job->path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

/* Large ones first: what is hashed last is small, and nothing waits for it. Sets the number of useful threads. */
static size_t *make_order(const struct ec_hash_job *job, size_t count, unsigned *threads) {
    uint64_t bytes = 0;
    struct size *size = ec_calloc(count, sizeof *size);
    size_t *order = ec_calloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++) {
        uint64_t n = bytes_of(&job[i]);
        bytes += n;
        if (size) size[i] = (struct size){n, i};
    }
    if (bytes / BYTES_PER_THREAD < *threads) *threads = (unsigned)(bytes / BYTES_PER_THREAD);
    if (size && order && count > 0) qsort(size, count, sizeof *size, larger_first);
    for (size_t i = 0; i < count && size && order; i++) order[i] = size[i].job;
    if (!size) ec_free(order);
    if (!size) order = NULL;
    ec_free(size);
    return order;
}

void ec_hash_all(struct ec_hash_job *job, size_t count, unsigned threads) {
    size_t *order = make_order(job, count, &threads);
    struct ec_hash_work work = {.job = job, .order = order, .count = count};
    atomic_init(&work.next, 0);
    for (size_t i = 0; i < count; i++) { /* until it is done */
        job[i].status = EC_NO_MEMORY;
        (void)snprintf(job[i].message, sizeof job[i].message, _("no memory to read %.200s"), job[i].path);
    }
    ec_side_by_side(do_jobs, &work, threads);
    ec_free(order);
}
