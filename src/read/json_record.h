/* One record of a JSON file: an object, taken apart into its members.
 *
 * Strict and slow against the predicted path of json_predict.h, which must agree with it on
 * every byte. Threads: one per record.
 */
#ifndef EC_READ_JSON_RECORD_H
#define EC_READ_JSON_RECORD_H

#include "base/limits.h"
#include "read/json_value.h"

#define EC_JSON_FIELDS_MAX (EC_COLUMNS_MAX + EC_UNDECLARED_MAX)

struct ec_json_field {
    struct ec_json_value key;
    struct ec_json_value value;
    size_t column; /* by ec_json_columns_resolve() */
};

struct ec_json_record {
    struct ec_json_field *field; /* EC_JSON_FIELDS_MAX */
    size_t count;
    size_t flaw_field; /* the field of the cursor's flaw, or SIZE_MAX */
};

/* Reads the object at the cursor, which stands on its '{'. The fields borrow its bytes. Besides
 * those of json_value.h these are flaws: more members than EC_JSON_FIELDS_MAX, a value longer
 * than EC_FIELD_MAX, a key longer than EC_COLUMN_NAME_MAX. */
bool ec_json_record_parse(struct ec_json_cursor *c, struct ec_json_record *record);

/* The first record of a file: whether it is well-formed and goes on over a line end, so that
 * records are not bound to lines. The cursor is as for ec_json_record_parse, line_records unset;
 * false with c->ended where more bytes may change the answer. */
bool ec_json_record_spans_lines(struct ec_json_cursor *c, struct ec_json_record *record);

#endif
