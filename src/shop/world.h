/* The shop's world: who visits when, looks at what and buys it. Each session, user and product is
 * derived from its number alone, so that a log line, a sale and a session agree without being kept.
 */
#ifndef EC_SHOP_WORLD_H
#define EC_SHOP_WORLD_H

#include "shop/random.h"
#include "shop/shop.h"

#include "base/text.h"

#define EC_SHOP_LINES_MAX    4u
#define EC_SHOP_PRODUCTS_MAX 20000u
#define EC_SHOP_HOURS        24u

struct ec_shop_world {
    uint64_t seed;
    uint64_t parts;   /* planted rows per million */
    bool values_only; /* no defects that damage */
    unsigned days;
    int32_t first_day;
    unsigned slots; /* log members a day; divides the day's hours */
    uint64_t sessions;
    uint64_t first[EC_SHOP_DAYS_MAX + 1]; /* number of a day's first session */
    uint32_t users;
    uint32_t products;
    uint32_t products_csv;                /* of these in the CSV, the others in the workbook */
    uint32_t price[EC_SHOP_PRODUCTS_MAX]; /* in cents */
    uint16_t popular[1u << 16];           /* products, each as often as it is looked at */
};

struct ec_shop_place_name {
    struct ec_str country;
    struct ec_str code;
    const struct ec_str *city;
    uint8_t cities;
    uint8_t weight; /* of 100 */
};

struct ec_shop_agent {
    struct ec_str device;
    struct ec_str browser;
    struct ec_str text;
    uint8_t weight; /* of 100 */
};

struct ec_shop_line {
    uint32_t product;
    uint32_t quantity;
    uint32_t price;    /* in cents */
    uint32_t discount; /* in percent */
    int64_t total;     /* in cents, rounded half up */
};

struct ec_shop_session {
    uint64_t number;
    uint64_t id_high, id_low;
    int64_t start, end; /* seconds, UTC */
    uint32_t user;      /* from 1; 0: nobody known */
    uint32_t address;
    const struct ec_shop_place_name *place;
    const struct ec_shop_agent *agent;
    struct ec_str city;
    struct ec_str referrer; /* p NULL: none known */
    uint32_t pages, viewed, added;
    uint32_t logs;
    uint32_t lines; /* sold; 0: no conversion */
    struct ec_shop_line line[EC_SHOP_LINES_MAX];
    int64_t spent; /* in cents */
};

enum ec_status ec_shop_world_create(const struct ec_shop_options *options, struct ec_shop_world **world,
                                    struct ec_err *err) EC_MUST_USE;
void ec_shop_world_destroy(struct ec_shop_world *world); /* NULL allowed */

void ec_shop_session_make(const struct ec_shop_world *world, uint64_t number, struct ec_shop_session *session);

/* The first session of a day's slot; slot == slots gives the next day's first. */
uint64_t ec_shop_slot_first(const struct ec_shop_world *world, unsigned day, unsigned slot);

/* Where the user (from 1) lives: the first that the generator of EC_SHOP_TAG_USER gives. */
const struct ec_shop_place_name *ec_shop_user_place(struct ec_shop_random *of_user, struct ec_str *city);

/* Log-normal with this median: a value of some spread, as delays and sizes have it. */
uint32_t ec_shop_spread(struct ec_shop_random *random, uint32_t median);

/* Texts (world_text.c). */
extern const struct ec_shop_place_name ec_shop_places[];
extern const size_t ec_shop_place_count;
extern const struct ec_shop_agent ec_shop_agents[];
extern const size_t ec_shop_agent_count;
extern const struct ec_str ec_shop_referrers[];
extern const size_t ec_shop_referrer_count;

#endif
