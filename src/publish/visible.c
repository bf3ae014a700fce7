#include "publish/visible.h"

#include "base/utf8.h"

/* Default-ignorable and formatting characters, in rising order (Unicode 15, general category Cf
 * and the line and paragraph separators). */
static const struct {
    uint32_t first, last;
} invisible[] = {
    {0x80, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},     {0x600, 0x605},   {0x61C, 0x61C},   {0x6DD, 0x6DD},
    {0x70F, 0x70F},     {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F}, {0x200B, 0x200F}, {0x2028, 0x202E},
    {0x2060, 0x206F},   {0x3164, 0x3164},   {0xFE00, 0xFE0E},   {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB},
    {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

static bool is_invisible(uint32_t c) {
    for (size_t i = 0; i < sizeof invisible / sizeof *invisible; i++)
        if (c >= invisible[i].first && c <= invisible[i].last) return true;
    return false;
}

static uint32_t decode(const unsigned char *p, size_t n) {
    if (n == 1) return p[0];
    uint32_t c = p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) c = c << 6 | (p[i] & 0x3Fu);
    return c;
}

size_t ec_visible_step(const char *p, size_t n, char out[EC_VISIBLE_MAX], size_t *out_n) {
    size_t k = 1;
    while (k <= 4 && k <= n && !ec_utf8_valid(p, k)) k++;
    if (k > 4 || k > n) {
        *out_n = ec_utf8_encode(0xFFFD, out);
        return 1;
    }
    uint32_t c = decode((const unsigned char *)p, k);
    if (c < 0x20) {
        *out_n = ec_utf8_encode(0x2400 + c, out);
    } else if (c == 0x7F) {
        *out_n = ec_utf8_encode(0x2421, out);
    } else if (is_invisible(c)) {
        *out_n = (size_t)snprintf(out, EC_VISIBLE_MAX, "[U+%04X]", (unsigned)c);
    } else {
        memcpy(out, p, k);
        *out_n = k;
    }
    return k;
}

void ec_visible_add(struct ec_buf *out, struct ec_str text) {
    size_t i = 0;
    while (i < text.n) {
        char shown[EC_VISIBLE_MAX];
        size_t n;
        i += ec_visible_step(text.p + i, text.n - i, shown, &n);
        ec_buf_add(out, shown, n);
    }
}
