/* KPI tables as CSV files, in the layout that people know: one file per value of the pattern's
 * placeholders, `sales/{date}/sales_{date}_kpi.csv` below data/processed.
 *
 * A value becomes part of a path only in a form that cannot leave its folder: '/', '\\', '%', control
 * characters, a leading '.', '_' or space, and what is not UTF-8 stand as %XX, null as "__null__"; a
 * long value is cut and ends with '%' and a hash.
 */
#ifndef EC_RUN_EXPORT_H
#define EC_RUN_EXPORT_H

#include "base/buf.h"
#include "base/durable.h"
#include "run/manifest.h"
#include "sql/session.h"

/* Hands the export's files, made of the table's active ones, to `durable`; files of values that are no
 * longer there are removed. The paths of the export's files, below the project folder, are appended to
 * `written` with a NUL behind each. */
enum ec_status ec_export_write(const char *project, const struct ec_manifest_export *export, struct ec_sql *sql,
                               struct ec_durable *durable, struct ec_buf *written, struct ec_err *err) EC_MUST_USE;

/* The pattern with its placeholders filled in; appended. value[i] is NULL for null. */
void ec_export_path(struct ec_buf *out, const char *pattern, const char *const *name, const char *const *value, size_t count);

#endif
