/* The tables of the page. */
#include "publish/page_parts.h"

#include "publish/mask.h"
#include "quality/report.h"

#include <math.h>

#define ERRORS_SHOWN 6u

static void add(struct ec_page *page, const char *z) {
    ec_buf_addz(page->out, z);
}

void ec_page_table(struct ec_page *page, const char *title, const char *caption, const char *const *heads,
                   size_t head_count) {
    ec_buf_printf(page->out,
                  "<section>\n<h2>%s</h2>\n<div class=\"scroll\" role=\"region\" aria-label=\"%s\" tabindex=\"0\">\n"
                  "<table>\n",
                  title, title);
    if (caption) ec_buf_printf(page->out, "<caption>%s</caption>\n", caption);
    add(page, "<thead><tr>");
    for (size_t i = 0; i < head_count; i++) {
        bool number = heads[i][0] == '#'; /* figures stand on the right */
        ec_buf_printf(page->out, "<th scope=\"col\"%s>%s</th>", number ? " class=\"n\"" : "", heads[i] + number);
    }
    add(page, "</tr></thead>\n<tbody>\n");
}

void ec_page_table_end(struct ec_page *page) {
    add(page, "</tbody>\n</table>\n</div>\n</section>\n");
}

void ec_page_cell_count(struct ec_page *page, bool known, uint64_t value) {
    add(page, "<td class=\"n\">");
    if (known)
        ec_count_add(page->out, value);
    else
        add(page, "–");
    add(page, "</td>");
}

/* "98.00" with a bar, against the threshold. */
static void cell_percent(struct ec_page *page, double value, double threshold, bool against) {
    add(page, "<td class=\"n\">");
    if (isnan(value)) {
        add(page, "–</td>");
        return;
    }
    ec_percent_add(page->out, value);
    struct ec_json_writer w;
    ec_json_init(&w, page->out);
    if (against) {
        add(page, " of ");
        ec_json_double(&w, NULL, threshold);
    }
    add(page, " <meter min=\"0\" max=\"100\" low=\"");
    ec_json_init(&w, page->out);
    ec_json_double(&w, NULL, threshold);
    add(page, "\" optimum=\"100\" value=\"");
    ec_percent_add(page->out, value);
    add(page, "\"></meter></td>");
}

static void cell_errors(struct ec_page *page, const struct ec_judgement *j) {
    size_t count = j->failure_count + j->violation_count;
    add(page, "<td>");
    if (count == 0) add(page, "none");
    if (count) add(page, "<ul>");
    for (size_t i = 0; i < count && i < ERRORS_SHOWN; i++) {
        add(page, "<li>");
        ec_html_value(page->out, i < j->failure_count ? j->failure[i] : j->violation[i - j->failure_count]);
        add(page, "</li>");
    }
    if (count > ERRORS_SHOWN) ec_buf_printf(page->out, "<li>and %zu more</li>", count - ERRORS_SHOWN);
    if (count) add(page, "</ul>");
    add(page, "</td>");
}

static void cell_file(struct ec_page *page, const struct ec_unit *unit) {
    char report[EC_REPORT_NAME_MAX];
    ec_report_name(unit->label, report);
    add(page, "<tr><th scope=\"row\"><a href=\"");
    ec_html_url(page->out, report);
    add(page, "\">");
    ec_html_value(page->out, unit->member ? unit->member : unit->path);
    add(page, "</a>");
    if (unit->member) {
        add(page, "<br><small>in ");
        ec_html_value(page->out, unit->path);
        add(page, "</small>");
    }
    add(page, "</th><td>");
    ec_html_value(page->out, unit->source_name);
    add(page, "</td>");
}

static void file_row(struct ec_page *page, const struct ec_unit *unit, const struct ec_judgement *j) {
    bool known = ec_unit_known(unit);
    const char *verdict = ec_verdict_name(j->verdict);
    cell_file(page, unit);
    ec_buf_printf(page->out, "<td><b class=\"%s\">%s</b></td>", verdict, verdict);
    ec_page_cell_count(page, known, unit->facts.read);
    ec_page_cell_count(page, known, unit->facts.accepted);
    ec_page_cell_count(page, known, unit->facts.quarantined);
    ec_page_cell_count(page, known, unit->facts.duplicate);
    cell_percent(page, j->score.dim[EC_DIM_COMPLETENESS], unit->terms.threshold, true);
    cell_percent(page, j->score.overall, unit->terms.threshold, false);
    cell_errors(page, j);
    add(page, "<td class=\"n\">");
    struct ec_json_writer w;
    ec_json_init(&w, page->out);
    ec_json_fixed(&w, NULL, (double)unit->elapsed_us / 1e6, 2);
    add(page, " s</td></tr>\n");
}

