/* SPDX-License-Identifier: Apache-2.0 */
/* forecast_draw.c: the trace, the forecast and the bound as a picture: one panel a
 * horizon over the part of the trace where most happens. Main thread.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forecast.h"
#include "svg.h"

#define FORECAST_DRAW_WIDTH   1000.0
#define FORECAST_DRAW_HEIGHT  260.0
#define FORECAST_DRAW_SAMPLES 240 /* shown                              */
#define FORECAST_DRAW_LINES   3

/* Where the power moves most: the beginning of that part, scored samples alone. */
static int32_t forecast_draw_from(const struct forecast_result *r, int32_t shown)
{
    const double *w = r->series->w;
    double moved = 0.0, most = -1.0;
    int32_t from = r->first;

    for (int32_t i = r->first + 1; i < r->series->count; i++) {
        int32_t gone = i - shown;

        moved += fabs(w[i] - w[i - 1]);
        if (gone > r->first)
            moved -= fabs(w[gone] - w[gone - 1]);
        if (moved > most + r->range && i - shown + 1 >= r->first) {
            most = moved;
            from = i - shown + 1;
        }
    }
    return from;
}

/* A forecast stands where it is for, a bound where it was made. */
static void forecast_draw_panel(const struct forecast_result *r, const struct forecast_outcome *at,
                                int32_t from, int32_t shown, double *room, double y, FILE *to)
{
    int32_t steps = (int32_t)lround(at->horizon_s / r->step_s);
    double *x = room, *truth = room + shown, *point = room + 2 * shown, *upper = room + 3 * shown;
    char title[96];
    struct svg_panel panel = { .title = title, .x_label = "time (s)", .y_label = "power (W)" };

    (void)snprintf(title, sizeof title, "%g ms ahead: bound held %.2f %%, mean error %.2f %% of range",
                   at->horizon_s * 1e3, 100.0 * at->score[FORECAST_BUSBAR].coverage[1],
                   at->score[FORECAST_BUSBAR].mae_range_pct);
    for (int32_t i = 0; i < shown; i++) {
        int32_t k = from + i;

        x[i] = (k + 1) * r->step_s;
        truth[i] = r->series->w[k];
        point[i] = k - steps >= 0 ? at->track.point[k - steps] : NAN;
        upper[i] = at->track.upper[1][k];
    }
    panel.line_count = FORECAST_DRAW_LINES;
    panel.line[0] = (struct svg_line){ .label = "99 % bound of the peak until then",
                                       .x = x,
                                       .y = upper,
                                       .count = (size_t)shown,
                                       .steps = true,
                                       .style = 3 };
    panel.line[1] = (struct svg_line){
        .label = "power", .x = x, .y = truth, .count = (size_t)shown, .steps = true, .style = 1
    };
    panel.line[2] = (struct svg_line){ .label = "forecast for that moment",
                                       .x = x,
                                       .y = point,
                                       .count = (size_t)shown,
                                       .steps = true,
                                       .style = 2 };
    svg_panel(to, SVG_MARGIN, y, FORECAST_DRAW_WIDTH - 2.0 * SVG_MARGIN, FORECAST_DRAW_HEIGHT, &panel);
}

void forecast_draw(const struct forecast_study *study, const struct forecast_result *result, FILE *to)
{
    int32_t left = result->series->count - result->first;
    int32_t shown = left < FORECAST_DRAW_SAMPLES ? left : FORECAST_DRAW_SAMPLES;
    int32_t from = forecast_draw_from(result, shown);
    double *room = calloc((size_t)shown * 4 + 1, sizeof *room);
    double y = SVG_HEAD;
    const char *slash = strrchr(study->source.path, '/');
    char about[256];

    (void)snprintf(about, sizeof about,
                   "%.120s, column %.40s, samples of %g ms; each forecast knows the past alone",
                   slash ? slash + 1 : study->source.path, study->source.column, result->step_s * 1e3);
    svg_begin(to, FORECAST_DRAW_WIDTH, SVG_HEAD + FORECAST_DRAW_HEIGHT * study->horizon_count + SVG_MARGIN,
              "Power, forecast and bound", about);
    for (int32_t h = 0; room && h < study->horizon_count; h++) {
        if (result->at[h].samples > 0)
            forecast_draw_panel(result, &result->at[h], from, shown, room, y, to);
        y += FORECAST_DRAW_HEIGHT;
    }
    svg_end(to);
    free(room);
}
