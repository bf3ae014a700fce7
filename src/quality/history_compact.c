/* What bounds the history: old lines of files are added up to a line per source and run, the oldest runs go.
 *
 * Only lines that are not compacted yet are parsed. So that this is not done at every run, a source may have
 * EC_HISTORY_SLACK runs more than it keeps before its old ones are added up. */
#include "quality/history_private.h"

#include <jansson.h>
#include <math.h>

#define INDEX_MAX ((size_t)128 * EC_MIB)

struct line {
    struct ec_str text;
    struct ec_str run, source; /* views of `text`; n == 0: not one of ours, it stays as it is */
    bool compacted;
    bool fold; /* to be added up with the other lines of its run and source */
    bool done; /* it was */
};

struct index {
    struct ec_arena arena;
    struct line *line;
    size_t count;
};

/* A field of text whose value needs no escapes, as ours do: run ids and names of sources. */
static struct ec_str field(struct ec_str line, const char *key) {
    const char *at = memmem(line.p, line.n, key, strlen(key));
    if (!at) return (struct ec_str){0};
    at += strlen(key);
    const char *end = memchr(at, '"', line.n - (size_t)(at - line.p));
    if (!end || memchr(at, '\\', (size_t)(end - at))) return (struct ec_str){0};
    return (struct ec_str){at, (size_t)(end - at)};
}

static enum ec_status make_index(struct ec_str text, struct index *x, struct ec_err *err) {
    struct ec_str line;
    size_t at = 0, lines = 1;
    for (size_t i = 0; i < text.n; i++) lines += text.p[i] == '\n';
    x->line = ec_arena_calloc(&x->arena, lines, sizeof *x->line);
    if (!x->line) return ec_fail(err, EC_NO_MEMORY, "no memory to compact the history");
    while (ec_history_next_line(text, &at, &line)) {
        struct line *to = &x->line[x->count++];
        *to = (struct line){.text = line, .run = field(line, "\"run\":\""), .compacted = ec_history_is_compacted(line)};
        to->source = field(line, "\"source\":\"");
        if (!to->run.n || !to->source.n || line.p[line.n - 1] != '}') to->run.n = to->source.n = 0;
    }
    return EC_OK;
}

/* Marks the lines of a source's old runs, going back from the newest; `keep` of them keep their lines. */
static void mark_source(struct index *x, struct ec_str source, size_t keep, size_t slack) {
    struct ec_str run = {0};
    size_t runs = 0, first_old = 0;
    for (size_t i = x->count; i-- > 0;) {
        const struct line *l = &x->line[i];
        if (l->compacted || !l->run.n || !ec_str_eq(l->source, source)) continue;
        if (!ec_str_eq(l->run, run)) {
            run = l->run;
            if (++runs == keep + 1) first_old = i + 1;
        }
    }
    if (runs <= keep + slack) return;
    for (size_t i = 0; i < first_old; i++) {
        struct line *l = &x->line[i];
        if (!l->compacted && l->run.n && ec_str_eq(l->source, source)) l->fold = true;
    }
}

static bool mark(struct index *x) {
    bool any = false;
    for (size_t i = x->count; i-- > 0;) {
        bool seen = !x->line[i].run.n || x->line[i].compacted;
        for (size_t k = x->count; !seen && k-- > i + 1;) seen = ec_str_eq(x->line[k].source, x->line[i].source) && !x->line[k].compacted;
        if (!seen) mark_source(x, x->line[i].source, EC_HISTORY_RUNS_DETAILED, EC_HISTORY_SLACK);
    }
    for (size_t i = 0; i < x->count; i++) any |= x->line[i].fold;
    return any;
}

/* The place of the first line that stays: past EC_HISTORY_RUNS_MAX runs the oldest go. */
static size_t first_kept(const struct index *x) {
    struct ec_str run = {0};
    size_t runs = 0, cut = 0;
    for (size_t i = x->count; i-- > 0;) {
        if (!x->line[i].run.n || ec_str_eq(x->line[i].run, run)) continue;
        run = x->line[i].run;
        if (++runs == EC_HISTORY_RUNS_MAX + 1) cut = i + 1;
    }
    return runs > EC_HISTORY_RUNS_MAX + EC_HISTORY_SLACK ? cut : 0;
}

struct sum {
    json_t *first; /* the line that the rest is taken from */
    json_int_t files, passed, count[4], bytes;
    double score[EC_DIM_COUNT + 1], rows[EC_DIM_COUNT + 1];
    enum ec_verdict status;
    bool known, money_known;
    int64_t money_e4;
    const char *newest;
    json_t *keep[2]; /* lines that `newest` and the resources are borrowed from */
    const json_t *resources;
};

static const char *const counts[] = {"read", "accepted", "quarantined", "duplicate"};

static const char *score_name(int i) { return i < EC_DIM_COUNT ? ec_dimension_name((enum ec_dimension)i) : "overall"; }

static void add_scores(struct sum *s, const json_t *line, double read) {
    for (int i = 0; i <= EC_DIM_COUNT; i++) {
        const json_t *value = json_object_get(line, score_name(i));
        if (!json_is_number(value) || read <= 0) continue;
        s->rows[i] += read;
        s->score[i] += (json_number_value(value) - s->score[i]) * read / s->rows[i];
    }
}

