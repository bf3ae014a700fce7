/* `ecluse worker --get`: what a task reads, brought from a store into a project's staging, for an engine whose machines
 * share no folder with the driver's (docs/spark.md).
 *
 *     {"address":"s3://drops/sales_1.csv","path":"/scratch/data/staging/in/1/sales_1.csv","bytes":4711,"tag":"\"9f2c…\""}
 *     {"get":"/scratch/data/staging/in/1/sales_1.csv","status":"ok","bytes":4711}
 *     {"get":"…","status":"failed","error":{"code":"file-changed","message":"…"}}
 *
 * A line of the first kind in, one of the others out, in any order. Of a line address and path are needed; `bytes`: the size
 * that the object must have; `tag`: the version that it must be; `sha256`: what its bytes must be; `range` [start, end]: these
 * bytes alone, and with `head` the first so many, into a file as large as the object; `durable`: synced before the answer.
 *
 * This process has a network and credentials, and parses nothing of what it brings. It brings what the sources' `files:` name,
 * and what lies below --exchange, and writes new files of `data/staging` alone. */
#ifndef EC_RUN_GET_WORKER_H
#define EC_RUN_GET_WORKER_H

#include "config/config.h"

/* Until the end of the input. `exchange` is an address without a slash behind it; NULL for none. What could not be had is
 * said in the answers; EC_USAGE, EC_PROTOCOL, EC_IO. */
enum ec_status ec_get_worker_run(const struct ec_config *config, const char *exchange, int in, int out, struct ec_err *err) EC_MUST_USE;

#endif
