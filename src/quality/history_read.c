/* Reading the history: runs, and the sources of each, from lines of files. */
#include "quality/history_private.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/json_read.h"

#include <math.h>

#define STAGES_MAX 64u

bool ec_history_next_line(struct ec_str text, size_t *at, struct ec_str *line) {
    if (*at >= text.n) return false;
    const char *end = memchr(text.p + *at, '\n', text.n - *at);
    size_t stop = end ? (size_t)(end - text.p) : text.n;
    *line = (struct ec_str){text.p + *at, stop - *at};
    *at = stop + 1;
    return true;
}

enum ec_verdict ec_history_verdict(const char *name) {
    for (int i = 0; name && i < EC_VERDICT_COUNT; i++)
        if (strcmp(name, ec_verdict_name((enum ec_verdict)i)) == 0) return (enum ec_verdict)i;
    return EC_VERDICT_COUNT;
}

bool ec_history_is_worse(enum ec_verdict a, enum ec_verdict b) {
    static const unsigned rank[EC_VERDICT_COUNT] = {[EC_VERDICT_SKIPPED] = 0,
                                                    [EC_VERDICT_PASSED] = 1,
                                                    [EC_VERDICT_WARNED] = 2,
                                                    [EC_VERDICT_FAILED] = 3,
                                                    [EC_VERDICT_ERRORED] = 4};
    return rank[a] > rank[b];
}

/* One more element at the end of a list in the arena; NULL where memory runs out. */
static void *add(struct ec_arena *arena, void *list, size_t *count, size_t *cap, size_t size) {
    void **at = list;
    if (*count == *cap) {
        size_t grown = *cap ? *cap * 2 : 16;
        void *made = ec_arena_calloc(arena, grown, size);
        if (!made) return NULL;
        if (*count) memcpy(made, *at, *count * size);
        *at = made;
        *cap = grown;
    }
    return (char *)*at + (*count)++ * size;
}

const struct ec_history_count *ec_history_find(const struct ec_history_counts *counts, const char *name) {
    for (size_t i = 0; i < counts->n; i++)
        if (strcmp(counts->count[i].name, name) == 0) return &counts->count[i];
    return NULL;
}

bool ec_history_count(struct ec_arena *arena, struct ec_history_counts *counts, const char *name, uint64_t part,
                      uint64_t rest) {
    struct ec_history_count *found = NULL;
    for (size_t i = 0; i < counts->n && !found; i++) {
        size_t at = (counts->hint + i) % counts->n;
        if (strcmp(counts->count[at].name, name) != 0) continue;
        found = &counts->count[at];
        counts->hint = at + 1;
    }
    if (!found) {
        found = add(arena, &counts->count, &counts->n, &counts->cap, sizeof *found);
        if (!found) return false;
        *found = (struct ec_history_count){.name = ec_arena_strdup(arena, name)};
        counts->hint = counts->n;
        if (!found->name) return false;
    }
    found->part += part;
    found->rest += rest;
    return true;
}

/* The run of that id; a new one where it is not there yet. NULL where memory runs out. */
static struct ec_history_run *find_run(struct ec_history *h, const char *run) {
    for (size_t i = h->run_count; i-- > 0;)
        if (strcmp(h->run[i].run, run) == 0) return &h->run[i];
    struct ec_history_run *made = add(&h->arena, &h->run, &h->run_count, &h->run_cap, sizeof *made);
    if (!made) return NULL;
    *made = (struct ec_history_run){.status = EC_VERDICT_SKIPPED, .score = (double)NAN};
    made->run = ec_arena_strdup(&h->arena, run);
    return made->run ? made : NULL;
}

static const char *find_source(struct ec_history *h, const char *name) {
    for (size_t i = 0; i < h->source_count; i++)
        if (strcmp(h->source[i], name) == 0) return h->source[i];
    const char **made = add(&h->arena, &h->source, &h->source_count, &h->source_cap, sizeof *made);
    if (made) *made = ec_arena_strdup(&h->arena, name);
    return made ? *made : NULL;
}

