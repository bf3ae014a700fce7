#include "run/objects.h"

#include "base/io.h"
#include "base/log.h"
#include "base/utf8.h"
#include "remote/fetch.h"
#include "run/judge.h"
#include "run/known.h"
#include "run/paths.h"

#include <stdlib.h>

/* An object that a source reads. */
struct found {
    const struct ec_source *source;
    struct ec_object object;
};

struct finder {
    struct ec_plan *plan;
    const struct ec_plan_options *o;
    struct ec_remote_settings settings;
    struct ec_known known;
    struct found *found;
    size_t count, cap;
    const char **prefix; /* that were listed */
    size_t prefixes;
    const char *folder; /* of the copies */
    struct ec_remote_job *job;
    const struct found **fetched; /* of the job */
    size_t jobs;
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for the list of objects"); }

bool ec_objects_configured(const struct ec_config *config) {
    for (size_t i = 0; i < config->source_count; i++)
        for (size_t k = 0; k < config->source[i].file_count; k++)
            if (ec_is_address(config->source[i].files[k])) return true;
    return false;
}

enum ec_status ec_objects_prefix(const char *glob, struct ec_arena *arena, struct ec_address *prefix, bool *deep, struct ec_err *err) {
    size_t n = strcspn(glob, "*?[");
    const char *text = ec_arena_copy(arena, glob, n);
    *deep = strchr(glob + n, '/') || strstr(glob + n, "**");
    return text ? ec_address_parse(text, prefix, err) : no_memory(err);
}

/* ---- listing */

static const struct ec_source *claimant(const struct ec_config *config, const char *address) {
    for (size_t i = 0; i < config->source_count; i++)
        for (size_t k = 0; k < config->source[i].file_count; k++) {
            const char *glob = config->source[i].files[k];
            if (ec_is_address(glob) && ec_glob_match(glob, address)) return &config->source[i];
        }
    return NULL;
}

bool ec_objects_names(const struct ec_config *config, const char *address) { return claimant(config, address) != NULL; }

static bool is_selected(const struct ec_plan_options *o, const struct ec_source *source) {
    for (size_t i = 0; i < o->select_count; i++)
        if (strcmp(o->select[i], source->name) == 0) return true;
    return o->select_count == 0;
}

/* A transfer of HDFS's own tools that is under way, besides what is passed over in data/raw. */
static bool is_under_way(const char *name) {
    static const char suffix[] = "._COPYING_";
    size_t n = strlen(name), m = sizeof suffix - 1;
    return n >= m && strcmp(name + n - m, suffix) == 0;
}

static enum ec_status visit(void *user, const struct ec_object *object, struct ec_err *err) {
    struct finder *f = user;
    const char *name = strrchr(object->address, '/') + 1;
    const struct ec_source *source = claimant(f->o->config, object->address);
    if (!source || !is_selected(f->o, source) || ec_input_passed_over(name) || is_under_way(name)) return EC_OK;
    if (f->count == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 256;
        struct found *more = ec_realloc_array(f->found, cap, sizeof *more);
        if (!more) return no_memory(err);
        f->found = more;
        f->cap = cap;
    }
    struct found *found = &f->found[f->count];
    *found = (struct found){source, *object};
    found->object.address = ec_arena_strdup(&f->plan->inputs.arena, object->address);
    found->object.tag = ec_arena_strdup(&f->plan->inputs.arena, object->tag);
    if (!found->object.address || !found->object.tag) return no_memory(err);
    f->count++;
    return EC_OK;
}

/* Two globs of one folder are one listing. */
static bool was_listed(const struct finder *f, const char *prefix) {
    for (size_t i = 0; i < f->prefixes; i++)
        if (strcmp(f->prefix[i], prefix) == 0) return true;
    return false;
}

static enum ec_status list_glob(struct finder *f, struct ec_store *store, const char *glob, struct ec_err *err) {
    struct ec_address prefix;
    bool deep;
    EC_TRY(ec_objects_prefix(glob, &f->plan->arena, &prefix, &deep, err));
    const char *name = ec_arena_printf(&f->plan->arena, "%d %.*s/%s", deep, (int)prefix.authority.n, prefix.authority.p, prefix.key);
    if (!name) return no_memory(err);
    if (was_listed(f, name)) return EC_OK;
    f->prefix[f->prefixes++] = name;
    return ec_store_list(store, &prefix, deep, visit, f, err);
}

static int by_address(const void *a, const void *b) {
    return strcmp(((const struct found *)a)->object.address, ((const struct found *)b)->object.address);
}

static enum ec_status list_all(struct finder *f, struct ec_err *err) {
    const struct ec_config *c = f->o->config;
    struct ec_store *store;
    size_t globs = 0;
    for (size_t i = 0; i < c->source_count; i++) globs += c->source[i].file_count;
    f->prefix = ec_arena_calloc(&f->plan->arena, globs, sizeof *f->prefix);
    if (!f->prefix) return no_memory(err);
    EC_TRY(ec_store_open(&f->settings, &store, err));
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < c->source_count && status == EC_OK; i++)
        for (size_t k = 0; k < c->source[i].file_count && status == EC_OK; k++)
            if (ec_is_address(c->source[i].files[k]) && is_selected(f->o, &c->source[i])) status = list_glob(f, store, c->source[i].files[k], err);
    ec_store_close(store);
    if (status != EC_OK || f->count < 2) return status;
    qsort(f->found, f->count, sizeof *f->found, by_address);
    size_t kept = 1; /* two listings may hold the same object */
    for (size_t i = 1; i < f->count; i++)
        if (strcmp(f->found[i].object.address, f->found[kept - 1].object.address) != 0) f->found[kept++] = f->found[i];
    f->count = kept;
    return EC_OK;
}

