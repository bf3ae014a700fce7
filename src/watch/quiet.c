#include "watch/quiet.h"

#include "base/code.h"

#define DOUBLINGS_MAX 6u

void ec_quiet_init(struct ec_quiet *q, int64_t quiet_us, int64_t retry_us, int64_t now_us) {
    *q = (struct ec_quiet){.quiet_us = quiet_us, .retry_us = retry_us, .waiting = true, .again = true, .changed_us = now_us};
}

void ec_quiet_changed(struct ec_quiet *q, int64_t now_us) {
    q->waiting = true;
    q->changed_us = now_us;
    q->not_before_us = 0;
}

int64_t ec_quiet_due(const struct ec_quiet *q, bool writers, int64_t now_us) {
    if (!q->waiting) return INT64_MAX;
    int64_t due_us = q->changed_us + q->quiet_us * (writers ? EC_QUIET_PATIENCE : 1);
    if (due_us < q->not_before_us) due_us = q->not_before_us;
    return due_us > now_us ? due_us - now_us : 0;
}

void ec_quiet_nothing(struct ec_quiet *q) {
    q->waiting = false;
}

int64_t ec_quiet_ran(struct ec_quiet *q, int exit_code, int64_t now_us) {
    bool done = exit_code == EC_EXIT_DONE || exit_code == EC_EXIT_GATE;
    q->waiting = q->again = !done;
    q->not_before_us = 0;
    if (exit_code != EC_EXIT_LOCKED) q->failures = done ? 0 : q->failures + 1;
    if (done) return 0;
    unsigned doublings = exit_code == EC_EXIT_LOCKED || q->failures == 0 ? 0 : q->failures - 1;
    int64_t wait_us = q->retry_us << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
    q->not_before_us = now_us + wait_us;
    return wait_us;
}
