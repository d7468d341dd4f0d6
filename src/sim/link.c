/* SPDX-License-Identifier: Apache-2.0 */
/* link.c: the wires of a virtual rack: what is due happens, in order of time.
 *
 * Owns the times at which each line and each BMC goes on, the orders that wait,
 * and what a write does to the plant. Orders end as in src/field: read back
 * (ST_OK), certainly not taken (ST_BUSY, ST_REFUSED, ST_NACK, ST_STALE), or
 * nobody knows (ST_TIMEOUT, ST_MISMATCH). One thread; never a clock; the same
 * seed gives the same run.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/check.h"
#include "link_parts.h"

#define LINK_CHAR_BITS     11.0
#define LINK_FAST_BAUD     38400.0
#define LINK_LATE_RATIO    0.9     /* of a worst delay: no write is later          */
#define LINK_TAIL_US       60000.0 /* the slowest answers seen of ORv3 modules     */
#define LINK_ALIVE_BUS_V   40.0
#define LINK_ALIVE_INPUT_V 90.0
#define LINK_Z95           1.645
#define LINK_Z99           2.326

/* ---- life ---- */

static void link_timing(struct link *link, const struct rack *rack, double baud)
{
    bool orv3 = strcmp(rack->kind, "orv3") == 0;
    double p50 = fmax(rack->redfish_p50_ms, 1.0);

    baud = baud > 0.0 ? baud : rack->modbus_baud;
    link->char_us = LINK_CHAR_BITS / baud * LINK_US_PER_S;
    link->fast = baud > LINK_FAST_BAUD;
    link->mirrors = !orv3;
    link->turnaround_low_us = rack->modbus_turnaround_ms.value[0] * 1000.0;
    link->turnaround_high_us = rack->modbus_turnaround_ms.value[1] * 1000.0;
    link->tail_us = orv3 ? LINK_TAIL_US : 0.0;
    link->gap_us = orv3 ? 2000 : 3000;
    link->redfish_p50_us = p50 * 1000.0;
    link->redfish_sigma = fmax(log(fmax(rack->redfish_p95_ms / p50, 1.0)) / LINK_Z95,
                               log(fmax(rack->redfish_p99_ms / p50, 1.0)) / LINK_Z99);
}

enum status link_new(const struct link_conf *conf, struct plant *plant, const struct rack *rack, double baud,
                     uint64_t seed, struct link **ret)
{
    struct link *link = calloc(1, sizeof *link);

    if (!link)
        return ST_NOMEM;
    link->conf = conf;
    link->plant = plant;
    link->line_count = conf->shelf_count;
    link->bmc_count = conf->node_count;
    link->lever_count = conf->core.lever_count;
    link->next_us = LINK_NEVER;
    for (int32_t u = 0; u < LINK_UNITS_MAX; u++)
        link->due_us[u] = LINK_NEVER;
    link_timing(link, rack, baud);
    rng_init(&link->rng, seed, 101);
    link->lines = calloc((size_t)link->line_count, sizeof *link->lines);
    link->bmcs = calloc((size_t)link->bmc_count, sizeof *link->bmcs);
    link->levers = calloc((size_t)link->lever_count + 1, sizeof *link->levers);
    if (!link_fault_init(link) || !link_inbox_init(link) || !link_original_init(link) || !link->lines || !link->bmcs || !link->levers) {
        link_free(link);
        return ST_NOMEM;
    }
    for (int32_t s = 0; s < link->line_count; s++)
        link_modbus_init(link, s, seed);
    for (int32_t n = 0; n < link->bmc_count; n++)
        link_redfish_init(link, n, seed);
    *ret = link;
    return ST_OK;
}

struct link *link_free(struct link *link)
{
    if (!link)
        return NULL;
    link_fault_done(link);
    link_inbox_done(link);
    link_original_done(link);
    free(link->lines);
    free(link->bmcs);
    free(link->levers);
    free(link);
    return NULL;
}

/* ---- time ---- */

static void link_find_next(struct link *link)
{
    int32_t units = link->line_count + 2 * link->bmc_count + 1;

    link->next_us = link->due_us[0];
    for (int32_t u = 1; u < units; u++)
        link->next_us = link_earlier(link->next_us, link->due_us[u]);
}

static void link_unit_go(struct link *link, int32_t unit, int64_t now_us)
{
    int32_t bmc = unit - link->line_count;

    if (bmc < 0)
        link_modbus_go(link, &link->lines[unit], now_us);
    else if (bmc == 2 * link->bmc_count)
        link_inbox_later(link, now_us);
    else if (bmc % 2 == 0)
        link_redfish_poll_go(link, &link->bmcs[bmc / 2], now_us);
    else
        link_redfish_write_go(link, &link->bmcs[bmc / 2], now_us);
}

