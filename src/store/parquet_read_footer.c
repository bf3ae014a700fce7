/* The footer read: what parquet_footer.c writes, fields that it does not write passed over where
 * they cannot change what a page means. Field numbers are those of parquet.thrift. */
#include "base/io.h"
#include "store/parquet_read_internal.h"

enum { REPETITION_OPTIONAL = 1 };
enum { CODEC_UNCOMPRESSED = 0, CODEC_SNAPPY = 1, CODEC_ZSTD = 6 };
/* converted_type, and the field of the union logicalType that goes with it. */
enum { CONVERTED_NONE = -1, CONVERTED_UTF8 = 0, CONVERTED_DECIMAL = 5, CONVERTED_DATE = 6, CONVERTED_MICROS = 10 };
enum { LOGICAL_NONE = 0, LOGICAL_STRING = 1, LOGICAL_DECIMAL = 5, LOGICAL_DATE = 6, LOGICAL_TIMESTAMP = 8 };
enum { UNIT_MICROS = 2 };

#define SKIP_DEPTH 16u

void pq_in_skip(struct pq_in *in, unsigned type) {
    struct {
        bool is_struct;
        unsigned type;
        uint64_t left;
    } open[SKIP_DEPTH], *top = NULL;
    unsigned depth = 0;
    bool element = false; /* a boolean has a byte only there */
    while (!in->bad) {
        uint64_t n = type == 7 /* double */ ? 8 : type == PQ_THRIFT_BYTE || (element && type <= PQ_THRIFT_FALSE);
        if (type == PQ_THRIFT_BINARY || (type >= PQ_THRIFT_I16 && type <= PQ_THRIFT_I64)) {
            uint64_t v = pq_in_varint(in);
            n = type == PQ_THRIFT_BINARY ? v : 0;
        } else if (type == PQ_THRIFT_LIST || type == PQ_THRIFT_STRUCT) {
            if (depth == SKIP_DEPTH) pq_in_fail(in);
            top = &open[depth < SKIP_DEPTH ? depth++ : 0];
            top->is_struct = type == PQ_THRIFT_STRUCT;
            if (!top->is_struct) {
                const uint8_t *head = pq_in_take(in, 1);
                top->type = head ? *head & 15u : 0;
                top->left = head ? *head >> 4 : 0;
                if (top->left == 15) top->left = pq_in_varint(in);
            }
        } else if (type < PQ_THRIFT_TRUE || type > 7) {
            pq_in_fail(in);
        }
        (void)pq_in_take(in, n);
        /* The next value: of the innermost that has one left. */
        for (;; depth--) {
            if (in->bad || depth == 0) return;
            top = &open[depth - 1];
            struct pq_field f = {0};
            if (top->is_struct ? pq_in_field(in, &f) : top->left-- > 0) {
                element = !top->is_struct;
                type = element ? top->type : f.type;
                break;
            }
        }
    }
}

/* A column as the schema tells it. */
struct element {
    int64_t physical, repetition, children, converted, scale, precision;
    int logical; /* which of the union */
    bool utc;
    int unit;
    int64_t logical_scale, logical_precision;
    struct ec_str name;
};

static void read_timestamp(struct pq_in *in, struct element *e) {
    for (struct pq_field f = {0}; pq_in_field(in, &f);) {
        if (f.id == 1) {
            e->utc = f.type == PQ_THRIFT_TRUE;
        } else if (f.id == 2 && f.type == PQ_THRIFT_STRUCT) {
            for (struct pq_field unit = {0}; pq_in_field(in, &unit); pq_in_skip(in, unit.type)) e->unit = unit.id;
        } else {
            pq_in_fail(in);
        }
    }
}

static void read_decimal(struct pq_in *in, struct element *e) {
    for (struct pq_field f = {0}; pq_in_field(in, &f);) {
        if (f.id == 1)
            e->logical_scale = pq_in_int(in, f);
        else if (f.id == 2)
            e->logical_precision = pq_in_int(in, f);
        else
            pq_in_fail(in);
    }
}

