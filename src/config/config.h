/* The project's four configuration files as plain structs.
 *
 *     config/pipeline_config.yaml     sources, workers, memory, archive, alerts
 *     config/data_schemas.json        columns and their types
 *     config/business_rules.yaml      rules per column and per row
 *     config/quality_thresholds.yaml  thresholds and weights
 *
 * Existing files load unchanged (docs/configuration.md). Every error names file, line,
 * column, shows the line with a caret and the nearest valid word; an unknown key is an
 * error. The result is read-only and may be shared between threads.
 *
 *     struct ec_config *config;
 *     EC_TRY(ec_config_load(".", NULL, 0, &config, err));
 *     const struct ec_source *logs = ec_config_source(config, "api_logs");
 *     ec_config_destroy(config);
 */
#ifndef EC_CONFIG_CONFIG_H
#define EC_CONFIG_CONFIG_H

#include "base/batch.h"
#include "base/buf.h"
#include "base/hash.h"
#include "config/alert.h"

enum ec_format { EC_FORMAT_AUTO, EC_FORMAT_JSON, EC_FORMAT_CSV, EC_FORMAT_XLSX };
enum ec_load { EC_LOAD_APPEND, EC_LOAD_MERGE, EC_LOAD_REPLACE };
enum ec_severity { EC_SEVERITY_INFO, EC_SEVERITY_WARN, EC_SEVERITY_ERROR, EC_SEVERITY_CRITICAL };
enum ec_action { EC_ACTION_KEEP, EC_ACTION_QUARANTINE, EC_ACTION_REJECT_FILE };

enum ec_rule_kind {
    EC_RULE_RANGE, /* allowed_range, min_value, max_value */
    EC_RULE_ALLOWED,
    EC_RULE_NOT_ALLOWED,
    EC_RULE_NOT_NULL,
    EC_RULE_REGEX,
    EC_RULE_LENGTH, /* min_length, max_length, in characters */
    EC_RULE_EXPRESSION,
};

/* The dimensions that a score is made of. */
enum ec_dimension {
    EC_DIM_COMPLETENESS,
    EC_DIM_VALIDITY,
    EC_DIM_UNIQUENESS,
    EC_DIM_CONSISTENCY,
    EC_DIM_TIMELINESS,
    EC_DIM_COUNT,
};

struct ec_rule {
    const char *id;     /* "status_code.allowed_range", or the id of a row rule; unique per source */
    const char *key;    /* as written: "min_value", "expression" */
    const char *column; /* NULL for a row rule; may name a derived column */
    enum ec_rule_kind kind;
    enum ec_severity severity;
    enum ec_action action;
    double max_failed; /* share of rows, 0..1; above it the file fails; NAN where not set */
    /* EC_RULE_RANGE: bounds as written, interpreted by the column's type; NULL where open.
     * Dates and datetimes are accepted as bounds of such columns; the name of another
     * column is too ("min_value: start_time"). Both bounds are inclusive. */
    const char *min;
    const char *max;
    /* EC_RULE_ALLOWED and EC_RULE_NOT_ALLOWED */
    struct ec_str *values;
    size_t value_count;
    size_t length_min; /* EC_RULE_LENGTH; SIZE_MAX for no maximum */
    size_t length_max;
    const char *text; /* EC_RULE_REGEX: the pattern; EC_RULE_EXPRESSION: the SQL */
    const char *file; /* where it is written, for messages */
    uint32_t line;
};

struct ec_schema_column {
    const char *name;
    struct ec_column_type type;
    bool required; /* under required_columns: its absence makes the file errored */
    bool not_null;
    const char **formats; /* strftime-like: %Y %m %d %H %M %S %f %z %d/%m/%Y; tried in order; may be empty */
    size_t format_count;
    struct ec_str *null_values; /* texts that mean null besides the empty one */
    size_t null_value_count;
    const char *timezone; /* "+02:00" style offset for texts without zone; NULL is UTC */
};

struct ec_derive {
    const char *name;
    const char *expression;
    const char *file;
    uint32_t line;
};

