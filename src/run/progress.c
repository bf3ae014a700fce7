#include "run/progress.h"

#include "base/calendar.h"
#include "base/io.h"
#include "base/log.h"

#include <unistd.h>

#define BAR_WIDTH 24u
#define DRAW_EVERY_US (100 * 1000)

struct source_progress {
    const char *name;
    uint64_t bytes, bytes_done;
};

struct ec_progress {
    struct source_progress *source;
    size_t count;
    uint64_t bytes, bytes_done, decoded, rows;
    int64_t start_us, drawn_us, read_us; /* read_us: when the last file was read; 0 before */
    const char *stage;
    double counted; /* the share of tasks that are done, where nothing else is known */
    bool shown;
};

static struct ec_progress *active; /* for the log's hook */

static void clear_line(struct ec_progress *p) {
    if (!p->shown) return;
    static const char clear[] = "\r\033[K";
    if (ec_io.write(STDERR_FILENO, clear, sizeof clear - 1) < 0) return;
    p->shown = false;
}

static void around_log(bool before) {
    if (!active) return;
    if (before) {
        clear_line(active);
    } else {
        active->drawn_us = 0;
        ec_progress_draw(active);
    }
}

static uint64_t unit_bytes(const struct ec_plan_unit *unit) { return unit->input->bytes; }

struct ec_progress *ec_progress_create(const struct ec_plan *plan, const struct ec_config *config, bool enabled) {
    if (!enabled || !isatty(STDERR_FILENO)) return NULL;
    struct ec_progress *p = ec_calloc(1, sizeof *p);
    if (p) p->source = ec_calloc(config->source_count, sizeof *p->source);
    if (!p || !p->source) {
        ec_free(p);
        return NULL;
    }
    p->count = config->source_count;
    p->start_us = ec_monotonic_micros();
    p->stage = "reading";
    for (size_t i = 0; i < p->count; i++) p->source[i].name = config->source[i].name;
    for (size_t u = 0; u < plan->unit_count; u++) {
        const struct ec_plan_unit *unit = &plan->unit[u];
        if (unit->task_count == 0) continue;
        p->source[unit->input->source - config->source].bytes += unit_bytes(unit);
        p->bytes += unit_bytes(unit);
    }
    active = p;
    ec_log_hook(around_log);
    return p;
}

void ec_progress_task(struct ec_progress *p, const struct ec_task *task, const struct ec_task_result *result) {
    if (!p) return;
    for (size_t i = 0; i < p->count; i++) {
        struct source_progress *s = &p->source[i];
        if (strcmp(s->name, task->source) != 0) continue;
        uint64_t bytes = task->range_end ? task->range_end - task->range_start : result->facts.bytes_in;
        /* A file that is read twice, for duplicates, is counted once. */
        if (bytes > s->bytes - s->bytes_done) bytes = s->bytes - s->bytes_done;
        s->bytes_done += bytes;
        p->bytes_done += bytes;
    }
    if (result->kept) return; /* what it was made of has been counted */
    p->rows += result->facts.read;
    p->decoded += result->facts.bytes_decoded;
    if (p->bytes_done == p->bytes) p->read_us = ec_monotonic_micros();
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
    p->drawn_us = 0;
    ec_progress_draw(p);
}

static void add_sources(const struct ec_progress *p, struct ec_buf *line) {
    for (size_t i = 0; i < p->count; i++) {
        const struct source_progress *s = &p->source[i];
        if (s->bytes == 0) continue;
        ec_buf_printf(line, " %s %u%%", s->name, (unsigned)(100 * s->bytes_done / s->bytes));
    }
}

static void compose(const struct ec_progress *p, int64_t now, struct ec_buf *line) {
    double elapsed = (double)((p->read_us ? p->read_us : now) - p->start_us) / 1e6;
    double share = p->bytes ? (double)p->bytes_done / (double)p->bytes : 1;
    if (p->counted > share && p->counted <= 1) share = p->counted;
    unsigned filled = (unsigned)(share * BAR_WIDTH);
    ec_buf_addz(line, "\r\033[K[");
    for (unsigned i = 0; i < BAR_WIDTH; i++) ec_buf_addz(line, i < filled ? "█" : "·");
    ec_buf_printf(line, "] %3u%% %s", (unsigned)(100 * share), p->stage);
    if (elapsed > 0.3) ec_buf_printf(line, "  %.0f MB/s", (double)p->decoded / 1e6 / elapsed);
    if (share > 0.02 && share < 1) ec_buf_printf(line, "  %.0f s left", elapsed * (1 - share) / share);
    add_sources(p, line);
}

void ec_progress_draw(struct ec_progress *p) {
    if (!p) return;
    int64_t now = ec_monotonic_micros();
    if (now - p->drawn_us < DRAW_EVERY_US) return;
    p->drawn_us = now;
    struct ec_buf line = ec_buf_make(4096);
    compose(p, now, &line);
    if (!line.failed && ec_io.write(STDERR_FILENO, line.p, line.n) > 0) p->shown = true;
    ec_buf_free(&line);
}

void ec_progress_destroy(struct ec_progress *p) {
    if (!p) return;
    clear_line(p);
    ec_log_hook(NULL);
    active = NULL;
    ec_free(p->source);
    ec_free(p);
}
