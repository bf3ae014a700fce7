/* Telling a lineage catalogue of a run (docs/outputs.md): START when it starts, COMPLETE, FAIL or ABORT at its end.
 *
 * START goes beside the run: into the file at once, to the address on a thread of its own, and what becomes of it
 * changes nothing of the run. Where it has not arrived by the end, it is sent again before the event of the end, so
 * that the two come in this order. Without effect where the configuration asks for no lineage. */
#ifndef EC_RUN_LINEAGE_H
#define EC_RUN_LINEAGE_H

#include "run/finish.h"

struct ec_lineage_run;

/* NULL where nothing is to be told. After the workers were forked; config and facts are borrowed until the release. */
struct ec_lineage_run *ec_lineage_start(const struct ec_config *config, const struct ec_run_facts *run);
/* The event of a run that was committed. EC_DELIVERY where it did not arrive. */
enum ec_status ec_lineage_complete(const struct ec_finish_options *options, struct ec_err *err) EC_MUST_USE;
/* Of a run that ended with an error before its manifest. What cannot be delivered is logged: the run has failed already. */
void ec_lineage_fail(const struct ec_config *config, const struct ec_run_facts *run, struct ec_lineage_run *started, const struct ec_err *cause);
/* Waits for the thread. NULL allowed. */
void ec_lineage_release(struct ec_lineage_run *started);

#endif
