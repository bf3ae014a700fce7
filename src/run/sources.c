/* The sources' tables after this run. */
#include "run/driver.h"

#include "base/io.h"
#include "run/paths.h"
#include "run/rewrite.h"
#include "sql/text.h"

struct ec_table *ec_driver_table(struct ec_driver *d, const char *name) {
    for (size_t i = 0; i < d->table_count; i++)
        if (strcmp(d->table[i].name, name) == 0) return &d->table[i];
    return NULL;
}

static bool has_pending(const struct ec_driver *d, const struct ec_source *source) {
    for (size_t u = 0; u < d->plan.unit_count; u++)
        if (d->plan.unit[u].input->source == source && ec_unit_pending(d, u)) return true;
    return false;
}

static enum ec_status open_table(struct ec_driver *d, const struct ec_source *source, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    EC_TRY(ec_path_join(dir, sizeof dir, EC_DIR_ENRICHED, source->name, err));
    struct ec_table *table = &d->table[d->table_count];
    EC_TRY(ec_table_open(d->config->dir, dir, source->name, source->partition_by, &d->arena, table, err));
    d->table_count++;
    return EC_OK;
}

static enum ec_status add_task_parts(struct ec_driver *d, struct ec_table *table, size_t task, struct ec_err *err) {
    const struct ec_task_result *r = &d->result[task];
    EC_TRY(ec_table_widen(table, r->column, r->column_count, err));
    for (size_t i = 0; i < r->part_count; i++) {
        char staged[EC_PATH_MAX];
        EC_TRY(ec_path_join(staged, sizeof staged, d->plan.task[task].out, r->part[i].path, err));
        struct ec_new_part part = {.staged = ec_arena_strdup(&d->arena, staged),
                                   .path = r->part[i].path,
                                   .partition = r->part[i].partition,
                                   .rows = r->part[i].rows,
                                   .bytes = r->part[i].bytes,
                                   .stats = r->part[i].stats};
        if (!part.staged) return ec_fail(err, EC_NO_MEMORY, "no memory for the parts of %s", table->name);
        EC_TRY(ec_table_add(table, part, err));
    }
    return EC_OK;
}

/* "o._file = '…'" for rows of an earlier application. */
static void origin_predicate(struct ec_buf *sql, const struct ec_manifest_input *in) {
    char origin[EC_PATH_MAX];
    (void)snprintf(origin, sizeof origin, "%s%s%s", in->path, in->member ? "/" : "", in->member ? in->member : "");
    ec_buf_addz(sql, "o._file = ");
    ec_sql_quote_text(sql, origin);
}

/* What an earlier application of the unit loaded goes; where its parts were rewritten since,
 * its rows are found by their `_file`. */
static enum ec_status remove_earlier(struct ec_driver *d, struct ec_table *table, size_t unit, struct ec_err *err) {
    const struct ec_manifest_input *old = d->plan.unit[unit].replaces;
    bool all_there = true;
    for (size_t i = 0; i < old->part_count; i++)
        if (!old->part[i] || !ec_table_remove_path(table, old->part[i])) all_there = false;
    if (all_there) return EC_OK;
    struct ec_sql *sql;
    char staging[EC_PATH_MAX], name[96], folder[64];
    (void)snprintf(folder, sizeof folder, "rewrite-%06zu", unit);
    (void)snprintf(name, sizeof name, "part-%08u-r%06zu", d->plan.seq, unit);
    EC_TRY(ec_path_join(staging, sizeof staging, d->staging, folder, err));
    EC_TRY(ec_driver_sql(d, &sql, err));
    struct ec_buf predicate = ec_buf_make(4 * EC_PATH_MAX);
    origin_predicate(&predicate, old);
    enum ec_status status = ec_buf_check(&predicate, err);
    if (status == EC_OK) status = ec_rewrite_without(sql, table, predicate.p, staging, name, d->config->chunk_rows, err);
    ec_buf_free(&predicate);
    return status;
}

static bool replaces_earlier(const struct ec_plan_unit *unit) {
    return (unit->cause == EC_CAUSE_CHANGED_RULE || unit->cause == EC_CAUSE_FORCED) && unit->replaces;
}

