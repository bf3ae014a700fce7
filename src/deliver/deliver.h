/* Delivering what waits in the outbox: after the run, without the project's lock, within a bounded time.
 *
 *     struct ec_buf problems = ec_buf_make(EC_MIB);
 *     EC_TRY(ec_deliver_pending(&(struct ec_deliver_options){.project = dir, .config = config}, &outcome, &problems, err));
 *
 * A message is tried when its turn has come (ec_backoff_s()). One that fails has its reason written down and waits; an
 * alert whose message failed is not tried with others in the same round. After alert->attempts_max attempts, or when
 * it is older than alert->age_max_s, a message is given up, which is said and journaled. */
#ifndef EC_DELIVER_DELIVER_H
#define EC_DELIVER_DELIVER_H

#include "config/config.h"
#include "deliver/outbox.h"

/* What a round may take, attempts under way included by their own time-outs: then the rest waits. */
#define EC_DELIVER_SECONDS_MAX 120

struct ec_deliver_options {
    const char *project;
    const struct ec_config *config;
    bool (*cancelled)(void); /* NULL allowed */
    bool now;                /* whatever the backoff says */
    bool given_up;           /* also what was given up */
    const char *const *id;   /* only these; none: all */
    size_t id_count;
};

struct ec_deliver_outcome {
    size_t sent, waiting, given_up; /* waiting: undelivered and still to be tried */
};

/* What was not delivered is added to `problems`, a line each. EC_OK also then; other codes where the outbox cannot be
 * read or written. */
enum ec_status ec_deliver_pending(const struct ec_deliver_options *options, struct ec_deliver_outcome *outcome,
                                  struct ec_buf *problems, struct ec_err *err) EC_MUST_USE;

/* The configured alert of that name, or NULL. */
const struct ec_alert *ec_alert_named(const struct ec_config *config, const char *name);

#endif
