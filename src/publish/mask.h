/* Samples of failed checks without what identifies a person.
 *
 * The page and the alert are passed on; reports and quarantine stay with the data and are not
 * masked. A sample of a column of that name, whatever its case, is shown as its length alone; so
 * is a whole record of a file that has such a column, and a key that holds one.
 */
#ifndef EC_PUBLISH_MASK_H
#define EC_PUBLISH_MASK_H

#include "quality/unit.h"

/* email, first_name, last_name, ip_address */
extern const char *const ec_mask_default[];
extern const size_t ec_mask_default_count;

bool ec_mask_is_personal(const char *column);
/* Whether the samples of the check must not be shown. */
bool ec_mask_check(const struct ec_unit *unit, const struct ec_check_facts *check);
/* The sample as it may be shown, as plain text still to be escaped: itself, or "(17 characters,
 * not shown)". */
void ec_mask_sample(struct ec_buf *out, const struct ec_sample *sample, bool masked);

#endif
