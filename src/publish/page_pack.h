/* Facts that would make the page too large, squeezed: zlib (RFC 1950) in base64. A browser opens them by itself. */
#ifndef EC_PUBLISH_PAGE_PACK_H
#define EC_PUBLISH_PAGE_PACK_H

#include "base/buf.h"
#include "base/err.h"

/* Appended. EC_NO_MEMORY, EC_DELIVERY. */
enum ec_status ec_page_pack(struct ec_str text, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;

#endif
