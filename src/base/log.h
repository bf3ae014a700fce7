/* The run's log: to stderr for people, and to logs/pipeline_*.log in full.
 *
 *     2025-08-18T13:34:05Z INFO  sessions: 4 files, 100,000 rows
 *
 * Text of a file that reaches a log line is escaped (control characters, CR, LF), so
 * that no input can forge a line. One process, one thread writes.
 */
#ifndef EC_BASE_LOG_H
#define EC_BASE_LOG_H

#include "base/err.h"

#include <stdbool.h>

enum ec_log_level { EC_LOG_DEBUG, EC_LOG_INFO, EC_LOG_WARN, EC_LOG_ERROR };

struct ec_log_options {
    enum ec_log_level level; /* of what reaches stderr */
    bool json;               /* --log-format json: one object a line */
    bool color;
};

void ec_log_init(const struct ec_log_options *options);
/* Also writes everything to `path` (created, appended). */
enum ec_status ec_log_to_file(const char *path, struct ec_err *err) EC_MUST_USE;
void ec_log_close(void);
void ec_log(enum ec_log_level level, const char *fmt, ...) EC_PRINTF(2, 3);
/* The same, but for the file alone: of what reaches stderr in another form, such as ec_log_error(). */
void ec_log_keep(enum ec_log_level level, const char *fmt, ...) EC_PRINTF(2, 3);
/* The error that ends a command, on stderr: as ec_err_print() does, or as an object with its code,
 * place and remedy where lines are JSON. */
void ec_log_error(const struct ec_err *err);
/* A hook called before and after a line is written to stderr, so that a progress
 * bar can clear and redraw itself; NULL removes it. */
void ec_log_hook(void (*around)(bool before));

#endif
