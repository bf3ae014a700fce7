/* The five sources: each knows its columns, its defects, and how its row is built. */
#ifndef EC_SHOP_SOURCES_H
#define EC_SHOP_SOURCES_H

#include "shop/emit.h"

extern const struct ec_shop_rows ec_shop_log_rows;     /* entity: session * EC_SHOP_LOGS_STEP + line */
extern const struct ec_shop_rows ec_shop_session_rows; /* entity: session */
extern const struct ec_shop_rows ec_shop_sale_rows;    /* entity: session * EC_SHOP_LINES_MAX + line */
extern const struct ec_shop_rows ec_shop_user_rows;    /* entity: user, from 1 */
extern const struct ec_shop_rows ec_shop_product_rows; /* entity: product */
extern const struct ec_shop_rows ec_shop_sheet_rows;   /* the same, with what can be wrong in a workbook */

#define EC_SHOP_LOGS_STEP 16u

/* How ids look: U0000123, P00042. */
#define EC_SHOP_USER_DIGITS    7u
#define EC_SHOP_PRODUCT_DIGITS 5u

/* A sheet is made in memory (workbook.c): its header; then rows by ec_shop_emit_row(); its end. */
void ec_shop_sheet_begin(struct ec_shop_emit *emit, struct ec_buf *sheet);
void ec_shop_sheet_end(struct ec_shop_emit *emit);

struct ec_shop_workbook {
    const char *path;
    const struct ec_buf *sheet;
    struct ec_shop_deflate *z;
    struct ec_buf *scratch;
    uint64_t bytes;         /* receives the size of its parts */
    uint64_t bytes_written; /* and of the file */
};
/* The workbook around a finished sheet. */
enum ec_status ec_shop_workbook_write(struct ec_shop_workbook *workbook, const struct ec_shop_rows *rows,
                                      struct ec_err *err) EC_MUST_USE;

#endif
