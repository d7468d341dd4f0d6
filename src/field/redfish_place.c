/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_place.c: the resources of one BMC that are polled: where they are, when their
 * turn is, what they say and which readings that makes.
 *
 * Runs on the event base's thread; asks nothing itself.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redfish_bmc.h"

#include "busbar/clock.h"
#include "busbar/log.h"

#define REDFISH_PLACE_SMOOTH 8 /* of a latency: an eighth of each new one     */

/* ---- which place ---- */

static bool redfish_place_is_workload(enum conf_knob knob)
{
    return knob == CONF_KNOB_WORKLOAD;
}

static bool redfish_place_is_smoothing(enum conf_knob knob)
{
    return knob >= CONF_KNOB_SMOOTHING;
}

static bool redfish_place_needs(const struct redfish *bmc, bool (*is)(enum conf_knob))
{
    for (int32_t l = 0; l < bmc->device->lever_count; l++)
        if (bmc->device->levers[l].place == 0 && is(bmc->device->levers[l].knob))
            return true;
    return false;
}

int32_t redfish_place_workload(const struct redfish *bmc, int32_t gpu)
{
    const struct conf_device *device = bmc->device;

    return redfish_place_needs(bmc, redfish_place_is_workload) ? device->gpu_count + device->place_count + gpu
                                                               : CORE_NONE;
}

int32_t redfish_place_smoothing(const struct redfish *bmc, int32_t gpu)
{
    const struct conf_device *device = bmc->device;
    int32_t first = device->gpu_count + device->place_count;

    if (redfish_place_needs(bmc, redfish_place_is_workload))
        first += device->gpu_count;
    return redfish_place_needs(bmc, redfish_place_is_smoothing) ? first + gpu : CORE_NONE;
}

int32_t redfish_place_of_lever(const struct redfish *bmc, int32_t l)
{
    const struct conf_lever *lever = &bmc->device->levers[l];

    if (lever->place > 0)
        return bmc->device->gpu_count + lever->place - 1;
    if (redfish_place_is_workload(lever->knob))
        return redfish_place_workload(bmc, lever->row);
    return redfish_place_is_smoothing(lever->knob) ? redfish_place_smoothing(bmc, lever->row) : lever->row;
}

int32_t redfish_place_of_reading(const struct redfish *bmc, int32_t r)
{
    const struct conf_reading *reading = &bmc->device->readings[r];

    if (reading->place > 0)
        return bmc->device->gpu_count + reading->place - 1;
    switch (reading->signal) {
    case SIGNAL_GPU_WORKLOAD_PROFILES:
        return redfish_place_workload(bmc, reading->row);
    case SIGNAL_GPU_SMOOTHING:
    case SIGNAL_GPU_SMOOTHING_PROFILE:
    case SIGNAL_GPU_SMOOTHING_FLOOR_RATIO:
    case SIGNAL_GPU_RAMP_UP_W_PER_S:
    case SIGNAL_GPU_RAMP_DOWN_W_PER_S:
    case SIGNAL_GPU_RAMP_HYSTERESIS_S:
        return redfish_place_smoothing(bmc, reading->row);
    default:
        return reading->row;
    }
}

/* ---- whose turn ---- */

int32_t redfish_place_next(const struct redfish *bmc)
{
    int32_t first = CORE_NONE;

    for (int32_t p = 0; p < bmc->place_count; p++) {
        const struct redfish_place *place = &bmc->places[p];

        if (place->period_us > 0 && place->path[0] &&
            (first == CORE_NONE || place->due_us < bmc->places[first].due_us))
            first = p;
    }
    return first;
}

/* A turn that is late is followed by one that is due at once: none is queued. */
void redfish_place_asked(struct redfish *bmc, int32_t p, int64_t now_us)
{
    struct redfish_place *place = &bmc->places[p];

    place->due_us = (place->due_us ? place->due_us : now_us) + place->period_us;
    if (place->due_us < now_us)
        place->due_us = now_us;
}

void redfish_place_touch(struct redfish *bmc, const char *path)
{
    int64_t now_us = clock_now_us();

    for (int32_t p = 0; p < bmc->place_count; p++)
        if (bmc->places[p].period_us > 0 && strcmp(bmc->places[p].path, path) == 0 &&
            bmc->places[p].due_us > now_us)
            bmc->places[p].due_us = now_us;
}

/* ---- readings ---- */

