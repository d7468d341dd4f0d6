/* SPDX-License-Identifier: Apache-2.0 */
/* order.h: which levers get an order in this step, and what value. */
#ifndef BUSBAR_CORE_ORDER_H
#define BUSBAR_CORE_ORDER_H

#include "block.h"

/* Proposes orders in the outputs; clamp.c has the last word and books them. */
void order_step(struct block *b);

/* After clamp.c: what is left to restore. */
void order_restored(struct block *b);

#endif
