/* Bytes of a raw file again, by their place in the decoded file.
 *
 * A plain file is read there; what is compressed, or in another encoding than UTF-8, is decoded from
 * its beginning up to the last byte that is asked for, and not looked at otherwise. One thread.
 */
#ifndef EC_RUN_FETCH_H
#define EC_RUN_FETCH_H

#include "config/config.h"
#include "source/stream.h"

struct ec_fetch;

/* *fetch is the caller's to close. */
enum ec_status ec_fetch_open(const struct ec_source *source, const char *path, const char *member,
                             struct ec_fetch **fetch, struct ec_err *err) EC_MUST_USE;
/* n bytes from offset on; offsets never fall. EC_FILE_CHANGED where the file ends before. */
enum ec_status ec_fetch_read(struct ec_fetch *fetch, uint64_t offset, void *to, size_t n,
                             struct ec_err *err) EC_MUST_USE;
void ec_fetch_close(struct ec_fetch *fetch); /* NULL allowed */

#endif
