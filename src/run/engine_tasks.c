/* What an engine is told at the beginning of a run, and its rounds of tasks. */
#include "run/engine.h"

#include "base/io.h"
#include "base/json.h"
#include "run/exchange.h"
#include "run/paths.h"
#include "run/progress.h"

#define BEGIN_BYTES_MAX ((size_t)64 * EC_MIB)

/* ---- the beginning ---- */

static void write_columns(struct ec_json_writer *w, const struct ec_model_table *table) {
    ec_json_array(w, "columns");
    for (size_t i = 0; i < table->column_count; i++) {
        char type[32];
        struct ec_column_type t = table->column[i].type;
        if (t.type == EC_TYPE_DECIMAL)
            (void)snprintf(type, sizeof type, "decimal(%u,%u)", t.precision, t.scale);
        else
            (void)snprintf(type, sizeof type, "%s", ec_type_name(t.type));
        ec_json_object(w, NULL);
        ec_json_str(w, "name", table->column[i].name);
        ec_json_str(w, "type", type);
        ec_json_end(w);
    }
    ec_json_end_array(w);
}

static void write_model(struct ec_json_writer *w, const struct ec_model *m) {
    ec_json_object(w, NULL);
    ec_json_str(w, "model", m->table.name);
    ec_json_str(w, "file", m->file);
    ec_json_str(w, "sql", m->text);
    ec_json_str(w, "partition_by", m->table.partition_by);
    write_columns(w, &m->table);
    ec_json_array(w, "inputs");
    for (size_t i = 0; i < m->input_count; i++) ec_json_str(w, NULL, m->input[i].table->name);
    ec_json_end_array(w);
    ec_json_bool(w, "sorted", !m->unordered);
    ec_json_array(w, "order_by");
    for (size_t i = 0; i < m->order_by_count; i++) ec_json_str(w, NULL, m->order_by[i]);
    ec_json_end_array(w);
    ec_json_end(w);
}

static void write_begin(struct ec_driver *d, struct ec_buf *line) {
    struct ec_json_writer w;
    ec_json_init(&w, line);
    ec_json_object(&w, NULL);
    ec_json_int(&w, "v", EC_ENGINE_VERSION);
    ec_json_str(&w, "ask", "begin");
    ec_json_str(&w, "run", d->plan.run);
    ec_json_uint(&w, "seq", d->plan.seq);
    ec_json_str(&w, "project", d->config->dir);
    ec_json_str(&w, "staging", d->staging);
    ec_json_str(&w, "store", d->config->tables_store);
    ec_json_int(&w, "as_of", d->options->as_of);
    ec_json_uint(&w, "tasks", d->plan.task_count);
    ec_json_array(&w, "worker"); /* what the program of a worker is started with */
    for (size_t i = 1; d->options->worker_argv[i]; i++) ec_json_str(&w, NULL, d->options->worker_argv[i]);
    ec_json_end_array(&w);
    ec_json_array(&w, "sources");
    for (size_t i = 0; i < d->config->source_count; i++) {
        const struct ec_model_table *table = &d->models->source[i];
        ec_json_object(&w, NULL);
        ec_json_str(&w, "table", table->name);
        ec_json_str(&w, "partition_by", table->partition_by);
        write_columns(&w, table);
        ec_json_end(&w);
    }
    ec_json_end_array(&w);
    ec_json_array(&w, "models");
    for (size_t i = 0; i < d->models->models->count; i++) write_model(&w, &d->models->models->model[i]);
    ec_json_end_array(&w);
    ec_json_end(&w);
}

/* Where its machines will hand files to each other: noted before it is used. */
static enum ec_status take_exchange(struct ec_driver *d, const json_t *answer, struct ec_err *err) {
    const char *address = json_string_value(json_object_get(answer, "exchange"));
    if (!address) return EC_OK;
    EC_TRY(ec_exchange_check(address, d->plan.run, err));
    EC_TRY(ec_exchange_note(d->config->dir, address, err));
    d->engine->exchange = ec_arena_strdup(&d->arena, address);
    return d->engine->exchange ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the run");
}

enum ec_status ec_engine_begin(struct ec_driver *d, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(BEGIN_BYTES_MAX);
    write_begin(d, &text);
    enum ec_status status = ec_engine_say(d->engine, &text, err);
    ec_buf_free(&text);
    EC_TRY(status);
    const char *line;
    size_t n;
    json_t *answer;
    EC_TRY(ec_engine_hear(d, &line, &n, &answer, err));
    bool ready = json_is_true(json_object_get(answer, "ready"));
    d->engine->puts = json_is_true(json_object_get(answer, "puts"));
    status = ready ? take_exchange(d, answer, err) : ec_fail(err, EC_PROTOCOL, "the engine does not say that it is ready");
    json_decref(answer);
    return status;
}

