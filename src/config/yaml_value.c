#include "config/yaml_value.h"

#include "base/json.h"
#include "config/config.h"

#define DIGITS_MAX 15u /* 10^15 < 2^53: digits and power of ten are both exact as double */

bool ec_yaml_is_null(const struct ec_yaml_node *node) {
    if (node->kind != EC_YAML_SCALAR || !node->plain) return false;
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        if (strcmp(node->text, nulls[i]) == 0) return true;
    return false;
}

const struct ec_yaml_node *ec_yaml_set(const struct ec_yaml_node *map, const char *key) {
    const struct ec_yaml_node *node = ec_yaml_get(map, key);
    return node && !ec_yaml_is_null(node) ? node : NULL;
}

/* What a node is, for messages: "a list", "`abc`". */
static void describe(const struct ec_yaml_node *node, char *out, size_t size) {
    if (node->kind == EC_YAML_LIST)
        (void)snprintf(out, size, _("a list"));
    else if (node->kind == EC_YAML_MAP)
        (void)snprintf(out, size, _("a mapping"));
    else if (ec_yaml_is_null(node))
        (void)snprintf(out, size, _("empty"));
    else if (!node->text[0])
        (void)snprintf(out, size, _("an empty text"));
    else
        (void)snprintf(out, size, "`%.80s`", node->text);
}

static enum ec_status wrong(const struct ec_yaml_node *node, struct ec_err *err, const char *wanted) {
    char found[96];
    describe(node, found, sizeof found);
    if (!node->name[0]) return ec_yaml_fail(node->at, err, "expected %s, found %s", wanted, found);
    return ec_yaml_fail(node->at, err, "%s`%.80s` must be %s, not %s", node->is_item ? _("an item of ") : "", node->name,
                        wanted, found);
}

enum ec_status ec_yaml_want_map(const struct ec_yaml_node *node, struct ec_err *err) {
    if (node->kind == EC_YAML_MAP || ec_yaml_is_null(node)) return EC_OK;
    return wrong(node, err, _("a mapping of `key: value`"));
}

enum ec_status ec_yaml_want_list(const struct ec_yaml_node *node, struct ec_err *err) {
    if (node->kind == EC_YAML_LIST) return EC_OK;
    return wrong(node, err, _("a list such as [a, b]"));
}

/* The one word that the other is a part of: `workers` of `data_workers`. */
static const char *only_containing(const char *word, const char *const *words, size_t count) {
    const char *found = NULL;
    for (size_t i = 0; strlen(word) >= 4 && i < count; i++) {
        if (!strstr(words[i], word)) continue;
        if (found) return NULL;
        found = words[i];
    }
    return found;
}

enum ec_status ec_yaml_unknown(struct ec_yaml_place at, const char *what, const char *word, const char *const *words,
                               size_t count, struct ec_err *err) {
    const char *nearest = ec_nearest(word, words, count);
    if (!nearest) nearest = only_containing(word, words, count);
    if (nearest) return ec_yaml_fail(at, err, "unknown %s `%.80s`; did you mean `%s`?", what, word, nearest);
    struct ec_buf list = ec_buf_make(512);
    for (size_t i = 0; i < count && !list.failed; i++) {
        size_t j = 0; /* a schema and its source may share a name */
        while (j < i && strcmp(words[j], words[i]) != 0) j++;
        if (j == i) ec_buf_printf(&list, "%s`%s`", i ? ", " : "", words[i]);
    }
    struct ec_str text = ec_buf_str(&list); /* whole words only where it was cut */
    enum ec_status status = count == 0 ? ec_yaml_fail(at, err, "unknown %s `%.80s`", what, word)
                                       : ec_yaml_fail(at, err, "unknown %s `%.80s`; known are %.*s%s", what, word,
                                                      (int)text.n, text.p, list.failed ? ", …" : "");
    ec_buf_free(&list);
    return status;
}

enum ec_status ec_yaml_keys(const struct ec_yaml_node *map, const char *const *keys, size_t count, struct ec_err *err) {
    EC_TRY(ec_yaml_want_map(map, err));
    for (const struct ec_yaml_node *n = map->child; n; n = n->next) {
        size_t i = 0;
        while (i < count && strcmp(keys[i], n->name) != 0) i++;
        if (i == count) return ec_yaml_unknown(n->key_at, _("key"), n->name, keys, count, err);
    }
    return EC_OK;
}

