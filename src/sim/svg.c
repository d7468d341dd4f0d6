/* SPDX-License-Identifier: Apache-2.0 */
/* svg.c: the head and style of a picture, its texts, panels and tables.
 *
 * Owns nothing; any thread, one FILE each. Never fails by itself: what could not
 * be written shows in ferror() of the caller's FILE. Axes and paths: svg_axes.c;
 * maps: svg_map.c.
 */
#include "svg.h"

#include <math.h>
#include <string.h>

#include "svg_parts.h"

#define SVG_FONT "'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

/* Told apart in grey by their dashes, and by most people who see few colours. */
static const struct {
    const char *light, *dark, *dash;
} svg_styles[SVG_LINES_MAX] = {
    { .light = "#0060a8", .dark = "#6cb8ff", .dash = "none" },
    { .light = "#c4450c", .dark = "#ff9a66", .dash = "6 3" },
    { .light = "#00795c", .dark = "#4fd6b0", .dash = "1.5 2.5" },
    { .light = "#7b3294", .dark = "#d79be8", .dash = "9 3 1.5 3" },
    { .light = "#3d3d3d", .dark = "#d0d0d0", .dash = "3 3" },
    { .light = "#a07800", .dark = "#f0cf5a", .dash = "12 3" },
    { .light = "#b0246a", .dark = "#ff8fc4", .dash = "6 2 1.5 2 1.5 2" },
    { .light = "#2f6f8f", .dark = "#8fd0ea", .dash = "1.5 1.5" },
};

struct svg_scheme {
    const char *paper, *ink, *soft, *axis, *grid, *fine, *shade, *bad;
};

static const struct svg_scheme svg_light = {
    .paper = "#ffffff",
    .ink = "#1a1a1a",
    .soft = "#555555",
    .axis = "#8a8a8a",
    .grid = "#dddddd",
    .fine = "#eeeeee",
    .shade = "#f4e6c0",
    .bad = "#f6c9bd",
};

static const struct svg_scheme svg_dark = {
    .paper = "#14171a",
    .ink = "#ececec",
    .soft = "#b0b6bc",
    .axis = "#777f87",
    .grid = "#333940",
    .fine = "#23282d",
    .shade = "#3d3520",
    .bad = "#6b2a1c",
};

static void svg_style_scheme(FILE *to, const struct svg_scheme *c, bool dark)
{
    (void)fprintf(
        to, ".paper{fill:%s}text{fill:%s}.soft{fill:%s}.axis{stroke:%s}.grid{stroke:%s}.fine{stroke:%s}\n",
        c->paper, c->ink, c->soft, c->axis, c->grid, c->fine);
    (void)fprintf(to, ".shade{fill:%s}.bad{fill:%s}.rule{stroke:%s}.mark{stroke:%s}\n", c->shade, c->bad,
                  c->soft, c->soft);
    for (int i = 0; i < SVG_LINES_MAX; i++)
        (void)fprintf(to, ".s%d{stroke:%s}", i + 1, dark ? svg_styles[i].dark : svg_styles[i].light);
    (void)fputc('\n', to);
}

/* Dark colours are for screens alone: paper stays white. On a map lines lie on
 * coloured cells in either scheme, so theirs do not change. */
static void svg_style_sheet(FILE *to)
{
    (void)fprintf(to, "<style>\ntext{font-family:%s}\n", SVG_FONT);
    (void)fputs(
        ".title{font-size:18px;font-weight:600}.about{font-size:12px}.name{font-size:12px;font-weight:600}\n"
        ".text{font-size:11px}.number{font-size:10px}.head{font-size:11px;font-weight:600}\n"
        ".axis,.grid,.fine,.rule,.mark{fill:none;stroke-width:1}.mark{stroke-dasharray:2 3}\n"
        ".line{fill:none;stroke-width:1.6;stroke-linejoin:round}\n"
        ".halo{fill:none;stroke:#ffffff;stroke-width:4.5;stroke-linejoin:round;opacity:0.9}\n",
        to);
    for (int i = 0; i < SVG_LINES_MAX; i++)
        (void)fprintf(to, ".s%d,.m%d{stroke-dasharray:%s}.m%d{stroke:%s;stroke-width:2.2}", i + 1, i + 1,
                      svg_styles[i].dash, i + 1, svg_styles[i].light);
    (void)fputc('\n', to);
    svg_style_scheme(to, &svg_light, false);
    (void)fputs("@media screen and (prefers-color-scheme: dark){\n", to);
    svg_style_scheme(to, &svg_dark, true);
    (void)fputs("}\n</style>\n", to);
}

/* Length of a well-formed UTF-8 sequence; 0: it is none. */
static size_t svg_sequence(const unsigned char *at)
{
    size_t length = at[0] < 0x80                    ? 1
                    : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
                    : (at[0] & 0xf0) == 0xe0        ? 3
                    : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
                                                    : 0;

    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

static void svg_escape(FILE *to, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at) {
        size_t length = svg_sequence(at);

        if (*at == '&' || *at == '<' || *at == '>')
            (void)fputs(*at == '&' ? "&amp;" : *at == '<' ? "&lt;" : "&gt;", to);
        else if (length == 0 || *at < 0x20 || *at == 0x7f)
            (void)fputc('?', to); /* no XML reader would take it */
        else
            (void)fwrite(at, 1, length, to);
        at += length > 0 ? length : 1;
    }
}

