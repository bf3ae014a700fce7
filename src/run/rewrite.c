#include "run/rewrite.h"

#include "base/io.h"
#include "run/paths.h"
#include "sql/text.h"
#include "store/table_writer.h"

#define STATEMENT_MAX ((size_t)64 * EC_MIB)

/* A column of the scan that tells a row's file. No table's column can have a space in its name. */
#define FILE_COLUMN "\"# file\""

static void add_type(struct ec_buf *sql, struct ec_column_type type) {
    switch (type.type) {
    case EC_TYPE_STRING: ec_buf_addz(sql, "VARCHAR"); return;
    case EC_TYPE_INTEGER: ec_buf_addz(sql, "BIGINT"); return;
    case EC_TYPE_FLOAT: ec_buf_addz(sql, "DOUBLE"); return;
    case EC_TYPE_BOOLEAN: ec_buf_addz(sql, "BOOLEAN"); return;
    case EC_TYPE_DATETIME: ec_buf_addz(sql, "TIMESTAMPTZ"); return;
    case EC_TYPE_DATE: ec_buf_addz(sql, "DATE"); return;
    case EC_TYPE_DECIMAL: ec_buf_printf(sql, "DECIMAL(%u, %u)", type.precision, type.scale); return;
    }
}

static bool is_partition(const struct ec_table *table, size_t column) {
    return table->partition_by && strcmp(table->column[column].name, table->partition_by) == 0;
}

/* No row, but every column with its type: of files that lack one it is null then. */
static void add_empty(struct ec_buf *sql, const struct ec_table *table) {
    ec_buf_addz(sql, "SELECT NULL::VARCHAR AS " FILE_COLUMN);
    for (size_t i = 0; i < table->column_count; i++) {
        if (is_partition(table, i)) continue;
        ec_buf_addz(sql, ", NULL::");
        add_type(sql, table->column[i].type);
        ec_buf_addz(sql, " AS ");
        ec_sql_quote_name(sql, table->column[i].name);
    }
    ec_buf_addz(sql, " WHERE false");
}

/* The partition's value per file, as the log has it: what a folder's name can be read as is not
 * always that (a text `null`, a folder above the project that is named like a column). */
static void add_partitions(struct ec_buf *sql, const struct ec_table *table, const struct ec_table_file *file,
                           size_t count) {
    struct ec_column_type type = {.type = EC_TYPE_STRING};
    for (size_t i = 0; i < table->column_count; i++)
        if (is_partition(table, i)) type = table->column[i].type;
    ec_buf_addz(sql, " JOIN (SELECT col0 AS file, CAST(col1 AS ");
    add_type(sql, type);
    ec_buf_addz(sql, ") AS value FROM (VALUES ");
    for (size_t i = 0; i < count; i++) {
        ec_buf_addz(sql, i ? ", (" : "(");
        ec_sql_quote_text(sql, file[i].path);
        ec_buf_addz(sql, ", ");
        if (file[i].partition)
            ec_sql_quote_text(sql, file[i].partition);
        else
            ec_buf_addz(sql, "NULL");
        ec_buf_addc(sql, ')');
    }
    ec_buf_addz(sql, ")) AS p ON f." FILE_COLUMN " = p.file");
}

void ec_scan_sql(struct ec_buf *sql, const struct ec_table *table, const struct ec_table_file *file, size_t count,
                 bool with_name) {
    ec_buf_addz(sql, with_name ? "(SELECT f.*" : "(SELECT f.* EXCLUDE (" FILE_COLUMN ")");
    if (table->partition_by) {
        ec_buf_addz(sql, ", p.value AS ");
        ec_sql_quote_name(sql, table->partition_by);
    }
    ec_buf_addz(sql, " FROM (");
    add_empty(sql, table);
    ec_buf_addz(sql, " UNION ALL BY NAME SELECT * FROM read_parquet([");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) ec_buf_addz(sql, ", ");
        ec_sql_quote_text(sql, file[i].path);
    }
    ec_buf_addz(sql, "], union_by_name = true, hive_partitioning = false, filename = '# file')) AS f");
    if (table->partition_by) add_partitions(sql, table, file, count);
    ec_buf_addc(sql, ')');
}

/* The files that hold a row to be removed; hit[i] over `file`. */
static enum ec_status find_hits(struct ec_sql *sql, const struct ec_table *table, const struct ec_table_file *file,
                                size_t count, const char *predicate, bool *hit, size_t *hits, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(STATEMENT_MAX);
    struct ec_sql_rows *rows = NULL;
    struct ec_batch *batch;
    ec_buf_addz(&text, "SELECT DISTINCT o." FILE_COLUMN " FROM ");
    ec_scan_sql(&text, table, file, count, true);
    ec_buf_printf(&text, " AS o WHERE %s", predicate);
    *hits = 0;
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_sql_query(sql, text.p, &rows, err);
    while (status == EC_OK) {
        status = ec_sql_next(rows, &batch, err);
        if (status != EC_OK || batch->rows == 0) break;
        for (size_t row = 0; row < batch->rows; row++) {
            struct ec_str name = ec_text_str(&ec_column_text(&batch->column[0])[row]);
            size_t i = 0;
            while (i < count && (hit[i] || !ec_str_is(name, file[i].path))) i++;
            if (i == count) continue;
            hit[i] = true;
            (*hits)++;
        }
    }
    ec_sql_rows_close(rows);
    ec_buf_free(&text);
    return status;
}

