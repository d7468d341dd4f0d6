/* SPDX-License-Identifier: Apache-2.0 */
/* outputs.h: fills the block a step hands out. */
#ifndef BUSBAR_CORE_OUTPUTS_H
#define BUSBAR_CORE_OUTPUTS_H

#include "block.h"

/* Empties the orders and events of the last step. */
void outputs_begin(struct block *b);

/* What an event is about; members left out of an initialiser must be CORE_NONE,
 * so start from OUTPUTS_ABOUT_NOTHING. */
struct outputs_about {
    int32_t device, node, lever, group;
    double value, bound;
    int64_t window_us;
};
#define OUTPUTS_ABOUT_NOTHING { .device = CORE_NONE, .node = CORE_NONE, .lever = CORE_NONE, .group = CORE_NONE }

/* One event; dropped and counted when there is no room. */
void outputs_event(struct block *b, enum ev event, const struct outputs_about *about);
void outputs_lever_event(struct block *b, enum ev event, int32_t lever, double value, double bound);
void outputs_zone_event(struct block *b, enum ev event, int32_t zone, double value, double bound);
void outputs_window_event(struct block *b, enum ev event, int32_t zone, const struct window *window);

/* The next free order, zeroed but for the lever; there is one a lever. */
struct core_order *outputs_order(struct block *b, int32_t lever);
struct core_order *outputs_orders(struct block *b);

/* The snapshot: every view, from the block as it is now. */
void outputs_end(struct block *b);

#endif
