/* SPDX-License-Identifier: Apache-2.0 */
/* clamp.h: the last word on every order. */
#ifndef BUSBAR_CORE_CLAMP_H
#define BUSBAR_CORE_CLAMP_H

#include "block.h"

/* Checks every proposed order, withdraws what must not go out, books the rest
 * and brings the counted sums up to date. */
void clamp_step(struct block *b);

#endif
