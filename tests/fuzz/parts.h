/* A zip archive made of an input in parts, so that a fuzzer need not know CRC and deflate:
 *
 *     @@xl/workbook.xml
 *     <workbook>...
 *     @@xl/worksheets/sheet1.xml
 *     <worksheet>...
 *
 * Each part is stored as a member of that name. */
#ifndef TEST_FUZZ_PARTS_H
#define TEST_FUZZ_PARTS_H

#include "kit.h"

struct fuzz_member {
    struct ec_str name;
    struct ec_str bytes;
};

/* An archive of stored members, appended to *out. */
void fuzz_zip(const struct fuzz_member *member, size_t count, struct ec_buf *out);

#endif
