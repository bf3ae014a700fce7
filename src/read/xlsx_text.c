/* Strings of a workbook: pieces of character data into one text (ECMA-376 part 1, 18.4 and 22.9.2.19). */
#include "read/xlsx.h"

#include "base/utf8.h"

/* Seven bytes (_xHHHH_) may stand for one UTF-16 unit. More cannot become a valid string. */
#define RAW_MAX ((size_t)7 * EC_XLSX_TEXT_MAX)

void ec_xlsx_text_begin(struct ec_xlsx_text *t) {
    t->start = t->buf.n;
    t->too_long = false;
}

void ec_xlsx_text_open(struct ec_xlsx_text *t, const char **attributes) {
    const char *space = ec_xml_attribute(attributes, "space");
    t->preserve = space && strcmp(space, "preserve") == 0;
    t->t_start = t->buf.n;
}

void ec_xlsx_text_add(struct ec_xlsx_text *t, const char *p, size_t n) {
    if (t->buf.n - t->start + n > RAW_MAX) t->too_long = true;
    if (!t->too_long) ec_buf_add(&t->buf, p, n);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void ec_xlsx_text_close(struct ec_xlsx_text *t) {
    struct ec_buf *b = &t->buf;
    if (t->preserve || b->failed || b->n == t->t_start) return;
    while (b->n > t->t_start && is_space(b->p[b->n - 1])) b->n--;
    size_t skip = t->t_start;
    while (skip < b->n && is_space(b->p[skip])) skip++;
    memmove(b->p + t->t_start, b->p + skip, b->n - skip);
    b->n -= skip - t->t_start;
}

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The unit of an escape _xHHHH_ at p, or -1. */
static int32_t escape(const char *p, size_t n) {
    if (n < 7 || p[0] != '_' || p[1] != 'x' || p[6] != '_') return -1;
    int32_t unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex(p[i]);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* The code point of the one or two escapes at p; *used is 0 where there is none that stands for a
 * character. NUL stays escaped: no text of ours holds one. */
static uint32_t unescape(const char *p, size_t n, size_t *used) {
    int32_t high = escape(p, n);
    *used = 0;
    if (high <= 0 || (high >= 0xdc00 && high < 0xe000)) return 0;
    if (high < 0xd800 || high >= 0xe000) {
        *used = 7;
        return (uint32_t)high;
    }
    int32_t low = escape(p + 7, n - 7);
    if (low < 0xdc00 || low >= 0xe000) return 0;
    *used = 14;
    return 0x10000u + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

static size_t unescape_all(char *p, size_t n) {
    char *out = memchr(p, '_', n);
    if (!out) return n;
    const char *in = out, *end = p + n;
    while (in < end) {
        size_t used = 0;
        uint32_t code = *in == '_' ? unescape(in, (size_t)(end - in), &used) : 0;
        if (used) {
            out += ec_utf8_encode(code, out);
            in += used;
        } else {
            *out++ = *in++;
        }
    }
    return (size_t)(out - p);
}

static size_t utf16_units(const char *p, size_t n) {
    size_t units = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        units += (c & 0xc0) != 0x80; /* the first byte of a character */
        units += c >= 0xf0;          /* which takes a surrogate pair */
    }
    return units;
}

void ec_xlsx_text_end(struct ec_xlsx_text *t) {
    if (t->buf.failed || t->buf.n == t->start) return;
    char *p = t->buf.p + t->start;
    size_t n = unescape_all(p, t->buf.n - t->start);
    if (n > EC_XLSX_TEXT_MAX && utf16_units(p, n) > EC_XLSX_TEXT_MAX) t->too_long = true;
    t->buf.n = t->start + n;
}
