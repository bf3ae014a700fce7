/* ecluse archive: the project as it is now, as one verified archive. */
#include "base/calendar.h"
#include "base/inert.h"
#include "base/io.h"
#include "base/log.h"
#include "cli/project.h"
#include "cli/show.h"
#include "publish/archive.h"
#include "run/paths.h"
#include "run/run.h"

#include <errno.h>
#include <stdlib.h>

#define ARENA_MAX ((size_t)2 * EC_GIB)

struct area {
    const char *name; /* as in `archive: include:`; NULL: always */
    const char *dir;
    unsigned bit;
};

static const struct area areas[] = {
    {NULL, "config", 0},
    {NULL, EC_DIR_MODELS, 0},
    {NULL, EC_DIR_RUNS, 0}, /* without them, what was applied would be applied again */
    {"processed", EC_DIR_PROCESSED, EC_AREA_PROCESSED},
    {"raw", EC_DIR_RAW, EC_AREA_RAW},
    {"staging", EC_DIR_STAGING, EC_AREA_STAGING},
    {"quality", EC_DIR_QUALITY, EC_AREA_QUALITY},
};
#define AREA_COUNT (sizeof areas / sizeof *areas)

struct walk {
    const char *project;
    struct ec_arena arena;
    struct ec_archive_file *file;
    size_t count, cap;
    const char **folder; /* still to be looked into */
    size_t folders, folders_cap;
};

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the list of files");
}

static enum ec_status push_folder(struct walk *w, const char *name, struct ec_err *err) {
    if (w->folders == w->folders_cap) {
        size_t cap = w->folders_cap ? w->folders_cap * 2 : 64;
        const char **more = ec_realloc_array(w->folder, cap, sizeof *more);
        if (!more) return no_memory(err);
        w->folder = more;
        w->folders_cap = cap;
    }
    w->folder[w->folders] = ec_arena_strdup(&w->arena, name);
    return w->folder[w->folders++] ? EC_OK : no_memory(err);
}

static enum ec_status push_file(struct walk *w, const char *name, const char *path, struct ec_err *err) {
    if (w->count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 256;
        struct ec_archive_file *more = ec_realloc_array(w->file, cap, sizeof *more);
        if (!more) return no_memory(err);
        w->file = more;
        w->cap = cap;
    }
    w->file[w->count] =
        (struct ec_archive_file){.path = ec_arena_strdup(&w->arena, path), .name = ec_arena_strdup(&w->arena, name)};
    if (!w->file[w->count].path || !w->file[w->count].name) return no_memory(err);
    w->count++;
    return EC_OK;
}

static enum ec_status add_entry(struct walk *w, const char *folder, const char *entry, struct ec_err *err) {
    char name[EC_PATH_MAX], path[EC_PATH_MAX];
    struct stat st;
    if (strcmp(entry, ".") == 0 || strcmp(entry, "..") == 0) return EC_OK;
    EC_TRY(ec_path_join(name, sizeof name, folder, entry, err));
    EC_TRY(ec_path_join(path, sizeof path, w->project, name, err));
    if (lstat(path, &st) != 0) return ec_fail_errno(err, EC_IO, "cannot look at %s", path);
    if (S_ISDIR(st.st_mode)) return push_folder(w, name, err);
    if (S_ISREG(st.st_mode)) return push_file(w, name, path, err);
    ec_log(EC_LOG_WARN, "%s is no regular file and is not archived", name);
    return EC_OK;
}

static enum ec_status read_folder(struct walk *w, const char *folder, struct ec_err *err) {
    char path[EC_PATH_MAX];
    EC_TRY(ec_path_join(path, sizeof path, w->project, folder, err));
    DIR *dir = opendir(path);
    if (!dir) return errno == ENOENT ? EC_OK : ec_fail_errno(err, EC_IO, "cannot open the folder %s", path);
    enum ec_status status = EC_OK;
    while (status == EC_OK) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            if (errno != 0) status = ec_fail_errno(err, EC_IO, "cannot read the folder %s", path);
            break;
        }
        status = add_entry(w, folder, entry->d_name, err);
    }
    (void)closedir(dir);
    return status;
}

static int compare_files(const void *a, const void *b) {
    return strcmp(((const struct ec_archive_file *)a)->name, ((const struct ec_archive_file *)b)->name);
}

