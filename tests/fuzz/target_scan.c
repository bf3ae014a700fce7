/* The kernels of src/scan: every variant marks what the scalar one marks, at every alignment. */
#include "kit.h"

#include "base/utf8.h"
#include "scan/json_scan.h"

#include <stdlib.h>

#define BLOCKS_MAX 64u

static void csv_marks(const char *p, size_t n, char separator) {
    uint64_t special[2][BLOCKS_MAX], suspect[2][BLOCKS_MAX];
    size_t blocks = n / EC_SCAN_BLOCK < BLOCKS_MAX ? n / EC_SCAN_BLOCK : BLOCKS_MAX, count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    variant[0]->csv(p, blocks, separator, special[0], suspect[0]);
    for (size_t i = 1; i < count; i++) {
        variant[i]->csv(p, blocks, separator, special[1], suspect[1]);
        FUZZ_CHECK(memcmp(special[0], special[1], blocks * 8) == 0, "%s marks other bytes", variant[i]->name);
        FUZZ_CHECK(memcmp(suspect[0], suspect[1], blocks * 8) == 0, "%s suspects other bytes", variant[i]->name);
    }
    for (size_t i = 0; i < blocks * EC_SCAN_BLOCK; i++) {
        bool mark = p[i] == separator || p[i] == '"' || p[i] == '\n' || p[i] == '\r';
        FUZZ_CHECK((special[0][i / 64] >> i % 64 & 1) == mark, "byte %zu is marked wrongly", i);
        FUZZ_CHECK((suspect[0][i / 64] >> i % 64 & 1) == (p[i] == '\0' || (unsigned char)p[i] >= 0x80),
                   "byte %zu is suspected wrongly", i);
    }
}

static void line_ends(const char *p, size_t n) {
    size_t count, expected = 0;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    while (expected < n && p[expected] != '\n' && p[expected] != '\r') expected++;
    for (size_t i = 0; i < count; i++) {
        size_t end = variant[i]->line_end(p, n);
        FUZZ_CHECK(end == expected, "%s: a line ends at %zu, not %zu", variant[i]->name, end, expected);
    }
}

/* `padded` has EC_JSON_PADDING zeros behind its n bytes. */
static void json_marks(const char *padded, size_t n) {
    for (const char *p = padded; p <= padded + n;) {
        const char *plain = ec_scan_json_plain_scalar(p), *text = ec_scan_json_text_scalar(p);
        FUZZ_CHECK(ec_scan_json_plain_wide(p) == plain, "plain text ends elsewhere behind byte %td", p - padded);
        FUZZ_CHECK(ec_scan_json_text_wide(p) == text, "text ends elsewhere behind byte %td", p - padded);
        p = plain + 1;
    }
    FUZZ_CHECK(ec_scan_newlines_wide(padded, n) == ec_scan_newlines_scalar(padded, n), "newlines differ");
}

/* RFC 3629, section 4, byte by byte: the length of the character at p, or 0. */
static size_t character(const unsigned char *p, size_t n) {
    unsigned first = p[0], low = 0x80, high = 0xbf;
    if (first < 0x80) return 1;
    size_t more = first >= 0xc2 && first <= 0xdf   ? 1
                  : first >= 0xe0 && first <= 0xef ? 2
                  : first >= 0xf0 && first <= 0xf4 ? 3
                                                   : 0;
    if (more == 0 || n <= more) return 0;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    for (size_t i = 1; i <= more; i++, low = 0x80, high = 0xbf)
        if (p[i] < low || p[i] > high) return 0;
    return more + 1;
}

static void utf8(const char *p, size_t n) {
    size_t at = 0, characters = 0, length;
    while (at < n && (length = character((const unsigned char *)p + at, n - at)) > 0) at += length, characters++;
    FUZZ_CHECK(ec_utf8_prefix(p, n) == at, "valid for %zu bytes, not %zu", ec_utf8_prefix(p, n), at);
    FUZZ_CHECK(ec_utf8_valid(p, n) == (at == n), "valid UTF-8, or not");
    FUZZ_CHECK(ec_utf8_length(p, at) == characters, "%zu characters, not %zu", ec_utf8_length(p, at), characters);
    for (size_t most = 0; most <= at && most < 40; most++) {
        size_t cut = ec_utf8_truncate(p, at, most);
        FUZZ_CHECK(cut <= most && most - cut < 4 && ec_utf8_valid(p, cut), "cut at %zu of %zu", cut, most);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    for (size_t shift = 0; shift < 4 && shift <= n; shift++) {
        char *copy = fuzz_copy(bytes + shift, n - shift), *padded = calloc(1, n - shift + EC_JSON_PADDING);
        if (!padded) fuzz_fail("no memory");
        if (n > shift) memcpy(padded, copy, n - shift);
        csv_marks(copy, n - shift, n ? (char)bytes[0] : ',');
        line_ends(copy, n - shift);
        json_marks(padded, n - shift);
        utf8(copy, n - shift);
        free(copy);
        free(padded);
    }
    return 0;
}
