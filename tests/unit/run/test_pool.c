/* The pool against workers that misbehave: this program itself, started as `test_pool fake MODE`, or a copy of it. */
#include "project.h"

#include "run/pool.h"
#include "run/process.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- the fake worker ---- */

static void say(const char *text, size_t n) {
    if (ec_file_write(STDOUT_FILENO, text, n, "stdout", NULL) != EC_OK) _exit(9);
}

static size_t open_files(void) {
    size_t n = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return 0;
    while (readdir(folder)) n++;
    (void)closedir(folder);
    return n;
}

static void answer(const char *id, unsigned times) {
    struct ec_task_result result;
    struct ec_buf out = ec_buf_make(EC_MIB);
    ec_task_result_init(&result);
    result.task = id;
    result.facts.read = result.facts.accepted = 1;
    result.facts.bytes_in = (uint64_t)getpid();
    result.facts.cells = open_files();
    for (unsigned i = 0; i < times; i++) {
        ec_task_result_write(&out, &result);
        ec_buf_addc(&out, '\n');
    }
    say(out.p, out.n);
    ec_buf_free(&out);
    ec_task_result_deinit(&result);
}

static void complain(const char *slug, const char *message) {
    struct ec_err err = {0};
    for (unsigned i = 0; i < 100; i++) (void)fprintf(stderr, "a line of a library, %u, that says nothing\n", i);
    (void)ec_fail(&err, ec_status_by_slug(slug), "%s", message);
    ec_err_print(&err, stderr);
    _exit(ec_status_text(err.status)->exit_code);
}

static void chatter(void) {
    static char text[4096];
    memset(text, 'x', sizeof text);
    for (unsigned i = 0; i < 256; i++) (void)fwrite(text, 1, sizeof text, stderr);
}

static void chatter_out(void) {
    static char text[65536];
    memset(text, 'x', sizeof text);
    say(text, sizeof text);
}

static void act(const char *mode, const struct ec_task *task) {
    char mark[1024];
#define MODE(name) (strcmp(mode, name) == 0)
    if (MODE("good")) answer(task->id, 1);
    if (MODE("die")) (void)raise(SIGKILL);
    if (MODE("die-once")) {
        (void)snprintf(mark, sizeof mark, "%s.died", task->out);
        if (!ec_path_exists(mark)) {
            if (mkdir(mark, 0777) != 0 || ec_dir_make(task->out, NULL) != EC_OK) _exit(9);
            (void)raise(SIGSEGV);
        }
        /* What the attempt before left is gone. */
        answer(ec_path_exists(task->out) ? "leftovers" : task->id, 1);
    }
    if (MODE("garbage")) say("what?\n", 6);
    if (MODE("half")) {
        say("{\"v\":1,\"task\":", 14);
        _exit(0);
    }
    if (MODE("two")) answer(task->id, 2);
    if (MODE("wrong")) answer("t999999", 1);
    if (MODE("old")) say("{\"v\":0}\n", 8);
    if (MODE("hang")) (void)pause();
    if (MODE("chatty")) {
        chatter();
        answer(task->id, 1);
    }
    if (MODE("endless"))
        for (;;) chatter_out();
    if (MODE("disk-full")) complain("disk-full", "cannot write part-1: No space left on device");
    if (MODE("config")) complain("config", "there is no source sales");
    if (MODE("no-memory")) complain("no-memory", "no memory for a batch");
    if (MODE("silent-3")) _exit(3);
    if (MODE("code-7")) _exit(7);
    if (MODE("escape")) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "{\"v\":1,\"task\":\"%s\",\"status\":\"ok\",\"parts\":[{\"path\":\"../../"
                       "x\",\"rows\":1,\"bytes\":1,\"stats\":\"\"}]}\n",
                       task->id);
        say(text, strlen(text));
    }
}

static int fake(const char *mode) {
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    (void)signal(SIGPIPE, SIG_DFL);
    if (strcmp(mode, "exit-0") == 0) return 0;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        struct ec_arena arena;
        struct ec_task task;
        ec_arena_init(&arena, EC_MIB);
        if (ec_task_read(line, (size_t)n - 1, &arena, &task, NULL) != EC_OK) return 8;
        act(mode, &task);
        ec_arena_deinit(&arena);
    }
    free(line);
    return 0;
}

/* ---- the pool ---- */

#define TASKS_MAX 32

