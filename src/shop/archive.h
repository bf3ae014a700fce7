/* Writing zip archives (APPNOTE 6.3.10) with fixed times, for api_logs.zip and the workbook.
 *
 * A member is made in memory and then written, so that its local header says everything and a
 * strict reader has nothing to wonder at. Below 4 GiB and 10,000 members; no zip64.
 *
 *     struct ec_shop_archive a;
 *     EC_TRY(ec_shop_archive_open(&a, path, err));
 *     EC_TRY(ec_shop_archive_add(&a, &member, err));
 *     EC_TRY(ec_shop_archive_finish(&a, err));
 *     ec_shop_archive_close(&a);       // removes the file where it was not finished
 */
#ifndef EC_SHOP_ARCHIVE_H
#define EC_SHOP_ARCHIVE_H

#include "base/buf.h"

struct ec_shop_archive {
    const char *path; /* borrowed */
    int fd;
    bool finished;
    uint64_t bytes; /* written so far */
    uint32_t count;
    struct ec_buf directory;
};

struct ec_shop_member {
    const char *name;   /* with '/' */
    struct ec_str data; /* as it will lie there */
    bool deflated;      /* data is deflate of what has this crc and size; else it is stored */
    uint32_t crc;
    uint64_t bytes_decoded;
};

enum ec_status ec_shop_archive_open(struct ec_shop_archive *archive, const char *path, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_shop_archive_add(struct ec_shop_archive *archive, const struct ec_shop_member *member,
                                   struct ec_err *err) EC_MUST_USE;
enum ec_status ec_shop_archive_finish(struct ec_shop_archive *archive, struct ec_err *err) EC_MUST_USE;
void ec_shop_archive_close(struct ec_shop_archive *archive);

#endif
