/* The lines of a commit (delta-io/delta PROTOCOL.md, "Actions"). */
#include "store/delta.h"

#include "base/calendar.h"
#include "store/delta_log.h"

#include <math.h>

void ec_delta_protocol_action(struct ec_buf *out) {
    ec_buf_addz(out, "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n");
}

static void write_field(struct ec_json_writer *w, const struct ec_delta_column *column) {
    char type[EC_DELTA_TYPE_NAME];
    ec_delta_type_name(column->type, type);
    ec_json_object(w, NULL);
    ec_json_str(w, "name", column->name);
    ec_json_str(w, "type", type);
    ec_json_bool(w, "nullable", true);
    ec_json_object(w, "metadata");
    ec_json_end(w);
    ec_json_end(w);
}

static void write_schema(struct ec_buf *out, const struct ec_delta_column *column, size_t count) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "type", "struct");
    ec_json_array(&w, "fields");
    for (size_t i = 0; i < count; i++) write_field(&w, &column[i]);
    ec_json_end_array(&w);
    ec_json_end(&w);
}

void ec_delta_metadata_action(struct ec_buf *out, const char *id, const struct ec_delta_column *column, size_t count,
                              const char *partition_by, int64_t created_ms) {
    struct ec_buf schema = ec_buf_make(EC_DELTA_COMMIT_MAX);
    write_schema(&schema, column, count);
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_object(&w, "metaData");
    ec_json_str(&w, "id", id);
    ec_json_object(&w, "format");
    ec_json_str(&w, "provider", "parquet");
    ec_json_object(&w, "options");
    ec_json_end(&w);
    ec_json_end(&w);
    ec_json_text(&w, "schemaString", ec_buf_str(&schema));
    ec_json_array(&w, "partitionColumns");
    if (partition_by) ec_json_str(&w, NULL, partition_by);
    ec_json_end_array(&w);
    ec_json_object(&w, "configuration");
    ec_json_end(&w);
    ec_json_int(&w, "createdTime", created_ms);
    ec_json_end(&w);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
    if (schema.failed) out->failed = true;
    ec_buf_free(&schema);
}

static void write_partition(struct ec_json_writer *w, const char *partition_by, const char *value) {
    ec_json_object(w, "partitionValues");
    if (partition_by) ec_json_str(w, partition_by, value && value[0] ? value : NULL);
    ec_json_end(w);
}

static void write_stats(struct ec_json_writer *w, const struct ec_delta_file *file) {
    if (file->stats) {
        ec_json_str(w, "stats", file->stats);
    } else if (file->rows != UINT64_MAX) {
        char text[48];
        (void)snprintf(text, sizeof text, "{\"numRecords\":%" PRIu64 "}", file->rows);
        ec_json_str(w, "stats", text);
    }
}

void ec_delta_add_action(struct ec_buf *out, const struct ec_delta_file *file, const char *partition_by) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_object(&w, "add");
    ec_json_str(&w, "path", file->path);
    write_partition(&w, partition_by, file->partition);
    ec_json_uint(&w, "size", file->bytes);
    ec_json_int(&w, "modificationTime", file->modified_ms);
    ec_json_bool(&w, "dataChange", true);
    write_stats(&w, file);
    ec_json_end(&w);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

void ec_delta_remove_action(struct ec_buf *out, const struct ec_delta_file *file, const char *partition_by,
                            int64_t deleted_ms) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_object(&w, "remove");
    ec_json_str(&w, "path", file->path);
    ec_json_int(&w, "deletionTimestamp", deleted_ms);
    ec_json_bool(&w, "dataChange", true);
    ec_json_bool(&w, "extendedFileMetadata", true);
    write_partition(&w, partition_by, file->partition);
    ec_json_uint(&w, "size", file->bytes);
    ec_json_end(&w);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

/* Spark keeps milliseconds in statistics: a minimum is rounded down and a maximum up, so that
 * both stay bounds. */
static void write_datetime(struct ec_json_writer *w, const char *name, int64_t micros, bool up) {
    int64_t ms = micros / 1000, rest = micros % 1000;
    if (rest < 0) ms--;
    if (rest != 0 && up) ms++;
    int64_t second = ms / 1000, fraction = ms % 1000;
    if (fraction < 0) {
        second--;
        fraction += 1000;
    }
    char text[48];
    size_t n = ec_datetime_format(second * EC_MICROS_PER_SECOND, text) - 1; /* without the Z */
    (void)snprintf(text + n, sizeof text - n, ".%03dZ", (int)fraction);
    ec_json_str(w, name, text);
}

/* A date of four digits: what every reader of statistics can parse. */
static bool is_common_year(int64_t days) {
    return days >= -719162 && days <= 2932896; /* 0001 to 9999 */
}

static void write_bound(struct ec_json_writer *w, const struct ec_part_column *column, bool max) {
    int64_t i = max ? column->max.i : column->min.i;
    double d = max ? column->max.d : column->min.d;
    char text[32];
    switch (column->type.type) {
    case EC_TYPE_INTEGER: ec_json_int(w, column->name, i); break;
    case EC_TYPE_FLOAT:
        if (isfinite(d)) ec_json_double(w, column->name, d);
        break;
    case EC_TYPE_DATETIME:
        if (is_common_year(i / EC_MICROS_PER_DAY - 1) && is_common_year(i / EC_MICROS_PER_DAY + 1))
            write_datetime(w, column->name, i, max);
        break;
    case EC_TYPE_DATE:
        if (!is_common_year(i)) break;
        (void)ec_date_format((int32_t)i, text);
        ec_json_str(w, column->name, text);
        break;
    case EC_TYPE_DECIMAL: {
        size_t n = ec_decimal_format(i, column->type.scale, text);
        ec_json_raw(w, column->name, (struct ec_str){text, n});
        break;
    }
    case EC_TYPE_STRING:
    case EC_TYPE_BOOLEAN: break; /* the protocol's readers do not use bounds of these from us */
    }
}

static void write_bounds(struct ec_json_writer *w, const char *key, const struct ec_part_stats *stats, bool max) {
    ec_json_object(w, key);
    for (size_t i = 0; i < stats->column_count; i++)
        if (stats->column[i].bounded) write_bound(w, &stats->column[i], max);
    ec_json_end(w);
}

void ec_delta_stats_json(struct ec_buf *out, const struct ec_part_stats *stats) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_uint(&w, "numRecords", stats->rows);
    write_bounds(&w, "minValues", stats, false);
    write_bounds(&w, "maxValues", stats, true);
    ec_json_object(&w, "nullCount");
    for (size_t i = 0; i < stats->column_count; i++) ec_json_uint(&w, stats->column[i].name, stats->column[i].nulls);
    ec_json_end(&w);
    ec_json_end(&w);
}
