/* What the kernel tells, and what a look finds, in a folder of their own. Events of one's own calls are in the queue
 * when the call returns, so nothing here waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/limits.h"
#include "watch/look.h"
#include "watch/tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

static char root[64];
static int held = -1; /* a file that a test keeps open */

static const char *at(const char *name) {
    static char path[4][256];
    static unsigned next;
    char *p = path[next++ % 4];
    (void)snprintf(p, sizeof *path, "%s/%s", root, name);
    return p;
}

static void write_file(const char *name, const char *text) {
    int fd = open(at(name), O_WRONLY | O_CREAT | O_APPEND, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static int set_up(void **state) {
    static struct ec_tree tree;
    (void)snprintf(root, sizeof root, "/tmp/ecluse-watch-XXXXXX");
    if (!mkdtemp(root) || mkdir(at("old"), 0777) != 0) return -1;
    ec_tree_open(&tree, root, true);
    *state = &tree;
    return tree.fd >= 0 && tree.folders == 2 ? 0 : -1;
}

static int tear_down(void **state) {
    ec_tree_close(*state);
    if (held >= 0) (void)close(held);
    held = -1;
    return ec_dir_remove(root, true, NULL) == EC_OK ? 0 : -1;
}

static struct ec_heard_of hear(struct ec_tree *tree) {
    struct ec_heard_of heard;
    ec_tree_hear(tree, &heard);
    return heard;
}

static void names_are_told_apart(void **state) {
    (void)state;
    assert_int_equal(ec_name_kind("sales.csv"), EC_NAME_DATA);
    assert_int_equal(ec_name_kind("sales.csv.done"), EC_NAME_NOTHING);
    assert_int_equal(ec_name_kind(".sales.csv.swp"), EC_NAME_NOTHING);
    assert_int_equal(ec_name_kind("sales.csv.part"), EC_NAME_PART);
    assert_int_equal(ec_name_kind("sales.TMP"), EC_NAME_PART);
    assert_int_equal(ec_name_kind("part"), EC_NAME_DATA);
}

static void silence_is_no_change(void **state) {
    struct ec_heard_of heard = hear(*state);
    assert_false(heard.changed || heard.incomplete);
}

static void a_file_is_a_writers_until_it_is_closed(void **state) {
    struct ec_tree *tree = *state;
    held = open(at("old/a.csv"), O_WRONLY | O_CREAT, 0666);
    assert_true(hear(tree).changed);
    assert_int_equal(tree->writers, 1); /* empty, and so somebody's */
    assert_int_equal(write(held, "x", 1), 1);
    assert_string_equal(hear(tree).name, "a.csv");
    assert_int_equal(tree->writers, 1);
    assert_int_equal(close(held), 0);
    held = -1;
    assert_true(hear(tree).changed);
    assert_int_equal(tree->writers, 0);
}

static void a_file_that_is_moved_in_is_complete(void **state) {
    struct ec_tree *tree = *state;
    write_file(".hidden", "x");
    assert_false(hear(tree).changed);
    assert_int_equal(rename(at(".hidden"), at("b.csv")), 0);
    assert_string_equal(hear(tree).name, "b.csv");
    assert_int_equal(link(at("b.csv"), at("c.csv")), 0);
    assert_string_equal(hear(tree).name, "c.csv");
    assert_int_equal(tree->writers, 0);
}

static void a_transfer_is_a_change_and_no_file(void **state) {
    struct ec_tree *tree = *state;
    write_file("d.csv.part", "x");
    struct ec_heard_of heard = hear(tree);
    assert_true(heard.changed);
    assert_string_equal(heard.name, "");
}

static void marks_of_ours_are_nothing(void **state) {
    struct ec_tree *tree = *state;
    write_file("d.csv.done", "x");
    assert_false(hear(tree).changed);
}

static void folders_made_later_are_watched(void **state) {
    struct ec_tree *tree = *state;
    assert_int_equal(mkdir(at("new"), 0777), 0);
    assert_int_equal(mkdir(at("new/deep"), 0777), 0); /* before the first is watched */
    assert_true(hear(tree).changed);
    assert_int_equal(tree->folders, 4);
    write_file("new/deep/e.csv", "x");
    assert_string_equal(hear(tree).name, "e.csv");
}

static void a_folder_that_goes_takes_its_writers_along(void **state) {
    struct ec_tree *tree = *state;
    held = open(at("old/f.csv"), O_WRONLY | O_CREAT, 0666);
    (void)hear(tree);
    assert_int_equal(tree->writers, 1);
    assert_int_equal(unlink(at("old/f.csv")), 0);
    assert_int_equal(close(held), 0); /* an open file would hold the folder */
    held = -1;
    assert_int_equal(rmdir(at("old")), 0);
    assert_false(hear(tree).incomplete);
    assert_int_equal(tree->folders, 1);
    assert_int_equal(tree->writers, 0);
}

static void a_folder_that_is_renamed_asks_for_a_new_start(void **state) {
    struct ec_tree *tree = *state;
    assert_int_equal(rename(at("old"), at("other")), 0);
    assert_true(hear(tree).incomplete);
    ec_tree_close(tree);
    ec_tree_open(tree, root, true);
    write_file("other/g.csv", "x");
    assert_string_equal(hear(tree).name, "g.csv");
}

static void the_folder_itself_may_go(void **state) {
    struct ec_tree *tree = *state;
    assert_int_equal(rmdir(at("old")), 0);
    assert_int_equal(rmdir(root), 0);
    assert_true(hear(tree).incomplete);
    ec_tree_close(tree);
    ec_tree_open(tree, root, true);
    assert_int_equal(tree->fd, -1);
    assert_non_null(tree->why_not);
    assert_int_equal(mkdir(root, 0777), 0);
}

/* More events than the queue holds: what the kernel says then is said. */
static void an_overflow_is_said(void **state) {
    struct ec_tree *tree = *state;
    char text[32] = {0};
    int fd = open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY);
    if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) skip();
    (void)close(fd);
    long events = strtol(text, NULL, 10);
    if (events > 100000) skip();
    for (long i = 0; i <= events / 2 + 1; i++) { /* in turn, or they would be one event */
        write_file("h.csv", "");
        write_file("i.csv", "");
        assert_int_equal(truncate(at("h.csv"), i), 0);
        assert_int_equal(truncate(at("i.csv"), i), 0);
    }
    assert_true(hear(tree).incomplete);
}

