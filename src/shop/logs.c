/* Log lines: what a visit asks of the API. */
#include "shop/defect_table.h"
#include "shop/sources.h"

enum {
    TIMESTAMP,
    REQUEST_ID,
    USER_ID,
    SESSION_ID,
    ENDPOINT,
    METHOD,
    STATUS_CODE,
    RESPONSE_TIME_MS,
    PAYLOAD_SIZE_BYTES,
    CACHE_HIT,
    COUNTRY_CODE,
    IP_ADDRESS,
    USER_AGENT,
    COLUMNS
};

static const char *const columns[COLUMNS] = {
    "timestamp",        "request_id",         "user_id",   "session_id",   "endpoint",   "method",     "status_code",
    "response_time_ms", "payload_size_bytes", "cache_hit", "country_code", "ip_address", "user_agent",
};

#define NO_JSON(col, text) BYTES_OF(col, text, EC_REASON_PARSE)
#define DIGITS_50          "00000000000000000000000000000000000000000000000001"

/* clang-format off */
static const struct ec_shop_defect defects[] = {
    BAD("status-out-of-range", RULE_OF(STATUS_CODE, "0|42|99|600|700|999", "status_code.allowed_range")),
    BAD_BY_LINE("record-cut", {.op = EC_SHOP_OP_CUT, .reason = EC_REASON_PARSE}),
    BAD("no-session", NULL_OF(SESSION_ID)),
    BAD("bad-timestamp", TYPE_OF(TIMESTAMP, "hier|2025-02-30T10:00:00Z|2025-07-18T25:10:00Z|18/07/2025 10:00")),
    AGAIN("repeated-request"),
    BAD("bare-word", NO_JSON(STATUS_CODE, "2O0|NaN|OK|0x1F4")),
    RESENT("slow", RULE_OF(RESPONSE_TIME_MS, "10000.5|15000|60123.75", "response_time_ms.max_value")),
    RESENT("text-for-number", TYPE_OF(STATUS_CODE, "OK|n/a|2xx|200.5")),
    BAD("method-unknown", RULE_OF(METHOD, "\"FETCH\"|\"get\"|\"PUSH\"", "method.allowed_values")),
    BAD("no-request-id", {.op = EC_SHOP_OP_ABSENT, .column = REQUEST_ID, .reason = EC_REASON_NULL}),
    BAD("no-utf8",
        BYTES_OF(USER_AGENT, "\"Mozilla/5.0 (Caf\xE9)\"|\"Mozilla \xC0\xAF\"|\"\xED\xA0\x80\"", EC_REASON_ENCODING)),
    BAD("empty-country", RULE_OF(COUNTRY_CODE, "\"\"", "country_code.not_allowed_values")),
    EMPTY_LINE,
    BAD("two-rules",
        RULE_OF(STATUS_CODE, "999|-1", "status_code.allowed_range"),
        RULE_OF(METHOD, "\"FETCH\"", "method.allowed_values")),
    BAD("no-comma", NO_JSON(STATUS_CODE, "200 \"retry\":1")),
    AGAIN_BUT("repeated-with-other-status", ALSO(EC_SHOP_OP_RAW, STATUS_CODE, "504|200")),
    BAD("object-for-number", BYTES_OF(RESPONSE_TIME_MS, "{\"ms\":12.5}|[12]|true", EC_REASON_TYPE)),
    BAD("null-and-rule", NULL_OF(ENDPOINT), RULE_OF(RESPONSE_TIME_MS, "20000|10001", "response_time_ms.max_value")),
    BAD("key-twice", NO_JSON(STATUS_CODE, "200,\"status_code\":500")),
    OF_EARLIER_FILE,
    BAD("two-types", TYPE_OF(PAYLOAD_SIZE_BYTES, "12 Ko|beaucoup"), TYPE_OF(CACHE_HIT, "peut-être|HIT")),
    BAD("half-a-surrogate", BYTES_OF(USER_AGENT, "\"Mozilla \\ud83d\"|\"\\udc00\"", EC_REASON_ENCODING)),
    BAD("null-method", NULL_OF(METHOD)),
    BAD("long-number", BYTES_OF(RESPONSE_TIME_MS, "0." DIGITS_50 DIGITS_50, EC_REASON_TOO_LONG)),
    BAD("three-reasons",
        TYPE_OF(TIMESTAMP, "demain"),
        NULL_OF(STATUS_CODE),
        RULE_OF(COUNTRY_CODE, "\"\"", "country_code.not_allowed_values")),
};
/* clang-format on */

