/* Whether two columns are of one type. */
#ifndef EC_BASE_COLUMN_TYPE_H
#define EC_BASE_COLUMN_TYPE_H

#include "base/batch.h"

/* Precision and scale are those of a decimal alone; the bytes between the members are anybody's. */
static inline bool ec_column_type_same(struct ec_column_type a, struct ec_column_type b) {
    return a.type == b.type && (a.type != EC_TYPE_DECIMAL || (a.precision == b.precision && a.scale == b.scale));
}

#endif
