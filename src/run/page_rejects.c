/* Rejected rows and alerts, read back for the page. */
#include "run/page_gather.h"

#include "base/io.h"
#include "read/csv_header.h"
#include "run/paths.h"

#include <jansson.h>

#define LOOK_BYTES  ((size_t)1 * EC_MIB) /* of the beginning of a quarantine file */
#define ALERT_BYTES ((size_t)1 * EC_MIB) /* of the end of the list of alerts */
#define PER_FILE    20u
#define PER_REASON  3u
#define REASONS_MAX 64u

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory for rejected rows"); }

struct gathering {
    const struct ec_page_facts_options *o;
    struct ec_arena *arena;
    struct ec_page_reject *list;
    size_t count;
};

/* Of one file. */
struct looking {
    struct gathering *g;
    const struct ec_unit *unit;
    const char **header; /* of a CSV file that is still there, else NULL */
    size_t header_count;
    size_t taken;
    struct {
        char code[300];
        unsigned times;
    } seen[REASONS_MAX];
    size_t seen_count;
};

/* At most n bytes from `offset` on, a NUL behind them; none where the file cannot be read. */
static size_t look(const char *path, size_t n, bool at_end, char *out) {
    int fd;
    struct stat st;
    size_t got = 0;
    if (ec_file_open(path, &fd, &st, NULL) == EC_OK) {
        off_t from = at_end && st.st_size > (off_t)n ? st.st_size - (off_t)n : 0;
        if (ec_file_read_at(fd, out, n, from, &got, path, NULL) != EC_OK) got = 0;
        (void)ec_io.close(fd);
    }
    out[got] = '\0';
    return got;
}

