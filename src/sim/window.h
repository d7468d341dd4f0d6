/* SPDX-License-Identifier: Apache-2.0 */
/* window.h: the sliding mean of a power that is constant between steps. Exact.
 *
 * The mean over a window of a piecewise constant power is piecewise linear in
 * time, so its extremes lie where a step enters or leaves: every one of those is
 * looked at, whatever the length of the steps. (meter.h slides the same windows in
 * real time in steps of 1 ms.) Heap of a fixed size; one thread.
 *
 * Memory is bounded. Where more than WINDOW_RING_MAX steps of different power lie
 * in a window, short neighbours are put together so that a mean is never too low,
 * and too high by at most 4 / WINDOW_RING_MAX (0.024 %) of the span of power within
 * as small a part of the window. Shorter than 0.8 s at steps of 50 us: exact.
 */
#ifndef BUSBAR_SIM_WINDOW_H
#define BUSBAR_SIM_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "busbar/status.h"

#define WINDOW_RING_MAX 16384

struct window;

/* `before_w` drawn for ever before time 0: a window longer than the run is filled
 * with it and `partial`. `limit_w` may be INFINITY. */
NODISCARD enum status window_new(int64_t window_us, double limit_w, double before_w, struct window **ret);
struct window *window_free(struct window *window);

/* `power_w` during the next dt_us > 0. */
void window_step(struct window *window, double power_w, int64_t dt_us);

/* From now on another limit. */
void window_limit(struct window *window, double limit_w);

struct window_result {
    int64_t window_us;
    double limit_w, mean_w, worst_w; /* now; the highest so far                  */
    double margin_w;                 /* least of limit - mean so far...          */
    double margin_limit_w;           /* ...under this limit                      */
    int64_t worst_at_us;
    int64_t violated_at_us;          /* the first time; -1: never                */
    int64_t violations;              /* maximal intervals above limit + 0.5 W    */
    bool exceeded, partial;
};
void window_result(const struct window *window, struct window_result *ret);

/* Forgets what was worst and violated; the means go on. */
void window_reset(struct window *window);

#endif
