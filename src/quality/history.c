#include "quality/history_private.h"

#include "base/calendar.h"
#include "base/io.h"
#include "quality/report.h"

#include <jansson.h>
#include <math.h>

#define JUDGE_MAX ((size_t)16 * EC_MIB)

static void write_count(struct ec_json_writer *w, const char *key, const struct ec_unit *unit, uint64_t value) {
    if (ec_unit_known(unit))
        ec_json_uint(w, key, value);
    else
        ec_json_null(w, key);
}

void ec_history_resources_write(struct ec_json_writer *w, const struct ec_resource_facts *r, bool stages) {
    ec_json_object(w, "resources");
    ec_json_fixed(w, "cpu_seconds", r->cpu_seconds, 3);
    ec_json_uint(w, "peak_memory_bytes", r->peak_memory_bytes);
    if (stages) ec_json_array(w, "stages");
    for (size_t i = 0; stages && i < r->stage_count; i++) {
        ec_json_array(w, NULL);
        ec_json_str(w, NULL, r->stage[i].name);
        ec_json_fixed(w, NULL, r->stage[i].start, 3);
        ec_json_fixed(w, NULL, r->stage[i].seconds, 3);
        ec_json_fixed(w, NULL, r->stage[i].cpu_seconds, 3);
        ec_json_end_array(w);
    }
    if (stages) ec_json_end_array(w);
    ec_json_end(w);
}

static void write_pair(struct ec_json_writer *w, const char *key, uint64_t a, uint64_t b) {
    ec_json_array(w, key);
    ec_json_uint(w, NULL, a);
    ec_json_uint(w, NULL, b);
    ec_json_end_array(w);
}

/* The counts of the file's columns, and of the checks that failed. */
static void write_counts(struct ec_json_writer *w, const struct ec_facts *f) {
    ec_json_object(w, "columns");
    for (size_t i = 0; i < f->column_count; i++) write_pair(w, f->column[i].name, f->column[i].nulls, f->column[i].values);
    ec_json_end(w);
    ec_json_object(w, "failed");
    for (size_t i = 0; i < f->check_count; i++)
        if (f->check[i].failed) write_pair(w, f->check[i].id, f->check[i].failed, f->check[i].evaluated);
    ec_json_end(w);
}

/* How often the source's checks were evaluated, over its files; they mostly stand at the same place. */
static void write_checks(struct ec_json_writer *w, const struct ec_run_facts *run, const struct ec_unit *unit) {
    const struct ec_facts *f = &unit->facts;
    ec_json_object(w, "checks");
    for (size_t i = 0; i < f->check_count; i++) {
        uint64_t evaluated = 0;
        for (size_t u = 0; u < run->unit_count; u++) {
            const struct ec_facts *o = &run->unit[u].facts;
            if (!ec_unit_known(&run->unit[u]) || strcmp(run->unit[u].source_name, unit->source_name) != 0) continue;
            size_t at = i < o->check_count && strcmp(o->check[i].id, f->check[i].id) == 0 ? i : 0;
            while (at < o->check_count && strcmp(o->check[at].id, f->check[i].id) != 0) at++;
            if (at < o->check_count) evaluated += o->check[at].evaluated;
        }
        ec_json_uint(w, f->check[i].id, evaluated);
    }
    ec_json_end(w);
}

static bool is_first_of_source(const struct ec_run_facts *run, const struct ec_unit *unit) {
    const struct ec_unit *u = run->unit;
    while (u < unit && !(ec_unit_known(u) && strcmp(u->source_name, unit->source_name) == 0)) u++;
    return u == unit;
}

/* What trends and baselines need of a file that was read. */
static void write_details(struct ec_json_writer *w, const struct ec_run_facts *run, const struct ec_unit *unit) {
    char newest[32];
    const struct ec_facts *f = &unit->facts;
    ec_money_write(w, "money", f->money_known, f->money_e4);
    newest[f->newest_known ? ec_datetime_format(f->newest_us, newest) : 0] = '\0';
    ec_json_str(w, "newest", f->newest_known ? newest : NULL);
    write_counts(w, f);
    if (is_first_of_source(run, unit)) write_checks(w, run, unit);
}

