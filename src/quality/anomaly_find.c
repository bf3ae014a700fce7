/* Anomalies of a run's sources, against the history. */
#include "quality/anomaly.h"

#include "quality/history.h"

#include <math.h>

#define JUDGE_MAX ((size_t)16 * EC_MIB)

/* A source of the run, its files added up. */
struct source {
    const char *name;
    double read, score, scored;
    struct ec_history_counts column;
};

struct search {
    const struct ec_config *config;
    struct ec_run_facts *run;
    const struct ec_history *history;
    struct ec_arena arena; /* of the search */
    struct source *source;
    size_t source_count;
    double *values; /* of the baseline at hand */
    const struct ec_history_point **past;
    size_t past_count;
    size_t cap; /* of run->anomaly */
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory to look for anomalies"); }

static struct source *find(struct search *s, const char *name) {
    for (size_t i = 0; i < s->source_count; i++)
        if (strcmp(s->source[i].name, name) == 0) return &s->source[i];
    s->source[s->source_count] = (struct source){.name = name, .score = (double)NAN};
    return &s->source[s->source_count++];
}

static enum ec_status add_unit(struct search *s, const struct ec_unit *unit, struct ec_err *err) {
    struct ec_score score;
    struct source *to = find(s, unit->source_name);
    const struct ec_facts *f = &unit->facts;
    ec_score_compute(unit, &score);
    to->read += (double)f->read;
    if (!isnan(score.overall) && f->read) {
        to->scored += (double)f->read;
        if (isnan(to->score)) to->score = 0;
        to->score += (score.overall - to->score) * (double)f->read / to->scored;
    }
    for (size_t i = 0; i < f->column_count; i++) {
        const struct ec_column_facts *c = &f->column[i];
        if (c->derived) continue; /* its nulls are those of what it is made of */
        if (!ec_history_count(&s->arena, &to->column, c->name, c->nulls, c->values)) return no_memory(err);
    }
    return EC_OK;
}

/* Of a run before this one that kept its details, whose own lines may be there when it is finished after a crash. */
static bool is_past(const struct search *s, const struct ec_history_point *p, const char *name) {
    return s->history->run[p->run].seq < s->run->seq && p->detailed && p->read > 0 && strcmp(p->source, name) == 0;
}

/* The source's newest runs in the history, at most as many as configured. */
static void find_past(struct search *s, const char *name) {
    s->past_count = 0;
    for (size_t i = s->history->point_count; i-- > 0 && s->past_count < s->config->anomaly.runs;)
        if (is_past(s, &s->history->point[i], name)) s->past[s->past_count++] = &s->history->point[i];
}

static double rate(const struct ec_history_count *c) {
    return c && c->part + c->rest ? (double)c->part / (double)(c->part + c->rest) : (double)NAN;
}

static double past_value(const struct ec_history_point *p, enum ec_measure measure, const char *column) {
    switch (measure) {
    case EC_MEASURE_VOLUME: return (double)p->read;
    case EC_MEASURE_SCORE: return p->score;
    case EC_MEASURE_NULL_RATE: break;
    }
    return rate(ec_history_find(&p->column, column));
}

static void judge(struct search *s, struct ec_anomaly a) {
    size_t n = 0;
    for (size_t i = 0; i < s->past_count; i++) {
        double value = past_value(s->past[i], a.measure, a.column);
        if (!isnan(value)) s->values[n++] = value;
    }
    a.needed = s->config->anomaly.needed;
    a.severity = ec_severity_name(s->config->anomaly.severity);
    ec_anomaly_judge(&a, s->values, n, s->config->anomaly.threshold);
    if (a.measure == EC_MEASURE_NULL_RATE && a.status != EC_ANOMALY_ANOMALOUS) return;
    if (s->run->anomaly_count < s->cap) s->run->anomaly[s->run->anomaly_count++] = a;
}

static enum ec_status search_source(struct search *s, const struct source *of, struct ec_err *err) {
    find_past(s, of->name);
    judge(s, (struct ec_anomaly){.source = of->name, .measure = EC_MEASURE_VOLUME, .value = of->read});
    judge(s, (struct ec_anomaly){.source = of->name, .measure = EC_MEASURE_SCORE, .value = of->score});
    for (size_t i = 0; i < of->column.n; i++) {
        const char *name = ec_arena_strdup(&s->run->arena, of->column.count[i].name);
        if (!name) return no_memory(err);
        judge(s, (struct ec_anomaly){.source = of->name, .column = name, .measure = EC_MEASURE_NULL_RATE,
                                     .value = rate(&of->column.count[i])});
    }
    return EC_OK;
}

static enum ec_status search_all(struct search *s, struct ec_err *err) {
    struct ec_run_facts *run = s->run;
    for (size_t i = 0; i < run->unit_count; i++)
        if (ec_unit_known(&run->unit[i])) EC_TRY(add_unit(s, &run->unit[i], err));
    for (size_t i = 0; i < s->source_count; i++) s->cap += 2 + s->source[i].column.n;
    run->anomaly = ec_arena_calloc(&run->arena, s->cap, sizeof *run->anomaly);
    s->values = ec_arena_calloc(&s->arena, s->config->anomaly.runs, sizeof *s->values);
    s->past = ec_arena_calloc(&s->arena, s->config->anomaly.runs, sizeof(const struct ec_history_point *));
    if (!run->anomaly || !s->values || !s->past) return no_memory(err);
    for (size_t i = 0; i < s->source_count; i++) EC_TRY(search_source(s, &s->source[i], err));
    ec_anomalies_assign(run);
    return EC_OK;
}

enum ec_status ec_anomalies_find(const struct ec_history *history, const struct ec_config *config, struct ec_run_facts *run,
                                 struct ec_err *err) {
    struct search s = {.config = config, .run = run, .history = history};
    run->anomaly_count = 0;
    if (!config->anomaly.enabled) return EC_OK;
    ec_arena_init(&s.arena, JUDGE_MAX);
    s.source = ec_arena_calloc(&s.arena, run->unit_count, sizeof *s.source);
    enum ec_status status = s.source ? search_all(&s, err) : no_memory(err);
    ec_arena_deinit(&s.arena);
    return status;
}

void ec_anomalies_assign(struct ec_run_facts *run) {
    for (size_t i = 0; i < run->unit_count; i++) {
        struct ec_unit *unit = &run->unit[i];
        size_t first = 0, n = 0;
        while (first < run->anomaly_count && strcmp(run->anomaly[first].source, unit->source_name) != 0) first++;
        while (first + n < run->anomaly_count && strcmp(run->anomaly[first + n].source, unit->source_name) == 0) n++;
        unit->anomaly = n ? &run->anomaly[first] : NULL; /* those of a source follow each other */
        unit->anomaly_count = ec_unit_known(unit) ? n : 0;
    }
}