struct ec_source {
    const char *name;
    const char *schema; /* its name in the other three files */
    const char **files; /* globs under data/raw */
    size_t file_count;
    enum ec_format format;
    const char *encoding; /* "utf-8" (default), "latin-1", "windows-1252", "utf-16le", "utf-16be" */
    char delimiter;       /* of CSV; 0: ',' */
    const char *sheet;    /* of a workbook; NULL: the first */
    const char **key;
    size_t key_count;
    enum ec_load load;
    const char *partition_by; /* a column or derived column; NULL */
    struct ec_derive *derive;
    size_t derive_count;
    struct ec_schema_column *column; /* required first, then optional, in the file's order */
    size_t column_count;
    struct ec_rule *rule;
    size_t rule_count;
    double threshold;      /* 0..100: of completeness and score */
    int64_t freshness_s;   /* age of the newest row that scores 0 timeliness; 0: not configured */
    const char *freshness_column; /* by default the partition column's datetime; NULL: none */
    const char **money;    /* columns that hold amounts of money, declared or derived */
    size_t money_count;
    bool reject_failed;    /* on_failed: reject - a file whose gate fails is not loaded; default load */
    const char *file;      /* of its definition */
    uint32_t line;
    char fingerprint[EC_SHA256_HEX]; /* of everything that decides its rows and verdicts */
};

/* Where OpenLineage events of a run go. */
struct ec_lineage {
    const char *file;          /* NDJSON, appended; below the project unless absolute; NULL */
    const char *url;           /* POSTed to; NULL */
    const char *job_namespace; /* "ecluse" */
    const char *job;           /* NULL: the project folder's name */
    struct ec_secret key;      /* the API key: of the environment or a file; or none */
    unsigned timeout_s;
};

/* Bits of archive include and cleanup. */
enum { EC_AREA_PROCESSED = 1, EC_AREA_RAW = 2, EC_AREA_STAGING = 4, EC_AREA_QUALITY = 8 };

struct ec_config {
    struct ec_arena arena;
    char *dir;           /* the project folder, as given */
    unsigned workers;    /* resolved: auto is CPUs - 1, at least 1 */
    enum ec_language language; /* EC_LANGUAGE_COUNT: auto, the environment's */
    size_t chunk_rows;
    uint64_t chunk_bytes; /* chunk_size_mb; auto resolves to 500 MiB */
    uint64_t memory_bytes; /* memory_limit_mb */
    double quality_threshold;
    unsigned timeout_s; /* processing_timeout */
    struct ec_source *source;
    size_t source_count;
    double weight[EC_DIM_COUNT]; /* default 1 */
    const char *currency; /* "EUR", for figures that people read; NULL: none */
    struct {              /* what is unlike earlier runs (quality/anomaly.h) */
        bool enabled;
        enum ec_severity severity;
        unsigned runs, needed; /* in a baseline: at most, at least */
        double threshold;      /* of the distance, in deviations */
    } anomaly;
    bool archive_enabled;
    unsigned archive_include;
    unsigned archive_cleanup;
    unsigned watch_quiet_s, watch_poll_s, watch_retry_s; /* of `ecluse watch` */
    struct ec_alert *alert;
    size_t alert_count;
    const char *metrics_textfile; /* of Prometheus; below the project unless absolute; NULL: none */
    struct ec_lineage lineage;
    const char *tables_store; /* an address that the tables are followed to, "s3://lake/shop"; NULL: none */
    char fingerprint[EC_SHA256_HEX]; /* of all four files as they took effect */
};

/* A `--set key=value` of the command line: a dotted path into pipeline_config.yaml. */
struct ec_setting {
    const char *key;
    const char *value;
};

/* Loads DIR/config/. *config is owned by the caller. EC_CONFIG for anything that is wrong
 * in a file, EC_IO for one that cannot be read. */
enum ec_status ec_config_load(const char *dir, const struct ec_setting *settings, size_t setting_count,
                              struct ec_config **config, struct ec_err *err) EC_MUST_USE;
void ec_config_destroy(struct ec_config *config);

const struct ec_source *ec_config_source(const struct ec_config *config, const char *name);
size_t ec_source_column(const struct ec_source *source, const char *name); /* SIZE_MAX: none */

const char *ec_severity_name(enum ec_severity severity);
const char *ec_action_name(enum ec_action action);
const char *ec_dimension_name(enum ec_dimension dimension);
const char *ec_format_name(enum ec_format format);
const char *ec_load_name(enum ec_load load);
/* The kinds of rules as they are written: "allowed_range" … "expression"; NULL past the last. */
const char *ec_rule_key(size_t i);
enum ec_rule_kind ec_rule_key_kind(size_t i); /* of an existing one */
enum ec_dimension ec_rule_dimension(const struct ec_rule *rule);

/* The word of the list nearest to `word` by edit distance (at most a third of its length),
 * or NULL; for "did you mean". */
const char *ec_nearest(const char *word, const char *const *words, size_t count);

/* Writes a working project into DIR (`ecluse init`): configuration, models, folders. Existing
 * files are kept and named in *kept, if not NULL. The texts are embedded at build time from
 * config/ and transformations/ of the repository. */
enum ec_status ec_project_init(const char *dir, struct ec_buf *kept, struct ec_err *err) EC_MUST_USE;

#endif
