#include "store/gather.h"

#include "base/column_type.h"
#include "base/io.h"
#include "store/growing.h"
#include "store/parquet_read.h"

/* Past so many values a dictionary is of no use to the encoder: the column begins a new one. */
#define DICTIONARY_MAX ((uint32_t)1 << 16)
#define TEXT_BYTES_MAX ((size_t)EC_GIB)

struct column {
    struct ec_parquet_column spec;
    size_t width;
    struct ec_parquet_chunk chunk; /* open: of `file` and `group` */
    size_t file, group;            /* SIZE_MAX: none is open */
    struct ec_growing growing;
    uint32_t *remap; /* the chunk's code to the dictionary's, plus one; 0: not asked yet */
    size_t remap_cap;
    uint64_t *valid;
    uint32_t *code;
    void *values;         /* NULL until a row has no code: most columns of a lookup table have one everywhere */
    size_t values_cap;    /* in rows */
    struct ec_arena text; /* of the rows of this call */
    bool coded;           /* so far, in this call */
    bool nulls;
    struct ec_gathered out;
};

struct source {
    struct ec_parquet_file *file; /* opened when first needed */
    size_t *place;                /* of each wanted column; SIZE_MAX: it lacks it */
};

/* Rows [first, first + n) of the call lie in one row group. */
struct segment {
    size_t file, group, first, n;
};

