#include "run/wide_join.h"

#include "base/calendar.h"
#include "base/io.h"
#include "run/wide_index.h"

#define ARENA_MAX ((size_t)EC_GIB)
#define NO_DAY    INT32_MIN
#define AHEAD     ((size_t)16) /* rows whose slots are on their way from memory */
#define PIECE     ((size_t)4096) /* hashes of another job that are looked at at a time */

/* A row group of the first table whose rows are wanted. */
struct piece {
    size_t file;    /* its index among the table's */
    size_t group;   /* in the file */
    uint64_t first; /* its first row's number in the file */
    size_t rows;
    size_t at; /* its first row's number in the window */
};

/* A joined table's rows per row of the window: id[start[row]..start[row + 1] - 1], ascending. */
struct matches {
    uint32_t *start;
    uint64_t *id;
};

/* Matches as they are found. */
struct pairs {
    uint32_t *row;
    uint64_t *id;
    size_t count, cap;
};

struct wide_join {
    struct wide_join_input input;
    const struct ec_model_wide *plan;
    struct ec_arena arena;
    int32_t **day; /* per joined table and file: its partition's; NO_DAY */
    struct piece *piece; /* of the first table, in order */
    size_t pieces, piece_cap;
    size_t window_rows; /* that make a window full */
    /* The window under way: */
    size_t first_piece, end_piece;
    size_t rows;
    struct matches *matches; /* per joined table but the first */
    /* What comes next: */
    size_t row, at_piece;
    uint64_t product; /* rows of this row that came already */
};

static enum ec_status no_memory(struct ec_err *err) { return ec_fail(err, EC_NO_MEMORY, "no memory to join the tables of a wide model"); }

static const struct ec_model_files *files_of(const struct wide_join *j, size_t table) {
    return &j->input.files[j->plan->input[table]];
}

static enum ec_status check_stopped(const struct wide_join *j, struct ec_err *err) {
    if (!j->input.stopped || !j->input.stopped(j->input.context)) return EC_OK;
    return ec_fail(err, EC_INTERRUPTED, "interrupted; nothing of this run was committed");
}

/* ---- the first table ---- */

static enum ec_status find_days(struct wide_join *j, struct ec_err *err) {
    for (size_t t = 0; t < j->plan->table_count; t++) {
        const struct ec_model_files *files = files_of(j, t);
        j->day[t] = ec_arena_calloc(&j->arena, files->count, sizeof *j->day[t]);
        if (!j->day[t]) return no_memory(err);
        for (size_t f = 0; f < files->count; f++) {
            const char *value = files->file[f].partition;
            if (!value || !ec_date_parse(value, strlen(value), &j->day[t][f])) j->day[t][f] = NO_DAY;
        }
    }
    return EC_OK;
}

static enum ec_status add_piece(struct wide_join *j, struct piece piece, struct ec_err *err) {
    if (piece.rows > WIDE_GROUP_ROWS)
        return ec_fail(err, EC_TABLE_FORMAT, "more than %zu rows in a row group of the first table of a join", WIDE_GROUP_ROWS);
    if (j->pieces == j->piece_cap) {
        size_t cap = j->piece_cap ? j->piece_cap * 2 : 64;
        struct piece *more = ec_realloc_array(j->piece, cap, sizeof *more);
        if (!more) return no_memory(err);
        j->piece = more;
        j->piece_cap = cap;
    }
    j->piece[j->pieces++] = piece;
    return EC_OK;
}

/* Windows of about one size, so that the last one is not read past the other tables for a few rows. Small windows cost a
 * twentieth more time; where many rows are to be joined, the other tables and all that the run knows are large, too. */
static void size_windows(struct wide_join *j) {
    size_t rows = 0;
    for (size_t p = 0; p < j->pieces; p++) rows += j->piece[p].rows;
    size_t most = rows > 2 * WIDE_WINDOW_ROWS ? WIDE_WINDOW_MANY : WIDE_WINDOW_ROWS;
    size_t windows = (rows + most - 1) / most;
    j->window_rows = windows > 0 ? (rows + windows - 1) / windows : 1;
}

static enum ec_status list_pieces(struct wide_join *j, struct ec_err *err) {
    const struct ec_model_files *files = files_of(j, 0);
    bool all = j->input.touched->all || j->plan->partition_value == SIZE_MAX;
    enum ec_status status = EC_OK;
    for (size_t f = 0; f < files->count && status == EC_OK; f++) {
        struct ec_parquet_file *file;
        if (!all && !ec_partitions_have(j->input.touched, files->file[f].partition)) continue;
        EC_TRY(ec_parquet_open(files->file[f].path, &file, err));
        for (size_t g = 0; g < ec_parquet_groups(file) && status == EC_OK; g++)
            status = add_piece(j, (struct piece){f, g, ec_parquet_group_first(file, g), ec_parquet_group_rows(file, g), 0}, err);
        ec_parquet_close(file);
    }
    size_windows(j);
    return status;
}