static struct {
    enum ec_status status[TASKS_MAX];
    char error[TASKS_MAX][1024];
    unsigned done[TASKS_MAX];
    uint64_t pid[TASKS_MAX];
    uint64_t files[TASKS_MAX]; /* that it had open */
} seen;

static char dir[64];

static enum ec_status note(void *user, size_t task, struct ec_task_result *result, struct ec_err *err) {
    (void)user;
    (void)err;
    seen.done[task]++;
    seen.status[task] = result->status;
    seen.pid[task] = result->facts.bytes_in;
    seen.files[task] = result->facts.cells;
    (void)snprintf(seen.error[task], sizeof seen.error[task], "%s", result->error ? result->error : "");
    ec_task_result_deinit(result);
    return EC_OK;
}

static bool now(void) {
    return true;
}

static bool copies; /* workers are copies of this process */

static void be_fake(void *mode) {
    _exit(fake(mode));
}

static struct ec_pool_options options_of(const char *const *argv, const char *mode, unsigned workers) {
    return (struct ec_pool_options){.argv = argv,
                                    .fork = copies ? be_fake : NULL,
                                    .worker = (void *)(uintptr_t)mode,
                                    .workers = workers,
                                    .timeout_s = 60,
                                    .done = note};
}

static enum ec_status run_pool(const struct ec_pool_options *options, const struct ec_task *task, size_t count,
                               struct ec_err *err) {
    struct ec_pool *p;
    EC_TRY(ec_pool_create(options, &p, err));
    enum ec_status status = ec_pool_begin(p, task, count, NULL, err);
    if (status == EC_OK) status = ec_pool_finish(p, err);
    ec_pool_destroy(p);
    return status;
}

static enum ec_status pool(const char *mode, unsigned workers, size_t count, unsigned timeout_s, bool cancel,
                           struct ec_err *err) {
    static char id[TASKS_MAX][16], out[TASKS_MAX][1024];
    struct ec_task task[TASKS_MAX];
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(id[i], sizeof id[i], "t%06zu", i + 1);
        (void)snprintf(out[i], sizeof out[i], "%s/%s-%s", dir, mode, id[i]);
        task[i] = (struct ec_task){.id = id[i], .run = "r", .source = "sales", .path = "sales.csv", .out = out[i]};
    }
    const char *const argv[] = {"/proc/self/exe", "fake", mode, NULL};
    struct ec_pool_options options = options_of(argv, mode, workers);
    options.timeout_s = timeout_s;
    options.cancelled = cancel ? now : NULL;
    memset(&seen, 0, sizeof seen);
    size_t before = open_files();
    enum ec_status status = run_pool(&options, task, count, err);
    assert_int_equal(open_files(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, not even a dead one */
    assert_int_equal(errno, ECHILD);
    return status;
}

/* All tasks end with this status, and an error that holds the text. */
static void expect_all(const char *mode, unsigned workers, size_t count, unsigned timeout_s, enum ec_status status,
                       const char *error) {
    struct ec_err err = {0};
    if (pool(mode, workers, count, timeout_s, false, &err) != EC_OK) fail_msg("%s: %s", mode, err.message);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(seen.done[i], 1);
        assert_int_equal(seen.status[i], status);
        if (!strstr(seen.error[i], error)) fail_msg("%s: `%s` lacks `%s`", mode, seen.error[i], error);
    }
}

/* The pool ends with this status, and a message that holds the text. */
static void expect_end(const char *mode, enum ec_status status, const char *message) {
    struct ec_err err = {0};
    assert_int_equal(pool(mode, 2, 4, 60, false, &err), status);
    if (!strstr(err.message, message)) fail_msg("%s: `%s` lacks `%s`", mode, err.message, message);
    assert_null(strchr(err.message, '\n'));
}

static void tasks_are_done_once_each(void **state) {
    (void)state;
    expect_all("good", 1, 1, 60, EC_OK, "");
    expect_all("good", 4, TASKS_MAX, 60, EC_OK, "");
}

static void a_worker_that_dies_is_replaced_and_its_task_tried_again(void **state) {
    (void)state;
    expect_all("die-once", 2, 5, 60, EC_OK, "");
    expect_all("die", 3, 5, 60, EC_WORKER_DIED, "the worker died of signal 9");
    expect_all("exit-0", 2, 3, 60, EC_WORKER_DIED, "the worker ended with code 0");
    expect_all("half", 2, 3, 60, EC_WORKER_DIED, "the worker ended with code 0");
    expect_all("code-7", 2, 3, 60, EC_WORKER_DIED, "the worker ended with code 7");
}

