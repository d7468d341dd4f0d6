/* SPDX-License-Identifier: Apache-2.0 */
/* quality.h: which readings to believe, which devices answer. */
#ifndef BUSBAR_CORE_QUALITY_H
#define BUSBAR_CORE_QUALITY_H

#include "block.h"

/* Takes the step's readings, then lets the old ones go stale. */
void quality_step(struct block *b);

/* The last reading is plausible, moves as it should and is young enough. */
static inline bool quality_good(const struct block *b, int32_t point)
{
    return b->points[point].quality == POINT_GOOD;
}

/* It is good and came in this step. */
static inline bool quality_new(const struct block *b, int32_t point)
{
    return b->points[point].step == b->core->step && quality_good(b, point);
}

#endif
