/* The hashes of joined tables' keys, kept from one job of a wide model to the next.
 *
 * A partition of the first table meets rows of a joined table's neighbouring days, of which nearly none match, and
 * where it has several windows each of them meets all. To find that out by the keys themselves costs as much as to
 * join them: they are decompressed and hashed again each time. Their hashes take 8 bytes a row in a file without a
 * name, and say which row groups no row of a window can match:
 *
 *     struct ec_wide_hashes *h;
 *     EC_TRY(ec_wide_hashes_create(path, &h, err));               // the file is made when the first group is kept
 *     struct ec_wide_group group = {.table = 2, .path = part, .group = 0, .rows = 100000};
 *     ec_wide_hashes_keep(h, &group, hash);
 *     for (size_t at = 0, n; (n = ec_wide_hashes_read(h, &group, at, hash, cap)) > 0; at += n) ...
 *     ec_wide_hashes_destroy(h);
 *
 * What is kept is a help and no more: where the file cannot be written or read, groups count as not kept, and
 * their keys are read. Any thread may call. Private to run/.
 */
#ifndef EC_RUN_WIDE_HASHES_H
#define EC_RUN_WIDE_HASHES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct ec_wide_hashes;

/* A row group of a joined table, by the columns that its join names. */
struct ec_wide_group {
    size_t table; /* index in the model's plan */
    const char *path;
    size_t group;
    size_t rows;
};

/* `path`: of the file, which is unlinked as soon as it is there. */
enum ec_status ec_wide_hashes_create(const char *path, struct ec_wide_hashes **hashes, struct ec_err *err) EC_MUST_USE;
void ec_wide_hashes_destroy(struct ec_wide_hashes *hashes); /* NULL allowed */

/* hash[group->rows]; 0: the row has a null among its keys. */
void ec_wide_hashes_keep(struct ec_wide_hashes *hashes, const struct ec_wide_group *group, const uint64_t *hash);
/* Whether the group was kept. */
bool ec_wide_hashes_have(struct ec_wide_hashes *hashes, const struct ec_wide_group *group);
/* Up to n hashes of the group from row `first` on; returns how many: fewer where the group ends, 0 where it has no more,
 * SIZE_MAX where it was not kept or cannot be read. */
size_t ec_wide_hashes_read(struct ec_wide_hashes *hashes, const struct ec_wide_group *group, size_t first, uint64_t *hash, size_t n) EC_MUST_USE;

#endif