static void a_worker_that_does_not_answer_as_it_should_is_not_trusted(void **state) {
    (void)state;
    expect_all("garbage", 2, 3, 60, EC_WORKER_DIED, "a result is not JSON");
    expect_all("two", 2, 3, 60, EC_WORKER_DIED, "more than one line");
    expect_all("wrong", 2, 3, 60, EC_WORKER_DIED, "of a task that it was not given");
    expect_all("old", 2, 3, 60, EC_WORKER_DIED, "not of protocol version 1");
    expect_all("escape", 1, 1, 60, EC_WORKER_DIED, "\"path\" is not a path below the task's folder");
    expect_all("endless", 1, 1, 60, EC_WORKER_DIED, "longer than");
}

static void a_task_that_takes_too_long_is_ended(void **state) {
    (void)state;
    expect_all("hang", 2, 2, 0, EC_TIMEOUT, "longer than 0 seconds");
}

/* Nobody reads a pipe that is full: the worker would wait for ever. */
static void what_a_worker_says_on_stderr_does_not_stop_it(void **state) {
    (void)state;
    expect_all("chatty", 2, 4, 60, EC_OK, "");
}

static void what_is_not_the_files_fault_ends_the_pool(void **state) {
    (void)state;
    expect_end("disk-full", EC_DISK_FULL, "a worker stopped: cannot write part-1: No space left on device");
    expect_end("config", EC_CONFIG, "a worker stopped: there is no source sales");
    expect_end("silent-3", EC_IO, "it gave no reason");
}

static void memory_that_does_not_suffice_is_the_files(void **state) {
    (void)state;
    expect_all("no-memory", 2, 3, 60, EC_NO_MEMORY, "the worker's memory did not suffice: no memory for a batch");
}

static void a_program_that_is_not_there_is_said(void **state) {
    (void)state;
    const char *const argv[] = {"/nowhere/ecluse", NULL};
    struct ec_pool_options options = {.argv = argv, .workers = 2, .timeout_s = 1, .done = note};
    struct ec_task task = {.id = "t1", .source = "sales", .path = "x"};
    struct ec_err err = {0};
    size_t before = open_files();
    assert_int_equal(run_pool(&options, &task, 1, &err), EC_IO);
    assert_non_null(strstr(err.message, "cannot start the worker /nowhere/ecluse"));
    assert_int_equal(open_files(), before);
}

static void an_interrupted_pool_leaves_nobody(void **state) {
    (void)state;
    struct ec_err err = {0};
    assert_int_equal(pool("hang", 2, 4, 60, true, &err), EC_INTERRUPTED);
}

static void no_tasks_need_no_workers(void **state) {
    (void)state;
    assert_int_equal(pool("die", 2, 0, 60, false, NULL), EC_OK);
}

