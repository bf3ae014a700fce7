#include "publish/prometheus.h"

#include "base/io.h"
#include "base/utf8.h"

#include <math.h>

#define JUDGE_MAX  ((size_t)16 * EC_MIB)
#define CHECKS_MAX 16384u /* of all sources */

/* A check of a source, over its files. */
struct check {
    const struct ec_check_facts *first;
    uint64_t evaluated, failed;
};

/* A source, over its files. */
struct source {
    const char *name;
    uint64_t verdicts[EC_VERDICT_COUNT], outcome[4], by_reason[EC_REASON_COUNT];
    uint64_t bytes, bytes_decoded;
    double seconds, scored[EC_DIM_COUNT + 1], score[EC_DIM_COUNT + 1]; /* rows behind, and their sum; the last is overall */
    size_t check_first, check_count;
    int64_t newest_us;
    bool newest_known;
};

struct metrics {
    const struct ec_run_facts *run;
    struct ec_buf *out;
    struct source *source;
    size_t count;
    struct check *check;
    size_t check_count;
};

static const char *const outcomes[] = {"read", "accepted", "quarantined", "duplicate"};

void ec_prometheus_label(struct ec_buf *out, const char *value) {
    for (size_t n = strlen(value), i = 0; i < n;) {
        size_t good = ec_utf8_prefix(value + i, n - i);
        for (size_t end = i + good; i < end; i++) {
            if (value[i] == '\\') ec_buf_addz(out, "\\\\");
            else if (value[i] == '"') ec_buf_addz(out, "\\\"");
            else if (value[i] == '\n') ec_buf_addz(out, "\\n");
            else ec_buf_addc(out, value[i]);
        }
        if (i < n) {
            ec_buf_addz(out, "\xEF\xBF\xBD");
            i++;
        }
    }
}

static struct source *source_of(struct metrics *m, const struct ec_unit *unit) {
    for (size_t i = m->count; i-- > 0;)
        if (strcmp(m->source[i].name, unit->source_name) == 0) return &m->source[i];
    struct source *s = &m->source[m->count++];
    s->name = unit->source_name;
    return s;
}

static void add_score(struct source *s, size_t k, double score, uint64_t rows) {
    if (isnan(score) || rows == 0) return;
    s->scored[k] += (double)rows;
    s->score[k] += score / 100 * (double)rows;
}

static void add_known(struct source *s, const struct ec_unit *unit, const struct ec_judgement *j) {
    const struct ec_facts *f = &unit->facts;
    const uint64_t counts[] = {f->read, f->accepted, f->quarantined, f->duplicate};
    for (size_t i = 0; i < 4; i++) s->outcome[i] += counts[i];
    for (size_t i = 0; i < EC_REASON_COUNT; i++) s->by_reason[i] += f->by_reason[i];
    s->bytes_decoded += f->bytes_decoded;
    for (size_t i = 0; i < EC_DIM_COUNT; i++) add_score(s, i, j->score.dim[i], f->read);
    add_score(s, EC_DIM_COUNT, j->score.overall, f->read);
    if (!f->newest_known) return;
    if (!s->newest_known || f->newest_us > s->newest_us) s->newest_us = f->newest_us;
    s->newest_known = true;
}

static enum ec_status collect_units(struct metrics *m, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < m->run->unit_count && status == EC_OK; i++) {
        const struct ec_unit *unit = &m->run->unit[i];
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(unit, &arena, &j, err);
        if (status != EC_OK) break;
        struct source *s = source_of(m, unit);
        s->verdicts[j.verdict]++;
        s->bytes += unit->bytes;
        s->seconds += (double)unit->facts.elapsed_us / 1e6;
        if (ec_unit_known(unit)) add_known(s, unit, &j);
    }
    ec_arena_deinit(&arena);
    return status;
}

/* Files of a source have the same checks, mostly in the same order. */
static void collect_checks(struct metrics *m) {
    for (size_t k = 0; k < m->count; k++) {
        struct source *s = &m->source[k];
        s->check_first = m->check_count;
        for (size_t i = 0; i < m->run->unit_count; i++) {
            const struct ec_unit *unit = &m->run->unit[i];
            if (!ec_unit_known(unit) || strcmp(unit->source_name, s->name) != 0) continue;
            for (size_t c = 0; c < unit->facts.check_count; c++) {
                const struct ec_check_facts *facts = &unit->facts.check[c];
                size_t at = s->check_first + c;
                if (at >= m->check_count || strcmp(m->check[at].first->id, facts->id) != 0)
                    for (at = s->check_first; at < m->check_count && strcmp(m->check[at].first->id, facts->id) != 0;) at++;
                if (at == CHECKS_MAX) continue;
                if (at == m->check_count) m->check[m->check_count++] = (struct check){.first = facts};
                m->check[at].evaluated += facts->evaluated;
                m->check[at].failed += facts->failed;
            }
        }
        s->check_count = m->check_count - s->check_first;
    }
}

