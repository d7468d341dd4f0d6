/* SPDX-License-Identifier: Apache-2.0 */
/* link_redfish.c: one BMC: one connection polls, one writes.
 *
 * Owns both. As src/field does: GPU after GPU is asked for its power and limit,
 * round after round; a BMC that fails is asked less often. A write reads the
 * limit first where it never did, then PATCHes, then reads back up to four
 * times. Latencies are log-normal; what a GET shows is what was there when it
 * was asked.
 */
#include <math.h>

#include "link_parts.h"

#define LINK_REDFISH_TIMEOUT_US  INT64_C(5000000)
#define LINK_REDFISH_FAST_US     INT64_C(500000) /* a round of polls, at least     */
#define LINK_REDFISH_BACKOFF_US  INT64_C(2000000)
#define LINK_REDFISH_LOOKS       4
#define LINK_REDFISH_LATE_US     2e6 /* how late a limit may be applied */
#define LINK_REDFISH_TOLERANCE_W 0.5
#define LINK_REDFISH_STEP_W      0.001 /* of a reading as it is printed  */
#define LINK_REDFISH_TURN        6.283185307179586

void link_redfish_init(struct link *link, int32_t node, uint64_t seed)
{
    struct link_bmc *bmc = &link->bmcs[node];
    int32_t device = link_conf_bmc(link->conf, node);

    rng_init(&bmc->rng, seed, 300 + (uint64_t)node);
    bmc->device = device;
    bmc->node = node;
    bmc->gpu_first = node * link->conf->node_gpus;
    bmc->gpu_count = link->conf->node_gpus;
    bmc->lever_first = link->conf->devices[device].first_lever;
    bmc->poll.exec_us = bmc->poll.end_us = bmc->write.exec_us = bmc->write.end_us = LINK_NEVER;
    bmc->poll_us = (int64_t)rng_uniform(&bmc->rng, 0.0, LINK_REDFISH_FAST_US);
}

/* ---- one request ---- */

static int64_t link_redfish_latency_us(const struct link *link, struct link_bmc *bmc,
                                       const struct link_fate *fate)
{
    double u = 1.0 - rng_uniform(&bmc->rng, 0.0, 1.0), v = rng_uniform(&bmc->rng, 0.0, LINK_REDFISH_TURN);
    double z = sqrt(-2.0 * log(u)) * cos(v);

    return (int64_t)(link->redfish_p50_us * exp(link->redfish_sigma * z) * fate->slower) + fate->more_us;
}

static void link_redfish_ask(struct link *link, struct link_bmc *bmc, struct link_bmc_lane *lane, int32_t gpu,
                             bool write, int64_t now_us)
{
    const struct plant_gpu *g = &link->plant->gpus[bmc->gpu_first + gpu];
    int64_t latency_us;

    lane->fate = link_fault_fate(link, bmc->device, write, &bmc->rng);
    if (!link_device_alive(link, bmc->device))
        lane->fate = (struct link_fate){ .slower = 1.0 };
    latency_us = link_redfish_latency_us(link, bmc, &lane->fate);
    if (latency_us > LINK_REDFISH_TIMEOUT_US)
        lane->fate.answered = false;
    lane->busy = true;
    lane->gpu = gpu;
    lane->asked_us = now_us;
    lane->end_us = now_us + (lane->fate.answered ? latency_us : LINK_REDFISH_TIMEOUT_US);
    lane->power_w = nearbyint(g->reading_w / LINK_REDFISH_STEP_W) * LINK_REDFISH_STEP_W;
    lane->limit_w = g->limit_w;
    if (write && lane->fate.executes)
        lane->exec_us = now_us + (int64_t)(rng_uniform(&bmc->rng, 0.3, 0.9) * (double)latency_us);
    if (write)
        link->stats.writes++;
    else
        link->stats.reads++;
    if (!lane->fate.answered)
        link->stats.lost++;
}

static bool link_redfish_took(const struct link_bmc_lane *lane)
{
    return lane->fate.answered && !lane->fate.refused;
}

static void link_redfish_deliver(struct link *link, const struct link_bmc *bmc,
                                 const struct link_bmc_lane *lane, int64_t now_us)
{
    int32_t point = link->conf->devices[bmc->device].first_point + lane->gpu * LINK_GPU_POINTS;

    link_inbox_identity(link, bmc->device, LINK_BMC_SERIAL);
    link_inbox_reading(link, point + LINK_GPU_POWER, lane->power_w, lane->asked_us, now_us);
    link_inbox_reading(link, point + LINK_GPU_LIMIT, lane->limit_w, lane->asked_us, now_us);
}

/* What is due at a lane happens; true: its answer is there, and the lane free. */
static bool link_redfish_ended(struct link *link, struct link_bmc *bmc, struct link_bmc_lane *lane,
                               int64_t now_us)
{
    if (lane->exec_us <= now_us) {
        lane->exec_us = LINK_NEVER;
        if (link_device_alive(link, bmc->device))
            link_effect_apply(link, &bmc->effect);
    }
    if (!lane->busy || lane->end_us > now_us)
        return false;
    if (link->frozen) {
        lane->held = true;
        lane->end_us = LINK_NEVER;
        return false;
    }
    lane->busy = false;
    lane->end_us = LINK_NEVER;
    return true;
}

