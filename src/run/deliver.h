/* Alert, page and archive of a run, from its facts. */
#ifndef EC_RUN_DELIVER_H
#define EC_RUN_DELIVER_H

#include "run/finish.h"
#include "run/page_facts.h"

enum ec_status ec_deliver_alert(const struct ec_finish_options *options, struct ec_err *err) EC_MUST_USE;
/* Draws the page from *page, which is gathered first where it is NULL; the caller releases it. After quarantine is in its place. */
enum ec_status ec_deliver_page(const struct ec_finish_options *options, struct ec_page_facts **page, struct ec_err *err) EC_MUST_USE;
/* Writes, reopens and verifies the archive; it is added to the facts. */
enum ec_status ec_deliver_archive(const struct ec_finish_options *options, struct ec_err *err) EC_MUST_USE;

#endif
