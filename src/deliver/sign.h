/* Signatures of webhooks, after the Standard Webhooks specification 1.0.0
 * (https://github.com/standard-webhooks/standard-webhooks): HMAC-SHA256 over `id.timestamp.body`. */
#ifndef EC_DELIVER_SIGN_H
#define EC_DELIVER_SIGN_H

#include "base/buf.h"

/* "v1,<base64>" appended. The key is the secret's bytes, or, where it begins with `whsec_`, what the base64 behind
 * that stands for. EC_DELIVERY where that is no base64. */
enum ec_status ec_sign(struct ec_buf *out, const char *secret, const char *id, int64_t timestamp_s, struct ec_str body,
                       struct ec_err *err) EC_MUST_USE;

#endif
