/* Which partitions of a wide model a change really reaches.
 *
 * A model that looks at the days around a partition is touched by every change of them: a day's log lines touch the
 * sessions of the day before and of the day after, of which few or none have a line among them. Where all that happened
 * around a partition is that joined tables gained rows, none of which matches one of its own, its rows are what they
 * were, and computing them again would make the same part again.
 */
#ifndef EC_RUN_WIDE_REACH_H
#define EC_RUN_WIDE_REACH_H

#include "run/table.h"
#include "sql/model.h"

/* Leaves those partitions out of `touched`, whose list is changed in place. table[i] is the model's input i. What cannot be
 * known stays touched. Files are those after this run. One thread. */
enum ec_status ec_wide_reach(const struct ec_model *model, const struct ec_table *const *table, struct ec_partitions *touched,
                             struct ec_err *err) EC_MUST_USE;

#endif
