/* Addresses of objects in a store, as configurations and commands name them:
 *
 *     s3://bucket/drop/2025/sales_1.csv            an S3-compatible store; the key is written as it is, not encoded
 *     hdfs://namenode/shop/drop/sales_1.csv        HDFS, spoken to over WebHDFS
 *     webhdfs://namenode:9870/shop/drop/…          the same, its HTTP address named
 *     swebhdfs://namenode:9871/shop/drop/…         over HTTPS
 *
 * Everything else is a path.
 */
#ifndef EC_BASE_ADDRESS_H
#define EC_BASE_ADDRESS_H

#include "base/err.h"
#include "base/text.h"

#define EC_ADDRESS_MAX 2048u /* bytes; a key of S3 has at most 1,024 */

enum ec_address_kind { EC_ADDRESS_S3, EC_ADDRESS_HDFS, EC_ADDRESS_WEBHDFS, EC_ADDRESS_SWEBHDFS };

struct ec_address {
    enum ec_address_kind kind;
    struct ec_str authority; /* the bucket; host[:port] */
    const char *key;         /* behind the slash, NUL-terminated; may be "" */
};

/* Whether the text begins as an address does. */
bool ec_is_address(const char *text);
bool ec_address_is_s3(const char *text);
/* Takes it apart; everything is borrowed from `text`. EC_USAGE names what is wrong: a bucket or host that cannot be one,
 * a user or password in it, no slash behind it, more than EC_ADDRESS_MAX bytes, a control character. */
enum ec_status ec_address_parse(const char *text, struct ec_address *address, struct ec_err *err) EC_MUST_USE;
/* Whether the text is the address of something below `folder` (without a slash behind it), by a key that could be a path;
 * never below NULL. */
bool ec_address_lies_below(const char *text, const char *folder);
/* "s3", "hdfs", "webhdfs", "swebhdfs". */
const char *ec_address_scheme(enum ec_address_kind kind);

/* Whether the key, taken as a path below a folder of ours, stays in it and can be a file there: no component that is
 * empty, `.` or `..` or longer than file systems allow, and no slash at its end. */
bool ec_address_key_is_path(const char *key);

#endif
