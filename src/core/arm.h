/* SPDX-License-Identifier: Apache-2.0 */
/* arm.h: set-points that are held at another value while a peak is foreseen. */
#ifndef BUSBAR_CORE_ARM_H
#define BUSBAR_CORE_ARM_H

#include "block.h"

/* After the mode and the forecast: is a peak foreseen, or was one of late? */
void arm_step(struct block *b);

/* What a HOLD lever is to hold while one is; else nothing is touched. */
void arm_hold(const struct block *b, int32_t l, double *ret_value, enum core_rule *ret_rule);

#endif
