#include "run/place.h"

#include "base/io.h"
#include "run/paths.h"

#include <errno.h>

#define RUN_ID_MAX 64u
#define COPY_BYTES ((size_t)1 << 20)

struct placing {
    const char *project;
    const struct ec_manifest *manifest;
    const struct ec_unit *unit;
    struct ec_durable *durable;
    const char *to;              /* below the project folder */
    char folder[EC_PATH_MAX];
    char target[EC_PATH_MAX];
};

/* The run of a quarantine file: every line of ours begins with it. False where it says none. */
static enum ec_status run_of(const char *path, char run[RUN_ID_MAX], bool *known, struct ec_err *err) {
    static const char start[] = "{\"run\":\"";
    char head[sizeof start + RUN_ID_MAX + 1]; /* with the quote behind it */
    size_t got;
    int fd;
    *known = false;
    EC_TRY(ec_file_open(path, &fd, NULL, err));
    enum ec_status status = ec_file_read(fd, head, sizeof head - 1, &got, path, err);
    (void)ec_io.close(fd);
    EC_TRY(status);
    head[got] = '\0';
    char *id = head + sizeof start - 1, *end;
    if (strncmp(head, start, sizeof start - 1) != 0 || !(end = strchr(id, '"'))) return EC_OK;
    *end = '\0';
    /* It becomes part of a file's name. */
    if (*id == '\0' || strlen(id) >= RUN_ID_MAX || strspn(id, "0123456789_-") != strlen(id)) return EC_OK;
    memcpy(run, id, strlen(id) + 1);
    *known = true;
    return EC_OK;
}

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether the earlier run read the very bytes that this one read again: under a changed rule, or
 * because the file was rejected. Then its rows are all judged anew, and a copy says nothing. */
static enum ec_status is_same_content(const struct placing *p, const char *run, bool *same, struct ec_err *err) {
    const char *dash = strrchr(run, '-');
    struct ec_manifest earlier;
    uint32_t seq = 0;
    *same = false;
    for (const char *c = dash ? dash + 1 : ""; *c; c++) seq = seq * 10 + (uint32_t)(*c - '0');
    const char *path = p->unit->path + (strncmp(p->unit->path, EC_DIR_RAW "/", sizeof EC_DIR_RAW) == 0 ? sizeof EC_DIR_RAW : 0);
    if (seq == 0 || !p->unit->sha256[0] || !ec_manifest_exists(p->project, seq)) return EC_OK;
    enum ec_status status = ec_manifest_read(p->project, seq, &earlier, err);
    if (status == EC_OK) {
        for (size_t i = 0; i < earlier.input_count; i++) {
            const struct ec_manifest_input *in = &earlier.input[i];
            *same = *same || (strcmp(in->source, p->unit->source_name) == 0 && strcmp(in->path, path) == 0 &&
                              same_text(in->member, p->unit->member) && same_text(in->sha256, p->unit->sha256));
        }
    }
    ec_manifest_deinit(&earlier);
    return status;
}

/* Moves what an earlier run left out of the way. *placed: what is there is of this run already. */
static enum ec_status set_aside(const struct placing *p, bool *placed, struct ec_err *err) {
    char run[RUN_ID_MAX] = "earlier", other[EC_PATH_MAX];
    bool known, same;
    *placed = false;
    if (!ec_path_exists(p->target)) return EC_OK;
    EC_TRY(run_of(p->target, run, &known, err));
    *placed = known && strcmp(run, p->manifest->run) == 0;
    if (*placed) return EC_OK;
    int n = snprintf(other, sizeof other, "%.*s.%s.jsonl", (int)(strlen(p->target) - strlen(".jsonl")), p->target,
                     known ? run : "earlier");
    if ((size_t)n >= sizeof other) return ec_fail(err, EC_DELIVERY, "the path %s is too long", p->target);
    EC_TRY(is_same_content(p, run, &same, err));
    if (!same) {
        if (ec_io.link(p->target, other) != 0 && errno != EEXIST)
            return ec_fail_errno(err, EC_DELIVERY, "cannot set %s aside", p->target);
        EC_TRY(ec_dir_sync(p->folder, err)); /* its lines have no other name once this one is gone */
    }
    if (ec_io.unlink(p->target) != 0) return ec_fail_errno(err, EC_DELIVERY, "cannot set %s aside", p->target);
    return EC_OK;
}

