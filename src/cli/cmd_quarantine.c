/* ecluse quarantine: rejected rows with their reasons, place and original bytes. */
#include "cli/quarantine.h"

#include "base/inert.h"
#include "base/utf8.h"
#include "cli/project.h"
#include "cli/show.h"

#define SHOW_DEFAULT   20
#define SHOW_RAW_MAX   2000u /* bytes of a row that a terminal is given */
#define LIST_ARENA_MAX ((size_t)256 << 20)
#define RULE_PREFIX    "rule:"

struct tally {
    const char *code;
    uint64_t rows;
};

/* What a quarantine file holds. */
struct group {
    size_t file_index;
    const char *run, *source, *file, *member;
    uint64_t rows;
    struct tally *reason;
    size_t reasons, reasons_cap;
    struct group *next;
};

struct listing {
    struct ec_arena arena;
    struct group *first, *last;
    uint64_t rows;
};

static enum ec_status no_memory(struct ec_err *err) {
    return ec_fail(err, EC_NO_MEMORY, "no memory for the list of rejected rows");
}

static enum ec_status begin_group(struct listing *l, const struct ec_reject *row, struct ec_err *err) {
    struct group *g = ec_arena_calloc(&l->arena, 1, sizeof *g);
    if (!g) return no_memory(err);
    *g = (struct group){.file_index = row->file_index,
                        .run = ec_arena_strdup(&l->arena, row->run),
                        .source = ec_arena_strdup(&l->arena, row->source),
                        .file = ec_arena_strdup(&l->arena, row->file),
                        .member = row->member ? ec_arena_strdup(&l->arena, row->member) : NULL};
    if (!g->run || !g->source || !g->file || (row->member && !g->member)) return no_memory(err);
    if (l->last)
        l->last->next = g;
    else
        l->first = g;
    l->last = g;
    return EC_OK;
}

static enum ec_status count_reason(struct listing *l, struct group *g, const char *code, struct ec_err *err) {
    for (size_t i = 0; i < g->reasons; i++) {
        if (strcmp(g->reason[i].code, code) != 0) continue;
        g->reason[i].rows++;
        return EC_OK;
    }
    if (g->reasons == g->reasons_cap) {
        size_t cap = g->reasons_cap ? g->reasons_cap * 2 : 8;
        struct tally *more = ec_arena_calloc(&l->arena, cap, sizeof *more);
        if (!more) return no_memory(err);
        if (g->reasons) memcpy(more, g->reason, g->reasons * sizeof *more);
        g->reason = more;
        g->reasons_cap = cap;
    }
    g->reason[g->reasons] = (struct tally){ec_arena_strdup(&l->arena, code), 1};
    return g->reason[g->reasons++].code ? EC_OK : no_memory(err);
}

static enum ec_status count_row(void *user, const struct ec_reject *row, struct ec_err *err) {
    struct listing *l = user;
    if (!l->last || l->last->file_index != row->file_index) EC_TRY(begin_group(l, row, err));
    l->rows++;
    l->last->rows++;
    for (size_t i = 0; i < json_array_size(row->reasons); i++) {
        if (ec_reject_repeats(row->reasons, i)) continue;
        EC_TRY(count_reason(l, l->last, ec_reject_text(json_array_get(row->reasons, i), "code"), err));
    }
    return EC_OK;
}

static void add_tallies(struct ec_grid *grid, const struct group *g) {
    struct ec_buf text = ec_buf_make(EC_SHOW_BYTES_MAX);
    for (size_t i = 0; i < g->reasons; i++) {
        char figure[EC_FIGURE_MAX];
        ec_buf_printf(&text, "%s%s %s", i ? ", " : "", g->reason[i].code, ec_figure_count(g->reason[i].rows, figure));
    }
    ec_grid_text(grid, ec_buf_str(&text));
    ec_buf_free(&text);
}

static enum ec_status print_listing(const struct listing *l, struct ec_err *err) {
    static const struct ec_grid_column columns[] = {
        {N_("SOURCE"), false}, {N_("FILE"), false}, {N_("RUN"), false}, {N_("ROWS"), true}, {N_("REASONS"), false}};
    if (!l->first) {
        (void)printf(_("No rejected rows.\n"));
        return EC_OK;
    }
    struct ec_grid grid;
    ec_grid_init(&grid, columns, sizeof columns / sizeof *columns);
    for (const struct group *g = l->first; g; g = g->next) {
        ec_grid_str(&grid, g->source);
        ec_grid_printf(&grid, "%s%s%s", g->file, g->member ? "/" : "", g->member ? g->member : "");
        ec_grid_str(&grid, g->run);
        ec_grid_count(&grid, g->rows);
        add_tallies(&grid, g);
    }
    enum ec_status status = ec_grid_print(&grid, stdout, err);
    ec_grid_deinit(&grid);
    char figure[EC_FIGURE_MAX];
    if (status == EC_OK)
        (void)printf(
            P_("\n%s rejected row. `ecluse quarantine show` shows them, `ecluse explain REASON` says what to do.\n",
               "\n%s rejected rows. `ecluse quarantine show` shows them, `ecluse explain REASON` says what to do.\n", l->rows),
            ec_figure_count(l->rows, figure));
    return status;
}

