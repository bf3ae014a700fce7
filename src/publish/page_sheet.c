/* The sources of the page: this run's files of each added up, and its older runs. */
#include "publish/page_data_private.h"

#include "base/calendar.h"
#include "base/io.h"
#include "publish/mask.h"

#include <math.h>

#define SHEET_MAX ((size_t)256 * EC_MIB)
#define JUDGE_MAX ((size_t)16 * EC_MIB)

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the facts of the page"); }

static struct ec_sheet_source *find_source(struct ec_sheet *s, const char *name) {
    for (size_t i = 0; i < s->source_count; i++)
        if (strcmp(s->source[i].name, name) == 0) return &s->source[i];
    return NULL;
}

/* Every source is there once: those of this run, the configured ones, those of older runs. */
static struct ec_sheet_source *add_source(struct ec_sheet *s, const char *name) {
    struct ec_sheet_source *found = find_source(s, name);
    if (found) return found;
    struct ec_sheet_source *made = &s->source[s->source_count++];
    *made = (struct ec_sheet_source){.name = name, .now = {.status = EC_VERDICT_SKIPPED, .score = (double)NAN}};
    ec_facts_init(&made->facts);
    for (int i = 0; i < EC_DIM_COUNT; i++) made->dim[i] = (double)NAN;
    made->source = s->data->config ? ec_config_source(s->data->config, name) : NULL;
    return made;
}

static void add_mean(double *mean, double *weight, double value, double by) {
    if (isnan(value) || by <= 0) return;
    if (isnan(*mean)) *mean = 0;
    *weight += by;
    *mean += (value - *mean) * by / *weight;
}

static enum ec_status add_unit(struct ec_sheet_source *to, const struct ec_unit *unit, const struct ec_judgement *j,
                               struct ec_err *err) {
    static const unsigned rank[EC_VERDICT_COUNT] = {[EC_VERDICT_SKIPPED] = 0, [EC_VERDICT_PASSED] = 1, [EC_VERDICT_WARNED] = 2,
                                                    [EC_VERDICT_FAILED] = 3,  [EC_VERDICT_ERRORED] = 4};
    struct ec_history_point *now = &to->now;
    if (!to->first) to->first = unit;
    if (!to->source) to->source = unit->source;
    now->files++;
    now->passed += j->verdict == EC_VERDICT_PASSED;
    if (rank[j->verdict] > rank[now->status]) now->status = j->verdict;
    if (!ec_unit_known(unit)) return EC_OK;
    const struct ec_facts *f = &unit->facts;
    double scored = (double)now->scored, rows = (double)f->read;
    now->read += f->read;
    now->accepted += f->accepted;
    now->quarantined += f->quarantined;
    now->duplicate += f->duplicate;
    add_mean(&now->score, &scored, j->score.overall, rows);
    now->scored = (uint64_t)scored;
    for (int i = 0; i < EC_DIM_COUNT; i++) add_mean(&to->dim[i], &to->dim_rows[i], j->score.dim[i], rows);
    return ec_facts_merge(&to->facts, f, err);
}

static enum ec_status add_units(struct ec_sheet *s, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < s->run->unit_count && status == EC_OK; i++) {
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(&s->run->unit[i], &arena, &j, err);
        if (status == EC_OK) status = add_unit(add_source(s, s->run->unit[i].source_name), &s->run->unit[i], &j, err);
    }
    ec_arena_deinit(&arena);
    return status;
}

static enum ec_status add_past(struct ec_sheet *s, struct ec_err *err) {
    const struct ec_history *h = ec_sheet_history(s);
    for (size_t i = 0; h && i < h->source_count; i++) {
        struct ec_sheet_source *to = add_source(s, h->source[i]);
        size_t n = 0;
        for (size_t k = 0; k < h->point_count; k++) n += h->point[k].source == h->source[i];
        to->past = ec_arena_calloc(&s->arena, n, sizeof(const struct ec_history_point *));
        if (!to->past) return no_memory(err);
        for (size_t k = 0; k < h->point_count; k++) {
            if (h->point[k].source != h->source[i]) continue;
            to->past[to->past_count++] = &h->point[k];
            if (h->point[k].detailed) to->before = &h->point[k];
        }
    }
    return EC_OK;
}

enum ec_status ec_sheet_open(struct ec_sheet *s, const struct ec_page_data *data, struct ec_buf *out, struct ec_err *err) {
    *s = (struct ec_sheet){.data = data, .run = data->run, .err = err};
    ec_arena_init(&s->arena, SHEET_MAX);
    ec_json_init(&s->w, out);
    const struct ec_history *h = data->history;
    s->past_runs = h ? h->run_count : 0;
    s->first_run = s->past_runs >= EC_PAGE_RUNS_MAX ? s->past_runs - EC_PAGE_RUNS_MAX + 1 : 0;
    size_t most = data->run->unit_count + (h ? h->source_count : 0) + (data->config ? data->config->source_count : 0);
    s->source = ec_arena_calloc(&s->arena, most, sizeof *s->source);
    if (!s->source) return no_memory(err);
    for (size_t i = 0; data->config && i < data->config->source_count; i++) (void)add_source(s, data->config->source[i].name);
    EC_TRY(add_units(s, err));
    return add_past(s, err);
}

void ec_sheet_close(struct ec_sheet *s) {
    for (size_t i = 0; i < s->source_count; i++) ec_facts_deinit(&s->source[i].facts);
    ec_arena_deinit(&s->arena);
}

uint64_t ec_sheet_failed_before(const struct ec_sheet_source *s, const char *id) {
    const struct ec_history_count *count = s->before ? ec_history_find(&s->before->check, id) : NULL;
    return count ? count->part : UINT64_MAX;
}

void ec_sheet_percent(struct ec_json_writer *w, const char *key, double value) { ec_json_fixed(w, key, ec_percent(value), 2); }

void ec_sheet_time(struct ec_json_writer *w, const char *key, bool known, int64_t us) {
    char text[32];
    if (known)
        ec_json_text(w, key, (struct ec_str){text, ec_datetime_format(us, text)});
    else
        ec_json_null(w, key);
}

void ec_sheet_texts(struct ec_json_writer *w, const char *key, const char *const *list, size_t count) {
    ec_json_array(w, key);
    for (size_t i = 0; i < count; i++) ec_json_str(w, NULL, list[i]);
    ec_json_end_array(w);
}

void ec_sheet_masked(struct ec_json_writer *w, const char *key, const char *value, bool masked) {
    struct ec_buf text = ec_buf_make(EC_RECORD_MAX);
    struct ec_sample sample = {.value = value ? value : ""};
    ec_mask_sample(&text, &sample, masked);
    if (value)
        ec_json_text(w, key, ec_buf_str(&text));
    else
        ec_json_null(w, key);
    if (text.failed) w->out->failed = true;
    ec_buf_free(&text);
}
