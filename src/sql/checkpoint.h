/* Checkpoints of Delta logs, read and written by DuckDB: they are Parquet with nested columns, which our own reader and
 * writer, made for flat tables, leave out. Never on the hot path: a table is read through one where its log is long, and
 * gets one of ours every EC_DELTA_CHECKPOINT_EVERY versions.
 *
 *     ec_delta_read_checkpoints(ec_checkpoint_read);       // once, before any thread
 *     EC_TRY(ec_checkpoint_write(table, &version, err));   // after a commit, where one is due
 */
#ifndef EC_SQL_CHECKPOINT_H
#define EC_SQL_CHECKPOINT_H

#include "store/delta.h"

/* An ec_delta_checkpoint_reader: `dir` is the log's folder, parts are names in it. Opens a session of its own (50 ms). */
enum ec_status ec_checkpoint_read(const char *dir, const char *const *part, size_t part_count, ec_delta_line_fn line, void *context,
                                  struct ec_err *err) EC_MUST_USE;

/* Writes the checkpoint of the table's newest version and then names it in _last_checkpoint. Both appear whole or not at
 * all (docs/commit.md, C15); a checkpoint that is there already stays as it is. */
enum ec_status ec_checkpoint_write(const char *table, int64_t *version, struct ec_err *err) EC_MUST_USE;

#endif
