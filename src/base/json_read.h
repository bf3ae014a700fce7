/* Reading our own JSON (protocol, manifests, history) field by field, over jansson.
 *
 * The reader keeps the first error, so that a struct is read as one line per field and
 * checked once; after an error every field reads as zero. A field that must be there and
 * is not, or is of the wrong type, is EC_PROTOCOL, naming what was read and the field.
 *
 *     struct ec_json_reader r = ec_json_reader_of(object, "a task's facts", &arena, err);
 *     facts->read = ec_json_get_uint(&r, "read");
 *     facts->encoding = ec_json_get_str(&r, "encoding");   // NULL where null or absent
 *     return r.status;
 *
 * Texts are copied into the arena. Not thread-safe.
 */
#ifndef EC_BASE_JSON_READ_H
#define EC_BASE_JSON_READ_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>

struct ec_json_reader {
    const json_t *object;
    const char *what; /* borrowed; for messages */
    struct ec_arena *arena;
    struct ec_err *err;
    enum ec_status status;
};

/* Fails at once where `object` is NULL or not an object. */
struct ec_json_reader ec_json_reader_of(const json_t *object, const char *what, struct ec_arena *arena,
                                        struct ec_err *err);

/* Whether the field is there and not null. */
bool ec_json_has(const struct ec_json_reader *r, const char *key);

uint64_t ec_json_get_uint(struct ec_json_reader *r, const char *key);
int64_t ec_json_get_int(struct ec_json_reader *r, const char *key);
bool ec_json_get_bool(struct ec_json_reader *r, const char *key);
/* NAN where null or absent. */
double ec_json_get_double(struct ec_json_reader *r, const char *key);
/* NULL where null or absent. */
const char *ec_json_get_str(struct ec_json_reader *r, const char *key);
/* The same, never NULL: absence is an error; "" after one. */
const char *ec_json_need_str(struct ec_json_reader *r, const char *key);
/* Into a fixed field; EC_PROTOCOL where it does not fit; "" where null or absent. */
void ec_json_get_chars(struct ec_json_reader *r, const char *key, char *out, size_t size);
/* Of that type, borrowed from the document; NULL where null or absent. */
const json_t *ec_json_get_array(struct ec_json_reader *r, const char *key);
const json_t *ec_json_get_object(struct ec_json_reader *r, const char *key);

/* [start, end] with start < end; both 0 where null or absent. */
void ec_json_get_range(struct ec_json_reader *r, const char *key, uint64_t *start, uint64_t *end);

/* count * size zeroed bytes of the arena; NULL and EC_NO_MEMORY past its maximum. */
void *ec_json_alloc(struct ec_json_reader *r, size_t count, size_t size);
/* Records an error about a field. */
void ec_json_wrong(struct ec_json_reader *r, const char *key, const char *expected);

#endif
