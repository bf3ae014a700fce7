#include "run/plan.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/hashing.h"
#include "run/judge.h"
#include "run/objects.h"
#include "run/paths.h"
#include "run/split.h"
#include "store/delta.h"

#include <inttypes.h>
#include <stdlib.h>

#define PLAN_ARENA_MAX ((size_t)1 * EC_GIB)

const char *ec_cause_name(enum ec_cause cause) {
    static const char *const names[] = {"new",    "changed-file", "changed-rule", "failed-before",
                                        "forced", "table-gone",   "applied",      "copy"};
    return names[cause];
}

const char *ec_cause_sentence(enum ec_cause cause) {
    static const char *const sentences[] = {
        N_("new file"),
        N_("a file of this name was applied before, with other content"),
        N_("its rules changed since it was applied: it is validated again and its rows are replaced"),
        N_("it could not be read, or was rejected, last time"),
        N_("asked for by --force"),
        N_("it was applied before, but its table is no longer there"),
        N_("already applied"),
        N_("the same content as another file of this run"),
    };
    return sentences[cause];
}

static enum ec_status read_manifests(struct ec_plan *plan, const char *dir, struct ec_err *err) {
    struct ec_manifest_list list;
    enum ec_status status = ec_manifest_list(dir, &list, err);
    if (status == EC_OK && list.count > 0) {
        plan->manifest = ec_calloc(list.count, sizeof *plan->manifest);
        if (!plan->manifest) status = ec_fail(err, EC_NO_MEMORY, "no memory for %zu manifests", list.count);
    }
    for (size_t i = 0; i < list.count && status == EC_OK; i++)
        status = ec_manifest_read(dir, list.seq[i], &plan->manifest[plan->manifest_count++], err);
    ec_manifest_list_deinit(&list);
    EC_TRY(status);
    return ec_past_make(plan->manifest, plan->manifest_count, &plan->arena, &plan->past, err);
}

/* Numbers never repeat, even where manifests were deleted: a table skips a commit whose number
 * its log already has. */
static enum ec_status look_at_seq(void *user, const char *table, struct ec_err *err) {
    uint32_t *last = user;
    int64_t txn;
    EC_TRY(ec_delta_txn(table, EC_APP_ID, &txn, err));
    if (txn > (int64_t)*last) *last = (uint32_t)txn;
    return EC_OK;
}

static enum ec_status next_seq(struct ec_plan *plan, const struct ec_config *config, struct ec_err *err) {
    uint32_t last = plan->manifest_count ? plan->manifest[plan->manifest_count - 1].seq : 0;
    EC_TRY(ec_each_table(config->dir, look_at_seq, &last, err));
    plan->seq = last + 1;
    return EC_OK;
}

/* The hash that a manifest recorded, if the file is the same to the clock, size and inode. */
static const char *known_hash(const struct ec_plan *plan, const struct ec_input *in) {
    const struct ec_past_input *past;
    if (in->tag) return in->known;
    size_t n = ec_past_of_place(&plan->past, in->source->name, in->path, in->member, &past);
    for (size_t i = 0; i < n; i++) {
        const struct ec_manifest_input *old = past[i].input;
        if (old->sha256 && old->bytes == in->bytes && old->mtime_us == in->mtime_us && old->inode == in->inode)
            return old->sha256;
    }
    return NULL;
}

/* The directory of the archive at hand: its members follow each other. */
struct archive {
    const char *path;
    struct ec_zip_member *member;
    size_t count;
};

