/* SPDX-License-Identifier: Apache-2.0 */
/* regclock.h: a device's clock is set when it is too far off. Runs on the line's worker. */
#ifndef BUSBAR_FIELD_REGCLOCK_H
#define BUSBAR_FIELD_REGCLOCK_H

#include "regdev.h"

/* After each poll: looks at the clock that was read, and sets it where that is wanted (the
 * bus's clock_max_us, a row that may be written, a mode in which we write). */
void regclock_step(struct regdev *dev);

#endif
