#include "shop/world.h"

#include "base/io.h"

/* Bytes of a written row, measured; the mix is that of a shop with 3 M log lines, 2 M sessions,
 * 1 M sales and 200 k users. */
#define LOG_BYTES       418u
#define SESSION_BYTES   149u
#define SALE_BYTES      120u
#define USER_BYTES      124u
#define PRODUCT_BYTES   200u /* a third of them in a workbook's XML */
#define WORKBOOK_BYTES  4500u
#define LOGS_OF_100     148u /* sessions */
#define SALES_OF_100    50u
#define USERS_OF_100    10u
#define PRODUCTS_MIN    60u
#define BYTES_A_PRODUCT 400000u
#define MEMBER_BYTES    (48 * EC_MIB) /* decoded, of a log member */
#define SESSIONS_A_DAY  10u           /* no file without a row */
#define LOCAL_SECONDS   7200          /* Paris in summer is that far ahead of UTC */
#define DAY_SECONDS     86400
#define DURATION_MAX    21600u /* 360 minutes: still allowed */

/* Visits by the hour of Paris, and by the day of the week from Thursday (1970-01-01 was one). */
static const uint32_t hour_weight[EC_SHOP_HOURS] = {2,  1,  1, 1, 1, 2,  4,  6,  8,  9,  10, 10,
                                                    11, 10, 9, 9, 9, 10, 11, 13, 14, 13, 9,  5};
static const uint32_t week_weight[7] = {100, 104, 118, 126, 96, 94, 98};

uint32_t ec_shop_spread(struct ec_shop_random *random, uint32_t median) {
    /* Quantiles of a log-normal distribution of sigma 0.9, in 1024ths of its median: the 64 equal
     * shares of probability, and at the ends those of 0.06 % and 99.94 %. */
    static const uint16_t quantile[65] = {
        56,   147,  192,  227,  257,  286,  313,  339,  364,  388,  413,  437,  461,  485,   509,  533,  558,
        583,  608,  634,  660,  686,  713,  741,  769,  798,  827,  858,  889,  921,  954,   989,  1024, 1061,
        1099, 1138, 1180, 1223, 1268, 1315, 1364, 1416, 1471, 1529, 1590, 1655, 1724, 1799,  1879, 1966, 2060,
        2162, 2275, 2401, 2541, 2701, 2884, 3097, 3353, 3668, 4073, 4628, 5475, 7115, 18891,
    };
    uint32_t bits = ec_shop_bits(random), at = bits >> 26, part = bits >> 10 & 0xFFFF;
    uint64_t value = (uint64_t)quantile[at] * (0x10000 - part) + (uint64_t)quantile[at + 1] * part;
    return (uint32_t)(value * median >> 26);
}

/* How many sessions make a shop of that size. */
static void plan_sizes(struct ec_shop_world *w, uint64_t bytes) {
    uint64_t products = PRODUCTS_MIN + bytes / BYTES_A_PRODUCT;
    w->products = products < EC_SHOP_PRODUCTS_MAX ? (uint32_t)products : EC_SHOP_PRODUCTS_MAX;
    w->products_csv = w->products - w->products / 3;
    uint64_t hundred_sessions =
        100 * SESSION_BYTES + LOGS_OF_100 * LOG_BYTES + SALES_OF_100 * SALE_BYTES + USERS_OF_100 * USER_BYTES;
    uint64_t left = bytes - (uint64_t)w->products * PRODUCT_BYTES - WORKBOOK_BYTES;
    left = left * 1000000 / (1000000 + w->parts / 6); /* one planted row of six comes besides a good one */
    w->sessions = left * 100 / hundred_sessions;
    w->users = (uint32_t)(w->sessions * USERS_OF_100 / 100) + 1;
}

static void plan_days(struct ec_shop_world *w, const struct ec_shop_options *o) {
    uint64_t sum = 0, all = 0;
    w->days = o->days;
    w->first_day = o->last_day - (int32_t)o->days + 1;
    for (unsigned d = 0; d < w->days; d++) all += week_weight[(w->first_day + (int32_t)d) % 7];
    for (unsigned d = 0; d <= w->days; d++) {
        w->first[d] = w->sessions * sum / all;
        sum += week_weight[(w->first_day + (int32_t)d) % 7];
    }
    static const unsigned divisors[] = {1, 2, 3, 4, 6, 8, 12, 24};
    uint64_t log_bytes = w->sessions * LOGS_OF_100 / 100 * LOG_BYTES;
    size_t i = 0;
    while (i + 1 < sizeof divisors / sizeof *divisors && log_bytes / w->days / divisors[i] > MEMBER_BYTES) i++;
    w->slots = divisors[i];
}

