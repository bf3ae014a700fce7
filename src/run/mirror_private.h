/* What the files of run/mirror*.c share. */
#ifndef EC_RUN_MIRROR_PRIVATE_H
#define EC_RUN_MIRROR_PRIVATE_H

#include "run/mirror.h"
#include "run/mirror_orphans.h"

/* A part that a version names which the store lacks. */
struct ec_mirror_part {
    struct ec_mirror_table *table;
    const char *path, *address;
    uint64_t bytes;
};

struct ec_mirroring {
    const struct ec_mirror_options *o;
    struct ec_mirror *m;
    struct ec_remote_settings settings;
    struct ec_store *store;
    struct ec_mirror_part *part;
    size_t parts, part_cap;
};

/* ---- one table (mirror_table.c); what a table is to blame for is the caller's to note */

/* Its newest version there, into table->found and ->there; EC_COMMIT_CONFLICT where that log is not ours. */
enum ec_status ec_mirror_look(struct ec_mirroring *mirroring, struct ec_mirror_table *table, struct ec_err *err) EC_MUST_USE;
/* The parts of the versions that are missing, added to mirroring->part. */
enum ec_status ec_mirror_plan(struct ec_mirroring *mirroring, struct ec_mirror_table *table, struct ec_err *err) EC_MUST_USE;
/* Puts those versions. */
enum ec_status ec_mirror_commit(struct ec_mirroring *mirroring, struct ec_mirror_table *table, struct ec_err *err) EC_MUST_USE;

/* The newest checkpoint, where there is a newer one here (mirror_checkpoint.c). One that cannot be put costs readers time:
 * it is logged. EC_INTERRUPTED. */
enum ec_status ec_mirror_checkpoint(struct ec_mirroring *mirroring, struct ec_mirror_table *table, struct ec_err *err) EC_MUST_USE;

/* Visits the files that a version of the log here adds or removes, by their paths below the table. */
enum ec_status ec_mirror_each_file(const struct ec_mirror_table *table, int64_t version,
                                   enum ec_status (*visit)(void *user, const char *name, uint64_t bytes, bool added, struct ec_err *err), void *user,
                                   struct ec_err *err) EC_MUST_USE;

/* ---- files that no version names (mirror_orphans.c) */

enum ec_status ec_mirror_find_orphans(struct ec_mirroring *mirroring, struct ec_mirror_table *table, struct ec_orphans *out, struct ec_err *err) EC_MUST_USE;
/* Those that were written before that time. */
enum ec_status ec_mirror_remove_orphans(struct ec_mirroring *mirroring, struct ec_orphans *out, int64_t before_us, struct ec_err *err) EC_MUST_USE;

/* ---- data/runs/store.json (mirror_state.c) */

struct ec_mirror_known {
    const char *name;
    int64_t version;
    const char *sha256; /* of that version's bytes here: a table that was replaced is another */
};

struct ec_mirror_state {
    struct ec_arena arena;
    struct ec_mirror_known *known;
    size_t count;
};

/* Of that address; empty where there is none, or it cannot be read. */
void ec_mirror_state_load(const char *project, const char *address, struct ec_mirror_state *state);
void ec_mirror_state_free(struct ec_mirror_state *state);
const struct ec_mirror_known *ec_mirror_state_find(const struct ec_mirror_state *state, const char *name);
/* What the store is found to hold; tables that were not reached are left as `before` has them. */
enum ec_status ec_mirror_state_save(const struct ec_mirror_options *options, const struct ec_mirror *mirror, const struct ec_mirror_state *before,
                                    struct ec_err *err) EC_MUST_USE;
/* Whether that is the newest version of the table here. */
bool ec_mirror_state_holds(const struct ec_mirror_known *known, const struct ec_mirror_table *table);

#endif