/* ---- what need not be fetched */

static struct ec_input input_of(const struct found *found) {
    return (struct ec_input){.source = found->source, .path = found->object.address, .bytes = found->object.bytes,
                             .mtime_us = found->object.mtime_us, .tag = found->object.tag};
}

static enum ec_status add_problem(struct finder *f, const struct found *found, enum ec_status status, const char *problem, struct ec_err *err) {
    struct ec_input input = input_of(found);
    input.status = status;
    input.problem = ec_arena_strdup(&f->plan->inputs.arena, problem);
    return input.problem ? ec_inputs_add(&f->plan->inputs, &input, err) : no_memory(err);
}

/* Whether a run would read any of it, were it there. */
static enum ec_status is_wanted(struct finder *f, const struct found *found, const struct ec_known_object *known, bool *wanted, struct ec_err *err) {
    struct ec_judging judging = {.force = f->o->force};
    EC_TRY(ec_judge_source(f->plan, f->o->config, found->source, &judging, err));
    *wanted = false;
    for (size_t i = 0; i < known->part_count && !*wanted; i++) {
        struct ec_input input = input_of(found);
        struct ec_plan_unit unit = {.input = &input};
        input.member = known->part[i].member;
        (void)snprintf(unit.sha256, sizeof unit.sha256, "%s", known->part[i].sha256);
        ec_judge_unit(f->plan, &judging, &unit);
        *wanted = ec_cause_is_pending(unit.cause);
    }
    return EC_OK;
}

static enum ec_status add_known(struct finder *f, const struct found *found, const struct ec_known_object *known, struct ec_err *err) {
    for (size_t i = 0; i < known->part_count; i++) {
        struct ec_input input = input_of(found);
        input.member = known->part[i].member;
        input.bytes = known->part[i].bytes;
        input.known = known->part[i].sha256;
        EC_TRY(ec_inputs_add(&f->plan->inputs, &input, err));
    }
    return EC_OK;
}

