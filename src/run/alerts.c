#include "run/alerts.h"

#include "base/calendar.h"
#include "base/log.h"
#include "deliver/journal.h"
#include "deliver/secret.h"
#include "publish/alert.h"
#include "publish/alert_hook.h"
#include "publish/alert_mail.h"
#include "run/page_facts.h"
#include "run/paths.h"

#include <stdlib.h>
#include <unistd.h>

#define TARGET_MAX ((size_t)16384)

struct queueing {
    const struct ec_config *config;
    const struct ec_run_facts *facts;
    struct ec_journal journal;
    char project[EC_PATH_MAX];
};

void ec_alerts_project(const struct ec_config *config, char *out) {
    char full[EC_PATH_MAX];
    const char *found = realpath(config->dir[0] ? config->dir : ".", full) ? strrchr(full, '/') : NULL;
    (void)snprintf(out, EC_PATH_MAX, "%s", found && found[1] ? found + 1 : "ecluse");
}

static int64_t now_us(void) {
    return ec_now_micros() / EC_MICROS_PER_SECOND * EC_MICROS_PER_SECOND;
}

static enum ec_status compose(const struct ec_alert_note *note, const struct ec_alert *alert, const char *id, struct ec_buf *out,
                              struct ec_err *err) {
    if (alert->type == EC_ALERT_SMTP) return ec_alert_mail(note, alert, id, out, err);
    return ec_alert_hook(note, alert->type == EC_ALERT_WEBHOOK ? alert->format : EC_HOOK_JSON, id, alert->dashboard, out, err);
}

static enum ec_status make_id(const char *run, const struct ec_alert *alert, char *id, struct ec_err *err) {
    int n = snprintf(id, EC_MESSAGE_ID_MAX, "%s.%s", run, alert->name);
    return n > 0 && (size_t)n < EC_MESSAGE_ID_MAX ? EC_OK : ec_fail(err, EC_DELIVERY, "the run's id is too long for an alert's");
}

/* The message first, then the line that says that it waits: where only the first happened, a run that is finished
 * after a crash decides the same again. */
static enum ec_status queue_message(const struct ec_config *config, const struct ec_alert_note *note, const struct ec_alert *alert,
                                    struct ec_journal_line *line, bool send, struct ec_err *err) {
    struct ec_buf target = ec_buf_make(TARGET_MAX), payload = ec_buf_make(EC_MESSAGE_MAX);
    ec_redact_target(&target, alert, config->dir);
    enum ec_status status = ec_buf_check(&target, err);
    line->target = ec_buf_str(&target).p;
    if (status == EC_OK && send) status = compose(note, alert, line->id, &payload, err);
    if (status == EC_OK && send) {
        struct ec_message m = {.id = line->id, .run = line->run, .name = alert->name, .type = line->type, .target = line->target,
                               .kind = line->kind, .severity = line->severity, .created_us = line->at_us, .payload = ec_buf_str(&payload)};
        status = ec_outbox_put(config->dir, &m, err);
    }
    if (status == EC_OK) status = ec_journal_append(config->dir, line, err);
    ec_buf_free(&target);
    ec_buf_free(&payload);
    return status;
}

static enum ec_status tell(struct queueing *q, struct ec_alert_note *note, const struct ec_alert *alert, const char *id,
                           const struct ec_alert_state *before, struct ec_err *err) {
    struct ec_alert_question question = {.problem = note->problem, .problem_count = note->problems, .source = note->source,
                                         .source_count = note->sources, .now_us = now_us(),
                                         .repeat_us = alert->repeat_s * EC_MICROS_PER_SECOND, .recovery = alert->recovery};
    const char *open[EC_PROBLEMS_MAX];
    struct ec_journal_line line = {.at_us = now_us(), .id = id, .run = q->facts->run, .type = ec_alert_type_name(alert->type),
                                   .name = alert->name, .problem = open};
    enum ec_alert_decision decision = ec_alert_decide(&question, before, open, &line.problem_count);
    if (decision == EC_TELL_NOTHING) return EC_OK;
    bool recovers = note->problems == 0;
    if (recovers) EC_TRY(ec_alert_note_recover(note, err));
    line.kind = ec_note_kind_name(note->kind);
    line.severity = ec_severity_name(note->severity);
    line.status = decision == EC_TELL_SUPPRESS ? "suppressed" : "pending";
    line.message = note->title;
    if (decision == EC_TELL_SUPPRESS) ec_log(EC_LOG_INFO, "alert %s: the same was told already, and is not repeated yet", alert->name);
    return queue_message(q->config, note, alert, &line, decision != EC_TELL_SUPPRESS, err);
}

