/* A worker process and its three pipes. Private to the pool.
 *
 *     struct ec_process p;
 *     ec_process_init(&p);
 *     EC_TRY(ec_process_start(&p, argv, err));    // or ec_process_fork()
 *     ec_process_send(&p, line, n);               // a task; a worker that is gone is found by its silence
 *     ec_process_hear(&p, &event, err);           // when p.from is readable
 *     status = ec_process_stop(&p, false);
 *     ec_process_deinit(&p);
 *
 * What the process says on stdout is collected until a line is whole; of what it says on stderr the
 * end is kept, for the message when it dies. One thread; SIGPIPE must be ignored.
 */
#ifndef EC_RUN_PROCESS_H
#define EC_RUN_PROCESS_H

#include "base/buf.h"

#include <sys/types.h>

/* Of stderr: the error that ends a worker, its place and what to do. */
#define EC_LAST_WORDS_MAX 2048u

struct ec_process {
    pid_t pid; /* 0: not running */
    int to, from, words;
    struct ec_buf line; /* of stdout, from the start of a line on */
    char last[EC_LAST_WORDS_MAX + 1];
    size_t last_n;
};

enum ec_heard {
    EC_HEARD_PART, /* more is to come */
    EC_HEARD_LINE, /* line.p[0..line.n-1] is a whole line without its newline: ec_process_take() it */
    EC_HEARD_MORE, /* a line and more behind it: it talks out of turn */
    EC_HEARD_END,  /* it closed its output */
};

void ec_process_init(struct ec_process *p);
void ec_process_deinit(struct ec_process *p); /* kills it where it runs */

/* A copy of this process that calls work(context), on standard input, output and error as a program would; it has no
 * other descriptor of this one's, none of its handlers of signals, and ends with code 0 when `work` returns, or when
 * this process ends. Its name is "ecluse-worker". False where there can be no copy. The process must have one thread. */
bool ec_process_fork(struct ec_process *p, void (*work)(void *context), void *context);

/* EC_IO where the program cannot be started. */
enum ec_status ec_process_start(struct ec_process *p, const char *const *argv, struct ec_err *err) EC_MUST_USE;
/* Closes its input, waits a few seconds for its end, then kills it; at once where kill_it. Returns the
 * status as waitpid() gives it. Nothing of it is alive afterwards. */
int ec_process_stop(struct ec_process *p, bool kill_it);

/* Closes its input: an idle worker ends then. */
void ec_process_hang_up(struct ec_process *p);

void ec_process_send(struct ec_process *p, const char *line, size_t n);
/* Reads once from its output. EC_PROTOCOL where a line is longer than EC_PROTOCOL_LINE_MAX. */
enum ec_status ec_process_hear(struct ec_process *p, enum ec_heard *heard, struct ec_err *err) EC_MUST_USE;
void ec_process_take(struct ec_process *p); /* forgets the line */
/* Reads what there is on stderr. */
void ec_process_overhear(struct ec_process *p);

/* Its last words: NUL-terminated, without what surrounds an error that ec_err_print() wrote; *status is
 * that error's, EC_OK where there is none. */
const char *ec_process_last_words(struct ec_process *p, enum ec_status *status);

#endif
