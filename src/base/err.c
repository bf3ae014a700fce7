#include "base/err.h"

#include "base/inert.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static void set(struct ec_err *err, enum ec_status status, int sys_errno, const char *fmt, va_list args) {
    if (!err || err->status != EC_OK) return;
    err->status = status;
    err->sys_errno = sys_errno;
    (void)vsnprintf(err->message, sizeof err->message, _(fmt), args);
}

enum ec_status ec_fail(struct ec_err *err, enum ec_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    set(err, status, 0, fmt, args);
    va_end(args);
    return status;
}

enum ec_status ec_fail_errno(struct ec_err *err, enum ec_status status, const char *fmt, ...) {
    int cause = errno;
    if (cause == ENOSPC || cause == EDQUOT) status = EC_DISK_FULL;
    if (cause == ENOMEM) status = EC_NO_MEMORY;
    if (!err || err->status != EC_OK) return status;

    va_list args;
    va_start(args, fmt);
    set(err, status, cause, fmt, args);
    va_end(args);
    size_t n = strlen(err->message);
    char text[96];
    (void)snprintf(err->message + n, sizeof err->message - n, _(": %s"), ec_language_errno(cause, text, sizeof text));
    return status;
}

void ec_err_at(struct ec_err *err, const char *file, uint32_t line, uint32_t column) {
    if (!err) return;
    (void)snprintf(err->file, sizeof err->file, "%s", file);
    err->line = line;
    err->column = column;
}

void ec_err_context(struct ec_err *err, const char *fmt, ...) {
    if (!err) return;
    char cause[sizeof err->message];
    memcpy(cause, err->message, sizeof cause);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err->message, sizeof err->message, _(fmt), args);
    va_end(args);
    size_t n = strlen(err->message);
    (void)snprintf(err->message + n, sizeof err->message - n, _(": %s"), cause);
}

/* How many bytes of text are a colon with the spaces around it, also French ones. */
static size_t colon(const char *text) {
    static const char *const spaces[] = {" ", "\u00a0", "\u202f"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
        if (strncmp(text, spaces[i], strlen(spaces[i])) == 0) n = strlen(spaces[i]);
    return text[n] == ':' && text[n + 1] == ' ' ? n + 2 : 0;
}

void ec_err_unname(struct ec_err *err, const char *name) {
    size_t n = strlen(name);
    if (!err || n == 0 || strncmp(err->message, name, n) != 0) return;
    const char *rest = err->message + n;
    size_t skipped = colon(rest);
    if (!skipped && *rest != ' ') return; /* another name, which begins like this one */
    char text[sizeof err->message];
    int written = snprintf(text, sizeof text, "%s%s", skipped ? "" : _("the file"), rest + skipped);
    if (written > 0) memcpy(err->message, text, sizeof text);
}

void ec_err_clear(struct ec_err *err) {
    if (err) memset(err, 0, sizeof *err);
}

static void print_excerpt(const struct ec_err *err, FILE *out) {
    (void)fprintf(out, "    %s\n    ", err->excerpt);
    size_t column = err->column ? err->column - 1 : 0;
    for (size_t i = 0; i < column && err->excerpt[i]; i++) {
        bool inside = ((unsigned char)err->excerpt[i] & 0xC0) == 0x80; /* of a character: no width of its own */
        if (!inside) (void)fputc(err->excerpt[i] == '\t' ? '\t' : ' ', out);
    }
    (void)fputs("^\n", out);
}

/* A message may quote a hostile file: it is made inert, and a further line of it is indented, so
 * that no text can pass for a line of ours. */
static void print_message(const char *message, FILE *out) {
    for (;;) {
        size_t n = strcspn(message, "\n");
        ec_inert_print(message, n, out);
        (void)fputc('\n', out);
        if (message[n] == '\0') return;
        message += n + 1;
        (void)fputs("    ", out);
    }
}

void ec_err_print(const struct ec_err *err, FILE *out) {
    if (err->file[0]) {
        ec_inert_print(err->file, strlen(err->file), out);
        (void)fputc(':', out);
        if (err->line) (void)fprintf(out, "%u:", err->line);
        if (err->column) (void)fprintf(out, "%u:", err->column);
        (void)fputc(' ', out);
    }
    const struct ec_code_text *text = ec_status_text(err->status);
    (void)fprintf(out, _("error [%s]: "), text->slug);
    print_message(err->message, out);
    if (err->excerpt[0]) print_excerpt(err, out);
    (void)fprintf(out, _("  what to do: %s\n"), _(text->remedy));
}
