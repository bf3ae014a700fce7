#include "shop/deflate.h"

#include "base/io.h"
#include "shop/huffman.h"

#include <isa-l/crc.h>

#define WINDOW      32768u
#define BLOCK       65536u
#define HASH_BITS   15u
#define MATCH_MIN   4u /* shorter ones cost as much as their letters */
#define MATCH_MAX   258u
#define LITERALS    286u
#define DISTANCES   30u
#define LENGTHS     19u
#define END         256u
#define IS_MATCH    UINT32_C(0x80000000)
#define CODE_MAX    15u
#define LENGTH_BITS 7u /* of a code length's code */

struct ec_shop_deflate {
    struct ec_buf *out;
    uint64_t bits;
    unsigned bit_count;
    uint32_t crc;
    uint64_t bytes;
    uint32_t base;  /* stream position of data[0], modulo 2^32 */
    uint32_t first; /* of data[] that holds a byte */
    size_t have;    /* bytes of the block so far */
    size_t symbols;
    uint32_t literal_count[LITERALS];
    uint32_t distance_count[DISTANCES];
    uint32_t head[1u << HASH_BITS]; /* stream position of the last such four bytes */
    uint32_t symbol[BLOCK];         /* a byte, or IS_MATCH | length << 15 | distance - 1 */
    unsigned char data[WINDOW + BLOCK];
};

enum ec_status ec_shop_deflate_create(struct ec_shop_deflate **z, struct ec_err *err) {
    *z = ec_malloc(sizeof **z);
    return *z ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory to compress");
}

void ec_shop_deflate_destroy(struct ec_shop_deflate *z) {
    ec_free(z);
}

uint32_t ec_shop_deflate_crc(const struct ec_shop_deflate *z) {
    return z->crc;
}

uint64_t ec_shop_deflate_bytes(const struct ec_shop_deflate *z) {
    return z->bytes;
}

uint32_t ec_shop_crc(const void *p, size_t n) {
    return crc32_gzip_refl(0, p, n);
}

void ec_shop_deflate_begin(struct ec_shop_deflate *z, struct ec_buf *out) {
    z->out = out;
    z->bits = 0;
    z->bit_count = 0;
    z->crc = 0;
    z->bytes = 0;
    z->first = WINDOW;
    z->base = 0;
    z->have = 0;
    memset(z->head, 0, sizeof z->head); /* position 0 is no byte's: the stream starts at WINDOW */
}

/* Adds up to 32 bits, the first lowest. The caller has reserved room. */
static inline void put(struct ec_shop_deflate *z, uint32_t value, unsigned n) {
    z->bits |= (uint64_t)value << z->bit_count;
    z->bit_count += n;
    for (; z->bit_count >= 8; z->bit_count -= 8) {
        z->out->p[z->out->n++] = (char)(z->bits & 0xFF);
        z->bits >>= 8;
    }
}

static inline uint32_t four(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline size_t hash(uint32_t bytes) {
    return bytes * UINT32_C(0x9E3779B1) >> (32 - HASH_BITS);
}

static inline unsigned floor_log2(uint32_t v) {
    return 31 - (unsigned)__builtin_clz(v);
}

/* The code of a length of 3 to 258, its extra bits and their number (RFC 1951, 3.2.5). */
static inline unsigned length_code(unsigned length, unsigned *extra, unsigned *extra_bits) {
    unsigned l = length - 3;
    *extra = *extra_bits = 0;
    if (l < 8) return 257 + l;
    if (l == 255) return 285;
    unsigned n = floor_log2(l);
    *extra_bits = n - 2;
    *extra = l & ((1u << (n - 2)) - 1);
    return 257 + 4 * (n - 1) + (l >> (n - 2) & 3);
}

static inline unsigned distance_code(unsigned d, unsigned *extra, unsigned *extra_bits) {
    *extra = *extra_bits = 0;
    if (d < 4) return d;
    unsigned n = floor_log2(d);
    *extra_bits = n - 1;
    *extra = d & ((1u << (n - 1)) - 1);
    return 2 * n + (d >> (n - 1) & 1);
}

static inline size_t match_length(const unsigned char *a, const unsigned char *b, size_t n_max) {
    size_t n = MATCH_MIN;
    while (n < n_max && a[n] == b[n]) n++;
    return n;
}

/* The bytes of the block into symbols, counted. */
static void find_matches(struct ec_shop_deflate *z) {
    const unsigned char *data = z->data;
    size_t end = WINDOW + z->have, at = WINDOW;
    memset(z->literal_count, 0, sizeof z->literal_count);
    memset(z->distance_count, 0, sizeof z->distance_count);
    z->symbols = 0;
    while (at < end) {
        size_t n = 0, distance = 0;
        if (end - at >= MATCH_MIN) {
            uint32_t bytes = four(data + at), *head = &z->head[hash(bytes)];
            distance = (uint32_t)(z->base + at) - *head;
            *head = (uint32_t)(z->base + at);
            size_t n_max = end - at < MATCH_MAX ? end - at : MATCH_MAX;
            if (distance > 0 && distance <= WINDOW && at - distance >= z->first && four(data + at - distance) == bytes)
                n = match_length(data + at, data + at - distance, n_max);
        }
        unsigned ignored, bits;
        if (n == 0) {
            z->symbol[z->symbols++] = data[at];
            z->literal_count[data[at++]]++;
            continue;
        }
        z->symbol[z->symbols++] = IS_MATCH | (uint32_t)n << 15 | (uint32_t)(distance - 1);
        z->literal_count[length_code((unsigned)n, &ignored, &bits)]++;
        z->distance_count[distance_code((unsigned)distance - 1, &ignored, &bits)]++;
        for (size_t i = at + 1; i < at + n && i + MATCH_MIN <= end; i += 2)
            z->head[hash(four(data + i))] = (uint32_t)(z->base + i);
        at += n;
    }
    z->literal_count[END] = 1;
}

/* The lengths of both codes as one run-length coded list (RFC 1951, 3.2.7). */
struct lengths {
    uint8_t symbol[LITERALS + DISTANCES];
    uint8_t extra[LITERALS + DISTANCES];
    size_t count;
    uint32_t frequency[LENGTHS];
};

static void add_length(struct lengths *l, unsigned symbol, size_t extra) {
    l->symbol[l->count] = (uint8_t)symbol;
    l->extra[l->count++] = (uint8_t)extra;
    l->frequency[symbol]++;
}

static void pack_lengths(struct lengths *l, const uint8_t *length, size_t n) {
    *l = (struct lengths){.count = 0};
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (i + run < n && length[i + run] == length[i]) run++;
        if (length[i] == 0 && run >= 3) {
            if (run > 138) run = 138;
            add_length(l, run < 11 ? 17 : 18, run < 11 ? run - 3 : run - 11);
        } else if (i > 0 && length[i] == length[i - 1] && run >= 3) {
            if (run > 6) run = 6;
            add_length(l, 16, run - 3);
        } else {
            run = 1;
            add_length(l, length[i], 0);
        }
        i += run;
    }
}

