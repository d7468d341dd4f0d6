/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h: takes a new plan into the block. */
#ifndef BUSBAR_CORE_PLAN_H
#define BUSBAR_CORE_PLAN_H

#include "block.h"

/* Copies in->plan if its version is another one, and marks core->plan_step. */
void plan_step(struct block *b);

#endif
