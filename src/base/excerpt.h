/* The place of a bad cell in its record, and as much of the record around it as a sample shows.
 *
 * A check names a line and a value; a person wants to see the cell in its line. The record's bytes
 * are at hand only while its batch is, so the gate cuts an excerpt for the few rows that become
 * samples. Finding the cell costs one pass over that record.
 *
 *     struct ec_span cell;
 *     if (!ec_excerpt_csv(raw, 3, ';', &cell)) cell = (struct ec_span){0, 0};
 *     ec_excerpt_cut(raw, cell, &buf, &excerpt);
 *
 * Pure functions; any thread. The record is hostile: every loop is bounded by its length.
 */
#ifndef EC_BASE_EXCERPT_H
#define EC_BASE_EXCERPT_H

#include "base/buf.h"

#define EC_EXCERPT_MAX 240u /* bytes of text */

struct ec_span {
    size_t at, n; /* bytes */
};

/* What a sample keeps of its record. */
struct ec_excerpt {
    const char *text; /* valid UTF-8, NUL-terminated, no NUL within; NULL: nothing is known */
    struct ec_span cell; /* in the text; n == 0: an empty cell where known */
    bool cell_known;
    bool cut_before, cut_after; /* the record goes on there */
    uint32_t column; /* of the cell in its line, in characters from 1; 0: unknown */
};

/* The cell of that number in a CSV record, without its quotes. */
bool ec_excerpt_csv(struct ec_str record, size_t number, char delimiter, struct ec_span *cell);
/* The value of a top-level key of a JSON object, a text without its quotes. */
bool ec_excerpt_json(struct ec_str record, const char *key, struct ec_span *cell);

/* Cuts the record around the cell (NULL: unknown, its beginning is kept) into `text`, which is
 * cleared first; out->text borrows from it. What is no UTF-8 and NUL become U+FFFD. */
void ec_excerpt_cut(struct ec_str record, const struct ec_span *cell, struct ec_buf *text, struct ec_excerpt *out);

#endif