static void family(struct metrics *m, const char *name, const char *help) {
    ec_buf_printf(m->out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void add_value(struct metrics *m, double value) {
    char text[40];
    if (isnan(value))
        ec_buf_addz(m->out, " NaN\n");
    else if (value == floor(value) && fabs(value) < 9e15)
        ec_buf_printf(m->out, " %.0f\n", value);
    else {
        text[ec_double_format(value, text)] = '\0';
        ec_buf_printf(m->out, " %s\n", text);
    }
}

/* name{a="x",b="y"} value; labels in pairs, ended by NULL. */
static void sample(struct metrics *m, const char *name, const char *const *label, double value) {
    ec_buf_addz(m->out, name);
    for (size_t i = 0; label && label[i]; i += 2) {
        ec_buf_printf(m->out, "%s%s=\"", i ? "," : "{", label[i]);
        ec_prometheus_label(m->out, label[i + 1]);
        ec_buf_addc(m->out, '"');
    }
    if (label && label[0]) ec_buf_addc(m->out, '}');
    add_value(m, value);
}

#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void single(struct metrics *m, const char *name, const char *help, double value) {
    family(m, name, help);
    sample(m, name, NULL, value);
}

static void write_run(struct metrics *m, const struct ec_prometheus_times *times) {
    const struct ec_run_facts *run = m->run;
    family(m, "ecluse_run_info", "The last run: its id and the version of the program.");
    sample(m, "ecluse_run_info", LABELS("run", run->run, "version", EC_VERSION), 1);
    family(m, "ecluse_run_verdict", "1 for the verdict of the last run, the worst of its files; 0 for the others.");
    for (int v = 0; v < EC_VERDICT_COUNT; v++)
        sample(m, "ecluse_run_verdict", LABELS("verdict", ec_verdict_name((enum ec_verdict)v)), ec_run_verdict(run) == (enum ec_verdict)v);
    single(m, "ecluse_run_start_timestamp_seconds", "When the last run started.", (double)run->started_us / 1e6);
    single(m, "ecluse_run_end_timestamp_seconds", "When the last run was committed.", (double)run->finished_us / 1e6);
    if (times->success_us)
        single(m, "ecluse_run_last_success_timestamp_seconds", "When the last run ended in which no file failed or could not be read.",
               (double)times->success_us / 1e6);
    single(m, "ecluse_last_run_timestamp_seconds", "When the last run ended, also one that found nothing new.", (double)times->run_us / 1e6);
    single(m, "ecluse_last_run_idle", "1 where it found nothing new: all other figures are of the last run that read files.", times->idle);
    single(m, "ecluse_run_duration_seconds", "How long the last run took until it was committed.",
           (double)(run->finished_us - run->started_us) / 1e6);
    single(m, "ecluse_run_workers", "Workers of the last run.", run->workers);
    single(m, "ecluse_run_score_ratio", "Quality score of the last run, 0 to 1, weighted by rows; NaN where unknown.", run->totals.score / 100);
}

static void write_sources(struct metrics *m) {
    family(m, "ecluse_source_files", "Files of the last run, by verdict.");
    for (size_t i = 0; i < m->count; i++)
        for (int v = 0; v < EC_VERDICT_COUNT; v++)
            sample(m, "ecluse_source_files", LABELS("source", m->source[i].name, "verdict", ec_verdict_name((enum ec_verdict)v)),
                   (double)m->source[i].verdicts[v]);
    family(m, "ecluse_source_rows", "Rows of the last run: read is the sum of accepted, quarantined and duplicate.");
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = 0; k < 4; k++)
            sample(m, "ecluse_source_rows", LABELS("source", m->source[i].name, "outcome", outcomes[k]), (double)m->source[i].outcome[k]);
    family(m, "ecluse_source_rejected_rows", "Rows of the last run that have the reason; a row may have several.");
    for (size_t i = 0; i < m->count; i++)
        for (int k = 0; k < EC_REASON_COUNT; k++)
            if (m->source[i].by_reason[k])
                sample(m, "ecluse_source_rejected_rows", LABELS("source", m->source[i].name, "reason", ec_reason_text((enum ec_reason)k)->slug),
                       (double)m->source[i].by_reason[k]);
    family(m, "ecluse_source_read_bytes", "Bytes of the last run's files as stored.");
    for (size_t i = 0; i < m->count; i++) sample(m, "ecluse_source_read_bytes", LABELS("source", m->source[i].name), (double)m->source[i].bytes);
    family(m, "ecluse_source_decoded_bytes", "Bytes of the last run's files unpacked.");
    for (size_t i = 0; i < m->count; i++)
        sample(m, "ecluse_source_decoded_bytes", LABELS("source", m->source[i].name), (double)m->source[i].bytes_decoded);
    family(m, "ecluse_source_worker_seconds", "Time that workers spent on the last run's files.");
    for (size_t i = 0; i < m->count; i++) sample(m, "ecluse_source_worker_seconds", LABELS("source", m->source[i].name), m->source[i].seconds);
}