static void read_logical(struct pq_in *in, struct element *e) {
    for (struct pq_field f = {0}; pq_in_field(in, &f);) {
        if (e->logical != LOGICAL_NONE || f.type != PQ_THRIFT_STRUCT) pq_in_fail(in);
        e->logical = f.id;
        if (f.id == LOGICAL_TIMESTAMP)
            read_timestamp(in, e);
        else if (f.id == LOGICAL_DECIMAL)
            read_decimal(in, e);
        else
            pq_in_skip(in, f.type);
    }
}

static struct element read_element(struct pq_in *in) {
    struct element e = {.physical = -1, .converted = CONVERTED_NONE, .name = EC_STR("")};
    for (struct pq_field f = {0}; pq_in_field(in, &f);) {
        switch (f.id) {
        case 1: e.physical = pq_in_int(in, f); break;
        case 3: e.repetition = pq_in_int(in, f); break;
        case 4: e.name = pq_in_binary(in, f); break;
        case 5: e.children = pq_in_int(in, f); break;
        case 6: e.converted = pq_in_int(in, f); break;
        case 7: e.scale = pq_in_int(in, f); break;
        case 8: e.precision = pq_in_int(in, f); break;
        case 10:
            pq_in_struct(in, f);
            read_logical(in, &e);
            break;
        default: pq_in_skip(in, f.type);
        }
    }
    return e;
}

static const struct kind {
    enum ec_type type;
    enum pq_physical physical;
    int converted;
    int logical;
} kinds[] = {
    {EC_TYPE_STRING, PQ_BYTE_ARRAY, CONVERTED_UTF8, LOGICAL_STRING},
    {EC_TYPE_INTEGER, PQ_INT64, CONVERTED_NONE, LOGICAL_NONE},
    {EC_TYPE_FLOAT, PQ_DOUBLE, CONVERTED_NONE, LOGICAL_NONE},
    {EC_TYPE_BOOLEAN, PQ_BOOLEAN, CONVERTED_NONE, LOGICAL_NONE},
    {EC_TYPE_DATETIME, PQ_INT64, CONVERTED_MICROS, LOGICAL_TIMESTAMP},
    {EC_TYPE_DATE, PQ_INT32, CONVERTED_DATE, LOGICAL_DATE},
    {EC_TYPE_DECIMAL, PQ_INT64, CONVERTED_DECIMAL, LOGICAL_DECIMAL},
};

static enum pq_physical physical_of(enum ec_type type) {
    size_t k = 0;
    while (kinds[k].type != type) k++;
    return kinds[k].physical;
}

static bool column_type(const struct element *e, struct ec_column_type *type) {
    size_t k = 0, count = sizeof kinds / sizeof *kinds;
    while (k < count &&
           (kinds[k].physical != e->physical || kinds[k].converted != e->converted || kinds[k].logical != e->logical))
        k++;
    if (k == count || e->repetition != REPETITION_OPTIONAL || e->children != 0) return false;
    *type = (struct ec_column_type){.type = kinds[k].type};
    if (type->type == EC_TYPE_DATETIME) return e->utc && e->unit == UNIT_MICROS;
    if (type->type != EC_TYPE_DECIMAL) return true;
    if (e->precision < 1 || e->precision > EC_DECIMAL_PRECISION_MAX || e->scale < 0 || e->scale > e->precision ||
        e->logical_precision != e->precision || e->logical_scale != e->scale)
        return false;
    type->precision = (uint8_t)e->precision;
    type->scale = (uint8_t)e->scale;
    return true;
}

static enum ec_status read_schema(struct ec_parquet_file *file, struct pq_in *in, struct pq_field f,
                                  struct ec_err *err) {
    size_t count = pq_in_list(in, f, PQ_THRIFT_STRUCT);
    if (count < 2 || count - 1 > PQ_READ_COLUMNS_MAX || file->column)
        return pq_read_bad(file, err, "has no schema of plain columns");
    struct element root = read_element(in);
    if (in->bad || root.physical >= 0 || root.children != (int64_t)count - 1)
        return pq_read_bad(file, err, "has no schema of plain columns");
    file->column = ec_calloc(count - 1, sizeof *file->column);
    if (!file->column) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the schema of %s", file->path);
    for (; file->column_count < count - 1; file->column_count++) {
        struct ec_parquet_column *column = &file->column[file->column_count];
        struct element e = read_element(in);
        if (in->bad || memchr(e.name.p, 0, e.name.n) || !column_type(&e, &column->type))
            return pq_read_bad(file, err, "has a column of a kind that is not ours");
        char *name = ec_malloc(e.name.n + 1);
        if (!name) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the schema of %s", file->path);
        memcpy(name, e.name.p, e.name.n);
        name[e.name.n] = 0;
        column->name = name;
    }
    return EC_OK;
}

