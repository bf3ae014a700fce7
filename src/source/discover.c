#include "source/discover.h"

#include "base/io.h"
#include "source/zip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>

/* Paths, names and members of one drop folder. */
#define ARENA_MAX (512 * EC_MIB)

struct found {
    const char *path; /* below the raw folder */
    struct stat st;
};

struct finder {
    const struct ec_config *config;
    const char *raw_dir;
    const char *root; /* the same, for as long as the inputs live */
    struct ec_inputs *out;
    struct found *file; /* sorted by path */
    size_t files;
    size_t files_cap;
    const char **folder; /* still to be looked into */
    size_t folders;
    size_t folders_cap;
    size_t unclaimed_cap;
};

/* Makes room for one more element; *items is of ec_realloc_array(). */
static enum ec_status grow(void *items, size_t count, size_t *cap, size_t size, struct ec_err *err) {
    if (count < *cap) return EC_OK;
    void **list = items;
    size_t wanted = *cap ? *cap * 2 : 64;
    void *more = ec_realloc_array(*list, wanted, size);
    if (!more) return ec_fail(err, EC_NO_MEMORY, "no memory for the list of raw files");
    *list = more;
    *cap = wanted;
    return EC_OK;
}

static bool ends_with(const char *name, const char *suffix) {
    size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcasecmp(name + n - m, suffix) == 0;
}

bool ec_input_passed_over(const char *name) {
    return name[0] == '.' || ends_with(name, ".done") || ends_with(name, ".tmp") || ends_with(name, ".part");
}

static enum ec_status add_entry(struct finder *f, int dir_fd, const char *folder, const char *name,
                                struct ec_err *err) {
    struct stat st;
    if (ec_input_passed_over(name)) return EC_OK;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return EC_OK; /* went away meanwhile */
        return ec_fail_errno(err, EC_IO, "cannot look at %s/%s/%s", f->raw_dir, folder, name);
    }
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) return EC_OK;
    const char *path =
        folder[0] ? ec_arena_printf(&f->out->arena, "%s/%s", folder, name) : ec_arena_strdup(&f->out->arena, name);
    if (!path) return ec_fail(err, EC_NO_MEMORY, "no memory for the list of raw files");
    if (S_ISDIR(st.st_mode)) {
        EC_TRY(grow(&f->folder, f->folders, &f->folders_cap, sizeof *f->folder, err));
        f->folder[f->folders++] = path;
        return EC_OK;
    }
    EC_TRY(grow(&f->file, f->files, &f->files_cap, sizeof *f->file, err));
    f->file[f->files++] = (struct found){path, st};
    return EC_OK;
}

static enum ec_status read_folder(struct finder *f, const char *folder, struct ec_err *err) {
    char path[4096];
    if (folder[0])
        EC_TRY(ec_path_join(path, sizeof path, f->raw_dir, folder, err));
    else
        EC_TRY(ec_path_join(path, sizeof path, f->raw_dir, ".", err));
    int fd = ec_io.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0) return ec_fail_errno(err, EC_IO, "cannot open the folder %s", path);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        enum ec_status failed = ec_fail_errno(err, EC_IO, "cannot read the folder %s", path);
        (void)ec_io.close(fd);
        return failed;
    }
    enum ec_status status = EC_OK;
    while (status == EC_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            if (errno != 0) status = ec_fail_errno(err, EC_IO, "cannot read the folder %s", path);
            break;
        }
        status = add_entry(f, fd, folder, entry->d_name, err);
    }
    (void)closedir(dir);
    return status;
}

static const struct ec_source *claimant(const struct ec_config *config, const char *path) {
    for (size_t i = 0; i < config->source_count; i++)
        for (size_t k = 0; k < config->source[i].file_count; k++)
            if (ec_glob_match(config->source[i].files[k], path)) return &config->source[i];
    return NULL;
}

enum ec_status ec_inputs_add(struct ec_inputs *inputs, const struct ec_input *input, struct ec_err *err) {
    EC_TRY(grow(&inputs->input, inputs->count, &inputs->cap, sizeof *inputs->input, err));
    inputs->input[inputs->count++] = *input;
    return EC_OK;
}

