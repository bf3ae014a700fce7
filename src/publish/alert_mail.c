#include "publish/alert_mail.h"

#include "base/calendar.h"
#include "base/utf8.h"
#include "publish/html.h"

#define BODY_MAX   ((size_t)256 * EC_KIB)
#define LINE_CHARS 76u /* RFC 2045: encoded lines, a soft break included */
#define WORD_BYTES 45u /* of text in an encoded-word: 60 characters of base64, 72 with its ends */

/* ---- headers ---- */

static void base64_add(struct ec_buf *out, const char *p, size_t n) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *b = (const unsigned char *)p;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)b[i] << 16 | (i + 1 < n ? (uint32_t)b[i + 1] << 8 : 0) | (i + 2 < n ? b[i + 2] : 0);
        char four[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63], i + 1 < n ? alphabet[v >> 6 & 63] : '=', i + 2 < n ? alphabet[v & 63] : '='};
        ec_buf_add(out, four, 4);
    }
}

static bool is_plain(const char *text) {
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x20 || text[i] > 0x7E) return false;
    return !strstr(text, "=?");
}

/* Long plain text is encoded too, which folds it; only short one stays as it is. */
static void add_words(struct ec_buf *out, const char *text, size_t column) {
    size_t n = strlen(text);
    if (is_plain(text) && column + n <= 76) {
        ec_buf_add(out, text, n);
        return;
    }
    for (size_t at = 0; at < n;) {
        size_t k = ec_utf8_truncate(text + at, n - at, WORD_BYTES);
        if (k == 0) k = 1;
        bool fits = at == 0 && column + 12 + (k + 2) / 3 * 4 <= LINE_CHARS;
        if (!fits) ec_buf_addz(out, "\r\n "); /* a line for each: none is too long */
        ec_buf_addz(out, "=?utf-8?B?");
        base64_add(out, text + at, k);
        ec_buf_addz(out, "?=");
        at += k;
    }
}

void ec_mail_header(struct ec_buf *out, const char *name, const char *text) {
    ec_buf_printf(out, "%s: ", name);
    add_words(out, text, strlen(name) + 2);
    ec_buf_addz(out, "\r\n");
}

/* As a quoted-string where it is plain: a name may hold what means something in an address. */
static void add_mailbox(struct ec_buf *out, const char *name, const char *address) {
    if (is_plain(name) && strlen(name) < 40) {
        ec_buf_addc(out, '"');
        for (; *name; name++) {
            if (*name == '"' || *name == '\\') ec_buf_addc(out, '\\');
            ec_buf_addc(out, *name);
        }
        ec_buf_addc(out, '"');
    } else {
        add_words(out, name, 6);
    }
    ec_buf_printf(out, "\r\n <%s>\r\n", address);
}

