/* The worker protocol, version 1: one JSON object a line in each direction. Written here, read in
 * protocol_read.c; docs/protocol.md names every field. */
#include "run/task.h"

static void write_range(struct ec_json_writer *w, const struct ec_task *task) {
    if (task->range_end == 0) return;
    ec_json_array(w, "range");
    ec_json_uint(w, NULL, task->range_start);
    ec_json_uint(w, NULL, task->range_end);
    ec_json_end_array(w);
    ec_json_uint(w, "line", task->line);
}

static void write_problem(struct ec_json_writer *w, const struct ec_task *task) {
    if (task->problem == EC_OK) return;
    ec_json_error(w, "problem", task->problem, task->message);
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
    ec_json_bool(&w, "kept", task->kept);
    ec_json_bool(&w, "reject", task->reject);
    ec_json_int(&w, "as_of", task->as_of);
    ec_json_str(&w, "config", task->config);
    write_problem(&w, task);
    ec_json_end(&w);
}

static void write_type(struct ec_json_writer *w, struct ec_column_type type) {
    char text[32];
    if (type.type == EC_TYPE_DECIMAL)
        (void)snprintf(text, sizeof text, "decimal(%u,%u)", type.precision, type.scale);
    else
        (void)snprintf(text, sizeof text, "%s", ec_type_name(type.type));
    ec_json_str(w, "type", text);
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
        ec_json_error(&w, "error", result->status, result->error);
    }
    write_parts(&w, result);
    ec_facts_write(&w, "quality", &result->facts);
    ec_json_str(&w, "quarantine", result->quarantine);
    ec_json_uint(&w, "quarantined", result->quarantined);
    ec_json_str(&w, "keys", result->keys);
    ec_json_uint(&w, "key_count", result->key_count);
    ec_json_bool(&w, "kept", result->kept);
    write_names(&w, "missing", result->missing, result->missing_count);
    write_names(&w, "undeclared", result->undeclared, result->undeclared_count);
    ec_json_end(&w);
}
