#include "shop/row.h"

#include "base/calendar.h"

#include <assert.h>

void ec_shop_row_init(struct ec_shop_row *row) {
    row->count = 0;
    row->used = 0;
    row->day = INT64_MIN;
}

void ec_shop_row_clear(struct ec_shop_row *row, size_t columns) {
    memset(row->cell, 0, sizeof row->cell);
    row->count = columns;
    row->used = 0;
}

void ec_shop_row_take(struct ec_shop_row *row, size_t column, enum ec_shop_cell_kind kind, const char *end) {
    const char *p = row->text + row->used;
    assert(end >= p && end <= row->text + EC_SHOP_ROW_TEXT);
    row->cell[column] = (struct ec_shop_cell){p, (uint32_t)(end - p), (uint8_t)kind, true, 0};
    row->used = (size_t)(end - row->text);
}

char *ec_shop_put_uint(char *p, uint64_t value, unsigned digits) {
    char text[20];
    unsigned n = 0;
    do {
        text[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n < digits) text[n++] = '0';
    while (n > 0) *p++ = text[--n];
    return p;
}

void ec_shop_row_uint(struct ec_shop_row *row, size_t column, uint64_t value) {
    ec_shop_row_take(row, column, EC_SHOP_RAW, ec_shop_put_uint(ec_shop_row_text(row), value, 1));
}

void ec_shop_row_cents(struct ec_shop_row *row, size_t column, int64_t cents) {
    char *p = ec_shop_row_text(row);
    if (cents < 0) *p++ = '-';
    uint64_t size = cents < 0 ? 0 - (uint64_t)cents : (uint64_t)cents;
    p = ec_shop_put_uint(p, size / 100, 1);
    *p++ = '.';
    ec_shop_row_take(row, column, EC_SHOP_RAW, ec_shop_put_uint(p, size % 100, 2));
}

void ec_shop_row_bool(struct ec_shop_row *row, size_t column, bool value) {
    struct ec_str text = value ? EC_STR("true") : EC_STR("false");
    row->cell[column] = (struct ec_shop_cell){text.p, (uint32_t)text.n, EC_SHOP_RAW, true, 0};
}

void ec_shop_row_id(struct ec_shop_row *row, size_t column, char letter, uint64_t number, unsigned digits) {
    char *p = ec_shop_row_text(row);
    *p++ = letter;
    ec_shop_row_take(row, column, EC_SHOP_TEXT, ec_shop_put_uint(p, number, digits));
}

static char *put_hex(char *p, uint64_t bits, unsigned digits) {
    static const char hex[] = "0123456789abcdef";
    for (unsigned i = digits; i-- > 0;) *p++ = hex[bits >> 4 * i & 15];
    return p;
}

/* Random, of version 4 (RFC 9562, 5.4). */
void ec_shop_row_uuid(struct ec_shop_row *row, size_t column, uint64_t high, uint64_t low) {
    char *p = ec_shop_row_text(row);
    high = (high & ~UINT64_C(0xF000)) | 0x4000;
    low = (low & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
    p = put_hex(p, high >> 32, 8);
    *p++ = '-';
    p = put_hex(p, high >> 16, 4);
    *p++ = '-';
    p = put_hex(p, high, 4);
    *p++ = '-';
    p = put_hex(p, low >> 48, 4);
    *p++ = '-';
    ec_shop_row_take(row, column, EC_SHOP_TEXT, put_hex(p, low, 12));
}

#define SECONDS_PER_DAY 86400

static char *put_date(struct ec_shop_row *row, char *p, int64_t seconds) {
    int64_t day = seconds / SECONDS_PER_DAY;
    if (day != row->day) {
        (void)ec_date_format((int32_t)day, row->date);
        row->day = day;
    }
    return ec_shop_put(p, row->date, 10);
}

static char *put_clock(char *p, int64_t seconds) {
    uint64_t s = (uint64_t)(seconds % SECONDS_PER_DAY);
    p = ec_shop_put_uint(p, s / 3600, 2);
    *p++ = ':';
    p = ec_shop_put_uint(p, s / 60 % 60, 2);
    *p++ = ':';
    return ec_shop_put_uint(p, s % 60, 2);
}

void ec_shop_row_date(struct ec_shop_row *row, size_t column, int64_t seconds) {
    ec_shop_row_take(row, column, EC_SHOP_TIME, put_date(row, ec_shop_row_text(row), seconds));
    row->cell[column].seconds = seconds - seconds % SECONDS_PER_DAY;
}

void ec_shop_row_time(struct ec_shop_row *row, size_t column, int64_t seconds) {
    char *p = put_date(row, ec_shop_row_text(row), seconds);
    *p++ = ' ';
    ec_shop_row_take(row, column, EC_SHOP_TIME, put_clock(p, seconds));
    row->cell[column].seconds = seconds;
}

void ec_shop_row_stamp(struct ec_shop_row *row, size_t column, int64_t milliseconds) {
    char *p = put_date(row, ec_shop_row_text(row), milliseconds / 1000);
    *p++ = 'T';
    p = put_clock(p, milliseconds / 1000);
    *p++ = '.';
    p = ec_shop_put_uint(p, (uint64_t)(milliseconds % 1000), 3);
    *p++ = 'Z';
    ec_shop_row_take(row, column, EC_SHOP_TIME, p);
    row->cell[column].seconds = milliseconds / 1000;
}

static bool needs_quotes(const struct ec_shop_cell *c) {
    for (uint32_t i = 0; i < c->n; i++)
        if (c->p[i] == ',' || c->p[i] == '"' || c->p[i] == '\n' || c->p[i] == '\r') return true;
    return c->n == 0; /* the empty text, not null */
}

char *ec_shop_csv_row(char *p, const struct ec_shop_row *row) {
    for (size_t i = 0; i < row->count; i++) {
        const struct ec_shop_cell *c = &row->cell[i];
        if (i > 0) *p++ = ',';
        if (c->kind == EC_SHOP_NULL || c->kind == EC_SHOP_ABSENT) continue;
        if (c->plain || !needs_quotes(c)) {
            p = ec_shop_put(p, c->p, c->n);
            continue;
        }
        *p++ = '"';
        for (uint32_t k = 0; k < c->n; k++) {
            if (c->p[k] == '"') *p++ = '"';
            *p++ = c->p[k];
        }
        *p++ = '"';
    }
    return p;
}

static char *put_string(char *p, const struct ec_shop_cell *c) {
    *p++ = '"';
    if (c->plain) {
        p = ec_shop_put(p, c->p, c->n);
    } else {
        for (uint32_t k = 0; k < c->n; k++) {
            if (c->p[k] == '"' || c->p[k] == '\\') *p++ = '\\';
            *p++ = c->p[k];
        }
    }
    *p++ = '"';
    return p;
}

char *ec_shop_json_row(char *p, const struct ec_shop_row *row, const struct ec_str *key) {
    *p++ = '{';
    size_t skip = 1; /* the comma before the first key */
    for (size_t i = 0; i < row->count; i++) {
        const struct ec_shop_cell *c = &row->cell[i];
        if (c->kind == EC_SHOP_ABSENT) continue;
        p = ec_shop_put(p, key[i].p + skip, key[i].n - skip);
        skip = 0;
        if (c->kind == EC_SHOP_NULL)
            p = ec_shop_put(p, "null", 4);
        else if (c->kind == EC_SHOP_RAW)
            p = ec_shop_put(p, c->p, c->n);
        else
            p = put_string(p, c);
    }
    *p++ = '}';
    return p;
}
