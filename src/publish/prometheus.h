/* The figures of the last run that read files for Prometheus, as a file for node_exporter's textfile collector
 * (https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4).
 *
 * All are gauges: they say how the last run was, not how much there ever was. Labels are sources, verdicts,
 * reasons, checks and tables, all bounded by the configuration; never files, whose names would make new
 * series each day.
 */
#ifndef EC_PUBLISH_PROMETHEUS_H
#define EC_PUBLISH_PROMETHEUS_H

#include "quality/run_facts.h"

struct ec_prometheus_times {
    int64_t success_us; /* when the last run ended of which no file failed or was unreadable; 0: never, its series is left out */
    int64_t run_us;     /* when the last run ended, also one that found nothing new */
    bool idle;          /* it found nothing new: `run` is an older one */
};

enum ec_status ec_prometheus_write(const struct ec_run_facts *run, const struct ec_prometheus_times *times, struct ec_buf *out,
                                   struct ec_err *err) EC_MUST_USE;

/* \ " and line feed escaped; exported for tests. */
void ec_prometheus_label(struct ec_buf *out, const char *value);

#endif
