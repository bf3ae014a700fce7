/* Workbooks made of text, for tests: parts stored in a zip archive. */
#ifndef EC_TEST_WORKBOOK_H
#define EC_TEST_WORKBOOK_H

#include <isa-l/crc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct workbook {
    unsigned char *p;
    size_t n;
    size_t cap;
    unsigned char central[4096];
    size_t central_n;
    unsigned count;
};

static inline void wb_le(unsigned char **p, uint64_t v, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) *(*p)++ = (unsigned char)(v >> 8 * i);
}

static inline void wb_add(struct workbook *w, const char *name, const char *text, size_t n) {
    size_t name_n = strlen(name), at = w->n, need = n + name_n + 8192;
    if (w->n + need > w->cap) {
        w->cap = w->n + need;
        w->p = realloc(w->p, w->cap);
    }
    uint32_t crc = crc32_gzip_refl(0, (const unsigned char *)text, n);
    unsigned char *p = w->p + w->n;
    wb_le(&p, 0x04034b50, 4), wb_le(&p, 20, 2), wb_le(&p, 0, 4), wb_le(&p, 0x5a215a21, 4), wb_le(&p, crc, 4);
    wb_le(&p, n, 4), wb_le(&p, n, 4), wb_le(&p, name_n, 2), wb_le(&p, 0, 2);
    memcpy(p, name, name_n), p += name_n;
    if (n) memcpy(p, text, n);
    w->n = (size_t)(p - w->p) + n;
    p = w->central + w->central_n;
    wb_le(&p, 0x02014b50, 4), wb_le(&p, 20, 2), wb_le(&p, 20, 2), wb_le(&p, 0, 4), wb_le(&p, 0x5a215a21, 4),
        wb_le(&p, crc, 4);
    wb_le(&p, n, 4), wb_le(&p, n, 4), wb_le(&p, name_n, 2), wb_le(&p, 0, 8), wb_le(&p, 0, 4), wb_le(&p, at, 4);
    memcpy(p, name, name_n), p += name_n;
    w->central_n = (size_t)(p - w->central);
    w->count++;
}

static inline void wb_addz(struct workbook *w, const char *name, const char *text) {
    wb_add(w, name, text, strlen(text));
}

/* Writes the archive and frees it. */
static inline int wb_save(struct workbook *w, const char *path) {
    size_t at = w->n;
    unsigned char *p = w->p + w->n;
    memcpy(p, w->central, w->central_n), p += w->central_n;
    wb_le(&p, 0x06054b50, 4), wb_le(&p, 0, 4), wb_le(&p, w->count, 2), wb_le(&p, w->count, 2);
    wb_le(&p, w->central_n, 4), wb_le(&p, at, 4), wb_le(&p, 0, 2);
    FILE *f = fopen(path, "wb");
    if (!f) return -1;
    size_t n = (size_t)(p - w->p);
    int failed = fwrite(w->p, 1, n, f) != n;
    failed |= fclose(f) != 0;
    free(w->p);
    memset(w, 0, sizeof *w);
    return failed ? -1 : 0;
}

#define WB_MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define WB_REL  "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

/* The parts that lead to xl/worksheets/sheet1.xml; `properties` stands before the sheets. */
static inline void wb_frame(struct workbook *w, const char *properties, const char *sheets) {
    char text[2048];
    wb_addz(w, "_rels/.rels",
            "<Relationships><Relationship Id='r1' Type='" WB_REL
            "/officeDocument' Target='xl/workbook.xml'/></Relationships>");
    wb_addz(w, "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id='s1' Type='" WB_REL "/worksheet' Target='worksheets/sheet1.xml'/>"
            "<Relationship Id='s2' Type='" WB_REL "/worksheet' Target='/xl/worksheets/../worksheets/./sheet2.xml'/>"
            "<Relationship Id='s3' Type='" WB_REL "/chartsheet' Target='chart.xml'/>"
            "<Relationship Id='t' Type='" WB_REL "/sharedStrings' Target='sharedStrings.xml'/>"
            "<Relationship Id='y' Type='" WB_REL "/styles' Target='styles.xml'/></Relationships>");
    snprintf(text, sizeof text, "<workbook xmlns='" WB_MAIN "' xmlns:r='" WB_REL "'>%s<sheets>%s</sheets></workbook>",
             properties, sheets);
    wb_addz(w, "xl/workbook.xml", text);
}

#define WB_ONE_SHEET "<sheet name='Products' sheetId='1' r:id='s1'/>"

#endif
