/* When a run is due: pure arithmetic over a clock that the caller reads, so that tests need not wait.
 *
 * A drop is complete when nothing has changed for `quiet_us` and nobody holds a file of it open for
 * writing. One who holds a file open and writes nothing is waited for PATIENCE times as long, no
 * longer: a transfer that hangs does not keep all others away.
 *
 *     struct ec_quiet q;
 *     ec_quiet_init(&q, 30 s, 60 s);
 *     ec_quiet_changed(&q, now);
 *     wait for ec_quiet_due(&q, writers, now)     // 0: now; INT64_MAX: nothing is awaited
 *     ec_quiet_ran(&q, exit_code, now);           // or ec_quiet_nothing(), where there was no new file
 */
#ifndef EC_WATCH_QUIET_H
#define EC_WATCH_QUIET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EC_QUIET_PATIENCE 10

struct ec_quiet {
    int64_t quiet_us, retry_us;
    bool waiting;         /* something may be new */
    bool again;           /* the last run is to be repeated, whether something is new or not */
    int64_t changed_us;   /* of the last change */
    int64_t not_before_us; /* a run that failed is not repeated earlier */
    unsigned failures;    /* in a row */
};

/* Waits at first, as if something had changed at `now_us`: what came before is looked at, too. */
void ec_quiet_init(struct ec_quiet *q, int64_t quiet_us, int64_t retry_us, int64_t now_us);
/* Something changed. It may be what mends a failure, so that a repetition waits no longer for its time. */
void ec_quiet_changed(struct ec_quiet *q, int64_t now_us);
/* Microseconds until a look, and a run where there is something: 0: at once, INT64_MAX: never. */
int64_t ec_quiet_due(const struct ec_quiet *q, bool writers, int64_t now_us);
/* There was a look, and nothing is new. */
void ec_quiet_nothing(struct ec_quiet *q);
/* A run ended with this exit code (128 + signal where one ended it). Microseconds until it is repeated, 0 where it is
 * not: after 0 and 1 (a gate failed: the files are to blame) only new files matter; behind another run's lock it is
 * tried again each `retry_us`; after any other failure in twice the time each time, up to 64 times of it. */
int64_t ec_quiet_ran(struct ec_quiet *q, int exit_code, int64_t now_us);

#endif
