/* Annotations of GitHub Actions: `::error file=…,line=…,col=…,title=…::message`, one a failed check.
 * GitHub shows ten errors and ten warnings of a step, so a check has one annotation, at its first sample. */
#include "publish/results_private.h"

#include "publish/visible.h"

static void escape(struct ec_buf *out, struct ec_str text, bool property) {
    for (size_t i = 0; i < text.n;) {
        char shown[EC_VISIBLE_MAX];
        size_t n;
        i += ec_visible_step(text.p + i, text.n - i, shown, &n); /* CR and LF too: %0D and %0A are for our own */
        char c = n == 1 ? shown[0] : '\0';
        if (c == '%' || (property && (c == ':' || c == ',')))
            ec_buf_printf(out, "%%%02X", c);
        else
            ec_buf_add(out, shown, n);
    }
}

void ec_github_data(struct ec_buf *out, struct ec_str text) { escape(out, text, false); }
void ec_github_property(struct ec_buf *out, struct ec_str text) { escape(out, text, true); }

static void data_z(struct ec_buf *out, const char *z) { ec_github_data(out, ec_str_of(z)); }

/* Up to and with the `::` before the message. */
static void open_note(struct ec_results *r, const char *kind, const struct ec_unit *unit, uint64_t line, uint32_t column,
                      const char *title) {
    struct ec_buf *out = &r->notes, path = ec_buf_make(64 * EC_KIB);
    ec_result_path(&path, r, unit, false);
    if (path.failed) out->failed = true;
    ec_buf_printf(out, "::%s file=", kind);
    ec_github_property(out, ec_buf_str(&path));
    if (line) ec_buf_printf(out, ",line=%llu", (unsigned long long)line);
    if (column) ec_buf_printf(out, ",col=%u", column);
    ec_buf_addz(out, ",title=");
    ec_github_property(out, ec_str_of(title));
    ec_buf_addz(out, "::");
    ec_buf_free(&path);
}

static void add_place(struct ec_buf *out, const struct ec_unit *unit, uint64_t line) {
    if (unit->member) {
        ec_buf_addz(out, _("member "));
        data_z(out, unit->member);
        ec_buf_addz(out, ", ");
    }
    ec_buf_printf(out, _("line %llu"), (unsigned long long)line);
}

static void add_check(struct ec_results *r, const struct ec_result_unit *u, const struct ec_check_facts *c) {
    struct ec_buf *out = &r->notes, value = ec_buf_make(4 * EC_KIB);
    bool has = c->sample_count > 0;
    open_note(r, ec_result_check_failed(r, u, c) ? "error" : "warning", u->unit,
              has && ec_result_is_plain(u->unit) ? c->sample[0].line : 0, has ? ec_result_column(u->unit, &c->sample[0]) : 0, c->id);
    ec_result_figures(&value, c);
    ec_github_data(out, ec_buf_str(&value));
    for (size_t i = 0; i < c->sample_count; i++) {
        ec_buf_addz(out, "%0A");
        add_place(out, u->unit, c->sample[i].line);
        ec_buf_clear(&value);
        ec_result_sample(&value, u->unit, c, i);
        if (value.n) ec_buf_addz(out, ": ");
        ec_github_data(out, ec_buf_str(&value));
    }
    ec_buf_addc(out, '\n');
    ec_buf_free(&value);
}

static void add_gate(struct ec_results *r, const struct ec_result_unit *u) {
    const struct ec_judgement *j = u->judgement;
    bool errored = j->verdict == EC_VERDICT_ERRORED;
    open_note(r, "error", u->unit, 0, 0, errored ? _("the file could not be read") : _("the quality gate failed"));
    if (u->unit->member) {
        ec_buf_addz(&r->notes, _("member "));
        data_z(&r->notes, u->unit->member);
        ec_buf_addz(&r->notes, ": ");
    }
    for (size_t i = 0; i < j->failure_count; i++) {
        if (i) ec_buf_addz(&r->notes, "%0A");
        data_z(&r->notes, j->failure[i]);
    }
    if (j->failure_count == 0 && j->violation_count) data_z(&r->notes, j->violation[0]);
    ec_buf_addc(&r->notes, '\n');
}

void ec_github_add(struct ec_results *r, const struct ec_result_unit *u) {
    const struct ec_unit *unit = u->unit;
    if (u->failed) add_gate(r, u);
    for (int pass = 0; pass < 2 && ec_unit_known(unit); pass++) { /* errors first: only ten are shown */
        for (size_t i = 0; i < unit->facts.check_count; i++) {
            const struct ec_check_facts *c = &unit->facts.check[i];
            bool error = ec_result_check_failed(r, u, c);
            if (c->failed && strcmp(c->severity, "info") != 0 && error == (pass == 0)) add_check(r, u, c);
        }
    }
}

void ec_github_write(const struct ec_results *r, struct ec_buf *out) {
    ec_buf_add(out, r->notes.p, r->notes.n);
    for (const char *p = ec_buf_str(&r->problems).p, *end = p + r->problems.n; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        ec_buf_addz(out, "::error title=");
        ec_github_property(out, ec_str_of(_("not delivered")));
        ec_buf_addz(out, "::");
        ec_github_data(out, (struct ec_str){p, (size_t)(eol - p)});
        ec_buf_addc(out, '\n');
        p = eol + 1;
    }
    uint64_t files = 0, failed = 0;
    for (size_t i = 0; i < r->count; i++) {
        files += r->group[i].files;
        failed += r->group[i].verdicts[EC_VERDICT_FAILED] + r->group[i].verdicts[EC_VERDICT_ERRORED];
    }
    ec_buf_addz(out, "::notice title=");
    ec_github_property(out, ec_str_of(r->options.name));
    ec_buf_addz(out, "::");
    ec_buf_printf(out, P_("%llu file checked, %llu failed or unreadable\n", "%llu files checked, %llu failed or unreadable\n", files),
                  (unsigned long long)files, (unsigned long long)failed);
}
