/* Files that become durable together: in which order the calls are made, and what is left when one fails. The numbered
 * invariants are those of docs/commit.md. */
#include "../faulty_io.h"
#include "../scratch.h"
#include "base/durable.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int set_up(void **state) {
    (void)state;
    return scratch_make("durable");
}

static int tear_down(void **state) {
    (void)state;
    return scratch_remove();
}

static unsigned entries(const char *dir, bool temporary) {
    unsigned n = 0;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && (!temporary || strstr(e->d_name, ".tmp"));
    (void)closedir(folder);
    return n;
}

static struct ec_durable *begin(void) {
    struct ec_durable *d;
    assert_int_equal(ec_durable_create(&d, NULL), EC_OK);
    return d;
}

static void put(struct ec_durable *d, const char *path, const char *text) {
    assert_int_equal(ec_durable_put(d, path, text, strlen(text), NULL), EC_OK);
}

/* ---- the order of the calls ---- */

/* What was called, in order: "sync a.csv", "rename .a.csv.tmp", "sync /" of the folder itself. */
static struct {
    pthread_mutex_t lock;
    struct ec_io real;
    char call[4096][64];
    size_t count;
} heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(const char *what, const char *path) {
    const char *name = strncmp(path, root, strlen(root)) == 0 ? path + strlen(root) : path;
    (void)pthread_mutex_lock(&heard.lock);
    assert_true(heard.count < 4096);
    (void)snprintf(heard.call[heard.count++], sizeof heard.call[0], "%s %s", what, *name ? name : "/");
    (void)pthread_mutex_unlock(&heard.lock);
}

static int heard_fsync(int fd) {
    char link[64], path[256];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    assert_true(n > 0);
    path[n] = '\0';
    int result = heard.real.fsync(fd);
    note("sync", path); /* once it is done */
    return result;
}

static int heard_rename(const char *from, const char *to) {
    note("rename", from); /* before it is begun */
    return heard.real.rename(from, to);
}

static void listen(void) {
    heard.real = ec_io;
    heard.count = 0;
    ec_io.fsync = heard_fsync;
    ec_io.rename = heard_rename;
}

/* Commits and stops listening. */
static void commit(struct ec_durable *d) {
    assert_int_equal(ec_durable_commit(d, NULL), EC_OK);
    ec_io = heard.real;
    ec_durable_destroy(d);
}

/* The place of the call, which was made exactly once. */
static size_t place_of(const char *call) {
    size_t place = SIZE_MAX;
    for (size_t i = 0; i < heard.count; i++) {
        if (strcmp(heard.call[i], call) != 0) continue;
        if (place != SIZE_MAX) fail_msg("twice: %s", call);
        place = i;
    }
    if (place == SIZE_MAX) fail_msg("never: %s", call);
    return place;
}

static void synced_before_it_has_its_name(void **state) {
    (void)state;
    enum { FILES = 40 };
    struct ec_durable *d = begin();
    assert_int_equal(ec_dir_make(below("order/a"), NULL), EC_OK);
    assert_int_equal(ec_dir_make(below("order/b"), NULL), EC_OK);
    listen();
    char name[64], call[96];
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "order/%s/%d.csv", i % 2 ? "a" : "b", i);
        put(d, below(name), name);
        assert_false(ec_path_exists(below(name)));
    }
    commit(d);
    size_t first_rename = SIZE_MAX, last_rename = 0;
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(call, sizeof call, "sync /order/%s/.%d.csv.tmp", i % 2 ? "a" : "b", i);
        size_t synced = place_of(call);
        (void)snprintf(call, sizeof call, "rename /order/%s/.%d.csv.tmp", i % 2 ? "a" : "b", i);
        size_t renamed = place_of(call);
        assert_true(synced < renamed);
        if (renamed < first_rename) first_rename = renamed;
        if (renamed > last_rename) last_rename = renamed;
        (void)snprintf(name, sizeof name, "order/%s/%d.csv", i % 2 ? "a" : "b", i);
        assert_true(is_text(name, name));
    }
    assert_true(place_of("sync /order/a") > last_rename && place_of("sync /order/b") > last_rename);
    assert_int_equal(heard.count, 2 * FILES + 2); /* and nothing more than that */
    assert_int_equal(entries(below("order/a"), true) + entries(below("order/b"), true), 0);
}