/* As wide as the widest of the fonts above sets it: none may run into what is beside. */
double svg_width(const char *text, double size)
{
    double em = 0.0;

    for (const char *at = text; *at; at++) {
        if (((unsigned char)*at & 0xc0) == 0x80)
            continue;
        em += strchr("iljtfrI.,:;'|!()[] ", *at) ? 0.36
              : strchr("mwMW@%", *at)            ? 0.95
              : *at >= 'A' && *at <= 'Z'         ? 0.70
                                                 : 0.63;
    }
    return em * size;
}

void svg_label(FILE *to, double x, double y, enum svg_anchor anchor, const char *css, const char *text)
{
    static const char *const anchors[] = {
        [SVG_START] = "", [SVG_MIDDLE] = " text-anchor=\"middle\"", [SVG_END] = " text-anchor=\"end\""
    };

    (void)fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\"%s>", x, y, css, anchors[anchor]);
    svg_escape(to, text);
    (void)fputs("</text>\n", to);
}

void svg_begin(FILE *to, double width, double height, const char *title, const char *about)
{
    (void)fprintf(
        to,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f "
        "%.0f\" role=\"img\">\n<title>",
        width, height, width, height);
    svg_escape(to, title);
    (void)fputs("</title>\n", to);
    if (about) {
        (void)fputs("<desc>", to);
        svg_escape(to, about);
        (void)fputs("</desc>\n", to);
    }
    svg_style_sheet(to);
    (void)fprintf(to, "<rect class=\"paper\" width=\"%.0f\" height=\"%.0f\"/>\n", width, height);
    svg_label(to, SVG_MARGIN, 30.0, SVG_START, "title", title);
    if (about)
        svg_label(to, SVG_MARGIN, 49.0, SVG_START, "about soft", about);
}

void svg_end(FILE *to)
{
    (void)fputs("</svg>\n", to);
}

void svg_text(FILE *to, double x, double y, double size, const char *text)
{
    (void)fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" style=\"font-size:%.1fpx\">", x, y, size);
    svg_escape(to, text);
    (void)fputs("</text>\n", to);
}

int svg_style(const struct svg_line *line, int place)
{
    int style = line->style > 0 ? line->style : place + 1;

    return (style - 1) % SVG_LINES_MAX + 1;
}

/* ---- panels ---- */

#define SVG_PANEL_LEFT    48.0
#define SVG_PANEL_RIGHT   8.0
#define SVG_PANEL_BOTTOM  34.0
#define SVG_LEGEND_STROKE 24.0
#define SVG_LEGEND_GAP    12.0

static double svg_legend_width(const struct svg_panel *panel)
{
    double width = 0.0;

    for (int i = 0; i < panel->line_count; i++)
        if (panel->line[i].label)
            width += SVG_LEGEND_STROKE + 5.0 + svg_width(panel->line[i].label, SVG_TEXT) + SVG_LEGEND_GAP;
    return width > 0.0 ? width - SVG_LEGEND_GAP : 0.0;
}

static void svg_legend(FILE *to, double x, double y, const struct svg_panel *panel)
{
    for (int i = 0; i < panel->line_count; i++) {
        const char *label = panel->line[i].label;

        if (!label)
            continue;
        (void)fprintf(to, "<path class=\"line s%d\" d=\"M%.1f %.1fh%.0f\"/>\n", svg_style(&panel->line[i], i),
                      x, y - 3.5, SVG_LEGEND_STROKE);
        svg_label(to, x + SVG_LEGEND_STROKE + 5.0, y, SVG_START, "text", label);
        x += SVG_LEGEND_STROKE + 5.0 + svg_width(label, SVG_TEXT) + SVG_LEGEND_GAP;
    }
}

/* Least and greatest of one coordinate over all lines; false: there is none. */
static bool svg_extent(const struct svg_panel *panel, bool of_x, double *ret_low, double *ret_high)
{
    double low = INFINITY, high = -INFINITY;

    for (int i = 0; i < panel->line_count; i++)
        for (size_t k = 0; k < panel->line[i].count; k++) {
            double value = of_x ? panel->line[i].x[k] : panel->line[i].y[k];

            if (!isfinite(value) || (of_x && panel->x_log && value <= 0.0))
                continue;
            low = fmin(low, value);
            high = fmax(high, value);
        }
    *ret_low = low;
    *ret_high = high;
    return low <= high;
}

