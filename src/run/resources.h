/* What a run cost so far: stages, processor time, memory. */
#ifndef EC_RUN_RESOURCES_H
#define EC_RUN_RESOURCES_H

#include "base/timing.h"
#include "quality/run_facts.h"

/* Fills in facts->resources; unknown where nothing was measured (timing NULL: a run that is finished after a crash). */
enum ec_status ec_run_note_resources(struct ec_run_facts *facts, const struct ec_timing *timing, struct ec_err *err) EC_MUST_USE;

#endif