/* A file that is known to be unreadable: what happened is kept with it. */
static enum ec_status add_problem(struct ec_inputs *inputs, struct ec_input input, const char *full_path, struct ec_err *cause,
                                  struct ec_err *err) {
    if (cause->status == EC_NO_MEMORY) return ec_fail(err, EC_NO_MEMORY, "%s", cause->message);
    ec_err_unname(cause, full_path);
    input.status = cause->status;
    input.problem = ec_arena_strdup(&inputs->arena, cause->message);
    if (!input.problem) return ec_fail(err, EC_NO_MEMORY, "no memory for the list of raw files");
    return ec_inputs_add(inputs, &input, err);
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static enum ec_status add_members(struct ec_inputs *inputs, struct ec_input input, const char *full_path, struct ec_err *err) {
    struct ec_zip_member *members;
    size_t count, added = 0;
    struct ec_err cause = {0};
    if (ec_zip_list(full_path, &inputs->arena, &members, &count, &cause) != EC_OK)
        return add_problem(inputs, input, full_path, &cause, err);
    for (size_t i = 0; i < count; i++) {
        if (ec_input_passed_over(base_name(members[i].name))) continue;
        input.member = members[i].name;
        input.bytes = members[i].bytes_stored;
        input.bytes_decoded = members[i].bytes_decoded;
        EC_TRY(ec_inputs_add(inputs, &input, err));
        added++;
    }
    if (added > 0) return EC_OK;
    (void)ec_fail(&cause, EC_EMPTY_FILE, "%s holds no members", full_path);
    return add_problem(inputs, input, full_path, &cause, err);
}

enum ec_status ec_inputs_add_file(struct ec_inputs *inputs, const struct ec_input *in, struct ec_err *err) {
    char path[4096];
    int fd;
    struct ec_err cause = {0};
    struct ec_input input = *in;
    EC_TRY(ec_path_join(path, sizeof path, input.root, input.path, err));
    if (ec_file_open(path, &fd, NULL, &cause) != EC_OK) return add_problem(inputs, input, path, &cause, err);
    (void)ec_io.close(fd);
    if (input.bytes == 0) {
        (void)ec_fail(&cause, EC_EMPTY_FILE, "%s holds no bytes", path);
        return add_problem(inputs, input, path, &cause, err);
    }
    return ends_with(path, ".zip") ? add_members(inputs, input, path, err) : ec_inputs_add(inputs, &input, err);
}

static enum ec_status add_file(struct finder *f, const struct found *file, struct ec_err *err) {
    struct ec_input input = {
        .source = claimant(f->config, file->path),
        .root = f->root,
        .path = file->path,
        .bytes = (uint64_t)file->st.st_size,
        .mtime_us = (int64_t)file->st.st_mtim.tv_sec * 1000000 + file->st.st_mtim.tv_nsec / 1000,
        .inode = (uint64_t)file->st.st_ino,
    };
    if (!input.source) {
        EC_TRY(grow(&f->out->unclaimed, f->out->unclaimed_count, &f->unclaimed_cap, sizeof *f->out->unclaimed, err));
        f->out->unclaimed[f->out->unclaimed_count++] = file->path;
        return EC_OK;
    }
    return ec_inputs_add_file(f->out, &input, err);
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct found *)a)->path, ((const struct found *)b)->path);
}

static int by_source_path_member(const void *a, const void *b) {
    const struct ec_input *x = a, *y = b;
    int order = strcmp(x->source->name, y->source->name);
    if (order == 0) order = strcmp(x->path, y->path);
    if (order == 0 && x->member && y->member) order = strcmp(x->member, y->member);
    return order;
}

void ec_inputs_sort(struct ec_inputs *inputs) {
    if (inputs->count > 1) qsort(inputs->input, inputs->count, sizeof *inputs->input, by_source_path_member);
}

enum ec_status ec_discover(const struct ec_config *config, const char *raw_dir, struct ec_inputs *inputs,
                           struct ec_err *err) {
    struct finder f = {.config = config, .raw_dir = raw_dir, .out = inputs};
    memset(inputs, 0, sizeof *inputs);
    ec_arena_init(&inputs->arena, ARENA_MAX);

    f.root = ec_arena_strdup(&inputs->arena, raw_dir);
    enum ec_status status = f.root ? read_folder(&f, "", err) : ec_fail(err, EC_NO_MEMORY, "no memory for the list of raw files");
    while (status == EC_OK && f.folders > 0) status = read_folder(&f, f.folder[--f.folders], err);
    if (f.files > 1) qsort(f.file, f.files, sizeof *f.file, by_path);
    for (size_t i = 0; status == EC_OK && i < f.files; i++) status = add_file(&f, &f.file[i], err);
    ec_inputs_sort(inputs);

    ec_free(f.file);
    ec_free(f.folder);
    if (status != EC_OK) ec_inputs_deinit(inputs);
    return status;
}

void ec_inputs_deinit(struct ec_inputs *inputs) {
    ec_free(inputs->input);
    ec_free(inputs->unclaimed);
    ec_arena_deinit(&inputs->arena);
    memset(inputs, 0, sizeof *inputs);
}
