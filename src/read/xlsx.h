/* A workbook (ECMA-376, both dialects), for the files of this folder alone.
 *
 *     xlsx.c           the reader: header, rows into batches
 *     xlsx_cell.c      one cell into one typed value
 *     xlsx_sheet.c     rows, streamed from the sheet's part
 *     xlsx_strings.c   the shared strings
 *     xlsx_workbook.c  parts, relationships, which sheet
 *     xlsx_styles.c    which cell styles show a date
 *     xlsx_date.c      serials into ISO text
 *     xlsx_text.c      runs, phonetics, _xHHHH_
 */
#ifndef EC_READ_XLSX_H
#define EC_READ_XLSX_H

#include "base/batch.h"
#include "base/buf.h"
#include "config/config.h"
#include "read/xml.h"
#include "source/discover.h"

#define EC_XLSX_COLUMNS_MAX 16384u /* XFD, the last one that there is */

/* What a number format shows of a number. */
enum ec_xlsx_format { EC_XLSX_NUMBER, EC_XLSX_DATE, EC_XLSX_TIME, EC_XLSX_DATETIME, EC_XLSX_ELAPSED };

enum ec_xlsx_format ec_xlsx_format_of(const char *code);
enum ec_xlsx_format ec_xlsx_format_builtin(unsigned id);

/* A serial as ISO text (2025-07-18, 2025-07-18T10:00:00.500, 10:00:00, 26:00:00 elapsed), rounded to
 * the millisecond, which is what spreadsheets resolve. 0 where the calendar has no such day.
 * Serial 60 is 1900-02-29, as spreadsheets say, and no date for any column. out >= 48 bytes. */
size_t ec_xlsx_date_text(double serial, bool epoch_1904, enum ec_xlsx_format format, char *out);

struct ec_xlsx_workbook {
    struct ec_arena arena;
    const char *path; /* borrowed */
    struct ec_zip_member *member;
    size_t members;
    bool epoch_1904;
    const char *sheet_name;
    const char *sheet_part;
    const char *strings_part; /* NULL: none */
    const char *styles_part;  /* NULL: none */
    uint8_t *style;           /* enum ec_xlsx_format by cell style */
    size_t styles;
};

/* Finds the sheet (NULL: the first visible one) and reads the styles. EC_XLSX_*, EC_ZIP_*,
 * EC_UNKNOWN_FORMAT. The caller closes it, also after a failure. */
enum ec_status ec_xlsx_workbook_open(const char *path, const char *sheet, struct ec_xlsx_workbook *wb,
                                     struct ec_err *err) EC_MUST_USE;
void ec_xlsx_workbook_close(struct ec_xlsx_workbook *wb);
/* Starts to read a part; EC_XLSX_DAMAGED where it is not there. */
enum ec_status ec_xlsx_part_open(const struct ec_xlsx_workbook *wb, const char *part,
                                 const struct ec_xml_handlers *handlers, void *context, struct ec_xml **xml,
                                 struct ec_err *err) EC_MUST_USE;
enum ec_status ec_xlsx_styles_read(struct ec_xlsx_workbook *wb, struct ec_err *err) EC_MUST_USE;

/* The text of one string while its elements pass. */
struct ec_xlsx_text {
    struct ec_buf buf;
    size_t start;   /* of the string in buf */
    size_t t_start; /* of the <t> or <v> in it */
    bool preserve;
    bool too_long;
};

void ec_xlsx_text_begin(struct ec_xlsx_text *t);
void ec_xlsx_text_open(struct ec_xlsx_text *t, const char **attributes); /* at <t> or <v> */
void ec_xlsx_text_add(struct ec_xlsx_text *t, const char *p, size_t n);
void ec_xlsx_text_close(struct ec_xlsx_text *t); /* at its end: trims, unless xml:space says otherwise */
/* Decodes _xHHHH_ and checks the length; the string is buf.p + start, up to buf.n. */
void ec_xlsx_text_end(struct ec_xlsx_text *t);

struct ec_xlsx_strings {
    struct ec_arena arena;
    struct ec_str *text; /* p NULL: longer than EC_XLSX_TEXT_MAX */
    size_t count;
    size_t cap;
};

enum ec_status ec_xlsx_strings_read(const struct ec_xlsx_workbook *wb, struct ec_xlsx_strings *strings,
                                    struct ec_err *err) EC_MUST_USE;
void ec_xlsx_strings_free(struct ec_xlsx_strings *strings);

enum ec_xlsx_kind { EC_XLSX_CELL_TEXT, EC_XLSX_CELL_SHARED, EC_XLSX_CELL_NUMBER, EC_XLSX_CELL_BOOLEAN };

struct ec_xlsx_cell {
    uint32_t column; /* 0 is A */
    uint32_t style;
    enum ec_xlsx_kind kind;
    bool too_long;
    bool broken;        /* names a shared string that does not exist */
    struct ec_str text; /* as in the part; borrowed until the next row, of shared strings as long as these */
    size_t at;          /* of the text in the row's buffer, until the row is complete */
};

struct ec_xlsx_row {
    uint64_t number;           /* 1-based */
    struct ec_xlsx_cell *cell; /* those with a value, by rising column, each column once */
    size_t cells;
    bool too_long;
};

struct ec_xlsx_sheet;

enum ec_status ec_xlsx_sheet_open(const struct ec_xlsx_workbook *wb, const struct ec_xlsx_strings *strings,
                                  struct ec_xlsx_sheet **sheet, struct ec_err *err) EC_MUST_USE;
/* The next row that holds a value; *row is NULL at the end. */
enum ec_status ec_xlsx_sheet_next(struct ec_xlsx_sheet *sheet, const struct ec_xlsx_row **row,
                                  struct ec_err *err) EC_MUST_USE;
void ec_xlsx_sheet_close(struct ec_xlsx_sheet *sheet); /* NULL allowed */

/* A cell as people read it. Borrowed from the cell, or in buf (>= 64 bytes). */
struct ec_str ec_xlsx_cell_text(const struct ec_xlsx_workbook *wb, const struct ec_xlsx_cell *cell, char *buf);
/* Sets the value of batch column `column` (schema NULL: undeclared, text) in the row batch->rows, or
 * records that it is not of its type. The cell is neither too long nor broken. */
enum ec_status ec_xlsx_cell_set(const struct ec_xlsx_workbook *wb, const struct ec_xlsx_cell *cell,
                                const struct ec_schema_column *schema, size_t column, struct ec_batch *batch,
                                struct ec_err *err) EC_MUST_USE;

#endif
