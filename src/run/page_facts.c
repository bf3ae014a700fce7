#include "run/page_facts.h"

#include "base/log.h"
#include "publish/page_data.h"
#include "run/paths.h"

#include <stdlib.h>

/* What the user's locale says of the language: "fr", "en", else "auto", which is the reader's own. */
static const char *language(void) {
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value) continue;
        if (strncmp(value, "fr", 2) == 0 && (value[2] == '_' || value[2] == '.' || !value[2])) return "fr";
        if (strncmp(value, "en", 2) == 0 && (value[2] == '_' || value[2] == '.' || !value[2])) return "en";
        return "auto";
    }
    return "auto";
}

/* What the run cost, as its line of the history says. */
static void find_resources(const struct ec_history *history, struct ec_run_facts *facts) {
    for (size_t i = history->run_count; i-- > 0 && !facts->resources.known;)
        if (strcmp(history->run[i].run, facts->run) == 0) facts->resources = history->run[i].resources;
}

/* The history as it was before the run: its own lines, and those of later runs, are at the end. */
static void cut_history(struct ec_history *history, uint64_t seq) {
    size_t runs = 0, points = 0;
    while (runs < history->run_count && history->run[runs].seq < seq) runs++;
    while (points < history->point_count && history->point[points].run < runs) points++;
    history->run_count = runs;
    history->point_count = points;
}

enum ec_status ec_page_facts_write(const struct ec_page_facts_options *o, struct ec_buf *out, struct ec_err *err) {
    char path[EC_PATH_MAX];
    struct ec_history history;
    EC_TRY(ec_project_path(path, o->config->dir, EC_DIR_QUALITY, "history.jsonl", err));
    EC_TRY(ec_history_read(path, &history, err));
    find_resources(&history, o->facts);
    cut_history(&history, o->facts->seq);
    struct ec_page_data data = {.config = o->config, .language = language(), .run = o->facts, .history = &history};
    enum ec_status status = ec_page_data_write(&data, out, err);
    ec_history_deinit(&history);
    return status;
}
