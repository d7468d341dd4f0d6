/* SPDX-License-Identifier: Apache-2.0 */
/* regclock.c: a device's clock is set when it is too far off.
 *
 * Owns nothing. Device clocks count whole seconds and drift; black-box records of one
 * shelf can be put in order only as well as its clocks agree. At most one write an hour
 * a device: a clock that cannot be set is not worth more of the line.
 */
#include "regclock.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "busbar/log.h"

#define REGCLOCK_US_PER_S INT64_C(1000000)
#define REGCLOCK_EVERY_US INT64_C(3600000000)
#define REGCLOCK_SANE_S   1704067200.0 /* 2024: before that our own clock is not set */

static const struct regdev_row *regclock_row(const struct regdev *dev)
{
    for (int32_t i = 0; i < dev->row_count; i++)
        if (dev->rows[i].row->signal == SIGNAL_DEVICE_CLOCK_S && dev->rows[i].reading != CORE_NONE)
            return dev->rows[i].row->writable ? &dev->rows[i] : NULL;
    return NULL;
}

static bool regclock_allowed(const struct regdev *dev)
{
    return dev->io->bus->clock_max_us > 0 && dev->io->ops->wall_us && dev->adapter->orders.writing &&
           !dev->adapter->read_only && !dev->silent && !dev->identify && dev->adapter->state.identified;
}

/* Our time, as it was at `at_us`. */
static double regclock_wall_s(const struct regdev *dev, int64_t at_us)
{
    int64_t ago_us = dev->io->ops->now_us(dev->io->arg) - at_us;

    return (double)(dev->io->ops->wall_us(dev->io->arg) - ago_us) / (double)REGCLOCK_US_PER_S;
}

static void regclock_set(struct regdev *dev, const struct regdev_row *r, double off_s)
{
    int64_t now_us = dev->io->ops->now_us(dev->io->arg);
    double wall_s = regclock_wall_s(dev, now_us);
    struct regmap_raw raw;
    enum status st = regmap_encode(r->row, floor(wall_s + 0.5), dev->vout_exponent, &raw);

    if (st == ST_OK)
        st = regdev_write(dev, r->row, &raw);
    dev->clock_next_us = now_us + REGCLOCK_EVERY_US;
    if (st == ST_OK)
        LOG(INFO, dev->adapter->device->name, "its clock was %+.0f s off and is set", off_s);
    else
        LOG(WARNING, dev->adapter->device->name, "its clock is %+.0f s off and cannot be set (%s)", off_s,
            status_label(st));
}

void regclock_step(struct regdev *dev)
{
    const struct regdev_row *r = regclock_allowed(dev) ? regclock_row(dev) : NULL;
    const struct device_reading *seen = r ? &dev->adapter->state.readings[r->reading] : NULL;
    double off_s;

    if (!seen || seen->status != ST_OK || seen->sequence == dev->clock_seen)
        return;
    dev->clock_seen = seen->sequence;
    if (dev->io->ops->now_us(dev->io->arg) < dev->clock_next_us ||
        regclock_wall_s(dev, seen->taken_us) < REGCLOCK_SANE_S)
        return;
    off_s = seen->value - regclock_wall_s(dev, seen->taken_us);
    if (fabs(off_s) * (double)REGCLOCK_US_PER_S > (double)dev->io->bus->clock_max_us)
        regclock_set(dev, r, off_s);
}
