#include "read/transcode.h"

#include "base/io.h"
#include "base/utf8.h"

#include <string.h>

#define INPUT_BYTES             ((size_t)32 * 1024)
#define BYTE_ORDER_MARK         0xFEFFu
#define BYTE_ORDER_MARK_SWAPPED 0xFFFEu

enum encoding { LATIN_1, WINDOWS_1252, UTF_16LE, UTF_16BE };

struct ec_transcode {
    struct ec_stream *stream;
    const char *name;
    enum encoding encoding;
    bool started;
    bool ended;
    uint32_t high; /* a high surrogate that waits for its partner, or 0 */
    size_t at;
    size_t n;
    unsigned char in[INPUT_BYTES];
};

/* 0x80 to 0x9F of windows-1252; 0 is undefined. */
static const uint16_t WINDOWS[32] = {0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                     0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017D, 0,
                                     0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                     0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

enum ec_status ec_transcode_create(const char *encoding, struct ec_stream *stream, struct ec_transcode **transcode,
                                   struct ec_err *err) {
    static const char *const names[] = {"latin-1", "windows-1252", "utf-16le", "utf-16be"};
    *transcode = NULL;
    if (!encoding || strcmp(encoding, "utf-8") == 0) return EC_OK;
    size_t i = 0;
    while (i < sizeof names / sizeof *names && strcmp(names[i], encoding) != 0) i++;
    if (i == sizeof names / sizeof *names)
        return ec_fail(err, EC_CONFIG, "unknown encoding %s; use utf-8, latin-1, windows-1252, utf-16le or utf-16be",
                       encoding);
    struct ec_transcode *t = ec_malloc(sizeof *t);
    if (!t) return ec_fail(err, EC_NO_MEMORY, "no memory to decode %s", encoding);
    t->stream = stream;
    t->name = names[i];
    t->encoding = (enum encoding)i;
    t->started = t->ended = false;
    t->high = 0;
    t->at = t->n = 0;
    *transcode = t;
    return EC_OK;
}

void ec_transcode_destroy(struct ec_transcode *transcode) {
    ec_free(transcode);
}

/* Keeps what is left (half a unit) and reads behind it. */
static enum ec_status refill(struct ec_transcode *t, struct ec_err *err) {
    size_t left = t->n - t->at, got;
    memmove(t->in, t->in + t->at, left);
    t->at = 0;
    t->n = left;
    EC_TRY(ec_stream_read(t->stream, t->in + left, INPUT_BYTES - left, &got, err));
    t->n += got;
    t->ended = got == 0;
    return EC_OK;
}

/* One byte of a single-byte encoding; its length in UTF-8. */
static size_t put_byte(const struct ec_transcode *t, unsigned char byte, char *out) {
    uint32_t code = byte;
    if (t->encoding == WINDOWS_1252 && byte >= 0x80 && byte <= 0x9F) code = WINDOWS[byte - 0x80];
    if (code != 0 || byte == 0) return ec_utf8_encode(code, out);
    out[0] = (char)byte; /* undefined: alone it is not UTF-8 */
    return 1;
}

/* A surrogate encoded as if it were a character, which strict UTF-8 refuses. */
static size_t put_surrogate(uint32_t unit, char *out) {
    out[0] = (char)(0xE0 | unit >> 12);
    out[1] = (char)(0x80 | (unit >> 6 & 0x3F));
    out[2] = (char)(0x80 | (unit & 0x3F));
    return 3;
}

static size_t put_unit(struct ec_transcode *t, uint32_t unit, char *out) {
    bool is_high = unit >= 0xD800 && unit <= 0xDBFF, is_low = unit >= 0xDC00 && unit <= 0xDFFF;
    size_t n = 0;
    if (t->high && is_low) {
        n = ec_utf8_encode(0x10000 + ((t->high - 0xD800) << 10) + (unit - 0xDC00), out);
        t->high = 0;
        return n;
    }
    if (t->high) n = put_surrogate(t->high, out);
    t->high = is_high ? unit : 0;
    if (is_high) return n;
    return n + (is_low ? put_surrogate(unit, out + n) : ec_utf8_encode(unit, out + n));
}

static size_t put_end(struct ec_transcode *t, char *out) {
    size_t n = t->high ? put_surrogate(t->high, out) : 0;
    if (t->at < t->n) out[n++] = '\xff'; /* half a unit */
    t->high = 0;
    t->at = t->n;
    return n;
}

static size_t put_bytes(struct ec_transcode *t, char *buf, size_t n) {
    size_t used = 0;
    while (t->at < t->n && n - used >= EC_TRANSCODE_ROOM) used += put_byte(t, t->in[t->at++], buf + used);
    return used;
}

static size_t put_units(struct ec_transcode *t, char *buf, size_t n) {
    size_t used = 0;
    for (; t->n - t->at >= 2 && n - used >= EC_TRANSCODE_ROOM; t->at += 2) {
        uint32_t first = t->in[t->at], second = t->in[t->at + 1];
        used += put_unit(t, t->encoding == UTF_16LE ? first | second << 8 : first << 8 | second, buf + used);
    }
    return used;
}

/* Needs the first two bytes, or all there are. */
static enum ec_status check_mark(struct ec_transcode *t, struct ec_err *err) {
    t->started = true;
    if (t->n < 2) return EC_OK;
    uint32_t first = t->in[0], second = t->in[1];
    uint32_t little = first | second << 8;
    uint32_t contrary = t->encoding == UTF_16LE ? BYTE_ORDER_MARK_SWAPPED : BYTE_ORDER_MARK;
    if (t->encoding >= UTF_16LE && little != contrary) return EC_OK;
    if (t->encoding < UTF_16LE && little != BYTE_ORDER_MARK && little != BYTE_ORDER_MARK_SWAPPED) return EC_OK;
    return ec_fail(err, EC_ENCODING,
                   "the source declares %s, but the file starts with the mark of %s; correct `encoding:`", t->name,
                   little == BYTE_ORDER_MARK ? "utf-16le" : "utf-16be");
}

enum ec_status ec_transcode_read(struct ec_transcode *t, char *buf, size_t n, size_t *got, struct ec_err *err) {
    bool wide = t->encoding >= UTF_16LE;
    *got = 0;
    while (!t->started) {
        EC_TRY(refill(t, err));
        if (t->n >= 2 || t->ended) EC_TRY(check_mark(t, err));
    }
    for (;;) {
        *got = wide ? put_units(t, buf, n) : put_bytes(t, buf, n);
        if (*got > 0) return EC_OK;
        if (t->ended) {
            *got = put_end(t, buf);
            return EC_OK;
        }
        EC_TRY(refill(t, err));
    }
}
