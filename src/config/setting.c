/* `--set a.b.c=value`: a value of the command line in the place of one of the file. */
#include "config/loader.h"

#include <assert.h>

/* The position in the key as it was typed, so that an unknown word is pointed at. */
static struct ec_yaml_place typed_at(const struct ec_yaml_file *typed, const char *part) {
    return (struct ec_yaml_place){typed, 1, (uint32_t)(part - typed->text.p) + 1};
}

/* The member of the map, made (as an empty mapping) where it is missing. */
static struct ec_yaml_node *member(struct ec_arena *arena, struct ec_yaml_node *map, const char *name,
                                   struct ec_yaml_place at) {
    struct ec_yaml_node *node = ec_yaml_get(map, name);
    if (node) return node;
    node = ec_arena_calloc(arena, 1, sizeof *node);
    if (!node) return NULL;
    *node = (struct ec_yaml_node){.kind = EC_YAML_MAP, .text = "", .name = name, .at = at, .key_at = at};
    struct ec_yaml_node **end = &map->child;
    while (*end) end = &(*end)->next;
    *end = node;
    map->count++;
    return node;
}

/* Walks the dotted path from the root; *out is the node that the value replaces. */
static enum ec_status descend(struct ec_loader *loader, const struct ec_yaml_file *typed, const char *key,
                              struct ec_yaml_node **out, struct ec_err *err) {
    struct ec_yaml_node *node = loader->pipeline;
    const char *end;
    unsigned depth = 0;
    for (const char *part = typed->text.p;; part = end + 1) {
        end = part + strcspn(part, ".=");
        if (end == part || ++depth > EC_YAML_DEPTH_MAX || strchr(key, '='))
            return ec_yaml_fail(typed_at(typed, part), err,
                                "the key of --set must be words between dots, such as archive.enabled");
        if (node->kind != EC_YAML_MAP && !ec_yaml_is_null(node))
            return ec_yaml_fail(typed_at(typed, part), err, "`%s` is not a mapping, so it has no keys", node->name);
        node->kind = EC_YAML_MAP;
        const char *name = ec_arena_copy(&loader->trees, part, (size_t)(end - part));
        node = name ? member(&loader->trees, node, name, typed_at(typed, part)) : NULL;
        if (!node) return ec_load_no_memory(err);
        if (*end != '.') break;
    }
    *out = node;
    return EC_OK;
}

static void rename_items(struct ec_yaml_node *node) {
    if (node->kind != EC_YAML_LIST) return;
    for (struct ec_yaml_node *item = node->child; item; item = item->next) item->name = node->name;
}

enum ec_status ec_setting_apply(struct ec_loader *loader, const struct ec_setting *setting, struct ec_err *err) {
    struct ec_arena *kept = &loader->config->arena; /* a derived column's place may name it */
    struct ec_yaml_file *typed = ec_arena_calloc(&loader->trees, 1, sizeof *typed);
    const char *text = ec_arena_printf(&loader->trees, "%s=%s", setting->key, setting->value);
    const char *path = ec_arena_printf(kept, "--set %s", setting->key);
    const char *value = ec_arena_strdup(&loader->trees, setting->value);
    if (!typed || !text || !path || !value) return ec_load_no_memory(err);
    *typed = (struct ec_yaml_file){"--set", ec_str_of(text)};

    struct ec_yaml_node *root;
    EC_TRY(ec_yaml_parse(&loader->trees, path, ec_str_of(value), EC_YAML, &root, err));
    if (value[0] == '\0') *root = (struct ec_yaml_node){.plain = true, .text = "", .at = root->at}; /* not set */
    struct ec_yaml_node *node = NULL;
    EC_TRY(descend(loader, typed, setting->key, &node, err));
    assert(node);
    root->name = node->name;
    root->key_at = node->key_at;
    root->next = node->next;
    *node = *root;
    rename_items(node);
    return EC_OK;
}
