#!/usr/bin/env python3
"""Finds functions in src/ that the project does not use, and what to use instead.

    python3 tests/static/banned.py [ROOT]

Whatever changes the disk or allocates goes through the table of src/base/io.h, so that tests/faults/ can make each call
fail. What changes it by another way is refused here: the system's calls, the files of stdio (nothing but the standard
streams is a FILE), and the functions of libraries that write files by themselves. Not in the table, with the reason:

    DuckDB       writes nothing but what it spills into data/staging, which the next run removes; its COPY, ATTACH and
                 EXPORT are locked (src/sql/session.c), and what it allocates has a limit of its own
    libarchive   makes a tar in memory; our callback writes it
    libzip       opens archives for reading alone
    jansson, expat, libfyaml, PCRE2, zstd, OpenSSL, libc's opendir   allocate by themselves; each answer of theirs is
                 checked where it is called, and none of them writes a file
"""
import re

import sources

BOUNDED = "a bounded copy: ec_buf_*, ec_arena_*, snprintf"
NUMBER = "the parsers of base/ and read/, which know ends and overflow"
CALENDAR = "base/calendar.h, which knows no locale and no time zone"
MEMORY = "base/: ec_malloc, ec_free, arenas; memory of a library goes back by the library's own call"
BANNED = {
    **dict.fromkeys("strcpy stpcpy strcat strncpy strncat sprintf vsprintf gets".split(), BOUNDED),
    **dict.fromkeys("atoi atol atoll atof strtol strtoul strtoll strtoull strtoimax strtoumax".split(), NUMBER),
    **dict.fromkeys("sscanf vsscanf scanf fscanf".split(), NUMBER),
    **dict.fromkeys("strtod strtof strtold".split(), NUMBER),
    **dict.fromkeys("strtok strtok_r".split(), "memchr over pointer and length"),
    **dict.fromkeys("localtime localtime_r gmtime gmtime_r mktime strptime ctime asctime".split(), CALENDAR),
    **dict.fromkeys("malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf".split(), MEMORY),
    **dict.fromkeys("alloca system popen tmpnam mktemp".split(), "nothing: none of them can be made safe"),
}
TABLE = "the table of base/io.h (ec_io, ec_file_*, ec_dir_*, ec_durable_*): tests/faults/ must see the call"
BANNED.update({
    **dict.fromkeys("open openat open64 creat read pread readv preadv write pwrite writev pwritev close".split(), TABLE),
    **dict.fromkeys("fsync fdatasync sync syncfs msync sync_file_range ftruncate truncate fallocate posix_fallocate".split(), TABLE),
    **dict.fromkeys("copy_file_range sendfile splice tee vmsplice ioctl".split(), TABLE),
    **dict.fromkeys("link linkat symlink symlinkat rename renameat renameat2 unlink unlinkat remove".split(), TABLE),
    **dict.fromkeys("mkdir mkdirat rmdir mknod mkfifo mkstemp mkostemp mkdtemp tmpfile chmod fchmod chown fchown".split(), TABLE),
    **dict.fromkeys("utime utimes utimensat futimens setxattr fsetxattr".split(), TABLE),
    **dict.fromkeys("fopen fdopen freopen fopencookie fmemopen open_memstream popen dprintf vdprintf".split(), TABLE),
    **dict.fromkeys("mmap mremap memfd_create shm_open posix_memalign aligned_alloc valloc memalign sbrk brk".split(), TABLE),
    **dict.fromkeys("archive_write_open_filename archive_write_open_fd archive_write_open_FILE archive_write_disk_new".split(), TABLE),
    **dict.fromkeys("json_dump_file json_dumpf json_dumpfd BIO_new_file zip_close zip_file_add zip_file_replace".split(), TABLE),
})
ALLOWED = {
    "base": {"strtod"},
    "read": {"strtod"},
}
# A whole file's exceptions, each with its reason.
EXCEPTIONS = {
    # The table itself.
    "src/base/io.h": set("malloc realloc free".split()),
    "src/base/io.c": set("malloc realloc free open read pread write ftruncate fsync sync_file_range close link rename unlink mkdir rmdir".split()),
    # The time of a file that `restore` puts back: where it fails the restore fails, and nothing stands on it.
    "src/publish/archive_restore.c": {"futimens"},
    # How large the terminal is: it asks and changes nothing, and without an answer it is 80 by 24.
    "src/base/terminal.c": {"ioctl"},
}
# A call, or a function of memory that is handed on.
CALL = re.compile(r"(?<![\w.])(?:%s)\b(?=\s*\()|(?<![\w.])(?:malloc|calloc|realloc|free)\b(?=\s*[,;)])" % "|".join(BANNED))


def is_member(code, position):
    """p->free(p): a member of ours, not the library's function."""
    return code[max(0, position - 2) : position] == "->"


def check(root):
    files, findings = sources.source_files(root), []
    for path in files:
        code = sources.code_of(sources.read(root, path))
        allowed = ALLOWED.get(path.split("/")[1], set()) | EXCEPTIONS.get(path, set())
        for match in CALL.finditer(code):
            name = match.group(0)
            if name not in allowed and not is_member(code, match.start()):
                findings.append(f"{sources.place(path, code, match.start())}: {name} is not used here; use {BANNED[name]}")
    return files, findings


if __name__ == "__main__":
    sources.run("banned", check)