struct request {
    const char *path;
    struct ec_str method;
    uint16_t weight; /* of 1,000 */
    uint16_t median_ms;
    uint16_t median_bytes;
    bool cached;
    char what; /* is appended: 'p' a product's number, 'c' a category, 's' a search */
};

#define GET                                                                                                            \
    { "GET", 3 }
#define POST                                                                                                           \
    { "POST", 4 }
#define PUT                                                                                                            \
    { "PUT", 3 }
#define DELETE                                                                                                         \
    { "DELETE", 6 }

static const struct request requests[] = {
    {"/api/v1/products/", GET, 400, 45, 5200, true, 'p'},
    {"/api/v1/categories/", GET, 150, 70, 18000, true, 'c'},
    {"/api/v1/search?q=", GET, 120, 130, 14000, false, 's'},
    {"/api/v1/cart/add", POST, 80, 85, 900, false, 0},
    {"/api/v1/cart", GET, 40, 50, 2100, false, 0},
    {"/api/v1/cart/quantity", PUT, 20, 80, 700, false, 0},
    {"/api/v1/cart/remove", DELETE, 10, 75, 500, false, 0},
    {"/api/v1/login", POST, 50, 190, 600, false, 0},
    {"/api/v1/auth/refresh", POST, 30, 60, 800, false, 0},
    {"/api/v1/recommendations", GET, 50, 110, 9000, true, 0},
    {"/api/v1/account/orders", GET, 25, 120, 7000, false, 0},
    {"/api/v1/checkout/shipping", POST, 15, 210, 1500, false, 0},
    {"/health", {"HEAD", 4}, 5, 4, 40, false, 0},
    {"/api/v1/products", {"OPTIONS", 7}, 5, 8, 60, false, 0},
};
static const struct request payment = {"/api/v1/checkout/payment", POST, 0, 380, 1200, false, 0};
static const struct request look = {"/api/v1/products/", GET, 0, 45, 5200, true, 'p'};

static const char *const categories[] = {"mobilier", "luminaires", "textile",      "cuisine",
                                         "jardin",   "audio",      "informatique", "jouets"};
static const char *const searches[] = {"chaise",        "lampe+led", "canapé",      "casque+bluetooth",
                                       "table%20basse", "écran",     "drap+housse", "pull"};

/* A visit that buys ends with its payment; what it looks at is what it buys. */
static const struct request *pick_request(const struct ec_shop_session *s, uint32_t line, struct ec_shop_random *r) {
    if (s->lines > 0 && line + 1 == s->logs) return &payment;
    if (s->lines > 0 && line + 2 == s->logs) return &look;
    uint32_t at = ec_shop_below(r, 1000);
    size_t i = 0;
    while (at >= requests[i].weight) at -= requests[i++].weight;
    return &requests[i];
}

static void set_endpoint(struct ec_shop_emit *e, const struct request *q, const struct ec_shop_session *s,
                         struct ec_shop_random *r) {
    char *p = ec_shop_putz(ec_shop_row_text(&e->row), q->path);
    if (q->what == 'p') {
        uint32_t product = q == &look ? s->line[0].product : e->world->popular[ec_shop_bits(r) >> 16];
        p = ec_shop_put_uint(p, product + 1, 1);
    }
    if (q->what == 'c') p = ec_shop_putz(p, categories[ec_shop_below(r, sizeof categories / sizeof *categories)]);
    if (q->what == 's') p = ec_shop_putz(p, searches[ec_shop_below(r, sizeof searches / sizeof *searches)]);
    ec_shop_row_take(&e->row, ENDPOINT, EC_SHOP_TEXT, p);
}

