/* Sales: the lines that a converted session bought. */
#include "shop/defect_table.h"
#include "shop/sources.h"

enum {
    ORDER_ID,
    ORDER_DATE,
    USER_ID,
    SESSION_ID,
    PRODUCT_ID,
    QUANTITY,
    UNIT_PRICE,
    DISCOUNT,
    TOTAL_AMOUNT,
    PAYMENT_METHOD,
    STATUS,
    COLUMNS
};

static const char *const columns[COLUMNS] = {
    "order_id",   "order_date", "user_id",      "session_id",     "product_id", "quantity",
    "unit_price", "discount",   "total_amount", "payment_method", "status",
};

/* A row whose quantity or price is wrong has a total that follows it, unless it shall have both
 * reasons; an expression over a null is no failure. */
/* clang-format off */
static const struct ec_shop_defect defects[] = {
    BAD("no-quantity-sold",
        RULE_OF(QUANTITY, "0", "quantity.min_value"),
        ALSO(EC_SHOP_OP_RAW, TOTAL_AMOUNT, "0.00|0")),
    BAD("wrong-total", MADE_OF(TOTAL_AMOUNT, "total_matches")),
    AGAIN("repeated"),
    RESENT("text-for-number", TYPE_OF(QUANTITY, "deux|1.5|--|2 pcs")),
    BAD("no-product", NULL_OF(PRODUCT_ID)),
    BAD_BY_LINE("cells-missing", MISSING_CELLS),
    BAD("discount-out-of-range",
        RULE_OF(DISCOUNT, "1.5|-0.2|15", "discount.allowed_range"),
        ALSO(EC_SHOP_OP_NULL, TOTAL_AMOUNT, NULL)),
    BAD("bad-date", TYPE_OF(ORDER_DATE, "2025-13-01 10:00:00|18.07.2025|avant-hier")),
    RESENT("returned-quantity",
           NEGATIVE_OF(QUANTITY, "quantity.min_value"),
           ALSO(EC_SHOP_OP_NEGATE, TOTAL_AMOUNT, NULL)),
    BAD("no-order-id", NULL_OF(ORDER_ID)),
    BAD_BY_LINE("stray-quote", BYTES_OF(STATUS, "liv\"ré|5\" ok", EC_REASON_PARSE)),
    BAD("negative-price",
        NEGATIVE_OF(UNIT_PRICE, "unit_price.min_value"),
        ALSO(EC_SHOP_OP_NEGATE, TOTAL_AMOUNT, NULL)),
    AGAIN_BUT("repeated-with-other-status", ALSO(EC_SHOP_OP_SET, STATUS, "refunded|cancelled")),
    BAD("quantity-and-total",
        RULE_OF(QUANTITY, "0|-1", "quantity.min_value"),
        MADE_OF(TOTAL_AMOUNT, "total_matches")),
    BAD("no-utf8", BYTES_OF(STATUS, "livr\xE9|\xFF", EC_REASON_ENCODING)),
    BAD("no-price", NULL_OF(UNIT_PRICE)),
    EMPTY_LINE,
    BAD("null-and-rule", NULL_OF(QUANTITY), NEGATIVE_OF(UNIT_PRICE, "unit_price.min_value")),
    BAD_BY_LINE("cells-extra", EXTRA_CELLS),
    OF_EARLIER_FILE,
    BAD("two-types", TYPE_OF(UNIT_PRICE, "gratuit|12,90"), TYPE_OF(DISCOUNT, "10%|dix")),
    BAD("no-date", NULL_OF(ORDER_DATE)),
    BAD("text-for-total", TYPE_OF(TOTAL_AMOUNT, "n/a|39.90 EUR")),
};
/* clang-format on */

static const struct ec_str payments[] = {
    {"card", 4}, {"card", 4}, {"card", 4}, {"paypal", 6}, {"apple_pay", 9}, {"bank_transfer", 13}, {"klarna", 6},
};
static const struct ec_str states[] = {
    {"delivered", 9}, {"delivered", 9}, {"shipped", 7},  {"shipped", 7},
    {"pending", 7},   {"cancelled", 9}, {"refunded", 8},
};

static void build(struct ec_shop_emit *e, uint64_t entity) {
    const struct ec_shop_session *s = ec_shop_emit_session(e, entity / EC_SHOP_LINES_MAX);
    const struct ec_shop_line *l = &s->line[entity % EC_SHOP_LINES_MAX];
    struct ec_shop_random r = ec_shop_random_of(e->world->seed, EC_SHOP_TAG_SALE, entity);
    struct ec_shop_row *row = &e->row;
    ec_shop_row_clear(row, COLUMNS);
    ec_shop_row_id(row, ORDER_ID, 'O', entity, 10);
    ec_shop_row_time(row, ORDER_DATE, s->end);
    if (s->user) ec_shop_row_id(row, USER_ID, 'U', s->user, EC_SHOP_USER_DIGITS);
    ec_shop_row_uuid(row, SESSION_ID, s->id_high, s->id_low);
    ec_shop_row_id(row, PRODUCT_ID, 'P', l->product + 1, EC_SHOP_PRODUCT_DIGITS);
    ec_shop_row_uint(row, QUANTITY, l->quantity);
    ec_shop_row_cents(row, UNIT_PRICE, l->price);
    if (!ec_shop_chance(&r, 8)) ec_shop_row_cents(row, DISCOUNT, l->discount);
    ec_shop_row_cents(row, TOTAL_AMOUNT, l->total);
    ec_shop_row_plain(row, PAYMENT_METHOD, payments[ec_shop_below(&r, sizeof payments / sizeof *payments)]);
    ec_shop_row_plain(row, STATUS, states[ec_shop_below(&r, sizeof states / sizeof *states)]);
    if (ec_shop_chance(&r, 5)) row->cell[PAYMENT_METHOD].kind = EC_SHOP_NULL;
}

/* A total that is off by two cents or more. Without a discount it could not be compared: there is
 * one then, and a total that matches none. */
static void make(struct ec_shop_row *row, uint8_t column, struct ec_shop_random *random) {
    const struct ec_shop_cell *c = &row->cell[column];
    int64_t cents = 0;
    for (uint32_t i = 0; i < c->n; i++)
        if (c->p[i] != '.') cents = cents * 10 + (c->p[i] - '0');
    if (row->cell[DISCOUNT].kind == EC_SHOP_NULL) {
        ec_shop_row_cents(row, DISCOUNT, 0);
        cents *= 2;
    }
    ec_shop_row_cents(row, column, cents + 2 + ec_shop_below(random, 500));
}

const struct ec_shop_rows ec_shop_sale_rows = {
    .source = EC_SHOP_SALES,
    .column = columns,
    .columns = COLUMNS,
    .defect = defects,
    .defects = sizeof defects / sizeof *defects,
    .build = build,
    .make = make,
};
