/* Text columns whose values repeat: each value's place in a dictionary, so that whatever asks the
 * same question of every row (derived columns, rules, profile, encoder) asks it once a value.
 *
 * A column is coded until it shows itself to be (nearly) unique: where half of its values are new,
 * past EC_CODED_MAX values, or at a text too long to keep. Then it stays as it was read. A coded
 * column keeps its values beside its codes. A dictionary lives until the coder's end, also where its
 * column is not coded any more.
 *
 * Place 0 is that of nulls, and no value's: the empty text stands there. Codes hang on the order in
 * which values appear; nothing that a run writes hangs on codes. One coder per task, one thread.
 *
 *     ec_coder_create(&batch, &coder, err);
 *     for each batch: ec_coder_run(coder, &batch);   // sets column.dictionary and .code
 */
#ifndef EC_BASE_CODER_H
#define EC_BASE_CODER_H

#include "base/batch.h"

struct ec_coder;

/* For the batch's text columns as they are now; columns that are added later stay uncoded. */
enum ec_status ec_coder_create(const struct ec_batch *batch, struct ec_coder **coder, struct ec_err *err) EC_MUST_USE;
void ec_coder_destroy(struct ec_coder *coder); /* NULL allowed */

/* Codes the batch at hand. What it sets in the columns holds until the next call. */
void ec_coder_run(struct ec_coder *coder, struct ec_batch *batch);

#endif
