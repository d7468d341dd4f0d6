/* SPDX-License-Identifier: Apache-2.0 */
/* checks_orders.c: the sum of limits that stand or are on their way, and each order.
 *
 * What stands is read in the plant; what is on its way, in the core's outputs,
 * through the offsets in them; losses count by the controller's books or the truth,
 * whichever is more. A limit that nobody here ordered (somebody else's
 * hand, a BMC that was reset) is excused for as long as it takes to see and undo
 * it, with what is drawn under it. The plant's thread.
 */
#include <math.h>

#include "checks_parts.h"

#define CHECKS_TOLERANCE_W 0.5
#define CHECKS_SAME_W      1.0 /* a limit read back so near is the one that was ordered */
#define CHECKS_SAME        1e-6
#define CHECKS_US_PER_S    1e6

void checks_orders_init(struct checks *c)
{
    c->envelope_w = c->opt.envelope_w;
    c->mark[CHECKS_STANDING].limit = c->opt.envelope_w;
    for (int32_t i = 0; i < c->plant->gpu_count; i++) {
        const struct plant_gpu *from = &c->plant->gpus[i];
        struct checks_gpu *gpu = &c->gpu[i];

        *gpu = (struct checks_gpu){
            .seen_w = from->limit_w,
            .own_w = from->limit_w,
            .foreign_w = NAN,
            .foreign_until_us = CHECKS_NEVER,
            .in_flight_w = NAN,
            .wanted_w = NAN,
            .bmc_resets = c->plant->bmc_resets[from->node],
        };
        for (int k = 0; k < CHECKS_OWN_MAX; k++)
            gpu->ordered_w[k] = from->limit_w;
    }
}

/* ---- whose limit it is ---- */

static bool checks_gpu_ordered(const struct checks_gpu *gpu, double limit_w)
{
    for (int k = 0; k < CHECKS_OWN_MAX; k++)
        if (fabs(gpu->ordered_w[k] - limit_w) <= CHECKS_SAME_W)
            return true;
    return false;
}

static void checks_gpu_look(struct checks *c, const struct plant *plant, int32_t i)
{
    const struct plant_gpu *now = &plant->gpus[i];
    struct checks_gpu *gpu = &c->gpu[i];
    bool reset = plant->bmc_resets[now->node] != gpu->bmc_resets;

    if (!reset && fabs(now->limit_w - gpu->seen_w) <= CHECKS_SAME)
        return;
    gpu->bmc_resets = plant->bmc_resets[now->node];
    gpu->seen_w = now->limit_w;
    if (!reset && (c->gpu_levers == 0 || checks_gpu_ordered(gpu, now->limit_w))) {
        gpu->own_w = now->limit_w;
        return;
    }
    gpu->foreign_w = now->limit_w;
    gpu->foreign_until_us = c->now_us + c->foreign_us;
    if (c->calm.quiet_until_us < gpu->foreign_until_us)
        c->calm.quiet_until_us = gpu->foreign_until_us;
}

static bool checks_gpu_excused(const struct checks *c, int32_t i, double limit_w)
{
    const struct checks_gpu *gpu = &c->gpu[i];

    return c->now_us < gpu->foreign_until_us && fabs(limit_w - gpu->foreign_w) <= CHECKS_SAME_W;
}

/* AC watts that flow under excused limits, above what was ordered there. */
double checks_foreign_w(const struct checks *c, const struct plant *plant)
{
    double sum_w = 0.0;

    for (int32_t i = 0; i < plant->gpu_count; i++) {
        const struct plant_gpu *gpu = &plant->gpus[i];

        if (c->now_us < c->gpu[i].foreign_until_us)
            sum_w += fmax(0.0, gpu->power_w - c->gpu[i].own_w * (1.0 + gpu->overshoot_ratio));
    }
    return fmin(sum_w * (1.0 + plant->psu_loss_ratio), fmax(0.0, plant->ac_w));
}

/* ---- standing ---- */

/* The largest that holds now, or may once what was sent arrives. */
static double checks_gpu_stands_w(const struct checks *c, const struct plant *plant, int32_t i)
{
    const struct plant_gpu *now = &plant->gpus[i];
    const struct checks_gpu *gpu = &c->gpu[i];
    bool on_its_way = !c->dead || c->now_us < c->dead_us + c->lands_us;
    double stands_w = checks_gpu_excused(c, i, now->limit_w) ? fmin(gpu->own_w, now->limit_w) : now->limit_w;

    if (now->limit_active_w > stands_w && !checks_gpu_excused(c, i, now->limit_active_w))
        stands_w = now->limit_active_w;
    if (on_its_way && gpu->in_flight_w > stands_w)
        stands_w = gpu->in_flight_w;
    return stands_w * (1.0 + now->overshoot_ratio);
}

/* What chargers take, or may when they begin and their overrides run out: by the
 * controller's books where it has them. What one takes beyond those shows in the
 * rack's windows. */
static double checks_charge_w(const struct checks *c, const struct plant *plant)
{
    double sum_w = 0.0;

    for (int32_t i = 0; i < plant->bbu_count; i++) {
        const struct plant_bbu *bbu = &plant->bbus[i];
        bool booked = c->bbu[i].volts > 0.0;
        double volts = booked ? c->bbu[i].volts : bbu->pack_v;
        double begins_w = booked ? c->bbu[i].fallback_w : bbu->charging ? bbu->charge_default_a * volts : 0.0;

        if (bbu->present && !bbu->failed)
            sum_w += fmax(begins_w, bbu->override_on ? bbu->override_a * volts : 0.0);
    }
    return sum_w;
}

