/* SPDX-License-Identifier: Apache-2.0 */
/* svg_map.c: a map: cells coloured by value, a colour bar, curves on top and
 * their legend under it. Pure but for the FILE; any thread. */
#include <math.h>

#include "busbar/check.h"
#include "svg_parts.h"

#define SVG_MAP_LEFT   48.0
#define SVG_MAP_BAR    84.0 /* colour bar with its numbers, on the right            */
#define SVG_MAP_TOP    22.0
#define SVG_MAP_BOTTOM 36.0
#define SVG_MAP_SHADES 64

/* Dark to light without a turn, so it reads in grey; blue to yellow for those who
 * do not tell red from green. */
static const unsigned char svg_map_stops[][3] = {
    { 0, 32, 77 }, { 49, 68, 107 }, { 102, 105, 112 }, { 149, 143, 120 }, { 203, 186, 105 }, { 255, 234, 70 },
};
#define SVG_MAP_STOPS (sizeof svg_map_stops / sizeof svg_map_stops[0])

/* Low is good and light, high is dark. */
static int svg_map_shade(const struct svg_map *map, double value)
{
    double part = (value - map->value_low) / (map->value_high - map->value_low);

    return (int)lround((1.0 - fmin(fmax(part, 0.0), 1.0)) * (SVG_MAP_SHADES - 1));
}

static void svg_map_fill(FILE *to, int shade)
{
    double at = (double)shade / (SVG_MAP_SHADES - 1) * (double)(SVG_MAP_STOPS - 1);
    size_t low = (size_t)fmin(at, (double)(SVG_MAP_STOPS - 2));
    double part = at - (double)low;
    int rgb[3];

    for (int i = 0; i < 3; i++)
        rgb[i] =
            (int)lround(svg_map_stops[low][i] + part * (svg_map_stops[low + 1][i] - svg_map_stops[low][i]));
    (void)fprintf(to, "fill=\"#%02x%02x%02x\"", (unsigned)rgb[0], (unsigned)rgb[1], (unsigned)rgb[2]);
}

#define SVG_MAP_NAN (-1)

static int svg_map_cell(const struct svg_map *map, size_t row, size_t column)
{
    double value = map->value[row * map->columns + column];

    return isnan(value) ? SVG_MAP_NAN : svg_map_shade(map, value);
}

static void svg_map_rect(FILE *to, double x, double y, double width, double height, int shade)
{
    (void)fprintf(to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" ", x, y, width, height);
    if (shade == SVG_MAP_NAN)
        (void)fputs("fill=\"url(#never)\"", to);
    else
        svg_map_fill(to, shade);
    (void)fputs(" shape-rendering=\"crispEdges\"/>\n", to);
}

/* Neighbours of one shade become one rectangle. */
static void svg_map_cells(FILE *to, const struct svg_frame *f, const struct svg_map *map)
{
    for (size_t row = 0; row < map->rows; row++) {
        double top = svg_frame_y(f, map->y[row + 1]), bottom = svg_frame_y(f, map->y[row]);

        for (size_t from = 0, until; from < map->columns; from = until) {
            int shade = svg_map_cell(map, row, from);

            for (until = from + 1; until < map->columns && svg_map_cell(map, row, until) == shade;)
                until++;
            svg_map_rect(to, svg_frame_x(f, map->x[from]), top,
                         svg_frame_x(f, map->x[until]) - svg_frame_x(f, map->x[from]), bottom - top, shade);
        }
    }
}

static void svg_map_bar(FILE *to, const struct svg_frame *f, const struct svg_map *map)
{
    double x = f->right + 14.0, step = (f->bottom - f->top) / SVG_MAP_SHADES;
    double tick[SVG_TICKS_MAX];
    int count = svg_ticks(map->value_low, map->value_high, 6, tick);
    char number[32];

    for (int i = 0; i < SVG_MAP_SHADES; i++) /* a hair higher than its step: no seams */
        svg_map_rect(to, x, f->top + i * step, 14.0, step + 0.3, i);
    for (int i = 0; i < count; i++) {
        double part = (tick[i] - map->value_low) / (map->value_high - map->value_low);

        (void)snprintf(number, sizeof number, "%g", tick[i]);
        svg_label(to, x + 18.0, f->bottom - part * (f->bottom - f->top) + 3.5, SVG_START, "number soft",
                  number);
    }
    (void)fprintf(to, "<rect class=\"axis\" x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"%.1f\"/>\n", x,
                  f->top, f->bottom - f->top);
    if (map->value_label) {
        (void)fprintf(to, "<g transform=\"translate(%.1f %.1f) rotate(-90)\">\n", x + 54.0,
                      (f->top + f->bottom) / 2.0);
        svg_label(to, 0.0, 0.0, SVG_MIDDLE, "text soft", map->value_label);
        (void)fputs("</g>\n", to);
    }
}

/* One row a line, and one for cells without a value. */
static void svg_map_legend(FILE *to, const struct svg_frame *f, const struct svg_map *map)
{
    double y = f->bottom + SVG_MAP_BOTTOM + 10.0;

    for (int i = 0; i < map->line_count; i++) {
        if (!map->line[i].label)
            continue;
        (void)fprintf(
            to,
            "<path class=\"halo\" d=\"M%.1f %.1fh32\"/>\n<path class=\"line m%d\" d=\"M%.1f %.1fh32\"/>\n",
            f->left, y - 3.5, svg_style(&map->line[i], i), f->left, y - 3.5);
        svg_label(to, f->left + 40.0, y, SVG_START, "text", map->line[i].label);
        y += SVG_LEGEND_ROW;
    }
    if (map->nan_label) {
        svg_map_rect(to, f->left, y - 10.0, 32.0, 11.0, SVG_MAP_NAN);
        svg_label(to, f->left + 40.0, y, SVG_START, "text", map->nan_label);
    }
}

static int svg_map_legend_rows(const struct svg_map *map)
{
    int rows = map->nan_label ? 1 : 0;

    for (int i = 0; i < map->line_count; i++)
        rows += map->line[i].label != NULL;
    return rows;
}

void svg_map(FILE *to, double x, double y, double width, double height, const struct svg_map *map)
{
    struct svg_frame f = { .left = x + SVG_MAP_LEFT,
                           .right = x + width - SVG_MAP_BAR,
                           .top = y + SVG_MAP_TOP,
                           .bottom = y + height - SVG_MAP_BOTTOM - SVG_LEGEND_ROW * svg_map_legend_rows(map),
                           .x_log = map->x_log };

    CHECK(map->columns > 0 && map->rows > 0 && map->value_high > map->value_low);
    f.x_low = map->x[0];
    f.x_high = map->x[map->columns];
    f.y_low = map->y[0];
    f.y_high = map->y[map->rows];
    (void)fputs(
        "<defs><pattern id=\"never\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
        "<rect width=\"6\" height=\"6\" fill=\"#ffffff\"/>"
        "<path d=\"M0 6L6 0M-1 1L1 -1M5 7L7 5\" stroke=\"#a02010\" stroke-width=\"1.2\"/></pattern></defs>\n",
        to);
    if (map->title)
        svg_label(to, f.left, y + 13.0, SVG_START, "name", map->title);
    svg_axes(to, &f, map->x_label, map->y_label);
    svg_map_cells(to, &f, map); /* over the grid's lines: values and curves are enough to see */
    for (int i = 0; i < map->line_count; i++)
        svg_path(to, &f, &map->line[i], "m", svg_style(&map->line[i], i));
    svg_map_bar(to, &f, map);
    svg_map_legend(to, &f, map);
}