static void write_line(struct ec_buf *out, const struct ec_run_facts *run, const struct ec_unit *unit,
                       const struct ec_judgement *j) {
    char started[32];
    started[ec_datetime_format(run->started_us, started)] = '\0';
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "run", run->run);
    ec_json_uint(&w, "seq", run->seq);
    ec_json_str(&w, "started", started);
    ec_json_fixed(&w, "run_seconds", (double)(run->finished_us - run->started_us) / 1e6, 3);
    ec_json_str(&w, "source", unit->source_name);
    ec_json_str(&w, "path", unit->path);
    ec_json_str(&w, "member", unit->member);
    ec_json_str(&w, "file", unit->label);
    ec_json_str(&w, "status", ec_verdict_name(j->verdict));
    write_count(&w, "read", unit, unit->facts.read);
    write_count(&w, "accepted", unit, unit->facts.accepted);
    write_count(&w, "quarantined", unit, unit->facts.quarantined);
    write_count(&w, "duplicate", unit, unit->facts.duplicate);
    for (int i = 0; i < EC_DIM_COUNT; i++)
        ec_json_fixed(&w, ec_dimension_name((enum ec_dimension)i), ec_percent(j->score.dim[i]), 2);
    ec_json_fixed(&w, "overall", ec_percent(j->score.overall), 2);
    ec_json_double(&w, "threshold", unit->terms.threshold);
    ec_json_uint(&w, "bytes", unit->bytes);
    ec_json_str(&w, "sha256", unit->sha256[0] ? unit->sha256 : NULL);
    if (ec_unit_known(unit)) write_details(&w, run, unit);
    if (unit == run->unit && run->resources.known) ec_history_resources_write(&w, &run->resources, true);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

static bool field_is(const json_t *line, const char *key, const char *value) {
    const char *text = json_string_value(json_object_get(line, key));
    return text && value ? strcmp(text, value) == 0 : !text && !value;
}

/* The line of a compacted source stands for all its files. */
static bool is_line_of(const json_t *line, const struct ec_unit *unit, bool compacted) {
    if (compacted) return field_is(line, "source", unit->source_name);
    return field_is(line, "path", unit->path) && field_is(line, "member", unit->member);
}

/* Marks in `have` the units of the run that the history holds. */
static void find_units(struct ec_str text, const struct ec_run_facts *run, bool *have) {
    struct ec_str line;
    size_t at = 0, run_n = strlen(run->run);
    while (ec_history_next_line(text, &at, &line)) {
        if (!memmem(line.p, line.n, run->run, run_n)) continue; /* cheaper than parsing */
        json_t *object = json_loadb(line.p, line.n, 0, NULL);
        if (field_is(object, "run", run->run)) {
            for (size_t i = 0; i < run->unit_count; i++)
                if (is_line_of(object, &run->unit[i], ec_history_is_compacted(line))) have[i] = true;
        }
        json_decref(object);
    }
}

static enum ec_status load(const char *path, struct ec_buf *text, struct ec_err *err) {
    if (!ec_path_exists(path)) return EC_OK;
    EC_TRY(ec_file_load(path, text, err));
    return EC_OK;
}

enum ec_status ec_history_append(const char *path, const struct ec_run_facts *run, struct ec_history_file *file,
                                 struct ec_durable *durable, struct ec_err *err) {
    struct ec_buf text = file ? file->text : ec_buf_make(EC_HISTORY_MAX);
    if (file) file->text = ec_buf_make(EC_HISTORY_MAX);
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    bool *have = ec_calloc(run->unit_count, sizeof *have);
    enum ec_status status = have ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the history");
    if (status == EC_OK && !file) status = load(path, &text, err);
    if (status != EC_OK) goto done;
    find_units(ec_buf_str(&text), run, have);
    /* A last line without its end was torn by a full disk or an editor: ours start anew. */
    if (text.n && text.p[text.n - 1] != '\n') ec_buf_addc(&text, '\n');
    size_t before = text.n;
    for (size_t i = 0; i < run->unit_count && status == EC_OK; i++) {
        if (have[i]) continue;
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(&run->unit[i], &arena, &j, err);
        if (status == EC_OK) write_line(&text, run, &run->unit[i], &j);
    }
    bool added = text.n > before;
    if (status == EC_OK && !text.failed && added) status = ec_history_compact(&text, err);
    if (status == EC_OK && text.failed)
        status = ec_fail(err, EC_NO_MEMORY, "%s has reached its limit of %zu bytes: move it away and a new one begins",
                         path, text.bytes_max);
    /* Where nothing was added, whoever added it may have been interrupted before it was on the disk. */
    if (status == EC_OK && (added || durable)) status = ec_durable_put(durable, path, text.p, text.n, err);
done:
    ec_free(have);
    ec_arena_deinit(&arena);
    ec_buf_free(&text);
    return status;
}