static void write_scores(struct metrics *m) {
    family(m, "ecluse_source_score_ratio", "Quality score of the last run's files, 0 to 1, weighted by rows.");
    for (size_t i = 0; i < m->count; i++)
        if (m->source[i].scored[EC_DIM_COUNT] > 0)
            sample(m, "ecluse_source_score_ratio", LABELS("source", m->source[i].name),
                   m->source[i].score[EC_DIM_COUNT] / m->source[i].scored[EC_DIM_COUNT]);
    family(m, "ecluse_source_dimension_score_ratio", "The dimensions of the score, where they are known.");
    for (size_t i = 0; i < m->count; i++)
        for (size_t d = 0; d < EC_DIM_COUNT; d++)
            if (m->source[i].scored[d] > 0)
                sample(m, "ecluse_source_dimension_score_ratio",
                       LABELS("source", m->source[i].name, "dimension", ec_dimension_name((enum ec_dimension)d)),
                       m->source[i].score[d] / m->source[i].scored[d]);
    family(m, "ecluse_source_newest_row_timestamp_seconds", "Time of the newest row read by the last run, where the source has one.");
    for (size_t i = 0; i < m->count; i++)
        if (m->source[i].newest_known)
            sample(m, "ecluse_source_newest_row_timestamp_seconds", LABELS("source", m->source[i].name), (double)m->source[i].newest_us / 1e6);
}

static void write_checks(struct metrics *m) {
    static const char *const names[] = {"ecluse_check_evaluated_rows", "ecluse_check_failed_rows"};
    static const char *const helps[] = {"Rows or values of the last run that the check looked at.", "Those of them that failed it."};
    for (size_t k = 0; k < 2; k++) {
        family(m, names[k], helps[k]);
        for (size_t i = 0; i < m->count; i++)
            for (size_t c = m->source[i].check_first; c < m->source[i].check_first + m->source[i].check_count; c++)
                sample(m, names[k], LABELS("source", m->source[i].name, "check", m->check[c].first->id, "severity", m->check[c].first->severity),
                       (double)(k ? m->check[c].failed : m->check[c].evaluated));
    }
    family(m, "ecluse_table_written_rows", "Rows that the last run wrote to the table.");
    for (size_t i = 0; i < m->run->table_count; i++)
        sample(m, "ecluse_table_written_rows", LABELS("table", m->run->table[i].name), (double)m->run->table[i].rows);
}

enum ec_status ec_prometheus_write(const struct ec_run_facts *run, const struct ec_prometheus_times *times, struct ec_buf *out,
                                   struct ec_err *err) {
    struct metrics m = {.run = run, .out = out};
    m.source = ec_calloc(run->unit_count + 1, sizeof *m.source);
    m.check = ec_calloc(CHECKS_MAX, sizeof *m.check);
    enum ec_status status = m.source && m.check ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the metrics");
    if (status == EC_OK) status = collect_units(&m, err);
    if (status == EC_OK) {
        collect_checks(&m);
        write_run(&m, times);
        write_sources(&m);
        write_scores(&m);
        write_checks(&m);
        status = ec_buf_check(out, err);
    }
    ec_free(m.source);
    ec_free(m.check);
    return status;
}
