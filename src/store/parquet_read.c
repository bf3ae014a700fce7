/* The life of a file that is read, and the bytes of it. */
#include "base/io.h"
#include "store/parquet_read_internal.h"

#include <unistd.h>
#include <zstd.h>

#define TAIL ((size_t)8)     /* the footer's length and the closing magic */
#define LAST ((size_t)16384) /* bytes read at once, in the hope that they hold the footer */

enum ec_status pq_read_bad(const struct ec_parquet_file *file, struct ec_err *err, const char *what) {
    return ec_fail(err, EC_TABLE_FORMAT, "%s %s; it is damaged, or another program wrote it", file->path, _(what));
}

enum ec_status pq_room(void *p, size_t *cap, size_t need, struct ec_err *err) {
    if (need <= *cap) return EC_OK;
    void *old, *room = ec_malloc(need);
    if (!room) return ec_fail(err, EC_NO_MEMORY, "memory ran out for %zu bytes of a Parquet page", need);
    memcpy(&old, p, sizeof old);
    ec_free(old);
    memcpy(p, &room, sizeof room);
    *cap = need;
    return EC_OK;
}

/* Whether the window holds bytes [offset, offset + n). */
static bool window_holds(const struct ec_parquet_file *file, uint64_t offset, size_t n) {
    return offset >= file->window_at && offset - file->window_at <= file->window_n &&
           n <= file->window_n - (size_t)(offset - file->window_at);
}

enum ec_status pq_read_into(struct ec_parquet_file *file, uint64_t offset, size_t n, void *to, struct ec_err *err) {
    if (window_holds(file, offset, n)) {
        memcpy(to, file->window + (offset - file->window_at), n);
        return EC_OK;
    }
    size_t got;
    EC_TRY(ec_file_read_at(file->fd, to, n, (off_t)offset, &got, file->path, err));
    return got < n ? pq_read_bad(file, err, "ends too early") : EC_OK;
}

enum ec_status pq_read_bytes(struct ec_parquet_file *file, uint64_t offset, size_t n, size_t ahead, const uint8_t **p,
                             struct ec_err *err) {
    if (window_holds(file, offset, n)) {
        *p = file->window + (offset - file->window_at);
        return EC_OK;
    }
    size_t want = n > ahead ? n : ahead;
    file->window_n = 0;
    EC_TRY(pq_room(&file->window, &file->window_cap, want, err));
    EC_TRY(ec_file_read_at(file->fd, file->window, want, (off_t)offset, &file->window_n, file->path, err));
    file->window_at = offset;
    *p = file->window;
    return file->window_n < n ? pq_read_bad(file, err, "ends too early") : EC_OK;
}

static enum ec_status read_ends(struct ec_parquet_file *file, uint64_t size, struct ec_err *err) {
    const uint8_t *p;
    if (size < 4 + TAIL) return pq_read_bad(file, err, "is too short for a Parquet file");
    size_t last = size < LAST ? (size_t)size : LAST;
    EC_TRY(pq_read_bytes(file, 0, 4, 4, &p, err));
    if (memcmp(p, "PAR1", 4) != 0) return pq_read_bad(file, err, "does not begin as Parquet");
    EC_TRY(pq_read_bytes(file, size - last, last, last, &p, err));
    uint32_t length;
    memcpy(&length, p + last - TAIL, 4);
    if (memcmp(p + last - 4, "PAR1", 4) != 0) return pq_read_bad(file, err, "does not end as Parquet");
    if (length > size - 4 - TAIL || length > PQ_READ_FOOTER_MAX)
        return pq_read_bad(file, err, "has a footer of impossible length");
    file->data = size - TAIL - length;
    EC_TRY(pq_read_bytes(file, file->data, length, length, &p, err));
    return pq_read_footer(file, p, length, err);
}

enum ec_status ec_parquet_open(const char *path, struct ec_parquet_file **out, struct ec_err *err) {
    *out = NULL;
    struct ec_parquet_file *file = ec_calloc(1, sizeof *file);
    if (!file) return ec_fail(err, EC_NO_MEMORY, "memory ran out while opening %s", path);
    file->fd = -1;
    file->path = ec_strdup(path);
    struct stat st;
    enum ec_status status = file->path ? ec_file_open(path, &file->fd, &st, err)
                                       : ec_fail(err, EC_NO_MEMORY, "memory ran out while opening %s", path);
    if (status == EC_OK) status = read_ends(file, (uint64_t)st.st_size, err);
    if (status != EC_OK) {
        ec_parquet_close(file);
        return status;
    }
    *out = file;
    return EC_OK;
}

void ec_parquet_close(struct ec_parquet_file *file) {
    if (!file) return;
    if (file->fd >= 0) (void)ec_io.close(file->fd);
    for (size_t i = 0; file->column && i < file->column_count; i++) ec_free((char *)(uintptr_t)file->column[i].name);
    for (size_t g = 0; g < file->group_count; g++) ec_free(file->group[g].chunk);
    (void)ZSTD_freeDCtx(file->zstd);
    ec_free(file->column);
    ec_free(file->group);
    ec_free(file->window);
    ec_free(file->path);
    ec_free(file);
}

uint64_t ec_parquet_rows(const struct ec_parquet_file *file) {
    return file->rows;
}
size_t ec_parquet_columns(const struct ec_parquet_file *file) {
    return file->column_count;
}
size_t ec_parquet_groups(const struct ec_parquet_file *file) {
    return file->group_count;
}

const struct ec_parquet_column *ec_parquet_file_column(const struct ec_parquet_file *file, size_t column) {
    return &file->column[column];
}

size_t ec_parquet_find(const struct ec_parquet_file *file, const char *name) {
    for (size_t i = 0; i < file->column_count; i++)
        if (strcmp(file->column[i].name, name) == 0) return i;
    return SIZE_MAX;
}

uint32_t ec_parquet_group_rows(const struct ec_parquet_file *file, size_t group) {
    return file->group[group].rows;
}
uint64_t ec_parquet_group_first(const struct ec_parquet_file *file, size_t group) {
    return file->group[group].first;
}
