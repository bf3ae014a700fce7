#include "run/table.h"

#include "base/hash.h"
#include "base/io.h"
#include "run/paths.h"

enum ec_status ec_table_open(const char *project, const char *dir, const char *name, const char *partition_by,
                             struct ec_arena *arena, struct ec_table *table, struct ec_err *err) {
    char full[EC_PATH_MAX];
    *table = (struct ec_table){.name = name, .partition_by = partition_by, .arena = arena};
    EC_TRY(ec_path_join(full, sizeof full, project, dir, err));
    table->dir = ec_arena_strdup(arena, dir);
    table->full = ec_arena_strdup(arena, full);
    if (!table->dir || !table->full) return ec_fail(err, EC_NO_MEMORY, "no memory for the table %s", name);
    EC_TRY(ec_delta_open(full, &table->delta, err));
    struct ec_delta *delta = table->delta;
    table->removed = ec_arena_calloc(arena, delta->file_count, sizeof *table->removed);
    if (!table->removed) return ec_fail(err, EC_NO_MEMORY, "no memory for the table %s", name);
    table->column = delta->column;
    table->column_count = delta->column_count;
    bool same =
        partition_by ? delta->partition_by && strcmp(partition_by, delta->partition_by) == 0 : !delta->partition_by;
    if (delta->version >= 0 && !same)
        return ec_fail(err, EC_CONFIG,
                       "the table %s is partitioned by %s, the configuration says %s: a table's partition "
                       "column cannot change",
                       dir, delta->partition_by ? delta->partition_by : _("nothing"),
                       partition_by ? partition_by : _("nothing"));
    if (delta->unwritable)
        return ec_fail(err, EC_TABLE_FORMAT, "the table %s cannot be written: %s", dir, delta->unwritable);
    return EC_OK;
}

void ec_table_close(struct ec_table *table) {
    ec_delta_close(table->delta);
    table->delta = NULL;
}

void ec_table_restore(struct ec_table *table) {
    table->added_count = table->origin_count = 0;
    memset(table->removed, 0, table->delta->file_count * sizeof *table->removed);
    table->column = table->delta->column;
    table->column_count = table->delta->column_count;
    table->schema_changed = false;
}

enum ec_status ec_table_add(struct ec_table *table, struct ec_new_part part, struct ec_err *err) {
    if (table->added_count == table->added_cap) {
        size_t cap = table->added_cap ? table->added_cap * 2 : 32;
        struct ec_new_part *grown = ec_arena_calloc(table->arena, cap, sizeof *grown);
        if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory for the parts of %s", table->name);
        if (table->added_count) memcpy(grown, table->added, table->added_count * sizeof *grown);
        table->added = grown;
        table->added_cap = cap;
    }
    table->added[table->added_count++] = part;
    return EC_OK;
}

/* Whether the table has each of these columns already: then nothing is to be done. */
static bool has_all(const struct ec_table *table, const struct ec_table_column *column, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < table->column_count && strcmp(table->column[k].name, column[i].name) != 0) k++;
        if (k == table->column_count) return false;
        struct ec_column_type have = table->column[k].type, want = column[i].type;
        if (have.type != want.type || have.precision != want.precision || have.scale != want.scale) return false;
    }
    return true;
}

enum ec_status ec_table_widen(struct ec_table *table, const struct ec_table_column *column, size_t count,
                              struct ec_err *err) {
    if (has_all(table, column, count)) return EC_OK;
    struct ec_delta view = *table->delta; /* the snapshot with what this run has added so far */
    view.column = table->column;
    view.column_count = table->column_count;
    struct ec_delta_column *want = ec_arena_calloc(table->arena, count, sizeof *want);
    if (!want) return ec_fail(err, EC_NO_MEMORY, "no memory for the columns of %s", table->name);
    for (size_t i = 0; i < count; i++) want[i] = (struct ec_delta_column){column[i].name, column[i].type};
    if (view.version < 0 && view.column_count > 0) view.version = 0; /* it has columns now: compare with them */
    bool changed = false;
    EC_TRY(
        ec_delta_schema_merge(&view, want, count, table->arena, &table->column, &table->column_count, &changed, err));
    table->schema_changed = table->schema_changed || changed;
    return EC_OK;
}

