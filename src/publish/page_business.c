/* The facts of the page: business figures with the checks that touch them, and the lineage. */
#include "publish/page_data_private.h"

#include <math.h>

/* ---- which sources lie below a table ---- */

/* Marks the nodes from which an edge leads to a marked one, until nothing changes: the graph has no cycles. */
static void mark_above(const struct ec_page_lineage *g, bool *marked) {
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < g->edge_count; i++) {
            if (!marked[g->edge[i][1]] || marked[g->edge[i][0]]) continue;
            marked[g->edge[i][0]] = true;
            more = true;
        }
    }
}

static void write_touched(struct ec_sheet *s, const char *table) {
    const struct ec_page_lineage *g = s->data->lineage;
    bool *marked = g ? ec_arena_calloc(&s->arena, g->node_count, sizeof *marked) : NULL;
    if (g && !marked) s->failed = true;
    for (size_t i = 0; marked && i < g->node_count; i++)
        marked[i] = g->node[i].kind != EC_NODE_FILE && table && strcmp(g->node[i].id, table) == 0;
    if (marked) mark_above(g, marked);
    ec_json_array(&s->w, "touched");
    for (size_t i = 0; marked && i < s->check_count && i < EC_PAGE_DATA_CHECKS_MAX; i++) {
        bool below = false;
        if (!ec_sheet_is_bad(s->check[i].check)) continue;
        for (size_t n = 0; n < g->node_count && !below; n++)
            below = marked[n] && g->node[n].kind == EC_NODE_TABLE && strcmp(g->node[n].id, s->check[i].of->name) == 0;
        if (below) ec_json_uint(&s->w, NULL, i);
    }
    ec_json_end_array(&s->w);
}

/* ---- figures ---- */

static void write_strip(struct ec_sheet *s, const struct ec_business *b) {
    struct ec_json_writer *w = &s->w;
    ec_json_array(w, "strip");
    for (size_t i = 0; b && i < b->figure_count; i++) {
        const struct ec_business_figure *f = &b->figure[i];
        ec_json_object(w, NULL);
        ec_json_str(w, "name", f->name);
        ec_json_str(w, "day", f->day);
        ec_json_double(w, "value", f->value);
        ec_json_double(w, "before", f->before);
        ec_json_array(w, "series");
        for (size_t k = 0; k < f->series_count; k++) ec_json_double(w, NULL, f->series[k]);
        ec_json_end_array(w);
        write_touched(s, f->table);
        ec_json_end(w);
    }
    ec_json_end_array(w);
}

static void write_cell(struct ec_json_writer *w, const char *key, const struct ec_figure_column *c, size_t row) {
    if (c->kind == EC_FIGURE_TEXT)
        ec_json_str(w, key, c->text[row]);
    else if (c->kind == EC_FIGURE_NUMBER)
        ec_json_double(w, key, c->number[row]);
    else if (c->valid && !c->valid[row])
        ec_json_null(w, key);
    else
        ec_json_int(w, key, c->count[row]);
}

/* A table as columns; of one row that are no series, as an object. */
static void write_part(struct ec_json_writer *w, const char *key, const struct ec_figures *f, bool single) {
    if (!f || (single && f->rows == 0)) {
        ec_json_null(w, key);
        return;
    }
    ec_json_object(w, key);
    for (size_t c = 0; c < f->column_count; c++) {
        if (single) {
            write_cell(w, f->column[c].name, &f->column[c], 0);
            continue;
        }
        ec_json_array(w, f->column[c].name);
        for (size_t i = 0; i < f->rows; i++) write_cell(w, NULL, &f->column[c], i);
        ec_json_end_array(w);
    }
    ec_json_end(w);
}

void ec_sheet_business(struct ec_sheet *s) {
    const struct ec_business *b = s->data->business;
    struct ec_json_writer *w = &s->w;
    ec_json_object(w, "business");
    write_strip(s, b);
    for (int i = 0; i < EC_BUSINESS_PARTS; i++)
        write_part(w, ec_business_part_name((enum ec_business_part)i), b ? b->part[i] : NULL, i == EC_BUSINESS_FUNNEL);
    ec_json_str(w, "api_day", b ? b->api_day : NULL);
    if (b && b->from) {
        ec_json_object(w, "window");
        ec_json_str(w, "from", b->from);
        ec_json_str(w, "to", b->to);
        ec_json_end(w);
    } else {
        ec_json_null(w, "window");
    }
    ec_json_object(w, "reasons");
    for (int i = 0; i < EC_BUSINESS_PARTS; i++) {
        const char *reason = b ? b->reason[i] : s->data->no_business ? s->data->no_business : _("not computed");
        if (reason) ec_json_str(w, ec_business_part_name((enum ec_business_part)i), reason);
    }
    ec_json_end(w);
    ec_json_end(w);
}

/* ---- lineage ---- */

void ec_sheet_lineage(struct ec_sheet *s) {
    static const char *const kinds[] = {"file", "table", "model"};
    const struct ec_page_lineage *g = s->data->lineage;
    struct ec_json_writer *w = &s->w;
    ec_json_object(w, "lineage");
    ec_json_array(w, "nodes");
    for (size_t i = 0; g && i < g->node_count; i++) {
        ec_json_object(w, NULL);
        ec_json_str(w, "id", g->node[i].id);
        ec_json_str(w, "kind", kinds[g->node[i].kind]);
        if (g->node[i].rows_known)
            ec_json_uint(w, "rows", g->node[i].rows);
        else
            ec_json_null(w, "rows");
        if (g->node[i].version >= 0)
            ec_json_int(w, "version", g->node[i].version);
        else
            ec_json_null(w, "version");
        ec_json_end(w);
    }
    ec_json_end_array(w);
    ec_json_array(w, "edges");
    for (size_t i = 0; g && i < g->edge_count; i++) {
        ec_json_array(w, NULL);
        ec_json_uint(w, NULL, g->edge[i][0]);
        ec_json_uint(w, NULL, g->edge[i][1]);
        ec_json_end_array(w);
    }
    ec_json_end_array(w);
    ec_json_end(w);
}