static void what_is_there_is_left_alone(void **state) {
    (void)state;
    write_text("same.csv", "a,b\n1,2\n");
    write_text("other.csv", "a,b\n1,2\n");
    struct stat before, after;
    assert_int_equal(stat(below("same.csv"), &before), 0);
    struct ec_durable *d = begin();
    listen();
    put(d, below("same.csv"), "a,b\n1,2\n");
    put(d, below("other.csv"), "a,b\n1,3\n"); /* of the same length */
    commit(d);
    assert_int_equal(stat(below("same.csv"), &after), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_true(is_text("other.csv", "a,b\n1,3\n"));
    assert_int_equal(heard.count, 3);
    (void)place_of("rename /.other.csv.tmp");
    (void)place_of("sync /");
}

/* A run that was interrupted between its renames and its syncs left what is right, perhaps in memory alone (C7). */
static void in_doubt_what_is_there_is_synced(void **state) {
    (void)state;
    assert_int_equal(ec_dir_make(below("x/y/z"), NULL), EC_OK);
    write_text("x/y/z/same.csv", "a\n");
    struct ec_durable *d = begin();
    ec_durable_doubt(d);
    listen();
    assert_int_equal(ec_durable_make_dir(d, below("x/y/z"), NULL), EC_OK);
    put(d, below("x/y/z/same.csv"), "a\n");
    commit(d);
    (void)place_of("sync /x/y/z/same.csv");
    (void)place_of("sync /x/y/z");
    (void)place_of("sync /x/y");
    (void)place_of("sync /x");
    for (size_t i = 0; i < heard.count; i++) assert_int_equal(strncmp(heard.call[i], "sync", 4), 0);
}

static void new_folders_are_synced_where_they_stand(void **state) {
    (void)state;
    struct ec_durable *d = begin();
    listen();
    assert_int_equal(ec_durable_make_dir(d, below("new/one/two"), NULL), EC_OK);
    assert_int_equal(ec_durable_make_dir(d, below("new/one/two"), NULL), EC_OK);
    put(d, below("new/one/two/f"), "");
    commit(d);
    size_t renamed = place_of("rename /new/one/two/.f.tmp");
    assert_true(place_of("sync /new/one/two") > renamed);
    assert_true(place_of("sync /new/one") > renamed);
    assert_true(place_of("sync /new") > renamed);
    assert_true(place_of("sync /") > renamed);
    write_text("file", "");
    struct ec_err err = {0};
    d = begin();
    assert_int_equal(ec_durable_make_dir(d, below("file/below"), &err), EC_IO);
    assert_non_null(strstr(err.message, "cannot create the folder "));
    assert_non_null(strstr(err.message, "/file: File exists"));
    ec_durable_destroy(d);
}

/* More files than a process may hold open. */
static void many_files(void **state) {
    (void)state;
    enum { FILES = 3 * EC_DURABLE_OPEN + 17 };
    struct rlimit before, few;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = EC_DURABLE_OPEN + 40;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_equal(ec_dir_make(below("many"), NULL), EC_OK);
    struct ec_durable *d = begin();
    char name[64];
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "many/%d", i);
        put(d, below(name), name);
    }
    assert_int_equal(entries(below("many"), true), FILES);
    assert_int_equal(ec_durable_commit(d, NULL), EC_OK);
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(name, sizeof name, "many/%d", i);
        assert_true(is_text(name, name));
    }
    assert_int_equal(entries(below("many"), false), FILES);
    ec_durable_destroy(d);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void without_a_commit_nothing_happened(void **state) {
    (void)state;
    assert_int_equal(ec_dir_make(below("none"), NULL), EC_OK);
    write_text("none/a", "old");
    struct ec_durable *d = begin();
    int fd;
    put(d, below("none/a"), "new");
    put(d, below("none/b"), "new");
    assert_int_equal(ec_durable_open(d, below("none/c"), &fd, NULL), EC_OK);
    assert_int_equal(ec_file_write(fd, "new", 3, "c", NULL), EC_OK);
    ec_durable_abandon(d, below("none/c"), fd);
    ec_durable_destroy(d);
    assert_true(is_text("none/a", "old"));
    assert_int_equal(entries(below("none"), false), 1);
    ec_durable_destroy(NULL);
}

/* ---- failures ---- */

static const char *refused; /* the file whose fsync fails */

static int refusing_fsync(int fd) {
    char link[64], path[256];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n > 0 && (size_t)n >= strlen(refused) && strncmp(path + (size_t)n - strlen(refused), refused, strlen(refused)) == 0) {
        errno = EIO;
        return -1;
    }
    return heard.real.fsync(fd);
}

