#include "run/export.h"

#include "base/hash.h"
#include "base/io.h"
#include "base/utf8.h"
#include "run/export_order.h"
#include "run/paths.h"
#include "run/rewrite.h"
#include "run/table_rows.h"
#include "sql/text.h"
#include "store/csv_out.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>

#define PLACEHOLDERS_MAX 8u
/* Of a value in a path; every byte may become three. */
#define VALUE_BYTES_MAX 60u
/* A text cell is at most this long. */
#define VALUE_TEXT_MAX ((size_t)EC_FIELD_MAX)
/* Up to here the rows are read and put in order here; what is larger DuckDB sorts, on the disk if need be. */
#define SMALL_ROWS 200000u

struct exporting {
    const struct ec_manifest_export *export;
    const char *project;
    struct ec_sql *sql;
    struct ec_durable *durable;
    struct ec_arena arena;
    struct ec_table table;
    const char *name[PLACEHOLDERS_MAX]; /* columns that the pattern names */
    size_t name_count;
    const char **written; /* full paths */
    size_t written_count, written_cap;
    struct ec_csv_out *out;
    char root[EC_PATH_MAX];
    char path[EC_PATH_MAX]; /* of the file at hand; "" before the first */
    struct {
        struct ec_buf text; /* NUL-terminated */
        bool null;
    } value[PLACEHOLDERS_MAX]; /* of the row before */
};

/* What may stand in a file's name as it is. A leading '.' would hide it or leave the folder, a
 * leading '_' is how null is told. */
static bool is_safe(unsigned char c, bool first) {
    if (first && (c == '.' || c == '_' || c == ' ')) return false;
    return c >= 0x20 && c != 0x7F && !strchr("/%\\*?[", c);
}

static void add_value(struct ec_buf *out, const char *value) {
    if (!value) {
        ec_buf_addz(out, "__null__");
        return;
    }
    size_t n = strlen(value), kept = ec_utf8_truncate(value, n, VALUE_BYTES_MAX);
    bool text = ec_utf8_valid(value, n);
    if (n == 0) ec_buf_addz(out, "%");
    for (size_t i = 0; i < kept; i++) {
        unsigned char c = (unsigned char)value[i];
        if (is_safe(c, i == 0) && (c < 0x80 || text))
            ec_buf_addc(out, value[i]);
        else
            ec_buf_printf(out, "%%%02X", c);
    }
    /* A name holds 255 bytes: a longer value is cut, and told from others by a hash of the whole. */
    if (kept < n) ec_buf_printf(out, "%%%016llx", (unsigned long long)ec_hash64(value, n));
}

void ec_export_path(struct ec_buf *out, const char *pattern, const char *const *name, const char *const *value, size_t count) {
    while (*pattern) {
        const char *end = *pattern == '{' ? strchr(pattern, '}') : NULL;
        size_t i = count;
        for (size_t k = 0; end && k < count; k++)
            if (ec_str_is((struct ec_str){pattern + 1, (size_t)(end - pattern - 1)}, name[k])) i = k;
        if (i < count) {
            add_value(out, value[i]);
            pattern = end + 1;
        } else {
            ec_buf_addc(out, *pattern++);
        }
    }
}

/* The columns between braces, each once. */
static enum ec_status find_placeholders(struct exporting *x, struct ec_err *err) {
    for (const char *p = strchr(x->export->pattern, '{'); p; p = strchr(p + 1, '{')) {
        const char *end = strchr(p, '}');
        if (!end) break;
        char *name = ec_arena_copy(&x->arena, p + 1, (size_t)(end - p - 1));
        if (!name) return ec_fail(err, EC_NO_MEMORY, "no memory for an export");
        bool known = false;
        for (size_t i = 0; i < x->name_count; i++) known = known || strcmp(x->name[i], name) == 0;
        if (known) continue;
        if (x->name_count == PLACEHOLDERS_MAX)
            return ec_fail(err, EC_CONFIG, "the export of %s names more than %u columns", x->export->model, PLACEHOLDERS_MAX);
        x->name[x->name_count++] = name;
    }
    return EC_OK;
}

static bool is_wanted(const struct ec_manifest_export *e, const char *partition) {
    if (e->all) return true;
    for (size_t i = 0; i < e->partition_count; i++) {
        const char *p = e->partition[i];
        if (p == partition || (p && partition && strcmp(p, partition) == 0)) return true;
    }
    return false;
}

