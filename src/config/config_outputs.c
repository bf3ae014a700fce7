/* `metrics:`, `lineage:` and `tables:` of pipeline_config.yaml: where other programs learn of a run, and read its tables. */
#include "base/address.h"
#include "config/loader.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define TIMEOUT_S_MAX 300

static enum ec_status text_member(struct ec_loader *loader, const struct ec_yaml_node *map, const char *key, const char **text,
                                  struct ec_err *err) {
    const struct ec_yaml_node *node = ec_yaml_set(map, key);
    return node ? ec_yaml_text(node, &loader->config->arena, text, err) : EC_OK;
}

static enum ec_status load_metrics(struct ec_loader *loader, const struct ec_yaml_node *metrics, struct ec_err *err) {
    static const char *const keys[] = {"textfile"};
    if (!metrics) return EC_OK;
    EC_TRY(ec_yaml_keys(metrics, keys, COUNT(keys), err));
    EC_TRY(text_member(loader, metrics, "textfile", &loader->config->metrics_textfile, err));
    const struct ec_yaml_node *node = ec_yaml_set(metrics, "textfile");
    size_t n = node ? strlen(node->text) : 0;
    if (node && (n < 6 || strcmp(node->text + n - 5, ".prom") != 0))
        return ec_yaml_fail(node->at, err, "node_exporter reads files that end with .prom, and `%s` does not", node->text);
    return EC_OK;
}

/* Unencrypted only to this machine: events name files and columns, and the key goes with them. */
static bool is_loopback(const char *host) {
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < COUNT(names); i++) {
        size_t n = strlen(names[i]);
        if (strncmp(host, names[i], n) == 0 && (host[n] == '\0' || host[n] == ':' || host[n] == '/')) return true;
    }
    return false;
}

static enum ec_status check_url(const struct ec_yaml_node *node, bool insecure, struct ec_err *err) {
    const char *url = node->text;
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7F) return ec_yaml_fail(node->at, err, "the address holds a blank or a control character");
    if (strchr(url, '@')) return ec_yaml_fail(node->at, err, "a password does not belong into an address: use `api_key`");
    if (strncmp(url, "https://", 8) == 0 && url[8]) return EC_OK;
    if (strncmp(url, "http://", 7) != 0 || !url[7]) return ec_yaml_fail(node->at, err, "`url` must begin with https:// (or http:// for this machine)");
    if (insecure || is_loopback(url + 7)) return EC_OK;
    return ec_yaml_fail(node->at, err, "http:// to another machine is not encrypted: use https://, or say `insecure: true`");
}

static enum ec_status load_lineage(struct ec_loader *loader, const struct ec_yaml_node *node, struct ec_err *err) {
    static const char *const keys[] = {"file", "url", "api_key", "namespace", "job", "timeout", "insecure"};
    struct ec_lineage *lineage = &loader->config->lineage;
    bool insecure = false;
    int64_t timeout_s = 10;
    lineage->job_namespace = "ecluse";
    lineage->timeout_s = 10;
    if (!node) return EC_OK;
    EC_TRY(ec_yaml_keys(node, keys, COUNT(keys), err));
    EC_TRY(text_member(loader, node, "file", &lineage->file, err));
    EC_TRY(text_member(loader, node, "url", &lineage->url, err));
    EC_TRY(text_member(loader, node, "namespace", &lineage->job_namespace, err));
    EC_TRY(text_member(loader, node, "job", &lineage->job, err));
    const struct ec_yaml_node *item = ec_yaml_set(node, "api_key");
    if (item) EC_TRY(ec_load_secret(&loader->config->arena, item, "api_key", false, &lineage->key, err));
    item = ec_yaml_set(node, "insecure");
    if (item) EC_TRY(ec_yaml_bool(item, &insecure, err));
    item = ec_yaml_set(node, "timeout");
    if (item) EC_TRY(ec_yaml_duration(item, &timeout_s, err));
    if (timeout_s < 1 || timeout_s > TIMEOUT_S_MAX)
        return ec_yaml_fail(item->at, err, "`timeout` must be from 1s to %ds", TIMEOUT_S_MAX);
    lineage->timeout_s = (unsigned)timeout_s;
    if (!lineage->file && !lineage->url) return ec_yaml_fail(node->at, err, "`lineage` needs a `file`, a `url`, or both");
    return lineage->url ? check_url(ec_yaml_set(node, "url"), insecure, err) : EC_OK;
}

/* `store:` is a folder's address: what can be told of it without asking. */
static enum ec_status load_tables(struct ec_loader *loader, const struct ec_yaml_node *tables, struct ec_err *err) {
    static const char *const keys[] = {"store"};
    if (!tables) return EC_OK;
    EC_TRY(ec_yaml_keys(tables, keys, COUNT(keys), err));
    EC_TRY(text_member(loader, tables, "store", &loader->config->tables_store, err));
    const struct ec_yaml_node *node = ec_yaml_set(tables, "store");
    const char *store = loader->config->tables_store;
    struct ec_address address;
    struct ec_err cause = {0};
    if (!store) return EC_OK;
    if (!ec_is_address(store)) return ec_yaml_fail(node->at, err, "`store` is an address, s3://BUCKET/PREFIX or hdfs://HOST/PATH");
    if (store[strlen(store) - 1] == '/') return ec_yaml_fail(node->at, err, "`store` has no slash at its end");
    const char *checked = ec_arena_printf(&loader->trees, "%s/x", store);
    if (!checked) return ec_load_no_memory(err);
    if (ec_address_parse(checked, &address, &cause) != EC_OK) return ec_yaml_fail(node->at, err, "`store`: %s", cause.message);
    if (strpbrk(address.key, "*?[")) return ec_yaml_fail(node->at, err, "`store` is one address, without `*`, `?` and `[`");
    return EC_OK;
}

enum ec_status ec_load_outputs(struct ec_loader *loader, struct ec_err *err) {
    EC_TRY(load_metrics(loader, ec_yaml_set(loader->pipeline, "metrics"), err));
    EC_TRY(load_tables(loader, ec_yaml_set(loader->pipeline, "tables"), err));
    return load_lineage(loader, ec_yaml_set(loader->pipeline, "lineage"), err);
}
