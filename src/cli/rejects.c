#include "cli/rejects.h"

#include "base/io.h"
#include "cli/project.h"
#include "run/paths.h"
#include "source/discover.h"

#include <errno.h>
#include <stdlib.h>

/* A row of EC_RECORD_MAX bytes, every one escaped, with its reasons (gate/quarantine.c). */
#define LINE_MAX_BYTES (16 * (size_t)EC_RECORD_MAX)
#define READ_BYTES     ((size_t)1 << 18)
#define NAMES_MAX      ((size_t)64 << 20)

struct scan {
    const struct ec_reject_filter *filter;
    ec_reject_visit visit;
    void *user;
    bool *more;
    uint64_t taken;
    size_t files; /* begun */
    char path[EC_PATH_MAX];
    uint64_t line; /* of the quarantine file */
    struct ec_buf raw;
};

struct names {
    struct ec_arena arena;
    const char **name;
    size_t count, cap;
};

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum ec_status add_name(struct names *names, const char *name, struct ec_err *err) {
    if (names->count == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 64;
        const char **more = ec_realloc_array(names->name, cap, sizeof *more);
        if (!more) return ec_fail(err, EC_NO_MEMORY, "no memory for the list of quarantine files");
        names->name = more;
        names->cap = cap;
    }
    names->name[names->count] = ec_arena_strdup(&names->arena, name);
    if (!names->name[names->count++]) return ec_fail(err, EC_NO_MEMORY, "no memory for the list of quarantine files");
    return EC_OK;
}

static void names_free(struct names *names) {
    ec_free(names->name);
    ec_arena_deinit(&names->arena);
}

/* The folder's entries that end in `suffix`, sorted bytewise; none where there is no folder. */
static enum ec_status list_folder(const char *path, const char *suffix, struct names *names, struct ec_err *err) {
    *names = (struct names){0};
    ec_arena_init(&names->arena, NAMES_MAX);
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR ? EC_OK
                                                   : ec_fail_errno(err, EC_IO, "cannot open the folder %s", path);
    enum ec_status status = EC_OK;
    while (status == EC_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            if (errno != 0) status = ec_fail_errno(err, EC_IO, "cannot read the folder %s", path);
            break;
        }
        size_t n = strlen(entry->d_name), m = strlen(suffix);
        if (entry->d_name[0] == '.' || n < m || strcmp(entry->d_name + n - m, suffix) != 0) continue;
        status = add_name(names, entry->d_name, err);
    }
    (void)closedir(dir);
    if (names->count) qsort(names->name, names->count, sizeof *names->name, compare_names);
    return status;
}

/* RFC 4648; false where the text is not base64. */
static bool decode_base64(const char *p, size_t n, struct ec_buf *out) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (n % 4 != 0) return false;
    for (size_t i = 0; i < n; i += 4) {
        size_t digits = 4;
        if (i + 4 == n && p[i + 3] == '=') digits = p[i + 2] == '=' ? 2 : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *digit = k < digits && p[i + k] ? strchr(alphabet, p[i + k]) : NULL;
            if (k < digits && !digit) return false;
            bits = bits << 6 | (digit ? (uint32_t)(digit - alphabet) : 0);
        }
        const char three[] = {(char)(bits >> 16), (char)(bits >> 8), (char)bits};
        ec_buf_add(out, three, digits - 1);
    }
    return !out->failed;
}

const char *ec_reject_text(const json_t *reason, const char *key) {
    const char *text = json_string_value(json_object_get(reason, key));
    return text ? text : "";
}

struct ec_str ec_reject_str(const json_t *reason, const char *key) {
    const json_t *value = json_object_get(reason, key);
    return json_is_string(value) ? (struct ec_str){json_string_value(value), json_string_length(value)} : EC_STR("");
}

bool ec_reject_tells_value(const json_t *reason) {
    const char *rule = ec_reason_text(EC_REASON_RULE)->slug;
    if (ec_reject_str(reason, "value").n > 0) return true;
    return json_is_string(json_object_get(reason, "value")) && *ec_reject_text(reason, "column") &&
           strncmp(ec_reject_text(reason, "code"), rule, strlen(rule)) == 0;
}

