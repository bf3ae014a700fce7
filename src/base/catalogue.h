/* A catalogue of translations in GNU gettext's binary form (.mo), in memory.
 *
 *      0  magic 950412de        both tables: length and offset of each text,
 *      4  revision 0            texts end in NUL; originals are sorted as bytes,
 *      8  number of texts       so that a sentence is found by halving.
 *     12  offset of originals   A text with a plural is "one NUL many"; its translation
 *     16  offset of translations   holds a form per number, each behind a NUL.
 *
 * Source of the format: GNU gettext's manual, "The Format of GNU MO Files".
 */
#ifndef EC_BASE_CATALOGUE_H
#define EC_BASE_CATALOGUE_H

#include "base/text.h"

/* The translation of `key` (one with a plural is found by its singular), all its forms, or {NULL, 0} where the
 * catalogue has none or is no catalogue. Borrowed from `mo`. */
struct ec_str ec_catalogue_find(struct ec_str mo, const char *key);

/* Form number `form` of a translation; the last one where it has fewer. */
const char *ec_catalogue_form(struct ec_str translation, unsigned form);

#endif
