/* The manifest of a run: what was read and everything that is to be done about it.
 *
 * `data/runs/%08u.json`, written once by link(): the point of no return (docs/commit.md). From it
 * alone a later run can finish what a crash interrupted: each table's commit with its actions,
 * quarantine files to put in place, exports, marks and the archive. The facts that reports are
 * drawn from lie beside it in `%08u.facts.json`; `%08u.finished` says that nothing is left to do.
 */
#ifndef EC_RUN_MANIFEST_H
#define EC_RUN_MANIFEST_H

#include "base/arena.h"
#include "base/err.h"

#define EC_MANIFEST_VERSION 1

enum ec_input_state {
    EC_INPUT_APPLIED,  /* its accepted rows are in the table */
    EC_INPUT_REJECTED, /* the gate let nothing of it through */
    EC_INPUT_ERRORED,  /* it could not be read */
};

struct ec_manifest_input {
    const char *source;
    const char *path;   /* below data/raw; of an object its address */
    const char *member; /* or NULL */
    uint64_t bytes;
    int64_t mtime_us;
    uint64_t inode;
    const char *tag;    /* of an object in a store: its version; NULL for a file of data/raw */
    const char *sha256; /* of the bytes as stored; NULL where they could not be read */
    const char *rules;  /* fingerprint of the source's rules */
    uint32_t drop;      /* the run that met this content first: which drop is newer, when all are read again */
    enum ec_input_state state;
    uint64_t rows;     /* accepted */
    const char **part; /* of the table, as the log names them */
    size_t part_count;
};

struct ec_manifest_commit {
    const char *table;     /* folder below the project's, "data/processed/enriched/sales" */
    const char *operation; /* "WRITE", "MERGE" */
    int64_t base_version;
    const char *base_metadata; /* fingerprint; NULL for a new table, and where an earlier program wrote the manifest */
    int64_t timestamp_ms;
    struct ec_str actions;
};

struct ec_manifest_model {
    const char *name;
    const char *fingerprint; /* of its text: a changed model is computed anew */
};

struct ec_manifest_export {
    const char *model;
    const char *table;
    const char *pattern;    /* "sales/{date}/sales_{date}_kpi.csv" */
    const char **partition; /* values to write; NULL element is the null partition */
    size_t partition_count;
    bool all; /* everything, and files of vanished values are removed */
};

struct ec_manifest_move {
    const char *from, *to; /* below the project folder */
};

struct ec_manifest_mark {
    const char *path; /* of the raw file, below data/raw */
    const char *sha256;
    int64_t mtime_us; /* as it was read: a file that came under its name since is not ours to clean up */
    uint64_t inode;
    uint64_t rows;
    size_t members;
};

struct ec_manifest {
    struct ec_arena arena;
    uint32_t seq;
    const char *run;
    const char *program;
    const char *config; /* fingerprint */
    int64_t started_us;
    int32_t as_of;
    struct ec_manifest_input *input;
    size_t input_count;
    struct ec_manifest_commit *commit;
    size_t commit_count;
    struct ec_manifest_model *model;
    size_t model_count;
    struct ec_manifest_export *export;
    size_t export_count;
    struct ec_manifest_move *quarantine;
    size_t quarantine_count;
    struct ec_manifest_mark *mark;
    size_t mark_count;
    const char *archive;   /* its path below the project folder; NULL: none is to be written */
    const char **archived; /* what goes into it, below the project folder; folders stand for all in them */
    size_t archived_count;
};

void ec_manifest_init(struct ec_manifest *manifest);
void ec_manifest_deinit(struct ec_manifest *manifest);

/* Publishes it. EC_LOCKED-like races cannot happen under the run's lock: a number that is taken
 * is EC_IO. */
enum ec_status ec_manifest_publish(const char *dir, const struct ec_manifest *manifest, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_manifest_read(const char *dir, uint32_t seq, struct ec_manifest *manifest,
                                struct ec_err *err) EC_MUST_USE;

/* Whether there is one of that number. */
bool ec_manifest_exists(const char *dir, uint32_t seq);

/* The numbers of all manifests, rising; *unfinished gets those without their `.finished`. */
struct ec_manifest_list {
    struct ec_arena arena;
    uint32_t *seq;
    bool *finished;
    size_t count;
};
enum ec_status ec_manifest_list(const char *dir, struct ec_manifest_list *list, struct ec_err *err) EC_MUST_USE;
void ec_manifest_list_deinit(struct ec_manifest_list *list);
enum ec_status ec_manifest_finish(const char *dir, uint32_t seq, struct ec_err *err) EC_MUST_USE;

/* data/runs/<seq><suffix> into out[EC_PATH_MAX]; suffix ".json", ".facts.json", ".finished". */
enum ec_status ec_manifest_path(char *out, const char *dir, uint32_t seq, const char *suffix,
                                struct ec_err *err) EC_MUST_USE;

#endif
