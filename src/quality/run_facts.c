#include "quality/run_facts.h"

#include "base/io.h"
#include "base/json_read.h"
#include "quality/report.h"

#include <math.h>
#include <stdlib.h>

#define RUN_MEMORY_MAX ((size_t)256 * EC_MIB)
#define JUDGE_MAX      ((size_t)16 * EC_MIB)
#define UNITS_MAX      1000000u

void ec_run_facts_init(struct ec_run_facts *run) {
    *run = (struct ec_run_facts){.totals = {.score = (double)NAN}};
    ec_arena_init(&run->arena, RUN_MEMORY_MAX);
}

void ec_run_facts_deinit(struct ec_run_facts *run) {
    for (size_t i = 0; i < run->unit_count; i++) ec_unit_deinit(&run->unit[i]);
    ec_arena_deinit(&run->arena);
    ec_run_facts_init(run);
}

void ec_money_write(struct ec_json_writer *w, const char *key, bool known, int64_t e4) {
    char text[32];
    if (!known) {
        ec_json_null(w, key);
        return;
    }
    size_t n = ec_decimal_format(e4, 4, text);
    while (n > 0 && text[n - 1] == '0' && text[n - 2] != '.') n--;
    ec_json_raw(w, key, (struct ec_str){text, n});
}

static int by_label(const void *a, const void *b) {
    const struct ec_unit *const *x = a, *const *y = b;
    return strcmp((*x)->label, (*y)->label);
}

static enum ec_status tell_apart(struct ec_run_facts *run, struct ec_unit **sorted, struct ec_err *err) {
    qsort(sorted, run->unit_count, sizeof *sorted, by_label);
    for (size_t i = 0; i < run->unit_count;) {
        size_t end = i + 1;
        while (end < run->unit_count && strcmp(sorted[end]->label, sorted[i]->label) == 0) end++;
        for (size_t k = i; end - i > 1 && k < end; k++) {
            char label[EC_REPORT_LABEL_MAX];
            ec_report_label_unique(sorted[k]->path, sorted[k]->member, label);
            sorted[k]->label = ec_arena_strdup(&run->arena, label);
            if (!sorted[k]->label) return ec_fail(err, EC_NO_MEMORY, "no memory for the names of the reports");
        }
        i = end;
    }
    return EC_OK;
}

enum ec_status ec_run_label_units(struct ec_run_facts *run, struct ec_err *err) {
    struct ec_unit **sorted = ec_calloc(run->unit_count, sizeof *sorted);
    if (!sorted) return ec_fail(err, EC_NO_MEMORY, "no memory for the names of the reports");
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < run->unit_count; i++) {
        char label[EC_REPORT_LABEL_MAX];
        ec_report_label(run->unit[i].path, run->unit[i].member, label);
        run->unit[i].label = ec_arena_strdup(&run->arena, label);
        sorted[i] = &run->unit[i];
        if (run->unit[i].label) continue;
        status = ec_fail(err, EC_NO_MEMORY, "no memory for the names of the reports");
        goto done;
    }
    status = tell_apart(run, sorted, err);
done:
    ec_free(sorted);
    return status;
}

static void add_unit(struct ec_totals *t, const struct ec_unit *unit, const struct ec_judgement *j, double *scored) {
    t->files++;
    t->verdicts[j->verdict]++;
    if (j->verdict == EC_VERDICT_SKIPPED) return;
    t->bytes += unit->bytes;
    if (!ec_unit_known(unit)) return;
    const struct ec_facts *f = &unit->facts;
    t->bytes_decoded += f->bytes_decoded;
    t->read += f->read;
    t->accepted += f->accepted;
    t->quarantined += f->quarantined;
    t->duplicate += f->duplicate;
    for (size_t i = 0; i < EC_REASON_COUNT; i++) t->by_reason[i] += f->by_reason[i];
    t->money_known |= f->money_known;
    if (f->money_known) t->money_e4 = ec_money_sum(t->money_e4, f->money_e4);
    if (f->newest_known && (!t->newest_known || f->newest_us > t->newest_us)) t->newest_us = f->newest_us;
    t->newest_known |= f->newest_known;
    if (isnan(j->score.overall)) return;
    if (isnan(t->score)) t->score = 0;
    t->score += j->score.overall * (double)f->read;
    *scored += (double)f->read;
}

