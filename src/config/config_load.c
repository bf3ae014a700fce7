/* The four files into one struct ec_config. */
#include "config/embedded.h"
#include "config/loader.h"

#include "base/io.h"

static const struct ec_embedded *embedded(const char *path) {
    for (size_t i = 0; i < ec_embedded_count; i++)
        if (strcmp(ec_embedded[i].path, path) == 0) return &ec_embedded[i];
    return NULL;
}

static enum ec_status load_tree(struct ec_loader *loader, const char *name, enum ec_yaml_syntax syntax,
                                struct ec_yaml_node **root, struct ec_err *err) {
    const char *dir = loader->config->dir;
    bool here = strcmp(dir, ".") == 0 || dir[0] == '\0';
    size_t n = strlen(dir);
    bool slash = n > 0 && dir[n - 1] == '/';
    char *path =
        ec_arena_printf(&loader->config->arena, "%s%sconfig/%s", here ? "" : dir, here || slash ? "" : "/", name);
    if (!path) return ec_load_no_memory(err);
    EC_TRY(ec_yaml_load(&loader->trees, path, syntax, root, err));
    return ec_yaml_want_map(*root, err);
}

/* A project that is older than `sources:` has the sample's sources, so that its four files
 * load as they are. */
static enum ec_status add_sample_sources(struct ec_loader *loader, struct ec_err *err) {
    const struct ec_embedded *pipeline = embedded("config/pipeline_config.yaml");
    const struct ec_embedded *schemas = embedded("config/data_schemas.json");
    if (!pipeline || !schemas) return ec_fail(err, EC_CONFIG, "this build of ecluse lacks the sample configuration");
    struct ec_yaml_node *root;
    EC_TRY(
        ec_yaml_parse(&loader->trees, "(built-in) config/pipeline_config.yaml", pipeline->text, EC_YAML, &root, err));
    EC_TRY(ec_yaml_parse(&loader->trees, "(built-in) config/data_schemas.json", schemas->text, EC_YAML_JSON,
                         &loader->sample_schemas, err));
    struct ec_yaml_node *sources = ec_yaml_get(root, "sources");
    struct ec_yaml_node *own = ec_yaml_get(loader->pipeline, "sources");
    if (own) { /* `sources:` without a value */
        struct ec_yaml_node *next = own->next;
        *own = *sources;
        own->next = next;
        return EC_OK;
    }
    sources->next = loader->pipeline->child;
    loader->pipeline->child = sources;
    loader->pipeline->count++;
    return EC_OK;
}

static enum ec_status load_trees(struct ec_loader *loader, const struct ec_setting *settings, size_t setting_count,
                                 struct ec_err *err) {
    EC_TRY(load_tree(loader, "pipeline_config.yaml", EC_YAML, &loader->pipeline, err));
    EC_TRY(load_tree(loader, "data_schemas.json", EC_YAML_JSON, &loader->schemas, err));
    EC_TRY(load_tree(loader, "business_rules.yaml", EC_YAML, &loader->rules, err));
    EC_TRY(load_tree(loader, "quality_thresholds.yaml", EC_YAML, &loader->thresholds, err));
    /* A file of nothing but `~` is an empty mapping too. */
    struct ec_yaml_node *roots[] = {loader->pipeline, loader->schemas, loader->rules, loader->thresholds};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) roots[i]->kind = EC_YAML_MAP;
    if (!ec_yaml_set(loader->pipeline, "sources")) EC_TRY(add_sample_sources(loader, err));
    for (size_t i = 0; i < setting_count; i++) EC_TRY(ec_setting_apply(loader, &settings[i], err));
    return EC_OK;
}

static enum ec_status load_all(struct ec_loader *loader, const struct ec_setting *settings, size_t setting_count,
                               struct ec_err *err) {
    struct ec_config *config = loader->config;
    EC_TRY(load_trees(loader, settings, setting_count, err));
    EC_TRY(ec_load_pipeline(loader, err));
    EC_TRY(ec_load_sources(loader, err));
    EC_TRY(ec_load_check_schema_names(loader, loader->rules, err));
    for (size_t i = 0; i < config->source_count; i++) EC_TRY(ec_load_rules(loader, &config->source[i], err));
    EC_TRY(ec_load_thresholds(loader, err));
    return ec_config_fingerprint(config, err);
}

enum ec_status ec_config_load(const char *dir, const struct ec_setting *settings, size_t setting_count,
                              struct ec_config **out, struct ec_err *err) {
    struct ec_config *config = ec_calloc(1, sizeof *config);
    if (!config) return ec_load_no_memory(err);
    ec_arena_init(&config->arena, EC_CONFIG_BYTES_MAX);
    struct ec_loader loader = {.config = config};
    ec_arena_init(&loader.trees, EC_CONFIG_BYTES_MAX);
    config->dir = ec_arena_strdup(&config->arena, dir);
    enum ec_status status = config->dir ? load_all(&loader, settings, setting_count, err) : ec_load_no_memory(err);
    ec_arena_deinit(&loader.trees);
    if (status != EC_OK) {
        ec_config_destroy(config);
        return status;
    }
    *out = config;
    return EC_OK;
}

void ec_config_destroy(struct ec_config *config) {
    if (!config) return;
    ec_arena_deinit(&config->arena);
    ec_free(config);
}

enum ec_status ec_load_check_schema_names(struct ec_loader *loader, const struct ec_yaml_node *map,
                                          struct ec_err *err) {
    size_t count = 0;
    size_t most = loader->schemas->count + loader->config->source_count +
                  (loader->sample_schemas ? loader->sample_schemas->count : 0);
    const char **names = ec_arena_calloc(&loader->trees, most, sizeof *names);
    if (!names) return ec_load_no_memory(err);
    for (const struct ec_yaml_node *n = loader->schemas->child; n; n = n->next) names[count++] = n->name;
    for (size_t i = 0; i < loader->config->source_count; i++) names[count++] = loader->config->source[i].schema;
    if (loader->sample_schemas)
        for (const struct ec_yaml_node *n = loader->sample_schemas->child; n; n = n->next) names[count++] = n->name;
    for (const struct ec_yaml_node *n = map->child; n; n = n->next) {
        size_t i = 0;
        while (i < count && strcmp(names[i], n->name) != 0) i++;
        if (i == count) return ec_yaml_unknown(n->key_at, _("schema"), n->name, names, count, err);
    }
    return EC_OK;
}

bool ec_source_has(const struct ec_source *source, const char *name) {
    if (ec_source_column(source, name) != SIZE_MAX) return true;
    for (size_t i = 0; i < source->derive_count; i++)
        if (strcmp(source->derive[i].name, name) == 0) return true;
    return false;
}

enum ec_status ec_load_names(struct ec_loader *loader, const struct ec_source *source, const char *const **names,
                             size_t *count, struct ec_err *err) {
    const char **list = ec_arena_calloc(&loader->trees, source->column_count + source->derive_count, sizeof *list);
    if (!list) return ec_load_no_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < source->column_count; i++) list[n++] = source->column[i].name;
    for (size_t i = 0; i < source->derive_count; i++) list[n++] = source->derive[i].name;
    *names = list;
    *count = n;
    return EC_OK;
}
