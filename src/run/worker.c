/* `ecluse worker`: one task per line in, one result per line out. */
#include "run/kept.h"

#include "base/io.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "run/lines.h"
#include "run/paths.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define MMAP_FROM_BYTES ((int)32 << 20) /* the most that glibc takes */
#define TRIM_FROM_BYTES ((int)512 << 20)

/* What is kept is in place before the driver can ask for it. */
static enum ec_status answer(int fd, const struct ec_task *task, const struct ec_task_result *result,
                             struct ec_err *err) {
    struct ec_buf out = ec_buf_make(EC_PROTOCOL_LINE_MAX);
    ec_task_result_write(&out, result);
    ec_buf_addc(&out, '\n');
    enum ec_status status = ec_buf_check(&out, err);
    if (status == EC_OK && result->keep) status = ec_kept_answer(task->out, ec_buf_str(&out), err);
    if (status == EC_OK) status = ec_file_write(fd, out.p, out.n, _("the result of a task"), err);
    ec_buf_free(&out);
    return status;
}

static enum ec_status run_line(struct ec_task_context *context, const char *line, size_t n, int fd_out,
                               struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, EC_PROTOCOL_LINE_MAX);
    struct ec_task task;
    enum ec_status status = ec_task_read(line, n, &arena, &task, err);
    if (status == EC_OK) {
        struct ec_task_result result;
        status = ec_task_run(context, &task, &result, err);
        if (status == EC_OK) status = answer(fd_out, &task, &result, err);
        ec_task_result_deinit(&result);
    }
    ec_arena_deinit(&arena);
    return status;
}

/* A task takes about what the one before it gave back: kept, it needs no fresh pages. */
static void keep_memory(void) {
#if defined(__GLIBC__)
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_FROM_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_FROM_BYTES);
#endif
}

void ec_worker_context(const struct ec_config *config, struct ec_task_context *context) {
    /* The driver's share is one part beside its workers. */
    *context = (struct ec_task_context){.config = config, .memory_bytes = config->memory_bytes / (config->workers + 1)};
}

enum ec_status ec_worker_serve(struct ec_task_context *context, int fd_in, int fd_out, struct ec_err *err) {
    ec_files_raise(EC_OPEN_FILES);
    keep_memory();
    struct ec_lines in = ec_lines_of(fd_in);
    enum ec_status status = EC_OK;
    const char *line;
    size_t n;
    while (status == EC_OK && (status = ec_lines_next(&in, &line, &n, err)) == EC_OK && line)
        if (n > 0) status = run_line(context, line, n, fd_out, err);
    ec_lines_free(&in);
    return status;
}

/* Address space that threads, libraries and allocators set aside without using it. */
#define SPARE_BYTES ((uint64_t)4 * EC_GIB)

/* What opens stores of objects: who parses has no need of it. Its copy of the environment is this process's own. */
static void forget_credentials(void) {
    static const char *const names[] = {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *value = getenv(names[i]);
        if (value) explicit_bzero(value, strlen(value));
    }
}

enum ec_status ec_worker_confine(const struct ec_task_context *context, struct ec_err *err) {
    char raw[EC_PATH_MAX], staging[EC_PATH_MAX];
    struct ec_sandbox sandbox = {.read = {raw}, .reads = 1, .write = {staging}, .writes = 1};
    sandbox.memory_bytes = SPARE_BYTES + context->memory_bytes * 2;
    EC_TRY(ec_sql_load(err)); /* its folder cannot be read afterwards */
    EC_TRY(ec_project_path(raw, context->config->dir, EC_DIR_RAW, NULL, err));
    EC_TRY(ec_project_path(staging, context->config->dir, EC_DIR_STAGING, NULL, err));
    forget_credentials();
    unsigned held = ec_sandbox_enter(&sandbox);
    ec_log(EC_LOG_DEBUG, "a worker is confined: parts %#x", held);
    return EC_OK;
}

enum ec_status ec_worker_run(const struct ec_config *config, bool confined, int fd_in, int fd_out, struct ec_err *err) {
    struct ec_task_context context;
    ec_worker_context(config, &context);
    enum ec_status status = confined ? ec_worker_confine(&context, err) : EC_OK;
    if (status == EC_OK) status = ec_worker_serve(&context, fd_in, fd_out, err);
    ec_task_context_deinit(&context);
    return status;
}
