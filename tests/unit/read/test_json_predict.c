/* The predicted path gives what the strict one gives, on files of an independent generator and on
 * damaged copies of them, wherever the window ends. */
#include "json_kit.h"

#include "scan/scan.h"

#include "base/calendar.h"

#define TEXT_MAX 40u

/* How a file writes its records. */
struct style {
    bool array;
    bool spaced;  /* ": " and ", " */
    bool ordered; /* the same keys in the same order */
    bool indented;
};

static const char *const words[] = {
    "",          "GET",      "/api/v1/checkout", "a\\nb",           "\\u00e9\\ud834\\udd1e", "\xC3\xA9t\xC3\xA9",
    "x\\/y\\\\", "\\u0000z", "twelve bytes",     "exactly 16 bytes"};
static const char *const decoded[] = {
    "",   "GET",          "/api/v1/checkout", "a\nb", "\xC3\xA9\xF0\x9D\x84\x9E", "\xC3\xA9t\xC3\xA9", "x/y\\",
    NULL, "twelve bytes", "exactly 16 bytes"};
#define WORDS (sizeof words / sizeof words[0])

static void decode(struct ec_buf *out, size_t word) {
    if (decoded[word])
        ec_json_quote(out, decoded[word], strlen(decoded[word]));
    else
        ec_json_quote(out, "\0z", 2);
}

struct file {
    struct ec_buf json;
    struct ec_buf rows;
    struct style style;
    uint64_t seed;
    uint64_t line;
};

/* A value for a column into the file and, as it must be read, into `row`. */
static void value(struct file *f, char column, struct ec_buf *row) {
    struct ec_buf *json = &f->json;
    uint32_t x = kit_random(&f->seed);
    int32_t number = (int32_t)(x % 100000) - 50000;
    if (x % 11 == 0) {
        ec_buf_addz(json, "null");
        return;
    }
    switch (column) {
    case 'a':
        ec_buf_printf(json, x % 3 ? "%d" : "\"%d\"", number);
        ec_buf_printf(row, " a=%d", number);
        break;
    case 's':
        if (x % 13 == 0) {
            const char *line = x % 2 ? "\n " : "";
            f->line += x % 2;
            ec_buf_printf(json, "[%d,%s{\"k\":\"]\"}]", number, line);
            ec_buf_printf(row, " s=\"[%d,%s{\\\"k\\\":\\\"]\\\"}]\"", number, x % 2 ? "\\n " : "");
            break;
        }
        ec_buf_printf(json, "\"%s\"", words[x % WORDS]);
        ec_buf_addz(row, " s=");
        decode(row, x % WORDS);
        break;
    case 'f': {
        static const struct {
            const char *json, *row;
        } floats[] = {{"0", "0"},
                      {"-0.5", "-0.5"},
                      {"1e2", "100"},
                      {"12.50", "12.5"},
                      {"-7", "-7"},
                      {"0.1", "0.1"},
                      {"2E-1", "0.2"},
                      {"\"1.5\"", "1.5"},
                      {"123456789012345", "123456789012345"},
                      {"0.00390625", "0.00390625"},
                      {"9007199254740993", "9007199254740992"},
                      {"1.00000000000000000", "1"}};
        size_t k = x % (sizeof floats / sizeof floats[0]);
        ec_buf_addz(json, floats[k].json);
        ec_buf_printf(row, " f=%s", floats[k].row);
        break;
    }
    case 'b':
        ec_buf_addz(json, x & 1 ? "true" : "false");
        ec_buf_addz(row, x & 1 ? " b=true" : " b=false");
        break;
    case 't': {
        char text[TEXT_MAX];
        int64_t t = (int64_t)x * EC_MICROS_PER_SECOND;
        ec_buf_addc(json, '"');
        ec_buf_add(json, text, ec_datetime_format(t, text));
        ec_buf_addc(json, '"');
        ec_buf_addz(row, " t=");
        ec_buf_add(row, text, ec_datetime_format(t, text));
        break;
    }
    default: ec_buf_printf(json, "%u", x); ec_buf_printf(row, " %c=\"%u\"", column, x);
    }
}

