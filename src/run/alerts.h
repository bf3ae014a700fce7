/* The alerts of a run: what is told to whom, put into the outbox; and their delivery, behind the run's end.
 *
 * Two steps, because they have nothing to do with each other. Under the lock, with the reports, the run writes down
 * what it has to tell: that is a delivery like any other, done again after a crash, and the same each time. When the
 * lock is free again whoever ran the command delivers, and whatever comes of it changes nothing of the data. */
#ifndef EC_RUN_ALERTS_H
#define EC_RUN_ALERTS_H

#include "deliver/deliver.h"
#include "run/finish.h"

/* Composes a message for each alert that is to be told, and journals it, or that it is suppressed. */
enum ec_status ec_alerts_queue(const struct ec_config *config, const struct ec_run_facts *facts, struct ec_err *err) EC_MUST_USE;
/* A test message for the alert. *id is its id, EC_MESSAGE_ID_MAX bytes. */
enum ec_status ec_alerts_queue_test(const struct ec_config *config, const struct ec_alert *alert, char *id, struct ec_err *err) EC_MUST_USE;
/* Delivers what waits. What fails is added to `problems`, and never an error. */
void ec_alerts_deliver(const struct ec_config *config, bool (*cancelled)(void), struct ec_buf *problems);
/* Has the page say what became of those that a delivery was about; without effect where there were none. */
void ec_alerts_show(const struct ec_config *config, const struct ec_deliver_outcome *outcome);
/* The folder's own name, by which messages call the project; out[EC_PATH_MAX]. */
void ec_alerts_project(const struct ec_config *config, char *out);

#endif
