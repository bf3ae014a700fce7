/* Delta Lake tables, protocol reader 1 and writer 2: the log.
 *
 * `_delta_log/%020d.json` from 0, one action a line (delta-io/delta PROTOCOL.md). A commit is
 * written to a temporary file, synced, and link()ed to its version's name, so that it exists
 * or it does not; EEXIST means another writer came first (docs/commit.md).
 *
 *     struct ec_delta *table;
 *     EC_TRY(ec_delta_open(dir, &table, err));           // version -1 where there is no log
 *     struct ec_delta_commit commit = {...};
 *     EC_TRY(ec_delta_write(dir, &commit, &version, err));
 *     ec_delta_close(table);
 */
#ifndef EC_STORE_DELTA_H
#define EC_STORE_DELTA_H

#include "base/hash.h"
#include "base/json.h"
#include "store/parquet.h"

struct ec_delta_column {
    const char *name;
    struct ec_column_type type;
};

struct ec_delta_file {
    const char *path;      /* relative to the table, URI-encoded as in the log */
    const char *partition; /* value of the one partition column; NULL for null or an unpartitioned table */
    uint64_t bytes;
    uint64_t rows; /* numRecords; UINT64_MAX where the log has no statistics */
    int64_t modified_ms;
    const char *stats; /* the stats JSON as in the log, or NULL */
};

/* A snapshot: what the log says at its newest version. Read-only. */
struct ec_delta {
    struct ec_arena arena;
    const char *dir;
    int64_t version; /* -1: no table yet */
    const char *id;
    struct ec_delta_column *column; /* in schema order, the partition column included */
    size_t column_count;
    const char *partition_by;   /* or NULL */
    struct ec_delta_file *file; /* active, in order of path */
    size_t file_count;
    bool append_only;       /* delta.appendOnly: remove actions are refused */
    const char *unwritable; /* what about the table keeps us from writing to it, or NULL */
    const char *metadata;   /* the newest metaData action as JSON, for ec_delta_evolve_action */
};

/* Replays the log; *table is owned by the caller. EC_TABLE_FORMAT for gaps, damaged lines, a path
 * that leaves the table, and where the newest version asks for it: a protocol above (1,2) with
 * features that are not known, more than one partition column, invariants, unknown types; a log whose first commits were cleaned up without a checkpoint that we can read. Actions and
 * fields that are not of this protocol are passed over. */
enum ec_status ec_delta_open(const char *dir, struct ec_delta **table, struct ec_err *err) EC_MUST_USE;
void ec_delta_close(struct ec_delta *table); /* NULL allowed */

/* Names in a log: "_delta_log/<20 digits>" and `end` (".json", ".checkpoint.parquet"); and of a name without its folder
 * the version, -1 for any other name. */
void ec_delta_name(int64_t version, const char *end, char out[64]);
int64_t ec_delta_name_version(const char *name, const char *end);

/* The newest version, -1 where there is no table; its log is listed, and not read. EC_TABLE_FORMAT as above. */
enum ec_status ec_delta_newest(const char *dir, int64_t *version, struct ec_err *err) EC_MUST_USE;

/* Checkpoints: the state of a log at a version, as one Parquet file or several, so that neither we nor others replay
 * ten thousand commits (PROTOCOL.md, "Checkpoints"; of the classic kind, not V2). They are read and written through a
 * function that is given once, before any thread, by who may open DuckDB (sql/checkpoint.h); without it logs are
 * replayed from version 0. A reader calls `line` for each row as a JSON object, the protocol and metaData rows first,
 * fields that are null allowed. */
typedef enum ec_status (*ec_delta_line_fn)(void *context, const char *p, size_t n, struct ec_err *err);
typedef enum ec_status (*ec_delta_checkpoint_reader)(const char *dir, const char *const *part, size_t part_count,
                                                     ec_delta_line_fn line, void *context, struct ec_err *err);
void ec_delta_read_checkpoints(ec_delta_checkpoint_reader reader);

/* A checkpoint of every so many versions. */
#define EC_DELTA_CHECKPOINT_EVERY 20

/* Whether the newest version has gone that far beyond the newest whole checkpoint. */
enum ec_status ec_delta_checkpoint_due(const char *dir, bool *due, struct ec_err *err) EC_MUST_USE;
/* The state at the newest version, an action a line: what a checkpoint of that version holds. Files that were removed
 * are in it for good, as their parts stay for those who look at an earlier version. *actions counts the lines. */
enum ec_status ec_delta_checkpoint_lines(const char *dir, int64_t *version, struct ec_buf *out, size_t *actions,
                                         struct ec_err *err) EC_MUST_USE;

