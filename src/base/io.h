/* The one table of system calls that change or allocate something.
 *
 * Everything that opens, reads, writes, syncs, links, renames or removes a file,
 * and every malloc of ours, goes through `ec_io`. Tests replace its entries to make
 * each call fail in turn, or to stop the process before and after it. The entries
 * have the meaning and errno of the system calls of the same name.
 *
 * The helpers below retry EINTR and short writes and give errors with paths.
 */
#ifndef EC_BASE_IO_H
#define EC_BASE_IO_H

#include "base/buf.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

struct ec_io {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*read)(int fd, void *buf, size_t n);
    ssize_t (*pread)(int fd, void *buf, size_t n, off_t offset);
    ssize_t (*write)(int fd, const void *buf, size_t n);
    int (*ftruncate)(int fd, off_t length);
    int (*fsync)(int fd);
    int (*sync_file_range)(int fd, off_t offset, off_t n, unsigned flags);
    int (*close)(int fd);
    int (*link)(const char *from, const char *to);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, mode_t mode);
    int (*rmdir)(const char *path);
    void *(*malloc)(size_t n);
    void *(*realloc)(void *p, size_t n);
    void (*free)(void *p);
};

extern struct ec_io ec_io;

/* Allocation: NULL on failure; counts are checked for overflow. */
void *ec_malloc(size_t n);
void *ec_calloc(size_t count, size_t size);
void *ec_realloc_array(void *p, size_t count, size_t size);
char *ec_strdup(const char *z);
void ec_free(void *p);

/* Opens for reading; O_CLOEXEC, regular files only (a FIFO or device is refused). */
enum ec_status ec_file_open(const char *path, int *fd, struct stat *st, struct ec_err *err) EC_MUST_USE;
/* Creates a new file (O_EXCL). */
enum ec_status ec_file_create(const char *path, int *fd, struct ec_err *err) EC_MUST_USE;
/* Reads up to n bytes; *got < n only at the end of the file. */
enum ec_status ec_file_read(int fd, void *buf, size_t n, size_t *got, const char *path, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_file_read_at(int fd, void *buf, size_t n, off_t offset, size_t *got, const char *path, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_file_write(int fd, const void *buf, size_t n, const char *path, struct ec_err *err) EC_MUST_USE;
/* fsync, whose time counts as waiting for the disk (base/timing.h). As the system call. */
int ec_sync(int fd);
/* Asks the kernel to begin writing these bytes to the disk, so that it is done when fsync() comes to wait for it. A
 * hint: it promises nothing, and its failure is none. */
void ec_file_write_back(int fd, uint64_t offset, uint64_t n);
/* fsync and close; the descriptor is closed whatever happens. After a failure the
 * file is to be abandoned, never synced again. */
enum ec_status ec_file_finish(int fd, const char *path, struct ec_err *err) EC_MUST_USE;
void ec_file_abandon(int fd, const char *path); /* closes and removes; both best effort */

/* Reads a whole file of at most bytes_max bytes into *out (appended). */
enum ec_status ec_file_load(const char *path, struct ec_buf *out, struct ec_err *err) EC_MUST_USE;
/* Writes a file so that it appears whole or not at all: a temporary file beside it,
 * fsync, rename over, fsync of the folder. For reports and pages, never for commits. */
enum ec_status ec_file_replace(const char *path, const void *p, size_t n, struct ec_err *err) EC_MUST_USE;
/* Writes a file that must not exist yet: a temporary file, fsync, link(), unlink, fsync
 * of the folder. *exists says that another was there first (and EC_OK is returned). */
enum ec_status ec_file_publish(const char *path, const void *p, size_t n, bool *exists, struct ec_err *err) EC_MUST_USE;

enum ec_status ec_dir_make(const char *path, struct ec_err *err) EC_MUST_USE; /* mkdir -p */
enum ec_status ec_dir_sync(const char *path, struct ec_err *err) EC_MUST_USE;
/* The folder, and `levels` folders above it: a new folder is as durable as its entry in the one above. */
enum ec_status ec_dir_sync_up(const char *path, unsigned levels, struct ec_err *err) EC_MUST_USE;
enum ec_status ec_dir_sync_parent(const char *path, struct ec_err *err) EC_MUST_USE; /* of the folder that holds path */
/* Removes a folder's contents; the folder itself too where `self`. Never follows links. */
enum ec_status ec_dir_remove(const char *path, bool self, struct ec_err *err) EC_MUST_USE;
bool ec_path_exists(const char *path);

/* Raises the number of files that this process may hold open, as far as the system lets it. */
void ec_files_raise(unsigned wanted);

/* Joins with one '/' into out (NUL-terminated); EC_IO where it does not fit. */
enum ec_status ec_path_join(char *out, size_t out_size, const char *dir, const char *name, struct ec_err *err) EC_MUST_USE;
/* The path as it is where it is absolute, else below `dir`: how paths of a configuration are meant. */
enum ec_status ec_path_below(char *out, size_t out_size, const char *dir, const char *path, struct ec_err *err) EC_MUST_USE;

#endif
