/* What a protocol and a metaData action say: which features the table asks for, its columns
 * and their types, and whether we may write to it. */
#include "store/delta_log.h"

#include <strings.h>

static const struct {
    const char *name;
    enum ec_type type;
    bool ours; /* the type that we write; the others are read as the wider one */
} types[] = {
    {"string", EC_TYPE_STRING, true},    {"long", EC_TYPE_INTEGER, true},       {"double", EC_TYPE_FLOAT, true},
    {"boolean", EC_TYPE_BOOLEAN, true},  {"timestamp", EC_TYPE_DATETIME, true}, {"date", EC_TYPE_DATE, true},
    {"integer", EC_TYPE_INTEGER, false}, {"short", EC_TYPE_INTEGER, false},     {"byte", EC_TYPE_INTEGER, false},
    {"float", EC_TYPE_FLOAT, false},
};

void ec_delta_type_name(struct ec_column_type type, char out[EC_DELTA_TYPE_NAME]) {
    size_t i = 0;
    while (i < sizeof types / sizeof types[0] && types[i].type != type.type) i++;
    if (type.type == EC_TYPE_DECIMAL)
        (void)snprintf(out, EC_DELTA_TYPE_NAME, "decimal(%u,%u)", (unsigned)type.precision, (unsigned)type.scale);
    else
        (void)snprintf(out, EC_DELTA_TYPE_NAME, "%s", types[i].name);
}

/* Digits at *p; false where there is none or the number exceeds 38, the format's maximum. */
static bool small_number(const char **p, unsigned *value) {
    const char *start = *p;
    *value = 0;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        *value = *value * 10 + (unsigned)(**p - '0');
        if (*value > 38) return false;
    }
    return *p > start;
}

static bool decimal_parse(const char *name, struct ec_column_type *type) {
    unsigned precision, scale = 0;
    if (strncmp(name, "decimal(", 8) != 0) return false;
    const char *p = name + 8;
    if (!small_number(&p, &precision)) return false;
    if (*p == ',') {
        p++;
        while (*p == ' ') p++;
        if (!small_number(&p, &scale)) return false;
    }
    if (strcmp(p, ")") != 0 || precision < 1 || precision > EC_DECIMAL_PRECISION_MAX || scale > precision) return false;
    *type = (struct ec_column_type){EC_TYPE_DECIMAL, (uint8_t)precision, (uint8_t)scale};
    return true;
}

static bool type_parse(const char *name, struct ec_column_type *type, bool *ours) {
    *ours = true;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) != 0) continue;
        *type = (struct ec_column_type){.type = types[i].type};
        *ours = types[i].ours;
        return true;
    }
    return decimal_parse(name, type);
}

static void refuse_writes(struct ec_delta_replay *replay, const char *what, const char *name) {
    if (replay->unwritable) return;
    const char *text = ec_arena_printf(replay->arena, what, name);
    replay->unwritable = text ? text : _("it uses a feature that Ecluse does not know");
}

static enum ec_status parse_column(struct ec_delta_replay *replay, const json_t *field, struct ec_delta_column *column,
                                   struct ec_err *err) {
    const char *name = json_string_value(json_object_get(field, "name"));
    const json_t *type = json_object_get(field, "type");
    const json_t *metadata = json_object_get(field, "metadata");
    bool ours;
    if (!name || !type) return ec_delta_damaged(replay, err, "a column of schemaString has no name or type");
    const char *type_name =
        json_is_string(type) ? json_string_value(type) : json_string_value(json_object_get(type, "type"));
    if (!json_is_string(type) || !type_parse(type_name, &column->type, &ours))
        return ec_delta_damaged(replay, err, "the column %s is of type %s, which Ecluse does not know", name,
                                type_name ? type_name : "?");
    if (json_object_get(metadata, "delta.invariants"))
        return ec_delta_damaged(replay, err, "the column %s has invariants, which Ecluse does not know", name);
    if (!ours) refuse_writes(replay, _("its column %s is of a narrower type than Ecluse writes"), name);
    if (json_is_false(json_object_get(field, "nullable")))
        refuse_writes(replay, _("its column %s is declared not null"), name);
    if (json_object_get(metadata, "delta.generationExpression") || json_object_get(metadata, "delta.identity.start"))
        refuse_writes(replay, _("its column %s is generated"), name);
    if (json_object_get(metadata, "CURRENT_DEFAULT")) refuse_writes(replay, _("its column %s has a default"), name);
    column->name = ec_arena_strdup(replay->arena, name);
    return column->name ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the schema of the table %s", replay->dir);
}

static enum ec_status parse_schema(struct ec_delta_replay *replay, const json_t *schema, struct ec_err *err) {
    const json_t *fields = json_object_get(schema, "fields");
    if (!json_is_array(fields)) return ec_delta_damaged(replay, err, "schemaString is not a struct with fields");
    size_t count = json_array_size(fields);
    struct ec_delta_column *column = ec_arena_calloc(replay->arena, count, sizeof *column);
    if (!column) return ec_fail(err, EC_NO_MEMORY, "no memory for the schema of the table %s", replay->dir);
    for (size_t i = 0; i < count; i++) EC_TRY(parse_column(replay, json_array_get(fields, i), &column[i], err));
    replay->column = column;
    replay->column_count = count;
    return EC_OK;
}

