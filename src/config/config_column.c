/* One column of data_schemas.json: its type, or an object that says more. */
#include "config/loader.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const types[] = {"string", "integer", "float", "boolean", "datetime", "date", "decimal(p,s)"};
static const enum ec_type type_of[] = {EC_TYPE_STRING,   EC_TYPE_INTEGER, EC_TYPE_FLOAT,  EC_TYPE_BOOLEAN,
                                       EC_TYPE_DATETIME, EC_TYPE_DATE,    EC_TYPE_DECIMAL};

/* What other programs call our types, for the message. */
static const struct {
    const char *other;
    const char *ours;
} synonyms[] = {{"int", "integer"},          {"bigint", "integer"},     {"long", "integer"},
                {"int64", "integer"},        {"str", "string"},         {"text", "string"},
                {"varchar", "string"},       {"object", "string"},      {"double", "float"},
                {"number", "float"},         {"real", "float"},         {"float64", "float"},
                {"bool", "boolean"},         {"timestamp", "datetime"}, {"numeric", "decimal(p,s)"},
                {"decimal", "decimal(p,s)"}, {"time", "datetime"},      {"datetime64", "datetime"}};

static enum ec_status unknown_type(const struct ec_yaml_node *node, struct ec_err *err) {
    for (size_t i = 0; i < COUNT(synonyms); i++)
        if (ec_same_name(node->text, synonyms[i].other))
            return ec_yaml_fail(node->at, err, "unknown type `%s`; did you mean `%s`?", node->text, synonyms[i].ours);
    return ec_yaml_unknown(node->at, _("type"), node->text, types, COUNT(types), err);
}

static const char *skip_spaces(const char *p) {
    while (*p == ' ') p++;
    return p;
}

/* One or two digits; NULL where there are none or more. */
static const char *small_number(const char *p, unsigned *value) {
    unsigned digits = 0;
    for (*value = 0; *p >= '0' && *p <= '9'; p++, digits++) *value = *value * 10 + (unsigned)(*p - '0');
    return digits == 1 || digits == 2 ? skip_spaces(p) : NULL;
}

/* "decimal(p,s)" */
static enum ec_status load_decimal(const struct ec_yaml_node *node, struct ec_column_type *type, struct ec_err *err) {
    unsigned precision = 0, scale = 0;
    const char *p = skip_spaces(node->text + strlen("decimal"));
    p = *p == '(' ? small_number(skip_spaces(p + 1), &precision) : NULL;
    p = p && *p == ',' ? small_number(skip_spaces(p + 1), &scale) : NULL;
    if (!p || p[0] != ')' || p[1] != '\0')
        return ec_yaml_fail(node->at, err, "a decimal is written decimal(p,s): p digits, s of them behind the point");
    if (precision < 1 || precision > EC_DECIMAL_PRECISION_MAX || scale > precision)
        return ec_yaml_fail(node->at, err,
                            "decimal(%u,%u) is out of bounds: 1 to %u digits, and no more behind the point", precision,
                            scale, EC_DECIMAL_PRECISION_MAX);
    *type = (struct ec_column_type){EC_TYPE_DECIMAL, (uint8_t)precision, (uint8_t)scale};
    return EC_OK;
}

static enum ec_status load_type(const struct ec_yaml_node *node, struct ec_column_type *type, struct ec_err *err) {
    if (node->kind != EC_YAML_SCALAR) return ec_yaml_fail(node->at, err, "a type is a word such as \"datetime\"");
    const char *after = strncmp(node->text, "decimal", 7) == 0 ? skip_spaces(node->text + 7) : "";
    if (*after == '(') return load_decimal(node, type, err);
    for (size_t i = 0; i < COUNT(types) - 1; i++) { /* decimal alone has no precision */
        if (strcmp(node->text, types[i]) != 0) continue;
        *type = (struct ec_column_type){.type = type_of[i]};
        return EC_OK;
    }
    return unknown_type(node, err);
}

static enum ec_status load_formats(struct ec_arena *arena, const struct ec_yaml_node *node,
                                   struct ec_schema_column *column, struct ec_err *err) {
    if (!node) return EC_OK;
    if (column->type.type != EC_TYPE_DATE && column->type.type != EC_TYPE_DATETIME)
        return ec_yaml_fail(node->key_at, err, "`formats` is for date and datetime; `%s` is %s", column->name,
                            ec_type_name(column->type.type));
    EC_TRY(ec_yaml_texts(node, arena, &column->formats, &column->format_count, err));
    const struct ec_yaml_node *item = node->kind == EC_YAML_LIST ? node->child : node;
    for (size_t i = 0; i < column->format_count; i++, item = item->next) {
        const char *p = strchr(item->text, '%');
        if (!p)
            return ec_yaml_fail(item->at, err, "the format `%.80s` names no part of a date, such as %%Y", item->text);
        for (; p; p = strchr(p + 2, '%'))
            if (!p[1] || !strchr("YymdejHIMSfpbBaAzZsFDTR%", p[1]))
                return ec_yaml_fail(
                    item->at, err,
                    "the format `%.80s` has the unknown part `%%%.1s`; known are %%Y %%m %%d %%H %%M %%S "
                    "%%f %%z %%b %%y %%j %%p and others of strftime",
                    item->text, p + 1);
    }
    return EC_OK;
}

