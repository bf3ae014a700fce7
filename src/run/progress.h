/* A progress bar per source on stderr, with rate and time left; nothing where stderr is no terminal, or
 * a dumb one. Each drawing asks how large the terminal is: where it is low or narrow all is one line, cut
 * to fit. Log lines clear and redraw it. A terminal that is gone is left alone. One at a time. */
#ifndef EC_RUN_PROGRESS_H
#define EC_RUN_PROGRESS_H

#include "run/plan.h"

struct ec_progress;

/* NULL where `enabled` is false or memory is short: every function takes NULL. */
struct ec_progress *ec_progress_create(const struct ec_plan *plan, const struct ec_config *config, bool enabled);
void ec_progress_task(struct ec_progress *progress, const struct ec_task *task, const struct ec_task_result *result);
/* So many of the tasks under way are done, where their results come all at the end. */
void ec_progress_count(struct ec_progress *progress, uint64_t done, uint64_t of);
void ec_progress_stage(struct ec_progress *progress, const char *what); /* "models", "archive" */
void ec_progress_draw(struct ec_progress *progress);
void ec_progress_destroy(struct ec_progress *progress);

#endif