static void put_lengths(struct ec_shop_deflate *z, const uint8_t *literal, const uint8_t *distance) {
    static const uint8_t order[LENGTHS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    size_t literals = LITERALS, distances = DISTANCES, shown = LENGTHS;
    while (literals > 257 && literal[literals - 1] == 0) literals--;
    while (distances > 1 && distance[distances - 1] == 0) distances--;
    uint8_t both[LITERALS + DISTANCES], length[LENGTHS];
    memcpy(both, literal, literals);
    memcpy(both + literals, distance, distances);
    struct lengths l;
    uint16_t code[LENGTHS];
    pack_lengths(&l, both, literals + distances);
    ec_shop_huffman(l.frequency, LENGTHS, LENGTH_BITS, length, code);
    while (shown > 4 && length[order[shown - 1]] == 0) shown--;

    put(z, (uint32_t)(literals - 257), 5);
    put(z, (uint32_t)(distances - 1), 5);
    put(z, (uint32_t)(shown - 4), 4);
    for (size_t i = 0; i < shown; i++) put(z, length[order[i]], 3);
    for (size_t i = 0; i < l.count; i++) {
        unsigned symbol = l.symbol[i];
        put(z, code[symbol], length[symbol]);
        if (symbol >= 16) put(z, l.extra[i], symbol == 16 ? 2 : symbol == 17 ? 3 : 7);
    }
}

static void put_block(struct ec_shop_deflate *z) {
    uint8_t literal_length[LITERALS], distance_length[DISTANCES];
    uint16_t literal[LITERALS], distance[DISTANCES];
    /* A match is at most 15 + 5 bits of length and 15 + 13 of distance: six bytes. */
    if (!ec_buf_reserve(z->out, 6 * (z->symbols + 1) + 512)) return;
    ec_shop_huffman(z->literal_count, LITERALS, CODE_MAX, literal_length, literal);
    ec_shop_huffman(z->distance_count, DISTANCES, CODE_MAX, distance_length, distance);
    put(z, 2 << 1, 3); /* dynamic, not the last */
    put_lengths(z, literal_length, distance_length);
    for (size_t i = 0; i < z->symbols; i++) {
        uint32_t s = z->symbol[i];
        if (!(s & IS_MATCH)) {
            put(z, literal[s], literal_length[s]);
            continue;
        }
        unsigned extra, bits;
        unsigned code = length_code(s >> 15 & 0x1FF, &extra, &bits);
        put(z, literal[code] | extra << literal_length[code], literal_length[code] + bits);
        code = distance_code(s & 0x7FFF, &extra, &bits);
        put(z, distance[code] | extra << distance_length[code], distance_length[code] + bits);
    }
    put(z, literal[END], literal_length[END]);
}

static void compress_block(struct ec_shop_deflate *z) {
    if (z->have == 0) return;
    find_matches(z);
    put_block(z);
    if (z->have == BLOCK) {
        memcpy(z->data, z->data + BLOCK, WINDOW);
        z->base += BLOCK;
        z->first = 0;
    }
    z->have = 0;
}

void ec_shop_deflate_feed(struct ec_shop_deflate *z, const void *p, size_t n) {
    z->crc = crc32_gzip_refl(z->crc, p, n);
    z->bytes += n;
    const unsigned char *from = p;
    while (n > 0) {
        size_t take = BLOCK - z->have < n ? BLOCK - z->have : n;
        memcpy(z->data + WINDOW + z->have, from, take);
        z->have += take;
        from += take;
        n -= take;
        if (z->have == BLOCK) compress_block(z);
    }
}

void ec_shop_deflate_end(struct ec_shop_deflate *z) {
    compress_block(z);
    if (!ec_buf_reserve(z->out, 8)) return;
    put(z, 1 | 1 << 1, 3); /* the last: fixed codes, and nothing but its end, which is seven zeros */
    put(z, 0, 7);
    if (z->bit_count > 0) put(z, 0, 8 - z->bit_count);
    z->out->p[z->out->n] = '\0';
}