static enum ec_status print_listing_json(const struct listing *l, struct ec_err *err) {
    struct ec_doc doc;
    ec_doc_init(&doc);
    struct ec_json_writer *w = &doc.json;
    ec_json_object(w, NULL);
    ec_json_uint(w, "rows", l->rows);
    ec_json_array(w, "files");
    for (const struct group *g = l->first; g; g = g->next) {
        ec_json_object(w, NULL);
        ec_json_str(w, "source", g->source);
        ec_json_str(w, "file", g->file);
        ec_json_str(w, "member", g->member);
        ec_json_str(w, "run", g->run);
        ec_json_uint(w, "rows", g->rows);
        ec_json_object(w, "by_reason");
        for (size_t i = 0; i < g->reasons; i++) ec_json_uint(w, g->reason[i].code, g->reason[i].rows);
        ec_json_end(w);
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_json_end(w);
    return ec_doc_print(&doc, err);
}

static enum ec_status list(const struct ec_cli *cli, const struct ec_reject_filter *filter, struct ec_err *err) {
    struct listing l = {0};
    bool more;
    ec_arena_init(&l.arena, LIST_ARENA_MAX);
    enum ec_status status = ec_rejects_scan(cli->dir, filter, count_row, &l, &more, err);
    if (status == EC_OK) status = cli->json ? print_listing_json(&l, err) : print_listing(&l, err);
    ec_arena_deinit(&l.arena);
    return status;
}

static void print_inert(const char *z) {
    ec_inert_print(z, strlen(z), stdout);
}

static void print_reason(const json_t *reason) {
    const char *column = ec_reject_text(reason, "column");
    (void)printf("  ");
    print_inert(ec_reject_text(reason, "code"));
    if (*column) {
        (void)printf("  ");
        print_inert(column);
    }
    if (ec_reject_tells_value(reason)) {
        struct ec_str value = ec_reject_str(reason, "value");
        (void)printf(*column ? " = \"" : "  \"");
        ec_inert_print(value.p, value.n, stdout);
        (void)printf("\"");
    }
    const json_t *first = json_object_get(reason, "first");
    if (first) {
        (void)printf(_("  first in "));
        print_inert(ec_reject_text(first, "file"));
        (void)printf(_(" line %lld"), (long long)json_integer_value(json_object_get(first, "line")));
    }
    (void)printf("\n");
}

static void print_raw(const struct ec_reject *row) {
    if (!row->raw.p) {
        (void)printf(_("  its %llu bytes are too long to be kept; they begin at byte %llu of the decoded file\n"),
                     (unsigned long long)row->length, (unsigned long long)row->offset);
        return;
    }
    size_t n = ec_utf8_truncate(row->raw.p, row->raw.n, SHOW_RAW_MAX);
    (void)printf("  | ");
    ec_inert_print(row->raw.p, n, stdout);
    if (n < row->raw.n) (void)printf(_(" ... and %zu more bytes"), row->raw.n - n);
    (void)printf("\n");
}

struct showing {
    bool json;
    uint64_t rows;
};

static enum ec_status show_row(void *user, const struct ec_reject *row, struct ec_err *err) {
    struct showing *s = user;
    (void)err;
    if (s->json) {
        (void)printf(s->rows++ ? ",\n    " : "\n    ");
        (void)fwrite(row->json.p, 1, row->json.n, stdout);
        return EC_OK;
    }
    if (s->rows++) (void)printf("\n");
    print_inert(row->file);
    if (row->member) {
        (void)printf("/");
        print_inert(row->member);
    }
    (void)printf(_(" line %llu ("), (unsigned long long)row->line);
    print_inert(row->source);
    (void)printf(")\n");
    for (size_t i = 0; i < json_array_size(row->reasons); i++) print_reason(json_array_get(row->reasons, i));
    print_raw(row);
    return EC_OK;
}

/* The document is written row by row, so that its size costs no memory. */
static enum ec_status show(const struct ec_cli *cli, const struct ec_reject_filter *filter, struct ec_err *err) {
    struct showing s = {.json = cli->json};
    bool more;
    if (s.json) (void)printf("{\n  \"rows\": [");
    EC_TRY(ec_rejects_scan(cli->dir, filter, show_row, &s, &more, err));
    if (s.json) {
        (void)printf("%s],\n  \"more\": %s\n}\n", s.rows ? "\n  " : "", more ? "true" : "false");
    } else if (s.rows == 0) {
        (void)printf(_("No rejected rows.\n"));
    } else if (more) {
        (void)printf(_("\nThere are more: --limit N shows N, --limit 0 shows all.\n"));
    }
    return EC_OK;
}

/* A word that is no code is a slip, not a filter that happens to take nothing. */
static enum ec_status check_reason(const char *word, struct ec_err *err) {
    if (strncmp(word, RULE_PREFIX, strlen(RULE_PREFIX)) == 0 || ec_reason_by_slug(word) != EC_REASON_COUNT)
        return EC_OK;
    const char *names[EC_REASON_COUNT];
    for (int i = 0; i < EC_REASON_COUNT; i++) names[i] = ec_reason_text((enum ec_reason)i)->slug;
    const char *near = ec_nearest(word, names, EC_REASON_COUNT);
    if (near) return ec_fail(err, EC_USAGE, "--reason: there is no reason `%s`; did you mean `%s`?", word, near);
    return ec_fail(err, EC_USAGE,
                   "--reason: there is no reason `%s`; `ecluse explain` lists them, rule:ID takes a rule's", word);
}

static enum ec_status read_filter(const struct ec_cli *cli, const char *verb, struct ec_reject_filter *filter,
                                  struct ec_err *err) {
    *filter = (struct ec_reject_filter){.source = ec_cli_value(cli, "--source"),
                                        .file = ec_cli_value(cli, "--file"),
                                        .reason = ec_cli_value(cli, "--reason"),
                                        .run = ec_cli_value(cli, "--run")};
    int64_t limit = strcmp(verb, "show") == 0 ? SHOW_DEFAULT : 0;
    if (filter->reason) EC_TRY(check_reason(filter->reason, err));
    EC_TRY(ec_cli_option_number(cli, "--limit", 0, INT64_MAX, &limit, err));
    filter->limit = (uint64_t)limit;
    if (!filter->source) return EC_OK;
    struct ec_config *config;
    const struct ec_source *source;
    EC_TRY(ec_cli_config(cli, &config, err));
    enum ec_status status = ec_cli_source(config, filter->source, &source, err);
    ec_config_destroy(config);
    return status;
}

static enum ec_status check_verb(const struct ec_cli *cli, const char *verb, struct ec_err *err) {
    static const char *const verbs[] = {"list", "show", "export"};
    static const char *const of_export[] = {"--as", "--raw", "--out"};
    bool known = false;
    for (size_t i = 0; i < 3; i++) known = known || strcmp(verb, verbs[i]) == 0;
    if (!known) {
        const char *near = ec_nearest(verb, verbs, 3);
        return ec_fail(err, EC_USAGE, "`ecluse quarantine` takes list, show or export, not `%s`%s%s%s", verb,
                       near ? _("; did you mean `") : "", near ? near : "", near ? _("`?") : "");
    }
    for (size_t i = 0; i < 3 && strcmp(verb, "export") != 0; i++)
        if (ec_cli_value(cli, of_export[i]))
            return ec_fail(err, EC_USAGE, "%s is for `ecluse quarantine export`, not for %s", of_export[i], verb);
    return EC_OK;
}

static enum ec_status quarantine(const struct ec_cli *cli, struct ec_err *err) {
    const char *verb = cli->argument_count ? cli->argument[0] : "list";
    struct ec_reject_filter filter;
    EC_TRY(check_verb(cli, verb, err));
    EC_TRY(ec_cli_project(cli, err));
    EC_TRY(read_filter(cli, verb, &filter, err));
    if (strcmp(verb, "show") == 0) return show(cli, &filter, err);
    if (strcmp(verb, "export") == 0) return ec_quarantine_export(cli, &filter, err);
    return list(cli, &filter, err);
}

static int run(struct ec_cli *cli, struct ec_err *err) {
    return ec_cli_exit(quarantine(cli, err));
}

static const struct ec_option options[] = {
    {"--source", "NAME", N_("rows of this source"), false},
    {"--file", "NAME", N_("rows of this file or archive member; a glob such as 'sales_*.csv'"), false},
    {"--reason", "CODE", N_("rows with this reason: type-error, duplicate-key, rule:ID, or rule for any"), false},
    {"--run", "ID", N_("rows of this run; the beginning of its name is enough"), false},
    {"--limit", "N", N_("at most N rows, 0 for all (default: 20 for show, else all)"), false},
    {"--as", "csv|jsonl", N_("export: as CSV (the default) or one JSON object a line"), false},
    {"--raw", NULL, N_("export: just the original bytes, one row a line"), false},
    {"--out", "FILE", N_("export: into this file instead of stdout"), false},
};

const struct ec_command ec_cmd_quarantine = {
    .name = "quarantine",
    .summary = N_("rejected rows: list, show, export"),
    .arguments = "[list|show|export]",
    .about = N_("Rows that were rejected are kept with every reason, their place and their original bytes.\n"
             "`list` (the default) counts them by file and reason, `show` prints them, `export` writes them\n"
             "for other programs. In CSV, a text that a spreadsheet would run gets a leading '; bytes that\n"
             "are not UTF-8 are base64. --raw and jsonl keep every byte.\n"
             "\n"
             "Examples:\n"
             "  ecluse quarantine\n"
             "  ecluse quarantine show --source sales --reason rule:total_matches --limit 5\n"
             "  ecluse quarantine export --file 'sales_*.csv' --raw --out rejected.csv"),
    .option = options,
    .option_count = sizeof options / sizeof *options,
    .arguments_max = 1,
    .run = run,
};
