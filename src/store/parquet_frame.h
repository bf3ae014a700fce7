/* zstd frames (RFC 8878) of pages whose form is known beforehand: any zstd reads them.
 *
 * PLAIN pages are records of one stride, such as numbers of eight bytes or identifiers of one length,
 * of which a part is the same from record to record: the upper bytes of a number, the length before a
 * text. zstd's own encoder finds this out anew for every record, by hashing. Here it is said once per
 * block of up to 128 KiB:
 *
 *     block    literals  the bytes that vary, raw or by a Huffman code
 *              sequences `so many times: a bytes of literals, then b bytes from one stride back`
 *
 * Lengths and distance are the same in every sequence, so their codes are RLE tables of zstd, and a
 * sequence costs no bit, or the few extra bits of a length past 15. The distance is told by a first
 * block of one sequence and repeated afterwards (`repeat offset 1`).
 *
 *     [header][levels and one record, raw][block of one sequence][blocks ...][what is left, raw]
 */
#ifndef EC_STORE_PARQUET_FRAME_H
#define EC_STORE_PARQUET_FRAME_H

#include "base/buf.h"
#include "store/parquet_huffman.h"

/* A page in two pieces: its levels, and the values, from where they are gathered. */
struct pq_page_bytes {
    const char *levels;
    size_t levels_n;
    const char *values;
    size_t values_n;
};

#define PQ_STRIDE_MAX ((size_t)256)

struct pq_frame_scratch {
    struct pq_huffman huffman;
    uint8_t *literals; /* of a block */
};

/* Each appends a frame to `out`, whose failure is that of the buffer. Values may be read up to 16
 * bytes behind their end. */

/* As it is, in raw blocks. */
void pq_frame_store(struct ec_buf *out, const struct pq_page_bytes *page);
/* Numbers of eight bytes, by what differs between them. */
void pq_frame_numbers(struct ec_buf *out, const struct pq_page_bytes *page);
/* Texts in PLAIN, all of them of `length` bytes where it is not SIZE_MAX, by a Huffman code. False,
 * and nothing is appended, where a byte past 128 is among them, or memory is out. */
bool pq_frame_texts(struct pq_frame_scratch *s, struct ec_buf *out, const struct pq_page_bytes *page,
                    size_t length) EC_MUST_USE;
void pq_frame_scratch_deinit(struct pq_frame_scratch *s);

#endif
