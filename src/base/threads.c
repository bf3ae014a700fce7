#include "base/threads.h"

#include <pthread.h>

#define STACK_BYTES ((size_t)512 * 1024)

void ec_side_by_side(void *(*work)(void *context), void *context, size_t count) {
    pthread_t thread[EC_THREADS_MAX - 1];
    pthread_attr_t attributes;
    size_t threads = 0;
    if (count > 1 && pthread_attr_init(&attributes) == 0) {
        (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
        while (threads + 1 < count && threads < EC_THREADS_MAX - 1 &&
               pthread_create(&thread[threads], &attributes, work, context) == 0)
            threads++;
        (void)pthread_attr_destroy(&attributes);
    }
    (void)work(context);
    for (size_t i = 0; i < threads; i++) (void)pthread_join(thread[i], NULL);
}