static int compare_members(const void *a, const void *b) {
    const struct ec_zip_member *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* What is to be hashed, for the units and for the archives as wholes. */
struct hashing {
    struct ec_hash_job *job;
    struct ec_plan_unit **unit; /* of the job */
    size_t count;
};

static void add_job(struct hashing *h, struct ec_plan_unit *unit, const char *path, uint64_t offset, uint64_t bytes) {
    h->job[h->count] = (struct ec_hash_job){.path = path, .offset = offset, .bytes = bytes};
    h->unit[h->count++] = unit;
}

static enum ec_status cannot_read(struct ec_plan *plan, struct ec_plan_unit *unit, enum ec_status status, const char *cause,
                                  struct ec_err *err) {
    unit->sha256[0] = '\0';
    unit->status = status;
    unit->problem = ec_arena_strdup(&plan->arena, cause);
    return unit->problem ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
}

/* A member is known by its bytes as stored: an archive that grows keeps its old members. */
static enum ec_status find_member(struct ec_plan *plan, struct archive *archive, const struct ec_plan_unit *unit, const char *path,
                                  const struct ec_zip_member **member, struct ec_err *err) {
    if (!archive->path || strcmp(archive->path, unit->input->path) != 0) {
        EC_TRY(ec_zip_list(path, &plan->arena, &archive->member, &archive->count, err));
        if (archive->count > 0) qsort(archive->member, archive->count, sizeof *archive->member, compare_members);
        archive->path = unit->input->path;
    }
    const struct ec_zip_member key = {.name = unit->input->member};
    *member = archive->count ? bsearch(&key, archive->member, archive->count, sizeof key, compare_members) : NULL;
    return *member ? EC_OK : ec_fail(err, EC_FILE_CHANGED, "the member is no longer in %s", path);
}

static enum ec_status plan_hash(struct ec_plan *plan, struct archive *archive, struct hashing *h, struct ec_plan_unit *unit,
                                struct ec_err *err) {
    const char *known = known_hash(plan, unit->input);
    if (known) {
        (void)snprintf(unit->sha256, sizeof unit->sha256, "%s", known);
        return EC_OK;
    }
    if (!unit->input->root) return EC_OK; /* an object that was not fetched: nobody knows */
    char joined[EC_PATH_MAX];
    EC_TRY(ec_path_join(joined, sizeof joined, unit->input->root, unit->input->path, err));
    const char *path = ec_arena_strdup(&plan->arena, joined);
    if (!path) return ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
    if (!unit->input->member) {
        add_job(h, unit, path, 0, EC_HASH_WHOLE);
        return EC_OK;
    }
    struct ec_err cause = {0};
    const struct ec_zip_member *member;
    bool first = !archive->path || strcmp(archive->path, unit->input->path) != 0;
    enum ec_status status = find_member(plan, archive, unit, path, &member, &cause);
    if (status != EC_OK) return cannot_read(plan, unit, status, cause.message, err);
    if (first) add_job(h, NULL, path, 0, EC_HASH_WHOLE);
    add_job(h, unit, path, member->data_offset, member->bytes_stored);
    return EC_OK;
}

/* An archive's own hash is for its mark; one that cannot be read is found by its members. */
static enum ec_status note_archive(struct ec_plan *plan, const struct ec_hash_job *job, const char *raw_path, struct ec_err *err) {
    struct ec_plan_archive *archive = &plan->archive[plan->archive_count++];
    archive->path = raw_path;
    archive->sha256 = ec_arena_strdup(&plan->arena, job->hex);
    return archive->sha256 ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
}

static enum ec_status hash_units(struct ec_plan *plan, const struct ec_plan_options *o, struct ec_err *err) {
    if (plan->unit_count == 0) return EC_OK;
    struct archive archive = {0};
    struct hashing h = {.job = ec_calloc(plan->unit_count * 2, sizeof *h.job),
                        .unit = ec_arena_calloc(&plan->arena, plan->unit_count * 2, sizeof *h.unit)};
    plan->archive = ec_arena_calloc(&plan->arena, plan->unit_count, sizeof *plan->archive);
    enum ec_status status = h.job && h.unit && plan->archive ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
    for (size_t i = 0; i < plan->unit_count && status == EC_OK; i++)
        if (plan->unit[i].status == EC_OK) status = plan_hash(plan, &archive, &h, &plan->unit[i], err);
    if (status == EC_OK) ec_hash_all(h.job, h.count, o->config->workers);
    for (size_t i = 0; i < h.count && status == EC_OK; i++) {
        const struct ec_hash_job *job = &h.job[i];
        struct ec_plan_unit *unit = h.unit[i];
        if (!unit) {
            if (job->status == EC_OK) status = note_archive(plan, job, h.unit[i + 1]->input->path, err);
        } else if (job->status != EC_OK) {
            status = cannot_read(plan, unit, job->status, job->message, err);
        } else {
            memcpy(unit->sha256, job->hex, sizeof unit->sha256);
            if (!unit->input->member) unit->bytes = job->bytes;
        }
    }
    ec_free(h.job);
    return status;
}

static int compare_copies(const void *a, const void *b) {
    const struct ec_plan_unit *x = *(struct ec_plan_unit *const *)a, *y = *(struct ec_plan_unit *const *)b;
    int order = strcmp(x->input->source->name, y->input->source->name);
    if (!order) order = strcmp(x->sha256, y->sha256);
    return order ? order : (x > y) - (x < y);
}

/* A file dropped twice under two names is read once. */
static enum ec_status find_copies(struct ec_plan *plan, struct ec_err *err) {
    struct ec_plan_unit **list = ec_arena_calloc(&plan->arena, plan->unit_count, sizeof *list);
    if (!list) return ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
    size_t n = 0;
    for (size_t i = 0; i < plan->unit_count; i++)
        if (plan->unit[i].sha256[0] && ec_cause_is_pending(plan->unit[i].cause)) list[n++] = &plan->unit[i];
    if (n > 0) qsort(list, n, sizeof *list, compare_copies);
    for (size_t i = 1; i < n; i++)
        if (list[i - 1]->input->source == list[i]->input->source && strcmp(list[i - 1]->sha256, list[i]->sha256) == 0)
            list[i]->cause = EC_CAUSE_COPY;
    return EC_OK;
}

static bool is_selected(const struct ec_plan_options *o, const char *source) {
    for (size_t i = 0; i < o->select_count; i++)
        if (strcmp(o->select[i], source) == 0) return true;
    return o->select_count == 0;
}

static enum ec_status list_units(const struct ec_plan_options *o, struct ec_plan *plan, struct ec_err *err) {
    plan->unit = ec_arena_calloc(&plan->arena, plan->inputs.count, sizeof *plan->unit);
    if (!plan->unit) return ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
    struct ec_judging judging = {.force = o->force};
    for (size_t i = 0; i < plan->inputs.count; i++) {
        const struct ec_input *in = &plan->inputs.input[i];
        if (!is_selected(o, in->source->name)) continue;
        plan->unit[plan->unit_count++] =
            (struct ec_plan_unit){.input = in, .status = in->status, .problem = in->problem, .bytes = in->bytes};
    }
    EC_TRY(hash_units(plan, o, err));
    if (o->fetch) EC_TRY(ec_objects_remember(plan, o, err));
    for (size_t i = 0; i < plan->unit_count; i++) {
        EC_TRY(ec_judge_source(plan, o->config, plan->unit[i].input->source, &judging, err));
        ec_judge_unit(plan, &judging, &plan->unit[i]);
    }
    return find_copies(plan, err);
}

static enum ec_status make_task(struct ec_plan *plan, const struct ec_plan_options *o, const struct ec_plan_unit *unit,
                                const struct ec_range *range, struct ec_task *task, struct ec_err *err) {
    struct ec_arena *a = &plan->arena;
    char out[EC_PATH_MAX], staging[EC_PATH_MAX];
    EC_TRY(ec_project_path(staging, o->config->dir, EC_DIR_STAGING, plan->run, err));
    const char *id = ec_arena_printf(a, "t%06zu", plan->task_count + 1);
    if (!id) return ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
    EC_TRY(ec_path_join(out, sizeof out, staging, id, err));
    *task = (struct ec_task){.id = id,
                             .run = plan->run,
                             .seq = plan->seq,
                             .source = unit->input->source->name,
                             .root = unit->input->root ? unit->input->root : "",
                             .path = unit->input->path,
                             .member = unit->input->member,
                             .tag = unit->input->root ? unit->input->tag : NULL,
                             .out = ec_arena_strdup(a, out),
                             .as_of = o->as_of,
                             .config = o->config->fingerprint};
    if (range) {
        task->range_start = range->start;
        task->range_end = range->end;
        task->line = range->line;
    }
    return task->out ? EC_OK : ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
}

static enum ec_status add_task(struct ec_plan *plan, size_t *cap, struct ec_task task, struct ec_err *err) {
    if (plan->task_count == *cap) {
        size_t grown = *cap ? *cap * 2 : 64;
        struct ec_task *list = ec_arena_calloc(&plan->arena, grown, sizeof *list);
        if (!list) return ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
        if (plan->task_count) memcpy(list, plan->task, plan->task_count * sizeof *list);
        plan->task = list;
        *cap = grown;
    }
    plan->task[plan->task_count++] = task;
    return EC_OK;
}

static enum ec_status list_tasks(const struct ec_plan_options *o, struct ec_plan *plan, struct ec_err *err) {
    size_t cap = 0;
    for (size_t i = 0; i < plan->unit_count; i++) {
        struct ec_plan_unit *unit = &plan->unit[i];
        if (!ec_cause_is_pending(unit->cause)) continue;
        plan->pending++;
        unit->task_first = plan->task_count;
        if (unit->status != EC_OK) continue;
        struct ec_range *range = NULL;
        size_t ranges = 0;
        if (unit->input->root) EC_TRY(ec_split_input(unit->input, o->config->chunk_bytes, &plan->arena, &range, &ranges, err));
        for (size_t k = 0; k < (ranges > 1 ? ranges : 1); k++) {
            struct ec_task task;
            EC_TRY(make_task(plan, o, unit, ranges > 1 ? &range[k] : NULL, &task, err));
            EC_TRY(add_task(plan, &cap, task, err));
        }
        unit->task_count = plan->task_count - unit->task_first;
    }
    return EC_OK;
}

static enum ec_status make(const struct ec_plan_options *o, struct ec_plan *plan, struct ec_err *err) {
    char root[EC_PATH_MAX], label[16];
    EC_TRY(read_manifests(plan, o->config->dir, err));
    EC_TRY(next_seq(plan, o->config, err));
    ec_time_label(o->now_us, label);
    plan->run = ec_arena_printf(&plan->arena, "%s-%08" PRIu32, label, plan->seq);
    if (!plan->run) return ec_fail(err, EC_NO_MEMORY, "no memory for the plan");
    EC_TRY(ec_project_path(root, o->config->dir, EC_DIR_RAW, NULL, err));
    EC_TRY(ec_discover(o->config, root, &plan->inputs, err));
    EC_TRY(ec_objects_discover(plan, o, err));
    EC_TRY(list_units(o, plan, err));
    return list_tasks(o, plan, err);
}

enum ec_status ec_plan_make(const struct ec_plan_options *options, struct ec_plan *plan, struct ec_err *err) {
    *plan = (struct ec_plan){0};
    ec_arena_init(&plan->arena, PLAN_ARENA_MAX);
    return make(options, plan, err);
}

void ec_plan_deinit(struct ec_plan *plan) {
    for (size_t i = 0; i < plan->manifest_count; i++) ec_manifest_deinit(&plan->manifest[i]);
    ec_free(plan->manifest);
    ec_inputs_deinit(&plan->inputs);
    ec_arena_deinit(&plan->arena);
}
