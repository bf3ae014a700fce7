/* Writing JSON text. Reading is jansson's (configuration, protocol, manifests) or
 * read/json.c's (data).
 *
 * A writer keeps track of commas and nesting over an ec_buf:
 *
 *     struct ec_json_writer w;
 *     ec_json_init(&w, &buf);
 *     ec_json_object(&w, NULL);
 *     ec_json_str(&w, "file", name);
 *     ec_json_int(&w, "rows", n);
 *     ec_json_end(&w);
 *
 * `key` is NULL inside an array and at the top. Text must be valid UTF-8; what is
 * not is written with U+FFFD. Everything that could end a script element or a line
 * is escaped: control characters, < > & and U+2028/9, so the same text may stand in
 * HTML. Not thread-safe; failures are those of the buffer.
 */
#ifndef EC_BASE_JSON_H
#define EC_BASE_JSON_H

#include "base/buf.h"
#include "base/number_text.h"

struct ec_json_writer {
    struct ec_buf *out;
    unsigned depth;
    bool first; /* no comma before the next value */
    bool pretty;
};

void ec_json_init(struct ec_json_writer *w, struct ec_buf *out);
void ec_json_object(struct ec_json_writer *w, const char *key);
void ec_json_array(struct ec_json_writer *w, const char *key);
void ec_json_end(struct ec_json_writer *w);       /* of an object */
/* {"code": the status's slug, "message": …}, as every error is said in JSON. */
void ec_json_error(struct ec_json_writer *w, const char *key, enum ec_status status, const char *message);
void ec_json_end_array(struct ec_json_writer *w); /* of an array */
void ec_json_text(struct ec_json_writer *w, const char *key, struct ec_str value);
void ec_json_str(struct ec_json_writer *w, const char *key, const char *value); /* NULL writes null */
void ec_json_int(struct ec_json_writer *w, const char *key, int64_t value);
void ec_json_uint(struct ec_json_writer *w, const char *key, uint64_t value);
/* The shortest text that reads back to the same double; NaN and infinities write null. */
void ec_json_double(struct ec_json_writer *w, const char *key, double value);
/* With a fixed number of decimals, for figures that people read. */
void ec_json_fixed(struct ec_json_writer *w, const char *key, double value, int decimals);
void ec_json_bool(struct ec_json_writer *w, const char *key, bool value);
void ec_json_null(struct ec_json_writer *w, const char *key);
/* Text that is already JSON. */
void ec_json_raw(struct ec_json_writer *w, const char *key, struct ec_str json);

/* One JSON string with its quotes, appended. */
void ec_json_quote(struct ec_buf *out, const char *p, size_t n);

#endif