static bool same_partition(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

void ec_table_remove_all(struct ec_table *table) {
    for (size_t i = 0; i < table->delta->file_count; i++) table->removed[i] = true;
}

void ec_table_remove_partition(struct ec_table *table, const char *value) {
    for (size_t i = 0; i < table->delta->file_count; i++)
        if (same_partition(table->delta->file[i].partition, value)) table->removed[i] = true;
}

bool ec_table_remove_path(struct ec_table *table, const char *path) {
    size_t low = 0, high = table->delta->file_count; /* in order of path */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(table->delta->file[middle].path, path);
        if (order == 0) return table->removed[middle] = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

enum ec_status ec_table_remove_origin(struct ec_table *table, const char *origin, struct ec_err *err) {
    if (table->origin_count == table->origin_cap) {
        size_t cap = table->origin_cap ? table->origin_cap * 2 : 16;
        const char **grown = ec_arena_calloc(table->arena, cap, sizeof *grown);
        if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory for the files of %s", table->name);
        if (table->origin_count) memcpy(grown, table->origin, table->origin_count * sizeof *grown);
        table->origin = grown;
        table->origin_cap = cap;
    }
    table->origin[table->origin_count++] = origin;
    return EC_OK;
}

bool ec_table_changed(const struct ec_table *table) {
    if (table->added_count > 0) return true;
    for (size_t i = 0; i < table->delta->file_count; i++)
        if (table->removed[i]) return true;
    return false;
}

bool ec_table_partition_changed(const struct ec_table *table, const char *value) {
    for (size_t i = 0; i < table->added_count; i++)
        if (same_partition(table->added[i].partition, value)) return true;
    for (size_t i = 0; i < table->delta->file_count; i++)
        if (table->removed[i] && same_partition(table->delta->file[i].partition, value)) return true;
    return false;
}

static enum ec_status list_files(const struct ec_table *table, bool with_added, struct ec_table_file **files,
                                 size_t *count, struct ec_err *err) {
    size_t cap = table->delta->file_count + table->added_count, n = 0;
    struct ec_table_file *list = ec_arena_calloc(table->arena, cap, sizeof *list);
    if (!list) return ec_fail(err, EC_NO_MEMORY, "no memory for the files of %s", table->name);
    for (size_t i = 0; i < table->delta->file_count; i++) {
        if (table->removed[i]) continue;
        char relative[EC_PATH_MAX], full[EC_PATH_MAX];
        EC_TRY(ec_delta_path_decode(table->delta->file[i].path, relative, sizeof relative, err));
        EC_TRY(ec_path_join(full, sizeof full, table->full, relative, err));
        list[n].path = ec_arena_strdup(table->arena, full);
        list[n].partition = table->delta->file[i].partition;
        list[n].bytes = table->delta->file[i].bytes;
        if (!list[n++].path) return ec_fail(err, EC_NO_MEMORY, "no memory for the files of %s", table->name);
    }
    for (size_t i = 0; with_added && i < table->added_count; i++)
        list[n++] = (struct ec_table_file){table->added[i].staged, table->added[i].partition, table->added[i].bytes};
    *files = list;
    *count = n;
    return EC_OK;
}

enum ec_status ec_table_files(const struct ec_table *table, struct ec_table_file **files, size_t *count,
                              struct ec_err *err) {
    return list_files(table, true, files, count, err);
}

enum ec_status ec_table_old_files(const struct ec_table *table, struct ec_table_file **files, size_t *count,
                                  struct ec_err *err) {
    return list_files(table, false, files, count, err);
}

/* The folder of a path, in place: "a/b" becomes "a". */
static void cut_name(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) *slash = '\0';
}

static enum ec_status place_part(const struct ec_table *table, const struct ec_new_part *part, char *last_dir,
                                 struct ec_durable *durable, struct ec_err *err) {
    char target[EC_PATH_MAX], dir[EC_PATH_MAX];
    EC_TRY(ec_path_join(target, sizeof target, table->full, part->path, err));
    memcpy(dir, target, strlen(target) + 1);
    cut_name(dir);
    if (strcmp(dir, last_dir) != 0) {
        EC_TRY(ec_dir_make(dir, err));
        EC_TRY(ec_durable_folder(durable, dir, err));
        memcpy(last_dir, dir, strlen(dir) + 1);
    }
    if (ec_io.link(part->staged, target) != 0)
        return ec_fail_errno(err, EC_IO, "cannot link %s to %s", part->staged, target);
    return EC_OK;
}

enum ec_status ec_table_place(const struct ec_table *table, struct ec_durable *durable, struct ec_err *err) {
    if (table->added_count == 0) return EC_OK;
    char last_dir[EC_PATH_MAX] = "", up[EC_PATH_MAX];
    EC_TRY(ec_dir_make(table->full, err));
    for (size_t i = 0; i < table->added_count; i++) EC_TRY(place_part(table, &table->added[i], last_dir, durable, err));
    /* New partition folders; and for a table that never had a commit, its own folder, those of its
     * kind and of all tables, whoever made them: a run before may have ended between. */
    memcpy(up, table->full, strlen(table->full) + 1);
    EC_TRY(ec_durable_folder(durable, up, err));
    for (int level = 0; level < 3 && table->delta->version < 0; level++) {
        EC_TRY(ec_durable_folder_of(durable, up, err));
        cut_name(up);
    }
    return EC_OK;
}

/* A table's id is made of its first run's, so that a repeated first run gives the same log. */
static enum ec_status make_id(const struct ec_table *table, const char *run, char id[37], struct ec_err *err) {
    char seed[512], hex[EC_SHA256_HEX];
    (void)snprintf(seed, sizeof seed, "%s %s", table->dir, run);
    EC_TRY(ec_sha256_bytes(seed, strlen(seed), hex, err));
    (void)snprintf(id, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return EC_OK;
}

enum ec_status ec_table_actions(const struct ec_table *table, const char *run, int64_t now_ms, struct ec_buf *out,
                                struct ec_err *err) {
    if (table->delta->version < 0) {
        char id[37];
        EC_TRY(make_id(table, run, id, err));
        ec_delta_protocol_action(out);
        ec_delta_metadata_action(out, id, table->column, table->column_count, table->partition_by, now_ms);
    } else if (table->schema_changed) {
        EC_TRY(ec_delta_evolve_action(out, table->delta, table->column, table->column_count, err));
    }
    for (size_t i = 0; i < table->delta->file_count; i++)
        if (table->removed[i]) ec_delta_remove_action(out, &table->delta->file[i], table->partition_by, now_ms);
    for (size_t i = 0; i < table->added_count; i++) {
        const struct ec_new_part *part = &table->added[i];
        struct ec_buf uri = ec_buf_make(3 * EC_PATH_MAX);
        ec_delta_path_encode(&uri, part->path);
        enum ec_status status = ec_buf_check(&uri, err);
        struct ec_delta_file file = {.path = ec_buf_str(&uri).p,
                                     .partition = part->partition,
                                     .bytes = part->bytes,
                                     .rows = part->rows,
                                     .modified_ms = now_ms,
                                     .stats = part->stats};
        if (status == EC_OK) ec_delta_add_action(out, &file, table->partition_by);
        ec_buf_free(&uri);
        EC_TRY(status);
    }
    return ec_buf_check(out, err);
}

const char *ec_table_operation(const struct ec_table *table) {
    for (size_t i = 0; i < table->delta->file_count; i++)
        if (table->removed[i]) return "MERGE";
    return "WRITE";
}
