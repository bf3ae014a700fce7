/* What the page's files share. */
#ifndef EC_PUBLISH_PAGE_PARTS_H
#define EC_PUBLISH_PAGE_PARTS_H

#include "publish/html.h"
#include "publish/page.h"

struct ec_page {
    struct ec_buf *out;
    const struct ec_run_facts *run;
    const size_t *order;    /* the units worst first */
    struct ec_arena judged; /* reset per unit */
};

/* Tables (page_tables.c). */
enum ec_status ec_page_files(struct ec_page *page, struct ec_err *err) EC_MUST_USE;
void ec_page_checks(struct ec_page *page);
void ec_page_reasons(struct ec_page *page);
void ec_page_loads(struct ec_page *page);

/* Opens a table that scrolls by itself where it is too wide, with a caption of ours. */
void ec_page_table(struct ec_page *page, const char *title, const char *caption, const char *const *heads,
                   size_t head_count);
void ec_page_table_end(struct ec_page *page);
void ec_page_cell_count(struct ec_page *page, bool known, uint64_t value);

#endif
