/* The two pipes to an engine. */
#include "run/engine.h"

#include "base/io.h"
#include "base/json_read.h"
#include "run/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#define TICK_MS 200
#define FAILED_ARENA_MAX ((size_t)1 * EC_MIB)

enum ec_status ec_engine_open(int in, int out, struct ec_engine **engine, struct ec_err *err) {
    if (fcntl(in, F_GETFD) < 0 || fcntl(out, F_GETFD) < 0)
        return ec_fail(err, EC_USAGE, "--engine fd:%d,%d: these descriptors are not open", in, out);
    struct ec_engine *made = ec_calloc(1, sizeof *made);
    if (!made) return ec_fail(err, EC_NO_MEMORY, "no memory for the engine");
    /* Nobody that this process starts may hold them open. */
    (void)fcntl(in, F_SETFD, FD_CLOEXEC);
    (void)fcntl(out, F_SETFD, FD_CLOEXEC);
    made->in = ec_lines_of(in);
    made->out = out;
    *engine = made;
    return EC_OK;
}

void ec_engine_close(struct ec_engine *engine) {
    if (!engine) return;
    (void)ec_io.close(engine->out);
    (void)ec_io.close(engine->in.fd);
    ec_lines_free(&engine->in);
    ec_free(engine);
}

enum ec_status ec_engine_say(struct ec_engine *engine, struct ec_buf *line, struct ec_err *err) {
    ec_buf_addc(line, '\n');
    EC_TRY(ec_buf_check(line, err));
    struct ec_err cause = {0};
    if (ec_file_write(engine->out, line->p, line->n, _("the engine"), &cause) == EC_OK) return EC_OK;
    return ec_fail(err, EC_ENGINE, "the engine ended while it was asked: %s", cause.message);
}

/* {"failed":{"code":…,"message":…,"file":…,"line":…,"column":…}} */
static enum ec_status failure(const json_t *failed, struct ec_err *err) {
    struct ec_arena arena;
    struct ec_err local = {0};
    ec_arena_init(&arena, FAILED_ARENA_MAX);
    struct ec_json_reader r = ec_json_reader_of(failed, "the engine's failure", &arena, &local);
    enum ec_status status = ec_status_by_slug(ec_json_need_str(&r, "code"));
    const char *message = ec_json_need_str(&r, "message"), *file = ec_json_get_str(&r, "file");
    uint64_t line = ec_json_has(&r, "line") ? ec_json_get_uint(&r, "line") : 0;
    uint64_t column = ec_json_has(&r, "column") ? ec_json_get_uint(&r, "column") : 0;
    if (status == EC_STATUS_COUNT || status == EC_OK) status = EC_ENGINE;
    (void)ec_fail(err, status, "%s", *message ? message : _("the engine failed and does not say why"));
    if (file) ec_err_at(err, file, (uint32_t)line, (uint32_t)column);
    ec_arena_deinit(&arena);
    return status;
}

/* Waits until there is something to read. */
static enum ec_status wait_for(struct ec_driver *d, struct ec_err *err) {
    for (;;) {
        struct pollfd fd = {.fd = d->engine->in.fd, .events = POLLIN};
        int ready = poll(&fd, 1, TICK_MS);
        if (ready < 0 && errno != EINTR) return ec_fail_errno(err, EC_IO, "cannot wait for the engine");
        if (d->options->cancelled && d->options->cancelled())
            return ec_fail(err, EC_INTERRUPTED, "interrupted; nothing of this run was committed");
        ec_progress_draw(d->progress);
        if (ready > 0) return EC_OK;
    }
}

enum ec_status ec_engine_hear(struct ec_driver *d, const char **line, size_t *n, json_t **object, struct ec_err *err) {
    struct ec_lines *in = &d->engine->in;
    json_error_t cause;
    *object = NULL;
    while (!ec_lines_take(in, line, n)) {
        if (in->end) return ec_fail(err, EC_ENGINE, "the engine ended before the run did; nothing was committed");
        EC_TRY(wait_for(d, err));
        EC_TRY(ec_lines_fill(in, err));
    }
    *object = json_loadb(*line, *n, JSON_REJECT_DUPLICATES, &cause);
    if (!*object) return ec_fail(err, EC_PROTOCOL, "the engine's answer is not JSON: %s", cause.text);
    const json_t *failed = json_object_get(*object, "failed");
    if (!failed) return EC_OK;
    enum ec_status status = failure(failed, err);
    json_decref(*object);
    *object = NULL;
    return status;
}
