/* Users: who has an account. */
#include "shop/defect_table.h"
#include "shop/sources.h"

enum {
    USER_ID,
    EMAIL,
    FIRST_NAME,
    LAST_NAME,
    AGE,
    GENDER,
    COUNTRY,
    CITY,
    REGISTRATION_DATE,
    IS_PREMIUM,
    TOTAL_ORDERS,
    TOTAL_SPENT,
    LAST_LOGIN,
    COLUMNS
};

static const char *const columns[COLUMNS] = {
    "user_id",           "email",      "first_name",   "last_name",   "age",        "gender", "country", "city",
    "registration_date", "is_premium", "total_orders", "total_spent", "last_login",
};

/* clang-format off */
static const struct ec_shop_defect defects[] = {
    BAD("age-out-of-range", RULE_OF(AGE, "7|15|101|130|-1", "age.allowed_range")),
    BAD_BY_LINE("cells-missing", MISSING_CELLS),
    BAD("forbidden-email", RULE_OF(EMAIL, "admin@example.com|root@example.org", "email.not_allowed_values")),
    AGAIN("repeated"),
    BAD("no-registration", NULL_OF(REGISTRATION_DATE)),
    RESENT("text-for-number", TYPE_OF(AGE, "trente|42 ans|3O")),
    BAD_BY_LINE("stray-quote", BYTES_OF(LAST_NAME, "O\"Neil|d\"Arc", EC_REASON_PARSE)),
    BAD("gender-unknown", RULE_OF(GENDER, "X|homme|m|?", "gender.allowed_values")),
    OF_EARLIER_FILE,
    BAD("bad-registration", TYPE_OF(REGISTRATION_DATE, "31/02/2024|2024-02-30|2023-2-1")),
    BAD("no-utf8", BYTES_OF(FIRST_NAME, "Ren\xE9" "e|Fran\xE7ois|Zo\xEB", EC_REASON_ENCODING)),
    BAD("no-user", NULL_OF(USER_ID)),
    BAD_BY_LINE("cells-extra", EXTRA_CELLS),
    BAD("three-reasons",
        RULE_OF(AGE, "12", "age.allowed_range"),
        TYPE_OF(TOTAL_SPENT, "1 234,50"),
        NULL_OF(LAST_LOGIN)),
    AGAIN_BUT("repeated-with-other-email", ALSO(EC_SHOP_OP_SET, EMAIL, "nouveau@example.net")),
    BAD("negative-orders", RULE_OF(TOTAL_ORDERS, "-1", "total_orders.min_value")),
    EMPTY_LINE,
    BAD("bad-flag", TYPE_OF(IS_PREMIUM, "2|peut-être|premium")),
    BAD("no-login", NULL_OF(LAST_LOGIN)),
    BAD("two-rules",
        RULE_OF(TOTAL_SPENT, "-0.01|-20", "total_spent.min_value"),
        RULE_OF(GENDER, "X", "gender.allowed_values")),
};
/* clang-format on */

struct name {
    struct ec_str text;
    const char *ascii; /* for the address */
};
#define NAME(text, ascii)                                                                                              \
    { {(text), sizeof(text) - 1}, (ascii) }

static const struct name first_names[] = {
    NAME("Émilie", "emilie"), NAME("Léa", "lea"),           NAME("Chloé", "chloe"),   NAME("Jean-Luc", "jean.luc"),
    NAME("Hugo", "hugo"),     NAME("François", "francois"), NAME("Zoé", "zoe"),       NAME("Inès", "ines"),
    NAME("Thomas", "thomas"), NAME("Anaïs", "anais"),       NAME("Noël", "noel"),     NAME("Camille", "camille"),
    NAME("Mehdi", "mehdi"),   NAME("Aïcha", "aicha"),       NAME("Łukasz", "lukasz"), NAME("Jürgen", "juergen"),
};
static const struct name last_names[] = {
    NAME("Lefèvre", "lefevre"), NAME("Martin", "martin"),       NAME("Müller", "mueller"),
    NAME("García", "garcia"),   NAME("O'Brien", "obrien"),      NAME("Dupont", "dupont"),
    NAME("Nguyễn", "nguyen"),   NAME("de la Tour", "delatour"), NAME("Bérenger", "berenger"),
    NAME("Rossi", "rossi"),     NAME("Kowalski", "kowalski"),   NAME("Benoît", "benoit"),
    NAME("Diallo", "diallo"),   NAME("Smith, Jr.", "smith"),    NAME("Le Goff", "legoff"),
    NAME("Sánchez", "sanchez"), NAME("Gauthier", "gauthier"),   NAME("Çelik", "celik"),
    NAME("Roux", "roux"),
};

