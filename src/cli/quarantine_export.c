/* Rejected rows for other programs: CSV, JSON lines, or the original bytes. */
#include "cli/quarantine.h"

#include "base/io.h"
#include "base/json.h"
#include "cli/show.h"
#include "run/paths.h"

#include <inttypes.h>
#include <unistd.h>

#define FLUSH_BYTES ((size_t)1 << 18)
#define BUFFER_MAX  (16 * (size_t)EC_RECORD_MAX)

enum form { FORM_CSV, FORM_JSONL, FORM_RAW };

struct sink {
    enum form form;
    const char *path; /* NULL: stdout */
    char temporary[EC_PATH_MAX];
    int fd; /* -1: none */
    struct ec_buf buf;
    uint64_t rows, without_bytes;
};

static enum ec_status flush(struct sink *s, struct ec_err *err) {
    EC_TRY(ec_buf_check(&s->buf, err));
    if (s->fd >= 0)
        EC_TRY(ec_file_write(s->fd, s->buf.p, s->buf.n, s->path, err));
    else
        (void)fwrite(s->buf.p, 1, s->buf.n, stdout); /* main finds what did not arrive */
    ec_buf_clear(&s->buf);
    return EC_OK;
}

/* RFC 4180. A text that a spreadsheet would take for a formula gets a leading '. */
static void add_cell(struct ec_buf *out, const char *p, size_t n, bool last) {
    bool formula = n > 0 && memchr("=+-@\t\r", p[0], 6);
    bool quoted = formula;
    for (size_t i = 0; i < n && !quoted; i++) quoted = p[i] == '"' || p[i] == ',' || p[i] == '\n' || p[i] == '\r';
    if (quoted) ec_buf_addc(out, '"');
    if (formula) ec_buf_addc(out, '\'');
    for (size_t i = 0; i < n;) {
        const char *quote = quoted ? memchr(p + i, '"', n - i) : NULL;
        size_t k = quote ? (size_t)(quote - p) + 1 - i : n - i;
        ec_buf_add(out, p + i, k);
        if (quote) ec_buf_addc(out, '"');
        i += k;
    }
    if (quoted) ec_buf_addc(out, '"');
    ec_buf_addc(out, last ? '\n' : ',');
}

static void add_text(struct ec_buf *out, const char *z) {
    add_cell(out, z ? z : "", z ? strlen(z) : 0, false);
}

static void add_codes(struct ec_buf *out, const json_t *reasons) {
    struct ec_buf codes = ec_buf_make(BUFFER_MAX);
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        if (ec_reject_repeats(reasons, i)) continue;
        if (codes.n) ec_buf_addc(&codes, ' ');
        ec_buf_addz(&codes, ec_reject_text(json_array_get(reasons, i), "code"));
    }
    add_cell(out, ec_buf_str(&codes).p, codes.n, false);
    ec_buf_free(&codes);
}

void ec_reject_sentence(struct ec_buf *out, const json_t *reasons) {
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *reason = json_array_get(reasons, i), *first = json_object_get(reason, "first");
        const char *column = ec_reject_text(reason, "column");
        ec_buf_printf(out, "%s%s", i ? "; " : "", ec_reject_text(reason, "code"));
        if (*column) ec_buf_printf(out, ": %s", column);
        if (ec_reject_tells_value(reason)) {
            struct ec_str value = ec_reject_str(reason, "value");
            ec_buf_addz(out, *column ? " = " : ": ");
            ec_buf_add(out, value.p, value.n);
        }
        if (first)
            ec_buf_printf(out, " (first: %s line %lld)", ec_reject_text(first, "file"),
                          (long long)json_integer_value(json_object_get(first, "line")));
    }
}

static const char header[] = "run,source,file,member,line,offset,length,codes,reasons,raw_encoding,raw\n";

static void add_csv(struct sink *s, const struct ec_reject *row) {
    struct ec_buf *out = &s->buf, sentence = ec_buf_make(BUFFER_MAX);
    add_text(out, row->run);
    add_text(out, row->source);
    add_text(out, row->file);
    add_text(out, row->member);
    ec_buf_printf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", row->line, row->offset, row->length);
    add_codes(out, row->reasons);
    ec_reject_sentence(&sentence, row->reasons);
    add_cell(out, ec_buf_str(&sentence).p, sentence.n, false);
    if (sentence.failed) out->failed = true;
    ec_buf_free(&sentence);
    add_text(out, !row->raw.p ? "" : row->raw_is_text ? "utf-8" : "base64");
    struct ec_str raw = row->raw_is_text ? row->raw : ec_reject_str(row->object, "raw_base64");
    add_cell(out, raw.p, raw.n, true);
}

