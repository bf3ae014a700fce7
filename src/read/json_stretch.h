/* A damaged stretch: from where a record went wrong, or from garbage between records, up to where
 * the next record begins. It may be longer than the window.
 *
 * In both layouts the next record begins at the next line that starts with '{', indented no
 * deeper than the last record. In an array it also begins, whichever comes first, at a '{' behind
 * a comma
 *   - that no brace or string of the stretch is open around, or
 *   - whose first key is the first key of the damaged record or of the last good one,
 *     as in  {"id":1,"a":"oops},{"id":2,...
 *   - or, where no such key is known, that stands in  },{"
 * The looks go by bytes alone, so that a damaged quote cannot hide the rest of the file.
 */
#ifndef EC_READ_JSON_STRETCH_H
#define EC_READ_JSON_STRETCH_H

#include "base/limits.h"
#include "read/json_layout.h"

/* A first key as the file writes it, with its quotes; n is 0 where none is known. */
struct ec_json_first_key {
    char text[EC_COLUMN_NAME_MAX + 2];
    size_t n;
};

/* Notes a key (its n bytes at p, quotes included) unless it is too long. */
void ec_json_first_key_set(struct ec_json_first_key *key, const char *p, size_t n);

struct ec_json_stretch {
    bool open;
    bool dropped; /* its first bytes are no longer in the window */
    enum ec_reason reason;
    size_t column;  /* of the fault, SIZE_MAX for none */
    uint64_t value; /* where the text that is shown with the fault lies */
    size_t value_n;
    uint64_t start;
    uint64_t line;
    uint64_t end;  /* behind its last byte, once it is found; without white space and separator */
    uint64_t next; /* where the next record or the file's end is */
    /* The state of the search. */
    uint64_t at;
    uint64_t end_before; /* behind the last but one byte that is not white space */
    unsigned depth;
    bool in_string, escape, fresh_line, bare, closing;
    char last[2]; /* the last bytes that are not white space, newest first */
    struct ec_json_first_key own;
};

/* Opens a stretch at the window's position, of which the bytes before `bad` could be read. */
void ec_json_stretch_open(struct ec_json_stretch *s, const struct ec_json_layout *layout,
                          const struct ec_json_window *w, const char *bad);

/* Looks on. True where the end was found: the window stands on the next record, the layout knows
 * its line, and what was the stretch is still in the window unless it was dropped. */
bool ec_json_stretch_search(struct ec_json_stretch *s, struct ec_json_layout *layout, struct ec_json_window *w,
                            const struct ec_json_first_key *good);

#endif
