/* SPDX-License-Identifier: Apache-2.0 */
/* shape.h: levers that no budget is divided between. */
#ifndef BUSBAR_CORE_SHAPE_H
#define BUSBAR_CORE_SHAPE_H

#include "block.h"

/* CHARGE levers: before allocation, which takes their watts off first. */
void shape_recharge(struct block *b);

/* HOLD and WARN levers; in RESTORE every lever's original. */
void shape_step(struct block *b);

#endif
