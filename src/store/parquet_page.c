/* What a page holds: levels, codes, booleans.
 *
 * Runs are Parquet's hybrid of RLE and bit packing (parquet-format Encodings.md): a varint
 * `count << 1` and the value repeated, or `groups << 1 | 1` and groups of eight values packed
 * from the lowest bit up.
 */
#include "store/parquet_page.h"
#include "store/parquet_thrift.h"

#define RUN_MIN ((size_t)16) /* equal codes that are worth ending a packed run for */

size_t pq_bits_count(const uint64_t *bits, size_t first, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i += 64)
        count += (size_t)__builtin_popcountll(pq_bits_load(bits, first + i, n - i < 64 ? n - i : 64));
    return count;
}

/* 64 bits that are all equal, or all that are left; else -1. */
static int uniform(uint64_t word, size_t n) {
    uint64_t full = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    return word == 0 ? 0 : word == full ? 1 : -1;
}

static size_t left64(size_t i, size_t n) {
    return n - i < 64 ? n - i : 64;
}

void pq_page_levels(struct ec_buf *body, const uint64_t *valid, size_t first, size_t rows) {
    size_t at = body->n;
    ec_buf_add(body, "\0\0\0\0", 4); /* the length, known below */
    if (!valid) {
        pq_thrift_varint(body, (uint64_t)rows << 1);
        ec_buf_addc(body, 0);
        rows = 0;
    }
    for (size_t i = 0; i < rows;) {
        int kind = uniform(pq_bits_load(valid, first + i, left64(i, rows)), left64(i, rows));
        size_t start = i;
        do {
            i += left64(i, rows);
        } while (i < rows && uniform(pq_bits_load(valid, first + i, left64(i, rows)), left64(i, rows)) == kind);
        if (kind >= 0) {
            pq_thrift_varint(body, (uint64_t)(i - start) << 1);
            ec_buf_addc(body, (char)kind);
            continue;
        }
        size_t groups = (i - start + 7) / 8;
        pq_thrift_varint(body, (uint64_t)groups << 1 | 1);
        for (size_t k = start; k < i; k += 64) {
            uint64_t word = pq_bits_load(valid, first + k, left64(k, i));
            ec_buf_add(body, &word, (left64(k, i) + 7) / 8);
        }
    }
    if (body->failed) return;
    uint32_t length = (uint32_t)(body->n - at - 4);
    memcpy(body->p + at, &length, 4);
}

/* Four codes of sixteen bits, brought together to `width` bits each. */
static inline uint64_t pack4(const uint16_t *code, uint32_t width) {
    uint64_t four;
    memcpy(&four, code, 8);
    uint64_t two = (four & UINT64_C(0x0000ffff0000ffff)) | (four & UINT64_C(0xffff0000ffff0000)) >> (16 - width);
    return (uint32_t)two | two >> 32 << (2 * width);
}

/* Eight codes of `width` bits, 1 to 16: up to sixteen bytes are written, `width` of them count. */
static inline void pack8(char *to, const uint16_t *code, uint32_t width) {
    uint64_t low = pack4(code, width), high = pack4(code + 4, width);
    if (width <= 8) {
        low |= high << (4 * width);
        memcpy(to, &low, 8);
        return;
    }
    unsigned __int128 both = (unsigned __int128)high << (4 * width) | low;
    memcpy(to, &both, 16);
}

static void packed_run(struct ec_buf *body, const uint16_t *code, size_t n, uint32_t width) {
    if (n == 0) return;
    size_t groups = (n + 7) / 8;
    pq_thrift_varint(body, (uint64_t)groups << 1 | 1);
    char *to = ec_buf_reserve(body, groups * width + 16);
    if (!to) return;
    size_t i = 0;
    if (width <= 8)
        for (; i + 8 <= n; i += 8, to += width) pack8(to, code + i, width);
    for (; i + 8 <= n; i += 8, to += width) pack8(to, code + i, width);
    if (i < n) {
        uint16_t last[8] = {0};
        memcpy(last, code + i, (n - i) * sizeof *last);
        pack8(to, last, width);
    }
    body->n += groups * width;
}

static inline bool equal8(const uint16_t *code) {
    uint64_t four[2], first = *code * UINT64_C(0x0001000100010001);
    memcpy(four, code, 16);
    return ((four[0] ^ first) | (four[1] ^ first)) == 0;
}

void pq_page_codes(struct ec_buf *body, const uint16_t *code, size_t n, uint32_t dict_count) {
    /* One bit even for a single entry: not every reader takes a width of none. */
    uint32_t width = dict_count > 2 ? 32 - (uint32_t)__builtin_clz(dict_count - 1) : 1;
    ec_buf_addc(body, (char)width);
    size_t start = 0, i = 0;
    while (i + 8 <= n) {
        size_t end = i + 8;
        if (!equal8(code + i)) {
            i = end;
            continue;
        }
        while (end + 8 <= n && equal8(code + end) && code[end] == code[i]) end += 8;
        while (end < n && code[end] == code[i]) end++;
        if (end - i < RUN_MIN) { /* stay on the packed run's groups of eight */
            i += 8;
            continue;
        }
        packed_run(body, code + start, i - start, width);
        pq_thrift_varint(body, (uint64_t)(end - i) << 1);
        ec_buf_add(body, code + i, (width + 7) / 8); /* little-endian, as everything here */
        start = i = end;
    }
    packed_run(body, code + start, n - start, width);
}

void pq_page_booleans(struct ec_buf *body, const uint8_t *value, size_t n) {
    char *to = ec_buf_reserve(body, (n + 7) / 8);
    if (!to) return;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t eight = 0;
        memcpy(&eight, value + i, n - i < 8 ? n - i : 8);
        /* Gathers bit 0 of each byte into the top byte, the first one lowest. */
        eight &= UINT64_C(0x0101010101010101);
        to[i / 8] = (char)((eight * UINT64_C(0x0102040810204080)) >> 56);
    }
    body->n += (n + 7) / 8;
}
