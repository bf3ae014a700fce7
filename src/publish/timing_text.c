#include "publish/timing_text.h"

#include "base/utf8.h"
#include "base/io.h"
#include "publish/visible.h"

/* The units of a source together. */
struct source_time {
    const char *name;
    uint64_t files, rows, bytes, bytes_decoded;
    int64_t wall_ns; /* of the workers, the repeated readings included */
    int64_t cpu_ns;
    struct ec_work_time time;
};

static int64_t sum_of_parts(const struct ec_work_time *time) {
    int64_t sum = time->again_ns;
    for (int i = 0; i < EC_WORK_PARTS; i++) sum += time->part_ns[i];
    return sum;
}

static void add_unit(struct source_time *list, size_t *count, const struct ec_unit *unit) {
    size_t i = 0;
    while (i < *count && strcmp(list[i].name, unit->source_name) != 0) i++;
    if (i == *count) list[(*count)++] = (struct source_time){.name = unit->source_name};
    struct source_time *s = &list[i];
    s->files++;
    s->rows += unit->facts.read;
    s->bytes += unit->bytes;
    /* Of a workbook only the size stored is known. */
    s->bytes_decoded += unit->facts.bytes_decoded ? unit->facts.bytes_decoded : unit->bytes;
    ec_work_time_add(&s->time, &unit->facts.time);
    s->wall_ns = sum_of_parts(&s->time);
    s->cpu_ns = s->time.cpu_ns + s->time.again_cpu_ns;
}

/* As many as there are sources among the units; freed by the caller. */
static enum ec_status collect(const struct ec_run_facts *run, struct source_time **list, size_t *count,
                              struct ec_err *err) {
    *count = 0;
    *list = ec_calloc(run->unit_count, sizeof **list);
    if (!*list) return ec_fail(err, EC_NO_MEMORY, "no memory for the timing of %zu files", run->unit_count);
    for (size_t i = 0; i < run->unit_count; i++)
        if (ec_unit_known(&run->unit[i])) add_unit(*list, count, &run->unit[i]);
    return EC_OK;
}

/* A model's stage bears its table's name. */
static uint64_t rows_of(const struct ec_timing *timing, const struct ec_timing_stage *stage,
                        const struct ec_run_facts *run) {
    if (stage->rows > 0 || stage->parent == SIZE_MAX || strcmp(timing->stage[stage->parent].name, "models") != 0)
        return stage->rows;
    for (size_t i = 0; i < run->table_count; i++)
        if (strcmp(run->table[i].name, stage->name) == 0) return run->table[i].rows;
    return 0;
}

static double per_second(double amount, int64_t ns) {
    return ns > 0 ? amount * 1e9 / (double)ns : 0;
}

/* ---- text ---- */

/* Pads on the left: figures stand below each other. */
static void add_right(struct ec_buf *out, const char *text, size_t width) {
    for (size_t n = ec_utf8_length(text, strlen(text)); n < width; n++) ec_buf_addc(out, ' ');
    ec_buf_addz(out, text);
}

static void add_left(struct ec_buf *out, const char *text, size_t indent, size_t width) {
    size_t n = indent + ec_utf8_length(text, strlen(text));
    for (size_t i = 0; i < indent; i++) ec_buf_addc(out, ' ');
    ec_visible_add(out, ec_str_of(text));
    for (; n < width; n++) ec_buf_addc(out, ' ');
}

static void add_seconds(struct ec_buf *out, int64_t ns, size_t width) {
    char text[32], figure[64];
    (void)snprintf(text, sizeof text, "%lld.%03lld", (long long)(ns / 1000000000), (long long)(ns / 1000000 % 1000));
    add_right(out, ns > 0 ? ec_language_figure(text, figure, sizeof figure) : "", width);
}

static void add_count(struct ec_buf *out, uint64_t n, size_t width) {
    struct ec_buf text = ec_buf_make(64);
    ec_count_add(&text, n);
    add_right(out, n > 0 && text.p ? text.p : "", width);
    ec_buf_free(&text);
}

static void add_tenths(struct ec_buf *out, double value, size_t width) {
    char text[64], figure[80];
    unsigned long long tenths = (unsigned long long)(value * 10 + 0.5);
    (void)snprintf(text, sizeof text, "%llu.%llu", tenths / 10, tenths % 10);
    add_right(out, tenths > 0 ? ec_language_figure(text, figure, sizeof figure) : "", width);
}

/* Blanks at a line's end say nothing. */
static void end_line(struct ec_buf *out) {
    while (out->n > 0 && out->p[out->n - 1] == ' ') out->n--;
    ec_buf_addc(out, '\n');
}

static void add_spent(struct ec_buf *out, const struct ec_time_spent *s) {
    add_seconds(out, s->wall_ns, 9);
    add_seconds(out, s->cpu_ns, 10);
    add_seconds(out, s->child_cpu_ns, 11);
    add_seconds(out, s->sync_ns, 9);
    add_count(out, s->syncs, 7);
}

static void add_stages(struct ec_buf *out, const struct ec_timing *timing, const struct ec_run_facts *run) {
    struct ec_time_spent whole = ec_timing_whole(timing), rest = ec_timing_rest(timing, &whole);
    ec_buf_addz(out, _("stage                         wall s  driver s  workers s   disk s  syncs        rows"
                     "        MB     MB/s\n"));
    for (size_t i = 0; i < timing->count; i++) {
        const struct ec_timing_stage *stage = &timing->stage[i];
        /* A model is called as its table is. */
        bool model = stage->parent != SIZE_MAX && strcmp(timing->stage[stage->parent].name, "models") == 0;
        add_left(out, model ? stage->name : _(stage->name), 2u * stage->depth, 27);
        add_spent(out, &stage->spent);
        add_count(out, rows_of(timing, stage, run), 12);
        add_tenths(out, (double)stage->bytes / 1e6, 10);
        add_tenths(out, per_second((double)stage->bytes / 1e6, stage->spent.wall_ns), 9);
        end_line(out);
    }
    add_left(out, _("other"), 0, 27);
    add_spent(out, &rest);
    end_line(out);
    add_left(out, _("in all"), 0, 27);
    add_spent(out, &whole);
    end_line(out);
}