static enum ec_status parse_partition(struct ec_delta_replay *replay, const json_t *columns, struct ec_err *err) {
    replay->partition_by = NULL;
    if (!json_is_array(columns)) return ec_delta_damaged(replay, err, "the metaData action has no partitionColumns");
    if (json_array_size(columns) == 0) return EC_OK;
    if (json_array_size(columns) > 1)
        return ec_delta_damaged(replay, err,
                                "the table is partitioned by %zu columns; Ecluse knows tables with one at most",
                                json_array_size(columns));
    const char *name = json_string_value(json_array_get(columns, 0));
    for (size_t i = 0; name && i < replay->column_count; i++)
        if (strcmp(replay->column[i].name, name) == 0) replay->partition_by = replay->column[i].name;
    if (!replay->partition_by)
        return ec_delta_damaged(replay, err, "the partition column %s is not in the schema", name ? name : "?");
    return EC_OK;
}

static bool is_true(const json_t *value) {
    const char *text = json_string_value(value);
    return text && strcasecmp(text, "true") == 0;
}

/* Properties that bind a writer, whatever the protocol says of them. */
static enum ec_status parse_properties(struct ec_delta_replay *replay, json_t *properties, struct ec_err *err) {
    static const char *const switches[] = {
        "delta.enableChangeDataFeed",     "delta.enableDeletionVectors", "delta.enableRowTracking",
        "delta.enableInCommitTimestamps", "delta.enableIcebergCompatV1", "delta.enableIcebergCompatV2",
        "delta.enableTypeWidening",
    };
    const char *mode = json_string_value(json_object_get(properties, "delta.columnMapping.mode"));
    if (mode && strcasecmp(mode, "none") != 0)
        return ec_delta_damaged(replay, err, "the table uses columnMapping, which Ecluse does not know");
    replay->append_only = is_true(json_object_get(properties, "delta.appendOnly"));
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (is_true(json_object_get(properties, switches[i]))) refuse_writes(replay, _("it sets %s"), switches[i]);
    const char *key;
    json_t *value;
    json_object_foreach(properties, key, value) {
        if (strncmp(key, "delta.constraints.", 18) == 0) refuse_writes(replay, _("it has the constraint %s"), key + 18);
        if (strncmp(key, "delta.feature.", 14) == 0) refuse_writes(replay, _("it asks for the feature %s"), key + 14);
    }
    return EC_OK;
}

static int add_text(const char *p, size_t n, void *out) {
    ec_buf_add(out, p, n);
    return 0;
}

bool ec_delta_dump(const json_t *json, struct ec_buf *out) {
    return json_dump_callback(json, add_text, out, JSON_COMPACT) == 0 && !out->failed;
}

/* Keeps what the action says and we do not model, for a later change of the schema. */
static enum ec_status keep_metadata(struct ec_delta_replay *replay, const json_t *action, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_DELTA_COMMIT_MAX);
    replay->metadata = ec_delta_dump(action, &text) ? ec_arena_copy(replay->arena, text.p, text.n) : NULL;
    replay->id = ec_arena_strdup(replay->arena, json_string_value(json_object_get(action, "id")));
    ec_buf_free(&text);
    if (replay->metadata && replay->id) return EC_OK;
    return ec_fail(err, EC_NO_MEMORY, "no memory for the schema of the table %s", replay->dir);
}

static enum ec_status apply_metadata(struct ec_delta_replay *replay, json_t *action, struct ec_err *err) {
    const char *provider = json_string_value(json_object_get(json_object_get(action, "format"), "provider"));
    const char *schema_text = json_string_value(json_object_get(action, "schemaString"));
    if (!json_is_string(json_object_get(action, "id")))
        return ec_delta_damaged(replay, err, "the metaData action has no id");
    if (!provider || strcmp(provider, "parquet") != 0)
        return ec_delta_damaged(replay, err, "the table's format is %s, not parquet",
                                provider ? provider : _("not named"));
    json_error_t problem;
    json_t *schema = schema_text ? json_loads(schema_text, JSON_REJECT_DUPLICATES, &problem) : NULL;
    if (!schema)
        return ec_delta_damaged(replay, err, "schemaString is not JSON: %s",
                                schema_text ? problem.text : _("it is missing"));
    replay->unwritable = NULL;
    enum ec_status status = parse_schema(replay, schema, err);
    json_decref(schema);
    if (status == EC_OK) status = parse_partition(replay, json_object_get(action, "partitionColumns"), err);
    if (status == EC_OK) status = parse_properties(replay, json_object_get(action, "configuration"), err);
    if (status == EC_OK) status = keep_metadata(replay, action, err);
    return status;
}

