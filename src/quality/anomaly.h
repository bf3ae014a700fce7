/* What is unlike the runs before: volume, null rate of each column and score of a source, by median and
 * median absolute deviation (MAD).
 *
 *     distance = (value - median) / max(1.4826 * MAD, floor)
 *
 * 1.4826 makes the MAD of normally distributed values their standard deviation. The floor is what a measure may
 * differ by without being worth a word: 10 % of the median and at least a row of a volume, a hundredth of a null rate, half a
 * point of a score; it also answers for a MAD of 0, where all runs were alike. A source is anomalous where the
 * distance passes `threshold`: of a volume in either direction, of a null rate above, of a score below.
 *
 * The baseline is the source's newest `runs` runs that are older than the one under test, which is never in it.
 * With fewer than `needed` of them nothing is judged: the status is `cold`. Weekdays are not told apart.
 * After Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993), whose threshold is 3.5.
 */
#ifndef EC_QUALITY_ANOMALY_H
#define EC_QUALITY_ANOMALY_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

enum ec_measure { EC_MEASURE_VOLUME, EC_MEASURE_NULL_RATE, EC_MEASURE_SCORE };
enum ec_anomaly_status { EC_ANOMALY_OK, EC_ANOMALY_ANOMALOUS, EC_ANOMALY_COLD };

struct ec_anomaly {
    const char *source;
    const char *column; /* of a null rate; else NULL */
    enum ec_measure measure;
    enum ec_anomaly_status status;
    const char *severity;                 /* "warn": of the configuration */
    double value, median, mad, distance;  /* NAN where unknown */
    size_t runs, needed;                  /* in the baseline */
};

const char *ec_measure_name(enum ec_measure measure);               /* "null_rate" */
const char *ec_anomaly_status_name(enum ec_anomaly_status status);  /* "cold" */

/* The median of n values and the median of their distances from it; NAN where n is 0. `values` is put in order. */
void ec_median_mad(double *values, size_t n, double *median, double *mad);
/* Judges a value against its baseline, whose values are put in order: fills in status, median, mad, distance. */
void ec_anomaly_judge(struct ec_anomaly *anomaly, double *values, size_t n, double threshold);

/* A sentence, appended: "sales: 1,200 rows, where 15 runs had 4,000 (median); 9.1 times the usual deviation." */
void ec_anomaly_say(struct ec_buf *out, const struct ec_anomaly *anomaly, bool french);
/* As JSON; the distance is called score there. */
void ec_anomaly_write(struct ec_json_writer *w, const char *key, const struct ec_anomaly *anomaly);

struct ec_config;
struct ec_history;
struct ec_run_facts;
/* Looks for them in the run's sources, against the history (whole, or its recent part), and hands each to its source's files. Only
 * what is worth showing is kept: volume and score of every source, null rates that are anomalous. */
enum ec_status ec_anomalies_find(const struct ec_history *history, const struct ec_config *config, struct ec_run_facts *run,
                                 struct ec_err *err) EC_MUST_USE;
/* Sets each unit's list to those of its source. */
void ec_anomalies_assign(struct ec_run_facts *run);

#endif
