/* Huffman codes of limited length, as deflate wants them (RFC 1951, 3.2.2). */
#ifndef EC_SHOP_HUFFMAN_H
#define EC_SHOP_HUFFMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EC_SHOP_SYMBOLS_MAX 286u

/* For symbols 0..n-1 (n <= EC_SHOP_SYMBOLS_MAX) with their frequencies, which are used up: the
 * lengths of their codes, 0 for what does not occur, at most `length_max`; and the codes, with the
 * bit that is sent first lowest. A single symbol gets a code of one bit. */
void ec_shop_huffman(uint32_t *frequency, size_t n, unsigned length_max, uint8_t *length, uint16_t *code);

#endif
