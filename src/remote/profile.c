#include "remote/profile.h"

#include "base/io.h"
#include "base/limits.h"

#include <stdlib.h>

#define FILE_MAX (256 * EC_KIB)

static struct ec_str trim(struct ec_str s) {
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s.p++, s.n--;
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r')) s.n--;
    return s;
}

static bool put(char *out, size_t size, struct ec_str value) {
    if (value.n == 0 || value.n >= size) return false;
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] <= 0x20 || value.p[i] == 0x7F) return false;
    memcpy(out, value.p, value.n);
    out[value.n] = '\0';
    return true;
}

static bool set(struct ec_remote_settings *s, struct ec_str key, struct ec_str value) {
    if (ec_str_is(key, "aws_access_key_id")) return put(s->access_key, sizeof s->access_key, value);
    if (ec_str_is(key, "aws_secret_access_key")) return put(s->secret_key, sizeof s->secret_key, value);
    if (ec_str_is(key, "aws_session_token")) return put(s->token, sizeof s->token, value);
    if (ec_str_is(key, "region") && !s->region[0]) return put(s->region, sizeof s->region, value);
    if (ec_str_is(key, "endpoint_url") && !s->endpoint[0]) return put(s->endpoint, sizeof s->endpoint, value);
    return true; /* another tool's */
}

enum ec_status ec_remote_profile_parse(struct ec_remote_settings *s, struct ec_str text, const char *profile, bool *found,
                                       struct ec_err *err) {
    bool ours = false;
    unsigned line = 0;
    *found = false;
    for (size_t at = 0; at < text.n;) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        size_t n = end ? (size_t)(end - text.p) - at : text.n - at;
        struct ec_str row = trim((struct ec_str){text.p + at, n});
        at += n + 1;
        line++;
        if (row.n == 0 || row.p[0] == '#' || row.p[0] == ';') continue;
        if (row.p[0] == '[' && row.p[row.n - 1] == ']') {
            ours = ec_str_is(trim((struct ec_str){row.p + 1, row.n - 2}), profile);
            *found = *found || ours;
            continue;
        }
        if (!ours) continue;
        const char *sign = memchr(row.p, '=', row.n);
        if (sign && set(s, trim((struct ec_str){row.p, (size_t)(sign - row.p)}), trim((struct ec_str){sign + 1, row.n - (size_t)(sign - row.p) - 1})))
            continue;
        return ec_fail(err, EC_REMOTE_DENIED, "line %u of the file of credentials is no `key = value`, or its value is empty or too long", line);
    }
    return EC_OK;
}

static enum ec_status load(struct ec_remote_settings *s, const char *path, const char *profile, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(FILE_MAX);
    struct ec_err cause = {0};
    bool found = false;
    enum ec_status status = ec_file_load(path, &text, &cause);
    if (status != EC_OK)
        status = ec_fail(err, EC_REMOTE_DENIED, "the credentials cannot be read: %s", cause.message);
    else
        status = ec_remote_profile_parse(s, ec_buf_str(&text), profile, &found, err);
    if (status == EC_OK && (!found || !s->access_key[0] || !s->secret_key[0]))
        status = ec_fail(err, EC_REMOTE_DENIED, "%s holds no aws_access_key_id and aws_secret_access_key for the profile [%s]", path, profile);
    if (status == EC_OK) (void)snprintf(s->keys_from, sizeof s->keys_from, "%.1000s", path);
    if (text.p) explicit_bzero(text.p, text.cap);
    ec_buf_free(&text);
    return status;
}

enum ec_status ec_remote_profile_load(struct ec_remote_settings *s, struct ec_err *err) {
    const char *path = getenv("AWS_SHARED_CREDENTIALS_FILE"), *profile = getenv("AWS_PROFILE"), *home = getenv("HOME");
    bool named = path && *path, chosen = profile && *profile;
    char usual[4096];
    if (!named) {
        if (!home || ec_path_join(usual, sizeof usual, home, ".aws/credentials", NULL) != EC_OK) return EC_OK;
        if (!ec_path_exists(usual) && !chosen) return EC_OK;
        path = usual;
    }
    return load(s, path, chosen ? profile : "default", err);
}
