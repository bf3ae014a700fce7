#include "source/zip.h"

#include "base/io.h"

#define END_BYTES     22u
#define END64_BYTES   56u
#define LOCATOR_BYTES 20u
#define CENTRAL_BYTES 46u
#define COMMENT_MAX   65535u
#define END_MAGIC     UINT32_C(0x06054b50)
#define END64_MAGIC   UINT32_C(0x06064b50)
#define LOCATOR_MAGIC UINT32_C(0x07064b50)
#define CENTRAL_MAGIC UINT32_C(0x02014b50)
#define LOCAL_MAGIC   UINT32_C(0x04034b50)
#define SATURATED16   UINT16_MAX
#define SATURATED32   UINT32_MAX
#define ZIP64_EXTRA   0x0001u

static enum ec_status damaged(const struct ec_zip_directory *dir, struct ec_err *err, const char *what) {
    return ec_fail(err, EC_ZIP_DAMAGED, "%s: %s", dir->path, what);
}

static enum ec_status read_exactly(const struct ec_zip_directory *dir, void *buf, size_t n, uint64_t offset,
                                   struct ec_err *err) {
    size_t got = 0;
    if (offset > dir->file_bytes || n > dir->file_bytes - offset)
        return damaged(dir, err, _("a record lies past the end of the file"));
    EC_TRY(ec_file_read_at(dir->fd, buf, n, (off_t)offset, &got, dir->path, err));
    if (got < n) return ec_fail(err, EC_FILE_CHANGED, "%s became shorter while it was being read", dir->path);
    return EC_OK;
}

struct end_record {
    uint64_t position; /* where the directory must end: of the zip64 end if there is one */
    uint64_t count;
    uint64_t bytes;
    uint64_t offset;
    bool spanned; /* over several disks */
};

/* A 16- or 32-bit value of the old record against its 64-bit form. */
static bool widens(uint64_t narrow, uint64_t saturated, uint64_t wide) {
    return narrow == saturated || narrow == wide;
}

/* The zip64 end record, where a locator stands before the end record. *valid is cleared where the
 * two contradict each other. */
static enum ec_status widen_end(const struct ec_zip_directory *dir, uint64_t end_at, struct end_record *r, bool *valid,
                                struct ec_err *err) {
    unsigned char locator[LOCATOR_BYTES];
    unsigned char p[END64_BYTES];
    if (end_at < LOCATOR_BYTES + END64_BYTES) return EC_OK;
    EC_TRY(read_exactly(dir, locator, sizeof locator, end_at - LOCATOR_BYTES, err));
    if (ec_le32(locator) != LOCATOR_MAGIC) return EC_OK;

    uint64_t at = ec_le64(locator + 8);
    uint64_t at_max = end_at - LOCATOR_BYTES - END64_BYTES;
    *valid = false;
    if (at > at_max) return EC_OK;
    EC_TRY(read_exactly(dir, p, sizeof p, at, err));
    uint64_t rest = ec_le64(p + 4); /* bytes behind this field */
    if (ec_le32(p) != END64_MAGIC || rest != end_at - LOCATOR_BYTES - at - 12) return EC_OK;
    uint64_t count = ec_le64(p + 32), bytes = ec_le64(p + 40), offset = ec_le64(p + 48);
    *valid = widens(r->count, SATURATED16, count) && widens(r->bytes, SATURATED32, bytes) &&
             widens(r->offset, SATURATED32, offset);
    r->spanned = r->spanned || ec_le32(p + 16) != 0 || ec_le32(p + 20) != 0 || ec_le64(p + 24) != count;
    r->count = count;
    r->bytes = bytes;
    r->offset = offset;
    r->position = at;
    return EC_OK;
}

/* Whether an end record at p (absolute: end_at) names a directory that ends right before it. */
static enum ec_status read_end(const struct ec_zip_directory *dir, const unsigned char *p, uint64_t end_at,
                               struct end_record *r, bool *valid, struct ec_err *err) {
    *r = (struct end_record){.position = end_at,
                             .count = ec_le16(p + 10),
                             .bytes = ec_le32(p + 12),
                             .offset = ec_le32(p + 16),
                             .spanned = (ec_le16(p + 4) != 0 && ec_le16(p + 4) != SATURATED16) ||
                                        ec_le16(p + 8) != ec_le16(p + 10)};
    *valid = true;
    EC_TRY(widen_end(dir, end_at, r, valid, err));
    *valid = *valid && r->offset <= r->position && r->position - r->offset == r->bytes;
    if (!*valid || r->count == 0) return EC_OK;
    unsigned char magic[4];
    EC_TRY(read_exactly(dir, magic, sizeof magic, r->offset, err));
    *valid = ec_le32(magic) == CENTRAL_MAGIC;
    return EC_OK;
}

static enum ec_status not_found(const struct ec_zip_directory *dir, bool end_seen, struct ec_err *err) {
    unsigned char head[4] = {0};
    if (dir->file_bytes >= sizeof head) EC_TRY(read_exactly(dir, head, sizeof head, 0, err));
    if (end_seen) return damaged(dir, err, _("the end record and the directory disagree"));
    if (ec_le32(head) == LOCAL_MAGIC) return damaged(dir, err, _("the archive has no directory: an interrupted transfer"));
    return ec_fail(err, EC_ZIP_NOT, "%s is not a zip archive", dir->path);
}

