/* Huffman codes as zstd's literals have them (RFC 8878, 4.2), for text: symbols up to 128.
 *
 * zstd's own encoder spends most of its time on short texts looking for repetitions that identifiers
 * do not have. This one only codes, two symbols at a time by a table of all pairs. The code is made
 * from a sample; a symbol that the sample did not have is reported, and a new code made.
 */
#ifndef EC_STORE_PARQUET_HUFFMAN_H
#define EC_STORE_PARQUET_HUFFMAN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PQ_HUFFMAN_SYMBOLS 129u /* of which a tree can be told without compressing it */
#define PQ_HUFFMAN_TREE    65u  /* bytes of its description at most */
/* n symbols take at most this many bytes: eleven bits each, and what a store may write too much. */
#define PQ_HUFFMAN_BOUND(n) ((n) / 8 * 11 + 32)

struct pq_huffman {
    uint32_t *pair; /* of each two bytes, as they lie in memory: code << 8, and its length */
    uint16_t code[PQ_HUFFMAN_SYMBOLS];
    uint8_t length[PQ_HUFFMAN_SYMBOLS]; /* in bits; 0: not in the code */
    unsigned longest;
    unsigned last; /* symbol */
};

/* Makes the code of a histogram; false where memory is out, or the symbols are fewer than two or
 * go past 128: *usable tells the one from the other. */
bool pq_huffman_make(struct pq_huffman *h, const uint32_t count[256], bool *usable) EC_MUST_USE;
uint64_t pq_huffman_bits(const struct pq_huffman *h, const uint32_t count[256]);
/* The tree's description; returns its length. */
size_t pq_huffman_tree(const struct pq_huffman *h, uint8_t out[PQ_HUFFMAN_TREE]);
/* Codes n symbols, the last first, and ends the stream; `out` has PQ_HUFFMAN_BOUND(n) bytes. Returns
 * its length, or 0 where a symbol is not in the code. */
size_t pq_huffman_encode(const struct pq_huffman *h, const uint8_t *symbol, size_t n, uint8_t *out);
void pq_huffman_deinit(struct pq_huffman *h);

#endif
