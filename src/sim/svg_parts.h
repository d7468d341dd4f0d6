/* SPDX-License-Identifier: Apache-2.0 */
/* svg_parts.h: what svg.c and svg_map.c share: escaped text, axes, paths. */
#ifndef BUSBAR_SIM_SVG_PARTS_H
#define BUSBAR_SIM_SVG_PARTS_H

#include "svg.h"

/* The plotting area and the values at its edges. */
struct svg_frame {
    double left, top, right, bottom;
    double x_low, x_high, y_low, y_high;
    bool x_log;
};

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

double svg_frame_x(const struct svg_frame *frame, double x);
double svg_frame_y(const struct svg_frame *frame, double y);

/* Round numbers between low and high, ends included; at most SVG_TICKS_MAX. */
int svg_ticks(double low, double high, int about, double ret[SVG_TICKS_MAX]);
int svg_ticks_log(double low, double high, double ret[SVG_TICKS_MAX]);

/* Grid, ticks with their numbers, border and axis labels. */
void svg_axes(FILE *to, const struct svg_frame *frame, const char *x_label, const char *y_label);

/* One line clipped to the frame, thinned to what can be seen. `name` is the class
 * prefix: "s" in panels, "m" on maps. */
void svg_path(FILE *to, const struct svg_frame *frame, const struct svg_line *line, const char *name,
              int style);

/* `css` is the class; the text is escaped. */
void svg_label(FILE *to, double x, double y, enum svg_anchor anchor, const char *css, const char *text);
double svg_width(const char *text, double size); /* of the text, about */
int svg_style(const struct svg_line *line, int place);

#endif
