#include "quality/unit.h"

#include "base/json_read.h"

/* Paths, names of columns, sentences: all bounded, this is ample. */
#define UNIT_MEMORY_MAX ((size_t)16 * EC_MIB)
#define LIST_MAX        4096u

static void empty(struct ec_unit *unit) {
    *unit = (struct ec_unit){0};
    ec_arena_init(&unit->arena, UNIT_MEMORY_MAX);
    ec_facts_init(&unit->facts);
}

void ec_unit_init(struct ec_unit *unit, const struct ec_config *config, const struct ec_source *source,
                  int64_t as_of_us) {
    empty(unit);
    unit->source = source;
    unit->source_name = source->name;
    unit->program = EC_VERSION;
    memcpy(unit->rules, source->fingerprint, sizeof unit->rules);
    unit->terms =
        (struct ec_terms){.threshold = source->threshold, .freshness_s = source->freshness_s, .as_of_us = as_of_us};
    memcpy(unit->terms.weight, config->weight, sizeof unit->terms.weight);
}

void ec_unit_deinit(struct ec_unit *unit) {
    ec_facts_deinit(&unit->facts);
    ec_arena_deinit(&unit->arena);
}

static void write_list(struct ec_json_writer *w, const char *key, const char *const *list, size_t count) {
    if (!count) return;
    ec_json_array(w, key);
    for (size_t i = 0; i < count; i++) ec_json_str(w, NULL, list[i]);
    ec_json_end_array(w);
}

void ec_unit_write(struct ec_json_writer *w, const char *key, const struct ec_unit *unit) {
    ec_json_object(w, key);
    ec_json_str(w, "source", unit->source_name);
    ec_json_str(w, "label", unit->label);
    ec_json_str(w, "path", unit->path);
    ec_json_str(w, "member", unit->member);
    ec_json_uint(w, "bytes", unit->bytes);
    ec_json_str(w, "sha256", unit->sha256);
    ec_json_str(w, "status", ec_status_text(unit->status)->slug);
    ec_json_bool(w, "skipped", unit->skipped);
    ec_json_str(w, "message", unit->message);
    write_list(w, "missing", unit->missing, unit->missing_count);
    write_list(w, "undeclared", unit->undeclared, unit->undeclared_count);
    write_list(w, "drift", unit->drift, unit->drift_count);
    ec_json_str(w, "run", unit->run);
    ec_json_str(w, "validated_at", unit->validated_at);
    ec_json_str(w, "rules", unit->rules);
    ec_json_str(w, "program", unit->program);
    ec_json_object(w, "terms");
    ec_json_double(w, "threshold", unit->terms.threshold);
    ec_json_int(w, "freshness_s", unit->terms.freshness_s);
    ec_json_int(w, "as_of_us", unit->terms.as_of_us);
    ec_json_array(w, "weight");
    for (size_t i = 0; i < EC_DIM_COUNT; i++) ec_json_double(w, NULL, unit->terms.weight[i]);
    ec_json_end_array(w);
    ec_json_end(w);
    ec_json_int(w, "elapsed_us", unit->elapsed_us);
    ec_facts_write(w, "facts", &unit->facts);
    ec_json_end(w);
}

static const char **read_list(struct ec_json_reader *r, const char *key, size_t *count) {
    const json_t *array = ec_json_get_array(r, key);
    size_t n = json_array_size(array);
    *count = 0;
    if (n > LIST_MAX) ec_json_wrong(r, key, "a list of bounded length");
    if (n == 0 || r->status != EC_OK) return NULL;
    const char **list = ec_json_alloc(r, n, sizeof *list);
    for (size_t i = 0; list && i < n; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        list[i] = text ? ec_arena_strdup(r->arena, text) : NULL;
        if (!list[i]) {
            ec_json_wrong(r, key, "a list of strings");
            return NULL;
        }
    }
    *count = n;
    return list;
}

static void read_terms(struct ec_json_reader *r, struct ec_terms *terms) {
    struct ec_json_reader t = *r;
    t.object = ec_json_get_object(r, "terms");
    if (!t.object) {
        ec_json_wrong(r, "terms", "an object");
        return;
    }
    terms->threshold = ec_json_get_double(&t, "threshold");
    terms->freshness_s = ec_json_get_int(&t, "freshness_s");
    terms->as_of_us = ec_json_get_int(&t, "as_of_us");
    const json_t *weight = ec_json_get_array(&t, "weight");
    for (size_t i = 0; i < EC_DIM_COUNT; i++) {
        const json_t *value = json_array_get(weight, i);
        if (!json_is_number(value)) ec_json_wrong(&t, "weight", "a number per dimension");
        terms->weight[i] = json_number_value(value);
    }
    r->status = t.status;
}

static void read_status(struct ec_json_reader *r, struct ec_unit *unit) {
    const char *slug = ec_json_need_str(r, "status");
    enum ec_status status = ec_status_by_slug(slug);
    if (status == EC_STATUS_COUNT) ec_json_wrong(r, "status", "a code of `ecluse explain`");
    unit->status = status == EC_STATUS_COUNT ? EC_OK : status;
}

enum ec_status ec_unit_read(const json_t *object, struct ec_unit *unit, struct ec_err *err) {
    empty(unit);
    struct ec_json_reader r = ec_json_reader_of(object, "the facts of a run's file", &unit->arena, err);
    unit->source_name = ec_json_need_str(&r, "source");
    unit->label = ec_json_need_str(&r, "label");
    unit->path = ec_json_need_str(&r, "path");
    unit->member = ec_json_get_str(&r, "member");
    unit->bytes = ec_json_get_uint(&r, "bytes");
    ec_json_get_chars(&r, "sha256", unit->sha256, sizeof unit->sha256);
    read_status(&r, unit);
    unit->skipped = ec_json_get_bool(&r, "skipped");
    unit->message = ec_json_get_str(&r, "message");
    unit->missing = read_list(&r, "missing", &unit->missing_count);
    unit->undeclared = read_list(&r, "undeclared", &unit->undeclared_count);
    unit->drift = read_list(&r, "drift", &unit->drift_count);
    unit->run = ec_json_get_str(&r, "run");
    unit->validated_at = ec_json_get_str(&r, "validated_at");
    ec_json_get_chars(&r, "rules", unit->rules, sizeof unit->rules);
    unit->program = ec_json_get_str(&r, "program");
    read_terms(&r, &unit->terms);
    unit->elapsed_us = ec_json_get_int(&r, "elapsed_us");
    if (r.status == EC_OK) r.status = ec_facts_read(json_object_get(object, "facts"), &unit->facts, err);
    if (r.status != EC_OK) ec_unit_deinit(unit);
    return r.status;
}