enum ec_status ec_zip_find_directory(struct ec_zip_directory *dir, struct ec_err *err) {
    size_t n = dir->file_bytes < END_BYTES + COMMENT_MAX ? (size_t)dir->file_bytes : END_BYTES + COMMENT_MAX;
    uint64_t start = dir->file_bytes - n;
    unsigned char *tail = ec_malloc(n);
    if (!tail) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", dir->path);
    struct end_record found = {0};
    bool any = false, end_seen = false;
    enum ec_status status = read_exactly(dir, tail, n, start, err);

    for (size_t i = 0; status == EC_OK && i + END_BYTES <= n; i++) {
        if (tail[i] != 'P' || ec_le32(tail + i) != END_MAGIC) continue;
        end_seen = true;
        if (ec_le16(tail + i + 20) != n - i - END_BYTES) continue;
        struct end_record r;
        bool valid;
        status = read_end(dir, tail + i, start + i, &r, &valid, err);
        if (status != EC_OK || !valid) continue;
        /* Two programs could read two different archives from these bytes. */
        if (any) status = damaged(dir, err, _("two directories could be meant"));
        found = r;
        any = true;
    }
    ec_free(tail);
    if (status != EC_OK) return status;
    if (!any) return not_found(dir, end_seen, err);
    if (found.spanned) return damaged(dir, err, _("the archive is one part of several"));
    if (found.count > EC_ZIP_ENTRIES_MAX || found.bytes > EC_ZIP_DIRECTORY_MAX)
        return ec_fail(err, EC_ZIP_TOO_MANY,
                       "%s has %llu entries in a directory of %llu bytes; the limits are %u and %llu", dir->path,
                       (unsigned long long)found.count, (unsigned long long)found.bytes, EC_ZIP_ENTRIES_MAX,
                       EC_ZIP_DIRECTORY_MAX);
    dir->offset = found.offset;
    dir->bytes = found.bytes;
    dir->count = (size_t)found.count;
    return EC_OK;
}

bool ec_zip64_extra(const unsigned char *extra, size_t n, uint64_t *decoded, uint64_t *stored, uint64_t *offset) {
    uint64_t *wanted[3];
    size_t count = 0;
    if (decoded && *decoded == SATURATED32) wanted[count++] = decoded;
    if (stored && *stored == SATURATED32) wanted[count++] = stored;
    if (offset && *offset == SATURATED32) wanted[count++] = offset;
    if (count == 0) return true;
    while (n >= 4) {
        size_t field = ec_le16(extra + 2);
        if (field > n - 4) return false;
        if (ec_le16(extra) == ZIP64_EXTRA) {
            if (field < count * 8) return false;
            for (size_t i = 0; i < count; i++) *wanted[i] = ec_le64(extra + 4 + 8 * i);
            return true;
        }
        extra += 4 + field;
        n -= 4 + field;
    }
    return true; /* 4 GiB less one byte is a size like any other */
}

/* One central record at p, n bytes left. Returns its length, 0 where it is damaged. */
static size_t read_central(const unsigned char *p, size_t n, struct ec_zip_entry *e, struct ec_arena *arena) {
    if (n < CENTRAL_BYTES || ec_le32(p) != CENTRAL_MAGIC) return 0;
    size_t name_n = ec_le16(p + 28), extra_n = ec_le16(p + 30), comment_n = ec_le16(p + 32);
    size_t record = CENTRAL_BYTES + name_n + extra_n + comment_n;
    if (record > n) return 0;
    *e = (struct ec_zip_entry){
        .member = {.name = ec_arena_copy(arena, (const char *)p + CENTRAL_BYTES, name_n),
                   .bytes_stored = ec_le32(p + 20),
                   .bytes_decoded = ec_le32(p + 24),
                   .crc = ec_le32(p + 16),
                   .method = ec_le16(p + 10)},
        .name_n = name_n,
        .header_offset = ec_le32(p + 42),
        .attributes = ec_le32(p + 38),
        .flags = ec_le16(p + 8),
    };
    if (!ec_zip64_extra(p + CENTRAL_BYTES + name_n, extra_n, &e->member.bytes_decoded, &e->member.bytes_stored,
                        &e->header_offset))
        return 0;
    return record;
}

enum ec_status ec_zip_read_directory(struct ec_zip_directory *dir, struct ec_arena *arena, struct ec_err *err) {
    enum ec_status status = EC_OK;
    size_t n = (size_t)dir->bytes, at = 0;
    unsigned char *p = ec_malloc(n);
    dir->entry = ec_arena_calloc(arena, dir->count, sizeof *dir->entry);
    if (!p || !dir->entry) {
        status = ec_fail(err, EC_NO_MEMORY, "no memory for the directory of %s", dir->path);
        goto done;
    }
    status = read_exactly(dir, p, n, dir->offset, err);
    for (size_t i = 0; status == EC_OK && i < dir->count; i++) {
        size_t record = read_central(p + at, n - at, &dir->entry[i], arena);
        if (record == 0)
            status = damaged(dir, err, _("a record of the directory is damaged"));
        else if (!dir->entry[i].member.name)
            status = ec_fail(err, EC_NO_MEMORY, "no memory for the directory of %s", dir->path);
        at += record;
    }
    if (status == EC_OK && at != n) status = damaged(dir, err, _("the directory holds more than its records"));
done:
    ec_free(p);
    return status;
}
