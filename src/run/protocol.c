/* The worker protocol, version 1: one JSON object a line in each direction. */
#include "run/task.h"

#include "base/hash.h"

static void write_range(struct ec_json_writer *w, const struct ec_task *task) {
    if (task->range_end == 0) return;
    ec_json_array(w, "range");
    ec_json_uint(w, NULL, task->range_start);
    ec_json_uint(w, NULL, task->range_end);
    ec_json_end_array(w);
    ec_json_uint(w, "line", task->line);
}

void ec_task_write(struct ec_buf *out, const struct ec_task *task) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_int(&w, "v", EC_PROTOCOL_VERSION);
    ec_json_str(&w, "task", task->id);
    ec_json_str(&w, "run", task->run);
    ec_json_uint(&w, "seq", task->seq);
    ec_json_str(&w, "source", task->source);
    ec_json_str(&w, "root", task->root);
    ec_json_str(&w, "path", task->path);
    ec_json_str(&w, "member", task->member);
    write_range(&w, task);
    ec_json_str(&w, "out", task->out);
    ec_json_str(&w, "drop", task->drop);
    ec_json_bool(&w, "reject", task->reject);
    ec_json_int(&w, "as_of", task->as_of);
    ec_json_str(&w, "config", task->config);
    ec_json_end(&w);
}

/* A string member; NULL where it is absent or null. Copied into the arena. */
static enum ec_status get_text(const json_t *object, const char *key, struct ec_arena *arena, const char **out,
                               struct ec_err *err) {
    *out = NULL;
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return EC_OK;
    if (!json_is_string(value)) return ec_fail(err, EC_PROTOCOL, "`%s` is not a string", key);
    *out = ec_arena_copy(arena, json_string_value(value), json_string_length(value));
    return *out ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for a protocol line");
}

static uint64_t get_uint(const json_t *object, const char *key) {
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value < 0 ? 0 : (uint64_t)value;
}

/* Parses one line and checks its version. The caller owns *object. */
static enum ec_status parse_line(const char *line, size_t n, json_t **object, struct ec_err *err) {
    json_error_t cause;
    *object = json_loadb(line, n, JSON_REJECT_DUPLICATES, &cause);
    if (!*object) return ec_fail(err, EC_PROTOCOL, "a line is not JSON: %s at column %d", cause.text, cause.column);
    if (json_integer_value(json_object_get(*object, "v")) == EC_PROTOCOL_VERSION) return EC_OK;
    json_decref(*object);
    *object = NULL;
    return ec_fail(err, EC_PROTOCOL, "a line is not of protocol version %d", EC_PROTOCOL_VERSION);
}

static enum ec_status read_task_texts(const json_t *o, struct ec_arena *arena, struct ec_task *task, struct ec_err *err) {
    EC_TRY(get_text(o, "task", arena, &task->id, err));
    EC_TRY(get_text(o, "run", arena, &task->run, err));
    EC_TRY(get_text(o, "source", arena, &task->source, err));
    EC_TRY(get_text(o, "root", arena, &task->root, err));
    EC_TRY(get_text(o, "path", arena, &task->path, err));
    EC_TRY(get_text(o, "member", arena, &task->member, err));
    EC_TRY(get_text(o, "out", arena, &task->out, err));
    EC_TRY(get_text(o, "drop", arena, &task->drop, err));
    EC_TRY(get_text(o, "config", arena, &task->config, err));
    if (!task->id || !task->source || !task->path)
        return ec_fail(err, EC_PROTOCOL, "a task needs `task`, `source` and `path`");
    if (!task->run) task->run = "";
    return EC_OK;
}

enum ec_status ec_task_read(const char *line, size_t n, struct ec_arena *arena, struct ec_task *task, struct ec_err *err) {
    *task = (struct ec_task){0};
    json_t *o;
    EC_TRY(parse_line(line, n, &o, err));
    enum ec_status status = read_task_texts(o, arena, task, err);
    const json_t *range = json_object_get(o, "range");
    task->seq = (uint32_t)get_uint(o, "seq");
    task->line = get_uint(o, "line");
    task->range_start = (uint64_t)json_integer_value(json_array_get(range, 0));
    task->range_end = (uint64_t)json_integer_value(json_array_get(range, 1));
    task->reject = json_is_true(json_object_get(o, "reject"));
    task->as_of = (int32_t)json_integer_value(json_object_get(o, "as_of"));
    json_decref(o);
    return status;
}

