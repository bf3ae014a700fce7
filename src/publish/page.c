#include "publish/page_parts.h"

#include "base/calendar.h"
#include "base/hash.h"
#include "base/io.h"
#include "publish/page_style.h"

#include <math.h>

#define PAGE_MAX  ((size_t)64 * EC_MIB)
#define JUDGE_MAX ((size_t)16 * EC_MIB)

static void add(struct ec_page *page, const char *z) {
    ec_buf_addz(page->out, z);
}

static void add_time(struct ec_page *page, int64_t us) {
    char text[32];
    size_t n = ec_datetime_format(us / EC_MICROS_PER_SECOND * EC_MICROS_PER_SECOND, text);
    add(page, "<time datetime=\"");
    ec_buf_add(page->out, text, n);
    add(page, "\">");
    ec_buf_add(page->out, text, n);
    add(page, "</time>");
}

static unsigned nibble(char c) {
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

/* The SHA-256 of the style sheet as a policy wants it: 32 bytes in base64. */
static enum ec_status add_style_hash(struct ec_buf *out, struct ec_err *err) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char hex[EC_SHA256_HEX];
    unsigned char bytes[33] = {0};
    EC_TRY(ec_sha256_bytes(page_style, sizeof page_style - 1, hex, err));
    for (size_t i = 0; i < 32; i++) bytes[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    for (size_t i = 0; i < 33; i += 3) {
        unsigned group = (unsigned)bytes[i] << 16 | (unsigned)bytes[i + 1] << 8 | bytes[i + 2];
        for (unsigned k = 0; k < 4; k++) ec_buf_addc(out, i == 30 && k == 3 ? '=' : digits[group >> (18 - 6 * k) & 63]);
    }
    return EC_OK;
}

static enum ec_status add_head(struct ec_page *page, struct ec_err *err) {
    add(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-");
    EC_TRY(add_style_hash(page->out, err));
    add(page, "'; base-uri 'none'; form-action 'none'\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<meta name=\"referrer\" content=\"no-referrer\">\n<title>Data quality: ");
    add(page, ec_verdict_name(ec_run_verdict(page->run)));
    add(page, ", run ");
    ec_html_z(page->out, page->run->run);
    add(page, "</title>\n<style>");
    add(page, page_style);
    add(page, "</style>\n</head>\n<body>\n<header>\n<h1>Data quality of run ");
    ec_html_value(page->out, page->run->run);
    add(page, "</h1>\n");
    return EC_OK;
}

static void add_banner(struct ec_page *page) {
    static const char *const words[EC_VERDICT_COUNT] = {
        [EC_VERDICT_PASSED] = "✔ Passed: every file is as it should be",
        [EC_VERDICT_WARNED] = "⚠ Warned: rows were rejected or rules broken, all files are above their thresholds",
        [EC_VERDICT_FAILED] = "✖ Failed: at least one file is under its threshold or breaks a critical rule",
        [EC_VERDICT_ERRORED] = "✖ Errored: at least one file could not be read",
        [EC_VERDICT_SKIPPED] = "✔ Nothing new: every file was applied before",
    };
    enum ec_verdict verdict = ec_run_verdict(page->run);
    ec_buf_printf(page->out, "<p class=\"banner %s\"><strong>%s</strong> ", ec_verdict_name(verdict), words[verdict]);
    bool first = true;
    for (int i = 0; i < EC_VERDICT_COUNT; i++) {
        if (!page->run->totals.verdicts[i]) continue;
        if (!first) add(page, ", ");
        first = false;
        ec_count_add(page->out, page->run->totals.verdicts[i]);
        ec_buf_printf(page->out, " %s", ec_verdict_name((enum ec_verdict)i));
    }
    add(page, first ? "There was no file to check.</p>\n" : ".</p>\n");
}

static void add_facts(struct ec_page *page) {
    const struct ec_run_facts *run = page->run;
    add(page, "<dl>\n<dt>Started</dt><dd>");
    add_time(page, run->started_us);
    add(page, "</dd>\n<dt>Took</dt><dd>");
    struct ec_json_writer w;
    ec_json_init(&w, page->out);
    ec_json_fixed(&w, NULL, (double)(run->finished_us - run->started_us) / 1e6, 1);
    ec_buf_printf(page->out, " s</dd>\n<dt>Machine</dt><dd>%u worker%s, %u CPU%s</dd>\n", run->workers,
                  run->workers == 1 ? "" : "s", run->cpus, run->cpus == 1 ? "" : "s");
    char date[16];
    date[ec_date_format(ec_days_from_micros(run->as_of_us), date)] = '\0';
    ec_buf_printf(page->out, "<dt>As of</dt><dd>%s</dd>\n", date);
    for (size_t i = 0; i < run->archive_count; i++) {
        add(page, "<dt>Archive</dt><dd>");
        ec_html_value(page->out, run->archive[i].path);
        add(page, run->archive[i].verified ? ", verified</dd>\n" : ", not verified</dd>\n");
    }
    add(page, "</dl>\n</header>\n");
}

static void add_tile(struct ec_page *page, const char *name, uint64_t value) {
    add(page, "<li><span>");
    ec_count_add(page->out, value);
    ec_buf_printf(page->out, "</span><small>%s</small></li>\n", name);
}

static void add_tiles(struct ec_page *page) {
    const struct ec_totals *t = &page->run->totals;
    add(page, "<ul class=\"tiles\" aria-label=\"Figures of the run\">\n");
    add_tile(page, "files", t->files);
    add_tile(page, "rows read", t->read);
    add_tile(page, "rows accepted", t->accepted);
    add_tile(page, "rows quarantined", t->quarantined);
    add_tile(page, "duplicates", t->duplicate);
    add(page, "<li><span>");
    ec_percent_add(page->out, t->score);
    add(page, "</span><small>score, of 100</small></li>\n</ul>\n");
}

static enum ec_status write_page(struct ec_page *page, struct ec_err *err) {
    EC_TRY(add_head(page, err));
    add_banner(page);
    add_facts(page);
    add(page, "<main>\n");
    add_tiles(page);
    EC_TRY(ec_page_files(page, err));
    ec_page_checks(page);
    ec_page_reasons(page);
    ec_page_loads(page);
    add(page, "</main>\n<footer>Made by Écluse " EC_VERSION ". Figures are rounded down; samples of personal data are "
              "not shown. Rejected rows: <code>ecluse quarantine list</code>.</footer>\n</body>\n</html>\n");
    return ec_buf_check(page->out, err);
}

enum ec_status ec_page_write(const struct ec_run_facts *run, struct ec_buf *out, struct ec_err *err) {
    size_t *order = ec_calloc(run->unit_count, sizeof *order);
    if (!order) return ec_fail(err, EC_NO_MEMORY, "no memory for the page");
    struct ec_page page = {.out = out, .run = run, .order = order};
    ec_arena_init(&page.judged, JUDGE_MAX);
    enum ec_status status = ec_run_worst_first(run, order, err);
    if (status == EC_OK) status = write_page(&page, err);
    ec_arena_deinit(&page.judged);
    ec_free(order);
    return status;
}

enum ec_status ec_page_publish(const char *dir, const struct ec_run_facts *run, struct ec_durable *durable,
                               struct ec_err *err) {
    char path[4096];
    struct ec_buf text = ec_buf_make(PAGE_MAX);
    enum ec_status status = ec_path_join(path, sizeof path, dir, EC_PAGE_NAME, err);
    if (status == EC_OK) status = ec_page_write(run, &text, err);
    if (status == EC_OK) status = ec_durable_put(durable, path, text.p, text.n, err);
    ec_buf_free(&text);
    return status;
}
