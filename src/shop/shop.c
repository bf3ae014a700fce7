#include "shop/shop.h"

#include "base/calendar.h"
#include "base/io.h"
#include "shop/make.h"

#include <errno.h>
#include <fcntl.h>

#define MEMBER_MAX ((size_t)256 * EC_MIB) /* compressed; see MEMBER_BYTES of world.c */
#define PATHS_MAX  ((size_t)4 * EC_MIB)

static const char sessions_dir[] = "user_sessions";

struct ec_shop_options ec_shop_options_default(const char *dir) {
    return (struct ec_shop_options){.dir = dir,
                                    .bytes = EC_SHOP_BYTES_DEFAULT,
                                    .seed = 1,
                                    .defects = 0.01,
                                    .days = EC_SHOP_DAYS_DEFAULT,
                                    .last_day = EC_SHOP_LAST_DAY};
}

const char *ec_shop_source_name(enum ec_shop_source source) {
    static const char *const names[EC_SHOP_SOURCES] = {"api_logs", "products", "sales", "sessions", "users"};
    return names[source];
}

static enum ec_status check_options(const struct ec_shop_options *o, struct ec_err *err) {
    if (o->bytes < EC_SHOP_BYTES_MIN || o->bytes > EC_SHOP_BYTES_MAX)
        return ec_fail(err, EC_USAGE, "a shop of %llu bytes cannot be made: choose from 200 KB to 25 GB",
                       (unsigned long long)o->bytes);
    if (!(o->defects >= 0 && o->defects <= EC_SHOP_DEFECTS_MAX))
        return ec_fail(err, EC_USAGE, "the share of defects must be from 0 to %.1f, not %g", EC_SHOP_DEFECTS_MAX,
                       o->defects);
    if (o->days < 1 || o->days > EC_SHOP_DAYS_MAX)
        return ec_fail(err, EC_USAGE, "a shop has 1 to %u days, not %u", EC_SHOP_DAYS_MAX, o->days);
    if (o->last_day < ec_days_from_civil(1990, 1, 1) || o->last_day > ec_days_from_civil(2999, 12, 31))
        return ec_fail(err, EC_USAGE, "the shop's last day must be from 1990 to 2999");
    return EC_OK;
}

/* Whether the folder holds anything that is not hidden. The empty folder of the sessions, which
 * `ecluse init` makes, does not count; an answer key does. */
static enum ec_status look_into(const char *path, bool within, bool *empty, struct ec_err *err) {
    *empty = true;
    int fd = ec_io.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0 && errno == ENOENT) return EC_OK;
    if (fd < 0) return ec_fail_errno(err, EC_IO, "cannot open the folder %s", path);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        (void)ec_io.close(fd);
        return ec_fail_errno(err, EC_IO, "cannot read the folder %s", path);
    }
    enum ec_status status = EC_OK;
    const struct dirent *entry;
    while (status == EC_OK && *empty && (entry = readdir(dir))) {
        if (!within && strcmp(entry->d_name, sessions_dir) == 0) {
            char inner[4096];
            status = ec_path_join(inner, sizeof inner, path, sessions_dir, err);
            if (status == EC_OK) status = look_into(inner, true, empty, err);
        } else if (entry->d_name[0] != '.' || strcmp(entry->d_name, ".truth.json") == 0) {
            *empty = false;
        }
    }
    (void)closedir(dir);
    return status;
}

static enum ec_status check_folder(const char *dir, struct ec_err *err) {
    bool empty;
    EC_TRY(look_into(dir, false, &empty, err));
    if (empty) return EC_OK;
    return ec_fail(err, EC_USAGE, "%s is not empty; name a folder that is, or that does not exist yet", dir);
}

/* A project's drop folder gets a key that no source can claim and no run warns of. */
static const char *truth_name(const char *dir) {
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') n--;
    static const char raw[] = "data/raw";
    size_t k = sizeof raw - 1;
    bool is_raw = n >= k && memcmp(dir + n - k, raw, k) == 0 && (n == k || dir[n - k - 1] == '/');
    return is_raw ? ".truth.json" : "truth.json";
}

static enum ec_status make_all(struct ec_shop_making *m, struct ec_err *err) {
    const char *truth;
    EC_TRY(ec_shop_world_create(m->options, &m->world, err));
    EC_TRY(ec_shop_deflate_create(&m->z, err));
    m->buf = ec_malloc(EC_SHOP_SINK_CAP + EC_SHOP_ROW_MAX);
    if (!m->buf) return ec_fail(err, EC_NO_MEMORY, "no memory to make a shop");
    EC_TRY(ec_shop_file_path(m, truth_name(m->options->dir), &truth, err));
    EC_TRY(ec_shop_truth_open(&m->truth, truth, m->options, err));
    (void)snprintf(m->totals->truth, sizeof m->totals->truth, "%s", truth);
    EC_TRY(ec_shop_make_logs(m, err));
    EC_TRY(ec_shop_make_sessions(m, err));
    EC_TRY(ec_shop_make_products(m, err));
    EC_TRY(ec_shop_make_users(m, err));
    EC_TRY(ec_shop_make_sales(m, err));
    return ec_shop_truth_finish(&m->truth, m->totals, err);
}

static void remove_made(struct ec_shop_making *m, const char *sessions, bool dir_was_there, bool sessions_were_there) {
    for (size_t i = 0; i < m->made_count; i++) (void)ec_io.unlink(m->made[i]);
    if (!sessions_were_there) (void)ec_io.rmdir(sessions);
    if (!dir_was_there) (void)ec_io.rmdir(m->options->dir);
}

enum ec_status ec_shop_generate(const struct ec_shop_options *options, struct ec_shop_totals *totals,
                                struct ec_err *err) {
    char sessions[4096];
    EC_TRY(check_options(options, err));
    EC_TRY(check_folder(options->dir, err));
    EC_TRY(ec_path_join(sessions, sizeof sessions, options->dir, sessions_dir, err));
    bool dir_was_there = ec_path_exists(options->dir), sessions_were_there = ec_path_exists(sessions);
    struct ec_shop_making *m = ec_calloc(1, sizeof *m);
    struct ec_shop_totals *own = ec_calloc(1, sizeof *own);
    enum ec_status status = EC_OK;
    if (!m || !own) {
        status = ec_fail(err, EC_NO_MEMORY, "no memory to make a shop");
        goto done;
    }
    m->options = options;
    m->totals = own;
    m->sink.fd = m->truth.fd = -1;
    m->packed = ec_buf_make(MEMBER_MAX);
    ec_arena_init(&m->arena, PATHS_MAX);
    status = ec_dir_make(sessions, err);
    if (status == EC_OK) status = make_all(m, err);
    ec_shop_sink_abandon(&m->sink);
    ec_shop_truth_close(&m->truth);
    if (status != EC_OK) remove_made(m, sessions, dir_was_there, sessions_were_there);
    if (status == EC_OK && totals) *totals = *own;
    ec_shop_deflate_destroy(m->z);
    ec_shop_world_destroy(m->world);
    ec_buf_free(&m->packed);
    ec_free(m->buf);
    ec_free(m->made);
    ec_arena_deinit(&m->arena);
done:
    ec_free(own);
    ec_free(m);
    return status;
}
