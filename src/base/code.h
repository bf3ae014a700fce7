/* Every error that Écluse can name, in one table.
 *
 * A status says what kept a file, a run or a command from being done. A damaged
 * row is never a status: it is data, and carries an `enum ec_reason` instead.
 * Each line holds the enumerator, the slug that users see and pass to
 * `ecluse explain`, the exit code of a command that ends with it, what it
 * means, and what to do. Slugs and exit codes are contracts: add, never change. The
 * texts are English; who prints one translates it: _(ec_status_text(s)->meaning).
 */
#ifndef EC_BASE_CODE_H
#define EC_BASE_CODE_H

#include "base/language.h"

enum ec_exit {
    EC_EXIT_DONE = 0,
    EC_EXIT_GATE = 1,
    EC_EXIT_USAGE = 2,
    EC_EXIT_RUNTIME = 3,
    EC_EXIT_DELIVERY = 4,
    EC_EXIT_LOCKED = 5,
    EC_EXIT_SIGINT = 130,
    EC_EXIT_SIGTERM = 143,
};

/* clang-format off */
#define EC_STATUS_TABLE(X) \
    X(EC_OK, "ok", EC_EXIT_DONE, N_("Nothing went wrong."), N_("Nothing.")) \
    X(EC_USAGE, "usage", EC_EXIT_USAGE, N_("The command line asks for something that does not exist."), N_("Run the command with --help.")) \
    X(EC_CONFIG, "config", EC_EXIT_USAGE, N_("A configuration file is wrong; file, line and column are named."), N_("Mend the line that is shown, then run `ecluse plan`.")) \
    X(EC_IO, "io", EC_EXIT_RUNTIME, N_("The operating system refused to read or write a file."), N_("Check the path, its permissions and the disk, then run again; nothing was half applied.")) \
    X(EC_DISK_FULL, "disk-full", EC_EXIT_RUNTIME, N_("The disk or quota is full."), N_("Free space, then run again; nothing was half applied.")) \
    X(EC_NO_MEMORY, "no-memory", EC_EXIT_RUNTIME, N_("Memory ran out or a configured limit was reached."), N_("Raise memory_limit_mb or lower chunk_rows.")) \
    X(EC_ENGINE, "engine", EC_EXIT_RUNTIME, N_("DuckDB refused a statement, or the engine that a run asked for (Spark) failed or ended."), N_("Read its message; nothing of the run was committed.")) \
    X(EC_IMBALANCE, "imbalance", EC_EXIT_RUNTIME, N_("Rows read are not the sum of accepted, quarantined and duplicates. Nothing was committed."), N_("Report it: this is a defect of Ecluse.")) \
    X(EC_PROTOCOL, "protocol", EC_EXIT_RUNTIME, N_("A worker's task or answer is not of protocol version 1."), N_("Use the same version of Ecluse for driver and workers.")) \
    X(EC_LOCKED, "locked", EC_EXIT_LOCKED, N_("Another run holds the project's lock."), N_("Wait for it to end.")) \
    X(EC_INTERRUPTED, "interrupted", EC_EXIT_SIGINT, N_("A signal ended the command."), N_("Run again; what was not committed is discarded, what was is completed.")) \
    X(EC_GATE_FAILED, "gate-failed", EC_EXIT_GATE, N_("At least one file failed its quality gate or could not be read."), N_("Open the dashboard or the file's validation report.")) \
    X(EC_DELIVERY, "delivery", EC_EXIT_DELIVERY, N_("The data are committed, but a report, export, alert or archive could not be written."), N_("Mend the cause that is named and run again.")) \
    X(EC_TABLE_FORMAT, "table-format", EC_EXIT_RUNTIME, N_("A Delta log or Parquet part is damaged or uses a feature that Ecluse does not know."), N_("Restore the table from the archive, or remove the feature that is named.")) \
    X(EC_COMMIT_CONFLICT, "commit-conflict", EC_EXIT_RUNTIME, N_("Another writer changed a table while this run was under way."), N_("Run again.")) \
    X(EC_UNREADABLE, "unreadable", EC_EXIT_GATE, N_("The file exists but cannot be opened or read."), N_("Check its permissions and that it is a regular file.")) \
    X(EC_EMPTY_FILE, "empty-file", EC_EXIT_GATE, N_("The file holds no bytes, or no header."), N_("Ask for the file again.")) \
    X(EC_UNKNOWN_FORMAT, "unknown-format", EC_EXIT_GATE, N_("The file is not of the format that the source declares."), N_("Correct `format:` in pipeline_config.yaml, or ask for the file again.")) \
    X(EC_MISSING_COLUMN, "missing-column", EC_EXIT_GATE, N_("A required column is nowhere in the file."), N_("Ask for the file again, or move the column to optional_columns.")) \
    X(EC_TOO_MANY_COLUMNS, "too-many-columns", EC_EXIT_GATE, N_("The file has more columns than the limit."), N_("Check the separator; the limit is named in the message.")) \
    X(EC_BAD_HEADER, "bad-header", EC_EXIT_GATE, N_("The header line is damaged: a stray quote, invalid UTF-8, an empty or repeated column name."), N_("Mend the first line of the file.")) \
    X(EC_ENCODING, "encoding", EC_EXIT_GATE, N_("The file is not UTF-8."), N_("Declare `encoding:` for the source or ask for UTF-8.")) \
    X(EC_RECORD_TOO_LONG, "record-too-long", EC_EXIT_GATE, N_("A header or record exceeds the limit and no end of it was found."), N_("Check that this is the right file.")) \
    X(EC_GZIP_NOT, "gzip-not", EC_EXIT_GATE, N_("The file is named .gz but is not gzip."), N_("Ask for the file again.")) \
    X(EC_GZIP_TRUNCATED, "gzip-truncated", EC_EXIT_GATE, N_("The gzip stream ends too early: an interrupted transfer."), N_("Ask for the file again.")) \
    X(EC_GZIP_DAMAGED, "gzip-damaged", EC_EXIT_GATE, N_("The gzip stream is damaged: invalid block, wrong CRC or wrong length."), N_("Ask for the file again.")) \
    X(EC_GZIP_TRAILING, "gzip-trailing", EC_EXIT_GATE, N_("Bytes that are not gzip follow the gzip stream."), N_("Ask for the file again.")) \
    X(EC_BOMB, "bomb", EC_EXIT_GATE, N_("The file expands past the limit of size or ratio: possibly a decompression bomb."), N_("If it is genuine, raise the limit that is named.")) \
    X(EC_ZIP_NOT, "zip-not", EC_EXIT_GATE, N_("The file is named .zip but is not a zip archive."), N_("Ask for the file again.")) \
    X(EC_ZIP_DAMAGED, "zip-damaged", EC_EXIT_GATE, N_("The archive's directory and its contents disagree, or it is truncated."), N_("Ask for the file again.")) \
    X(EC_ZIP_ENCRYPTED, "zip-encrypted", EC_EXIT_GATE, N_("A member of the archive is encrypted."), N_("Ask for it without a password.")) \
    X(EC_ZIP_NAME, "zip-name", EC_EXIT_GATE, N_("A member's name is absolute, leaves its folder, holds a NUL or backslash, or occurs twice."), N_("Do not trust the archive; ask for it again.")) \
    X(EC_ZIP_OVERLAP, "zip-overlap", EC_EXIT_GATE, N_("Members share bytes of the archive: possibly a zip bomb."), N_("Do not trust the archive.")) \
    X(EC_ZIP_TOO_MANY, "zip-too-many", EC_EXIT_GATE, N_("The archive has more members than the limit."), N_("Split the archive.")) \
    X(EC_ZIP_METHOD, "zip-method", EC_EXIT_GATE, N_("A member is compressed by a method other than store and deflate."), N_("Ask for a plain zip.")) \
    X(EC_XLSX_DAMAGED, "xlsx-damaged", EC_EXIT_GATE, N_("The workbook's parts are missing or are not well-formed."), N_("Open and save it again in the spreadsheet program.")) \
    X(EC_XLSX_UNSAFE, "xlsx-unsafe", EC_EXIT_GATE, N_("The workbook declares a DOCTYPE or entity, or nests too deep."), N_("Do not trust the file.")) \
    X(EC_XLSX_ENCRYPTED, "xlsx-encrypted", EC_EXIT_GATE, N_("The workbook is protected by a password."), N_("Ask for it without one.")) \
    X(EC_XLSX_TOO_LARGE, "xlsx-too-large", EC_EXIT_GATE, N_("The workbook exceeds the limit of cells or strings."), N_("Export it as CSV.")) \
    X(EC_TIMEOUT, "timeout", EC_EXIT_GATE, N_("The task took longer than processing_timeout."), N_("Raise processing_timeout, or split the file.")) \
    X(EC_WORKER_DIED, "worker-died", EC_EXIT_GATE, N_("The worker that read the file died twice."), N_("Keep the file and report it: this is a defect of Ecluse.")) \
    X(EC_FILE_CHANGED, "file-changed", EC_EXIT_GATE, N_("The file changed while it was being read."), N_("Drop files under another name and rename them when complete.")) \
    X(EC_ARCHIVE_DAMAGED, "archive-damaged", EC_EXIT_RUNTIME, N_("The archive does not hold what its ARCHIVE.json lists, or is no archive of Ecluse."), N_("Take another copy of the archive; this one cannot be restored.")) \
    X(EC_ARCHIVE_UNSAFE, "archive-unsafe", EC_EXIT_RUNTIME, N_("The archive holds a link, a device, or a name that is absolute or leaves its folder, or would be restored through a link."), N_("Do not trust the archive, or restore into an empty folder.")) \
    X(EC_ARCHIVE_EXISTS, "archive-exists", EC_EXIT_RUNTIME, N_("A file that would be restored exists already. Nothing was restored."), N_("Restore into an empty folder, or ask to overwrite.")) \
    X(EC_REMOTE, "remote", EC_EXIT_RUNTIME, N_("A store of objects (S3, HDFS) cannot be reached, refused a request, or answered what it may not."), N_("Check the address, the endpoint and the network (`ecluse doctor`), then run again; nothing was half applied.")) \
    X(EC_REMOTE_DENIED, "remote-denied", EC_EXIT_RUNTIME, N_("A store of objects refuses the credentials, or there are none."), N_("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or HADOOP_USER_NAME) where ecluse is started, or mend the file that holds them.")) \
    X(EC_REMOTE_READ, "remote-read", EC_EXIT_GATE, N_("An object is listed in its store, but could not be fetched whole."), N_("Look at its rights and its size; the next run fetches it again.")) \
    X(EC_REMOTE_NAME, "remote-name", EC_EXIT_GATE, N_("An object's key cannot be the name of a file: it leaves its folder, ends with a slash, or has a part that is empty or too long."), N_("Copy the object to a key that a file could have."))

