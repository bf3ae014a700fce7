#include "publish/summary.h"

#include "base/calendar.h"
#include "base/io.h"
#include "publish/alert.h"
#include "publish/page_file.h"
#include "publish/timing_text.h"
#include "publish/visible.h"
#include "quality/report.h"

#include <math.h>
#include <stdlib.h>

#define JUDGE_MAX ((size_t)16 * EC_MIB)

/* A line of the summary: the files of a source, or the members of an archive. */
struct group {
    const char *name;
    bool is_archive;
    uint64_t files, read, accepted, quarantined, duplicate, rejected;
    uint64_t verdicts[EC_VERDICT_COUNT];
};

#define ANOMALIES_SHOWN 5u
#define PAGE_PATH  "data/quality/" EC_PAGE_NAME
#define ALERT_PATH "data/quality/" EC_ALERT_FILE_NAME

static double seconds(const struct ec_run_facts *run) {
    return run->finished_us > run->started_us ? (double)(run->finished_us - run->started_us) / 1e6 : 0;
}

static bool has_alert(const struct ec_run_facts *run) {
    return run->totals.verdicts[EC_VERDICT_FAILED] + run->totals.verdicts[EC_VERDICT_ERRORED] > 0;
}

static void add_fixed(struct ec_buf *out, double value, int decimals) {
    ec_fixed_add(out, value, decimals);
}

/* Whether nothing of it was loaded, because a rule or its source says so: it gets no .done. */
static bool was_rejected(const struct ec_unit *unit, enum ec_verdict verdict) {
    return unit->facts.rejected || (verdict == EC_VERDICT_FAILED && unit->source && unit->source->reject_failed);
}

/* what: P_("file", "files", n) */
static void add_counted(struct ec_buf *out, uint64_t n, const char *what) {
    ec_count_add(out, n);
    ec_buf_addc(out, ' ');
    ec_buf_addz(out, what);
}

static struct group *find_group(struct group *list, size_t *count, const struct ec_unit *unit) {
    bool is_archive = unit->member != NULL;
    const char *name = is_archive ? ec_report_file(unit->path, NULL) : unit->source_name;
    for (size_t i = *count; i-- > 0;) /* units of one group mostly follow each other */
        if (list[i].is_archive == is_archive && strcmp(list[i].name, name) == 0) return &list[i];
    struct group *made = &list[(*count)++];
    *made = (struct group){.name = name, .is_archive = is_archive};
    return made;
}

static enum ec_status collect(const struct ec_run_facts *run, struct group *list, size_t *count, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < run->unit_count && status == EC_OK; i++) {
        const struct ec_unit *unit = &run->unit[i];
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(unit, &arena, &j, err);
        if (status != EC_OK) break;
        struct group *g = find_group(list, count, unit);
        g->files++;
        g->verdicts[j.verdict]++;
        if (!ec_unit_known(unit)) continue;
        g->rejected += was_rejected(unit, j.verdict);
        g->read += unit->facts.read;
        g->accepted += unit->facts.accepted;
        g->quarantined += unit->facts.quarantined;
        g->duplicate += unit->facts.duplicate;
    }
    ec_arena_deinit(&arena);
    return status;
}

static void add_group(struct ec_buf *out, const struct group *g) {
    bool bad = g->verdicts[EC_VERDICT_FAILED] + g->verdicts[EC_VERDICT_ERRORED] > 0;
    bool skipped = g->verdicts[EC_VERDICT_SKIPPED] == g->files;
    ec_buf_addz(out, bad ? "❌ " : skipped ? "⏭ " : "✅ ");
    ec_visible_add(out, ec_str_of(g->name));
    ec_buf_addz(out, _(": "));
    add_counted(out, g->files, g->is_archive ? P_("member", "members", g->files) : P_("file", "files", g->files));
    if (skipped) {
        ec_buf_addz(out, _(", already applied\n"));
        return;
    }
    ec_buf_addz(out, ", ");
    add_counted(out, g->read, P_("row", "rows", g->read));
    ec_buf_addz(out, ", ");
    ec_count_add(out, g->accepted);
    ec_buf_addz(out, _(" accepted, "));
    ec_count_add(out, g->quarantined);
    ec_buf_addz(out, _(" quarantined"));
    if (g->duplicate) {
        ec_buf_addz(out, ", ");
        add_counted(out, g->duplicate, P_("duplicate", "duplicates", g->duplicate));
    }
    if (g->verdicts[EC_VERDICT_FAILED])
        ec_buf_printf(out, _(", %llu failed"), (unsigned long long)g->verdicts[EC_VERDICT_FAILED]);
    if (g->verdicts[EC_VERDICT_ERRORED])
        ec_buf_printf(out, _(", %llu could not be read"), (unsigned long long)g->verdicts[EC_VERDICT_ERRORED]);
    if (g->rejected) ec_buf_printf(out, _(", %llu rejected as a whole"), (unsigned long long)g->rejected);
    if (!g->verdicts[EC_VERDICT_ERRORED] && !g->rejected) ec_buf_addz(out, _(", marked .done"));
    ec_buf_addc(out, '\n');
}

