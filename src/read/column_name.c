#include "read/column_name.h"

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_name(const char *a, const char *b) {
    while (*a && lower(*a) == lower(*b)) a++, b++;
    return lower(*a) == lower(*b);
}

static bool is_taken(const struct ec_source *source, const struct ec_batch *batch, const char *name) {
    if (same_name(name, "_file") || same_name(name, "_line")) return true;
    for (size_t i = 0; i < batch->columns; i++)
        if (same_name(name, batch->column[i].name)) return true;
    for (size_t i = 0; i < source->derive_count; i++)
        if (same_name(name, source->derive[i].name)) return true;
    return false;
}

const char *ec_column_name(const struct ec_source *source, struct ec_batch *batch, struct ec_str raw) {
    if (raw.n == 0) raw = EC_STR("_");
    char *name = ec_arena_copy(&batch->memory, raw.p, raw.n);
    if (!name) return NULL;
    for (size_t i = 0; i < raw.n; i++)
        if ((unsigned char)name[i] < 0x20 || memchr(" ,;{}()=", name[i], 8)) name[i] = '_';
    const char *candidate = name;
    for (unsigned k = 2; candidate && is_taken(source, batch, candidate); k++)
        candidate = ec_arena_printf(&batch->memory, "%s_%u", name, k);
    return candidate;
}
