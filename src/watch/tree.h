/* The kernel's word on changes below a folder: inotify on it and every folder in it.
 *
 * Events say when to look, never what there is: who acts on them looks (watch/look.h). So a lost
 * event costs time, not data: what was lost is said (`incomplete`), and looking at intervals takes
 * the place of events, as where there are none: on the file systems of other machines, or where the
 * kernel's number of watches is used up.
 *
 *     struct ec_tree tree;
 *     ec_tree_open(&tree, "data/raw", true);
 *     if tree.fd is readable: ec_tree_hear(&tree, &heard);
 *     ec_tree_close(&tree);
 */
#ifndef EC_WATCH_TREE_H
#define EC_WATCH_TREE_H

#include "base/text.h"

#include <stdbool.h>

struct ec_tree_folder {
    int wd;
    char *path;
};

/* A file that was written to and is not closed yet. */
struct ec_tree_writer {
    int wd;
    char *name;
};

struct ec_tree {
    const char *dir;
    int fd; /* of inotify; -1: changes must be found by looking */
    const char *why_not; /* of that: static text */
    struct ec_tree_folder *folder;
    size_t folders, folders_cap;
    struct ec_tree_writer *writer;
    size_t writers, writers_cap;
};

struct ec_heard_of {
    bool changed;    /* of data or transfers */
    bool incomplete; /* events were lost, or the tree was moved: open it anew, and look */
    char name[256];  /* the last data file that an event named, or "" */
};

/* Begins to listen; by looking alone where `events` is false or the kernel cannot tell. */
void ec_tree_open(struct ec_tree *tree, const char *dir, bool events);
void ec_tree_close(struct ec_tree *tree);
/* Takes every event that there is. */
void ec_tree_hear(struct ec_tree *tree, struct ec_heard_of *heard);

/* Whether the file system of `dir` is one whose changes come from other machines. */
bool ec_tree_is_remote(const char *dir);

#endif
