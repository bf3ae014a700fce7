/* Many keys in order of their hashes: a radix sort of small items that stand for them.
 * Private to gate/.
 *
 * Sixteen bits below those that all items share put nearly every hash into a place of its own; two
 * passes over bytes do that, and each place is then sorted by comparing. Many hashes that agree in
 * those bits, as a hostile file may have them, cost a merge sort and nothing worse.
 */
#ifndef EC_GATE_KEY_SORT_H
#define EC_GATE_KEY_SORT_H

#include <stddef.h>
#include <stdint.h>

struct ec_key_item {
    uint64_t hi;      /* the upper half of the hash */
    uint32_t run, at; /* which key it stands for: the caller's */
};

/* Sorts n items by `hi`; those that agree in it by order(a, b, context), which is as qsort_r()'s.
 * `spare` has room for n more. */
void ec_key_sort(struct ec_key_item *item, struct ec_key_item *spare, size_t n,
                 int (*order)(const void *a, const void *b, void *context), void *context);

#endif
