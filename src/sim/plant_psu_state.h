/* SPDX-License-Identifier: Apache-2.0 */
/* plant_psu_state.h: a supply's states: trips, starts, over-current mode. For
 * plant_psu*.c alone. Pure. */
#ifndef BUSBAR_SIM_PLANT_PSU_STATE_H
#define BUSBAR_SIM_PLANT_PSU_STATE_H

#include "plant.h"

#define PLANT_PSU_WALK_RATIO 1.05  /* of rated current, at the end of a walk-in     */
#define PLANT_PSU_TRY_RATIO  1.2   /* ...on the way out of over-current mode        */
#define PLANT_PSU_FOLD_RATIO 0.98  /* of what its PFC takes: the rest refills       */
#define PLANT_PSU_LOW_S      0.006 /* over-current mode lasts so long at least      */

/* After a step of dt_s: timers and transitions of one supply. */
void plant_psu_state_step(struct plant *plant, int32_t psu, double dt_s);

#endif
