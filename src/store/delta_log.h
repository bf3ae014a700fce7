/* Replay of a Delta log: what delta_read.c, delta_write.c and delta_sweep.c share. Not for
 * other folders.
 *
 * A replay is a state that versions are applied to, in order; ec_delta_replay_log() applies
 * what is new since the last call, so that a writer that lost a race reads just the winner's
 * commit.
 */
#ifndef EC_STORE_DELTA_LOG_H
#define EC_STORE_DELTA_LOG_H

#include "store/delta.h"

#include <inttypes.h>
#include <jansson.h>

#define EC_DELTA_PATH_MAX  4096u
#define EC_DELTA_TYPE_NAME 24u /* "decimal(18,18)" */

/* A file that the log names; `active` while its last action is an add. */
struct ec_delta_entry {
    const char *name; /* relative path, decoded: writers differ in how they encode one */
    struct ec_delta_file file;
    bool active;
    bool vector;        /* its add has a deletion vector */
    int64_t deleted_ms; /* of a file that is not */
};

/* What a log may ask for that is not known here. It counts where the newest version asks for it yet: a feature can be taken
 * away again, and a table be restored. */
enum ec_delta_asks { EC_DELTA_PROTOCOL, EC_DELTA_METADATA, EC_DELTA_VECTOR, EC_DELTA_ASKS };

/* An application's newest transaction. */
struct ec_delta_txn_entry {
    const char *app_id;
    int64_t version;
    int64_t updated; /* milliseconds, or -1 */
};

struct ec_delta_replay {
    const char *dir;        /* of the table, borrowed */
    struct ec_arena *arena; /* borrowed: texts of the state lie there */
    int64_t version;        /* newest applied; -1: none */

    /* What the caller wants to know; set before the first call. */
    bool files;         /* follow add and remove */
    const char *app_id; /* follow this application's txn; or NULL */
    int64_t txn_wanted; /* and note where its version reaches this */
    int64_t base;       /* note a protocol or metaData action after this version */
    bool from_start;    /* every file that was ever named: no checkpoint, unless the first commits are gone */
    bool everything;    /* also what a checkpoint keeps besides: `protocol` and all of `txn` */

    /* The state. */
    bool has_protocol;
    const char *id; /* of the table; NULL before the first metaData */
    const char *metadata;
    struct ec_delta_column *column;
    size_t column_count;
    const char *partition_by;
    bool append_only;
    const char *unwritable;
    int64_t txn_version;          /* newest of app_id; -1: none */
    int64_t txn_at;               /* first version whose txn is txn_wanted or above; -1: none */
    int64_t changed_at;           /* last protocol or metaData action after base; -1: none */
    int64_t added_at;             /* last version with an add that was followed; -1: none */
    struct ec_delta_entry *entry; /* every file that an add or remove named */
    size_t entry_count;
    size_t entry_cap;
    size_t *slot; /* hash table over entry by name; index + 1, 0 is free */
    size_t slot_count;
    struct ec_err refused[EC_DELTA_ASKS]; /* of the newest action of each kind; EC_OK where all is known */
    const char *protocol;                 /* the newest action as JSON */
    struct ec_delta_txn_entry *txn;
    size_t txn_count;

    /* The line that is being applied, for messages. */
    const char *path;
    uint32_t line;
};

void ec_delta_replay_init(struct ec_delta_replay *replay, const char *dir, struct ec_arena *arena);
void ec_delta_replay_deinit(struct ec_delta_replay *replay);

/* Applies the versions that the folder holds beyond replay->version. */
enum ec_status ec_delta_replay_log(struct ec_delta_replay *replay, struct ec_err *err) EC_MUST_USE;

/* Whether the log names this relative path; NULL where not. */
const struct ec_delta_entry *ec_delta_replay_find(const struct ec_delta_replay *replay, const char *name);

/* EC_TABLE_FORMAT at the line that is being applied. */
enum ec_status ec_delta_damaged(const struct ec_delta_replay *replay, struct ec_err *err, const char *fmt, ...)
    EC_PRINTF(3, 4);

/* Applies a protocol or a metaData action; what it asks for and is not known goes to replay->refused. */
enum ec_status ec_delta_apply_protocol(struct ec_delta_replay *replay, const json_t *action,
                                       struct ec_err *err) EC_MUST_USE;
enum ec_status ec_delta_apply_metadata(struct ec_delta_replay *replay, json_t *action, struct ec_err *err) EC_MUST_USE;

/* What a log folder holds. */
struct ec_delta_range {
    int64_t last;        /* newest version, -1 where there is none */
    bool whole;          /* every version from 0 is there as a commit */
    int64_t checkpoint;  /* newest whole one that may be used, or -1 */
    unsigned parts;      /* of it; 0: it is one file */
};

/* Looks for versions, and for the newest checkpoint of at most `checkpoint_max`. EC_TABLE_FORMAT for a gap between
 * versions behind the checkpoint, or before it where there is none and the log does not begin with version 0. */
enum ec_status ec_delta_log_range(const char *dir, int64_t checkpoint_max, struct ec_delta_range *range,
                                  struct ec_err *err) EC_MUST_USE;
/* The state at the range's checkpoint. */
enum ec_status ec_delta_apply_checkpoint(struct ec_delta_replay *replay, const struct ec_delta_range *range,
                                         struct ec_err *err) EC_MUST_USE;
bool ec_delta_reads_checkpoints(void);

/* Whether the commit may go behind versions that its snapshot does not have: EC_COMMIT_CONFLICT where not. *made says that
 * the log has its files already: then it was made, and its txn was dropped since. */
enum ec_status ec_delta_behind(const struct ec_delta_replay *table, const struct ec_delta_commit *commit, bool *made,
                               struct ec_err *err) EC_MUST_USE;

/* Applies one action of the version behind replay->version. */
enum ec_status ec_delta_apply(struct ec_delta_replay *replay, json_t *line, struct ec_err *err) EC_MUST_USE;
/* DIR/_delta_log, or a version's file in it. */
enum ec_status ec_delta_log_dir(char *out, size_t out_size, const char *dir, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_delta_log_path(char *out, size_t out_size, const char *dir, int64_t version,
                                 struct ec_err *err) EC_MUST_USE;

/* The JSON as compact text, appended; false without memory. */
bool ec_delta_dump(const json_t *json, struct ec_buf *out);
/* The type's name in schemaString: "long", "decimal(12,2)". */
void ec_delta_type_name(struct ec_column_type type, char out[EC_DELTA_TYPE_NAME]);

#endif
