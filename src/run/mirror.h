/* Tables in a store, which follow those of the project: a second home for engines that read there.
 *
 *     data/processed/enriched/sales/_delta_log/…0007.json   is the truth: keys, merges, exports, page, recovery
 *     s3://lake/shop/enriched/sales/_delta_log/…0007.json   the same bytes, once
 *
 * A version of a table's log is the same bytes here and there. So what the store lacks is found by comparing the two logs,
 * whatever ended an earlier run; a commit that is there is known by its version and its content, and made once; and the
 * table there has the project's id, schema, statistics and `txn`. In this order:
 *
 *     look     the log there is listed; its first and its last version are compared with ours (M1)
 *     parts    of every version that it lacks, put where they are not there yet (M2)
 *     commits  the versions, in order, each put if absent (M3); behind them the newest checkpoint
 *
 * Nothing is put before it is committed here: no part lies there that no commit will name.
 *
 * Writing there is for this program alone: a log with a version that is not ours is EC_COMMIT_CONFLICT, and stays as it is.
 * `data/runs/store.json` says what was found to be delivered; it saves asking, and decides nothing else. */
#ifndef EC_RUN_MIRROR_H
#define EC_RUN_MIRROR_H

#include "base/arena.h"
#include "remote/put_many.h"
#include "run/mirror_orphans.h"

struct ec_mirror_options {
    const char *project;
    const char *address;       /* "s3://lake/shop", without a slash behind it */
    const char *only;          /* name of one table; NULL: all */
    bool remember;             /* in data/runs/store.json; for the address of the configuration */
    bool look_only;            /* nothing is put, and nothing believed without asking */
    struct ec_orphans *orphans; /* with look_only: receives files that no version names; NULL: they are not looked for */
    int64_t remove_before_us;   /* those of before that time are removed; 0: none is */
    bool (*cancelled)(void);   /* NULL allowed */
    /* Others who put what they can before this machine does, NULL for none. What it says is not needed to be true. */
    void (*put)(void *user, const struct ec_remote_put *put, size_t count);
    void *user;
};

struct ec_mirror_table {
    const char *dir;   /* its folder */
    const char *name;  /* below data/processed: "enriched/sales" */
    const char *to;    /* its address */
    int64_t version;   /* newest, here */
    int64_t found;     /* newest, there, when it was looked at; -1: none */
    int64_t there;     /* newest, there, now */
    int64_t checkpoint; /* newest, there; -1: none */
    bool believed;     /* store.json says that all is there: it was not asked */
    size_t parts;      /* that were missing, */
    size_t parts_put;  /* and that this process has put */
    uint64_t bytes;
    enum ec_status status; /* of this table alone: EC_COMMIT_CONFLICT, EC_TABLE_FORMAT, EC_IO, EC_UNREADABLE, EC_FILE_CHANGED */
    char message[1024];
};

struct ec_mirror {
    struct ec_arena arena;
    struct ec_mirror_table *table; /* in order of name */
    size_t count;
    bool asked; /* the store was */
};

/* Brings the tables in the store to where those of the project are. A table that cannot be followed has its own status and
 * does not keep the others from it; what concerns the store as a whole is returned: EC_REMOTE, EC_REMOTE_DENIED,
 * EC_INTERRUPTED, EC_USAGE for the address. *mirror says how far it came, and is to be freed, in any case. Under the
 * project's lock; while a second one is under way they disturb each other in nothing. */
enum ec_status ec_mirror_tables(const struct ec_mirror_options *options, struct ec_mirror *mirror, struct ec_err *err) EC_MUST_USE;
void ec_mirror_free(struct ec_mirror *mirror);

/* Whether tables can be put there. EC_USAGE, EC_CONFIG. */
enum ec_status ec_mirror_check_address(const char *address, struct ec_err *err) EC_MUST_USE;

/* The version of a table that was found to be there, by store.json alone; -1 where it says nothing of it. */
int64_t ec_mirror_believed(const char *project, const char *address, const char *name);

#endif