static size_t part_width(int part) {
    const char *name = _(ec_work_part_name((enum ec_work_part)part));
    size_t n = ec_utf8_length(name, strlen(name)) + 2;
    return n < 9 ? 9 : n;
}

static void add_source(struct ec_buf *out, const struct source_time *s) {
    add_left(out, s->name, 0, 16);
    add_count(out, s->files, 7);
    add_count(out, s->rows, 12);
    add_tenths(out, (double)s->bytes_decoded / 1e6, 10);
    add_seconds(out, s->wall_ns, 10);
    add_seconds(out, s->cpu_ns, 9);
    add_tenths(out, per_second((double)s->bytes_decoded / 1e6, s->wall_ns), 9);
    add_count(out, (uint64_t)per_second((double)s->rows, s->wall_ns), 11);
    add_count(out, s->rows ? (uint64_t)s->wall_ns / s->rows : 0, 12);
    for (int i = 0; i < EC_WORK_PARTS; i++) add_seconds(out, s->time.part_ns[i], part_width(i));
    add_seconds(out, s->time.again_ns, 9);
    end_line(out);
}

static void add_sources(struct ec_buf *out, const struct source_time *list, size_t count) {
    if (count == 0) return;
    ec_buf_addz(out, _("\nsource            files        rows        MB  worker s    CPU s     MB/s     rows/s      ns/row"));
    for (int i = 0; i < EC_WORK_PARTS; i++) add_right(out, _(ec_work_part_name((enum ec_work_part)i)), part_width(i));
    ec_buf_addz(out, _("    again\n"));
    for (size_t i = 0; i < count; i++) add_source(out, &list[i]);
}

enum ec_status ec_timing_text(const struct ec_timing *timing, const struct ec_run_facts *run, struct ec_buf *out,
                              struct ec_err *err) {
    struct source_time *list;
    size_t count;
    EC_TRY(collect(run, &list, &count, err));
    ec_buf_addc(out, '\n');
    add_stages(out, timing, run);
    add_sources(out, list, count);
    ec_free(list);
    return ec_buf_check(out, err);
}

/* ---- JSON ---- */

static void write_seconds(struct ec_json_writer *w, const char *key, int64_t ns) {
    ec_json_fixed(w, key, (double)ns / 1e9, 6);
}

static void write_spent(struct ec_json_writer *w, const struct ec_time_spent *s) {
    write_seconds(w, "seconds", s->wall_ns);
    write_seconds(w, "driver_cpu_seconds", s->cpu_ns);
    write_seconds(w, "workers_cpu_seconds", s->child_cpu_ns);
    write_seconds(w, "sync_seconds", s->sync_ns);
    ec_json_uint(w, "syncs", s->syncs);
}

static void write_stages(struct ec_json_writer *w, const struct ec_timing *timing, const struct ec_run_facts *run) {
    ec_json_array(w, "stages");
    for (size_t i = 0; i < timing->count; i++) {
        const struct ec_timing_stage *stage = &timing->stage[i];
        ec_json_object(w, NULL);
        ec_json_str(w, "stage", stage->name);
        ec_json_str(w, "within", stage->parent == SIZE_MAX ? NULL : timing->stage[stage->parent].name);
        write_spent(w, &stage->spent);
        ec_json_uint(w, "rows", rows_of(timing, stage, run));
        ec_json_uint(w, "bytes", stage->bytes);
        ec_json_end(w);
    }
    ec_json_end_array(w);
}

static void write_source(struct ec_json_writer *w, const struct source_time *s) {
    ec_json_object(w, NULL);
    ec_json_str(w, "source", s->name);
    ec_json_uint(w, "files", s->files);
    ec_json_uint(w, "rows", s->rows);
    ec_json_uint(w, "bytes", s->bytes);
    ec_json_uint(w, "bytes_decoded", s->bytes_decoded);
    write_seconds(w, "worker_seconds", s->wall_ns);
    write_seconds(w, "cpu_seconds", s->cpu_ns);
    ec_json_fixed(w, "mb_per_second", per_second((double)s->bytes_decoded / 1e6, s->wall_ns), 1);
    ec_json_fixed(w, "rows_per_second", per_second((double)s->rows, s->wall_ns), 0);
    ec_json_fixed(w, "ns_per_row", s->rows ? (double)s->wall_ns / (double)s->rows : 0, 1);
    ec_json_object(w, "parts");
    for (int i = 0; i < EC_WORK_PARTS; i++)
        write_seconds(w, ec_work_part_name((enum ec_work_part)i), s->time.part_ns[i]);
    write_seconds(w, "again", s->time.again_ns);
    ec_json_end(w);
    ec_json_end(w);
}

enum ec_status ec_timing_json(const struct ec_timing *timing, const struct ec_run_facts *run, struct ec_json_writer *w,
                              struct ec_err *err) {
    struct source_time *list;
    size_t count;
    EC_TRY(collect(run, &list, &count, err));
    struct ec_time_spent whole = ec_timing_whole(timing);
    write_spent(w, &whole);
    write_stages(w, timing, run);
    ec_json_array(w, "sources");
    for (size_t i = 0; i < count; i++) write_source(w, &list[i]);
    ec_json_end_array(w);
    ec_free(list);
    return EC_OK;
}
