#include "store/parquet_frame.h"

#include "base/io.h"
#include "base/limits.h"

#define BLOCK_MAX   ((size_t)128 * EC_KIB)
#define MATCH_MIN   ((size_t)3)
#define MATCH_MAX   ((size_t)34)  /* longer ones have extra bits */
#define CODED_MIN   ((size_t)256) /* literals; fewer are not worth a tree */
#define SAMPLE      ((size_t)64)  /* records that tell which bytes are the same */
#define LITERAL_PAD ((size_t)64)  /* copies may write so much behind their end */

enum { BLOCK_RAW = 0, BLOCK_COMPRESSED = 2 };
enum { LITERALS_RAW = 0, LITERALS_HUFFMAN = 2 };

/* A frame under way. Room is reserved by who begins it. */
struct frame {
    uint8_t *to;
    uint8_t *last; /* header of the last block */
};

/* Records of a block: `literals` bytes that vary, and `match` that are as one stride before. */
struct records {
    const uint8_t *at;
    size_t count;
    size_t stride;
    size_t literals;
    bool first; /* the distance is not known yet */
};

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Bytes that a frame takes at most, and what stores write too much. */
static size_t frame_bound(size_t n) {
    return n + n / 32 + 2 * BLOCK_MAX;
}

static uint8_t *put_le(uint8_t *to, uint64_t v, size_t n) {
    memcpy(to, &v, n);
    return to + n;
}

static void block_end(struct frame *f, uint8_t *header, int type) {
    (void)put_le(header, (uint64_t)(f->to - header - 3) << 3 | (unsigned)type << 1, 3);
    f->last = header;
}

static void raw_block(struct frame *f, const char *p, size_t n) {
    uint8_t *header = f->to;
    f->to += 3;
    memcpy(f->to, p, n);
    f->to += n;
    block_end(f, header, BLOCK_RAW);
}

static void raw_blocks(struct frame *f, const char *p, size_t n) {
    for (size_t k; n > 0; p += k, n -= k) {
        k = n < BLOCK_MAX ? n : BLOCK_MAX;
        raw_block(f, p, k);
    }
}

/* Magic number; one segment, its size in four bytes; the levels. */
static bool frame_begin(struct frame *f, struct ec_buf *out, const struct pq_page_bytes *page) {
    size_t n = page->levels_n + page->values_n;
    f->to = (uint8_t *)ec_buf_reserve(out, frame_bound(n));
    if (!f->to) return false;
    f->to = put_le(f->to, 0xFD2FB528, 4);
    *f->to++ = 0xA0;
    f->to = put_le(f->to, n, 4);
    raw_blocks(f, page->levels, page->levels_n);
    return true;
}

static void frame_end(struct ec_buf *out, struct frame *f) {
    *f->last |= 1;
    out->n = (size_t)((char *)f->to - out->p);
}

/* The header of raw literals, which follow. */
static void raw_literals(struct frame *f, size_t n) {
    if (n < 32)
        f->to = put_le(f->to, n << 3 | LITERALS_RAW, 1);
    else if (n < 4096)
        f->to = put_le(f->to, n << 4 | 1 << 2 | LITERALS_RAW, 2);
    else
        f->to = put_le(f->to, n << 4 | 3 << 2 | LITERALS_RAW, 3);
}

/* Literals of 256 bytes to 128 KiB in four streams. False, and nothing written, where one has no code. */
static bool coded_literals(struct frame *f, const struct pq_huffman *h, const uint8_t *p, size_t n) {
    uint8_t *header = f->to, *tree = header + 5, *jump = tree + pq_huffman_tree(h, tree), *to = jump + 6;
    size_t quarter = (n + 3) / 4;
    for (size_t k = 0; k < 4; k++) {
        size_t bytes = pq_huffman_encode(h, p + k * quarter, k < 3 ? quarter : n - 3 * quarter, to);
        if (bytes == 0) return false;
        if (k < 3) (void)put_le(jump + 2 * k, bytes, 2);
        to += bytes;
    }
    uint64_t coded = (uint64_t)(to - tree);
    (void)put_le(header, coded << 22 | (uint64_t)n << 4 | 3 << 2 | LITERALS_HUFFMAN, 5);
    f->to = to;
    return true;
}

