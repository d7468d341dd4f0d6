/* SPDX-License-Identifier: Apache-2.0 */
/* curve.h: protective devices: their memory, their time to trip, and what is
 * throttled before they do. */
#ifndef BUSBAR_CORE_CURVE_H
#define BUSBAR_CORE_CURVE_H

#include "block.h"

/* After zone_step(): moves the memory of every device on, works out its time to
 * trip, and takes or lets go of what is below a node. Sets `protecting`. */
void curve_step(struct block *b);

/* The protecting node that this lever is below; CORE_NONE. */
int32_t curve_over(const struct block *b, int32_t lever);

static inline bool curve_engaged(const struct block *b, int32_t zone)
{
    return zone < b->core->node_count && b->curves[zone].engaged;
}

/* ---- one device; i is its input over rated_w ---- */

/* Before anything is known of it: it carried `i` for long, or 0.64 if that is
 * worse (80 % of its rating, in steady state). */
void curve_start(struct curve *curve, const struct core_config_curve *conf, double i);

/* `dt_s` at a constant i; exact for any length. */
void curve_advance(struct curve *curve, const struct core_config_curve *conf, double i, double dt_s);

/* Seconds until it trips if i stays; INFINITY: never. */
double curve_trip_s(const struct curve *curve, const struct core_config_curve *conf, double i);

/* How full its memory is; 1 trips. */
double curve_heat_ratio(const struct curve *curve, const struct core_config_curve *conf);

/* Seconds from `now_us`, the last moment the window was moved on to, until its
 * mean passes limit_w if power_w is drawn from there on; INFINITY: never. */
double curve_window_s(const struct window *window, double limit_w, double power_w, int64_t now_us);

#endif
