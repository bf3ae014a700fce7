/* Objects copied from stores into files, several at a time, large ones in ranges.
 *
 *     struct ec_remote_job job[] = {{.object = a, .to = "staging/1/a.csv"}, {.object = b, .to = "staging/2/b.csv"}};
 *     EC_TRY(ec_remote_fetch(&settings, job, 2, err));
 *     // job[i].status, .message
 *
 * A file that is there afterwards is the whole of the object's listed version, or, where a job asks for less, as large as
 * that, with a hole where nothing was asked for; of an object that could not be had there is none. The files are not
 * synced: they are copies. */
#ifndef EC_REMOTE_FETCH_H
#define EC_REMOTE_FETCH_H

#include "remote/store.h"

struct ec_remote_job {
    struct ec_object object; /* borrowed */
    const char *to;          /* a file that is not there, in a folder that is; borrowed */
    uint64_t head;           /* with `end`: the first so many bytes, */
    uint64_t start, end;     /* and these; end 0: all of it. start < end <= object.bytes */
    enum ec_status status;   /* of this object alone: EC_FILE_CHANGED, EC_REMOTE_READ */
    char message[512];
};

/* Does all jobs on up to EC_REMOTE_CONNECTIONS connections; each has its own outcome. What is the machine's fault ends it:
 * EC_DISK_FULL, where there is not room for all of them also before the first, EC_IO, EC_NO_MEMORY, EC_INTERRUPTED. */
enum ec_status ec_remote_fetch(const struct ec_remote_settings *settings, struct ec_remote_job *job, size_t count,
                               struct ec_err *err) EC_MUST_USE;

#endif
