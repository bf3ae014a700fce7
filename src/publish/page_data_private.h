/* What the files of the page's facts share. */
#ifndef EC_PUBLISH_PAGE_DATA_PRIVATE_H
#define EC_PUBLISH_PAGE_DATA_PRIVATE_H

#include "publish/page_data.h"

/* A place in the page's runs: an older run's, or this one's, the last. */
#define EC_NO_RUN SIZE_MAX

/* A source with what its files have in common. */
struct ec_sheet_source {
    const char *name;
    const struct ec_source *source; /* NULL: not configured any more */
    const struct ec_unit *first;    /* of its files in this run; NULL: none */
    struct ec_facts facts;          /* of its files that could be read */
    struct ec_history_point now;    /* this run's figures; files 0: none */
    double dim[EC_DIM_COUNT];       /* means weighted by rows; NAN where unknown */
    double dim_rows[EC_DIM_COUNT];
    const struct ec_history_point **past; /* older runs that had it, oldest first */
    size_t past_count;
    const struct ec_history_point *before; /* the newest of them with details, or NULL */
};

/* A check among the page's. */
struct ec_sheet_check {
    const struct ec_sheet_source *of;
    const struct ec_check_facts *check;
};

struct ec_sheet {
    const struct ec_page_data *data;
    const struct ec_run_facts *run;
    struct ec_json_writer w;
    struct ec_arena arena;
    struct ec_sheet_source *source;
    size_t source_count;
    size_t first_run;  /* the first of the history's runs on the page */
    size_t past_runs;  /* how many of the history's are older than this one */
    struct ec_sheet_check *check; /* in the page's order: failed first */
    size_t check_count;           /* all of them, also those that are cut */
    bool failed;                  /* memory ran out */
    struct ec_err *err;
};

static inline const struct ec_history *ec_sheet_history(const struct ec_sheet *s) { return s->data->history; }
/* The place of the history's run among the page's, or EC_NO_RUN. */
static inline size_t ec_sheet_place(const struct ec_sheet *s, size_t history_run) {
    return history_run < s->first_run ? EC_NO_RUN : history_run - s->first_run;
}
static inline size_t ec_sheet_this_run(const struct ec_sheet *s) { return s->past_runs - s->first_run; }

/* page_sheet.c: the sources and their history. */
enum ec_status ec_sheet_open(struct ec_sheet *sheet, const struct ec_page_data *data, struct ec_buf *out,
                             struct ec_err *err) EC_MUST_USE;
void ec_sheet_close(struct ec_sheet *sheet);

/* "failed", "warned": as ec_check_status(). */
static inline bool ec_sheet_is_bad(const struct ec_check_facts *c) {
    const char *status = ec_check_status(c);
    return strcmp(status, "failed") == 0 || strcmp(status, "warned") == 0;
}
/* How the run before judged the check: failed rows, or UINT64_MAX where it was not there. */
uint64_t ec_sheet_failed_before(const struct ec_sheet_source *s, const char *id);

/* Parts of the object, each with its key. */
void ec_sheet_run(struct ec_sheet *sheet);                                         /* page_data.c */
enum ec_status ec_sheet_files(struct ec_sheet *sheet, struct ec_err *err) EC_MUST_USE; /* page_files.c */
void ec_sheet_sources(struct ec_sheet *sheet);
void ec_sheet_collect_checks(struct ec_sheet *sheet); /* page_checks.c: before any part, for those that name them */
void ec_sheet_checks(struct ec_sheet *sheet);
void ec_sheet_columns(struct ec_sheet *sheet);
void ec_sheet_changes(struct ec_sheet *sheet); /* page_issues.c */
enum ec_status ec_sheet_issues(struct ec_sheet *sheet, struct ec_err *err) EC_MUST_USE;
void ec_sheet_anomalies(struct ec_sheet *sheet);
void ec_sheet_quarantine(struct ec_sheet *sheet); /* page_rejects.c */
void ec_sheet_business(struct ec_sheet *sheet);   /* page_business.c */
void ec_sheet_lineage(struct ec_sheet *sheet);

/* Written the same everywhere. */
void ec_sheet_percent(struct ec_json_writer *w, const char *key, double value);
void ec_sheet_time(struct ec_json_writer *w, const char *key, bool known, int64_t us);
void ec_sheet_texts(struct ec_json_writer *w, const char *key, const char *const *list, size_t count);
/* The value as it may be shown. */
void ec_sheet_masked(struct ec_json_writer *w, const char *key, const char *value, bool masked);

#endif