/* ---- polls ---- */

static int64_t link_redfish_wait_us(struct link_bmc *bmc)
{
    int64_t wait_us = LINK_REDFISH_FAST_US << (bmc->failures < 8 ? bmc->failures : 8);

    wait_us = link_earlier(wait_us, LINK_REDFISH_BACKOFF_US);
    return (int64_t)(rng_uniform(&bmc->rng, 0.75, 1.25) * (double)wait_us);
}

static void link_redfish_polled(struct link *link, struct link_bmc *bmc, int64_t now_us)
{
    bmc->poll_us = now_us;
    bmc->next_poll = (bmc->poll.gpu + 1) % bmc->gpu_count;
    if (link_redfish_took(&bmc->poll)) {
        bmc->failures = 0;
        link_redfish_deliver(link, bmc, &bmc->poll, now_us);
        if (bmc->next_poll == 0 && bmc->cycle_us + LINK_REDFISH_FAST_US > now_us)
            bmc->poll_us = bmc->cycle_us + LINK_REDFISH_FAST_US;
    } else {
        bmc->failures++;
        bmc->poll_us = now_us + link_redfish_wait_us(bmc);
    }
}

void link_redfish_poll_go(struct link *link, struct link_bmc *bmc, int64_t now_us)
{
    struct link_bmc_lane *lane = &bmc->poll;
    int64_t due_us = LINK_NEVER;

    if (link_redfish_ended(link, bmc, lane, now_us))
        link_redfish_polled(link, bmc, now_us);
    if (!lane->busy && link_attended(link)) {
        due_us = bmc->poll_us;
        if (due_us <= now_us) {
            if (bmc->next_poll == 0)
                bmc->cycle_us = now_us;
            link_redfish_ask(link, bmc, lane, bmc->next_poll, false, now_us);
            due_us = LINK_NEVER;
        }
    }
    *link_bmc_due(link, bmc, false) = link_earlier(lane->end_us, due_us);
}

/* ---- orders ---- */

static struct link_lever *link_redfish_lever(struct link *link, const struct link_bmc *bmc, int32_t gpu)
{
    return &link->levers[bmc->lever_first + gpu];
}

static void link_redfish_done(struct link *link, struct link_bmc *bmc, enum status st, double readback,
                              int64_t now_us)
{
    link_order_end(link, bmc->lever_first + bmc->write.gpu, st, readback, now_us);
}

static void link_redfish_patch(struct link *link, struct link_bmc *bmc, int32_t gpu, int64_t now_us)
{
    struct link_lever *l = link_redfish_lever(link, bmc, gpu);
    int32_t lever = bmc->lever_first + gpu;

    bmc->step = LINK_BMC_PATCH;
    bmc->effect = (struct link_effect){ .kind = LINK_EFFECT_LIMIT,
                                        .index = bmc->gpu_first + gpu,
                                        .device = bmc->device,
                                        .value = floor(l->now.order.value + 1e-6) };
    l->dispatched_us = now_us;
    link_redfish_ask(link, bmc, &bmc->write, gpu, true, now_us);
    if (bmc->write.exec_us != LINK_NEVER && bmc->write.exec_us > bmc->write.end_us) {
        /* it takes longer than anybody waits: executed when others are asked already */
        bmc->write.fate.late_s = (double)(bmc->write.exec_us - now_us) / LINK_US_PER_S;
        bmc->write.exec_us = LINK_NEVER;
    }
    if (bmc->write.fate.late_s > 0.0)
        link_effect_later(link, &bmc->effect, lever, bmc->write.fate.late_s);
}

static void link_redfish_verify(struct link *link, struct link_bmc *bmc, int32_t gpu, int64_t now_us)
{
    struct link_lever *l = link_redfish_lever(link, bmc, gpu);

    bmc->step = LINK_BMC_VERIFY;
    l->settling = false;
    l->busy = true;
    link_redfish_ask(link, bmc, &bmc->write, gpu, false, now_us);
}

static void link_redfish_on_patch(struct link *link, struct link_bmc *bmc, struct link_lever *l,
                                  int64_t now_us)
{
    const struct link_fate *fate = &bmc->write.fate;

    if (fate->answered && fate->refused) {
        link_redfish_done(link, bmc, ST_REFUSED, NAN, now_us);
        return;
    }
    /* taken, or nobody knows: what is there now decides */
    l->otherwise = fate->answered ? ST_MISMATCH : ST_TIMEOUT;
    l->settling = true;
    l->busy = false;
    l->verify_us = now_us;
}

