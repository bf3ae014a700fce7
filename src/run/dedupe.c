#include "run/dedupe.h"

#include "base/io.h"
#include "gate/keys.h"
#include "run/drop.h"
#include "run/paths.h"
#include "run/rewrite.h"
#include "sql/text.h"

#include <assert.h>
#include <stdlib.h>

#define DROP_BYTES_MAX ((size_t)1 * EC_GIB)

/* Files that loaded rows came from; a loaded key's offset is a place in this list. */
struct origin {
    const char *name;
    uint32_t drop;
};

struct drops {
    struct ec_drop *drop;
    size_t count, cap;
};

struct merging {
    const struct ec_dedupe *d;
    const struct ec_source *source;
    struct ec_arena *arena;
    struct origin *origin;
    size_t origin_count, origin_cap;
    struct drops *drops; /* per unit */
};

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory to compare keys");
}

/* Whether of two rows of one key that of the newer drop stays; else the first one does. */
static bool newest_wins(const struct merging *m) {
    return m->source->load != EC_LOAD_APPEND;
}

/* ---- keys that are loaded already ---- */

/* The drop that a file of the table came with: the newest of its name. Only asked for where it counts. */
static uint32_t drop_of_origin(const struct merging *m, const char *name) {
    const struct ec_past *past = &m->d->plan->past;
    uint32_t drop = 0;
    for (const char *slash = name + strlen(name); slash; slash = memrchr(name, '/', (size_t)(slash - name))) {
        /* "a/b/c" is the file, or the member c of a/b, or b/c of a: a member's name may have slashes */
        const struct ec_past_input *found;
        char *path = ec_arena_copy(m->arena, name, (size_t)(slash - name));
        size_t n = path ? ec_past_of_place(past, m->source->name, path, *slash ? slash + 1 : NULL, &found) : 0;
        for (size_t i = 0; i < n; i++)
            if (found[i].input->state == EC_INPUT_APPLIED && found[i].input->drop > drop) drop = found[i].input->drop;
    }
    return drop;
}

static enum ec_status origin_index(struct merging *m, struct ec_str name, uint64_t *index, struct ec_err *err) {
    /* Rows of one file follow each other. */
    for (size_t i = m->origin_count; i-- > 0;) {
        if (!ec_str_is(name, m->origin[i].name)) continue;
        *index = i;
        return EC_OK;
    }
    if (m->origin_count == m->origin_cap) {
        size_t cap = m->origin_cap ? m->origin_cap * 2 : 64;
        struct origin *grown = ec_arena_calloc(m->arena, cap, sizeof *grown);
        if (!grown) return no_memory(err);
        if (m->origin_count) memcpy(grown, m->origin, m->origin_count * sizeof *grown);
        m->origin = grown;
        m->origin_cap = cap;
    }
    struct origin *made = &m->origin[m->origin_count];
    made->name = ec_arena_copy(m->arena, name.p, name.n);
    if (!made->name) return no_memory(err);
    made->drop = newest_wins(m) ? drop_of_origin(m, made->name) : 0;
    *index = m->origin_count++;
    return EC_OK;
}

/* The keys of loaded rows, batch by batch. */
struct loading {
    struct ec_key_writer *writer;
    struct ec_key key[EC_BATCH_ROWS];
    uint32_t row[EC_BATCH_ROWS];
};

static enum ec_status write_loaded(struct merging *m, const struct ec_batch *batch, struct loading *l,
                                   struct ec_err *err) {
    size_t keys = m->source->key_count, column[EC_KEY_COLUMNS_MAX];
    const struct ec_column *file = &batch->column[keys], *line = &batch->column[keys + 1];
    for (size_t i = 0; i < keys; i++) column[i] = i;
    size_t n = ec_key_hash(batch, column, keys, l->key, l->row);
    for (size_t i = 0; i < n; i++) {
        size_t row = l->row[i];
        struct ec_str name = ec_bit(file->valid, row) ? ec_text_str(&ec_column_text(file)[row]) : EC_STR("");
        l->key[i].line = (uint64_t)ec_column_int(line)[row] & EC_KEY_LINE_MAX;
        EC_TRY(origin_index(m, name, &l->key[i].offset, err));
    }
    return ec_key_writer_add(l->writer, l->key, n, err);
}

static int compare_values(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    if (!x || !y) return (x != NULL) - (y != NULL);
    return strcmp(x, y);
}

/* The files that stay and may hold keys of this run: those of the partitions that get new parts. For
 * a merge that is every file, since a key's row may have moved. */
