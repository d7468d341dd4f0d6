/* SPDX-License-Identifier: Apache-2.0 */
/* svg_axes.c: axes with round numbers, and paths of many points. Pure but for
 * the FILE; any thread. */
#include <math.h>
#include <string.h>

#include "svg_parts.h"

/* Nothing is drawn farther out than this: some readers' numbers are short. */
#define SVG_FAR 2000.0

static double svg_part(double value, double low, double high, bool log)
{
    if (!log)
        return (value - low) / (high - low);
    return log10(fmax(value, low * 1e-3) / low) / log10(high / low);
}

double svg_frame_x(const struct svg_frame *frame, double x)
{
    double at =
        frame->left + svg_part(x, frame->x_low, frame->x_high, frame->x_log) * (frame->right - frame->left);

    return fmin(fmax(at, frame->left - SVG_FAR), frame->right + SVG_FAR);
}

double svg_frame_y(const struct svg_frame *frame, double y)
{
    double at =
        frame->bottom - svg_part(y, frame->y_low, frame->y_high, false) * (frame->bottom - frame->top);

    return fmin(fmax(at, frame->top - SVG_FAR), frame->bottom + SVG_FAR);
}

int svg_ticks(double low, double high, int about, double ret[SVG_TICKS_MAX])
{
    double rough = (high - low) / fmax(about, 1), power, step;
    int count = 0;

    if (!(high > low) || !isfinite(high - low))
        return 0;
    power = pow(10.0, floor(log10(rough)));
    step = rough / power;
    step = power * (step <= 1.0 ? 1.0 : step <= 2.0 ? 2.0 : step <= 5.0 ? 5.0 : 10.0);
    while ((high - low) / step > SVG_TICKS_MAX - 1)
        step *= 2.0;
    for (double k = ceil(low / step - 1e-9); k * step <= high + 1e-9 * step && count < SVG_TICKS_MAX;
         k += 1.0)
        ret[count++] = k == 0.0 ? 0.0 : k * step;
    return count;
}

int svg_ticks_log(double low, double high, double ret[SVG_TICKS_MAX])
{
    int count = 0;

    for (double k = ceil(log10(low) - 1e-9); k <= log10(high) + 1e-9 && count < SVG_TICKS_MAX; k += 1.0)
        ret[count++] = pow(10.0, k);
    return count;
}

/* As few decimals as tell neighbours apart. */
static void svg_number(char *ret, size_t size, double value, double step)
{
    int decimals = 0;

    while (decimals < 6 && fabs(step * pow(10.0, decimals) - round(step * pow(10.0, decimals))) > 1e-6)
        decimals++;
    (void)snprintf(ret, size, "%.*f", decimals, value);
}

static void svg_axes_x(FILE *to, const struct svg_frame *f)
{
    double tick[SVG_TICKS_MAX];
    int about = (int)((f->right - f->left) / 50.0);
    int count = f->x_log ? svg_ticks_log(f->x_low, f->x_high, tick)
                         : svg_ticks(f->x_low, f->x_high, about > 2 ? about : 2, tick);
    char number[32];

    for (int i = 0; f->x_log && i < count; i++) /* between the powers of ten */
        for (int k = 2; k < 10; k++)
            if (tick[i] * k < f->x_high)
                (void)fprintf(to, "<path class=\"fine\" d=\"M%.1f %.1fV%.1f\"/>\n",
                              svg_frame_x(f, tick[i] * k), f->top, f->bottom);
    for (int i = 0; i < count; i++) {
        double x = svg_frame_x(f, tick[i]);

        (void)fprintf(to, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x, f->top, f->bottom);
        if (f->x_log)
            (void)snprintf(number, sizeof number, "%g", tick[i]);
        else
            svg_number(number, sizeof number, tick[i], count > 1 ? tick[1] - tick[0] : 1.0);
        svg_label(to, x, f->bottom + 13.0, SVG_MIDDLE, "number soft", number);
    }
}

