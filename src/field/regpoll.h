/* SPDX-License-Identifier: Apache-2.0 */
/* regpoll.h: which rows of a register device are read when, and how many at once.
 *
 * Rows that are due and stand side by side become one read. A read that the
 * device refuses is taken apart row by row, and what was refused is remembered.
 * Runs on the line's worker.
 */
#ifndef BUSBAR_FIELD_REGPOLL_H
#define BUSBAR_FIELD_REGPOLL_H

#include "regdev.h"

/* When the device next wants the line, INT64_MAX for never. Where that is not after
 * `now_us`, *ret_deadline_us says by when it should have had it. */
int64_t regpoll_next(struct regdev *dev, int64_t now_us, int64_t *ret_deadline_us);

/* Does the most urgent thing that is due: one read, a probe or the identification,
 * and publishes what came of it. */
void regpoll_step(struct regdev *dev, int64_t now_us);

#endif
