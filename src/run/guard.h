/* A worker under guard: for a scheduler that knows nothing of workers that die.
 *
 * Tasks come on one descriptor and results go to the other, as with a worker; between stands the driver's own pool
 * (run/pool.h) with one worker. So a file that kills its worker, or takes too long, is tried once more and then is
 * `errored`, with the words that a run on one machine has for it, and what is not the file's fault ends the guard.
 * That, too, is said in a line, since the scheduler may show nobody our stderr:
 *     {"v":1,"task":"t000017","status":"failed","error":{"code":"disk-full","message":"…"}}
 */
#ifndef EC_RUN_GUARD_H
#define EC_RUN_GUARD_H

#include "run/pool.h"

struct ec_guard_options {
    const char *const *argv; /* of the worker, NULL-terminated */
    unsigned timeout_s;
    uint64_t memory_bytes;
};

/* Until the end of input. */
enum ec_status ec_guard_run(const struct ec_guard_options *options, int fd_in, int fd_out, struct ec_err *err) EC_MUST_USE;

#endif
