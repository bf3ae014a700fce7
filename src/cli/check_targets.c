/* Which source a file is checked as, and what is in an archive. */
#include "cli/check.h"

#include "base/address.h"
#include "base/io.h"
#include "cli/project.h"
#include "run/paths.h"
#include "source/discover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define TARGETS_ARENA_MAX ((size_t)128 * EC_MIB)
#define COPY_BYTES        ((size_t)1 << 16)
#define NAMES_BYTES       512u

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the list of files");
}

static bool ends_with(const char *name, const char *suffix) {
    size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcasecmp(name + n - m, suffix) == 0;
}

/* A glob is about a path below data/raw; a file that lies elsewhere is known by its name alone. */
static bool claims(const struct ec_source *source, const char *path) {
    for (size_t i = 0; i < source->file_count; i++)
        if (ec_glob_match(ec_cli_base_name(source->files[i]), ec_cli_base_name(path))) return true;
    return false;
}

static enum ec_status unknown_source(const struct ec_config *config, const char *path, size_t claimants,
                                     struct ec_err *err) {
    char names[NAMES_BYTES] = "";
    size_t n = 0;
    for (size_t i = 0; i < config->source_count; i++) {
        const struct ec_source *s = &config->source[i];
        if (claimants > 0 && !claims(s, path)) continue;
        int more = snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", s->name);
        if (more < 0 || (size_t)more >= sizeof names - n) break;
        n += (size_t)more;
    }
    if (claimants > 0)
        return ec_fail(err, EC_USAGE, "%s may be of several sources (%s): say which with --source", path, names);
    return ec_fail(err, EC_USAGE, "no source's `files:` match %s: say which it is with --source (%s)", path, names);
}

/* The path below data/raw, if the file lies there. */
static const char *below_raw(const struct ec_config *config, const char *path, char full[PATH_MAX]) {
    char raw[EC_PATH_MAX], root[PATH_MAX];
    if (ec_project_path(raw, config->dir, EC_DIR_RAW, NULL, NULL) != EC_OK || !realpath(raw, root) ||
        !realpath(path, full))
        return NULL;
    size_t n = strlen(root);
    return strncmp(full, root, n) == 0 && full[n] == '/' ? full + n + 1 : NULL;
}

/* A file in data/raw belongs to the first source that names it, as in a run. */
static const struct ec_source *claimant(const struct ec_config *config, const char *path) {
    char full[PATH_MAX];
    const char *below = ec_is_address(path) ? path : below_raw(config, path, full);
    for (size_t i = 0; below && i < config->source_count; i++)
        for (size_t k = 0; k < config->source[i].file_count; k++)
            if (ec_glob_match(config->source[i].files[k], below)) return &config->source[i];
    return NULL;
}

enum ec_status ec_check_source(const struct ec_config *config, const char *path, const struct ec_source **source,
                                  struct ec_err *err) {
    size_t claimants = 0;
    *source = claimant(config, path);
    if (*source) return EC_OK;
    for (size_t i = config->source_count; i-- > 0;) {
        if (!claims(&config->source[i], path)) continue;
        *source = &config->source[i];
        claimants++;
    }
    if (claimants == 1) return EC_OK;
    if (claimants == 0 && !ec_is_address(path) && !ec_path_exists(path)) {
        errno = ENOENT;
        return ec_fail_errno(err, EC_UNREADABLE, "cannot open %s", path);
    }
    return unknown_source(config, path, claimants, err);
}

static enum ec_status add_target(struct ec_check_targets *t, struct ec_check_target target, struct ec_err *err) {
    if (t->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 16;
        struct ec_check_target *more = ec_realloc_array(t->target, cap, sizeof *more);
        if (!more) return no_memory(err);
        t->target = more;
        t->cap = cap;
    }
    t->target[t->count++] = target;
    return EC_OK;
}

static bool is_workbook(const struct ec_zip_member *member, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(member[i].name, "[Content_Types].xml") == 0) return true;
    return false;
}

static bool passed_over(const char *member) {
    const char *name = ec_cli_base_name(member);
    return name[0] == '.' || ends_with(name, ".done") || ends_with(name, ".tmp") || ends_with(name, ".part");
}

static enum ec_status add_problem(struct ec_check_targets *t, struct ec_check_target target, struct ec_err *cause, struct ec_err *err) {
    ec_err_unname(cause, target.path);
    target.status = cause->status;
    target.problem = ec_arena_strdup(&t->arena, cause->message);
    return target.problem ? add_target(t, target, err) : no_memory(err);
}

