#include "cli/failures.h"

#include "base/inert.h"
#include "publish/caret.h"
#include "publish/results_private.h"
#include "cli/show.h"

static void inert_z(struct ec_buf *out, const char *z) { ec_inert_add(out, z, strlen(z)); }

/* file:line:column, as editors take it; the line and column of what lies in an archive are those of the member. */
static void add_place(struct ec_buf *out, const struct ec_unit *unit, const struct ec_sample *sample) {
    inert_z(out, unit->path);
    if (unit->member) {
        ec_buf_addc(out, '/');
        inert_z(out, unit->member);
    }
    ec_buf_printf(out, ":%llu", (unsigned long long)sample->line);
    uint32_t column = ec_result_column(unit, sample);
    if (column) ec_buf_printf(out, ":%u", column);
}

void ec_failure_sample(struct ec_buf *out, const struct ec_unit *unit, const struct ec_check_facts *check, size_t i,
                       const struct ec_failures_style *style) {
    const struct ec_sample *sample = &check->sample[i];
    ec_buf_addz(out, "      ");
    add_place(out, unit, sample);
    if (sample->value && (*sample->value || check->column)) {
        ec_buf_addz(out, ": \"");
        inert_z(out, sample->value);
        ec_buf_addc(out, '"');
    }
    ec_buf_addc(out, '\n');
    struct ec_caret_style caret = {.indent = 8, .width = style->columns, .color = style->color};
    ec_caret_add(out, &sample->excerpt, &caret);
}

void ec_failures_add(struct ec_buf *out, const struct ec_unit *unit, const struct ec_failures_style *style) {
    for (size_t i = 0; i < unit->facts.check_count; i++) {
        const struct ec_check_facts *check = &unit->facts.check[i];
        if (check->failed == 0 || check->sample_count == 0) continue;
        ec_buf_addz(out, "    ");
        inert_z(out, check->id);
        ec_buf_addz(out, ":\n");
        size_t shown = check->sample_count < EC_FAILURES_SAMPLES ? check->sample_count : EC_FAILURES_SAMPLES;
        for (size_t k = 0; k < shown; k++) ec_failure_sample(out, unit, check, k, style);
        if (check->failed <= shown) continue;
        char figure[EC_FIGURE_MAX];
        ec_buf_printf(out, _("      and %s more\n"), ec_figure_count(check->failed - shown, figure));
    }
}
