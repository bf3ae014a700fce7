/* Duplicate keys across files: of one run, and against the partitions already loaded.
 *
 * After all tasks of a source are done their key files are merged, together with the keys of the
 * loaded partitions that the run's parts touch. Of the rows that share a key the first stays: one
 * that is loaded already, else the first by (file, member, line). The others are written to drop
 * lists, one per unit, and the units' tasks run again with them.
 *
 * Where the newest drop wins (merge, replace), so it does when earlier drops are read again after a
 * change of rules: the row of the newer drop stays, be it of this run or loaded and not read again.
 * A loaded row that loses is left to the merge, which takes it out of the table.
 */
#ifndef EC_RUN_DEDUPE_H
#define EC_RUN_DEDUPE_H

#include "run/plan.h"
#include "run/table.h"
#include "sql/session.h"

struct ec_dedupe {
    const struct ec_plan *plan;
    const struct ec_task_result *result; /* per task */
    const bool *loaded;                  /* per unit: whether its accepted rows go into the table */
    struct ec_sql *sql;                  /* reads the keys of loaded partitions; NULL where nothing was loaded */
    const char *staging;                 /* the run's */
};

/* Looks at all units of the source. drop[i] (i over the plan's units; zeroed by the caller)
 * receives the path of a unit's drop list where it has one; *dropped the number of rows.
 * `table` is the source's; files that the run removes from it are not compared with. */
enum ec_status ec_dedupe_source(const struct ec_dedupe *d, const struct ec_source *source, const struct ec_table *table,
                                struct ec_arena *arena, const char **drop, uint64_t *dropped,
                                struct ec_err *err) EC_MUST_USE;

#endif
