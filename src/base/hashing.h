/* SHA-256 of many files, by several threads, and two files at a time on each where the processor can:
 * before a run every new file is read once for it.
 *
 *     struct ec_hash_job job[] = {{.path = "a.csv", .bytes = EC_HASH_WHOLE}, {.path = "b.zip", .offset = 60, .bytes = 1000}};
 *     ec_hash_all(job, 2, threads);
 *     // job[i].status, .message, .hex, .bytes
 */
#ifndef EC_BASE_HASHING_H
#define EC_BASE_HASHING_H

#include "base/hash.h"

#include <stdbool.h>

#define EC_HASH_WHOLE UINT64_MAX

struct ec_hash_job {
    const char *path; /* borrowed */
    uint64_t offset;
    uint64_t bytes;    /* of a range, or EC_HASH_WHOLE; then receives the file's */
    bool with_quick;   /* asks for `quick` */
    struct ec_hash128 quick; /* ec_hash128 of the very bytes that the SHA-256 is of */
    char hex[EC_SHA256_HEX];
    enum ec_status status;
    char message[256]; /* why not */
};

/* Does all jobs; each has its own outcome. At most `threads` threads, fewer where there is little to read. */
void ec_hash_all(struct ec_hash_job *job, size_t count, unsigned threads);

#endif
