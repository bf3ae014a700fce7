/* The expressions of all sources at once, by several threads, which have ended when it returns: the process may fork then. */
#include "run/task.h"

#include "base/io.h"
#include "base/threads.h"
#include "sql/derive.h"

#include <stdatomic.h>

struct preparing {
    struct ec_task_context *context;
    _Atomic size_t next;
    struct ec_err *err; /* per source */
};

static enum ec_status prepare(struct ec_task_context *c, size_t i, struct ec_err *err) {
    struct ec_sql *sql;
    const struct ec_source *source = &c->config->source[i];
    if (!ec_source_has_expressions(source)) return EC_OK;
    EC_TRY(ec_sql_share(c->sql, &sql, err));
    enum ec_status status = ec_derive_create(sql, source, &c->derivation[i], err);
    if (status != EC_OK)
        ec_sql_close(sql);
    else
        ec_derive_own(c->derivation[i], sql);
    return status;
}

static void *prepare_some(void *context) {
    struct preparing *p = context;
    for (size_t i; (i = atomic_fetch_add(&p->next, 1)) < p->context->config->source_count;)
        (void)prepare(p->context, i, &p->err[i]);
    return NULL;
}

enum ec_status ec_task_context_prepare(struct ec_task_context *c, struct ec_err *err) {
    size_t count = c->config->source_count, threads = c->config->workers < count ? c->config->workers : count;
    struct preparing p = {.context = c};
    p.err = ec_calloc(count, sizeof *p.err);
    if (!c->derivation) c->derivation = ec_calloc(count, sizeof(struct ec_derivation *));
    enum ec_status status = EC_OK;
    if (!p.err || !c->derivation) status = ec_fail(err, EC_NO_MEMORY, "no memory for the derived columns");
    if (status == EC_OK) ec_side_by_side(prepare_some, &p, threads);
    for (size_t i = 0; i < count && status == EC_OK; i++) {
        status = p.err[i].status;
        if (status != EC_OK && err) *err = p.err[i];
    }
    ec_free(p.err);
    return status;
}
