#include "deliver/deliver.h"

#include "base/calendar.h"
#include "base/log.h"
#include "deliver/journal.h"
#include "deliver/send.h"

#include <poll.h>

#define ARENA_MAX  (EC_MESSAGE_MAX * 4)
#define PATIENCE_S INT64_C(10) /* for another process that delivers */
#define TICK_MS    100

struct round {
    const struct ec_deliver_options *o;
    struct ec_deliver_outcome *outcome;
    struct ec_buf *problems;
    struct ec_journal journal;
    int64_t until_us;
    bool failed[EC_ALERTS_MAX]; /* alerts that are not tried again in this round */
};

const struct ec_alert *ec_alert_named(const struct ec_config *config, const char *name) {
    for (size_t i = 0; i < config->alert_count; i++)
        if (config->alert[i].type != EC_ALERT_FILE && strcmp(config->alert[i].name, name) == 0) return &config->alert[i];
    return NULL;
}

enum ec_status ec_send(const char *project, const struct ec_alert *alert, const struct ec_message *message,
                       bool (*cancelled)(void), struct ec_err *err) {
    struct ec_sending s = {.project = project, .alert = alert, .message = message, .cancelled = cancelled};
    struct ec_err cause = {0};
    enum ec_status status = EC_OK;
    switch (alert->type) {
    case EC_ALERT_SMTP: status = ec_send_smtp(&s, &cause); break;
    case EC_ALERT_WEBHOOK: status = ec_send_webhook(&s, &cause); break;
    case EC_ALERT_COMMAND: status = ec_send_command(&s, &cause); break;
    default: break;
    }
    ec_secrets_scrub(&s.secrets, cause.message, sizeof cause.message);
    ec_secrets_deinit(&s.secrets);
    return status == EC_OK ? EC_OK : ec_fail(err, EC_DELIVERY, "%s", cause.message);
}

static struct ec_journal_line line_of(const struct ec_message *m, const char *status, const char *message) {
    return (struct ec_journal_line){.at_us = ec_now_micros() / EC_MICROS_PER_SECOND * EC_MICROS_PER_SECOND,
                                    .id = m->id, .run = m->run, .type = m->type, .name = m->name, .target = m->target,
                                    .status = status, .kind = m->kind, .severity = m->severity, .message = message};
}

static void say(struct round *r, const struct ec_message *m, const char *what, const char *why) {
    ec_log(EC_LOG_ERROR, "alert %s %s: %s", m->name, what, why);
    ec_buf_printf(r->problems, _("alert %s (%s) %s: %s\n"), m->name, m->target, what, why);
}

/* ---- the end of a message ---- */

static enum ec_status mark_sent(struct round *r, const struct ec_message *m, struct ec_err *err) {
    struct ec_journal_line line = line_of(m, "sent", NULL);
    /* The journal first: a crash behind it is seen by the next round, which removes the file without sending. */
    EC_TRY(ec_journal_append(r->o->project, &line, err));
    r->outcome->sent++;
    ec_log(EC_LOG_INFO, "alert %s was sent (%s)", m->name, m->id);
    return ec_outbox_remove(r->o->project, m->id, err);
}

static enum ec_status give_up(struct round *r, struct ec_message *m, const char *why, struct ec_err *err) {
    m->given_up = true;
    EC_TRY(ec_outbox_update(r->o->project, m, err));
    struct ec_journal_line line = line_of(m, "failed", why);
    EC_TRY(ec_journal_append(r->o->project, &line, err));
    r->outcome->given_up++;
    say(r, m, _("was given up"), why);
    return EC_OK;
}

static enum ec_status put_off(struct round *r, struct ec_message *m, const struct ec_alert *alert, const char *why, struct ec_err *err) {
    char text[1024];
    int64_t now = ec_now_micros();
    m->attempts++;
    m->error = why;
    if (m->attempts >= alert->attempts_max || now - m->created_us >= alert->age_max_s * EC_MICROS_PER_SECOND) {
        (void)snprintf(text, sizeof text, _("%u attempts; the last: %s"), m->attempts, why);
        return give_up(r, m, text, err);
    }
    m->next_us = now + ec_backoff_s(m->attempts) * EC_MICROS_PER_SECOND;
    EC_TRY(ec_outbox_update(r->o->project, m, err));
    struct ec_journal_line line = line_of(m, "pending", why);
    line.kind = "attempt"; /* of a problem or recovery that was written down when it came up */
    EC_TRY(ec_journal_append(r->o->project, &line, err));
    r->outcome->waiting++;
    say(r, m, _("was not delivered and will be tried again"), why);
    return EC_OK;
}

/* ---- one message ---- */

static enum ec_status attempt(struct round *r, struct ec_message *m, const struct ec_alert *alert, struct ec_err *err) {
    struct ec_err cause = {0};
    size_t index = (size_t)(alert - r->o->config->alert);
    if (ec_send(r->o->project, alert, m, r->o->cancelled, &cause) == EC_OK) return mark_sent(r, m, err);
    r->failed[index] = true;
    enum ec_status status = put_off(r, m, alert, cause.message, err);
    m->error = NULL; /* it lies here */
    return status;
}

static bool is_wanted(const struct round *r, const char *id) {
    for (size_t i = 0; i < r->o->id_count; i++)
        if (strcmp(r->o->id[i], id) == 0) return true;
    return r->o->id_count == 0;
}

