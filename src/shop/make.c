/* The sources into their files, in the order of world, rows, sink and archive. */
#include "shop/make.h"

#include "base/calendar.h"
#include "base/io.h"
#include "shop/archive.h"
#include "shop/sources.h"

#define SHEET_MAX       ((size_t)64 * EC_MIB)
#define USERS_A_FILE    50000u
#define CATALOGUE_TIMES 4u      /* it is small: more defects for each */
#define PARTS_MAX       500000u /* per million rows */

enum ec_status ec_shop_file_path(struct ec_shop_making *m, const char *name, const char **path, struct ec_err *err) {
    char joined[4096];
    EC_TRY(ec_path_join(joined, sizeof joined, m->options->dir, name, err));
    if (m->made_count == m->made_cap) {
        size_t cap = m->made_cap ? 2 * m->made_cap : 64;
        const char **more = ec_realloc_array(m->made, cap, sizeof *more);
        if (!more) return ec_fail(err, EC_NO_MEMORY, "no memory for the names of a shop's files");
        m->made = more;
        m->made_cap = cap;
    }
    *path = ec_arena_strdup(&m->arena, joined);
    if (!*path) return ec_fail(err, EC_NO_MEMORY, "no memory for the names of a shop's files");
    m->made[m->made_count++] = *path;
    return EC_OK;
}

/* sessions_20250718 and the like; the day's date without its dashes. */
static char *put_day(char *p, int32_t day) {
    char date[16];
    (void)ec_date_format(day, date);
    p = ec_shop_put(p, date, 4);
    p = ec_shop_put(p, date + 5, 2);
    return ec_shop_put(p, date + 8, 2);
}

static enum ec_status begin_csv(struct ec_shop_making *m, const char *name, bool crlf, bool bom, struct ec_err *err) {
    const char *path;
    EC_TRY(ec_shop_file_path(m, name, &path, err));
    EC_TRY(ec_shop_sink_file(&m->sink, m->buf, path, err));
    ec_shop_truth_begin(&m->truth, m->emit.rows->source, m->emit.rows->column, name, NULL, "csv");
    if (bom) {
        memcpy(m->sink.buf, "\xEF\xBB\xBF", 3);
        m->sink.n = 3;
    }
    m->emit.crlf = crlf;
    return ec_shop_emit_file(&m->emit, EC_SHOP_CSV, &m->sink, err);
}

static enum ec_status end_csv(struct ec_shop_making *m, struct ec_err *err) {
    EC_TRY(ec_shop_emit_end(&m->emit, err));
    EC_TRY(ec_shop_sink_finish(&m->sink, err));
    m->totals->bytes_written += m->sink.flushed;
    ec_shop_truth_end(&m->truth, m->sink.flushed, m->totals);
    return EC_OK;
}

static void begin_source(struct ec_shop_making *m, const struct ec_shop_rows *rows, uint64_t times) {
    uint64_t parts = m->world->parts * times;
    ec_shop_emit_init(&m->emit, m->world, rows, parts < PARTS_MAX ? parts : PARTS_MAX, &m->truth);
}

enum ec_status ec_shop_make_sessions(struct ec_shop_making *m, struct ec_err *err) {
    begin_source(m, &ec_shop_session_rows, 1);
    for (unsigned day = 0; day < m->world->days; day++) {
        char name[64];
        char *p = put_day(ec_shop_putz(name, "user_sessions/sessions_"), m->world->first_day + (int32_t)day);
        (void)ec_shop_put(p, ".csv", 5);
        EC_TRY(begin_csv(m, name, false, false, err));
        uint64_t end = m->world->first[day + 1];
        for (uint64_t k = m->world->first[day]; k < end; k++) EC_TRY(ec_shop_emit_row(&m->emit, k, k + 1 == end, err));
        EC_TRY(end_csv(m, err));
    }
    return EC_OK;
}

enum ec_status ec_shop_make_sales(struct ec_shop_making *m, struct ec_err *err) {
    begin_source(m, &ec_shop_sale_rows, 1);
    for (unsigned day = 0; day < m->world->days; day++) {
        char name[64];
        char *p = put_day(ec_shop_putz(name, "sales_"), m->world->first_day + (int32_t)day);
        (void)ec_shop_put(p, ".csv", 5);
        EC_TRY(begin_csv(m, name, false, false, err));
        uint64_t end = m->world->first[day + 1];
        for (uint64_t k = m->world->first[day]; k < end; k++) {
            uint32_t lines = ec_shop_emit_session(&m->emit, k)->lines;
            for (uint32_t i = 0; i < lines; i++)
                EC_TRY(ec_shop_emit_row(&m->emit, k * EC_SHOP_LINES_MAX + i, k + 1 == end, err));
        }
        EC_TRY(end_csv(m, err));
    }
    return EC_OK;
}

/* With CRLF, as exports from elsewhere have it. */
enum ec_status ec_shop_make_users(struct ec_shop_making *m, struct ec_err *err) {
    begin_source(m, &ec_shop_user_rows, 1);
    uint32_t users = m->world->users, files = users / USERS_A_FILE + 2;
    for (uint32_t f = 0; f < files; f++) {
        char name[32];
        (void)snprintf(name, sizeof name, "users_%03u.csv", f + 1);
        EC_TRY(begin_csv(m, name, true, false, err));
        uint32_t end = (uint32_t)((uint64_t)users * (f + 1) / files);
        for (uint32_t u = (uint32_t)((uint64_t)users * f / files); u < end; u++)
            EC_TRY(ec_shop_emit_row(&m->emit, u + 1, u + 1 == end, err));
        EC_TRY(end_csv(m, err));
    }
    return EC_OK;
}

