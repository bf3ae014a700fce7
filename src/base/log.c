#include "base/log.h"

#include "base/calendar.h"
#include "base/inert.h"
#include "base/io.h"
#include "base/json.h"

#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#define LINE_BYTES 65536u /* a message of 4,096 bytes, all of it escaped */

static struct {
    struct ec_log_options options;
    int file; /* -1: none */
    bool file_failed;
    void (*around)(bool before);
} logger = {.options = {.level = EC_LOG_INFO}, .file = -1};

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR"};

void ec_log_init(const struct ec_log_options *options) { logger.options = *options; }

void ec_log_hook(void (*around)(bool before)) { logger.around = around; }

enum ec_status ec_log_to_file(const char *path, struct ec_err *err) {
    int fd = ec_io.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) return ec_fail_errno(err, EC_IO, "cannot open the log %s", path);
    logger.file = fd;
    logger.file_failed = false;
    return EC_OK;
}

void ec_log_close(void) {
    if (logger.file >= 0) (void)ec_io.close(logger.file);
    logger.file = -1;
}

/* A message may quote a hostile file: what could forge a line becomes a space; what else commands or reorders a
 * terminal's text (base/inert.h) is escaped when the line is composed. */
static void make_inert(char *z) {
    for (char *p = z; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F) *p = ' ';
}

static void compose(struct ec_buf *line, enum ec_log_level level, const char *text, bool json, bool color) {
    char when[32];
    struct ec_buf inert = ec_buf_make(LINE_BYTES);
    ec_inert_add(&inert, text, strlen(text));
    const char *message = ec_buf_str(&inert).p;
    when[ec_datetime_format(ec_now_micros() / EC_MICROS_PER_SECOND * EC_MICROS_PER_SECOND, when)] = '\0';
    if (json) {
        struct ec_json_writer w;
        ec_json_init(&w, line);
        ec_json_object(&w, NULL);
        ec_json_str(&w, "time", when);
        ec_json_str(&w, "level", level_names[level]);
        ec_json_str(&w, "message", message);
        ec_json_end(&w);
        ec_buf_addc(line, '\n');
        ec_buf_free(&inert);
        return;
    }
    const char *paint = !color || level < EC_LOG_WARN ? "" : level == EC_LOG_WARN ? "\033[33m" : "\033[31m";
    ec_buf_printf(line, "%s %s%-5s%s %s\n", when, paint, level_names[level], *paint ? "\033[0m" : "", message);
    ec_buf_free(&inert);
}

static void emit(int fd, enum ec_log_level level, const char *message, bool color, bool *failed) {
    struct ec_buf line = ec_buf_make(2 * LINE_BYTES);
    compose(&line, level, message, logger.options.json, color);
    /* A log that cannot be written must not stop the data; that it could not is said once. */
    if (!line.failed && ec_file_write(fd, line.p, line.n, "log", NULL) != EC_OK && failed && !*failed) {
        *failed = true;
        const char *lost = _("the log file cannot be written; further lines reach stderr only\n");
        if (ec_io.write(STDERR_FILENO, lost, strlen(lost)) < 0) logger.options.level = EC_LOG_ERROR;
    }
    ec_buf_free(&line);
}

void ec_log_keep(enum ec_log_level level, const char *fmt, ...) {
    char message[4096];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, _(fmt), args);
    va_end(args);
    make_inert(message);
    if (logger.file >= 0 && !logger.file_failed) emit(logger.file, level, message, false, &logger.file_failed);
}

static void place(struct ec_json_writer *w, const char *key, uint32_t value) {
    if (value) ec_json_uint(w, key, value);
    else ec_json_null(w, key);
}

void ec_log_error(const struct ec_err *err) {
    if (!logger.options.json) {
        ec_err_print(err, stderr);
        return;
    }
    struct ec_buf line = ec_buf_make(16384);
    struct ec_json_writer w;
    const struct ec_code_text *text = ec_status_text(err->status);
    char when[32];
    when[ec_datetime_format(ec_now_micros() / EC_MICROS_PER_SECOND * EC_MICROS_PER_SECOND, when)] = '\0';
    ec_json_init(&w, &line);
    ec_json_object(&w, NULL);
    ec_json_str(&w, "time", when);
    ec_json_str(&w, "level", level_names[EC_LOG_ERROR]);
    ec_json_str(&w, "message", err->message);
    ec_json_str(&w, "code", text->slug);
    ec_json_str(&w, "file", err->file[0] ? err->file : NULL);
    place(&w, "line", err->line);
    place(&w, "column", err->column);
    ec_json_str(&w, "fix", _(text->remedy));
    ec_json_end(&w);
    ec_buf_addc(&line, '\n');
    if (line.failed || ec_file_write(STDERR_FILENO, line.p, line.n, "stderr", NULL) != EC_OK) ec_err_print(err, stderr);
    ec_buf_free(&line);
}

void ec_log(enum ec_log_level level, const char *fmt, ...) {
    char message[4096];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, _(fmt), args);
    va_end(args);
    make_inert(message);
    if (logger.file >= 0 && !logger.file_failed) emit(logger.file, level, message, false, &logger.file_failed);
    if (level < logger.options.level) return;
    if (logger.around) logger.around(true);
    emit(STDERR_FILENO, level, message, logger.options.color, NULL);
    if (logger.around) logger.around(false);
}
