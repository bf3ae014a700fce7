#include "shop/archive.h"

#include "base/io.h"
#include "base/limits.h"

#define LOCAL_MAGIC     0x04034b50u
#define CENTRAL_MAGIC   0x02014b50u
#define END_MAGIC       0x06054b50u
#define VERSION         20u
#define MADE_BY_UNIX    (3u << 8 | VERSION)
#define FLAG_UTF8       (1u << 11)
#define FIRST_JANUARY   0x0021u /* 1980-01-01, the first that the format knows */
#define REGULAR_FILE    (0100644u << 16)
#define METHOD_DEFLATE  8u
#define LOCAL_BYTES_MAX (30u + EC_ZIP_NAME_MAX)

enum ec_status ec_shop_archive_open(struct ec_shop_archive *a, const char *path, struct ec_err *err) {
    *a = (struct ec_shop_archive){.path = path, .fd = -1, .directory = ec_buf_make(EC_ZIP_DIRECTORY_MAX)};
    return ec_file_create(path, &a->fd, err);
}

static void le(struct ec_buf *out, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) ec_buf_addc(out, (char)(value >> 8 * i & 0xFF));
}

/* What a local header and the directory's entry have in common, from the version on. */
static void add_common(struct ec_buf *out, const struct ec_shop_member *m) {
    le(out, VERSION, 2);
    le(out, FLAG_UTF8, 2);
    le(out, m->deflated ? METHOD_DEFLATE : 0, 2);
    le(out, 0, 2); /* time */
    le(out, FIRST_JANUARY, 2);
    le(out, m->crc, 4);
    le(out, m->data.n, 4);
    le(out, m->bytes_decoded, 4);
    le(out, strlen(m->name), 2);
    le(out, 0, 2); /* no extra field */
}

static void add_to_directory(struct ec_shop_archive *a, const struct ec_shop_member *m) {
    le(&a->directory, CENTRAL_MAGIC, 4);
    le(&a->directory, MADE_BY_UNIX, 2);
    add_common(&a->directory, m);
    le(&a->directory, 0, 2); /* no comment */
    le(&a->directory, 0, 2); /* first disk */
    le(&a->directory, 0, 2); /* no internal attributes */
    le(&a->directory, REGULAR_FILE, 4);
    le(&a->directory, a->bytes, 4);
    ec_buf_addz(&a->directory, m->name);
    a->count++;
}

static enum ec_status write_all(struct ec_shop_archive *a, struct ec_str bytes, struct ec_err *err) {
    EC_TRY(ec_file_write(a->fd, bytes.p, bytes.n, a->path, err));
    a->bytes += bytes.n;
    return EC_OK;
}

enum ec_status ec_shop_archive_add(struct ec_shop_archive *a, const struct ec_shop_member *m, struct ec_err *err) {
    if (a->count == EC_ZIP_ENTRIES_MAX || m->bytes_decoded > UINT32_MAX ||
        a->bytes + m->data.n + a->directory.n + LOCAL_BYTES_MAX > UINT32_MAX)
        return ec_fail(err, EC_USAGE, "%s would grow past 4 GiB or %u members; ask for a smaller shop", a->path,
                       EC_ZIP_ENTRIES_MAX);
    struct ec_buf header = ec_buf_make(LOCAL_BYTES_MAX);
    add_to_directory(a, m);
    le(&header, LOCAL_MAGIC, 4);
    add_common(&header, m);
    ec_buf_addz(&header, m->name);
    enum ec_status status = ec_buf_check(&header, err);
    if (status == EC_OK) status = write_all(a, ec_buf_str(&header), err);
    if (status == EC_OK) status = write_all(a, m->data, err);
    ec_buf_free(&header);
    return status;
}

enum ec_status ec_shop_archive_finish(struct ec_shop_archive *a, struct ec_err *err) {
    uint64_t at = a->bytes, size = a->directory.n;
    struct ec_buf *d = &a->directory;
    le(d, END_MAGIC, 4);
    le(d, 0, 2);
    le(d, 0, 2);
    le(d, a->count, 2);
    le(d, a->count, 2);
    le(d, size, 4);
    le(d, at, 4);
    le(d, 0, 2); /* no comment */
    EC_TRY(ec_buf_check(d, err));
    EC_TRY(write_all(a, ec_buf_str(d), err));
    int fd = a->fd;
    a->fd = -1;
    EC_TRY(ec_file_finish(fd, a->path, err));
    a->finished = true;
    return EC_OK;
}

void ec_shop_archive_close(struct ec_shop_archive *a) {
    if (a->fd >= 0) ec_file_abandon(a->fd, a->path);
    ec_buf_free(&a->directory);
    a->fd = -1;
}