static enum ec_status copy_rows(struct ec_sql *sql, const char *text, struct ec_table_writer *writer,
                                struct ec_err *err) {
    struct ec_sql_rows *rows;
    struct ec_batch *batch;
    EC_TRY(ec_sql_query(sql, text, &rows, err));
    enum ec_status status = EC_OK;
    while (status == EC_OK) {
        status = ec_sql_next(rows, &batch, err);
        if (status != EC_OK || batch->rows == 0) break;
        status = ec_table_writer_append(writer, batch, NULL, batch->rows, err);
    }
    ec_sql_rows_close(rows);
    return status == EC_OK ? ec_table_writer_finish(writer, err) : status;
}

/* Column by column in the table's order, so that every part has the same layout. */
static void select_kept(struct ec_buf *text, const struct ec_table *table, const struct ec_table_file *file,
                        size_t count, const char *predicate) {
    ec_buf_addz(text, "SELECT ");
    for (size_t i = 0; i < table->delta->column_count; i++) {
        if (i > 0) ec_buf_addz(text, ", ");
        ec_buf_addz(text, "o.");
        ec_sql_quote_name(text, table->delta->column[i].name);
    }
    ec_buf_addz(text, " FROM ");
    ec_scan_sql(text, table, file, count, false);
    ec_buf_printf(text, " AS o WHERE (%s) IS NOT TRUE ORDER BY o._file, o._line", predicate);
}

enum ec_status ec_table_add_written(struct ec_table *table, const struct ec_table_writer *writer, const char *dir,
                                    struct ec_err *err) {
    for (size_t i = 0; i < ec_table_writer_parts(writer); i++) {
        const struct ec_part *part = ec_table_writer_part(writer, i);
        struct ec_buf stats = ec_buf_make(EC_MIB);
        ec_delta_stats_json(&stats, &part->stats);
        char staged[EC_PATH_MAX];
        enum ec_status status = ec_path_join(staged, sizeof staged, dir, part->path, err);
        struct ec_new_part added = {.staged = ec_arena_strdup(table->arena, staged),
                                    .path = ec_arena_strdup(table->arena, part->path),
                                    .partition =
                                        part->partition ? ec_arena_strdup(table->arena, part->partition) : NULL,
                                    .rows = part->stats.rows,
                                    .bytes = part->stats.bytes,
                                    .stats = ec_arena_copy(table->arena, ec_buf_str(&stats).p, stats.n)};
        if (status == EC_OK) status = ec_buf_check(&stats, err);
        ec_buf_free(&stats);
        EC_TRY(status);
        if (!added.staged || !added.path || !added.stats || (part->partition && !added.partition))
            return ec_fail(err, EC_NO_MEMORY, "no memory for parts");
        EC_TRY(ec_table_add(table, added, err));
    }
    return EC_OK;
}

static enum ec_status write_kept(struct ec_sql *sql, struct ec_table *table, const struct ec_table_file *file,
                                 size_t count, const char *predicate, const char *staging, const char *name,
                                 size_t chunk_rows, struct ec_err *err) {
    struct ec_table_writer_options options = {
        .dir = staging, .name = name, .partition_by = table->partition_by, .rows_per_group = chunk_rows};
    struct ec_table_writer *writer = NULL;
    struct ec_buf text = ec_buf_make(STATEMENT_MAX);
    select_kept(&text, table, file, count, predicate);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_dir_remove(staging, true, err);
    if (status == EC_OK) status = ec_dir_make(staging, err);
    if (status == EC_OK) status = ec_table_writer_create(&options, &writer, err);
    if (status == EC_OK) status = copy_rows(sql, text.p, writer, err);
    if (status == EC_OK) status = ec_table_add_written(table, writer, staging, err);
    ec_table_writer_destroy(writer);
    ec_buf_free(&text);
    return status;
}

/* Marks in the snapshot what find_hits() found among the files that stay. */
static void remove_hits(struct ec_table *table, const bool *hit) {
    size_t at = 0;
    for (size_t i = 0; i < table->delta->file_count; i++) {
        if (table->removed[i]) continue;
        table->removed[i] = hit[at++];
    }
}

enum ec_status ec_rewrite_without(struct ec_sql *sql, struct ec_table *table, const char *predicate,
                                  const char *staging, const char *name, size_t chunk_rows, struct ec_err *err) {
    struct ec_table_file *file;
    size_t count, hits;
    EC_TRY(ec_table_old_files(table, &file, &count, err));
    if (count == 0) return EC_OK;
    bool *hit = ec_arena_calloc(table->arena, count, sizeof *hit);
    if (!hit) return ec_fail(err, EC_NO_MEMORY, "no memory to rewrite %s", table->name);
    EC_TRY(find_hits(sql, table, file, count, predicate, hit, &hits, err));
    if (hits == 0) return EC_OK;
    remove_hits(table, hit);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (hit[i]) file[kept++] = file[i];
    return write_kept(sql, table, file, kept, predicate, staging, name, chunk_rows, err);
}
