/* A table as it will be after this run: the snapshot of its log, what the run takes away, and the
 * parts that it adds. Nothing is visible to readers until the commit; models are computed over
 * this state, so that sources and KPI tables are committed by one manifest and always agree.
 */
#ifndef EC_RUN_TABLE_H
#define EC_RUN_TABLE_H

#include "base/durable.h"
#include "run/task.h"
#include "store/delta.h"

struct ec_new_part {
    const char *staged;    /* where the worker wrote it */
    const char *path;      /* below the table's folder, not URI-encoded */
    const char *partition; /* NULL: null, or an unpartitioned table */
    uint64_t rows, bytes;
    const char *stats;
};

struct ec_table {
    const char *name; /* as models call it */
    const char *dir;  /* below the project folder */
    const char *full; /* with it */
    const char *partition_by;
    struct ec_delta *delta;
    bool *removed; /* per file of the snapshot */
    struct ec_new_part *added;
    size_t added_count, added_cap;
    struct ec_delta_column *column; /* after this run */
    size_t column_count;
    bool schema_changed;
    const char **origin; /* `_file`s whose rows go from the files that stay */
    size_t origin_count, origin_cap;
    struct ec_arena *arena; /* the run's */
};

/* A Parquet file of the table after this run. */
struct ec_table_file {
    const char *path; /* full */
    const char *partition;
    uint64_t bytes;
};

/* Opens the table's log; a table that does not exist yet has version -1 and no columns. Texts are
 * borrowed or the arena's. The caller calls ec_table_close. */
enum ec_status ec_table_open(const char *project, const char *dir, const char *name, const char *partition_by,
                             struct ec_arena *arena, struct ec_table *table, struct ec_err *err) EC_MUST_USE;
void ec_table_close(struct ec_table *table);

enum ec_status ec_table_add(struct ec_table *table, struct ec_new_part part, struct ec_err *err) EC_MUST_USE;
/* Adds the columns of new parts. EC_CONFIG where a column has another type in the table. */
enum ec_status ec_table_widen(struct ec_table *table, const struct ec_table_column *column, size_t count,
                              struct ec_err *err) EC_MUST_USE;

/* Back to the snapshot. */
void ec_table_restore(struct ec_table *table);

void ec_table_remove_all(struct ec_table *table);
void ec_table_remove_partition(struct ec_table *table, const char *value);
/* By its path in the log; false where it is not active. */
bool ec_table_remove_path(struct ec_table *table, const char *path);

/* Rows of that `_file` are to be taken out of the files that stay: noted here, done by rewriting. */
enum ec_status ec_table_remove_origin(struct ec_table *table, const char *origin, struct ec_err *err) EC_MUST_USE;

bool ec_table_changed(const struct ec_table *table);
/* Whether a partition gains or loses a file. */
bool ec_table_partition_changed(const struct ec_table *table, const char *value);

/* The files after this run, of all partitions; in the arena. */
enum ec_status ec_table_files(const struct ec_table *table, struct ec_table_file **files, size_t *count,
                              struct ec_err *err) EC_MUST_USE;
/* The files that were there before and stay. */
enum ec_status ec_table_old_files(const struct ec_table *table, struct ec_table_file **files, size_t *count,
                                  struct ec_err *err) EC_MUST_USE;

/* Links the staged parts into the table's folder. Every folder that was made for them, up to `data`, is synced
 * when `durable` is committed (docs/commit.md, C1). */
enum ec_status ec_table_place(const struct ec_table *table, struct ec_durable *durable, struct ec_err *err) EC_MUST_USE;
/* The lines of the commit: protocol and metaData where they are due, removes, adds. */
enum ec_status ec_table_actions(const struct ec_table *table, const char *run, int64_t now_ms, struct ec_buf *out,
                                struct ec_err *err) EC_MUST_USE;
/* Whether the commit takes something away ("MERGE") or only adds ("WRITE"). */
const char *ec_table_operation(const struct ec_table *table);

#endif
