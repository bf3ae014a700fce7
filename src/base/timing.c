#include "base/timing.h"

#include "base/language.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static _Atomic int64_t synced_ns, children_ns;
static _Atomic uint64_t synced;

/* ---- clocks ---- */

static int64_t nanos(clockid_t clock) {
    struct timespec t = {0};
    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t ec_monotonic_nanos(void) {
    return nanos(CLOCK_MONOTONIC);
}

int64_t ec_process_cpu_nanos(void) {
    return nanos(CLOCK_PROCESS_CPUTIME_ID);
}

static int64_t of_timeval(struct timeval t) {
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

int64_t ec_timing_children_nanos(void) {
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return of_timeval(usage.ru_utime) + of_timeval(usage.ru_stime);
}

uint64_t ec_peak_memory_bytes(void) {
    struct rusage own = {0}, children = {0};
    (void)getrusage(RUSAGE_SELF, &own);
    (void)getrusage(RUSAGE_CHILDREN, &children);
    long kib = own.ru_maxrss > children.ru_maxrss ? own.ru_maxrss : children.ru_maxrss;
    return kib > 0 ? (uint64_t)kib * 1024 : 0;
}

void ec_timing_note_child(int64_t cpu_ns) {
    atomic_fetch_add_explicit(&children_ns, cpu_ns, memory_order_relaxed);
}

void ec_timing_note_sync(int64_t wall_ns, uint64_t syncs) {
    atomic_fetch_add_explicit(&synced_ns, wall_ns, memory_order_relaxed);
    atomic_fetch_add_explicit(&synced, syncs, memory_order_relaxed);
}

int64_t ec_timing_sync_nanos(void) {
    return atomic_load_explicit(&synced_ns, memory_order_relaxed);
}

static struct ec_time_spent now(void) {
    return (struct ec_time_spent){.wall_ns = ec_monotonic_nanos(),
                                  .cpu_ns = ec_process_cpu_nanos(),
                                  .child_cpu_ns = atomic_load_explicit(&children_ns, memory_order_relaxed),
                                  .sync_ns = ec_timing_sync_nanos(),
                                  .syncs = atomic_load_explicit(&synced, memory_order_relaxed)};
}

static void add(struct ec_time_spent *to, const struct ec_time_spent *d) {
    to->wall_ns += d->wall_ns;
    to->cpu_ns += d->cpu_ns;
    to->child_cpu_ns += d->child_cpu_ns;
    to->sync_ns += d->sync_ns;
    to->syncs += d->syncs;
}

static struct ec_time_spent between(const struct ec_time_spent *from, const struct ec_time_spent *to) {
    return (struct ec_time_spent){to->wall_ns - from->wall_ns, to->cpu_ns - from->cpu_ns,
                                  to->child_cpu_ns - from->child_cpu_ns, to->sync_ns - from->sync_ns,
                                  to->syncs - from->syncs};
}

/* ---- stages ---- */

void ec_timing_init(struct ec_timing *t) {
    memset(t, 0, sizeof *t);
    t->begun = now();
    /* Loading its libraries took the process as long as it took the processor. */
    t->begun.wall_ns -= t->begun.cpu_ns;
    t->begun.cpu_ns = 0;
}

static bool is_stage(const struct ec_timing *t, size_t at, size_t parent, const char *name) {
    return t->stage[at].parent == parent && strncmp(t->stage[at].name, name, EC_TIMING_NAME_MAX) == 0;
}

/* The stage of that name within `parent`; SIZE_MAX where there is no room for it. */
static size_t find_stage(struct ec_timing *t, size_t parent, const char *name) {
    for (size_t i = 0; i < t->count; i++)
        if (is_stage(t, i, parent, name)) return i;
    if (t->count == EC_TIMING_STAGES_MAX) return SIZE_MAX;
    struct ec_timing_stage *made = &t->stage[t->count];
    size_t n = strnlen(name, EC_TIMING_NAME_MAX);
    memcpy(made->name, name, n);
    made->name[n] = '\0';
    made->parent = parent;
    made->depth = parent == SIZE_MAX ? 0 : t->stage[parent].depth + 1;
    return t->count++;
}

static size_t innermost(const struct ec_timing *t) {
    unsigned at = t->depth < EC_TIMING_DEPTH_MAX ? t->depth : EC_TIMING_DEPTH_MAX;
    while (at > 0 && t->open[at - 1].stage == SIZE_MAX) at--;
    return at > 0 ? t->open[at - 1].stage : SIZE_MAX;
}

void ec_timing_begin(struct ec_timing *t, const char *name) {
    if (!t) return;
    size_t within = innermost(t);
    unsigned at = t->depth++;
    if (at >= EC_TIMING_DEPTH_MAX) return;
    t->open[at].stage = find_stage(t, within, name);
    t->open[at].at = t->count == 1 && t->stage[0].times == 0 ? t->begun : now();
    size_t stage = t->open[at].stage;
    if (stage != SIZE_MAX && t->stage[stage].times == 0) t->stage[stage].start_ns = t->open[at].at.wall_ns - t->begun.wall_ns;
}

void ec_timing_end(struct ec_timing *t) {
    if (!t || t->depth == 0) return;
    unsigned at = --t->depth;
    if (at >= EC_TIMING_DEPTH_MAX || t->open[at].stage == SIZE_MAX) return;
    struct ec_timing_stage *stage = &t->stage[t->open[at].stage];
    struct ec_time_spent end = now(), spent = between(&t->open[at].at, &end);
    add(&stage->spent, &spent);
    stage->times++;
}

void ec_timing_count(struct ec_timing *t, uint64_t rows, uint64_t bytes) {
    size_t at = t ? innermost(t) : SIZE_MAX;
    if (at == SIZE_MAX) return;
    t->stage[at].rows += rows;
    t->stage[at].bytes += bytes;
}

void ec_timing_add(struct ec_timing *t, const char *name, const struct ec_time_spent *spent) {
    size_t at = t ? find_stage(t, innermost(t), name) : SIZE_MAX;
    if (at == SIZE_MAX) return;
    add(&t->stage[at].spent, spent);
    t->stage[at].times++;
}

void ec_timing_close(struct ec_timing *t) {
    while (t && t->depth > 0) ec_timing_end(t);
}

struct ec_time_spent ec_timing_whole(const struct ec_timing *t) {
    struct ec_time_spent end = now();
    return between(&t->begun, &end);
}

struct ec_time_spent ec_timing_rest(const struct ec_timing *t, const struct ec_time_spent *whole) {
    struct ec_time_spent sum = {0};
    for (size_t i = 0; i < t->count; i++)
        if (t->stage[i].depth == 0) add(&sum, &t->stage[i].spent);
    return between(&sum, whole);
}

/* ---- parts of a task ---- */

const char *ec_work_part_name(enum ec_work_part part) {
    static const char *const names[] = {N_("open"), N_("read"), N_("derive"), N_("check"), N_("keys"), N_("quarantine"), N_("encode"), N_("sync")};
    return names[part];
}

void ec_work_time_add(struct ec_work_time *to, const struct ec_work_time *from) {
    to->cpu_ns += from->cpu_ns;
    for (int i = 0; i < EC_WORK_PARTS; i++) to->part_ns[i] += from->part_ns[i];
    to->again_ns += from->again_ns;
    to->again_cpu_ns += from->again_cpu_ns;
}

void ec_work_time_set_aside(struct ec_work_time *time) {
    struct ec_work_time aside = {.again_ns = time->again_ns, .again_cpu_ns = time->again_cpu_ns + time->cpu_ns};
    for (int i = 0; i < EC_WORK_PARTS; i++) aside.again_ns += time->part_ns[i];
    *time = aside;
}

void ec_laps_start(struct ec_laps *laps, struct ec_work_time *time) {
    laps->time = time;
    laps->start_ns = laps->at_ns = ec_monotonic_nanos();
    laps->sync_ns = ec_timing_sync_nanos();
    laps->start_cpu_ns = ec_process_cpu_nanos();
}

void ec_lap(struct ec_laps *laps, enum ec_work_part part) {
    int64_t at = ec_monotonic_nanos(), synced_until = ec_timing_sync_nanos();
    int64_t waited = synced_until - laps->sync_ns;
    laps->time->part_ns[EC_WORK_SYNC] += waited;
    laps->time->part_ns[part] += at - laps->at_ns - waited;
    laps->at_ns = at;
    laps->sync_ns = synced_until;
}

int64_t ec_laps_stop(struct ec_laps *laps) {
    laps->time->cpu_ns += ec_process_cpu_nanos() - laps->start_cpu_ns;
    return laps->at_ns - laps->start_ns;
}