/* More folders than are watched: from then on they are looked at. */
static void folders_are_counted(void **state) {
    struct ec_tree *tree = *state;
    struct ec_tree_folder *all = ec_realloc_array(tree->folder, EC_WATCH_FOLDERS_MAX, sizeof *all);
    assert_non_null(all);
    tree->folder = all;
    while (tree->folders < EC_WATCH_FOLDERS_MAX) all[tree->folders++] = (struct ec_tree_folder){.wd = -1};
    tree->folders_cap = tree->folders;
    assert_int_equal(mkdir(at("one more"), 0777), 0);
    struct ec_heard_of heard = hear(tree);
    assert_true(heard.incomplete || tree->fd < 0);
    assert_non_null(tree->why_not);
    assert_non_null(strstr(tree->why_not, "too many folders"));
}

/* More writers than are remembered: the last is waited for no longer than the quiet time. */
static void writers_are_counted(void **state) {
    struct ec_tree *tree = *state;
    struct ec_tree_writer *all = ec_realloc_array(tree->writer, EC_WATCH_WRITERS_MAX, sizeof *all);
    assert_non_null(all);
    tree->writer = all;
    while (tree->writers < EC_WATCH_WRITERS_MAX) {
        all[tree->writers] = (struct ec_tree_writer){-1, ec_strdup("x")};
        assert_non_null(all[tree->writers++].name);
    }
    tree->writers_cap = tree->writers;
    held = open(at("w.csv"), O_WRONLY | O_CREAT, 0666);
    assert_true(held >= 0);
    assert_int_equal(write(held, "x", 1), 1);
    (void)hear(tree);
    assert_int_equal(tree->writers, EC_WATCH_WRITERS_MAX);
    assert_true(tree->fd >= 0);
}

static void by_looking_alone(void **state) {
    struct ec_tree *tree = *state;
    ec_tree_close(tree);
    ec_tree_open(tree, root, false);
    assert_int_equal(tree->fd, -1);
    assert_false(ec_tree_is_remote(root));
}

static void a_look_finds_what_is_new(void **state) {
    (void)state;
    struct ec_look before, after;
    size_t count;
    write_file("k.csv", "x");
    write_file("m.csv", "x");
    write_file("z.csv.part", "x");
    assert_int_equal(ec_look_take(root, &before, NULL), EC_OK);
    assert_int_equal(before.count, 3);
    assert_false(ec_look_differs(&before, &before));
    assert_null(ec_look_news(&before, &before, NULL));
    write_file("m.csv", "y");
    write_file("old/a.csv", "x");
    write_file("z.csv.part", "y");
    assert_int_equal(symlink("m.csv", at("link.csv")), 0);
    assert_int_equal(unlink(at("k.csv")), 0);
    assert_int_equal(ec_look_take(root, &after, NULL), EC_OK);
    assert_true(ec_look_differs(&before, &after));
    assert_string_equal(ec_look_news(&before, &after, &count), "m.csv");
    assert_int_equal(count, 2);
    ec_look_deinit(&before);
    ec_look_deinit(&after);
}

/* The same name, size and time: only the inode tells that it is another file. */
static void a_look_finds_a_file_that_took_the_place_of_another(void **state) {
    (void)state;
    struct ec_look before, after;
    struct timespec times[2] = {{1000, 0}, {1000, 0}};
    write_file("n.csv", "x");
    write_file(".other", "y");
    assert_int_equal(utimensat(AT_FDCWD, at("n.csv"), times, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, at(".other"), times, 0), 0);
    assert_int_equal(ec_look_take(root, &before, NULL), EC_OK);
    assert_int_equal(rename(at(".other"), at("n.csv")), 0);
    assert_int_equal(ec_look_take(root, &after, NULL), EC_OK);
    assert_string_equal(ec_look_news(&before, &after, NULL), "n.csv");
    ec_look_deinit(&before);
    ec_look_deinit(&after);
}

static void a_look_at_nothing_is_an_error(void **state) {
    (void)state;
    struct ec_look look;
    struct ec_err err = {0};
    assert_int_equal(ec_look_take(at("nowhere"), &look, &err), EC_IO);
    assert_non_null(strstr(err.message, "cannot read the drop folder"));
    ec_look_deinit(&look);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_told_apart),
        TEST(silence_is_no_change),
        TEST(a_file_is_a_writers_until_it_is_closed),
        TEST(a_file_that_is_moved_in_is_complete),
        TEST(a_transfer_is_a_change_and_no_file),
        TEST(marks_of_ours_are_nothing),
        TEST(folders_made_later_are_watched),
        TEST(a_folder_that_goes_takes_its_writers_along),
        TEST(a_folder_that_is_renamed_asks_for_a_new_start),
        TEST(the_folder_itself_may_go),
        TEST(an_overflow_is_said),
        TEST(folders_are_counted),
        TEST(writers_are_counted),
        TEST(by_looking_alone),
        TEST(a_look_finds_what_is_new),
        TEST(a_look_finds_a_file_that_took_the_place_of_another),
        TEST(a_look_at_nothing_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
