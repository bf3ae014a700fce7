/* data/alerts/: messages that wait to be delivered, one file each, `<id>.json`.
 *
 * A message is on the disk before the first attempt to deliver it, whole as it will be sent, so that each attempt
 * sends the same; its file goes when the receiver has taken it and the journal says so. A process that dies between
 * the two sends it again, under the same id: at least once. What was given up stays for EC_GIVEN_UP_S, for
 * `ecluse alerts list` and `retry`.
 *
 * Not below data/quality, which people hand around, nor in data/runs, whose files are never rewritten. There is no
 * secret in a message: addresses of webhooks, passwords and keys are read when it is sent.
 */
#ifndef EC_DELIVER_OUTBOX_H
#define EC_DELIVER_OUTBOX_H

#include "base/arena.h"
#include "base/err.h"

#define EC_DIR_ALERTS       "data/alerts"
#define EC_MESSAGE_MAX      ((size_t)1 << 20) /* bytes of a payload */
#define EC_MESSAGES_MAX     10000u
#define EC_MESSAGE_ID_MAX   160u
#define EC_GIVEN_UP_S       INT64_C(2592000) /* 30 days */
#define EC_BACKOFF_S        INT64_C(60)
#define EC_BACKOFF_MAX_S    INT64_C(21600)

struct ec_message {
    const char *id; /* "<run>.<name>" */
    const char *run;
    const char *name; /* of the alert that delivers it */
    const char *type;
    const char *target; /* redacted */
    const char *kind;   /* "problem", "recovery", "test" */
    const char *severity;
    int64_t created_us;
    unsigned attempts;
    int64_t next_us; /* not before */
    bool given_up;
    const char *error; /* of the last attempt; NULL */
    struct ec_str payload;
};

/* Waits after the nth failed attempt (n >= 1): a minute, doubled each time, at most six hours. */
int64_t ec_backoff_s(unsigned attempts);

/* Puts it on the disk. One of that id that is there already stays as it is, which is no error. */
enum ec_status ec_outbox_put(const char *project, const struct ec_message *message, struct ec_err *err) EC_MUST_USE;
/* Replaces it. */
enum ec_status ec_outbox_update(const char *project, const struct ec_message *message, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_outbox_remove(const char *project, const char *id, struct ec_err *err) EC_MUST_USE;

struct ec_outbox {
    struct ec_arena arena;
    const char **id; /* sorted: the oldest run first */
    size_t count;
};
/* The ids that are there; none where the folder is not. Deinit in every case. */
enum ec_status ec_outbox_list(const char *project, struct ec_outbox *outbox, struct ec_err *err) EC_MUST_USE;
/* The messages that wait are on the disk: a run that could not sync the folder may have left names that stand in memory
 * alone, and one that ends with 0 vouches for them (docs/commit.md, C7). */
enum ec_status ec_outbox_confirm(const char *project, struct ec_err *err) EC_MUST_USE;
void ec_outbox_deinit(struct ec_outbox *outbox);
/* EC_DELIVERY where it is damaged. Texts are in `arena`. */
enum ec_status ec_outbox_load(const char *project, const char *id, struct ec_arena *arena, struct ec_message *message,
                              struct ec_err *err) EC_MUST_USE;

/* Held while messages are sent, so that two processes do not send the same at once. Not the project's lock: a run
 * never waits for a network. EC_LOCKED where another process sends. */
enum ec_status ec_outbox_lock(const char *project, int *fd, struct ec_err *err) EC_MUST_USE;
void ec_outbox_unlock(int fd);

/* Removes what a process that died left of a message it was writing. For whoever holds the project's lock, so that no
 * run writes one; nothing is done while another process sends. What cannot be removed is left to the next call. */
void ec_outbox_sweep(const char *project);

#endif
