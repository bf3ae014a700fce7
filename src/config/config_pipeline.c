/* pipeline_config.yaml but for its sources: workers, memory, archive, alerts. */
#include "config/loader.h"

#include <sched.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

#define MEMORY_MB_MIN    64u
#define MEMORY_MB_MAX    (16u << 20) /* 16 TiB */
#define CHUNK_MB_DEFAULT 500u
#define CHUNK_MB_MAX     (1u << 20)
#define CHUNK_ROWS_MAX   100000000u
#define TIMEOUT_S_MAX    (30u * 86400u)

static unsigned cpus_minus_one(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int n = CPU_COUNT(&set) - 1;
    if (n < 1) return 1;
    return (unsigned)n < EC_JOBS_MAX ? (unsigned)n : EC_JOBS_MAX;
}

/* A whole number, or `auto`, which leaves *value as it is. */
static enum ec_status uint_or_auto(const struct ec_yaml_node *map, const char *key, uint64_t max, uint64_t *value,
                                   struct ec_err *err) {
    const struct ec_yaml_node *node = ec_yaml_set(map, key);
    if (!node || (node->kind == EC_YAML_SCALAR && strcmp(node->text, "auto") == 0)) return EC_OK;
    uint64_t v;
    if (ec_yaml_uint(node, 1, max, &v, NULL) != EC_OK)
        return ec_yaml_fail(node->at, err, "`%s` must be auto or a whole number from 1 to %llu", key,
                            (unsigned long long)max);
    *value = v;
    return EC_OK;
}

static enum ec_status uint_member(const struct ec_yaml_node *map, const char *key, uint64_t min, uint64_t max,
                                  uint64_t *value, struct ec_err *err) {
    const struct ec_yaml_node *node = ec_yaml_set(map, key);
    return node ? ec_yaml_uint(node, min, max, value, err) : EC_OK;
}

static enum ec_status load_scalars(struct ec_config *config, const struct ec_yaml_node *root, struct ec_err *err) {
    uint64_t workers = cpus_minus_one(), rows = 100000, chunk_mb = CHUNK_MB_DEFAULT, memory_mb = 1024, timeout = 3600;
    EC_TRY(uint_or_auto(root, "data_workers", EC_JOBS_MAX, &workers, err));
    EC_TRY(uint_or_auto(root, "chunk_size_mb", CHUNK_MB_MAX, &chunk_mb, err));
    EC_TRY(uint_member(root, "chunk_rows", 1, CHUNK_ROWS_MAX, &rows, err));
    EC_TRY(uint_member(root, "memory_limit_mb", MEMORY_MB_MIN, MEMORY_MB_MAX, &memory_mb, err));
    EC_TRY(uint_member(root, "processing_timeout", 1, TIMEOUT_S_MAX, &timeout, err));
    config->workers = (unsigned)workers;
    config->chunk_rows = (size_t)rows;
    config->chunk_bytes = chunk_mb * EC_MIB;
    config->memory_bytes = memory_mb * EC_MIB;
    config->timeout_s = (unsigned)timeout;
    config->quality_threshold = 90;
    const struct ec_yaml_node *threshold = ec_yaml_set(root, "quality_threshold");
    return threshold ? ec_yaml_number(threshold, 0, 100, &config->quality_threshold, err) : EC_OK;
}

/* The order is that of the EC_AREA bits. */
static const char *const areas[] = {"processed", "raw", "staging", "quality"};

static enum ec_status load_areas(const struct ec_yaml_node *node, unsigned *bits, struct ec_err *err) {
    EC_TRY(ec_yaml_want_list(node, err));
    *bits = 0;
    for (const struct ec_yaml_node *item = node->child; item; item = item->next) {
        unsigned index;
        EC_TRY(ec_yaml_word(item, areas, COUNT(areas), &index, err));
        *bits |= 1u << index;
    }
    return EC_OK;
}

static enum ec_status check_cleanup(const struct ec_config *config, const struct ec_yaml_node *cleanup,
                                    struct ec_err *err) {
    for (const struct ec_yaml_node *item = cleanup->child; item; item = item->next) {
        bool tables = strcmp(item->text, "processed") == 0 || strcmp(item->text, "quality") == 0;
        if (tables)
            return ec_yaml_fail(item->at, err, "`cleanup` empties raw and staging only; %s holds the results",
                                item->text);
        if (strcmp(item->text, "raw") == 0 && !(config->archive_include & EC_AREA_RAW))
            return ec_yaml_fail(item->at, err, "`cleanup` may empty raw only where `include` archives it");
    }
    return EC_OK;
}

