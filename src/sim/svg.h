/* SPDX-License-Identifier: Apache-2.0 */
/* svg.h: charts as SVG text: panels with axes, lines, filled cells, captions.
 *
 * Writes to a FILE the caller opened; nothing is kept. Readable in light and dark,
 * worth printing: one font, thin grid, units on the axes, lines told apart by
 * dash as well as by colour.
 *
 * Positions and sizes are in user units (pixels at 100 %), y downwards. Texts are
 * UTF-8 and may hold anything: they are escaped here.
 */
#ifndef BUSBAR_SIM_SVG_H
#define BUSBAR_SIM_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define SVG_LINES_MAX 8
#define SVG_TICKS_MAX 12

#define SVG_MARGIN     16.0 /* around everything                                     */
#define SVG_HEAD       64.0 /* title and about, from the top: panels begin under it   */
#define SVG_TABLE_ROW  18.0 /* height of a table's row                                */
#define SVG_TEXT       11.0 /* size of text in panels and tables                      */
#define SVG_LEGEND_ROW 15.0 /* height of a row of a map's legend                      */

struct svg_line {
    const char *label;
    const double *x, *y; /* borrowed; NAN breaks the line                       */
    size_t count;
    bool steps; /* held until the next                                 */
    int style;  /* 0: by its place; 1 to SVG_LINES_MAX: that style     */
};

struct svg_panel {
    const char *title, *x_label, *y_label; /* NULL: none                               */
    double x_low, x_high, y_low, y_high;   /* NAN, or both 0: from the lines             */
    bool x_log;
    int line_count;
    struct svg_line line[SVG_LINES_MAX];
    double shade_low, shade_high; /* an interval of x with a tint; equal: none          */
    const double *mark;           /* a thin line across at each of these y, borrowed     */
    int mark_count;
};

struct svg_map { /* cells coloured by value, curves on top               */
    const char *title, *x_label, *y_label, *value_label;
    const double *x, *y; /* columns + 1 and rows + 1 edges, rising               */
    const double *value; /* rows x columns, row 0 at y[0]; NAN: its own pattern  */
    size_t columns, rows;
    const char *nan_label;
    double value_low, value_high;
    bool x_log;
    int line_count;
    struct svg_line line[SVG_LINES_MAX]; /* their legend is written under the map       */
};

/* The head: `title` in large, `about` (may be NULL) under it; both are the
 * document's title and description as well. */
void svg_begin(FILE *to, double width, double height, const char *title, const char *about);

/* x, y, width, height: the whole of it, labels, title and legend included. */
void svg_panel(FILE *to, double x, double y, double width, double height, const struct svg_panel *panel);
void svg_map(FILE *to, double x, double y, double width, double height, const struct svg_map *map);

/* y: of the base line. */
void svg_text(FILE *to, double x, double y, double size, const char *text);

/* rows x columns cells, row by row; row 0 is the head; NULL: empty. A cell that
 * begins with '!' is marked as bad (a tint and bold letters) and shown without
 * it. rows * SVG_TABLE_ROW high. */
void svg_table(FILE *to, double x, double y, double width, const char *const *cells, int rows, int columns);
void svg_end(FILE *to);

#endif