/* The newest drop wins: old rows whose key comes again make room, and all rows of files that are
 * read again. */
static void merge_predicate(const struct ec_driver *d, const struct ec_source *source, const struct ec_table *table,
                            const struct ec_table_file *fresh, struct ec_buf *sql) {
    ec_buf_addz(sql, "false");
    if (table->added_count > 0) {
        ec_buf_addz(sql, " OR EXISTS (SELECT 1 FROM ");
        ec_scan_sql(sql, table, fresh, table->added_count, false);
        ec_buf_addz(sql, " AS n WHERE true");
        for (size_t i = 0; i < source->key_count; i++) {
            ec_buf_addz(sql, " AND n.");
            ec_sql_quote_name(sql, source->key[i]);
            ec_buf_addz(sql, " = o.");
            ec_sql_quote_name(sql, source->key[i]);
        }
        ec_buf_addc(sql, ')');
    }
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        const struct ec_plan_unit *unit = &d->plan.unit[u];
        if (unit->input->source != source || !replaces_earlier(unit)) continue;
        ec_buf_addz(sql, " OR ");
        origin_predicate(sql, unit->replaces);
    }
}

static enum ec_status make_room(struct ec_driver *d, const struct ec_source *source, struct ec_table *table, struct ec_err *err) {
    struct ec_sql *sql;
    struct ec_table_file *file;
    size_t count;
    EC_TRY(ec_driver_sql(d, &sql, err));
    EC_TRY(ec_table_files(table, &file, &count, err));
    char staging[EC_PATH_MAX], folder[300], name[96];
    (void)snprintf(folder, sizeof folder, "merge-%s", source->name);
    (void)snprintf(name, sizeof name, "part-%08u-merge", d->plan.seq);
    EC_TRY(ec_path_join(staging, sizeof staging, d->staging, folder, err));
    struct ec_buf text = ec_buf_make((size_t)64 * EC_MIB);
    merge_predicate(d, source, table, file + (count - table->added_count), &text);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_rewrite_without(sql, table, text.p, staging, name, d->config->chunk_rows, err);
    ec_buf_free(&text);
    return status;
}

/* What goes for the sake of the new parts. */
static enum ec_status remove_old(struct ec_driver *d, const struct ec_source *source, struct ec_table *table, bool any,
                                 bool final, struct ec_err *err) {
    if (source->load == EC_LOAD_REPLACE) {
        if (any) ec_table_remove_all(table);
        return EC_OK;
    }
    if (source->load == EC_LOAD_MERGE && source->key_count > 0)
        return final && table->delta->file_count > 0 ? make_room(d, source, table, err) : EC_OK;
    for (size_t u = 0; u < d->plan.unit_count; u++)
        if (d->plan.unit[u].input->source == source && replaces_earlier(&d->plan.unit[u]))
            EC_TRY(remove_earlier(d, table, u, err));
    return EC_OK;
}

/* From the snapshot to the table after this run; may be repeated when parts changed. */
static enum ec_status compose(struct ec_driver *d, const struct ec_source *source, struct ec_table *table, bool final,
                              struct ec_err *err) {
    table->added_count = 0;
    memset(table->removed, 0, table->delta->file_count * sizeof *table->removed);
    table->column = table->delta->column;
    table->column_count = table->delta->column_count;
    table->schema_changed = false;
    bool any = false;
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        const struct ec_plan_unit *unit = &d->plan.unit[u];
        if (unit->input->source != source || !ec_unit_loaded(d, u)) continue;
        any = true;
        for (size_t t = unit->task_first; t < unit->task_first + unit->task_count; t++) EC_TRY(add_task_parts(d, table, t, err));
    }
    return remove_old(d, source, table, any, final, err);
}

enum ec_status ec_driver_sources(struct ec_driver *d, bool final, struct ec_err *err) {
    for (size_t i = 0; i < d->config->source_count; i++) {
        const struct ec_source *source = &d->config->source[i];
        if (!has_pending(d, source)) continue;
        if (!ec_driver_table(d, source->name)) EC_TRY(open_table(d, source, err));
        EC_TRY(compose(d, source, ec_driver_table(d, source->name), final, err));
    }
    d->source_tables = d->table_count;
    return EC_OK;
}
