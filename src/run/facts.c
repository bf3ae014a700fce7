#include "run/facts.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"
#include "run/paths.h"

#include <unistd.h>

#define FACTS_BYTES_MAX ((size_t)1 * EC_GIB)

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the facts of the run"); }

static enum ec_status begin_unit(struct ec_driver *d, size_t u, const char *validated_at, struct ec_err *err) {
    const struct ec_plan_unit *planned = &d->plan.unit[u];
    const struct ec_input *in = planned->input;
    struct ec_unit *unit = &d->facts.unit[d->facts.unit_count++];
    ec_unit_init(unit, d->config, in->source, (int64_t)d->options->as_of * EC_MICROS_PER_DAY);
    d->state[u].unit = unit;
    unit->path = in->tag ? in->path : ec_arena_printf(&d->arena, "%s/%s", EC_DIR_RAW, in->path);
    unit->member = in->member;
    unit->bytes = in->bytes;
    memcpy(unit->sha256, planned->sha256, sizeof unit->sha256);
    unit->status = planned->status;
    unit->message = planned->problem;
    unit->run = d->plan.run;
    unit->program = EC_VERSION;
    unit->validated_at = validated_at;
    return unit->path ? EC_OK : no_memory(err);
}

/* Distinct sources among the units. */
static size_t count_sources(const struct ec_run_facts *facts) {
    size_t n = 0;
    for (size_t i = 0; i < facts->unit_count; i++) {
        bool seen = false;
        for (size_t k = 0; k < i; k++) seen = seen || facts->unit[k].source == facts->unit[i].source;
        n += !seen;
    }
    return n;
}

enum ec_status ec_facts_begin(struct ec_driver *d, struct ec_err *err) {
    struct ec_run_facts *facts = &d->facts;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    facts->run = d->plan.run;
    facts->seq = d->plan.seq;
    facts->started_us = d->options->now_us;
    facts->as_of_us = (int64_t)d->options->as_of * EC_MICROS_PER_DAY;
    facts->workers = d->config->workers;
    facts->cpus = cpus < 1 ? 1 : (unsigned)cpus;
    facts->unit = ec_arena_calloc(&d->arena, d->plan.pending, sizeof *facts->unit);
    char when[32];
    when[ec_datetime_format(d->options->now_us / EC_MICROS_PER_SECOND * EC_MICROS_PER_SECOND, when)] = '\0';
    char *validated_at = ec_arena_strdup(&d->arena, when);
    if (!facts->unit || !validated_at) return no_memory(err);
    for (size_t u = 0; u < d->plan.unit_count; u++)
        if (ec_unit_pending(d, u)) EC_TRY(begin_unit(d, u, validated_at, err));
    facts->sources = count_sources(facts);
    return ec_run_label_units(facts, err);
}

static enum ec_status list_tables(struct ec_driver *d, struct ec_err *err) {
    struct ec_run_facts *facts = &d->facts;
    facts->table = ec_arena_calloc(&d->arena, d->table_count, sizeof *facts->table);
    if (!facts->table) return no_memory(err);
    for (size_t i = 0; i < d->table_count; i++) {
        const struct ec_table *t = &d->table[i];
        if (!ec_table_changed(t)) continue;
        /* The facts are told when the models, whose arena has the name, are gone. */
        const char *name = ec_arena_strdup(&d->arena, t->name);
        if (!name) return no_memory(err);
        struct ec_table_facts *to = &facts->table[facts->table_count++];
        *to = (struct ec_table_facts){.name = name, .version = t->delta->version + 1};
        for (size_t k = 0; k < t->added_count; k++) to->rows += t->added[k].rows;
    }
    return EC_OK;
}

/* Against the runs before. A history that cannot be read is no reason to load nothing. */
static enum ec_status find_anomalies(struct ec_driver *d, struct ec_err *err) {
    char path[EC_PATH_MAX];
    struct ec_err cause = {0};
    if (d->facts.unit_count == 0) return EC_OK;
    EC_TRY(ec_project_path(path, d->config->dir, EC_DIR_QUALITY, "history.jsonl", err));
    enum ec_status status = ec_history_open(path, &d->history, &cause);
    d->history_known = status == EC_OK;
    if (status == EC_OK) status = ec_anomalies_find(&d->history.history, d->config, &d->facts, &cause);
    if (status == EC_OK) return EC_OK;
    ec_log(EC_LOG_WARN, "this run was not compared with earlier ones: %s", cause.message);
    d->facts.anomaly_count = 0;
    ec_anomalies_assign(&d->facts);
    return EC_OK;
}

enum ec_status ec_facts_publish(struct ec_driver *d, struct ec_err *err) {
    struct ec_run_facts *facts = &d->facts;
    EC_TRY(list_tables(d, err));
    facts->finished_us = facts->started_us + (ec_monotonic_micros() - d->start_us);
    EC_TRY(find_anomalies(d, err));
    EC_TRY(ec_run_totals(facts, err));
    struct ec_buf text = ec_buf_make(FACTS_BYTES_MAX);
    struct ec_json_writer w;
    ec_json_init(&w, &text);
    ec_run_facts_write(&w, NULL, facts);
    ec_buf_addc(&text, '\n');
    char path[EC_PATH_MAX];
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_manifest_path(path, d->config->dir, d->plan.seq, ".facts.json", err);
    /* Replaced: a run that ended before its manifest may have left one of this number. */
    if (status == EC_OK) status = ec_file_replace(path, text.p, text.n, err);
    ec_buf_free(&text);
    return status;
}

enum ec_status ec_facts_load(const struct ec_config *config, uint32_t seq, struct ec_run_facts *facts, struct ec_err *err) {
    char path[EC_PATH_MAX];
    ec_run_facts_init(facts);
    EC_TRY(ec_manifest_path(path, config->dir, seq, ".facts.json", err));
    struct ec_buf text = ec_buf_make(FACTS_BYTES_MAX);
    json_t *object = NULL;
    json_error_t cause;
    enum ec_status status = ec_file_load(path, &text, err);
    if (status == EC_OK) {
        object = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &cause);
        status = object ? ec_run_facts_read(object, facts, err) : ec_fail(err, EC_TABLE_FORMAT, "%s is damaged: %s", path, cause.text);
    }
    for (size_t i = 0; status == EC_OK && i < facts->unit_count; i++)
        facts->unit[i].source = ec_config_source(config, facts->unit[i].source_name);
    json_decref(object);
    ec_buf_free(&text);
    return status;
}
