/* data/quality/quality_alert.txt: what is wrong and what to do, for a person without the page.
 *
 * Written only where a file of the run failed or could not be read, removed otherwise; worst
 * first. Samples of personal data are masked (publish/mask.h), text of others is made visible.
 *
 *     struct ec_alert_result result;
 *     EC_TRY(ec_alert_publish("data/quality", &run, durable, &result, err));
 */
#ifndef EC_PUBLISH_ALERT_H
#define EC_PUBLISH_ALERT_H

#include "base/durable.h"
#include "quality/run_facts.h"

#define EC_ALERT_FILE_NAME "quality_alert.txt"

struct ec_alert_result {
    bool written;
    uint64_t files; /* that failed or are errored */
};

/* The alert's text, appended; nothing where no file failed. */
enum ec_status ec_alert_write(const struct ec_run_facts *run, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
/* Writes or removes the file in `dir`. `durable` may be NULL: then it is written alone. */
enum ec_status ec_alert_publish(const char *dir, const struct ec_run_facts *run, struct ec_durable *durable,
                                struct ec_alert_result *result, struct ec_err *err) EC_MUST_USE;

#endif
