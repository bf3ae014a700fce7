/* The order of an export's rows: by the values in the files' paths, then by every column, as the SQL of export.c has it. */
#ifndef EC_RUN_EXPORT_ORDER_H
#define EC_RUN_EXPORT_ORDER_H

#include "base/batch.h"

/* Adds a column of texts for each of the named columns behind the batch's, as CAST(… AS VARCHAR) gives them. EC_TABLE_FORMAT
 * where one is neither text nor date, or not there: DuckDB says those. The batch is of any number of rows; texts go to the arena. */
enum ec_status ec_export_add_texts(struct ec_batch *batch, const char *const *name, size_t count, struct ec_arena *arena,
                                   struct ec_err *err) EC_MUST_USE;

/* order[] becomes the batch's rows in order: by the columns from `first` on, then by those before it; nulls last. */
void ec_export_order(const struct ec_batch *batch, size_t first, uint32_t *order);

#endif
