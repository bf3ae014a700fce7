/* Fingerprints: SHA-256 for what people compare and what must not be forged, XXH3
 * for what is only ours. */
#ifndef EC_BASE_HASH_H
#define EC_BASE_HASH_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define EC_SHA256_HEX 65 /* with the NUL */

enum ec_status ec_sha256_file(const char *path, char hex[EC_SHA256_HEX], uint64_t *bytes, struct ec_err *err) EC_MUST_USE;
/* Of n bytes from offset; fewer than n is EC_UNREADABLE. */
enum ec_status ec_sha256_range(const char *path, uint64_t offset, uint64_t n, char hex[EC_SHA256_HEX], struct ec_err *err) EC_MUST_USE;
enum ec_status ec_sha256_bytes(const void *p, size_t n, char hex[EC_SHA256_HEX], struct ec_err *err) EC_MUST_USE;

struct ec_hash128 {
    uint64_t hi;
    uint64_t lo;
};

struct ec_hash128 ec_hash128(const void *p, size_t n); /* XXH3, no seed: stable over versions */
/* The same of what arrives in pieces; after its end it is ready for the next. */
struct ec_hash_sum;
enum ec_status ec_hash_sum_create(struct ec_hash_sum **sum, struct ec_err *err) EC_MUST_USE;
void ec_hash_sum_add(struct ec_hash_sum *sum, const void *p, size_t n);
struct ec_hash128 ec_hash_sum_end(struct ec_hash_sum *sum);
void ec_hash_sum_destroy(struct ec_hash_sum *sum); /* NULL allowed */
uint64_t ec_hash64(const void *p, size_t n);

#endif
