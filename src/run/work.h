/* A task under way: what its stages share. Private to run/.
 *
 *     work_open.c    opens input, checks and outputs; closes them
 *     work_batch.c   a batch's way: derive, check, compare keys, quarantine, encode
 *     task.c         from the first batch to the result
 *     work_drop.c    rows taken out of a result
 */
#ifndef EC_RUN_WORK_H
#define EC_RUN_WORK_H

#include "base/coder.h"
#include "base/durable.h"
#include "gate/gate.h"
#include "gate/keys.h"
#include "gate/quarantine.h"
#include "read/reader.h"
#include "run/drop.h"
#include "run/kept.h"
#include "run/paths.h"
#include "run/repeats.h"
#include "run/task.h"
#include "sql/derive.h"
#include "store/table_writer.h"

/* The keys of a batch's rows. */
struct ec_work_keys {
    struct ec_key key[EC_BATCH_ROWS];
    uint32_t row[EC_BATCH_ROWS];
    const struct ec_key *met[EC_BATCH_ROWS]; /* the first of its kind, in the set */
    size_t accepted;                         /* that many, first in key[] and row[], belong to accepted rows */
};

struct ec_work {
    const struct ec_task *task;
    const struct ec_source *source;
    struct ec_task_result *result;
    struct ec_task_context *context;
    struct ec_stream *stream;
    struct ec_reader *reader;
    struct ec_batch batch;
    struct ec_coder *coder;
    size_t derived_first, file_at, line_at;
    size_t partition; /* of the batch, SIZE_MAX: none */
    char path[EC_PATH_MAX];
    char origin[EC_PATH_MAX]; /* `_file`: the path below data/raw, and the member behind it */
    struct ec_text origin_text;
    struct ec_dictionary origin_dictionary;
    uint32_t origin_code[EC_BATCH_ROWS]; /* zero */
    struct ec_derivation *derivation;
    uint64_t **expression_failed;
    size_t expression_count;
    struct ec_gate *gate;
    size_t key_column[EC_KEY_COLUMNS_MAX];
    struct ec_key_set *keys; /* the context's: met so far; NULL: the source has no key */
    struct ec_work_keys *batch_keys;
    struct ec_key_writer *key_file; /* the context's; NULL: none is written, nothing is kept */
    struct ec_repeats repeats;
    bool records_known; /* at which offset they begin, for what is kept */
    uint64_t records_at;
    struct ec_drop_list drops;
    struct ec_first *first; /* of the batch's duplicates */
    size_t first_count;
    struct ec_quarantine quarantine;
    struct ec_table_writer *writer;
    struct ec_durable *durable; /* parts and quarantine, synced together */
    uint32_t *rows; /* accepted rows of the batch */
    struct ec_laps laps;
};

/* The source of the task, once its configuration is known to be this one, and the path of its file. */
enum ec_status ec_work_source(const struct ec_config *config, const struct ec_task *task,
                              const struct ec_source **source, char path[EC_PATH_MAX], struct ec_err *err) EC_MUST_USE;

/* Finds the source, the expressions and the input, and opens all that the task needs. What was opened
 * is closed by ec_work_close(), also after a failure. */
enum ec_status ec_work_open(struct ec_work *w, struct ec_err *err) EC_MUST_USE;
void ec_work_close(struct ec_work *w);

/* The batch at hand, from what was read to parts and quarantine. */
enum ec_status ec_work_batch(struct ec_work *w, struct ec_err *err) EC_MUST_USE;

/* Takes the rows of the task's drop list out of what it made without one, as reading again would
 * have left them out. *done is false where that cannot be: a workbook, a result that is gone, a file
 * that is not what it was; *why says it. Then `out` is of no use any more. *result is to be
 * deinitialised whatever this returns. */
enum ec_status ec_work_drop(const struct ec_config *config, const struct ec_task *task, struct ec_laps *laps,
                            struct ec_task_result *result, bool *done, struct ec_err *why,
                            struct ec_err *err) EC_MUST_USE;

/* The part's place in a result, once it is written (task.c). */
enum ec_status ec_work_part(struct ec_arena *arena, const struct ec_part_stats *stats, struct ec_task_part *part,
                            struct ec_err *err) EC_MUST_USE;

#endif
