/* The keys of a source that name its columns: `key`, `partition_by`, `freshness`, `money`. */
#include "config/loader.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static enum ec_status unknown_column(struct ec_loader *loader, const struct ec_source *source,
                                     const struct ec_yaml_node *node, bool derived_too, struct ec_err *err) {
    const char *const *names;
    size_t count;
    EC_TRY(ec_load_names(loader, source, &names, &count, err));
    if (!derived_too) count = source->column_count;
    return ec_yaml_unknown(node->at, _("column"), node->text, names, count, err);
}

static enum ec_status load_key(struct ec_loader *loader, struct ec_source *source, const struct ec_yaml_node *key,
                               struct ec_err *err) {
    if (!key) return EC_OK;
    EC_TRY(ec_yaml_texts(key, &loader->config->arena, &source->key, &source->key_count, err));
    const struct ec_yaml_node *item = key->kind == EC_YAML_LIST ? key->child : key;
    for (size_t i = 0; i < source->key_count; i++, item = item->next) {
        for (size_t j = 0; j < i; j++)
            if (strcmp(source->key[i], source->key[j]) == 0)
                return ec_yaml_fail(item->at, err, "the column `%s` stands in the key twice", source->key[i]);
        if (ec_source_column(source, source->key[i]) != SIZE_MAX) continue;
        if (ec_source_has(source, source->key[i]))
            return ec_yaml_fail(item->at, err, "`%s` is a derived column; a key is made of declared columns",
                                source->key[i]);
        return unknown_column(loader, source, item, false, err);
    }
    return EC_OK;
}

/* Declared columns of numbers, and derived ones, whose type is not known yet: what is no number does not count. */
static enum ec_status load_money(struct ec_loader *loader, struct ec_source *source, const struct ec_yaml_node *money,
                                 struct ec_err *err) {
    if (!money) return EC_OK;
    EC_TRY(ec_yaml_texts(money, &loader->config->arena, &source->money, &source->money_count, err));
    const struct ec_yaml_node *item = money->kind == EC_YAML_LIST ? money->child : money;
    for (size_t i = 0; i < source->money_count; i++, item = item->next) {
        size_t at = ec_source_column(source, source->money[i]);
        if (at == SIZE_MAX && !ec_source_has(source, source->money[i])) return unknown_column(loader, source, item, true, err);
        enum ec_type type = at == SIZE_MAX ? EC_TYPE_FLOAT : source->column[at].type.type;
        if (type != EC_TYPE_FLOAT && type != EC_TYPE_DECIMAL && type != EC_TYPE_INTEGER)
            return ec_yaml_fail(item->at, err, "`%s` is %s; money is a number", source->money[i], ec_type_name(type));
    }
    return EC_OK;
}

static enum ec_status load_partition(struct ec_loader *loader, struct ec_source *source,
                                     const struct ec_yaml_node *node, struct ec_err *err) {
    if (!node) return EC_OK;
    EC_TRY(ec_yaml_text(node, &loader->config->arena, &source->partition_by, err));
    if (!ec_source_has(source, source->partition_by)) return unknown_column(loader, source, node, true, err);
    size_t i = ec_source_column(source, source->partition_by);
    if (i == SIZE_MAX) return EC_OK;
    enum ec_type type = source->column[i].type.type;
    if (type == EC_TYPE_DATETIME || type == EC_TYPE_FLOAT || type == EC_TYPE_DECIMAL)
        return ec_yaml_fail(
            node->at, err,
            "`%s` is %s: nearly every row would be a partition; derive one, such as date: CAST(%s AS DATE)", node->text,
            ec_type_name(type), node->text);
    return EC_OK;
}

static bool is_time(const struct ec_schema_column *column) {
    return column->type.type == EC_TYPE_DATETIME || column->type.type == EC_TYPE_DATE;
}

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           ((unsigned char)c & 0x80);
}

