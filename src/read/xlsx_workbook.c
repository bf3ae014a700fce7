/* From the file to the parts that matter: relationships lead from the package to the workbook, and from
 * there to the sheet, the shared strings and the styles (ECMA-376 part 2, 9; part 1, 18.2). */
#include "read/xlsx.h"

#include "base/io.h"

#include <strings.h>

#define ARENA_MAX (64 * EC_MIB) /* names of parts, relationships, sheets, styles */

struct relation {
    const char *id;
    const char *kind; /* the last word of its type: "worksheet", "styles" */
    const char *part;
};

struct relations {
    struct ec_xml *xml;
    struct ec_arena *arena;
    const char *base; /* the part that they are of */
    struct relation *list;
    size_t count;
    size_t cap;
};

struct sheets {
    struct ec_xml *xml;
    struct ec_xlsx_workbook *wb;
    const struct relations *relations;
    const char *wanted; /* NULL: the first visible one */
    char found[400];    /* names, for the message */
};

static const struct ec_zip_member *find_part(const struct ec_xlsx_workbook *wb, const char *part) {
    for (size_t i = 0; i < wb->members; i++)
        if (strcasecmp(wb->member[i].name, part) == 0) return &wb->member[i];
    return NULL;
}

enum ec_status ec_xlsx_part_open(const struct ec_xlsx_workbook *wb, const char *part,
                                 const struct ec_xml_handlers *handlers, void *context, struct ec_xml **xml,
                                 struct ec_err *err) {
    const struct ec_zip_member *member = find_part(wb, part);
    struct ec_stream *stream;
    if (!member) return ec_fail(err, EC_XLSX_DAMAGED, "%s: the part %s is missing", wb->path, part);
    EC_TRY(ec_stream_member(wb->path, member, EC_XLSX_PART_MAX, &stream, err));
    return ec_xml_create(stream, part, handlers, context, xml, err);
}

/* `target` as seen from the folder of `base`: "../a/b.xml", "b.xml", "/xl/b.xml". */
static const char *resolve(struct ec_arena *arena, const char *base, const char *target) {
    const char *slash = strrchr(base, '/');
    int folder = target[0] == '/' || !slash ? 0 : (int)(slash + 1 - base);
    char *path = ec_arena_printf(arena, "%.*s%s", folder, base, target);
    if (!path) return NULL;
    char *out = path;
    for (const char *in = path; *in;) {
        size_t n = strcspn(in, "/");
        if (n == 2 && in[0] == '.' && in[1] == '.') {
            if (out > path) out--; /* the '/' behind the last component */
            while (out > path && out[-1] != '/') out--;
        } else if (n > 0 && !(n == 1 && in[0] == '.')) {
            memmove(out, in, n);
            out += n;
            if (in[n]) *out++ = '/';
        }
        in += n + (in[n] == '/');
    }
    *out = 0;
    return path;
}

static void on_relation(void *context, const char *name, const char **attributes) {
    struct relations *r = context;
    const char *mode = ec_xml_attribute(attributes, "TargetMode");
    const char *id = ec_xml_attribute(attributes, "Id"), *type = ec_xml_attribute(attributes, "Type");
    const char *target = ec_xml_attribute(attributes, "Target");
    if (strcmp(name, "Relationship") != 0 || !id || !type || !target || (mode && strcmp(mode, "External") == 0)) return;
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct relation *more = ec_arena_calloc(r->arena, cap, sizeof *more);
        if (!more) goto no_memory;
        if (r->count) memcpy(more, r->list, r->count * sizeof *more);
        r->list = more;
        r->cap = cap;
    }
    const char *slash = strrchr(type, '/');
    struct relation *x = &r->list[r->count];
    x->id = ec_arena_strdup(r->arena, id);
    x->kind = ec_arena_strdup(r->arena, slash ? slash + 1 : type);
    x->part = resolve(r->arena, r->base, target);
    if (x->id && x->kind && x->part) {
        r->count++;
        return;
    }
no_memory:
    ec_xml_fail(r->xml, EC_XLSX_TOO_LARGE, "too many relationships");
}

static void on_end(void *context, const char *name) {
    (void)context, (void)name;
}

/* The relationships of a part ("" is the package); none where it has none. */
static enum ec_status read_relations(struct ec_xlsx_workbook *wb, const char *base, struct relations *r,
                                     struct ec_err *err) {
    static const struct ec_xml_handlers handlers = {on_relation, on_end, NULL};
    const char *slash = strrchr(base, '/');
    int folder = slash ? (int)(slash + 1 - base) : 0;
    *r = (struct relations){.arena = &wb->arena, .base = base};
    const char *part = ec_arena_printf(&wb->arena, "%.*s_rels/%s.rels", folder, base, base + folder);
    if (!part) return ec_fail(err, EC_NO_MEMORY, "no memory to read %s", wb->path);
    if (!find_part(wb, part)) return EC_OK;
    EC_TRY(ec_xlsx_part_open(wb, part, &handlers, r, &r->xml, err));
    return ec_xml_finish(r->xml, err);
}

