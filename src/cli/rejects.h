/* Rejected rows, read back from data/quality/quarantine/<source>/<file>.jsonl.
 *
 * The files are streamed in order of (source, file name), a line at a time, whatever their size.
 * Everything in a row is hostile: print it inert, write it quoted.
 *
 *     struct ec_reject_filter filter = {.source = "sales", .reason = "type-error", .limit = 20};
 *     bool more;
 *     EC_TRY(ec_rejects_scan(dir, &filter, on_row, user, &more, err));
 */
#ifndef EC_CLI_REJECTS_H
#define EC_CLI_REJECTS_H

#include "base/arena.h"
#include "base/buf.h"

#include <jansson.h>

/* What a row must be; NULL takes all. */
struct ec_reject_filter {
    const char *source; /* its name */
    const char *file;   /* a glob over the path, the base name, the member or path/member */
    const char *reason; /* a code; "rule" takes every rule's */
    const char *run;    /* its id, or the beginning of it; NULL: the newest of each file */
    uint64_t limit;     /* rows; 0: all */
};

/* Borrowed until the callback returns. */
struct ec_reject {
    size_t file_index;  /* of the quarantine file, counted from 0 */
    struct ec_str json; /* the line as it is */
    const json_t *object;
    const char *run, *source, *file;
    const char *member; /* or NULL */
    uint64_t line, offset, length;
    const json_t *reasons; /* an array of objects */
    struct ec_str raw;     /* the original bytes; p is NULL where the row was too long to be kept */
    bool raw_is_text;      /* valid UTF-8 */
};

typedef enum ec_status (*ec_reject_visit)(void *user, const struct ec_reject *row, struct ec_err *err);

/* Calls `visit` for every row that the filter takes, up to its limit; *more says that there are
 * others. No quarantine at all is no error. EC_TABLE_FORMAT names a damaged line. */
enum ec_status ec_rejects_scan(const char *project, const struct ec_reject_filter *filter, ec_reject_visit visit,
                               void *user, bool *more, struct ec_err *err) EC_MUST_USE;

/* Of an element of row->reasons; "" where it is absent. */
const char *ec_reject_text(const json_t *reason, const char *key);
struct ec_str ec_reject_str(const json_t *reason, const char *key);
/* Whether its value says something: the empty one does only where a rule forbids it. */
bool ec_reject_tells_value(const json_t *reason);
/* Whether an earlier reason of the row has the same code. */
bool ec_reject_repeats(const json_t *reasons, size_t index);

#endif
