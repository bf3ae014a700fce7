/* Bytes into batches.
 *
 * One `struct ec_reader_type` per format stands in one registry (registry.c). A reader is
 * guided by the source's schema: batch columns 0..column_count-1 are the declared columns in
 * the schema's order; columns that the file has beyond them are added behind as text
 * ("undeclared", kept and reported as drift).
 *
 * A damaged record costs that record: it becomes a row whose columns are null, with a fault
 * (parse-error, missing-cell, extra-cell, encoding-error, too-long) and its raw bytes. A cell
 * that is not of its type is null with a type-error that holds the text. Only what makes the
 * whole file unreadable is a status. Empty lines are passed over.
 *
 *     struct ec_reader *r;
 *     EC_TRY(ec_reader_open(&args, &batch, &r, err));
 *     do {
 *         EC_TRY(ec_reader_next(r, &batch, err));
 *         ... batch.rows rows ...
 *     } while (batch.rows > 0);
 *     ec_reader_close(r);
 */
#ifndef EC_READ_READER_H
#define EC_READ_READER_H

#include "base/batch.h"
#include "config/config.h"
#include "source/stream.h"

struct ec_reader_args {
    const struct ec_source *source;
    struct ec_stream *stream; /* borrowed; NULL for XLSX, which needs the whole file */
    const char *path;         /* of the file, for XLSX and messages */
    /* A range of a large plain file: the stream starts at range_start, which is the start of
     * a record; the CSV header was read from the file's first line by ec_csv_header(). */
    uint64_t first_offset; /* of the stream's first byte in the file */
    uint64_t first_line;   /* its physical line; 0 and 1 both mean the file's start */
    const struct ec_str *header; /* CSV column names of a range that does not hold the header */
    size_t header_count;
};

struct ec_reader {
    const struct ec_reader_type *type;
    const struct ec_source *source;
    bool *present;          /* per declared column: met in the file (header, or any record) */
    bool header_first;      /* present[] is final once open (CSV, XLSX), else at the end (JSON) */
    const uint32_t *cell_of; /* per batch column its number in a record, UINT32_MAX: none; NULL but for CSV */
    size_t cell_of_count;
    size_t undeclared;      /* columns added behind the declared ones */
    const char *encoding;   /* as found */
    const char *layout;     /* "array", "lines", "csv", "sheet <name>" */
};

struct ec_reader_type {
    const char *name;
    enum ec_format format;
    enum ec_status (*open)(const struct ec_reader_args *args, struct ec_batch *batch, struct ec_reader **reader, struct ec_err *err);
    enum ec_status (*next)(struct ec_reader *reader, struct ec_batch *batch, struct ec_err *err);
    void (*close)(struct ec_reader *reader);
};

extern const struct ec_reader_type ec_reader_csv;
extern const struct ec_reader_type ec_reader_json;
extern const struct ec_reader_type ec_reader_xlsx;

/* Adds the source's declared columns to an empty batch. */
enum ec_status ec_reader_columns(const struct ec_source *source, struct ec_batch *batch, struct ec_err *err) EC_MUST_USE;

/* The format by the source's `format`, or for `auto` by the first bytes and the name.
 * EC_UNKNOWN_FORMAT where nothing fits or the bytes contradict what is declared. */
enum ec_status ec_reader_choose(const struct ec_source *source, const char *name, const void *head, size_t n,
                                const struct ec_reader_type **type, struct ec_err *err) EC_MUST_USE;

/* Opens args->stream with the type that fits. The batch holds the declared columns. */
enum ec_status ec_reader_open(const struct ec_reader_type *type, const struct ec_reader_args *args, struct ec_batch *batch,
                              struct ec_reader **reader, struct ec_err *err) EC_MUST_USE;
/* Resets the batch and fills it with the next rows; batch->rows == 0 is the end. */
enum ec_status ec_reader_next(struct ec_reader *reader, struct ec_batch *batch, struct ec_err *err) EC_MUST_USE;
void ec_reader_close(struct ec_reader *reader); /* NULL allowed */

#endif