static enum ec_status load_null_values(struct ec_arena *arena, const struct ec_yaml_node *node,
                                       struct ec_schema_column *column, struct ec_err *err) {
    if (!node) return EC_OK;
    const char **texts;
    EC_TRY(ec_yaml_texts(node, arena, &texts, &column->null_value_count, err));
    column->null_values = ec_arena_calloc(arena, column->null_value_count, sizeof *column->null_values);
    if (!column->null_values) return ec_load_no_memory(err);
    for (size_t i = 0; i < column->null_value_count; i++) column->null_values[i] = ec_str_of(texts[i]);
    return EC_OK;
}

/* "+02:00" or "-05:30"; "UTC" and "Z" are the default. */
static enum ec_status load_timezone(struct ec_arena *arena, const struct ec_yaml_node *node,
                                    struct ec_schema_column *column, struct ec_err *err) {
    if (!node) return EC_OK;
    const char *t = node->text;
    if (column->type.type != EC_TYPE_DATETIME)
        return ec_yaml_fail(node->key_at, err, "`timezone` is for datetime; `%s` is %s", column->name,
                            ec_type_name(column->type.type));
    if (node->kind == EC_YAML_SCALAR && (strcmp(t, "UTC") == 0 || strcmp(t, "Z") == 0)) return EC_OK;
    bool good = strlen(t) == 6 && (t[0] == '+' || t[0] == '-') && t[3] == ':' && strspn(t + 1, "0123456789") == 2 &&
                strspn(t + 4, "0123456789") == 2;
    good = good && (t[1] < '1' || (t[1] == '1' && t[2] <= '4')) && t[4] <= '5'; /* at most 14:59 */
    if (!good)
        return ec_yaml_fail(node->at, err, "`timezone` must be UTC or a fixed offset such as \"+02:00\", not `%.80s`",
                            t);
    column->timezone = ec_arena_strdup(arena, t);
    return column->timezone ? EC_OK : ec_load_no_memory(err);
}

bool ec_column_name_valid(const char *name, const char **why) {
    static const char *const reserved[] = {"_file", "_line", "_rows"};
    for (size_t i = 0; i < COUNT(reserved); i++) {
        *why = _("it is a name that Ecluse uses itself");
        if (ec_same_name(name, reserved[i])) return false;
    }
    *why = _("a space and any of , ; { } ( ) = are not allowed in a Delta table");
    if (strpbrk(name, " ,;{}()=")) return false;
    *why = _("control characters are not allowed");
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F) return false;
    *why = _("it is empty or longer than the limit of 255 bytes");
    size_t n = strlen(name);
    return n > 0 && n <= EC_COLUMN_NAME_MAX;
}

enum ec_status ec_load_column(struct ec_loader *loader, const struct ec_yaml_node *node,
                              struct ec_schema_column *column, struct ec_err *err) {
    static const char *const keys[] = {"type", "not_null", "formats", "null_values", "timezone"};
    struct ec_arena *arena = &loader->config->arena;
    const char *why;
    if (!ec_column_name_valid(node->name, &why))
        return ec_yaml_fail(node->key_at, err, "`%.80s` cannot name a column: %s", node->name, why);
    column->name = ec_arena_strdup(arena, node->name);
    if (!column->name) return ec_load_no_memory(err);
    if (node->kind == EC_YAML_SCALAR && !ec_yaml_is_null(node)) return load_type(node, &column->type, err);

    if (node->kind != EC_YAML_MAP)
        return ec_yaml_fail(node->at, err,
                            "the column `%s` must be a type such as \"datetime\", or an object with `type`",
                            column->name);
    EC_TRY(ec_yaml_keys(node, keys, COUNT(keys), err));
    const struct ec_yaml_node *type = ec_yaml_set(node, "type");
    const struct ec_yaml_node *not_null = ec_yaml_set(node, "not_null");
    if (!type) return ec_yaml_fail(node->key_at, err, "the column `%s` has no `type`", column->name);
    EC_TRY(load_type(type, &column->type, err));
    if (not_null) EC_TRY(ec_yaml_bool(not_null, &column->not_null, err));
    EC_TRY(load_formats(arena, ec_yaml_set(node, "formats"), column, err));
    EC_TRY(load_null_values(arena, ec_yaml_set(node, "null_values"), column, err));
    return load_timezone(arena, ec_yaml_set(node, "timezone"), column, err);
}
