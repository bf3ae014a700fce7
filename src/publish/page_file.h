/* data/quality/dashboard.html: the page that dashboard/ builds, with a run's facts in it.
 *
 * The program holds the page as a template, one HTML file with script and style sheet in it and one mark. Where the
 * mark stands, the facts come as a script element of type application/json; the page's script reads them from there.
 * Facts that would make the page larger than EC_PAGE_BYTES are squeezed (publish/page_pack.h) and stand there as text.
 * What became of alerts is an element of its own behind them, as it is known only when the page has been written.
 * The template's policy lets in no script and no style but its own, by their hashes, so facts are never run.
 *
 *     EC_TRY(ec_page_data_write(&data, &facts, err));                     // publish/page_data.h
 *     EC_TRY(ec_page_alerts_write(at_us, alert, count, &alerts, err));
 *     EC_TRY(ec_page_file_publish(dir, ec_buf_str(&facts), ec_buf_str(&alerts), durable, err));
 *     EC_TRY(ec_page_file_alerts(dir, ec_buf_str(&later), err));
 *
 * Template and facts are written one after the other; nothing is copied. One thread.
 */
#ifndef EC_PUBLISH_PAGE_FILE_H
#define EC_PUBLISH_PAGE_FILE_H

#include "base/durable.h"
#include "base/text.h"

#define EC_PAGE_NAME "dashboard.html"

/* Writes the page into `dir`, where the reports are too. `facts` and `alerts` are one JSON object each whose texts have
 * < > & and U+2028/9 escaped, as base/json.h does; a bare < in them, which could end the element, is refused
 * (EC_DELIVERY). `durable` NULL: at once and alone. */
enum ec_status ec_page_file_publish(const char *dir, struct ec_str facts, struct ec_str alerts, struct ec_durable *durable,
                                    struct ec_err *err) EC_MUST_USE;
/* Replaces the alerts of the page that is there; without effect where there is none, or one without such an element. Its
 * writers exclude each other by the project's lock. */
enum ec_status ec_page_file_alerts(const char *dir, struct ec_str alerts, struct ec_err *err) EC_MUST_USE;

#endif
