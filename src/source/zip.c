/* Listing an archive, and reading one member of it. */
#include "source/zip.h"

#include "base/io.h"
#include "base/utf8.h"
#include "source/inflate.h"

#include <isa-l/crc.h>
#include <unistd.h>
#include <zip.h>

static enum ec_status libzip_failure(const char *path, int code, struct ec_err *err) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    enum ec_status status = code == ZIP_ER_MEMORY ? EC_NO_MEMORY : code == ZIP_ER_EXISTS ? EC_ZIP_NAME : EC_ZIP_DAMAGED;
    status = ec_fail(err, status, "%s: %s", path, zip_error_strerror(&error));
    zip_error_fini(&error);
    return status;
}

/* What we read must be what libzip reads, or one of us misunderstands the archive. */
static bool same_entry(zip_t *archive, size_t i, const struct ec_zip_entry *e) {
    zip_stat_t st;
    zip_stat_init(&st);
    return zip_stat_index(archive, i, 0, &st) == 0 && (st.valid & ZIP_STAT_CRC) && st.crc == e->member.crc &&
           st.size == e->member.bytes_decoded && st.comp_size == e->member.bytes_stored &&
           st.comp_method == e->member.method;
}

/* Names of DOS times are in code page 437; reports are in UTF-8. */
static enum ec_status name_in_utf8(zip_t *archive, size_t i, struct ec_zip_entry *e, struct ec_arena *arena,
                                   struct ec_err *err) {
    if (ec_utf8_valid(e->member.name, e->name_n)) return EC_OK;
    const char *name = zip_get_name(archive, i, ZIP_FL_ENC_GUESS);
    if (!name || !ec_utf8_valid(name, strlen(name)))
        return ec_fail(err, EC_ZIP_NAME, "a member's name is of no known encoding");
    e->member.name = ec_arena_strdup(arena, name);
    e->name_n = strlen(name);
    return e->member.name ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for a member's name");
}

static enum ec_status compare_with_libzip(struct ec_zip_directory *dir, struct ec_arena *arena, struct ec_err *err) {
    enum ec_status status = EC_OK;
    int code = ZIP_ER_OK;
    int fd = dup(dir->fd); /* libzip closes what it was given */
    if (fd < 0) return ec_fail_errno(err, EC_UNREADABLE, "cannot read %s", dir->path);
    zip_t *archive = zip_fdopen(fd, ZIP_CHECKCONS | ZIP_RDONLY, &code);
    if (!archive) {
        (void)ec_io.close(fd);
        return libzip_failure(dir->path, code, err);
    }
    if (zip_get_num_entries(archive, 0) != (zip_int64_t)dir->count)
        status = ec_fail(err, EC_ZIP_DAMAGED, "%s: the number of members is ambiguous", dir->path);
    for (size_t i = 0; status == EC_OK && i < dir->count; i++) {
        if (!same_entry(archive, i, &dir->entry[i]))
            status = ec_fail(err, EC_ZIP_DAMAGED, "%s: what is said of member %s is ambiguous", dir->path,
                             dir->entry[i].member.name);
        else
            status = name_in_utf8(archive, i, &dir->entry[i], arena, err);
    }
    zip_discard(archive);
    return status;
}

/* The entries by our own eyes first: they name the cause more exactly than libzip does. */
static enum ec_status check_archive(struct ec_zip_directory *dir, struct ec_arena *arena, struct ec_err *err) {
    EC_TRY(ec_zip_find_directory(dir, err));
    EC_TRY(ec_zip_read_directory(dir, arena, err));
    EC_TRY(ec_zip_check_entries(dir, err));
    EC_TRY(ec_zip_read_locals(dir, err));
    EC_TRY(ec_zip_check_spans(dir, err));
    EC_TRY(compare_with_libzip(dir, arena, err));
    return ec_zip_check_entries(dir, err); /* again: names may have become others in UTF-8 */
}

enum ec_status ec_zip_list(const char *path, struct ec_arena *arena, struct ec_zip_member **members, size_t *count,
                           struct ec_err *err) {
    struct ec_zip_directory dir = {.path = path};
    struct stat st;
    *count = 0;
    EC_TRY(ec_file_open(path, &dir.fd, &st, err));
    dir.file_bytes = (uint64_t)st.st_size;
    enum ec_status status =
        dir.file_bytes ? check_archive(&dir, arena, err) : ec_fail(err, EC_EMPTY_FILE, "%s holds no bytes", path);
    (void)ec_io.close(dir.fd);
    if (status != EC_OK) return status;

    *members = ec_arena_calloc(arena, dir.count ? dir.count : 1, sizeof **members);
    if (!*members) return ec_fail(err, EC_NO_MEMORY, "no memory for the directory of %s", path);
    for (size_t i = 0; i < dir.count; i++)
        if (!ec_zip_is_folder(&dir.entry[i])) (*members)[(*count)++] = dir.entry[i].member;
    return EC_OK;
}

