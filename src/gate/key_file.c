/* Key files are written in sorted runs. */
#include "gate/key_sort.h"
#include "gate/keys.h"

#include "base/io.h"

/* Records that are brought in order for one write. */
#define WRITE_KEYS ((size_t)2048)

struct ec_key_writer {
    char *path; /* NULL: no file is open */
    int fd;
    struct ec_key *run;
    struct ec_key_item *item; /* of the run, and as many to sort them */
    struct ec_key *ordered;   /* WRITE_KEYS */
    size_t n;
    uint64_t count;
};

enum ec_status ec_key_writer_create(struct ec_key_writer **out, struct ec_err *err) {
    struct ec_key_writer *w = ec_calloc(1, sizeof *w);
    if (!w) return ec_fail(err, EC_NO_MEMORY, "no memory for a key file");
    w->fd = -1;
    w->run = ec_malloc(EC_KEY_RUN * sizeof *w->run);
    w->item = ec_malloc((size_t)2 * EC_KEY_RUN * sizeof *w->item);
    w->ordered = ec_malloc(WRITE_KEYS * sizeof *w->ordered);
    if (!w->run || !w->item || !w->ordered) {
        ec_key_writer_destroy(w);
        return ec_fail(err, EC_NO_MEMORY, "no memory for a key file");
    }
    *out = w;
    return EC_OK;
}

void ec_key_writer_close(struct ec_key_writer *w) {
    if (w->fd >= 0) ec_file_abandon(w->fd, w->path);
    w->fd = -1;
    ec_free(w->path);
    w->path = NULL;
}

enum ec_status ec_key_writer_open(struct ec_key_writer *w, const char *path, struct ec_err *err) {
    ec_key_writer_close(w);
    w->n = 0;
    w->count = 0;
    w->path = ec_strdup(path);
    if (!w->path) return ec_fail(err, EC_NO_MEMORY, "no memory for a key file");
    return ec_file_create(path, &w->fd, err);
}

static int by_rest(const void *a, const void *b, void *context) {
    const struct ec_key *run = context;
    const struct ec_key *x = &run[((const struct ec_key_item *)a)->at], *y = &run[((const struct ec_key_item *)b)->at];
    if (x->hash.lo != y->hash.lo) return x->hash.lo < y->hash.lo ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static enum ec_status flush_run(struct ec_key_writer *w, struct ec_err *err) {
    for (size_t i = 0; i < w->n; i++) w->item[i] = (struct ec_key_item){w->run[i].hash.hi, 0, (uint32_t)i};
    ec_key_sort(w->item, w->item + EC_KEY_RUN, w->n, by_rest, w->run);
    for (size_t i = 0; i < w->n;) {
        size_t part = w->n - i < WRITE_KEYS ? w->n - i : WRITE_KEYS;
        for (size_t k = 0; k < part; k++) w->ordered[k] = w->run[w->item[i + k].at];
        EC_TRY(ec_file_write(w->fd, w->ordered, part * sizeof *w->ordered, w->path, err));
        i += part;
    }
    w->count += w->n;
    w->n = 0;
    return EC_OK;
}

enum ec_status ec_key_writer_add(struct ec_key_writer *w, const struct ec_key *key, size_t n, struct ec_err *err) {
    while (n > 0) {
        if (w->n == EC_KEY_RUN) EC_TRY(flush_run(w, err));
        size_t part = EC_KEY_RUN - w->n < n ? EC_KEY_RUN - w->n : n;
        memcpy(w->run + w->n, key, part * sizeof *key);
        w->n += part;
        key += part;
        n -= part;
    }
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
    ec_key_writer_close(w);
    ec_free(w->run);
    ec_free(w->item);
    ec_free(w->ordered);
    ec_free(w);
}
