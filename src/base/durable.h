/* Files that become durable together (docs/commit.md, C15).
 *
 * fsync waits for the disk, so a thousand files that are synced one after the other wait a thousand times,
 * though the disk could take them all at once. Here the files of a delivery are written under temporary names,
 * then synced side by side by a few threads, renamed into place, and each folder is synced once:
 *
 *     struct ec_durable *d;
 *     EC_TRY(ec_durable_create(&d, err));
 *     status = ec_durable_put(d, "data/x/a.csv", text, n, err);   // any number of these
 *     if (status == EC_OK) status = ec_durable_commit(d, err);    // EC_OK: all of it is on the disk
 *     ec_durable_destroy(d);                                      // removes what was not committed
 *
 * A reader sees the old file or the new one, never half of one; of several files some may be new while others
 * are old. What a file holds already is not written again. No more than EC_DURABLE_OPEN files are held open:
 * when there are more, those that are written are synced before the commit.
 *
 * Why not syncfs(): it waits for what everybody else wrote, too. With another program writing 3 GB beside it,
 * 1,300 files of 1 KB in 1,300 folders took 0.83 s by syncfs, 0.34 to 0.53 s so, and 3.6 to 10 s one after the
 * other; with nobody else 0.2, 0.3 and 0.8 to 1.3 s.
 *
 * One thread calls; its own threads end within the call. A path's temporary file is `.<name>.tmp` beside it:
 * one writer per path at a time.
 */
#ifndef EC_BASE_DURABLE_H
#define EC_BASE_DURABLE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define EC_DURABLE_OPEN 512u /* files */

struct ec_durable;

enum ec_status ec_durable_create(struct ec_durable **durable, struct ec_err *err) EC_MUST_USE;
/* Files that are as they should be may not be on the disk: a run that wrote them was interrupted before its
 * sync. From here on they are synced, too. */
void ec_durable_doubt(struct ec_durable *d);

/* The bytes are to be the file's, whose folder exists. Without a `d` they are written at once and alone, as
 * ec_file_replace() does. */
enum ec_status ec_durable_put(struct ec_durable *d, const char *path, const void *p, size_t n, struct ec_err *err) EC_MUST_USE;

/* The same for a file that is written piece by piece: creates the temporary file of `path`. The descriptor is the
 * caller's until ec_durable_close(), which takes it over, or ec_durable_abandon(). */
enum ec_status ec_durable_open(struct ec_durable *d, const char *path, int *fd, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_durable_close(struct ec_durable *d, const char *path, int fd, struct ec_err *err) EC_MUST_USE;
void ec_durable_abandon(struct ec_durable *d, const char *path, int fd);

/* Takes over a file that stands under its own name already. Its folder is the caller's to add, and the file to
 * remove where the commit fails. The descriptor is closed also where this fails. */
enum ec_status ec_durable_add(struct ec_durable *d, const char *path, int fd, struct ec_err *err) EC_MUST_USE;
/* The folder's entries changed: something was linked, renamed or removed there. */
enum ec_status ec_durable_folder(struct ec_durable *d, const char *path, struct ec_err *err) EC_MUST_USE;
/* The folder that holds `path`. */
enum ec_status ec_durable_folder_of(struct ec_durable *d, const char *path, struct ec_err *err) EC_MUST_USE;
/* Makes a folder and those above it that are missing; in doubt, the three above it count as made. */
enum ec_status ec_durable_make_dir(struct ec_durable *d, const char *path, struct ec_err *err) EC_MUST_USE;

/* Syncs the files, renames them, syncs the folders. Where one fails its temporary file is removed, the others go on,
 * and the first error is returned. The struct is empty afterwards, whatever happened, and may be used again. */
enum ec_status ec_durable_commit(struct ec_durable *d, struct ec_err *err) EC_MUST_USE;
void ec_durable_destroy(struct ec_durable *d); /* NULL allowed */

#endif
