#include "sql/checkpoint.h"

#include "base/io.h"
#include "sql/session.h"
#include "sql/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#define MEMORY_BYTES (256 * EC_MIB)
#define LINE_BYTES_MIN ((size_t)4 * EC_MIB)
#define PATH_BYTES   4096u
#define TEXT_MAX     ((size_t)8 * EC_MIB) /* a thousand parts by name */

/* The columns of a checkpoint and their types, as PROTOCOL.md gives them ("Checkpoint Schema"); what a table of
 * reader 1 and writer 2 never holds (deletion vectors, row ids) is left out. */
static const char COLUMNS[] =
    "{txn: 'STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)',"
    " add: 'STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, dataChange BOOLEAN,"
    " stats VARCHAR, tags MAP(VARCHAR, VARCHAR))',"
    " remove: 'STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN, extendedFileMetadata BOOLEAN,"
    " partitionValues MAP(VARCHAR, VARCHAR), size BIGINT)',"
    " metaData: 'STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)),"
    " schemaString VARCHAR, partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)',"
    " protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER, readerFeatures VARCHAR[], writerFeatures VARCHAR[])'}";

static enum ec_status open_session(const char *dir, uint64_t more_bytes, struct ec_sql **sql, struct ec_err *err) {
    struct ec_sql_options options = {.threads = 1, .memory_bytes = MEMORY_BYTES + more_bytes, .files_dir = dir};
    return ec_sql_open(&options, sql, err);
}

/* ---------------------------------------------------------------- reading */

static enum ec_status each_line(struct ec_sql_rows *rows, ec_delta_line_fn line, void *context, struct ec_err *err) {
    struct ec_batch *batch;
    for (;;) {
        EC_TRY(ec_sql_next(rows, &batch, err));
        if (batch->rows == 0) return EC_OK;
        for (size_t i = 0; i < batch->rows; i++) {
            struct ec_str row = ec_text_str(&ec_column_text(&batch->column[0])[i]);
            EC_TRY(line(context, row.p, row.n, err));
        }
    }
}

/* The protocol and the metaData come first, as the partition column must be known before files are. */
static enum ec_status query_text(const char *dir, const char *const *part, size_t part_count, struct ec_buf *text, struct ec_err *err) {
    char path[PATH_BYTES];
    ec_buf_addz(text, "SELECT CAST(to_json(c) AS VARCHAR) FROM read_parquet([");
    for (size_t i = 0; i < part_count; i++) {
        EC_TRY(ec_path_join(path, sizeof path, dir, part[i], err));
        if (i > 0) ec_buf_addc(text, ',');
        ec_sql_quote_text(text, path);
    }
    ec_buf_addz(text, "], hive_partitioning = false) c ORDER BY CASE WHEN protocol IS NOT NULL THEN 0 WHEN metaData IS NOT NULL THEN 1 ELSE 2 END");
    return ec_buf_check(text, err);
}

enum ec_status ec_checkpoint_read(const char *dir, const char *const *part, size_t part_count, ec_delta_line_fn line, void *context,
                                  struct ec_err *err) {
    struct ec_sql *sql = NULL;
    struct ec_sql_rows *rows = NULL;
    struct ec_buf text = ec_buf_make(TEXT_MAX);
    enum ec_status status = query_text(dir, part, part_count, &text, err);
    if (status == EC_OK) status = open_session(dir, 0, &sql, err);
    if (status == EC_OK) status = ec_sql_query(sql, text.p, &rows, err);
    if (status == EC_OK) status = each_line(rows, line, context, err);
    ec_sql_rows_close(rows);
    ec_sql_close(sql);
    ec_buf_free(&text);
    if (status != EC_OK) ec_err_context(err, "the checkpoint %s in %s", part[0], dir);
    return status;
}

/* ---------------------------------------------------------------- writing */

/* Names in the log's folder: the lines that DuckDB reads, the file that it writes, and what that is to become. The first
 * two begin with a dot, so that no reader of the log looks at them; they are of one version and one writer, under the lock. */
struct names {
    char log[PATH_BYTES], lines[PATH_BYTES], made[PATH_BYTES], final[PATH_BYTES], last[PATH_BYTES];
};

static enum ec_status make_names(const char *table, int64_t version, struct names *n, struct ec_err *err) {
    char name[96];
    EC_TRY(ec_path_join(n->log, sizeof n->log, table, "_delta_log", err));
    (void)snprintf(name, sizeof name, ".%020" PRId64 ".checkpoint.lines.tmp", version);
    EC_TRY(ec_path_join(n->lines, sizeof n->lines, n->log, name, err));
    (void)snprintf(name, sizeof name, ".%020" PRId64 ".checkpoint.parquet.tmp", version);
    EC_TRY(ec_path_join(n->made, sizeof n->made, n->log, name, err));
    EC_TRY(ec_path_join(n->final, sizeof n->final, n->log, name + 1, err));
    n->final[strlen(n->final) - 4] = '\0';
    return ec_path_join(n->last, sizeof n->last, n->log, "_last_checkpoint", err);
}

