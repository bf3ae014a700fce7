#include "run/hashing.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define THREADS_MAX 16u
/* A thread is worth starting for so much. */
#define BYTES_PER_THREAD ((uint64_t)8 << 20)

struct work {
    struct ec_hash_job *job;
    size_t count;
    atomic_size_t next;
};

static void do_job(struct ec_hash_job *job) {
    struct ec_err err = {0};
    if (job->bytes == EC_HASH_WHOLE) job->status = ec_sha256_file(job->path, job->hex, &job->bytes, &err);
    else job->status = ec_sha256_range(job->path, job->offset, job->bytes, job->hex, &err);
    if (job->status != EC_OK) (void)snprintf(job->message, sizeof job->message, "%.255s", err.message);
}

static void *do_jobs(void *context) {
    struct work *work = context;
    for (size_t i; (i = atomic_fetch_add(&work->next, 1)) < work->count;) do_job(&work->job[i]);
    return NULL;
}

static uint64_t bytes_of(const struct ec_hash_job *job) {
    struct stat st;
    if (job->bytes != EC_HASH_WHOLE) return job->bytes;
    return stat(job->path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

static unsigned useful_threads(const struct ec_hash_job *job, size_t count, unsigned threads) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += bytes_of(&job[i]);
    uint64_t useful = bytes / BYTES_PER_THREAD;
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    return useful < threads ? (unsigned)useful : threads;
}

/* The caller is one of the threads; one that cannot be started leaves its share to the others. */
void ec_hash_all(struct ec_hash_job *job, size_t count, unsigned threads) {
    struct work work = {.job = job, .count = count};
    pthread_t id[THREADS_MAX];
    unsigned started = 0, wanted = useful_threads(job, count, threads);
    sigset_t all, before;
    atomic_init(&work.next, 0);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    while (started + 1 < wanted && pthread_create(&id[started], NULL, do_jobs, &work) == 0) started++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)do_jobs(&work);
    for (unsigned i = 0; i < started; i++) (void)pthread_join(id[i], NULL);
}