/* The next row groups, up to the one that makes the window full. */
static void next_window(struct wide_join *j) {
    j->first_piece = j->end_piece;
    j->rows = j->row = 0;
    j->at_piece = j->first_piece;
    while (j->end_piece < j->pieces && j->rows < j->window_rows) {
        struct piece *piece = &j->piece[j->end_piece++];
        piece->at = j->rows;
        j->rows += piece->rows;
    }
}

static enum ec_status fill_index(struct wide_join *j, const struct ec_wide_join *join, struct wide_index *index, struct ec_err *err) {
    struct wide_keys keys;
    wide_keys_init(&keys, files_of(j, 0));
    for (; keys.columns < join->key_count; keys.columns++)
        keys.column[keys.columns] = (struct wide_key_column){join->key[keys.columns].first_name, join->key[keys.columns].type};
    enum ec_status status = wide_index_init(index, j->rows, &keys, err);
    for (size_t p = j->first_piece; p < j->end_piece && status == EC_OK; p++) {
        if (!keys.file || keys.file_index != j->piece[p].file) status = wide_keys_file(&keys, j->piece[p].file, err);
        if (status == EC_OK) status = check_stopped(j, err);
        if (status == EC_OK) status = wide_keys_group(&keys, j->piece[p].group, err);
        if (status == EC_OK) status = wide_index_add(index, &keys, err);
    }
    wide_keys_deinit(&keys);
    return status;
}

/* ---- matches ---- */

static enum ec_status grow(struct pairs *p, struct ec_err *err) {
    size_t cap = p->cap ? p->cap * 2 : (size_t)64 << 10;
    if (cap > WIDE_MATCHES) return ec_fail(err, EC_TABLE_FORMAT, "more than %zu rows of a joined table match", WIDE_MATCHES);
    uint32_t *row = ec_realloc_array(p->row, cap, sizeof *row);
    if (row) p->row = row;
    uint64_t *id = ec_realloc_array(p->id, cap, sizeof *id);
    if (id) p->id = id;
    if (!row || !id) return no_memory(err);
    p->cap = cap;
    return EC_OK;
}

/* The day of the window's row. */
static int32_t day_of(const struct wide_join *j, size_t row) {
    size_t low = j->first_piece, high = j->end_piece;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (j->piece[middle].at <= row) low = middle;
        else high = middle;
    }
    return j->day[0][j->piece[low].file];
}

static bool is_near(const struct ec_wide_join *join, int32_t day, int32_t first_day) {
    if (!join->near) return true;
    int64_t days = (int64_t)day - first_day;
    return day != NO_DAY && first_day != NO_DAY && days >= join->days_from && days <= join->days_to;
}

/* Whether a file of this day can match anything of the window. */
static bool is_wanted(const struct wide_join *j, const struct ec_wide_join *join, int32_t day) {
    for (size_t p = j->first_piece; p < j->end_piece; p++)
        if (is_near(join, day, j->day[0][j->piece[p].file])) return true;
    return false;
}

/* The rows of the group that match. */
static enum ec_status match_group(struct wide_join *j, const struct ec_wide_join *join, const struct wide_index *index,
                                  const struct wide_keys *keys, int32_t day, struct pairs *pairs, struct ec_err *err) {
    for (size_t i = 0; i < keys->rows; i++) {
        if (i + AHEAD < keys->rows) wide_index_prefetch(index, keys->hash[i + AHEAD]);
        if (!keys->present[i]) continue;
        uint32_t row = wide_index_find(index, keys->hash[i]);
        for (; row != WIDE_INDEX_END; row = index->next[row]) {
            if (!wide_index_equal(index, row, keys, i)) continue;
            if (join->near && !is_near(join, day, day_of(j, row))) continue;
            if (pairs->count == pairs->cap) EC_TRY(grow(pairs, err));
            pairs->row[pairs->count] = row;
            pairs->id[pairs->count++] = keys->first + i;
        }
    }
    return EC_OK;
}

/* ---- row groups of which an earlier job knows the hashes ---- */

static bool any_is_there(const struct wide_index *index, const uint64_t *hash, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) wide_index_prefetch(index, hash[i + AHEAD]);
        if (hash[i] != 0 && wide_index_find(index, hash[i]) != WIDE_INDEX_END) return true;
    }
    return false;
}

/* Whether the group's hashes were kept, and none of them is the index's. */
static bool is_ruled_out(const struct wide_join *j, const struct ec_wide_group *group, const struct wide_index *index) {
    uint64_t hash[PIECE];
    size_t first = 0, n = 0;
    if (!j->input.hashes) return false;
    for (; first < group->rows; first += n) {
        n = ec_wide_hashes_read(j->input.hashes, group, first, hash, PIECE);
        if (n == SIZE_MAX || any_is_there(index, hash, n)) return false;
    }
    return true;
}

