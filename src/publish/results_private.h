/* What the formats of results share. */
#ifndef EC_PUBLISH_RESULTS_PRIVATE_H
#define EC_PUBLISH_RESULTS_PRIVATE_H

#include "publish/results.h"

#define EC_RESULTS_BYTES_MAX ((size_t)256 << 20)

/* The files of a source. */
struct ec_results_group {
    const char *source;
    uint64_t files, read, accepted, quarantined, duplicate;
    uint64_t verdicts[EC_VERDICT_COUNT];
    uint64_t tests, failures, errors, skipped; /* JUnit's */
    double seconds;
    const char *since;    /* validated_at of the first */
    struct ec_buf cases;  /* JUnit's */
};

struct ec_results {
    struct ec_results_options options;
    struct ec_arena arena;
    struct ec_results_group *group;
    size_t count, cap;
    struct ec_buf notes;       /* GitHub's annotations, worst kind first within a file */
    struct ec_buf files;       /* Markdown's rows of files that did not pass */
    struct ec_buf details;     /* and what is wrong with them */
    struct ec_buf problems;    /* a line each */
    size_t files_shown, files_left; /* in `files` and `details` */
};

struct ec_result_unit {
    const struct ec_unit *unit;
    const struct ec_judgement *judgement;
    bool failed; /* the command's exit code is 1 for it */
};

/* Of the unit: whether the check is among what failed it. */
bool ec_result_check_failed(const struct ec_results *results, const struct ec_result_unit *u, const struct ec_check_facts *check);
/* "2 of 6 values failed (33.33 %)" */
void ec_result_figures(struct ec_buf *out, const struct ec_check_facts *check);
/* The sample as it may be passed on, visible: "two", or its length alone; nothing where it says nothing. */
void ec_result_sample(struct ec_buf *out, const struct ec_unit *unit, const struct ec_check_facts *check, size_t i);
/* root + path [+ "/" + member], raw. */
void ec_result_path(struct ec_buf *out, const struct ec_results *results, const struct ec_unit *unit, bool member);
/* Whether a sample's line and column are those of the file as it lies there, for people to jump to. */
bool ec_result_is_plain(const struct ec_unit *unit);
uint32_t ec_result_column(const struct ec_unit *unit, const struct ec_sample *sample);

void ec_junit_add(struct ec_results *results, struct ec_results_group *group, const struct ec_result_unit *unit);
void ec_junit_write(const struct ec_results *results, struct ec_buf *out);
void ec_markdown_add(struct ec_results *results, const struct ec_result_unit *unit);
void ec_markdown_write(const struct ec_results *results, struct ec_buf *out);
void ec_github_add(struct ec_results *results, const struct ec_result_unit *unit);
void ec_github_write(const struct ec_results *results, struct ec_buf *out);

/* Escaping, appended; exported for tests. */
void ec_xml_text(struct ec_buf *out, struct ec_str text);        /* of XML 1.0, in text and in quoted attributes */
void ec_markdown_text(struct ec_buf *out, struct ec_str text);   /* GitHub Flavored Markdown, in a table's cell too */
void ec_github_data(struct ec_buf *out, struct ec_str text);     /* of a workflow command's message */
void ec_github_property(struct ec_buf *out, struct ec_str text); /* of its properties */

#endif
