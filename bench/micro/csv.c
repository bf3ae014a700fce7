/* Sessions: read and typed; with their derived columns; checked by the gate's rules with the columns' profile. */
#include "read.h"

#include "sql/session.h"

int main(int argc, char **argv) {
    struct ec_config *config = kit_begin(argc, argv);
    struct ec_sql *sql;
    struct ec_sql_options options = {.threads = 1, .memory_bytes = 256 * EC_MIB, .run_date = 20288};
    struct ec_err err = {0};
    struct kit_text text = kit_sessions();
    struct bench_read b = {.source = kit_source(config, "sessions")};
    bench_read_variants("csv read+type sessions", &b, &text);
    kit_must(ec_sql_open(&options, &sql, &err), &err);
    kit_must(ec_derive_create(sql, b.source, &b.derivation, &err), &err);
    bench_read("csv read+type+derive sessions", &b, &text);
    b.check = true;
    bench_read("csv read+type+check sessions", &b, &text);
    ec_derive_destroy(b.derivation);
    ec_sql_close(sql);
    free(text.p);
    ec_config_destroy(config);
    return 0;
}
