/* Whom a run tells, and how: one struct per entry of `alerts:` in pipeline_config.yaml (docs/alerts.md).
 *
 * A secret is never in the configuration's struct: where it comes from is, and src/deliver/secret.h reads it when a
 * message is sent. A webhook's URL and a header's value may be written as they are; they are secrets all the same and
 * are shown to nobody.
 */
#ifndef EC_CONFIG_ALERT_H
#define EC_CONFIG_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ec_alert_type { EC_ALERT_FILE, EC_ALERT_SMTP, EC_ALERT_WEBHOOK, EC_ALERT_COMMAND };
enum ec_alert_tls { EC_TLS_STARTTLS, EC_TLS_IMPLICIT, EC_TLS_NONE }; /* of a webhook: EC_TLS_IMPLICIT is https */
enum ec_alert_format { EC_HOOK_JSON, EC_HOOK_SLACK, EC_HOOK_TEAMS, EC_HOOK_DISCORD };

#define EC_ALERTS_MAX        64u
#define EC_ALERT_TO_MAX      50u
#define EC_ALERT_WORDS_MAX   64u  /* of a command, with its arguments */
#define EC_ALERT_HEADERS_MAX 16u
#define EC_ALERT_NAME_MAX    40u

enum ec_secret_kind { EC_SECRET_NONE, EC_SECRET_ENV, EC_SECRET_FILE, EC_SECRET_TEXT };

struct ec_secret {
    enum ec_secret_kind kind;
    const char *text; /* the variable's name, the file's path, or the value itself */
};

struct ec_alert_header {
    const char *name;
    struct ec_secret value;
};

struct ec_alert {
    enum ec_alert_type type;
    const char *name;  /* unique; by default the type's, "webhook-2" for the second of a type */
    unsigned severity; /* enum ec_severity: the least that is told */
    int64_t repeat_s;  /* the same failure is told again after this long */
    bool recovery;     /* that all is well again is told, too */
    const char *dashboard; /* an address that messages link to; NULL: the path is named */
    unsigned timeout_s, connect_timeout_s;
    unsigned attempts_max;
    int64_t age_max_s; /* after which a message that could not be delivered is given up */
    enum ec_alert_tls tls;
    const char *ca_file; /* authorities to trust instead of the system's; NULL */
    /* smtp */
    const char *host;
    unsigned port;
    struct ec_secret user, password;
    const char *from, *from_name;
    const char **to;
    size_t to_count;
    /* webhook */
    struct ec_secret url, secret;
    enum ec_alert_format format;
    struct ec_alert_header *header;
    size_t header_count;
    /* command */
    const char **argv; /* of `count` words, and a NULL */
    size_t argv_count;
    const char **env; /* names of variables that it is given */
    size_t env_count;
};

const char *ec_alert_type_name(enum ec_alert_type type);

#endif