/* ---- tasks ---- */

/* Of an object in a store: which version of it was planned, for machines that get it themselves. */
static void write_object(struct ec_buf *line, const struct ec_task *task) {
    struct stat st;
    char path[EC_PATH_MAX];
    struct ec_json_writer w;
    if (!task->tag || ec_path_join(path, sizeof path, task->root, task->path, NULL) != EC_OK || stat(path, &st) != 0) return;
    ec_buf_addz(line, ",\"object\":");
    ec_json_init(&w, line);
    ec_json_object(&w, NULL);
    ec_json_uint(&w, "bytes", (uint64_t)st.st_size); /* also of an archive, whose members are what is read */
    ec_json_str(&w, "tag", task->tag);
    ec_json_end(&w);
}

static enum ec_status ask_round(struct ec_round *round, struct ec_err *err) {
    struct ec_engine *engine = round->driver->engine;
    struct ec_buf line = ec_buf_make(EC_PROTOCOL_LINE_MAX);
    ec_buf_printf(&line, "{\"v\":%d,\"ask\":\"tasks\",\"count\":%zu}", EC_ENGINE_VERSION, round->count);
    enum ec_status status = ec_engine_say(engine, &line, err);
    for (size_t i = 0; i < round->count && status == EC_OK; i++) {
        ec_buf_clear(&line);
        ec_buf_printf(&line, "{\"bytes\":%llu,\"task\":", (unsigned long long)round->bytes[i]);
        ec_task_write(&line, &round->task[i]);
        write_object(&line, &round->task[i]);
        ec_buf_addc(&line, '}');
        status = ec_engine_say(engine, &line, err);
    }
    ec_buf_free(&line);
    return status;
}

/* Which of the plan's tasks has this name: they are numbered from 1. */
static size_t number_of(const struct ec_plan *plan, const char *name) {
    size_t number = 0;
    for (const char *c = name + (*name == 't'); *c >= '0' && *c <= '9' && number <= plan->task_count; c++)
        number = number * 10 + (size_t)(*c - '0');
    return number > 0 && number <= plan->task_count && strcmp(plan->task[number - 1].id, name) == 0 ? number - 1 : SIZE_MAX;
}

/* The place of the answer's task in the round, which is taken out of `place`: each is answered once. */
static enum ec_status find_task(const struct ec_round *round, const char *name, size_t *place, size_t *at, struct ec_err *err) {
    size_t number = number_of(&round->driver->plan, name);
    if (number == SIZE_MAX || place[number] == 0)
        return ec_fail(err, EC_PROTOCOL, "the engine answers a task that it was not given, or twice: %s", name);
    *at = place[number] - 1;
    place[number] = 0;
    return EC_OK;
}

static enum ec_status take_result(struct ec_round *round, const char *line, size_t n, size_t *place, struct ec_err *err) {
    struct ec_driver *d = round->driver;
    struct ec_task_result result;
    size_t at = 0;
    enum ec_status status = ec_task_result_read(line, n, &result, err);
    if (status == EC_OK) status = find_task(round, result.task, place, &at, err);
    if (status != EC_OK) {
        ec_task_result_deinit(&result);
        return status;
    }
    struct ec_task_result *kept = &d->result[round->index[at]];
    ec_task_result_deinit(kept);
    *kept = result;
    ec_timing_note_child(kept->facts.time.cpu_ns);
    ec_progress_task(d->progress, &round->task[at], kept);
    return EC_OK;
}

static enum ec_status hear_round(struct ec_round *round, size_t *place, struct ec_err *err) {
    for (size_t left = round->count; left > 0;) {
        const char *line;
        size_t n;
        json_t *object;
        EC_TRY(ec_engine_hear(round->driver, &line, &n, &object, err));
        const json_t *done = json_object_get(object, "progress");
        bool is_result = done == NULL;
        if (!is_result)
            ec_progress_count(round->driver->progress, (uint64_t)json_integer_value(json_array_get(done, 0)),
                              (uint64_t)json_integer_value(json_array_get(done, 1)));
        json_decref(object);
        if (is_result) EC_TRY(take_result(round, line, n, place, err));
        left -= is_result;
    }
    return EC_OK;
}

enum ec_status ec_engine_round(struct ec_round *round, struct ec_err *err) {
    struct ec_driver *d = round->driver;
    if (round->count == 0) return EC_OK;
    size_t *place = ec_arena_calloc(&d->arena, d->plan.task_count, sizeof *place); /* in the round, from 1 */
    if (!place) return ec_fail(err, EC_NO_MEMORY, "no memory for %zu tasks", round->count);
    for (size_t i = 0; i < round->count; i++) place[round->index[i]] = i + 1;
    EC_TRY(ask_round(round, err));
    return hear_round(round, place, err);
}
