/* `sources:` of pipeline_config.yaml. */
#include "config/loader.h"

#include "base/address.h"

#define COUNT(array)    (sizeof(array) / sizeof *(array))
#define SOURCE_NAME_MAX 64u
#define GLOB_MAX        1024u

/* A source's name becomes a folder and a table. */
static enum ec_status check_name(const struct ec_yaml_node *node, struct ec_err *err) {
    static const char *const reserved[] = {"enriched", "joined", "kpi"}; /* folders below data/processed */
    size_t n = strspn(node->name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (node->name[n] != '\0' || n > SOURCE_NAME_MAX)
        return ec_yaml_fail(node->key_at, err,
                            "`%.80s` cannot name a source: use at most %u of a-z, 0-9 and _ (it names a folder)",
                            node->name, SOURCE_NAME_MAX);
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (strcmp(node->name, reserved[i]) == 0)
            return ec_yaml_fail(node->key_at, err, "`%s` cannot name a source: data/processed/%s is used otherwise",
                                node->name, node->name);
    return EC_OK;
}

static bool glob_leaves_folder(const char *glob) {
    for (const char *part = glob; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        if (part[0] == '.' && part[1] == '.' && (part[2] == '/' || part[2] == '\0')) return true;
    return false;
}

/* An address: what stands before its first wildcard names the store and where to look. */
static enum ec_status check_address(const struct ec_yaml_node *item, struct ec_arena *arena, struct ec_err *err) {
    struct ec_address address;
    struct ec_err cause = {0};
    const char *prefix = ec_arena_copy(arena, item->text, strcspn(item->text, "*?["));
    if (!prefix) return ec_fail(err, EC_NO_MEMORY, "no memory for the configuration");
    if (ec_address_parse(prefix, &address, &cause) == EC_OK) return EC_OK;
    return ec_yaml_fail(item->at, err, "%s", cause.message);
}

static enum ec_status load_files(struct ec_arena *arena, const struct ec_yaml_node *node, struct ec_source *source,
                                 struct ec_err *err) {
    const struct ec_yaml_node *files = ec_yaml_set(node, "files");
    if (!files)
        return ec_yaml_fail(node->key_at, err,
                            "the source `%s` needs `files`: globs below data/raw, such as [\"%s_*.csv\"]", node->name,
                            node->name);
    if (files->kind == EC_YAML_LIST && files->count == 0)
        return ec_yaml_fail(files->at, err, "`files` is empty, so the source `%s` would never have a row", node->name);
    EC_TRY(ec_yaml_texts(files, arena, &source->files, &source->file_count, err));
    const struct ec_yaml_node *item = files->kind == EC_YAML_LIST ? files->child : files;
    for (; item; item = files->kind == EC_YAML_LIST ? item->next : NULL) {
        const char *glob = item->text;
        if (ec_is_address(glob)) {
            EC_TRY(check_address(item, arena, err));
            continue;
        }
        if (glob[0] == '/' || strchr(glob, '\\') || strlen(glob) > GLOB_MAX || glob_leaves_folder(glob))
            return ec_yaml_fail(item->at, err,
                                "`%.80s` must be a path below data/raw: no leading /, no .. and no backslash", glob);
    }
    return EC_OK;
}

/* The encodings' names and what else they are called; case does not matter. */
static enum ec_status load_encoding(const struct ec_yaml_node *node, struct ec_source *source, struct ec_err *err) {
    static const char *const encodings[] = {"utf-8", "latin-1", "windows-1252", "utf-16le", "utf-16be"};
    static const struct { const char *alias, *ours; } aliases[] = {
        {"utf8", "utf-8"},           {"latin1", "latin-1"},       {"iso-8859-1", "latin-1"},
        {"cp1252", "windows-1252"},  {"utf16le", "utf-16le"},     {"utf16be", "utf-16be"},
    };
    source->encoding = encodings[0];
    if (!node) return EC_OK;
    for (size_t i = 0; node->kind == EC_YAML_SCALAR && i < COUNT(aliases); i++) {
        if (!ec_same_name(node->text, aliases[i].alias)) continue;
        source->encoding = aliases[i].ours;
        return EC_OK;
    }
    if (node->kind == EC_YAML_SCALAR && (ec_same_name(node->text, "utf-16") || ec_same_name(node->text, "utf16")))
        return ec_yaml_fail(node->at, err, "`%s` does not say which byte comes first: write utf-16le (as Windows does) or utf-16be",
                            node->text);
    for (size_t i = 0; node->kind == EC_YAML_SCALAR && i < COUNT(encodings); i++) {
        if (!ec_same_name(node->text, encodings[i])) continue;
        source->encoding = encodings[i];
        return EC_OK;
    }
    unsigned index;
    return ec_yaml_word(node, encodings, COUNT(encodings), &index, err);
}

static enum ec_status load_delimiter(const struct ec_yaml_node *node, struct ec_source *source, struct ec_err *err) {
    if (!node) return EC_OK;
    const char *text = node->text;
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0) text = "\t";
    unsigned char c = (unsigned char)text[0];
    bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    bool good = node->kind == EC_YAML_SCALAR && c && !text[1] && (c == '\t' || (c >= 0x20 && c < 0x7F)) && !letter;
    if (!good || c == '"' || c == '.' || c == '-' || c == '+')
        return ec_yaml_fail(node->at, err, "`delimiter` must be a single sign such as \",\", \";\", \"|\" or tab");
    source->delimiter = (char)c;
    return EC_OK;
}

/* A key that has no meaning for the format is a mistake. */
static enum ec_status check_format(const struct ec_yaml_node *node, const struct ec_source *source,
                                   struct ec_err *err) {
    static const struct {
        const char *key;
        enum ec_format format;
    } needs[] = {{"delimiter", EC_FORMAT_CSV}, {"encoding", EC_FORMAT_CSV}, {"sheet", EC_FORMAT_XLSX}};
    for (size_t i = 0; i < COUNT(needs); i++) {
        const struct ec_yaml_node *key = ec_yaml_set(node, needs[i].key);
        if (!key || source->format == EC_FORMAT_AUTO || source->format == needs[i].format) continue;
        if (needs[i].format == EC_FORMAT_CSV && strcmp(source->encoding, "utf-8") == 0 && i == 1) continue;
        return ec_yaml_fail(key->key_at, err, "`%s` is for %s, but the format of `%s` is %s", needs[i].key,
                            ec_format_name(needs[i].format), source->name, ec_format_name(source->format));
    }
    return EC_OK;
}

static enum ec_status load_words(const struct ec_yaml_node *node, struct ec_source *source, struct ec_err *err) {
    static const char *const formats[] = {"auto", "json", "csv", "xlsx"};
    static const char *const loads[] = {"append", "merge", "replace"};
    static const char *const failed[] = {"load", "reject"};
    unsigned index = EC_FORMAT_AUTO;
    const struct ec_yaml_node *word = ec_yaml_set(node, "format");
    if (word) EC_TRY(ec_yaml_word(word, formats, COUNT(formats), &index, err));
    source->format = (enum ec_format)index;
    index = EC_LOAD_APPEND;
    word = ec_yaml_set(node, "load");
    if (word) EC_TRY(ec_yaml_word(word, loads, COUNT(loads), &index, err));
    source->load = (enum ec_load)index;
    index = 0;
    word = ec_yaml_set(node, "on_failed");
    if (word) EC_TRY(ec_yaml_word(word, failed, COUNT(failed), &index, err));
    source->reject_failed = index == 1;
    return EC_OK;
}

static enum ec_status load_source(struct ec_loader *loader, const struct ec_yaml_node *node, struct ec_source *source,
                                  struct ec_err *err) {
    static const char *const keys[] = {"schema", "files",    "format",    "key",   "load",      "partition_by",
                                       "derive", "encoding", "delimiter", "sheet", "freshness", "on_failed",
                                       "money"};
    struct ec_arena *arena = &loader->config->arena;
    EC_TRY(ec_yaml_keys(node, keys, COUNT(keys), err));
    source->name = ec_arena_strdup(arena, node->name);
    if (!source->name) return ec_load_no_memory(err);
    source->schema = source->name;
    source->file = node->key_at.file->path;
    source->line = node->key_at.line;
    const struct ec_yaml_node *schema = ec_yaml_set(node, "schema");
    const struct ec_yaml_node *sheet = ec_yaml_set(node, "sheet");
    if (schema) EC_TRY(ec_yaml_text(schema, arena, &source->schema, err));
    if (sheet) EC_TRY(ec_yaml_text(sheet, arena, &source->sheet, err));
    EC_TRY(load_files(arena, node, source, err));
    EC_TRY(load_words(node, source, err));
    EC_TRY(load_encoding(ec_yaml_set(node, "encoding"), source, err));
    EC_TRY(load_delimiter(ec_yaml_set(node, "delimiter"), source, err));
    EC_TRY(check_format(node, source, err));
    EC_TRY(ec_load_schema(loader, source, node, err));
    EC_TRY(ec_load_derive(loader, source, ec_yaml_set(node, "derive"), err));
    return ec_load_references(loader, source, node, err);
}

/* Of the sample's sources those whose schema the user's data_schemas.json does not have are left out. */
static bool is_left_out(const struct ec_loader *loader, const struct ec_yaml_node *node) {
    if (!loader->sample_schemas) return false;
    const struct ec_yaml_node *schema = ec_yaml_set(node, "schema");
    const char *name = schema ? schema->text : node->name;
    return ec_yaml_get(loader->sample_schemas, name) && !ec_yaml_get(loader->schemas, name);
}

enum ec_status ec_load_sources(struct ec_loader *loader, struct ec_err *err) {
    struct ec_config *config = loader->config;
    const struct ec_yaml_node *sources = ec_yaml_get(loader->pipeline, "sources");
    EC_TRY(ec_yaml_want_map(sources, err));
    if (sources->count == 0) return ec_yaml_fail(sources->at, err, "`sources` is empty, so there is nothing to run");
    if (sources->count > EC_SOURCES_MAX)
        return ec_yaml_fail(sources->at, err, "more than the limit of %u sources", EC_SOURCES_MAX);
    config->source = ec_arena_calloc(&config->arena, sources->count, sizeof *config->source);
    if (!config->source) return ec_load_no_memory(err);
    for (const struct ec_yaml_node *n = sources->child; n; n = n->next) {
        EC_TRY(check_name(n, err));
        if (is_left_out(loader, n)) continue;
        EC_TRY(load_source(loader, n, &config->source[config->source_count++], err));
    }
    if (config->source_count > 0) return EC_OK;
    return ec_yaml_fail(loader->schemas->at, err,
                        "none of the schemas is one of the sample's, and pipeline_config.yaml names no `sources`");
}
