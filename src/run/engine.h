/* An engine beside the driver: another program that runs tasks and computes models for it, on many machines.
 *
 * The driver stays what it is: it plans, compares keys, decides what is loaded, writes the manifest and commits. What
 * it asks of its own pool and of DuckDB on one machine it asks of the engine, over two pipes, a JSON object a line
 * (docs/spark.md):
 *
 *     begin    the run, and the models as text: what cannot be computed is an error before anything is read
 *     tasks    tasks of the worker protocol; their results come back in any order, each task once
 *     models   Delta tables as they will be after the run, and folders for what is computed from them
 *     put      parts that were committed, to be put into the tables' store
 *
 * What an engine wrote is parts in staging until the manifest: it cannot commit, and what it says is checked.
 *
 *     EC_TRY(ec_engine_open(in, out, &engine, err));
 *     EC_TRY(ec_engine_begin(driver, err));
 *     EC_TRY(ec_engine_round(round, err));               // in the place of a round of the pool
 *     EC_TRY(ec_engine_compute(driver, work, n, err));   // in the place of model jobs
 *     EC_TRY(ec_engine_adopt(driver, &work[i], syncs, err));
 *     ec_engine_close(engine);                           // the engine ends when its input does
 */
#ifndef EC_RUN_ENGINE_H
#define EC_RUN_ENGINE_H

#include "remote/put_many.h"
#include "run/lines.h"
#include "run/model_jobs.h"
#include "run/rounds.h"

#define EC_ENGINE_VERSION 1

struct ec_engine {
    struct ec_lines in;
    int out;
    bool puts; /* parts into the store of the tables: it said so at the beginning */
    const char *exchange; /* the folder of a store through which its machines hand files on (run/exchange.h), or NULL */
};

enum ec_status ec_engine_open(int in, int out, struct ec_engine **engine, struct ec_err *err) EC_MUST_USE;
/* Closes both descriptors. NULL allowed. */
void ec_engine_close(struct ec_engine *engine);

/* Says which run this is and what its models are, and waits for the answer. EC_CONFIG at the place of a model that
 * the engine cannot compute. */
enum ec_status ec_engine_begin(struct ec_driver *driver, struct ec_err *err) EC_MUST_USE;

/* Until every task of the round has its result in driver->result. */
enum ec_status ec_engine_round(struct ec_round *round, struct ec_err *err) EC_MUST_USE;

/* Has the engine write each model's touched partitions as a Delta table of its own in staging. All inputs are as they
 * will be after this run. Models of which nothing is touched are passed over. */
enum ec_status ec_engine_compute(struct ec_driver *driver, const struct ec_model_work *work, size_t count,
                                 struct ec_err *err) EC_MUST_USE;
/* Adds the parts of that table to the model's; they are durable when `syncs` has ended. EC_ENGINE where the table is
 * not what the model makes. */
enum ec_status ec_engine_adopt(struct ec_driver *driver, const struct ec_model_work *work, struct ec_sync_queue *syncs,
                               struct ec_err *err) EC_MUST_USE;

/* Has the engine put files into the store of the tables, where it can do so. What it says is not relied upon: the caller
 * looks for each, and puts what is missing. */
void ec_engine_put(struct ec_driver *driver, const struct ec_remote_put *put, size_t count);

/* ---- the channel (engine_channel.c); private to engine_*.c ---- */

enum ec_status ec_engine_say(struct ec_engine *engine, struct ec_buf *line, struct ec_err *err) EC_MUST_USE;
/* The next line: *object is the caller's. Draws the driver's progress meanwhile, asks for signals. A line that says
 * `failed` is that failure; EC_ENGINE where the engine ended. */
enum ec_status ec_engine_hear(struct ec_driver *driver, const char **line, size_t *n, json_t **object,
                              struct ec_err *err) EC_MUST_USE;

#endif