struct zip_stream {
    struct ec_stream base;
    struct ec_zip_member member; /* its name is not kept */
    uint64_t produced;
    uint32_t crc;
    bool inflated; /* the deflate data have ended */
    struct ec_inflate z;
};

static enum ec_status damaged(const struct zip_stream *s, struct ec_err *err, const char *what) {
    return ec_fail(err, EC_ZIP_DAMAGED, "%s: the member %s (offset %llu of its content)", s->base.name, what,
                   (unsigned long long)s->produced);
}

/* At the end: as many bytes as the directory says, with its CRC, from as many stored bytes. */
static enum ec_status check_end(const struct zip_stream *s, uint32_t crc, struct ec_err *err) {
    if (s->produced != s->member.bytes_decoded) return damaged(s, err, _("has another length than the directory says"));
    if (crc != s->member.crc) return damaged(s, err, _("has another CRC than the directory says"));
    return EC_OK;
}

static enum ec_status stored_read(struct ec_stream *stream, void *buf, size_t n, size_t *got, struct ec_err *err) {
    struct zip_stream *s = (struct zip_stream *)stream;
    EC_TRY(ec_stream_read(stream->below, buf, n, got, err));
    s->crc = crc32_gzip_refl(s->crc, buf, *got);
    s->produced += *got;
    return *got == 0 ? check_end(s, s->crc, err) : EC_OK;
}

static enum ec_status finish_deflate(struct zip_stream *s, struct ec_err *err) {
    EC_TRY(ec_inflate_fill(&s->z, 1, err));
    if (ec_inflate_unused(&s->z) > 0) return damaged(s, err, _("holds bytes behind its deflate data"));
    s->inflated = true;
    return check_end(s, s->z.state.crc, err);
}

static enum ec_status deflated_read(struct ec_stream *stream, void *buf, size_t n, size_t *got, struct ec_err *err) {
    struct zip_stream *s = (struct zip_stream *)stream;
    *got = 0;
    while (*got < n && !s->inflated) {
        size_t made;
        enum ec_inflate_state state;
        EC_TRY(ec_inflate_step(&s->z, (char *)buf + *got, n - *got, &made, &state, err));
        *got += made;
        s->produced += made;
        if (s->produced > s->member.bytes_decoded) return damaged(s, err, _("is longer than the directory says"));
        if (state == EC_INFLATE_BAD) return damaged(s, err, _("is damaged"));
        if (state == EC_INFLATE_SHORT) return damaged(s, err, _("ends too early"));
        if (state == EC_INFLATE_END) EC_TRY(finish_deflate(s, err));
    }
    return EC_OK;
}

static const struct ec_stream_ops stored_ops = {.compression = "zip", .read = stored_read, .close = ec_layer_destroy};
static const struct ec_stream_ops deflated_ops = {
    .compression = "zip", .read = deflated_read, .close = ec_layer_destroy};

enum ec_status ec_stream_member(const char *path, const struct ec_zip_member *member, uint64_t bytes_max,
                                struct ec_stream **stream, struct ec_err *err) {
    struct ec_stream *base;
    if (bytes_max == 0) bytes_max = EC_INFLATE_MEMBER_MAX;
    if (member->bytes_decoded > bytes_max)
        return ec_fail(err, EC_BOMB, "%s: member %s has %llu bytes; the limit is %llu", path, member->name,
                       (unsigned long long)member->bytes_decoded, (unsigned long long)bytes_max);
    char name[512];
    (void)snprintf(name, sizeof name, "%s: %s", path, member->name);
    EC_TRY(ec_layer_create(sizeof(struct zip_stream), member->method ? &deflated_ops : &stored_ops, name, &base, err));
    struct zip_stream *s = (struct zip_stream *)base;
    s->member = *member;
    uint64_t end = member->data_offset + member->bytes_stored;
    enum ec_status status = ec_stream_file(path, member->data_offset, end, &base->below, NULL, err);
    if (status != EC_OK) {
        ec_stream_close(base);
        return status;
    }
    ec_inflate_init(&s->z, base->below, base->name, bytes_max, ISAL_GZIP_NO_HDR);
    *stream = base;
    return EC_OK;
}
