/* SPDX-License-Identifier: Apache-2.0 */
/* fc_spike.h: how often a spike followed when things stood like now: by what the last
 * sample did, and by what the serving stack's queue said.
 *
 * Spikes of inference are rare and look like nothing before, so no bound of the peak
 * that is right 99 % of the time foretells them. Counting does: most of what may be
 * known of them lies in few cells.
 */
#ifndef BUSBAR_CORE_FC_SPIKE_H
#define BUSBAR_CORE_FC_SPIKE_H

#include <stdbool.h>
#include <stdint.h>

#include "fc_hint.h"

#define FC_SPIKE_RISES 8 /* how much the last sample rose                    */
#define FC_SPIKE_ROOMS 3 /* how far below the highest of late it stands      */
#define FC_SPIKE_OWN   (FC_SPIKE_RISES * FC_SPIKE_ROOMS)
#define FC_SPIKE_SIDES 3  /* requests wait behind others; alone; none waits   */
#define FC_SPIKE_SINCE 80 /* how long that has been so                        */
#define FC_SPIKE_CELLS (FC_SPIKE_OWN + FC_SPIKE_SIDES * FC_SPIKE_SINCE)

struct fc_spike {
    float count[FC_SPIKE_CELLS], spikes[FC_SPIKE_CELLS];
    float all, some; /* of late: samples, and those before a spike */
};

/* The cell of a sample: it rose by `rise`, and `room` is left to the highest of late;
 * both in heights of a spike. */
int32_t fc_spike_own(float rise, float room);

/* The cell of what the queue says; negative: nothing, or not any more. */
int32_t fc_spike_told(const struct fc_hints *hints, int64_t at_us);

/* A cell that is negative is passed over, and its chance is 0. */
void fc_spike_learn(struct fc_spike *spike, const int32_t *cell, int32_t cells, bool came);
float fc_spike_chance(const struct fc_spike *spike, int32_t cell);

#endif