/* The workers of one round do the next; between the rounds, and until they are asked to end, they wait. */
static void rounds_go_to_the_same_workers(void **state) {
    (void)state;
    static const char *const argv[] = {"/proc/self/exe", "fake", "good", NULL};
    struct ec_pool_options options = options_of(argv, "good", 2);
    struct ec_task task[6];
    static char id[6][16];
    struct ec_pool *p;
    uint64_t first[6];
    size_t before = open_files();
    for (size_t i = 0; i < 6; i++) {
        (void)snprintf(id[i], sizeof id[i], "t%06zu", i + 1);
        task[i] = (struct ec_task){.id = id[i], .run = "r", .source = "sales", .path = "sales.csv"};
    }
    assert_int_equal(ec_pool_create(&options, &p, NULL), EC_OK);
    for (int round = 0; round < 3; round++) {
        memset(&seen, 0, sizeof seen);
        assert_int_equal(ec_pool_begin(p, task, round == 1 ? 0 : 6, NULL, NULL), EC_OK);
        assert_int_equal(ec_pool_finish(p, NULL), EC_OK);
        for (size_t i = 0; i < 6 && round != 1; i++) {
            assert_int_equal(seen.done[i], 1);
            if (round == 0) first[i] = seen.pid[i];
            bool known = false;
            for (size_t k = 0; k < 6; k++) known = known || first[k] == seen.pid[i];
            assert_true(known);
            assert_true(seen.pid[i] != (uint64_t)getpid());
            if (copies) assert_int_equal(seen.files[i], 6); /* 0, 1, 2, the folder that it looks into, "." and ".." */
        }
    }
    ec_pool_hang_up(p);
    ec_pool_destroy(p);
    assert_int_equal(open_files(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    ec_pool_hang_up(NULL);
    ec_pool_destroy(NULL);
}

/* One that is given up before it was finished. */
static void a_round_that_is_not_finished(void **state) {
    (void)state;
    static const char *const argv[] = {"/proc/self/exe", "fake", "hang", NULL};
    struct ec_pool_options options = options_of(argv, "hang", 2);
    struct ec_task task = {.id = "t1", .source = "sales", .path = "x"};
    struct ec_pool *p;
    assert_int_equal(ec_pool_create(&options, &p, NULL), EC_OK);
    assert_int_equal(ec_pool_begin(p, &task, 1, NULL, NULL), EC_OK);
    ec_pool_destroy(p);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* ---- the process ---- */

static void the_last_error_is_found_among_last_words(void **state) {
    (void)state;
    static const struct {
        const char *said, *message;
        enum ec_status status;
    } cases[] = {
        {"", "", EC_OK},
        {"plain words\n", "plain words", EC_OK},
        {"error [nonsense]: x\n", "error [nonsense]: x", EC_OK},
        {"error [io", "error [io", EC_OK},
        {"error [io]: first\n  what to do: a\nerror [no-memory]: second\n  what to do: b\n", "second", EC_NO_MEMORY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ec_process p;
        enum ec_status status;
        ec_process_init(&p);
        p.last_n = strlen(cases[i].said);
        memcpy(p.last, cases[i].said, p.last_n);
        assert_string_equal(ec_process_last_words(&p, &status), cases[i].message);
        assert_int_equal(status, cases[i].status);
        ec_process_deinit(&p);
    }
}

/* A copy has the name of a worker, none of this process's handlers, and goes where this one goes. */
static void a_copy_is_a_worker(void **state) {
    (void)state;
    struct ec_process p;
    char path[64], name[32] = "";
    if (!copies) return;
    (void)signal(SIGTERM, SIG_IGN);
    ec_process_init(&p);
    assert_true(ec_process_fork(&p, be_fake, (void *)(uintptr_t) "good"));
    (void)signal(SIGTERM, SIG_DFL);
    static const char task[] = "{\"v\":1,\"task\":\"t1\",\"source\":\"s\",\"path\":\"p\"}\n";
    ec_process_send(&p, task, sizeof task - 1);
    enum ec_heard heard;
    do {
        assert_int_equal(ec_process_hear(&p, &heard, NULL), EC_OK);
    } while (heard == EC_HEARD_PART);
    assert_int_equal(heard, EC_HEARD_LINE);
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)p.pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(name, sizeof name, file));
    (void)fclose(file);
    assert_string_equal(name, "ecluse-worker\n");
    assert_int_equal(kill(p.pid, SIGTERM), 0);
    int ended = ec_process_stop(&p, false);
    assert_true(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGTERM);
    ec_process_deinit(&p);
}

static int begin(void **state) {
    (void)state;
    struct ec_log_options quiet = {.level = EC_LOG_ERROR};
    ec_log_init(&quiet);
    (void)snprintf(dir, sizeof dir, "/tmp/ecluse-pool-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    return ec_dir_remove(dir, true, NULL) == EC_OK ? 0 : -1;
}

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "fake") == 0) return fake(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_are_done_once_each),
        cmocka_unit_test(a_worker_that_dies_is_replaced_and_its_task_tried_again),
        cmocka_unit_test(a_worker_that_does_not_answer_as_it_should_is_not_trusted),
        cmocka_unit_test(a_task_that_takes_too_long_is_ended),
        cmocka_unit_test(what_a_worker_says_on_stderr_does_not_stop_it),
        cmocka_unit_test(what_is_not_the_files_fault_ends_the_pool),
        cmocka_unit_test(memory_that_does_not_suffice_is_the_files),
        cmocka_unit_test(a_program_that_is_not_there_is_said),
        cmocka_unit_test(an_interrupted_pool_leaves_nobody),
        cmocka_unit_test(no_tasks_need_no_workers),
        cmocka_unit_test(rounds_go_to_the_same_workers),
        cmocka_unit_test(a_round_that_is_not_finished),
        cmocka_unit_test(the_last_error_is_found_among_last_words),
        cmocka_unit_test(a_copy_is_a_worker),
    };
    int failed = cmocka_run_group_tests_name("programs", tests, begin, end);
    copies = true;
    return failed + cmocka_run_group_tests_name("copies", tests, begin, end);
}
