/* What earlier runs mean for a file of this one: whether it is to be read, and why (run/plan.h). */
#ifndef EC_RUN_JUDGE_H
#define EC_RUN_JUDGE_H

#include "run/plan.h"

/* The source at hand: units of one source follow each other. */
struct ec_judging {
    const struct ec_source *source;
    bool table_exists;
    uint32_t newest_drop; /* of a source whose newest drop is the whole table; else 0 */
    bool force;
};

/* Turns to the source, if it is another than before. */
enum ec_status ec_judge_source(const struct ec_plan *plan, const struct ec_config *config, const struct ec_source *source,
                               struct ec_judging *judging, struct ec_err *err) EC_MUST_USE;
/* Sets cause, drop, since and replaces by the unit's input and sha256. */
void ec_judge_unit(const struct ec_plan *plan, const struct ec_judging *judging, struct ec_plan_unit *unit);

#endif
