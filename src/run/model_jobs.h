/* Computing models by several threads, each with a DuckDB session of one thread.
 *
 * A job is some partitions of a model; its rows go to parts of its own, which nobody sees before
 * the commit. How rows are cut into jobs hangs on the data alone, so the parts' bytes do not hang
 * on how many threads there are. Where there is but one job, and its model is sorted, the driver's
 * own session computes it with all its threads.
 *
 *     struct ec_model_jobs jobs = {0};
 *     EC_TRY(ec_model_jobs_add(&jobs, &job, err));
 *     EC_TRY(ec_model_jobs_run(driver, &jobs, syncs, err));    // jobs.job[i].writer is finished
 *     ec_model_jobs_deinit(&jobs);
 *
 * The parts are handed to `syncs`, and durable when that has ended. A failed job ends the others. The thread that calls draws the progress and asks for signals.
 */
#ifndef EC_RUN_MODEL_JOBS_H
#define EC_RUN_MODEL_JOBS_H

#include "base/sync_queue.h"
#include "run/driver.h"
#include "store/table_writer.h"

/* A model that is to be computed. */
struct ec_model_work {
    const struct ec_model *model;
    struct ec_table *table;
    struct ec_partitions touched;
    struct ec_table_file **input; /* per input: its files after this run */
    size_t *input_count;
    const struct ec_model_files *files; /* the same as the models know them */
    struct ec_wide_hashes *hashes;      /* of a wide model's joins, shared by its jobs while they run; or NULL */
};

struct ec_model_job {
    const struct ec_model_work *work;
    struct ec_partitions touched;
    uint64_t bytes; /* of input, about: the largest job goes first */
    bool early;     /* before those that are not, whatever their size */
    struct ec_table_writer_options options;
    struct ec_table_writer *writer; /* owned by the list */
    int64_t wall_ns, cpu_ns; /* that it took; processor time is the thread's */
};

struct ec_model_jobs {
    struct ec_model_job *job;
    size_t count, cap;
};

enum ec_status ec_model_jobs_add(struct ec_model_jobs *jobs, const struct ec_model_job *job, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_model_jobs_run(struct ec_driver *driver, struct ec_model_jobs *jobs, struct ec_sync_queue *syncs,
                                 struct ec_err *err) EC_MUST_USE;
void ec_model_jobs_deinit(struct ec_model_jobs *jobs); /* removes what was not finished */

#endif