enum ec_status ec_run_totals(struct ec_run_facts *run, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    run->totals = (struct ec_totals){.score = (double)NAN};
    enum ec_status status = EC_OK;
    double scored = 0; /* rows behind the score */
    for (size_t i = 0; i < run->unit_count && status == EC_OK; i++) {
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(&run->unit[i], &arena, &j, err);
        if (status == EC_OK) add_unit(&run->totals, &run->unit[i], &j, &scored);
    }
    if (scored > 0) run->totals.score /= scored;
    ec_arena_deinit(&arena);
    return status;
}

enum ec_verdict ec_run_verdict(const struct ec_run_facts *run) {
    static const enum ec_verdict worst[] = {EC_VERDICT_ERRORED, EC_VERDICT_FAILED, EC_VERDICT_WARNED,
                                            EC_VERDICT_PASSED};
    for (size_t i = 0; i < sizeof worst / sizeof *worst; i++)
        if (run->totals.verdicts[worst[i]]) return worst[i];
    return run->totals.files ? EC_VERDICT_SKIPPED : EC_VERDICT_PASSED;
}

struct ranked {
    const struct ec_unit *unit;
    size_t index;
    unsigned rank; /* errored first */
    double score;
};

static int by_rank(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    if (x->score < y->score) return -1;
    if (x->score > y->score) return 1;
    int order = strcmp(x->unit->path, y->unit->path);
    if (order) return order;
    order = strcmp(x->unit->member ? x->unit->member : "", y->unit->member ? y->unit->member : "");
    if (order) return order;
    return x->index < y->index ? -1 : x->index > y->index;
}

enum ec_status ec_run_worst_first(const struct ec_run_facts *run, size_t *order, struct ec_err *err) {
    static const unsigned ranks[EC_VERDICT_COUNT] = {[EC_VERDICT_ERRORED] = 0,
                                                     [EC_VERDICT_FAILED] = 1,
                                                     [EC_VERDICT_WARNED] = 2,
                                                     [EC_VERDICT_PASSED] = 3,
                                                     [EC_VERDICT_SKIPPED] = 4};
    struct ranked *list = ec_calloc(run->unit_count, sizeof *list);
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    enum ec_status status = list ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory to sort the files of a run");
    for (size_t i = 0; i < run->unit_count && status == EC_OK; i++) {
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(&run->unit[i], &arena, &j, err);
        if (status != EC_OK) break;
        double score = isnan(j.score.overall) ? -1 : j.score.overall;
        list[i] = (struct ranked){&run->unit[i], i, ranks[j.verdict], score};
    }
    if (status == EC_OK) {
        qsort(list, run->unit_count, sizeof *list, by_rank);
        for (size_t i = 0; i < run->unit_count; i++) order[i] = list[i].index;
    }
    ec_arena_deinit(&arena);
    ec_free(list);
    return status;
}

void ec_archives_write(struct ec_json_writer *w, const char *key, const struct ec_run_facts *run) {
    ec_json_array(w, key);
    for (size_t i = 0; i < run->archive_count; i++) {
        const struct ec_archive_facts *a = &run->archive[i];
        ec_json_object(w, NULL);
        ec_json_str(w, "path", a->path);
        ec_json_uint(w, "files", a->files);
        ec_json_uint(w, "bytes", a->bytes);
        ec_json_uint(w, "bytes_stored", a->bytes_stored);
        ec_json_bool(w, "verified", a->verified);
        ec_json_end(w);
    }
    ec_json_end_array(w);
}

void ec_run_facts_write(struct ec_json_writer *w, const char *key, const struct ec_run_facts *run) {
    ec_json_object(w, key);
    ec_json_str(w, "run", run->run);
    ec_json_uint(w, "seq", run->seq);
    ec_json_int(w, "started_us", run->started_us);
    ec_json_int(w, "finished_us", run->finished_us);
    ec_json_int(w, "as_of_us", run->as_of_us);
    ec_json_uint(w, "workers", run->workers);
    ec_json_uint(w, "cpus", run->cpus);
    ec_json_uint(w, "sources", run->sources);
    ec_json_array(w, "units");
    for (size_t i = 0; i < run->unit_count; i++) ec_unit_write(w, NULL, &run->unit[i]);
    ec_json_end_array(w);
    ec_json_array(w, "anomalies");
    for (size_t i = 0; i < run->anomaly_count; i++) ec_anomaly_write(w, NULL, &run->anomaly[i]);
    ec_json_end_array(w);
    ec_json_array(w, "tables");
    for (size_t i = 0; i < run->table_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "name", run->table[i].name);
        ec_json_uint(w, "rows", run->table[i].rows);
        ec_json_int(w, "version", run->table[i].version);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_json_end(w);
}

