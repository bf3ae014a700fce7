#include "base/json.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>

static const char hex[] = "0123456789abcdef";

/* Bytes that may stand in a JSON string, an HTML script element and a line as they are. */
static bool is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void add_escape(struct ec_buf *out, unsigned code) {
    char text[6] = {'\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15]};
    ec_buf_add(out, text, sizeof text);
}

static void add_special(struct ec_buf *out, unsigned char c) {
    switch (c) {
    case '"': ec_buf_add(out, "\\\"", 2); break;
    case '\\': ec_buf_add(out, "\\\\", 2); break;
    case '\n': ec_buf_add(out, "\\n", 2); break;
    case '\r': ec_buf_add(out, "\\r", 2); break;
    case '\t': ec_buf_add(out, "\\t", 2); break;
    default: add_escape(out, c);
    }
}

/* Adds the character at p, which is not ASCII; returns how many bytes it took. */
static size_t add_multibyte(struct ec_buf *out, const char *p, size_t n) {
    size_t k = 2;
    while (k <= 4 && k <= n && !ec_utf8_valid(p, k)) k++;
    if (k > 4 || k > n) {
        ec_buf_add(out, "\xEF\xBF\xBD", 3);
        return 1;
    }
    if (k == 3 && memcmp(p, "\xE2\x80\xA8", 3) == 0)
        add_escape(out, 0x2028);
    else if (k == 3 && memcmp(p, "\xE2\x80\xA9", 3) == 0)
        add_escape(out, 0x2029);
    else
        ec_buf_add(out, p, k);
    return k;
}

/* What stands behind the backslash of an escaped byte; 0: it is plain; 1: it is not ASCII. */
static const char escapes[256] = {
    [0 ... 8] = 'u', ['\t'] = 't', ['\n'] = 'n', [11 ... 12] = 'u', ['\r'] = 'r', [14 ... 31] = 'u', ['"'] = '"',
    ['&'] = 'u',     ['<'] = 'u',  ['>'] = 'u',  ['\\'] = '\\',     [127] = 'u',  [128 ... 255] = 1,
};
#define PIECE   256u /* bytes that are quoted at a time */
#define LONGEST 6u   /* of an escape */

/* Up to n ASCII bytes to `to`, where each has room to be escaped; how many there were. */
static size_t quote_ascii(const char *p, size_t n, char **to) {
    size_t i = 0;
    for (; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        char escape = escapes[c];
        if (escape == 1) break;
        if (!escape) {
            *(*to)++ = p[i];
            continue;
        }
        *(*to)++ = '\\';
        *(*to)++ = escape;
        if (escape != 'u') continue;
        memcpy(*to, (char[4]){'0', '0', hex[c >> 4], hex[c & 15]}, 4);
        *to += 4;
    }
    return i;
}

/* Byte by byte, where the buffer may have no room for all of them escaped. */
static size_t quote_tightly(struct ec_buf *out, const char *p, size_t n) {
    size_t i = 0;
    while (i < n && is_plain((unsigned char)p[i])) i++;
    ec_buf_add(out, p, i);
    if (i < n && (unsigned char)p[i] < 0x80) add_special(out, (unsigned char)p[i++]);
    return i;
}

void ec_json_quote(struct ec_buf *out, const char *p, size_t n) {
    ec_buf_addc(out, '"');
    for (size_t i = 0; i < n && !out->failed;) {
        size_t piece = n - i < PIECE ? n - i : PIECE;
        if (piece * LONGEST < out->bytes_max - out->n) {
            char *to = ec_buf_reserve(out, piece * LONGEST);
            if (!to) return;
            i += quote_ascii(p + i, piece, &to);
            out->n = (size_t)(to - out->p);
        } else {
            i += quote_tightly(out, p + i, piece);
        }
        if (i < n && (unsigned char)p[i] >= 0x80) i += add_multibyte(out, p + i, n - i);
    }
    ec_buf_addc(out, '"');
}

void ec_json_init(struct ec_json_writer *w, struct ec_buf *out) {
    *w = (struct ec_json_writer){.out = out, .first = true};
}

static void new_line(struct ec_json_writer *w) {
    ec_buf_addc(w->out, '\n');
    for (unsigned i = 0; i < w->depth; i++) ec_buf_add(w->out, "  ", 2);
}

static void begin(struct ec_json_writer *w, const char *key) {
    if (!w->first) ec_buf_addc(w->out, ',');
    if (w->pretty && w->depth > 0) new_line(w);
    w->first = false;
    if (!key) return;
    ec_json_quote(w->out, key, strlen(key));
    ec_buf_addz(w->out, w->pretty ? ": " : ":");
}

static void open_with(struct ec_json_writer *w, const char *key, char bracket) {
    begin(w, key);
    ec_buf_addc(w->out, bracket);
    w->depth++;
    w->first = true;
}

static void close_with(struct ec_json_writer *w, char bracket) {
    w->depth--;
    if (w->pretty && !w->first) new_line(w);
    ec_buf_addc(w->out, bracket);
    w->first = false;
}

void ec_json_object(struct ec_json_writer *w, const char *key) {
    open_with(w, key, '{');
}
void ec_json_array(struct ec_json_writer *w, const char *key) {
    open_with(w, key, '[');
}
void ec_json_end(struct ec_json_writer *w) {
    close_with(w, '}');
}
void ec_json_end_array(struct ec_json_writer *w) {
    close_with(w, ']');
}

void ec_json_text(struct ec_json_writer *w, const char *key, struct ec_str value) {
    begin(w, key);
    ec_json_quote(w->out, value.p, value.n);
}

void ec_json_str(struct ec_json_writer *w, const char *key, const char *value) {
    if (!value) {
        ec_json_null(w, key);
        return;
    }
    ec_json_text(w, key, ec_str_of(value));
}

void ec_json_int(struct ec_json_writer *w, const char *key, int64_t value) {
    char text[32];
    size_t n = ec_decimal_format(value, 0, text);
    begin(w, key);
    ec_buf_add(w->out, text, n);
}

void ec_json_uint(struct ec_json_writer *w, const char *key, uint64_t value) {
    char text[20];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    begin(w, key);
    ec_buf_add(w->out, text + at, sizeof text - at);
}

void ec_json_double(struct ec_json_writer *w, const char *key, double value) {
    if (!isfinite(value)) {
        ec_json_null(w, key);
        return;
    }
    char text[32];
    size_t n = ec_double_format(value, text);
    begin(w, key);
    ec_buf_add(w->out, text, n);
}

void ec_json_fixed(struct ec_json_writer *w, const char *key, double value, int decimals) {
    if (!isfinite(value)) {
        ec_json_null(w, key);
        return;
    }
    char text[EC_FIXED_TEXT];
    size_t n = ec_double_fixed(value, decimals, text);
    begin(w, key);
    ec_buf_add(w->out, text, n);
}

void ec_json_bool(struct ec_json_writer *w, const char *key, bool value) {
    begin(w, key);
    ec_buf_addz(w->out, value ? "true" : "false");
}

void ec_json_null(struct ec_json_writer *w, const char *key) {
    begin(w, key);
    ec_buf_add(w->out, "null", 4);
}

void ec_json_raw(struct ec_json_writer *w, const char *key, struct ec_str json) {
    begin(w, key);
    ec_buf_add(w->out, json.p, json.n);
}

void ec_json_error(struct ec_json_writer *w, const char *key, enum ec_status status, const char *message) {
    ec_json_object(w, key);
    ec_json_str(w, "code", ec_status_text(status)->slug);
    ec_json_str(w, "message", message);
    ec_json_end(w);
}
