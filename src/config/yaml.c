#include "config/yaml_private.h"

#include "base/io.h"
#include "base/limits.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <strings.h>

static bool is_break(char c) {
    return c == '\n' || c == '\r';
}

/* The offset behind the line end that starts at i: LF, CR or CRLF. */
static size_t past_break(struct ec_str text, size_t i) {
    return i + 1 < text.n && text.p[i] == '\r' && text.p[i + 1] == '\n' ? i + 2 : i + 1;
}

static size_t line_start(struct ec_str text, uint32_t line) {
    size_t i = 0;
    for (uint32_t at = 1; at < line; at++) {
        size_t j = i;
        while (j < text.n && !is_break(text.p[j])) j++;
        if (j == text.n) return j; /* past the last line */
        i = past_break(text, j);
    }
    return i;
}

struct ec_yaml_place ec_yaml_place_of(const struct ec_yaml_file *file, size_t offset) {
    struct ec_str text = file->text;
    if (offset > text.n) offset = text.n;
    struct ec_yaml_place at = {file, 1, 1};
    size_t start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (!is_break(text.p[i])) continue;
        size_t past = past_break(text, i);
        if (past > offset) break;
        start = past;
        i = past - 1;
        at.line++;
    }
    at.column = (uint32_t)(offset - start) + 1;
    return at;
}

struct ec_yaml_place ec_yaml_place_of_chars(const struct ec_yaml_file *file, uint32_t line, uint32_t column) {
    size_t i = line_start(file->text, line ? line : 1);
    const char *p = file->text.p;
    for (uint32_t c = 1; c < column && i < file->text.n && !is_break(p[i]); c++) {
        i++;
        while (i < file->text.n && ((unsigned char)p[i] & 0xC0) == 0x80) i++;
    }
    /* What is missing at the end is missing behind the last word, not behind the last line. */
    if (i == file->text.n)
        while (i > 0 && strchr(" \t\r\n", p[i - 1])) i--;
    return ec_yaml_place_of(file, i);
}

/* A line that may hold a secret is named and not shown: the error goes to a terminal, a log, a mail of cron. */
static bool may_hold_secret(const char *p, size_t n) {
    static const char *const signs[] = {"://", "password", "secret", "token", "authorization"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t k = strlen(signs[i]);
        for (size_t at = 0; at + k <= n; at++)
            if (strncasecmp(p + at, signs[i], k) == 0) return true;
    }
    return false;
}

static void copy_excerpt(struct ec_yaml_place at, struct ec_err *err) {
    struct ec_str text = at.file->text;
    size_t start = line_start(text, at.line);
    size_t end = start;
    while (end < text.n && !is_break(text.p[end])) end++;
    if (may_hold_secret(text.p + start, end - start)) {
        err->excerpt[0] = '\0';
        return;
    }
    size_t n = ec_utf8_truncate(text.p + start, end - start, sizeof err->excerpt - 1);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.p[start + i];
        err->excerpt[i] = (c < 0x20 && c != '\t') || c == 0x7F ? '?' : (char)c; /* no escape reaches a terminal */
    }
    err->excerpt[n] = '\0';
}

void ec_yaml_err_at(struct ec_yaml_place at, struct ec_err *err) {
    if (!err || !at.file) return;
    ec_err_at(err, at.file->path, at.line, at.column);
    copy_excerpt(at, err);
}

enum ec_status ec_yaml_fail(struct ec_yaml_place at, struct ec_err *err, const char *fmt, ...) {
    if (!err || err->status != EC_OK) return EC_CONFIG;
    char message[sizeof err->message];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, _(fmt), args);
    va_end(args);
    message[ec_utf8_truncate(message, strlen(message), sizeof message - 1)] = '\0';
    for (char *c = message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F) *c = '?';
    (void)ec_fail(err, EC_CONFIG, "%s", message);
    ec_yaml_err_at(at, err);
    return EC_CONFIG;
}

struct ec_yaml_node *ec_yaml_get(const struct ec_yaml_node *map, const char *key) {
    if (!map || map->kind != EC_YAML_MAP) return NULL;
    for (struct ec_yaml_node *n = map->child; n; n = n->next)
        if (strcmp(n->name, key) == 0) return n;
    return NULL;
}

enum ec_status ec_yaml_load(struct ec_arena *arena, const char *path, enum ec_yaml_syntax syntax,
                            struct ec_yaml_node **root, struct ec_err *err) {
    size_t bytes_max = syntax == EC_YAML_JSON ? EC_CONFIG_JSON_MAX : EC_YAML_BYTES_MAX;
    /* The loader asks for room by blocks: a maximum of the file's limit alone would refuse less. */
    struct ec_buf buf = ec_buf_make(bytes_max + (1u << 17));
    enum ec_status status = ec_file_load(path, &buf, err);
    if (status == EC_UNREADABLE) {
        if (err) err->status = EC_IO;
        status = EC_IO;
        ec_err_context(err, "the configuration is incomplete (`ecluse init` writes what is missing)");
    }
    if (buf.n > bytes_max && (status == EC_OK || status == EC_NO_MEMORY)) {
        ec_err_clear(err);
        status = ec_fail(err, EC_CONFIG, "the file is larger than the limit of %zu bytes", bytes_max);
        ec_err_at(err, path, 0, 0);
    }
    if (status != EC_OK) goto done;
    char *copy = ec_arena_copy(arena, buf.p ? buf.p : "", buf.n);
    if (!copy) {
        status = ec_fail(err, EC_NO_MEMORY, "no memory to read %s", path);
        goto done;
    }
    status = ec_yaml_parse(arena, path, (struct ec_str){copy, buf.n}, syntax, root, err);
done:
    ec_buf_free(&buf);
    return status;
}