static const struct relation *by_kind(const struct relations *r, const char *kind) {
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->list[i].kind, kind) == 0) return &r->list[i];
    return NULL;
}

static const struct relation *by_id(const struct relations *r, const char *id) {
    for (size_t i = 0; id && i < r->count; i++)
        if (strcmp(r->list[i].id, id) == 0) return &r->list[i];
    return NULL;
}

static void on_sheet(struct sheets *s, const char **attributes) {
    const char *name = ec_xml_attribute(attributes, "name"), *state = ec_xml_attribute(attributes, "state");
    const struct relation *relation = by_id(s->relations, ec_xml_attribute(attributes, "id"));
    if (!name || !relation || strcmp(relation->kind, "worksheet") != 0) return;
    size_t n = strlen(s->found);
    (void)snprintf(s->found + n, sizeof s->found - n, "%s%s", n ? ", " : "", name);
    bool visible = !state || strcmp(state, "visible") == 0;
    bool chosen = s->wanted ? strcasecmp(name, s->wanted) == 0 : visible;
    if (!chosen || s->wb->sheet_part) return;
    s->wb->sheet_part = relation->part;
    s->wb->sheet_name = ec_arena_strdup(&s->wb->arena, name);
    if (!s->wb->sheet_name) ec_xml_fail(s->xml, EC_NO_MEMORY, "no memory for the sheet's name");
}

static void on_workbook(void *context, const char *name, const char **attributes) {
    struct sheets *s = context;
    if (strcmp(name, "workbookPr") == 0) s->wb->epoch_1904 = ec_xml_is_true(ec_xml_attribute(attributes, "date1904"));
    if (strcmp(name, "sheet") == 0) on_sheet(s, attributes);
}

static enum ec_status read_workbook(struct ec_xlsx_workbook *wb, const char *wanted, struct ec_err *err) {
    static const struct ec_xml_handlers handlers = {on_workbook, on_end, NULL};
    struct relations package, parts;
    EC_TRY(read_relations(wb, "", &package, err));
    const struct relation *main_part = by_kind(&package, "officeDocument");
    const char *part = main_part ? main_part->part : "xl/workbook.xml";
    if (!find_part(wb, part))
        return ec_fail(err, EC_UNKNOWN_FORMAT, "%s is a zip archive but holds no workbook", wb->path);
    EC_TRY(read_relations(wb, part, &parts, err));

    struct sheets s = {.wb = wb, .relations = &parts, .wanted = wanted};
    EC_TRY(ec_xlsx_part_open(wb, part, &handlers, &s, &s.xml, err));
    EC_TRY(ec_xml_finish(s.xml, err));
    if (!wb->sheet_part && wanted)
        return ec_fail(err, EC_UNKNOWN_FORMAT, "%s has no sheet named %s; it has: %s", wb->path, wanted,
                       s.found[0] ? s.found : _("none"));
    if (!wb->sheet_part) return ec_fail(err, EC_XLSX_DAMAGED, "%s has no visible sheet", wb->path);

    const struct relation *strings = by_kind(&parts, "sharedStrings"), *styles = by_kind(&parts, "styles");
    /* A relationship to a part that is not there is common where nothing needs it. */
    if (strings && find_part(wb, strings->part)) wb->strings_part = strings->part;
    if (styles && find_part(wb, styles->part)) wb->styles_part = styles->part;
    return EC_OK;
}

/* A workbook with a password is an OLE2 file, as the binary workbooks of old are. */
static enum ec_status check_magic(const char *path, struct ec_err *err) {
    static const unsigned char ole2[8] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};
    unsigned char head[8] = {0};
    size_t got;
    int fd;
    EC_TRY(ec_file_open(path, &fd, NULL, err));
    enum ec_status status = ec_file_read_at(fd, head, sizeof head, 0, &got, path, err);
    (void)ec_io.close(fd);
    if (status != EC_OK) return status;
    if (got == 0) return ec_fail(err, EC_EMPTY_FILE, "%s holds no bytes", path);
    if (memcmp(head, ole2, sizeof ole2) == 0)
        return ec_fail(err, EC_XLSX_ENCRYPTED, "%s is protected by a password (or is a binary .xls workbook)", path);
    if (memcmp(head, "PK", 2) != 0) return ec_fail(err, EC_UNKNOWN_FORMAT, "%s is not an XLSX workbook", path);
    return EC_OK;
}

enum ec_status ec_xlsx_workbook_open(const char *path, const char *sheet, struct ec_xlsx_workbook *wb,
                                     struct ec_err *err) {
    memset(wb, 0, sizeof *wb);
    wb->path = path;
    ec_arena_init(&wb->arena, ARENA_MAX);
    EC_TRY(check_magic(path, err));
    EC_TRY(ec_zip_list(path, &wb->arena, &wb->member, &wb->members, err));
    EC_TRY(read_workbook(wb, sheet, err));
    return ec_xlsx_styles_read(wb, err);
}

void ec_xlsx_workbook_close(struct ec_xlsx_workbook *wb) {
    ec_arena_deinit(&wb->arena);
}
