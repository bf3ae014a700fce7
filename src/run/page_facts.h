/* The facts of the page, gathered: history, business figures, lineage, rejected rows, alerts.
 *
 * Works from what a run left (its manifest and facts, the tables, quarantine and history), so that it gives the same after a
 * crash and for an older run. What cannot be had is left out and said; only memory and the disk make it fail.
 */
#ifndef EC_RUN_PAGE_FACTS_H
#define EC_RUN_PAGE_FACTS_H

#include "base/durable.h"
#include "quality/history.h"
#include "run/manifest.h"
#include "sql/model.h"

#define EC_PAGE_FACTS_MAX ((size_t)256 * EC_MIB) /* of the JSON */

struct ec_page_facts_options {
    const struct ec_config *config;
    const struct ec_manifest *manifest;
    struct ec_run_facts *facts; /* their resources are taken from the history where they are not known */
    struct ec_sql *sql;         /* reads the tables; NULL: one is opened */
    const struct ec_models *models;   /* NULL: read from their folder */
    const struct ec_history *history; /* the whole, of before the run; NULL: read */
};

/* What was gathered; one drawing after another may be made of it. */
struct ec_page_facts;

/* Reads everything, once. What `options` points to is borrowed until the release. */
enum ec_status ec_page_facts_gather(const struct ec_page_facts_options *options, struct ec_page_facts **facts, struct ec_err *err) EC_MUST_USE;
void ec_page_facts_release(struct ec_page_facts *facts); /* NULL allowed */

/* The JSON object (publish/page_data.h), appended: with the archives and stages that the run's facts have by now. */
enum ec_status ec_page_facts_write(const struct ec_page_facts *facts, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
/* Writes the page into `dir`; `durable` may be NULL. */
enum ec_status ec_page_facts_publish(const struct ec_page_facts *facts, const char *dir, struct ec_durable *durable,
                                     struct ec_err *err) EC_MUST_USE;

/* Puts what became of alerts into the page that is there, whatever run it is of: they are delivered when it has been
 * written. Where another run holds the project's lock nothing is done, as its page will say it. */
enum ec_status ec_page_alerts_refresh(const struct ec_config *config, struct ec_err *err) EC_MUST_USE;

#endif
