/* SPDX-License-Identifier: Apache-2.0 */
/* redfish_order.c: which order of a BMC is worked off next, and when.
 *
 * A new order goes before a read-back, levers take turns, and no more is written than
 * the BMC may bear. Refuses what need not be asked about: nothing non-volatile, nothing
 * without a login. Runs on the event base's thread.
 */
#include <math.h>
#include <string.h>

#include "redfish_bmc.h"
#include "redfish_write.h"

#include "busbar/clock.h"

#define REDFISH_WRITE_US_PER_MIN 60e6

/* Of the order, before anything is asked; NULL: go on. */
static const char *redfish_write_refusal(const struct redfish *bmc, int32_t l)
{
    if (bmc->opt.read_only)
        return "nothing is written here";
    if (!bmc->device->username[0])
        return "no username is configured";
    if (!redfish_write_place(bmc, l)->path[0])
        return "it was not found there";
    if (strcasestr(redfish_write_place(bmc, l)->path, "nonvolatile"))
        return "its path is the non-volatile one";
    return NULL;
}

/* The lever whose read-back, or look at its task, is due first, or CORE_NONE. */
static int32_t redfish_write_due(const struct redfish *bmc)
{
    int32_t first = CORE_NONE;

    for (int32_t l = 0; l < bmc->device->lever_count; l++) {
        const struct redfish_lever *lever = &bmc->levers[l];

        if ((lever->step == REDFISH_LEVER_VERIFY || lever->step == REDFISH_LEVER_TASK) &&
            (first == CORE_NONE || lever->due_us < bmc->levers[first].due_us))
            first = l;
    }
    return first;
}

/* When each order came: for the statistics. */
static void redfish_write_see(struct redfish *bmc, int64_t now_us)
{
    for (int32_t l = 0; l < bmc->device->lever_count; l++) {
        struct redfish_lever *lever = &bmc->levers[l];
        uint64_t number = bmc->adapter->orders.levers[l].number;

        if (number == lever->seen)
            continue;
        lever->seen = number;
        lever->seen_us = now_us;
    }
}

/* The next lever at or after `from` that has an order and nothing in flight. */
static int32_t redfish_write_search(struct redfish *bmc, int32_t from, int64_t now_us)
{
    int32_t l = adapter_next_order(bmc->adapter, from, now_us);

    while (l != CORE_NONE && bmc->levers[l].step != REDFISH_LEVER_IDLE)
        l = adapter_next_order(bmc->adapter, l + 1, now_us);
    return l;
}

static void redfish_write_begin(struct redfish *bmc, int32_t l)
{
    struct redfish_lever *lever = &bmc->levers[l];
    const char *refusal = redfish_write_refusal(bmc, l);

    lever->order = bmc->adapter->orders.levers[l];
    lever->published_us = lever->seen_us;
    lever->dispatched_us = 0;
    lever->climbs = 0;
    bmc->adapter->done[l] = lever->order.number; /* ours now: not to be found, or timed out, again */
    bmc->lever_next = l + 1;
    if (refusal)
        redfish_write_end(bmc, l,
                          !redfish_write_place(bmc, l)->path[0] && redfish_find_is_pending(bmc) ? ST_BUSY
                                                                                                : ST_REFUSED,
                          NAN, refusal);
    else if (lever->recorded && redfish_write_knob(bmc, l) == CONF_KNOB_LIMIT &&
             redfish_write_place(bmc, l)->read && bmc->etag == REDFISH_ETAG_NONE)
        redfish_write_prepare(bmc, l);
    else
        redfish_write_read(bmc, l);
}

/* How long until the next write may leave; 0: now. */
static int64_t redfish_write_pause_us(struct redfish *bmc, int64_t now_us)
{
    double a_us = (double)bmc->device->writes_per_min / REDFISH_WRITE_US_PER_MIN;
    double most = (double)bmc->device->lever_count;

    if (bmc->device->writes_per_min <= 0)
        return 0;
    bmc->write_tokens += a_us * (double)(now_us - bmc->write_filled_us);
    bmc->write_filled_us = now_us;
    if (bmc->write_tokens > most)
        bmc->write_tokens = most;
    return bmc->write_tokens >= 1.0 ? 0 : (int64_t)((1.0 - bmc->write_tokens) / a_us) + 1;
}

/* An order that may be begun now, or CORE_NONE. */
static int32_t redfish_write_order(struct redfish *bmc, int64_t now_us, int64_t pause_us)
{
    int32_t l = redfish_write_search(bmc, bmc->lever_next, now_us);

    if (l == CORE_NONE)
        l = redfish_write_search(bmc, 0, now_us);
    redfish_write_see(bmc, now_us);
    if (l == CORE_NONE || !bmc->adapter->state.identified || !bmc->rooted)
        return CORE_NONE; /* polling finds out who is there, and calls again */
    if (pause_us > 0) {
        redfish_timer(bmc->write_timer, pause_us);
        return CORE_NONE;
    }
    return l;
}

/* A new order before a read-back: it is the one that may be urgent. */
void redfish_write_turn(struct redfish *bmc)
{
    while (!bmc->stopping && !bmc->lanes[REDFISH_LANE_WRITE].busy) {
        int64_t now_us = clock_now_us(), pause_us = redfish_write_pause_us(bmc, now_us);
        int32_t l = redfish_write_order(bmc, now_us, pause_us);

        if (l != CORE_NONE) {
            redfish_write_begin(bmc, l);
            continue;
        }
        l = redfish_write_due(bmc);
        if (l == CORE_NONE)
            return;
        if (bmc->levers[l].due_us > now_us) {
            int64_t wait_us = bmc->levers[l].due_us - now_us;

            redfish_timer(bmc->write_timer, pause_us > 0 && pause_us < wait_us ? pause_us : wait_us);
            return;
        }
        if (bmc->levers[l].step == REDFISH_LEVER_TASK)
            redfish_write_look(bmc, l);
        else
            redfish_write_verify(bmc, l);
    }
}
