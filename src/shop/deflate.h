/* A small deflate (RFC 1951) whose output depends on its input alone.
 *
 * Libraries choose their match finder by the processor, or change it with a release, and a shop must
 * be the same bytes everywhere. One hash probe, greedy, dynamic Huffman codes per 64 KiB: about the
 * ratio and speed of gzip -1 to -3.
 *
 *     struct ec_shop_deflate *z;
 *     EC_TRY(ec_shop_deflate_create(&z, err));
 *     ec_shop_deflate_begin(z, &out);        // then any number of
 *     ec_shop_deflate_feed(z, p, n);
 *     ec_shop_deflate_end(z);                // failures are those of the buffer: ec_buf_check(&out)
 *
 * One thread; a deflater may begin again.
 */
#ifndef EC_SHOP_DEFLATE_H
#define EC_SHOP_DEFLATE_H

#include "base/buf.h"

struct ec_shop_deflate;

enum ec_status ec_shop_deflate_create(struct ec_shop_deflate **z, struct ec_err *err) EC_MUST_USE;
void ec_shop_deflate_destroy(struct ec_shop_deflate *z); /* NULL allowed */

/* Appends to *out, which is borrowed until the end. */
void ec_shop_deflate_begin(struct ec_shop_deflate *z, struct ec_buf *out);
void ec_shop_deflate_feed(struct ec_shop_deflate *z, const void *p, size_t n);
void ec_shop_deflate_end(struct ec_shop_deflate *z);

/* Of what was fed since the beginning. */
uint32_t ec_shop_deflate_crc(const struct ec_shop_deflate *z);
uint64_t ec_shop_deflate_bytes(const struct ec_shop_deflate *z);

/* CRC-32 as gzip and zip have it. */
uint32_t ec_shop_crc(const void *p, size_t n);

#endif