static enum ec_status copy_into(int to, const char *to_path, const char *from, char *buf, struct ec_err *err) {
    int fd;
    EC_TRY(ec_file_open(from, &fd, NULL, err));
    enum ec_status status = EC_OK;
    for (size_t got = 1; got > 0 && status == EC_OK;) {
        status = ec_file_read(fd, buf, COPY_BYTES, &got, from, err);
        if (status == EC_OK) status = ec_file_write(to, buf, got, to_path, err);
    }
    (void)ec_io.close(fd);
    return status;
}

/* Several ranges of one file: one after the other into a new file. */
static enum ec_status join(const struct placing *p, const char *const *from, size_t count, struct ec_err *err) {
    int fd;
    char *buf = ec_malloc(COPY_BYTES);
    if (!buf) return ec_fail(err, EC_NO_MEMORY, "no memory to place %s", p->target);
    enum ec_status status = ec_durable_open(p->durable, p->target, &fd, err);
    if (status == EC_OK) {
        for (size_t i = 0; i < count && status == EC_OK; i++) status = copy_into(fd, p->target, from[i], buf, err);
        if (status == EC_OK)
            status = ec_durable_close(p->durable, p->target, fd, err);
        else
            ec_durable_abandon(p->durable, p->target, fd);
    }
    ec_free(buf);
    return status;
}

/* The unit's staged files, in the order of its ranges; full paths in the arena. */
static enum ec_status staged(const struct placing *p, struct ec_arena *arena, const char ***from, size_t *count,
                             struct ec_err *err) {
    const struct ec_manifest *m = p->manifest;
    *count = 0;
    *from = ec_arena_calloc(arena, m->quarantine_count, sizeof **from);
    if (!*from) return ec_fail(err, EC_NO_MEMORY, "no memory to place the quarantine");
    for (size_t i = 0; i < m->quarantine_count; i++) {
        char path[EC_PATH_MAX];
        if (strcmp(m->quarantine[i].to, p->to) != 0) continue;
        EC_TRY(ec_path_join(path, sizeof path, p->project, m->quarantine[i].from, err));
        (*from)[*count] = ec_arena_strdup(arena, path);
        if (!(*from)[(*count)++]) return ec_fail(err, EC_NO_MEMORY, "no memory to place the quarantine");
    }
    return EC_OK;
}

static enum ec_status place_unit(struct placing *p, struct ec_arena *arena, struct ec_err *err) {
    const char **from;
    size_t count;
    bool placed;
    EC_TRY(ec_path_join(p->target, sizeof p->target, p->project, p->to, err));
    memcpy(p->folder, p->target, sizeof p->folder);
    *strrchr(p->folder, '/') = '\0';
    EC_TRY(staged(p, arena, &from, &count, err));
    if (count == 0 && !ec_path_exists(p->target)) return EC_OK;
    EC_TRY(ec_durable_make_dir(p->durable, p->folder, err));
    EC_TRY(set_aside(p, &placed, err));
    if (!placed && count > 1) EC_TRY(join(p, from, count, err));
    if (!placed && count == 1 && ec_io.link(from[0], p->target) != 0)
        return ec_fail_errno(err, EC_DELIVERY, "cannot place %s", p->target);
    return ec_durable_folder(p->durable, p->folder, err);
}

enum ec_status ec_place_quarantine(const char *project, const struct ec_manifest *manifest,
                                   const struct ec_run_facts *facts, struct ec_durable *durable, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, (size_t)64 * EC_MIB);
    enum ec_status status = EC_OK;
    for (size_t i = 0; i < facts->unit_count && status == EC_OK; i++) {
        const struct ec_unit *unit = &facts->unit[i];
        if (!ec_unit_known(unit)) continue; /* it was not read: what is known of its name stays */
        struct placing p = {.project = project, .manifest = manifest, .unit = unit, .durable = durable};
        p.to = ec_arena_printf(&arena, "%s/%s/%s.jsonl", EC_DIR_QUARANTINE, unit->source_name, unit->label);
        status = p.to ? place_unit(&p, &arena, err) : ec_fail(err, EC_NO_MEMORY, "no memory to place the quarantine");
        ec_arena_reset(&arena);
    }
    ec_arena_deinit(&arena);
    return status;
}
