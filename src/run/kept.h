/* What a reading leaves for the task that takes rows out of what it made.
 *
 * In the task's folder, beside the parts: the file "kept", how the file was read; "result", the
 * worker's answer; and "repeats" (run/repeats.h). They go with the run's staging.
 */
#ifndef EC_RUN_KEPT_H
#define EC_RUN_KEPT_H

#include "run/task.h"

#define EC_REPEATS_FILE    "repeats"
#define EC_QUARANTINE_FILE "quarantine.jsonl"

struct ec_kept {
    enum ec_format format; /* that the file was read as: CSV or JSON */
    uint64_t records_at;   /* offset of the first record: what lies before is the header's */
    bool repeats;          /* rows repeat others of the task: the file is there */
};

enum ec_status ec_kept_write(const char *folder, const struct ec_kept *kept, struct ec_err *err) EC_MUST_USE;
/* The line of the result, as the protocol has it, where result->keep asks for it. */
enum ec_status ec_kept_answer(const char *folder, struct ec_str line, struct ec_err *err) EC_MUST_USE;
/* *result is to be deinitialised whatever this returns. EC_PROTOCOL where a file is damaged or of
 * another task, EC_UNREADABLE where there is none. */
enum ec_status ec_kept_read(const char *folder, const char *task, struct ec_kept *kept, struct ec_task_result *result,
                            struct ec_err *err) EC_MUST_USE;

#endif
