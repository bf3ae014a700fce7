/* `ecluse tables --copy-to`: Delta tables in a store, for engines that read there.
 *
 * A table's active parts are put first, then the versions of its log that the copy lacks, each put if absent and in order:
 * whoever reads the copy sees a version whole or not at all. What broke off goes on with the next call. The copy has one
 * writer, this; it is held against the table by the first and the last version of its log. */
#ifndef EC_CLI_COPY_TABLES_H
#define EC_CLI_COPY_TABLES_H

#include "remote/store.h"
#include "store/delta.h"

struct ec_copied {
    size_t parts, versions;
    uint64_t bytes;
    int64_t version; /* that the copy is at */
};

/* The table in the folder `dir` (an open snapshot of it) to the address `to`, without a slash behind it.
 * EC_COMMIT_CONFLICT: what is there is no copy of this table, or another writer has been there. EC_REMOTE, EC_REMOTE_DENIED. */
enum ec_status ec_copy_table(struct ec_store *store, const char *dir, const struct ec_delta *table, const char *to,
                             struct ec_copied *copied, struct ec_err *err) EC_MUST_USE;

#endif
