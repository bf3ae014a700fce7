/* Sessions: a visit each. */
#include "shop/defect_table.h"
#include "shop/sources.h"

enum {
    SESSION_ID,
    USER_ID,
    START_TIME,
    END_TIME,
    PAGES_VISITED,
    PRODUCTS_VIEWED,
    PRODUCTS_ADDED_TO_CART,
    CONVERSION,
    TOTAL_SPENT,
    BOUNCE_RATE,
    DEVICE_TYPE,
    BROWSER,
    REFERRER,
    COUNTRY,
    CITY,
    COLUMNS
};

static const char *const columns[COLUMNS] = {
    "session_id",
    "user_id",
    "start_time",
    "end_time",
    "pages_visited",
    "products_viewed",
    "products_added_to_cart",
    "conversion",
    "total_spent",
    "bounce_rate",
    "device_type",
    "browser",
    "referrer",
    "country",
    "city",
};

/* clang-format off */
static const struct ec_shop_defect defects[] = {
    BAD("negative-pages", RULE_OF(PAGES_VISITED, "-1|-12", "pages_visited.min_value")),
    BAD_BY_LINE("cells-missing", MISSING_CELLS),
    BAD("ends-before-start", SWAP_OF(START_TIME, "end_time.min_value")),
    BAD("no-id", NULL_OF(SESSION_ID)),
    RESENT("text-for-number", TYPE_OF(PAGES_VISITED, "douze|3.5|NaN|1e2x")),
    AGAIN("repeated"),
    BAD("too-long-visit", MADE_OF(END_TIME, "duration_min.max_value")),
    BAD_BY_LINE("cells-extra", EXTRA_CELLS),
    BAD_BY_LINE("stray-quote", BYTES_OF(BROWSER, "Chr\"ome|Fire\"fox\"", EC_REASON_PARSE)),
    BAD("bad-start", TYPE_OF(START_TIME, "hier|2025-07-32 10:00:00|10h30|2025-07-18 24:00:01")),
    BAD("no-utf8", BYTES_OF(CITY, "Orl\xE9" "ans|M\xE2" "con|\xF5tretat", EC_REASON_ENCODING)),
    BAD("no-end", NULL_OF(END_TIME)),
    BAD("negative-cart", RULE_OF(PRODUCTS_ADDED_TO_CART, "-1|-3", "products_added_to_cart.min_value")),
    EMPTY_LINE,
    BAD("two-rules",
        RULE_OF(PAGES_VISITED, "-5", "pages_visited.min_value"),
        RULE_OF(TOTAL_SPENT, "-1|-0.01", "total_spent.min_value")),
    AGAIN_BUT("repeated-unconverted", ALSO(EC_SHOP_OP_RAW, CONVERSION, "false")),
    BAD_BY_LINE("text-behind-quote", BYTES_OF(BROWSER, "\"Chrome\"x|\"Edge\" ", EC_REASON_PARSE)),
    BAD("decimal-comma", TYPE_OF(TOTAL_SPENT, "12,50|89 EUR|1 234.50")),
    BAD("null-and-type", NULL_OF(START_TIME), TYPE_OF(CONVERSION, "peut-être|2|oui")),
    OF_EARLIER_FILE,
    BAD("swapped-and-negative",
        SWAP_OF(START_TIME, "end_time.min_value"),
        RULE_OF(PAGES_VISITED, "-1", "pages_visited.min_value")),
    BAD_BY_LINE("cells-missing-and-bad", ALSO(EC_SHOP_OP_RAW, PAGES_VISITED, "-7|sept"), MISSING_CELLS),
    RESENT("negative-spent", RULE_OF(TOTAL_SPENT, "-15.00|-0.01", "total_spent.min_value")),
};
/* clang-format on */

static void build(struct ec_shop_emit *e, uint64_t entity) {
    const struct ec_shop_session *s = ec_shop_emit_session(e, entity);
    struct ec_shop_row *row = &e->row;
    ec_shop_row_clear(row, COLUMNS);
    ec_shop_row_uuid(row, SESSION_ID, s->id_high, s->id_low);
    if (s->user) ec_shop_row_id(row, USER_ID, 'U', s->user, EC_SHOP_USER_DIGITS);
    ec_shop_row_time(row, START_TIME, s->start);
    ec_shop_row_time(row, END_TIME, s->end);
    ec_shop_row_uint(row, PAGES_VISITED, s->pages);
    ec_shop_row_uint(row, PRODUCTS_VIEWED, s->viewed);
    ec_shop_row_uint(row, PRODUCTS_ADDED_TO_CART, s->added);
    ec_shop_row_bool(row, CONVERSION, s->lines > 0);
    ec_shop_row_cents(row, TOTAL_SPENT, s->spent);
    ec_shop_row_bool(row, BOUNCE_RATE, s->pages == 1);
    ec_shop_row_plain(row, DEVICE_TYPE, s->agent->device);
    ec_shop_row_plain(row, BROWSER, s->agent->browser);
    if (s->referrer.p) ec_shop_row_plain(row, REFERRER, s->referrer);
    ec_shop_row_plain(row, COUNTRY, s->place->country);
    if (s->city.p) ec_shop_row_any(row, CITY, s->city);
}

/* An end that lies 361 minutes to two days behind the start. */
static void make(struct ec_shop_row *row, uint8_t column, struct ec_shop_random *random) {
    ec_shop_row_time(row, column, row->cell[START_TIME].seconds + 60 * (int64_t)ec_shop_between(random, 361, 2880));
}

const struct ec_shop_rows ec_shop_session_rows = {
    .source = EC_SHOP_SESSIONS,
    .column = columns,
    .columns = COLUMNS,
    .defect = defects,
    .defects = sizeof defects / sizeof *defects,
    .build = build,
    .make = make,
};
