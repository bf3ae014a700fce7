/* gzip by ISA-L, streaming to and from a file: RFC 1952, one member, without name and time. */
#ifndef EC_PUBLISH_ARCHIVE_GZIP_H
#define EC_PUBLISH_ARCHIVE_GZIP_H

#include "base/err.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>

struct ec_gzip_writer;

/* Writes to `fd`, which stays the caller's; `path` is borrowed, for messages. */
enum ec_status ec_gzip_writer_create(int fd, const char *path, struct ec_gzip_writer **writer,
                                     struct ec_err *err) EC_MUST_USE;
enum ec_status ec_gzip_write(struct ec_gzip_writer *writer, const void *p, size_t n, struct ec_err *err) EC_MUST_USE;
/* Writes the end of the stream and its trailer. */
enum ec_status ec_gzip_finish(struct ec_gzip_writer *writer, struct ec_err *err) EC_MUST_USE;
uint64_t ec_gzip_written(const struct ec_gzip_writer *writer);
void ec_gzip_writer_destroy(struct ec_gzip_writer *writer); /* NULL allowed */

struct ec_gzip_reader;

enum ec_status ec_gzip_reader_create(const char *path, struct ec_gzip_reader **reader, struct ec_err *err) EC_MUST_USE;
/* The next bytes, borrowed until the next call; *n is 0 at the end, which is reached only where
 * CRC and length are right and nothing follows. EC_GZIP_NOT, _TRUNCATED, _DAMAGED, _TRAILING. */
enum ec_status ec_gzip_read(struct ec_gzip_reader *reader, const void **p, size_t *n, struct ec_err *err) EC_MUST_USE;
uint64_t ec_gzip_consumed(const struct ec_gzip_reader *reader);
void ec_gzip_reader_destroy(struct ec_gzip_reader *reader); /* NULL allowed */

#endif
