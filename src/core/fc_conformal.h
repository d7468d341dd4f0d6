/* SPDX-License-Identifier: Apache-2.0 */
/* fc_conformal.h: what share of a stream of scores lies under what: a histogram
 * that forgets, and a correction that makes the share come true.
 */
#ifndef BUSBAR_CORE_FC_CONFORMAL_H
#define BUSBAR_CORE_FC_CONFORMAL_H

#include <stdbool.h>
#include <stdint.h>

#define FC_CONFORMAL_BINS 48

struct fc_conformal {
    float count[FC_CONFORMAL_BINS];
    float unit; /* what the next score counts              */
    float total;
};

/* Begins with `prior` scores' worth of doubt, most of it at `at` and some above. */
void fc_conformal_init(struct fc_conformal *c, float prior, float at);

/* `keep`: share of the old counts that a new score leaves, just under 1. */
void fc_conformal_learn(struct fc_conformal *c, float score, float keep);

/* Of the shares `miss` (falling), the scores that are exceeded so often. */
void fc_conformal_quantiles(const struct fc_conformal *c, int32_t count, const float *miss, float *ret);

/* A margin that goes up by a step at each miss and down a little at each hit; `size`:
 * of the scores, a sinking maximum; `count`: scores so far, as first steps are longer. */
float fc_conformal_follow(float margin, float size, bool missed, float miss, int32_t count);

#endif
