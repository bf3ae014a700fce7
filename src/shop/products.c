/* Products: the catalogue, as a CSV and as a workbook. */
#include "shop/defect_table.h"
#include "shop/sources.h"

enum { PRODUCT_ID, NAME, CATEGORY, PRICE, COST, STOCK, BRAND, CREATED_AT, IS_ACTIVE, RATING, REVIEW_COUNT, COLUMNS };

static const char *const columns[COLUMNS] = {
    "product_id", "name",       "category",  "price",  "cost",         "stock",
    "brand",      "created_at", "is_active", "rating", "review_count",
};

/* clang-format off */
static const struct ec_shop_defect defects[] = {
    BAD("negative-price", RULE_OF(PRICE, "-1|-19.90", "price.min_value")),
    BAD("no-stock", NULL_OF(STOCK)),
    AGAIN("repeated"),
    BAD("rating-out-of-range", RULE_OF(RATING, "5.1|-1|47", "rating.allowed_range")),
    BAD_BY_LINE("cells-missing", MISSING_CELLS),
    RESENT("text-for-price", TYPE_OF(PRICE, "gratuit|12,90|sur devis")),
    BAD_BY_LINE("stray-quote", BYTES_OF(NAME, "\xC3\x89" "cran 24\" mat|Pied 2\" noir", EC_REASON_PARSE)),
    BAD("no-id", NULL_OF(PRODUCT_ID)),
    BAD("negative-stock", RULE_OF(STOCK, "-1|-40", "stock.min_value")),
    BAD("no-utf8", BYTES_OF(NAME, "\xC9" "cran|Tr\xE9pied", EC_REASON_ENCODING)),
    BAD("two-rules", RULE_OF(COST, "-3.50", "cost.min_value"), RULE_OF(REVIEW_COUNT, "-2", "review_count.min_value")),
    BAD_BY_LINE("cells-extra", EXTRA_CELLS),
    AGAIN_BUT("repeated-cheaper", ALSO(EC_SHOP_OP_RAW, PRICE, "0.99|1")),
    BAD("null-and-type", NULL_OF(PRICE), TYPE_OF(IS_ACTIVE, "peut-être|2")),
    EMPTY_LINE,
    BAD("bad-date", TYPE_OF(CREATED_AT, "bientôt|2025-06-31|01/06/2025")),
};
/* clang-format on */

/* clang-format off */
static const struct ec_shop_defect sheet_defects[] = {
    BAD("text-for-price", TYPE_OF(PRICE, "gratuit|12,90 EUR|sur devis")),
    BAD("no-stock", NULL_OF(STOCK)),
    AGAIN("repeated"),
    RESENT("rating-out-of-range", RULE_OF(RATING, "5.1|-1|47", "rating.allowed_range")),
    BAD("cell-under-no-header", EXTRA_CELLS),
    BAD("no-id", NULL_OF(PRODUCT_ID)),
    BAD("fraction-for-integer", BYTES_OF(REVIEW_COUNT, "3.5|0.25", EC_REASON_TYPE)),
    OF_EARLIER_FILE,
    BAD("text-for-date", TYPE_OF(CREATED_AT, "bientôt|31/02/2025")),
    BAD("negative-and-null", RULE_OF(COST, "-3.5", "cost.min_value"), NULL_OF(STOCK)),
    AGAIN_BUT("repeated-cheaper", ALSO(EC_SHOP_OP_RAW, PRICE, "0.99|1")),
    BAD("text-for-flag", TYPE_OF(IS_ACTIVE, "peut-être|à voir")),
};
/* clang-format on */

struct kind {
    struct ec_str category;
    const char *const *noun;
    uint8_t nouns;
};
#define WORDS(list) (list), sizeof(list) / sizeof *(list)

static const char *const furniture[] = {"Chaise", "Table basse", "Étagère", "Bureau", "Canapé 3 places"};
static const char *const light[] = {"Lampe", "Suspension", "Lampadaire", "Ampoule E27"};
static const char *const linen[] = {"Plaid", "Drap-housse", "Rideau", "Coussin 40 x 40"};
static const char *const kitchen[] = {"Poêle", "Cafetière", "Bol à thé", "Planche à découper, bambou"};
static const char *const garden[] = {"Transat", "Arrosoir", "Pot en grès", "Guirlande d'extérieur"};
static const char *const audio[] = {"Casque", "Enceinte", "Platine vinyle", "Écouteurs \"sport\""};
static const char *const computing[] = {"Écran 27\"", "Clavier AZERTY", "Souris", "Station d'accueil"};
static const char *const toys[] = {"Puzzle", "Peluche", "Jeu de société", "Maquette 1/72"};

