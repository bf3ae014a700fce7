/* The facts of a run: filled in by the driver, published beside the manifest, read back by whoever
 * finishes the run. */
#ifndef EC_RUN_FACTS_H
#define EC_RUN_FACTS_H

#include "run/driver.h"

/* A unit of facts for each unit of the plan that is read, named and with its terms. */
enum ec_status ec_facts_begin(struct ec_driver *driver, struct ec_err *err) EC_MUST_USE;
/* Sums up, and publishes data/runs/<seq>.facts.json. */
enum ec_status ec_facts_publish(struct ec_driver *driver, struct ec_err *err) EC_MUST_USE;
/* Reads data/runs/<seq>.facts.json; sources that are still configured are set. */
enum ec_status ec_facts_load(const struct ec_config *config, uint32_t seq, struct ec_run_facts *facts, struct ec_err *err) EC_MUST_USE;

#endif
