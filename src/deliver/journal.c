#include "deliver/journal.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/json.h"
#include "base/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#define PATH_BYTES 4096u
#define LINE_BYTES ((size_t)256 << 10)
#define ARENA_MAX  ((size_t)64 << 20)
#define LINES_MAX  65536u

static enum ec_status path_of(const char *project, char dir[PATH_BYTES], char path[PATH_BYTES], struct ec_err *err) {
    EC_TRY(ec_path_join(dir, PATH_BYTES, project, "data/quality", err));
    return ec_path_join(path, PATH_BYTES, dir, EC_JOURNAL_NAME, err);
}

/* ---- reading ---- */

static void read_problems(struct ec_json_reader *r, struct ec_journal_line *line) {
    const json_t *list = ec_json_get_array(r, "problems");
    size_t n = json_array_size(list);
    if (n > EC_PROBLEMS_MAX) n = EC_PROBLEMS_MAX;
    line->problem = ec_json_alloc(r, n + 1, sizeof *line->problem);
    for (size_t i = 0; line->problem && i < n; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text && (line->problem[line->problem_count] = ec_arena_strdup(r->arena, text))) line->problem_count++;
    }
}

static bool read_line(struct ec_arena *arena, const char *p, size_t n, struct ec_journal_line *line) {
    json_t *object = json_loadb(p, n, JSON_REJECT_DUPLICATES, NULL);
    if (!object) return false;
    struct ec_err cause = {0};
    struct ec_json_reader r = ec_json_reader_of(object, "a line of the journal", arena, &cause);
    const char *at = ec_json_need_str(&r, "at");
    *line = (struct ec_journal_line){0};
    line->id = ec_json_need_str(&r, "id");
    line->run = ec_json_need_str(&r, "run");
    line->type = ec_json_need_str(&r, "type");
    line->name = ec_json_need_str(&r, "name");
    line->target = ec_json_get_str(&r, "target");
    line->status = ec_json_need_str(&r, "status");
    line->kind = ec_json_need_str(&r, "kind");
    line->severity = ec_json_get_str(&r, "severity");
    line->message = ec_json_get_str(&r, "message");
    read_problems(&r, line);
    bool good = r.status == EC_OK && ec_datetime_parse(at, strlen(at), &line->at_us);
    json_decref(object);
    return good;
}

/* The end of the file, from the start of a line on. */
static enum ec_status load_tail(const char *path, struct ec_buf *text, struct ec_err *err) {
    struct stat st;
    int fd;
    if (stat(path, &st) != 0 && errno == ENOENT) return EC_OK;
    EC_TRY(ec_file_open(path, &fd, &st, err));
    off_t from = (size_t)st.st_size > EC_JOURNAL_TAIL ? st.st_size - (off_t)EC_JOURNAL_TAIL : 0;
    size_t want = (size_t)(st.st_size - from), got = 0;
    char *to = ec_buf_reserve(text, want + 1);
    enum ec_status status = to ? ec_file_read_at(fd, to, want, from, &got, path, err) : ec_fail(err, EC_NO_MEMORY, "no memory for %s", path);
    (void)ec_io.close(fd);
    if (status != EC_OK) return status;
    text->n = got;
    const char *first = from > 0 ? memchr(text->p, '\n', text->n) : NULL;
    if (from > 0) {
        size_t cut = first ? (size_t)(first + 1 - text->p) : text->n;
        memmove(text->p, text->p + cut, text->n - cut);
        text->n -= cut;
    }
    return EC_OK;
}

