/* SHA-256 of what arrives in pieces. For whole files and texts see base/hash.h.
 *
 *     struct ec_sha256 *sha;
 *     EC_TRY(ec_sha256_create(&sha, err));
 *     EC_TRY(ec_sha256_add(sha, p, n, err));       // any number of times
 *     EC_TRY(ec_sha256_end(sha, hex, err));        // and it is ready for the next
 *     ec_sha256_destroy(sha);
 */
#ifndef EC_BASE_SHA256_H
#define EC_BASE_SHA256_H

#include "base/hash.h"

struct ec_sha256;

enum ec_status ec_sha256_create(struct ec_sha256 **sha, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_sha256_add(struct ec_sha256 *sha, const void *p, size_t n, struct ec_err *err) EC_MUST_USE;
/* Writes the digest and begins anew. */
enum ec_status ec_sha256_end(struct ec_sha256 *sha, char hex[EC_SHA256_HEX], struct ec_err *err) EC_MUST_USE;
void ec_sha256_destroy(struct ec_sha256 *sha); /* NULL allowed */

#endif
