/* What S3 answers in XML, made of expat: small texts in elements, a few deep.
 *
 * An answer may declare no DOCTYPE and nests at most EC_REMOTE_XML_DEPTH_MAX elements, a text has at most
 * EC_REMOTE_TEXT_MAX bytes; names come without their namespace. */
#ifndef EC_REMOTE_XML_H
#define EC_REMOTE_XML_H

#include "base/buf.h"

struct ec_remote_xml {
    /* At the end of an element: its name, that of the one around it ("" for the root), and its text where it holds no
     * other ("" where it does). An error ends the reading. */
    enum ec_status (*element)(void *user, const char *around, const char *name, struct ec_str text, struct ec_err *err);
    void *user;
    const char *what; /* whose answer, for messages */
};

/* EC_REMOTE: it is not well-formed, not complete, or beyond a bound. */
enum ec_status ec_remote_xml_read(const struct ec_remote_xml *reading, struct ec_str text, struct ec_err *err) EC_MUST_USE;

#endif
