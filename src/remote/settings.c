#include "remote/settings.h"

#include "base/io.h"
#include "base/limits.h"
#include "remote/profile.h"

#include <stdlib.h>
#include <string.h>

#define TRIES       5u
#define TRIES_MAX   20u
#define STALL_S     30u
#define STALL_S_MAX 3600u
#define TOKEN_MAX   (4 * EC_KIB)

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* A variable's text into its room; a control character would end a header. Its value is not repeated: it may be secret. */
static enum ec_status take(char *out, size_t size, const char *name, const char *value, struct ec_err *err) {
    size_t n = value ? strlen(value) : 0;
    bool sound = n < size;
    for (size_t i = 0; i < n && sound; i++) sound = (unsigned char)value[i] > 0x20 && value[i] != 0x7F;
    if (!sound) return ec_fail(err, EC_CONFIG, "the environment variable %s is too long, or holds a space or a line end", name);
    memcpy(out, value ? value : "", n + 1);
    return EC_OK;
}

static enum ec_status take_first(char *out, size_t size, const char *const *names, size_t count, struct ec_err *err) {
    for (size_t i = 0; i < count; i++)
        if (environment(names[i])) return take(out, size, names[i], environment(names[i]), err);
    return EC_OK;
}

static enum ec_status number(unsigned *out, const char *name, unsigned usual, unsigned max, struct ec_err *err) {
    const char *text = environment(name);
    unsigned value = 0;
    *out = usual;
    if (!text) return EC_OK;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9' || (value = value * 10 + (unsigned)(*p - '0')) > max)
            return ec_fail(err, EC_CONFIG, "the environment variable %s is not a number from 1 to %u", name, max);
    }
    if (value == 0) return ec_fail(err, EC_CONFIG, "the environment variable %s is not a number from 1 to %u", name, max);
    *out = value;
    return EC_OK;
}

/* "https://host:port", nothing behind it: a slash goes, and a port that the scheme says already: no Host names it, and
 * the Host is signed. */
static enum ec_status check_url(char *url, const char *what, struct ec_err *err) {
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0, n = strlen(url);
    if (n == 0) return EC_OK;
    if (n > scheme && url[n - 1] == '/') url[--n] = '\0';
    const char *usual = scheme == 8 ? ":443" : ":80";
    if (scheme > 0 && n > scheme + strlen(usual) && strcmp(url + n - strlen(usual), usual) == 0) url[n -= strlen(usual)] = '\0';
    if (scheme == 0 || n == scheme || strpbrk(url + scheme, "/?#@\\"))
        return ec_fail(err, EC_CONFIG, "%s is not https://HOST[:PORT] (or http://, to speak unencrypted)", what);
    return EC_OK;
}

static enum ec_status load_keys(struct ec_remote_settings *s, struct ec_err *err) {
    EC_TRY(take(s->access_key, sizeof s->access_key, "AWS_ACCESS_KEY_ID", environment("AWS_ACCESS_KEY_ID"), err));
    EC_TRY(take(s->secret_key, sizeof s->secret_key, "AWS_SECRET_ACCESS_KEY", environment("AWS_SECRET_ACCESS_KEY"), err));
    if (s->access_key[0] && s->secret_key[0]) {
        (void)snprintf(s->keys_from, sizeof s->keys_from, "%s", _("the environment"));
        return take(s->token, sizeof s->token, "AWS_SESSION_TOKEN", environment("AWS_SESSION_TOKEN"), err);
    }
    if (s->access_key[0] || s->secret_key[0])
        return ec_fail(err, EC_REMOTE_DENIED, "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY one is set and the other is not");
    return ec_remote_profile_load(s, err);
}

static enum ec_status load_token(struct ec_remote_settings *s, struct ec_err *err) {
    const char *path = environment("ECLUSE_WEBHDFS_TOKEN_FILE");
    if (!path) return EC_OK;
    struct ec_buf text = ec_buf_make(TOKEN_MAX);
    struct ec_err cause = {0};
    enum ec_status status = ec_file_load(path, &text, &cause);
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r')) text.p[--text.n] = '\0';
    if (status != EC_OK)
        status = ec_fail(err, EC_REMOTE_DENIED, "ECLUSE_WEBHDFS_TOKEN_FILE: %s", cause.message);
    else if (text.n == 0 || strlen(text.p) != text.n || take(s->hdfs_token, sizeof s->hdfs_token, "", text.p, NULL) != EC_OK)
        status = ec_fail(err, EC_REMOTE_DENIED, "the file that ECLUSE_WEBHDFS_TOKEN_FILE names holds no token: one line without spaces");
    if (text.p) explicit_bzero(text.p, text.cap);
    ec_buf_free(&text);
    return status;
}

enum ec_status ec_remote_settings_load(struct ec_remote_settings *s, struct ec_err *err) {
    static const char *const regions[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    static const char *const endpoints[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"};
    static const char *const bundles[] = {"AWS_CA_BUNDLE"};
    static const char *const users[] = {"HADOOP_USER_NAME", "USER"};
    static const char *const namenodes[] = {"ECLUSE_WEBHDFS"};
    memset(s, 0, sizeof *s);
    EC_TRY(take_first(s->region, sizeof s->region, regions, 2, err));
    EC_TRY(take_first(s->endpoint, sizeof s->endpoint, endpoints, 2, err));
    EC_TRY(take_first(s->ca_file, sizeof s->ca_file, bundles, 1, err));
    EC_TRY(take_first(s->hdfs_user, sizeof s->hdfs_user, users, 2, err));
    EC_TRY(take_first(s->webhdfs, sizeof s->webhdfs, namenodes, 1, err));
    EC_TRY(number(&s->tries, "AWS_MAX_ATTEMPTS", TRIES, TRIES_MAX, err));
    EC_TRY(number(&s->stall_s, "ECLUSE_REMOTE_TIMEOUT", STALL_S, STALL_S_MAX, err));
    EC_TRY(load_keys(s, err));
    EC_TRY(load_token(s, err));
    EC_TRY(check_url(s->endpoint, "AWS_ENDPOINT_URL", err));
    EC_TRY(check_url(s->webhdfs, "ECLUSE_WEBHDFS", err));
    if (!s->region[0]) (void)snprintf(s->region, sizeof s->region, "us-east-1");
    for (const char *p = s->region; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-'))
            return ec_fail(err, EC_CONFIG, "AWS_REGION is no region: small letters, digits and hyphens");
    return EC_OK;
}

void ec_remote_settings_wipe(struct ec_remote_settings *s) { explicit_bzero(s, sizeof *s); }
