/* What doctor says about the machine: disk, links, memory, processors, libraries. */
#include "base/io.h"
#include "base/sandbox.h"
#include "cli/doctor.h"
#include "cli/project.h"
#include "cli/show.h"
#include "read/cell.h"
#include "run/paths.h"
#include "source/discover.h"
#include "sql/session.h"

#include <archive.h>
#include <errno.h>
#include <expat.h>
#include <isa-l.h>
#include <jansson.h>
#include <libfyaml.h>
#include <openssl/crypto.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <xxhash.h>
#include <zip.h>
#include <zstd.h>

#define FREE_MIN          (100 * EC_MIB)
#define INODES_MIN        10000u
#define WORKER_MEMORY_MIN (64 * EC_MIB) /* below, a worker's readers and encoder are starved */
#define SMALL_FILE_MAX    ((size_t)1 << 20)

/* DIR/data, or DIR where a run has yet to make it. */
static bool data_dir(const struct ec_doctor *d, char *path) {
    if (ec_project_path(path, d->cli->dir, "data", NULL, NULL) != EC_OK) return false;
    return ec_path_exists(path) || ec_path_join(path, EC_PATH_MAX, "", d->cli->dir, NULL) == EC_OK;
}

/* What a run would have to read, decoded where that is known. */
static uint64_t raw_bytes(const struct ec_doctor *d) {
    char raw[EC_PATH_MAX];
    struct ec_inputs inputs = {0};
    uint64_t bytes = 0;
    if (d->config && ec_project_path(raw, d->config->dir, EC_DIR_RAW, NULL, NULL) == EC_OK &&
        ec_discover(d->config, raw, &inputs, NULL) == EC_OK)
        for (size_t i = 0; i < inputs.count; i++)
            bytes += inputs.input[i].bytes_decoded ? inputs.input[i].bytes_decoded : inputs.input[i].bytes;
    ec_inputs_deinit(&inputs);
    return bytes;
}

static void check_disk(struct ec_doctor *d) {
    const char *fix = _("free space, or move data/ to a larger disk");
    char words[96], path[EC_PATH_MAX], free_text[EC_FIGURE_MAX], raw_text[EC_FIGURE_MAX];
    struct statvfs fs;
    if (!data_dir(d, path)) return;
    if (statvfs(path, &fs) != 0) {
        ec_doctor_say(d, "disk", EC_FINDING_FAIL, fix, "%s: %s", path, ec_language_errno(errno, words, sizeof words));
        return;
    }
    uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize, raw = raw_bytes(d);
    (void)ec_figure_bytes(free_bytes, free_text);
    (void)ec_figure_bytes(raw, raw_text);
    if (free_bytes < FREE_MIN)
        ec_doctor_say(d, "disk", EC_FINDING_FAIL, fix, "%s free", free_text);
    else if (free_bytes < raw)
        ec_doctor_say(d, "disk", EC_FINDING_WARN, fix, "%s free, and data/raw holds %s: tables and archive may not fit",
                      free_text, raw_text);
    else if (fs.f_files > 0 && fs.f_favail < INODES_MIN)
        ec_doctor_say(d, "disk", EC_FINDING_WARN, _("remove files, or move data/ to another disk"),
                      "%llu more files can be made", (unsigned long long)fs.f_favail);
    else
        ec_doctor_say(d, "disk", EC_FINDING_OK, NULL, "%s free, data/raw holds %s", free_text, raw_text);
}

/* A commit is link() into place: it exists or it does not. */
static enum ec_status try_link(const char *dir, struct ec_err *err) {
    char from[EC_PATH_MAX], to[EC_PATH_MAX], name[64];
    int fd;
    (void)snprintf(name, sizeof name, ".doctor-%ld", (long)getpid());
    EC_TRY(ec_path_join(from, sizeof from, dir, name, err));
    (void)snprintf(name, sizeof name, ".doctor-%ld-linked", (long)getpid());
    EC_TRY(ec_path_join(to, sizeof to, dir, name, err));
    EC_TRY(ec_file_create(from, &fd, err));
    enum ec_status status = EC_OK;
    if (ec_io.link(from, to) != 0)
        status = ec_fail_errno(err, EC_IO, "link() in %s", dir);
    else if (ec_io.link(from, to) == 0 || errno != EEXIST)
        status = ec_fail(err, EC_IO, "link() in %s replaces a file that exists", dir);
    (void)ec_io.unlink(to);
    ec_file_abandon(fd, from);
    return status;
}

