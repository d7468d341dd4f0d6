/* SPDX-License-Identifier: Apache-2.0 */
/* regmirror.c: a shelf controller that mirrors its modules.
 *
 * Owns nothing but the mark on disk that a controller is paused by us. Runs on the
 * line's worker. Lasting pauses are never made: one begins and ends within one order.
 */
#include "regmirror.h"

#include <string.h>

#include "busbar/log.h"
#include "regpause.h"

#define REGMIRROR_HEALTH_LATE  3 /* a word on its health may be so many mirror ages old */
#define REGMIRROR_RESUME_TRIES 3

static int64_t regmirror_now_us(const struct regdev *dev)
{
    return dev->io->ops->now_us(dev->io->arg);
}

/* ---- who mirrors whom ---- */

static struct regdev_row *regmirror_row(struct regdev *dev, enum signal signal)
{
    for (int32_t i = 0; i < dev->row_count; i++)
        if (dev->rows[i].row->signal == signal && dev->rows[i].reading != CORE_NONE)
            return &dev->rows[i];
    return NULL;
}

/* Of several alike in a module a mirror tells of the first. */
static int32_t regmirror_find(const struct regdev *module, const struct profile_row *row)
{
    int32_t found = CORE_NONE;

    for (int32_t i = 0; i < module->row_count; i++) {
        const struct regdev_row *r = &module->rows[i];

        if (r->row->signal == row->signal && r->reading != CORE_NONE && r->row->index <= 1)
            found = i;
    }
    return found;
}

static void regmirror_tie(struct regdev *module, struct regdev *mirror, int32_t slot)
{
    static const enum signal health[] = { SIGNAL_SHELF_POLLING_PAUSE, SIGNAL_SHELF_COMM_ALARMS,
                                          SIGNAL_SHELF_MODULES_PRESENT };

    module->mirror = mirror;
    for (int32_t i = 0; i < mirror->row_count; i++) {
        struct regdev_row *r = &mirror->rows[i];

        if (r->row->index != slot)
            continue;
        r->to_row = regmirror_find(module, r->row);
        r->to = r->to_row == CORE_NONE ? NULL : module;
    }
    for (size_t h = 0; h < sizeof health / sizeof *health; h++) {
        struct regdev_row *r = regmirror_row(mirror, health[h]);

        if (r && r->poll != POLL_NEVER) /* as often as the mirror itself can change */
            r->every_us = mirror->profile->mirror_age_us;
    }
}

void regmirror_link(struct regdev *devices, int32_t count)
{
    for (int32_t d = 0; d < count; d++) {
        const struct conf_device *conf = devices[d].adapter->device;

        for (int32_t m = 0; conf->mirror_slot > 0 && m < count; m++)
            if (devices[m].adapter->index == conf->mirror)
                regmirror_tie(&devices[d], &devices[m], conf->mirror_slot);
    }
}

/* ---- is it fresh ---- */

/* Does its word `signal`, lately read, have these bits so? One that it has not says nothing. */
static bool regmirror_says(struct regdev *dev, enum signal signal, uint32_t mask, uint32_t wanted)
{
    const struct regdev_row *r = regmirror_row(dev, signal);
    const struct device_reading *seen;

    if (!r)
        return true;
    seen = &dev->adapter->state.readings[r->reading];
    if (seen->status == ST_ABSENT)
        return true;
    return seen->status == ST_OK && ((uint32_t)seen->value & mask) == wanted &&
           regmirror_now_us(dev) - seen->taken_us <= REGMIRROR_HEALTH_LATE * dev->profile->mirror_age_us;
}

static bool regmirror_fresh(struct regdev *dev, int32_t slot)
{
    return !dev->paused && regmirror_says(dev, SIGNAL_SHELF_POLLING_PAUSE, 1u, 0) &&
           regmirror_says(dev, SIGNAL_SHELF_COMM_ALARMS, 1u << slot, 0) &&
           regmirror_says(dev, SIGNAL_SHELF_MODULES_PRESENT, 1u << (slot - 1), 1u << (slot - 1));
}

