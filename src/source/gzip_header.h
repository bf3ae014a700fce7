/* The header of a gzip member (RFC 1952, 2.3), in front of the deflate data.
 *
 *     1f 8b  08  flags  time(4)  xfl  os   [extra: n(2) bytes(n)]  [name NUL]  [comment NUL]  [crc16(2)]
 *
 * ISA-L reads headers too, but takes one for damaged whose comment or CRC lies over the end of its
 * input, which members in the middle of a file do.
 */
#ifndef EC_SOURCE_GZIP_HEADER_H
#define EC_SOURCE_GZIP_HEADER_H

#include "source/inflate.h"

/* Moves behind the header at state.next_in. EC_INFLATE_END: it is complete and right;
 * EC_INFLATE_SHORT: the input ended within it; EC_INFLATE_BAD: another method than deflate, reserved
 * flags, a wrong CRC. Its fields may be of any length and are not kept. */
enum ec_status ec_gzip_header_skip(struct ec_inflate *z, enum ec_inflate_state *state, struct ec_err *err) EC_MUST_USE;

#endif
