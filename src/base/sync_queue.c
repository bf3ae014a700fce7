#include "base/sync_queue.h"

#include "base/io.h"
#include "base/threads.h"

struct waiting {
    struct ec_durable *durable;
    struct waiting *next;
};

/* The mutex guards all but the thread. */
struct ec_sync_queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    bool threaded, ended;
    struct waiting *first, *last;
    struct ec_err err; /* the first */
};

static bool has_failed(struct ec_sync_queue *q) {
    (void)pthread_mutex_lock(&q->mutex);
    bool failed = q->err.status != EC_OK;
    (void)pthread_mutex_unlock(&q->mutex);
    return failed;
}

static void make_durable(struct ec_sync_queue *q, struct ec_durable *durable) {
    struct ec_err err = {0};
    enum ec_status status = has_failed(q) ? EC_OK : ec_durable_commit(durable, &err);
    ec_durable_destroy(durable);
    if (status == EC_OK) return;
    (void)pthread_mutex_lock(&q->mutex);
    if (q->err.status == EC_OK) q->err = err;
    (void)pthread_mutex_unlock(&q->mutex);
}

/* The next that waits; NULL once there will be none. */
static struct waiting *take(struct ec_sync_queue *q) {
    (void)pthread_mutex_lock(&q->mutex);
    while (!q->first && !q->ended) (void)pthread_cond_wait(&q->changed, &q->mutex);
    struct waiting *w = q->first;
    if (w) q->first = w->next;
    if (!q->first) q->last = NULL;
    (void)pthread_mutex_unlock(&q->mutex);
    return w;
}

static void *work(void *context) {
    struct ec_sync_queue *q = context;
    for (struct waiting *w; (w = take(q)) != NULL;) {
        make_durable(q, w->durable);
        ec_free(w);
    }
    return NULL;
}

enum ec_status ec_sync_queue_create(struct ec_sync_queue **queue, struct ec_err *err) {
    struct ec_sync_queue *q = *queue = ec_calloc(1, sizeof *q);
    if (!q) return ec_fail(err, EC_NO_MEMORY, "no memory for the files that are to be synced");
    (void)pthread_mutex_init(&q->mutex, NULL);
    (void)pthread_cond_init(&q->changed, NULL);
    q->threaded = ec_thread_start(&q->thread, work, q) == 0;
    return EC_OK;
}

void ec_sync_queue_add(struct ec_sync_queue *q, struct ec_durable *durable) {
    if (!durable) return;
    struct waiting *w = q->threaded ? ec_calloc(1, sizeof *w) : NULL;
    if (!w) {
        make_durable(q, durable);
        return;
    }
    w->durable = durable;
    (void)pthread_mutex_lock(&q->mutex);
    if (q->last) q->last->next = w;
    else q->first = w;
    q->last = w;
    (void)pthread_cond_signal(&q->changed);
    (void)pthread_mutex_unlock(&q->mutex);
}

enum ec_status ec_sync_queue_end(struct ec_sync_queue *q, struct ec_err *err) {
    if (!q) return EC_OK;
    (void)pthread_mutex_lock(&q->mutex);
    q->ended = true;
    (void)pthread_cond_signal(&q->changed);
    (void)pthread_mutex_unlock(&q->mutex);
    if (q->threaded) (void)pthread_join(q->thread, NULL);
    (void)pthread_cond_destroy(&q->changed);
    (void)pthread_mutex_destroy(&q->mutex);
    enum ec_status status = q->err.status;
    if (status != EC_OK && err) *err = q->err;
    ec_free(q);
    return status;
}
