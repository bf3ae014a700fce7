/* The statement by which another engine knows a table of ours: text for people to run there.
 *
 *     spark    CREATE TABLE ... USING DELTA LOCATION '...'          columns come from the log
 *     hive     CREATE EXTERNAL TABLE ... STORED BY 'io.delta.hive.DeltaStorageHandler'
 *     trino    CALL delta.system.register_table(...)                its form of CREATE TABLE for one that exists
 *     duckdb   CREATE OR REPLACE VIEW ... AS SELECT * FROM delta_scan('...')
 */
#ifndef EC_CLI_DDL_H
#define EC_CLI_DDL_H

#include "store/delta.h"

/* The dialects' names, NULL-terminated. */
extern const char *const ec_ddl_dialects[];

/* What a script begins with: the schema or the extension that the statements need. */
void ec_ddl_begin(struct ec_buf *out, const char *dialect);
/* The statement for a table, with comment lines where something is to be known; names and texts are quoted as the
 * dialect does. `location` is the folder as that engine sees it. */
void ec_ddl_table(struct ec_buf *out, const char *dialect, const char *name, const char *location, const struct ec_delta *table);

#endif
