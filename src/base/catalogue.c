#include "base/catalogue.h"

#define MAGIC 0x950412deu

static uint32_t number_at(struct ec_str mo, size_t at) {
    uint32_t n;
    memcpy(&n, mo.p + at, sizeof n);
    return n;
}

/* Text i of the table at `table`; {NULL, 0} where it does not lie in the catalogue with its NUL. */
static struct ec_str text_at(struct ec_str mo, size_t table, size_t i) {
    size_t at = table + 8 * i;
    if (at + 8 > mo.n) return (struct ec_str){NULL, 0};
    size_t length = number_at(mo, at), offset = number_at(mo, at + 4);
    if (offset >= mo.n || length >= mo.n - offset || mo.p[offset + length] != '\0') return (struct ec_str){NULL, 0};
    return (struct ec_str){mo.p + offset, length};
}

struct ec_str ec_catalogue_find(struct ec_str mo, const char *key) {
    const struct ec_str none = {NULL, 0};
    if (mo.n < 28 || number_at(mo, 0) != MAGIC) return none;
    size_t low = 0, high = number_at(mo, 8), originals = number_at(mo, 12), translations = number_at(mo, 16);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct ec_str original = text_at(mo, originals, middle);
        if (!original.p) return none;
        int order = strcmp(key, original.p); /* up to its first NUL: the singular */
        if (order == 0) return text_at(mo, translations, middle);
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return none;
}

const char *ec_catalogue_form(struct ec_str translation, unsigned form) {
    const char *p = translation.p, *end = translation.p + translation.n;
    while (form-- > 0) {
        const char *next = p + strlen(p) + 1;
        if (next > end) break;
        p = next;
    }
    return p;
}
