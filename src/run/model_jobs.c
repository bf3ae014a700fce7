#include "run/model_jobs.h"

#include "base/io.h"
#include "base/sync_queue.h"
#include "base/threads.h"
#include "base/timing.h"
#include "run/progress.h"
#include "run/wide.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define THREADS_MAX 64u
#define LOOK_NS     50000000L /* the calling thread looks for signals and draws so often */
/* Beside DuckDB a thread holds its encoder and the rows of a run, some 100 MiB. */
#define THREAD_BYTES_MIN (uint64_t)(256 * EC_MIB)
/* One job over less than that is done before DuckDB's threads are there. */
#define ALONE_BYTES (uint64_t)(16 * EC_MIB)

/* What the threads share. The mutex guards all but `stop`. */
struct pool {
    struct ec_driver *driver;
    struct ec_model_jobs *jobs;
    struct ec_sync_queue *syncs;
    size_t *order; /* of the jobs: the early ones, then the largest first */
    size_t next;
    unsigned running;
    atomic_bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t ended; /* a thread ended */
    struct ec_sql *shared; /* the driver's, whose database the threads use */
    struct ec_sql *sql[THREADS_MAX]; /* the threads' sessions, for interrupts */
    struct ec_err err;    /* the first */
};

struct thread {
    struct pool *pool;
    unsigned index;
    pthread_t id;
};

enum ec_status ec_model_jobs_add(struct ec_model_jobs *jobs, const struct ec_model_job *job, struct ec_err *err) {
    if (jobs->count == jobs->cap) {
        size_t cap = jobs->cap ? jobs->cap * 2 : 32;
        struct ec_model_job *grown = ec_realloc_array(jobs->job, cap, sizeof *grown);
        if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory for the models");
        jobs->job = grown;
        jobs->cap = cap;
    }
    jobs->job[jobs->count++] = *job;
    return EC_OK;
}

void ec_model_jobs_deinit(struct ec_model_jobs *jobs) {
    for (size_t i = 0; i < jobs->count; i++) {
        ec_durable_destroy(jobs->job[i].options.durable);
        ec_table_writer_destroy(jobs->job[i].writer);
    }
    ec_free(jobs->job);
    *jobs = (struct ec_model_jobs){0};
}

/* ---- one job ---- */

struct asker {
    atomic_bool *stop;
    const struct ec_driver *driver; /* NULL: another thread asks for signals */
};

static bool stopped(void *context) {
    const struct asker *asker = context;
    if (asker->stop && atomic_load(asker->stop)) return true;
    return asker->driver && asker->driver->options->cancelled && asker->driver->options->cancelled();
}

static enum ec_status write_rows(struct ec_sql *sql, const struct ec_model_job *job, struct asker *asker, struct ec_err *err) {
    struct ec_sql_rows *rows;
    struct ec_batch *batch;
    const struct ec_model *model = job->work->model;
    EC_TRY(ec_model_bind(sql, model, &job->touched, job->work->files, err));
    EC_TRY(ec_model_query(sql, model, &job->touched, &rows, err));
    enum ec_status status = EC_OK;
    while (status == EC_OK) {
        if (stopped(asker)) status = ec_fail(err, EC_INTERRUPTED, "interrupted; nothing of this run was committed");
        if (status == EC_OK) status = ec_sql_next(rows, &batch, err);
        if (status != EC_OK || batch->rows == 0) break;
        status = ec_table_writer_append(job->writer, batch, NULL, batch->rows, err);
        if (asker->driver) ec_progress_draw(asker->driver->progress);
    }
    ec_sql_rows_close(rows);
    return status;
}

static enum ec_status begin_writer(struct ec_model_job *job, struct ec_err *err) {
    ec_durable_destroy(job->options.durable);
    ec_table_writer_destroy(job->writer);
    job->options.durable = NULL;
    job->writer = NULL;
    EC_TRY(ec_durable_create(&job->options.durable, err));
    return ec_table_writer_create(&job->options, &job->writer, err);
}

/* A wide model's parts may be another writer's, which only DuckDB reads: then it makes the whole rows. The parts are
 * not on the disk yet afterwards. */
