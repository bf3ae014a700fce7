#include "run/dedupe.h"

#include "base/io.h"
#include "gate/keys.h"
#include "run/drop.h"
#include "run/paths.h"
#include "sql/text.h"

#include <stdlib.h>

#define DROP_BYTES_MAX ((size_t)1 * EC_GIB)

/* Names of files that loaded rows came from; a loaded key's offset is a place in it. */
struct origins {
    const char **name;
    size_t count, cap;
};

struct drops {
    struct ec_drop *drop;
    size_t count, cap;
};

struct merging {
    const struct ec_dedupe *d;
    const struct ec_source *source;
    struct ec_arena *arena;
    struct origins loaded;
    struct drops *drops; /* per unit */
};

static enum ec_status origin_index(struct merging *m, struct ec_str name, uint64_t *index, struct ec_err *err) {
    struct origins *o = &m->loaded;
    /* Rows of one file follow each other. */
    for (size_t i = o->count; i-- > 0;) {
        if (!ec_str_is(name, o->name[i])) continue;
        *index = i;
        return EC_OK;
    }
    if (o->count == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 64;
        const char **grown = ec_arena_calloc(m->arena, cap, sizeof *grown);
        if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory for the names of loaded files");
        if (o->count) memcpy(grown, o->name, o->count * sizeof *grown);
        o->name = grown;
        o->cap = cap;
    }
    o->name[o->count] = ec_arena_copy(m->arena, name.p, name.n);
    if (!o->name[o->count]) return ec_fail(err, EC_NO_MEMORY, "no memory for the names of loaded files");
    *index = o->count++;
    return EC_OK;
}

static enum ec_status write_loaded(struct merging *m, const struct ec_batch *batch, struct ec_key_writer *writer,
                                   struct ec_err *err) {
    size_t keys = m->source->key_count, column[64];
    for (size_t i = 0; i < keys; i++) column[i] = i;
    for (size_t row = 0; row < batch->rows; row++) {
        struct ec_key key = {.line = (uint64_t)ec_column_int(&batch->column[keys + 1])[row]};
        if (!ec_key_hash(batch, column, keys, row, &key.hash)) continue;
        EC_TRY(origin_index(m, ec_text_str(&ec_column_text(&batch->column[keys])[row]), &key.offset, err));
        EC_TRY(ec_key_writer_add(writer, &key, err));
    }
    return EC_OK;
}

/* SELECT "key"…, _file, _line FROM the files of the touched partitions. False: there are none. */
static enum ec_status loaded_statement(const struct merging *m, const struct ec_table *table, struct ec_buf *sql, bool *any,
                                       struct ec_err *err) {
    struct ec_table_file *file;
    size_t count;
    *any = false;
    EC_TRY(ec_table_old_files(table, &file, &count, err));
    ec_buf_addz(sql, "SELECT ");
    for (size_t i = 0; i < m->source->key_count; i++) {
        ec_sql_quote_name(sql, m->source->key[i]);
        ec_buf_addz(sql, ", ");
    }
    ec_buf_addz(sql, "_file, _line FROM read_parquet([");
    for (size_t i = 0; i < count; i++) {
        if (m->source->partition_by && !ec_table_partition_changed(table, file[i].partition)) continue;
        if (*any) ec_buf_addz(sql, ", ");
        ec_sql_quote_text(sql, file[i].path);
        *any = true;
    }
    ec_buf_addz(sql, "], union_by_name = true, hive_partitioning = false)");
    return ec_buf_check(sql, err);
}

static enum ec_status copy_keys(struct merging *m, const char *sql, const char *path, struct ec_err *err) {
    struct ec_key_writer *writer = NULL;
    struct ec_sql_rows *rows = NULL;
    struct ec_batch *batch;
    uint64_t count;
    enum ec_status status = ec_key_writer_create(path, &writer, err);
    if (status == EC_OK) status = ec_sql_query(m->d->sql, sql, &rows, err);
    while (status == EC_OK) {
        status = ec_sql_next(rows, &batch, err);
        if (status != EC_OK || batch->rows == 0) break;
        status = write_loaded(m, batch, writer, err);
    }
    if (status == EC_OK) status = ec_key_writer_finish(writer, &count, err);
    ec_sql_rows_close(rows);
    ec_key_writer_destroy(writer);
    return status;
}

/* A merge or replace source is not compared with what it loaded: the newest drop wins there. */
static enum ec_status write_loaded_keys(struct merging *m, const struct ec_table *table, const char *path, bool *any,
                                        struct ec_err *err) {
    *any = false;
    if (m->source->load != EC_LOAD_APPEND || table->added_count == 0) return EC_OK;
    struct ec_buf sql = ec_buf_make((size_t)64 * EC_MIB);
    enum ec_status status = loaded_statement(m, table, &sql, any, err);
    if (status == EC_OK && *any) status = copy_keys(m, sql.p, path, err);
    ec_buf_free(&sql);
    return status;
}

static const char *origin_of(const struct merging *m, const struct ec_plan_unit *unit) {
    return unit->input->member ? ec_arena_printf(m->arena, "%s/%s", unit->input->path, unit->input->member)
                               : unit->input->path;
}

