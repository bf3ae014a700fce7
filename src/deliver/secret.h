/* Secrets: read when a message is sent, wiped after it, shown to nobody.
 *
 * What the world answers may repeat what it was told: a server its password, a library the address that it could not
 * reach. So a text of others passes ec_secrets_scrub() before it is kept or said.
 *
 *     struct ec_secrets secrets = {0};
 *     const char *password;
 *     status = ec_secrets_read(&secrets, project, &alert->password, "password", &password, err);
 *     ...
 *     ec_secrets_scrub(&secrets, text);
 *     ec_secrets_deinit(&secrets);
 */
#ifndef EC_DELIVER_SECRET_H
#define EC_DELIVER_SECRET_H

#include "base/buf.h"
#include "config/alert.h"

#define EC_SECRET_BYTES_MAX ((size_t)16384)
#define EC_SECRETS_MAX      (EC_ALERT_HEADERS_MAX + EC_ALERT_WORDS_MAX + 8u)
#define EC_SCRUB_MIN        4u /* shorter texts stand in ordinary words */

struct ec_secrets {
    struct ec_buf value[EC_SECRETS_MAX];
    size_t count;
};

/* The secret's value, NUL-terminated and without NUL inside, without a line end behind it; "" for one that is not
 * configured. Borrowed until the deinit. EC_DELIVERY says what is missing: the variable, the file. A path is relative
 * to `project`. */
enum ec_status ec_secrets_read(struct ec_secrets *secrets, const char *project, const struct ec_secret *secret,
                               const char *what, const char **value, struct ec_err *err) EC_MUST_USE;
/* A further text that is to be scrubbed. */
void ec_secrets_add(struct ec_secrets *secrets, const char *p, size_t n);
/* Replaces every secret in the text by "[secret]". */
void ec_secrets_scrub(const struct ec_secrets *secrets, char *text, size_t size);
void ec_secrets_deinit(struct ec_secrets *secrets); /* wipes them */

/* "https://hooks.example.org/…": without user, path, query and fragment, any of which may be a secret. */
void ec_redact_url(struct ec_buf *out, const char *url);
/* Where the alert's messages go, fit to be shown: "smtp://mx.example.org:587 to a@example.org". */
void ec_redact_target(struct ec_buf *out, const struct ec_alert *alert, const char *project);

#endif