static void read_units(struct ec_json_reader *r, struct ec_run_facts *run) {
    const json_t *list = ec_json_get_array(r, "units");
    if (json_array_size(list) > UNITS_MAX) ec_json_wrong(r, "units", "a list of bounded length");
    if (r->status != EC_OK) return;
    run->unit = ec_json_alloc(r, json_array_size(list), sizeof *run->unit);
    for (size_t i = 0; r->status == EC_OK && i < json_array_size(list); i++) {
        r->status = ec_unit_read(json_array_get(list, i), &run->unit[i], r->err);
        if (r->status == EC_OK) run->unit_count++;
    }
}

static void read_tables(struct ec_json_reader *r, struct ec_run_facts *run) {
    const json_t *list = ec_json_get_array(r, "tables");
    if (json_array_size(list) > UNITS_MAX) ec_json_wrong(r, "tables", "a list of bounded length");
    if (r->status != EC_OK) return;
    run->table = ec_json_alloc(r, json_array_size(list), sizeof *run->table);
    for (size_t i = 0; r->status == EC_OK && i < json_array_size(list); i++) {
        struct ec_json_reader t = ec_json_reader_of(json_array_get(list, i), "a table of a run", r->arena, r->err);
        run->table[i] = (struct ec_table_facts){.name = ec_json_need_str(&t, "name")};
        run->table[i].rows = ec_json_get_uint(&t, "rows");
        run->table[i].version = ec_json_get_int(&t, "version");
        r->status = t.status;
        run->table_count++;
    }
}

static size_t word(struct ec_json_reader *r, const char *key, const char *const *words, size_t count) {
    const char *text = ec_json_need_str(r, key);
    size_t i = 0;
    while (i < count && strcmp(words[i], text) != 0) i++;
    if (i == count) ec_json_wrong(r, key, "a known word");
    return i < count ? i : 0;
}

static void read_anomalies(struct ec_json_reader *r, struct ec_run_facts *run) {
    static const char *const measures[] = {"volume", "null_rate", "score"}, *const statuses[] = {"ok", "anomalous", "cold"};
    const json_t *list = ec_json_get_array(r, "anomalies"); /* none in the facts of older versions */
    if (json_array_size(list) > UNITS_MAX) ec_json_wrong(r, "anomalies", "a list of bounded length");
    if (r->status != EC_OK || !list) return;
    run->anomaly = ec_json_alloc(r, json_array_size(list), sizeof *run->anomaly);
    for (size_t i = 0; r->status == EC_OK && i < json_array_size(list); i++) {
        struct ec_json_reader a = ec_json_reader_of(json_array_get(list, i), "an anomaly of a run", r->arena, r->err);
        run->anomaly[i] = (struct ec_anomaly){.source = ec_json_need_str(&a, "source"),
                                              .column = ec_json_get_str(&a, "column"),
                                              .measure = (enum ec_measure)word(&a, "measure", measures, 3),
                                              .status = (enum ec_anomaly_status)word(&a, "status", statuses, 3),
                                              .severity = ec_json_need_str(&a, "severity"),
                                              .value = ec_json_get_double(&a, "value"),
                                              .median = ec_json_get_double(&a, "median"),
                                              .mad = ec_json_get_double(&a, "mad"),
                                              .distance = ec_json_get_double(&a, "score"),
                                              .runs = ec_json_get_uint(&a, "runs"),
                                              .needed = ec_json_get_uint(&a, "needed")};
        r->status = a.status;
        run->anomaly_count++;
    }
    ec_anomalies_assign(run);
}

enum ec_status ec_run_facts_read(const json_t *object, struct ec_run_facts *run, struct ec_err *err) {
    ec_run_facts_init(run);
    struct ec_json_reader r = ec_json_reader_of(object, "the facts of a run", &run->arena, err);
    run->run = ec_json_need_str(&r, "run");
    run->seq = ec_json_get_uint(&r, "seq");
    run->started_us = ec_json_get_int(&r, "started_us");
    run->finished_us = ec_json_get_int(&r, "finished_us");
    run->as_of_us = ec_json_get_int(&r, "as_of_us");
    run->workers = (unsigned)ec_json_get_uint(&r, "workers");
    run->cpus = (unsigned)ec_json_get_uint(&r, "cpus");
    run->sources = ec_json_get_uint(&r, "sources");
    read_units(&r, run);
    read_tables(&r, run);
    read_anomalies(&r, run);
    if (r.status == EC_OK) r.status = ec_run_totals(run, err);
    if (r.status != EC_OK) ec_run_facts_deinit(run);
    return r.status;
}
