#include "remote/encode.h"

static bool is_unreserved(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

void ec_percent_encode(struct ec_buf *out, const char *p, size_t n, bool slashes) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (is_unreserved(c) || (slashes && c == '/')) {
            ec_buf_addc(out, (char)c);
        } else {
            ec_buf_addc(out, '%');
            ec_buf_addc(out, digits[c >> 4]);
            ec_buf_addc(out, digits[c & 15]);
        }
    }
}

static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool ec_percent_decode(struct ec_buf *out, const char *p, size_t n, bool plus) {
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (c == '%') {
            int high = n - i > 2 ? digit(p[i + 1]) : -1, low = high < 0 ? -1 : digit(p[i + 2]);
            if (low < 0) return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0') return false;
        ec_buf_addc(out, c);
    }
    return true;
}
