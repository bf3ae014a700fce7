/* Log records: read and typed; read, typed and checked by the gate's rules with the columns' profile. */
#include "read.h"

int main(int argc, char **argv) {
    struct ec_config *config = kit_begin(argc, argv);
    struct bench_read b = {.source = kit_source(config, "api_logs")};
    static const char *const layout[] = {"lines", "array", "compact array"};
    static const size_t number[] = {0, 1, 3};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        char name[64];
        struct kit_text text = kit_member(number[i]);
        b.check = false;
        (void)snprintf(name, sizeof name, "json read, %s", layout[i]);
        bench_read(name, &b, &text);
        b.check = true;
        (void)snprintf(name, sizeof name, i == 0 ? "json read+check" : "json read+check, %s", layout[i]);
        bench_read(name, &b, &text);
        free(text.p);
    }
    ec_config_destroy(config);
    return 0;
}
