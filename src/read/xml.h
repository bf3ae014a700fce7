/* A streaming XML reader over one part of a workbook, made of expat.
 *
 * A part may declare neither a DOCTYPE nor an entity and nests at most EC_XML_DEPTH_MAX
 * elements, so that what it expands to is what it holds; its parser holds at most
 * EC_XML_MEMORY_MAX (EC_XLSX_TOO_LARGE). Names come without their
 * namespace: SpreadsheetML's two dialects (transitional and strict) and any prefix read
 * alike. A handler may pause, and the next run goes on where it stopped.
 *
 *     static void start(void *context, const char *name, const char **attributes) { ... }
 *     const struct ec_xml_handlers handlers = {start, end, text};
 *     EC_TRY(ec_xml_create(stream, &handlers, context, &xml, err));   // takes the stream over
 *     do { status = ec_xml_run(xml, &more, err); } while (status == EC_OK && more);
 *     ec_xml_destroy(xml);
 *
 * EC_XLSX_DAMAGED, EC_XLSX_UNSAFE, EC_XLSX_TOO_LARGE, EC_NO_MEMORY, or what the stream gives. One thread.
 */
#ifndef EC_READ_XML_H
#define EC_READ_XML_H

#include "source/stream.h"

struct ec_xml;

struct ec_xml_handlers {
    void (*start)(void *context, const char *name, const char **attributes);
    void (*end)(void *context, const char *name);
    void (*text)(void *context, const char *p, size_t n); /* any piece of it */
};

/* Takes `stream` over, also where it fails. `part` is for messages and borrowed. */
enum ec_status ec_xml_create(struct ec_stream *stream, const char *part, const struct ec_xml_handlers *handlers,
                             void *context, struct ec_xml **xml, struct ec_err *err) EC_MUST_USE;
/* Reads until a handler pauses (*more) or the part ends. */
enum ec_status ec_xml_run(struct ec_xml *xml, bool *more, struct ec_err *err) EC_MUST_USE;
/* Runs to the end and destroys. */
enum ec_status ec_xml_finish(struct ec_xml *xml, struct ec_err *err) EC_MUST_USE;
void ec_xml_destroy(struct ec_xml *xml); /* NULL allowed */

/* For handlers: stop after this event; or end the run with an error (the first counts). */
void ec_xml_pause(struct ec_xml *xml);
void ec_xml_fail(struct ec_xml *xml, enum ec_status status, const char *fmt, ...) EC_PRINTF(3, 4);
/* Elements that are open: 1 for the root in its own start and end. */
unsigned ec_xml_depth(const struct ec_xml *xml);

/* An attribute by its local name, or NULL. */
const char *ec_xml_attribute(const char **attributes, const char *name);
/* Whether it is "1" or "true". */
bool ec_xml_is_true(const char *value);

#endif
