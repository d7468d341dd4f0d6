/* SPDX-License-Identifier: Apache-2.0 */
/* regorder.h: orders to a register device, from the tick's mailbox to the read-back.
 *
 * Before the first write the original is on disk; the device's own time-out is
 * written before the value it guards; a gate bit is opened, an enable bit set; the
 * value is read back once it has settled. Runs on the line's worker.
 */
#ifndef BUSBAR_FIELD_REGORDER_H
#define BUSBAR_FIELD_REGORDER_H

#include "regdev.h"

/* A lever with a new order; CORE_NONE. */
int32_t regorder_next(struct regdev *dev, int64_t now_us);

/* A lever whose written value has settled and is to be read back; CORE_NONE. */
int32_t regorder_settled(const struct regdev *dev, int64_t now_us);

/* When the next value has settled; INT64_MAX. */
int64_t regorder_due_us(const struct regdev *dev);

/* Carries one of the two on: the whole write, or the read-back. Acknowledges and publishes. */
void regorder_step(struct regdev *dev, int32_t lever, int64_t now_us);

/* The line is closed: new orders are answered with ST_BUSY, for nothing was written; those
 * on their way with ST_SYS once they would have settled. */
void regorder_refuse(struct regdev *dev, int64_t now_us);

#define REGORDER_GROUP_MAX 16

/* May the lever's new order go out together with others (PMBus group command)? */
bool regorder_is_group(const struct regdev *dev, int32_t lever);

/* The new orders of several devices of one line, one lever each and 2 to REGORDER_GROUP_MAX
 * of them: prepared one by one, written at once, acknowledged one by one. */
void regorder_step_group(struct regdev *const *devs, const int32_t *levers, int32_t count, int64_t now_us);

#endif
