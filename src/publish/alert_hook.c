#include "publish/alert_hook.h"

#include <string.h>

#define SHOWN_MAX     8u /* issues in a chat: who has more opens the page */
#define SLACK_HEADER  140u /* of 150 */
#define SLACK_TEXT    2000u /* of 3,000 */
#define TEXT_MAX      ((size_t)64 * EC_KIB)
#define DISCORD_TITLE 120u /* of 256; escapes double it */
#define DISCORD_FIELD 450u /* embeds hold 6,000 characters together */

static size_t shown_issues(const struct ec_alert_note *note) {
    return note->issues < SHOWN_MAX ? note->issues : SHOWN_MAX;
}

static size_t hidden_issues(const struct ec_alert_note *note) {
    return note->issues_cut + note->issues - shown_issues(note);
}

/* ---- ours ---- */

static void write_texts(struct ec_json_writer *w, const char *key, const char *const *text, size_t n) {
    ec_json_array(w, key);
    for (size_t i = 0; i < n; i++) ec_json_str(w, NULL, text[i]);
    ec_json_end_array(w);
}

static void write_issue(struct ec_json_writer *w, const struct ec_note_issue *issue) {
    ec_json_object(w, NULL);
    ec_json_str(w, "severity", ec_severity_name(issue->severity));
    ec_json_str(w, "source", issue->source);
    ec_json_str(w, "path", issue->path);
    ec_json_str(w, "member", issue->member);
    ec_json_str(w, "verdict", issue->verdict);
    write_texts(w, "reasons", issue->reason, issue->reasons);
    ec_json_uint(w, "reasons_cut", issue->reasons_cut);
    write_texts(w, "examples", issue->example, issue->examples);
    ec_json_str(w, "remedy", issue->remedy);
    ec_json_str(w, "report", issue->report);
    ec_json_end(w);
}

static void write_totals(struct ec_json_writer *w, const struct ec_totals *t) {
    ec_json_object(w, "totals");
    ec_json_uint(w, "files", t->files);
    for (unsigned v = 0; v < EC_VERDICT_COUNT; v++) ec_json_uint(w, ec_verdict_name((enum ec_verdict)v), t->verdicts[v]);
    ec_json_uint(w, "read", t->read);
    ec_json_uint(w, "accepted", t->accepted);
    ec_json_uint(w, "quarantined", t->quarantined);
    ec_json_uint(w, "duplicate", t->duplicate);
    ec_json_end(w);
}

static void write_json(struct ec_json_writer *w, const struct ec_alert_note *note, const char *id, const char *dashboard) {
    ec_json_object(w, NULL);
    ec_json_uint(w, "version", 1);
    ec_json_str(w, "id", id);
    ec_json_str(w, "kind", ec_note_kind_name(note->kind));
    ec_json_str(w, "severity", ec_severity_name(note->severity));
    ec_json_str(w, "title", note->title);
    ec_json_str(w, "project", note->project);
    ec_json_str(w, "run", note->run);
    ec_json_str(w, "started", note->started);
    if (note->has_totals)
        write_totals(w, &note->totals);
    else
        ec_json_null(w, "totals");
    ec_json_array(w, "issues");
    for (size_t i = 0; i < note->issues; i++) write_issue(w, &note->issue[i]);
    ec_json_end_array(w);
    ec_json_uint(w, "issues_cut", note->issues_cut);
    ec_json_str(w, "dashboard", dashboard ? dashboard : EC_NOTE_DASHBOARD);
    ec_json_end(w);
}

/* ---- what chats share ---- */

static void issue_head(struct ec_buf *out, const struct ec_note_issue *issue) {
    ec_buf_printf(out, "[%s] %s: %s %s%s", _(ec_severity_name(issue->severity)), issue->source, issue->path, issue->member ? issue->member : "",
                  issue->member ? " " : "");
    ec_buf_addz(out, _(issue->verdict));
}

static void issue_body(struct ec_buf *out, const struct ec_note_issue *issue) {
    for (size_t i = 0; i < issue->reasons; i++) ec_buf_printf(out, "\n- %s", issue->reason[i]);
    if (issue->reasons_cut) ec_buf_printf(out, _("\n- and %zu more in the report"), issue->reasons_cut);
    if (issue->examples) ec_buf_printf(out, _("\nFor example: %s"), issue->example[0]);
}

static void figures(struct ec_buf *out, const struct ec_alert_note *note) {
    if (note->kind == EC_NOTE_TEST) ec_buf_addz(out, _("If you read this, alerts arrive here. Nothing is wrong."));
    if (!note->has_totals) return;
    ec_buf_addz(out, _("Rows read "));
    ec_count_add(out, note->totals.read);
    ec_buf_addz(out, _(", accepted "));
    ec_count_add(out, note->totals.accepted);
    ec_buf_addz(out, _(", quarantined "));
    ec_count_add(out, note->totals.quarantined);
    ec_buf_addz(out, _(", duplicates "));
    ec_count_add(out, note->totals.duplicate);
}