void link_step(struct link *link, int64_t now_us)
{
    int32_t units = link->line_count + 2 * link->bmc_count + 1;

    while (link->next_us <= now_us) {
        int64_t at_us = link->next_us;

        link->now_us = at_us > link->now_us ? at_us : link->now_us;
        for (int32_t u = 0; u < units; u++)
            if (link->due_us[u] <= at_us)
                link_unit_go(link, u, link->now_us);
        link_find_next(link);
    }
    link->now_us = now_us > link->now_us ? now_us : link->now_us;
}

int64_t link_next_us(const struct link *link)
{
    int64_t next_us = LINK_NEVER;

    for (int32_t s = 0; s < link->line_count; s++)
        if (link->lines[s].orders)
            next_us = link_earlier(next_us, link->due_us[s]);
    return next_us;
}

/* Every line and BMC looks again at what it could do. */
static void link_wake(struct link *link)
{
    for (int32_t u = 0; u < link->line_count + 2 * link->bmc_count; u++)
        link->due_us[u] = link_earlier(link->due_us[u], link->now_us);
    link_find_next(link);
}

/* ---- daemons ---- */

bool link_attended(const struct link *link)
{
    return !link->frozen && (link->inbox[0].alive || link->inbox[1].alive);
}

bool link_owner_lives(const struct link *link, const struct link_owner *owner)
{
    return link->inbox[owner->who].alive && link->inbox[owner->who].life == owner->life;
}

void link_attend(struct link *link, int32_t who)
{
    CHECK(who >= 0 && who < LINK_DAEMONS);
    link_inbox_start(link, who);
    for (int32_t l = 0; l < link->lever_count; l++) {
        link->levers[l].waiting[who] = (struct link_order){ .order.number = 0 };
        link->levers[l].recorded[who] = false;
    }
    link_wake(link);
}

void link_forget(struct link *link, int32_t who)
{
    CHECK(who >= 0 && who < LINK_DAEMONS);
    link->inbox[who].alive = false;
    for (int32_t l = 0; l < link->lever_count; l++)
        link->levers[l].waiting[who].order.number = 0;
}

void link_freeze(struct link *link, bool frozen)
{
    if (link->frozen == frozen)
        return;
    link->frozen = frozen;
    if (frozen)
        return;
    for (int32_t s = 0; s < link->line_count; s++)
        link_modbus_release(link, &link->lines[s], link->now_us);
    for (int32_t n = 0; n < link->bmc_count; n++)
        link_redfish_release(link, &link->bmcs[n], link->now_us);
    link_wake(link);
}

void link_collect(struct link *link, int32_t who, struct core_inputs *ret)
{
    link_inbox_collect(link, who, ret);
}

/* ---- orders ---- */

static void link_order_wake(struct link *link, const struct link_conf_lever *of)
{
    const struct link_conf_device *device = &link->conf->devices[of->device];
    int64_t *due_us = device->kind == LINK_BMC ? link_bmc_due(link, &link->bmcs[device->index], true)
                                               : &link->due_us[device->shelf];
    bool busy =
        device->kind == LINK_BMC ? link->bmcs[device->index].write.busy : link->lines[device->shelf].busy;

    if (device->kind == LINK_BMC)
        link->bmcs[device->index].orders = true;
    else
        link->lines[device->shelf].orders = true;
    if (busy)
        return; /* it looks when it is done */
    *due_us = link_earlier(*due_us, link->now_us);
    link->next_us = link_earlier(link->next_us, *due_us);
}

void link_publish(struct link *link, int32_t who, const struct core_outputs *out)
{
    const struct core_order *orders = core_outputs_orders(out);

    CHECK(who >= 0 && who < LINK_DAEMONS);
    for (int32_t o = 0; o < out->order_count; o++) {
        struct link_lever *lever = &link->levers[orders[o].lever];

        /* a state, not a queue: the newest replaces what was not taken up */
        lever->waiting[who] =
            (struct link_order){ .order = orders[o], .owner = { .who = who, .life = link->inbox[who].life } };
        link_order_wake(link, &link->conf->lever_of[orders[o].lever]);
    }
}

