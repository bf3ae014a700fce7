/* Where records begin: between them, in an array or in lines.
 *
 *     array   [ {record} , {record} , ... ]
 *     lines   {record} {record} ...         separated by white space, normally a line end
 *
 * Which of the two a file is, its first byte says that is no white space. In lines, the first
 * record says more: unless it is well-formed and goes on over a line end, a '{' that is the
 * first byte of a line always starts a record, so that a truncated record costs itself alone
 * and such a file may be split at any such line. The rules are those of docs/reading-json.md.
 */
#ifndef EC_READ_JSON_LAYOUT_H
#define EC_READ_JSON_LAYOUT_H

#include "read/json_window.h"

enum ec_json_phase {
    EC_JSON_START,   /* behind '[': a record or ']' */
    EC_JSON_AFTER,   /* behind a record: ',' or ']' */
    EC_JSON_COMMA,   /* behind ',': a record */
    EC_JSON_RESUMED, /* behind damage: a record or ']', a comma before it or not */
    EC_JSON_CLOSED,  /* behind ']': nothing */
};

enum ec_json_step {
    EC_JSON_RECORD,   /* the window stands on a record's '{' */
    EC_JSON_GARBAGE,  /* on a byte that cannot stand there */
    EC_JSON_UNCLOSED, /* at the end of the bytes, and the array has not been closed */
    EC_JSON_MORE,     /* the bytes at hand are used up */
    EC_JSON_END,
};

struct ec_json_layout {
    bool array;
    bool line_records;
    enum ec_json_phase phase; /* of an array */
    uint64_t line;            /* physical line at the window's position */
    uint64_t line_start;      /* offset of that line's first byte */
    uint64_t indent;          /* of the last record's '{' in its line; UINT64_MAX before the first */
};

/* Moves the window to the next thing. */
enum ec_json_step ec_json_layout_next(struct ec_json_layout *layout, struct ec_json_window *w);

/* Whether a record may stand here: false where a comma is missing before it, or behind the array's end. */
bool ec_json_layout_expects_record(const struct ec_json_layout *layout);

/* Counts the lines of the n bytes at the window's position and moves behind them. */
void ec_json_layout_skip(struct ec_json_layout *layout, struct ec_json_window *w, size_t n);

/* Finds the layout of a whole file in the window, and skips its byte order mark, white space and
 * opening bracket. *more says that the window must be filled first. EC_EMPTY_FILE, EC_ENCODING (a
 * file in UTF-16), EC_UNKNOWN_FORMAT where neither '[' nor a line with '{' is met. */
enum ec_status ec_json_layout_find(struct ec_json_layout *layout, struct ec_json_window *w, bool *bom, bool *more,
                                   struct ec_err *err) EC_MUST_USE;

#endif
