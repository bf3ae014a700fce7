/* What a run prints to stdout when it ends: a few lines for people, or one JSON object.
 *
 *     🧮 1 worker (2 CPUs)   🔎 16 files, 5 sources
 *     ✅ sessions: 4 files, 100,000 rows, 99,013 accepted, 987 quarantined
 *     ✅ api_logs.zip: 8 members, 150,000 rows, 149,801 accepted, 199 quarantined, marked .done
 *     📝 20 validation reports   ⚠ 3 warned, 0 failed, 0 errored
 *     📊 data/quality/dashboard.html   📩 data/quality/quality_alert.txt
 *     🗜 data/archive/archive_20250818_1334.tar.gz (verified)
 *     ✔ done in 1.4 s: 154 MB read, 110 MB/s
 *
 * Files of a source stand on one line; members of an archive on the archive's. Below them the files that
 * could not be read or failed, worst first, and the first bad cell in its record. It fits a screen of
 * 24 lines. What could not be delivered is said by the caller, who knows.
 */
#ifndef EC_PUBLISH_SUMMARY_H
#define EC_PUBLISH_SUMMARY_H

#include "publish/summary_screen.h"

/* Appends the text, or the JSON object with its line end. Paths are relative to the project. With a
 * timing, also where the time went (publish/timing_text.h). */
enum ec_status ec_summary_write(const struct ec_run_facts *run, const struct ec_timing *timing, bool json,
                                struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
/* The text for a screen of that size. */
enum ec_status ec_summary_print(const struct ec_run_facts *run, const struct ec_timing *timing, const struct ec_summary_style *style,
                                struct ec_buf *out, struct ec_err *err) EC_MUST_USE;

#endif