/* The first declared date or datetime that a SQL expression names, or NULL. */
static const char *time_column_of(const struct ec_source *source, const char *expression) {
    for (const char *p = expression; *p;) {
        if (*p == '\'') { /* a text literal names nothing */
            const char *end = strchr(p + 1, '\'');
            if (!end) return NULL;
            p = end + 1;
            continue;
        }
        size_t n = 0;
        while (is_word(p[n])) n++;
        for (size_t i = 0; n > 0 && i < source->column_count; i++) {
            const char *name = source->column[i].name;
            if (is_time(&source->column[i]) && strlen(name) == n && ec_same_name_n(name, p, n)) return name;
        }
        p += n > 0 ? n : 1;
    }
    return NULL;
}

/* What the age of a source is told by where nobody says: the time that it is partitioned by. */
static const char *default_freshness(const struct ec_source *source) {
    if (!source->partition_by) return NULL;
    size_t i = ec_source_column(source, source->partition_by);
    if (i != SIZE_MAX) return is_time(&source->column[i]) ? source->column[i].name : NULL;
    for (size_t d = 0; d < source->derive_count; d++)
        if (strcmp(source->derive[d].name, source->partition_by) == 0)
            return time_column_of(source, source->derive[d].expression);
    return NULL;
}

static enum ec_status load_freshness_map(struct ec_loader *loader, struct ec_source *source,
                                         const struct ec_yaml_node *node, struct ec_err *err) {
    static const char *const keys[] = {"column", "max_age"};
    EC_TRY(ec_yaml_keys(node, keys, COUNT(keys), err));
    const struct ec_yaml_node *column = ec_yaml_set(node, "column");
    const struct ec_yaml_node *age = ec_yaml_set(node, "max_age");
    if (!age) return ec_yaml_fail(node->key_at, err, "`freshness` needs `max_age`, such as 2d");
    EC_TRY(ec_yaml_duration(age, &source->freshness_s, err));
    if (!column) return EC_OK;
    EC_TRY(ec_yaml_text(column, &loader->config->arena, &source->freshness_column, err));
    size_t i = ec_source_column(source, source->freshness_column);
    if (!ec_source_has(source, column->text)) return unknown_column(loader, source, column, true, err);
    if (i != SIZE_MAX && !is_time(&source->column[i]))
        return ec_yaml_fail(column->at, err, "`%s` is %s; freshness needs a date or datetime", column->text,
                            ec_type_name(source->column[i].type.type));
    return EC_OK;
}

static enum ec_status load_freshness(struct ec_loader *loader, struct ec_source *source,
                                     const struct ec_yaml_node *node, struct ec_err *err) {
    source->freshness_column = default_freshness(source);
    if (!node) return EC_OK;
    if (node->kind == EC_YAML_MAP)
        EC_TRY(load_freshness_map(loader, source, node, err));
    else
        EC_TRY(ec_yaml_duration(node, &source->freshness_s, err));
    if (source->freshness_column) return EC_OK;
    return ec_yaml_fail(node->key_at, err,
                        "`freshness` cannot tell which column to look at; write {column: NAME, max_age: 2d}");
}

enum ec_status ec_load_references(struct ec_loader *loader, struct ec_source *source, const struct ec_yaml_node *node,
                                  struct ec_err *err) {
    EC_TRY(load_key(loader, source, ec_yaml_set(node, "key"), err));
    EC_TRY(load_money(loader, source, ec_yaml_set(node, "money"), err));
    if (source->load == EC_LOAD_MERGE && source->key_count == 0)
        return ec_yaml_fail(ec_yaml_get(node, "load")->at, err,
                            "`load: merge` needs `key`: the columns by which a newer row replaces an older one");
    EC_TRY(load_partition(loader, source, ec_yaml_set(node, "partition_by"), err));
    return load_freshness(loader, source, ec_yaml_set(node, "freshness"), err);
}
