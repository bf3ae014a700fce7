/* Of styles.xml only this: which cell style shows its number as a date (ECMA-376 part 1, 18.8). */
#include "read/xlsx.h"

#include "base/io.h"

#define FORMATS_MAX 65536u /* of a workbook, by any spreadsheet program */
#define STYLES_MAX  65536u

struct styles {
    struct ec_xml *xml;
    uint8_t *format; /* by number format's id */
    uint16_t *style; /* the id by cell style; resolved at the end, as the formats may come later */
    size_t count;
    bool in_cell_formats;
};

static uint32_t number(const char *text) {
    uint64_t v = 0;
    if (!text) return 0;
    for (; *text >= '0' && *text <= '9' && v < UINT32_MAX; text++) v = v * 10 + (uint64_t)(*text - '0');
    return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static void start(void *context, const char *name, const char **attributes) {
    struct styles *s = context;
    if (strcmp(name, "numFmt") == 0) {
        uint32_t id = number(ec_xml_attribute(attributes, "numFmtId"));
        const char *code = ec_xml_attribute(attributes, "formatCode");
        if (id < FORMATS_MAX && code) s->format[id] = (uint8_t)ec_xlsx_format_of(code);
    } else if (strcmp(name, "cellXfs") == 0) {
        s->in_cell_formats = true;
    } else if (s->in_cell_formats && strcmp(name, "xf") == 0) {
        if (s->count == STYLES_MAX) {
            ec_xml_fail(s->xml, EC_XLSX_TOO_LARGE, "more than %u cell styles", STYLES_MAX);
            return;
        }
        uint32_t id = number(ec_xml_attribute(attributes, "numFmtId"));
        s->style[s->count++] = (uint16_t)(id < FORMATS_MAX ? id : 0);
    }
}

static void end(void *context, const char *name) {
    struct styles *s = context;
    if (strcmp(name, "cellXfs") == 0) s->in_cell_formats = false;
}

enum ec_status ec_xlsx_styles_read(struct ec_xlsx_workbook *wb, struct ec_err *err) {
    static const struct ec_xml_handlers handlers = {start, end, NULL};
    struct styles s = {.format = ec_calloc(FORMATS_MAX, sizeof *s.format),
                       .style = ec_calloc(STYLES_MAX, sizeof *s.style)};
    enum ec_status status = EC_OK;
    if (!wb->styles_part) goto done;
    if (!s.format || !s.style) {
        status = ec_fail(err, EC_NO_MEMORY, "no memory to read %s", wb->path);
        goto done;
    }
    for (unsigned id = 0; id < 256; id++) s.format[id] = (uint8_t)ec_xlsx_format_builtin(id);
    status = ec_xlsx_part_open(wb, wb->styles_part, &handlers, &s, &s.xml, err);
    if (status == EC_OK) status = ec_xml_finish(s.xml, err);
    if (status != EC_OK) goto done;

    wb->style = ec_arena_alloc(&wb->arena, s.count ? s.count : 1);
    if (!wb->style) {
        status = ec_fail(err, EC_NO_MEMORY, "no memory to read %s", wb->path);
        goto done;
    }
    for (size_t i = 0; i < s.count; i++) wb->style[i] = s.format[s.style[i]];
    wb->styles = s.count;
done:
    ec_free(s.format);
    ec_free(s.style);
    return status;
}