static void add_date(struct ec_buf *out, int64_t us) {
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static const char *const weekdays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"}; /* 1970-01-01 was a Thursday */
    int32_t days = ec_days_from_micros(us), year;
    unsigned month, day;
    ec_civil_from_days(days, &year, &month, &day);
    int64_t second = us / EC_MICROS_PER_SECOND - (int64_t)days * 86400;
    ec_buf_printf(out, "Date: %s, %02u %s %04d %02d:%02d:%02d +0000\r\n", weekdays[((days % 7) + 7) % 7], day, months[month - 1], (int)year,
                  (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
}

static void add_headers(struct ec_buf *out, const struct ec_alert_note *note, const struct ec_alert *a, const char *id, const char *boundary) {
    struct ec_buf subject = ec_buf_make(2048);
    add_date(out, note->at_us);
    ec_buf_addz(out, "From: ");
    add_mailbox(out, a->from_name ? a->from_name : "Écluse", a->from);
    ec_buf_addz(out, "To: ");
    for (size_t i = 0; i < a->to_count; i++) ec_buf_printf(out, "%s<%s>", i ? ",\r\n " : "", a->to[i]);
    ec_buf_addz(out, "\r\n");
    const char *word = note->kind == EC_NOTE_TEST ? _("TEST") : note->kind == EC_NOTE_RECOVERY ? _("RECOVERED")
                       : note->severity == EC_SEVERITY_CRITICAL ? _("CRITICAL") : note->severity == EC_SEVERITY_ERROR ? _("FAILED") : _("WARNING");
    ec_buf_printf(&subject, "[%s] %s", word, note->title);
    ec_mail_header(out, "Subject", subject.failed ? word : subject.p);
    ec_buf_free(&subject);
    ec_buf_printf(out, "Message-ID: <%s%s>\r\n", id, strchr(a->from, '@'));
    ec_buf_printf(out, "MIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\nX-Ecluse-Alert: %s; %s\r\n", ec_note_kind_name(note->kind),
                  ec_severity_name(note->severity));
    ec_buf_printf(out, "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n", boundary);
}

/* ---- bodies ---- */

static bool is_literal(unsigned char c) {
    return c >= 0x20 && c <= 0x7E && c != '=';
}

void ec_mail_quoted(struct ec_buf *out, struct ec_str text) {
    static const char digits[] = "0123456789ABCDEF";
    size_t column = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\n') {
            ec_buf_addz(out, "\r\n");
            column = 0;
            continue;
        }
        bool ends = i + 1 == text.n || text.p[i + 1] == '\n';
        bool literal = is_literal(c) && !(c == ' ' && ends); /* blanks at the end would be lost */
        size_t width = literal ? 1 : 3;
        if (column + width > LINE_CHARS - 1) {
            ec_buf_addz(out, "=\r\n");
            column = 0;
        }
        if (literal)
            ec_buf_addc(out, (char)c);
        else
            ec_buf_add(out, (char[3]){'=', digits[c >> 4], digits[c & 15]}, 3);
        column += width;
    }
    if (column > 0) ec_buf_addz(out, "\r\n");
}

static const char *color_of(enum ec_severity severity) {
    return severity == EC_SEVERITY_CRITICAL ? "#9b1c1c" : severity == EC_SEVERITY_ERROR ? "#b4420f" : severity == EC_SEVERITY_WARN ? "#7a5b00" : "#1d6b3a";
}

/* Text in the reader's own colours, light or dark; only the marks have theirs, dark enough under white. */
static void add_issue_html(struct ec_buf *out, const struct ec_note_issue *issue) {
    ec_buf_printf(out, "<div style=\"margin:0 0 16px;padding:0 0 0 12px;border-left:4px solid %s\">\n<p style=\"margin:0 0 6px\"><span style=\"background:%s;color:#ffffff;"
                       "padding:2px 8px;border-radius:4px;font-size:13px\">%s</span> ", color_of(issue->severity), color_of(issue->severity), _(ec_severity_name(issue->severity)));
    ec_html_z(out, issue->source);
    ec_buf_addz(out, _(": "));
    ec_buf_printf(out, "%s</p>\n<p style=\"margin:0 0 6px;font-weight:bold;word-break:break-word\">", _(issue->verdict));
    ec_html_value(out, issue->path);
    if (issue->member) {
        ec_buf_addz(out, "<br>\n");
        ec_html_value(out, issue->member);
    }
    ec_buf_addz(out, "</p>\n<ul style=\"margin:0 0 6px;padding:0 0 0 20px\">\n");
    for (size_t i = 0; i < issue->reasons; i++) {
        ec_buf_addz(out, "<li style=\"word-break:break-word\">");
        ec_html_value(out, issue->reason[i]);
        ec_buf_addz(out, "</li>\n");
    }
    if (issue->reasons_cut) ec_buf_printf(out, _("<li>and %zu more in the report</li>\n"), issue->reasons_cut);
    for (size_t i = 0; i < issue->examples; i++) {
        ec_buf_addz(out, "<li style=\"word-break:break-word\">");
        ec_buf_addz(out, _("for example "));
        ec_html_value(out, issue->example[i]);
        ec_buf_addz(out, "</li>\n");
    }
    ec_buf_addz(out, "</ul>\n<p style=\"margin:0\">");
    ec_html_z(out, _(issue->remedy));
    ec_buf_addz(out, "</p>\n</div>\n");
}

