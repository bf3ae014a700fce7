/* A task: one file, one archive member, or one range of a large plain file, read and checked
 * into parts, quarantine, keys and facts. It is what the worker protocol carries; what it writes
 * depends on the task and the configuration alone.
 */
#ifndef EC_RUN_TASK_H
#define EC_RUN_TASK_H

#include "base/facts.h"
#include "config/config.h"
#include "sql/session.h"

#include <jansson.h>

#define EC_PROTOCOL_VERSION 1
/* A task's name becomes that of its parts. */
#define EC_TASK_ID_MAX 64u
#define EC_TASK_ID_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

struct ec_task {
    const char *id;     /* "t000017": also the name of its parts and of its staging folder */
    const char *run;    /* the run's id, for quarantine lines */
    uint32_t seq;       /* the run's number, for the names of parts */
    const char *source;
    const char *root;   /* data/raw of the project: `path` lies below it; NULL: `path` is as given */
    const char *path;
    const char *member; /* or NULL */
    uint64_t range_start, range_end; /* 0,0: the whole file */
    uint64_t line;      /* of range_start; 0: 1 */
    const char *out;    /* folder for parts, keys and quarantine; NULL: check only */
    const char *drop;   /* file of rows to drop as duplicates (run/drop.h); NULL */
    bool kept;          /* `out` holds what the task made without the drop list: take the rows out of that */
    bool reject;        /* quarantine every row: the file was rejected as a whole */
    int32_t as_of;      /* the run's date, days since 1970 */
    const char *config; /* fingerprint that the worker's configuration must have; NULL: any */
    enum ec_status problem; /* EC_OK, or why the file could not be brought to where it is read: the result says it, */
    const char *message;    /* with this message */
    const char *tag;    /* of an object in a store: which version lies at root/path; NULL. The planner's, in no line */
};

struct ec_task_part {
    const char *path; /* relative to `out` */
    const char *partition;
    uint64_t rows, bytes;
    const char *stats; /* Delta's JSON */
};

struct ec_table_column {
    const char *name;
    struct ec_column_type type;
};

struct ec_task_result {
    struct ec_arena arena;
    const char *task;
    enum ec_status status; /* EC_OK, or why the file could not be read */
    const char *error;     /* the message for it */
    struct ec_facts facts;
    struct ec_task_part *part;
    size_t part_count;
    struct ec_table_column *column; /* of the parts, the partition column included */
    size_t column_count;
    const char *quarantine; /* path below `out`, NULL: no row was rejected */
    uint64_t quarantined;   /* rows in it */
    const char *keys;       /* path below `out`, NULL: the source has no key */
    uint64_t key_count;
    const char **missing;   /* declared columns that the file does not have */
    size_t missing_count;
    const char **undeclared;
    size_t undeclared_count;
    bool kept; /* made of what the task had made before, with a drop list: its times are of both, this one's are `again` */
    bool keep; /* the worker leaves its answer in `out` too (run/kept.h); not part of the answer */
};

struct ec_key_set;
struct ec_key_writer;

/* What a worker keeps between tasks: the configuration, one DuckDB session, memory for keys. */
struct ec_task_context {
    const struct ec_config *config;
    uint64_t memory_bytes; /* of this worker */
    struct ec_sql *sql;    /* opened with the first task that needs it */
    int32_t sql_as_of;
    struct ec_derivation **derivation; /* per source, made when first needed */
    struct ec_key_set *keys;           /* made when first needed */
    struct ec_key_writer *key_file;
};

void ec_task_context_deinit(struct ec_task_context *context);
/* The expressions of the source, prepared when first asked for; NULL where it has none. The session is opened with the
 * first; another `as_of` is another session. */
enum ec_status ec_task_context_derivation(struct ec_task_context *context, const struct ec_source *source, int32_t as_of,
                                          struct ec_derivation **derivation, struct ec_err *err) EC_MUST_USE;
/* Those of all sources, over the open session; the first source's error. */
enum ec_status ec_task_context_prepare(struct ec_task_context *context, struct ec_err *err) EC_MUST_USE;
bool ec_source_has_expressions(const struct ec_source *source);

/* Runs the task. A file that cannot be read is EC_OK with result->status set; any other status
 * is a failure of the worker itself (disk, memory, configuration). The caller calls
 * ec_task_result_deinit in every case. */
enum ec_status ec_task_run(struct ec_task_context *context, const struct ec_task *task, struct ec_task_result *result,
                           struct ec_err *err) EC_MUST_USE;
void ec_task_result_init(struct ec_task_result *result);
void ec_task_result_deinit(struct ec_task_result *result);

/* Whether the failure is of the file (its report says so) or of this machine. */
bool ec_status_is_of_the_file(enum ec_status status);

/* The protocol's lines, without the newline (protocol.c, protocol_read.c). Texts of a task that was
 * read live in the arena; a result owns its own, and is to be deinitialised after a failure too.
 * EC_PROTOCOL names the field that is wrong. */
void ec_task_write(struct ec_buf *out, const struct ec_task *task);
enum ec_status ec_task_read(const char *line, size_t n, struct ec_arena *arena, struct ec_task *task, struct ec_err *err) EC_MUST_USE;
void ec_task_result_write(struct ec_buf *out, const struct ec_task_result *result);
enum ec_status ec_task_result_read(const char *line, size_t n, struct ec_task_result *result, struct ec_err *err) EC_MUST_USE;

/* A worker's share of the memory, and nothing opened yet. */
void ec_worker_context(const struct ec_config *config, struct ec_task_context *context);
/* The worker's work over a context of the caller's. */
enum ec_status ec_worker_serve(struct ec_task_context *context, int fd_in, int fd_out, struct ec_err *err) EC_MUST_USE;
/* Gives up what a worker of this project does not need (base/sandbox.h): it may read data/raw (discovery
 * follows no links) and write data/staging. For a process that a driver started, before its first task. */
enum ec_status ec_worker_confine(const struct ec_task_context *context, struct ec_err *err) EC_MUST_USE;
/* The worker: tasks on fd_in, results on fd_out, until the end of input. */
enum ec_status ec_worker_run(const struct ec_config *config, bool confined, int fd_in, int fd_out,
                             struct ec_err *err) EC_MUST_USE;

#endif
