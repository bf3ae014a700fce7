/* A row before it is written: cells as text, in one place for all formats and defects.
 *
 *     ec_shop_row_clear(row, columns);
 *     ec_shop_row_uint(row, QUANTITY, 3);
 *     ec_shop_row_time(row, ORDER_DATE, seconds);
 *     end = ec_shop_csv_row(p, row);
 *
 * Texts are borrowed (static) or lie in the row's own memory, which holds EC_SHOP_ROW_TEXT bytes
 * and is checked by an assertion: rows are ours, not a user's.
 */
#ifndef EC_SHOP_ROW_H
#define EC_SHOP_ROW_H

#include "base/text.h"

#define EC_SHOP_CELLS_MAX 18u /* of the widest source, and extra ones */
#define EC_SHOP_ROW_TEXT  2048u

enum ec_shop_cell_kind {
    EC_SHOP_NULL,
    EC_SHOP_ABSENT, /* in JSON the key is not there; elsewhere as null */
    EC_SHOP_TEXT,
    EC_SHOP_RAW,  /* numbers, booleans, and damage: stands as it is, without quotes */
    EC_SHOP_TIME, /* text, and a serial in a workbook */
};

struct ec_shop_cell {
    const char *p;
    uint32_t n;
    uint8_t kind;
    bool plain;      /* holds nothing that a format must quote or escape */
    int64_t seconds; /* of EC_SHOP_TIME, since 1970 */
};

struct ec_shop_row {
    struct ec_shop_cell cell[EC_SHOP_CELLS_MAX];
    size_t count;
    size_t used;
    char text[EC_SHOP_ROW_TEXT];
    int64_t day; /* whose date `date` shows: most times follow one of the same day */
    char date[16];
};

void ec_shop_row_init(struct ec_shop_row *row);
void ec_shop_row_clear(struct ec_shop_row *row, size_t columns); /* every cell null */

/* The bytes at the row's next free place become the cell; `end` is behind them. */
static inline char *ec_shop_row_text(struct ec_shop_row *row) {
    return row->text + row->used;
}
void ec_shop_row_take(struct ec_shop_row *row, size_t column, enum ec_shop_cell_kind kind, const char *end);

/* Static text without commas, quotes, backslashes and line ends. */
static inline void ec_shop_row_plain(struct ec_shop_row *row, size_t column, struct ec_str text) {
    row->cell[column] = (struct ec_shop_cell){text.p, (uint32_t)text.n, EC_SHOP_TEXT, true, 0};
}
/* Static text of any kind. */
static inline void ec_shop_row_any(struct ec_shop_row *row, size_t column, struct ec_str text) {
    row->cell[column] = (struct ec_shop_cell){text.p, (uint32_t)text.n, EC_SHOP_TEXT, false, 0};
}
void ec_shop_row_uint(struct ec_shop_row *row, size_t column, uint64_t value);
void ec_shop_row_cents(struct ec_shop_row *row, size_t column, int64_t cents); /* with two decimals */
void ec_shop_row_bool(struct ec_shop_row *row, size_t column, bool value);
void ec_shop_row_id(struct ec_shop_row *row, size_t column, char letter, uint64_t number,
                    unsigned digits); /* U0000123 */
void ec_shop_row_uuid(struct ec_shop_row *row, size_t column, uint64_t high, uint64_t low);
/* 2025-07-18 10:00:00; of the widths below. */
void ec_shop_row_time(struct ec_shop_row *row, size_t column, int64_t seconds);
void ec_shop_row_date(struct ec_shop_row *row, size_t column, int64_t seconds);
void ec_shop_row_stamp(struct ec_shop_row *row, size_t column, int64_t milliseconds); /* 2025-07-18T10:00:00.123Z */

/* Decimal digits at p, at least `digits` of them; returns their end. */
char *ec_shop_put_uint(char *p, uint64_t value, unsigned digits);
static inline char *ec_shop_put(char *p, const char *from, size_t n) {
    memcpy(p, from, n);
    return p + n;
}
static inline char *ec_shop_putz(char *p, const char *z) {
    return ec_shop_put(p, z, strlen(z));
}

/* The row as a CSV record without its line end; as a JSON object, with `key[i]` for cell i
 * (`,"name":`). Each returns the end of what it wrote at p. */
char *ec_shop_csv_row(char *p, const struct ec_shop_row *row);
char *ec_shop_json_row(char *p, const struct ec_shop_row *row, const struct ec_str *key);

#endif
