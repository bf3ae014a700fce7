/* The driver's workers, and the rounds in which they are fed.
 *
 * They are started before the driver opens its own session and checks the models: each is a copy of the driver, with
 * libraries, configuration and the sources' expressions ready, and reads the first files meanwhile. Until then the
 * driver must have no other thread. A later round goes to the same workers.
 */
#ifndef EC_RUN_ROUNDS_H
#define EC_RUN_ROUNDS_H

#include "run/driver.h"

/* Some tasks, and where their results belong: driver->result. */
struct ec_round {
    struct ec_driver *driver;
    struct ec_task *task;
    size_t *index; /* of each in plan.task */
    uint64_t *bytes; /* of each, to be read; about */
    size_t count;
};

/* An empty round, with room for every task; the caller fills in `index` and `count`. */
enum ec_status ec_round_make(struct ec_driver *driver, struct ec_round *round, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_round_run(struct ec_round *round, struct ec_err *err) EC_MUST_USE;

/* Of a worker's session, which is settled with them in the worker. */
struct ec_sql_options ec_worker_sql_options(const struct ec_driver *driver);

/* Checks the sources' expressions, starts the workers and hands out the first tasks. */
enum ec_status ec_workers_start(struct ec_driver *driver, struct ec_err *err) EC_MUST_USE;
/* Until all tasks were done once. */
enum ec_status ec_workers_finish_first(struct ec_driver *driver, struct ec_err *err) EC_MUST_USE;
/* Nobody is alive afterwards. May be called at any time. */
void ec_workers_end(struct ec_driver *driver);

#endif
