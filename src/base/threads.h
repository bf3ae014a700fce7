/* Threads that are not signalled: signals are the calling thread's alone, which looks at them between its steps.
 *
 *     static void *work(void *context) {
 *         for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->count;) …
 *         return NULL;
 *     }
 *     ec_side_by_side(work, &context, count);
 */
#ifndef EC_BASE_THREADS_H
#define EC_BASE_THREADS_H

#include <pthread.h>
#include <stddef.h>

#define EC_THREADS_MAX 16u

/* pthread_create(), with a stack as large as a process's own and every signal blocked; an error number, 0 for none. */
int ec_thread_start(pthread_t *thread, void *(*work)(void *context), void *context);

/* Calls work(context) on up to `count` threads, EC_THREADS_MAX at most, of which this one is the first; returns when
 * all have returned. Where threads cannot be had, fewer do it: `work` takes what there is until nothing is left. */
void ec_side_by_side(void *(*work)(void *context), void *context, size_t count);

#endif
