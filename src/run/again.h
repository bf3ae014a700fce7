/* Records of a raw file again, one by one, through the reader that read them first.
 *
 * They are fetched, put one behind the other with what stands before the first one (a CSV header),
 * and read as a small file. What comes out is compared with what is known of each: its length, its
 * place among the others, the hash of its key. Any difference is EC_FILE_CHANGED.
 *
 *     EC_TRY(ec_again_open(&args, &again, err));
 *     do {
 *         EC_TRY(ec_again_next(again, &batch, &drop, err));
 *         ... batch->rows rows, which are those of drop[0..rows-1] ...
 *     } while (batch->rows > 0);
 *     ec_again_close(again);
 */
#ifndef EC_RUN_AGAIN_H
#define EC_RUN_AGAIN_H

#include "run/drop.h"
#include "run/kept.h"
#include "run/task.h"

struct ec_again;

/* All borrowed until the close. */
struct ec_again_args {
    const struct ec_source *source;
    const struct ec_task *task;
    const struct ec_kept *kept;
    const char *path;           /* of the file, as it is opened */
    const struct ec_drop *drop; /* the records: `placed`, in order of offset */
    size_t count;
};

enum ec_status ec_again_open(const struct ec_again_args *args, struct ec_again **again, struct ec_err *err) EC_MUST_USE;
/* The batch is the reader's own, and valid until the next call; its rows have no fault, and their
 * places are those of the file. */
enum ec_status ec_again_next(struct ec_again *again, struct ec_batch **batch, const struct ec_drop **drop,
                             struct ec_err *err) EC_MUST_USE;
/* Of the batch at hand: as reader->cell_of. */
const uint32_t *ec_again_cells(const struct ec_again *again, size_t *count);
void ec_again_close(struct ec_again *again); /* NULL allowed */

#endif