static void check_links(struct ec_doctor *d) {
    char path[EC_PATH_MAX];
    struct ec_err err = {0};
    if (!data_dir(d, path)) return;
    if (try_link(path, &err) == EC_OK)
        ec_doctor_say(d, "commits", EC_FINDING_OK, NULL, "the file system has hard links");
    else
        ec_doctor_say(d, "commits", EC_FINDING_FAIL,
                      _("put data/ on a file system with hard links (ext4, xfs, btrfs, NFS)"), "%s", err.message);
}

/* The number behind `key` in a small file of the kernel's; 0 where there is none. */
static uint64_t kernel_number(const char *path, const char *key) {
    struct ec_buf text = ec_buf_make(SMALL_FILE_MAX);
    int64_t value = 0;
    if (ec_path_exists(path) && ec_file_load(path, &text, NULL) == EC_OK && text.p) {
        const char *at = strstr(text.p, key);
        if (at) {
            at += strlen(key);
            at += strspn(at, " \t");
            if (!ec_integer_parse(at, strspn(at, "0123456789"), &value)) value = 0;
        }
    }
    ec_buf_free(&text);
    return value < 0 ? 0 : (uint64_t)value;
}

/* Of the container, where there is one. */
static uint64_t memory_limit(void) {
    uint64_t v2 = kernel_number("/sys/fs/cgroup/memory.max", ""),
             v1 = kernel_number("/sys/fs/cgroup/memory/memory.limit_in_bytes", "");
    uint64_t total = kernel_number("/proc/meminfo", "MemTotal:") * 1024;
    if (v2 && v2 < total) total = v2;
    if (v1 && v1 < total) total = v1;
    return total;
}

static void check_memory(struct ec_doctor *d) {
    const char *fix = _("lower memory_limit_mb in config/pipeline_config.yaml, or free memory");
    if (!d->config) return;
    uint64_t limit = d->config->memory_bytes, total = memory_limit(),
             available = kernel_number("/proc/meminfo", "MemAvailable:") * 1024;
    uint64_t share = limit / (d->config->workers + 1);
    char limit_text[EC_FIGURE_MAX], total_text[EC_FIGURE_MAX], share_text[EC_FIGURE_MAX], available_text[EC_FIGURE_MAX];
    (void)ec_figure_bytes(limit, limit_text);
    (void)ec_figure_bytes(total, total_text);
    (void)ec_figure_bytes(share, share_text);
    (void)ec_figure_bytes(available, available_text);
    if (total && limit > total)
        ec_doctor_say(d, "memory", EC_FINDING_FAIL, fix, "memory_limit_mb is %s, and the machine has %s", limit_text,
                      total_text);
    else if (available && limit > available)
        ec_doctor_say(d, "memory", EC_FINDING_WARN, fix, "memory_limit_mb is %s, and %s of %s are free", limit_text,
                      available_text, total_text);
    else if (share < WORKER_MEMORY_MIN)
        ec_doctor_say(d, "memory", EC_FINDING_WARN, _("raise memory_limit_mb, or lower data_workers"),
                      "each of %u workers gets just %s", d->config->workers, share_text);
    else
        ec_doctor_say(d, "memory", EC_FINDING_OK, NULL, "%s of %s may be used, %s a worker", limit_text, total_text,
                      share_text);
}

static void check_processors(struct ec_doctor *d) {
    cpu_set_t set;
    int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (!d->config)
        ec_doctor_say(d, "processors", EC_FINDING_OK, NULL, "%d", cpus);
    else if (d->config->workers > (unsigned)cpus)
        ec_doctor_say(d, "processors", EC_FINDING_WARN, _("lower data_workers; `auto` is processors - 1"),
                      "%u workers for %d", d->config->workers, cpus);
    else
        ec_doctor_say(d, "processors", EC_FINDING_OK, NULL, "%d, %u %s", cpus, d->config->workers,
                      P_("worker", "workers", d->config->workers));
}

