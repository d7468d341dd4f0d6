/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h: windowed limits, and what is cut when power comes close to one. */
#ifndef BUSBAR_CORE_GUARD_H
#define BUSBAR_CORE_GUARD_H

#include "block.h"

/* Moves every window on, counts violations, moves the three bands. */
void guard_step(struct block *b);

/* A zone whose levers were at their base gets its budget back the way it does
 * after a cut. */
void guard_return(struct block *b, int32_t zone);

/* One window moved on to `now_us` at `power_w` since `last_us`. */
void guard_window(struct window *window, double power_w, int64_t last_us, int64_t now_us);

#endif
