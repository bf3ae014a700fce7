#include "store/parquet_huffman.h"

#include "base/io.h"

#include <string.h>

#define LENGTH_MAX 11u                 /* of a code of literals */
#define UNKNOWN    (UINT32_C(1) << 31) /* a pair with a symbol that is not in the code */

/* The lengths of an optimal code, by joining the two rarest until one is left. Symbols are few, so
 * the rarest are searched for. */
struct node {
    uint32_t count;
    int16_t parent;
};

static void tree_lengths(const uint32_t *count, uint8_t *length) {
    struct node node[2 * PQ_HUFFMAN_SYMBOLS];
    int16_t open[PQ_HUFFMAN_SYMBOLS], symbol[PQ_HUFFMAN_SYMBOLS];
    size_t opens = 0, leaves = 0;
    for (size_t s = 0; s < PQ_HUFFMAN_SYMBOLS; s++) {
        length[s] = 0;
        if (count[s] == 0) continue;
        symbol[leaves] = (int16_t)s;
        open[opens++] = (int16_t)leaves;
        node[leaves++] = (struct node){.count = count[s], .parent = -1};
    }
    size_t nodes = leaves;
    while (opens > 1) {
        size_t two[2];
        for (size_t k = 0; k < 2; k++) { /* the first of equals, so that the code is always the same */
            two[k] = SIZE_MAX;
            for (size_t i = 0; i < opens; i++)
                if (!(k == 1 && i == two[0]) && (two[k] == SIZE_MAX || node[open[i]].count < node[open[two[k]]].count))
                    two[k] = i;
        }
        node[nodes] = (struct node){.count = node[open[two[0]]].count + node[open[two[1]]].count, .parent = -1};
        node[open[two[0]]].parent = node[open[two[1]]].parent = (int16_t)nodes;
        open[two[0]] = (int16_t)nodes++;
        open[two[1]] = open[--opens];
    }
    for (size_t k = 0; k < leaves; k++)
        for (int16_t at = node[k].parent; at >= 0; at = node[at].parent) length[symbol[k]]++;
}

/* Codes in order of length, the longest first, and of their symbols. */
static void number_codes(struct pq_huffman *h) {
    uint16_t next = 0;
    for (unsigned length = h->longest; length > 0; length--) {
        for (size_t s = 0; s < PQ_HUFFMAN_SYMBOLS; s++)
            if (h->length[s] == length) h->code[s] = next++;
        next >>= 1;
    }
}

/* The later symbol of a pair is coded first, which is where bits are lowest. */
static void fill_pairs(struct pq_huffman *h, bool known) {
    for (size_t a = 0; a < PQ_HUFFMAN_SYMBOLS; a++) {
        if (h->length[a] == 0) continue;
        for (size_t b = 0; b < PQ_HUFFMAN_SYMBOLS; b++) {
            if (h->length[b] == 0) continue;
            uint32_t code = (uint32_t)h->code[b] | (uint32_t)h->code[a] << h->length[b];
            uint32_t bits = (uint32_t)h->length[a] + h->length[b];
            h->pair[a | b << 8] = known ? code << 8 | bits : UNKNOWN;
        }
    }
}

static bool pairs_reserve(struct pq_huffman *h) {
    if (h->pair) {
        fill_pairs(h, false);
        return true;
    }
    h->pair = ec_realloc_array(NULL, 65536, sizeof *h->pair);
    if (!h->pair) return false;
    for (size_t k = 0; k < 65536; k++) h->pair[k] = UNKNOWN;
    return true;
}