/* Some apply a limit a while after they accepted it: up to three more looks. */
static void link_redfish_on_verify(struct link *link, struct link_bmc *bmc, struct link_lever *l,
                                   int64_t now_us)
{
    static const double part[LINK_REDFISH_LOOKS] = { 0.0, 0.15, 0.30, 0.55 };
    bool took = link_redfish_took(&bmc->write);
    double held_w = bmc->write.limit_w;

    if (took)
        link_redfish_deliver(link, bmc, &bmc->write, now_us);
    if (took && fabs(held_w - floor(l->now.order.value + 1e-6)) < LINK_REDFISH_TOLERANCE_W) {
        link_redfish_done(link, bmc, ST_OK, held_w, now_us);
    } else if (++l->readbacks < LINK_REDFISH_LOOKS) {
        l->busy = false;
        l->settling = true;
        l->verify_us = now_us + (int64_t)(LINK_REDFISH_LATE_US * part[l->readbacks]);
    } else {
        link_redfish_done(link, bmc, took ? l->otherwise : ST_TIMEOUT, took ? held_w : NAN, now_us);
    }
}

static void link_redfish_on_read(struct link *link, struct link_bmc *bmc, struct link_lever *l,
                                 int64_t now_us)
{
    if (!link_redfish_took(&bmc->write)) { /* nothing was written, so nothing is in doubt */
        link_redfish_done(link, bmc, ST_NACK, NAN, now_us);
        return;
    }
    link_redfish_deliver(link, bmc, &bmc->write, now_us);
    if (link_original_record(link, bmc->lever_first + bmc->write.gpu, l->now.owner.who, bmc->write.limit_w))
        link_redfish_patch(link, bmc, bmc->write.gpu, now_us);
    else
        link_redfish_done(link, bmc, ST_REFUSED, NAN, now_us);
}

static void link_redfish_answered(struct link *link, struct link_bmc *bmc, int64_t now_us)
{
    struct link_lever *l = link_redfish_lever(link, bmc, bmc->write.gpu);

    if (!link_owner_lives(link, &l->now.owner))
        l->busy = l->settling = false;
    else if (bmc->step == LINK_BMC_PATCH)
        link_redfish_on_patch(link, bmc, l, now_us);
    else if (bmc->step == LINK_BMC_VERIFY)
        link_redfish_on_verify(link, bmc, l, now_us);
    else
        link_redfish_on_read(link, bmc, l, now_us);
}

/* ---- what is next ---- */

static bool link_redfish_order(struct link *link, struct link_bmc *bmc, int64_t now_us)
{
    for (int32_t k = 0; k < bmc->gpu_count; k++) {
        int32_t gpu = (bmc->next_order + k) % bmc->gpu_count;
        struct link_lever *l = link_redfish_lever(link, bmc, gpu);

        if (l->busy || l->settling || !link_order_take(link, bmc->lever_first + gpu, now_us))
            continue;
        bmc->next_order = gpu + 1;
        if (link_original_known(link, bmc->lever_first + gpu, l->now.owner.who)) {
            link_redfish_patch(link, bmc, gpu, now_us);
        } else {
            bmc->step = LINK_BMC_READ;
            link_redfish_ask(link, bmc, &bmc->write, gpu, false, now_us);
        }
        return true;
    }
    return false;
}

/* A new order before a read-back: it is the one that may be urgent. */
static int64_t link_redfish_begin(struct link *link, struct link_bmc *bmc, int64_t now_us)
{
    int32_t first = CORE_NONE;
    int64_t due_us = LINK_NEVER;

    if (link_redfish_order(link, bmc, now_us))
        return LINK_NEVER;
    for (int32_t g = 0; g < bmc->gpu_count; g++) {
        struct link_lever *l = link_redfish_lever(link, bmc, g);

        if (l->settling && !link_owner_lives(link, &l->now.owner))
            l->settling = false;
        if (!l->settling || l->verify_us >= due_us)
            continue;
        due_us = l->verify_us;
        first = g;
    }
    bmc->orders = first != CORE_NONE;
    if (first == CORE_NONE || due_us > now_us)
        return due_us;
    link_redfish_verify(link, bmc, first, now_us);
    return LINK_NEVER;
}

void link_redfish_write_go(struct link *link, struct link_bmc *bmc, int64_t now_us)
{
    struct link_bmc_lane *lane = &bmc->write;
    int64_t due_us = LINK_NEVER;

    if (link_redfish_ended(link, bmc, lane, now_us))
        link_redfish_answered(link, bmc, now_us);
    if (!lane->busy && bmc->orders && link_attended(link))
        due_us = link_redfish_begin(link, bmc, now_us);
    *link_bmc_due(link, bmc, true) = link_earlier(link_earlier(lane->exec_us, lane->end_us), due_us);
}

void link_redfish_release(struct link *link, struct link_bmc *bmc, int64_t now_us)
{
    if (bmc->poll.held)
        bmc->poll.end_us = now_us;
    if (bmc->write.held)
        bmc->write.end_us = now_us;
    bmc->poll.held = bmc->write.held = false;
    *link_bmc_due(link, bmc, false) = *link_bmc_due(link, bmc, true) = now_us;
}