static void svg_axes_y(FILE *to, const struct svg_frame *f)
{
    double tick[SVG_TICKS_MAX];
    int about = (int)((f->bottom - f->top) / 22.0);
    int count = svg_ticks(f->y_low, f->y_high, about > 2 ? about : 2, tick);
    char number[32];

    for (int i = 0; i < count; i++) {
        double y = svg_frame_y(f, tick[i]);

        (void)fprintf(to, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>\n", f->left, y, f->right);
        svg_number(number, sizeof number, tick[i], count > 1 ? tick[1] - tick[0] : 1.0);
        svg_label(to, f->left - 5.0, y + 3.5, SVG_END, "number soft", number);
    }
}

void svg_axes(FILE *to, const struct svg_frame *frame, const char *x_label, const char *y_label)
{
    svg_axes_x(to, frame);
    svg_axes_y(to, frame);
    (void)fprintf(to, "<rect class=\"axis\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                  frame->left, frame->top, frame->right - frame->left, frame->bottom - frame->top);
    if (x_label)
        svg_label(to, (frame->left + frame->right) / 2.0, frame->bottom + 27.0, SVG_MIDDLE, "text soft",
                  x_label);
    if (y_label) {
        double x = frame->left - 36.0, y = (frame->top + frame->bottom) / 2.0;

        (void)fprintf(to, "<g transform=\"translate(%.1f %.1f) rotate(-90)\">\n", x, y);
        svg_label(to, 0.0, 0.0, SVG_MIDDLE, "text soft", y_label);
        (void)fputs("</g>\n", to);
    }
}

/* ---- paths ---- */

/* The points that fall into one half pixel, as far as they show: the first, the
 * least and greatest, the last. */
struct svg_thin {
    FILE *to;
    bool steps, drawing, any;
    bool waits;                    /* the last point: not written while the line stays level */
    double last_y, wait_x, wait_y; /* written last; waiting                             */
    double slot;
    double x[4], y[4]; /* first, lowest, highest, last */
    size_t lowest_at, highest_at, at;
};

/* The point that waits is written. */
static void svg_thin_write(struct svg_thin *thin)
{
    if (!thin->waits)
        return;
    if (!thin->drawing)
        (void)fprintf(thin->to, "M%.1f %.1f", thin->wait_x, thin->wait_y);
    else if (thin->wait_y == thin->last_y)
        (void)fprintf(thin->to, "H%.1f", thin->wait_x);
    else if (thin->steps)
        (void)fprintf(thin->to, "H%.1fV%.1f", thin->wait_x, thin->wait_y);
    else
        (void)fprintf(thin->to, "L%.1f %.1f", thin->wait_x, thin->wait_y);
    thin->last_y = thin->wait_y;
    thin->drawing = true;
    thin->waits = false;
}

static void svg_thin_put(struct svg_thin *thin, double x, double y)
{
    y = round(y * 10.0) / 10.0; /* as it is written */
    if (!(thin->drawing && thin->waits && thin->wait_y == thin->last_y && y == thin->last_y))
        svg_thin_write(thin);
    thin->waits = true;
    thin->wait_x = x;
    thin->wait_y = y;
}

static void svg_thin_flush(struct svg_thin *thin)
{
    int early = thin->lowest_at < thin->highest_at ? 1 : 2;

    if (!thin->any)
        return;
    svg_thin_put(thin, thin->x[0], thin->y[0]);
    if (thin->at > 1) {
        if (thin->lowest_at != thin->highest_at) {
            svg_thin_put(thin, thin->x[early], thin->y[early]);
            svg_thin_put(thin, thin->x[3 - early], thin->y[3 - early]);
        }
        svg_thin_put(thin, thin->x[3], thin->y[3]);
    }
    thin->any = false;
}

static void svg_thin_add(struct svg_thin *thin, double x, double y)
{
    double slot = floor(x * 2.0);

    if (thin->any && slot > thin->slot)
        svg_thin_flush(thin);
    if (!thin->any) {
        thin->any = true;
        thin->slot = slot;
        thin->at = 0;
        thin->lowest_at = thin->highest_at = 0;
        thin->x[0] = thin->x[1] = thin->x[2] = x;
        thin->y[0] = thin->y[1] = thin->y[2] = y;
    }
    if (y < thin->y[1]) {
        thin->x[1] = x;
        thin->y[1] = y;
        thin->lowest_at = thin->at;
    }
    if (y > thin->y[2]) {
        thin->x[2] = x;
        thin->y[2] = y;
        thin->highest_at = thin->at;
    }
    thin->x[3] = x;
    thin->y[3] = y;
    thin->at++;
}

static void svg_path_points(FILE *to, const struct svg_frame *frame, const struct svg_line *line)
{
    struct svg_thin thin = { .to = to, .steps = line->steps };

    for (size_t i = 0; i < line->count; i++) {
        if (isnan(line->x[i]) || isnan(line->y[i])) {
            svg_thin_flush(&thin);
            svg_thin_write(&thin);
            thin.drawing = false;
            continue;
        }
        svg_thin_add(&thin, svg_frame_x(frame, line->x[i]), svg_frame_y(frame, line->y[i]));
    }
    svg_thin_flush(&thin);
    svg_thin_write(&thin);
}

static bool svg_path_drawn(const struct svg_line *line)
{
    for (size_t i = 0; i < line->count; i++)
        if (!isnan(line->x[i]) && !isnan(line->y[i]))
            return true;
    return false;
}

void svg_path(FILE *to, const struct svg_frame *frame, const struct svg_line *line, const char *name,
              int style)
{
    if (!svg_path_drawn(line))
        return;
    (void)fprintf(
        to, "<svg x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" viewBox=\"%.1f %.1f %.1f %.1f\">\n",
        frame->left, frame->top, frame->right - frame->left, frame->bottom - frame->top, frame->left,
        frame->top, frame->right - frame->left, frame->bottom - frame->top);
    if (strcmp(name, "m") == 0) { /* on coloured cells: a light edge around it */
        (void)fputs("<path class=\"halo\" d=\"", to);
        svg_path_points(to, frame, line);
        (void)fputs("\"/>\n", to);
    }
    (void)fprintf(to, "<path class=\"line %s%d\" d=\"", name, style);
    svg_path_points(to, frame, line);
    (void)fputs("\"/>\n</svg>\n", to);
}
