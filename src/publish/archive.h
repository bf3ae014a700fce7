/* data/archive/archive_YYYYMMDD_HHMM.tar.gz: what a run read and wrote, provably whole.
 *
 *     archive_20250818_1334.tar.gz     gzip (ISA-L, level 1) of a tar (pax) of
 *         ARCHIVE.json                 run, and per file its name, size and SHA-256
 *         data/raw/users_1.csv         the files, in the order given
 *         …
 *
 * It is streamed: memory does not depend on the files' sizes. The bytes follow from the files
 * alone (names, contents, times of change), so the same inputs give the same archive. It is
 * written under a temporary name, synced, read back from there, decompressed and compared with what
 * was read, and only then linked into place: an archive that has its name is whole. A name that is
 * taken gets _2, _3…
 * One archive at a time in a folder: the caller holds the project's lock.
 *
 *     struct ec_archive_made made;
 *     EC_TRY(ec_archive_create("data/archive", run.started_us, run.run, files, count, &made, err));
 *     EC_TRY(ec_archive_verify(made.path, NULL, err));
 *
 * Errors: EC_GZIP_NOT, EC_GZIP_TRUNCATED, EC_GZIP_DAMAGED, EC_ARCHIVE_DAMAGED (not a tar, or not
 * what ARCHIVE.json says), EC_ARCHIVE_UNSAFE (names that leave the folder, links, devices),
 * EC_ARCHIVE_EXISTS (restoring over a file), EC_FILE_CHANGED (while it was archived).
 */
#ifndef EC_PUBLISH_ARCHIVE_H
#define EC_PUBLISH_ARCHIVE_H

#include "base/hash.h"
#include "base/text.h"

#define EC_ARCHIVE_LIST_NAME "ARCHIVE.json"
#define EC_ARCHIVE_FILES_MAX 200000u
#define EC_ARCHIVE_NAME_MAX  1024u

struct ec_archive_file {
    const char *path; /* where it is read */
    const char *name; /* in the archive: relative, '/' between components, valid UTF-8 */
};

struct ec_archive_made {
    char path[4096];
    char run[64]; /* empty where it names none */
    uint64_t files;
    uint64_t bytes;        /* of the files */
    uint64_t bytes_stored; /* of the archive */
};

/* Makes, verifies and links an archive of the files into the folder `dir` (which is made).
 * `started_us` gives its name; names must be unique. */
enum ec_status ec_archive_create(const char *dir, int64_t started_us, const char *run,
                                 const struct ec_archive_file *files, size_t count, struct ec_archive_made *made,
                                 struct ec_err *err) EC_MUST_USE;

/* Looks for an archive of this very run, made before a crash: whole, and on the disk when this returns. */
enum ec_status ec_archive_find(const char *dir, int64_t started_us, const char *run, struct ec_archive_made *made,
                               bool *found, struct ec_err *err) EC_MUST_USE;

/* Reads the whole archive back: every member's size and SHA-256, the tar's structure, the gzip's
 * CRC. `made` may be NULL. */
enum ec_status ec_archive_verify(const char *path, struct ec_archive_made *made, struct ec_err *err) EC_MUST_USE;

/* Verifies, then restores the files below `dest`, each appearing whole or not at all, with its time
 * of change. Nothing is written where the archive is not whole or, unless `overwrite`, where one
 * of the files exists already. Folders below dest that are links are not followed. */
enum ec_status ec_archive_restore(const char *path, const char *dest, bool overwrite, struct ec_archive_made *made,
                                  struct ec_err *err) EC_MUST_USE;

#endif