bool pq_huffman_make(struct pq_huffman *h, const uint32_t count[256], bool *usable) {
    uint32_t share[PQ_HUFFMAN_SYMBOLS];
    size_t symbols = 0;
    memcpy(share, count, sizeof share);
    *usable = true;
    for (size_t s = 0; s < 256; s++) {
        symbols += count[s] > 0;
        if (s >= PQ_HUFFMAN_SYMBOLS && count[s] > 0) *usable = false;
    }
    if (symbols < 2) *usable = false;
    if (!*usable) return true;
    if (!pairs_reserve(h)) return false;
    for (;;) {
        tree_lengths(share, h->length);
        h->longest = h->last = 0;
        for (unsigned s = 0; s < PQ_HUFFMAN_SYMBOLS; s++) {
            if (h->length[s] > h->longest) h->longest = h->length[s];
            if (h->length[s] > 0) h->last = s;
        }
        if (h->longest <= LENGTH_MAX) break;
        for (size_t s = 0; s < PQ_HUFFMAN_SYMBOLS; s++) share[s] = share[s] ? share[s] / 2 + 1 : 0;
    }
    number_codes(h);
    fill_pairs(h, true);
    return true;
}

uint64_t pq_huffman_bits(const struct pq_huffman *h, const uint32_t count[256]) {
    uint64_t bits = 0;
    for (size_t s = 0; s < PQ_HUFFMAN_SYMBOLS; s++) bits += (uint64_t)count[s] * h->length[s];
    return bits;
}

/* Weights of four bits; that of the last symbol follows from the others. */
size_t pq_huffman_tree(const struct pq_huffman *h, uint8_t out[PQ_HUFFMAN_TREE]) {
    memset(out, 0, PQ_HUFFMAN_TREE);
    out[0] = (uint8_t)(127 + h->last);
    for (unsigned s = 0; s < h->last; s++) {
        unsigned weight = h->length[s] ? h->longest + 1 - h->length[s] : 0;
        out[1 + s / 2] |= (uint8_t)(s % 2 ? weight : weight << 4);
    }
    return 1 + (h->last + 1) / 2;
}

struct stream {
    uint64_t bits;
    unsigned count; /* below 8 behind a flush */
    uint8_t *to;
};

static inline void flush(struct stream *s) {
    memcpy(s->to, &s->bits, 8);
    s->to += s->count >> 3;
    s->bits >>= s->count & ~7u;
    s->count &= 7;
}

/* The two symbols before `end`. */
static inline uint32_t add_pair(struct stream *s, const uint32_t *pair, const uint8_t *end) {
    uint16_t two;
    memcpy(&two, end - 2, 2);
    uint32_t e = pair[two];
    s->bits |= (uint64_t)(e >> 8) << s->count;
    s->count += e & 63;
    return e;
}

size_t pq_huffman_encode(const struct pq_huffman *h, const uint8_t *symbol, size_t n, uint8_t *out) {
    struct stream s = {.to = out};
    const uint32_t *pair = h->pair;
    uint32_t seen = 0;
    size_t left = n;
    if (h->longest <= 7) /* eight codes fit beside seven bits that are left */
        for (; left >= 8; left -= 8) {
            for (size_t k = 0; k < 8; k += 2) seen |= add_pair(&s, pair, symbol + left - k);
            flush(&s);
        }
    for (; left >= 4; left -= 4) {
        seen |= add_pair(&s, pair, symbol + left);
        seen |= add_pair(&s, pair, symbol + left - 2);
        flush(&s);
    }
    for (; left > 0; left--) {
        uint8_t last = symbol[left - 1];
        if (last >= PQ_HUFFMAN_SYMBOLS || h->length[last] == 0) return 0;
        s.bits |= (uint64_t)h->code[last] << s.count;
        s.count += h->length[last];
        flush(&s);
    }
    if (seen & UNKNOWN) return 0;
    s.bits |= UINT64_C(1) << s.count++; /* the decoder begins behind the highest bit */
    memcpy(s.to, &s.bits, 8);
    return (size_t)(s.to - out) + (s.count + 7) / 8;
}

void pq_huffman_deinit(struct pq_huffman *h) {
    ec_free(h->pair);
    *h = (struct pq_huffman){0};
}
