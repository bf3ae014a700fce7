#include "remote/curl_load.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

static struct ec_curl table;
static bool loaded;

/* dlsym() gives a pointer to data; POSIX says that it may hold one to a function. */
static bool find(void *library, const char *name, void *to) {
    void *symbol = dlsym(library, name);
    memcpy(to, &symbol, sizeof symbol);
    return symbol != NULL;
}

enum ec_status ec_curl_load(const struct ec_curl **curl, struct ec_err *err) {
    *curl = &table;
    if (loaded) return EC_OK;
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) return ec_fail(err, EC_DELIVERY, "the library %s cannot be loaded: install libcurl4", LIBRARY);
    bool all = find(library, "curl_global_init", &table.global_init) && find(library, "curl_easy_init", &table.easy_init) &&
               find(library, "curl_easy_setopt", &table.easy_setopt) && find(library, "curl_easy_perform", &table.easy_perform) &&
               find(library, "curl_easy_reset", &table.easy_reset) && find(library, "curl_easy_getinfo", &table.easy_getinfo) && find(library, "curl_easy_cleanup", &table.easy_cleanup) &&
               find(library, "curl_easy_strerror", &table.easy_strerror) && find(library, "curl_slist_append", &table.slist_append) &&
               find(library, "curl_slist_free_all", &table.slist_free_all);
    if (!all || table.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return ec_fail(err, EC_DELIVERY, "the library %s is not one that ecluse knows", LIBRARY);
    loaded = true;
    return EC_OK;
}
