/* The sources' tables after this run. */
#include "run/driver.h"

#include "base/io.h"
#include "base/log.h"
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

/* ---- columns ---- */

/* Whether the configuration says what the column is; else a file brought it along. */
static bool is_configured(const struct ec_source *source, const char *name) {
    if (ec_source_column(source, name) != SIZE_MAX || strcmp(name, "_file") == 0 || strcmp(name, "_line") == 0)
        return true;
    for (size_t i = 0; i < source->derive_count; i++)
        if (strcmp(source->derive[i].name, name) == 0) return true;
    return false;
}

/* A column that a file brings along and that does not fit the table costs that file: it must not
 * keep all others from being loaded. One that is configured so is a matter of the configuration. */
static enum ec_status refuse_columns(struct ec_driver *d, struct ec_table *table, size_t u,
                                     const struct ec_task_result *r, struct ec_err *err) {
    const struct ec_source *source = d->plan.unit[u].input->source;
    for (size_t i = 0; i < r->column_count; i++) {
        struct ec_err cause = {0};
        enum ec_status status = ec_table_widen(table, &r->column[i], 1, &cause);
        if (status == EC_OK) continue;
        if (status != EC_CONFIG || is_configured(source, r->column[i].name)) {
            if (err) *err = cause;
            return status;
        }
        d->state[u].unit->status = EC_BAD_HEADER;
        d->state[u].unit->message = ec_arena_strdup(&d->arena, cause.message);
        return d->state[u].unit->message ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the run");
    }
    return EC_OK;
}

/* The table's columns with those of all files that will be loaded. */
static enum ec_status fit_columns(struct ec_driver *d, const struct ec_source *source, struct ec_table *table,
                                  struct ec_err *err) {
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        const struct ec_plan_unit *unit = &d->plan.unit[u];
        if (unit->input->source != source || !ec_unit_loaded(d, u)) continue;
        struct ec_table before = *table;
        for (size_t t = unit->task_first; t < unit->task_first + unit->task_count && ec_unit_loaded(d, u); t++) {
            const struct ec_task_result *r = &d->result[t];
            if (ec_table_widen(table, r->column, r->column_count, NULL) != EC_OK)
                EC_TRY(refuse_columns(d, table, u, r, err));
        }
        if (!ec_unit_loaded(d, u)) *table = before; /* nothing of it is loaded: its other columns neither */
    }
    return EC_OK;
}

/* ---- parts ---- */

static enum ec_status add_task_parts(struct ec_driver *d, struct ec_table *table, size_t task, struct ec_err *err) {
    const struct ec_task_result *r = &d->result[task];
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

/* The drop that is the whole table of a `replace` source: what is older is not loaded, even where
 * changed rules had it read again. 0 where all drops count. */
static uint32_t oldest_that_counts(const struct ec_driver *d, const struct ec_source *source) {
    if (source->load != EC_LOAD_REPLACE) return 0;
    uint32_t newest = ec_past_newest_drop(&d->plan.past, source->name);
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        const struct ec_plan_unit *unit = &d->plan.unit[u];
        if (unit->input->source == source && ec_unit_loaded(d, u) && unit->drop > newest) newest = unit->drop;
    }
    return newest;
}

static enum ec_status add_parts(struct ec_driver *d, const struct ec_source *source, struct ec_table *table,
                                uint32_t oldest, struct ec_err *err) {
    for (size_t u = 0; u < d->plan.unit_count; u++) {
        const struct ec_plan_unit *unit = &d->plan.unit[u];
        if (unit->input->source != source || !ec_unit_loaded(d, u) || unit->drop < oldest) continue;
        for (size_t t = unit->task_first; t < unit->task_first + unit->task_count; t++)
            EC_TRY(add_task_parts(d, table, t, err));
    }
    return EC_OK;
}

/* ---- what goes for the sake of the new parts ---- */

/* Whether the rows that an earlier run loaded from the unit make room: it was read again, be it to be
 * loaded or to be rejected. What could not be read again keeps its rows. */
static bool gives_way(const struct ec_driver *d, size_t u) {
    const struct ec_plan_unit *unit = &d->plan.unit[u];
    return (unit->cause == EC_CAUSE_CHANGED_RULE || unit->cause == EC_CAUSE_FORCED) && unit->replaces &&
           d->state[u].unit->status == EC_OK;
}