static void write_type(struct ec_json_writer *w, struct ec_column_type type) {
    char text[32];
    if (type.type == EC_TYPE_DECIMAL)
        (void)snprintf(text, sizeof text, "decimal(%u,%u)", type.precision, type.scale);
    else
        (void)snprintf(text, sizeof text, "%s", ec_type_name(type.type));
    ec_json_str(w, "type", text);
}

static bool read_type(const char *text, struct ec_column_type *type) {
    for (int t = EC_TYPE_STRING; t < EC_TYPE_DECIMAL; t++) {
        *type = (struct ec_column_type){.type = (enum ec_type)t};
        if (strcmp(text, ec_type_name(type->type)) == 0) return true;
    }
    unsigned numbers[2] = {0, 0};
    size_t at = strlen("decimal(");
    if (strncmp(text, "decimal(", at) != 0) return false;
    for (int i = 0; i < 2; i++, at++)
        for (; text[at] >= '0' && text[at] <= '9' && numbers[i] < 100; at++)
            numbers[i] = numbers[i] * 10 + (unsigned)(text[at] - '0');
    *type = (struct ec_column_type){EC_TYPE_DECIMAL, (uint8_t)numbers[0], (uint8_t)numbers[1]};
    return numbers[0] >= 1 && numbers[0] <= EC_DECIMAL_PRECISION_MAX && numbers[1] <= numbers[0];
}

static void write_parts(struct ec_json_writer *w, const struct ec_task_result *result) {
    ec_json_array(w, "parts");
    for (size_t i = 0; i < result->part_count; i++) {
        const struct ec_task_part *part = &result->part[i];
        ec_json_object(w, NULL);
        ec_json_str(w, "path", part->path);
        ec_json_str(w, "partition", part->partition);
        ec_json_uint(w, "rows", part->rows);
        ec_json_uint(w, "bytes", part->bytes);
        ec_json_str(w, "stats", part->stats);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_json_array(w, "columns");
    for (size_t i = 0; i < result->column_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "name", result->column[i].name);
        write_type(w, result->column[i].type);
        ec_json_end(w);
    }
    ec_json_end_array(w);
}

static void write_names(struct ec_json_writer *w, const char *key, const char *const *names, size_t count) {
    ec_json_array(w, key);
    for (size_t i = 0; i < count; i++) ec_json_str(w, NULL, names[i]);
    ec_json_end_array(w);
}

void ec_task_result_write(struct ec_buf *out, const struct ec_task_result *result) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_int(&w, "v", EC_PROTOCOL_VERSION);
    ec_json_str(&w, "task", result->task);
    ec_json_str(&w, "status", result->status == EC_OK ? "ok" : "errored");
    if (result->status == EC_OK) {
        ec_json_null(&w, "error");
    } else {
        ec_json_object(&w, "error");
        ec_json_str(&w, "code", ec_status_text(result->status)->slug);
        ec_json_str(&w, "message", result->error);
        ec_json_end(&w);
    }
    write_parts(&w, result);
    ec_facts_write(&w, "quality", &result->facts);
    ec_json_str(&w, "quarantine", result->quarantine);
    ec_json_uint(&w, "quarantined", result->quarantined);
    ec_json_str(&w, "keys", result->keys);
    ec_json_uint(&w, "key_count", result->key_count);
    write_names(&w, "missing", result->missing, result->missing_count);
    write_names(&w, "undeclared", result->undeclared, result->undeclared_count);
    ec_json_end(&w);
}