static void one_that_cannot_be_synced(void **state) {
    (void)state;
    assert_int_equal(ec_dir_make(below("one"), NULL), EC_OK);
    write_text("one/b", "old");
    struct ec_durable *d = begin();
    struct ec_err err = {0};
    put(d, below("one/a"), "new");
    put(d, below("one/b"), "new");
    put(d, below("one/c"), "new");
    heard.real = ec_io;
    refused = "/one/.b.tmp";
    ec_io.fsync = refusing_fsync;
    assert_int_equal(ec_durable_commit(d, &err), EC_IO);
    ec_io = heard.real;
    assert_non_null(strstr(err.message, "cannot sync "));
    assert_non_null(strstr(err.message, "/one/.b.tmp: Input/output error"));
    assert_true(is_text("one/a", "new") && is_text("one/b", "old") && is_text("one/c", "new"));
    assert_int_equal(entries(below("one"), true), 0); /* abandoned, not tried again (C5) */
    put(d, below("one/b"), "new");                    /* a new attempt is a new file */
    assert_int_equal(ec_durable_commit(d, NULL), EC_OK);
    assert_true(is_text("one/b", "new"));
    refused = "/one";
    put(d, below("one/a"), "newer");
    ec_io.fsync = refusing_fsync;
    assert_int_equal(ec_durable_commit(d, &(struct ec_err){0}), EC_IO); /* of the folder */
    ec_io = heard.real;
    ec_durable_destroy(d);
}

#define FILES 5

/* Five files, two of which are there; one is as it should be, one is large, one in a new folder. */
static enum ec_status deliver(const char *dir, bool doubt, struct ec_err *err) {
    static const char *const names[FILES] = {"a", "b", "c", "d", "sub/e"};
    static char large[300000];
    memset(large, 'x', sizeof large);
    struct ec_durable *d;
    char path[512];
    EC_TRY(ec_durable_create(&d, err));
    if (doubt) ec_durable_doubt(d);
    (void)snprintf(path, sizeof path, "%s/sub", dir);
    enum ec_status status = ec_durable_make_dir(d, path, err);
    for (int i = 0; i < FILES && status == EC_OK; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        status = i == 2 ? ec_durable_put(d, path, large, sizeof large, err) : ec_durable_put(d, path, "new", 3, err);
    }
    if (status == EC_OK) status = ec_durable_commit(d, err);
    ec_durable_destroy(d);
    return status;
}

static const char *start(void) {
    static char dir[256];
    (void)snprintf(dir, sizeof dir, "%s/faulty", root);
    assert_int_equal(ec_dir_remove(dir, true, NULL), EC_OK);
    assert_int_equal(ec_dir_make(dir, NULL), EC_OK);
    write_text("faulty/a", "old");
    write_text("faulty/b", "new");
    return dir;
}

/* Each file is the old one or the new one. */
static void check_whole(bool all_new) {
    struct stat st;
    bool made = stat(below("faulty/c"), &st) == 0;
    assert_true(is_text("faulty/a", "new") || (!all_new && is_text("faulty/a", "old")));
    assert_true(is_text("faulty/b", "new"));
    assert_true(made ? st.st_size == 300000 : !all_new);
    assert_true(is_text("faulty/d", "new") || (!all_new && !ec_path_exists(below("faulty/d"))));
    assert_true(is_text("faulty/sub/e", "new") || (!all_new && !ec_path_exists(below("faulty/sub/e"))));
}

static unsigned open_files(void) { return entries("/proc/self/fd", false); }

/* The disk has no part in what these two look at, and they would wait for it a thousand times. */
static int no_fsync(int fd) {
    (void)fd;
    return 0;
}

static void each_call_fails_in_turn(void **state) {
    (void)state;
    struct ec_io real = ec_io;
    ec_io.fsync = no_fsync;
    unsigned before = open_files();
    for (unsigned doubt = 0; doubt < 2; doubt++)
        for (unsigned mode = 0; mode < FAULTY_MODES; mode++) {
            bool hit = true;
            for (unsigned at = 1; hit; at++) {
                struct ec_err err = {0};
                const char *dir = start();
                faulty_begin(mode, at);
                enum ec_status status = deliver(dir, doubt, &err);
                hit = faulty_end();
                check_whole(status == EC_OK);
                assert_true(status == EC_OK || err.message[0] != '\0');
                assert_int_equal(deliver(dir, true, NULL), EC_OK); /* what it left behind does not stop the next */
                check_whole(true);
                assert_int_equal(entries(dir, true), 0);
                assert_int_equal(open_files(), before);
                assert_true(at < 400);
            }
        }
    ec_io = real;
}