/* What is unlike earlier runs, a line each; the first few. */
static void add_anomalies(struct ec_buf *out, const struct ec_run_facts *run) {
    size_t shown = 0, all = 0;
    for (size_t i = 0; i < run->anomaly_count; i++) {
        if (run->anomaly[i].status != EC_ANOMALY_ANOMALOUS || all++ >= ANOMALIES_SHOWN) continue;
        struct ec_buf text = ec_buf_make(EC_MIB);
        ec_anomaly_say(&text, &run->anomaly[i], ec_language() == EC_LANGUAGE_FR);
        ec_buf_addz(out, _("📈 unlike earlier runs: "));
        ec_visible_add(out, ec_buf_str(&text));
        ec_buf_addc(out, '\n');
        ec_buf_free(&text);
        shown++;
    }
    if (all > shown) ec_buf_printf(out, _("📈 and %zu more: data/quality/dashboard.html\n"), all - shown);
}

static void add_deliveries(struct ec_buf *out, const struct ec_run_facts *run) {
    const struct ec_totals *t = &run->totals;
    ec_buf_addz(out, "📝 ");
    add_counted(out, run->unit_count, P_("validation report", "validation reports", run->unit_count));
    ec_buf_printf(
        out, _("   ⚠ %llu warned, %llu failed, %llu errored\n"), (unsigned long long)t->verdicts[EC_VERDICT_WARNED],
        (unsigned long long)t->verdicts[EC_VERDICT_FAILED], (unsigned long long)t->verdicts[EC_VERDICT_ERRORED]);
    ec_buf_addz(out, has_alert(run) ? "📊 " PAGE_PATH "   📩 " ALERT_PATH "\n" : "📊 " PAGE_PATH "\n");
    for (size_t i = 0; i < run->archive_count; i++)
        ec_buf_printf(out, "🗜 %s (%s)\n", run->archive[i].path,
                      run->archive[i].verified ? _("verified") : _("not verified"));
}

static bool is_bad(const struct group *g) { return g->verdicts[EC_VERDICT_FAILED] + g->verdicts[EC_VERDICT_ERRORED] > 0; }

/* In order; where they are too many for a screen, those with something wrong first. */
static void add_groups(struct ec_buf *out, const struct group *list, size_t count, size_t most) {
    size_t shown = 0, bad = 0;
    if (count > most) most--; /* the line that says how many more there are */
    for (size_t i = 0; i < count; i++) bad += is_bad(&list[i]);
    size_t good = bad < most ? most - bad : 0;
    for (size_t i = 0; i < count && shown < most; i++) {
        if (!is_bad(&list[i])) {
            if (good == 0) continue;
            good--;
        }
        add_group(out, &list[i]);
        shown++;
    }
    if (shown < count) ec_buf_printf(out, _("   and %zu more sources and archives\n"), count - shown);
}

static enum ec_status write_text(const struct ec_run_facts *run, const struct ec_summary_style *style, struct ec_buf *out,
                                 struct ec_err *err) {
    struct group *list = ec_calloc(run->unit_count, sizeof *list);
    if (!list) return ec_fail(err, EC_NO_MEMORY, "no memory for the summary");
    size_t count = 0;
    enum ec_status status = collect(run, list, &count, err);
    if (status != EC_OK) goto done;
    ec_buf_addz(out, "🧮 ");
    add_counted(out, run->workers, P_("worker", "workers", run->workers));
    ec_buf_printf(out, P_(" (%u CPU)   🔎 ", " (%u CPUs)   🔎 ", run->cpus), run->cpus);
    add_counted(out, run->totals.files, P_("file", "files", run->totals.files));
    ec_buf_addz(out, ", ");
    add_counted(out, run->sources, P_("source", "sources", run->sources));
    ec_buf_addc(out, '\n');
    add_groups(out, list, count, ec_summary_groups_max(style));
    status = ec_summary_failures(run, style, out, err);
    if (status != EC_OK) goto done;
    add_anomalies(out, run);
    add_deliveries(out, run);
    /* What the readers saw, behind gzip and zip; of a workbook only the size stored is known. */
    uint64_t bytes = run->totals.bytes_decoded > run->totals.bytes ? run->totals.bytes_decoded : run->totals.bytes;
    double took = seconds(run), megabytes = (double)bytes / 1e6;
    ec_buf_addz(out, _("✔ done in "));
    add_fixed(out, took, 1);
    ec_buf_addz(out, _(" s: "));
    add_fixed(out, megabytes, megabytes < 10 ? 1 : 0);
    ec_buf_addz(out, _(" MB read"));
    if (took > 0) {
        ec_buf_addz(out, ", ");
        add_fixed(out, megabytes / took, megabytes / took < 10 ? 1 : 0);
        ec_buf_addz(out, _(" MB/s"));
    }
    ec_buf_addc(out, '\n');
    status = ec_buf_check(out, err);
done:
    ec_free(list);
    return status;
}