enum ec_status ec_journal_read(const char *project, struct ec_journal *j, struct ec_err *err) {
    char dir[PATH_BYTES], path[PATH_BYTES];
    *j = (struct ec_journal){0};
    ec_arena_init(&j->arena, ARENA_MAX);
    EC_TRY(path_of(project, dir, path, err));
    struct ec_buf text = ec_buf_make(EC_JOURNAL_TAIL + 4096);
    enum ec_status status = load_tail(path, &text, err);
    size_t lines = 0;
    for (size_t i = 0; i < text.n; i++) lines += text.p[i] == '\n';
    if (lines > LINES_MAX) lines = LINES_MAX;
    j->line = ec_arena_calloc(&j->arena, lines + 1, sizeof *j->line);
    if (status == EC_OK && !j->line) status = ec_fail(err, EC_NO_MEMORY, "no memory for the journal of alerts");
    const char *p = ec_buf_str(&text).p, *end = p + text.n;
    while (status == EC_OK && p < end && j->count < lines) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        if (!eol) break; /* torn, or being written */
        if (read_line(&j->arena, p, (size_t)(eol - p), &j->line[j->count])) j->count++;
        p = eol + 1;
    }
    ec_buf_free(&text);
    return status;
}

void ec_journal_deinit(struct ec_journal *j) {
    ec_arena_deinit(&j->arena);
}

void ec_journal_state(const struct ec_journal *j, const char *name, const char *id, struct ec_alert_state *s) {
    *s = (struct ec_alert_state){0};
    for (size_t i = 0; i < j->count; i++) {
        const struct ec_journal_line *l = &j->line[i];
        if (strcmp(l->name, name) != 0) continue;
        if (id && strcmp(l->id, id) == 0) {
            s->known = true;
            s->sent = s->sent || strcmp(l->status, "sent") == 0;
        }
        bool problem = strcmp(l->kind, "problem") == 0;
        if (strcmp(l->status, "failed") == 0) { /* nobody was told: the next time it is no repetition */
            if (s->told_id && strcmp(s->told_id, l->id) == 0) s->told_us = 0;
            continue;
        }
        bool first = strcmp(l->status, "pending") == 0 || strcmp(l->status, "suppressed") == 0;
        bool told = problem || strcmp(l->kind, "recovery") == 0;
        if (!first || !told) continue; /* tests and attempts open and end nothing */
        if (l->problem_count) memcpy(s->problem, l->problem, l->problem_count * sizeof *l->problem);
        s->problem_count = l->problem_count;
        if (problem && strcmp(l->status, "pending") == 0) {
            s->told_us = l->at_us;
            s->told_id = l->id;
        }
        if (l->problem_count == 0) s->told_us = 0;
    }
}

/* ---- writing ---- */

static void write_line(struct ec_buf *out, const struct ec_journal_line *l) {
    struct ec_json_writer w;
    char when[32];
    when[ec_datetime_format(l->at_us, when)] = '\0';
    ec_json_init(&w, out);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "at", when);
    ec_json_str(&w, "id", l->id);
    ec_json_str(&w, "run", l->run);
    ec_json_str(&w, "type", l->type);
    ec_json_str(&w, "name", l->name);
    ec_json_str(&w, "target", l->target);
    ec_json_str(&w, "status", l->status);
    ec_json_str(&w, "kind", l->kind);
    ec_json_str(&w, "severity", l->severity);
    ec_json_array(&w, "problems");
    for (size_t i = 0; i < l->problem_count; i++) ec_json_str(&w, NULL, l->problem[i]);
    ec_json_end_array(&w);
    ec_json_str(&w, "message", l->message);
    ec_json_end(&w);
    ec_buf_addc(out, '\n');
}

/* Whether the file, `size` bytes long, ends within a line, which a crash tore. */
static bool is_torn(int fd, off_t size, const char *path) {
    char last = '\n';
    size_t got;
    return size > 0 && ec_file_read_at(fd, &last, 1, size - 1, &got, path, NULL) == EC_OK && last != '\n';
}

/* Opens the file for one writer. Another may have replaced it while this one waited: then it is opened again. */
static enum ec_status open_alone(const char *path, int *fd, struct stat *st, struct ec_err *err) {
    for (int tries = 0; tries < 100; tries++) {
        struct stat named;
        *fd = ec_io.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (*fd < 0) return ec_fail_errno(err, EC_DELIVERY, "cannot open %s", path);
        bool alone = flock(*fd, LOCK_EX) == 0 && fstat(*fd, st) == 0;
        if (alone && stat(path, &named) == 0 && named.st_ino == st->st_ino && named.st_dev == st->st_dev) return EC_OK;
        (void)ec_io.close(*fd);
    }
    return ec_fail(err, EC_DELIVERY, "cannot lock %s", path);
}