static struct ec_history_point *find_point(struct ec_history *h, size_t run, const char *name) {
    const char *source = find_source(h, name);
    if (!source) return NULL;
    for (size_t i = h->point_count; i-- > 0 && h->point[i].run == run;)
        if (h->point[i].source == source) return &h->point[i];
    struct ec_history_point *made = add(&h->arena, &h->point, &h->point_count, &h->point_cap, sizeof *made);
    if (made)
        *made = (struct ec_history_point){.run = run, .source = source, .status = EC_VERDICT_SKIPPED, .score = (double)NAN};
    return made;
}

static uint64_t uint_of(const json_t *value) {
    return json_is_integer(value) && json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

static double number_of(const json_t *value) { return json_is_number(value) ? json_number_value(value) : (double)NAN; }

/* {"name":[part,rest]} into the counts; of `checks` {"name":evaluated}. */
static bool add_counts(struct ec_history *h, struct ec_history_counts *counts, const json_t *object, bool parts, bool rests) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        uint64_t part = parts ? uint_of(json_array_get(value, 0)) : 0;
        uint64_t rest = rests ? uint_of(parts ? json_array_get(value, 1) : value) : 0;
        if (!ec_history_count(&h->arena, counts, name, part, rest)) return false;
    }
    return true;
}

static bool read_resources(struct ec_history *h, const json_t *object, bool details, struct ec_resource_facts *out) {
    const json_t *stages = details ? json_object_get(object, "stages") : NULL;
    size_t n = json_array_size(stages) < STAGES_MAX ? json_array_size(stages) : STAGES_MAX;
    if (!json_is_object(object)) return true;
    out->known = true;
    out->cpu_seconds = number_of(json_object_get(object, "cpu_seconds"));
    out->peak_memory_bytes = uint_of(json_object_get(object, "peak_memory_bytes"));
    out->stage = ec_arena_calloc(&h->arena, n, sizeof *out->stage);
    for (size_t i = 0; out->stage && i < n; i++) {
        const json_t *stage = json_array_get(stages, i);
        const char *name = json_string_value(json_array_get(stage, 0));
        if (!name) continue;
        struct ec_stage_facts *to = &out->stage[out->stage_count++];
        to->name = ec_arena_strdup(&h->arena, name);
        if (!to->name) return false;
        to->start = number_of(json_array_get(stage, 1));
        to->seconds = number_of(json_array_get(stage, 2));
        to->cpu_seconds = number_of(json_array_get(stage, 3));
    }
    return out->stage != NULL;
}

static bool read_run(struct ec_history *h, struct ec_history_run *run, const json_t *line, bool details) {
    const char *started = json_string_value(json_object_get(line, "started"));
    if (!run->started) {
        run->started = ec_arena_strdup(&h->arena, started ? started : "");
        run->seconds = number_of(json_object_get(line, "run_seconds"));
        run->seq = uint_of(json_object_get(line, "seq"));
    }
    return run->started && (run->resources.known || read_resources(h, json_object_get(line, "resources"), details, &run->resources));
}

static bool read_details(struct ec_history *h, struct ec_history_point *p, const json_t *line) {
    p->detailed = true;
    return add_counts(h, &p->column, json_object_get(line, "columns"), true, true) &&
           add_counts(h, &p->check, json_object_get(line, "checks"), false, true) &&
           add_counts(h, &p->check, json_object_get(line, "failed"), true, false);
}

static void add_score(uint64_t *scored, double *score, double overall, uint64_t read) {
    if (isnan(overall) || !read) return;
    double before = *scored ? *score : 0;
    *scored += read;
    *score = before + (overall - before) * (double)read / (double)*scored;
}

static void add_figures(struct ec_history_run *run, struct ec_history_point *p, const json_t *line) {
    uint64_t read = uint_of(json_object_get(line, "read")), accepted = uint_of(json_object_get(line, "accepted"));
    uint64_t quarantined = uint_of(json_object_get(line, "quarantined"));
    uint64_t duplicate = uint_of(json_object_get(line, "duplicate"));
    double overall = number_of(json_object_get(line, "overall")), money = number_of(json_object_get(line, "money"));
    run->read += read;
    run->accepted += accepted;
    run->quarantined += quarantined;
    run->duplicate += duplicate;
    p->read += read;
    p->accepted += accepted;
    p->quarantined += quarantined;
    p->duplicate += duplicate;
    add_score(&run->scored, &run->score, overall, read);
    add_score(&p->scored, &p->score, overall, read);
    if (fabs(money) < 9e14) { /* false for NAN */
        run->money_known = p->money_known = true;
        run->money_e4 += llround(money * 1e4);
        p->money_e4 += llround(money * 1e4);
    }
}

