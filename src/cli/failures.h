/* The failed checks of a file with their first rows, for people:
 *
 *     quantity.type: 2 of 6 values failed
 *       sales_1.csv:3:29: "two"
 *         o-2,2025-07-18,u-1,,p-1,two,10.00
 *                                 ^^^
 *       sales_1.csv:10: ...
 */
#ifndef EC_CLI_FAILURES_H
#define EC_CLI_FAILURES_H

#include "quality/unit.h"

#define EC_FAILURES_SAMPLES 3u /* rows shown of a check */

struct ec_failures_style {
    size_t columns; /* of the terminal */
    bool color;
};

void ec_failures_add(struct ec_buf *out, const struct ec_unit *unit, const struct ec_failures_style *style);
/* One row of a check: its place and its record. */
void ec_failure_sample(struct ec_buf *out, const struct ec_unit *unit, const struct ec_check_facts *check, size_t sample,
                       const struct ec_failures_style *style);

#endif
