/* SPDX-License-Identifier: Apache-2.0 */
/* allocate.h: divides every budget between the LIMIT levers below it. */
#ifndef BUSBAR_CORE_ALLOCATE_H
#define BUSBAR_CORE_ALLOCATE_H

#include "block.h"

/* Sets wanted and why of every LIMIT lever, and infeasible. */
void allocate_step(struct block *b);

/* Whole steps at or under a value, never under the lever's minimum. */
double allocate_round(const struct core_config_lever *conf, double value);

#endif
