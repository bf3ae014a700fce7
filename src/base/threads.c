#include "base/threads.h"

#include <signal.h>

int ec_thread_start(pthread_t *thread, void *(*work)(void *context), void *context) {
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int code = pthread_create(thread, NULL, work, context);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

void ec_side_by_side(void *(*work)(void *context), void *context, size_t count) {
    pthread_t thread[EC_THREADS_MAX - 1];
    size_t threads = 0;
    while (threads + 1 < count && threads < EC_THREADS_MAX - 1 && ec_thread_start(&thread[threads], work, context) == 0) threads++;
    (void)work(context);
    for (size_t i = 0; i < threads; i++) (void)pthread_join(thread[i], NULL);
}