static bool read_bound(struct pq_in *in, struct pq_field f, enum ec_type type, void *bound) {
    struct ec_str bytes = pq_in_binary(in, f);
    size_t width = type == EC_TYPE_STRING ? SIZE_MAX : ec_type_width(type);
    if (bytes.n != width) return false;
    if (type == EC_TYPE_DATE || type == EC_TYPE_BOOLEAN) {
        int32_t days = 0;
        memcpy(&days, bytes.p, width);
        int64_t wide = days;
        memcpy(bound, &wide, sizeof wide);
    } else {
        memcpy(bound, bytes.p, width);
    }
    return true;
}

static void read_statistics(struct pq_in *in, struct pq_stored *c, enum ec_type type) {
    bool low = false, high = false;
    for (struct pq_field f = {0}; pq_in_field(in, &f);) {
        if (f.id == 3)
            c->nulls = (uint64_t)pq_in_int(in, f);
        else if (f.id == 5)
            high = read_bound(in, f, type, &c->bounds.max);
        else if (f.id == 6)
            low = read_bound(in, f, type, &c->bounds.min);
        else
            pq_in_skip(in, f.type);
    }
    c->bounds.known = low && high;
}

static bool read_codec(int64_t number, enum ec_codec *codec) {
    *codec = number == CODEC_ZSTD ? EC_CODEC_ZSTD : number == CODEC_SNAPPY ? EC_CODEC_SNAPPY : EC_CODEC_NONE;
    return number == CODEC_ZSTD || number == CODEC_SNAPPY || number == CODEC_UNCOMPRESSED;
}

/* ColumnMetaData. What is said of a chunk must be whole and of this column. */
static bool read_chunk(const struct ec_parquet_file *file, struct pq_in *in, const struct ec_parquet_column *column,
                       struct pq_stored *c, int64_t *values) {
    int64_t physical = -1, codec = -1, stored = -1, data = -1, dict = 0;
    bool named = false;
    *values = -1;
    for (struct pq_field f = {0}; pq_in_field(in, &f);) {
        switch (f.id) {
        case 1: physical = pq_in_int(in, f); break;
        case 3: named = pq_in_list(in, f, PQ_THRIFT_BINARY) == 1 && ec_str_is(pq_in_bytes(in), column->name); break;
        case 4: codec = pq_in_int(in, f); break;
        case 5: *values = pq_in_int(in, f); break;
        case 7: stored = pq_in_int(in, f); break;
        case 9: data = pq_in_int(in, f); break;
        case 11: dict = pq_in_int(in, f); break;
        case 12:
            pq_in_struct(in, f);
            read_statistics(in, c, column->type.type);
            break;
        default: pq_in_skip(in, f.type);
        }
    }
    if (in->bad || !named || physical != (int64_t)physical_of(column->type.type) || !read_codec(codec, &c->codec))
        return false;
    c->dict = dict != 0;
    c->offset = (uint64_t)(c->dict ? dict : data);
    c->bytes = (uint64_t)stored;
    return stored >= 0 && data >= 4 && dict >= 0 && (dict == 0 || (dict >= 4 && dict < data)) &&
           c->offset <= file->data && c->bytes <= file->data - c->offset;
}

