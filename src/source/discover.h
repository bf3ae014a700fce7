/* Which raw files there are, and for which source.
 *
 * A source's globs (`*` `?` `[a-z]` within a path component, `**` over folders) are matched
 * against the paths below data/raw. Symbolic links, names starting with a dot, and files
 * ending in .done, .tmp or .part are passed over. A file that two sources claim belongs to
 * the first in the configuration. A zip archive is opened strictly and gives one input per
 * member; it is never extracted by name. The order is that of (source, path, member), bytewise.
 * Objects of stores that a source's addresses name are added by run/objects.h.
 */
#ifndef EC_SOURCE_DISCOVER_H
#define EC_SOURCE_DISCOVER_H

#include "base/arena.h"
#include "base/err.h"
#include "config/config.h"
#include "source/stream.h"

struct ec_input {
    const struct ec_source *source;
    const char *root;       /* the folder that `path` lies below; NULL: of an object that was not fetched */
    const char *path;       /* below data/raw, with '/'; of an object its address */
    const char *member;     /* of a zip archive, or NULL */
    uint64_t bytes;         /* of the file, or of the member as stored */
    uint64_t bytes_decoded; /* as the zip directory says; 0 where unknown */
    int64_t mtime_us;
    uint64_t inode;
    const char *tag;       /* of an object in a store: which version of it; NULL for a file of data/raw */
    const char *known;     /* its SHA-256, known by its tag from an earlier run; or NULL */
    enum ec_status status; /* EC_OK, or why it can be known already that it is not readable */
    const char *problem;   /* the message for it, or NULL */
};

struct ec_inputs {
    struct ec_arena arena;
    struct ec_input *input;
    size_t count, cap;
    const char **unclaimed; /* files that no source names, for a warning */
    size_t unclaimed_count;
};

/* Looks below `raw_dir`. An unreadable folder is EC_IO; an unreadable or damaged file is an
 * input with its status. The caller calls ec_inputs_deinit. */
enum ec_status ec_discover(const struct ec_config *config, const char *raw_dir, struct ec_inputs *inputs,
                           struct ec_err *err) EC_MUST_USE;
void ec_inputs_deinit(struct ec_inputs *inputs);

/* Adds an input as it is, or the file at root/path as a run takes it: an archive's members, one by one. What they point to
 * is borrowed; ec_inputs_sort() restores the order. */
enum ec_status ec_inputs_add(struct ec_inputs *inputs, const struct ec_input *input, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_inputs_add_file(struct ec_inputs *inputs, const struct ec_input *input, struct ec_err *err) EC_MUST_USE;
void ec_inputs_sort(struct ec_inputs *inputs);
/* Names that are never data: hidden ones, marks of ours, transfers under way. */
bool ec_input_passed_over(const char *name);

/* Whether the glob matches the whole path. */
bool ec_glob_match(const char *glob, const char *path);

struct ec_zip_member {
    const char *name; /* owned by the arena that was given */
    uint64_t bytes_stored;
    uint64_t bytes_decoded;
    uint64_t data_offset; /* of its compressed bytes in the archive */
    uint32_t crc;
    uint16_t method; /* 0 store, 8 deflate */
};

/* The regular members of an archive in its directory's order, after every check of
 * limits.h and libzip's consistency checks. Folders are left out. */
enum ec_status ec_zip_list(const char *path, struct ec_arena *arena, struct ec_zip_member **members, size_t *count,
                           struct ec_err *err) EC_MUST_USE;

/* A member as it was listed, whatever is inside (ec_stream_open() looks there too), of at most
 * bytes_max decoded bytes (0: EC_INFLATE_MEMBER_MAX). EC_ZIP_DAMAGED, EC_BOMB. */
enum ec_status ec_stream_member(const char *path, const struct ec_zip_member *member, uint64_t bytes_max,
                                struct ec_stream **stream, struct ec_err *err) EC_MUST_USE;

#endif
