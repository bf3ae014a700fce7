/* JUnit's XML as Jenkins, GitLab and others read it: a suite per source, a case per file (its gate)
 * and per check of the file. */
#include "publish/results_private.h"

#include "publish/visible.h"

#include <math.h>

void ec_xml_text(struct ec_buf *out, struct ec_str text) {
    for (size_t i = 0; i < text.n;) {
        char shown[EC_VISIBLE_MAX];
        size_t n;
        i += ec_visible_step(text.p + i, text.n - i, shown, &n);
        bool outside = n == 3 && memcmp(shown, "\xEF\xBF", 2) == 0 && (unsigned char)shown[2] >= 0xBE; /* U+FFFE and U+FFFF */
        switch (n == 1 ? shown[0] : '\0') {
        case '&': ec_buf_addz(out, "&amp;"); break;
        case '<': ec_buf_addz(out, "&lt;"); break;
        case '>': ec_buf_addz(out, "&gt;"); break;
        case '"': ec_buf_addz(out, "&quot;"); break;
        case '\'': ec_buf_addz(out, "&apos;"); break;
        default: ec_buf_add(out, outside ? "\xEF\xBF\xBD" : shown, n);
        }
    }
}

static void xml_z(struct ec_buf *out, const char *z) { ec_xml_text(out, ec_str_of(z)); }

static void xml_path(struct ec_buf *out, const struct ec_results *r, const struct ec_unit *unit, bool member) {
    struct ec_buf path = ec_buf_make(64 * EC_KIB);
    ec_result_path(&path, r, unit, member);
    if (path.failed) out->failed = true;
    ec_xml_text(out, ec_buf_str(&path));
    ec_buf_free(&path);
}

/* <testcase name= classname= file= line= time=> */
static void open_case(struct ec_results *r, struct ec_results_group *g, const struct ec_unit *unit, const char *name,
                      uint64_t line, double seconds) {
    struct ec_buf *out = &g->cases;
    g->tests++;
    ec_buf_addz(out, "    <testcase name=\"");
    xml_z(out, name);
    ec_buf_addz(out, "\" classname=\"");
    xml_z(out, unit->source_name);
    ec_buf_addc(out, '.');
    xml_path(out, r, unit, true);
    ec_buf_addz(out, "\" file=\"");
    xml_path(out, r, unit, false);
    if (line) ec_buf_printf(out, "\" line=\"%llu", (unsigned long long)line);
    ec_buf_printf(out, "\" time=\"%.3f\"", seconds);
}

static void add_samples(struct ec_buf *out, const struct ec_results *r, const struct ec_unit *unit, const struct ec_check_facts *c) {
    struct ec_buf value = ec_buf_make(4 * EC_KIB);
    for (size_t i = 0; i < c->sample_count; i++) {
        xml_path(out, r, unit, true);
        ec_buf_printf(out, ":%llu", (unsigned long long)c->sample[i].line);
        uint32_t column = ec_result_column(unit, &c->sample[i]);
        if (column) ec_buf_printf(out, ":%u", column);
        ec_buf_clear(&value);
        ec_result_sample(&value, unit, c, i);
        if (value.n) {
            ec_buf_addz(out, ": ");
            ec_xml_text(out, ec_buf_str(&value));
        }
        ec_buf_addc(out, '\n');
    }
    if (c->failed > c->sample_count) {
        ec_buf_clear(&value);
        ec_count_add(&value, c->failed - c->sample_count);
        ec_buf_printf(out, _("and %s more\n"), ec_buf_str(&value).p);
    }
    ec_buf_free(&value);
}

/* An open case of a check, closed. What is wrong with a file that passed all the same is told, and fails nothing. */
static void close_check(struct ec_results *r, struct ec_results_group *g, const struct ec_result_unit *u, const struct ec_check_facts *c) {
    struct ec_buf *out = &g->cases;
    if (c->evaluated == 0 && c->failed == 0) {
        g->skipped++;
        ec_buf_addz(out, ">\n      <skipped message=\"");
        xml_z(out, _("nothing to check"));
        ec_buf_addz(out, "\"/>\n    </testcase>\n");
        return;
    }
    if (c->failed == 0) {
        ec_buf_addz(out, "/>\n");
        return;
    }
    bool failed = ec_result_check_failed(r, u, c);
    ec_buf_addz(out, failed ? ">\n      <failure message=\"" : ">\n      <system-out>");
    g->failures += failed;
    ec_result_figures(out, c);
    if (failed) {
        ec_buf_addz(out, "\" type=\"");
        xml_z(out, c->rule);
        ec_buf_addz(out, "\">");
    } else {
        ec_buf_printf(out, _("; severity %s, action %s\n"), c->severity, c->action);
    }
    add_samples(out, r, u->unit, c);
    ec_buf_addz(out, failed ? "</failure>\n    </testcase>\n" : "</system-out>\n    </testcase>\n");
}

