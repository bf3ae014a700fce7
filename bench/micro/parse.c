/* Numbers and times from the cells of the sessions: texts as they come, one function call each. */
#include "kit.h"

#include "base/calendar.h"
#include "read/cell.h"

#define CELLS_MAX 2000000u
#define COLUMNS   15u

static struct ec_str *cells;

/* The texts of one column; a quoted cell ends the row, as its commas would mislead. */
static size_t take(const struct kit_text *text, size_t column) {
    size_t count = 0, at = 0;
    const char *start = text->p, *end = text->p + text->n;
    for (const char *p = text->p; p < end && count < CELLS_MAX; p++) {
        if (*p != ',' && *p != '\n') continue;
        if (at == column && p > start && *start != '"') cells[count++] = (struct ec_str){start, (size_t)(p - start)};
        at = *p == '\n' ? 0 : at + 1;
        start = p + 1;
    }
    return count;
}

static bool parse_integer(const char *p, size_t n) {
    int64_t value;
    return ec_integer_parse(p, n, &value);
}
static bool parse_double(const char *p, size_t n) {
    double value;
    return ec_double_parse(p, n, &value);
}
static bool parse_boolean(const char *p, size_t n) {
    uint8_t value;
    return ec_boolean_parse(p, n, &value);
}
static bool parse_time(const char *p, size_t n) {
    int64_t value;
    return ec_datetime_parse(p, n, &value);
}

static void measure(const char *name, bool (*parse)(const char *, size_t), size_t count) {
    double best = 1e9;
    size_t good = 0;
    for (int turn = 0; turn < KIT_TURNS; turn++) {
        double start = kit_seconds();
        good = 0;
        for (size_t i = 0; i < count; i++) good += parse(cells[i].p, cells[i].n);
        double took = kit_seconds() - start;
        if (took < best) best = took;
    }
    if (good * 2 < count) exit(3); /* another column than was meant */
    kit_each(name, "value", (double)count, best);
}

int main(int argc, char **argv) {
    struct ec_config *config = kit_begin(argc, argv);
    struct kit_text text = kit_sessions();
    cells = calloc(CELLS_MAX, sizeof *cells);
    if (!cells) return 3;
    measure("parse integer (pages_visited)", parse_integer, take(&text, 4));
    measure("parse float (total_spent)", parse_double, take(&text, 8));
    measure("parse boolean (conversion)", parse_boolean, take(&text, 7));
    measure("parse datetime (start_time)", parse_time, take(&text, 2));
    free(cells);
    free(text.p);
    ec_config_destroy(config);
    return 0;
}
