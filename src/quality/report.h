/* The report of one unit: data/quality/validation_report_<file>.json.
 *
 * The fields that the project has always written come first and keep their names and types;
 * docs/quality.md lists all of them. Two runs over the same file differ only in run,
 * validated_at and timing.
 *
 *     char label[EC_REPORT_LABEL_MAX];
 *     ec_report_label(unit.path, unit.member, label);
 *     unit.label = label;                     // made unique within the run by the caller
 *     EC_TRY(ec_report_save("data/quality", &unit, NULL, err));
 */
#ifndef EC_QUALITY_REPORT_H
#define EC_QUALITY_REPORT_H

#include "base/durable.h"
#include "quality/score.h"

#define EC_REPORT_LABEL_MAX 201u /* with the NUL: prefix and suffix fit a file's name of 255 */
#define EC_REPORT_NAME_MAX  256u

/* The last component of the member, or of the path where there is none; points into them. */
const char *ec_report_file(const char *path, const char *member);
/* That, with what cannot stand in a file's name
 * replaced by '_'. A name that is too long is cut and ends with a hash of the whole. */
void ec_report_label(const char *path, const char *member, char out[EC_REPORT_LABEL_MAX]);
/* The same, told apart from another unit's equal label by a hash of path and member. */
void ec_report_label_unique(const char *path, const char *member, char out[EC_REPORT_LABEL_MAX]);

/* "validation_report_<label>.json" */
void ec_report_name(const char *label, char out[EC_REPORT_NAME_MAX]);

/* What a check is and found, as members of the object at hand. */
void ec_report_check(struct ec_json_writer *w, const struct ec_check_facts *check);

/* The report as JSON text, appended. EC_NO_MEMORY past the buffer's limit. */
enum ec_status ec_report_write(const struct ec_unit *unit, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
/* Writes it into the folder `dir`, which exists; it appears whole or not at all. */
enum ec_status ec_report_save(const char *dir, const struct ec_unit *unit, struct ec_durable *durable,
                              struct ec_err *err) EC_MUST_USE;

#endif
