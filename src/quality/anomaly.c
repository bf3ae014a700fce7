#include "quality/anomaly.h"

#include "base/calendar.h"
#include "quality/history.h"

#include <math.h>
#include <stdlib.h>

#define CONSISTENT     1.4826 /* 1 / 0.67449: the upper quartile of a normal distribution */
#define VOLUME_FLOOR   0.10   /* of the median */
#define NULL_FLOOR     0.01
#define SCORE_FLOOR    0.5

const char *ec_measure_name(enum ec_measure measure) {
    static const char *const names[] = {"volume", "null_rate", "score"};
    return names[measure];
}

const char *ec_anomaly_status_name(enum ec_anomaly_status status) {
    static const char *const names[] = {"ok", "anomalous", "cold"};
    return names[status];
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle(double *values, size_t n) {
    if (n == 0) return (double)NAN;
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : values[n / 2 - 1] + (values[n / 2] - values[n / 2 - 1]) / 2;
}

void ec_median_mad(double *values, size_t n, double *median, double *mad) {
    *median = middle(values, n);
    for (size_t i = 0; i < n; i++) values[i] = fabs(values[i] - *median);
    *mad = middle(values, n);
}

static double floor_of(enum ec_measure measure, double median) {
    if (measure == EC_MEASURE_SCORE) return SCORE_FLOOR;
    if (measure == EC_MEASURE_NULL_RATE) return NULL_FLOOR;
    return fmax(VOLUME_FLOOR * fabs(median), 1);
}

void ec_anomaly_judge(struct ec_anomaly *a, double *values, size_t n, double threshold) {
    a->status = EC_ANOMALY_COLD;
    a->runs = n;
    a->distance = (double)NAN;
    ec_median_mad(values, n, &a->median, &a->mad);
    if (n < a->needed || n == 0) return;
    a->status = EC_ANOMALY_OK;
    if (isnan(a->value)) return;
    a->distance = (a->value - a->median) / fmax(CONSISTENT * a->mad, floor_of(a->measure, a->median));
    double bad = a->measure == EC_MEASURE_SCORE ? -a->distance : a->measure == EC_MEASURE_VOLUME ? fabs(a->distance) : a->distance;
    if (bad > threshold) a->status = EC_ANOMALY_ANOMALOUS;
}

/* ---- words ---- */

static void add_text(struct ec_buf *out, const char *text, bool french) {
    for (const char *p = text; *p; p++) {
        if (french && *p == ',')
            ec_buf_addz(out, "\xE2\x80\xAF"); /* narrow no-break space */
        else
            ec_buf_addc(out, french && *p == '.' ? ',' : *p);
    }
}

static void add_number(struct ec_buf *out, double value, int decimals, bool french) {
    char text[EC_FIXED_TEXT];
    text[isfinite(value) ? ec_double_fixed(value, decimals, text) : 0] = '\0';
    add_text(out, text, french);
}

static void add_value(struct ec_buf *out, const struct ec_anomaly *a, double value, bool french) {
    struct ec_buf text = ec_buf_make(64);
    switch (a->measure) {
    case EC_MEASURE_VOLUME:
        ec_count_add(&text, value > 0 ? (uint64_t)llround(value) : 0);
        add_text(out, ec_buf_str(&text).p, french);
        break;
    case EC_MEASURE_NULL_RATE:
        add_number(out, 100 * value, 2, french);
        ec_buf_addz(out, french ? "\xC2\xA0%" : " %");
        break;
    case EC_MEASURE_SCORE: add_number(out, value, 2, french); break;
    }
    ec_buf_free(&text);
}

void ec_anomaly_say(struct ec_buf *out, const struct ec_anomaly *a, bool french) {
    enum ec_language before = ec_language_swap(french ? EC_LANGUAGE_FR : EC_LANGUAGE_EN); /* of its figures */
    static const char *const what[2][3] = {{"rows read", "empty cells", "the score"}, {"lignes lues", "cellules vides", "le score"}};
    ec_buf_addz(out, a->source);
    if (a->column) ec_buf_printf(out, ".%s", a->column);
    ec_buf_addz(out, french ? " : " : ": ");
    ec_buf_addz(out, what[french][a->measure]);
    ec_buf_addc(out, ' ');
    add_value(out, a, a->value, french);
    ec_buf_printf(out, french ? ", médiane de %zu exécutions " : ", the median of %zu runs is ", a->runs);
    add_value(out, a, a->median, french);
    ec_buf_addz(out, " (");
    add_number(out, fabs(a->distance), 1, french);
    ec_buf_addz(out, french ? " fois l’écart habituel)." : " times the usual deviation).");
    (void)ec_language_swap(before);
}

void ec_anomaly_write(struct ec_json_writer *w, const char *key, const struct ec_anomaly *a) {
    ec_json_object(w, key);
    ec_json_str(w, "source", a->source);
    ec_json_str(w, "column", a->column);
    ec_json_str(w, "measure", ec_measure_name(a->measure));
    ec_json_str(w, "status", ec_anomaly_status_name(a->status));
    ec_json_str(w, "severity", a->severity);
    ec_json_double(w, "value", a->value);
    ec_json_double(w, "median", a->median);
    ec_json_double(w, "mad", a->mad);
    ec_json_double(w, "score", a->distance);
    ec_json_uint(w, "runs", a->runs);
    ec_json_uint(w, "needed", a->needed);
    ec_json_end(w);
}