static uint32_t pick_status(const struct request *q, bool cached, struct ec_shop_random *r) {
    uint32_t x = ec_shop_below(r, 1000);
    if (x < 4) return 500;
    if (x < 6) return 503;
    if (x < 8) return 429;
    if (x < 26 && q->what) return 404;
    if (x < 60 && q->method.p[0] == 'P') return 401;
    if (cached && x < 300) return 304;
    return q->method.p[0] == 'P' && x > 500 ? 201 : 200;
}

static void set_address(struct ec_shop_row *row, uint32_t bits) {
    char *p = ec_shop_row_text(row);
    if (bits % 20 == 0) {
        static const char hex[] = "0123456789abcdef";
        p = ec_shop_putz(p, "2001:db8:");
        for (unsigned i = 0; i < 8; i++) {
            *p++ = hex[bits >> (28 - 4 * i) & 15];
            if (i == 3) *p++ = ':';
        }
        p = ec_shop_putz(p, "::1");
    } else {
        p = ec_shop_put_uint(p, 11 + (bits >> 24) % 180, 1);
        for (unsigned i = 3; i-- > 0;) {
            *p++ = '.';
            p = ec_shop_put_uint(p, bits >> 8 * i & 255, 1);
        }
    }
    ec_shop_row_take(row, IP_ADDRESS, EC_SHOP_TEXT, p);
}

/* Milliseconds with two decimals, at most the 10,000 that are allowed. */
static void set_delay(struct ec_shop_row *row, uint32_t median_ms, bool cached, struct ec_shop_random *r) {
    uint64_t hundredths = ec_shop_spread(r, median_ms * (cached ? 25 : 100));
    if (ec_shop_chance(r, 2)) hundredths *= 8;
    ec_shop_row_cents(row, RESPONSE_TIME_MS, hundredths < 1000000 ? (int64_t)hundredths : 1000000);
}

static void build(struct ec_shop_emit *e, uint64_t entity) {
    const struct ec_shop_session *s = ec_shop_emit_session(e, entity / EC_SHOP_LOGS_STEP);
    uint32_t line = (uint32_t)(entity % EC_SHOP_LOGS_STEP);
    struct ec_shop_random r = ec_shop_random_of(e->world->seed, EC_SHOP_TAG_LOG, entity);
    struct ec_shop_random id = ec_shop_random_of(e->world->seed, EC_SHOP_TAG_LOG_ID, entity);
    struct ec_shop_row *row = &e->row;
    ec_shop_row_clear(row, COLUMNS);
    const struct request *q = pick_request(s, line, &r);
    bool cached = q->cached && ec_shop_chance(&r, 620);
    int64_t part = (s->end - s->start) * 1000 / s->logs;
    ec_shop_row_stamp(row, TIMESTAMP, s->start * 1000 + part * line + (int64_t)ec_shop_below(&r, (uint32_t)part));
    uint64_t high = ec_shop_next(&id);
    ec_shop_row_uuid(row, REQUEST_ID, high, ec_shop_next(&id));
    if (s->user) ec_shop_row_id(row, USER_ID, 'U', s->user, EC_SHOP_USER_DIGITS);
    ec_shop_row_uuid(row, SESSION_ID, s->id_high, s->id_low);
    set_endpoint(e, q, s, &r);
    ec_shop_row_plain(row, METHOD, q->method);
    ec_shop_row_uint(row, STATUS_CODE, pick_status(q, cached, &r));
    if (!ec_shop_chance(&r, 4)) set_delay(row, q->median_ms, cached, &r);
    if (!ec_shop_chance(&r, 10)) ec_shop_row_uint(row, PAYLOAD_SIZE_BYTES, ec_shop_spread(&r, q->median_bytes));
    ec_shop_row_bool(row, CACHE_HIT, cached);
    if (!ec_shop_chance(&r, 6)) ec_shop_row_plain(row, COUNTRY_CODE, s->place->code);
    set_address(row, s->address);
    ec_shop_row_plain(row, USER_AGENT, s->agent->text);
    if (ec_shop_chance(&r, 3)) row->cell[USER_AGENT].kind = EC_SHOP_ABSENT;
}

const struct ec_shop_rows ec_shop_log_rows = {
    .source = EC_SHOP_LOGS,
    .column = columns,
    .columns = COLUMNS,
    .defect = defects,
    .defects = sizeof defects / sizeof *defects,
    .build = build,
};
