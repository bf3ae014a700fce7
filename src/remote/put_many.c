#include "remote/put_many.h"

#include "base/io.h"
#include "base/limits.h"
#include "base/threads.h"
#include "remote/curl_load.h"
#include "remote/put.h"

#include <stdatomic.h>

struct putting {
    const struct ec_remote_settings *settings;
    struct ec_remote_put *put;
    size_t count;
    _Atomic size_t next;
    _Atomic bool stopped;  /* by what is no single file's fault */
    pthread_mutex_t mutex; /* over `err` */
    struct ec_err err;
};

static void stop(struct putting *p, const struct ec_err *cause) {
    (void)pthread_mutex_lock(&p->mutex);
    if (p->err.status == EC_OK) p->err = *cause;
    (void)pthread_mutex_unlock(&p->mutex);
    atomic_store(&p->stopped, true);
}

static enum ec_status check_size(const struct ec_remote_put *put, struct ec_err *err) {
    struct stat st;
    int fd;
    EC_TRY(ec_file_open(put->path, &fd, &st, err));
    (void)ec_io.close(fd);
    if ((uint64_t)st.st_size == put->bytes) return EC_OK;
    return ec_fail(err, EC_FILE_CHANGED, "%s has %lld bytes, and %llu where it was committed", put->path, (long long)st.st_size,
                   (unsigned long long)put->bytes);
}

static enum ec_status look(struct ec_store *store, struct ec_remote_put *put, struct ec_err *err) {
    struct ec_object object;
    char tag[EC_TAG_MAX];
    EC_TRY(ec_store_find(store, put->address, &object, tag, &put->there, err));
    if (!put->there || object.bytes == put->bytes) return EC_OK;
    return ec_fail(err, EC_COMMIT_CONFLICT, "%s is another file than ours: it has %llu bytes, and ours %llu", put->address,
                   (unsigned long long)object.bytes, (unsigned long long)put->bytes);
}

/* HDFS refuses a name that is taken: by one who put the same file at the same time. */
static enum ec_status put_one(struct ec_store *store, struct ec_remote_put *put, struct ec_err *err) {
    struct ec_err cause = {0};
    EC_TRY(look(store, put, err));
    if (put->there) return EC_OK;
    EC_TRY(check_size(put, err));
    enum ec_status status = ec_store_put_file(store, put->address, put->path, &cause);
    if (status == EC_REMOTE && !ec_address_is_s3(put->address) && look(store, put, NULL) == EC_OK && put->there) return EC_OK;
    if (status != EC_OK && err) *err = cause;
    return status;
}

static bool is_of_file(enum ec_status status) {
    return status == EC_COMMIT_CONFLICT || status == EC_FILE_CHANGED || status == EC_UNREADABLE || status == EC_IO;
}

static void *put_some(void *context) {
    struct putting *p = context;
    struct ec_store *store = NULL;
    struct ec_err cause = {0};
    if (ec_store_open(p->settings, &store, &cause) != EC_OK) {
        stop(p, &cause);
        return NULL;
    }
    for (size_t i; !atomic_load(&p->stopped) && (i = atomic_fetch_add(&p->next, 1)) < p->count;) {
        struct ec_err err = {0};
        struct ec_remote_put *put = &p->put[i];
        put->status = put_one(store, put, &err);
        if (put->status == EC_OK) continue;
        (void)snprintf(put->message, sizeof put->message, "%.*s", (int)sizeof put->message - 1, err.message);
        if (!is_of_file(put->status)) stop(p, &err);
    }
    ec_store_close(store);
    return NULL;
}

enum ec_status ec_remote_put_many(const struct ec_remote_settings *settings, struct ec_remote_put *put, size_t count, struct ec_err *err) {
    struct putting p = {.settings = settings, .put = put, .count = count};
    const struct ec_curl *lib;
    struct ec_err cause = {0};
    if (count == 0) return EC_OK;
    if (ec_curl_load(&lib, &cause) != EC_OK) return ec_fail(err, EC_REMOTE, "%s", cause.message); /* by one thread */
    (void)pthread_mutex_init(&p.mutex, NULL);
    ec_side_by_side(put_some, &p, count < EC_REMOTE_UPLOADS ? count : EC_REMOTE_UPLOADS);
    (void)pthread_mutex_destroy(&p.mutex);
    if (p.err.status == EC_OK) return EC_OK;
    if (err) *err = p.err;
    return p.err.status;
}
