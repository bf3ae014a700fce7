/* One of many processes that commit to one table at once: race TABLE NAME COMMITS. The table is made by whoever comes
 * first. Each commit adds one file of a name of its own; where another writer was faster, it is tried again from the new
 * snapshot. Prints the version of each commit that was reported, a line each. */
#include "base/io.h"
#include "store/delta.h"

#include <stdlib.h>

static enum ec_status write_one(const char *table, const char *name, int64_t number, int64_t *version, struct ec_err *err) {
    struct ec_arena arena;
    ec_arena_init(&arena, EC_MIB);
    struct ec_delta *delta = NULL;
    enum ec_status status = ec_delta_open(table, &delta, err);
    struct ec_buf actions = ec_buf_make(65536);
    if (status == EC_OK) {
        static const struct ec_delta_column columns[] = {{"n", {.type = EC_TYPE_INTEGER}}};
        char path[128], stats[] = "{\"numRecords\":1}";
        (void)snprintf(path, sizeof path, "part-%s-%lld.parquet", name, (long long)number);
        if (delta->version < 0) {
            ec_delta_protocol_action(&actions);
            ec_delta_metadata_action(&actions, "00000000-0000-0000-0000-000000000000", columns, 1, NULL, 1);
        }
        struct ec_delta_file file = {.path = path, .bytes = 1, .rows = 1, .modified_ms = 1, .stats = stats};
        ec_delta_add_action(&actions, &file, NULL);
        struct ec_delta_commit commit = {.app_id = name, .txn_version = number, .operation = "WRITE", .timestamp_ms = 1,
                                         .base_version = delta->version, .actions = ec_buf_str(&actions)};
        status = ec_buf_check(&actions, err);
        if (status == EC_OK) status = ec_delta_write(table, &commit, version, err);
    }
    ec_buf_free(&actions);
    ec_delta_close(delta);
    ec_arena_deinit(&arena);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 4) return EC_EXIT_USAGE;
    int64_t commits = strtoll(argv[3], NULL, 10);
    for (int64_t i = 1; i <= commits; i++) {
        struct ec_err err;
        int64_t version;
        enum ec_status status;
        do {
            err = (struct ec_err){0};
            status = write_one(argv[1], argv[2], i, &version, &err);
        } while (status == EC_COMMIT_CONFLICT);
        if (status != EC_OK) {
            ec_err_print(&err, stderr);
            return EC_EXIT_RUNTIME;
        }
        (void)printf("%lld\n", (long long)version);
        if (fflush(stdout) != 0) return EC_EXIT_RUNTIME;
    }
    return EC_EXIT_DONE;
}
