#include "parts.h"

#include <zlib.h>

static void le(struct ec_buf *out, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) ec_buf_addc(out, i < sizeof value ? (char)(value >> 8 * i & 0xff) : 0);
}

/* What the local header and the central record have in common (APPNOTE 4.3.7, 4.3.12). */
static void common(struct ec_buf *out, const struct fuzz_member *m) {
    le(out, 20, 2); /* version needed */
    le(out, 0, 2);  /* flags */
    le(out, 0, 2);  /* stored */
    le(out, 0, 4);  /* time and date */
    le(out, crc32(0, (const Bytef *)m->bytes.p, (uInt)m->bytes.n), 4);
    le(out, m->bytes.n, 4);
    le(out, m->bytes.n, 4);
    le(out, m->name.n, 2);
    le(out, 0, 2); /* extra field */
}

void fuzz_zip(const struct fuzz_member *member, size_t count, struct ec_buf *out) {
    size_t start = out->n, at[64];
    if (count > sizeof at / sizeof *at) count = sizeof at / sizeof *at;
    for (size_t i = 0; i < count; i++) {
        at[i] = out->n - start;
        le(out, 0x04034b50, 4);
        common(out, &member[i]);
        ec_buf_add(out, member[i].name.p, member[i].name.n);
        ec_buf_add(out, member[i].bytes.p, member[i].bytes.n);
    }
    size_t directory = out->n - start;
    for (size_t i = 0; i < count; i++) {
        le(out, 0x02014b50, 4);
        le(out, 20, 2);
        common(out, &member[i]);
        le(out, 0, 2 + 2 + 2 + 4); /* comment, disk, attributes */
        le(out, at[i], 4);
        ec_buf_add(out, member[i].name.p, member[i].name.n);
    }
    size_t bytes = out->n - start - directory;
    le(out, 0x06054b50, 4);
    le(out, 0, 4);
    le(out, count, 2);
    le(out, count, 2);
    le(out, bytes, 4);
    le(out, directory, 4);
    le(out, 0, 2);
    FUZZ_CHECK(!out->failed, "no memory for an archive");
}
