/* What commands print on stdout: tables aligned for people, one JSON document for programs.
 *
 *     struct ec_grid grid;
 *     static const struct ec_grid_column columns[] = {{"FILE", false}, {"ROWS", true}};
 *     ec_grid_init(&grid, columns, 2);
 *     ec_grid_str(&grid, name);                 // cell by cell, row by row
 *     ec_grid_count(&grid, rows);
 *     status = ec_grid_print(&grid, stdout, err);
 *     ec_grid_deinit(&grid);
 *
 * Cells are made inert (base/inert.h): a hostile name or value cannot command a terminal.
 */
#ifndef EC_CLI_SHOW_H
#define EC_CLI_SHOW_H

#include "base/json.h"

#define EC_GRID_COLUMNS_MAX 16u
#define EC_SHOW_BYTES_MAX   ((size_t)256 << 20) /* of one table or document */

struct ec_grid_column {
    const char *title; /* English, marked with N_ */
    bool right; /* figures */
};

struct ec_grid {
    const struct ec_grid_column *column; /* borrowed */
    size_t columns;
    struct ec_buf text; /* the cells, each behind a NUL */
    size_t cells;
    size_t width[EC_GRID_COLUMNS_MAX]; /* in characters */
};

/* columns <= EC_GRID_COLUMNS_MAX */
void ec_grid_init(struct ec_grid *grid, const struct ec_grid_column *column, size_t columns);
void ec_grid_deinit(struct ec_grid *grid);

/* The next cell. */
void ec_grid_text(struct ec_grid *grid, struct ec_str text);
void ec_grid_str(struct ec_grid *grid, const char *z); /* NULL: "-" */
void ec_grid_printf(struct ec_grid *grid, const char *fmt, ...) EC_PRINTF(2, 3);
void ec_grid_count(struct ec_grid *grid, uint64_t n); /* 1,234,567 */
void ec_grid_bytes(struct ec_grid *grid, uint64_t n); /* 1.2 GB */

/* A label in so many columns at least, whatever its characters, and a space. */
void ec_label_print(const char *label, size_t columns, FILE *out);

/* Titles and rows, two spaces between columns, no trailing blanks. EC_NO_MEMORY where the cells
 * were too many. */
enum ec_status ec_grid_print(const struct ec_grid *grid, FILE *out, struct ec_err *err) EC_MUST_USE;

#define EC_FIGURE_MAX 64u
/* 1,234,567 and 1.2 GB (powers of 1000, as --size takes them), as the language writes them. */
const char *ec_figure_count(uint64_t n, char out[EC_FIGURE_MAX]);
const char *ec_figure_bytes(uint64_t n, char out[EC_FIGURE_MAX]);

/* A JSON document for stdout, indented for people who look at it. ec_doc_print() writes and
 * frees it; EC_NO_MEMORY past EC_SHOW_BYTES_MAX. */
struct ec_doc {
    struct ec_buf buf;
    struct ec_json_writer json;
};
void ec_doc_init(struct ec_doc *doc);
enum ec_status ec_doc_print(struct ec_doc *doc, struct ec_err *err) EC_MUST_USE;
void ec_doc_deinit(struct ec_doc *doc); /* instead of printing */

#endif
