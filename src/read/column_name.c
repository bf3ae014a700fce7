#include "read/column_name.h"

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool ec_column_name_same(const char *a, const char *b) {
    while (*a && lower(*a) == lower(*b)) a++, b++;
    return lower(*a) == lower(*b);
}

/* By what every table has, and by derived columns. */
static bool is_reserved(const struct ec_source *source, const char *name) {
    if (ec_column_name_same(name, "_file") || ec_column_name_same(name, "_line")) return true;
    for (size_t i = 0; i < source->derive_count; i++)
        if (ec_column_name_same(name, source->derive[i].name)) return true;
    return false;
}

static bool is_taken(const struct ec_source *source, const struct ec_batch *batch, const char *name) {
    for (size_t i = 0; i < batch->columns; i++)
        if (ec_column_name_same(name, batch->column[i].name)) return true;
    return is_reserved(source, name);
}

static bool is_declared(const struct ec_source *source, const char *name) {
    for (size_t i = 0; i < source->column_count; i++)
        if (ec_column_name_same(name, source->column[i].name)) return true;
    return is_reserved(source, name);
}

/* What a table cannot bear becomes '_', in place. */
static void clean(char *name, size_t n) {
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || memchr(" ,;{}()=", name[i], 8)) name[i] = '_';
}

const char *ec_column_name(const struct ec_source *source, struct ec_batch *batch, struct ec_str raw) {
    if (raw.n == 0) raw = EC_STR("_");
    char *name = ec_arena_copy(&batch->memory, raw.p, raw.n);
    if (!name) return NULL;
    clean(name, raw.n);
    const char *candidate = name;
    for (unsigned k = 2; candidate && is_taken(source, batch, candidate); k++)
        candidate = ec_arena_printf(&batch->memory, "%s_%u", name, k);
    return candidate;
}

void ec_column_name_of_key(const struct ec_source *source, struct ec_str key, char out[EC_KEY_NAME_BYTES]) {
    if (key.n == 0) key = EC_STR("_");
    memcpy(out, key.p, key.n);
    clean(out, key.n);
    out[key.n] = '\0';
    for (unsigned k = 2; is_declared(source, out); k++) (void)snprintf(out + key.n, EC_KEY_NAME_BYTES - key.n, "_%u", k);
}
