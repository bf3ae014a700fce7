/* The zip directory (PKWARE APPNOTE 6.3.10), for the files of this folder alone.
 *
 *     local header | data | ... | central directory | [zip64 end | zip64 locator] | end | comment
 *
 * libzip decides whether an archive is consistent; it does not say where a member's bytes
 * lie. These functions read the directory a second time, find that out, and hold the
 * archive to rules that are stricter than libzip's (docs: facts on hostile input).
 */
#ifndef EC_SOURCE_ZIP_H
#define EC_SOURCE_ZIP_H

#include "base/arena.h"
#include "source/discover.h"
#include "source/stream.h"

/* The entries and names of the largest archive that is listed. */
#define EC_ZIP_ARENA_MAX (2 * EC_ZIP_DIRECTORY_MAX)

struct ec_zip_entry {
    struct ec_zip_member member; /* name: the bytes of the directory, NUL behind them */
    size_t name_n;
    uint64_t header_offset;
    uint32_t attributes; /* external: a Unix mode in the upper half */
    uint16_t flags;
};

struct ec_zip_directory {
    const char *path; /* borrowed; for messages */
    int fd;           /* borrowed */
    uint64_t file_bytes;
    uint64_t offset; /* of the central directory */
    uint64_t bytes;
    struct ec_zip_entry *entry;
    size_t count;
};

enum {
    EC_ZIP_FLAG_ENCRYPTED = 1 << 0,
    EC_ZIP_FLAG_STREAMED = 1 << 3,
    EC_ZIP_FLAG_STRONG = 1 << 6,
    EC_ZIP_FLAG_MASKED = 1 << 13
};

/* Finds the one end record whose directory ends where it begins; sets offset, bytes, count. */
enum ec_status ec_zip_find_directory(struct ec_zip_directory *dir, struct ec_err *err) EC_MUST_USE;
/* Reads the central records into dir->entry. */
enum ec_status ec_zip_read_directory(struct ec_zip_directory *dir, struct ec_arena *arena,
                                     struct ec_err *err) EC_MUST_USE;
/* Compares each local header with its central record and sets member.data_offset. */
enum ec_status ec_zip_read_locals(struct ec_zip_directory *dir, struct ec_err *err) EC_MUST_USE;
/* Names, kinds, methods, encryption, sizes: before the locals. Spans: after them. */
enum ec_status ec_zip_check_entries(const struct ec_zip_directory *dir, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_zip_check_spans(const struct ec_zip_directory *dir, struct ec_err *err) EC_MUST_USE;

/* The member of that name; its `name` is borrowed until the next call. The archive's listing is
 * kept per thread until another archive is asked for; ec_zip_forget() frees it. */
enum ec_status ec_zip_find(const char *path, const char *name, struct ec_zip_member *member,
                           struct ec_err *err) EC_MUST_USE;
void ec_zip_forget(void);

static inline bool ec_zip_is_folder(const struct ec_zip_entry *e) {
    return e->name_n > 0 && e->member.name[e->name_n - 1] == '/';
}

/* APPNOTE: all values little-endian. */
static inline uint16_t ec_le16(const unsigned char *p) {
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t ec_le32(const unsigned char *p) {
    return ec_le16(p) | (uint32_t)ec_le16(p + 2) << 16;
}
static inline uint64_t ec_le64(const unsigned char *p) {
    return ec_le32(p) | (uint64_t)ec_le32(p + 4) << 32;
}

/* Takes the 64-bit forms of saturated values from a zip64 extra field, in its order; NULL for a
 * value that the record does not have. False where the extra field is damaged. */
bool ec_zip64_extra(const unsigned char *extra, size_t n, uint64_t *decoded, uint64_t *stored, uint64_t *offset);

#endif