/* Zipf's law: the product of rank r is looked at in proportion to 1/(r + 3). Ranks are dealt out at
 * random, so that popular products are everywhere in the catalogue. */
static void plan_products(struct ec_shop_world *w) {
    const uint64_t share = UINT64_C(1) << 32;
    struct ec_shop_random r = ec_shop_random_of(w->seed, EC_SHOP_TAG_RANKS, 0);
    uint16_t product[EC_SHOP_PRODUCTS_MAX];
    uint64_t all = 0, sum = 0;
    for (uint32_t i = 0; i < w->products; i++) {
        uint32_t j = ec_shop_below(&r, i + 1);
        product[i] = product[j];
        product[j] = (uint16_t)i;
        all += share / (i + 3);
        struct ec_shop_random p = ec_shop_random_of(w->seed, EC_SHOP_TAG_PRODUCT, i);
        w->price[i] = 100 + ec_shop_spread(&p, 2900) / 5 * 5;
    }
    size_t at = 0, slots = sizeof w->popular / sizeof *w->popular;
    for (uint32_t rank = 0; rank < w->products; rank++) {
        sum += share / (rank + 3);
        while (at < slots && at * all < sum * slots) w->popular[at++] = product[rank];
    }
}

enum ec_status ec_shop_world_create(const struct ec_shop_options *o, struct ec_shop_world **world, struct ec_err *err) {
    struct ec_shop_world *w = ec_calloc(1, sizeof *w);
    if (!w) return ec_fail(err, EC_NO_MEMORY, "no memory for a shop");
    w->seed = o->seed;
    w->parts = (uint64_t)(o->defects * 1e6 + 0.5);
    w->values_only = o->kinds == EC_SHOP_KINDS_VALUES;
    plan_sizes(w, o->bytes);
    if (w->sessions / o->days < SESSIONS_A_DAY) {
        ec_free(w);
        return ec_fail(err, EC_USAGE,
                       "%llu bytes are too little for a shop of %u days; ask for more, or for fewer days",
                       (unsigned long long)o->bytes, o->days);
    }
    plan_days(w, o);
    plan_products(w);
    *world = w;
    return EC_OK;
}

void ec_shop_world_destroy(struct ec_shop_world *world) {
    ec_free(world);
}

static uint32_t weight_before(unsigned hour) {
    uint32_t sum = 0;
    for (unsigned h = 0; h < hour; h++) sum += hour_weight[h];
    return sum;
}

uint64_t ec_shop_slot_first(const struct ec_shop_world *w, unsigned day, unsigned slot) {
    uint64_t sessions = w->first[day + 1] - w->first[day];
    return w->first[day] + sessions * weight_before(slot * (EC_SHOP_HOURS / w->slots)) / weight_before(EC_SHOP_HOURS);
}

static unsigned day_of(const struct ec_shop_world *w, uint64_t number) {
    unsigned low = 0, high = w->days;
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;
        if (number < w->first[middle])
            high = middle;
        else
            low = middle;
    }
    return low;
}

/* Sessions are numbered by their start: the i-th of n starts where i/n of the day's visits are past. */
static int64_t start_of(const struct ec_shop_world *w, uint64_t number, struct ec_shop_random *r) {
    unsigned day = day_of(w, number), hour = 0;
    uint64_t i = number - w->first[day], n = w->first[day + 1] - w->first[day];
    uint64_t at = ((i << 32) + ec_shop_bits(r)) / n * weight_before(EC_SHOP_HOURS), before = 0;
    while (before + ((uint64_t)hour_weight[hour] << 32) <= at) before += (uint64_t)hour_weight[hour++] << 32;
    int64_t second = (int64_t)((at - before) / hour_weight[hour] * 3600 >> 32);
    return ((int64_t)w->first_day + day) * DAY_SECONDS - LOCAL_SECONDS + (int64_t)hour * 3600 + second;
}

const struct ec_shop_place_name *ec_shop_user_place(struct ec_shop_random *r, struct ec_str *city) {
    uint32_t at = ec_shop_below(r, 100);
    size_t i = 0;
    for (; i + 1 < ec_shop_place_count && at >= ec_shop_places[i].weight; i++) at -= ec_shop_places[i].weight;
    *city = ec_shop_places[i].city[ec_shop_below(r, ec_shop_places[i].cities)];
    return &ec_shop_places[i];
}