static void add_figures_html(struct ec_buf *out, const struct ec_totals *t) {
    const struct {
        const char *name;
        uint64_t n;
    } figures[] = {{_("rows read"), t->read}, {_("accepted"), t->accepted}, {_("quarantined"), t->quarantined}, {_("duplicates"), t->duplicate}};
    ec_buf_addz(out, "<p style=\"margin:0 0 16px\">");
    for (size_t i = 0; i < 4; i++) {
        ec_buf_addz(out, i ? " &middot; <b>" : "<b>");
        ec_count_add(out, figures[i].n);
        ec_buf_printf(out, "</b> %s", figures[i].name);
    }
    ec_buf_addz(out, "</p>\n");
}

static void add_html(struct ec_buf *out, const struct ec_alert_note *note, const char *dashboard) {
    ec_buf_printf(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"supported-color-schemes\" content=\"light dark\">\n<title>", ec_language_name(ec_language()));
    ec_html_z(out, note->title);
    ec_buf_addz(out, "</title>\n</head>\n<body style=\"margin:0;padding:16px;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.45\">\n"
                     "<div style=\"max-width:600px;margin:0 auto\">\n");
    ec_buf_printf(out, "<h1 style=\"font-size:20px;line-height:1.3;margin:0 0 8px;padding:0 0 0 12px;border-left:8px solid %s\">", color_of(note->severity));
    ec_html_value(out, note->title);
    ec_buf_addz(out, "</h1>\n");
    if (note->kind == EC_NOTE_TEST) ec_buf_addz(out, _("<p>If you read this, alerts arrive here. Nothing is wrong, and nothing is to be done.</p>\n"));
    if (note->kind == EC_NOTE_RECOVERY) ec_buf_addz(out, _("<p>What an earlier alert told of has not come up again in this run.</p>\n"));
    if (note->has_totals) add_figures_html(out, &note->totals);
    for (size_t i = 0; i < note->issues; i++) add_issue_html(out, &note->issue[i]);
    if (note->issues_cut) ec_buf_printf(out, _("<p>and %zu more on the dashboard</p>\n"), note->issues_cut);
    ec_buf_addz(out, "<p style=\"margin:0 0 8px\">");
    if (dashboard) {
        ec_buf_addz(out, "<a href=\"");
        ec_html_z(out, dashboard); /* checked when the configuration was read: http or https */
        ec_buf_addz(out, "\">");
        ec_buf_addz(out, _("Open the dashboard"));
        ec_buf_addz(out, "</a>");
    } else {
        ec_buf_printf(out, _("Dashboard: %s"), EC_NOTE_DASHBOARD);
    }
    ec_buf_addz(out, "</p>\n<p style=\"margin:0;font-size:13px\">");
    ec_html_z(out, note->run);
    ec_buf_addz(out, ", ");
    ec_html_z(out, note->started);
    ec_buf_addz(out, "</p>\n</div>\n</body>\n</html>\n");
}

static void add_part(struct ec_buf *out, const char *boundary, const char *type, const struct ec_buf *body) {
    ec_buf_printf(out, "--%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", boundary, type);
    ec_mail_quoted(out, ec_buf_str(body));
    ec_buf_addz(out, "\r\n");
}

enum ec_status ec_alert_mail(const struct ec_alert_note *note, const struct ec_alert *alert, const char *id, struct ec_buf *out, struct ec_err *err) {
    char boundary[64];
    struct ec_buf text = ec_buf_make(BODY_MAX), html = ec_buf_make(BODY_MAX);
    /* "=_" occurs in no quoted-printable text. */
    (void)snprintf(boundary, sizeof boundary, "=_ecluse_%016llx", (unsigned long long)ec_hash64(id, strlen(id)));
    ec_alert_note_text(note, alert->dashboard, &text);
    add_html(&html, note, alert->dashboard);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_buf_check(&html, err);
    if (status == EC_OK) {
        add_headers(out, note, alert, id, boundary);
        add_part(out, boundary, "text/plain", &text);
        add_part(out, boundary, "text/html", &html);
        ec_buf_printf(out, "--%s--\r\n", boundary);
        status = ec_buf_check(out, err);
    }
    ec_buf_free(&text);
    ec_buf_free(&html);
    return status;
}