/* What is read of a long file is what is kept of it. Under the lock. */
static enum ec_status shorten(const char *path, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(EC_JOURNAL_TAIL + 4096);
    enum ec_status status = load_tail(path, &text, err);
    if (status == EC_OK) status = ec_file_replace(path, text.p, text.n, err);
    ec_buf_free(&text);
    return status;
}

static enum ec_status append_line(const char *path, const struct ec_journal_line *line, struct ec_err *err) {
    struct ec_buf text = ec_buf_make(LINE_BYTES);
    struct stat st;
    int fd;
    EC_TRY(open_alone(path, &fd, &st, err));
    if (is_torn(fd, st.st_size, path)) ec_buf_addc(&text, '\n');
    write_line(&text, line);
    enum ec_status status = ec_buf_check(&text, err);
    if (status == EC_OK) status = ec_file_write(fd, text.p, text.n, path, err);
    if (status == EC_OK && (size_t)st.st_size + text.n > EC_JOURNAL_MAX) status = shorten(path, err);
    ec_buf_free(&text);
    if (status == EC_OK) return ec_file_finish(fd, path, err);
    (void)ec_io.close(fd);
    return status;
}

enum ec_status ec_journal_append(const char *project, const struct ec_journal_line *line, struct ec_err *err) {
    char dir[PATH_BYTES], path[PATH_BYTES];
    EC_TRY(path_of(project, dir, path, err));
    EC_TRY(ec_dir_make(dir, err));
    EC_TRY(append_line(path, line, err));
    /* Also of a file that was there: who made it may have ended, or failed, before its name was on the disk (C7). */
    return ec_dir_sync_up(dir, 2, err);
}

/* ---- deciding ---- */

static bool holds(const char *const *list, size_t count, const char *text) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], text) == 0) return true;
    return false;
}

/* Of a source that the run read nothing of: it is as it was. */
static bool is_unseen(const struct ec_alert_question *q, const char *problem) {
    size_t n = strcspn(problem, "/");
    for (size_t i = 0; i < q->source_count; i++)
        if (strlen(q->source[i]) == n && strncmp(q->source[i], problem, n) == 0) return false;
    return strcmp(problem, "more") != 0;
}

static void keep(const char *out[EC_PROBLEMS_MAX], size_t *count, const char *problem) {
    if (holds(out, *count, problem)) return;
    if (*count == EC_PROBLEMS_MAX)
        out[EC_PROBLEMS_MAX - 1] = "more";
    else
        out[(*count)++] = problem;
}

enum ec_alert_decision ec_alert_decide(const struct ec_alert_question *q, const struct ec_alert_state *before,
                                       const char *out[EC_PROBLEMS_MAX], size_t *count) {
    bool any_new = false;
    *count = 0;
    for (size_t i = 0; i < q->problem_count; i++) keep(out, count, q->problem[i]);
    for (size_t i = 0; i < *count; i++) any_new = any_new || !holds(before->problem, before->problem_count, out[i]);
    for (size_t i = 0; i < before->problem_count; i++)
        if (is_unseen(q, before->problem[i])) keep(out, count, before->problem[i]);
    if (q->problem_count > 0) {
        bool repeats = !any_new && before->told_us > 0 && q->now_us - before->told_us < q->repeat_us && q->now_us >= before->told_us;
        return repeats ? EC_TELL_SUPPRESS : EC_TELL_PROBLEM;
    }
    if (before->problem_count == 0 || *count == before->problem_count) return EC_TELL_NOTHING;
    return *count == 0 && q->recovery ? EC_TELL_RECOVERY : EC_TELL_SUPPRESS;
}