#define EC_REASON_TABLE(X) \
    X(EC_REASON_PARSE, "parse-error", N_("The record is not well-formed: a truncated JSON record, a stray quote.")) \
    X(EC_REASON_MISSING_CELL, "missing-cell", N_("The CSV row has fewer cells than the header.")) \
    X(EC_REASON_EXTRA_CELL, "extra-cell", N_("The CSV row has more cells than the header.")) \
    X(EC_REASON_TYPE, "type-error", N_("The value is not of the column's declared type.")) \
    X(EC_REASON_NULL, "null-value", N_("A column declared not null is empty or absent in this row.")) \
    X(EC_REASON_ENCODING, "encoding-error", N_("The row holds bytes that are not valid UTF-8, or a NUL.")) \
    X(EC_REASON_TOO_LONG, "too-long", N_("The row, a field or a number exceeds its limit.")) \
    X(EC_REASON_DUPLICATE, "duplicate-key", N_("The key occurred before, in this file, an earlier file, or a loaded partition; the first is kept.")) \
    X(EC_REASON_RULE, "rule", N_("The row breaks a business rule; the rule's id follows the colon.")) \
    X(EC_REASON_DERIVE, "derive-error", N_("A derived column's expression cannot be computed for this row.")) \
    X(EC_REASON_FILE, "file-rejected", N_("The row itself passed, but its file was rejected as a whole by a critical rule."))
/* clang-format on */

#define EC_STATUS_ENUM(id, slug, code, meaning, remedy) id,
enum ec_status { EC_STATUS_TABLE(EC_STATUS_ENUM) EC_STATUS_COUNT };
#undef EC_STATUS_ENUM

#define EC_REASON_ENUM(id, slug, meaning) id,
enum ec_reason { EC_REASON_TABLE(EC_REASON_ENUM) EC_REASON_COUNT };
#undef EC_REASON_ENUM

struct ec_code_text {
    const char *slug;
    const char *meaning;
    const char *remedy; /* NULL for a row's reason */
    int exit_code;      /* of a command that ends with it; 0 for a row's reason */
};

/* The texts of a status or a reason. Static storage; never NULL. */
const struct ec_code_text *ec_status_text(enum ec_status status);
const struct ec_code_text *ec_reason_text(enum ec_reason reason);

/* Looks a slug up, for `explain` and for reading a worker's answer.
 * EC_STATUS_COUNT or EC_REASON_COUNT where it is unknown. */
enum ec_status ec_status_by_slug(const char *slug);
enum ec_reason ec_reason_by_slug(const char *slug);

#endif
