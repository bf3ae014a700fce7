#include "run/progress.h"

#include "base/calendar.h"
#include "base/inert.h"
#include "base/io.h"
#include "base/log.h"
#include "base/terminal.h"
#include "base/width.h"

#include <unistd.h>

#define BAR_WIDTH 24u
#define BAR_SMALL 10u
#define COLUMNS_FOR_BARS 60u /* narrower, a line of figures has to do */
#define LINES_LEFT 8u        /* of the screen, for what was there before */
#define LINES_MAX 32u
#define NAME_WIDTH 20u
#define DRAW_EVERY_US (100 * 1000)

struct source_progress {
    const char *name;
    uint64_t bytes, bytes_done, decoded;
    int64_t first_us, done_us; /* when its first bytes were read, and its last; 0: not yet */
};

struct ec_progress {
    struct source_progress *source;
    size_t count, with_bytes;
    uint64_t bytes, bytes_done, decoded, rows;
    int64_t start_us, drawn_us, read_us; /* read_us: when the last file was read; 0 before */
    const char *stage;
    size_t width[LINES_MAX]; /* of the lines that stand there */
    size_t lines;
    double counted; /* the share of tasks that are done, where nothing else is known */
};

static struct ec_progress *active; /* for the log's hook */

/* To the first line of what was drawn, all of it erased. A terminal that became narrower has broken its lines. */
static void add_clear(struct ec_progress *p, struct ec_buf *out) {
    unsigned columns = ec_terminal_screen(STDERR_FILENO).columns;
    size_t rows = 0;
    if (p->lines == 0) return;
    for (size_t i = 0; i < p->lines; i++) rows += p->width[i] > columns ? (p->width[i] + columns - 1) / columns : 1;
    ec_buf_addc(out, '\r');
    if (rows > 1) ec_buf_printf(out, "\033[%zuA", rows - 1);
    ec_buf_addz(out, "\033[J");
    p->lines = 0;
}

static void clear(struct ec_progress *p) {
    struct ec_buf out = ec_buf_make(256);
    add_clear(p, &out);
    /* A terminal that is gone is told nothing more. */
    if (out.n && !out.failed && ec_io.write(STDERR_FILENO, out.p, out.n) < 0) p->drawn_us = INT64_MAX;
    ec_buf_free(&out);
}

static void around_log(bool before) {
    if (!active) return;
    if (before) {
        clear(active);
    } else if (active->drawn_us != INT64_MAX) {
        active->drawn_us = 0;
        ec_progress_draw(active);
    }
}

static uint64_t unit_bytes(const struct ec_plan_unit *unit) { return unit->input->bytes; }

struct ec_progress *ec_progress_create(const struct ec_plan *plan, const struct ec_config *config, bool enabled) {
    if (!enabled || !ec_terminal_moves(STDERR_FILENO)) return NULL;
    struct ec_progress *p = ec_calloc(1, sizeof *p);
    if (p) p->source = ec_calloc(config->source_count, sizeof *p->source);
    if (!p || !p->source) {
        ec_free(p);
        return NULL;
    }
    p->count = config->source_count;
    p->start_us = ec_monotonic_micros();
    p->stage = N_("reading");
    for (size_t i = 0; i < p->count; i++) p->source[i].name = config->source[i].name;
    for (size_t u = 0; u < plan->unit_count; u++) {
        const struct ec_plan_unit *unit = &plan->unit[u];
        if (unit->task_count == 0) continue;
        p->source[unit->input->source - config->source].bytes += unit_bytes(unit);
        p->bytes += unit_bytes(unit);
    }
    for (size_t i = 0; i < p->count; i++) p->with_bytes += p->source[i].bytes > 0;
    active = p;
    ec_log_hook(around_log);
    return p;
}

static void count_source(struct ec_progress *p, struct source_progress *s, const struct ec_task *task,
                         const struct ec_task_result *result, int64_t now) {
    uint64_t bytes = task->range_end ? task->range_end - task->range_start : result->facts.bytes_in;
    /* A file that is read twice, for duplicates, is counted once. */
    if (bytes > s->bytes - s->bytes_done) bytes = s->bytes - s->bytes_done;
    /* A source begins with its first task, which took as long as the worker says. */
    if (!s->first_us) s->first_us = now - result->facts.elapsed_us;
    if (s->first_us < p->start_us) s->first_us = p->start_us;
    s->bytes_done += bytes;
    p->bytes_done += bytes;
    if (!result->kept) s->decoded += result->facts.bytes_decoded;
    if (s->bytes_done == s->bytes && !s->done_us) s->done_us = now;
}

void ec_progress_task(struct ec_progress *p, const struct ec_task *task, const struct ec_task_result *result) {
    if (!p) return;
    int64_t now = ec_monotonic_micros();
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->source[i].name, task->source) == 0) count_source(p, &p->source[i], task, result, now);
    if (result->kept) return; /* what it was made of has been counted */
    p->rows += result->facts.read;
    p->decoded += result->facts.bytes_decoded;
    if (p->bytes_done == p->bytes) p->read_us = now;
    ec_progress_draw(p);
}

void ec_progress_count(struct ec_progress *p, uint64_t done, uint64_t of) {
    if (!p || of == 0) return;
    p->counted = (double)done / (double)of;
    ec_progress_draw(p);
}

void ec_progress_stage(struct ec_progress *p, const char *what) {
    if (!p) return;
    p->stage = what;
    /* All has been read by then: of a file that could not be read to its end the bytes are not counted. */
    if (!p->read_us) p->read_us = ec_monotonic_micros();
    p->bytes_done = p->bytes;
    if (p->drawn_us != INT64_MAX) p->drawn_us = 0;
    ec_progress_draw(p);
}