/* Sets a place's readings (CORE_NONE: every one's): from `doc`, or to `status`. */
static void redfish_place_set(struct redfish *bmc, int32_t place, enum status status,
                              const struct redfish_spot_doc *doc, const struct redfish_reply *reply)
{
    int64_t taken_us = reply->dispatched_us > 0 ? reply->dispatched_us : reply->done_us;

    for (int32_t i = 0; i < bmc->device->reading_count; i++) {
        const struct conf_reading *reading = &bmc->device->readings[i];
        double value = doc ? redfish_spot_value(doc, reading->signal) : NAN;
        enum status st = status == ST_OK && isnan(value) ? ST_ABSENT : status;

        if (place == CORE_NONE || redfish_place_of_reading(bmc, i) == place)
            adapter_reading(bmc->adapter, i, st, value, taken_us, reply->done_us);
    }
}

void redfish_place_fail(struct redfish *bmc, int32_t place, enum status status,
                        const struct redfish_reply *reply)
{
    redfish_place_set(bmc, place, status, NULL, reply);
    adapter_publish(bmc->adapter);
}

/* One line when a place's answers go bad, one when they are well. */
static void redfish_place_note(struct redfish *bmc, int32_t p, enum status st)
{
    struct redfish_place *place = &bmc->places[p];

    if (st != ST_OK && !place->complained)
        LOG(WARNING, bmc->device->name, "nothing to be had at %s: %s", place->path, status_label(st));
    else if (st == ST_OK && place->complained)
        LOG(NOTICE, bmc->device->name, "%s is there again", place->path);
    place->complained = st != ST_OK;
}

static void redfish_place_latency(struct redfish *bmc, const struct redfish_reply *reply)
{
    int64_t took_us = reply->done_us - reply->dispatched_us;

    if (reply->dispatched_us > 0)
        bmc->get_us += bmc->get_us > 0 ? (took_us - bmc->get_us) / REDFISH_PLACE_SMOOTH : took_us;
}

enum status redfish_take(struct redfish *bmc, int32_t p, const struct redfish_reply *reply)
{
    struct redfish_place *place = &bmc->places[p];
    struct redfish_spot_doc doc;
    enum status st = redfish_link_judge(reply);

    if (st == ST_OK)
        st = redfish_spot_parse(reply->body, reply->size, place->pointer, &doc);
    if (st == ST_OK) {
        place->doc = doc;
        place->read = true;
        redfish_place_latency(bmc, reply);
    }
    redfish_place_set(bmc, p, reply->status == ST_NACK ? ST_TIMEOUT : st, st == ST_OK ? &doc : NULL, reply);
    if (!redfish_is_outage(reply))
        redfish_place_note(bmc, p, st);
    adapter_publish(bmc->adapter);
    return st;
}

/* ---- life ---- */

static bool redfish_place_is_fast(const struct redfish *bmc, int32_t p)
{
    for (int32_t r = 0; r < bmc->device->reading_count; r++)
        if (bmc->device->readings[r].poll == POLL_FAST && redfish_place_of_reading(bmc, r) == p)
            return true;
    return false;
}

enum status redfish_places_init(struct redfish *bmc)
{
    const struct conf_device *device = bmc->device;
    int32_t blocks =
        (redfish_place_workload(bmc, 0) != CORE_NONE) + (redfish_place_smoothing(bmc, 0) != CORE_NONE);

    bmc->place_count = device->gpu_count * (1 + blocks) + device->place_count;
    bmc->places = calloc((size_t)bmc->place_count + 1, sizeof *bmc->places);
    if (!bmc->places)
        return ST_NOMEM;
    for (int32_t p = 0; p < bmc->place_count; p++) {
        struct redfish_place *place = &bmc->places[p];
        int32_t c = p - device->gpu_count;

        place->pointer = "";
        if (p < device->gpu_count) {
            (void)snprintf(place->path, sizeof place->path, "%s", device->gpus[p].path);
        } else if (c < device->place_count) {
            (void)snprintf(place->path, sizeof place->path, "%s", device->places[c].path);
            place->pointer = device->places[c].pointer;
        }
        place->period_us = redfish_place_is_fast(bmc, p) ? bmc->bus->fast_us : bmc->bus->slow_us;
    }
    return ST_OK;
}

void redfish_places_done(struct redfish *bmc)
{
    free(bmc->places);
    bmc->places = NULL;
    bmc->place_count = 0;
}
