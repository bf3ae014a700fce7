#include "deliver/sign.h"

#include "base/base64.h"
#include "base/limits.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define KEY_MAX    ((size_t)16384)
#define SIGNED_MAX ((size_t)8 * EC_MIB)

/* Base64 with its padding; false for anything else. */
static bool decode(struct ec_buf *key, const char *text) {
    size_t n = strlen(text);
    char *to = n % 4 == 0 && n > 0 ? ec_buf_reserve(key, n) : NULL;
    int got = to ? EVP_DecodeBlock((unsigned char *)to, (const unsigned char *)text, (int)n) : -1;
    if (got < 0) return false;
    key->n = (size_t)got - (text[n - 1] == '=') - (text[n - 2] == '=');
    return true;
}

enum ec_status ec_sign(struct ec_buf *out, const char *secret, const char *id, int64_t timestamp_s, struct ec_str body,
                       struct ec_err *err) {
    static const char prefix[] = "whsec_";
    struct ec_buf key = ec_buf_make(KEY_MAX), text = ec_buf_make(SIGNED_MAX);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_n = 0;
    bool encoded = strncmp(secret, prefix, sizeof prefix - 1) == 0;
    bool good = true;
    if (encoded)
        good = decode(&key, secret + sizeof prefix - 1);
    else
        ec_buf_addz(&key, secret);
    ec_buf_printf(&text, "%s.%lld.", id, (long long)timestamp_s);
    ec_buf_add(&text, body.p, body.n);
    enum ec_status status = good ? ec_buf_check(&text, err) : ec_fail(err, EC_DELIVERY, "its `secret` begins with whsec_ and is no base64 behind it");
    if (status == EC_OK) status = ec_buf_check(&key, err);
    if (status == EC_OK && !HMAC(EVP_sha256(), key.p ? key.p : "", (int)key.n, (const unsigned char *)text.p, text.n, mac, &mac_n))
        status = ec_fail(err, EC_DELIVERY, "the message cannot be signed");
    if (status == EC_OK) {
        ec_buf_addz(out, "v1,");
        ec_base64_add(out, mac, mac_n);
    }
    if (key.p) explicit_bzero(key.p, key.cap);
    ec_buf_free(&key);
    ec_buf_free(&text);
    return status;
}
