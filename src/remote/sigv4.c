#include "remote/sigv4.h"

#include "base/calendar.h"
#include "base/hash.h"
#include "base/limits.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define MAC_BYTES  32u
#define DAY_BYTES  8u
#define SECRET_MAX 256u

void ec_sigv4_time(int64_t micros, char out[EC_SIGV4_TIME]) {
    char text[32];
    text[ec_datetime_format(micros, text)] = '\0'; /* 2013-05-24T00:00:00.000000Z */
    static const unsigned char from[] = {0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 14, 15, 17, 18};
    for (size_t i = 0; i < sizeof from; i++) out[i] = text[from[i]];
    out[sizeof from] = 'Z';
    out[sizeof from + 1] = '\0';
}

/* A value without space at its ends, and with one for several within. */
static void add_value(struct ec_buf *out, const char *value) {
    bool gap = false, begun = false;
    for (; *value; value++) {
        if (*value == ' ' || *value == '\t') {
            gap = begun;
            continue;
        }
        if (gap) ec_buf_addc(out, ' ');
        ec_buf_addc(out, *value);
        gap = false;
        begun = true;
    }
}

static void add_names(struct ec_buf *out, const struct ec_sigv4 *r) {
    for (size_t i = 0; i < r->header_count; i++) ec_buf_printf(out, "%s%s", i ? ";" : "", r->header[i].name);
}

void ec_sigv4_canonical(const struct ec_sigv4 *r, struct ec_buf *out) {
    ec_buf_printf(out, "%s\n%s\n%s\n", r->method, r->path, r->query);
    for (size_t i = 0; i < r->header_count; i++) {
        ec_buf_printf(out, "%s:", r->header[i].name);
        add_value(out, r->header[i].value);
        ec_buf_addc(out, '\n');
    }
    ec_buf_addc(out, '\n');
    add_names(out, r);
    ec_buf_printf(out, "\n%s", r->payload);
}

static bool mac(const void *key, size_t key_n, const char *text, size_t n, unsigned char out[MAC_BYTES]) {
    unsigned got = 0;
    return HMAC(EVP_sha256(), key, (int)key_n, (const unsigned char *)text, n, out, &got) && got == MAC_BYTES;
}

/* The key of the day, region and service. */
static bool derive(const struct ec_sigv4 *r, unsigned char key[MAC_BYTES]) {
    char first[SECRET_MAX + 8];
    int n = snprintf(first, sizeof first, "AWS4%s", r->secret_key);
    bool good = n > 0 && (size_t)n < sizeof first && mac(first, (size_t)n, r->time, DAY_BYTES, key) &&
                mac(key, MAC_BYTES, r->region, strlen(r->region), key) && mac(key, MAC_BYTES, r->service, strlen(r->service), key) &&
                mac(key, MAC_BYTES, "aws4_request", strlen("aws4_request"), key);
    explicit_bzero(first, sizeof first);
    return good;
}

enum ec_status ec_sigv4_authorize(const struct ec_sigv4 *r, struct ec_buf *out, struct ec_err *err) {
    struct ec_buf canonical = ec_buf_make(64 * EC_KIB), text = ec_buf_make(8 * EC_KIB);
    char hex[EC_SHA256_HEX], scope[256];
    unsigned char key[MAC_BYTES], sum[MAC_BYTES] = {0};
    ec_sigv4_canonical(r, &canonical);
    int n = snprintf(scope, sizeof scope, "%.8s/%s/%s/aws4_request", r->time, r->region, r->service);
    enum ec_status status = ec_buf_check(&canonical, err);
    if (status == EC_OK && (n < 0 || (size_t)n >= sizeof scope)) status = ec_fail(err, EC_REMOTE, "the name of the region is too long");
    if (status == EC_OK) status = ec_sha256_bytes(canonical.p, canonical.n, hex, err);
    if (status == EC_OK) {
        ec_buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", r->time, scope, hex);
        status = ec_buf_check(&text, err);
    }
    if (status == EC_OK && (!derive(r, key) || !mac(key, sizeof key, text.p, text.n, sum)))
        status = ec_fail(err, EC_REMOTE_DENIED, "the request cannot be signed: the secret key is longer than %u bytes", SECRET_MAX);
    if (status == EC_OK) {
        ec_buf_printf(out, "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=", r->access_key, scope);
        add_names(out, r);
        ec_buf_addz(out, ",Signature=");
        for (size_t i = 0; i < sizeof sum; i++) ec_buf_printf(out, "%02x", sum[i]);
        status = ec_buf_check(out, err);
    }
    explicit_bzero(key, sizeof key);
    ec_buf_free(&canonical);
    ec_buf_free(&text);
    return status;
}