bool link_order_take(struct link *link, int32_t lever, int64_t now_us)
{
    struct link_lever *l = &link->levers[lever];

    for (int32_t who = 0; who < LINK_DAEMONS; who++) {
        struct link_order *waiting = &l->waiting[who];

        if (waiting->order.number == 0)
            continue;
        l->now = *waiting;
        waiting->order.number = 0;
        l->dispatched_us = now_us;
        l->tries = l->readbacks = 0;
        l->otherwise = ST_TIMEOUT;
        l->settling = false;
        /* one that would outlast its lease on the way is not begun */
        if (l->now.order.lease_end_us != CORE_FOREVER &&
            l->now.order.lease_end_us - now_us <= link->conf->levers[lever].delay_worst_us) {
            link_order_end(link, lever, ST_STALE, NAN, now_us);
            continue;
        }
        l->busy = true;
        return true;
    }
    return false;
}

void link_order_end(struct link *link, int32_t lever, enum status st, double readback, int64_t now_us)
{
    struct link_lever *l = &link->levers[lever];

    l->busy = l->settling = false;
    link_inbox_ack(link, &l->now.owner,
                   &(struct core_ack){
                       .lever = lever,
                       .status = st,
                       .number = l->now.order.number,
                       .readback = readback,
                       .dispatched_us = l->dispatched_us,
                       .done_us = now_us,
                   });
}

/* ---- devices ---- */

/* A supply's controller lives on its input, its bulk capacitor or, on hardware
 * made so, the busbar. */
static bool link_psu_alive(const struct plant *plant, const struct plant_psu *psu)
{
    bool kept = plant->params.start == PLANT_START_KEPT_ALIVE && plant->bus_v > LINK_ALIVE_BUS_V;

    if (!psu->present)
        return false;
    if (kept)
        return true;
    if (psu->state == PLANT_PSU_BOOT)
        return false;
    return (psu->state != PLANT_PSU_OFF && psu->state != PLANT_PSU_LATCHED) ||
           psu->input_v > LINK_ALIVE_INPUT_V;
}

bool link_device_alive(const struct link *link, int32_t device)
{
    const struct link_conf_device *conf = &link->conf->devices[device];
    const struct plant *plant = link->plant;

    switch (conf->kind) {
    case LINK_PSU:
        return link_psu_alive(plant, &plant->psus[conf->index]);
    case LINK_BBU:
        return plant->bbus[conf->index].present;
    case LINK_BMC:
        return !plant->it_down;
    }
    return false;
}

/* ---- what a write does ---- */

static void link_effect_psu(struct link *link, const struct link_effect *effect)
{
    struct plant_psu *psu = &link->plant->psus[effect->index];

    if (effect->kind == LINK_EFFECT_GATE)
        psu->write_enable = effect->value != 0.0;
    else if (!psu->write_enable)
        return; /* accepted, and without effect: as real ones do */
    else if (effect->kind == LINK_EFFECT_SETPOINT)
        psu->setpoint_v = effect->value;
    else
        psu->start_delay_s = effect->value < LINK_START_UNSET_S ? effect->value : (double)NAN;
}

void link_effect_apply(struct link *link, const struct link_effect *effect)
{
    struct plant_bbu *bbu = &link->plant->bbus[effect->index];

    switch (effect->kind) {
    case LINK_EFFECT_GATE:
    case LINK_EFFECT_SETPOINT:
    case LINK_EFFECT_START:
        link_effect_psu(link, effect);
        break;
    case LINK_EFFECT_TIMEOUT:
        bbu->override_timeout_s = effect->value;
        plant_bbu_override(link->plant, effect->index, bbu->override_on);
        break;
    case LINK_EFFECT_CHARGE:
        bbu->override_a = effect->value;
        break;
    case LINK_EFFECT_ENABLE:
        plant_bbu_override(link->plant, effect->index, effect->value != 0.0);
        break;
    case LINK_EFFECT_LIMIT:
        plant_gpu_set_limit(link->plant, effect->index, effect->value);
        break;
    }
}

void link_effect_later(struct link *link, const struct link_effect *effect, int32_t lever, double late_s)
{
    double most_us = LINK_LATE_RATIO * (double)link->conf->levers[lever].delay_worst_us;
    int64_t last_us = link->levers[lever].dispatched_us + (int64_t)most_us;
    int64_t at_us = link->now_us + (int64_t)(late_s * LINK_US_PER_S);

    link_inbox_put_later(link, &(struct link_later){ .kind = LINK_LATER_EFFECT,
                                                     .at_us = at_us < last_us ? at_us : last_us,
                                                     .effect = *effect });
}

void link_stats(const struct link *link, struct link_stats *ret)
{
    *ret = link->stats;
}
