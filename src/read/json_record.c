#include "read/json_record.h"

#include "scan/json_scan.h"

static void flaw(struct ec_json_cursor *c, struct ec_str at) {
    if (c->flawed) return;
    c->flawed = true;
    c->flaw = EC_REASON_TOO_LONG;
    c->flaw_at = at;
}

/* Key, colon and value. */
static bool member(struct ec_json_cursor *c, struct ec_json_field *field) {
    if (*c->p != '"' || !ec_json_string(c, &field->key) || !ec_json_space(c)) return false;
    if (*c->p != ':') return false;
    c->p++;
    if (field->key.n > EC_COLUMN_NAME_MAX) flaw(c, (struct ec_str){field->key.p, field->key.n});
    return ec_json_space(c) && ec_json_value(c, 1, &field->value);
}

static void keep(struct ec_json_cursor *c, struct ec_json_record *record, const struct ec_json_field *field,
                 bool was_flawed) {
    if (field->value.n > EC_FIELD_MAX) flaw(c, (struct ec_str){field->value.p, field->value.n});
    if (record->count == EC_JSON_FIELDS_MAX) {
        flaw(c, (struct ec_str){field->key.p, field->key.n});
        return;
    }
    if (c->flawed && !was_flawed && c->flaw_at.p >= field->value.p) record->flaw_field = record->count;
    record->field[record->count++] = *field;
}

bool ec_json_record_parse(struct ec_json_cursor *c, struct ec_json_record *record) {
    record->count = 0;
    record->flaw_field = SIZE_MAX;
    c->p++;
    if (!ec_json_space(c)) return false;
    if (*c->p == '}') {
        c->p++;
        return true;
    }
    for (;;) {
        struct ec_json_field field;
        bool was_flawed = c->flawed;
        if (!member(c, &field)) return false;
        keep(c, record, &field, was_flawed);
        if (!ec_json_space(c)) return false;
        char next = *c->p;
        if (next != ',' && next != '}') return false;
        c->p++;
        if (next == '}') return true;
        if (!ec_json_space(c)) return false;
    }
}

bool ec_json_record_spans_lines(struct ec_json_cursor *c, struct ec_json_record *record) {
    const char *start = c->p;
    return ec_json_record_parse(c, record) && memchr(start, '\n', (size_t)(c->p - start)) != NULL;
}