static enum ec_status find_files(struct exporting *x, struct ec_table_file **file, size_t *count, struct ec_err *err) {
    size_t all, n = 0;
    EC_TRY(ec_table_files(&x->table, file, &all, err));
    for (size_t i = 0; i < all; i++)
        if (is_wanted(x->export, (*file)[i].partition)) (*file)[n++] = (*file)[i];
    *count = n;
    return EC_OK;
}

/* SELECT the table's columns, then the placeholders as text, ordered by them. */
static enum ec_status statement(struct exporting *x, const struct ec_table_file *file, size_t n, struct ec_buf *sql, struct ec_err *err) {
    ec_buf_addz(sql, "SELECT ");
    for (size_t i = 0; i < x->table.column_count; i++) {
        ec_sql_quote_name(sql, x->table.column[i].name);
        ec_buf_addz(sql, ", ");
    }
    for (size_t i = 0; i < x->name_count; i++) {
        ec_buf_addz(sql, "CAST(");
        ec_sql_quote_name(sql, x->name[i]);
        ec_buf_printf(sql, " AS VARCHAR) AS \"#%zu\", ", i);
    }
    ec_buf_addz(sql, "1 AS \"#\" FROM ");
    ec_scan_sql(sql, &x->table, file, n, false);
    ec_buf_addz(sql, " ORDER BY ");
    for (size_t i = 0; i < x->name_count; i++) ec_buf_printf(sql, "\"#%zu\", ", i);
    for (size_t i = 0; i < x->table.column_count; i++) {
        if (i > 0) ec_buf_addz(sql, ", ");
        ec_sql_quote_name(sql, x->table.column[i].name);
    }
    return ec_buf_check(sql, err);
}

static enum ec_status close_file(struct exporting *x, struct ec_err *err) {
    return x->path[0] ? ec_csv_out_end(x->out, NULL, err) : EC_OK;
}

static enum ec_status note_written(struct exporting *x, struct ec_err *err) {
    if (x->written_count == x->written_cap) {
        size_t cap = x->written_cap ? x->written_cap * 2 : 64;
        const char **grown = ec_arena_calloc(&x->arena, cap, sizeof *grown);
        if (!grown) return ec_fail(err, EC_NO_MEMORY, "no memory for an export");
        if (x->written_count) memcpy(grown, x->written, x->written_count * sizeof *grown);
        x->written = grown;
        x->written_cap = cap;
    }
    x->written[x->written_count] = ec_arena_strdup(&x->arena, x->path);
    return x->written[x->written_count++] ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for an export");
}

static enum ec_status open_file(struct exporting *x, const char *path, struct ec_err *err) {
    char dir[EC_PATH_MAX];
    memcpy(x->path, path, strlen(path) + 1);
    memcpy(dir, path, strlen(path) + 1);
    *strrchr(dir, '/') = '\0';
    EC_TRY(ec_durable_make_dir(x->durable, dir, err));
    EC_TRY(note_written(x, err));
    return ec_csv_out_begin(x->out, path, err);
}

static bool is_as_before(const struct exporting *x, const struct ec_batch *batch, size_t row) {
    if (!x->path[0]) return false;
    for (size_t i = 0; i < x->name_count; i++) {
        const struct ec_column *c = &batch->column[x->table.column_count + i];
        bool null = !ec_bit(c->valid, row);
        if (null != x->value[i].null) return false;
        if (!null && !ec_str_eq(ec_text_str(&ec_column_text(c)[row]), ec_buf_str(&x->value[i].text))) return false;
    }
    return true;
}

/* The path for the row's values, which are kept. */
static enum ec_status row_path(struct exporting *x, const struct ec_batch *batch, size_t row, char *path, struct ec_err *err) {
    const char *value[PLACEHOLDERS_MAX] = {0};
    for (size_t i = 0; i < x->name_count; i++) {
        const struct ec_column *c = &batch->column[x->table.column_count + i];
        struct ec_buf *text = &x->value[i].text;
        x->value[i].null = !ec_bit(c->valid, row);
        ec_buf_clear(text);
        if (x->value[i].null) continue;
        struct ec_str s = ec_text_str(&ec_column_text(c)[row]);
        ec_buf_add(text, s.p, s.n);
        EC_TRY(ec_buf_check(text, err));
        value[i] = ec_buf_str(text).p;
    }
    struct ec_buf relative = ec_buf_make(EC_PATH_MAX);
    ec_export_path(&relative, x->export->pattern, x->name, value, x->name_count);
    enum ec_status status = ec_buf_check(&relative, err);
    if (status == EC_OK) status = ec_path_join(path, EC_PATH_MAX, x->root, relative.p, err);
    ec_buf_free(&relative);
    return status;
}

