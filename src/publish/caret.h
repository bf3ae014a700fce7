/* A bad cell in its record, for a terminal:
 *
 *     o-2,2025-07-18,u-1,,p-1,two,10.00
 *                             ^^^
 *
 * The text is made inert (base/inert.h), so a tab or an escape is shown as \t or \x1B and has a known
 * width; wide and combining characters take the columns that terminals give them. Where the line does
 * not fit it is cut around the cell, with an ellipsis. A line with writing from right to left may be
 * reordered by the terminal: there the cell also stands in ⟦ ⟧, which go with it.
 */
#ifndef EC_PUBLISH_CARET_H
#define EC_PUBLISH_CARET_H

#include "base/excerpt.h"

#define EC_CARET_WIDTH_MIN 20u

struct ec_caret_style {
    size_t indent; /* blanks before both lines */
    size_t width;  /* of the terminal, in columns */
    bool color;
};

/* Both lines, with their line ends; the first alone where the cell is not known; nothing where the
 * excerpt has no text. */
void ec_caret_add(struct ec_buf *out, const struct ec_excerpt *excerpt, const struct ec_caret_style *style);

#endif