bool ec_reject_repeats(const json_t *reasons, size_t index) {
    const char *code = ec_reject_text(json_array_get(reasons, index), "code");
    for (size_t i = 0; i < index; i++)
        if (strcmp(ec_reject_text(json_array_get(reasons, i), "code"), code) == 0) return true;
    return false;
}

static uint64_t number(const json_t *object, const char *key) {
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value < 0 ? 0 : (uint64_t)value;
}

/* Fills *row from the line's object; false where it is no rejected row. */
static bool read_row(struct scan *s, const json_t *o, struct ec_reject *row) {
    row->object = o;
    row->run = ec_reject_text(o, "run");
    row->source = ec_reject_text(o, "source");
    row->file = ec_reject_text(o, "file");
    row->member = json_string_value(json_object_get(o, "member"));
    row->line = number(o, "line");
    row->offset = number(o, "offset");
    row->length = number(o, "length");
    row->reasons = json_object_get(o, "reasons");
    row->raw = (struct ec_str){0};
    row->raw_is_text = true;
    const json_t *raw = json_object_get(o, "raw"), *base64 = json_object_get(o, "raw_base64");
    if (json_is_string(raw)) row->raw = (struct ec_str){json_string_value(raw), json_string_length(raw)};
    if (json_is_string(base64)) {
        row->raw_is_text = false;
        ec_buf_clear(&s->raw);
        if (!decode_base64(json_string_value(base64), json_string_length(base64), &s->raw)) return false;
        row->raw = ec_buf_str(&s->raw);
    }
    return row->source[0] && row->file[0] && json_is_array(row->reasons);
}

static bool takes_reason(const char *want, const json_t *reasons) {
    size_t n = strlen(want);
    bool any_rule = strcmp(want, ec_reason_text(EC_REASON_RULE)->slug) == 0;
    for (size_t i = 0; i < json_array_size(reasons); i++) {
        const char *code = ec_reject_text(json_array_get(reasons, i), "code");
        if (strcmp(code, want) == 0 || (any_rule && strncmp(code, want, n) == 0 && code[n] == ':')) return true;
    }
    return false;
}

static bool takes_file(const char *glob, const struct ec_reject *row) {
    char both[2 * EC_PATH_MAX];
    if (ec_glob_match(glob, row->file) || ec_glob_match(glob, ec_cli_base_name(row->file))) return true;
    if (!row->member) return false;
    (void)snprintf(both, sizeof both, "%s/%s", row->file, row->member);
    return ec_glob_match(glob, row->member) || ec_glob_match(glob, ec_cli_base_name(row->member)) ||
           ec_glob_match(glob, both);
}

static bool takes(const struct ec_reject_filter *f, const struct ec_reject *row) {
    return (!f->source || strcmp(f->source, row->source) == 0) &&
           (!f->run || strncmp(row->run, f->run, strlen(f->run)) == 0) && (!f->file || takes_file(f->file, row)) &&
           (!f->reason || takes_reason(f->reason, row->reasons));
}

static enum ec_status damaged(const struct scan *s, const char *what, struct ec_err *err) {
    ec_err_at(err, s->path, (uint32_t)s->line, 0);
    return ec_fail(err, EC_TABLE_FORMAT, "this line of the quarantine is damaged: %s", what);
}

static enum ec_status scan_line(struct scan *s, const char *line, size_t n, struct ec_err *err) {
    s->line++;
    if (n == 0) return EC_OK;
    json_error_t cause;
    json_t *object = json_loadb(line, n, JSON_ALLOW_NUL, &cause);
    if (!object) return damaged(s, cause.text, err);
    struct ec_reject row = {.file_index = s->files - 1, .json = {line, n}};
    enum ec_status status = EC_OK;
    if (!read_row(s, object, &row)) {
        status = damaged(s, _("it is no rejected row"), err);
    } else if (takes(s->filter, &row)) {
        if (s->filter->limit && s->taken == s->filter->limit) {
            *s->more = true;
        } else {
            s->taken++;
            status = s->visit(s->user, &row, err);
        }
    }
    json_decref(object);
    return status;
}