/* RFC 8878, 3.1.1.3.2.1.1: literal lengths past 15 have a base and extra bits. */
static unsigned length_code(size_t length, unsigned *bits, uint32_t *extra) {
    static const struct {
        uint16_t base;
        uint8_t bits;
    } table[] = {{16, 1}, {18, 1}, {20, 1}, {22, 1}, {24, 2}, {28, 2}, {32, 3}, {40, 3}, {48, 4}, {64, 6}, {128, 7}};
    *bits = *extra = 0;
    if (length < 16) return (unsigned)length;
    unsigned k = 0;
    while (k + 1 < sizeof table / sizeof *table && table[k + 1].base <= length) k++;
    *bits = table[k].bits;
    *extra = (uint32_t)(length - table[k].base);
    return 16 + k;
}

/* The same `bits` (fewer than 32) so many times, and the bit that ends a stream. */
static void repeat_bits(struct frame *f, uint32_t value, unsigned bits, size_t count) {
    uint64_t all = 0;
    unsigned n = 0;
    for (; bits > 0 && count > 0; count--) {
        all |= (uint64_t)value << n;
        n += bits;
        memcpy(f->to, &all, 8);
        f->to += n >> 3;
        all >>= n & ~7u;
        n &= 7;
    }
    *f->to++ = (uint8_t)(all | 1u << n);
}

static void sequences(struct frame *f, const struct records *r) {
    if (r->count < 128)
        *f->to++ = (uint8_t)r->count;
    else if (r->count < 0x7F00)
        *f->to++ = (uint8_t)((r->count >> 8) + 128), *f->to++ = (uint8_t)r->count;
    else
        f->to = put_le(f->to, 0xFF | (uint64_t)(r->count - 0x7F00) << 8, 3);
    unsigned length_bits, distance = 0, distance_bits = 0;
    uint32_t length_extra, distance_extra = 0;
    unsigned length = length_code(r->literals, &length_bits, &length_extra);
    if (r->first) {
        distance = distance_bits = 31 - (unsigned)__builtin_clz((unsigned)r->stride + 3);
        distance_extra = (uint32_t)(r->stride + 3) - (1u << distance);
    }
    *f->to++ = 1 << 6 | 1 << 4 | 1 << 2; /* three RLE tables */
    *f->to++ = (uint8_t)length;
    *f->to++ = (uint8_t)distance;
    *f->to++ = (uint8_t)(r->stride - r->literals - MATCH_MIN);
    repeat_bits(f, length_extra | distance_extra << length_bits, length_bits + distance_bits, r->count);
}

/* ---- numbers ---- */

static uint64_t load64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* The bits in which n records differ from the one before. */
static uint64_t differences(const uint8_t *at, size_t n) {
    uint64_t differ = 0;
    for (size_t i = 0; i < n; i++) differ |= load64(at + 8 * i) ^ load64(at + 8 * i - 8);
    return differ;
}

static void put_numbers(struct frame *f, const struct records *r) {
    uint8_t *header = f->to;
    f->to += 3;
    raw_literals(f, r->count * r->literals);
    for (size_t i = 0; i < r->count; i++, f->to += r->literals) memcpy(f->to, r->at + 8 * i, 8);
    sequences(f, r);
    block_end(f, header, BLOCK_COMPRESSED);
}

/* Takes the first record off, as a block of its own. */
static struct records take_first(struct records *r) {
    struct records one = *r;
    one.count = 1;
    r->at += r->stride;
    r->count--;
    r->first = false;
    return one;
}

static void number_block(struct frame *f, struct records *r) {
    uint64_t differ = differences(r->at, r->count);
    r->literals = differ ? 8 - (size_t)__builtin_clzll(differ) / 8 : 1;
    if (r->stride - r->literals < MATCH_MIN) {
        raw_block(f, (const char *)r->at, r->count * r->stride);
        r->at += r->count * r->stride;
        return;
    }
    if (r->first) {
        struct records one = take_first(r);
        put_numbers(f, &one);
    }
    if (r->count > 0) put_numbers(f, r);
    r->at += r->count * r->stride;
}