/* The column chunks of a group. */
static enum ec_status read_chunks(struct ec_parquet_file *file, struct pq_in *in, struct pq_field f,
                                  struct pq_stored_group *group, int64_t *rows, struct ec_err *err) {
    size_t count = pq_in_list(in, f, PQ_THRIFT_STRUCT);
    if (count != file->column_count || group->chunk) return pq_read_bad(file, err, "has a row group of other columns");
    group->chunk = ec_calloc(count, sizeof *group->chunk);
    if (!group->chunk) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the footer of %s", file->path);
    for (size_t i = 0; i < count; i++) {
        bool found = false, known = true;
        for (struct pq_field c = {0}; pq_in_field(in, &c);) {
            int64_t values = -1;
            if (c.id == 3 && c.type == PQ_THRIFT_STRUCT && !found) {
                found = read_chunk(file, in, &file->column[i], &group->chunk[i], &values);
                if (found && (*rows < 0 || *rows == values)) *rows = values;
                found = found && *rows == values;
            } else if (c.id == 2 || (c.id >= 4 && c.id <= 7)) {
                pq_in_skip(in, c.type); /* offsets of indexes, which we have no use for */
            } else {
                known = false; /* pages in another file, or encrypted */
                pq_in_fail(in);
            }
        }
        if (in->bad || !found || !known) return pq_read_bad(file, err, "has a column chunk that is not ours");
    }
    return EC_OK;
}

static enum ec_status read_group(struct ec_parquet_file *file, struct pq_in *in, struct pq_stored_group *group,
                                 struct ec_err *err) {
    int64_t rows = -1, values = -1;
    for (struct pq_field f = {0}; pq_in_field(in, &f);) {
        if (f.id == 1)
            EC_TRY(read_chunks(file, in, f, group, &values, err));
        else if (f.id == 3)
            rows = pq_in_int(in, f);
        else
            pq_in_skip(in, f.type);
    }
    if (in->bad || !group->chunk || rows != values || rows < 1 || rows > (int64_t)PQ_GROUP_ROWS_MAX)
        return pq_read_bad(file, err, "has a row group of impossible size");
    group->rows = (uint32_t)rows;
    return EC_OK;
}

static enum ec_status read_groups(struct ec_parquet_file *file, struct pq_in *in, struct pq_field f,
                                  struct ec_err *err) {
    size_t count = pq_in_list(in, f, PQ_THRIFT_STRUCT);
    uint64_t first = 0;
    if (!file->column || file->group) return pq_read_bad(file, err, "has row groups without columns");
    for (size_t g = 0; g < count; g++) {
        if (file->group_count == file->group_cap) {
            size_t cap = file->group_cap ? file->group_cap * 2 : 8;
            struct pq_stored_group *more = ec_realloc_array(file->group, cap, sizeof *more);
            if (!more) return ec_fail(err, EC_NO_MEMORY, "memory ran out for the footer of %s", file->path);
            file->group = more;
            file->group_cap = cap;
        }
        struct pq_stored_group *group = &file->group[file->group_count++];
        *group = (struct pq_stored_group){.first = first};
        EC_TRY(read_group(file, in, group, err));
        first += group->rows;
    }
    return EC_OK;
}

enum ec_status pq_read_footer(struct ec_parquet_file *file, const uint8_t *p, size_t n, struct ec_err *err) {
    static const char writer[] = "ecluse version ";
    struct pq_in in = {.p = p, .end = p + n};
    struct ec_str created_by = EC_STR("");
    int64_t rows = -1;
    for (struct pq_field f = {0}; pq_in_field(&in, &f);) {
        switch (f.id) {
        case 2: EC_TRY(read_schema(file, &in, f, err)); break;
        case 3: rows = pq_in_int(&in, f); break;
        case 4: EC_TRY(read_groups(file, &in, f, err)); break;
        case 6: created_by = pq_in_binary(&in, f); break;
        case 1:
        case 5:
        case 7: pq_in_skip(&in, f.type); break;
        default: return pq_read_bad(file, err, "has a footer that is not ours"); /* encryption */
        }
    }
    if (in.bad || in.p != in.end || !file->column) return pq_read_bad(file, err, "has a damaged footer");
    if (created_by.n < sizeof writer - 1 || memcmp(created_by.p, writer, sizeof writer - 1) != 0)
        return pq_read_bad(file, err, "is not of our encoder");
    for (size_t g = 0; g < file->group_count; g++) file->rows += file->group[g].rows;
    if (rows < 0 || (uint64_t)rows != file->rows)
        return pq_read_bad(file, err, "has other rows than its footer counts");
    return EC_OK;
}