static void write_unit(struct ec_json_writer *w, const struct ec_unit *unit, const struct ec_judgement *j) {
    bool known = ec_unit_known(unit);
    ec_json_object(w, NULL);
    ec_json_str(w, "source", unit->source_name);
    ec_json_str(w, "path", unit->path);
    ec_json_str(w, "member", unit->member);
    ec_json_str(w, "status", ec_verdict_name(j->verdict));
    const uint64_t counts[] = {unit->facts.read, unit->facts.accepted, unit->facts.quarantined, unit->facts.duplicate};
    static const char *const names[] = {"read", "accepted", "quarantined", "duplicate"};
    for (size_t i = 0; i < 4; i++) {
        if (known)
            ec_json_uint(w, names[i], counts[i]);
        else
            ec_json_null(w, names[i]);
    }
    ec_json_fixed(w, "completeness", ec_percent(j->score.dim[EC_DIM_COMPLETENESS]), 2);
    ec_json_fixed(w, "score", ec_percent(j->score.overall), 2);
    ec_json_array(w, "errors");
    for (size_t i = 0; i < j->failure_count; i++) ec_json_str(w, NULL, j->failure[i]);
    ec_json_end_array(w);
    ec_json_end(w);
}

static void write_totals(struct ec_json_writer *w, const struct ec_totals *t) {
    ec_json_object(w, "files");
    ec_json_uint(w, "total", t->files);
    for (int i = 0; i < EC_VERDICT_COUNT; i++) ec_json_uint(w, ec_verdict_name((enum ec_verdict)i), t->verdicts[i]);
    ec_json_end(w);
    ec_json_object(w, "rows");
    ec_json_uint(w, "read", t->read);
    ec_json_uint(w, "accepted", t->accepted);
    ec_json_uint(w, "quarantined", t->quarantined);
    ec_json_uint(w, "duplicate", t->duplicate);
    ec_json_end(w);
    ec_json_fixed(w, "score", ec_percent(t->score), 2);
    ec_json_uint(w, "bytes", t->bytes);
    ec_json_uint(w, "bytes_decoded", t->bytes_decoded);
}

static void write_anomalies(struct ec_json_writer *w, const struct ec_run_facts *run) {
    ec_json_array(w, "anomalies");
    for (size_t i = 0; i < run->anomaly_count; i++) ec_anomaly_write(w, NULL, &run->anomaly[i]);
    ec_json_end_array(w);
}

static void write_deliveries(struct ec_json_writer *w, const struct ec_run_facts *run) {
    ec_json_uint(w, "reports", run->unit_count);
    ec_json_str(w, "dashboard", PAGE_PATH);
    ec_json_str(w, "alert", has_alert(run) ? ALERT_PATH : NULL);
    ec_json_array(w, "tables");
    for (size_t i = 0; i < run->table_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "name", run->table[i].name);
        ec_json_uint(w, "rows", run->table[i].rows);
        ec_json_int(w, "version", run->table[i].version);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_archives_write(w, "archives", run);
}

static enum ec_status write_timing(struct ec_json_writer *w, const struct ec_timing *timing,
                                   const struct ec_run_facts *run, struct ec_err *err) {
    if (!timing) return EC_OK;
    ec_json_object(w, "timing");
    enum ec_status status = ec_timing_json(timing, run, w, err);
    ec_json_end(w);
    return status;
}

static enum ec_status write_json(const struct ec_run_facts *run, const struct ec_timing *timing, struct ec_buf *out,
                                 struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    char started[32];
    started[ec_datetime_format(run->started_us, started)] = '\0';
    struct ec_json_writer w;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "run", run->run);
    ec_json_uint(&w, "seq", run->seq);
    ec_json_str(&w, "status", ec_verdict_name(ec_run_verdict(run)));
    ec_json_str(&w, "started", started);
    ec_json_fixed(&w, "seconds", seconds(run), 3);
    ec_json_uint(&w, "workers", run->workers);
    ec_json_uint(&w, "cpus", run->cpus);
    ec_json_uint(&w, "sources", run->sources);
    write_totals(&w, &run->totals);
    ec_json_array(&w, "units");
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < run->unit_count && status == EC_OK; i++) {
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(&run->unit[i], &arena, &j, err);
        if (status == EC_OK) write_unit(&w, &run->unit[i], &j);
    }
    ec_json_end_array(&w);
    write_anomalies(&w, run);
    write_deliveries(&w, run);
    if (status == EC_OK) status = write_timing(&w, timing, run, err);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
    if (status == EC_OK) status = ec_buf_check(out, err);
    ec_arena_deinit(&arena);
    return status;
}

enum ec_status ec_summary_write(const struct ec_run_facts *run, const struct ec_timing *timing, bool json,
                                struct ec_buf *out, struct ec_err *err) {
    static const struct ec_summary_style paper = {.lines = 24};
    if (json) return write_json(run, timing, out, err);
    return ec_summary_print(run, timing, &paper, out, err);
}

enum ec_status ec_summary_print(const struct ec_run_facts *run, const struct ec_timing *timing, const struct ec_summary_style *style,
                                struct ec_buf *out, struct ec_err *err) {
    size_t from = out->n;
    EC_TRY(write_text(run, style, out, err));
    ec_summary_fit(out, from, style);
    return timing ? ec_timing_text(timing, run, out, err) : EC_OK;
}