static enum ec_status export_row(void *user, const struct ec_reject *row, struct ec_err *err) {
    struct sink *s = user;
    s->rows++;
    if (s->form == FORM_CSV) {
        add_csv(s, row);
    } else if (s->form == FORM_JSONL) {
        ec_buf_add(&s->buf, row->json.p, row->json.n);
        ec_buf_addc(&s->buf, '\n');
    } else if (row->raw.p) {
        ec_buf_add(&s->buf, row->raw.p, row->raw.n);
        ec_buf_addc(&s->buf, '\n');
    } else {
        s->without_bytes++;
    }
    return s->buf.n >= FLUSH_BYTES || s->buf.failed ? flush(s, err) : EC_OK;
}

/* A file appears whole or not at all. */
static enum ec_status open_sink(struct sink *s, struct ec_err *err) {
    if (!s->path) return EC_OK;
    int n = snprintf(s->temporary, sizeof s->temporary, "%s.%ld.part", s->path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof s->temporary) return ec_fail(err, EC_USAGE, "--out: the path is too long");
    return ec_file_create(s->temporary, &s->fd, err);
}

static enum ec_status finish_sink(struct sink *s, struct ec_err *err) {
    EC_TRY(flush(s, err));
    if (!s->path) return EC_OK;
    int fd = s->fd;
    s->fd = -1;
    enum ec_status status = ec_file_finish(fd, s->temporary, err);
    if (status == EC_OK && ec_io.rename(s->temporary, s->path) != 0)
        status = ec_fail_errno(err, EC_IO, "cannot put %s in place", s->path);
    if (status != EC_OK) (void)ec_io.unlink(s->temporary);
    return status == EC_OK ? ec_dir_sync_parent(s->path, err) : status;
}

static enum ec_status report(const struct sink *s, bool json, struct ec_err *err) {
    char figure[EC_FIGURE_MAX];
    if (s->path && json) {
        struct ec_doc doc;
        ec_doc_init(&doc);
        ec_json_object(&doc.json, NULL);
        ec_json_str(&doc.json, "out", s->path);
        ec_json_uint(&doc.json, "rows", s->rows);
        ec_json_end(&doc.json);
        EC_TRY(ec_doc_print(&doc, err));
    } else if (s->path) {
        (void)printf(P_("%s row written to %s\n", "%s rows written to %s\n", s->rows), ec_figure_count(s->rows, figure), s->path);
    }
    if (s->without_bytes == 0) return EC_OK;
    return ec_fail(err, EC_DELIVERY,
                   "%llu of %llu rows were too long to be kept and are not in the output; "
                   "--as jsonl gives the place of each",
                   (unsigned long long)s->without_bytes, (unsigned long long)s->rows);
}

static enum ec_status choose_form(const struct ec_cli *cli, struct sink *s, struct ec_err *err) {
    const char *as = ec_cli_value(cli, "--as");
    if (as && strcmp(as, "csv") != 0 && strcmp(as, "jsonl") != 0)
        return ec_fail(err, EC_USAGE, "--as takes csv or jsonl, not `%s`", as);
    if (as && ec_cli_value(cli, "--raw")) return ec_fail(err, EC_USAGE, "--raw and --as exclude each other");
    s->form = ec_cli_value(cli, "--raw") ? FORM_RAW
              : as                       ? (strcmp(as, "csv") == 0 ? FORM_CSV : FORM_JSONL)
              : cli->json && !s->path    ? FORM_JSONL
                                         : FORM_CSV;
    return EC_OK;
}

enum ec_status ec_quarantine_export(const struct ec_cli *cli, const struct ec_reject_filter *filter,
                                    struct ec_err *err) {
    struct sink s = {.path = ec_cli_value(cli, "--out"), .fd = -1, .buf = ec_buf_make(BUFFER_MAX)};
    bool more;
    enum ec_status status = choose_form(cli, &s, err);
    if (status == EC_OK) status = open_sink(&s, err);
    if (status != EC_OK) goto done;
    if (s.form == FORM_CSV) ec_buf_addz(&s.buf, header);
    status = ec_rejects_scan(cli->dir, filter, export_row, &s, &more, err);
    if (status == EC_OK) status = finish_sink(&s, err);
    if (status == EC_OK) status = report(&s, cli->json, err);
done:
    if (s.fd >= 0) ec_file_abandon(s.fd, s.temporary);
    ec_buf_free(&s.buf);
    return status;
}
