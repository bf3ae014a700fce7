/* The columns of a source, of data_schemas.json, and its derived columns. */
#include "config/loader.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Delta's names are unique ignoring case. */
static const char *taken_name(const struct ec_source *source, const char *name) {
    for (size_t i = 0; i < source->column_count; i++)
        if (ec_same_name(source->column[i].name, name)) return source->column[i].name;
    for (size_t i = 0; i < source->derive_count; i++)
        if (ec_same_name(source->derive[i].name, name)) return source->derive[i].name;
    return NULL;
}

static enum ec_status load_columns(struct ec_loader *loader, struct ec_source *source,
                                   const struct ec_yaml_node *columns, bool required, struct ec_err *err) {
    if (!columns) return EC_OK;
    EC_TRY(ec_yaml_want_map(columns, err));
    for (const struct ec_yaml_node *n = columns->child; n; n = n->next) {
        const char *taken = taken_name(source, n->name);
        if (taken)
            return ec_yaml_fail(n->key_at, err,
                                "the column `%.80s` is declared already as `%s`; case does not matter in a table",
                                n->name, taken);
        if (source->column_count == EC_COLUMNS_MAX)
            return ec_yaml_fail(n->key_at, err, "more than the limit of %u columns", EC_COLUMNS_MAX);
        struct ec_schema_column *column = &source->column[source->column_count];
        *column = (struct ec_schema_column){.required = required};
        EC_TRY(ec_load_column(loader, n, column, err));
        source->column_count++;
    }
    return EC_OK;
}

/* The sample's columns that the user's schema does not have, as optional ones: the sample's
 * derived columns name them. */
static enum ec_status complete_columns(struct ec_loader *loader, struct ec_source *source, struct ec_err *err) {
    const struct ec_yaml_node *schema = ec_yaml_get(loader->sample_schemas, source->schema);
    const struct ec_yaml_node *columns = ec_yaml_get(schema, "required_columns");
    for (const struct ec_yaml_node *n = columns ? columns->child : NULL; n; n = n->next) {
        if (taken_name(source, n->name) || source->column_count == EC_COLUMNS_MAX) continue;
        struct ec_schema_column *column = &source->column[source->column_count++];
        EC_TRY(ec_load_column(loader, n, column, err));
        column->not_null = false;
    }
    return EC_OK;
}

static enum ec_status unknown_schema(struct ec_loader *loader, const struct ec_source *source,
                                     const struct ec_yaml_node *node, struct ec_err *err) {
    const struct ec_yaml_node *schema = ec_yaml_set(node, "schema");
    const char **names = ec_arena_calloc(&loader->trees, loader->schemas->count, sizeof *names);
    if (!names) return ec_load_no_memory(err);
    size_t count = 0;
    for (const struct ec_yaml_node *n = loader->schemas->child; n; n = n->next) names[count++] = n->name;
    enum ec_status status =
        ec_yaml_unknown(schema ? schema->at : node->key_at, _("schema"), source->schema, names, count, err);
    ec_err_context(err, "data_schemas.json does not declare the source `%s`", source->name);
    return status;
}

enum ec_status ec_load_schema(struct ec_loader *loader, struct ec_source *source, const struct ec_yaml_node *node,
                              struct ec_err *err) {
    static const char *const keys[] = {"required_columns", "optional_columns"};
    const struct ec_yaml_node *schema = ec_yaml_get(loader->schemas, source->schema);
    if (!schema) return unknown_schema(loader, source, node, err);
    EC_TRY(ec_yaml_keys(schema, keys, COUNT(keys), err));
    const struct ec_yaml_node *required = ec_yaml_set(schema, keys[0]);
    const struct ec_yaml_node *optional = ec_yaml_set(schema, keys[1]);
    const struct ec_yaml_node *sample = ec_yaml_get(ec_yaml_get(loader->sample_schemas, source->schema), keys[0]);
    size_t most = (required ? required->count : 0) + (optional ? optional->count : 0) + (sample ? sample->count : 0);
    if (most > EC_COLUMNS_MAX) most = EC_COLUMNS_MAX;
    source->column = ec_arena_calloc(&loader->config->arena, most, sizeof *source->column);
    if (!source->column) return ec_load_no_memory(err);
    EC_TRY(load_columns(loader, source, required, true, err));
    EC_TRY(load_columns(loader, source, optional, false, err));
    EC_TRY(complete_columns(loader, source, err));
    if (source->column_count > 0) return EC_OK;
    return ec_yaml_fail(schema->key_at, err, "the schema `%s` declares no column", source->schema);
}

static enum ec_status load_expression(struct ec_arena *arena, const struct ec_yaml_node *node, struct ec_derive *derive,
                                      struct ec_err *err) {
    EC_TRY(ec_yaml_text(node, arena, &derive->expression, err));
    size_t n = strlen(derive->expression);
    while (n > 0 && strchr(" \n\t", derive->expression[n - 1])) n--;
    if (n == 0) return ec_yaml_fail(node->at, err, "the expression of `%s` is empty", node->name);
    derive->expression = ec_arena_copy(arena, derive->expression, n); /* a block text ends in a line end */
    derive->name = ec_arena_strdup(arena, node->name);
    derive->file = node->at.file->path;
    derive->line = node->at.line;
    return derive->expression && derive->name ? EC_OK : ec_load_no_memory(err);
}

enum ec_status ec_load_derive(struct ec_loader *loader, struct ec_source *source, const struct ec_yaml_node *derive,
                              struct ec_err *err) {
    if (!derive) return EC_OK;
    EC_TRY(ec_yaml_want_map(derive, err));
    if (derive->count + source->column_count > EC_COLUMNS_MAX)
        return ec_yaml_fail(derive->at, err, "more than the limit of %u columns, declared and derived", EC_COLUMNS_MAX);
    struct ec_arena *arena = &loader->config->arena;
    source->derive = ec_arena_calloc(arena, derive->count, sizeof *source->derive);
    if (!source->derive) return ec_load_no_memory(err);
    for (const struct ec_yaml_node *n = derive->child; n; n = n->next) {
        const char *why;
        if (!ec_column_name_valid(n->name, &why))
            return ec_yaml_fail(n->key_at, err, "`%.80s` cannot name a column: %s", n->name, why);
        const char *taken = taken_name(source, n->name);
        if (taken && loader->sample_schemas) continue; /* the user's own column instead of the sample's */
        if (taken)
            return ec_yaml_fail(n->key_at, err, "`%s` is already the column `%s`; case does not matter in a table",
                                n->name, taken);
        EC_TRY(load_expression(arena, n, &source->derive[source->derive_count], err));
        source->derive_count++;
    }
    return EC_OK;
}
