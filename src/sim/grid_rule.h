/* SPDX-License-Identifier: Apache-2.0 */
/* grid_rule.h: what the books say of a grid event, by arithmetic alone. Pure.
 *
 * The 20 ms / 175 V rule: a supply's PFC goes off when its phase stays under
 * psu_off_v for longer than psu_off_s, or above psu_over_v (psu_over_fast_v) for
 * longer than psu_over_s (psu_over_fast_s). The hand-over: hold-up energy against
 * the time batteries need (plant_rule()), along the event's own voltages. The
 * simulator is held against both; never includes anything of src/core.
 */
#ifndef BUSBAR_SIM_GRID_RULE_H
#define BUSBAR_SIM_GRID_RULE_H

#include <stdbool.h>

#include "plant.h"
#include "plant_grid.h"
#include "plant_params.h"

/* Some phase's supplies trip; *ret_at_s (may be NULL): when, NAN: never. */
bool grid_rule_trips(const struct plant_grid *grid, const struct plant_params *params, double *ret_at_s);

struct grid_rule {
    bool trips;      /* PFC goes off                                            */
    bool called;     /* so much hold-up energy is spent that batteries are called */
    bool folded;     /* a low input: supplies give less, batteries come by their trigger */
    double called_s; /* time of the grid, of either; NAN: never                 */
    double short_w;  /* folded: what batteries then carry                       */
    double margin_s; /* hold-up left when batteries carry; INFINITY: it never ends */
    double bridge_f; /* capacitance that bridges a negative margin; 0: none needed */
    bool powerful;   /* batteries' power and voltage suffice at this load       */
    bool lasting;    /* and their energy, until supplies are back               */
    bool speaks;     /* false: what happens is beyond this arithmetic            */
    bool carries;    /* IT gear is kept through every event of the grid         */
    double dip_v;    /* under the batteries' line, at most, while their loops take over */
    bool steady;     /* carries at the worst: in its band with all of that dip, energy
                            until the last supply may be back                       */
};

/* Of the supplies on the phase that has it worst, each at its part of load_w (DC). The
 * plant is as rack_plant() and its params leave it. */
void grid_rule(const struct plant *plant, const struct plant_grid *grid, double load_w,
               struct grid_rule *ret);

#endif
