/* gzip: what we accept zlib accepts, with the same bytes; what zlib accepts we accept; any step of reading gives
 * the same. Since CRC and length keep nearly every made-up file from its end, the target also mends them. */
#include "kit.h"

#include "source/layer.h"

#include <stdlib.h>
#include <zlib.h>

#define DECODED_MAX (8 * EC_MIB)

/* All bytes, then the error. */
static enum ec_status ours(const char *p, size_t n, size_t step, size_t ask, struct ec_buf *out) {
    struct ec_err err = {0};
    struct ec_stream *memory = NULL, *stream = NULL;
    char *copy = fuzz_copy(p, n);
    fuzz_need(ec_stream_memory(copy, n, step, &memory, &err), &err);
    enum ec_status status = ec_stream_gzip(memory, DECODED_MAX, &stream, &err);
    size_t got = 1;
    while (status == EC_OK && got > 0) {
        char *to = ec_buf_reserve(out, ask);
        if (!to) fuzz_fail("more bytes than were allowed");
        status = ec_stream_read(stream, to, ask, &got, &err);
        if (status == EC_OK) out->n += got;
    }
    ec_stream_close(stream);
    free(copy);
    return status;
}

/* RFC 1952 by zlib: members one behind the other, nothing else. False where it is damaged or too long. */
static bool theirs(const char *p, size_t n, struct ec_buf *out) {
    z_stream z = {0};
    if (n == 0 || inflateInit2(&z, 15 + 16) != Z_OK) return false;
    z.next_in = (Bytef *)(uintptr_t)p;
    z.avail_in = (uInt)n;
    int code = Z_OK;
    for (;;) {
        unsigned char *to = (unsigned char *)ec_buf_reserve(out, 65536);
        if (!to) break;
        z.next_out = to;
        z.avail_out = 65536;
        code = inflate(&z, Z_NO_FLUSH);
        out->n += 65536 - z.avail_out;
        if (code == Z_STREAM_END && z.avail_in > 0 && inflateReset(&z) == Z_OK) {
            code = Z_OK;
            continue;
        }
        if (code != Z_OK || out->n > DECODED_MAX) break;
    }
    (void)inflateEnd(&z);
    return code == Z_STREAM_END && out->n <= DECODED_MAX;
}

static void agree(const char *p, size_t n, struct fuzz_choice *choice) {
    struct ec_buf a = ec_buf_make(2 * DECODED_MAX), b = ec_buf_make(2 * DECODED_MAX), z = ec_buf_make(2 * DECODED_MAX);
    enum ec_status status = ours(p, n, 0, 1 << 20, &a);
    enum ec_status again = ours(p, n, 1 + fuzz_pick(choice, 40), 1 + fuzz_pick(choice, 70000), &b);
    FUZZ_CHECK(status == again, "%s at once, %s in steps", ec_status_text(status)->slug, ec_status_text(again)->slug);
    if (status == EC_OK) FUZZ_CHECK(ec_str_eq(ec_buf_str(&a), ec_buf_str(&b)), "other bytes in steps");
    bool good = theirs(p, n, &z);
    if (status == EC_OK) FUZZ_CHECK(good, "accepted, and zlib refuses it");
    if (good && n >= 18)
        FUZZ_CHECK(status == EC_OK || status == EC_BOMB, "%s, and zlib accepts it", ec_status_text(status)->slug);
    if (status == EC_OK) FUZZ_CHECK(ec_str_eq(ec_buf_str(&a), ec_buf_str(&z)), "other bytes than zlib's");
    ec_buf_free(&a);
    ec_buf_free(&b);
    ec_buf_free(&z);
}

/* The deflate data behind ten bytes of header as a whole member, where they end; *out is empty where not. */
static void mend(const char *p, size_t n, struct ec_buf *out) {
    static const unsigned char header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    z_stream z = {0};
    unsigned char decoded[16384];
    if (n < 11 || inflateInit2(&z, -15) != Z_OK) return;
    z.next_in = (Bytef *)(uintptr_t)(p + 10);
    z.avail_in = (uInt)(n - 10);
    uLong crc = crc32(0, NULL, 0);
    int code;
    do {
        z.next_out = decoded;
        z.avail_out = sizeof decoded;
        code = inflate(&z, Z_NO_FLUSH);
        crc = crc32(crc, decoded, (uInt)(sizeof decoded - z.avail_out));
    } while (code == Z_OK && z.total_out < DECODED_MAX);
    if (code == Z_STREAM_END) {
        uint32_t trailer[2] = {(uint32_t)crc, (uint32_t)z.total_out}; /* little-endian, as the machines that fuzz are */
        ec_buf_add(out, header, sizeof header);
        ec_buf_add(out, p + 10, z.total_in);
        ec_buf_add(out, trailer, sizeof trailer);
    }
    (void)inflateEnd(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    const char *p = (const char *)bytes;
    struct fuzz_choice choice = fuzz_choice_of(p, n);
    if (n > 0) agree(p, n, &choice); /* no bytes at all are no matter of this layer */
    struct ec_buf mended = ec_buf_make(EC_MIB);
    mend(p, n, &mended);
    if (mended.n > 0) agree(mended.p, mended.n, &choice);
    ec_buf_free(&mended);
    return 0;
}