static const struct kind kinds[] = {
    {{"mobilier", 8}, WORDS(furniture)},      {{"luminaires", 10}, WORDS(light)}, {{"textile", 7}, WORDS(linen)},
    {{"cuisine", 7}, WORDS(kitchen)},         {{"jardin", 6}, WORDS(garden)},     {{"audio", 5}, WORDS(audio)},
    {{"informatique", 12}, WORDS(computing)}, {{"jouets", 6}, WORDS(toys)},
};
static const char *const styles[] = {" Oslo",  " Kyoto", " Rivoli",  " Été",     " Brume",
                                     " Forêt", " N° 5",  " Atelier", " Duo & Co"};
static const struct ec_str brands[] = {
    {"Maison Écluse", 14}, {"Nordlys", 7}, {"Atelier 12", 10}, {"Lumio", 5}, {"Grès & Bois", 12}, {"Hokusai", 7},
};

static const struct kind *set_name(struct ec_shop_row *row, struct ec_shop_random *r) {
    const struct kind *k = &kinds[ec_shop_below(r, sizeof kinds / sizeof *kinds)];
    char *p = ec_shop_putz(ec_shop_row_text(row), k->noun[ec_shop_below(r, k->nouns)]);
    ec_shop_row_take(row, NAME, EC_SHOP_TEXT,
                     ec_shop_putz(p, styles[ec_shop_below(r, sizeof styles / sizeof *styles)]));
    row->cell[NAME].plain = false;
    return k;
}

#define DAY_SECONDS 86400

static void build(struct ec_shop_emit *e, uint64_t entity) {
    struct ec_shop_random r = ec_shop_random_of(e->world->seed, EC_SHOP_TAG_PRODUCT, entity);
    struct ec_shop_row *row = &e->row;
    (void)ec_shop_next(&r); /* gave the price */
    ec_shop_row_clear(row, COLUMNS);
    ec_shop_row_id(row, PRODUCT_ID, 'P', entity + 1, EC_SHOP_PRODUCT_DIGITS);
    ec_shop_row_plain(row, CATEGORY, set_name(row, &r)->category);
    uint32_t price = e->world->price[entity];
    ec_shop_row_cents(row, PRICE, price);
    if (!ec_shop_chance(&r, 20)) ec_shop_row_cents(row, COST, (int64_t)price * ec_shop_between(&r, 35, 85) / 100);
    ec_shop_row_uint(row, STOCK, ec_shop_chance(&r, 60) ? 0 : ec_shop_spread(&r, 70));
    if (!ec_shop_chance(&r, 10))
        ec_shop_row_plain(row, BRAND, brands[ec_shop_below(&r, sizeof brands / sizeof *brands)]);
    int64_t last_day = e->world->first_day + (int64_t)e->world->days - 1;
    int64_t created = last_day - 1 - ec_shop_below(&r, ec_shop_chance(&r, 100) ? 30 : 1400);
    ec_shop_row_time(row, CREATED_AT, created * DAY_SECONDS + 28800 + ec_shop_below(&r, 36000));
    ec_shop_row_bool(row, IS_ACTIVE, !ec_shop_chance(&r, 80));
    uint32_t reviews = ec_shop_chance(&r, 80) ? 0 : ec_shop_spread(&r, 25);
    if (reviews > 0) { /* 2.0 to 5.0 */
        char *p = ec_shop_row_text(row);
        uint32_t below_five = ec_shop_below(&r, 31);
        uint32_t tenths = 50 - below_five * ec_shop_below(&r, 31) / 30;
        p = ec_shop_put_uint(p, tenths / 10, 1);
        *p++ = '.';
        ec_shop_row_take(row, RATING, EC_SHOP_RAW, ec_shop_put_uint(p, tenths % 10, 1));
    }
    ec_shop_row_uint(row, REVIEW_COUNT, reviews);
}

const struct ec_shop_rows ec_shop_product_rows = {
    .source = EC_SHOP_PRODUCTS,
    .column = columns,
    .columns = COLUMNS,
    .defect = defects,
    .defects = sizeof defects / sizeof *defects,
    .build = build,
};

const struct ec_shop_rows ec_shop_sheet_rows = {
    .source = EC_SHOP_PRODUCTS,
    .column = columns,
    .columns = COLUMNS,
    .defect = sheet_defects,
    .defects = sizeof sheet_defects / sizeof *sheet_defects,
    .build = build,
};
