/* Tables that grow columns: what new rows mean for a table's schema, and the metaData action
 * that says so. Columns are only ever added, behind those that are there. */
#include "store/delta_log.h"

#include "base/column_type.h"

#include <strings.h>

static enum ec_status check_name(const struct ec_delta *table, const struct ec_delta_column *want,
                                 const struct ec_delta_column *old, size_t old_count, struct ec_err *err) {
    if (!ec_delta_name_valid(want->name))
        return ec_fail(
            err, EC_CONFIG,
            "the table %s cannot have a column named '%s': a name may hold none of space , ; { } ( ) = tab and "
            "line end; rename it",
            table->dir, want->name);
    for (size_t i = 0; i < old_count; i++)
        if (strcasecmp(old[i].name, want->name) == 0)
            return ec_fail(err, EC_CONFIG,
                           "the table %s has a column %s, and %s differs from it in case alone; rename it", table->dir,
                           old[i].name, want->name);
    return EC_OK;
}

static const struct ec_delta_column *find(const struct ec_delta_column *column, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(column[i].name, name) == 0) return &column[i];
    return NULL;
}

static enum ec_status type_conflict(const struct ec_delta *table, const struct ec_delta_column *old,
                                    const struct ec_delta_column *want, struct ec_err *err) {
    char was[EC_DELTA_TYPE_NAME], is[EC_DELTA_TYPE_NAME];
    ec_delta_type_name(old->type, was);
    ec_delta_type_name(want->type, is);
    return ec_fail(
        err, EC_CONFIG,
        "the column %s of the table %s is %s there and %s in the new rows; give it its former type, or another name",
        old->name, table->dir, was, is);
}

enum ec_status ec_delta_schema_merge(const struct ec_delta *table, const struct ec_delta_column *want, size_t count,
                                     struct ec_arena *arena, struct ec_delta_column **merged, size_t *merged_count,
                                     bool *changed, struct ec_err *err) {
    struct ec_delta_column *list = ec_arena_calloc(arena, table->column_count + count, sizeof *list);
    if (!list) return ec_fail(err, EC_NO_MEMORY, "no memory for the schema of the table %s", table->dir);
    size_t n = table->column_count;
    if (n) memcpy(list, table->column, n * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const struct ec_delta_column *old = find(list, n, want[i].name);
        if (old && !ec_column_type_same(old->type, want[i].type)) return type_conflict(table, old, &want[i], err);
        if (old) continue;
        EC_TRY(check_name(table, &want[i], list, n, err));
        list[n++] = want[i];
    }
    *merged = list;
    *merged_count = n;
    *changed = n > table->column_count;
    return EC_OK;
}

/* Appends to the array `fields` the columns that it lacks. */
static bool add_fields(json_t *fields, const struct ec_delta_column *column, size_t count) {
    bool good = true;
    for (size_t i = json_array_size(fields); i < count && good; i++) {
        char type[EC_DELTA_TYPE_NAME];
        ec_delta_type_name(column[i].type, type);
        good = json_array_append_new(fields, json_pack("{s:s, s:s, s:b, s:{}}", "name", column[i].name, "type", type,
                                                       "nullable", 1, "metadata")) == 0;
    }
    return good;
}

enum ec_status ec_delta_evolve_action(struct ec_buf *out, const struct ec_delta *table,
                                      const struct ec_delta_column *column, size_t count, struct ec_err *err) {
    enum ec_status status = EC_OK;
    struct ec_buf schema_text = ec_buf_make(EC_DELTA_COMMIT_MAX);
    json_t *metadata = json_loads(table->metadata, 0, NULL);
    const char *text = json_string_value(json_object_get(metadata, "schemaString"));
    json_t *schema = text ? json_loads(text, 0, NULL) : NULL;
    bool good = schema && add_fields(json_object_get(schema, "fields"), column, count) &&
                ec_delta_dump(schema, &schema_text) &&
                json_object_set_new(metadata, "schemaString", json_stringn(schema_text.p, schema_text.n)) == 0;
    if (good) {
        ec_buf_addz(out, "{\"metaData\":");
        good = ec_delta_dump(metadata, out);
        ec_buf_addz(out, "}\n");
    }
    if (!good) status = ec_fail(err, EC_NO_MEMORY, "no memory for the new schema of the table %s", table->dir);
    json_decref(schema);
    json_decref(metadata);
    ec_buf_free(&schema_text);
    return status;
}
