#include "base/hash.h"

#include "base/io.h"

#include <openssl/evp.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define READ_BYTES ((size_t)256 << 10)

static void to_hex(const unsigned char *digest, char hex[EC_SHA256_HEX]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[64] = '\0';
}

enum ec_status ec_sha256_bytes(const void *p, size_t n, char hex[EC_SHA256_HEX], struct ec_err *err) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(p, n, digest, NULL, EVP_sha256(), NULL) != 1)
        return ec_fail(err, EC_NO_MEMORY, "libcrypto could not compute a SHA-256");
    to_hex(digest, hex);
    return EC_OK;
}

/* Feeds up to n bytes from offset on; *bytes says how many there were. */
static enum ec_status hash_range(int fd, const char *path, EVP_MD_CTX *ctx, char *buf, uint64_t offset, uint64_t n,
                                 uint64_t *bytes, struct ec_err *err) {
    while (*bytes < n) {
        size_t ask = n - *bytes < READ_BYTES ? (size_t)(n - *bytes) : READ_BYTES, got;
        EC_TRY(ec_file_read_at(fd, buf, ask, (off_t)(offset + *bytes), &got, path, err));
        if (got == 0) return EC_OK;
        *bytes += got;
        if (EVP_DigestUpdate(ctx, buf, got) != 1)
            return ec_fail(err, EC_NO_MEMORY, "libcrypto could not compute a SHA-256");
    }
    return EC_OK;
}

static enum ec_status hash_file(const char *path, uint64_t offset, uint64_t n, char hex[EC_SHA256_HEX], uint64_t *bytes,
                                struct ec_err *err) {
    int fd;
    EC_TRY(ec_file_open(path, &fd, NULL, err));
    enum ec_status status = EC_OK;
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    char *buf = ec_malloc(READ_BYTES);
    *bytes = 0;
    if (!ctx || !buf || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        status = ec_fail(err, EC_NO_MEMORY, "no memory to read %s", path);
        goto done;
    }
    status = hash_range(fd, path, ctx, buf, offset, n, bytes, err);
    if (status != EC_OK) goto done;
    if (EVP_DigestFinal_ex(ctx, digest, NULL) != 1) {
        status = ec_fail(err, EC_NO_MEMORY, "libcrypto could not compute a SHA-256");
        goto done;
    }
    to_hex(digest, hex);
done:
    ec_free(buf);
    EVP_MD_CTX_free(ctx);
    (void)ec_io.close(fd);
    return status;
}

enum ec_status ec_sha256_file(const char *path, char hex[EC_SHA256_HEX], uint64_t *bytes, struct ec_err *err) {
    return hash_file(path, 0, INT64_MAX, hex, bytes, err);
}

enum ec_status ec_sha256_range(const char *path, uint64_t offset, uint64_t n, char hex[EC_SHA256_HEX], struct ec_err *err) {
    uint64_t bytes;
    EC_TRY(hash_file(path, offset, n, hex, &bytes, err));
    if (bytes == n) return EC_OK;
    return ec_fail(err, EC_UNREADABLE, "%s is shorter than its directory says", path);
}

struct ec_hash128 ec_hash128(const void *p, size_t n) {
    XXH128_hash_t h = XXH3_128bits(p, n);
    return (struct ec_hash128){h.high64, h.low64};
}

/* XXH3 wants its state on a cache line. */
struct ec_hash_sum {
    XXH3_state_t *state; /* within room */
    char room[sizeof(XXH3_state_t) + 63];
};

enum ec_status ec_hash_sum_create(struct ec_hash_sum **out, struct ec_err *err) {
    struct ec_hash_sum *sum = ec_calloc(1, sizeof *sum);
    *out = sum;
    if (!sum) return ec_fail(err, EC_NO_MEMORY, "no memory for a hash");
    sum->state = (XXH3_state_t *)(void *)(sum->room + (64 - (uintptr_t)sum->room % 64) % 64);
    (void)XXH3_128bits_reset(sum->state);
    return EC_OK;
}

void ec_hash_sum_add(struct ec_hash_sum *sum, const void *p, size_t n) {
    if (n > 0) (void)XXH3_128bits_update(sum->state, p, n);
}

struct ec_hash128 ec_hash_sum_end(struct ec_hash_sum *sum) {
    XXH128_hash_t h = XXH3_128bits_digest(sum->state);
    (void)XXH3_128bits_reset(sum->state);
    return (struct ec_hash128){h.high64, h.low64};
}

void ec_hash_sum_destroy(struct ec_hash_sum *sum) { ec_free(sum); }

uint64_t ec_hash64(const void *p, size_t n) { return XXH3_64bits(p, n); }
