#include "publish/html.h"

void ec_html_text(struct ec_buf *out, struct ec_str text) {
    size_t i = 0;
    while (i < text.n) {
        char shown[EC_VISIBLE_MAX];
        size_t n;
        i += ec_visible_step(text.p + i, text.n - i, shown, &n);
        switch (n == 1 ? shown[0] : '\0') {
        case '&': ec_buf_addz(out, "&amp;"); break;
        case '<': ec_buf_addz(out, "&lt;"); break;
        case '>': ec_buf_addz(out, "&gt;"); break;
        case '"': ec_buf_addz(out, "&quot;"); break;
        case '\'': ec_buf_addz(out, "&#39;"); break;
        default: ec_buf_add(out, shown, n);
        }
    }
}

void ec_html_z(struct ec_buf *out, const char *z) {
    if (z)
        ec_html_text(out, ec_str_of(z));
    else
        ec_buf_addz(out, "–");
}

void ec_html_value(struct ec_buf *out, const char *z) {
    ec_buf_addz(out, "<bdi>");
    ec_html_z(out, z);
    ec_buf_addz(out, "</bdi>");
}

void ec_html_url(struct ec_buf *out, const char *z) {
    static const char digits[] = "0123456789ABCDEF";
    for (; *z; z++) {
        unsigned char c = (unsigned char)*z;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '.' || c == '_' || c == '~';
        if (plain) {
            ec_buf_addc(out, (char)c);
            continue;
        }
        char escape[3] = {'%', digits[c >> 4], digits[c & 15]};
        ec_buf_add(out, escape, sizeof escape);
    }
}
