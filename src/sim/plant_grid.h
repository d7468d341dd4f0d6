/* SPDX-License-Identifier: Apache-2.0 */
/* plant_grid.h: the AC input over time: voltage of three phases, frequency. Pure.
 *
 * A grid event is data: corner points of residual voltage and frequency, on all
 * phases or on some, seen through a delta-wye transformer or not. Points are
 * held until the next; or the voltages are a recorder's samples (RMS per phase).
 */
#ifndef BUSBAR_SIM_PLANT_GRID_H
#define BUSBAR_SIM_PLANT_GRID_H

#include <stdbool.h>
#include <stdint.h>

#define PLANT_GRID_POINTS_MAX 512

/* Which line-to-neutral phases sag at the grid's side. */
enum plant_grid_phases { PLANT_GRID_ABC, PLANT_GRID_A, PLANT_GRID_AB, PLANT_GRID_PHASES_COUNT };

struct plant_grid_point {
    double t_s;
    double ratio[3];          /* of nominal, each phase (or pair) as the supplies see it */
    double jump_deg[3];       /* phase jump against before                     */
};

struct plant_grid_frequency {
    double t_s, hz;           /* linear in between                             */
};

struct plant_grid {
    int32_t point_count, frequency_count;
    struct plant_grid_point point[PLANT_GRID_POINTS_MAX];
    struct plant_grid_frequency frequency[PLANT_GRID_POINTS_MAX];
};

struct plant_grid_now {
    double ratio[3];          /* of nominal                                    */
    double hz;                /* NAN: as the rack's nominal                    */
};

/* Nominal for ever. */
void plant_grid_init(struct plant_grid *grid);

/* Appends a corner: `ratio` on the sagging phases at the grid's side, 1 on the
 * others; `wye` true: seen through one delta-wye transformer. Times rise.
 * False: no room, or t_s does not rise. */
bool plant_grid_add(struct plant_grid *grid, double t_s, double ratio, enum plant_grid_phases phases, bool wye);
bool plant_grid_add_phases(struct plant_grid *grid, double t_s, const double ratio[3]);
bool plant_grid_add_frequency(struct plant_grid *grid, double t_s, double hz);

void plant_grid_at(const struct plant_grid *grid, double t_s, struct plant_grid_now *ret);

/* Time of the next corner after t_s; INFINITY: none. Steps end there. */
double plant_grid_next(const struct plant_grid *grid, double t_s);

/* Residual phase voltages (A, B, C; supplies phase to phase or phase to neutral
 * behind the transformer) of a sag to `ratio`: symmetrical components, zero
 * sequence blocked by the delta. */
void plant_grid_transform(double ratio, enum plant_grid_phases phases, bool wye, double ret_ratio[3],
                          double ret_jump_deg[3]);

#endif