static enum ec_status remove_if_there(const char *path, struct ec_err *err) {
    return ec_io.unlink(path) == 0 || errno == ENOENT ? EC_OK : ec_fail_errno(err, EC_IO, "cannot remove %s", path);
}

static enum ec_status write_lines(const struct names *n, const struct ec_buf *lines, struct ec_err *err) {
    int fd;
    EC_TRY(ec_file_create(n->lines, &fd, err));
    enum ec_status status = ec_file_write(fd, lines->p, lines->n, n->lines, err);
    if (status == EC_OK) return ec_file_finish(fd, n->lines, err);
    ec_file_abandon(fd, n->lines);
    return status;
}

static size_t longest_line(const struct ec_buf *lines) {
    size_t longest = 0;
    for (size_t at = 0; at < lines->n;) {
        const char *end = memchr(lines->p + at, '\n', lines->n - at);
        size_t n = end ? (size_t)(end - lines->p) + 1 - at : lines->n - at;
        if (n > longest) longest = n;
        at += n;
    }
    return longest;
}

/* DuckDB's reader holds two buffers of the longest line. */
static enum ec_status convert(const struct names *n, size_t line_bytes, struct ec_err *err) {
    struct ec_sql *sql = NULL;
    if (line_bytes < LINE_BYTES_MIN) line_bytes = LINE_BYTES_MIN;
    struct ec_buf text = ec_buf_make(TEXT_MAX);
    ec_buf_addz(&text, "COPY (SELECT txn,"
                       " CASE WHEN add IS NOT NULL THEN struct_update(add, dataChange := false) END AS add,"
                       " CASE WHEN remove IS NOT NULL THEN struct_update(remove, dataChange := false) END AS remove,"
                       " metaData, protocol FROM read_json(");
    ec_sql_quote_text(&text, n->lines);
    ec_buf_printf(&text, ", format = 'newline_delimited', maximum_object_size = %zu, columns = %s)) TO ", line_bytes, COLUMNS);
    ec_sql_quote_text(&text, n->made);
    ec_buf_addz(&text, " (FORMAT parquet, COMPRESSION snappy)");
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = open_session(n->log, 4 * line_bytes, &sql, err);
    if (status == EC_OK) status = ec_sql_run(sql, text.p, err);
    ec_sql_close(sql);
    ec_buf_free(&text);
    return status;
}

/* Bytes that DuckDB wrote are synced before they get their name (C3, C5). */
static enum ec_status publish(const struct names *n, struct ec_err *err) {
    int fd = ec_io.open(n->made, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return ec_fail_errno(err, EC_IO, "cannot open %s", n->made);
    bool synced = ec_sync(fd) == 0;
    int cause = errno;
    (void)ec_io.close(fd);
    errno = cause;
    if (!synced) return ec_fail_errno(err, EC_IO, "cannot sync %s", n->made);
    if (ec_io.link(n->made, n->final) != 0 && errno != EEXIST) return ec_fail_errno(err, EC_IO, "cannot link %s", n->final);
    return ec_dir_sync(n->log, err);
}

static enum ec_status name_it(const struct names *n, int64_t version, size_t actions, struct ec_err *err) {
    char text[96];
    int size = snprintf(text, sizeof text, "{\"version\":%" PRId64 ",\"size\":%zu}", version, actions);
    return ec_file_replace(n->last, text, (size_t)size, err);
}

static enum ec_status write_version(const char *table, int64_t version, const struct ec_buf *lines, size_t actions, struct ec_err *err) {
    struct names n;
    EC_TRY(make_names(table, version, &n, err));
    EC_TRY(remove_if_there(n.lines, err)); /* of a writer that was killed */
    EC_TRY(remove_if_there(n.made, err));
    enum ec_status status = write_lines(&n, lines, err);
    if (status == EC_OK) status = convert(&n, longest_line(lines) + 1, err);
    if (status == EC_OK) status = publish(&n, err);
    if (status == EC_OK) status = name_it(&n, version, actions, err);
    (void)ec_io.unlink(n.lines); /* best effort: the next sweep takes what is left */
    (void)ec_io.unlink(n.made);
    return status;
}

enum ec_status ec_checkpoint_write(const char *table, int64_t *version, struct ec_err *err) {
    struct ec_buf lines = ec_buf_make(EC_DELTA_SNAPSHOT_MAX);
    size_t actions = 0;
    enum ec_status status = ec_delta_checkpoint_lines(table, version, &lines, &actions, err);
    if (status == EC_OK) status = write_version(table, *version, &lines, actions, err);
    ec_buf_free(&lines);
    if (status != EC_OK) ec_err_context(err, "the checkpoint of the table %s", table);
    return status;
}
