/* Telling Prometheus of a run (docs/outputs.md): metrics in a text file. */
#ifndef EC_RUN_ANNOUNCE_H
#define EC_RUN_ANNOUNCE_H

#include "quality/history.h"

struct ec_announce_options {
    const struct ec_config *config;
    const struct ec_run_facts *facts;  /* without files (nothing was new): the figures are those of the last run that read some */
    const struct ec_history *history;  /* NULL: read where it is needed */
    int64_t ended_us;
};

/* Without effect where the configuration asks for none. */
enum ec_status ec_announce_metrics(const struct ec_announce_options *options, struct ec_err *err) EC_MUST_USE;

#endif
