/* The facts of the page: sources with their history and calendar, files worst first. */
#include "publish/page_data_private.h"

#include "base/calendar.h"
#include "base/io.h"
#include "quality/report.h"

#include <math.h>
#include <stdlib.h>

#define JUDGE_MAX ((size_t)16 * EC_MIB)

static void write_scores(struct ec_json_writer *w, const double *dim, double overall) {
    ec_json_object(w, "scores");
    for (int i = 0; i < EC_DIM_COUNT; i++) ec_sheet_percent(w, ec_dimension_name((enum ec_dimension)i), dim[i]);
    ec_sheet_percent(w, "overall", overall);
    ec_json_end(w);
}

/* ---- sources ---- */

static void write_history_cell(struct ec_sheet *s, const struct ec_history_point *p, size_t run, int column) {
    struct ec_json_writer *w = &s->w;
    switch (column) {
    case 0: ec_json_uint(w, NULL, run); break;
    case 1: ec_json_uint(w, NULL, p->read); break;
    case 2: ec_json_uint(w, NULL, p->quarantined); break;
    default: ec_sheet_percent(w, NULL, p->score); break;
    }
}

static void write_history(struct ec_sheet *s, const struct ec_sheet_source *of) {
    static const char *const names[] = {"run", "read", "quarantined", "score"};
    ec_json_object(&s->w, "history");
    for (int c = 0; c < 4; c++) {
        ec_json_array(&s->w, names[c]);
        for (size_t i = 0; i < of->past_count; i++) {
            size_t run = ec_sheet_place(s, of->past[i]->run);
            if (run != EC_NO_RUN) write_history_cell(s, of->past[i], run, c);
        }
        if (of->now.files > 0) write_history_cell(s, &of->now, ec_sheet_this_run(s), c);
        ec_json_end_array(&s->w);
    }
    ec_json_end(&s->w);
}

/* A day on which files came: of the runs that started on it. */
struct day {
    int32_t day;
    uint64_t files, rows;
    enum ec_verdict worst;
};

static unsigned rank(enum ec_verdict v) {
    return v == EC_VERDICT_SKIPPED ? 0 : (unsigned)v + 1; /* passed, warned, failed, errored as they are numbered */
}

static void add_day(struct day *list, size_t *count, int32_t day, const struct ec_history_point *p) {
    if (*count == 0 || list[*count - 1].day != day) list[(*count)++] = (struct day){.day = day, .worst = EC_VERDICT_SKIPPED};
    struct day *to = &list[*count - 1];
    to->files += p->files;
    to->rows += p->read;
    if (rank(p->status) > rank(to->worst)) to->worst = p->status;
}

/* The days, of at most the last EC_PAGE_DAYS_MAX; in the order of the runs. NULL where memory runs out. */
static struct day *collect_days(struct ec_sheet *s, const struct ec_sheet_source *of, size_t *count) {
    const struct ec_history *h = ec_sheet_history(s);
    int32_t today = ec_days_from_micros(s->run->started_us);
    struct day *list = ec_arena_calloc(&s->arena, of->past_count + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; list && i < of->past_count; i++) {
        int64_t us;
        const char *started = h->run[of->past[i]->run].started;
        if (!ec_datetime_parse(started, strlen(started), &us)) continue;
        int32_t day = ec_days_from_micros(us);
        if (day > today - (int32_t)EC_PAGE_DAYS_MAX) add_day(list, count, day, of->past[i]);
    }
    if (list && of->now.files > 0) add_day(list, count, today, &of->now);
    return list;
}

static void write_arrival(struct ec_sheet *s, const struct ec_sheet_source *of) {
    static const char *const names[] = {"day", "files", "rows", "worst"};
    struct ec_json_writer *w = &s->w;
    size_t count;
    struct day *list = collect_days(s, of, &count);
    if (!list) s->failed = true;
    ec_json_object(w, "arrival");
    for (int c = 0; c < 4; c++) {
        ec_json_array(w, names[c]);
        for (size_t i = 0; list && i < count; i++) {
            char text[16];
            if (c == 0)
                ec_json_text(w, NULL, (struct ec_str){text, ec_date_format(list[i].day, text)});
            else if (c == 3)
                ec_json_str(w, NULL, ec_verdict_name(list[i].worst));
            else
                ec_json_uint(w, NULL, c == 1 ? list[i].files : list[i].rows);
        }
        ec_json_end_array(w);
    }
    ec_json_end(w);
}

