/* SPDX-License-Identifier: Apache-2.0 */
/* compare_svg.c: the picture of a comparison: four rows of panels, a column a run,
 * its figures under it. Rows share their y axis over all columns, columns of one
 * scenario their x axis. Pure but for the FILE. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "svg.h"
#include "svg_parts.h"

#define COMPARE_ROWS     4
#define COMPARE_SERIES   2
#define COMPARE_NAME     24.0  /* heading of a column                                */
#define COMPARE_HEIGHT   176.0 /* of a panel                                          */
#define COMPARE_WIDTH    400.0
#define COMPARE_GAP      10.0
#define COMPARE_LINE     16.0
#define COMPARE_TITLE    19.5 /* of the head's letters, bold                        */
#define COMPARE_ABOUT    12.0
#define COMPARE_W_PER_KW 1000.0

/* What a sample gives to one line. */
static double compare_ac(const struct scenario *s, const struct scenario_sample *at)
{
    return at->ac_v / s->params.nominal_v;
}

static double compare_bus(const struct scenario *s, const struct scenario_sample *at)
{
    (void)s;
    return at->bus_v;
}

static double compare_psu(const struct scenario *s, const struct scenario_sample *at)
{
    (void)s;
    return at->psu_w / COMPARE_W_PER_KW;
}

static double compare_bbu(const struct scenario *s, const struct scenario_sample *at)
{
    (void)s;
    return at->bbu_w / COMPARE_W_PER_KW;
}

static double compare_load_w(const struct scenario *s, const struct scenario_sample *at)
{
    (void)s;
    return at->load_w / COMPARE_W_PER_KW;
}

static double compare_grid(const struct scenario *s, const struct scenario_sample *at)
{
    (void)s;
    return at->grid_w / COMPARE_W_PER_KW;
}

static const struct {
    const char *title, *unit;
    struct {
        const char *label;
        double (*value)(const struct scenario *s, const struct scenario_sample *at);
        int style;
    } line[COMPARE_SERIES];
} compare_rows[COMPARE_ROWS] = {
    { .title = "AC voltage",
      .unit = "pu",
      .line = { { .label = "lowest phase", .value = compare_ac, .style = 1 } } },
    { .title = "Busbar voltage",
      .unit = "V",
      .line = { { .label = "busbar", .value = compare_bus, .style = 1 } } },
    { .title = "Supplies and batteries",
      .unit = "kW",
      .line = { { .label = "supplies", .value = compare_psu, .style = 1 },
                { .label = "batteries", .value = compare_bbu, .style = 2 } } },
    { .title = "Load and grid",
      .unit = "kW",
      .line = { { .label = "load (DC)", .value = compare_load_w, .style = 3 },
                { .label = "grid (AC)", .value = compare_grid, .style = 1 } } },
};

/* The series of one column, one array a line and one of times. */
struct compare_series {
    double *t, *y[COMPARE_ROWS][COMPARE_SERIES];
    double x_low, x_high;
};

static void compare_series_done(struct compare_series *series)
{
    free(series->t);
    for (int r = 0; r < COMPARE_ROWS; r++)
        for (int k = 0; k < COMPARE_SERIES; k++)
            free(series->y[r][k]);
}

static bool compare_series_make(const struct compare_column *column, struct compare_series *series)
{
    size_t count = column->result.sample_count;

    series->t = calloc(count + 1, sizeof *series->t);
    for (size_t i = 0; series->t && i < count; i++)
        series->t[i] = column->result.sample[i].t_s;
    for (int r = 0; r < COMPARE_ROWS; r++)
        for (int k = 0; k < COMPARE_SERIES; k++) {
            if (!compare_rows[r].line[k].label)
                continue;
            series->y[r][k] = calloc(count + 1, sizeof *series->y[r][k]);
            if (!series->t || !series->y[r][k])
                return false;
            for (size_t i = 0; i < count; i++)
                series->y[r][k][i] =
                    compare_rows[r].line[k].value(&column->scenario, &column->result.sample[i]);
        }
    return true;
}

