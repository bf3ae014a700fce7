#include "base/inert.h"

#include "base/utf8.h"

static const char hex[] = "0123456789ABCDEF";

static size_t put(char out[EC_INERT_MAX], const char *text, size_t n) {
    memcpy(out, text, n);
    return n;
}

static size_t escape_byte(char out[EC_INERT_MAX], unsigned char c) {
    if (c == '\n') return put(out, "\\n", 2);
    if (c == '\r') return put(out, "\\r", 2);
    if (c == '\t') return put(out, "\\t", 2);
    const char text[] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
    return put(out, text, sizeof text);
}

static size_t escape_code(char out[EC_INERT_MAX], uint32_t code) {
    const char text[] = {'\\',           'u', '{', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15],
                         hex[code & 15], '}'};
    return put(out, text, sizeof text);
}

/* Of what is not ASCII: controls of the upper half of Latin-1, separators, and marks and overrides of direction. */
static bool is_active(uint32_t code) {
    return code <= 0x9F || code == 0x061C || code == 0x200E || code == 0x200F ||
           (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

/* Of the k bytes of one valid character. */
static uint32_t code_point(const unsigned char *p, size_t k) {
    uint32_t code = p[0] & (0xFFu >> (k + 1));
    for (size_t i = 1; i < k; i++) code = code << 6 | (p[i] & 0x3Fu);
    return code;
}

size_t ec_inert_next(const char *p, size_t n, char out[EC_INERT_MAX], size_t *out_n) {
    unsigned char c = (unsigned char)p[0];
    if (c < 0x80) {
        *out_n = c < 0x20 || c == 0x7F ? escape_byte(out, c) : put(out, p, 1);
        return 1;
    }
    size_t k = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (k > n || !ec_utf8_valid(p, k)) {
        *out_n = escape_byte(out, c);
        return 1;
    }
    uint32_t code = code_point((const unsigned char *)p, k);
    *out_n = is_active(code) ? escape_code(out, code) : put(out, p, k);
    return k;
}

void ec_inert_add(struct ec_buf *buf, const char *p, size_t n) {
    for (size_t i = 0; i < n;) {
        char out[EC_INERT_MAX];
        size_t out_n;
        i += ec_inert_next(p + i, n - i, out, &out_n);
        ec_buf_add(buf, out, out_n);
    }
}

void ec_inert_print(const char *p, size_t n, FILE *file) {
    for (size_t i = 0; i < n;) {
        char out[EC_INERT_MAX];
        size_t out_n;
        i += ec_inert_next(p + i, n - i, out, &out_n);
        (void)fwrite(out, 1, out_n, file);
    }
}