/* Low bytes that are the same, such as a double's zeros, join the upper ones of the record before. */
static size_t number_phase(const uint8_t *values, size_t records) {
    uint64_t differ = differences(values + 8, records - 1 < SAMPLE ? records - 1 : SAMPLE);
    size_t low = differ ? (size_t)__builtin_ctzll(differ) / 8 : 0,
           high = differ ? (size_t)__builtin_clzll(differ) / 8 : 8;
    return low > high ? low : 0;
}

void pq_frame_numbers(struct ec_buf *out, const struct pq_page_bytes *page) {
    const uint8_t *at = (const uint8_t *)page->values, *end = at + page->values_n;
    struct records r = {.at = at, .stride = 8, .first = true};
    struct frame f;
    if (!frame_begin(&f, out, page)) return;
    if (page->values_n >= 3 * r.stride) {
        size_t raw = r.stride + number_phase(at, page->values_n / r.stride);
        raw_block(&f, page->values, raw);
        for (r.at += raw; (size_t)(end - r.at) >= r.stride;) {
            r.count = least((size_t)(end - r.at), BLOCK_MAX) / r.stride;
            number_block(&f, &r);
        }
    }
    raw_blocks(&f, (const char *)r.at, (size_t)(end - r.at));
    frame_end(out, &f);
}

void pq_frame_store(struct ec_buf *out, const struct pq_page_bytes *page) {
    struct frame f;
    if (!frame_begin(&f, out, page)) return;
    raw_blocks(&f, page->values, page->values_n);
    frame_end(out, &f);
}

/* ---- texts ---- */

/* Which bytes of a record are the same as in the one before: `match` of them, the first of which
 * lies `start` bytes behind a record's start. */
struct same {
    size_t start;
    size_t match;
};

static struct same same_bytes(const uint8_t *values, size_t records, size_t stride) {
    bool differ[PQ_STRIDE_MAX] = {false};
    for (size_t i = 1; i < least(records, SAMPLE); i++)
        for (size_t k = 0; k < stride; k++) differ[k] |= values[i * stride + k] != values[k];
    struct same best = {0};
    for (size_t start = 0; start < stride; start++) {
        size_t n = 0;
        while (n < least(stride - 1, MATCH_MAX) && !differ[(start + n) % stride]) n++;
        if (n > best.match) best = (struct same){start, n};
    }
    return best;
}

static void histogram(const uint8_t *p, size_t n, uint32_t count[256]) {
    uint32_t other[256] = {0}; /* equal neighbours would wait for each other */
    memset(count, 0, 256 * sizeof *count);
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        count[p[i]]++;
        other[p[i + 1]]++;
    }
    if (i < n) count[p[i]]++;
    for (size_t k = 0; k < 256; k++) count[k] += other[k];
}

/* How a page's literals are written. */
struct text_coder {
    struct pq_frame_scratch *scratch;
    bool made;       /* scratch->huffman is of this page */
    bool raw;        /* it does not pay */
    bool failed;     /* there is none, or memory is out */
    size_t per_kilo; /* bytes for 1,024 literals that it promised */
};

static void code_make(struct text_coder *c, const uint8_t *p, size_t n) {
    struct pq_huffman *h = &c->scratch->huffman;
    uint32_t count[256];
    bool usable;
    histogram(p, n, count);
    c->made = true;
    c->failed |= !pq_huffman_make(h, count, &usable) || !usable;
    if (c->failed) return;
    c->per_kilo = (size_t)(pq_huffman_bits(h, count) * 128 / n);
    c->raw = c->per_kilo > 1024 * 7 / 8;
}

/* A code that the literals have outgrown is made anew. */
static bool try_coded(struct frame *f, const struct text_coder *c, const uint8_t *p, size_t n) {
    uint8_t *before = f->to;
    if (!coded_literals(f, &c->scratch->huffman, p, n)) return false;
    if ((size_t)(f->to - before) <= n / 1024 * c->per_kilo * 9 / 8 + 1024) return true;
    f->to = before;
    return false;
}

