/* What the two ways of hashing share: the jobs, and a file being read for one. */
#ifndef EC_BASE_HASHING_PRIVATE_H
#define EC_BASE_HASHING_PRIVATE_H

#include "base/hashing.h"

#include <stdatomic.h>

/* Two pieces of this size stay in the second-level cache between their copy and their hash. */
#define EC_HASH_PIECE ((size_t)128 << 10)

struct ec_hash_work {
    struct ec_hash_job *job;
    const size_t *order; /* the largest first; NULL: as given */
    size_t count;
    atomic_size_t next;
};

/* The bytes of one job after the other. */
struct ec_hash_input {
    struct ec_hash_job *job; /* NULL: none is open */
    int fd;
    uint64_t done;             /* bytes read */
    struct ec_hash_sum *quick; /* owned */
};

enum ec_status ec_hash_input_init(struct ec_hash_input *in, struct ec_err *err) EC_MUST_USE;
void ec_hash_input_deinit(struct ec_hash_input *in);
/* Opens the next job that can be; false when none is left. A job that cannot be opened has its outcome. */
bool ec_hash_input_next(struct ec_hash_input *in, struct ec_hash_work *work);
/* Up to n bytes into `to`; *got is 0 at the end. Where it fails, the job has its outcome and is closed. */
enum ec_status ec_hash_input_read(struct ec_hash_input *in, void *to, size_t n, size_t *got) EC_MUST_USE;
/* At the end: the job has all but its SHA-256, which is written before, and is closed. */
void ec_hash_input_end(struct ec_hash_input *in);
/* The job failed for another reason. */
void ec_hash_input_fail(struct ec_hash_input *in, enum ec_status status, const struct ec_err *err);

#if defined(__x86_64__)
/* Does jobs until none is left, two at a time; where there is no memory for that, it does none. */
enum ec_status ec_hash_in_pairs(struct ec_hash_work *work, struct ec_err *err) EC_MUST_USE;
#endif

#endif
