/* An alert as a mail: RFC 5322 and 2045 to 2047, with a text and an HTML part (multipart/alternative, RFC 2046), seven
 * bits wide, lines of at most 78 characters that end with CR LF. The same note makes the same bytes. */
#ifndef EC_PUBLISH_ALERT_MAIL_H
#define EC_PUBLISH_ALERT_MAIL_H

#include "publish/alert_note.h"

/* The whole message, appended. `id` becomes its Message-ID, at the domain that it is from. */
enum ec_status ec_alert_mail(const struct ec_alert_note *note, const struct ec_alert *alert, const char *id,
                             struct ec_buf *out, struct ec_err *err) EC_MUST_USE;

/* A header's text as encoded-words (RFC 2047) where it is not plain ASCII; each is folded to a line of its own. What
 * could end the header is gone by then: it is encoded like any other byte. */
void ec_mail_header(struct ec_buf *out, const char *name, const char *text);
/* Quoted-printable (RFC 2045, 6.7) of text with LF line ends. */
void ec_mail_quoted(struct ec_buf *out, struct ec_str text);

#endif
