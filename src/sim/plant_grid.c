/* SPDX-License-Identifier: Apache-2.0 */
/* plant_grid.c: what the grid does, as corner points. Pure; any thread.
 *
 * Never decides what a supply makes of it: plant_psu.c does.
 */
#include "plant_grid.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#define PLANT_GRID_PHASES 3
#define PLANT_GRID_TINY   1e-9 /* under it a phase has no angle               */
#define PLANT_GRID_PI     3.14159265358979323846

void plant_grid_init(struct plant_grid *grid)
{
    grid->point_count = grid->frequency_count = 0;
}

static bool plant_grid_put(struct plant_grid *grid, const struct plant_grid_point *point)
{
    int32_t count = grid->point_count;

    if (count == PLANT_GRID_POINTS_MAX || !isfinite(point->t_s) ||
        (count > 0 && point->t_s <= grid->point[count - 1].t_s))
        return false;
    grid->point[count] = *point;
    grid->point_count++;
    return true;
}

bool plant_grid_add(struct plant_grid *grid, double t_s, double ratio, enum plant_grid_phases phases,
                    bool wye)
{
    struct plant_grid_point point = { .t_s = t_s };

    plant_grid_transform(ratio, phases, wye, point.ratio, point.jump_deg);
    return plant_grid_put(grid, &point);
}

bool plant_grid_add_phases(struct plant_grid *grid, double t_s, const double ratio[3])
{
    struct plant_grid_point point = { .t_s = t_s };

    memcpy(point.ratio, ratio, sizeof point.ratio);
    return plant_grid_put(grid, &point);
}

bool plant_grid_add_frequency(struct plant_grid *grid, double t_s, double hz)
{
    int32_t count = grid->frequency_count;

    if (count == PLANT_GRID_POINTS_MAX || !isfinite(t_s) || !isfinite(hz) ||
        (count > 0 && t_s <= grid->frequency[count - 1].t_s))
        return false;
    grid->frequency[count] = (struct plant_grid_frequency){ .t_s = t_s, .hz = hz };
    grid->frequency_count++;
    return true;
}

/* How many voltage points are not after t_s. */
static int32_t plant_grid_point_after(const struct plant_grid *grid, double t_s)
{
    int32_t low = 0, high = grid->point_count;

    while (low < high) {
        int32_t middle = (low + high) / 2;

        if (grid->point[middle].t_s <= t_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t plant_grid_frequency_after(const struct plant_grid *grid, double t_s)
{
    int32_t low = 0, high = grid->frequency_count;

    while (low < high) {
        int32_t middle = (low + high) / 2;

        if (grid->frequency[middle].t_s <= t_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static double plant_grid_hz(const struct plant_grid *grid, double t_s)
{
    int32_t after = plant_grid_frequency_after(grid, t_s);
    const struct plant_grid_frequency *a, *b;

    if (after == 0)
        return (double)NAN;
    a = &grid->frequency[after - 1];
    if (after == grid->frequency_count)
        return a->hz;
    b = &grid->frequency[after];
    return a->hz + (b->hz - a->hz) * (t_s - a->t_s) / (b->t_s - a->t_s);
}

void plant_grid_at(const struct plant_grid *grid, double t_s, struct plant_grid_now *ret)
{
    int32_t after = plant_grid_point_after(grid, t_s);

    for (int phase = 0; phase < PLANT_GRID_PHASES; phase++)
        ret->ratio[phase] = after > 0 ? grid->point[after - 1].ratio[phase] : 1.0;
    ret->hz = plant_grid_hz(grid, t_s);
}

double plant_grid_next(const struct plant_grid *grid, double t_s)
{
    int32_t point = plant_grid_point_after(grid, t_s);
    int32_t frequency = plant_grid_frequency_after(grid, t_s);
    double next_s = (double)INFINITY;

    if (point < grid->point_count)
        next_s = grid->point[point].t_s;
    if (frequency < grid->frequency_count && grid->frequency[frequency].t_s < next_s)
        next_s = grid->frequency[frequency].t_s;
    return next_s;
}

void plant_grid_transform(double ratio, enum plant_grid_phases phases, bool wye, double ret_ratio[3],
                          double ret_jump_deg[3])
{
    const double complex turn = -0.5 + I * (sqrt(3.0) / 2.0); /* by 120 degrees forward */
    const double complex before[PLANT_GRID_PHASES] = { 1.0, conj(turn), turn };
    int sagging = phases == PLANT_GRID_A ? 1 : phases == PLANT_GRID_AB ? 2 : PLANT_GRID_PHASES;
    double complex v[PLANT_GRID_PHASES], positive = 0.0, negative = 0.0;

    for (int i = 0; i < PLANT_GRID_PHASES; i++)
        v[i] = before[i] * (i < sagging ? ratio : 1.0);
    positive = (v[0] + turn * v[1] + conj(turn) * v[2]) / 3.0;
    negative = (v[0] + conj(turn) * v[1] + turn * v[2]) / 3.0;
    for (int i = 0; wye && i < PLANT_GRID_PHASES; i++) {
        /* The delta passes no zero sequence and turns positive and negative
         * sequence by 30 degrees, one forward and one back; the turn that was
         * there before the sag is no jump. */
        const double complex ahead = cexp(I * PLANT_GRID_PI / 6.0);

        v[i] = (positive * before[i] * ahead + negative * conj(before[i]) * conj(ahead)) / ahead;
    }
    for (int i = 0; i < PLANT_GRID_PHASES; i++) {
        ret_ratio[i] = cabs(v[i]);
        ret_jump_deg[i] =
            ret_ratio[i] > PLANT_GRID_TINY ? carg(v[i] / before[i]) * 180.0 / PLANT_GRID_PI : 0.0;
    }
}