/* The rows come in the order of their values: each file is written once. */
static enum ec_status write_batch(struct exporting *x, const struct ec_batch *batch, const uint32_t *order, struct ec_err *err) {
    size_t first = 0;
    for (size_t i = 0; i < batch->rows; i++) {
        char path[EC_PATH_MAX];
        if (is_as_before(x, batch, order[i])) continue;
        EC_TRY(row_path(x, batch, order[i], path, err));
        if (strcmp(path, x->path) == 0) continue;
        if (i > first) EC_TRY(ec_csv_out_append(x->out, batch, NULL, order + first, i - first, err));
        first = i;
        EC_TRY(close_file(x, err));
        EC_TRY(open_file(x, path, err));
    }
    return batch->rows > first ? ec_csv_out_append(x->out, batch, NULL, order + first, batch->rows - first, err) : EC_OK;
}

static enum ec_status create_out(struct exporting *x, struct ec_err *err) {
    const char **names = ec_arena_calloc(&x->arena, x->table.column_count, sizeof *names);
    if (!names) return ec_fail(err, EC_NO_MEMORY, "no memory for an export");
    for (size_t i = 0; i < x->table.column_count; i++) names[i] = x->table.column[i].name;
    EC_TRY(ec_project_path(x->root, x->project, EC_DIR_PROCESSED, NULL, err));
    return ec_csv_out_create(names, x->table.column_count, x->durable, &x->out, err);
}

/* All rows at once, in the order that the statement has. *done: false where they are DuckDB's to read. */
static enum ec_status write_small(struct exporting *x, const struct ec_table_file *file, size_t count, bool *done, struct ec_err *err) {
    struct ec_table_rows rows;
    struct ec_err cause = {0};
    enum ec_status status = ec_table_rows_read(&x->table, file, count, SMALL_ROWS, &rows, &cause);
    if (status == EC_OK) status = ec_export_add_texts(&rows.batch, x->name, x->name_count, &rows.arena, &cause);
    uint32_t *order = status == EC_OK ? ec_calloc(rows.batch.rows, sizeof *order) : NULL;
    *done = order != NULL;
    status = EC_OK;
    if (order) {
        ec_export_order(&rows.batch, x->table.column_count, order);
        status = write_batch(x, &rows.batch, order, err);
    }
    ec_free(order);
    ec_table_rows_deinit(&rows);
    return status;
}

static enum ec_status write_by_statement(struct exporting *x, const struct ec_table_file *file, size_t count, struct ec_err *err) {
    struct ec_buf text = ec_buf_make((size_t)64 * EC_MIB);
    struct ec_sql_rows *rows = NULL;
    struct ec_batch *batch;
    uint32_t order[EC_BATCH_ROWS];
    for (uint32_t i = 0; i < EC_BATCH_ROWS; i++) order[i] = i;
    enum ec_status status = statement(x, file, count, &text, err);
    if (status == EC_OK) status = ec_sql_query(x->sql, text.p, &rows, err);
    while (status == EC_OK) {
        status = ec_sql_next(rows, &batch, err);
        if (status != EC_OK || batch->rows == 0) break;
        status = write_batch(x, batch, order, err);
    }
    ec_sql_rows_close(rows);
    ec_buf_free(&text);
    return status;
}

