/* data/quality/dashboard.html: the run on one page that needs nothing but itself.
 *
 * No script, no image, no font, no request: the page's own policy forbids them, and lets in just
 * the one style sheet by its hash. It follows light and dark, narrow and wide screens, and
 * prints. Every text of others goes through publish/html.h; personal samples are masked. Tables
 * are cut at a named length, worst first, and say so.
 */
#ifndef EC_PUBLISH_PAGE_H
#define EC_PUBLISH_PAGE_H

#include "base/durable.h"
#include "quality/run_facts.h"

#define EC_PAGE_NAME       "dashboard.html"
#define EC_PAGE_FILES_MAX  1000u
#define EC_PAGE_CHECKS_MAX 500u

/* The page's text, appended. */
enum ec_status ec_page_write(const struct ec_run_facts *run, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
/* Writes it into `dir`, where the reports are too. */
enum ec_status ec_page_publish(const char *dir, const struct ec_run_facts *run, struct ec_durable *durable,
                               struct ec_err *err) EC_MUST_USE;

#endif
