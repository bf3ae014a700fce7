/* Where CSV records and their cells lie: the one place that knows the grammar (RFC 4180).
 *
 * A quote opens a quoted field only as the field's first byte; "" within one is a quote. LF, CRLF
 * and CR end a line; lines without a byte are passed over. A record is damaged where
 *
 *   - a quote stands elsewhere, or text follows a closing one, or none closes     parse-error
 *   - a field or the record is longer than its limit                              too-long
 *   - it takes several lines and has not as many cells as the header              missing-cell, extra-cell
 *
 * and then costs exactly its first physical line: the next record starts at the line after it, so
 * that a stray quote never swallows good rows. The violation that comes first decides. The result
 * depends on the bytes alone, not on where the window ends (docs/reading.md).
 */
#ifndef EC_READ_CSV_RECORD_H
#define EC_READ_CSV_RECORD_H

#include "base/code.h"
#include "base/limits.h"
#include "scan/scan.h"

#define EC_CSV_INDEX_BLOCKS 64u /* 4 KiB of text marked at a time */

/* Bits of a cell's `quotes`. */
#define EC_CSV_QUOTED  1u
#define EC_CSV_DOUBLED 2u /* holds "" that stands for a quote */

struct ec_csv_cell {
    uint32_t at; /* offset in the window, behind the opening quote */
    uint32_t n;  /* bytes, without the quotes */
    uint32_t quotes;
};

#define EC_CSV_NO_CELL SIZE_MAX

struct ec_csv_record {
    size_t start;  /* offsets in the window */
    size_t end;    /* without the line end */
    size_t next;   /* where the next record, or an empty line, starts */
    size_t seen;   /* the verdict depends on no byte from here on */
    uint64_t line; /* physical line of `start` */
    uint64_t lines;
    size_t cells; /* may be more than scanner->cell has places for */
    size_t suspect_from, suspect_to; /* between which NUL and bytes past ASCII lie; the same: there are none */
    bool damaged;
    enum ec_reason reason; /* where damaged: why, */
    size_t bad_cell;       /* in which cell, or EC_CSV_NO_CELL, */
    size_t bad_at;         /* and where its text starts */
};

enum ec_csv_found {
    EC_CSV_RECORD,
    EC_CSV_END,
    EC_CSV_MORE,     /* the window ends within a record: fill it, keeping from scanner->at on */
    EC_CSV_OVERLONG, /* damaged, and its line has no end within the longest record: pass over it */
};

struct ec_csv_scanner {
    const struct ec_scan *scan;
    char separator;
    size_t field_max;
    size_t record_max;
    size_t expected; /* cells of a record; 0: any */
    const char *p;   /* the window; readable 64 bytes past `end` */
    size_t end;
    bool last;
    size_t at;     /* where the next record starts */
    uint64_t line; /* its physical line, 1-based */
    /* The marks of window bytes index_at .. index_at + 64 * words. */
    size_t index_at;
    size_t words;
    size_t word;
    uint64_t mask;    /* marks of `word` that have not been met yet */
    uint64_t from;    /* bits of `word` that belong to the record */
    size_t suspect_from, suspect_to; /* of the record, in words that are behind us */
    uint64_t special_bits[EC_CSV_INDEX_BLOCKS];
    uint64_t suspect_bits[EC_CSV_INDEX_BLOCKS];
    struct ec_csv_cell *cell; /* of the last record; by default room for the widest */
    size_t cell_max;          /* places that `cell` has */
    struct ec_csv_cell widest[EC_COLUMNS_MAX + 1];
};

void ec_csv_scanner_init(struct ec_csv_scanner *scanner, char separator, size_t field_max, size_t record_max);

/* A new or refilled window, whose byte `at` starts a record. */
void ec_csv_scanner_window(struct ec_csv_scanner *scanner, const char *p, size_t end, bool last, size_t at);

/* The next record that is not an empty line. */
enum ec_csv_found ec_csv_scan(struct ec_csv_scanner *scanner, struct ec_csv_record *record);

#endif
