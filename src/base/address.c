#include "base/address.h"

#define COMPONENT_MAX 240u /* of the 255 of file systems: room for a suffix */
#define BUCKET_MIN    3u
#define BUCKET_MAX    255u /* old buckets of us-east-1; new ones have 63 */

static const char *const schemes[] = {"s3", "hdfs", "webhdfs", "swebhdfs"};

const char *ec_address_scheme(enum ec_address_kind kind) { return schemes[kind]; }

/* Where the authority begins, or NULL. */
static const char *behind_scheme(const char *text, enum ec_address_kind *kind) {
    for (unsigned i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        if (strncmp(text, schemes[i], n) != 0 || strncmp(text + n, "://", 3) != 0) continue;
        *kind = (enum ec_address_kind)i;
        return text + n + 3;
    }
    return NULL;
}

bool ec_is_address(const char *text) {
    enum ec_address_kind kind;
    return behind_scheme(text, &kind) != NULL;
}

bool ec_address_is_s3(const char *text) {
    enum ec_address_kind kind;
    return behind_scheme(text, &kind) && kind == EC_ADDRESS_S3;
}

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static bool is_bucket(struct ec_str name) {
    if (name.n < BUCKET_MIN || name.n > BUCKET_MAX || name.p[0] == '.' || name.p[0] == '-') return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_name_byte(name.p[i]) || (name.p[i] == '.' && name.p[i - 1] == '.')) return false;
    return true;
}

static bool is_host(struct ec_str name) {
    size_t n = 0, digits = 0;
    unsigned port = 0;
    while (n < name.n && is_name_byte(name.p[n])) n++;
    if (n == 0 || name.p[0] == '.' || name.p[0] == '-') return false;
    if (n == name.n) return true;
    if (name.p[n++] != ':') return false;
    for (; n < name.n && name.p[n] >= '0' && name.p[n] <= '9' && digits < 5; n++, digits++) port = port * 10 + (unsigned)(name.p[n] - '0');
    return n == name.n && port > 0 && port <= 65535;
}

bool ec_address_lies_below(const char *text, const char *folder) {
    size_t n = folder ? strlen(folder) : 0;
    return n > 0 && strncmp(text, folder, n) == 0 && text[n] == '/' && ec_address_key_is_path(text + n + 1);
}

enum ec_status ec_address_parse(const char *text, struct ec_address *a, struct ec_err *err) {
    const char *at = behind_scheme(text, &a->kind);
    if (!at) return ec_fail(err, EC_USAGE, "`%.200s` is no address: s3://BUCKET/KEY, hdfs://HOST/PATH or webhdfs://HOST:PORT/PATH", text);
    if (strlen(text) > EC_ADDRESS_MAX) return ec_fail(err, EC_USAGE, "an address has more than %u bytes: %.80s…", EC_ADDRESS_MAX, text);
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F) return ec_fail(err, EC_USAGE, "the address %.200s holds a control character", text);
    a->authority = (struct ec_str){at, strcspn(at, "/")};
    if (memchr(at, '@', a->authority.n)) /* not repeated: what stands before it is a secret */
        return ec_fail(err, EC_USAGE, "an address may hold no user and no password: credentials come from the environment or a file");
    if (at[a->authority.n] != '/') return ec_fail(err, EC_USAGE, "the address %.200s names no object: a slash and a key are missing", text);
    a->key = at + a->authority.n + 1;
    bool good = a->kind == EC_ADDRESS_S3 ? is_bucket(a->authority) : is_host(a->authority);
    if (good) return EC_OK;
    return ec_fail(err, EC_USAGE, a->kind == EC_ADDRESS_S3 ? N_("`%.*s` cannot be the bucket of an address") : N_("`%.*s` cannot be the host of an address"),
                   (int)(a->authority.n < 200 ? a->authority.n : 200), at);
}

bool ec_address_key_is_path(const char *key) {
    for (const char *p = key;; p++) {
        size_t n = strcspn(p, "/");
        if (n == 0 || n > COMPONENT_MAX || (n <= 2 && strncmp(p, "..", n) == 0)) return false;
        p += n;
        if (*p == '\0') return true;
    }
}