static void add_newest(struct ec_history_point *p, const char *newest) {
    int64_t us;
    if (!newest || !ec_datetime_parse(newest, strlen(newest), &us)) return;
    if (!p->newest_known || us > p->newest_us) p->newest_us = us;
    p->newest_known = true;
}

struct adding {
    struct ec_history *h;
    const json_t *line;
    bool compacted, details;
};

/* Adds a line's figures to its run and source; *ours: the line is one of ours. False where memory runs out. */
static bool add_line(const struct adding *a, bool *ours) {
    struct ec_history *h = a->h;
    const json_t *line = a->line;
    bool compacted = a->compacted;
    const char *id = json_string_value(json_object_get(line, "run"));
    const char *source = json_string_value(json_object_get(line, "source"));
    enum ec_verdict verdict = ec_history_verdict(json_string_value(json_object_get(line, "status")));
    *ours = id && verdict != EC_VERDICT_COUNT && json_is_string(json_object_get(line, "started"));
    if (!*ours) return true;
    struct ec_history_run *run = find_run(h, id);
    if (!run || !read_run(h, run, line, a->details)) return false;
    struct ec_history_point *p = find_point(h, (size_t)(run - h->run), source ? source : "");
    if (!p) return false;
    uint64_t files = compacted ? uint_of(json_object_get(line, "files")) : 1;
    uint64_t passed = compacted ? uint_of(json_object_get(line, "passed")) : verdict == EC_VERDICT_PASSED;
    run->files += files;
    run->passed += passed;
    p->files += files;
    p->passed += passed;
    if (ec_history_is_worse(verdict, run->status)) run->status = verdict;
    if (ec_history_is_worse(verdict, p->status)) p->status = verdict;
    add_figures(run, p, line);
    add_newest(p, json_string_value(json_object_get(line, "newest")));
    return compacted || !a->details || !json_object_get(line, "columns") || read_details(h, p, line);
}

static enum ec_status parse(struct ec_str all, enum ec_history_part part, struct ec_history *h, struct ec_err *err) {
    struct ec_str line;
    enum ec_status status = EC_OK;
    size_t at = 0;
    ec_arena_init(&h->arena, EC_HISTORY_MAX);
    while (status == EC_OK && ec_history_next_line(all, &at, &line)) {
        bool compacted = ec_history_is_compacted(line), ours = false;
        if (line.n == 0 || (compacted && part == EC_HISTORY_RECENT)) continue;
        json_t *object = json_loadb(line.p, line.n, 0, NULL);
        struct adding a = {.h = h, .line = object, .compacted = compacted, .details = part != EC_HISTORY_FIGURES};
        if (object && !add_line(&a, &ours)) status = ec_fail(err, EC_NO_MEMORY, "no memory for the history");
        if (status == EC_OK && !ours) h->damaged++;
        json_decref(object);
    }
    if (status != EC_OK) ec_history_deinit(h);
    return status;
}

enum ec_status ec_history_read(const char *path, enum ec_history_part part, struct ec_history *h, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_HISTORY_MAX);
    *h = (struct ec_history){0};
    enum ec_status status = ec_path_exists(path) ? ec_file_load(path, &text, err) : EC_OK;
    if (status == EC_OK) status = parse(ec_buf_str(&text), part, h, err);
    ec_buf_free(&text);
    return status;
}

enum ec_status ec_history_open(const char *path, struct ec_history_file *file, struct ec_err *err) {
    *file = (struct ec_history_file){.text = ec_buf_make(EC_HISTORY_MAX)};
    enum ec_status status = ec_path_exists(path) ? ec_file_load(path, &file->text, err) : EC_OK;
    if (status == EC_OK) status = parse(ec_buf_str(&file->text), EC_HISTORY_WHOLE, &file->history, err);
    if (status != EC_OK) ec_buf_free(&file->text);
    return status;
}

void ec_history_close(struct ec_history_file *file) {
    ec_history_deinit(&file->history);
    ec_buf_free(&file->text);
}

void ec_history_deinit(struct ec_history *history) {
    ec_arena_deinit(&history->arena);
    *history = (struct ec_history){0};
}
