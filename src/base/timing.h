/* Where a run's time goes: stages of the driver, and parts of a worker's task.
 *
 *     struct ec_timing timing;
 *     ec_timing_init(&timing);
 *     ec_timing_begin(&timing, "models");
 *     ec_timing_begin(&timing, "sales_kpi");        // within models
 *     ec_timing_count(&timing, rows, bytes);        // of the stage that is open
 *     ec_timing_end(&timing);
 *     ec_timing_end(&timing);
 *
 * A stage has its wall time, the processor time of this process (all its threads) and of worker
 * processes, and what was waited for the disk. A stage that is begun again
 * under the same name, within the same one, adds to what it had. One thread.
 *
 *     struct ec_laps laps;
 *     ec_laps_start(&laps);
 *     ec_reader_next(…);
 *     ec_lap(&laps, EC_WORK_READ);                  // all since the lap before was reading
 *
 * A lap is one look at the clock (some 50 ns): cheap enough for every batch. It does not ask for
 * processor time, which is a system call of 200 to 1,500 ns; that is measured per task.
 */
#ifndef EC_BASE_TIMING_H
#define EC_BASE_TIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- stages ---- */

#define EC_TIMING_STAGES_MAX 256u /* further ones count to the stage around them */
#define EC_TIMING_NAME_MAX   63u  /* longer names are cut */
#define EC_TIMING_DEPTH_MAX  8u

struct ec_time_spent {
    int64_t wall_ns;
    int64_t cpu_ns;       /* of this process */
    int64_t child_cpu_ns; /* of worker processes, as far as it is known */
    int64_t sync_ns;      /* wall time in fsync, over all threads that wait at once but those of base/durable.h */
    uint64_t syncs;
};

struct ec_timing_stage {
    char name[EC_TIMING_NAME_MAX + 1];
    unsigned depth;  /* 0: of the run itself; a stage stands behind the one that it is within */
    size_t parent;   /* SIZE_MAX at depth 0 */
    int64_t start_ns; /* when it was begun first, since the whole's beginning */
    uint64_t times;  /* how often it was begun */
    struct ec_time_spent spent;
    uint64_t rows, bytes;
};

struct ec_timing {
    struct ec_time_spent begun;
    struct ec_timing_stage stage[EC_TIMING_STAGES_MAX]; /* in the order in which they were begun first */
    size_t count;
    struct {
        size_t stage; /* SIZE_MAX: there was no room for it */
        struct ec_time_spent at;
    } open[EC_TIMING_DEPTH_MAX];
    unsigned depth;
};

/* Its whole, and its first stage, begin with the process, as far as that took processor time. */
void ec_timing_init(struct ec_timing *timing);

/* NULL is allowed for `timing` in all of these: nothing is measured then. */
void ec_timing_begin(struct ec_timing *timing, const char *name);
void ec_timing_end(struct ec_timing *timing);
void ec_timing_count(struct ec_timing *timing, uint64_t rows, uint64_t bytes);
/* A stage within the open one, whose time was measured otherwise. */
void ec_timing_add(struct ec_timing *timing, const char *name, const struct ec_time_spent *spent);
/* Ends what an error left open. */
void ec_timing_close(struct ec_timing *timing);

/* From the beginning until now. */
struct ec_time_spent ec_timing_whole(const struct ec_timing *timing);
/* What no stage of depth 0 accounts for, until now. */
struct ec_time_spent ec_timing_rest(const struct ec_timing *timing, const struct ec_time_spent *whole);

/* ---- parts of a task ---- */

enum ec_work_part {
    EC_WORK_OPEN,       /* opening DuckDB, input and outputs, and closing them */
    EC_WORK_READ,       /* inflating and reading */
    EC_WORK_DERIVE,     /* derived columns and expression rules */
    EC_WORK_CHECK,      /* rules, verdicts, profile */
    EC_WORK_KEYS,       /* keys within the task, and their file */
    EC_WORK_QUARANTINE, /* writing rejected rows */
    EC_WORK_ENCODE,     /* Parquet */
    EC_WORK_SYNC,       /* waiting for the disk */
    EC_WORK_PARTS
};

const char *ec_work_part_name(enum ec_work_part part);

/* A task's time. Sums over tasks where facts are merged; never part of what must repeat. */
struct ec_work_time {
    int64_t cpu_ns; /* of the worker's process */
    int64_t part_ns[EC_WORK_PARTS]; /* wall */
    int64_t again_ns, again_cpu_ns; /* of readings that were repeated: for duplicates, or to reject the file */
};

void ec_work_time_add(struct ec_work_time *to, const struct ec_work_time *from);
/* What was spent becomes that of an earlier reading. */
void ec_work_time_set_aside(struct ec_work_time *time);

struct ec_laps {
    int64_t start_ns, at_ns, sync_ns, start_cpu_ns;
    struct ec_work_time *time;
};

void ec_laps_start(struct ec_laps *laps, struct ec_work_time *time);
/* Adds the time since the lap before to the part; what of it was waiting for the disk, to
 * EC_WORK_SYNC. */
void ec_lap(struct ec_laps *laps, enum ec_work_part part);
/* Takes the processor time. Returns the wall time from the start to the last lap: that of all parts. */
int64_t ec_laps_stop(struct ec_laps *laps);

/* ---- clocks ---- */

int64_t ec_monotonic_nanos(void);
int64_t ec_process_cpu_nanos(void);

/* Processor time of a worker, when it is known: of a task with its answer, the rest when the process has ended. */
void ec_timing_note_child(int64_t cpu_ns);
/* The most memory that one process held, in bytes: this one, or a worker that was waited for. */
uint64_t ec_peak_memory_bytes(void);
/* Of all child processes that were waited for. */
int64_t ec_timing_children_nanos(void);
/* Waiting for the disk, noted by base/io.c; any thread. */
void ec_timing_note_sync(int64_t wall_ns, uint64_t syncs);
int64_t ec_timing_sync_nanos(void);

#endif