/* The columns of the CSV file, if it is the one that was read: the order of its cells. */
static enum ec_status find_header(struct looking *l, struct ec_err *err) {
    const struct ec_unit *unit = l->unit;
    const struct ec_manifest *m = l->g->o->manifest;
    char path[EC_PATH_MAX];
    struct stat st;
    bool same = false;
    if (unit->member || !unit->source || !unit->facts.layout || strcmp(unit->facts.layout, "csv") != 0) return EC_OK;
    EC_TRY(ec_path_join(path, sizeof path, l->g->o->config->dir, unit->path, err));
    if (stat(path, &st) != 0) return EC_OK;
    for (size_t i = 0; i < m->input_count && !same; i++) {
        const char *below = unit->path + (strncmp(unit->path, EC_DIR_RAW "/", sizeof EC_DIR_RAW) == 0 ? sizeof EC_DIR_RAW : 0);
        same = strcmp(m->input[i].path, below) == 0 && (uint64_t)st.st_ino == m->input[i].inode &&
               (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000 == m->input[i].mtime_us;
    }
    const struct ec_str *names;
    struct ec_err cause = {0};
    if (!same || ec_csv_header(path, unit->source, l->g->arena, &names, &l->header_count, &cause) != EC_OK) return EC_OK;
    l->header = ec_arena_calloc(l->g->arena, l->header_count, sizeof(const char *));
    if (!l->header) return no_memory(err);
    for (size_t i = 0; i < l->header_count; i++)
        if (!(l->header[i] = ec_arena_copy(l->g->arena, names[i].p, names[i].n))) return no_memory(err);
    return EC_OK;
}

/* Whether another row of that first reason is wanted. */
static bool is_wanted(struct looking *l, const char *code) {
    size_t i = 0;
    while (i < l->seen_count && strcmp(l->seen[i].code, code) != 0) i++;
    if (i == l->seen_count) {
        if (i == REASONS_MAX) return false;
        (void)snprintf(l->seen[l->seen_count++].code, sizeof l->seen[i].code, "%s", code);
    }
    return l->seen[i].times++ < PER_REASON;
}

static const char *copy(struct ec_arena *arena, const json_t *text, bool *ok) {
    const char *value = json_string_value(text);
    const char *made = value ? ec_arena_strdup(arena, value) : NULL;
    if (value && !made) *ok = false;
    return made;
}

static uint64_t uint_of(const json_t *value) {
    return json_is_integer(value) && json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

static enum ec_status take(struct looking *l, const json_t *line, struct ec_err *err) {
    struct ec_arena *arena = l->g->arena;
    const json_t *reasons = json_object_get(line, "reasons");
    struct ec_page_reject row = {.source = l->unit->source_name, .file = l->unit->label};
    bool ok = true;
    row.line = uint_of(json_object_get(line, "line"));
    row.offset = uint_of(json_object_get(line, "offset"));
    row.reason = ec_arena_calloc(arena, json_array_size(reasons), sizeof *row.reason);
    if (!row.reason) return no_memory(err);
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const json_t *r = json_array_get(reasons, i);
        row.reason[row.reason_count++] = (struct ec_page_reason){copy(arena, json_object_get(r, "code"), &ok),
                                                                 copy(arena, json_object_get(r, "column"), &ok),
                                                                 copy(arena, json_object_get(r, "value"), &ok)};
    }
    row.raw = copy(arena, json_object_get(line, "raw"), &ok);
    if (!ok) return no_memory(err);
    EC_TRY(ec_gather_cells(l->unit->source, l->header, l->header_count, row.raw, arena, &row, err));
    l->g->list[l->g->count++] = row;
    l->taken++;
    return EC_OK;
}

static enum ec_status look_at_line(struct looking *l, const char *p, size_t n, struct ec_err *err) {
    json_t *line = json_loadb(p, n, 0, NULL);
    const char *run = json_string_value(json_object_get(line, "run"));
    const char *code = json_string_value(json_object_get(json_array_get(json_object_get(line, "reasons"), 0), "code"));
    enum ec_status status = EC_OK;
    if (run && code && strcmp(run, l->g->o->facts->run) == 0 && is_wanted(l, code)) status = take(l, line, err);
    json_decref(line);
    return status;
}

static enum ec_status look_at_file(struct gathering *g, const struct ec_unit *unit, size_t most, char *text, struct ec_err *err) {
    struct looking *l = ec_arena_calloc(g->arena, 1, sizeof *l);
    char path[EC_PATH_MAX], name[EC_PATH_MAX];
    if (!l) return no_memory(err);
    l->g = g;
    l->unit = unit;
    int n = snprintf(name, sizeof name, "%s/%s/%s.jsonl", EC_DIR_QUARANTINE, unit->source_name, unit->label);
    if (n < 0 || (size_t)n >= sizeof name) return EC_OK;
    EC_TRY(ec_path_join(path, sizeof path, g->o->config->dir, name, err));
    if (!ec_path_exists(path)) return EC_OK;
    size_t got = look(path, LOOK_BYTES, false, text);
    EC_TRY(find_header(l, err));
    for (char *p = text, *end; l->taken < most && (end = memchr(p, '\n', got - (size_t)(p - text))) != NULL; p = end + 1)
        EC_TRY(look_at_line(l, p, (size_t)(end - p), err));
    return EC_OK;
}

enum ec_status ec_gather_rejects(const struct ec_page_facts_options *o, struct ec_arena *arena, struct ec_page_reject **reject,
                                 size_t *count, struct ec_err *err) {
    struct gathering g = {.o = o, .arena = arena};
    size_t bad = 0;
    for (size_t i = 0; i < o->facts->unit_count; i++)
        bad += ec_unit_known(&o->facts->unit[i]) && o->facts->unit[i].facts.quarantined + o->facts->unit[i].facts.duplicate > 0;
    g.list = ec_arena_calloc(arena, EC_PAGE_REJECTS_MAX, sizeof *g.list);
    char *text = ec_malloc(LOOK_BYTES + 1);
    enum ec_status status = g.list && text ? EC_OK : no_memory(err);
    size_t share = bad ? EC_PAGE_REJECTS_MAX / bad : 0;
    if (share < 1) share = 1;
    if (share > PER_FILE) share = PER_FILE;
    for (size_t i = 0; i < o->facts->unit_count && status == EC_OK && g.count < EC_PAGE_REJECTS_MAX; i++) {
        const struct ec_unit *unit = &o->facts->unit[i];
        if (!ec_unit_known(unit) || unit->facts.quarantined + unit->facts.duplicate == 0) continue;
        size_t left = EC_PAGE_REJECTS_MAX - g.count;
        status = look_at_file(&g, unit, share < left ? share : left, text, err);
    }
    ec_free(text);
    *reject = g.list;
    *count = g.count;
    return status;
}

/* ---- alerts ---- */

static bool same(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

/* An older line of the same delivery says what has changed since. */
static bool is_known(const char *const *ids, const struct ec_page_alert *list, size_t count, const char *id,
                     const struct ec_page_alert *a) {
    for (size_t i = 0; id && i < count; i++)
        if (same(ids[i], id) && same(list[i].type, a->type) && same(list[i].target, a->target)) return true;
    return false;
}

static bool take_alert(struct ec_arena *arena, const json_t *line, const char **ids, struct ec_page_alert *list, size_t *count) {
    static const char *const statuses[] = {"sent", "pending", "failed", "suppressed"};
    bool ok = true, known = false;
    const char *id = copy(arena, json_object_get(line, "id"), &ok);
    struct ec_page_alert a = {copy(arena, json_object_get(line, "at"), &ok), copy(arena, json_object_get(line, "type"), &ok),
                              copy(arena, json_object_get(line, "target"), &ok), copy(arena, json_object_get(line, "status"), &ok),
                              copy(arena, json_object_get(line, "message"), &ok)};
    for (size_t i = 0; a.status && i < 4; i++) known = known || strcmp(a.status, statuses[i]) == 0;
    if (!ok || !known || !a.at || !a.type || is_known(ids, list, *count, id, &a)) return ok;
    ids[*count] = id;
    list[(*count)++] = a;
    return true;
}

enum ec_status ec_gather_alerts(const struct ec_config *config, struct ec_arena *arena, struct ec_page_alert **alert,
                                size_t *count, struct ec_err *err) {
    char path[EC_PATH_MAX];
    *count = 0;
    EC_TRY(ec_project_path(path, config->dir, EC_DIR_QUALITY, "alerts.jsonl", err));
    *alert = ec_arena_calloc(arena, EC_PAGE_ALERTS_MAX, sizeof **alert);
    const char **ids = ec_arena_calloc(arena, EC_PAGE_ALERTS_MAX, sizeof(const char *));
    if (!*alert || !ids) return no_memory(err);
    if (!ec_path_exists(path)) return EC_OK;
    char *text = ec_malloc(ALERT_BYTES + 1);
    if (!text) return no_memory(err);
    size_t end = look(path, ALERT_BYTES, true, text);
    bool ok = true;
    while (end > 0 && *count < EC_PAGE_ALERTS_MAX && ok) { /* from the last line back */
        if (text[end - 1] == '\n') end--;
        const char *before = end ? memrchr(text, '\n', end) : NULL;
        size_t start = before ? (size_t)(before - text) + 1 : 0;
        json_t *line = json_loadb(text + start, end - start, 0, NULL);
        if (json_is_object(line)) ok = take_alert(arena, line, ids, *alert, count);
        json_decref(line);
        end = start;
    }
    ec_free(text);
    return ok ? EC_OK : no_memory(err);
}
