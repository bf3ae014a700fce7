#include "remote/xml.h"

#include "base/limits.h"

#include <expat.h>

#define NAME_MAX_BYTES 64u

struct xml {
    const struct ec_remote_xml *reading;
    XML_Parser parser;
    char name[EC_REMOTE_XML_DEPTH_MAX + 1][NAME_MAX_BYTES]; /* [0] is "", around the root */
    unsigned depth;
    bool leaf; /* the innermost element holds no other */
    struct ec_buf text;
    struct ec_err err;
};

static void stop(struct xml *x, const char *why) {
    (void)ec_fail(&x->err, EC_REMOTE, "%s answers with XML that %s", x->reading->what, why);
    (void)XML_StopParser(x->parser, XML_FALSE);
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct xml *x = user;
    (void)attributes;
    if (x->err.status != EC_OK) return;
    const char *colon = strrchr(name, ':');
    if (colon) name = colon + 1;
    if (x->depth == EC_REMOTE_XML_DEPTH_MAX || strlen(name) >= NAME_MAX_BYTES) {
        stop(x, _("nests too deep, or has a name that is too long"));
        return;
    }
    x->depth++;
    memcpy(x->name[x->depth], name, strlen(name) + 1);
    x->leaf = true;
    ec_buf_clear(&x->text);
}

static void on_end(void *user, const XML_Char *name) {
    struct xml *x = user;
    (void)name;
    if (x->err.status != EC_OK || x->depth == 0) return;
    struct ec_str text = x->leaf ? ec_buf_str(&x->text) : (struct ec_str){"", 0};
    const struct ec_remote_xml *r = x->reading;
    if (r->element(r->user, x->name[x->depth - 1], x->name[x->depth], text, &x->err) != EC_OK)
        (void)XML_StopParser(x->parser, XML_FALSE);
    x->depth--;
    x->leaf = false;
    ec_buf_clear(&x->text);
}

static void on_text(void *user, const XML_Char *p, int n) {
    struct xml *x = user;
    if (x->err.status != EC_OK || !x->leaf) return;
    ec_buf_add(&x->text, p, (size_t)n);
    if (x->text.failed) stop(x, _("holds a text that is too long"));
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal) {
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    stop(user, _("declares a DOCTYPE"));
}

enum ec_status ec_remote_xml_read(const struct ec_remote_xml *reading, struct ec_str text, struct ec_err *err) {
    struct xml x = {.reading = reading, .parser = XML_ParserCreate(NULL), .text = ec_buf_make(EC_REMOTE_TEXT_MAX)};
    if (!x.parser) return ec_fail(err, EC_NO_MEMORY, "no memory to read an answer");
    XML_SetUserData(x.parser, &x);
    XML_SetElementHandler(x.parser, on_start, on_end);
    XML_SetCharacterDataHandler(x.parser, on_text);
    XML_SetStartDoctypeDeclHandler(x.parser, on_doctype);
    bool good = text.n <= (size_t)EC_REMOTE_ANSWER_MAX && XML_Parse(x.parser, text.p, (int)text.n, XML_TRUE) == XML_STATUS_OK;
    if (!good && x.err.status == EC_OK) (void)ec_fail(&x.err, EC_REMOTE, "%s answers with XML that is not well-formed", reading->what);
    XML_ParserFree(x.parser);
    ec_buf_free(&x.text);
    if (x.err.status != EC_OK && err) *err = x.err;
    return x.err.status;
}
