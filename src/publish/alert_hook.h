/* An alert as JSON: ours, for programs, and the shapes that Slack, Teams and Discord show.
 *
 *     json     every fact by name; also what a command reads on its standard input
 *     slack    Block Kit, in blocks of plain text (https://api.slack.com/reference/block-kit/blocks)
 *     teams    an Adaptive Card 1.4 as Power Automate's webhooks take it, of text runs, which know no Markdown
 *     discord  embeds, with Markdown escaped and nobody mentioned (https://discord.com/developers/docs/resources/webhook)
 *
 * A name of a file can be markup of any of them: it is shown as it is written, makes no link and calls nobody. */
#ifndef EC_PUBLISH_ALERT_HOOK_H
#define EC_PUBLISH_ALERT_HOOK_H

#include "publish/alert_note.h"

/* Appends the body. The same note makes the same bytes. */
enum ec_status ec_alert_hook(const struct ec_alert_note *note, enum ec_alert_format format, const char *id, const char *dashboard,
                             struct ec_buf *out, struct ec_err *err) EC_MUST_USE;

#endif
