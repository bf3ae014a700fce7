/* Waits for drops, and has each of them run through the pipeline by a process of its own.
 *
 *     struct ec_watch_options o = {.dir = "shop", .argv = …, .quiet_s = 30, .poll_s = 10, .retry_s = 60, .events = true};
 *     EC_TRY(ec_watch(&o, &exit_code, err));
 *
 * The run is another process, so that nothing that happens to it ends the watch: a run that fails is
 * repeated later, one behind another's lock too, and there is one at a time. docs/deploy.md says when a
 * drop counts as complete.
 */
#ifndef EC_WATCH_WATCH_H
#define EC_WATCH_WATCH_H

#include "base/err.h"

#include <stdbool.h>

struct ec_watch_options {
    const char *dir;         /* of the drops: data/raw; made where it is not there */
    const char *const *argv; /* the run, NULL-terminated; argv[0] is a path */
    unsigned quiet_s, poll_s, retry_s;
    bool events; /* false: by looking alone */
    bool once;   /* end after one run, with its exit code */
};

/* Until SIGTERM or SIGINT (*exit_code 143, 130), which a run that is under way gets, too, and is waited for; or, with
 * `once`, until the first run has ended. EC_IO where the run cannot be started at all. One thread; takes over SIGTERM,
 * SIGINT and SIGCHLD. */
enum ec_status ec_watch(const struct ec_watch_options *options, int *exit_code, struct ec_err *err) EC_MUST_USE;

#endif