/* One record; the row is shown in the order of the columns, which is that of `all`. */
static void record(struct file *f) {
    static const char all[] = "asfbtx";
    char order[] = "asfbtx";
    size_t n = sizeof all - 1;
    struct ec_buf cell[sizeof all - 1];
    for (size_t i = 0; i < n; i++) cell[i] = ec_buf_make(EC_KIB);
    if (!f->style.ordered) {
        for (size_t i = n - 1; i > 0; i--) {
            size_t k = kit_random(&f->seed) % (i + 1);
            char c = order[i];
            order[i] = order[k], order[k] = c;
        }
        n -= kit_random(&f->seed) % 3;
    }
    size_t start = f->json.n;
    uint64_t line = f->line;
    const char *gap = f->style.indented ? "\n    " : "";
    ec_buf_addc(&f->json, '{');
    for (size_t i = 0; i < n; i++) {
        ec_buf_printf(&f->json, "%s%s\"%c\":%s", i ? (f->style.spaced ? ", " : ",") : "", gap, order[i],
                      f->style.spaced ? " " : "");
        f->line += f->style.indented;
        value(f, order[i], &cell[strchr(all, order[i]) - all]);
    }
    ec_buf_addz(&f->json, f->style.indented ? "\n  }" : "}");
    f->line += f->style.indented;
    ec_buf_printf(&f->rows, "%" PRIu64 "@%zu+%zu", line, start, f->json.n - start);
    for (size_t i = 0; i < sizeof all - 1; i++) {
        ec_buf_add(&f->rows, cell[i].p ? cell[i].p : "", cell[i].n);
        ec_buf_free(&cell[i]);
    }
    ec_buf_addc(&f->rows, '\n');
}

static struct file generate(uint64_t seed, unsigned records) {
    struct file f = {.json = ec_buf_make(EC_MIB), .rows = ec_buf_make(EC_MIB), .seed = seed, .line = 1};
    f.style = (struct style){.array = seed & 1, .spaced = seed & 2, .ordered = seed % 3, .indented = seed % 7 == 0};
    if (f.style.array) ec_buf_addz(&f.json, "[");
    for (unsigned i = 0; i < records; i++) {
        if (i && f.style.array) ec_buf_addc(&f.json, ',');
        if (f.style.array ? seed & 4 : i > 0) {
            ec_buf_addc(&f.json, '\n');
            f.line++;
        }
        record(&f);
    }
    if (f.style.array) ec_buf_addz(&f.json, "]\n");
    return f;
}

static void round_trips(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 150; seed++) {
        struct file f = generate(seed, 40);
        struct ec_buf got =
            kit_text(&(struct kit_run){.options.window_bytes = 16 + seed * 7, .step = seed % 50}, f.json.p, f.json.n);
        kit_equal(&f.rows, &got, "what was written and read");
        ec_buf_free(&got);
        ec_buf_free(&f.json);
        ec_buf_free(&f.rows);
    }
}

/* Changes, removes, doubles or puts in a few bytes. */
static void mutate(struct ec_buf *json, uint64_t *seed) {
    static const char bytes[] = "\"\"\"{}{}[]::,,\\\n\n 017.eE-+tfnu\xff\x80\x01z";
    unsigned changes = 1 + kit_random(seed) % 4;
    while (changes-- && json->n > 2) {
        size_t at = kit_random(seed) % json->n, n = 1 + kit_random(seed) % 12;
        if (n > json->n - at) n = json->n - at;
        char byte = bytes[kit_random(seed) % (sizeof bytes - 1)];
        switch (kit_random(seed) % 5) {
        case 0: json->p[at] = byte; break;
        case 1:
            memmove(json->p + at, json->p + at + n, json->n - at - n);
            json->n -= n;
            break;
        case 2:
            if (!ec_buf_reserve(json, n)) break;
            memmove(json->p + at + n, json->p + at, json->n - at);
            json->n += n;
            break;
        case 3:
            if (!ec_buf_reserve(json, 1)) break;
            memmove(json->p + at + 1, json->p + at, json->n - at);
            json->p[at] = byte;
            json->n++;
            break;
        default:
            if (kit_random(seed) % 8 == 0) json->n = at;
        }
    }
}

static void mutations(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 1000; seed++) {
        uint64_t random = seed;
        struct file f = generate(seed, 12);
        mutate(&f.json, &random);
        struct kit_run strict = {.options.strict = true};
        struct kit_run fast = {.options.window_bytes = EC_WINDOW_BYTES};
        struct kit_run small = {.options.window_bytes = 16 + kit_random(&random) % 600,
                                .step = kit_random(&random) % 90};
        struct kit_run limited = {.options = {.window_bytes = 4096, .record_max = 150}};
        struct kit_run limited_small = {
            .options = {.window_bytes = small.options.window_bytes, .record_max = 150, .strict = true}};
        /* What a file is, its first window decides. */
        if (f.json.n == 0 || !strchr("[{", f.json.p[0]))
            small.options.window_bytes = limited_small.options.window_bytes = 65536;
        kit_same(&strict, &fast, f.json.p, f.json.n);
        kit_same(&strict, &small, f.json.p, f.json.n);
        kit_same(&limited, &limited_small, f.json.p, f.json.n);
        ec_buf_free(&f.json);
        ec_buf_free(&f.rows);
    }
}

