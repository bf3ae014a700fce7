/* The columns of a JSON file: its keys onto the declared columns, the others behind them.
 *
 * A key is a declared column where it is equal byte for byte, after unescaping. Any other key
 * becomes a text column, in the order in which keys are first met, named by
 * ec_column_name_of_key(). Only well-formed records add columns.
 *
 * A file may be read in ranges that do not know of each other, and has to come out the same: so
 * keys of one name are one column wherever they stand, and names that differ in case alone,
 * which no table can hold, cost the file.
 */
#ifndef EC_READ_JSON_COLUMNS_H
#define EC_READ_JSON_COLUMNS_H

#include "config/config.h"
#include "read/json_record.h"

struct ec_json_column {
    struct ec_str key;
    size_t column;                         /* of the batch */
    const struct ec_schema_column *schema; /* NULL for an undeclared column */
    uint64_t seen;                         /* the last record that had it */
};

struct ec_json_columns {
    struct ec_arena arena;
    const struct ec_source *source;
    struct ec_json_column *entry; /* declared first */
    size_t count;
    size_t undeclared;
    uint32_t *slot; /* hash table of entry + 1; 0: free */
    size_t slot_mask;
    uint64_t record;
};

enum ec_status ec_json_columns_init(struct ec_json_columns *columns, const struct ec_source *source,
                                    struct ec_err *err) EC_MUST_USE;
void ec_json_columns_deinit(struct ec_json_columns *columns);

/* Gives every field of a well-formed record its entry, adding text columns to the batch.
 * *duplicate receives a field whose column occurred before in the record, or SIZE_MAX; no columns
 * are added then. EC_TOO_MANY_COLUMNS past EC_UNDECLARED_MAX, EC_BAD_HEADER where a name differs
 * from another's in case alone. */
enum ec_status ec_json_columns_resolve(struct ec_json_columns *columns, struct ec_json_record *record,
                                       struct ec_batch *batch, size_t *duplicate, struct ec_err *err) EC_MUST_USE;

/* The entry of a field's key, or SIZE_MAX where it is not known yet. */
size_t ec_json_columns_find(struct ec_json_columns *columns, const struct ec_json_value *key);

#endif
