/* The shared strings (ECMA-376 part 1, 18.4): read once, kept whole, within a maximum. */
#include "read/xlsx.h"

#include "base/io.h"

struct reading {
    struct ec_xml *xml;
    struct ec_xlsx_strings *out;
    struct ec_xlsx_text text;
    bool in_string;
    bool in_text;
    unsigned phonetic; /* depth of rPh that are open: readings, not text */
};

static void start(void *context, const char *name, const char **attributes) {
    struct reading *r = context;
    if (strcmp(name, "si") == 0) {
        r->in_string = true;
        ec_buf_clear(&r->text.buf);
        ec_xlsx_text_begin(&r->text);
    } else if (strcmp(name, "rPh") == 0) {
        r->phonetic++;
    } else if (strcmp(name, "t") == 0 && r->in_string && r->phonetic == 0) {
        r->in_text = true;
        ec_xlsx_text_open(&r->text, attributes);
    }
}

static bool make_room(struct ec_xlsx_strings *s) {
    if (s->count < s->cap) return true;
    size_t cap = s->cap ? s->cap * 2 : 1024;
    void *more = ec_realloc_array(s->text, cap, sizeof *s->text);
    if (!more) return false;
    s->text = more;
    s->cap = cap;
    return true;
}

static void add_string(struct reading *r) {
    struct ec_xlsx_strings *s = r->out;
    ec_xlsx_text_end(&r->text);
    struct ec_str text = ec_buf_str(&r->text.buf);
    if (s->count == EC_XLSX_STRINGS_MAX) {
        ec_xml_fail(r->xml, EC_XLSX_TOO_LARGE, "more than %u shared strings", EC_XLSX_STRINGS_MAX);
        return;
    }
    if (r->text.buf.failed || !make_room(s)) {
        ec_xml_fail(r->xml, EC_NO_MEMORY, "no memory for the shared strings");
        return;
    }
    const char *copy = r->text.too_long ? NULL : text.n ? ec_arena_copy(&s->arena, text.p, text.n) : "";
    if (!copy && !r->text.too_long) {
        ec_xml_fail(r->xml, EC_XLSX_TOO_LARGE, "the shared strings have more than %llu bytes",
                    EC_XLSX_STRINGS_BYTES_MAX);
        return;
    }
    s->text[s->count++] = (struct ec_str){copy, copy ? text.n : 0};
}

static void end(void *context, const char *name) {
    struct reading *r = context;
    if (strcmp(name, "t") == 0 && r->in_text) {
        r->in_text = false;
        ec_xlsx_text_close(&r->text);
    } else if (strcmp(name, "rPh") == 0) {
        r->phonetic--;
    } else if (strcmp(name, "si") == 0 && r->in_string) {
        r->in_string = false;
        add_string(r);
    }
}

static void text(void *context, const char *p, size_t n) {
    struct reading *r = context;
    if (r->in_text) ec_xlsx_text_add(&r->text, p, n);
}

enum ec_status ec_xlsx_strings_read(const struct ec_xlsx_workbook *wb, struct ec_xlsx_strings *strings,
                                    struct ec_err *err) {
    static const struct ec_xml_handlers handlers = {start, end, text};
    struct reading r = {.out = strings, .text = {.buf = ec_buf_make(EC_MIB)}};
    memset(strings, 0, sizeof *strings);
    ec_arena_init(&strings->arena, EC_XLSX_STRINGS_BYTES_MAX);
    if (!wb->strings_part) return EC_OK;
    enum ec_status status = ec_xlsx_part_open(wb, wb->strings_part, &handlers, &r, &r.xml, err);
    if (status == EC_OK) status = ec_xml_finish(r.xml, err);
    ec_buf_free(&r.text.buf);
    return status;
}

void ec_xlsx_strings_free(struct ec_xlsx_strings *strings) {
    ec_arena_deinit(&strings->arena);
    ec_free(strings->text);
    memset(strings, 0, sizeof *strings);
}
