/* Taking in files; what the formats have in common. */
#include "publish/results_private.h"

#include "base/address.h"
#include "base/io.h"
#include "base/utf8.h"
#include "publish/mask.h"
#include "publish/visible.h"

#include <math.h>

#define JUDGE_MAX   ((size_t)16 * EC_MIB)
#define GROUPS_MAX  EC_SOURCES_MAX
#define VALUE_SHOWN 200u

const char *ec_result_format_name(enum ec_result_format format) {
    static const char *const names[EC_RESULT_COUNT] = {"text", "json", "junit", "markdown", "github"};
    return names[format];
}

enum ec_status ec_results_create(const struct ec_results_options *options, struct ec_results **out, struct ec_err *err) {
    struct ec_results *r = ec_calloc(1, sizeof *r);
    if (!r) return ec_fail(err, EC_NO_MEMORY, "no memory for the results");
    r->options = *options;
    ec_arena_init(&r->arena, EC_RESULTS_BYTES_MAX);
    r->group = ec_arena_calloc(&r->arena, GROUPS_MAX, sizeof *r->group);
    r->cap = GROUPS_MAX;
    r->notes = r->files = r->details = r->problems = ec_buf_make(EC_RESULTS_BYTES_MAX);
    *out = r;
    if (r->group) return EC_OK;
    ec_results_destroy(r);
    return ec_fail(err, EC_NO_MEMORY, "no memory for the results");
}

void ec_results_destroy(struct ec_results *r) {
    if (!r) return;
    for (size_t i = 0; i < r->count; i++) ec_buf_free(&r->group[i].cases);
    ec_buf_free(&r->notes);
    ec_buf_free(&r->files);
    ec_buf_free(&r->details);
    ec_buf_free(&r->problems);
    ec_arena_deinit(&r->arena);
    ec_free(r);
}

static struct ec_results_group *group_of(struct ec_results *r, const struct ec_unit *unit) {
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->group[i].source, unit->source_name) == 0) return &r->group[i];
    if (r->count == r->cap) return NULL;
    struct ec_results_group *g = &r->group[r->count];
    *g = (struct ec_results_group){.source = ec_arena_strdup(&r->arena, unit->source_name),
                                   .since = ec_arena_strdup(&r->arena, unit->validated_at ? unit->validated_at : ""),
                                   .cases = ec_buf_make(EC_RESULTS_BYTES_MAX)};
    if (!g->source || !g->since) return NULL;
    r->count++;
    return g;
}

static void count_unit(struct ec_results_group *g, const struct ec_unit *unit, enum ec_verdict verdict) {
    g->files++;
    g->verdicts[verdict]++;
    g->seconds += (double)unit->elapsed_us / 1e6;
    if (!ec_unit_known(unit)) return;
    g->read += unit->facts.read;
    g->accepted += unit->facts.accepted;
    g->quarantined += unit->facts.quarantined;
    g->duplicate += unit->facts.duplicate;
}

enum ec_status ec_results_add(struct ec_results *r, const struct ec_unit *unit, struct ec_err *err) {
    struct ec_results_group *g = group_of(r, unit);
    if (!g) return ec_fail(err, EC_NO_MEMORY, "no memory for the results");
    struct ec_arena arena;
    struct ec_judgement j;
    ec_arena_init(&arena, JUDGE_MAX);
    enum ec_status status = ec_judge(unit, &arena, &j, err);
    if (status == EC_OK) {
        struct ec_result_unit u = {unit, &j,
                                   j.verdict == EC_VERDICT_FAILED || j.verdict == EC_VERDICT_ERRORED ||
                                       (r->options.warned_fails && j.verdict == EC_VERDICT_WARNED)};
        count_unit(g, unit, j.verdict);
        if (r->options.format == EC_RESULT_JUNIT) ec_junit_add(r, g, &u);
        if (r->options.format == EC_RESULT_GITHUB) ec_github_add(r, &u);
        if (r->options.format != EC_RESULT_JUNIT) ec_markdown_add(r, &u);
    }
    ec_arena_deinit(&arena);
    return status;
}