/* A row whose hash is 0 could not be told from one that has none. */
static void keep_hashes(const struct wide_join *j, const struct ec_wide_group *group, const struct wide_keys *keys) {
    if (!j->input.hashes || ec_wide_hashes_have(j->input.hashes, group)) return;
    for (size_t i = 0; i < keys->rows; i++) {
        if (!keys->present[i]) keys->hash[i] = 0;
        else if (keys->hash[i] == 0) return;
    }
    ec_wide_hashes_keep(j->input.hashes, group, keys->hash);
}

static enum ec_status match_next_group(struct wide_join *j, size_t table, const struct wide_index *index, struct wide_keys *keys,
                                       size_t g, struct pairs *pairs, struct ec_err *err) {
    struct ec_wide_group group = {table, keys->files->file[keys->file_index].path, g, ec_parquet_group_rows(keys->file, g)};
    EC_TRY(check_stopped(j, err));
    if (is_ruled_out(j, &group, index)) return EC_OK;
    EC_TRY(wide_keys_group(keys, g, err));
    keep_hashes(j, &group, keys);
    return match_group(j, &j->plan->join[table], index, keys, j->day[table][keys->file_index], pairs, err);
}

/* `enough` matches end it early. */
static enum ec_status match_table(struct wide_join *j, size_t table, const struct wide_index *index, size_t enough, struct pairs *pairs,
                                  struct ec_err *err) {
    const struct ec_wide_join *join = &j->plan->join[table];
    const struct ec_model_files *files = files_of(j, table);
    struct wide_keys keys;
    wide_keys_init(&keys, files);
    for (; keys.columns < join->key_count; keys.columns++)
        keys.column[keys.columns] = (struct wide_key_column){join->key[keys.columns].name, join->key[keys.columns].type};
    enum ec_status status = EC_OK;
    for (size_t f = 0; f < files->count && status == EC_OK; f++) {
        if (!is_wanted(j, join, j->day[table][f])) continue;
        status = wide_keys_file(&keys, f, err);
        for (size_t g = 0; status == EC_OK && g < ec_parquet_groups(keys.file) && pairs->count < enough; g++)
            status = match_next_group(j, table, index, &keys, g, pairs, err);
    }
    wide_keys_deinit(&keys);
    return status;
}

/* Puts the pairs in order of the window's rows. Those of one row stay as they came: ascending. */
static enum ec_status arrange(struct wide_join *j, const struct pairs *pairs, struct matches *out, struct ec_err *err) {
    out->start = ec_calloc(j->rows + 2, sizeof *out->start);
    out->id = ec_realloc_array(NULL, pairs->count + 1, sizeof *out->id);
    if (!out->start || !out->id) return no_memory(err);
    uint32_t *end = out->start + 1; /* of the row before, while the rows are put */
    for (size_t i = 0; i < pairs->count; i++) end[pairs->row[i] + 1]++;
    for (size_t row = 0; row < j->rows; row++) end[row + 1] += end[row];
    for (size_t i = 0; i < pairs->count; i++) out->id[end[pairs->row[i]]++] = pairs->id[i];
    return EC_OK;
}

static enum ec_status join_table(struct wide_join *j, size_t table, struct ec_err *err) {
    struct wide_index index = {0};
    struct pairs pairs = {0};
    enum ec_status status = fill_index(j, &j->plan->join[table], &index, err);
    if (status == EC_OK) status = match_table(j, table, &index, SIZE_MAX, &pairs, err);
    wide_index_deinit(&index);
    if (status == EC_OK) status = arrange(j, &pairs, &j->matches[table], err);
    ec_free(pairs.row);
    ec_free(pairs.id);
    return status;
}

static void forget_matches(struct wide_join *j) {
    for (size_t t = 1; j->matches && t < j->plan->table_count; t++) {
        ec_free(j->matches[t].start);
        ec_free(j->matches[t].id);
        j->matches[t] = (struct matches){0};
    }
}

static enum ec_status join_window(struct wide_join *j, struct ec_err *err) {
    forget_matches(j);
    next_window(j);
    for (size_t t = 1; t < j->plan->table_count && j->rows > 0; t++) EC_TRY(join_table(j, t, err));
    return EC_OK;
}

static enum ec_status begin(struct wide_join *j, const struct wide_join_input *input, struct ec_err *err) {
    j->input = *input;
    j->plan = input->model->wide;
    ec_arena_init(&j->arena, ARENA_MAX);
    j->day = ec_arena_calloc(&j->arena, j->plan->table_count, sizeof *j->day);
    j->matches = ec_arena_calloc(&j->arena, j->plan->table_count, sizeof *j->matches);
    if (!j->day || !j->matches) return no_memory(err);
    EC_TRY(find_days(j, err));
    return list_pieces(j, err);
}

