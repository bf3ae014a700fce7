/* What doctor says about alerts. It opens no connection: `ecluse alerts test` does. */
#include "cli/doctor.h"
#include "remote/curl_load.h"
#include "deliver/outbox.h"
#include "deliver/secret.h"
#include "run/paths.h"

static const char secret_fix[] = N_("set the variable where ecluse is started, or write the file: one line, chmod 600");

/* Whether others may read a file of secrets. */
static bool is_open(const struct ec_doctor *d, const struct ec_secret *secret) {
    char path[EC_PATH_MAX];
    struct stat st;
    if (secret->kind != EC_SECRET_FILE) return false;
    if (ec_path_below(path, sizeof path, d->cli->dir, secret->text, NULL) != EC_OK) return false;
    return stat(path, &st) == 0 && (st.st_mode & 077) != 0;
}

static bool check_secret(struct ec_doctor *d, const struct ec_alert *alert, const struct ec_secret *secret, const char *what) {
    struct ec_secrets secrets = {0};
    struct ec_err err = {0};
    const char *value;
    enum ec_status status = ec_secrets_read(&secrets, d->cli->dir, secret, what, &value, &err);
    ec_secrets_deinit(&secrets);
    if (status != EC_OK)
        ec_doctor_say(d, "alerts", EC_FINDING_FAIL, secret_fix, "alert %s: %s", alert->name, err.message);
    else if (is_open(d, secret))
        ec_doctor_say(d, "alerts", EC_FINDING_WARN, _("chmod 600: a secret is for the user who runs ecluse alone"),
                      "alert %s: others may read the file of its `%s`, %s", alert->name, what, secret->text);
    else
        return true;
    return false;
}

static void check_alert(struct ec_doctor *d, const struct ec_alert *alert) {
    struct ec_buf target = ec_buf_make(8192);
    bool good = check_secret(d, alert, &alert->password, "password");
    good &= check_secret(d, alert, &alert->user, "user");
    good &= check_secret(d, alert, &alert->url, "url");
    good &= check_secret(d, alert, &alert->secret, "secret");
    for (size_t i = 0; i < alert->header_count; i++) good &= check_secret(d, alert, &alert->header[i].value, alert->header[i].name);
    if (alert->type != EC_ALERT_COMMAND && alert->type != EC_ALERT_FILE && alert->tls == EC_TLS_NONE)
        ec_doctor_say(d, "alerts", EC_FINDING_WARN, _("leave out `tls: none`, unless the receiver is this machine"),
                      "alert %s is sent without TLS: others may read it on its way", alert->name);
    ec_redact_target(&target, alert, d->cli->dir);
    if (good)
        ec_doctor_say(d, "alerts", EC_FINDING_OK, NULL, "%s: %s", alert->name, ec_buf_str(&target).p);
    ec_buf_free(&target);
}

static void check_outbox(struct ec_doctor *d) {
    struct ec_outbox outbox;
    struct ec_err err = {0};
    if (ec_outbox_list(d->cli->dir, &outbox, &err) != EC_OK)
        ec_doctor_say(d, "alerts", EC_FINDING_FAIL, _("give the user who runs ecluse the right to read data/alerts"), "%s", err.message);
    else if (outbox.count > 0)
        ec_doctor_say(d, "alerts", EC_FINDING_WARN, _("`ecluse alerts list` says why"), "%zu %s undelivered in data/alerts", outbox.count,
                      P_("message lies", "messages lie", outbox.count));
    ec_outbox_deinit(&outbox);
}

void ec_doctor_alerts(struct ec_doctor *d) {
    if (!d->config) return;
    bool network = false;
    for (size_t i = 0; i < d->config->alert_count; i++) {
        const struct ec_alert *alert = &d->config->alert[i];
        if (alert->type == EC_ALERT_FILE) continue;
        network = network || alert->type != EC_ALERT_COMMAND;
        check_alert(d, alert);
    }
    const struct ec_curl *curl;
    struct ec_err err = {0};
    if (network && ec_curl_load(&curl, &err) != EC_OK)
        ec_doctor_say(d, "alerts", EC_FINDING_FAIL, _("apt-get install libcurl4"), "%s", err.message);
    check_outbox(d);
}