static enum ec_status loaded_files(const struct merging *m, const struct ec_table *table, struct ec_table_file **file,
                                   size_t *count, struct ec_err *err) {
    size_t all, added = table->added_count;
    EC_TRY(ec_table_old_files(table, file, &all, err));
    *count = all;
    if (!m->source->partition_by || newest_wins(m)) return EC_OK;
    const char **touched = ec_arena_calloc(m->arena, added, sizeof *touched);
    if (!touched) return no_memory(err);
    for (size_t i = 0; i < added; i++) touched[i] = table->added[i].partition;
    if (added > 0) qsort(touched, added, sizeof *touched, compare_values);
    *count = 0;
    for (size_t i = 0; i < all; i++)
        if (added > 0 && bsearch(&(*file)[i].partition, touched, added, sizeof *touched, compare_values))
            (*file)[(*count)++] = (*file)[i];
    return EC_OK;
}

/* SELECT "key"…, _file, _line FROM those files, but for rows that this run takes out. */
static enum ec_status loaded_statement(const struct merging *m, const struct ec_table *table, struct ec_buf *sql,
                                       bool *any, struct ec_err *err) {
    struct ec_table_file *file;
    size_t count;
    EC_TRY(loaded_files(m, table, &file, &count, err));
    *any = count > 0;
    if (count == 0) return EC_OK;
    ec_buf_addz(sql, "SELECT ");
    for (size_t i = 0; i < m->source->key_count; i++) {
        ec_sql_quote_name(sql, m->source->key[i]);
        ec_buf_addz(sql, ", ");
    }
    ec_buf_addz(sql, "_file, _line FROM ");
    ec_scan_sql(sql, table, file, count, false);
    for (size_t i = 0; i < table->origin_count; i++) {
        ec_buf_addz(sql, i == 0 ? " AS o WHERE (_file IN (" : ", ");
        ec_sql_quote_text(sql, table->origin[i]);
    }
    if (table->origin_count > 0) ec_buf_addz(sql, ")) IS NOT TRUE"); /* another engine's rows have no _file, and stay */
    return ec_buf_check(sql, err);
}

static enum ec_status copy_keys(struct merging *m, const char *sql, const char *path, struct ec_err *err) {
    struct loading *l = ec_calloc(1, sizeof *l);
    if (!l) return no_memory(err);
    struct ec_sql_rows *rows = NULL;
    struct ec_batch *batch;
    uint64_t count;
    enum ec_status status = ec_key_writer_create(&l->writer, err);
    if (status == EC_OK) status = ec_key_writer_open(l->writer, path, err);
    if (status == EC_OK) status = ec_sql_query(m->d->sql, sql, &rows, err);
    while (status == EC_OK) {
        status = ec_sql_next(rows, &batch, err);
        if (status != EC_OK || batch->rows == 0) break;
        status = write_loaded(m, batch, l, err);
    }
    if (status == EC_OK) status = ec_key_writer_finish(l->writer, &count, err);
    ec_sql_rows_close(rows);
    ec_key_writer_destroy(l->writer);
    ec_free(l);
    return status;
}

/* Whether loaded rows have a say: always where the first stays; where the newest drop wins only if
 * something older than this run's drops is read again, and a replaced table is never asked. */
static bool asks_loaded(const struct merging *m, const struct ec_table *table) {
    if (table->added_count == 0) return false;
    if (m->source->load != EC_LOAD_MERGE) return m->source->load == EC_LOAD_APPEND;
    const struct ec_plan *plan = m->d->plan;
    for (size_t u = 0; u < plan->unit_count; u++)
        if (plan->unit[u].input->source == m->source && m->d->loaded[u] && plan->unit[u].drop < plan->seq) return true;
    return false;
}

static enum ec_status write_loaded_keys(struct merging *m, const struct ec_table *table, const char *path, bool *any,
                                        struct ec_err *err) {
    *any = false;
    if (!asks_loaded(m, table)) return EC_OK;
    struct ec_buf sql = ec_buf_make((size_t)64 * EC_MIB);
    enum ec_status status = loaded_statement(m, table, &sql, any, err);
    if (status == EC_OK && *any) status = copy_keys(m, sql.p, path, err);
    ec_buf_free(&sql);
    return status;
}

/* ---- which of the rows of one key stays ---- */

struct entry {
    struct ec_key key;
    uint32_t rank; /* 0: loaded; else its unit + 1 */
};

static uint32_t drop_of(const struct merging *m, const struct entry *e) {
    assert(e->rank > 0 || m->origin);
    return e->rank == 0 ? m->origin[e->key.offset].drop : m->d->plan->unit[e->rank - 1].drop;
}

static const char *origin_of(const struct merging *m, const struct entry *e) {
    if (e->rank == 0) return m->origin[e->key.offset].name;
    const struct ec_input *in = m->d->plan->unit[e->rank - 1].input;
    return in->member ? ec_arena_printf(m->arena, "%s/%s", in->path, in->member) : in->path;
}

