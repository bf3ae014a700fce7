/* A range of a large plain file: whole records, so that ranges may be read apart and any split
 * gives the same rows. Made by ec_csv_split() and ec_json_split(). */
#ifndef EC_READ_RANGE_H
#define EC_READ_RANGE_H

#include <stdint.h>

struct ec_range {
    uint64_t start; /* byte offset of its first record */
    uint64_t end;   /* behind its last byte; the next range's start */
    uint64_t line;  /* 1-based physical line of `start` */
};

#endif
