/* Snapshots: what the log of a table says at its newest version. */
#include "store/delta_log.h"

#include "base/io.h"

#include <stdlib.h>

static int by_path(const void *a, const void *b) {
    const struct ec_delta_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static bool take_files(struct ec_delta *table, const struct ec_delta_replay *replay) {
    table->file = ec_arena_calloc(&table->arena, replay->entry_count, sizeof *table->file);
    if (!table->file) return false;
    for (size_t i = 0; i < replay->entry_count; i++)
        if (replay->entry[i].active) table->file[table->file_count++] = replay->entry[i].file;
    if (table->file_count > 1) qsort(table->file, table->file_count, sizeof *table->file, by_path);
    return true;
}

enum ec_status ec_delta_open(const char *dir, struct ec_delta **table, struct ec_err *err) {
    *table = NULL;
    struct ec_delta *made = ec_calloc(1, sizeof *made);
    if (!made) return ec_fail(err, EC_NO_MEMORY, "no memory to open the table %s", dir);
    ec_arena_init(&made->arena, EC_DELTA_SNAPSHOT_MAX);
    struct ec_delta_replay replay;
    ec_delta_replay_init(&replay, dir, &made->arena);
    replay.files = true;
    enum ec_status status = ec_delta_replay_log(&replay, err);
    if (status != EC_OK) goto done;
    made->dir = ec_arena_strdup(&made->arena, dir);
    made->version = replay.version;
    made->id = replay.id;
    made->column = replay.column;
    made->column_count = replay.column_count;
    made->partition_by = replay.partition_by;
    made->append_only = replay.append_only;
    made->unwritable = replay.unwritable;
    made->metadata = replay.metadata;
    if (!made->dir || !take_files(made, &replay)) {
        status = ec_fail(err, EC_NO_MEMORY, "no memory to open the table %s", dir);
        goto done;
    }
    *table = made;
    made = NULL;
done:
    ec_delta_replay_deinit(&replay);
    ec_delta_close(made);
    return status;
}

void ec_delta_close(struct ec_delta *table) {
    if (!table) return;
    ec_arena_deinit(&table->arena);
    ec_free(table);
}

enum ec_status ec_delta_txn(const char *dir, const char *app_id, int64_t *version, struct ec_err *err) {
    struct ec_arena arena;
    struct ec_delta_replay replay;
    ec_arena_init(&arena, EC_DELTA_SNAPSHOT_MAX);
    ec_delta_replay_init(&replay, dir, &arena);
    replay.app_id = app_id;
    enum ec_status status = ec_delta_replay_log(&replay, err);
    *version = replay.txn_version;
    ec_delta_replay_deinit(&replay);
    ec_arena_deinit(&arena);
    return status;
}