/* Whether another content was applied under the same name: then `_file` does not tell their rows apart. */
static bool had_another_content(const struct ec_driver *d, const struct ec_manifest_input *old) {
    const struct ec_past_input *past;
    size_t n = ec_past_of_place(&d->plan.past, old->source, old->path, old->member, &past);
    for (size_t i = 0; i < n; i++)
        if (past[i].input->state == EC_INPUT_APPLIED && past[i].input->sha256 &&
            (!old->sha256 || strcmp(past[i].input->sha256, old->sha256) != 0))
            return true;
    return false;
}

/* The parts that an earlier application left go; where some were rewritten since, its rows are found
 * by their `_file`. */
static enum ec_status remove_earlier(struct ec_driver *d, struct ec_table *table, const struct ec_manifest_input *old,
                                     bool final, struct ec_err *err) {
    bool all_there = true;
    for (size_t i = 0; i < old->part_count; i++)
        if (!old->part[i] || !ec_table_remove_path(table, old->part[i])) all_there = false;
    if (all_there) return EC_OK;
    const char *origin = old->member ? ec_arena_printf(&d->arena, "%s/%s", old->path, old->member) : old->path;
    if (!origin) return ec_fail(err, EC_NO_MEMORY, "no memory for the run");
    if (!had_another_content(d, old)) return ec_table_remove_origin(table, origin, err);
    if (final)
        ec_log(EC_LOG_WARN, "%s: rows of %s that were rewritten are kept: an earlier file of this name had others",
               table->name, origin);
    return EC_OK;
}

static enum ec_status remove_old(struct ec_driver *d, const struct ec_source *source, struct ec_table *table,
                                 uint32_t oldest, bool final, struct ec_err *err) {
    if (oldest > ec_past_newest_drop(&d->plan.past, source->name)) {
        ec_table_remove_all(table); /* a new drop of a `replace` source */
        return EC_OK;
    }
    for (size_t u = 0; u < d->plan.unit_count; u++)
        if (d->plan.unit[u].input->source == source && gives_way(d, u))
            EC_TRY(remove_earlier(d, table, d->plan.unit[u].replaces, final, err));
    return EC_OK;
}

/* Rows of rewritten origins; and where the newest drop wins, rows whose key comes again. */
static void rewrite_predicate(const struct ec_source *source, const struct ec_table *table,
                              const struct ec_table_file *fresh, struct ec_buf *sql) {
    ec_buf_addz(sql, "false");
    for (size_t i = 0; i < table->origin_count; i++) {
        ec_buf_addz(sql, i == 0 ? " OR o._file IN (" : ", ");
        ec_sql_quote_text(sql, table->origin[i]);
    }
    if (table->origin_count > 0) ec_buf_addc(sql, ')');
    if (source->load != EC_LOAD_MERGE || table->added_count == 0) return;
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

static enum ec_status rewrite(struct ec_driver *d, const struct ec_source *source, struct ec_table *table,
                              struct ec_err *err) {
    bool merges = source->load == EC_LOAD_MERGE && table->added_count > 0;
    if (table->delta->file_count == 0 || (table->origin_count == 0 && !merges)) return EC_OK;
    struct ec_sql *sql;
    struct ec_table_file *file;
    size_t count;
    EC_TRY(ec_driver_strong_sql(d, &sql, err));
    EC_TRY(ec_table_files(table, &file, &count, err));
    char staging[EC_PATH_MAX], folder[300], name[96];
    (void)snprintf(folder, sizeof folder, "rewrite-%s", source->name);
    (void)snprintf(name, sizeof name, "part-%08u-rewrite", d->plan.seq);
    EC_TRY(ec_path_join(staging, sizeof staging, d->staging, folder, err));
    struct ec_buf text = ec_buf_make((size_t)64 * EC_MIB);
    rewrite_predicate(source, table, file + (count - table->added_count), &text);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_rewrite_without(sql, table, text.p, staging, name, d->config->chunk_rows, err);
    ec_buf_free(&text);
    return status;
}

/* From the snapshot to the table after this run; repeated when parts changed. */
static enum ec_status compose(struct ec_driver *d, const struct ec_source *source, struct ec_table *table, bool final,
                              struct ec_err *err) {
    ec_table_restore(table);
    EC_TRY(fit_columns(d, source, table, err));
    uint32_t oldest = oldest_that_counts(d, source);
    EC_TRY(add_parts(d, source, table, oldest, err));
    EC_TRY(remove_old(d, source, table, oldest, final, err));
    return final ? rewrite(d, source, table, err) : EC_OK;
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
