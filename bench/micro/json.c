/* Log records: read and typed; then step by step what a worker does with them, for lines and for arrays. */
#include "read.h"

#include "sql/session.h"

int main(int argc, char **argv) {
    struct ec_config *config = kit_begin(argc, argv);
    struct ec_sql *sql;
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB, .run_date = 20288};
    struct ec_err err = {0};
    struct bench_read b = {.source = kit_source(config, "api_logs")};
    struct ec_derivation *derivation;
    static const char *const layout[] = {"", ", array", ", compact array"};
    static const size_t number[] = {0, 1, 3};
    kit_must(ec_sql_open(&options, &sql, &err), &err);
    kit_must(ec_derive_create(sql, b.source, &derivation, &err), &err);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        char name[64];
        struct kit_text text = kit_member(number[i]);
        (void)snprintf(name, sizeof name, "json read%s", layout[i]);
        bench_read(name, &b, &text);
        bench_read_steps("json read", layout[i], b.source, derivation, &text);
        free(text.p);
    }
    ec_derive_destroy(derivation);
    ec_sql_close(sql);
    ec_config_destroy(config);
    return 0;
}
