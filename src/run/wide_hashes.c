#include "run/wide_hashes.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define LISTS 256u

/* A group that is in the file. */
struct kept {
    struct kept *next;
    size_t table, group, rows;
    uint64_t offset;
    char path[]; /* of the part */
};

/* The mutex guards all of it. */
struct ec_wide_hashes {
    pthread_mutex_t mutex;
    int fd; /* -1: not made yet */
    bool failed; /* the file could not be made or written: what is kept stays, nothing is added */
    uint64_t bytes;
    struct kept *list[LISTS]; /* by a hash of the part's path */
    char path[]; /* of the file */
};

enum ec_status ec_wide_hashes_create(const char *path, struct ec_wide_hashes **hashes, struct ec_err *err) {
    size_t n = strlen(path) + 1;
    *hashes = ec_calloc(1, sizeof **hashes + n);
    if (!*hashes) return ec_fail(err, EC_NO_MEMORY, "no memory for the hashes of a join");
    (*hashes)->fd = -1;
    memcpy((*hashes)->path, path, n);
    (void)pthread_mutex_init(&(*hashes)->mutex, NULL);
    return EC_OK;
}

void ec_wide_hashes_destroy(struct ec_wide_hashes *h) {
    if (!h) return;
    for (size_t i = 0; i < LISTS; i++) {
        for (struct kept *kept = h->list[i], *next; kept; kept = next) {
            next = kept->next;
            ec_free(kept);
        }
    }
    if (h->fd >= 0) (void)ec_io.close(h->fd);
    (void)pthread_mutex_destroy(&h->mutex);
    ec_free(h);
}

static struct kept **list_of(struct ec_wide_hashes *h, const struct ec_wide_group *group) {
    return &h->list[ec_hash64(group->path, strlen(group->path)) % LISTS];
}

static const struct kept *find(struct ec_wide_hashes *h, const struct ec_wide_group *group) {
    for (const struct kept *kept = *list_of(h, group); kept; kept = kept->next)
        if (kept->group == group->group && kept->table == group->table && kept->rows == group->rows && strcmp(kept->path, group->path) == 0)
            return kept;
    return NULL;
}

static bool make_file(struct ec_wide_hashes *h) {
    if (h->fd >= 0) return true;
    h->fd = ec_io.open(h->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return h->fd >= 0 && ec_io.unlink(h->path) == 0;
}

static bool append(struct ec_wide_hashes *h, const struct ec_wide_group *group, const uint64_t *hash) {
    size_t n = strlen(group->path) + 1;
    if (!make_file(h) || ec_file_write(h->fd, hash, group->rows * sizeof *hash, h->path, NULL) != EC_OK) return false;
    struct kept *kept = ec_malloc(sizeof *kept + n), **list = list_of(h, group);
    if (!kept) return false;
    *kept = (struct kept){.next = *list, .table = group->table, .group = group->group, .rows = group->rows, .offset = h->bytes};
    memcpy(kept->path, group->path, n);
    *list = kept;
    h->bytes += group->rows * sizeof *hash;
    return true;
}

void ec_wide_hashes_keep(struct ec_wide_hashes *h, const struct ec_wide_group *group, const uint64_t *hash) {
    (void)pthread_mutex_lock(&h->mutex);
    if (!h->failed && !find(h, group)) {
        h->failed = !append(h, group, hash);
        if (h->failed) ec_log(EC_LOG_DEBUG, "%s cannot be written: the keys of a join are read again", h->path);
    }
    (void)pthread_mutex_unlock(&h->mutex);
}

/* Where the group's hashes lie; false where they were not kept. */
static bool place_of(struct ec_wide_hashes *h, const struct ec_wide_group *group, uint64_t *offset) {
    (void)pthread_mutex_lock(&h->mutex);
    const struct kept *kept = find(h, group);
    if (kept) *offset = kept->offset;
    (void)pthread_mutex_unlock(&h->mutex);
    return kept != NULL;
}

bool ec_wide_hashes_have(struct ec_wide_hashes *h, const struct ec_wide_group *group) {
    uint64_t unused;
    return place_of(h, group, &unused);
}

size_t ec_wide_hashes_read(struct ec_wide_hashes *h, const struct ec_wide_group *group, size_t first, uint64_t *hash, size_t n) {
    uint64_t offset;
    size_t got;
    if (!place_of(h, group, &offset)) return SIZE_MAX;
    if (n > group->rows - first) n = group->rows - first;
    off_t at = (off_t)(offset + first * sizeof *hash);
    enum ec_status status = ec_file_read_at(h->fd, hash, n * sizeof *hash, at, &got, h->path, NULL);
    return status == EC_OK && got == n * sizeof *hash ? n : SIZE_MAX;
}