void regmirror_pass(struct regdev *dev, const struct regdev_row *row, double value, int64_t taken_us)
{
    struct regdev *module = row->to;
    int64_t age_us = dev->profile->mirror_age_us, period_us, now_us = regmirror_now_us(dev);
    const struct device_reading *seen;
    struct regdev_row *r;

    if (!module || !regmirror_fresh(dev, row->row->index))
        return;
    r = &module->rows[row->to_row];
    seen = &module->adapter->state.readings[r->reading];
    period_us = row->poll == POLL_SLOW ? dev->io->bus->slow_us : dev->io->bus->fast_us;
    if (r->due_us < now_us + 2 * period_us) /* it speaks for itself once the mirror does not any more */
        regdev_set_due(module, r, now_us + 2 * period_us);
    if (seen->status == ST_OK && seen->taken_us > taken_us - age_us)
        return; /* what it said itself is younger, for a while */
    adapter_reading(module->adapter, r->reading, ST_OK, value, taken_us - age_us, now_us);
    module->publish = dev->io->told = true;
}

/* ---- pause ---- */

static enum status regmirror_put(struct regdev *dev, const struct regdev_row *r, bool pause)
{
    struct regmap_raw raw = { .count = 1, .words = { (uint16_t)(pause ? 1u << r->row->bit_first : 0u) } };

    return regdev_write(dev, r->row, &raw);
}

/* Its pause register, where it may be written to. */
static struct regdev_row *regmirror_pausable(struct regdev *dev)
{
    struct regdev_row *r =
        dev->profile->mirror_age_us > 0 ? regmirror_row(dev, SIGNAL_SHELF_POLLING_PAUSE) : NULL;

    return r && r->row->writable && r->state != REGDEV_ROW_ABSENT && !dev->silent && !dev->identify &&
                   dev->adapter->state.identified && !dev->adapter->read_only
               ? r
               : NULL;
}

void regmirror_pause(struct regdev *module)
{
    struct regdev *dev = module->mirror;
    struct regdev_row *r = dev ? regmirror_pausable(dev) : NULL;

    /* One that is paused already is somebody else's: a firmware update, say. */
    if (!r || dev->paused || !regmirror_says(dev, SIGNAL_SHELF_POLLING_PAUSE, 1u, 0))
        return;
    if (regpause_mark(dev->adapter->conf->state_dir, dev->adapter->device->name,
                      dev->adapter->state.serial) != ST_OK)
        return;
    dev->paused = true; /* a write whose answer is lost may have been taken */
    if (regmirror_put(dev, r, true) != ST_OK)
        regmirror_resume(module);
}

static void regmirror_go_on(struct regdev *dev)
{
    struct regdev_row *r = regmirror_pausable(dev);
    enum status st = ST_TIMEOUT;

    for (int32_t i = 0; r && i < REGMIRROR_RESUME_TRIES && st != ST_OK && dev->io->open; i++)
        st = regmirror_put(dev, r, false);
    if (st != ST_OK)
        return;
    dev->paused = false;
    regdev_set_due(dev, r, regmirror_now_us(dev)); /* the mirror is fresh again once it says so */
    regpause_clear(dev->adapter->conf->state_dir, dev->adapter->device->name);
}

void regmirror_resume(struct regdev *module)
{
    if (module->mirror && module->mirror->paused)
        regmirror_go_on(module->mirror);
}

/* A daemon before us may have died between pause and resume. */
static void regmirror_look_back(struct regdev *dev)
{
    const char *state_dir = dev->adapter->conf->state_dir, *name = dev->adapter->device->name;

    dev->looked_back = true;
    if (!regpause_marked(state_dir, name, dev->adapter->state.serial)) {
        regpause_clear(state_dir, name); /* of another controller, if there is one */
        return;
    }
    LOG(NOTICE, name, "was left paused by us: its polling goes on");
    dev->paused = true;
}

void regmirror_step(struct regdev *dev)
{
    if (dev->profile->mirror_age_us == 0 || dev->silent || dev->identify || !dev->adapter->state.identified)
        return;
    if (!dev->looked_back && !dev->adapter->read_only)
        regmirror_look_back(dev);
    if (dev->paused)
        regmirror_go_on(dev);
}

void regmirror_stop(struct regdev *dev)
{
    if (dev->paused)
        regmirror_go_on(dev);
}