static void set_name(struct ec_shop_row *row, uint64_t user, struct ec_shop_random *r) {
    static const char *const hosts[] = {"example.com", "example.org", "example.net", "mail.example.fr"};
    const struct name *first = &first_names[ec_shop_below(r, sizeof first_names / sizeof *first_names)];
    const struct name *last = &last_names[ec_shop_below(r, sizeof last_names / sizeof *last_names)];
    char *p = ec_shop_putz(ec_shop_row_text(row), first->ascii);
    *p++ = '.';
    p = ec_shop_put_uint(ec_shop_putz(p, last->ascii), user, 1);
    *p++ = '@';
    ec_shop_row_take(row, EMAIL, EC_SHOP_TEXT, ec_shop_putz(p, hosts[ec_shop_below(r, 4)]));
    ec_shop_row_plain(row, FIRST_NAME, first->text);
    ec_shop_row_any(row, LAST_NAME, last->text);
}

#define DAY_SECONDS 86400

static void build(struct ec_shop_emit *e, uint64_t entity) {
    static const struct ec_str genders[] = {{"F", 1}, {"F", 1}, {"F", 1}, {"M", 1}, {"M", 1}, {"M", 1}, {"O", 1}};
    struct ec_shop_random r = ec_shop_random_of(e->world->seed, EC_SHOP_TAG_USER, entity);
    struct ec_shop_row *row = &e->row;
    struct ec_str city;
    ec_shop_row_clear(row, COLUMNS);
    ec_shop_row_plain(row, COUNTRY, ec_shop_user_place(&r, &city)->country);
    ec_shop_row_id(row, USER_ID, 'U', entity, EC_SHOP_USER_DIGITS);
    set_name(row, entity, &r);
    uint32_t age = 16 + ec_shop_below(&r, 45);
    age += ec_shop_below(&r, 41);
    if (!ec_shop_chance(&r, 15)) ec_shop_row_uint(row, AGE, age);
    if (!ec_shop_chance(&r, 10))
        ec_shop_row_plain(row, GENDER, genders[ec_shop_below(&r, sizeof genders / sizeof *genders)]);
    if (!ec_shop_chance(&r, 12)) ec_shop_row_any(row, CITY, city);
    int64_t last_day = e->world->first_day + (int64_t)e->world->days - 1;
    int64_t registered = last_day - (int64_t)ec_shop_below(&r, 1800);
    int64_t away = (last_day - registered) * ec_shop_below(&r, 1000) / 1000; /* most came lately */
    int64_t login = last_day - away * ec_shop_below(&r, 1000) / 1000;
    ec_shop_row_date(row, REGISTRATION_DATE, registered * DAY_SECONDS);
    ec_shop_row_bool(row, IS_PREMIUM, ec_shop_chance(&r, 180));
    uint32_t orders = ec_shop_chance(&r, 220) ? 0 : ec_shop_spread(&r, 4);
    ec_shop_row_uint(row, TOTAL_ORDERS, orders);
    ec_shop_row_cents(row, TOTAL_SPENT, (int64_t)orders * ec_shop_spread(&r, 4900));
    ec_shop_row_time(row, LAST_LOGIN, login * DAY_SECONDS + ec_shop_below(&r, 20 * 3600));
}

const struct ec_shop_rows ec_shop_user_rows = {
    .source = EC_SHOP_USERS,
    .column = columns,
    .columns = COLUMNS,
    .defect = defects,
    .defects = sizeof defects / sizeof *defects,
    .build = build,
};