struct ec_gather {
    struct ec_gather_options options;
    struct source *source;
    struct column *column;
    uint32_t *row; /* of the call, within their groups */
    size_t cap;    /* rows that the arrays hold */
    struct segment *segment; /* of the call */
    size_t segment_count, segment_cap;
    struct ec_arena arena;
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory to fetch rows of a table"); }

enum ec_status ec_gather_open(const struct ec_gather_options *options, struct ec_gather **out, struct ec_err *err) {
    *out = NULL;
    struct ec_gather *g = ec_calloc(1, sizeof *g);
    if (!g) return no_memory(err);
    g->options = *options;
    ec_arena_init(&g->arena, TEXT_BYTES_MAX);
    g->source = ec_arena_calloc(&g->arena, options->files, sizeof *g->source);
    g->column = ec_arena_calloc(&g->arena, options->columns, sizeof *g->column);
    if (!g->source || !g->column) {
        g->options.files = g->options.columns = 0;
        ec_gather_close(g);
        return no_memory(err);
    }
    for (size_t i = 0; i < options->columns; i++) {
        struct column *c = &g->column[i];
        c->spec = options->column[i];
        c->width = ec_type_width(c->spec.type.type);
        c->file = c->group = SIZE_MAX;
        ec_growing_init(&c->growing, c->spec.type.type);
        ec_arena_init(&c->text, TEXT_BYTES_MAX);
    }
    *out = g;
    return EC_OK;
}

void ec_gather_close(struct ec_gather *g) {
    if (!g) return;
    for (size_t i = 0; i < g->options.columns; i++) {
        struct column *c = &g->column[i];
        ec_parquet_chunk_deinit(&c->chunk);
        ec_growing_deinit(&c->growing);
        ec_arena_deinit(&c->text);
        ec_free(c->remap);
        ec_free(c->valid);
        ec_free(c->code);
        ec_free(c->values);
    }
    for (size_t i = 0; i < g->options.files; i++) ec_parquet_close(g->source[i].file);
    ec_free(g->row);
    ec_free(g->segment);
    ec_arena_deinit(&g->arena);
    ec_free(g);
}

const struct ec_gathered *ec_gather_column(const struct ec_gather *g, size_t column) { return &g->column[column].out; }

/* ---- files ---- */

static enum ec_status open_source(struct ec_gather *g, size_t index, struct ec_err *err) {
    struct source *s = &g->source[index];
    if (s->file) return EC_OK;
    s->place = ec_arena_calloc(&g->arena, g->options.columns, sizeof *s->place);
    if (!s->place) return no_memory(err);
    EC_TRY(ec_parquet_open(g->options.path[index], &s->file, err));
    for (size_t i = 0; i < g->options.columns; i++) {
        const struct ec_parquet_column *want = &g->column[i].spec;
        s->place[i] = ec_parquet_find(s->file, want->name);
        if (s->place[i] == SIZE_MAX) continue;
        if (!ec_column_type_same(ec_parquet_file_column(s->file, s->place[i])->type, want->type))
            return ec_fail(err, EC_TABLE_FORMAT, "the column %s of %s is not %s", want->name, g->options.path[index],
                           ec_type_name(want->type.type));
    }
    return EC_OK;
}

/* ---- room ---- */

static bool reserve(void *array, size_t n, size_t width) {
    void **p = array;
    void *more = ec_realloc_array(*p, n, width);
    if (more) *p = more;
    return more != NULL;
}

static enum ec_status reserve_rows(struct ec_gather *g, size_t n, struct ec_err *err) {
    if (n <= g->cap) return EC_OK;
    size_t cap = (n + 1023) / 1024 * 1024;
    bool done = reserve(&g->row, cap, sizeof *g->row);
    for (size_t i = 0; i < g->options.columns && done; i++) {
        struct column *c = &g->column[i];
        done = reserve(&c->valid, cap / 64, sizeof *c->valid) && reserve(&c->code, cap, sizeof *c->code);
    }
    if (!done) return no_memory(err);
    g->cap = cap;
    return EC_OK;
}

static enum ec_status reserve_values(const struct ec_gather *g, struct column *c, struct ec_err *err) {
    if (c->values_cap >= g->cap) return EC_OK;
    if (!reserve(&c->values, g->cap, c->width)) return no_memory(err);
    c->values_cap = g->cap;
    return EC_OK;
}

/* ---- a column of a segment ---- */

static enum ec_status open_chunk(struct ec_gather *g, struct column *c, const struct segment *s, size_t place, struct ec_err *err) {
    if (c->file == s->file && c->group == s->group) return EC_OK;
    c->file = c->group = SIZE_MAX;
    EC_TRY(ec_parquet_chunk_open(&c->chunk, g->source[s->file].file, s->group, place, err));
    if (c->chunk.dictionary_count > c->remap_cap) {
        if (!reserve(&c->remap, c->chunk.dictionary_count, sizeof *c->remap)) return no_memory(err);
        c->remap_cap = c->chunk.dictionary_count;
    }
    if (c->chunk.dictionary_count) memset(c->remap, 0, c->chunk.dictionary_count * sizeof *c->remap);
    c->file = s->file;
    c->group = s->group;
    return EC_OK;
}

static enum ec_status ask(struct column *c, uint32_t from, uint32_t *code, struct ec_err *err) {
    EC_TRY(ec_growing_code(&c->growing, (const char *)c->chunk.dictionary + from * c->width, code, err));
    c->remap[from] = *code + 1;
    return EC_OK;
}

/* From the chunk's codes to the dictionary's. A null's code is 0, which is one like others, but for a chunk of nulls
 * alone. */
static enum ec_status map_codes(struct column *c, uint32_t *code, size_t n, struct ec_err *err) {
    const uint32_t *remap = c->remap;
    if (c->chunk.dictionary_count == 0) return EC_OK;
    for (size_t i = 0; i < n; i++) {
        uint32_t known = remap[code[i]];
        if (known) code[i] = known - 1;
        else EC_TRY(ask(c, code[i], &code[i], err));
    }
    return EC_OK;
}

/* The values of rows [first, end), which have codes. A null's value does not matter, but must be one. */
static void decode(struct column *c, size_t first, size_t end) {
    const char *values = c->growing.values;
    char *to = (char *)c->values + first * c->width;
    for (size_t i = first; i < end; i++, to += c->width) {
        if (ec_bit(c->valid, i)) memcpy(to, values + c->code[i] * c->width, c->width);
        else memset(to, 0, c->width);
    }
}

static enum ec_status take_segment(struct ec_gather *g, struct column *c, size_t place, const struct segment *s, struct ec_err *err) {
    struct ec_parquet_rows out = {.valid = c->valid, .code = c->code, .first = s->first, .arena = &c->text};
    EC_TRY(open_chunk(g, c, s, place, err));
    if (!c->coded || c->chunk.coded_rows < c->chunk.rows) EC_TRY(reserve_values(g, c, err));
    out.values = c->values;
    EC_TRY(ec_parquet_chunk_rows(&c->chunk, g->row + s->first, s->n, &out, err));
    EC_TRY(map_codes(c, c->code + s->first, out.coded, err));
    c->nulls = c->nulls || out.nulls > 0;
    if (c->coded && out.coded == s->n) return EC_OK;
    if (c->coded) decode(c, 0, s->first); /* from here on this call's rows are values */
    c->coded = false;
    decode(c, s->first, s->first + out.coded);
    return EC_OK;
}

/* Rows of a file that lacks the column. */
static void take_nulls(struct column *c, const struct segment *s) {
    c->nulls = true;
    for (size_t i = s->first; i < s->first + s->n; i++) ec_bit_clear(c->valid, i);
    memset(c->code + s->first, 0, s->n * sizeof *c->code);
    if (!c->coded) memset((char *)c->values + s->first * c->width, 0, s->n * c->width);
}

static enum ec_status take_column(struct ec_gather *g, size_t index, struct ec_err *err) {
    struct column *c = &g->column[index];
    if (c->growing.dictionary.count > DICTIONARY_MAX) {
        ec_growing_reset(&c->growing);
        c->file = SIZE_MAX; /* its codes are mapped anew */
    }
    ec_arena_reset(&c->text);
    c->coded = true;
    c->nulls = false;
    for (size_t i = 0; i < g->segment_count; i++) {
        const struct segment *s = &g->segment[i];
        size_t place = g->source[s->file].place[index];
        if (place == SIZE_MAX) take_nulls(c, s);
        else EC_TRY(take_segment(g, c, place, s, err));
    }
    c->out = (struct ec_gathered){.valid = c->nulls ? c->valid : NULL};
    if (c->coded) c->out.dictionary = &c->growing.dictionary, c->out.code = c->code;
    else c->out.values = c->values;
    return EC_OK;
}

/* ---- segments ---- */

static enum ec_status find_group(const struct ec_gather *g, size_t file, uint32_t row, size_t *group, struct ec_err *err) {
    const struct ec_parquet_file *f = g->source[file].file;
    size_t low = 0, high = ec_parquet_groups(f);
    if (row >= ec_parquet_rows(f))
        return ec_fail(err, EC_TABLE_FORMAT, "%s has no row %u", g->options.path[file], row);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (ec_parquet_group_first(f, middle) <= row) low = middle;
        else high = middle;
    }
    *group = low;
    return EC_OK;
}

