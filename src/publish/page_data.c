/* The facts of the page: the run, the runs before it, and the order of the parts. */
#include "publish/page_data_private.h"

#include "base/calendar.h"

#include <math.h>

const char *ec_business_part_name(enum ec_business_part part) {
    static const char *const names[EC_BUSINESS_PARTS] = {
        "sales", "sales_by_category", "funnel", "funnel_daily", "by_device", "by_source",
        "hours", "customers",         "products", "api_daily",  "api_by_category"};
    return names[part];
}

static double run_seconds(const struct ec_run_facts *run) {
    return run->finished_us > run->started_us ? (double)(run->finished_us - run->started_us) / 1e6 : 0;
}

static void write_rate(struct ec_json_writer *w, const char *key, uint64_t rows, double seconds) {
    ec_json_fixed(w, key, seconds > 0 ? (double)rows / seconds : (double)NAN, 0);
}

static void write_resources(struct ec_json_writer *w, const struct ec_resource_facts *r) {
    if (r->known)
        ec_json_uint(w, "peak_memory_bytes", r->peak_memory_bytes);
    else
        ec_json_null(w, "peak_memory_bytes");
    ec_json_fixed(w, "cpu_seconds", r->known ? r->cpu_seconds : (double)NAN, 3);
    ec_json_array(w, "stages");
    for (size_t i = 0; i < r->stage_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "name", r->stage[i].name);
        ec_json_fixed(w, "start", r->stage[i].start, 3);
        ec_json_fixed(w, "seconds", r->stage[i].seconds, 3);
        ec_json_fixed(w, "cpu_seconds", r->stage[i].cpu_seconds, 3);
        ec_json_end(w);
    }
    ec_json_end_array(w);
}

static void write_figures(struct ec_json_writer *w, const struct ec_run_facts *run) {
    const struct ec_totals *t = &run->totals;
    ec_json_uint(w, "files", t->files);
    ec_json_object(w, "by_verdict");
    for (int i = 0; i < EC_VERDICT_COUNT; i++) ec_json_uint(w, ec_verdict_name((enum ec_verdict)i), t->verdicts[i]);
    ec_json_end(w);
    ec_json_uint(w, "bytes", t->bytes);
    ec_json_uint(w, "bytes_decoded", t->bytes_decoded);
    ec_json_uint(w, "read", t->read);
    ec_json_uint(w, "accepted", t->accepted);
    ec_json_uint(w, "quarantined", t->quarantined);
    ec_json_uint(w, "duplicate", t->duplicate);
    ec_sheet_percent(w, "score", t->score);
    write_rate(w, "rows_per_second", t->read, run_seconds(run));
    ec_sheet_time(w, "data_through", t->newest_known, t->newest_us);
    ec_money_write(w, "money_affected", t->money_known, t->money_e4);
}

void ec_sheet_run(struct ec_sheet *s) {
    const struct ec_run_facts *run = s->run;
    struct ec_json_writer *w = &s->w;
    char date[16];
    date[ec_date_format(ec_days_from_micros(run->as_of_us), date)] = '\0';
    ec_json_object(w, "run");
    ec_json_str(w, "id", run->run);
    ec_json_uint(w, "seq", run->seq);
    ec_json_str(w, "verdict", ec_verdict_name(ec_run_verdict(run)));
    ec_sheet_time(w, "started", true, run->started_us);
    ec_sheet_time(w, "finished", true, run->finished_us);
    ec_json_fixed(w, "seconds", run_seconds(run), 3);
    ec_json_str(w, "as_of", date);
    ec_json_uint(w, "workers", run->workers);
    ec_json_uint(w, "cpus", run->cpus);
    write_figures(w, run);
    write_resources(w, &run->resources);
    ec_sheet_changes(s);
    ec_json_end(w);
}

/* ---- runs: columns, this run last ---- */

static struct ec_history_run this_run(const struct ec_run_facts *run, char started[32]) {
    const struct ec_totals *t = &run->totals;
    started[ec_datetime_format(run->started_us, started)] = '\0';
    return (struct ec_history_run){.run = run->run, .started = started, .seconds = run_seconds(run), .seq = run->seq,
                                   .files = t->files, .passed = t->verdicts[EC_VERDICT_PASSED], .read = t->read,
                                   .accepted = t->accepted, .quarantined = t->quarantined, .duplicate = t->duplicate,
                                   .status = ec_run_verdict(run), .score = t->score, .money_known = t->money_known,
                                   .money_e4 = t->money_e4, .resources = run->resources};
}

