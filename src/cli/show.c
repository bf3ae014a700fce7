#include "cli/show.h"

#include "base/inert.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdarg.h>

void ec_grid_init(struct ec_grid *grid, const struct ec_grid_column *column, size_t columns) {
    assert(columns <= EC_GRID_COLUMNS_MAX);
    *grid = (struct ec_grid){.column = column, .columns = columns, .text = ec_buf_make(EC_SHOW_BYTES_MAX)};
    for (size_t i = 0; i < columns; i++) grid->width[i] = ec_utf8_length(_(column[i].title), strlen(_(column[i].title)));
}

void ec_grid_deinit(struct ec_grid *grid) {
    ec_buf_free(&grid->text);
}

void ec_grid_text(struct ec_grid *grid, struct ec_str text) {
    size_t start = grid->text.n;
    ec_inert_add(&grid->text, text.p, text.n);
    ec_buf_add(&grid->text, "", 1);
    if (grid->text.failed) return;
    size_t column = grid->cells++ % grid->columns;
    size_t width = ec_utf8_length(grid->text.p + start, grid->text.n - 1 - start);
    if (width > grid->width[column]) grid->width[column] = width;
}

void ec_grid_str(struct ec_grid *grid, const char *z) {
    ec_grid_text(grid, z ? ec_str_of(z) : EC_STR("-"));
}

void ec_grid_printf(struct ec_grid *grid, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ec_grid_str(grid, text);
}

void ec_grid_count(struct ec_grid *grid, uint64_t n) {
    char text[EC_FIGURE_MAX];
    ec_grid_str(grid, ec_figure_count(n, text));
}

void ec_grid_bytes(struct ec_grid *grid, uint64_t n) {
    char text[EC_FIGURE_MAX];
    ec_grid_str(grid, ec_figure_bytes(n, text));
}

void ec_label_print(const char *label, size_t columns, FILE *out) {
    size_t width = ec_utf8_length(label, strlen(label));
    (void)fprintf(out, "%s%*s ", label, width < columns ? (int)(columns - width) : 0, "");
}

static void pad(size_t n, FILE *out) {
    for (size_t i = 0; i < n; i++) (void)fputc(' ', out);
}

/* Blanks that are due are printed with what follows them, so that no line ends with any. */
static size_t print_cell(const struct ec_grid *grid, size_t column, const char *text, size_t due, FILE *out) {
    size_t length = strlen(text);
    size_t blanks = grid->width[column] - ec_utf8_length(text, length);
    bool right = grid->column[column].right;
    if (length > 0) {
        pad(due + (right ? blanks : 0), out);
        (void)fwrite(text, 1, length, out);
        due = right ? 0 : blanks;
    } else {
        due += blanks;
    }
    if (column + 1 < grid->columns) return due + 2;
    (void)fputc('\n', out);
    return 0;
}

enum ec_status ec_grid_print(const struct ec_grid *grid, FILE *out, struct ec_err *err) {
    EC_TRY(ec_buf_check(&grid->text, err));
    assert(grid->columns > 0 || grid->cells == 0);
    size_t due = 0;
    for (size_t i = 0; i < grid->columns; i++) due = print_cell(grid, i, _(grid->column[i].title), due, out);
    const char *cell = grid->text.p;
    for (size_t i = 0; i < grid->cells; i++) {
        due = print_cell(grid, i % grid->columns, cell, due, out);
        cell += strlen(cell) + 1;
    }
    return EC_OK;
}

const char *ec_figure_count(uint64_t n, char out[EC_FIGURE_MAX]) {
    char digits[24], grouped[32];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    size_t at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) grouped[at++] = ',';
        grouped[at++] = digits[i];
    }
    grouped[at] = '\0';
    return ec_language_figure(grouped, out, EC_FIGURE_MAX);
}

const char *ec_figure_bytes(uint64_t n, char out[EC_FIGURE_MAX]) {
    static const char *const units[] = {N_("B"), N_("kB"), N_("MB"), N_("GB"), N_("TB"), N_("PB"), N_("EB")};
    double value = (double)n;
    size_t unit = 0;
    /* 999.96 kB would be shown as 1000.0 kB */
    while (value >= (unit == 0 ? 1000.0 : 999.95)) {
        value /= 1000;
        unit++;
    }
    char english[32], figure[32];
    (void)snprintf(english, sizeof english, "%.*f", unit ? 1 : 0, value);
    (void)snprintf(out, EC_FIGURE_MAX, _("%s %s"), ec_language_figure(english, figure, sizeof figure), _(units[unit]));
    return out;
}

void ec_doc_init(struct ec_doc *doc) {
    doc->buf = ec_buf_make(EC_SHOW_BYTES_MAX);
    ec_json_init(&doc->json, &doc->buf);
    doc->json.pretty = true;
}

void ec_doc_deinit(struct ec_doc *doc) {
    ec_buf_free(&doc->buf);
}

enum ec_status ec_doc_print(struct ec_doc *doc, struct ec_err *err) {
    ec_buf_addc(&doc->buf, '\n');
    enum ec_status status = ec_buf_check(&doc->buf, err);
    /* What did not arrive is found by main, which checks stdout at the end. */
    if (status == EC_OK) (void)fwrite(doc->buf.p, 1, doc->buf.n, stdout);
    ec_doc_deinit(doc);
    return status;
}
