/* Reading the worker protocol. A line comes from another process, which may be broken: every field is
 * looked at, and no path of a result leaves the task's folder. */
#include "run/task.h"

#include "base/calendar.h"
#include "base/json_read.h"

/* Parses one line and checks its version. The caller owns *object. */
static enum ec_status parse_line(const char *line, size_t n, const char *what, json_t **object, struct ec_err *err) {
    json_error_t cause;
    *object = json_loadb(line, n, JSON_REJECT_DUPLICATES, &cause);
    if (!*object) return ec_fail(err, EC_PROTOCOL, "%s is not JSON: %s at byte %d", what, cause.text, cause.position);
    const json_t *version = json_object_get(*object, "v");
    if (json_is_integer(version) && json_integer_value(version) == EC_PROTOCOL_VERSION) return EC_OK;
    json_decref(*object);
    *object = NULL;
    return ec_fail(err, EC_PROTOCOL, "%s is not of protocol version %d", what, EC_PROTOCOL_VERSION);
}

static uint64_t optional_uint(struct ec_json_reader *r, const char *key) {
    return ec_json_has(r, key) ? ec_json_get_uint(r, key) : 0;
}

/* ---- a task ---- */

/* The run's date; a scheduler that does not say it means today. */
static int32_t read_as_of(struct ec_json_reader *r) {
    if (!ec_json_has(r, "as_of")) return ec_days_from_micros(ec_now_micros());
    int64_t days = ec_json_get_int(r, "as_of");
    if (days < INT32_MIN || days > INT32_MAX) ec_json_wrong(r, "as_of", "days since 1970");
    return (int32_t)days;
}

/* What is wrong with a file, as a result says it. */
static void read_problem(struct ec_json_reader *r, struct ec_task *task) {
    const json_t *given = ec_json_get_object(r, "problem");
    if (!given) return;
    struct ec_json_reader problem = ec_json_reader_of(given, "the problem of a task", r->arena, r->err);
    task->problem = ec_status_by_slug(ec_json_need_str(&problem, "code"));
    task->message = ec_json_need_str(&problem, "message");
    if (problem.status != EC_OK) r->status = problem.status;
    else if (task->problem == EC_STATUS_COUNT || !ec_status_is_of_the_file(task->problem)) ec_json_wrong(r, "problem", "what is wrong with a file");
}

static void read_task(struct ec_json_reader *r, struct ec_task *task) {
    task->id = ec_json_need_str(r, "task");
    task->source = ec_json_need_str(r, "source");
    task->path = ec_json_need_str(r, "path");
    task->run = ec_json_has(r, "run") ? ec_json_need_str(r, "run") : "";
    task->root = ec_json_get_str(r, "root");
    task->member = ec_json_get_str(r, "member");
    task->out = ec_json_get_str(r, "out");
    task->drop = ec_json_get_str(r, "drop");
    task->kept = ec_json_has(r, "kept") && ec_json_get_bool(r, "kept");
    task->config = ec_json_get_str(r, "config");
    uint64_t seq = optional_uint(r, "seq");
    if (seq > UINT32_MAX) ec_json_wrong(r, "seq", "the number of a run");
    task->seq = (uint32_t)seq;
    task->line = optional_uint(r, "line");
    task->reject = ec_json_has(r, "reject") && ec_json_get_bool(r, "reject");
    task->as_of = read_as_of(r);
    ec_json_get_range(r, "range", &task->range_start, &task->range_end);
    read_problem(r, task);
    /* It names files. */
    if (r->status == EC_OK && (!*task->id || strlen(task->id) > EC_TASK_ID_MAX ||
                               strspn(task->id, EC_TASK_ID_CHARACTERS) != strlen(task->id)))
        ec_json_wrong(r, "task", "a name of letters, digits, - and _");
}

enum ec_status ec_task_read(const char *line, size_t n, struct ec_arena *arena, struct ec_task *task,
                            struct ec_err *err) {
    *task = (struct ec_task){0};
    json_t *object;
    EC_TRY(parse_line(line, n, _("a task"), &object, err));
    struct ec_json_reader r = ec_json_reader_of(object, "a task", arena, err);
    read_task(&r, task);
    json_decref(object);
    return r.status;
}

/* ---- a result ---- */

/* Whether a path stays in the folder that it is relative to. */
static bool is_below(const char *path) {
    if (*path == '\0' || *path == '/') return false;
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.')) return false;
        p += n;
        if (*p == '/' && *++p == '\0') return false;
    }
    return true;
}

static const char *read_path(struct ec_json_reader *r, const char *key) {
    const char *path = ec_json_get_str(r, key);
    if (path && !is_below(path)) ec_json_wrong(r, key, "a path below the task's folder");
    return path;
}

/* "5" and what follows it at *p; false where there is no number up to 99. */
static bool read_number(const char **p, char end, uint8_t *value) {
    unsigned number = 0, digits = 0;
    for (; **p >= '0' && **p <= '9' && digits < 2; (*p)++, digits++) number = number * 10 + (unsigned)(**p - '0');
    *value = (uint8_t)number;
    return digits > 0 && *(*p)++ == end;
}

