/* libcurl, loaded when the first connection is opened.
 *
 * It brings some thirty libraries along, and nine runs in ten open none: linked to the program they would cost
 * every command, and every worker, which has no network, time and memory. */
#ifndef EC_REMOTE_CURL_LOAD_H
#define EC_REMOTE_CURL_LOAD_H

#include "base/err.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#undef curl_easy_setopt
#undef curl_easy_getinfo

struct ec_curl {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *curl);
    void (*easy_reset)(CURL *curl);
    CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
    void (*easy_cleanup)(CURL *curl);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
};

/* EC_DELIVERY where the library is not there; loaded once, for the process's life. One thread. */
enum ec_status ec_curl_load(const struct ec_curl **curl, struct ec_err *err) EC_MUST_USE;

#endif