static enum ec_status queue_one(struct queueing *q, const struct ec_alert *alert, struct ec_err *err) {
    char id[EC_MESSAGE_ID_MAX];
    struct ec_alert_state before;
    struct ec_alert_note note;
    EC_TRY(make_id(q->facts->run, alert, id, err));
    ec_journal_state(&q->journal, alert->name, id, &before);
    if (before.known) return EC_OK; /* this run told it, and was interrupted later */
    enum ec_status status = ec_alert_note_make(&note, q->facts, q->project, (enum ec_severity)alert->severity, err);
    if (status == EC_OK) status = tell(q, &note, alert, id, &before, err);
    ec_alert_note_deinit(&note);
    return status;
}

/* The file is written with the reports; here it is only journaled. */
static enum ec_status note_file(struct queueing *q, struct ec_err *err) {
    char id[EC_MESSAGE_ID_MAX];
    const uint64_t *v = q->facts->totals.verdicts;
    struct ec_alert_state state;
    const struct ec_alert file = {.type = EC_ALERT_FILE, .name = "file"};
    if (v[EC_VERDICT_FAILED] + v[EC_VERDICT_ERRORED] == 0) return EC_OK;
    EC_TRY(make_id(q->facts->run, &file, id, err));
    ec_journal_state(&q->journal, "file", id, &state);
    if (state.known) return EC_OK;
    struct ec_journal_line line = {.at_us = now_us(), .id = id, .run = q->facts->run, .type = "file", .name = "file",
                                   .target = EC_DIR_QUALITY "/" EC_ALERT_FILE_NAME, .status = "sent", .kind = "problem", .severity = "error"};
    return ec_journal_append(q->config->dir, &line, err);
}

static bool has_files(const struct ec_config *config) {
    for (size_t i = 0; i < config->alert_count; i++)
        if (config->alert[i].type == EC_ALERT_FILE) return true;
    return false;
}

enum ec_status ec_alerts_queue(const struct ec_config *config, const struct ec_run_facts *facts, struct ec_err *err) {
    if (config->alert_count == 0) return EC_OK;
    struct queueing q = {.config = config, .facts = facts};
    ec_alerts_project(config, q.project);
    enum ec_status status = ec_journal_read(config->dir, &q.journal, err);
    if (status == EC_OK && has_files(config)) status = note_file(&q, err);
    for (size_t i = 0; i < config->alert_count && status == EC_OK; i++)
        if (config->alert[i].type != EC_ALERT_FILE) status = queue_one(&q, &config->alert[i], err);
    ec_journal_deinit(&q.journal);
    return status;
}

enum ec_status ec_alerts_queue_test(const struct ec_config *config, const struct ec_alert *alert, char *id, struct ec_err *err) {
    char run[64], label[16], project[EC_PATH_MAX];
    struct ec_alert_note note;
    ec_time_label(ec_now_micros(), label);
    (void)snprintf(run, sizeof run, "test-%s-%ld", label, (long)getpid());
    ec_alerts_project(config, project);
    EC_TRY(make_id(run, alert, id, err));
    enum ec_status status = ec_alert_note_test(&note, project, run, now_us(), err);
    struct ec_journal_line line = {.at_us = now_us(), .id = id, .run = run, .type = ec_alert_type_name(alert->type), .name = alert->name,
                                   .status = "pending", .kind = "test", .severity = "info", .message = note.title};
    if (status == EC_OK) status = queue_message(config, &note, alert, &line, true, err);
    ec_alert_note_deinit(&note);
    return status;
}

void ec_alerts_deliver(const struct ec_config *config, bool (*cancelled)(void), struct ec_buf *problems) {
    struct ec_deliver_options options = {.project = config->dir, .config = config, .cancelled = cancelled};
    struct ec_deliver_outcome outcome;
    struct ec_err cause = {0};
    if (ec_deliver_pending(&options, &outcome, problems, &cause) != EC_OK) {
        ec_log(EC_LOG_ERROR, "alerts: %s", cause.message);
        ec_buf_printf(problems, _("alerts: %s\n"), cause.message);
    }
    ec_alerts_show(config, &outcome);
}

void ec_alerts_show(const struct ec_config *config, const struct ec_deliver_outcome *outcome) {
    struct ec_err cause = {0};
    if (outcome->sent + outcome->waiting + outcome->given_up == 0) return;
    if (ec_page_alerts_refresh(config, &cause) != EC_OK) ec_log(EC_LOG_WARN, "the page does not say what became of alerts: %s", cause.message);
}