/* From a little before the event until a little after everything is back. */
static void compare_span(const struct compare *compare, struct compare_series *series, int32_t first)
{
    const struct scenario *s = &compare->column[first].scenario;
    double low = 0.0, high = 0.0;

    for (int32_t i = 0; i < compare->count; i++) {
        const struct compare_column *column = &compare->column[i];
        double back_s = scenario_metric(&column->result, "recovery_s");
        double long_s = column->scenario.ends_s - column->scenario.begins_s;

        if (strcmp(column->scenario.name, s->name) != 0)
            continue;
        if (!isfinite(long_s) || !isfinite(back_s))
            high = fmax(high, column->scenario.seconds);
        else
            high = fmax(high, column->scenario.ends_s + back_s + fmax(0.5, 0.5 * (long_s + back_s)));
        low = isfinite(long_s) ? fmax(0.0, column->scenario.begins_s - fmax(0.2, 0.25 * long_s)) : 0.0;
    }
    series[first].x_low = low;
    series[first].x_high = fmin(high, s->seconds);
}

/* Least and greatest of a row over all columns, as far as they are shown. */
static void compare_row_range(const struct compare *compare, const struct compare_series *series, int row,
                              double *ret_low, double *ret_high)
{
    double low = INFINITY, high = -INFINITY;

    for (int32_t c = 0; c < compare->count; c++)
        for (int k = 0; k < COMPARE_SERIES; k++)
            for (size_t i = 0; series[c].y[row][k] && i < compare->column[c].result.sample_count; i++) {
                double y = series[c].y[row][k][i];

                if (series[c].t[i] < series[c].x_low || series[c].t[i] > series[c].x_high || !isfinite(y))
                    continue;
                low = fmin(low, y);
                high = fmax(high, y);
            }
    if (!(low <= high)) {
        low = 0.0;
        high = 1.0;
    }
    if (row == 1) { /* a busbar that stays in its band is shown within it */
        low = fmin(low, 45.5);
        high = fmax(high, 52.5);
        low = low < 40.0 ? 0.0 : low;
    } else {
        low = fmin(low, 0.0);
        high += 0.06 * (high - low);
    }
    *ret_low = low;
    *ret_high = high;
}

static void compare_panels(FILE *to, const struct compare *compare, const struct compare_series *series,
                           int row, double top, double width)
{
    double low, high;

    compare_row_range(compare, series, row, &low, &high);
    for (int32_t c = 0; c < compare->count; c++) {
        const struct compare_column *column = &compare->column[c];
        double band[] = { column->scenario.params.it_low_v, column->scenario.params.it_high_v };
        double nominal[] = { 0.9 };
        struct svg_panel panel = { .title = compare_rows[row].title,
                                   .x_label = row == COMPARE_ROWS - 1 ? "time (s)" : NULL,
                                   .y_label = compare_rows[row].unit,
                                   .x_low = series[c].x_low,
                                   .x_high = series[c].x_high,
                                   .y_low = low,
                                   .y_high = high,
                                   .mark = row == 0 ? nominal : band,
                                   .mark_count = row == 0   ? 1
                                                 : row == 1 ? 2
                                                            : 0 };

        if (isfinite(column->scenario.begins_s)) {
            panel.shade_low = column->scenario.begins_s;
            panel.shade_high = fmin(column->scenario.ends_s, series[c].x_high);
        }
        for (int k = 0; k < COMPARE_SERIES && series[c].y[row][k]; k++)
            panel.line[panel.line_count++] = (struct svg_line){ .label = compare_rows[row].line[k].label,
                                                                .x = series[c].t,
                                                                .y = series[c].y[row][k],
                                                                .count = column->result.sample_count,
                                                                .style = compare_rows[row].line[k].style };
        svg_panel(to, SVG_MARGIN + c * (width + COMPARE_GAP), top, width, COMPARE_HEIGHT, &panel);
    }
}

static void compare_captions(FILE *to, const struct compare *compare, double top, double width)
{
    for (int32_t c = 0; c < compare->count; c++) {
        double x = SVG_MARGIN + c * (width + COMPARE_GAP) + 48.0;
        char text[64];

        for (int f = 0; f < COMPARE_FIGURES; f++) {
            compare_figure(&compare->column[c], f, text, sizeof text);
            svg_text(to, x, top + f * COMPARE_LINE, SVG_TEXT + 1.0, compare_figure_name(compare, f));
            svg_text(to, x + 130.0, top + f * COMPARE_LINE, SVG_TEXT + 1.0, text);
        }
    }
}