static void put_literals(struct frame *f, struct text_coder *c, const uint8_t *p, size_t n) {
    bool coded = false;
    if (n >= CODED_MIN && !c->failed) {
        if (!c->made) code_make(c, p, n);
        coded = !c->failed && !c->raw && try_coded(f, c, p, n);
        if (!coded && !c->failed) {
            code_make(c, p, n);
            coded = !c->failed && !c->raw && try_coded(f, c, p, n);
        }
    }
    if (coded) return;
    raw_literals(f, n);
    memcpy(f->to, p, n);
    f->to += n;
}

/* Literals alone, or before the sequences of records. */
static void text_block(struct frame *f, struct text_coder *c, const uint8_t *p, size_t n, const struct records *r) {
    uint8_t *header = f->to;
    f->to += 3;
    put_literals(f, c, p, n);
    if (r)
        sequences(f, r);
    else
        *f->to++ = 0; /* no sequences */
    block_end(f, header, BLOCK_COMPRESSED);
}

static uint32_t load32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* Copies the bytes that vary; false where others do, too. */
static bool gather(const struct records *r, uint8_t *to) {
    uint64_t differ = 0;
    size_t stride = r->stride, match = stride - r->literals;
    for (size_t i = 0; i < r->count; i++, to += r->literals) {
        const uint8_t *p = r->at + i * stride, *m = p + r->literals;
        for (size_t k = 0; k < r->literals; k += 16) memcpy(to + k, p + k, 16);
        if (match < 8) {
            differ |= load32(m) ^ load32(m - stride);
            m += match - 4;
            differ |= load32(m) ^ load32(m - stride);
            continue;
        }
        for (size_t k = 0; k + 8 <= match; k += 8) differ |= load64(m + k) ^ load64(m + k - stride);
        m += match - 8;
        differ |= load64(m) ^ load64(m - stride);
    }
    return differ == 0;
}

static void record_block(struct frame *f, struct text_coder *c, struct records *r) {
    uint8_t *literals = c->scratch->literals;
    size_t n = r->count * r->literals;
    if (!gather(r, literals)) {
        text_block(f, c, r->at, r->count * r->stride, NULL);
    } else if (r->first) {
        struct records one = take_first(r);
        text_block(f, c, literals, one.literals, &one);
        if (r->count > 0) text_block(f, c, literals + one.literals, n - one.literals, r);
    } else {
        text_block(f, c, literals, n, r);
    }
    r->at += r->count * r->stride;
}

static void text_records(struct frame *f, struct text_coder *c, const uint8_t *at, const uint8_t *end, size_t stride) {
    struct same same = same_bytes(at, (size_t)(end - at) / stride, stride);
    size_t raw = stride + (same.start + same.match) % stride;
    struct records r = {.at = at + raw, .stride = stride, .literals = stride - same.match, .first = true};
    raw_block(f, (const char *)at, raw);
    while ((size_t)(end - r.at) >= stride) {
        r.count = least((size_t)(end - r.at), BLOCK_MAX) / stride;
        record_block(f, c, &r);
    }
    raw_blocks(f, (const char *)r.at, (size_t)(end - r.at));
}

bool pq_frame_texts(struct pq_frame_scratch *s, struct ec_buf *out, const struct pq_page_bytes *page, size_t length) {
    const uint8_t *at = (const uint8_t *)page->values, *end = at + page->values_n;
    struct text_coder c = {.scratch = s};
    size_t before = out->n;
    struct frame f;
    if (!s->literals) s->literals = ec_malloc(BLOCK_MAX + LITERAL_PAD);
    if (!s->literals || !frame_begin(&f, out, page)) return false;
    if (length < PQ_STRIDE_MAX - 4 && page->values_n >= 3 * (length + 4)) {
        text_records(&f, &c, at, end, length + 4);
    } else {
        for (size_t n; at < end; at += n) {
            n = least((size_t)(end - at), BLOCK_MAX);
            text_block(&f, &c, at, n, NULL);
        }
    }
    frame_end(out, &f);
    if (c.failed) out->n = before;
    return !c.failed;
}

void pq_frame_scratch_deinit(struct pq_frame_scratch *s) {
    pq_huffman_deinit(&s->huffman);
    ec_free(s->literals);
    *s = (struct pq_frame_scratch){0};
}