static void add_sentences(struct ec_buf *out, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        xml_z(out, list[i]);
        ec_buf_addc(out, '\n');
    }
}

/* The case of the file itself, closed. */
static void close_gate(struct ec_results_group *g, const struct ec_result_unit *u) {
    struct ec_buf *out = &g->cases;
    const struct ec_judgement *j = u->judgement;
    if (j->verdict == EC_VERDICT_SKIPPED) {
        g->skipped++;
        ec_buf_addz(out, ">\n      <skipped message=\"");
        xml_z(out, _("already applied"));
        ec_buf_addz(out, "\"/>\n    </testcase>\n");
        return;
    }
    if (!u->failed) {
        ec_buf_addz(out, "/>\n");
        return;
    }
    bool errored = j->verdict == EC_VERDICT_ERRORED;
    const char *type = errored ? ec_status_text(u->unit->status)->slug : ec_status_text(EC_GATE_FAILED)->slug;
    g->errors += errored;
    g->failures += !errored;
    ec_buf_printf(out, ">\n      <%s message=\"", errored ? "error" : "failure");
    xml_z(out, j->failure_count ? j->failure[0] : j->violation_count ? j->violation[0] : _(ec_verdict_name(j->verdict)));
    ec_buf_printf(out, "\" type=\"%s\">", type);
    add_sentences(out, j->failure, j->failure_count);
    add_sentences(out, j->violation, j->violation_count);
    if (j->arithmetic) add_sentences(out, &j->arithmetic, 1);
    ec_buf_printf(out, "</%s>\n    </testcase>\n", errored ? "error" : "failure");
}

void ec_junit_add(struct ec_results *r, struct ec_results_group *g, const struct ec_result_unit *u) {
    const struct ec_unit *unit = u->unit;
    open_case(r, g, unit, "gate", 0, (double)unit->elapsed_us / 1e6);
    close_gate(g, u);
    for (size_t i = 0; ec_unit_known(unit) && i < unit->facts.check_count; i++) {
        const struct ec_check_facts *c = &unit->facts.check[i];
        open_case(r, g, unit, c->id, c->sample_count && ec_result_is_plain(unit) ? c->sample[0].line : 0, 0);
        close_check(r, g, u, c);
    }
}

static void add_figures(struct ec_buf *out, uint64_t tests, uint64_t failures, uint64_t errors, uint64_t skipped, double seconds) {
    ec_buf_printf(out, " tests=\"%llu\" failures=\"%llu\" errors=\"%llu\" skipped=\"%llu\" time=\"%.3f\"", (unsigned long long)tests,
                  (unsigned long long)failures, (unsigned long long)errors, (unsigned long long)skipped, seconds);
}

static void add_property(struct ec_buf *out, const char *name, uint64_t value) {
    ec_buf_printf(out, "      <property name=\"%s\" value=\"%llu\"/>\n", name, (unsigned long long)value);
}

static void add_suite(struct ec_buf *out, const struct ec_results_group *g) {
    ec_buf_addz(out, "  <testsuite name=\"");
    xml_z(out, g->source);
    ec_buf_addc(out, '"');
    add_figures(out, g->tests, g->failures, g->errors, g->skipped, g->seconds);
    size_t n = strlen(g->since);
    if (n) { /* xs:dateTime without zone, as the schemas of old want it */
        ec_buf_addz(out, " timestamp=\"");
        ec_xml_text(out, (struct ec_str){g->since, n - (g->since[n - 1] == 'Z')});
        ec_buf_addc(out, '"');
    }
    ec_buf_addz(out, ">\n    <properties>\n");
    add_property(out, "files", g->files);
    add_property(out, "rows.read", g->read);
    add_property(out, "rows.accepted", g->accepted);
    add_property(out, "rows.quarantined", g->quarantined);
    add_property(out, "rows.duplicate", g->duplicate);
    ec_buf_addz(out, "    </properties>\n");
    ec_buf_add(out, g->cases.p, g->cases.n);
    ec_buf_addz(out, "  </testsuite>\n");
}

void ec_junit_write(const struct ec_results *r, struct ec_buf *out) {
    uint64_t tests = 0, failures = 0, errors = 0, skipped = 0;
    double seconds = 0;
    for (size_t i = 0; i < r->count; i++) {
        tests += r->group[i].tests;
        failures += r->group[i].failures;
        errors += r->group[i].errors;
        skipped += r->group[i].skipped;
        seconds += r->group[i].seconds;
    }
    ec_buf_addz(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"");
    xml_z(out, r->options.name);
    ec_buf_addc(out, '"');
    add_figures(out, tests, failures, errors, skipped, isnan(r->options.seconds) ? seconds : r->options.seconds);
    ec_buf_addz(out, ">\n");
    for (size_t i = 0; i < r->count; i++) add_suite(out, &r->group[i]);
    ec_buf_addz(out, "</testsuites>\n");
}
