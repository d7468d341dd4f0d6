/* SPDX-License-Identifier: Apache-2.0 */
/* damp.h: keeps our own orders from swinging. */
#ifndef BUSBAR_CORE_DAMP_H
#define BUSBAR_CORE_DAMP_H

#include "block.h"

/* After allocation: watches what is asked of the levers below every limit, and
 * sets how fast power may be given back there. */
void damp_step(struct block *b);

/* The highest value this LIMIT lever may be raised to now; INFINITY: any.
 * *ret_zone is the zone that says so. */
double damp_most(const struct block *b, int32_t lever, int32_t *ret_zone);

/* A raise to `value` is ordered. */
void damp_spend(struct block *b, int32_t lever, double value);

#endif
