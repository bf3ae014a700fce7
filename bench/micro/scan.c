/* The kernels that find separators, quotes and line ends, in every variant that the machine has. */
#include "kit.h"

#include "scan/json_scan.h"

#define BLOCKS 64u

static void csv(const struct ec_scan *scan, const struct kit_text *text) {
    uint64_t special[BLOCKS], suspect[BLOCKS], sum = 0;
    double best = 1e9;
    char name[64];
    for (int turn = 0; turn < KIT_TURNS; turn++) {
        double start = kit_seconds();
        for (size_t i = 0; i + BLOCKS * EC_SCAN_BLOCK <= text->n; i += BLOCKS * EC_SCAN_BLOCK) {
            scan->csv(text->p + i, BLOCKS, ',', special, suspect);
            sum += special[0] + suspect[BLOCKS - 1];
        }
        double took = kit_seconds() - start;
        if (took < best) best = took;
    }
    (void)snprintf(name, sizeof name, "csv scan, %s%s", scan->name, sum == 1 ? "!" : "");
    kit_rate(name, text->n, best);
}

static void lines(const struct ec_scan *scan, const struct kit_text *text) {
    double best = 1e9;
    char name[64];
    size_t count = 0;
    for (int turn = 0; turn < KIT_TURNS; turn++) {
        double start = kit_seconds();
        for (size_t i = 0; i < text->n; i++, count++) i += scan->line_end(text->p + i, text->n - i);
        double took = kit_seconds() - start;
        if (took < best) best = took;
    }
    (void)snprintf(name, sizeof name, "line ends, %s%s", scan->name, count == 1 ? "!" : "");
    kit_rate(name, text->n, best);
}

/* From one quote, backslash or control to the next. */
static void json(const char *name, const char *(*next)(const char *), const struct kit_text *text) {
    double best = 1e9;
    for (int turn = 0; turn < KIT_TURNS; turn++) {
        double start = kit_seconds();
        for (const char *p = text->p; p < text->p + text->n; p++) p = next(p);
        double took = kit_seconds() - start;
        if (took < best) best = took;
    }
    kit_rate(name, text->n, best);
}

int main(int argc, char **argv) {
    struct ec_config *config = kit_begin(argc, argv);
    struct kit_text sessions = kit_sessions(), logs = kit_member(0);
    size_t count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    for (size_t i = 0; i < count; i++) csv(variant[i], &sessions);
    for (size_t i = 0; i < count; i++) lines(variant[i], &logs);
    json("json text, scalar", ec_scan_json_text_scalar, &logs);
    json("json text, the processor's", ec_scan_json_text, &logs);
    free(sessions.p);
    free(logs.p);
    ec_config_destroy(config);
    return 0;
}