/* One byte put in, changed or left out anywhere in a record, behind a record that predicts it. */
static void every_edit(void **state) {
    (void)state;
    static const char good[] =
        "{\"a\":-12, \"s\":\"text\",\"f\":3.5,\"b\":true,\"t\":\"2025-07-18\",\"x\":{\"y\":[0]}}\n";
    static const char bytes[] = "\"{}[]:,\\ \n\t0.-+eEtfnu\xff\x80\x01";
    struct ec_buf json = ec_buf_make(4 * EC_MIB);
    for (size_t at = 0; at < sizeof good - 1; at++)
        for (size_t k = 0; k < 2 * sizeof bytes - 1; k++) { /* the last one leaves the byte out */
            ec_buf_addz(&json, good);
            ec_buf_add(&json, good, at);
            if (k / 2 < sizeof bytes - 1) ec_buf_addc(&json, bytes[k / 2]);
            ec_buf_addz(&json, good + at + (k % 2 || k / 2 == sizeof bytes - 1));
        }
    kit_same(&(struct kit_run){.options.strict = true}, &(struct kit_run){0}, json.p, json.n);
    ec_buf_free(&json);
}

/* Every byte of the file is in a row, or white space, a separator or a bracket between rows. */
static void nothing_lost(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 500; seed++) {
        uint64_t random = seed * 77;
        struct file f = generate(seed, 12);
        mutate(&f.json, &random);
        struct ec_buf rows = kit_text(&(struct kit_run){0}, f.json.p, f.json.n);
        size_t at = 0;
        if (strncmp(rows.p, "error", 5) == 0) rows.p[0] = '\0', at = f.json.n;
        for (char *line = rows.p; *line; line = strchr(line, '\n') + 1) {
            char *end;
            size_t start = strtoull(strchr(line, '@') + 1, &end, 10), n = strtoull(end + 1, NULL, 10);
            if (start < at) fail_msg("seed %" PRIu64 ": rows overlap at %zu in\n%s\n%s", seed, start, f.json.p, rows.p);
            for (; at < start; at++)
                if (!strchr(" \t\r\n,[]", f.json.p[at])) fail_msg("seed %" PRIu64 ": byte %zu is lost", seed, at);
            at = start + n;
        }
        for (; at < f.json.n; at++)
            if (!strchr(" \t\r\n]", f.json.p[at])) fail_msg("seed %" PRIu64 ": byte %zu is lost", seed, at);
        ec_buf_free(&rows);
        ec_buf_free(&f.json);
        ec_buf_free(&f.rows);
    }
}

/* Keys whose literals are longer than what is compared at once, and a record wider than that. */
static void wide(void **state) {
    (void)state;
    struct ec_buf json = ec_buf_make(EC_MIB);
    for (unsigned i = 0; i < 20; i++) {
        ec_buf_addc(&json, '{');
        for (unsigned k = 0; k < 200; k++)
            ec_buf_printf(&json, "%s\"%s column number %u\" : %u", k ? "  , " : "",
                          k % 2 ? "a rather long key for the" : "the", k, i * k);
        ec_buf_addz(&json, i == 9 ? ", \"a rather long key for the column number 200\":1}\n" : "}\n");
    }
    kit_same(&(struct kit_run){.options.strict = true}, &(struct kit_run){0}, json.p, json.n);
    struct ec_buf rows = kit_text(&(struct kit_run){0}, json.p, json.n);
    assert_non_null(strstr(rows.p, "a_rather_long_key_for_the_column_number_199=\"3781\"\n"));
    assert_null(strchr(rows.p, '!'));
    ec_buf_free(&rows);
    ec_buf_free(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),  cmocka_unit_test(mutations), cmocka_unit_test(every_edit),
        cmocka_unit_test(nothing_lost), cmocka_unit_test(wide),
    };
    /* Byte by byte, and as widely as the machine can. */
    size_t count;
    const struct ec_scan *const *variant = ec_scan_variants(&count);
    int failed = 0;
    for (size_t v = 0; v < count; v += count > 1 ? count - 1 : 1) {
        assert_true(ec_scan_use(variant[v]->name));
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
