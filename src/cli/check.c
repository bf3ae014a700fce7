/* One file from its bytes to a verdict's facts, in this process. */
#include "cli/check.h"

#include "base/calendar.h"
#include "base/hash.h"
#include "base/io.h"
#include "quality/report.h"

#include <fcntl.h>

/* What was opened by descriptor is not named so to people. */
static const char *rename_path(struct ec_unit *unit, const struct ec_check_target *target, const char *message) {
    const char *at = message && target->path != target->shown ? strstr(message, target->path) : NULL;
    if (!at) return message;
    return ec_arena_printf(&unit->arena, "%.*s%s%s", (int)(at - message), message, target->shown,
                           at + strlen(target->path));
}

static enum ec_status fingerprint(const struct ec_check_target *t, struct ec_unit *unit, struct ec_err *err) {
    unit->bytes = t->member_bytes;
    if (t->member) return ec_sha256_range(t->path, t->member_offset, t->member_bytes, unit->sha256, err);
    return ec_sha256_file(t->path, unit->sha256, &unit->bytes, err);
}

static void begin(struct ec_check *c, const struct ec_config *config, const struct ec_check_target *t, int32_t as_of) {
    ec_unit_init(&c->unit, config, t->source, (int64_t)as_of * EC_MICROS_PER_DAY);
    ec_task_result_init(&c->result);
    ec_report_label(t->shown, t->member, c->label);
    c->validated_at[ec_datetime_format(ec_now_micros() / EC_MICROS_PER_SECOND * EC_MICROS_PER_SECOND,
                                       c->validated_at)] = '\0';
    c->unit.label = c->label;
    c->unit.path = t->shown;
    c->unit.member = t->member;
    c->unit.program = EC_VERSION;
    c->unit.validated_at = c->validated_at;
    c->unit.status = t->status;
    c->unit.message = t->problem;
}

static enum ec_status read_file(struct ec_task_context *context, const struct ec_check_target *t, int32_t as_of,
                                struct ec_check *c, struct ec_err *err) {
    struct ec_task task = {
        .id = "validate", .run = "", .source = t->source->name, .path = t->path, .member = t->member, .as_of = as_of};
    struct ec_task_result *r = &c->result;
    struct ec_unit *unit = &c->unit;
    EC_TRY(ec_task_run(context, &task, r, err));
    unit->status = r->status;
    unit->message = r->status == EC_OK ? NULL : r->error ? r->error : "";
    if (r->status != EC_OK) return EC_OK;
    unit->missing = r->missing;
    unit->missing_count = r->missing_count;
    unit->undeclared = r->undeclared;
    unit->undeclared_count = r->undeclared_count;
    unit->elapsed_us = r->facts.elapsed_us;
    return ec_facts_merge(&unit->facts, &r->facts, err);
}

enum ec_status ec_check_run(struct ec_task_context *context, const struct ec_check_target *t, int32_t as_of,
                            struct ec_check *c, struct ec_err *err) {
    begin(c, context->config, t, as_of);
    if (t->status != EC_OK) {
        c->unit.message = rename_path(&c->unit, t, t->problem);
        return EC_OK;
    }
    struct ec_err cause = {0};
    if (fingerprint(t, &c->unit, &cause) != EC_OK) {
        c->unit.status = cause.status;
        c->unit.message = rename_path(&c->unit, t, ec_arena_strdup(&c->unit.arena, cause.message));
        return c->unit.message ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory to check %s", t->shown);
    }
    EC_TRY(read_file(context, t, as_of, c, err));
    if (c->unit.status != EC_OK) c->unit.message = rename_path(&c->unit, t, c->unit.message);
    return EC_OK;
}

void ec_check_deinit(struct ec_check *c) {
    ec_unit_deinit(&c->unit);
    ec_task_result_deinit(&c->result);
}