static bool read_type(const char *text, struct ec_column_type *type) {
    static const char decimal[] = "decimal(";
    for (int t = EC_TYPE_STRING; t < EC_TYPE_DECIMAL; t++) {
        *type = (struct ec_column_type){.type = (enum ec_type)t};
        if (strcmp(text, ec_type_name(type->type)) == 0) return true;
    }
    if (strncmp(text, decimal, sizeof decimal - 1) != 0) return false;
    const char *p = text + sizeof decimal - 1;
    type->type = EC_TYPE_DECIMAL;
    return read_number(&p, ',', &type->precision) && read_number(&p, ')', &type->scale) && *p == '\0' &&
           type->precision >= 1 && type->precision <= EC_DECIMAL_PRECISION_MAX && type->scale <= type->precision;
}

static enum ec_status read_part(const json_t *from, struct ec_task_result *result, struct ec_err *err) {
    struct ec_json_reader r = ec_json_reader_of(from, "a part of a result", &result->arena, err);
    struct ec_task_part part = {.path = read_path(&r, "path"),
                                .partition = ec_json_get_str(&r, "partition"),
                                .rows = ec_json_get_uint(&r, "rows"),
                                .bytes = ec_json_get_uint(&r, "bytes"),
                                .stats = ec_json_need_str(&r, "stats")};
    if (!part.path) ec_json_wrong(&r, "path", "a path below the task's folder");
    result->part[result->part_count++] = part;
    return r.status;
}

static enum ec_status read_column(const json_t *from, struct ec_task_result *result, struct ec_err *err) {
    struct ec_json_reader r = ec_json_reader_of(from, "a column of a result", &result->arena, err);
    struct ec_table_column column = {.name = ec_json_need_str(&r, "name")};
    if (!read_type(ec_json_need_str(&r, "type"), &column.type)) ec_json_wrong(&r, "type", "a type of column");
    result->column[result->column_count++] = column;
    return r.status;
}

static enum ec_status read_lists(struct ec_json_reader *r, struct ec_task_result *result) {
    const json_t *parts = ec_json_get_array(r, "parts"), *columns = ec_json_get_array(r, "columns");
    result->part = ec_json_alloc(r, json_array_size(parts), sizeof *result->part);
    result->column = ec_json_alloc(r, json_array_size(columns), sizeof *result->column);
    EC_TRY(r->status);
    for (size_t i = 0; i < json_array_size(parts); i++) EC_TRY(read_part(json_array_get(parts, i), result, r->err));
    for (size_t i = 0; i < json_array_size(columns); i++)
        EC_TRY(read_column(json_array_get(columns, i), result, r->err));
    return EC_OK;
}

static void read_names(struct ec_json_reader *r, const char *key, const char ***names, size_t *count) {
    const json_t *list = ec_json_get_array(r, key);
    *names = ec_json_alloc(r, json_array_size(list), sizeof **names);
    for (size_t i = 0; r->status == EC_OK && i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        (*names)[*count] = text ? ec_arena_strdup(r->arena, text) : NULL;
        if ((*names)[*count])
            (*count)++;
        else
            ec_json_wrong(r, key, "a list of names");
    }
}

static void read_error(struct ec_json_reader *r, struct ec_task_result *result) {
    struct ec_json_reader error =
        ec_json_reader_of(ec_json_get_object(r, "error"), "the error of a result", r->arena, r->err);
    if (r->status == EC_OK) {
        result->status = ec_status_by_slug(ec_json_need_str(&error, "code"));
        result->error = ec_json_need_str(&error, "message");
        if (result->status == EC_STATUS_COUNT || result->status == EC_OK)
            ec_json_wrong(&error, "code", "a code of `ecluse explain`");
        r->status = error.status;
    }
}

static enum ec_status read_result(const json_t *object, struct ec_task_result *result, struct ec_err *err) {
    struct ec_json_reader r = ec_json_reader_of(object, "a result", &result->arena, err);
    result->task = ec_json_need_str(&r, "task");
    const char *status = ec_json_need_str(&r, "status");
    if (strcmp(status, "errored") == 0)
        read_error(&r, result);
    else if (strcmp(status, "ok") != 0)
        ec_json_wrong(&r, "status", "ok or errored");
    EC_TRY(r.status);
    EC_TRY(read_lists(&r, result));
    result->quarantine = read_path(&r, "quarantine");
    result->quarantined = ec_json_get_uint(&r, "quarantined");
    result->keys = read_path(&r, "keys");
    result->key_count = ec_json_get_uint(&r, "key_count");
    result->kept = ec_json_has(&r, "kept") && ec_json_get_bool(&r, "kept");
    read_names(&r, "missing", &result->missing, &result->missing_count);
    read_names(&r, "undeclared", &result->undeclared, &result->undeclared_count);
    EC_TRY(r.status);
    ec_facts_deinit(&result->facts);
    return ec_facts_read(json_object_get(object, "quality"), &result->facts, err);
}

enum ec_status ec_task_result_read(const char *line, size_t n, struct ec_task_result *result, struct ec_err *err) {
    ec_task_result_init(result);
    json_t *object;
    EC_TRY(parse_line(line, n, _("a result"), &object, err));
    enum ec_status status = read_result(object, result, err);
    json_decref(object);
    return status;
}