static enum ec_status add_segment(struct ec_gather *g, struct segment s, struct ec_err *err) {
    if (g->segment_count == g->segment_cap) {
        size_t cap = g->segment_cap ? g->segment_cap * 2 : 64;
        if (!reserve(&g->segment, cap, sizeof s)) return no_memory(err);
        g->segment_cap = cap;
    }
    g->segment[g->segment_count++] = s;
    return EC_OK;
}

/* Cuts the rows where a row group ends. */
static enum ec_status cut(struct ec_gather *g, const uint64_t *rows, size_t n, struct ec_err *err) {
    g->segment_count = 0;
    for (size_t i = 0; i < n;) {
        struct segment s = {.file = (size_t)(rows[i] >> 32), .first = i};
        if (s.file >= g->options.files) return ec_fail(err, EC_TABLE_FORMAT, "a row of file %zu of %zu", s.file, g->options.files);
        EC_TRY(open_source(g, s.file, err));
        EC_TRY(find_group(g, s.file, (uint32_t)rows[i], &s.group, err));
        uint64_t base = ((uint64_t)s.file << 32) + ec_parquet_group_first(g->source[s.file].file, s.group);
        uint64_t end = base + ec_parquet_group_rows(g->source[s.file].file, s.group);
        for (; i < n && rows[i] < end; i++) g->row[i] = (uint32_t)(rows[i] - base);
        s.n = i - s.first;
        EC_TRY(add_segment(g, s, err));
    }
    return EC_OK;
}

/* Gives back what reading the column holds; its rows stay. */
static void rest(struct column *c) {
    ec_parquet_chunk_deinit(&c->chunk);
    c->chunk = (struct ec_parquet_chunk){0};
    c->file = c->group = SIZE_MAX;
}

static enum ec_status gather(struct ec_gather *g, const uint64_t *rows, size_t n, bool once, struct ec_err *err) {
    EC_TRY(reserve_rows(g, n ? n : 1, err));
    EC_TRY(cut(g, rows, n, err));
    for (size_t i = 0; i < g->options.columns; i++) {
        EC_TRY(take_column(g, i, err));
        if (once) rest(&g->column[i]);
    }
    return EC_OK;
}

enum ec_status ec_gather_rows(struct ec_gather *g, const uint64_t *rows, size_t n, struct ec_err *err) {
    return gather(g, rows, n, false, err);
}

enum ec_status ec_gather_once(struct ec_gather *g, const uint64_t *rows, size_t n, struct ec_err *err) {
    return gather(g, rows, n, true, err);
}

size_t ec_gather_memory(const struct ec_gather *g) {
    size_t bytes = g->cap * sizeof *g->row;
    for (size_t i = 0; i < g->options.columns; i++) {
        const struct column *c = &g->column[i];
        bytes += ec_parquet_chunk_memory(&c->chunk) + c->remap_cap * sizeof *c->remap + c->text.used;
        bytes += g->cap / 8 + g->cap * sizeof *c->code + c->values_cap * c->width;
        bytes += c->growing.cap * (c->growing.width + 2 * sizeof *c->growing.slot) + c->growing.text.used;
    }
    return bytes;
}