static enum ec_status write_job(struct ec_sql *sql, struct ec_model_job *job, struct asker *asker, struct ec_err *err) {
    const struct ec_model *model = job->work->model;
    EC_TRY(begin_writer(job, err));
    if (model->wide) {
        struct ec_err cause = {0};
        struct ec_wide_job wide = {.model = model, .touched = &job->touched, .files = job->work->files, .writer = job->writer,
                                   .hashes = job->work->hashes, .stopped = stopped, .context = asker};
        enum ec_status status = ec_wide_write(sql, &wide, &cause);
        if (status == EC_OK) return ec_table_writer_finish(job->writer, err);
        if (status != EC_TABLE_FORMAT) {
            if (err) *err = cause;
            return status;
        }
        EC_TRY(begin_writer(job, err));
    }
    EC_TRY(write_rows(sql, job, asker, err));
    return ec_table_writer_finish(job->writer, err);
}

static int64_t thread_cpu_nanos(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A thread's jobs of one model use each other's memory. Those of another have blocks of other sizes: between what it
 * keeps of them, its heap would grow. */
static void end_model(const struct ec_model_job *before, const struct ec_model_job *next) {
    if (before && before->work->model != next->work->model) (void)malloc_trim(0);
}

static enum ec_status compute(struct ec_sql *sql, struct ec_model_job *job, struct asker *asker, struct ec_err *err) {
    int64_t wall = ec_monotonic_nanos(), cpu = thread_cpu_nanos();
    enum ec_status status = write_job(sql, job, asker, err);
    job->wall_ns = ec_monotonic_nanos() - wall;
    job->cpu_ns = thread_cpu_nanos() - cpu;
    return status;
}

/* The job's parts, to become durable while others are computed. */
static void hand_over(struct ec_sync_queue *syncs, struct ec_model_job *job) {
    ec_sync_queue_add(syncs, job->options.durable);
    job->options.durable = NULL;
}

/* ---- the threads ---- */

static struct ec_model_job *take(struct pool *pool) {
    struct ec_model_job *job = NULL;
    (void)pthread_mutex_lock(&pool->mutex);
    if (!atomic_load(&pool->stop) && pool->next < pool->jobs->count) job = &pool->jobs->job[pool->order[pool->next++]];
    (void)pthread_mutex_unlock(&pool->mutex);
    return job;
}

static enum ec_status open_session(struct thread *t, struct ec_err *err) {
    struct pool *pool = t->pool;
    struct ec_sql *sql;
    EC_TRY(ec_sql_share(pool->shared, &sql, err));
    (void)pthread_mutex_lock(&pool->mutex);
    pool->sql[t->index] = sql;
    (void)pthread_mutex_unlock(&pool->mutex);
    return EC_OK;
}

static void end_thread(struct thread *t, enum ec_status status, const struct ec_err *err) {
    struct pool *pool = t->pool;
    (void)pthread_mutex_lock(&pool->mutex);
    if (status != EC_OK && pool->err.status == EC_OK) pool->err = *err;
    if (status != EC_OK) atomic_store(&pool->stop, true);
    struct ec_sql *sql = pool->sql[t->index];
    pool->sql[t->index] = NULL;
    (void)pthread_mutex_unlock(&pool->mutex);
    ec_sql_close(sql);
    (void)pthread_mutex_lock(&pool->mutex);
    pool->running--;
    (void)pthread_cond_signal(&pool->ended);
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *context) {
    struct thread *t = context;
    struct ec_err err = {0};
    struct asker asker = {.stop = &t->pool->stop};
    enum ec_status status = open_session(t, &err);
    for (struct ec_model_job *job, *before = NULL; status == EC_OK && (job = take(t->pool)) != NULL; before = job) {
        end_model(before, job);
        status = compute(t->pool->sql[t->index], job, &asker, &err);
        if (status == EC_OK) hand_over(t->pool->syncs, job);
    }
    end_thread(t, status, &err);
    return NULL;
}

/* Tells the threads to end, and DuckDB in them. */
static void stop_all(struct pool *pool) {
    atomic_store(&pool->stop, true);
    for (unsigned i = 0; i < THREADS_MAX; i++)
        if (pool->sql[i]) ec_sql_interrupt(pool->sql[i]);
}

/* Waits for the threads, with the mutex held. */
static void watch(struct pool *pool) {
    bool interrupted = false;
    while (pool->running > 0) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_NS;
        if (until.tv_nsec >= 1000000000L) until.tv_nsec -= 1000000000L, until.tv_sec++;
        (void)pthread_cond_timedwait(&pool->ended, &pool->mutex, &until);
        bool cancelled = pool->driver->options->cancelled && pool->driver->options->cancelled();
        if (cancelled && !interrupted && pool->err.status == EC_OK)
            (void)ec_fail(&pool->err, EC_INTERRUPTED, "interrupted; nothing of this run was committed");
        if ((cancelled || atomic_load(&pool->stop)) && !interrupted) {
            stop_all(pool);
            interrupted = true;
        }
        ec_progress_draw(pool->driver->progress);
    }
}

