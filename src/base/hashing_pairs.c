/* Two jobs at a time on one thread: base/sha256_lanes.h says why. */
#if defined(__x86_64__)

#include "base/hashing_private.h"

#include "base/io.h"
#include "base/sha256_lanes.h"

/* A job in its lane: what was read of it and is not hashed yet lies at buf[at, n). */
struct half {
    struct ec_hash_input in;
    struct ec_sha256_lane lane;
    char *buf;
    size_t at, n;
};

static void end_job(struct half *h) {
    ec_sha256_lane_end(&h->lane, h->buf + h->at, h->n - h->at, h->in.done, h->in.job->hex);
    ec_hash_input_end(&h->in);
}

/* Moves what is left of a block to the front and reads on. */
static void read_on(struct half *h) {
    size_t rest = h->n - h->at, got;
    if (rest > 0 && h->at > 0) memmove(h->buf, h->buf + h->at, rest);
    h->at = 0;
    h->n = rest;
    if (ec_hash_input_read(&h->in, h->buf + rest, EC_HASH_PIECE, &got) != EC_OK) return;
    h->n += got;
    if (got == 0) end_job(h);
}

/* The number of blocks at hand, of the next job where this one ended; 0 when none is left. */
static size_t blocks(struct half *h, struct ec_hash_work *work) {
    for (;;) {
        if (!h->in.job) {
            if (!ec_hash_input_next(&h->in, work)) return 0;
            ec_sha256_lane_begin(&h->lane);
            h->at = h->n = 0;
        }
        if (h->n - h->at >= EC_SHA256_BLOCK) return (h->n - h->at) / EC_SHA256_BLOCK;
        read_on(h);
    }
}

static void hash(struct half *a, struct half *b, struct ec_hash_work *work) {
    size_t of_a, of_b;
    while (of_a = blocks(a, work), of_b = blocks(b, work), of_a + of_b > 0) {
        size_t both = of_a < of_b ? of_a : of_b;
        if (both > 0) {
            ec_sha256_lanes_add(&a->lane, a->buf + a->at, &b->lane, b->buf + b->at, both);
            a->at += both * EC_SHA256_BLOCK;
            b->at += both * EC_SHA256_BLOCK;
            continue;
        }
        struct half *one = of_a > 0 ? a : b;
        ec_sha256_lane_add(&one->lane, one->buf + one->at, of_a + of_b);
        one->at += (of_a + of_b) * EC_SHA256_BLOCK;
    }
}

enum ec_status ec_hash_in_pairs(struct ec_hash_work *work, struct ec_err *err) {
    struct half half[2] = {0};
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < 2; i++) {
        half[i].buf = ec_malloc(EC_HASH_PIECE + EC_SHA256_BLOCK);
        enum ec_status made = ec_hash_input_init(&half[i].in, err);
        if (made != EC_OK || !half[i].buf) status = ec_fail(err, EC_NO_MEMORY, "no memory to hash files");
    }
    if (status == EC_OK) hash(&half[0], &half[1], work);
    for (size_t i = 0; i < 2; i++) {
        ec_hash_input_deinit(&half[i].in);
        ec_free(half[i].buf);
    }
    return status;
}

#endif
