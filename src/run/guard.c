#include "run/guard.h"

#include "base/io.h"
#include "base/json.h"
#include "run/lines.h"

struct guard {
    int fd_out;
    const struct ec_task *task; /* at hand */
};

static enum ec_status say(int fd, struct ec_buf *line, struct ec_err *err) {
    ec_buf_addc(line, '\n');
    enum ec_status status = ec_buf_check(line, err);
    if (status == EC_OK) status = ec_file_write(fd, line->p, line->n, _("the result of a task"), err);
    ec_buf_free(line);
    return status;
}

static enum ec_status answer(void *user, size_t index, struct ec_task_result *result, struct ec_err *err) {
    struct guard *g = user;
    struct ec_buf line = ec_buf_make(EC_PROTOCOL_LINE_MAX);
    (void)index;
    ec_task_result_write(&line, result);
    ec_task_result_deinit(result);
    return say(g->fd_out, &line, err);
}

static void say_why(const struct guard *g, enum ec_status status, const struct ec_err *cause) {
    struct ec_buf line = ec_buf_make(EC_PROTOCOL_LINE_MAX);
    struct ec_json_writer w;
    ec_json_init(&w, &line);
    ec_json_object(&w, NULL);
    ec_json_int(&w, "v", EC_PROTOCOL_VERSION);
    ec_json_str(&w, "task", g->task ? g->task->id : NULL);
    ec_json_str(&w, "status", "failed");
    ec_json_error(&w, "error", status, cause->message);
    ec_json_end(&w);
    if (say(g->fd_out, &line, NULL) != EC_OK) return; /* nobody listens; the exit code says it, too */
}

static enum ec_status run_line(struct ec_pool *pool, struct guard *g, const char *line, size_t n, struct ec_err *err) {
    struct ec_arena arena;
    struct ec_task task;
    ec_arena_init(&arena, EC_PROTOCOL_LINE_MAX);
    enum ec_status status = ec_task_read(line, n, &arena, &task, err);
    if (status == EC_OK) {
        g->task = &task;
        status = ec_pool_begin(pool, &task, 1, g, err);
        if (status == EC_OK) status = ec_pool_finish(pool, err);
    }
    if (status != EC_OK && err) say_why(g, status, err);
    g->task = NULL;
    ec_arena_deinit(&arena);
    return status;
}

enum ec_status ec_guard_run(const struct ec_guard_options *o, int fd_in, int fd_out, struct ec_err *err) {
    struct guard guard = {.fd_out = fd_out};
    struct ec_pool_options options = {
        .argv = o->argv, .workers = 1, .timeout_s = o->timeout_s, .memory_bytes = o->memory_bytes, .done = answer};
    struct ec_pool *pool;
    EC_TRY(ec_pool_create(&options, &pool, err));
    struct ec_lines in = ec_lines_of(fd_in);
    enum ec_status status = EC_OK;
    const char *line;
    size_t n;
    while (status == EC_OK && (status = ec_lines_next(&in, &line, &n, err)) == EC_OK && line)
        if (n > 0) status = run_line(pool, &guard, line, n, err);
    ec_lines_free(&in);
    ec_pool_destroy(pool);
    return status;
}
