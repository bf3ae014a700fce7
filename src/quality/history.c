#include "quality/history.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/json_read.h"
#include "quality/report.h"

#include <math.h>

#define JUDGE_MAX ((size_t)16 * EC_MIB)

static void write_count(struct ec_json_writer *w, const char *key, const struct ec_unit *unit, uint64_t value) {
    if (ec_unit_known(unit))
        ec_json_uint(w, key, value);
    else
        ec_json_null(w, key);
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
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

/* The next line of `text` from *at on, without its line end; false at the end. */
static bool next_line(struct ec_str text, size_t *at, struct ec_str *line) {
    if (*at >= text.n) return false;
    const char *end = memchr(text.p + *at, '\n', text.n - *at);
    size_t stop = end ? (size_t)(end - text.p) : text.n;
    *line = (struct ec_str){text.p + *at, stop - *at};
    *at = stop + 1;
    return true;
}

static bool field_is(const json_t *line, const char *key, const char *value) {
    const char *text = json_string_value(json_object_get(line, key));
    return text && value ? strcmp(text, value) == 0 : !text && !value;
}

/* Marks in `have` the units of the run that the history holds. */
static void find_units(struct ec_str text, const struct ec_run_facts *run, bool *have) {
    struct ec_str line;
    size_t at = 0, run_n = strlen(run->run);
    while (next_line(text, &at, &line)) {
        if (!memmem(line.p, line.n, run->run, run_n)) continue; /* cheaper than parsing */
        json_t *object = json_loadb(line.p, line.n, 0, NULL);
        if (field_is(object, "run", run->run)) {
            for (size_t i = 0; i < run->unit_count; i++)
                if (field_is(object, "path", run->unit[i].path) && field_is(object, "member", run->unit[i].member))
                    have[i] = true;
        }
        json_decref(object);
    }
}

static enum ec_status load(const char *path, struct ec_buf *text, struct ec_err *err) {
    if (!ec_path_exists(path)) return EC_OK;
    EC_TRY(ec_file_load(path, text, err));
    return EC_OK;
}

enum ec_status ec_history_append(const char *path, const struct ec_run_facts *run, struct ec_durable *durable,
                                 struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_HISTORY_MAX);
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    bool *have = ec_calloc(run->unit_count, sizeof *have);
    enum ec_status status = have ? load(path, &text, err) : ec_fail(err, EC_NO_MEMORY, "no memory for the history");
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
    if (status == EC_OK && text.failed)
        status = ec_fail(err, EC_NO_MEMORY, "%s has reached its limit of %zu bytes: move it away and a new one begins",
                         path, text.bytes_max);
    /* Where nothing was added, whoever added it may have been interrupted before it was on the disk. */
    if (status == EC_OK && (text.n > before || durable)) status = ec_durable_put(durable, path, text.p, text.n, err);
done:
    ec_free(have);
    ec_arena_deinit(&arena);
    ec_buf_free(&text);
    return status;
}

static enum ec_verdict verdict_of(const char *name) {
    for (int i = 0; i < EC_VERDICT_COUNT; i++)
        if (strcmp(name, ec_verdict_name((enum ec_verdict)i)) == 0) return (enum ec_verdict)i;
    return EC_VERDICT_COUNT;
}

static bool is_worse(enum ec_verdict a, enum ec_verdict b) {
    static const unsigned rank[EC_VERDICT_COUNT] = {[EC_VERDICT_SKIPPED] = 0,
                                                    [EC_VERDICT_PASSED] = 1,
                                                    [EC_VERDICT_WARNED] = 2,
                                                    [EC_VERDICT_FAILED] = 3,
                                                    [EC_VERDICT_ERRORED] = 4};
    return rank[a] > rank[b];
}

/* The run of that id; a new one where it is not there yet. NULL where memory runs out. */
static struct ec_history_run *find_run(struct ec_history *history, size_t *cap, const char *run) {
    for (size_t i = history->run_count; i-- > 0;)
        if (strcmp(history->run[i].run, run) == 0) return &history->run[i];
    if (history->run_count == *cap) {
        size_t grown = *cap ? *cap * 2 : 64;
        struct ec_history_run *list = ec_arena_calloc(&history->arena, grown, sizeof *list);
        if (!list) return NULL;
        if (history->run_count) memcpy(list, history->run, history->run_count * sizeof *list);
        history->run = list;
        *cap = grown;
    }
    struct ec_history_run *made = &history->run[history->run_count];
    *made = (struct ec_history_run){.status = EC_VERDICT_SKIPPED, .score = (double)NAN};
    made->run = ec_arena_strdup(&history->arena, run);
    if (!made->run) return NULL;
    history->run_count++;
    return made;
}

/* Adds a line's figures to its run; false where the line is not one of ours. */
static bool add_line(struct ec_history *history, size_t *cap, const json_t *object, enum ec_status *status,
                     struct ec_err *err) {
    const char *id = json_string_value(json_object_get(object, "run"));
    const char *verdict_name = json_string_value(json_object_get(object, "status"));
    enum ec_verdict verdict = verdict_name ? verdict_of(verdict_name) : EC_VERDICT_COUNT;
    if (!id || verdict == EC_VERDICT_COUNT) return false;
    struct ec_history_run *run = find_run(history, cap, id);
    if (!run) {
        *status = ec_fail(err, EC_NO_MEMORY, "no memory for the history");
        return true;
    }
    struct ec_json_reader r = ec_json_reader_of(object, "a line of the history", &history->arena, NULL);
    if (!run->started) run->started = ec_json_need_str(&r, "started");
    if (!isnan(ec_json_get_double(&r, "run_seconds"))) run->seconds = ec_json_get_double(&r, "run_seconds");
    if (ec_json_has(&r, "seq")) run->seq = ec_json_get_uint(&r, "seq");
    run->files++;
    if (is_worse(verdict, run->status)) run->status = verdict;
    if (!ec_json_has(&r, "read")) return r.status == EC_OK;
    uint64_t read = ec_json_get_uint(&r, "read");
    run->read += read;
    run->accepted += ec_json_get_uint(&r, "accepted");
    run->quarantined += ec_json_get_uint(&r, "quarantined");
    run->duplicate += ec_json_get_uint(&r, "duplicate");
    double overall = ec_json_get_double(&r, "overall");
    if (!isnan(overall) && read) {
        double before = run->scored ? run->score : 0;
        run->scored += read;
        run->score = before + (overall - before) * (double)read / (double)run->scored;
    }
    return r.status == EC_OK;
}

enum ec_status ec_history_read(const char *path, struct ec_history *history, struct ec_err *err) {
    *history = (struct ec_history){0};
    ec_arena_init(&history->arena, EC_HISTORY_MAX);
    struct ec_buf text = ec_buf_make(EC_HISTORY_MAX);
    enum ec_status status = load(path, &text, err);
    struct ec_str line, all = ec_buf_str(&text);
    size_t at = 0, cap = 0;
    while (status == EC_OK && next_line(all, &at, &line)) {
        if (line.n == 0) continue;
        json_t *object = json_loadb(line.p, line.n, 0, NULL);
        if (!object || !add_line(history, &cap, object, &status, err)) history->damaged++;
        json_decref(object);
    }
    ec_buf_free(&text);
    if (status != EC_OK) ec_history_deinit(history);
    return status;
}

void ec_history_deinit(struct ec_history *history) {
    ec_arena_deinit(&history->arena);
    *history = (struct ec_history){0};
}
