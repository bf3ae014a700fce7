/* Business figures of the newest days, from the committed tables: what publish/page_data.h calls ec_business.
 *
 * At most EC_BUSINESS_DAYS days are looked at, up to the run's date: rows of later days wait for theirs. The KPI
 * tables are small, so the cost follows the days and not the rows. Users may have changed or removed any
 * source and model: a part whose table or column is not there is NULL with its reason, never an error. Quantiles are read
 * from tables that hold them for the group that is asked for; none is averaged.
 */
#ifndef EC_RUN_BUSINESS_H
#define EC_RUN_BUSINESS_H

#include "config/config.h"
#include "publish/page_data.h"
#include "sql/session.h"

/* Fills in *business, to be freed by ec_business_deinit() in either case. The session may read below data/. */
enum ec_status ec_business_compute(const struct ec_config *config, struct ec_sql *sql, int32_t run_date,
                                   struct ec_business *business, struct ec_err *err) EC_MUST_USE;
void ec_business_deinit(struct ec_business *business);

/* ---- of its files ---- */

/* A statement's rows as figures in the arena, at most EC_BUSINESS_ROWS_MAX of them: integers are counts, other numbers
 * numbers, the rest texts. */
enum ec_status ec_business_query(struct ec_sql *sql, const char *text, struct ec_arena *arena, struct ec_figures **figures,
                                 struct ec_err *err) EC_MUST_USE;
const struct ec_figure_column *ec_business_column(const struct ec_figures *figures, const char *name); /* or NULL */
/* The figures of the newest complete day (before `run_date`), of the parts that are there and of daily tables that are
 * no part: abandonment by day, latency by day. NULL allowed for each. */
void ec_business_strip(struct ec_business *business, int32_t run_date, const struct ec_figures *abandonment,
                       const struct ec_figures *latency);

#endif