static enum ec_status list_files(struct walk *w, unsigned include, struct ec_err *err) {
    for (size_t i = 0; i < AREA_COUNT; i++)
        if (!areas[i].name || (include & areas[i].bit)) EC_TRY(push_folder(w, areas[i].dir, err));
    while (w->folders > 0) EC_TRY(read_folder(w, w->folder[--w->folders], err));
    if (w->count) qsort(w->file, w->count, sizeof *w->file, compare_files);
    return EC_OK;
}

static enum ec_status choose_areas(const struct ec_cli *cli, const struct ec_config *config, unsigned *include,
                                   struct ec_err *err) {
    *include = cli->many_count ? 0 : config->archive_include;
    for (size_t i = 0; i < cli->many_count; i++) {
        const char *names[AREA_COUNT];
        size_t n = 0;
        bool known = false;
        for (size_t k = 0; k < AREA_COUNT; k++) {
            if (!areas[k].name) continue;
            names[n++] = areas[k].name;
            if (strcmp(areas[k].name, cli->many[i]) != 0) continue;
            *include |= areas[k].bit;
            known = true;
        }
        const char *near = ec_nearest(cli->many[i], names, n);
        if (!known)
            return ec_fail(err, EC_USAGE, "--include takes processed, raw, staging or quality, not `%s`%s%s%s",
                           cli->many[i], near ? _("; did you mean `") : "", near ? near : "", near ? _("`?") : "");
    }
    return EC_OK;
}

static enum ec_status print_made(const struct ec_cli *cli, const struct ec_archive_made *made, struct ec_err *err) {
    if (cli->json) {
        struct ec_doc doc;
        ec_doc_init(&doc);
        ec_json_object(&doc.json, NULL);
        ec_json_str(&doc.json, "archive", made->path);
        ec_json_bool(&doc.json, "verified", true);
        ec_json_uint(&doc.json, "files", made->files);
        ec_json_uint(&doc.json, "bytes", made->bytes);
        ec_json_uint(&doc.json, "bytes_stored", made->bytes_stored);
        ec_json_end(&doc.json);
        return ec_doc_print(&doc, err);
    }
    char count[EC_FIGURE_MAX], bytes[EC_FIGURE_MAX], stored[EC_FIGURE_MAX];
    ec_inert_print(made->path, strlen(made->path), stdout);
    (void)printf(_(" (verified): %s files, %s, stored as %s\n"), ec_figure_count(made->files, count),
                 ec_figure_bytes(made->bytes, bytes), ec_figure_bytes(made->bytes_stored, stored));
    return EC_OK;
}

/* Under the lock: a run that commits meanwhile would be archived by half. */
static enum ec_status archive(const struct ec_cli *cli, const struct ec_config *config, struct ec_err *err) {
    struct walk w = {.project = config->dir};
    struct ec_archive_made made = {0};
    char dir[EC_PATH_MAX], label[16], run[64];
    int64_t now = ec_now_micros();
    unsigned include;
    int lock;
    EC_TRY(choose_areas(cli, config, &include, err));
    EC_TRY(ec_project_path(dir, config->dir, EC_DIR_ARCHIVE, NULL, err));
    EC_TRY(ec_lock_take(config->dir, &lock, err));
    ec_arena_init(&w.arena, ARENA_MAX);
    ec_time_label(now, label);
    (void)snprintf(run, sizeof run, "%s-on-demand", label);
    enum ec_status status = list_files(&w, include, err);
    if (status == EC_OK) status = ec_archive_create(dir, now, run, w.file, w.count, &made, err);
    if (status == EC_OK) status = print_made(cli, &made, err);
    ec_lock_release(lock);
    ec_free(w.file);
    ec_free(w.folder);
    ec_arena_deinit(&w.arena);
    return status;
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    struct ec_config *config;
    enum ec_status status = ec_cli_load(cli, &config, err);
    if (status == EC_OK) status = archive(cli, config, err);
    ec_config_destroy(config);
    return ec_cli_exit(status);
}

static const struct ec_option options[] = {
    {"--include", "AREA", N_("processed, raw, staging, quality (default: archive.include)"), true},
};

const struct ec_command ec_cmd_archive = {
    .name = "archive",
    .summary = N_("the project as it is now, as one verified archive"),
    .arguments = "",
    .about = N_("Writes data/archive/archive_YYYYMMDD_HHMM.tar.gz: configuration, models, the manifests of all\n"
             "runs, and everything in the included areas. It is read back and verified before it gets its\n"
             "name. (The archive that a run makes holds just what that run read and wrote.) Nothing is\n"
             "cleaned up. `ecluse restore` brings it back.\n"
             "\n"
             "Example:\n"
             "  ecluse -C shop archive --include processed quality"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
