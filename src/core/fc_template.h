/* SPDX-License-Identifier: Apache-2.0 */
/* fc_template.h: earlier moments that look like now, found by their lag.
 *
 * Kept for every lag: the mean squared difference between the series and itself
 * that long ago (YIN's difference function), over three memories at once. Its
 * minima are whole periods of a periodic load, each locked to the present phase.
 */
#ifndef BUSBAR_CORE_FC_TEMPLATE_H
#define BUSBAR_CORE_FC_TEMPLATE_H

#include <stdbool.h>

#include "fc_ring.h"

#define FC_TEMPLATE_SPEEDS 3
#define FC_TEMPLATE_MAX    6 /* moments taken together */

/* Moments `lag` samples ago, the most alike first; weights add up to 1. */
struct fc_template {
    int32_t count;
    int32_t lag[FC_TEMPLATE_MAX];
    float cost[FC_TEMPLATE_MAX]; /* mean squared difference               */
    float weight[FC_TEMPLATE_MAX];
    float scale; /* root of their mean cost               */
};

/* `diff` holds FC_TEMPLATE_SPEEDS arrays of ring->size floats, `cost` one; index i
 * belongs to lag i + 1. Call it before `w` is put into the ring. */
void fc_template_learn(const struct fc_ring *ring, const float *value, float *diff, float w);

/* From here on `lag` is judged anew, with `prior` of the shortest memory alone. */
void fc_template_fresh(const struct fc_ring *ring, float *diff, int32_t lag, float prior);

/* `lag` fits much better than the first `count` lags do on average: the load has a
 * shape, not just a level. */
bool fc_template_tells(const struct fc_ring *ring, const float *diff, int32_t lag, int32_t count);

/* None of the first `count` lags has differed by more than `least`: the load stands still. */
bool fc_template_flat(const struct fc_ring *ring, const float *diff, int32_t count, float least);

struct fc_template_ask {
    float floor;          /* squared differences under it are noise                       */
    int32_t since;        /* samples since the load changed: lags of nearly that length
                             have hardly been tried, and are left out                     */
    int32_t most;         /* moments of one horizon, up to FC_TEMPLATE_MAX                */
    int32_t count;        /* horizons                                                     */
    const int32_t *steps; /* of each, in samples                                          */
};

/* Sums the differences into `cost`, and finds its minima: for each horizon the best
 * moments, the cheaper the less often their lag must be taken to reach that far. */
void fc_template_pick(const struct fc_ring *ring, const float *diff, float *cost,
                      const struct fc_template_ask *ask, struct fc_template *const *ret);

/* What followed then: at `steps` ahead, and the highest until then; `slack`
 * samples more or less on either side. */
float fc_template_value(const struct fc_template *t, const struct fc_ring *ring, const float *value,
                        int32_t steps);
/* How far the next sample `w` is from what followed the moment that foresaw it best. */
float fc_template_off(const struct fc_template *t, const struct fc_ring *ring, const float *value, float w);
float fc_template_peak(const struct fc_template *t, const struct fc_ring *ring, const float *value,
                       const float *top, int32_t steps);
float fc_template_highest(const struct fc_template *t, const struct fc_ring *ring, const float *value,
                          const float *top, int32_t steps, int32_t slack);

/* The shortest lag whose difference is small against that of all shorter ones
 * (YIN, steps 3 and 4); 0: there is none. */
int32_t fc_template_period(const struct fc_ring *ring, const float *cost);

#endif
