/* What went wrong, where, and in whose words.
 *
 * A function that can fail returns `enum ec_status` and takes a caller-owned
 * `struct ec_err *` as its last parameter, which may be NULL. The first cause is
 * kept; context ("while reading member x") is added once, where a boundary is
 * crossed.
 *
 *     struct ec_err err = {0};
 *     if (ec_delta_open(..., &err) != EC_OK) ec_err_print(&err, stderr);
 *
 * The formats are English sentences, and are translated here (base/language.h); an argument that is a sentence itself
 * is translated by the caller.
 */
#ifndef EC_BASE_ERR_H
#define EC_BASE_ERR_H

#include "base/code.h"

#include <stdint.h>
#include <stdio.h>

#define EC_MUST_USE __attribute__((warn_unused_result))
#define EC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

struct ec_err {
    enum ec_status status;
    uint32_t line;      /* 1-based; 0 where there is none */
    uint32_t column;    /* 1-based, in bytes; 0 where there is none */
    uint64_t byte;      /* offset of the fault in the (decoded) file */
    int sys_errno;      /* errno at the fault, 0 where none was involved */
    char file[256];     /* path of the user's file, "" where there is none */
    char excerpt[160];  /* the text of that line, shown with a caret under `column`; or "" */
    char message[768];
};

/* Sets *err unless it is NULL or already holds an error, and returns status,
 * so that `return ec_fail(err, EC_IO, "...")` reads as one thought. */
enum ec_status ec_fail(struct ec_err *err, enum ec_status status, const char *fmt, ...) EC_PRINTF(3, 4);

/* The same with the text of errno. ENOSPC and EDQUOT become EC_DISK_FULL, ENOMEM
 * EC_NO_MEMORY, whatever status asks for. */
enum ec_status ec_fail_errno(struct ec_err *err, enum ec_status status, const char *fmt, ...) EC_PRINTF(3, 4);

/* Names the place. Returns err->status for chaining; err may be NULL. */
void ec_err_at(struct ec_err *err, const char *file, uint32_t line, uint32_t column);

/* Prefixes the message: "context: message". err may be NULL. */
void ec_err_context(struct ec_err *err, const char *fmt, ...) EC_PRINTF(2, 3);

/* Takes the name of the user's file from the message's beginning, where the message will be shown behind that name:
 * "NAME: text" becomes "text", "NAME is empty" "the file is empty". err may be NULL. */
void ec_err_unname(struct ec_err *err, const char *name);

void ec_err_clear(struct ec_err *err);

/* Prints `file:line:column: message`, the excerpt with its caret, and the remedy. */
void ec_err_print(const struct ec_err *err, FILE *out);

/* Propagates. Only where the function owns nothing that needs releasing. */
#define EC_TRY(call)                              \
    do {                                          \
        enum ec_status ec_try_status = (call);    \
        if (ec_try_status != EC_OK) return ec_try_status; \
    } while (0)

#endif
