/* Quarantine: rejected rows with all their reasons, their exact place and their original bytes,
 * one JSON object a line:
 *
 *     {"run":…,"source":…,"file":…,"member":…,"line":…,"offset":…,"length":…,
 *      "reasons":[{"code":"type-error","column":"age","value":"abc"}],"raw":"…"}
 *
 * A value longer than 1,024 bytes is cut. Bytes that are not valid UTF-8 stand under `raw_base64`. A duplicate's reason
 * carries the place of the first occurrence under `first`. The file is created with the first rejected row.
 */
#ifndef EC_GATE_QUARANTINE_H
#define EC_GATE_QUARANTINE_H

#include "base/batch.h"
#include "base/json.h"
#include "config/config.h"

struct ec_quarantine_options {
    const char *path; /* of the JSON lines file */
    const struct ec_source *source;
    const char *run;
    const char *file;   /* below data/raw */
    const char *member; /* or NULL */
    bool temporary;     /* not synced: it is to be merged into another */
};

/* Where the first row with a duplicate's key lies. */
struct ec_first {
    uint32_t row;     /* of the duplicate, in the batch */
    const char *file; /* as in `_file` */
    uint64_t line;
};

struct ec_quarantine {
    struct ec_quarantine_options options;
    struct ec_durable *durable; /* set by the caller: is handed the finished file, to be synced with others; NULL: alone */
    int fd;                     /* -1: not created yet */
    struct ec_buf buf;
    struct ec_buf beginning; /* of every line: what does not change with the row */
    uint64_t rows;
    uint32_t *first_fault; /* per row of the batch: 1 + its first fault, 0: none */
    uint32_t *next_fault;  /* per fault: 1 + the next of the same row */
    size_t next_cap;
};

enum ec_status ec_quarantine_init(struct ec_quarantine *q, const struct ec_quarantine_options *options,
                                  struct ec_err *err) EC_MUST_USE;
/* Writes the rejected rows of the batch. `first` names the firsts of the batch's duplicates, in their order. */
enum ec_status ec_quarantine_write(struct ec_quarantine *q, const struct ec_batch *batch, const struct ec_first *first,
                                   size_t first_count, struct ec_err *err) EC_MUST_USE;
/* Syncs and closes, or hands over; q->rows == 0 means that there is no file. */
enum ec_status ec_quarantine_finish(struct ec_quarantine *q, struct ec_err *err) EC_MUST_USE;
void ec_quarantine_deinit(struct ec_quarantine *q); /* removes an unfinished file */

/* Lines of rows that were rejected later, put among those that a file has already: all in order of
 * their offsets. A duplicate may have another first by then (quarantine_merge.c). */
struct ec_quarantine_merge {
    const char *kept;  /* a file of lines; NULL: there are none */
    const char *added; /* another one */
    const char *out;   /* to be made; synced */
    /* *first is the new first of the row at the offset, NULL where it stays as it is. Asked of every
     * kept line, in their order. */
    enum ec_status (*first_of)(void *user, uint64_t offset, const struct ec_first **first, struct ec_err *err);
    void *user;
};
/* *rows: the lines of `out`. EC_TABLE_FORMAT where a file is not as ec_quarantine_write() leaves it. */
enum ec_status ec_quarantine_merge(const struct ec_quarantine_merge *merge, uint64_t *rows,
                                   struct ec_err *err) EC_MUST_USE;
/* What a line says under `first`, as its writer and the merge write it. */
void ec_quarantine_first(struct ec_json_writer *w, const struct ec_first *first);

#endif