static void write_source(struct ec_sheet *s, const struct ec_sheet_source *of) {
    struct ec_json_writer *w = &s->w;
    ec_json_object(w, NULL);
    ec_json_str(w, "name", of->name);
    ec_json_str(w, "schema", of->source ? of->source->schema : of->name);
    ec_json_str(w, "load", of->source ? ec_load_name(of->source->load) : "append");
    ec_json_str(w, "verdict", ec_verdict_name(of->now.status));
    ec_json_uint(w, "files", of->now.files);
    ec_json_uint(w, "read", of->now.read);
    ec_json_uint(w, "accepted", of->now.accepted);
    ec_json_uint(w, "quarantined", of->now.quarantined);
    ec_json_uint(w, "duplicate", of->now.duplicate);
    write_scores(w, of->dim, of->now.score);
    double threshold = of->first ? of->first->terms.threshold : of->source ? of->source->threshold : (double)NAN;
    ec_json_double(w, "threshold", threshold);
    write_history(s, of);
    write_arrival(s, of);
    ec_json_end(w);
}

void ec_sheet_sources(struct ec_sheet *s) {
    ec_json_array(&s->w, "sources");
    for (size_t i = 0; i < s->source_count; i++) write_source(s, &s->source[i]);
    ec_json_end_array(&s->w);
}

/* ---- files ---- */

static void write_errors(struct ec_json_writer *w, const struct ec_judgement *j) {
    ec_json_array(w, "errors");
    for (size_t i = 0; i < j->failure_count; i++) ec_json_str(w, NULL, j->failure[i]);
    for (size_t i = 0; i < j->violation_count; i++) ec_json_str(w, NULL, j->violation[i]);
    ec_json_end_array(w);
}

static void write_file(struct ec_json_writer *w, const struct ec_unit *unit, const struct ec_judgement *j) {
    char report[EC_REPORT_NAME_MAX];
    const struct ec_facts *f = &unit->facts;
    ec_report_name(unit->label, report);
    ec_json_object(w, NULL);
    ec_json_str(w, "label", unit->label);
    ec_json_str(w, "source", unit->source_name);
    ec_json_str(w, "path", unit->path);
    ec_json_str(w, "member", unit->member);
    ec_json_str(w, "verdict", ec_verdict_name(j->verdict));
    const uint64_t counts[] = {f->read, f->accepted, f->quarantined, f->duplicate};
    static const char *const names[] = {"rows", "accepted", "quarantined", "duplicate"};
    for (int i = 0; i < 4; i++) {
        if (ec_unit_known(unit))
            ec_json_uint(w, names[i], counts[i]);
        else
            ec_json_null(w, names[i]);
    }
    ec_sheet_percent(w, "completeness", j->score.dim[EC_DIM_COMPLETENESS]);
    ec_json_double(w, "threshold", unit->terms.threshold);
    write_scores(w, j->score.dim, j->score.overall);
    ec_json_uint(w, "bytes", unit->bytes);
    ec_json_str(w, "sha256", unit->sha256[0] ? unit->sha256 : NULL);
    ec_json_fixed(w, "seconds", (double)unit->elapsed_us / 1e6, 3);
    ec_json_str(w, "validated_at", unit->validated_at);
    write_errors(w, j);
    ec_json_str(w, "arithmetic", j->arithmetic);
    ec_sheet_texts(w, "missing", unit->missing, unit->missing_count);
    ec_sheet_texts(w, "undeclared", unit->undeclared, unit->undeclared_count);
    ec_sheet_texts(w, "drift", unit->drift, unit->drift_count);
    ec_json_str(w, "report", report);
    ec_json_end(w);
}

static enum ec_status write_files(struct ec_sheet *s, const size_t *order, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    enum ec_status status = EC_OK;
    ec_json_array(&s->w, "files");
    for (size_t i = 0; i < s->run->unit_count && i < EC_PAGE_DATA_FILES_MAX && status == EC_OK; i++) {
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(&s->run->unit[order[i]], &arena, &j, err);
        if (status == EC_OK) write_file(&s->w, &s->run->unit[order[i]], &j);
    }
    ec_json_end_array(&s->w);
    size_t most = EC_PAGE_DATA_FILES_MAX;
    ec_json_uint(&s->w, "files_cut", s->run->unit_count > most ? s->run->unit_count - most : 0);
    ec_arena_deinit(&arena);
    return status;
}

enum ec_status ec_sheet_files(struct ec_sheet *s, struct ec_err *err) {
    size_t *order = ec_calloc(s->run->unit_count, sizeof *order);
    if (!order) return ec_fail(err, EC_NO_MEMORY, "no memory for the facts of the page");
    enum ec_status status = ec_run_worst_first(s->run, order, err);
    if (status == EC_OK) status = write_files(s, order, err);
    ec_free(order);
    return status;
}