static void add_line(struct sum *s, json_t *line) {
    enum ec_verdict verdict = ec_history_verdict(json_string_value(json_object_get(line, "status")));
    const json_t *money = json_object_get(line, "money"), *resources = json_object_get(line, "resources");
    const char *newest = json_string_value(json_object_get(line, "newest"));
    if (!s->first) s->first = json_incref(line);
    s->files++;
    s->passed += verdict == EC_VERDICT_PASSED;
    if (verdict != EC_VERDICT_COUNT && ec_history_is_worse(verdict, s->status)) s->status = verdict;
    s->known |= json_is_integer(json_object_get(line, "read"));
    for (int i = 0; i < 4; i++) s->count[i] += json_integer_value(json_object_get(line, counts[i]));
    s->bytes += json_integer_value(json_object_get(line, "bytes"));
    add_scores(s, line, (double)json_integer_value(json_object_get(line, "read")));
    if (json_is_number(money) && fabs(json_number_value(money)) < 9e14) {
        s->money_known = true;
        s->money_e4 += llround(json_number_value(money) * 1e4);
    }
    /* RFC 3339 in UTC: the order of the texts, but for fractions of a second. */
    if (newest && (!s->newest || strcmp(newest, s->newest) > 0)) {
        json_decref(s->keep[0]);
        s->keep[0] = json_incref(line);
        s->newest = newest;
    }
    if (resources && !s->resources) {
        s->keep[1] = json_incref(line);
        s->resources = resources;
    }
}

static void write_sum(struct ec_buf *out, const struct sum *s) {
    struct ec_json_writer w;
    const json_t *threshold = json_object_get(s->first, "threshold"), *took = json_object_get(s->first, "run_seconds");
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_int(&w, "files", s->files);
    ec_json_str(&w, "run", json_string_value(json_object_get(s->first, "run")));
    ec_json_int(&w, "seq", json_integer_value(json_object_get(s->first, "seq")));
    ec_json_str(&w, "started", json_string_value(json_object_get(s->first, "started")));
    ec_json_fixed(&w, "run_seconds", json_is_number(took) ? json_number_value(took) : (double)NAN, 3);
    ec_json_str(&w, "source", json_string_value(json_object_get(s->first, "source")));
    static const char *const of_a_file[] = {"path", "member", "file"};
    for (int i = 0; i < 3; i++) ec_json_null(&w, of_a_file[i]);
    ec_json_str(&w, "status", ec_verdict_name(s->status));
    for (int i = 0; i < 4; i++) {
        if (s->known)
            ec_json_int(&w, counts[i], s->count[i]);
        else
            ec_json_null(&w, counts[i]);
    }
    for (int i = 0; i <= EC_DIM_COUNT; i++)
        ec_json_fixed(&w, score_name(i), s->rows[i] > 0 ? ec_percent(s->score[i]) : (double)NAN, 2);
    ec_json_double(&w, "threshold", json_is_number(threshold) ? json_number_value(threshold) : (double)NAN);
    ec_json_int(&w, "bytes", s->bytes);
    ec_json_null(&w, "sha256");
    ec_json_int(&w, "passed", s->passed);
    ec_money_write(&w, "money", s->money_known, s->money_e4);
    ec_json_str(&w, "newest", s->newest);
    if (s->resources) {
        const json_t *cpu = json_object_get(s->resources, "cpu_seconds");
        struct ec_resource_facts r = {.cpu_seconds = json_is_number(cpu) ? json_number_value(cpu) : (double)NAN};
        r.peak_memory_bytes = (uint64_t)json_integer_value(json_object_get(s->resources, "peak_memory_bytes"));
        ec_history_resources_write(&w, &r, false);
    }
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

/* The lines of the run and source of line `first`; those that do not parse stay as they are. */
static void fold(struct index *x, size_t first, struct ec_buf *out) {
    struct sum s = {.status = EC_VERDICT_SKIPPED};
    const struct line *of = &x->line[first];
    for (size_t i = first; i < x->count; i++) {
        struct line *l = &x->line[i];
        if (!l->fold || l->done || !ec_str_eq(l->run, of->run)) {
            if (l->run.n && !ec_str_eq(l->run, of->run)) break; /* lines of a run follow each other */
            continue;
        }
        if (!ec_str_eq(l->source, of->source)) continue;
        json_t *object = json_loadb(l->text.p, l->text.n, 0, NULL);
        l->done = true;
        if (json_is_object(object)) {
            add_line(&s, object);
        } else {
            ec_buf_add(out, l->text.p, l->text.n);
            ec_buf_addc(out, '\n');
        }
        json_decref(object);
    }
    if (s.first) write_sum(out, &s);
    json_decref(s.first);
    json_decref(s.keep[0]);
    json_decref(s.keep[1]);
}

enum ec_status ec_history_compact(struct ec_buf *text, struct ec_err *err) {
    struct index x = {0};
    ec_arena_init(&x.arena, INDEX_MAX);
    enum ec_status status = make_index(ec_buf_str(text), &x, err);
    size_t first = status == EC_OK ? first_kept(&x) : 0;
    if (status == EC_OK && (mark(&x) || first > 0)) {
        struct ec_buf out = ec_buf_make(text->bytes_max);
        for (size_t i = first; i < x.count; i++) {
            if (x.line[i].done) continue;
            if (x.line[i].fold) {
                fold(&x, i, &out);
                continue;
            }
            ec_buf_add(&out, x.line[i].text.p, x.line[i].text.n);
            ec_buf_addc(&out, '\n');
        }
        ec_buf_free(text);
        *text = out;
    }
    ec_arena_deinit(&x.arena);
    return status;
}