static void write_run_cell(struct ec_json_writer *w, const struct ec_history_run *r, int column) {
    switch (column) {
    case 0: ec_json_str(w, NULL, r->run); break;
    case 1: ec_json_str(w, NULL, r->started); break;
    case 2: ec_json_str(w, NULL, ec_verdict_name(r->status)); break;
    case 3: ec_json_fixed(w, NULL, r->seconds, 3); break;
    case 4: ec_sheet_percent(w, NULL, r->score); break;
    case 5: ec_json_uint(w, NULL, r->files); break;
    case 6: ec_json_uint(w, NULL, r->passed); break;
    case 7: ec_json_uint(w, NULL, r->read); break;
    case 8: ec_json_uint(w, NULL, r->accepted); break;
    case 9: ec_json_uint(w, NULL, r->quarantined); break;
    case 10: ec_json_uint(w, NULL, r->duplicate); break;
    case 11: ec_money_write(w, NULL, r->money_known, r->money_e4); break;
    case 12:
        if (r->resources.known)
            ec_json_uint(w, NULL, r->resources.peak_memory_bytes);
        else
            ec_json_null(w, NULL);
        break;
    case 13: write_rate(w, NULL, r->read, r->seconds); break;
    default: ec_json_fixed(w, NULL, r->resources.known ? r->resources.cpu_seconds : (double)NAN, 3); break;
    }
}

static void write_runs(struct ec_sheet *s) {
    static const char *const names[] = {"id", "started", "verdict", "seconds", "score", "files", "passed", "read", "accepted",
                                        "quarantined", "duplicate", "money_affected", "peak_memory_bytes",
                                        "rows_per_second", "cpu_seconds"};
    const struct ec_history *h = ec_sheet_history(s);
    struct ec_json_writer *w = &s->w;
    char started[32];
    struct ec_history_run last = this_run(s->run, started);
    ec_json_object(w, "runs");
    for (size_t c = 0; c < sizeof names / sizeof *names; c++) {
        ec_json_array(w, names[c]);
        for (size_t i = s->first_run; i < s->past_runs; i++) write_run_cell(w, &h->run[i], (int)c);
        write_run_cell(w, &last, (int)c);
        ec_json_end_array(w);
    }
    ec_json_uint(w, "total", s->past_runs + 1);
    ec_json_end(w);
}

/* ---- archives and alerts ---- */

static void write_alerts(struct ec_json_writer *w, const char *key, const struct ec_page_alert *alert, size_t count) {
    ec_json_array(w, key);
    for (size_t i = 0; i < count && i < EC_PAGE_ALERTS_MAX; i++) {
        const struct ec_page_alert *a = &alert[i];
        ec_json_object(w, NULL);
        ec_json_str(w, "at", a->at);
        ec_json_str(w, "type", a->type);
        ec_json_str(w, "target", a->target);
        ec_json_str(w, "status", a->status);
        ec_json_str(w, "message", a->message);
        ec_json_end(w);
    }
    ec_json_end_array(w);
}

enum ec_status ec_page_alerts_write(int64_t at_us, const struct ec_page_alert *alert, size_t count, struct ec_buf *out, struct ec_err *err) {
    struct ec_json_writer w;
    bool waits = false;
    for (size_t i = 0; i < count; i++) waits = waits || strcmp(alert[i].status, "pending") == 0;
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_sheet_time(&w, "at", waits, at_us);
    write_alerts(&w, "list", alert, count);
    ec_json_end(&w);
    return ec_buf_check(out, err);
}

/* The project folder's own name; "." and "" where it is the one we are in. */
static const char *project_name(const struct ec_config *config) {
    const char *dir = config && config->dir ? config->dir : "", *slash = strrchr(dir, '/');
    return slash && slash[1] ? slash + 1 : dir;
}

static enum ec_status write_all(struct ec_sheet *s, struct ec_err *err) {
    struct ec_json_writer *w = &s->w;
    const struct ec_config *config = s->data->config;
    ec_sheet_collect_checks(s);
    ec_json_object(w, NULL);
    ec_json_int(w, "v", 1);
    ec_json_str(w, "program", EC_VERSION);
    ec_json_str(w, "project", project_name(config));
    ec_json_str(w, "language", s->data->language ? s->data->language : "auto");
    ec_sheet_time(w, "generated", true, s->run->finished_us);
    ec_json_str(w, "currency", config ? config->currency : NULL);
    ec_sheet_run(s);
    write_runs(s);
    ec_sheet_sources(s);
    EC_TRY(ec_sheet_files(s, err));
    ec_sheet_checks(s);
    ec_sheet_columns(s);
    ec_sheet_quarantine(s);
    EC_TRY(ec_sheet_issues(s, err));
    ec_sheet_anomalies(s);
    ec_sheet_business(s);
    ec_sheet_lineage(s);
    ec_archives_write(&s->w, "archives", s->run);
    write_alerts(&s->w, "alerts", s->data->alert, s->data->alert_count);
    ec_json_end(w);
    if (s->failed) return ec_fail(err, EC_NO_MEMORY, "no memory for the facts of the page");
    return ec_buf_check(w->out, err);
}

enum ec_status ec_page_data_write(const struct ec_page_data *data, struct ec_buf *out, struct ec_err *err) {
    struct ec_sheet sheet;
    enum ec_status status = ec_sheet_open(&sheet, data, out, err);
    if (status == EC_OK) status = write_all(&sheet, err);
    ec_sheet_close(&sheet);
    return status;
}
