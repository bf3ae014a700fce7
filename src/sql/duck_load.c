#include "sql/duck_calls.h"

#include "base/sanitized.h"

#include <dlfcn.h>
#include <pthread.h>

struct ec_duck_calls ec_duck;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char problem[512];

/* Deep binding has the library look into itself first, and not into every other that is there: half of the time.
 * AddressSanitizer does not allow it. */
#define MODE (RTLD_LAZY | RTLD_LOCAL | (EC_SANITIZED ? 0 : RTLD_DEEPBIND))

static void load(void) {
    void *library = dlopen("libduckdb.so", MODE); /* where the program's RUNPATH says */
    if (!library) {
        (void)snprintf(problem, sizeof problem, "%s", dlerror());
        return;
    }
#define EC_DUCK_CALL(name)                                                                                             \
    *(void **)&ec_duck.name = dlsym(library, "duckdb" #name);                                                          \
    if (!ec_duck.name) (void)snprintf(problem, sizeof problem, "libduckdb.so has no duckdb%s()", #name);
    EC_DUCK_CALLS(EC_DUCK_CALL)
#undef EC_DUCK_CALL
}

enum ec_status ec_duck_load(struct ec_err *err) {
    (void)pthread_once(&once, load);
    if (!problem[0]) return EC_OK;
    return ec_fail(err, EC_ENGINE, "DuckDB cannot be loaded: %s; scripts/install-dependencies gets it", problem);
}