static enum ec_status start(struct pool *pool, struct thread *thread, unsigned count, unsigned *started, struct ec_err *err) {
    enum ec_status status = EC_OK;
    for (*started = 0; *started < count; (*started)++) {
        thread[*started] = (struct thread){.pool = pool, .index = *started};
        char words[96];
        int code = ec_thread_start(&thread[*started].id, work, &thread[*started]);
        if (code == 0) continue;
        pool->running -= count - *started;
        atomic_store(&pool->stop, true);
        status = ec_fail(err, EC_NO_MEMORY, "cannot start a thread for the models: %s", ec_language_errno(code, words, sizeof words));
        break;
    }
    return status;
}

static enum ec_status run_pool(struct pool *pool, unsigned count, struct ec_err *err) {
    struct thread thread[THREADS_MAX];
    unsigned started;
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_cond_init(&pool->ended, NULL);
    pool->running = count;
    (void)pthread_mutex_lock(&pool->mutex);
    enum ec_status status = start(pool, thread, count, &started, err);
    watch(pool);
    (void)pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < started; i++) (void)pthread_join(thread[i].id, NULL);
    (void)pthread_cond_destroy(&pool->ended);
    (void)pthread_mutex_destroy(&pool->mutex);
    if (status == EC_OK && pool->err.status != EC_OK) {
        status = pool->err.status;
        if (err) *err = pool->err;
    }
    return status;
}

/* ---- all jobs ---- */

static int early_and_larger_first(const void *a, const void *b, void *context) {
    const struct ec_model_jobs *jobs = context;
    size_t left = *(const size_t *)a, right = *(const size_t *)b;
    uint64_t x = jobs->job[left].bytes, y = jobs->job[right].bytes;
    if (jobs->job[left].early != jobs->job[right].early) return jobs->job[left].early ? -1 : 1;
    if (x != y) return x > y ? -1 : 1;
    return (left > right) - (left < right);
}

static enum ec_status run_alone(struct ec_driver *d, struct ec_model_job *job, struct ec_sync_queue *syncs, struct ec_err *err) {
    struct ec_sql *sql;
    struct asker asker = {.driver = d};
    EC_TRY(job->bytes < ALONE_BYTES ? ec_driver_sql(d, &sql, err) : ec_driver_strong_sql(d, &sql, err));
    EC_TRY(compute(sql, job, &asker, err));
    hand_over(syncs, job);
    return EC_OK;
}

static enum ec_status run_threads(struct ec_driver *d, struct ec_model_jobs *jobs, struct ec_sync_queue *syncs, struct ec_err *err) {
    unsigned count = d->config->workers < THREADS_MAX ? d->config->workers : THREADS_MAX;
    if (count > jobs->count) count = (unsigned)jobs->count;
    uint64_t fit = d->config->memory_bytes / THREAD_BYTES_MIN;
    if (count > fit) count = fit > 0 ? (unsigned)fit : 1;
    struct pool pool = {.driver = d, .jobs = jobs, .syncs = syncs};
    EC_TRY(ec_driver_sql(d, &pool.shared, err));
    atomic_init(&pool.stop, false);
    pool.order = ec_calloc(jobs->count, sizeof *pool.order);
    if (!pool.order) return ec_fail(err, EC_NO_MEMORY, "no memory for the models");
    for (size_t i = 0; i < jobs->count; i++) pool.order[i] = i;
    qsort_r(pool.order, jobs->count, sizeof *pool.order, early_and_larger_first, jobs);
    enum ec_status status = run_pool(&pool, count, err);
    ec_free(pool.order);
    return status;
}

enum ec_status ec_model_jobs_run(struct ec_driver *d, struct ec_model_jobs *jobs, struct ec_sync_queue *syncs, struct ec_err *err) {
    if (jobs->count == 0) return EC_OK;
    if (jobs->count == 1 && !jobs->job[0].work->model->unordered) return run_alone(d, &jobs->job[0], syncs, err);
    return run_threads(d, jobs, syncs, err);
}