static enum ec_status make_sheet(struct ec_shop_making *m, struct ec_buf *sheet, struct ec_err *err) {
    const char name[] = "products_catalog.xlsx";
    struct ec_shop_emit *e = &m->emit;
    const char *path;
    EC_TRY(ec_shop_file_path(m, name, &path, err));
    ec_shop_truth_begin(&m->truth, EC_SHOP_PRODUCTS, e->rows->column, name, NULL, "sheet Produits");
    ec_shop_sheet_begin(e, sheet);
    EC_TRY(ec_shop_emit_file(e, EC_SHOP_SHEET, NULL, err));
    for (uint32_t i = m->world->products_csv; i < m->world->products; i++)
        EC_TRY(ec_shop_emit_row(e, i, i + 1 == m->world->products, err));
    for (int i = 0; i < 2 && m->world->parts > 0; i++) EC_TRY(ec_shop_emit_far(e, err));
    ec_shop_sheet_end(e);
    struct ec_shop_workbook w = {.path = path, .sheet = sheet, .z = m->z, .scratch = &m->packed};
    EC_TRY(ec_shop_workbook_write(&w, e->rows, err));
    m->totals->bytes_written += w.bytes_written;
    ec_shop_truth_end(&m->truth, w.bytes, m->totals);
    return EC_OK;
}

enum ec_status ec_shop_make_products(struct ec_shop_making *m, struct ec_err *err) {
    begin_source(m, &ec_shop_product_rows, CATALOGUE_TIMES);
    EC_TRY(begin_csv(m, "products_catalog.csv", false, true, err));
    for (uint32_t i = 0; i < m->world->products_csv; i++)
        EC_TRY(ec_shop_emit_row(&m->emit, i, i + 1 == m->world->products_csv, err));
    EC_TRY(end_csv(m, err));

    /* The workbook's rows may repeat keys of the CSV. */
    struct ec_shop_emit csv = m->emit;
    begin_source(m, &ec_shop_sheet_rows, CATALOGUE_TIMES);
    memcpy(m->emit.earlier, csv.earlier, sizeof csv.earlier);
    m->emit.earliers = csv.earliers;
    m->emit.files = csv.files;
    struct ec_buf sheet = ec_buf_make(SHEET_MAX);
    enum ec_status status = make_sheet(m, &sheet, err);
    ec_buf_free(&sheet);
    return status;
}

static enum ec_status make_member(struct ec_shop_making *m, struct ec_shop_archive *archive, unsigned day,
                                  unsigned slot, struct ec_err *err) {
    /* Arrays and lines in turn, and an array on a single line now and then. */
    static const enum ec_shop_layout layouts[] = {EC_SHOP_LINES, EC_SHOP_ARRAY, EC_SHOP_LINES, EC_SHOP_COMPACT};
    struct ec_shop_emit *e = &m->emit;
    enum ec_shop_layout layout = layouts[e->files % 4];
    char name[64];
    char *p = put_day(ec_shop_putz(name, "api_logs_"), m->world->first_day + (int32_t)day);
    *p++ = '_';
    p = ec_shop_put_uint(p, slot * (EC_SHOP_HOURS / m->world->slots), 2);
    (void)ec_shop_put(p, "00.json.gz", 11);
    ec_shop_truth_begin(&m->truth, EC_SHOP_LOGS, e->rows->column, "api_logs.zip", name,
                        layout == EC_SHOP_LINES ? "lines" : "array");
    ec_shop_sink_gzip(&m->sink, m->buf, m->z, &m->packed);
    EC_TRY(ec_shop_emit_file(e, layout, &m->sink, err));
    uint64_t end = ec_shop_slot_first(m->world, day, slot + 1);
    for (uint64_t k = ec_shop_slot_first(m->world, day, slot); k < end; k++) {
        uint32_t logs = ec_shop_emit_session(e, k)->logs;
        for (uint32_t i = 0; i < logs; i++) EC_TRY(ec_shop_emit_row(e, k * EC_SHOP_LOGS_STEP + i, k + 1 == end, err));
    }
    EC_TRY(ec_shop_emit_end(e, err));
    EC_TRY(ec_shop_sink_finish(&m->sink, err));
    ec_shop_truth_end(&m->truth, m->sink.flushed, m->totals);
    struct ec_shop_member member = {.name = name, .data = ec_buf_str(&m->packed), .bytes_decoded = m->packed.n};
    member.crc = ec_shop_crc(m->packed.p, m->packed.n);
    return ec_shop_archive_add(archive, &member, err);
}

enum ec_status ec_shop_make_logs(struct ec_shop_making *m, struct ec_err *err) {
    struct ec_shop_archive archive;
    const char *path;
    EC_TRY(ec_shop_file_path(m, "api_logs.zip", &path, err));
    begin_source(m, &ec_shop_log_rows, 1);
    enum ec_status status = ec_shop_archive_open(&archive, path, err);
    for (unsigned day = 0; status == EC_OK && day < m->world->days; day++)
        for (unsigned slot = 0; status == EC_OK && slot < m->world->slots; slot++)
            status = make_member(m, &archive, day, slot, err);
    if (status == EC_OK) status = ec_shop_archive_finish(&archive, err);
    m->totals->bytes_written += archive.bytes;
    ec_shop_archive_close(&archive);
    return status;
}
