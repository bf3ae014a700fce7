#include "base/sha256.h"

#include "base/io.h"

#include <openssl/evp.h>

struct ec_sha256 {
    EVP_MD_CTX *ctx;
};

static enum ec_status refused(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "libcrypto could not compute a SHA-256");
}

enum ec_status ec_sha256_create(struct ec_sha256 **out, struct ec_err *err) {
    struct ec_sha256 *sha = ec_calloc(1, sizeof *sha);
    if (!sha) return refused(err);
    sha->ctx = EVP_MD_CTX_new();
    if (!sha->ctx || EVP_DigestInit_ex(sha->ctx, EVP_sha256(), NULL) != 1) {
        ec_sha256_destroy(sha);
        return refused(err);
    }
    *out = sha;
    return EC_OK;
}

enum ec_status ec_sha256_add(struct ec_sha256 *sha, const void *p, size_t n, struct ec_err *err) {
    return EVP_DigestUpdate(sha->ctx, p, n) == 1 ? EC_OK : refused(err);
}

enum ec_status ec_sha256_end(struct ec_sha256 *sha, char hex[EC_SHA256_HEX], struct ec_err *err) {
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_DigestFinal_ex(sha->ctx, digest, NULL) != 1) return refused(err);
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[64] = '\0';
    return EVP_DigestInit_ex(sha->ctx, EVP_sha256(), NULL) == 1 ? EC_OK : refused(err);
}

void ec_sha256_destroy(struct ec_sha256 *sha) {
    if (!sha) return;
    EVP_MD_CTX_free(sha->ctx);
    ec_free(sha);
}
