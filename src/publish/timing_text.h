/* What `ecluse run --timing` prints behind the summary: the stages of the run, and the sources.
 *
 *     stage                 wall s  driver s  workers s  disk s  syncs       rows       MB    MB/s
 *     start                  0.018     0.017
 *     read                   9.120     0.310     17.900   0.410    212  6,000,000  1,610.2   176.6
 *     models                 2.204     4.001
 *       sales_kpi            0.210     0.390                             1,234
 *     …
 *     in all                12.801     5.120     17.900   0.512    260
 *
 *     source    files       rows       MB  worker s   CPU s    MB/s     rows/s  ns/row  open  read …
 *     api_logs      8  3,000,000  1,220.1     9.310   9.100   131.0    322,000   3,103  …
 *
 * A stage's time is that of the wall, of the driver's process (all its threads), of the workers that
 * ended in it, and what was waited for the disk. A source's is the workers': its parts are wall time
 * and add up to `worker s`; `again` is the time of readings that were repeated. ns/row is worker time.
 */
#ifndef EC_PUBLISH_TIMING_TEXT_H
#define EC_PUBLISH_TIMING_TEXT_H

#include "quality/run_facts.h"

/* Appends the text; or, where `w` is given, the members `seconds`, `stages` and `sources` of an open
 * JSON object. Call it when the last stage has ended. */
enum ec_status ec_timing_text(const struct ec_timing *timing, const struct ec_run_facts *run, struct ec_buf *out,
                              struct ec_err *err) EC_MUST_USE;
enum ec_status ec_timing_json(const struct ec_timing *timing, const struct ec_run_facts *run, struct ec_json_writer *w,
                              struct ec_err *err) EC_MUST_USE;

#endif
