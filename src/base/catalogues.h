/* What the build makes of po/LANG.po: a catalogue per language, in the order of enum ec_language behind English
 * (cmake/Catalogue.cmake). */
#ifndef EC_BASE_CATALOGUES_H
#define EC_BASE_CATALOGUES_H

#include "base/text.h"

extern const struct ec_str ec_catalogues[];

#endif