/* Storage that helps by itself, for as long as bringing limits down takes. */
static double checks_storage_w(const struct checks *c, const struct plant *plant)
{
    double shed_s = (double)c->grace_us / CHECKS_US_PER_S;

    if (!(plant->cap_j > 0.0) || !(shed_s > 0.0))
        return 0.0;
    return fmin(plant->params.cap_power_w, plant->cap_j / shed_s);
}

static void checks_standing(struct checks *c, const struct plant *plant)
{
    double dc_w = plant->switch_w + checks_charge_w(c, plant), ac_w, limit_w;

    for (int32_t i = 0; i < plant->node_count; i++)
        dc_w += plant->node_static_w[i];
    for (int32_t i = 0; i < plant->gpu_count; i++)
        dc_w += checks_gpu_stands_w(c, plant, i);
    ac_w = dc_w * (1.0 + fmax(plant->psu_loss_ratio, c->loss_ratio));
    limit_w = c->envelope.limit_w + checks_storage_w(c, plant);
    checks_note(c, CHECKS_STANDING,
                &(struct checks_seen){
                    .ok = ac_w <= limit_w + CHECKS_TOLERANCE_W,
                    .value = ac_w,
                    .limit = limit_w,
                    .margin = limit_w - ac_w,
                    .about = { .what = "limits with what cannot be limited, W", .number = ac_w } });
}

void checks_orders_step(struct checks *c, const struct plant *plant)
{
    c->foreign = false;
    for (int32_t i = 0; i < plant->gpu_count; i++) {
        checks_gpu_look(c, plant, i);
        c->foreign = c->foreign || c->now_us < c->gpu[i].foreign_until_us;
    }
    if (c->armed && c->control)
        checks_standing(c, plant);
}

/* ---- what the core gave out ---- */

static void checks_lever_view(struct checks *c, const struct checks_lever *lever,
                              const struct core_lever_view *view)
{
    struct checks_gpu *gpu;
    double last_w;

    if (lever->use != CORE_LEVER_LIMIT || lever->index >= c->plant->gpu_count)
        return;
    gpu = &c->gpu[lever->index];
    gpu->wanted_w = view->wanted;
    gpu->in_flight_w = view->state == CORE_LEVER_SENT || view->state == CORE_LEVER_UNKNOWN ? view->sent : NAN;
    last_w = gpu->ordered_w[(gpu->ordered_at + CHECKS_OWN_MAX - 1) % CHECKS_OWN_MAX];
    if (isnan(view->sent) || fabs(view->sent - last_w) <= CHECKS_SAME)
        return;
    gpu->ordered_w[gpu->ordered_at] = view->sent;
    gpu->ordered_at = (gpu->ordered_at + 1) % CHECKS_OWN_MAX;
}

static void checks_order_value(struct checks *c, const struct checks_lever *lever,
                               const struct core_order *order)
{
    double below = order->value - lever->min, above = lever->max - order->value;
    bool ok = isfinite(order->value) && below >= -CHECKS_SAME && above >= -CHECKS_SAME;

    checks_note(c, CHECKS_ALLOWED,
                &(struct checks_seen){ .ok = ok,
                                       .value = ok ? 0.0 : 1.0,
                                       .margin = ok ? (double)INFINITY : -1.0,
                                       .about = { .part = CHECKS_LEVER,
                                                  .index = order->lever,
                                                  .what = "ordered",
                                                  .number = order->value } });
}

/* A device with a time-out gets it with each order; no order outlives its lease. */
static void checks_order_lease(struct checks *c, const struct checks_lever *lever,
                               const struct core_order *order, int64_t now_us)
{
    bool timed = lever->timeout_us <= 0 || order->timeout_us > 0;
    bool lasts = order->lease_end_us > now_us;
    bool ok = timed && lasts;

    checks_note(c, CHECKS_LEASES,
                &(struct checks_seen){ .ok = ok,
                                       .value = ok ? 0.0 : 1.0,
                                       .margin = ok ? (double)INFINITY : -1.0,
                                       .about = { .part = CHECKS_LEVER,
                                                  .index = order->lever,
                                                  .what = timed ? "ordered with a lease that is over"
                                                                : "ordered without a time-out",
                                                  .number = NAN } });
}

void checks_orders_core(struct checks *c, const struct core_outputs *out)
{
    const struct core_lever_view *views = (const void *)((const char *)out + out->levers_at);
    const struct core_order *orders = (const void *)((const char *)out + out->orders_at);

    for (int32_t l = 0; l < out->lever_count && l < c->lever_count; l++)
        checks_lever_view(c, &c->lever[l], &views[l]);
    for (int32_t i = 0; i < out->order_count; i++) {
        const struct checks_lever *lever;

        if (orders[i].release || orders[i].lever < 0 || orders[i].lever >= c->lever_count)
            continue;
        lever = &c->lever[orders[i].lever];
        checks_order_value(c, lever, &orders[i]);
        checks_order_lease(c, lever, &orders[i], out->now_us);
    }
}
