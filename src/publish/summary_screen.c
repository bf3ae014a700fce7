#include "publish/summary_screen.h"

#include "base/io.h"
#include "base/width.h"
#include "publish/caret.h"
#include "publish/mask.h"
#include "publish/visible.h"

#define JUDGE_MAX    ((size_t)16 * EC_MIB)
#define LINES_MIN    24u
#define FIXED_LINES  6u /* first line, reports, page, archive, last line, prompt */
#define FILES_MIN    4u
#define CELL_LINES   3u
#define GROUPS_LEAST (LINES_MIN - FIXED_LINES - FILES_MIN - 1 - CELL_LINES)

static size_t spare(const struct ec_summary_style *style) { return style->lines > LINES_MIN ? style->lines - LINES_MIN : 0; }

size_t ec_summary_groups_max(const struct ec_summary_style *style) { return GROUPS_LEAST + spare(style) / 2; }

static size_t files_max(const struct ec_summary_style *style) { return FILES_MIN + spare(style) / 2; }

static void visible_z(struct ec_buf *out, const char *z) { ec_visible_add(out, ec_str_of(z)); }

static void add_path(struct ec_buf *out, const struct ec_unit *unit) {
    visible_z(out, unit->path);
    if (!unit->member) return;
    ec_buf_addc(out, '/');
    visible_z(out, unit->member);
}

/* The summary goes into logs and mails too: what identifies a person is not in it. */
static bool shows(const struct ec_unit *unit, const struct ec_check_facts *c) {
    return c->failed && c->sample_count && c->sample[0].excerpt.text && strcmp(ec_check_status(c), "failed") == 0 &&
           !ec_mask_check(unit, c);
}

static void add_cell(struct ec_buf *out, const struct ec_unit *unit, const struct ec_summary_style *style) {
    const struct ec_check_facts *found = NULL;
    for (size_t i = 0; i < unit->facts.check_count; i++) {
        const struct ec_check_facts *c = &unit->facts.check[i];
        if (!shows(unit, c)) continue;
        if (!found || (c->sample[0].excerpt.cell_known && !found->sample[0].excerpt.cell_known)) found = c;
    }
    if (!found) return;
    /* A whole record may hold what a cell of it must not show. */
    struct ec_check_facts whole = {.rule = "parse"};
    if (ec_mask_check(unit, &whole)) return;
    ec_buf_addz(out, "   ");
    add_path(out, unit);
    ec_buf_printf(out, _(":%llu: "), (unsigned long long)found->sample[0].line);
    visible_z(out, found->id);
    ec_buf_addc(out, '\n');
    struct ec_caret_style caret = {.indent = 3, .width = style->columns ? style->columns : 80, .color = style->color};
    ec_caret_add(out, &found->sample[0].excerpt, &caret);
}

static void add_file(struct ec_buf *out, const struct ec_unit *unit, const struct ec_judgement *j) {
    ec_buf_addz(out, j->verdict == EC_VERDICT_ERRORED ? _("❌ not read: ") : _("❌ failed: "));
    add_path(out, unit);
    if (j->failure_count) {
        ec_buf_addz(out, _(": "));
        visible_z(out, j->failure[0]);
    }
    ec_buf_addc(out, '\n');
}

static enum ec_status add_files(const struct ec_run_facts *run, const struct ec_summary_style *style, const size_t *order,
                                uint64_t bad, struct ec_buf *out, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, JUDGE_MAX);
    enum ec_status status = EC_OK;
    size_t shown = files_max(style), before = 0;
    for (size_t i = 0; i < bad && i < shown && status == EC_OK; i++) {
        struct ec_judgement j;
        ec_arena_reset(&arena);
        status = ec_judge(&run->unit[order[i]], &arena, &j, err);
        if (status == EC_OK) add_file(out, &run->unit[order[i]], &j);
    }
    if (bad > shown) ec_buf_printf(out, _("   and %llu more: data/quality/dashboard.html\n"), (unsigned long long)(bad - shown));
    before = out->n;
    for (size_t i = 0; i < bad && i < shown && out->n == before; i++)
        if (ec_unit_known(&run->unit[order[i]])) add_cell(out, &run->unit[order[i]], style);
    ec_arena_deinit(&arena);
    return status;
}

enum ec_status ec_summary_failures(const struct ec_run_facts *run, const struct ec_summary_style *style, struct ec_buf *out,
                                   struct ec_err *err) {
    uint64_t bad = run->totals.verdicts[EC_VERDICT_FAILED] + run->totals.verdicts[EC_VERDICT_ERRORED];
    if (bad == 0) return EC_OK;
    size_t *order = ec_calloc(run->unit_count, sizeof *order);
    if (!order) return ec_fail(err, EC_NO_MEMORY, "no memory for the summary");
    enum ec_status status = ec_run_worst_first(run, order, err);
    if (status == EC_OK) status = add_files(run, style, order, bad, out, err);
    ec_free(order);
    return status;
}

void ec_summary_fit(struct ec_buf *out, size_t from, const struct ec_summary_style *style) {
    if (!style->columns || out->failed || out->n == from) return;
    struct ec_buf whole = ec_buf_make(out->n - from + 1);
    ec_buf_add(&whole, out->p + from, out->n - from);
    out->n = from;
    for (const char *p = whole.p, *end = whole.p + whole.n; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((eol ? eol : end) - p);
        bool painted = memchr(p, '\033', n) != NULL; /* a record with its cell: cut already */
        size_t fits = painted || ec_width(p, n) <= style->columns ? n : ec_width_prefix(p, n, style->columns - 1);
        ec_buf_add(out, p, fits);
        ec_buf_addz(out, fits < n ? "…\n" : "\n");
        p += n + 1;
    }
    if (whole.failed) out->failed = true;
    ec_buf_free(&whole);
}
