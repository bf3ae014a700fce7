/* The facts of the page as one JSON object: what `ecluse dashboard --facts` prints, and what the page draws.
 *
 * Everything is aggregated here; whoever draws filters and sorts, and adds up no more than it shows. Its fields are
 * listed in docs/quality.md. Unknown is null, never 0; series are columns of one length, oldest first; every list
 * is bounded (base/limits.h), worst first, and says how much was cut. Samples of personal data are masked
 * (publish/mask.h). The writer escapes < > & and U+2028/9, so the text may stand in a script element.
 *
 *     struct ec_page_data data = {.config = config, .run = &facts, .history = &history};
 *     EC_TRY(ec_page_data_write(&data, &text, err));
 *
 * What is NULL or empty is not known: its part is null or empty and, of the business figures, says why. Pure; the
 * structs are borrowed. One thread.
 */
#ifndef EC_PUBLISH_PAGE_DATA_H
#define EC_PUBLISH_PAGE_DATA_H

#include "quality/history.h"

/* ---- business figures: small tables, as a query gives them ---- */

enum ec_figure_kind { EC_FIGURE_COUNT, EC_FIGURE_NUMBER, EC_FIGURE_TEXT };

struct ec_figure_column {
    const char *name; /* as in the JSON */
    enum ec_figure_kind kind;
    int64_t *count;    /* of EC_FIGURE_COUNT */
    double *number;    /* of EC_FIGURE_NUMBER; NAN is null */
    const char **text; /* of EC_FIGURE_TEXT; NULL is null */
    bool *valid;       /* of counts; NULL: all are */
};

struct ec_figures {
    struct ec_figure_column *column;
    size_t column_count, rows;
};

enum ec_business_part {
    EC_BUSINESS_SALES, EC_BUSINESS_SALES_BY_CATEGORY, EC_BUSINESS_FUNNEL, EC_BUSINESS_FUNNEL_DAILY,
    EC_BUSINESS_BY_DEVICE, EC_BUSINESS_BY_SOURCE, EC_BUSINESS_HOURS, EC_BUSINESS_CUSTOMERS,
    EC_BUSINESS_PRODUCTS, EC_BUSINESS_API_DAILY, EC_BUSINESS_API_BY_CATEGORY,
    EC_BUSINESS_PARTS
};
/* "sales_by_category" */
const char *ec_business_part_name(enum ec_business_part part);

#define EC_BUSINESS_STRIP 6u
struct ec_business_figure {
    const char *name;  /* "revenue" */
    const char *table; /* that it is of: what its sources are follows from the lineage */
    const char *day;   /* the newest complete one, NULL: none */
    double value, before; /* NAN: unknown */
    double *series;
    size_t series_count; /* of days, the newest last */
};

struct ec_business {
    struct ec_arena arena;
    struct ec_figures *part[EC_BUSINESS_PARTS]; /* NULL: not to be had */
    const char *reason[EC_BUSINESS_PARTS];      /* why; NULL where the part is there */
    struct ec_business_figure figure[EC_BUSINESS_STRIP];
    size_t figure_count;
    const char *from, *to; /* days; NULL: none */
    const char *api_day;   /* that api_by_category is of */
};

/* ---- the rest ---- */

enum ec_node_kind { EC_NODE_FILE, EC_NODE_TABLE, EC_NODE_MODEL };
struct ec_lineage_node {
    const char *id;
    enum ec_node_kind kind;
    bool rows_known;
    uint64_t rows;
    int64_t version; /* of a table; -1: unknown */
};
struct ec_page_lineage {
    struct ec_lineage_node *node;
    size_t node_count;
    size_t (*edge)[2]; /* from, to */
    size_t edge_count;
};

struct ec_page_reason { const char *code, *column, *value; };
struct ec_page_cell { const char *column, *value; };
/* A rejected row; not masked yet. */
struct ec_page_reject {
    const char *source, *file;
    uint64_t line, offset; /* line 0: unknown */
    struct ec_page_reason *reason;
    size_t reason_count;
    struct ec_page_cell *cell; /* as far as they could be told apart */
    size_t cell_count;
    const char *raw; /* UTF-8, or NULL */
};

struct ec_page_alert { const char *at, *type, *target, *status, *message; };

struct ec_page_data {
    const struct ec_config *config;
    const char *language;             /* "auto", "en", "fr" */
    const struct ec_run_facts *run;
    const struct ec_history *history; /* of the runs before it; NULL: none */
    const struct ec_business *business;
    const char *no_business;          /* why there is none */
    const struct ec_page_lineage *lineage;
    const struct ec_page_reject *reject;
    size_t reject_count;
    const struct ec_page_alert *alert;
    size_t alert_count;
};

/* {"at":…,"list":[…]}: what became of alerts, and where one waits, when that was looked at; else null. Appended. */
enum ec_status ec_page_alerts_write(int64_t at_us, const struct ec_page_alert *alert, size_t count, struct ec_buf *out,
                                    struct ec_err *err) EC_MUST_USE;

/* The object, appended. EC_NO_MEMORY past the buffer's limit. */
enum ec_status ec_page_data_write(const struct ec_page_data *data, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;

#endif
