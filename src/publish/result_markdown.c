/* Markdown as GitHub and GitLab render it: a table of sources, the files that did not pass, and why. */
#include "publish/results_private.h"

#include "publish/visible.h"


/* A step's summary may have a MiB. */
#define FILES_SHOWN     100u
#define SENTENCES_SHOWN 8u
#define CHECKS_SHOWN    12u
#define SAMPLES_SHOWN   3u

/* Whether `at` follows "www", which GitHub would make a link of. */
static bool after_www(struct ec_str text, size_t at) {
    return at >= 3 && (text.p[at - 1] | 32) == 'w' && (text.p[at - 2] | 32) == 'w' && (text.p[at - 3] | 32) == 'w';
}

void ec_markdown_text(struct ec_buf *out, struct ec_str text) {
    for (size_t i = 0; i < text.n;) {
        char shown[EC_VISIBLE_MAX];
        size_t n, at = i;
        i += ec_visible_step(text.p + i, text.n - i, shown, &n);
        char c = n == 1 ? shown[0] : '\0';
        if (c == '&' || c == '<' || c == '>' || c == '@' || c == ':' || (c == '.' && after_www(text, at)))
            ec_buf_printf(out, "&#%d;", c);
        else if (c && (strchr("\\`*_{}[]#!|~$", c) || (c == '-' && at == 0)))
            ec_buf_printf(out, "\\%c", c);
        else
            ec_buf_add(out, shown, n);
    }
}

static void md_z(struct ec_buf *out, const char *z) { ec_markdown_text(out, ec_str_of(z)); }

static const char *mark_of(enum ec_verdict verdict) {
    switch (verdict) {
    case EC_VERDICT_PASSED: return _("✅ passed");
    case EC_VERDICT_WARNED: return _("⚠️ warned");
    case EC_VERDICT_FAILED: return _("❌ failed");
    case EC_VERDICT_ERRORED: return _("❌ could not be read");
    default: return _("⏭️ skipped");
    }
}

static void add_path(struct ec_buf *out, const struct ec_results *r, const struct ec_unit *unit) {
    struct ec_buf path = ec_buf_make(64 * EC_KIB);
    ec_result_path(&path, r, unit, true);
    if (path.failed) out->failed = true;
    ec_markdown_text(out, ec_buf_str(&path));
    ec_buf_free(&path);
}

static void add_row(struct ec_results *r, const struct ec_result_unit *u) {
    struct ec_buf *out = &r->files;
    const struct ec_facts *f = &u->unit->facts;
    ec_buf_printf(out, "| %s | ", mark_of(u->judgement->verdict));
    add_path(out, r, u->unit);
    ec_buf_addz(out, " | ");
    if (!ec_unit_known(u->unit)) {
        ec_buf_addz(out, "– | – | – | – | – |\n");
        return;
    }
    ec_percent_add(out, u->judgement->score.overall);
    const uint64_t figures[] = {f->read, f->accepted, f->quarantined, f->duplicate};
    for (size_t i = 0; i < 4; i++) {
        ec_buf_addz(out, " | ");
        ec_count_add(out, figures[i]);
    }
    ec_buf_addz(out, " |\n");
}

static void add_sentences(struct ec_buf *out, const char *const *list, size_t count) {
    for (size_t i = 0; i < count && i < SENTENCES_SHOWN; i++) {
        ec_buf_addz(out, "- ");
        md_z(out, list[i]);
        ec_buf_addc(out, '\n');
    }
    if (count > SENTENCES_SHOWN) ec_buf_printf(out, _("- and %zu more\n"), count - SENTENCES_SHOWN);
}

static void add_check(struct ec_buf *out, const struct ec_unit *unit, const struct ec_check_facts *c) {
    struct ec_buf value = ec_buf_make(4 * EC_KIB);
    ec_buf_addz(out, "| ");
    md_z(out, c->id);
    ec_buf_printf(out, " | %s | ", _(c->severity));
    ec_result_figures(out, c);
    ec_buf_addz(out, " | ");
    for (size_t i = 0; i < c->sample_count && i < SAMPLES_SHOWN; i++) {
        if (i) ec_buf_addz(out, "<br>");
        ec_buf_printf(out, _("line %llu"), (unsigned long long)c->sample[i].line);
        ec_buf_clear(&value);
        ec_result_sample(&value, unit, c, i);
        if (value.n) ec_buf_addz(out, ", ");
        ec_markdown_text(out, ec_buf_str(&value));
    }
    ec_buf_addz(out, " |\n");
    ec_buf_free(&value);
}