/* A key is any text; what it is to be here is a path and a line of a report. */
static bool is_sound(const char *address) {
    struct ec_address a;
    return ec_address_parse(address, &a, NULL) == EC_OK && ec_address_key_is_path(a.key) && ec_utf8_valid(address, strlen(address));
}

static enum ec_status sort_out(struct finder *f, const struct found *found, struct ec_err *err) {
    const struct ec_object *object = &found->object;
    const struct ec_known_object *known = ec_known_find(&f->known, object->address, object->tag, object->bytes);
    bool wanted = true;
    if (!is_sound(object->address))
        return add_problem(f, found, EC_REMOTE_NAME, _("its key cannot be the name of a file"), err);
    if (object->bytes == 0) return add_problem(f, found, EC_EMPTY_FILE, _("the object holds no bytes"), err);
    if (known) EC_TRY(is_wanted(f, found, known, &wanted, err));
    if (known && (!wanted || !f->o->fetch)) return add_known(f, found, known, err);
    if (!f->o->fetch) {
        struct ec_input input = input_of(found);
        return ec_inputs_add(&f->plan->inputs, &input, err);
    }
    f->fetched[f->jobs] = found;
    f->job[f->jobs++].object = *object;
    return EC_OK;
}

/* ---- fetching */

/* data/staging/<run>/objects/<n>: a folder for each, so that a key may be the beginning of another. */
static enum ec_status prepare_copy(struct finder *f, size_t i, struct ec_err *err) {
    char root[EC_PATH_MAX], path[EC_PATH_MAX], folder[EC_PATH_MAX], number[32];
    (void)snprintf(number, sizeof number, "%zu", i);
    EC_TRY(ec_path_join(root, sizeof root, f->folder, number, err));
    EC_TRY(ec_path_join(path, sizeof path, root, f->job[i].object.address, err));
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    f->job[i].to = ec_arena_strdup(&f->plan->inputs.arena, path);
    return f->job[i].to ? ec_dir_make(folder, err) : no_memory(err);
}

static enum ec_status add_fetched(struct finder *f, size_t i, struct ec_err *err) {
    struct ec_input input = input_of(f->fetched[i]);
    if (f->job[i].status != EC_OK) return add_problem(f, f->fetched[i], f->job[i].status, f->job[i].message, err);
    input.root = ec_arena_copy(&f->plan->inputs.arena, f->job[i].to, strlen(f->job[i].to) - strlen(input.path) - 1);
    return input.root ? ec_inputs_add_file(&f->plan->inputs, &input, err) : no_memory(err);
}

static enum ec_status fetch_all(struct finder *f, struct ec_err *err) {
    uint64_t bytes = 0;
    char folder[EC_PATH_MAX], run[EC_PATH_MAX];
    if (f->jobs == 0) return EC_OK;
    EC_TRY(ec_project_path(run, f->o->config->dir, EC_DIR_STAGING, f->plan->run, err));
    EC_TRY(ec_path_join(folder, sizeof folder, run, "objects", err));
    f->folder = folder;
    for (size_t i = 0; i < f->jobs; i++) {
        EC_TRY(prepare_copy(f, i, err));
        bytes += f->job[i].object.bytes;
    }
    ec_log(EC_LOG_INFO, P_("fetching %zu object, %llu KiB", "fetching %zu objects, %llu KiB", f->jobs), f->jobs, (unsigned long long)((bytes + 1023) / 1024));
    enum ec_status status = ec_remote_fetch(&f->settings, f->job, f->jobs, err);
    for (size_t i = 0; i < f->jobs && status == EC_OK; i++) status = add_fetched(f, i, err);
    struct ec_err cause = {0};
    if (status != EC_OK && ec_dir_remove(run, true, &cause) != EC_OK)
        ec_log(EC_LOG_WARN, "copies of objects are left for the next run to remove: %s", cause.message);
    f->folder = NULL;
    return status;
}