/* The version that the log records for this application, -1 where none (its `txn` actions). */
enum ec_status ec_delta_txn(const char *dir, const char *app_id, int64_t *version, struct ec_err *err) EC_MUST_USE;

/* The columns of a table after rows with the columns `want` are added: the table's, then what is
 * new, in an array of `arena`. *changed says that a new metaData action is needed. EC_CONFIG where
 * a column has another type in the table, its name differs in case alone or may not be one; the
 * message names table and column. For a table that does not exist yet, `want` itself. */
enum ec_status ec_delta_schema_merge(const struct ec_delta *table, const struct ec_delta_column *want, size_t count,
                                     struct ec_arena *arena, struct ec_delta_column **merged, size_t *merged_count,
                                     bool *changed, struct ec_err *err) EC_MUST_USE;

/* One action line each, appended to *out with its newline: the texts that a manifest keeps and
 * ec_delta_write() writes as they are. */
void ec_delta_protocol_action(struct ec_buf *out);
void ec_delta_metadata_action(struct ec_buf *out, const char *id, const struct ec_delta_column *column, size_t count,
                              const char *partition_by, int64_t created_ms);
/* The metaData of an existing table with the columns of ec_delta_schema_merge: what the table
 * holds besides (its id, properties, comments of columns) stays. */
enum ec_status ec_delta_evolve_action(struct ec_buf *out, const struct ec_delta *table,
                                      const struct ec_delta_column *column, size_t count,
                                      struct ec_err *err) EC_MUST_USE;
void ec_delta_add_action(struct ec_buf *out, const struct ec_delta_file *file, const char *partition_by);
void ec_delta_remove_action(struct ec_buf *out, const struct ec_delta_file *file, const char *partition_by,
                            int64_t deleted_ms);
/* The stats JSON of a part: numRecords, nullCount, minValues, maxValues. */
void ec_delta_stats_json(struct ec_buf *out, const struct ec_part_stats *stats);

/* Of a metaData action, so that it can be compared with that of a log whose versions between are gone. */
enum ec_status ec_delta_fingerprint(const char *metadata, char hex[EC_SHA256_HEX], struct ec_err *err) EC_MUST_USE;

struct ec_delta_commit {
    const char *app_id;    /* txn.appId; a commit is skipped where the log has this (app_id, txn_version) */
    int64_t txn_version;   /* the run's seq */
    const char *operation; /* "WRITE", "MERGE", ... */
    const char *run;       /* into commitInfo */
    int64_t timestamp_ms;
    int64_t base_version;  /* the snapshot that `actions` were made from; -1: the table is new */
    const char *base_metadata; /* ec_delta_fingerprint() of that snapshot's; NULL: not known, the log after it must be whole */
    struct ec_str actions; /* lines of protocol, metaData, add, remove; without commitInfo and txn */
};

/* Commits, or finds that it was committed before (idempotent by app_id and txn_version).
 * *version receives the version. Where versions after base_version exist that are not ours the
 * commit goes behind them, unless the schema or the table's properties are not what they were, or
 * a file that it removes is not active any more: EC_COMMIT_CONFLICT. EC_TABLE_FORMAT for actions
 * that are not well-formed. */
enum ec_status ec_delta_write(const char *dir, const struct ec_delta_commit *commit, int64_t *version,
                              struct ec_err *err) EC_MUST_USE;

/* The folder of a partition ("date=2025-07-18", "__HIVE_DEFAULT_PARTITION__" for null),
 * Hive-escaped; NUL-terminated into out. EC_TABLE_FORMAT where it does not fit. */
enum ec_status ec_delta_partition_dir(char *out, size_t out_size, const char *column, const char *value,
                                      struct ec_err *err) EC_MUST_USE;
/* URI-encodes a relative path for the log, and decodes one from it. */
void ec_delta_path_encode(struct ec_buf *out, const char *path);
enum ec_status ec_delta_path_decode(const char *uri, char *out, size_t out_size, struct ec_err *err) EC_MUST_USE;

/* Whether a column may bear this name: none of " ,;{}()\n\t=", not empty. Clashes ignoring case
 * are the caller's to find. */
bool ec_delta_name_valid(const char *name);

/* Removes what no version refers to: our temporary files in the log folder, *.parquet files that
 * no add or remove of the log names, and folders left empty. Names starting with '.' or '_' and
 * symbolic links are passed over. A log that cannot be read removes nothing. Called by recovery
 * under the lock, while nobody writes: parts of a commit under way would look forgotten. */
enum ec_status ec_delta_sweep(const char *dir, size_t *removed, struct ec_err *err) EC_MUST_USE;

#endif
