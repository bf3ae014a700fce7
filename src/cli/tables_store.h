/* `ecluse tables` over a store: copies, and what no version names there (tables_store.c). */
#ifndef EC_CLI_TABLES_STORE_H
#define EC_CLI_TABLES_STORE_H

#include "cli/cli.h"

/* --copy-to; `only`: the table of that name, NULL for all. */
enum ec_status ec_tables_copy(const struct ec_cli *cli, const char *to, const char *only, struct ec_err *err) EC_MUST_USE;
/* --orphans, --remove-orphans: of the store that the configuration names. */
enum ec_status ec_tables_orphans(const struct ec_cli *cli, bool remove, struct ec_err *err) EC_MUST_USE;

#endif
