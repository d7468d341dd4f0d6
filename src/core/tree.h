/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h: the power of every node and group, from good readings. */
#ifndef BUSBAR_CORE_TREE_H
#define BUSBAR_CORE_TREE_H

#include "block.h"

/* Sets power, bounds and news of every zone, and what loose leaves hold. */
void tree_step(struct block *b);

#endif
