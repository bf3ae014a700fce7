/* `ecluse worker --put`: parts of the tables put into their store, for an engine that does it on many machines.
 *
 *     {"path":"/shop/data/processed/enriched/sales/…parquet","address":"s3://lake/shop/enriched/sales/…parquet","bytes":4711}
 *     {"put":"s3://lake/shop/enriched/sales/…parquet","status":"ok"}
 *     {"put":"…","status":"failed","error":{"code":"remote","message":"…"}}
 *
 * A line of the first kind in, one of the others out, in any order. This process has a network and credentials, and reads
 * nothing but the files that it is told of; so it puts those of `data/processed` alone, and below `tables: store:` alone. */
#ifndef EC_RUN_PUT_WORKER_H
#define EC_RUN_PUT_WORKER_H

#include "config/config.h"

/* Until the end of the input. With `exchange`, an address without a slash behind it, it puts files of `data` below that instead
 * (`--exchange`, docs/spark.md); NULL for none. What could not be put is said in the answers; EC_CONFIG, EC_PROTOCOL, EC_IO. */
enum ec_status ec_put_worker_run(const struct ec_config *config, const char *exchange, int in, int out, struct ec_err *err) EC_MUST_USE;

#endif
