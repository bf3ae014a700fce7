/* quality_thresholds.yaml: what a file must reach, and what its score is made of. */
#include "config/loader.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define WEIGHT_MAX   1000.0

static enum ec_status load_weights(struct ec_config *config, const struct ec_yaml_node *weights, struct ec_err *err) {
    const char *names[EC_DIM_COUNT];
    double sum = 0;
    for (unsigned i = 0; i < EC_DIM_COUNT; i++) {
        names[i] = ec_dimension_name((enum ec_dimension)i);
        config->weight[i] = 1;
    }
    if (!weights) return EC_OK;
    EC_TRY(ec_yaml_keys(weights, names, EC_DIM_COUNT, err));
    for (unsigned i = 0; i < EC_DIM_COUNT; i++) {
        const struct ec_yaml_node *node = ec_yaml_set(weights, names[i]);
        if (node) EC_TRY(ec_yaml_number(node, 0, WEIGHT_MAX, &config->weight[i], err));
        sum += config->weight[i];
    }
    if (sum > 0) return EC_OK;
    return ec_yaml_fail(weights->at, err, "all weights are 0, so there would be no score");
}

static enum ec_status load_anomalies(struct ec_config *config, const struct ec_yaml_node *node, struct ec_err *err) {
    static const char *const keys[] = {"enabled", "severity", "runs", "needed", "threshold"};
    static const char *const severities[] = {"info", "warn", "error", "critical"};
    config->anomaly.enabled = true;
    config->anomaly.severity = EC_SEVERITY_WARN;
    config->anomaly.threshold = 3.5;
    uint64_t runs = EC_HISTORY_RUNS_DETAILED, needed = 7;
    unsigned severity = EC_SEVERITY_WARN;
    if (node) {
        EC_TRY(ec_yaml_keys(node, keys, COUNT(keys), err));
        const struct ec_yaml_node *value = ec_yaml_set(node, "enabled");
        if (value) EC_TRY(ec_yaml_bool(value, &config->anomaly.enabled, err));
        value = ec_yaml_set(node, "severity");
        if (value) EC_TRY(ec_yaml_word(value, severities, COUNT(severities), &severity, err));
        value = ec_yaml_set(node, "runs");
        if (value) EC_TRY(ec_yaml_uint(value, 3, EC_HISTORY_RUNS_DETAILED, &runs, err));
        value = ec_yaml_set(node, "needed");
        if (value) EC_TRY(ec_yaml_uint(value, 3, runs, &needed, err));
        value = ec_yaml_set(node, "threshold");
        if (value) EC_TRY(ec_yaml_number(value, 0.1, 1000, &config->anomaly.threshold, err));
    }
    config->anomaly.severity = (enum ec_severity)severity;
    config->anomaly.runs = (unsigned)runs;
    config->anomaly.needed = (unsigned)(needed < runs ? needed : runs);
    return EC_OK;
}

enum ec_status ec_load_thresholds(struct ec_loader *loader, struct ec_err *err) {
    static const char *const keys[] = {"global_threshold", "thresholds", "weights", "anomalies"};
    struct ec_config *config = loader->config;
    EC_TRY(ec_yaml_keys(loader->thresholds, keys, COUNT(keys), err));
    const struct ec_yaml_node *global = ec_yaml_set(loader->thresholds, "global_threshold");
    const struct ec_yaml_node *own = ec_yaml_set(loader->thresholds, "thresholds");
    if (global) EC_TRY(ec_yaml_number(global, 0, 100, &config->quality_threshold, err));
    if (own) {
        EC_TRY(ec_yaml_want_map(own, err));
        EC_TRY(ec_load_check_schema_names(loader, own, err));
    }
    for (size_t i = 0; i < config->source_count; i++) {
        struct ec_source *source = &config->source[i];
        const struct ec_yaml_node *node = ec_yaml_set(own, source->schema);
        source->threshold = config->quality_threshold;
        if (node) EC_TRY(ec_yaml_number(node, 0, 100, &source->threshold, err));
    }
    EC_TRY(load_anomalies(config, ec_yaml_set(loader->thresholds, "anomalies"), err));
    return load_weights(config, ec_yaml_set(loader->thresholds, "weights"), err);
}