static void foot(struct ec_buf *out, const struct ec_alert_note *note, const char *dashboard) {
    if (hidden_issues(note)) ec_buf_printf(out, _("and %zu more. "), hidden_issues(note));
    ec_buf_printf(out, _("Run %s, %s. Dashboard: %s"), note->run, note->started, dashboard ? dashboard : EC_NOTE_DASHBOARD);
}

/* The buffer's text, cut, as the value of a key. */
static void write_cut(struct ec_json_writer *w, const char *key, const struct ec_buf *text, size_t n_max) {
    struct ec_buf cut = ec_buf_make(TEXT_MAX);
    ec_note_cut(&cut, ec_buf_str(text).p, n_max);
    ec_json_text(w, key, ec_buf_str(&cut));
    if (text->failed || cut.failed) w->out->failed = true;
    ec_buf_free(&cut);
}

/* ---- Slack ---- */

static void slack_block(struct ec_json_writer *w, const char *type, const struct ec_buf *text, size_t n_max) {
    ec_json_object(w, NULL);
    ec_json_str(w, "type", type);
    ec_json_object(w, "text");
    ec_json_str(w, "type", "plain_text");
    write_cut(w, "text", text, n_max);
    ec_json_bool(w, "emoji", false);
    ec_json_end(w);
    ec_json_end(w);
}

/* The line of a notification is mrkdwn, whose three signs are escaped. The JSON writer then escapes the & again. */
static void slack_escape(struct ec_buf *out, const char *text) {
    for (; *text; text++) {
        const char *as = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;
        if (as)
            ec_buf_addz(out, as);
        else
            ec_buf_addc(out, *text);
    }
}

static void write_slack(struct ec_json_writer *w, const struct ec_alert_note *note, const char *dashboard) {
    struct ec_buf text = ec_buf_make(TEXT_MAX);
    slack_escape(&text, note->title);
    ec_json_object(w, NULL);
    ec_json_text(w, "text", ec_buf_str(&text));
    ec_json_bool(w, "unfurl_links", false);
    ec_json_bool(w, "mrkdwn", false);
    ec_json_array(w, "blocks");
    ec_buf_clear(&text);
    ec_buf_addz(&text, note->title);
    slack_block(w, "header", &text, SLACK_HEADER);
    ec_buf_clear(&text);
    figures(&text, note);
    if (text.n) slack_block(w, "section", &text, SLACK_TEXT);
    for (size_t i = 0; i < shown_issues(note); i++) {
        ec_buf_clear(&text);
        issue_head(&text, &note->issue[i]);
        issue_body(&text, &note->issue[i]);
        slack_block(w, "section", &text, SLACK_TEXT);
    }
    ec_buf_clear(&text);
    foot(&text, note, dashboard);
    slack_block(w, "section", &text, SLACK_TEXT);
    ec_json_end_array(w);
    ec_json_end(w);
    ec_buf_free(&text);
}

/* ---- Teams ---- */

static void teams_text(struct ec_json_writer *w, const struct ec_buf *text, bool strong, const char *color) {
    ec_json_object(w, NULL);
    ec_json_str(w, "type", "RichTextBlock");
    ec_json_array(w, "inlines");
    ec_json_object(w, NULL);
    ec_json_str(w, "type", "TextRun");
    write_cut(w, "text", text, SLACK_TEXT);
    if (strong) ec_json_str(w, "weight", "Bolder");
    if (color) ec_json_str(w, "color", color);
    ec_json_end(w);
    ec_json_end_array(w);
    ec_json_end(w);
}

static const char *teams_color(enum ec_severity severity) {
    return severity >= EC_SEVERITY_ERROR ? "Attention" : severity == EC_SEVERITY_WARN ? "Warning" : "Good";
}

static void teams_body(struct ec_json_writer *w, const struct ec_alert_note *note, const char *dashboard) {
    struct ec_buf text = ec_buf_make(TEXT_MAX);
    ec_json_array(w, "body");
    ec_buf_addz(&text, note->title);
    teams_text(w, &text, true, teams_color(note->severity));
    ec_buf_clear(&text);
    figures(&text, note);
    if (text.n) teams_text(w, &text, false, NULL);
    for (size_t i = 0; i < shown_issues(note); i++) {
        ec_buf_clear(&text);
        issue_head(&text, &note->issue[i]);
        teams_text(w, &text, true, teams_color(note->issue[i].severity));
        ec_buf_clear(&text);
        issue_body(&text, &note->issue[i]);
        if (text.n) teams_text(w, &text, false, NULL);
    }
    ec_buf_clear(&text);
    foot(&text, note, dashboard);
    teams_text(w, &text, false, NULL);
    ec_json_end_array(w);
    ec_buf_free(&text);
}