static void add_checks(struct ec_buf *out, const struct ec_unit *unit) {
    size_t shown = 0, left = 0;
    for (size_t i = 0; ec_unit_known(unit) && i < unit->facts.check_count; i++) {
        const struct ec_check_facts *c = &unit->facts.check[i];
        if (c->failed == 0) continue;
        if (shown == CHECKS_SHOWN) {
            left++;
            continue;
        }
        if (shown++ == 0) ec_buf_addz(out, _("\n| check | severity | rows | for example |\n|---|---|---|---|\n"));
        add_check(out, unit, c);
    }
    if (left) ec_buf_printf(out, _("\n%zu more checks failed.\n"), left);
}

void ec_markdown_add(struct ec_results *r, const struct ec_result_unit *u) {
    const struct ec_judgement *j = u->judgement;
    if (j->verdict == EC_VERDICT_PASSED || j->verdict == EC_VERDICT_SKIPPED) return;
    if (r->files_shown == FILES_SHOWN) {
        r->files_left++;
        return;
    }
    r->files_shown++;
    add_row(r, u);
    ec_buf_addz(&r->details, "\n<details><summary>");
    ec_buf_addz(&r->details, mark_of(j->verdict));
    ec_buf_addz(&r->details, "</summary>\n\n**");
    add_path(&r->details, r, u->unit);
    ec_buf_addz(&r->details, "**\n\n");
    add_sentences(&r->details, j->failure, j->failure_count);
    add_sentences(&r->details, j->violation, j->violation_count);
    add_checks(&r->details, u->unit);
    ec_buf_addz(&r->details, "\n</details>\n");
}

static void add_group(struct ec_buf *out, const struct ec_results_group *g) {
    ec_buf_addz(out, "| ");
    md_z(out, g->source);
    const uint64_t figures[] = {g->files,
                                g->verdicts[EC_VERDICT_WARNED],
                                g->verdicts[EC_VERDICT_FAILED],
                                g->verdicts[EC_VERDICT_ERRORED],
                                g->read,
                                g->accepted,
                                g->quarantined,
                                g->duplicate};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        ec_buf_addz(out, " | ");
        ec_count_add(out, figures[i]);
    }
    ec_buf_addz(out, " |\n");
}

static enum ec_verdict worst(const struct ec_results *r, uint64_t *files) {
    uint64_t sum[EC_VERDICT_COUNT] = {0};
    *files = 0;
    for (size_t i = 0; i < r->count; i++) {
        *files += r->group[i].files;
        for (size_t v = 0; v < EC_VERDICT_COUNT; v++) sum[v] += r->group[i].verdicts[v];
    }
    static const enum ec_verdict order[] = {EC_VERDICT_ERRORED, EC_VERDICT_FAILED, EC_VERDICT_WARNED, EC_VERDICT_PASSED, EC_VERDICT_SKIPPED};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (sum[order[i]]) return order[i];
    return EC_VERDICT_SKIPPED;
}

void ec_markdown_write(const struct ec_results *r, struct ec_buf *out) {
    uint64_t files;
    enum ec_verdict verdict = worst(r, &files);
    ec_buf_addz(out, "## ");
    if (files == 0)
        ec_buf_addz(out, _("⏭️ nothing to do"));
    else if (verdict == EC_VERDICT_ERRORED)
        ec_buf_addz(out, _("❌ failed: a file could not be read"));
    else
        ec_buf_addz(out, mark_of(verdict));
    ec_buf_addz(out, " · ");
    md_z(out, r->options.name);
    ec_buf_addc(out, '\n');
    if (files) {
        ec_buf_addz(out, _("\n| source | files | warned | failed | unreadable | rows | accepted | quarantined | duplicate |\n"
                         "|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"));
        for (size_t i = 0; i < r->count; i++) add_group(out, &r->group[i]);
    }
    if (r->files.n) {
        ec_buf_addz(out, _("\n| verdict | file | score | rows | accepted | quarantined | duplicate |\n|---|---|--:|--:|--:|--:|--:|\n"));
        ec_buf_add(out, r->files.p, r->files.n);
        if (r->files_left) ec_buf_printf(out, _("\nand %zu more files; `--format json` has them all.\n"), r->files_left);
        ec_buf_add(out, r->details.p, r->details.n);
    }
    if (r->problems.n == 0) return;
    ec_buf_addz(out, _("\n**Not delivered:**\n\n"));
    for (const char *p = ec_buf_str(&r->problems).p, *end = p + r->problems.n; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        ec_buf_addz(out, "- ");
        ec_markdown_text(out, (struct ec_str){p, (size_t)(eol - p)});
        ec_buf_addc(out, '\n');
        p = eol + 1;
    }
}
