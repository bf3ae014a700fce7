#include "publish/caret.h"

#include "base/inert.h"
#include "base/width.h"

#define GLYPHS_MAX (EC_EXCERPT_MAX + 4u)

#define PAINT_CELL "\033[1;31m"
#define PAINT_END  "\033[0m"

struct glyph {
    char text[EC_INERT_MAX];
    unsigned char n;
    unsigned char width;
};

struct line {
    struct glyph glyph[GLYPHS_MAX];
    size_t count;
    size_t cell, cell_end; /* glyphs */
    bool leftward;
};

static void add_glyph(struct line *l, const char *text, size_t n, size_t width) {
    if (l->count == GLYPHS_MAX) return;
    struct glyph *g = &l->glyph[l->count++];
    memcpy(g->text, text, n);
    g->n = (unsigned char)n;
    g->width = (unsigned char)width;
}

static void add_text(struct line *l, const char *p, size_t n) {
    for (size_t i = 0; i < n;) {
        char shown[EC_INERT_MAX];
        size_t shown_n, size;
        l->leftward |= ec_is_right_to_left(ec_code_point(p + i, n - i, &size));
        i += ec_inert_next(p + i, n - i, shown, &shown_n);
        add_glyph(l, shown, shown_n, ec_width(shown, shown_n));
    }
}

static void lay_out(struct line *l, const struct ec_excerpt *e) {
    static const char open[] = "⟦", close[] = "⟧", more[] = "…";
    size_t n = strlen(e->text), end = e->cell.at + e->cell.n;
    l->count = 0;
    l->leftward = false;
    for (int pass = 0; pass < 2; pass++) { /* again with brackets where there is writing from right to left */
        bool brackets = l->leftward && e->cell_known;
        l->count = 0;
        if (e->cut_before) add_glyph(l, more, sizeof more - 1, 1);
        add_text(l, e->text, e->cell.at);
        l->cell = l->count;
        if (brackets) add_glyph(l, open, sizeof open - 1, 1);
        add_text(l, e->text + e->cell.at, e->cell.n);
        if (brackets) add_glyph(l, close, sizeof close - 1, 1);
        l->cell_end = l->count;
        add_text(l, e->text + end, n - end);
        if (e->cut_after) add_glyph(l, more, sizeof more - 1, 1);
        if (!brackets && !(l->leftward && e->cell_known)) return;
    }
}

static size_t width_of(const struct line *l, size_t from, size_t to) {
    size_t width = 0;
    for (size_t i = from; i < to; i++) width += l->glyph[i].width;
    return width;
}

/* The glyphs that are shown: [*from, *to) holds the cell, or its beginning, and as much of what stands around it
 * as fits; a column each is kept for the ellipses. */
static void cut(const struct line *l, size_t room, size_t *from, size_t *to) {
    *from = 0;
    *to = l->count;
    if (width_of(l, 0, l->count) <= room) return;
    size_t used = 2;
    *from = *to = l->cell;
    while (*to < l->cell_end && used + l->glyph[*to].width <= room) used += l->glyph[(*to)++].width;
    for (bool grew = *to == l->cell_end; grew;) { /* by turns to either side */
        grew = false;
        if (*to < l->count && used + l->glyph[*to].width <= room) {
            used += l->glyph[(*to)++].width;
            grew = true;
        }
        if (*from > 0 && used + l->glyph[*from - 1].width <= room) {
            used += l->glyph[--*from].width;
            grew = true;
        }
    }
    while (*from < l->cell && l->glyph[*from].width == 0) ++*from; /* a mark without what it stands on */
}

static void pad(struct ec_buf *out, char c, size_t n) {
    for (size_t i = 0; i < n; i++) ec_buf_addc(out, c);
}

static void add_glyphs(struct ec_buf *out, const struct line *l, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) ec_buf_add(out, l->glyph[i].text, l->glyph[i].n);
}

void ec_caret_add(struct ec_buf *out, const struct ec_excerpt *e, const struct ec_caret_style *style) {
    struct line l;
    if (!e->text) return;
    lay_out(&l, e);
    size_t room = style->width > style->indent + EC_CARET_WIDTH_MIN ? style->width - style->indent : EC_CARET_WIDTH_MIN;
    size_t from, to;
    cut(&l, room, &from, &to);
    size_t cell_end = l.cell_end < to ? l.cell_end : to;
    bool paint = style->color && e->cell_known && cell_end > l.cell;
    pad(out, ' ', style->indent);
    if (from > 0) ec_buf_addz(out, "…");
    add_glyphs(out, &l, from, l.cell);
    if (paint) ec_buf_addz(out, PAINT_CELL);
    add_glyphs(out, &l, l.cell, cell_end);
    if (paint) ec_buf_addz(out, PAINT_END);
    add_glyphs(out, &l, cell_end, to);
    ec_buf_addz(out, to < l.count ? "…\n" : "\n");
    if (!e->cell_known) return;
    size_t marks = width_of(&l, l.cell, cell_end);
    pad(out, ' ', style->indent + (from > 0) + width_of(&l, from, l.cell));
    if (style->color) ec_buf_addz(out, PAINT_CELL);
    pad(out, '^', marks ? marks : 1); /* an empty cell is a place */
    if (style->color) ec_buf_addz(out, PAINT_END);
    ec_buf_addc(out, '\n');
}