static enum ec_status discover(struct finder *f, struct ec_err *err) {
    EC_TRY(ec_remote_settings_load(&f->settings, err));
    f->settings.cancelled = f->o->cancelled;
    EC_TRY(list_all(f, err));
    EC_TRY(ec_known_load(f->o->config->dir, &f->plan->arena, &f->known, err));
    f->job = ec_calloc(f->count, sizeof *f->job);
    f->fetched = ec_calloc(f->count, sizeof *f->fetched);
    if (!f->job || !f->fetched) return no_memory(err);
    for (size_t i = 0; i < f->count; i++) EC_TRY(sort_out(f, &f->found[i], err));
    EC_TRY(fetch_all(f, err));
    ec_inputs_sort(&f->plan->inputs);
    return EC_OK;
}

enum ec_status ec_objects_discover(struct ec_plan *plan, const struct ec_plan_options *options, struct ec_err *err) {
    if (!ec_objects_configured(options->config)) return EC_OK;
    struct finder *f = ec_calloc(1, sizeof *f);
    if (!f) return no_memory(err);
    f->plan = plan;
    f->o = options;
    enum ec_status status = discover(f, err);
    ec_remote_settings_wipe(&f->settings);
    ec_free(f->found);
    ec_free(f->job);
    ec_free(f->fetched);
    ec_free(f);
    return status;
}

/* ---- remembering */

/* The units of one object follow each other: first..end-1. False where the content of one of them is not known. */
static bool collect(const struct ec_plan *plan, size_t first, size_t *end, struct ec_known_object *o) {
    const struct ec_input *in = plan->unit[first].input;
    bool whole = true;
    o->part_count = 0;
    for (*end = first; *end < plan->unit_count && strcmp(plan->unit[*end].input->path, in->path) == 0; ++*end) {
        const struct ec_plan_unit *u = &plan->unit[*end];
        whole = whole && u->sha256[0];
        o->part[o->part_count++] = (struct ec_known_part){u->input->member, u->input->bytes, u->sha256};
    }
    o->address = in->path;
    o->tag = in->tag;
    return whole;
}

/* Of an archive the object's own size is in no unit: it is in the copy that was made of it, or known already. */
static uint64_t size_of(const struct ec_input *in, const struct ec_known *known) {
    char path[EC_PATH_MAX];
    struct stat st;
    if (!in->member) return in->bytes;
    if (in->root) return ec_path_join(path, sizeof path, in->root, in->path, NULL) == EC_OK && stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->object[i].address, in->path) == 0) return known->object[i].bytes;
    return 0;
}

enum ec_status ec_objects_remember(const struct ec_plan *plan, const struct ec_plan_options *o, struct ec_err *err) {
    if (!ec_objects_configured(o->config)) return EC_OK;
    struct ec_arena arena;
    struct ec_known before;
    size_t count = 0;
    ec_arena_init(&arena, (size_t)1 * EC_GIB);
    enum ec_status status = ec_known_load(o->config->dir, &arena, &before, err);
    struct ec_known_object *object = ec_arena_calloc(&arena, plan->unit_count + before.count, sizeof *object);
    struct ec_known_part *part = ec_arena_calloc(&arena, plan->unit_count, sizeof *part);
    if (status == EC_OK && (!object || !part)) status = no_memory(err);
    for (size_t i = 0, end; i < plan->unit_count && status == EC_OK; i = end) {
        end = i + 1;
        if (!plan->unit[i].input->tag) continue;
        object[count].part = part + i;
        if (!collect(plan, i, &end, &object[count])) continue;
        object[count].bytes = size_of(plan->unit[i].input, &before);
        if (object[count].bytes > 0) count++;
    }
    for (size_t i = 0; i < before.count && status == EC_OK && o->select_count > 0; i++) {
        const struct ec_source *source = claimant(o->config, before.object[i].address);
        if (source && !is_selected(o, source)) object[count++] = before.object[i]; /* not looked at today */
    }
    if (status == EC_OK) status = ec_known_save(o->config->dir, object, count, err);
    ec_arena_deinit(&arena);
    return status;
}
