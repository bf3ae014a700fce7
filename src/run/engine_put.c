/* Parts for the store of the tables, put by the engine where it can: many machines have more network than one. */
#include "run/engine.h"

#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "run/progress.h"

#define LINE_MAX_BYTES ((size_t)64 * EC_KIB)

static enum ec_status ask(struct ec_engine *engine, const struct ec_remote_put *put, size_t count, struct ec_err *err) {
    struct ec_buf line = ec_buf_make(LINE_MAX_BYTES);
    ec_buf_printf(&line, "{\"v\":%d,\"ask\":\"put\",\"count\":%zu}", EC_ENGINE_VERSION, count);
    enum ec_status status = ec_engine_say(engine, &line, err);
    for (size_t i = 0; i < count && status == EC_OK; i++) {
        struct ec_json_writer w;
        ec_buf_clear(&line);
        ec_json_init(&w, &line);
        ec_json_object(&w, NULL);
        ec_json_str(&w, "path", put[i].path);
        ec_json_str(&w, "address", put[i].address);
        ec_json_uint(&w, "bytes", put[i].bytes);
        ec_json_end(&w);
        status = ec_engine_say(engine, &line, err);
    }
    ec_buf_free(&line);
    return status;
}

/* Why the first of them was not put; "" where all were. */
static enum ec_status hear(struct ec_driver *d, size_t count, size_t *failed, char reason[512], struct ec_err *err) {
    reason[0] = '\0';
    for (size_t left = count; left > 0;) {
        const char *line;
        size_t n;
        json_t *object;
        EC_TRY(ec_engine_hear(d, &line, &n, &object, err));
        bool is_answer = json_object_get(object, "put") != NULL;
        const char *status = json_string_value(json_object_get(object, "status"));
        const char *message = json_string_value(json_object_get(json_object_get(object, "error"), "message"));
        if (is_answer && (!status || strcmp(status, "ok") != 0)) {
            if (!reason[0]) (void)snprintf(reason, 512, "%s", message ? message : _("it does not say why"));
            ++*failed;
        }
        json_decref(object);
        left -= is_answer;
    }
    return EC_OK;
}

void ec_engine_put(struct ec_driver *d, const struct ec_remote_put *put, size_t count) {
    struct ec_err cause = {0};
    char reason[512] = "";
    size_t failed = 0;
    if (!d->engine || !d->engine->puts || count == 0) return;
    enum ec_status status = ask(d->engine, put, count, &cause);
    if (status == EC_OK) status = hear(d, count, &failed, reason, &cause);
    if (status != EC_OK) {
        d->engine->puts = false; /* what it may still say is no answer to anything */
        (void)snprintf(reason, sizeof reason, "%.500s", cause.message);
        failed = count;
    }
    if (failed > 0) ec_log(EC_LOG_WARN, "store: %zu of %zu parts are put from here, as the engine could not: %s", failed, count, reason);
}