/* Notes a row that another one keeps out. A loaded row is no task's: there is nothing to note. */
static enum ec_status drop_row(struct merging *m, const struct entry *row, const struct entry *winner,
                               struct ec_err *err) {
    if (row->rank == 0) return EC_OK;
    struct drops *drops = &m->drops[row->rank - 1];
    const char *file = origin_of(m, winner);
    if (drops->count == drops->cap) {
        size_t cap = drops->cap ? drops->cap * 2 : 64;
        struct ec_drop *grown = ec_realloc_array(drops->drop, cap, sizeof *grown);
        if (!grown) return no_memory(err);
        drops->drop = grown;
        drops->cap = cap;
    }
    if (!file) return no_memory(err);
    drops->drop[drops->count++] = (struct ec_drop){row->key, true, file, winner->key.line};
    return EC_OK;
}

static bool same_key(const struct entry *a, const struct entry *b) {
    return a->key.hash.hi == b->key.hash.hi && a->key.hash.lo == b->key.hash.lo;
}

/* Keys come in order of (hash, loaded first, unit, offset). */
static enum ec_status merge_keys(struct merging *m, const struct ec_key_input *input, size_t count,
                                 struct ec_err *err) {
    struct ec_key_merge *merge;
    EC_TRY(ec_key_merge_open(input, count, &merge, err));
    struct entry best = {0}, next;
    bool end = false, have_best = false;
    enum ec_status status = EC_OK;
    while (status == EC_OK) {
        status = ec_key_merge_next(merge, &next.key, &next.rank, &end, err);
        if (status != EC_OK || end) break;
        if (have_best && same_key(&next, &best)) {
            bool newer = newest_wins(m) && drop_of(m, &next) > drop_of(m, &best);
            status = newer ? drop_row(m, &best, &next, err) : drop_row(m, &next, &best, err);
            if (!newer) continue;
        }
        best = next;
        have_best = true;
    }
    ec_key_merge_close(merge);
    return status;
}

static int compare_drops(const void *a, const void *b) {
    const struct ec_drop *x = a, *y = b;
    return (x->key.offset > y->key.offset) - (x->key.offset < y->key.offset);
}

/* Not synced: it lives as long as the run. */
static enum ec_status write_file(const char *path, struct ec_str text, struct ec_err *err) {
    int fd;
    EC_TRY(ec_file_create(path, &fd, err));
    enum ec_status status = ec_file_write(fd, text.p, text.n, path, err);
    if (ec_io.close(fd) != 0 && status == EC_OK) status = ec_fail_errno(err, EC_IO, "cannot close %s", path);
    return status;
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
    if (status == EC_OK) status = write_file(path, ec_buf_str(&text), err);
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
        if (unit->input->source != m->source || !m->d->loaded[u]) continue;
        for (size_t t = unit->task_first; t < unit->task_first + unit->task_count; t++) {
            const struct ec_task_result *r = &m->d->result[t];
            if (r->status != EC_OK || !r->keys) continue;
            EC_TRY(ec_path_join(path, sizeof path, plan->task[t].out, r->keys, err));
            input[(*count)++] = (struct ec_key_input){ec_arena_strdup(m->arena, path), (uint32_t)u + 1};
        }
    }
    for (size_t i = 0; i < *count; i++)
        if (!input[i].path) return no_memory(err);
    return EC_OK;
}

/* Nobody reads them again, and they are as large as a third of the tables: what is written next takes their pages, and
 * none of theirs goes to the disk meanwhile. What is not removed here goes with its staging. */
static void forget_keys(const struct ec_key_input *input, size_t count) {
    for (size_t i = 0; i < count; i++) (void)ec_io.unlink(input[i].path);
}

enum ec_status ec_dedupe_source(const struct ec_dedupe *d, const struct ec_source *source, const struct ec_table *table,
                                struct ec_arena *arena, const char **drop, uint64_t *dropped, struct ec_err *err) {
    *dropped = 0;
    if (source->key_count == 0) return EC_OK;
    struct merging m = {.d = d, .source = source, .arena = arena};
    size_t units = d->plan->unit_count, count = 0;
    m.drops = ec_arena_calloc(arena, units, sizeof *m.drops);
    struct ec_key_input *input = ec_arena_calloc(arena, d->plan->task_count + 1, sizeof *input);
    if (!m.drops || !input) return no_memory(err);
    enum ec_status status = collect_inputs(&m, table, input, &count, err);
    if (status == EC_OK) status = merge_keys(&m, input, count, err);
    if (status == EC_OK) forget_keys(input, count);
    for (size_t u = 0; u < units && status == EC_OK; u++) {
        if (m.drops[u].count == 0) continue;
        *dropped += m.drops[u].count;
        status = write_drop_list(&m, u, &drop[u], err);
    }
    for (size_t u = 0; u < units; u++) ec_free(m.drops[u].drop);
    return status;
}