static enum ec_status drop_row(struct merging *m, const struct ec_key *key, uint32_t rank, const struct ec_key *first,
                               uint32_t first_rank, struct ec_err *err) {
    struct drops *drops = &m->drops[rank - 1];
    const char *file =
        first_rank == 0 ? m->loaded.name[first->offset] : origin_of(m, &m->d->plan->unit[first_rank - 1]);
    if (drops->count == drops->cap) {
        size_t cap = drops->cap ? drops->cap * 2 : 64;
        struct ec_drop *grown = ec_realloc_array(drops->drop, cap, sizeof *grown);
        if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory for the drop lists");
        drops->drop = grown;
        drops->cap = cap;
    }
    if (!file) return ec_fail(err, EC_NO_MEMORY, "no memory for the drop lists");
    drops->drop[drops->count++] = (struct ec_drop){key->offset, file, first->line};
    return EC_OK;
}

static enum ec_status merge_keys(struct merging *m, const struct ec_key_input *input, size_t count, struct ec_err *err) {
    struct ec_key_merge *merge;
    EC_TRY(ec_key_merge_open(input, count, &merge, err));
    struct ec_key key, first = {0};
    uint32_t rank, first_rank = 0;
    bool end = false, have_first = false;
    enum ec_status status = EC_OK;
    while (status == EC_OK) {
        status = ec_key_merge_next(merge, &key, &rank, &end, err);
        if (status != EC_OK || end) break;
        bool same = have_first && key.hash.hi == first.hash.hi && key.hash.lo == first.hash.lo;
        /* Loaded rows are there: only rows of this run can be dropped. */
        if (same && rank > 0) status = drop_row(m, &key, rank, &first, first_rank, err);
        if (same) continue;
        first = key;
        first_rank = rank;
        have_first = true;
    }
    ec_key_merge_close(merge);
    return status;
}

static int compare_drops(const void *a, const void *b) {
    const struct ec_drop *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Keys come in order of their hash; a list is in order of place. */
static enum ec_status write_drop_list(struct merging *m, size_t unit, const char **path_out, struct ec_err *err) {
    struct drops *drops = &m->drops[unit];
    char name[32], path[EC_PATH_MAX];
    (void)snprintf(name, sizeof name, "drop-%06zu", unit);
    EC_TRY(ec_path_join(path, sizeof path, m->d->staging, name, err));
    *path_out = ec_arena_strdup(m->arena, path);
    if (!*path_out) return ec_fail(err, EC_NO_MEMORY, "no memory for the drop lists");
    qsort(drops->drop, drops->count, sizeof *drops->drop, compare_drops);
    struct ec_buf text = ec_buf_make(DROP_BYTES_MAX);
    for (size_t i = 0; i < drops->count; i++) ec_drop_write(&text, &drops->drop[i]);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_file_replace(path, text.p, text.n, err);
    ec_buf_free(&text);
    return status;
}

static enum ec_status collect_inputs(struct merging *m, const struct ec_table *table, struct ec_key_input *input,
                                     size_t *count, struct ec_err *err) {
    char path[EC_PATH_MAX], name[300];
    bool loaded;
    (void)snprintf(name, sizeof name, "loaded-%s", m->source->name);
    EC_TRY(ec_path_join(path, sizeof path, m->d->staging, name, err));
    EC_TRY(write_loaded_keys(m, table, path, &loaded, err));
    if (loaded) input[(*count)++] = (struct ec_key_input){ec_arena_strdup(m->arena, path), 0};
    const struct ec_plan *plan = m->d->plan;
    for (size_t u = 0; u < plan->unit_count; u++) {
        const struct ec_plan_unit *unit = &plan->unit[u];
        if (unit->input->source != m->source) continue;
        for (size_t t = unit->task_first; t < unit->task_first + unit->task_count; t++) {
            const struct ec_task_result *r = &m->d->result[t];
            if (r->status != EC_OK || !r->keys) continue;
            EC_TRY(ec_path_join(path, sizeof path, plan->task[t].out, r->keys, err));
            input[(*count)++] = (struct ec_key_input){ec_arena_strdup(m->arena, path), (uint32_t)u + 1};
        }
    }
    for (size_t i = 0; i < *count; i++)
        if (!input[i].path) return ec_fail(err, EC_NO_MEMORY, "no memory to compare keys");
    return EC_OK;
}

enum ec_status ec_dedupe_source(const struct ec_dedupe *d, const struct ec_source *source, const struct ec_table *table,
                                struct ec_arena *arena, const char **drop, uint64_t *dropped, struct ec_err *err) {
    *dropped = 0;
    if (source->key_count == 0) return EC_OK;
    struct merging m = {.d = d, .source = source, .arena = arena};
    size_t units = d->plan->unit_count, count = 0;
    m.drops = ec_arena_calloc(arena, units, sizeof *m.drops);
    struct ec_key_input *input = ec_arena_calloc(arena, d->plan->task_count + 1, sizeof *input);
    if (!m.drops || !input) return ec_fail(err, EC_NO_MEMORY, "no memory to compare keys");
    enum ec_status status = collect_inputs(&m, table, input, &count, err);
    if (status == EC_OK) status = merge_keys(&m, input, count, err);
    for (size_t u = 0; u < units && status == EC_OK; u++) {
        if (m.drops[u].count == 0) continue;
        *dropped += m.drops[u].count;
        status = write_drop_list(&m, u, &drop[u], err);
    }
    for (size_t u = 0; u < units; u++) ec_free(m.drops[u].drop);
    return status;
}