enum ec_status ec_page_files(struct ec_page *page, struct ec_err *err) {
    static const char *const heads[] = {"File",      "Source",        "Status",      "#Rows read",
                                        "#Accepted", "#Quarantined",  "#Duplicates", "#Completeness",
                                        "#Score",    "What is wrong", "#Time"};
    size_t count = page->run->unit_count;
    char caption[128] = "";
    if (count > EC_PAGE_FILES_MAX)
        (void)snprintf(caption, sizeof caption, "The worst %u of %zu files; the others have their reports.",
                       EC_PAGE_FILES_MAX, count);
    ec_page_table(page, "Files", caption[0] ? caption : NULL, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < count && i < EC_PAGE_FILES_MAX; i++) {
        struct ec_judgement j;
        const struct ec_unit *unit = &page->run->unit[page->order[i]];
        ec_arena_reset(&page->judged);
        EC_TRY(ec_judge(unit, &page->judged, &j, err));
        file_row(page, unit, &j);
    }
    ec_page_table_end(page);
    return EC_OK;
}

static void cell_samples(struct ec_page *page, const struct ec_unit *unit, const struct ec_check_facts *c) {
    struct ec_buf value = ec_buf_make(EC_KIB);
    bool masked = ec_mask_check(unit, c);
    add(page, "<td>");
    if (c->sample_count) add(page, "<ul>");
    for (size_t i = 0; i < c->sample_count; i++) {
        ec_buf_clear(&value);
        ec_mask_sample(&value, &c->sample[i], masked);
        ec_buf_printf(page->out, "<li>line %llu", (unsigned long long)c->sample[i].line);
        if (value.n) {
            add(page, ": ");
            ec_html_value(page->out, value.p);
        }
        add(page, "</li>");
    }
    if (c->sample_count) add(page, "</ul>");
    add(page, "</td></tr>\n");
    ec_buf_free(&value);
}

static void check_row(struct ec_page *page, const struct ec_unit *unit, const struct ec_check_facts *c) {
    const char *status = ec_check_status(c);
    add(page, "<tr><th scope=\"row\">");
    ec_html_value(page->out, c->id);
    add(page, "</th><td>");
    ec_html_value(page->out, ec_report_file(unit->path, unit->member));
    ec_buf_printf(page->out, "</td><td><b class=\"%s\">", status);
    ec_html_z(page->out, c->severity);
    add(page, "</b></td>");
    ec_page_cell_count(page, true, c->evaluated);
    ec_page_cell_count(page, true, c->failed);
    cell_samples(page, unit, c);
}

void ec_page_checks(struct ec_page *page) {
    static const char *const heads[] = {"Check", "File", "Severity", "#Evaluated", "#Failed", "Samples"};
    size_t shown = 0, more = 0;
    for (size_t i = 0; i < page->run->unit_count; i++) {
        const struct ec_unit *unit = &page->run->unit[page->order[i]];
        for (size_t k = 0; ec_unit_known(unit) && k < unit->facts.check_count; k++) {
            if (unit->facts.check[k].failed == 0) continue;
            if (shown == EC_PAGE_CHECKS_MAX) {
                more++;
                continue;
            }
            if (shown++ == 0) ec_page_table(page, "Failed checks", NULL, heads, sizeof heads / sizeof *heads);
            check_row(page, unit, &unit->facts.check[k]);
        }
    }
    if (shown == 0) {
        add(page, "<section>\n<h2>Failed checks</h2>\n<p>None.</p>\n</section>\n");
        return;
    }
    if (more) ec_buf_printf(page->out, "<tr><td colspan=\"6\">and %zu more, in the reports</td></tr>\n", more);
    ec_page_table_end(page);
}

void ec_page_reasons(struct ec_page *page) {
    static const char *const heads[] = {"Reason", "#Rows", "What it means"};
    const uint64_t *by_reason = page->run->totals.by_reason;
    bool open = false;
    for (int i = 0; i < EC_REASON_COUNT; i++) {
        if (!by_reason[i]) continue;
        if (!open) ec_page_table(page, "Rejected rows by reason", "A row counts under each of its reasons.", heads, 3);
        open = true;
        const struct ec_code_text *reason = ec_reason_text((enum ec_reason)i);
        ec_buf_printf(page->out, "<tr><th scope=\"row\">%s</th>", reason->slug);
        ec_page_cell_count(page, true, by_reason[i]);
        ec_buf_printf(page->out, "<td>%s</td></tr>\n", reason->meaning);
    }
    if (open) ec_page_table_end(page);
}

void ec_page_loads(struct ec_page *page) {
    static const char *const heads[] = {"Table", "#Rows written", "#Version"};
    if (page->run->table_count == 0) return;
    ec_page_table(page, "Tables written", NULL, heads, 3);
    for (size_t i = 0; i < page->run->table_count; i++) {
        const struct ec_table_facts *t = &page->run->table[i];
        add(page, "<tr><th scope=\"row\">");
        ec_html_value(page->out, t->name);
        add(page, "</th>");
        ec_page_cell_count(page, true, t->rows);
        ec_buf_printf(page->out, "<td class=\"n\">%lld</td></tr>\n", (long long)t->version);
    }
    ec_page_table_end(page);
}
