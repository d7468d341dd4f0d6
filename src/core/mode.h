/* SPDX-License-Identifier: Apache-2.0 */
/* mode.h: which law is in force, and why. */
#ifndef BUSBAR_CORE_MODE_H
#define BUSBAR_CORE_MODE_H

#include "block.h"

/* Sets mode, reasons, acting and restoring. */
void mode_step(struct block *b);

/* Sets `armed`, once this step's orders are decided. */
void mode_arm(struct block *b);

#endif
