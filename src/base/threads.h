/* The same work on several threads, for what waits: the disk can take many requests at once.
 *
 *     static void *work(void *context) {
 *         for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->count;) …
 *         return NULL;
 *     }
 *     ec_side_by_side(work, &context, count);
 */
#ifndef EC_BASE_THREADS_H
#define EC_BASE_THREADS_H

#include <stddef.h>

#define EC_THREADS_MAX 16u

/* Calls work(context) on up to `count` threads, EC_THREADS_MAX at most, of which this one is the first; returns when
 * all have returned. Where threads cannot be had, fewer do it: `work` takes what there is until nothing is left. */
void ec_side_by_side(void *(*work)(void *context), void *context, size_t count);

#endif
