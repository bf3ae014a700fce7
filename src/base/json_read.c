#include "base/json_read.h"

#include <math.h>

struct ec_json_reader ec_json_reader_of(const json_t *object, const char *what, struct ec_arena *arena,
                                        struct ec_err *err) {
    struct ec_json_reader r = {.object = object, .what = what, .arena = arena, .err = err};
    if (!json_is_object(object)) r.status = ec_fail(err, EC_PROTOCOL, "%s: expected a JSON object", _(what));
    return r;
}

void ec_json_wrong(struct ec_json_reader *r, const char *key, const char *expected) {
    if (r->status == EC_OK) r->status = ec_fail(r->err, EC_PROTOCOL, "%s: \"%s\" is not %s", _(r->what), key, _(expected));
}

/* NULL where the field is absent, null, or an error came before. */
static const json_t *get(const struct ec_json_reader *r, const char *key) {
    if (r->status != EC_OK) return NULL;
    const json_t *value = json_object_get(r->object, key);
    return json_is_null(value) ? NULL : value;
}

bool ec_json_has(const struct ec_json_reader *r, const char *key) {
    return get(r, key) != NULL;
}

int64_t ec_json_get_int(struct ec_json_reader *r, const char *key) {
    const json_t *value = get(r, key);
    if (json_is_integer(value)) return json_integer_value(value);
    ec_json_wrong(r, key, "an integer");
    return 0;
}

uint64_t ec_json_get_uint(struct ec_json_reader *r, const char *key) {
    const json_t *value = get(r, key);
    if (json_is_integer(value) && json_integer_value(value) >= 0) return (uint64_t)json_integer_value(value);
    ec_json_wrong(r, key, "a whole number from 0");
    return 0;
}

bool ec_json_get_bool(struct ec_json_reader *r, const char *key) {
    const json_t *value = get(r, key);
    if (!json_is_boolean(value)) ec_json_wrong(r, key, "true or false");
    return json_is_true(value);
}

double ec_json_get_double(struct ec_json_reader *r, const char *key) {
    const json_t *value = get(r, key);
    if (!value) return (double)NAN;
    if (json_is_number(value)) return json_number_value(value);
    ec_json_wrong(r, key, "a number");
    return (double)NAN;
}

const char *ec_json_get_str(struct ec_json_reader *r, const char *key) {
    const json_t *value = get(r, key);
    if (!value) return NULL;
    if (!json_is_string(value)) {
        ec_json_wrong(r, key, "a string");
        return NULL;
    }
    const char *copy = ec_arena_copy(r->arena, json_string_value(value), json_string_length(value));
    if (!copy) r->status = ec_fail(r->err, EC_NO_MEMORY, "%s: more text than fits in memory", r->what);
    return copy;
}

const char *ec_json_need_str(struct ec_json_reader *r, const char *key) {
    const char *text = ec_json_get_str(r, key);
    if (!text) ec_json_wrong(r, key, "a string");
    return text ? text : "";
}

void ec_json_get_chars(struct ec_json_reader *r, const char *key, char *out, size_t size) {
    const json_t *value = get(r, key);
    out[0] = '\0';
    if (!value) return;
    if (!json_is_string(value) || json_string_length(value) >= size) {
        ec_json_wrong(r, key, "a string of the expected length");
        return;
    }
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
}

const json_t *ec_json_get_array(struct ec_json_reader *r, const char *key) {
    const json_t *value = get(r, key);
    if (!value || json_is_array(value)) return value;
    ec_json_wrong(r, key, "an array");
    return NULL;
}

void ec_json_get_range(struct ec_json_reader *r, const char *key, uint64_t *start, uint64_t *end) {
    const json_t *range = ec_json_get_array(r, key);
    *start = *end = 0;
    if (!range) return;
    const json_t *first = json_array_get(range, 0), *last = json_array_get(range, 1);
    json_int_t from = json_integer_value(first), to = json_integer_value(last);
    if (json_array_size(range) != 2 || !json_is_integer(first) || !json_is_integer(last) || from < 0 || to <= from) {
        ec_json_wrong(r, key, "[start, end] in bytes");
        return;
    }
    *start = (uint64_t)from;
    *end = (uint64_t)to;
}

const json_t *ec_json_get_object(struct ec_json_reader *r, const char *key) {
    const json_t *value = get(r, key);
    if (!value || json_is_object(value)) return value;
    ec_json_wrong(r, key, "an object");
    return NULL;
}

void *ec_json_alloc(struct ec_json_reader *r, size_t count, size_t size) {
    void *p = ec_arena_calloc(r->arena, count, size);
    if (!p && r->status == EC_OK) r->status = ec_fail(r->err, EC_NO_MEMORY, "%s: more than fits in memory", r->what);
    return p;
}
