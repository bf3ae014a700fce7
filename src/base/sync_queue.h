/* Finished files that become durable while the next ones are written.
 *
 * A thread that computes and then waits for the disk leaves its processor to nobody. Here it hands over what it
 * finished (base/durable.h), and one thread waits for all of them:
 *
 *     struct ec_sync_queue *q;
 *     EC_TRY(ec_sync_queue_create(&q, err));
 *     ec_sync_queue_add(q, durable);           // from any thread; the queue owns it from here on
 *     EC_TRY(ec_sync_queue_end(q, err));       // EC_OK: everything that was added is on the disk
 */
#ifndef EC_BASE_SYNC_QUEUE_H
#define EC_BASE_SYNC_QUEUE_H

#include "base/durable.h"

struct ec_sync_queue;

/* Without a thread to be had the files are synced by who adds them. Signals are never delivered to the thread. */
enum ec_status ec_sync_queue_create(struct ec_sync_queue **queue, struct ec_err *err) EC_MUST_USE;
void ec_sync_queue_add(struct ec_sync_queue *queue, struct ec_durable *durable); /* NULL does nothing */
/* Waits, and frees the queue whatever happened. The first failure is returned; what follows one is given up, not
 * synced. NULL allowed. */
enum ec_status ec_sync_queue_end(struct ec_sync_queue *queue, struct ec_err *err) EC_MUST_USE;

#endif
