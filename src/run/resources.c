#include "run/resources.h"

enum ec_status ec_run_note_resources(struct ec_run_facts *facts, const struct ec_timing *timing, struct ec_err *err) {
    if (!timing) return EC_OK;
    struct ec_time_spent whole = ec_timing_whole(timing);
    struct ec_resource_facts r = {.known = true, .peak_memory_bytes = ec_peak_memory_bytes()};
    r.cpu_seconds = (double)(whole.cpu_ns + whole.child_cpu_ns) / 1e9;
    r.stage = ec_arena_calloc(&facts->arena, timing->count, sizeof *r.stage);
    if (!r.stage) return ec_fail(err, EC_NO_MEMORY, "no memory for the stages of the run");
    for (size_t i = 0; i < timing->count; i++) {
        const struct ec_timing_stage *stage = &timing->stage[i];
        if (stage->depth > 0 || stage->times == 0) continue; /* the one that is open has no end yet */
        char *name = ec_arena_strdup(&facts->arena, stage->name);
        if (!name) return ec_fail(err, EC_NO_MEMORY, "no memory for the stages of the run");
        r.stage[r.stage_count++] = (struct ec_stage_facts){.name = name,
                                                           .start = (double)stage->start_ns / 1e9,
                                                           .seconds = (double)stage->spent.wall_ns / 1e9,
                                                           .cpu_seconds = (double)(stage->spent.cpu_ns + stage->spent.child_cpu_ns) / 1e9};
    }
    facts->resources = r;
    return EC_OK;
}