static enum ec_status wait_longer(struct round *r, const struct ec_message *m, const char *why) {
    r->outcome->waiting++;
    ec_buf_printf(r->problems, _("alert %s (%s) waits to be delivered: %s\n"), m->name, m->target, why);
    return EC_OK;
}

static bool is_out_of_time(const struct round *r) {
    return ec_monotonic_micros() >= r->until_us || (r->o->cancelled && r->o->cancelled());
}

static enum ec_status handle(struct round *r, struct ec_message *m, struct ec_err *err) {
    int64_t now = ec_now_micros();
    const struct ec_alert *alert = ec_alert_named(r->o->config, m->name);
    struct ec_alert_state state;
    ec_journal_state(&r->journal, m->name, m->id, &state);
    if (state.sent) return ec_outbox_remove(r->o->project, m->id, err); /* a crash kept its file */
    if (m->given_up && !r->o->given_up) {
        bool old = now - m->created_us > EC_GIVEN_UP_S * EC_MICROS_PER_SECOND;
        return old ? ec_outbox_remove(r->o->project, m->id, err) : EC_OK;
    }
    if (!alert || strcmp(ec_alert_type_name(alert->type), m->type) != 0) {
        if (now - m->created_us > INT64_C(3) * EC_MICROS_PER_DAY) return give_up(r, m, _("no such alert is configured any more"), err);
        return wait_longer(r, m, _("no such alert is configured any more"));
    }
    if (r->failed[alert - r->o->config->alert]) return wait_longer(r, m, _("another message to the same receiver just failed"));
    if (is_out_of_time(r)) return wait_longer(r, m, _("the time for deliveries is over"));
    if (!r->o->now && now < m->next_us && m->next_us - now <= EC_BACKOFF_MAX_S * EC_MICROS_PER_SECOND)
        return wait_longer(r, m, m->error ? m->error : _("its time has not come"));
    if (m->given_up) {
        m->given_up = false;
        m->attempts = 0;
        m->created_us = now;
    }
    return attempt(r, m, alert, err);
}

static enum ec_status handle_all(struct round *r, const struct ec_outbox *outbox, struct ec_err *err) {
    enum ec_status status = EC_OK;
    for (size_t i = 0; status == EC_OK && i < outbox->count; i++) {
        if (!is_wanted(r, outbox->id[i])) continue;
        struct ec_arena arena;
        struct ec_message m;
        struct ec_err cause = {0};
        ec_arena_init(&arena, ARENA_MAX);
        if (ec_outbox_load(r->o->project, outbox->id[i], &arena, &m, &cause) == EC_OK) {
            status = handle(r, &m, err);
        } else { /* the others' turn comes all the same */
            r->outcome->waiting++;
            ec_buf_printf(r->problems, "%s\n", cause.message);
        }
        ec_arena_deinit(&arena);
    }
    return status;
}

/* A moment is given to a process that delivers already; what it leaves is ours. */
static enum ec_status take_lock(const struct round *r, int *lock, struct ec_err *err) {
    int64_t until = ec_monotonic_micros() + PATIENCE_S * EC_MICROS_PER_SECOND;
    for (;;) {
        struct ec_err cause = {0};
        enum ec_status status = ec_outbox_lock(r->o->project, lock, &cause);
        bool over = ec_monotonic_micros() >= until || (r->o->cancelled && r->o->cancelled());
        if (status != EC_LOCKED || over) return status == EC_OK ? EC_OK : ec_fail(err, status, "%s", cause.message);
        (void)poll(NULL, 0, TICK_MS);
    }
}

enum ec_status ec_deliver_pending(const struct ec_deliver_options *options, struct ec_deliver_outcome *outcome,
                                  struct ec_buf *problems, struct ec_err *err) {
    struct round r = {.o = options, .outcome = outcome, .problems = problems};
    struct ec_outbox outbox;
    int lock = -1;
    *outcome = (struct ec_deliver_outcome){0};
    enum ec_status status = ec_outbox_list(options->project, &outbox, err);
    if (status != EC_OK || outbox.count == 0) goto done;
    status = ec_outbox_confirm(options->project, err);
    if (status != EC_OK) goto done;
    status = take_lock(&r, &lock, err);
    if (status == EC_LOCKED) { /* it may deliver ours, too; whether it did, the next run will know */
        if (err) *err = (struct ec_err){0};
        ec_buf_addz(problems, _("another process delivers alerts; what it leaves waits for the next run\n"));
        outcome->waiting = outbox.count;
        status = EC_OK;
        goto done;
    }
    if (status != EC_OK) goto done;
    ec_outbox_deinit(&outbox);
    status = ec_outbox_list(options->project, &outbox, err); /* the other one may have taken some */
    if (status == EC_OK) status = ec_journal_read(options->project, &r.journal, err);
    r.until_us = ec_monotonic_micros() + (int64_t)EC_DELIVER_SECONDS_MAX * EC_MICROS_PER_SECOND;
    if (status == EC_OK) status = handle_all(&r, &outbox, err);
    ec_journal_deinit(&r.journal);
done:
    ec_outbox_unlock(lock);
    ec_outbox_deinit(&outbox);
    return status;
}