static int closing_fails_with; /* a cause */

static int failing_close(int fd) {
    (void)heard.real.close(fd);
    errno = closing_fails_with;
    return -1;
}

static int no_fd_fsync(int fd) {
    (void)fd;
    return 0;
}

/* close() tells of bytes that could not be written, and of interruptions, which say nothing. */
static void what_close_says(void **state) {
    (void)state;
    static const int causes[] = {EIO, EINTR};
    assert_int_equal(ec_dir_make(below("close"), NULL), EC_OK);
    for (size_t i = 0; i < 2; i++) {
        struct ec_durable *d = begin();
        put(d, below(i ? "close/b" : "close/a"), "x");
        heard.real = ec_io;
        closing_fails_with = causes[i];
        ec_io.close = failing_close;
        ec_io.fsync = no_fd_fsync;
        assert_int_equal(ec_durable_commit(d, NULL), i ? EC_OK : EC_IO);
        ec_io = heard.real;
        ec_durable_destroy(d);
    }
}

static void names_that_are_too_long(void **state) {
    (void)state;
    char path[4200], *at = path;
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    path[0] = '/';
    struct ec_durable *d = begin();
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(ec_durable_put(d, path, "x", 1, NULL), EC_IO);
    assert_int_equal(ec_durable_open(d, path, &fd, NULL), EC_IO);
    assert_int_equal(ec_durable_close(d, path, fd, NULL), EC_IO); /* and is closed */
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    ec_durable_abandon(d, path, -1);
    for (size_t i = 0; i < 2; i++, at = path + sizeof path - 1) { /* too long, and empty */
        assert_int_equal(ec_durable_folder_of(d, at, NULL), EC_IO);
        assert_int_equal(ec_durable_make_dir(d, at, NULL), EC_IO);
    }
    ec_durable_doubt(d); /* what holds the text already needs no temporary name, but one is looked for */
    write_text("held", "x");
    put(d, below("held"), "x");
    assert_int_equal(ec_durable_put(NULL, below("alone"), "x", 1, NULL), EC_OK); /* by itself */
    assert_true(is_text("alone", "x"));
    assert_int_equal(ec_durable_commit(d, NULL), EC_OK);
    ec_durable_destroy(d);
}

/* One that has its name already keeps it, also where nothing is committed. */
static void what_was_added_is_not_removed(void **state) {
    (void)state;
    struct ec_durable *d = begin();
    int fd;
    assert_int_equal(ec_file_create(below("added"), &fd, NULL), EC_OK);
    assert_int_equal(ec_durable_add(d, below("added"), fd, NULL), EC_OK);
    ec_durable_destroy(d);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_true(ec_path_exists(below("added")));
}

static void the_process_ends_at_each_call(void **state) {
    (void)state;
    struct ec_io real = ec_io;
    ec_io.fsync = no_fsync;
    for (unsigned mode = FAULTY_DIE_BEFORE; mode <= FAULTY_DIE_AFTER; mode++) {
        bool died = true;
        for (unsigned at = 1; died; at++) {
            const char *dir = start();
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                faulty_begin(mode, at);
                _exit(deliver(dir, false, NULL) == EC_OK ? 0 : 1);
            }
            int ended;
            assert_int_equal(waitpid(child, &ended, 0), child);
            died = WIFSIGNALED(ended) && WTERMSIG(ended) == SIGKILL;
            assert_true(died || ended == 0);
            check_whole(!died);
            assert_int_equal(deliver(dir, true, NULL), EC_OK);
            check_whole(true);
            assert_int_equal(entries(dir, true), 0);
            assert_true(at < 400);
        }
    }
    ec_io = real;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synced_before_it_has_its_name),
        cmocka_unit_test(what_is_there_is_left_alone),
        cmocka_unit_test(in_doubt_what_is_there_is_synced),
        cmocka_unit_test(new_folders_are_synced_where_they_stand),
        cmocka_unit_test(many_files),
        cmocka_unit_test(without_a_commit_nothing_happened),
        cmocka_unit_test(one_that_cannot_be_synced),
        cmocka_unit_test(each_call_fails_in_turn),
        cmocka_unit_test(what_close_says),
        cmocka_unit_test(names_that_are_too_long),
        cmocka_unit_test(what_was_added_is_not_removed),
        cmocka_unit_test(the_process_ends_at_each_call),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
