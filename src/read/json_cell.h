/* A JSON value into a cell.
 *
 *              string               typed column
 *     null     null                 null
 *     string   its text, "" too     by ec_cell_parse(); "" is null
 *     number   its text as written  by ec_cell_parse(): 0 and 1 are booleans
 *     boolean  "true", "false"      by ec_cell_parse(): of a boolean column
 *     nested   its text as written  type-error
 *
 * A text among the column's null_values is null, whatever its JSON type. Threads: one per batch.
 */
#ifndef EC_READ_JSON_CELL_H
#define EC_READ_JSON_CELL_H

#include "read/json_columns.h"

/* Stores into `row`, which must be null there. What is not of the column's type stays null and
 * adds a type-error. EC_NO_MEMORY. */
enum ec_status ec_json_cell_store(struct ec_batch *batch, const struct ec_json_column *column, size_t row,
                                  const struct ec_json_value *value, struct ec_err *err) EC_MUST_USE;

/* Makes every column of the file null in `row` again. */
void ec_json_row_clear(struct ec_batch *batch, const struct ec_json_columns *columns, size_t row);

#endif