enum ec_status ec_yaml_bool(const struct ec_yaml_node *node, bool *value, struct ec_err *err) {
    bool is_true = node->kind == EC_YAML_SCALAR && strcmp(node->text, "true") == 0;
    bool is_false = node->kind == EC_YAML_SCALAR && strcmp(node->text, "false") == 0;
    if (!is_true && !is_false) return wrong(node, err, _("true or false"));
    *value = is_true;
    return EC_OK;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool whole_number(const char *text, uint64_t *value) {
    if (!is_digit(text[0]) || (text[0] == '0' && text[1])) return false; /* 012: ten or twelve? */
    uint64_t v = 0;
    for (; *text; text++) {
        if (!is_digit(*text) || __builtin_mul_overflow(v, UINT64_C(10), &v) ||
            __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
            return false;
    }
    *value = v;
    return true;
}

enum ec_status ec_yaml_uint(const struct ec_yaml_node *node, uint64_t min, uint64_t max, uint64_t *value,
                            struct ec_err *err) {
    uint64_t v;
    if (node->kind == EC_YAML_SCALAR && whole_number(node->text, &v) && v >= min && v <= max) {
        *value = v;
        return EC_OK;
    }
    char wanted[96];
    (void)snprintf(wanted, sizeof wanted, _("a whole number from %llu to %llu"), (unsigned long long)min,
                   (unsigned long long)max);
    return wrong(node, err, wanted);
}

bool ec_decimal_text(const char *text, double *value) {
    bool negative = text[0] == '-';
    if (negative || text[0] == '+') text++;
    uint64_t digits = 0;
    double scale = 1;
    unsigned count = 0;
    bool point = false;
    if (!is_digit(text[0])) return false;
    for (; *text; text++) {
        if (*text == '.' && !point && is_digit(text[1])) {
            point = true;
            continue;
        }
        if (!is_digit(*text) || (digits > 0 && ++count >= DIGITS_MAX)) return false;
        digits = digits * 10 + (uint64_t)(*text - '0');
        if (point) scale *= 10;
        if (scale > 1e22) return false;
    }
    *value = (double)digits / scale;
    if (negative) *value = -*value;
    return true;
}

enum ec_status ec_yaml_number(const struct ec_yaml_node *node, double min, double max, double *value,
                              struct ec_err *err) {
    double v;
    if (node->kind == EC_YAML_SCALAR && ec_decimal_text(node->text, &v) && v >= min && v <= max) {
        *value = v;
        return EC_OK;
    }
    char wanted[96], low[32], high[32];
    low[ec_double_format(min, low)] = '\0';
    high[ec_double_format(max, high)] = '\0';
    (void)snprintf(wanted, sizeof wanted, _("a number from %s to %s"), low, high);
    return wrong(node, err, wanted);
}

enum ec_status ec_yaml_share(const struct ec_yaml_node *node, double *value, struct ec_err *err) {
    const char *wanted = _("a share such as 1% or 0.01");
    if (node->kind != EC_YAML_SCALAR) return wrong(node, err, wanted);
    size_t n = strlen(node->text);
    bool percent = n > 0 && node->text[n - 1] == '%';
    char text[32];
    if (n >= sizeof text) return wrong(node, err, wanted);
    memcpy(text, node->text, n + 1);
    if (percent) {
        n--;
        while (n > 0 && text[n - 1] == ' ') n--;
        text[n] = '\0';
    }
    double v;
    if (!ec_decimal_text(text, &v) || v < 0 || v > 100) return wrong(node, err, wanted);
    if (!percent && v >= 1)
        return ec_yaml_fail(node->at, err, "`%s: %s` could mean one row or all of them; write %s%% or a share below 1",
                            node->name, node->text, text);
    *value = percent ? v / 100 : v;
    return EC_OK;
}

enum ec_status ec_yaml_duration(const struct ec_yaml_node *node, int64_t *seconds, struct ec_err *err) {
    const char *wanted = _("a span of time such as 90m, 36h, 2d or 1w");
    static const char units[] = "smhdw";
    static const int64_t unit_s[] = {1, 60, 3600, 86400, 604800};
    if (node->kind != EC_YAML_SCALAR) return wrong(node, err, wanted);
    size_t n = strlen(node->text);
    const char *unit = n > 1 ? strchr(units, node->text[n - 1]) : NULL;
    char text[16];
    uint64_t v;
    if (!unit || n > sizeof text) return wrong(node, err, wanted);
    memcpy(text, node->text, n - 1);
    text[n - 1] = '\0';
    if (!whole_number(text, &v) || v == 0 || v > 1000000000) return wrong(node, err, wanted);
    *seconds = (int64_t)v * unit_s[unit - units];
    return EC_OK;
}

enum ec_status ec_yaml_word(const struct ec_yaml_node *node, const char *const *words, size_t count, unsigned *index,
                            struct ec_err *err) {
    if (node->kind != EC_YAML_SCALAR) return wrong(node, err, _("a single word"));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(node->text, words[i]) != 0) continue;
        *index = (unsigned)i;
        return EC_OK;
    }
    return ec_yaml_unknown(node->at, node->name, node->text, words, count, err);
}

enum ec_status ec_yaml_text(const struct ec_yaml_node *node, struct ec_arena *arena, const char **text,
                            struct ec_err *err) {
    if (node->kind != EC_YAML_SCALAR || ec_yaml_is_null(node) || !node->text[0]) return wrong(node, err, _("a text"));
    *text = ec_arena_strdup(arena, node->text);
    if (!*text) return ec_fail(err, EC_NO_MEMORY, "no memory for the configuration");
    return EC_OK;
}

enum ec_status ec_yaml_texts(const struct ec_yaml_node *node, struct ec_arena *arena, const char ***texts,
                             size_t *count, struct ec_err *err) {
    const struct ec_yaml_node *item = node->kind == EC_YAML_LIST ? node->child : node;
    size_t n = node->kind == EC_YAML_LIST ? node->count : 1;
    *texts = ec_arena_calloc(arena, n, sizeof **texts);
    if (!*texts) return ec_fail(err, EC_NO_MEMORY, "no memory for the configuration");
    for (size_t i = 0; i < n; i++, item = item->next) EC_TRY(ec_yaml_text(item, arena, &(*texts)[i], err));
    *count = n;
    return EC_OK;
}