static void svg_range(const struct svg_panel *panel, bool of_x, double *low, double *high)
{
    double least, most, span;
    bool own = *low == *high; /* both 0: nothing was asked for */

    if (!svg_extent(panel, of_x, &least, &most)) {
        least = panel->x_log && of_x ? 1.0 : 0.0;
        most = panel->x_log && of_x ? 10.0 : 1.0;
    }
    if (!of_x) { /* room above and below; from 0 where that wastes little */
        span = most - least > 0.0 ? most - least : fmax(fabs(most), 1.0) * 0.2;
        most += 0.06 * span;
        least = least >= 0.0 && least < 0.6 * most ? 0.0 : least - 0.06 * span;
    }
    if (own || !isfinite(*low))
        *low = least;
    if (own || !isfinite(*high))
        *high = most;
    if (!(*high > *low))
        *high = of_x && panel->x_log ? *low * 10.0 : *low + 1.0;
}

static void svg_panel_marks(FILE *to, const struct svg_frame *f, const struct svg_panel *panel)
{
    for (int i = 0; i < panel->mark_count; i++)
        if (panel->mark[i] > f->y_low && panel->mark[i] < f->y_high)
            (void)fprintf(to, "<path class=\"mark\" d=\"M%.1f %.1fH%.1f\"/>\n", f->left,
                          svg_frame_y(f, panel->mark[i]), f->right);
}

void svg_panel(FILE *to, double x, double y, double width, double height, const struct svg_panel *panel)
{
    double legend = svg_legend_width(panel);
    double title = panel->title ? svg_width(panel->title, 12.5) : 0.0;
    bool beside = title + legend + 2.0 * SVG_LEGEND_GAP <= width - SVG_PANEL_LEFT - SVG_PANEL_RIGHT;
    struct svg_frame f = { .left = x + SVG_PANEL_LEFT,
                           .right = x + width - SVG_PANEL_RIGHT,
                           .top = y + (beside || legend <= 0.0 ? 22.0 : 38.0),
                           .bottom = y + height - SVG_PANEL_BOTTOM,
                           .x_low = panel->x_low,
                           .x_high = panel->x_high,
                           .y_low = panel->y_low,
                           .y_high = panel->y_high,
                           .x_log = panel->x_log };

    svg_range(panel, true, &f.x_low, &f.x_high);
    svg_range(panel, false, &f.y_low, &f.y_high);
    if (panel->shade_low < panel->shade_high) {
        double from = fmax(svg_frame_x(&f, panel->shade_low), f.left);
        double until = fmin(svg_frame_x(&f, panel->shade_high), f.right);

        if (until > from)
            (void)fprintf(to,
                          "<rect class=\"shade\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                          from, f.top, fmax(until - from, 1.0), f.bottom - f.top);
    }
    if (panel->title)
        svg_label(to, f.left, y + 13.0, SVG_START, "name", panel->title);
    svg_legend(to, beside ? f.right - legend : f.left, y + (beside ? 13.0 : 30.0), panel);
    svg_axes(to, &f, panel->x_label, panel->y_label);
    svg_panel_marks(to, &f, panel);
    for (int i = 0; i < panel->line_count; i++)
        svg_path(to, &f, &panel->line[i], "s", svg_style(&panel->line[i], i));
}

/* ---- tables ---- */

#define SVG_COLUMNS_MAX 32

static const char *svg_cell(const char *const *cells, int row, int column, int columns)
{
    const char *cell = cells[row * columns + column];

    return cell ? cell : "";
}

/* Where each column begins: as wide as its longest cell, stretched to the whole. */
static void svg_table_columns(const char *const *cells, int rows, int columns, double width,
                              double ret[SVG_COLUMNS_MAX + 1])
{
    double sum = 0.0;

    for (int c = 0; c < columns; c++) {
        double widest = 0.0;

        for (int r = 0; r < rows; r++)
            widest = fmax(widest, svg_width(svg_cell(cells, r, c, columns), SVG_TEXT));
        ret[c] = sum;
        sum += widest + 14.0;
    }
    ret[columns] = sum;
    for (int c = 0; c <= columns; c++)
        ret[c] *= width / sum;
}

void svg_table(FILE *to, double x, double y, double width, const char *const *cells, int rows, int columns)
{
    double at[SVG_COLUMNS_MAX + 1];

    columns = columns < SVG_COLUMNS_MAX ? columns : SVG_COLUMNS_MAX;
    if (rows < 1 || columns < 1)
        return;
    svg_table_columns(cells, rows, columns, width, at);
    for (int r = 0; r < rows; r++) {
        double top = y + r * SVG_TABLE_ROW;

        for (int c = 0; c < columns; c++) {
            const char *cell = svg_cell(cells, r, c, columns);
            bool bad = cell[0] == '!';

            if (bad)
                (void)fprintf(to,
                              "<rect class=\"bad\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                              x + at[c], top + 1.0, at[c + 1] - at[c] - 4.0, SVG_TABLE_ROW - 2.0);
            if (cell[0])
                svg_label(to, x + at[c] + 4.0, top + 13.0, SVG_START, r == 0 || bad ? "head" : "text",
                          cell + bad);
        }
        (void)fprintf(to, "<path class=\"%s\" d=\"M%.1f %.1fh%.1f\"/>\n", r == 0 ? "rule" : "grid", x,
                      top + SVG_TABLE_ROW, width);
    }
}