static enum ec_status load_archive(struct ec_config *config, const struct ec_yaml_node *archive, struct ec_err *err) {
    config->archive_enabled = true;
    config->archive_include = EC_AREA_PROCESSED | EC_AREA_RAW | EC_AREA_STAGING | EC_AREA_QUALITY;
    config->archive_cleanup = EC_AREA_STAGING;
    if (!archive) return EC_OK;
    static const char *const keys[] = {"enabled", "include", "cleanup"};
    EC_TRY(ec_yaml_keys(archive, keys, COUNT(keys), err));
    const struct ec_yaml_node *enabled = ec_yaml_set(archive, "enabled");
    const struct ec_yaml_node *include = ec_yaml_set(archive, "include");
    const struct ec_yaml_node *cleanup = ec_yaml_set(archive, "cleanup");
    if (enabled) EC_TRY(ec_yaml_bool(enabled, &config->archive_enabled, err));
    if (include) EC_TRY(load_areas(include, &config->archive_include, err));
    if (!cleanup) return EC_OK;
    EC_TRY(load_areas(cleanup, &config->archive_cleanup, err));
    return check_cleanup(config, cleanup, err);
}

/* ISO 4217: three capital letters. */
static enum ec_status load_currency(struct ec_config *config, const struct ec_yaml_node *node, struct ec_err *err) {
    if (!node) return EC_OK;
    EC_TRY(ec_yaml_text(node, &config->arena, &config->currency, err));
    size_t n = strspn(config->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (n == 3 && config->currency[3] == '\0') return EC_OK;
    return ec_yaml_fail(node->at, err, "`currency` is a code of three capital letters, such as EUR");
}

/* The language of what people read; cron has no LANG. */
static enum ec_status load_language(struct ec_config *config, const struct ec_yaml_node *node, struct ec_err *err) {
    static const char *const words[] = {"en", "fr", "auto"}; /* in the order of enum ec_language */
    unsigned index = EC_LANGUAGE_COUNT;
    if (node) EC_TRY(ec_yaml_word(node, words, COUNT(words), &index, err));
    config->language = (enum ec_language)index;
    return EC_OK;
}

static enum ec_status load_watch(struct ec_config *config, const struct ec_yaml_node *watch, struct ec_err *err) {
    static const char *const keys[] = {"quiet_seconds", "poll_seconds", "retry_seconds"};
    uint64_t quiet = 30, poll = 10, retry = 60;
    if (watch) {
        EC_TRY(ec_yaml_keys(watch, keys, COUNT(keys), err));
        EC_TRY(uint_member(watch, "quiet_seconds", 1, EC_WATCH_SECONDS_MAX, &quiet, err));
        EC_TRY(uint_member(watch, "poll_seconds", 1, EC_WATCH_SECONDS_MAX, &poll, err));
        EC_TRY(uint_member(watch, "retry_seconds", 1, EC_WATCH_SECONDS_MAX, &retry, err));
    }
    config->watch_quiet_s = (unsigned)quiet;
    config->watch_poll_s = (unsigned)poll;
    config->watch_retry_s = (unsigned)retry;
    return EC_OK;
}

enum ec_status ec_load_pipeline(struct ec_loader *loader, struct ec_err *err) {
    static const char *const keys[] = {"data_workers",    "chunk_rows",        "chunk_size_mb",
                                       "memory_limit_mb", "quality_threshold", "processing_timeout",
                                       "sources",         "archive",           "alerts",
                                       "metrics",         "lineage",           "currency",
                                       "watch",           "language",          "tables"};
    EC_TRY(ec_yaml_keys(loader->pipeline, keys, COUNT(keys), err));
    EC_TRY(load_scalars(loader->config, loader->pipeline, err));
    EC_TRY(load_currency(loader->config, ec_yaml_set(loader->pipeline, "currency"), err));
    EC_TRY(load_language(loader->config, ec_yaml_set(loader->pipeline, "language"), err));
    EC_TRY(load_archive(loader->config, ec_yaml_set(loader->pipeline, "archive"), err));
    EC_TRY(load_watch(loader->config, ec_yaml_set(loader->pipeline, "watch"), err));
    EC_TRY(ec_load_outputs(loader, err));
    return ec_load_alerts(loader->config, ec_yaml_set(loader->pipeline, "alerts"), err);
}
