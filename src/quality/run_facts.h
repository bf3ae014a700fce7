/* What a run did, as plain data: all that reports, history, page, alert and summary need.
 *
 * The driver fills it in, embeds it in the manifest under "facts", and hands it to publish/;
 * after a crash it is read back from the manifest and publishing ends the same way. Archives
 * are made after the manifest, so they are never in it.
 *
 *     struct ec_run_facts run;
 *     ec_run_facts_init(&run);
 *     run.unit = ...; run.unit_count = ...;
 *     EC_TRY(ec_run_label_units(&run, err));
 *     EC_TRY(ec_run_totals(&run, err));
 *     ec_run_facts_write(&w, "facts", &run);
 *     ec_run_facts_deinit(&run);     // and every unit
 */
#ifndef EC_QUALITY_RUN_FACTS_H
#define EC_QUALITY_RUN_FACTS_H

#include "quality/score.h"

/* Rows that the run added to a table; a KPI table's are those it rewrote. */
struct ec_table_facts {
    const char *name;
    uint64_t rows;
    int64_t version; /* of the Delta log */
};

struct ec_archive_facts {
    const char *path;
    uint64_t files;
    uint64_t bytes;        /* of the files */
    uint64_t bytes_stored; /* of the archive */
    bool verified;
};

/* Sums over the units; rows of those whose facts are known. */
struct ec_totals {
    uint64_t files;
    uint64_t verdicts[EC_VERDICT_COUNT];
    uint64_t bytes; /* as stored */
    uint64_t bytes_decoded;
    uint64_t read;
    uint64_t accepted;
    uint64_t quarantined;
    uint64_t duplicate;
    uint64_t by_reason[EC_REASON_COUNT];
    bool money_known; /* at least one file has money columns */
    int64_t money_e4; /* of rows in quarantine, in ten-thousandths */
    bool newest_known;
    int64_t newest_us; /* of the newest row */
    double score; /* mean of the files' overall scores, weighted by their rows; NAN where unknown */
};

/* What a run cost; known to the process that did it, and to its line of the history. */
struct ec_stage_facts {
    const char *name;
    double start, seconds; /* since the run's start */
    double cpu_seconds;    /* of the driver and the workers */
};

struct ec_resource_facts {
    bool known;
    uint64_t peak_memory_bytes; /* of the largest process: the driver or a worker */
    double cpu_seconds;         /* of all of them */
    struct ec_stage_facts *stage;
    size_t stage_count;
};

struct ec_run_facts {
    struct ec_arena arena; /* owns the unit array and the texts once read back */
    const char *run;       /* id */
    uint64_t seq;
    int64_t started_us;
    int64_t finished_us;
    int64_t as_of_us;
    unsigned workers;
    unsigned cpus;
    size_t sources; /* with at least one file */
    struct ec_unit *unit;
    size_t unit_count;
    struct ec_table_facts *table;
    size_t table_count;
    struct ec_archive_facts *archive;
    size_t archive_count;
    struct ec_anomaly *anomaly; /* those of a source follow each other */
    size_t anomaly_count;
    struct ec_totals totals;
    struct ec_resource_facts resources; /* not in the JSON */
};

/* An amount of ten-thousandths as a decimal number, null where it is not known. */
void ec_money_write(struct ec_json_writer *w, const char *key, bool known, int64_t e4);

void ec_run_facts_init(struct ec_run_facts *run);
/* Frees the units' facts too. */
void ec_run_facts_deinit(struct ec_run_facts *run);

/* Gives every unit a label for its report that no other unit of the run has: the file's own
 * name, with a hash where two files share it. The texts are in run->arena. */
enum ec_status ec_run_label_units(struct ec_run_facts *run, struct ec_err *err) EC_MUST_USE;
/* Judges every unit and sums up. */
enum ec_status ec_run_totals(struct ec_run_facts *run, struct ec_err *err) EC_MUST_USE;

/* The verdict of the run: the worst of its files. */
enum ec_verdict ec_run_verdict(const struct ec_run_facts *run);

/* The archives as a list of objects. */
void ec_archives_write(struct ec_json_writer *w, const char *key, const struct ec_run_facts *run);

/* As compact JSON, and back (without archives); reading initialises *run and sums up. */
void ec_run_facts_write(struct ec_json_writer *w, const char *key, const struct ec_run_facts *run);
enum ec_status ec_run_facts_read(const json_t *object, struct ec_run_facts *run, struct ec_err *err) EC_MUST_USE;

/* The units worst first: errored, failed (lowest score first), warned, passed, skipped; equals
 * by path and member. `order` has room for run->unit_count indices. */
enum ec_status ec_run_worst_first(const struct ec_run_facts *run, size_t *order, struct ec_err *err) EC_MUST_USE;

#endif
