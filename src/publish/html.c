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