static void add_bar(struct ec_buf *line, double share, unsigned width) {
    unsigned filled = (unsigned)(share * width);
    for (unsigned i = 0; i < width; i++) ec_buf_addz(line, i < filled ? "█" : "·");
}

/* "1:05 left", "12 s left" */
static void add_left(struct ec_buf *line, double seconds) {
    if (seconds < 100)
        ec_buf_printf(line, _("  %.0f s left"), seconds);
    else if (seconds < 360000)
        ec_buf_printf(line, _("  %d:%02d min left"), (int)(seconds / 60), (int)seconds % 60);
}

static void add_rate(struct ec_buf *line, uint64_t decoded, double seconds, double share) {
    if (seconds > 0.3) ec_buf_printf(line, _("  %.0f MB/s"), (double)decoded / 1e6 / seconds);
    if (share > 0.02 && share < 1) add_left(line, seconds * (1 - share) / share);
}

static void add_name(struct ec_buf *line, const char *name, size_t width) {
    struct ec_buf shown = ec_buf_make(4096);
    ec_inert_add(&shown, name, strlen(name));
    size_t n = shown.n ? ec_width_prefix(shown.p, shown.n, width) : 0, used = n ? ec_width(shown.p, n) : 0;
    ec_buf_add(line, shown.p, n);
    for (; used < width; used++) ec_buf_addc(line, ' ');
    ec_buf_free(&shown);
}

static double share_of(uint64_t done, uint64_t all) { return all ? (double)done / (double)all : 1; }

static void compose_all(const struct ec_progress *p, int64_t now, bool bar, struct ec_buf *line) {
    double seconds = (double)((p->read_us ? p->read_us : now) - p->start_us) / 1e6;
    double share = share_of(p->bytes_done, p->bytes);
    if (p->counted > share && p->counted <= 1) share = p->counted;
    if (bar) {
        ec_buf_addc(line, '[');
        add_bar(line, share, BAR_WIDTH);
        ec_buf_addz(line, "] ");
    }
    ec_buf_printf(line, _("%3u%% %s"), (unsigned)(100 * share), _(p->stage));
    add_rate(line, p->decoded, seconds, share);
}

static void compose_source(const struct source_progress *s, int64_t now, struct ec_buf *line) {
    double share = share_of(s->bytes_done, s->bytes);
    double seconds = s->first_us ? (double)((s->done_us ? s->done_us : now) - s->first_us) / 1e6 : 0;
    ec_buf_addz(line, " ");
    add_name(line, s->name, NAME_WIDTH);
    ec_buf_addc(line, ' ');
    add_bar(line, share, BAR_SMALL);
    ec_buf_printf(line, " %3u%%", (unsigned)(100 * share));
    if (s->first_us) add_rate(line, s->decoded, seconds, share);
}

/* Where there is room for one line only. */
static void add_sources(const struct ec_progress *p, struct ec_buf *line) {
    for (size_t i = 0; i < p->count; i++) {
        const struct source_progress *s = &p->source[i];
        if (s->bytes == 0) continue;
        ec_buf_addz(line, "  ");
        ec_inert_add(line, s->name, strlen(s->name));
        ec_buf_printf(line, " %u%%", (unsigned)(100 * share_of(s->bytes_done, s->bytes)));
    }
}

/* Never in the last column: there a terminal may break the line. */
static void take_line(struct ec_progress *p, struct ec_buf *out, struct ec_buf *line, unsigned columns) {
    size_t n = line->n ? ec_width_prefix(line->p, line->n, columns - 1) : 0;
    if (p->lines > 0) ec_buf_addz(out, "\r\n");
    ec_buf_add(out, line->p, n);
    p->width[p->lines++] = n ? ec_width(line->p, n) : 0;
    ec_buf_clear(line);
}

static void compose(struct ec_progress *p, int64_t now, struct ec_buf *out) {
    struct ec_screen screen = ec_terminal_screen(STDERR_FILENO);
    struct ec_buf line = ec_buf_make(8192);
    if (screen.columns < 2) screen.columns = 2;
    bool wide = screen.columns >= COLUMNS_FOR_BARS;
    bool apart = wide && p->with_bytes > 1 && p->with_bytes < LINES_MAX && p->with_bytes + LINES_LEFT <= screen.lines && !p->read_us;
    compose_all(p, now, wide, &line);
    if (!apart && !p->read_us) add_sources(p, &line);
    take_line(p, out, &line, screen.columns);
    for (size_t i = 0; apart && i < p->count; i++) {
        if (p->source[i].bytes == 0) continue;
        compose_source(&p->source[i], now, &line);
        take_line(p, out, &line, screen.columns);
    }
    if (line.failed) out->failed = true;
    ec_buf_free(&line);
}

void ec_progress_draw(struct ec_progress *p) {
    if (!p || p->drawn_us == INT64_MAX) return;
    int64_t now = ec_monotonic_micros();
    if (p->drawn_us && now - p->drawn_us < DRAW_EVERY_US) return;
    struct ec_buf out = ec_buf_make(64 * EC_KIB);
    p->drawn_us = now;
    add_clear(p, &out);
    compose(p, now, &out);
    if (out.failed || ec_io.write(STDERR_FILENO, out.p, out.n) < 0) p->drawn_us = INT64_MAX;
    ec_buf_free(&out);
}

void ec_progress_destroy(struct ec_progress *p) {
    if (!p) return;
    clear(p);
    ec_log_hook(NULL);
    active = NULL;
    ec_free(p->source);
    ec_free(p);
}