static void finish(struct wide_join *j) {
    forget_matches(j);
    ec_free(j->piece);
    ec_arena_deinit(&j->arena);
}

static enum ec_status any_in_window(struct wide_join *j, size_t table, bool *any, struct ec_err *err) {
    struct wide_index index = {0};
    struct pairs pairs = {0};
    enum ec_status status = fill_index(j, &j->plan->join[table], &index, err);
    if (status == EC_OK) status = match_table(j, table, &index, 1, &pairs, err);
    *any = pairs.count > 0;
    wide_index_deinit(&index);
    ec_free(pairs.row);
    ec_free(pairs.id);
    return status;
}

enum ec_status wide_join_any(const struct wide_join_input *input, size_t table, bool *any, struct ec_err *err) {
    struct wide_join join = {0};
    enum ec_status status = begin(&join, input, err);
    *any = false;
    while (status == EC_OK && !*any && join.end_piece < join.pieces) {
        next_window(&join);
        status = any_in_window(&join, table, any, err);
    }
    finish(&join);
    return status;
}

enum ec_status wide_join_open(const struct wide_join_input *input, struct wide_join **out, struct ec_err *err) {
    *out = NULL;
    struct wide_join *j = ec_calloc(1, sizeof *j);
    if (!j) return no_memory(err);
    enum ec_status status = begin(j, input, err);
    if (status == EC_OK) status = join_window(j, err);
    if (status == EC_OK) *out = j;
    else wide_join_close(j);
    return status;
}

void wide_join_close(struct wide_join *j) {
    if (!j) return;
    finish(j);
    ec_free(j);
}

/* ---- rows ---- */

/* How many rows the window's row gives: every match of a table with every one of the others. */
static uint64_t rows_of(const struct wide_join *j, size_t row) {
    uint64_t all = 1;
    for (size_t t = 1; t < j->plan->table_count; t++) {
        uint64_t n = j->matches[t].start[row + 1] - j->matches[t].start[row];
        if (n == 0 && j->plan->join[t].required) return 0;
        if (n > 1 && __builtin_mul_overflow(all, n, &all)) return UINT64_MAX; /* no one sees its end */
    }
    return all;
}

static void put_row(struct wide_join *j, struct wide_values *run) {
    uint64_t left = j->product;
    const struct piece *piece = &j->piece[j->at_piece];
    run->id[0][run->rows] = ((uint64_t)piece->file << 32) + piece->first + (j->row - piece->at);
    for (size_t t = j->plan->table_count - 1; t > 0; t--) { /* the last table's rows turn fastest */
        const struct matches *m = &j->matches[t];
        uint32_t start = m->start[j->row], n = m->start[j->row + 1] - start;
        run->id[t][run->rows] = n == 0 ? EC_GATHER_NONE : m->id[start + left % n];
        if (n > 1) left /= n;
    }
    run->rows++;
}

/* The days of the rows' partitions. */
static void put_days(const struct wide_join *j, struct wide_values *run) {
    for (size_t i = 0; i < run->values; i++) {
        size_t table = j->plan->partition_of[i];
        int32_t *to = (int32_t *)(void *)run->value[i].values;
        for (size_t row = 0; row < run->rows; row++) {
            uint64_t id = run->id[table][row];
            int32_t day = id == EC_GATHER_NONE ? NO_DAY : j->day[table][id >> 32];
            to[row] = day == NO_DAY ? 0 : day;
            if (day != NO_DAY) ec_bit_set(run->value[i].valid, row);
        }
    }
}

/* Rows of the window, until the run is full. */
static void put_rows(struct wide_join *j, struct wide_values *run) {
    while (j->row < j->rows && run->rows < WIDE_RUN_ROWS) {
        while (j->at_piece + 1 < j->end_piece && j->piece[j->at_piece + 1].at <= j->row) j->at_piece++;
        uint64_t all = rows_of(j, j->row);
        for (; j->product < all && run->rows < WIDE_RUN_ROWS; j->product++) put_row(j, run);
        if (j->product < all) break;
        j->product = 0;
        j->row++;
    }
}

bool wide_join_window_ends(const struct wide_join *j) { return j->row == j->rows && j->end_piece < j->pieces; }

enum ec_status wide_join_next(struct wide_join *j, struct wide_values *run, struct ec_err *err) {
    put_rows(j, run);
    while (run->rows == 0 && j->end_piece < j->pieces) {
        EC_TRY(join_window(j, err));
        put_rows(j, run);
    }
    put_days(j, run);
    return EC_OK;
}