/* As many lines as it takes, drawn where a file is given. Returns their number. */
static int compare_note(FILE *to, double x, double y, double width, const char *text)
{
    char line[STUDY_TEXT_MAX];
    int lines = 0;

    while (*text) {
        size_t fits = 0, at = 0;

        while (text[at] && at < sizeof line - 1) {
            at += strspn(text + at, " ");
            at += strcspn(text + at, " ");
            if (at >= sizeof line)
                break;
            (void)snprintf(line, sizeof line, "%.*s", (int)at, text);
            if (fits > 0 && svg_width(line, SVG_TEXT) > width)
                break;
            fits = at;
        }
        fits = fits > 0 ? fits : at;
        (void)snprintf(line, sizeof line, "%.*s", (int)fits, text);
        if (to)
            svg_text(to, x, y + lines * COMPARE_LINE, SVG_TEXT, line);
        lines++;
        text += fits;
        text += strspn(text, " ");
    }
    return lines;
}

static void compare_draw(FILE *to, const struct compare *compare, const struct compare_series *series)
{
    double width = compare->count > 4 ? 0.8 * COMPARE_WIDTH : COMPARE_WIDTH;
    double notes = SVG_HEAD + COMPARE_NAME + COMPARE_ROWS * COMPARE_HEIGHT + 18.0;
    double wide = 2.0 * SVG_MARGIN + compare->count * (width + COMPARE_GAP) - COMPARE_GAP;
    double foot = notes + (COMPARE_FIGURES + 2) * COMPARE_LINE, high, left = SVG_MARGIN + 48.0;
    char about[STUDY_TEXT_MAX], title[STUDY_TEXT_MAX];
    bool both = false, job = compare->column[0].scenario.job.plays;
    const char *note =
        job ? "Dotted: 0.9 pu; the band that IT gear bears."
            : "Shaded: the event. Dotted: 0.9 pu; the band that IT gear bears. Overshoot: highest "
              "20 ms mean of AC power after the return, over the power before.";

    for (int32_t c = 1; c < compare->count; c++)
        both = both || compare->column[c].scenario.controller != compare->column[0].scenario.controller;
    (void)snprintf(title, sizeof title, "%s on a simulated rack%s", job ? "A job" : "Grid events",
                   both ? ", without and with Busbar" : "");
    compare_about(compare, about, sizeof about);
    wide =
        fmax(wide, 2.0 * SVG_MARGIN + fmax(svg_width(title, COMPARE_TITLE), svg_width(about, COMPARE_ABOUT)));
    high = foot + (compare_note(NULL, left, foot, wide - SVG_MARGIN - left, note) - 1) * COMPARE_LINE +
           SVG_MARGIN;
    svg_begin(to, wide, high, title, about);
    for (int32_t c = 0; c < compare->count; c++) {
        compare_name(&compare->column[c], title, sizeof title);
        svg_text(to, SVG_MARGIN + c * (width + COMPARE_GAP) + 48.0, SVG_HEAD + 14.0, 14.0, title);
    }
    for (int r = 0; r < COMPARE_ROWS; r++)
        compare_panels(to, compare, series, r, SVG_HEAD + COMPARE_NAME + r * COMPARE_HEIGHT, width);
    compare_captions(to, compare, notes, width);
    (void)compare_note(to, left, foot, wide - SVG_MARGIN - left, note);
    svg_end(to);
}

enum status compare_svg(FILE *to, const struct compare *compare)
{
    struct compare_series *series = calloc((size_t)compare->count, sizeof *series);
    bool made = series != NULL;

    for (int32_t c = 0; made && c < compare->count; c++) {
        made = compare_series_make(&compare->column[c], &series[c]);
        compare_span(compare, series, c);
    }
    if (made)
        compare_draw(to, compare, series);
    for (int32_t c = 0; series && c < compare->count; c++)
        compare_series_done(&series[c]);
    free(series);
    return made ? ST_OK : ST_NOMEM;
}
