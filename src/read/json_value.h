/* JSON text, strictly by RFC 8259, without recursion.
 *
 * A cursor walks over bytes that may be only the first part of a record. Every function moves it
 * behind what it read and returns true, or returns false with `p` at the offending byte; `ended`
 * then says that nothing was wrong but that the bytes gave out. What is well-formed but cannot
 * be kept (invalid UTF-8, a lone surrogate, a number of more than EC_NUMBER_MAX characters) is a
 * flaw: reading goes on, so that the end of the record is known for certain.
 *
 *     struct ec_json_cursor c = {.p = text, .end = text + n, .final = true};
 *     if (!ec_json_value(&c, 0, &value) || c.flawed) ...
 *
 * Behind `end` there must be EC_JSON_PADDING readable bytes, a zero among them (json_scan.h).
 */
#ifndef EC_READ_JSON_VALUE_H
#define EC_READ_JSON_VALUE_H

#include "base/code.h"
#include "base/text.h"

enum ec_json_kind {
    EC_JSON_NULL,
    EC_JSON_FALSE,
    EC_JSON_TRUE,
    EC_JSON_NUMBER,
    EC_JSON_STRING,
    EC_JSON_NESTED, /* an object or array, kept as its text */
};

/* A value's text, borrowed from the bytes: of a string what is between the quotes. */
struct ec_json_value {
    const char *p;
    size_t n;
    enum ec_json_kind kind;
    bool escaped; /* a string with escapes: ec_json_unescape() gives its text */
};

struct ec_json_cursor {
    const char *p;
    const char *end;
    bool final;        /* nothing follows `end` */
    bool line_records; /* a '{' that is a line's first byte starts a record: one before it is over */
    bool ended;        /* the bytes gave out */
    bool flawed;
    enum ec_reason flaw;   /* the first one */
    struct ec_str flaw_at; /* its text */
};

/* Skips white space. False, with `ended` or at a line that starts a record, where nothing follows. */
bool ec_json_space(struct ec_json_cursor *c);

/* The string at the cursor, which stands on its opening quote. */
bool ec_json_string(struct ec_json_cursor *c, struct ec_json_value *value);

/* The value at the cursor, `depth` containers deep; past EC_JSON_DEPTH_MAX it is refused. */
bool ec_json_value(struct ec_json_cursor *c, unsigned depth, struct ec_json_value *value);

/* Writes the text of an escaped string that was read without a flaw into out, which holds
 * value->n bytes; returns its length. */
size_t ec_json_unescape(const struct ec_json_value *value, char *out);

#endif