static enum ec_status write_files(struct exporting *x, struct ec_err *err) {
    struct ec_table_file *file;
    size_t count;
    bool done = false;
    EC_TRY(create_out(x, err));
    EC_TRY(find_files(x, &file, &count, err));
    if (count == 0) return EC_OK;
    EC_TRY(write_small(x, file, count, &done, err));
    if (!done) EC_TRY(write_by_statement(x, file, count, err));
    return close_file(x, err);
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The paths of what was written, sorted: in the arena. */
static enum ec_status sort_written(struct exporting *x, const char ***sorted, struct ec_err *err) {
    *sorted = ec_arena_calloc(&x->arena, x->written_count, sizeof **sorted);
    if (!*sorted) return ec_fail(err, EC_NO_MEMORY, "no memory for an export");
    if (x->written_count == 0) return EC_OK;
    memcpy(*sorted, x->written, x->written_count * sizeof **sorted);
    qsort(*sorted, x->written_count, sizeof **sorted, compare_texts);
    return EC_OK;
}

static enum ec_status remove_file(struct exporting *x, const char *path, struct ec_err *err) {
    if (ec_io.unlink(path) != 0 && errno != ENOENT) return ec_fail_errno(err, EC_IO, "cannot remove %s", path);
    return ec_durable_folder_of(x->durable, path, err);
}

/* Removes files that match the pattern with these values (NULL: any) and were not written. */
static enum ec_status remove_stale(struct exporting *x, const char *const *kept, const char *partition, bool any,
                                   struct ec_err *err) {
    struct ec_buf pattern = ec_buf_make(EC_PATH_MAX);
    char root[EC_PATH_MAX];
    EC_TRY(ec_project_path(root, x->project, EC_DIR_PROCESSED "/", NULL, err));
    for (const char *p = root; *p; p++) {
        if (strchr("*?[\\", *p)) ec_buf_addc(&pattern, '\\'); /* of the project's own path */
        ec_buf_addc(&pattern, *p);
    }
    for (const char *p = x->export->pattern; *p; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (!end) {
            ec_buf_addc(&pattern, *p);
            continue;
        }
        bool fixed = !any && x->table.partition_by &&
                     ec_str_is((struct ec_str){p + 1, (size_t)(end - p - 1)}, x->table.partition_by);
        if (fixed)
            add_value(&pattern, partition);
        else
            ec_buf_addc(&pattern, '*');
        p = end;
    }
    glob_t found = {0};
    enum ec_status status = ec_buf_check(&pattern, err);
    if (status == EC_OK && glob(pattern.p, GLOB_NOSORT, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && status == EC_OK; i++) {
            const char *path = found.gl_pathv[i];
            if (x->written_count == 0 || !bsearch(&path, kept, x->written_count, sizeof *kept, compare_texts))
                status = remove_file(x, path, err);
        }
    }
    globfree(&found);
    ec_buf_free(&pattern);
    return status;
}

static enum ec_status export_all(struct exporting *x, struct ec_err *err) {
    EC_TRY(find_placeholders(x, err));
    EC_TRY(write_files(x, err));
    const char **kept;
    EC_TRY(sort_written(x, &kept, err));
    if (x->export->all) return remove_stale(x, kept, NULL, true, err);
    for (size_t i = 0; i < x->export->partition_count; i++)
        EC_TRY(remove_stale(x, kept, x->export->partition[i], false, err));
    return EC_OK;
}

enum ec_status ec_export_write(const char *project, const struct ec_manifest_export *export, struct ec_sql *sql,
                               struct ec_durable *durable, struct ec_buf *written, struct ec_err *err) {
    struct exporting x = {.export = export, .project = project, .sql = sql, .durable = durable};
    ec_arena_init(&x.arena, (size_t)256 * EC_MIB);
    for (size_t i = 0; i < PLACEHOLDERS_MAX; i++) x.value[i].text = ec_buf_make(VALUE_TEXT_MAX);
    char dir[EC_PATH_MAX];
    struct ec_delta *delta = NULL;
    const char *partition_by = NULL;
    enum ec_status status = ec_path_join(dir, sizeof dir, project, export->table, err);
    if (status == EC_OK) status = ec_delta_open(dir, &delta, err);
    if (status == EC_OK && delta->partition_by) partition_by = ec_arena_strdup(&x.arena, delta->partition_by);
    ec_delta_close(delta);
    if (status == EC_OK)
        status = ec_table_open(project, export->table, export->model, partition_by, &x.arena, &x.table, err);
    if (status == EC_OK) status = export_all(&x, err);
    ec_csv_out_destroy(x.out);
    for (size_t i = 0; i < PLACEHOLDERS_MAX; i++) ec_buf_free(&x.value[i].text);
    ec_table_close(&x.table);
    for (size_t i = 0; i < x.written_count && status == EC_OK; i++) {
        const char *name = x.written[i] + strlen(project);
        while (*name == '/') name++;
        ec_buf_add(written, name, strlen(name) + 1);
    }
    if (status == EC_OK) status = ec_buf_check(written, err);
    ec_arena_deinit(&x.arena);
    return status;
}
