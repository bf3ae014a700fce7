/* A profile of the file that AWS's tools keep credentials in:
 *
 *     [default]
 *     aws_access_key_id = …
 *     aws_secret_access_key = …
 *
 * It may also hold aws_session_token, region and endpoint_url; what the environment says goes before the last two. */
#ifndef EC_REMOTE_PROFILE_H
#define EC_REMOTE_PROFILE_H

#include "base/buf.h"
#include "remote/settings.h"

/* From the file that AWS_SHARED_CREDENTIALS_FILE names, or ~/.aws/credentials; the profile of AWS_PROFILE, or `default`.
 * Where neither variable is set and there is no such file, nothing is loaded. */
enum ec_status ec_remote_profile_load(struct ec_remote_settings *settings, struct ec_err *err) EC_MUST_USE;
/* The same of a text. *found: the profile is in it. EC_REMOTE_DENIED names a line that cannot be read, without it. */
enum ec_status ec_remote_profile_parse(struct ec_remote_settings *settings, struct ec_str text, const char *profile, bool *found,
                                       struct ec_err *err) EC_MUST_USE;

#endif
