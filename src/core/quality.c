/* SPDX-License-Identifier: Apache-2.0 */
/* quality.c: is a reading good, stale, implausible or stuck; does a device answer.
 *
 * Owns points and devices. This is where outside input is turned away: after
 * it, a good point holds a finite value inside its plausible range.
 */
#include "quality.h"

#include "outputs.h"

#include <string.h>

/* A device that was never read gets so many times its own patience first. */
#define QUALITY_START_PATIENCE 3

static void quality_tell(struct block *b, int32_t p, enum ev event, double value)
{
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;

    if (b->points[p].told)
        return;
    b->points[p].told = 1;
    about.device = b->points_conf[p].device;
    about.node = b->points_conf[p].node;
    about.value = value;
    about.bound = value < b->points_conf[p].min ? b->points_conf[p].min : b->points_conf[p].max;
    outputs_event(b, event, &about);
}

/* Bit for bit the same since changed_us: a live sensor has noise. */
static bool quality_stuck(struct point *point, const struct core_config_point *conf, double value,
                          int64_t taken_us)
{
    if (memcmp(&value, &point->value, sizeof value) != 0 || point->changed_us == INT64_MIN)
        point->changed_us = taken_us;
    return conf->stuck_after_us > 0 && taken_us - point->changed_us >= conf->stuck_after_us;
}

static void quality_take(struct block *b, const struct core_reading *reading)
{
    const struct core_config_point *conf = &b->points_conf[reading->point];
    struct point *point = &b->points[reading->point];
    struct device *device = &b->devices[conf->device];
    int64_t taken_us = reading->taken_us < b->core->now_us ? reading->taken_us : b->core->now_us;

    if (reading->status != ST_OK || taken_us <= point->taken_us)
        return; /* nothing new: what is known ages on */
    point->taken_us = taken_us;
    point->arrived_us = reading->arrived_us;
    if (!(reading->value >= conf->min && reading->value <= conf->max)) {
        point->quality = POINT_IMPLAUSIBLE;
        b->stale[reading->point] = CORE_FOREVER;
        quality_tell(b, reading->point, EV_READING_IMPLAUSIBLE, reading->value);
        return;
    }
    if (taken_us > device->youngest_us)
        device->youngest_us = taken_us;
    if (quality_stuck(point, conf, reading->value, taken_us)) {
        point->quality = POINT_STUCK;
        b->stale[reading->point] = CORE_FOREVER;
        quality_tell(b, reading->point, EV_READING_STUCK, reading->value);
        return;
    }
    point->value = reading->value;
    point->step = b->core->step;
    point->quality = POINT_GOOD;
    point->told = 0;
    b->stale[reading->point] = block_later(taken_us, conf->stale_after_us);
}

static void quality_device(struct block *b, int32_t d)
{
    struct device *device = &b->devices[d];
    struct outputs_about about = OUTPUTS_ABOUT_NOTHING;
    int64_t now_us = b->core->now_us;
    bool read = device->youngest_us != INT64_MIN;
    int64_t patience_us = read || device->stale_us > CORE_FOREVER / QUALITY_START_PATIENCE
                              ? device->stale_us
                              : QUALITY_START_PATIENCE * device->stale_us;
    int64_t since_us = read ? device->youngest_us : b->core->first_us;
    bool late = now_us > block_later(since_us, patience_us);
    enum core_device_quality was = device->quality;

    device->quality = late ? CORE_DEVICE_STALE : read ? CORE_DEVICE_GOOD : CORE_DEVICE_UNREAD;
    if (device->quality == was)
        return;
    about.device = d;
    about.value = read ? (double)(now_us - since_us) * 1e-6 : __builtin_nan("");
    about.bound = (double)device->stale_us * 1e-6;
    if (device->quality == CORE_DEVICE_STALE)
        outputs_event(b, EV_DEVICE_STALE, &about);
    else if (was == CORE_DEVICE_STALE)
        outputs_event(b, EV_DEVICE_WELL, &about);
}

void quality_step(struct block *b)
{
    int64_t now_us = b->core->now_us;

    for (int32_t r = 0; r < b->in->reading_count; r++) {
        CHECK(b->in->readings[r].point >= 0 && b->in->readings[r].point < b->core->point_count);
        quality_take(b, &b->in->readings[r]);
    }
    for (int32_t p = 0; p < b->core->point_count; p++)
        if (b->stale[p] < now_us) {
            b->points[p].quality = POINT_STALE;
            b->stale[p] = CORE_FOREVER;
        }
    for (int32_t d = 0; d < b->core->device_count; d++)
        quality_device(b, d);
}
