/* What of the summary depends on the screen: which files are named, and how lines are cut. */
#ifndef EC_PUBLISH_SUMMARY_SCREEN_H
#define EC_PUBLISH_SUMMARY_SCREEN_H

#include "quality/run_facts.h"

struct ec_summary_style {
    size_t columns; /* 0: lines are not cut */
    size_t lines;   /* of the screen: what stands above the last line is kept within it */
    bool color;
};

/* The lines that the summary has for sources and archives. */
size_t ec_summary_groups_max(const struct ec_summary_style *style);
/* The files that could not be read or failed, worst first, each with its first reason; of the worst one that
 * has any the first bad cell in its record. Nothing where all are well. */
enum ec_status ec_summary_failures(const struct ec_run_facts *run, const struct ec_summary_style *style, struct ec_buf *out,
                                   struct ec_err *err) EC_MUST_USE;
/* Cuts every line of out from `from` on that is wider than the screen. */
void ec_summary_fit(struct ec_buf *out, size_t from, const struct ec_summary_style *style);

#endif