static void check_engine(struct ec_doctor *d) {
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 64 * EC_MIB};
    struct ec_sql *sql = NULL;
    struct ec_sql_rows *rows = NULL;
    struct ec_batch *batch;
    struct ec_err err = {0};
    enum ec_status status = ec_sql_open(&options, &sql, &err);
    if (status == EC_OK) status = ec_sql_query(sql, "SELECT version()", &rows, &err);
    if (status == EC_OK) status = ec_sql_next(rows, &batch, &err);
    if (status == EC_OK && batch->rows == 1) {
        struct ec_str version = ec_text_str(ec_column_text(&batch->column[0]));
        ec_doctor_say(d, "engine", EC_FINDING_OK, NULL, "DuckDB %.*s", (int)version.n, version.p);
    } else {
        ec_doctor_say(d, "engine", EC_FINDING_FAIL, _("install the pinned DuckDB again: scripts/install-dependencies"),
                      "%s", err.message);
    }
    ec_sql_rows_close(rows);
    ec_sql_close(sql);
}

static void check_confinement(struct ec_doctor *d) {
    static const struct {
        unsigned part;
        const char *name;
    } parts[] = {{EC_SANDBOX_FILES, N_("files (Landlock)")}, {EC_SANDBOX_CALLS, N_("system calls (seccomp)")}, {EC_SANDBOX_MEMORY, N_("memory")}, {EC_SANDBOX_PRIVILEGES, N_("privileges")}};
    unsigned offered = ec_sandbox_offered();
    struct ec_buf held = ec_buf_make(EC_KIB), missing = ec_buf_make(EC_KIB);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct ec_buf *list = offered & parts[i].part ? &held : &missing;
        ec_buf_printf(list, "%s%s", list->n ? ", " : "", _(parts[i].name));
    }
    ec_buf_addc(&held, '\0');
    ec_buf_addc(&missing, '\0');
    const char *wish = getenv("ECLUSE_SANDBOX");
    if (wish && strcmp(wish, "off") == 0)
        ec_doctor_say(d, "confinement", EC_FINDING_WARN, _("unset ECLUSE_SANDBOX"), "workers are not confined: ECLUSE_SANDBOX is off");
    else if (missing.n > 1)
        ec_doctor_say(d, "confinement", EC_FINDING_WARN, _("a kernel from 5.13 on with Landlock confines workers further"),
                      "workers are confined in %s; this kernel or build lacks %s", held.p, missing.p);
    else
        ec_doctor_say(d, "confinement", EC_FINDING_OK, NULL, "workers are confined in %s", held.p);
    ec_buf_free(&held);
    ec_buf_free(&missing);
}

static void check_libraries(struct ec_doctor *d) {
    char pcre[64] = "?";
    (void)pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    pcre[strcspn(pcre, " ")] = '\0';
    unsigned xx = XXH_versionNumber();
    const char *expat = XML_ExpatVersion(), *expat_number = strchr(expat, '_'), *tar = archive_version_string();
    const char *tar_number = strchr(tar, ' ');
    ec_doctor_say(
        d, "libraries", EC_FINDING_OK, NULL,
        "ISA-L %d.%d.%d, libzip %s, expat %s, libfyaml %s, jansson %s, zstd %s, xxhash %u.%u.%u, OpenSSL %s, PCRE2 %s, "
        "libarchive %s",
        ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION, ISAL_PATCH_VERSION, zip_libzip_version(),
        expat_number ? expat_number + 1 : expat, fy_library_version(), jansson_version_str(), ZSTD_versionString(),
        xx / 10000, xx / 100 % 100, xx % 100, OpenSSL_version(OPENSSL_VERSION_STRING), pcre,
        tar_number ? tar_number + 1 : tar);
}

void ec_doctor_machine(struct ec_doctor *d) {
    if (ec_cli_project(d->cli, NULL) == EC_OK) {
        check_disk(d);
        check_links(d);
    }
    check_memory(d);
    check_processors(d);
    check_engine(d);
    check_confinement(d);
    check_libraries(d);
}