/* The archive's members, as a run would take them. */
static enum ec_status add_members(struct ec_check_targets *t, struct ec_check_target target, struct ec_err *err) {
    struct ec_zip_member *member;
    size_t count, before = t->count;
    struct ec_err cause = {0};
    if (ec_zip_list(target.path, &t->arena, &member, &count, &cause) != EC_OK) {
        if (cause.status == EC_NO_MEMORY) return no_memory(err);
        return add_problem(t, target, &cause, err);
    }
    if (is_workbook(member, count)) return add_target(t, target, err);
    for (size_t i = 0; i < count; i++) {
        if (passed_over(member[i].name)) continue;
        target.member = member[i].name;
        target.member_offset = member[i].data_offset;
        target.member_bytes = member[i].bytes_stored;
        EC_TRY(add_target(t, target, err));
    }
    if (t->count > before) return EC_OK;
    (void)ec_fail(&cause, EC_EMPTY_FILE, "%s holds no members", target.shown);
    return add_problem(t, target, &cause, err);
}

/* A file that vanishes with its descriptor, whatever ends the program. */
enum ec_status ec_check_spool(int *fd, struct ec_err *err) {
    const char *dir = getenv("TMPDIR");
    if (!dir || !*dir) dir = "/tmp";
    *fd = ec_io.open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd >= 0) return EC_OK;
    char path[4096], name[64]; /* a file system without O_TMPFILE */
    (void)snprintf(name, sizeof name, ".ecluse-%ld", (long)getpid());
    EC_TRY(ec_path_join(path, sizeof path, dir, name, err));
    *fd = ec_io.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd < 0)
        return ec_fail_errno(err, EC_IO, "cannot make a temporary file in %s (TMPDIR names another folder)", dir);
    if (ec_io.unlink(path) != 0) return ec_fail_errno(err, EC_IO, "cannot unlink %s", path);
    return EC_OK;
}

static enum ec_status spool_stdin(struct ec_check_targets *t, struct ec_err *err) {
    if (t->spool >= 0) return ec_fail(err, EC_USAGE, "standard input can be checked once");
    EC_TRY(ec_check_spool(&t->spool, err));
    char *copy = ec_malloc(COPY_BYTES);
    if (!copy) return no_memory(err);
    enum ec_status status = EC_OK;
    for (size_t got = 1; status == EC_OK && got > 0;) {
        status = ec_file_read(STDIN_FILENO, copy, COPY_BYTES, &got, _("standard input"), err);
        if (status == EC_OK && got > 0) status = ec_file_write(t->spool, copy, got, _("the copy of standard input"), err);
    }
    ec_free(copy);
    return status;
}

static bool is_zip(int fd) {
    char magic[4];
    ssize_t n = ec_io.pread(fd, magic, sizeof magic, 0);
    return n == (ssize_t)sizeof magic && (memcmp(magic, "PK\3\4", 4) == 0 || memcmp(magic, "PK\5\6", 4) == 0);
}

enum ec_status ec_check_add(struct ec_check_targets *t, struct ec_check_target target, int fd, struct ec_err *err) {
    return target.status == EC_OK && is_zip(fd) ? add_members(t, target, err) : add_target(t, target, err);
}

static enum ec_status add_stdin(struct ec_check_targets *t, const struct ec_source *source, struct ec_err *err) {
    if (!source)
        return ec_fail(err, EC_USAGE,
                       "standard input has no name to find its source by: say which it is with --source");
    EC_TRY(spool_stdin(t, err));
    struct ec_check_target target = {.source = source, .shown = _("standard input")};
    target.path = ec_arena_printf(&t->arena, "/proc/self/fd/%d", t->spool);
    if (!target.path) return no_memory(err);
    return ec_check_add(t, target, t->spool, err);
}

enum ec_status ec_check_targets(const struct ec_config *config, const char *const *file, size_t count,
                                const struct ec_source *source, struct ec_check_targets *t, struct ec_err *err) {
    *t = (struct ec_check_targets){.spool = -1};
    ec_arena_init(&t->arena, TARGETS_ARENA_MAX);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(file[i], "-") == 0) {
            EC_TRY(add_stdin(t, source, err));
            continue;
        }
        if (ec_is_address(file[i])) {
            EC_TRY(ec_check_objects(config, file[i], source, t, err));
            continue;
        }
        struct ec_check_target target = {.source = source, .path = file[i], .shown = file[i]};
        if (!source) EC_TRY(ec_check_source(config, file[i], &target.source, err));
        EC_TRY(ends_with(file[i], ".zip") ? add_members(t, target, err) : add_target(t, target, err));
    }
    return EC_OK;
}

void ec_check_targets_deinit(struct ec_check_targets *t) {
    if (t->spool >= 0) (void)ec_io.close(t->spool);
    for (size_t i = 0; i < t->copies; i++) (void)ec_io.close(t->copy[i]);
    ec_free(t->copy);
    ec_free(t->target);
    ec_arena_deinit(&t->arena);
}
