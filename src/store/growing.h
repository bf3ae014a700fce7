/* A dictionary that grows: values of a column, each once, and their codes.
 *
 * For columns that are put together from many chunks, each with a dictionary of its own
 * (store/gather.h). It is asked once per value of a chunk's dictionary, not once per row, so it
 * hashes plainly and copies every text. One thread.
 */
#ifndef EC_STORE_GROWING_H
#define EC_STORE_GROWING_H

#include "base/batch.h"

struct ec_growing {
    struct ec_dictionary dictionary; /* what batches point to */
    enum ec_type type;
    size_t width;
    char *values; /* dictionary.values */
    uint32_t cap;
    uint32_t *slot; /* code + 1; 0: empty; a power of two of them, at least twice cap */
    struct ec_arena text;
};

void ec_growing_init(struct ec_growing *g, enum ec_type type);
void ec_growing_deinit(struct ec_growing *g);

/* The code of the value, which has the layout of ec_column.values; texts are copied. EC_NO_MEMORY. */
enum ec_status ec_growing_code(struct ec_growing *g, const void *value, uint32_t *code, struct ec_err *err) EC_MUST_USE;

/* Forgets all values and takes a new id. */
void ec_growing_reset(struct ec_growing *g);

#endif