static const struct ec_shop_agent *pick_agent(struct ec_shop_random *r) {
    uint32_t at = ec_shop_below(r, 100);
    size_t i = 0;
    for (; i + 1 < ec_shop_agent_count && at >= ec_shop_agents[i].weight; i++) at -= ec_shop_agents[i].weight;
    return &ec_shop_agents[i];
}

/* Some come often: the square of a number below 1 favours the first. */
static void find_visitor(const struct ec_shop_world *w, struct ec_shop_session *s, struct ec_shop_random *r) {
    struct ec_shop_random home = {ec_shop_next(r)};
    if (!ec_shop_chance(r, 50)) {
        uint64_t x = ec_shop_bits(r);
        s->user = 1 + (uint32_t)((x * x >> 32) * w->users >> 32);
        home = ec_shop_random_of(w->seed, EC_SHOP_TAG_USER, s->user);
    }
    s->place = ec_shop_user_place(&home, &s->city);
    if (ec_shop_chance(r, 15)) s->city = (struct ec_str){0};
    s->agent = pick_agent(r);
    if (!ec_shop_chance(r, 30)) s->referrer = ec_shop_referrers[ec_shop_below(r, (uint32_t)ec_shop_referrer_count)];
    s->address = ec_shop_bits(r);
}

static void sell(const struct ec_shop_world *w, struct ec_shop_session *s, struct ec_shop_random *r) {
    static const uint8_t lines[] = {1, 1, 1, 1, 2, 2, 2, 3, 3, 4};
    static const uint8_t quantity[] = {1, 1, 1, 1, 1, 1, 2, 2, 3, 5};
    static const uint8_t discount[] = {0, 0, 0, 0, 0, 0, 5, 10, 15, 30};
    s->lines = lines[ec_shop_below(r, 10)];
    for (uint32_t i = 0; i < s->lines; i++) {
        struct ec_shop_line *l = &s->line[i];
        l->product = w->popular[ec_shop_bits(r) >> 16];
        l->quantity = quantity[ec_shop_below(r, 10)];
        l->discount = discount[ec_shop_below(r, 10)];
        l->price = w->price[l->product];
        l->total = ((int64_t)l->quantity * l->price * (100 - l->discount) + 50) / 100;
        s->spent += l->total;
    }
}

static uint32_t count_logs(struct ec_shop_random *r) {
    uint32_t x = ec_shop_below(r, 100);
    return x < 66 ? 1 : x < 92 ? 2 : x < 97 ? 3 : 4 + x % 3;
}

void ec_shop_session_make(const struct ec_shop_world *w, uint64_t number, struct ec_shop_session *s) {
    struct ec_shop_random r = ec_shop_random_of(w->seed, EC_SHOP_TAG_SESSION, number);
    struct ec_shop_random id = ec_shop_random_of(w->seed, EC_SHOP_TAG_SESSION_ID, number);
    *s = (struct ec_shop_session){.number = number};
    s->id_high = ec_shop_next(&id);
    s->id_low = ec_shop_next(&id);
    s->start = start_of(w, number, &r);
    find_visitor(w, s, &r);
    s->logs = count_logs(&r);
    if (ec_shop_chance(&r, 250)) {
        sell(w, s, &r);
        s->added = s->lines + ec_shop_below(&r, 2);
        s->viewed = s->added + ec_shop_below(&r, 6);
        s->pages = s->viewed + ec_shop_between(&r, 2, 6);
    } else if (ec_shop_chance(&r, 350)) {
        s->pages = 1; /* a bounce */
        s->viewed = ec_shop_below(&r, 2);
    } else {
        s->viewed = ec_shop_below(&r, 8);
        s->added = s->viewed > 1 && ec_shop_chance(&r, 300) ? 1 + ec_shop_below(&r, 3) : 0;
        s->pages = 2 + s->viewed + ec_shop_below(&r, 5);
    }
    uint32_t duration = 2 + ec_shop_spread(&r, s->pages == 1 ? 15 : 60 * s->pages);
    if (ec_shop_chance(&r, 1)) duration = DURATION_MAX; /* exactly as long as is allowed */
    s->end = s->start + (duration < DURATION_MAX ? duration : DURATION_MAX);
}