static void write_teams(struct ec_json_writer *w, const struct ec_alert_note *note, const char *dashboard) {
    ec_json_object(w, NULL);
    ec_json_str(w, "type", "message");
    ec_json_array(w, "attachments");
    ec_json_object(w, NULL);
    ec_json_str(w, "contentType", "application/vnd.microsoft.card.adaptive");
    ec_json_object(w, "content");
    ec_json_str(w, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    ec_json_str(w, "type", "AdaptiveCard");
    ec_json_str(w, "version", "1.4");
    teams_body(w, note, dashboard);
    if (dashboard) {
        ec_json_array(w, "actions");
        ec_json_object(w, NULL);
        ec_json_str(w, "type", "Action.OpenUrl");
        ec_json_str(w, "title", _("Dashboard"));
        ec_json_str(w, "url", dashboard);
        ec_json_end(w);
        ec_json_end_array(w);
    }
    ec_json_end(w);
    ec_json_end(w);
    ec_json_end_array(w);
    ec_json_end(w);
}

/* ---- Discord ---- */

/* Every sign of its Markdown behind a backslash; "://" makes links of itself, so the colon too; and the signs that
 * begin a list, a heading, a quotation. */
static void discord_escape(struct ec_buf *out, const char *text) {
    for (; *text; text++) {
        if (strchr("\\*_~`|>#-+[]()<:@&.!{}", *text)) ec_buf_addc(out, '\\');
        ec_buf_addc(out, *text);
    }
}

/* Cut before it is escaped: no escape is cut in two. */
static void discord_text(struct ec_json_writer *w, const char *key, const struct ec_buf *text, size_t n_max) {
    struct ec_buf cut = ec_buf_make(TEXT_MAX), escaped = ec_buf_make(TEXT_MAX);
    ec_note_cut(&cut, ec_buf_str(text).p, n_max);
    discord_escape(&escaped, ec_buf_str(&cut).p);
    ec_json_text(w, key, ec_buf_str(&escaped));
    if (text->failed || cut.failed || escaped.failed) w->out->failed = true;
    ec_buf_free(&cut);
    ec_buf_free(&escaped);
}

static int64_t discord_color(enum ec_severity severity) {
    return severity == EC_SEVERITY_CRITICAL ? 0x9b1c1c : severity == EC_SEVERITY_ERROR ? 0xb4420f : severity == EC_SEVERITY_WARN ? 0x7a5b00 : 0x1d6b3a;
}

static void write_discord(struct ec_json_writer *w, const struct ec_alert_note *note, const char *dashboard) {
    struct ec_buf text = ec_buf_make(TEXT_MAX);
    ec_json_object(w, NULL);
    ec_json_object(w, "allowed_mentions");
    ec_json_array(w, "parse");
    ec_json_end_array(w);
    ec_json_end(w);
    ec_json_array(w, "embeds");
    ec_json_object(w, NULL);
    ec_buf_addz(&text, note->title);
    discord_text(w, "title", &text, DISCORD_TITLE);
    ec_buf_clear(&text);
    figures(&text, note);
    discord_text(w, "description", &text, DISCORD_FIELD);
    ec_json_int(w, "color", discord_color(note->severity));
    if (dashboard) ec_json_str(w, "url", dashboard);
    ec_json_array(w, "fields");
    size_t shown = shown_issues(note) < 4 ? shown_issues(note) : 4;
    for (size_t i = 0; i < shown; i++) {
        ec_json_object(w, NULL);
        ec_buf_clear(&text);
        issue_head(&text, &note->issue[i]);
        discord_text(w, "name", &text, DISCORD_TITLE);
        ec_buf_clear(&text);
        issue_body(&text, &note->issue[i]);
        discord_text(w, "value", &text, DISCORD_FIELD);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_json_object(w, "footer");
    ec_buf_clear(&text);
    if (note->issues + note->issues_cut > shown) ec_buf_printf(&text, _("and %zu more. "), note->issues + note->issues_cut - shown);
    ec_buf_printf(&text, _("Run %s, %s"), note->run, note->started);
    write_cut(w, "text", &text, DISCORD_FIELD); /* a footer knows no Markdown */
    ec_json_end(w);
    ec_json_end(w);
    ec_json_end_array(w);
    ec_json_end(w);
    ec_buf_free(&text);
}

enum ec_status ec_alert_hook(const struct ec_alert_note *note, enum ec_alert_format format, const char *id, const char *dashboard,
                             struct ec_buf *out, struct ec_err *err) {
    struct ec_json_writer w;
    ec_json_init(&w, out);
    switch (format) {
    case EC_HOOK_SLACK: write_slack(&w, note, dashboard); break;
    case EC_HOOK_TEAMS: write_teams(&w, note, dashboard); break;
    case EC_HOOK_DISCORD: write_discord(&w, note, dashboard); break;
    default: write_json(&w, note, id, dashboard);
    }
    return ec_buf_check(out, err);
}
