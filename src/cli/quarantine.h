/* `ecluse quarantine` in two files: list and show (cmd_quarantine.c), export (quarantine_export.c). */
#ifndef EC_CLI_QUARANTINE_H
#define EC_CLI_QUARANTINE_H

#include "cli/cli.h"
#include "cli/rejects.h"

/* The rows as CSV, JSON lines or original bytes, on stdout or in --out FILE. */
enum ec_status ec_quarantine_export(const struct ec_cli *cli, const struct ec_reject_filter *filter,
                                    struct ec_err *err) EC_MUST_USE;

/* "type-error: quantity = abc", one after the other with "; " between them; appended as it is. */
void ec_reject_sentence(struct ec_buf *out, const json_t *reasons);

#endif