/* Keeps what is not known until the end of the log, where it is an error if no later action takes it back. */
static enum ec_status defer(struct ec_delta_replay *replay, enum ec_delta_asks kind, enum ec_status status, const struct ec_err *problem,
                            struct ec_err *err) {
    replay->refused[kind] = status == EC_TABLE_FORMAT ? *problem : (struct ec_err){0};
    if (status == EC_OK || status == EC_TABLE_FORMAT) return EC_OK;
    if (err && err->status == EC_OK) *err = *problem;
    return status;
}

enum ec_status ec_delta_apply_metadata(struct ec_delta_replay *replay, json_t *action, struct ec_err *err) {
    struct ec_err problem = {0};
    enum ec_status status = apply_metadata(replay, action, &problem);
    if (status == EC_TABLE_FORMAT) { /* files that follow may outlive it */
        const json_t *columns = json_object_get(action, "partitionColumns");
        const char *name = json_array_size(columns) == 1 ? json_string_value(json_array_get(columns, 0)) : NULL;
        replay->column = NULL;
        replay->column_count = 0;
        replay->partition_by = name ? ec_arena_strdup(replay->arena, name) : NULL;
    }
    return defer(replay, EC_DELTA_METADATA, status, &problem, err);
}

/* Features that bind a writer to nothing that it does not do anyway: columns with invariants are refused by themselves,
 * delta.appendOnly is obeyed, and a log is never cleaned up here (checkpointProtection, which Spark leaves behind when a
 * feature is dropped). */
static bool is_known(const char *feature) {
    static const char *const known[] = {"appendOnly", "invariants", "checkpointProtection"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i], feature) == 0) return true;
    return false;
}

static bool all_known(const json_t *features) {
    for (size_t i = 0; i < json_array_size(features); i++) {
        const char *name = json_string_value(json_array_get(features, i));
        if (!name || !is_known(name)) return false;
    }
    return true;
}

/* Reader 1 and writer 2, or features by name that are known. */
static bool is_ours(const json_t *action, int64_t reader, int64_t writer) {
    if (reader <= 1 && writer <= 2) return true;
    const json_t *readers = json_object_get(action, "readerFeatures"), *writers = json_object_get(action, "writerFeatures");
    return (reader <= 1 || reader == 3) && writer == 7 && json_is_array(writers) && all_known(readers) && all_known(writers);
}

/* The features of a protocol above ours, as people know them. */
static void feature_names(const json_t *action, int64_t reader, int64_t writer, struct ec_buf *out) {
    static const char *const by_writer[] = {"checkConstraints", "changeDataFeed, generatedColumns", "columnMapping",
                                            "identityColumns"};
    const json_t *lists[] = {json_object_get(action, "readerFeatures"), json_object_get(action, "writerFeatures")};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < json_array_size(lists[k]); i++) {
            const char *name = json_string_value(json_array_get(lists[k], i));
            if (!name || is_known(name) || (out->p && strstr(out->p, name))) continue; /* a reader's feature is a writer's too */
            if (out->n) ec_buf_addz(out, ", ");
            ec_buf_addz(out, name);
        }
    }
    if (out->n == 0 && writer >= 3 && writer <= 6)
        ec_buf_addz(out, by_writer[writer - 3]);
    else if (out->n == 0)
        ec_buf_addz(out, reader == 2 ? "columnMapping" : _("not named"));
}

static enum ec_status keep_protocol(struct ec_delta_replay *replay, const json_t *action, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_DELTA_COMMIT_MAX);
    replay->protocol = ec_delta_dump(action, &text) ? ec_arena_copy(replay->arena, text.p, text.n) : NULL;
    ec_buf_free(&text);
    return replay->protocol ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory to replay the log of the table %s", replay->dir);
}

static enum ec_status apply_protocol(struct ec_delta_replay *replay, const json_t *action, struct ec_err *err) {
    const json_t *reader = json_object_get(action, "minReaderVersion");
    const json_t *writer = json_object_get(action, "minWriterVersion");
    if (!json_is_integer(reader) || !json_is_integer(writer))
        return ec_delta_damaged(replay, err, "the protocol action has no minReaderVersion or minWriterVersion");
    replay->has_protocol = true;
    if (replay->everything) EC_TRY(keep_protocol(replay, action, err));
    int64_t r = json_integer_value(reader), w = json_integer_value(writer);
    if (is_ours(action, r, w)) return EC_OK;
    struct ec_buf names = ec_buf_make(256);
    feature_names(action, r, w, &names);
    enum ec_status status = ec_delta_damaged(replay, err,
                                             "the table asks for reader version %lld and writer version %lld"
                                             " (%s); Ecluse knows 1 and 2",
                                             (long long)r, (long long)w, names.p ? names.p : _("many features"));
    ec_buf_free(&names);
    return status;
}

enum ec_status ec_delta_apply_protocol(struct ec_delta_replay *replay, const json_t *action, struct ec_err *err) {
    struct ec_err problem = {0};
    enum ec_status status = apply_protocol(replay, action, &problem);
    return defer(replay, EC_DELTA_PROTOCOL, status, &problem, err);
}
