/* One attempt to deliver one message: by SMTP, to a webhook, to a command.
 *
 * EC_OK means that the receiver took it: 250 behind DATA, 2xx, exit code 0. Everything else is EC_DELIVERY with a
 * sentence that holds no secret. An attempt ends within alert->timeout_s, or soon after `cancelled` says so. */
#ifndef EC_DELIVER_SEND_H
#define EC_DELIVER_SEND_H

#include "config/alert.h"
#include "deliver/outbox.h"
#include "deliver/secret.h"
#include "deliver/transport.h"

struct ec_sending {
    const char *project;
    const struct ec_alert *alert;
    const struct ec_message *message;
    bool (*cancelled)(void); /* NULL allowed */
    struct ec_secrets secrets; /* filled in by the sender; the caller scrubs with it, and deinits it */
};

static inline struct ec_transport_options ec_sending_options(const struct ec_sending *s) {
    return (struct ec_transport_options){.project = s->project, .ca_file = s->alert->ca_file, .timeout_s = s->alert->timeout_s,
                                         .connect_timeout_s = s->alert->connect_timeout_s, .cancelled = s->cancelled};
}

enum ec_status ec_send_smtp(struct ec_sending *sending, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_send_webhook(struct ec_sending *sending, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_send_command(struct ec_sending *sending, struct ec_err *err) EC_MUST_USE;
/* Any of them. */
enum ec_status ec_send(const char *project, const struct ec_alert *alert, const struct ec_message *message,
                       bool (*cancelled)(void), struct ec_err *err) EC_MUST_USE;

#endif