/* Hands out the complete lines of buf and moves the rest to its start. */
static enum ec_status scan_lines(struct scan *s, struct ec_buf *buf, struct ec_err *err) {
    size_t at = 0;
    while (!*s->more) {
        const char *end = buf->n > at ? memchr(buf->p + at, '\n', buf->n - at) : NULL;
        if (!end) break;
        size_t n = (size_t)(end - (buf->p + at));
        EC_TRY(scan_line(s, buf->p + at, n, err));
        at += n + 1;
    }
    if (at > 0) memmove(buf->p, buf->p + at, buf->n - at);
    buf->n -= at;
    return EC_OK;
}

static enum ec_status scan_file(struct scan *s, struct ec_err *err) {
    int fd;
    EC_TRY(ec_file_open(s->path, &fd, NULL, err));
    s->files++;
    s->line = 0;
    struct ec_buf buf = ec_buf_make(LINE_MAX_BYTES + READ_BYTES);
    enum ec_status status = EC_OK;
    size_t got = 1;
    while (status == EC_OK && got > 0 && !*s->more) {
        char *to = ec_buf_reserve(&buf, READ_BYTES);
        if (!to) {
            status = damaged(s, _("it is longer than any row can be"), err);
            break;
        }
        status = ec_file_read(fd, to, READ_BYTES, &got, s->path, err);
        if (status != EC_OK) break;
        buf.n += got;
        status = scan_lines(s, &buf, err);
    }
    if (status == EC_OK && buf.n > 0 && !*s->more) status = damaged(s, _("it is cut off"), err);
    ec_buf_free(&buf);
    (void)ec_io.close(fd);
    return status;
}

/* "sales.csv.20250718_120000-00000003.jsonl": what an earlier run left under the name. */
static bool is_set_aside(const char *name) {
    static const char pattern[] = "dddddddd_dddddd-dddddddd.jsonl";
    size_t n = strlen(name), run_n = sizeof pattern - 1;
    if (n <= run_n || name[n - run_n - 1] != '.') return false;
    for (size_t i = 0; i < run_n; i++) {
        char c = name[n - run_n + i];
        if (pattern[i] == 'd' && i < 24 ? c < '0' || c > '9' : c != pattern[i]) return false;
    }
    return true;
}

static enum ec_status scan_source(struct scan *s, const char *folder, const char *source, struct ec_err *err) {
    char path[EC_PATH_MAX];
    struct names files;
    EC_TRY(ec_path_join(path, sizeof path, folder, source, err));
    enum ec_status status = list_folder(path, ".jsonl", &files, err);
    for (size_t i = 0; i < files.count && status == EC_OK && !*s->more; i++) {
        /* Rows of an earlier run are asked for by its name: the file was read again since. */
        if (!s->filter->run && is_set_aside(files.name[i])) continue;
        status = ec_path_join(s->path, sizeof s->path, path, files.name[i], err);
        if (status == EC_OK) status = scan_file(s, err);
    }
    names_free(&files);
    return status;
}

enum ec_status ec_rejects_scan(const char *project, const struct ec_reject_filter *filter, ec_reject_visit visit,
                               void *user, bool *more, struct ec_err *err) {
    struct scan s = {.filter = filter, .visit = visit, .user = user, .more = more, .raw = ec_buf_make(LINE_MAX_BYTES)};
    char folder[EC_PATH_MAX];
    struct names sources;
    *more = false;
    EC_TRY(ec_project_path(folder, project, EC_DIR_QUARANTINE, NULL, err));
    enum ec_status status = list_folder(folder, "", &sources, err);
    for (size_t i = 0; i < sources.count && status == EC_OK && !*more; i++) {
        if (filter->source && strcmp(filter->source, sources.name[i]) != 0) continue;
        status = scan_source(&s, folder, sources.name[i], err);
    }
    names_free(&sources);
    ec_buf_free(&s.raw);
    return status;
}
