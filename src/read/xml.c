#include "read/xml.h"

#include "base/io.h"

#include <expat.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#define SEPARATOR '\n' /* between namespace and name; in neither */
#define CHUNK     (64 * 1024)

struct ec_xml {
    XML_Parser parser;
    struct ec_stream *stream;
    const char *part;
    struct ec_xml_handlers handlers;
    void *context;
    struct ec_err failure;
    unsigned depth;
    bool paused;
    bool ended;
};

static const char *local(const char *name) {
    const char *at = strrchr(name, SEPARATOR);
    return at ? at + 1 : name;
}

/* Newer ones name the count of 64 bits apart, and the other deprecated. */
#if XML_MAJOR_VERSION > 2 || (XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION >= 9)
#define LINE_NUMBER XML_GetCurrentLineNumber64
#else
#define LINE_NUMBER XML_GetCurrentLineNumber
#endif

static unsigned long line_of(const struct ec_xml *xml) { return (unsigned long)LINE_NUMBER(xml->parser); }

void ec_xml_fail(struct ec_xml *xml, enum ec_status status, const char *fmt, ...) {
    if (xml->failure.status != EC_OK) return;
    char message[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, _(fmt), args);
    va_end(args);
    (void)ec_fail(&xml->failure, status, "%s, line %lu: %s", xml->part, line_of(xml), message);
    (void)XML_StopParser(xml->parser, XML_FALSE);
}

void ec_xml_pause(struct ec_xml *xml) {
    xml->paused = true;
    (void)XML_StopParser(xml->parser, XML_TRUE);
}

unsigned ec_xml_depth(const struct ec_xml *xml) {
    return xml->depth;
}

static void XMLCALL on_start(void *user, const char *name, const char **attributes) {
    struct ec_xml *xml = user;
    if (xml->failure.status != EC_OK) return;
    if (++xml->depth > EC_XML_DEPTH_MAX) {
        ec_xml_fail(xml, EC_XLSX_UNSAFE, "elements nest deeper than %u", EC_XML_DEPTH_MAX);
        return;
    }
    xml->handlers.start(xml->context, local(name), attributes);
}

static void XMLCALL on_end(void *user, const char *name) {
    struct ec_xml *xml = user;
    if (xml->failure.status != EC_OK) return;
    xml->handlers.end(xml->context, local(name));
    xml->depth--;
}

static void XMLCALL on_text(void *user, const char *p, int n) {
    struct ec_xml *xml = user;
    if (xml->failure.status == EC_OK && xml->handlers.text) xml->handlers.text(xml->context, p, (size_t)n);
}

static void XMLCALL on_doctype(void *user, const char *name, const char *system, const char *public, int internal) {
    (void)name, (void)system, (void)public, (void)internal;
    ec_xml_fail(user, EC_XLSX_UNSAFE, "a DOCTYPE is declared");
}

static void XMLCALL on_entity(void *user, const char *name, int parameter, const char *value, int n, const char *base,
                              const char *system, const char *public, const char *notation) {
    (void)name, (void)parameter, (void)value, (void)n, (void)base, (void)system, (void)public, (void)notation;
    ec_xml_fail(user, EC_XLSX_UNSAFE, "an entity is declared");
}

/* What the parsers of this thread hold. expat keeps a token whole and every name that it has met, so that
 * a part could make it hold several times the part's size. Its calls for memory carry no context. */
static _Thread_local size_t held;
static _Thread_local bool refused; /* the last failure was the limit's */

union block {
    size_t n;
    max_align_t align;
};

static void *resize(void *p, size_t n) {
    union block *old = p ? (union block *)p - 1 : NULL;
    size_t old_n = old ? old->n : 0;
    refused = n > EC_XML_MEMORY_MAX - (held - old_n); /* of which no more was ever given */
    if (refused) return NULL;
    union block *b = ec_realloc_array(old, sizeof *b + n, 1);
    if (!b) return NULL;
    b->n = n;
    held = held - old_n + n;
    return b + 1;
}

static void *allocate(size_t n) {
    return resize(NULL, n);
}

static void release(void *p) {
    if (!p) return;
    union block *b = (union block *)p - 1;
    held -= b->n;
    ec_free(b);
}

enum ec_status ec_xml_create(struct ec_stream *stream, const char *part, const struct ec_xml_handlers *handlers,
                             void *context, struct ec_xml **xml, struct ec_err *err) {
    static const XML_Memory_Handling_Suite memory = {allocate, resize, release};
    static const char separator[] = {SEPARATOR, 0};
    struct ec_xml *x = ec_calloc(1, sizeof *x);
    if (x) x->parser = XML_ParserCreate_MM(NULL, &memory, separator);
    if (!x || !x->parser) {
        ec_free(x);
        ec_stream_close(stream);
        return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", part);
    }
    x->stream = stream;
    x->part = part;
    x->handlers = *handlers;
    x->context = context;
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    XML_SetEntityDeclHandler(x->parser, on_entity);
    *xml = x;
    return EC_OK;
}

static enum ec_status parser_failure(const struct ec_xml *xml, struct ec_err *err) {
    if (xml->failure.status != EC_OK) return ec_fail(err, xml->failure.status, "%s", xml->failure.message);
    enum XML_Error code = XML_GetErrorCode(xml->parser);
    if (code == XML_ERROR_NO_MEMORY && refused)
        return ec_fail(err, EC_XLSX_TOO_LARGE, "%s, line %lu: one element, or all names, take more than %llu bytes",
                       xml->part, line_of(xml), EC_XML_MEMORY_MAX);
    if (code == XML_ERROR_NO_MEMORY) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", xml->part);
    return ec_fail(err, EC_XLSX_DAMAGED, "%s, line %lu: %s", xml->part, line_of(xml), XML_ErrorString(code));
}

static enum ec_status read_chunk(struct ec_xml *xml, enum XML_Status *result, struct ec_err *err) {
    size_t got;
    refused = false;
    void *buf = XML_GetBuffer(xml->parser, CHUNK);
    if (!buf) return parser_failure(xml, err);
    EC_TRY(ec_stream_read(xml->stream, buf, CHUNK, &got, err));
    xml->ended = got == 0;
    *result = XML_ParseBuffer(xml->parser, (int)got, got == 0);
    return EC_OK;
}

enum ec_status ec_xml_run(struct ec_xml *xml, bool *more, struct ec_err *err) {
    enum XML_Status result = XML_STATUS_OK;
    *more = false;
    if (xml->failure.status != EC_OK) return parser_failure(xml, err);
    if (xml->paused) {
        xml->paused = false;
        result = XML_ResumeParser(xml->parser);
    }
    while (result == XML_STATUS_OK && !xml->ended) EC_TRY(read_chunk(xml, &result, err));
    if (result == XML_STATUS_ERROR) return parser_failure(xml, err);
    *more = result == XML_STATUS_SUSPENDED;
    return EC_OK;
}

enum ec_status ec_xml_finish(struct ec_xml *xml, struct ec_err *err) {
    bool more;
    enum ec_status status;
    do {
        status = ec_xml_run(xml, &more, err);
    } while (status == EC_OK && more);
    ec_xml_destroy(xml);
    return status;
}

void ec_xml_destroy(struct ec_xml *xml) {
    if (!xml) return;
    XML_ParserFree(xml->parser);
    ec_stream_close(xml->stream);
    ec_free(xml);
}

const char *ec_xml_attribute(const char **attributes, const char *name) {
    for (; *attributes; attributes += 2)
        if (strcmp(local(attributes[0]), name) == 0) return attributes[1];
    return NULL;
}

bool ec_xml_is_true(const char *value) {
    return value && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
}