static enum ec_status read_parts(const json_t *o, struct ec_task_result *r, struct ec_err *err) {
    const json_t *parts = json_object_get(o, "parts"), *columns = json_object_get(o, "columns");
    r->part = ec_arena_calloc(&r->arena, json_array_size(parts), sizeof *r->part);
    r->column = ec_arena_calloc(&r->arena, json_array_size(columns), sizeof *r->column);
    if (!r->part || !r->column) return ec_fail(err, EC_NO_MEMORY, "no memory for a protocol line");
    for (; r->part_count < json_array_size(parts); r->part_count++) {
        const json_t *from = json_array_get(parts, r->part_count);
        struct ec_task_part *part = &r->part[r->part_count];
        EC_TRY(get_text(from, "path", &r->arena, &part->path, err));
        EC_TRY(get_text(from, "partition", &r->arena, &part->partition, err));
        EC_TRY(get_text(from, "stats", &r->arena, &part->stats, err));
        part->rows = get_uint(from, "rows");
        part->bytes = get_uint(from, "bytes");
        if (!part->path) return ec_fail(err, EC_PROTOCOL, "a part needs `path`");
    }
    for (; r->column_count < json_array_size(columns); r->column_count++) {
        const json_t *from = json_array_get(columns, r->column_count);
        struct ec_table_column *column = &r->column[r->column_count];
        const char *type;
        EC_TRY(get_text(from, "name", &r->arena, &column->name, err));
        EC_TRY(get_text(from, "type", &r->arena, &type, err));
        if (!column->name || !type || !read_type(type, &column->type))
            return ec_fail(err, EC_PROTOCOL, "a column needs `name` and a known `type`");
    }
    return EC_OK;
}

static enum ec_status read_names(const json_t *o, const char *key, struct ec_arena *arena, const char ***names,
                                 size_t *count, struct ec_err *err) {
    const json_t *from = json_object_get(o, key);
    *count = json_array_size(from);
    *names = ec_arena_calloc(arena, *count, sizeof **names);
    if (!*names) return ec_fail(err, EC_NO_MEMORY, "no memory for a protocol line");
    for (size_t i = 0; i < *count; i++) {
        const char *text = json_string_value(json_array_get(from, i));
        (*names)[i] = ec_arena_strdup(arena, text ? text : "");
        if (!(*names)[i]) return ec_fail(err, EC_NO_MEMORY, "no memory for a protocol line");
    }
    return EC_OK;
}

static enum ec_status read_status(const json_t *o, struct ec_task_result *r, struct ec_err *err) {
    const char *status, *code;
    EC_TRY(get_text(o, "status", &r->arena, &status, err));
    if (status && strcmp(status, "ok") == 0) return EC_OK;
    const json_t *error = json_object_get(o, "error");
    EC_TRY(get_text(error, "code", &r->arena, &code, err));
    EC_TRY(get_text(error, "message", &r->arena, &r->error, err));
    r->status = code ? ec_status_by_slug(code) : EC_STATUS_COUNT;
    if (r->status == EC_STATUS_COUNT) return ec_fail(err, EC_PROTOCOL, "a result has an unknown error code");
    return EC_OK;
}

static enum ec_status read_result(const json_t *o, struct ec_task_result *r, struct ec_err *err) {
    EC_TRY(get_text(o, "task", &r->arena, &r->task, err));
    EC_TRY(read_status(o, r, err));
    EC_TRY(read_parts(o, r, err));
    EC_TRY(ec_facts_read(json_object_get(o, "quality"), &r->facts, err));
    EC_TRY(get_text(o, "quarantine", &r->arena, &r->quarantine, err));
    EC_TRY(get_text(o, "keys", &r->arena, &r->keys, err));
    r->quarantined = get_uint(o, "quarantined");
    r->key_count = get_uint(o, "key_count");
    EC_TRY(read_names(o, "missing", &r->arena, &r->missing, &r->missing_count, err));
    return read_names(o, "undeclared", &r->arena, &r->undeclared, &r->undeclared_count, err);
}

enum ec_status ec_task_result_read(const char *line, size_t n, struct ec_task_result *result, struct ec_err *err) {
    ec_task_result_init(result);
    json_t *o;
    EC_TRY(parse_line(line, n, &o, err));
    enum ec_status status = read_result(o, result, err);
    json_decref(o);
    return status;
}