void ec_results_problem(struct ec_results *r, struct ec_str text) {
    ec_visible_add(&r->problems, text);
    ec_buf_addc(&r->problems, '\n');
}

static enum ec_status check(const struct ec_results *r, const struct ec_buf *out, struct ec_err *err) {
    for (size_t i = 0; i < r->count; i++) EC_TRY(ec_buf_check(&r->group[i].cases, err));
    EC_TRY(ec_buf_check(&r->notes, err));
    EC_TRY(ec_buf_check(&r->files, err));
    EC_TRY(ec_buf_check(&r->details, err));
    EC_TRY(ec_buf_check(&r->problems, err));
    return ec_buf_check(out, err);
}

enum ec_status ec_results_write(struct ec_results *r, struct ec_buf *out, struct ec_err *err) {
    if (r->options.format == EC_RESULT_JUNIT) ec_junit_write(r, out);
    if (r->options.format == EC_RESULT_MARKDOWN) ec_markdown_write(r, out);
    if (r->options.format == EC_RESULT_GITHUB) ec_github_write(r, out);
    return check(r, out, err);
}

enum ec_status ec_results_markdown(struct ec_results *r, struct ec_buf *out, struct ec_err *err) {
    ec_markdown_write(r, out);
    return check(r, out, err);
}

bool ec_result_check_failed(const struct ec_results *r, const struct ec_result_unit *u, const struct ec_check_facts *check) {
    if (!u->failed || check->failed == 0) return false;
    const char *status = ec_check_status(check);
    return strcmp(status, "failed") == 0 || (r->options.warned_fails && strcmp(status, "warned") == 0);
}

void ec_result_figures(struct ec_buf *out, const struct ec_check_facts *c) {
    ec_count_add(out, c->failed);
    ec_buf_addz(out, _(" of "));
    ec_count_add(out, c->evaluated);
    ec_buf_addz(out, c->column ? _(" values failed") : _(" rows failed"));
    if (!c->evaluated) return;
    ec_buf_addz(out, " (");
    ec_fixed_add(out, 100.0 * (double)c->failed / (double)c->evaluated, 2);
    ec_buf_addz(out, _(" %)"));
}

void ec_result_sample(struct ec_buf *out, const struct ec_unit *unit, const struct ec_check_facts *c, size_t i) {
    struct ec_buf value = ec_buf_make(EC_KIB);
    bool masked = ec_mask_check(unit, c);
    if (c->sample[i].value) ec_mask_sample(&value, &c->sample[i], masked);
    bool says = value.n > 0 || c->column; /* an empty cell does, an empty record does not */
    if (says && !masked) ec_buf_addc(out, '"');
    if (value.n) ec_visible_add(out, (struct ec_str){value.p, ec_utf8_truncate(value.p, value.n, VALUE_SHOWN)});
    if (says && !masked) ec_buf_addc(out, '"');
    ec_buf_free(&value);
}

void ec_result_path(struct ec_buf *out, const struct ec_results *r, const struct ec_unit *unit, bool member) {
    if (r->options.root && unit->path[0] != '/' && !ec_is_address(unit->path)) ec_buf_addz(out, r->options.root);
    ec_buf_addz(out, unit->path);
    if (!member || !unit->member) return;
    ec_buf_addc(out, '/');
    ec_buf_addz(out, unit->member);
}

bool ec_result_is_plain(const struct ec_unit *unit) {
    const struct ec_facts *f = &unit->facts;
    bool packed = unit->member || (f->compression && *f->compression && strcmp(f->compression, "none") != 0);
    return !packed && !(f->layout && strncmp(f->layout, "sheet", 5) == 0);
}

uint32_t ec_result_column(const struct ec_unit *unit, const struct ec_sample *sample) {
    /* A record of an array may begin within its line. */
    const char *layout = unit->facts.layout;
    bool lines = layout && (strcmp(layout, "csv") == 0 || strcmp(layout, "lines") == 0);
    return lines && ec_result_is_plain(unit) ? sample->excerpt.column : 0;
}
