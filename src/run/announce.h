/* Telling other programs of a run: metrics for Prometheus, OpenLineage events (docs/outputs.md). */
#ifndef EC_RUN_ANNOUNCE_H
#define EC_RUN_ANNOUNCE_H

#include "run/finish.h"

/* Without effect where the configuration asks for none. */
enum ec_status ec_announce_metrics(const struct ec_finish_options *options, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_announce_lineage(const struct ec_finish_options *options, struct ec_err *err) EC_MUST_USE;

/* Of a run that ended with an error before its manifest. What cannot be delivered is logged: the run has failed already. */
void ec_announce_failure(const struct ec_config *config, const struct ec_run_facts *run, const struct ec_err *cause);

#endif
