/* Sessions: read and typed in every variant of the scan; then step by step what a worker does with them. */
#include "read.h"

#include "sql/session.h"

int main(int argc, char **argv) {
    struct ec_config *config = kit_begin(argc, argv);
    struct ec_sql *sql;
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB, .run_date = 20288};
    struct ec_err err = {0};
    struct kit_text text = kit_sessions();
    struct bench_read b = {.source = kit_source(config, "sessions")};
    struct ec_derivation *derivation;
    bench_read_variants("csv read+type sessions", &b, &text);
    kit_must(ec_sql_open(&options, &sql, &err), &err);
    kit_must(ec_derive_create(sql, b.source, &derivation, &err), &err);
    bench_read_steps("csv read+type", " sessions", b.source, derivation, &text);
    ec_derive_destroy(derivation);
    ec_sql_close(sql);
    free(text.p);
    ec_config_destroy(config);
    return 0;
}
