/* SPDX-License-Identifier: Apache-2.0 */
/* grant.c: may this much power be leased for so long? Weighs, and changes nothing.
 *
 * Four things bound a lease: what the pools of its zone and of the zones above
 * have left; the windowed limits above, with every other promise kept; what the
 * protective devices above would come to if it is drawn in full; and that the
 * pool above is settled. Each can say how much it would let pass now and when it
 * would let all of it pass, so a refusal names an alternative that would be
 * granted, and a time after which asking again succeeds if nothing else changes.
 *
 * Room in a limit is what is there now: budgets as they are cut at this moment
 * and as they stand for good, everything that allocation does not move at what
 * it is counted for. A cap that allocation moves counts at its minimum or its
 * promise: what is above that is lowered before another is raised anyway.
 */
#include "grant.h"

#include "curve.h"
#include "ledger.h"
#include "zone.h"

#include <string.h>

#define GRANT_ROUNDING 1e-9 /* of a unit: this close above it is the unit        */
#define GRANT_HALVINGS 60
#define GRANT_NEVER_S  1e9
#define GRANT_GRAIN_W  1.0  /* of alternatives, where grants are no multiples    */
#define GRANT_COOLING  20.0 /* time constants after which nothing cools any more */

/* One weighing, and its scratch: three a zone in the block, and the step's own. */
struct grant {
    struct block *b;
    const struct grant_ask *ask;
    const struct core_plan_token_zone *zone;
    double amount_w;          /* in whole units                              */
    double *coef;             /* at each token zone                          */
    double *reach;            /* watts at each node above for one at the node */
    double *slack_w, *less_w; /* room of each zone without and with the lease */
    int64_t slack_us;         /* the moment slack_w is of                    */
    double *other_w;          /* at each node: leased and not drawn yet      */
    double *promises;         /* one a lever                                 */
    double held_w;            /* leased to others at the same node           */
};

static size_t grant_wide(const struct core *core)
{
    int32_t sources = core->lever_count + core->loose_count;

    return (size_t)(sources > core->zone_count ? sources : core->zone_count);
}

static void grant_reach(struct block *b, int32_t node)
{
    double *reach = b->grant, *gain = b->grant + b->core->zone_count;

    memset(reach, 0, (size_t)b->core->zone_count * sizeof *reach);
    block_spread(b->nodes, node, reach, gain);
    for (int32_t v = 0; v <= node; v++)
        reach[v] *= gain[v];
}

int32_t grant_zones(struct block *b, int32_t node, double *ret_coef)
{
    const struct core_plan_tokens *plan = &b->core->plan.tokens;
    int32_t nearest = CORE_NONE;

    grant_reach(b, node);
    for (int32_t k = 0; k < CORE_TOKEN_ZONES_MAX; k++) {
        ret_coef[k] = k < plan->zone_count ? b->grant[plan->zone[k].node] : 0.0;
        if (ret_coef[k] > 0.0 && (nearest == CORE_NONE || plan->zone[k].node > plan->zone[nearest].node))
            nearest = k;
    }
    return nearest;
}

/* The first moment from now on at which `fits` holds, given that it holds from
 * then on; CORE_FOREVER: not by `end_us` either. */
static int64_t grant_first(const struct grant *g, int32_t at, int64_t end_us,
                           bool (*fits)(const struct grant *g, int32_t at, int64_t at_us))
{
    int64_t low_us = g->b->core->now_us, high_us = end_us;

    if (fits(g, at, low_us))
        return low_us;
    if (!fits(g, at, high_us))
        return CORE_FOREVER;
    while (high_us - low_us > 1) {
        int64_t middle_us = low_us + (high_us - low_us) / 2;

        if (fits(g, at, middle_us))
            high_us = middle_us;
        else
            low_us = middle_us;
    }
    return high_us;
}

/* ---- pools ---- */

/* What pool k has left at a moment, if nothing else is granted until then. */
static double grant_pool_w(const struct grant *g, int32_t k, int64_t at_us)
{
    const struct core *core = g->b->core;
    const struct core_plan_token_zone *zone = &core->plan.tokens.zone[k];
    double pool_w = zone->pool_ratio * zone->rated_w, burst_w = zone->burst_ratio * zone->rated_w - pool_w;
    double credit_w = core->pools[k].credit_w;
    double left_w = pool_w;

    credit_w += zone->refill_w_per_s * (double)(at_us - core->now_us) * 1e-6;
    for (int32_t t = 0; t < core->request_max; t++)
        if (t != g->ask->slot && g->b->tokens[t].granted_w > 0.0 && g->b->tokens[t].expires_us > at_us)
            left_w -= g->b->tokens[t].coef[k] * g->b->tokens[t].granted_w;
    if (left_w < 0.0)
        burst_w += left_w;
    burst_w = burst_w < credit_w ? burst_w : credit_w;
    return (left_w > 0.0 ? left_w : 0.0) + (burst_w > 0.0 ? burst_w : 0.0);
}

static bool grant_pool_fits(const struct grant *g, int32_t k, int64_t at_us)
{
    return !zone_above(g->coef[k] * g->amount_w, grant_pool_w(g, k, at_us));
}

/* More than the pool is ever good for? */
static bool grant_is_burst(const struct grant *g, int32_t k)
{
    const struct core_plan_token_zone *zone = &g->b->core->plan.tokens.zone[k];
    double ratio = zone->burst_ratio > zone->pool_ratio ? zone->burst_ratio : zone->pool_ratio;

    return zone_above(g->coef[k] * g->amount_w, ratio * zone->rated_w);
}

static int64_t grant_pool_when(const struct grant *g, int32_t k)
{
    const struct core *core = g->b->core;
    const struct core_plan_token_zone *zone = &core->plan.tokens.zone[k];
    double full_s = zone->rated_w / zone->refill_w_per_s; /* INFINITY where nothing comes back */
    int64_t end_us = core->now_us;

    if (full_s < GRANT_NEVER_S)
        end_us += (int64_t)(full_s * 1e6) + 1;
    for (int32_t t = 0; t < core->request_max; t++)
        if (g->b->tokens[t].granted_w > 0.0 && g->b->tokens[t].expires_us > end_us)
            end_us = g->b->tokens[t].expires_us;
    return grant_first(g, k, end_us, grant_pool_fits);
}

/* ---- limits ---- */

/* Room of a zone with every cap at its minimum or its promise. */
static double grant_slack_w(const struct grant *g, int32_t z)
{
    const struct block *b = g->b;
    const struct zone *zone = &b->zones[z];
    double now_w = zone->budget_w - zone->fixed_w, standing_w = zone->standing_w - zone->fixed_w;

    for (int32_t e = 0; e < zone->entry_count; e++) {
        const struct entry *entry = &b->entries[zone->entry_first + e];
        int32_t s = entry->source;
        double most_w = b->sources[s].now_w, stands_w = b->sources[s].standing_w;

        if (s < b->core->lever_count && b->levers_conf[s].use == CORE_LEVER_LIMIT &&
            b->devices[b->levers_conf[s].device].quality != CORE_DEVICE_STALE) {
            most_w = g->promises[s] > b->ranges[s].least_w ? g->promises[s] : b->ranges[s].least_w;
            most_w *= 1.0 + b->levers_conf[s].overshoot_ratio;
            stands_w = most_w;
        }
        now_w -= entry->coef * most_w;
        standing_w -= entry->coef * stands_w;
    }
    return (now_w < standing_w ? now_w : standing_w) - (1.0 - zone->trim) * zone->budget_w;
}

static void grant_slacks(const struct grant *g, const struct ledger_case *what, double *slack_w)
{
    ledger_promise(g->b, what, g->promises);
    for (int32_t z = 0; z < g->b->core->zone_count; z++)
        if (block_is_number(g->b->zones[z].standing_w))
            slack_w[z] = grant_slack_w(g, z);
}

/* Does amount_w more fit all limits once the leases are over that are over by
 * then? A limit that is not worse off for it is none of its business. */
static bool grant_limits(struct grant *g, double amount_w, int64_t at_us)
{
    const struct block *b = g->b;
    struct ledger_case what = { .without_slot = g->ask->slot, .at_us = at_us, .node = g->ask->node };

    if (g->slack_us != at_us)
        grant_slacks(g, &what, g->slack_w);
    g->slack_us = at_us;
    what.amount_w = amount_w;
    grant_slacks(g, &what, g->less_w);
    for (int32_t z = 0; z < b->core->zone_count; z++) {
        if (!block_is_number(b->zones[z].standing_w) || g->less_w[z] >= g->slack_w[z] - BLOCK_SUM_SLACK_W)
            continue;
        if (g->less_w[z] < -BLOCK_SUM_SLACK_W || (zone_over(&b->zones[z]) && at_us == b->core->now_us))
            return false; /* no room; or a sum above its budget is still being lowered */
    }
    return true;
}

static int64_t grant_landed_us(const struct grant *g)
{
    const struct block *b = g->b;
    int64_t delay_us = 0;

    for (int32_t z = 0; z < b->core->zone_count; z++)
        if (zone_over(&b->zones[z]) && b->zones[z].delay_us + b->core->period_us > delay_us)
            delay_us = b->zones[z].delay_us + b->core->period_us;
    return b->core->now_us + delay_us;
}

/* The end of a promise strictly between two moments, nearest to their middle;
 * CORE_FOREVER: none. */
static int64_t grant_end_between(const struct grant *g, int64_t low_us, int64_t high_us)
{
    int64_t middle_us = low_us + (high_us - low_us) / 2, best_us = CORE_FOREVER, best_off_us = CORE_FOREVER;

    for (int32_t t = 0; t < g->b->core->request_max; t++) {
        const struct token *token = &g->b->tokens[t];
        int64_t off_us =
            token->early_us > middle_us ? token->early_us - middle_us : middle_us - token->early_us;

        if (token->floors && t != g->ask->slot && token->early_us > low_us && token->early_us < high_us &&
            off_us < best_off_us) {
            best_off_us = off_us;
            best_us = token->early_us;
        }
    }
    return best_us;
}

/* Room changes when a promise ends; the first end that makes enough of it. */
static int64_t grant_limits_when(struct grant *g)
{
    const struct block *b = g->b;
    int64_t low_us = grant_landed_us(g), high_us = low_us, end_us;

    if (grant_limits(g, g->amount_w, low_us))
        return low_us;
    for (int32_t t = 0; t < b->core->request_max; t++)
        if (b->tokens[t].floors && t != g->ask->slot && b->tokens[t].early_us > high_us)
            high_us = b->tokens[t].early_us;
    if (!grant_limits(g, g->amount_w, high_us))
        return CORE_FOREVER;
    while ((end_us = grant_end_between(g, low_us, high_us)) != CORE_FOREVER) {
        if (grant_limits(g, g->amount_w, end_us))
            high_us = end_us;
        else
            low_us = end_us;
    }
    return high_us;
}

/* ---- protective devices above ---- */

/* Leased to others and not drawn yet: it may come at any moment. */
static void grant_others(struct grant *g)
{
    const struct block *b = g->b;
    double *leased_w = b->scratch;

    memset(leased_w, 0, (size_t)b->core->node_count * sizeof *leased_w);
    memset(g->other_w, 0, (size_t)b->core->node_count * sizeof *g->other_w);
    for (int32_t t = 0; t < b->core->request_max; t++)
        if (t != g->ask->slot && b->tokens[t].granted_w > 0.0)
            leased_w[b->tokens[t].node] += b->tokens[t].granted_w;
    g->held_w = leased_w[g->ask->node];
    leased_w[g->ask->node] = 0.0; /* goes together with what is asked */
    for (int32_t n = b->core->node_count - 1; n >= 0; n--) {
        const struct core_config_node *conf = &b->nodes[n];

        if (leased_w[n] > b->zones[n].low_w)
            g->other_w[n] += leased_w[n] - b->zones[n].low_w;
        for (int32_t p = 0; p < conf->parent_count && g->other_w[n] > 0.0; p++)
            g->other_w[conf->parent[p]] +=
                conf->share[p] * g->other_w[n] * (1.0 + b->nodes[conf->parent[p]].loss_ratio);
    }
}

static bool grant_curved(const struct grant *g, int32_t v)
{
    return g->reach[v] > 0.0 && g->b->nodes[v].curve.kind != CORE_CURVE_NONE && g->b->curves[v].known;
}

/* What flows at a device when amount_w is drawn in full, over its rating. */
static double grant_flow(const struct grant *g, int32_t v, double amount_w)
{
    double more_w = g->held_w + amount_w - g->b->zones[g->ask->node].low_w;
    double flow_w = g->b->curves[v].bound_w + g->other_w[v] + (more_w > 0.0 ? g->reach[v] * more_w : 0.0);

    return flow_w / g->b->nodes[v].curve.rated_w;
}

/* The lease begins wait_s from now, until when all stays as it is. */
static enum core_token_reason grant_curve(const struct grant *g, int32_t v, double amount_w, double wait_s)
{
    const struct core_config_curve *conf = &g->b->nodes[v].curve;
    double i = grant_flow(g, v, amount_w), risk = g->b->core->plan.tokens.risk_ratio;
    double lease_s = (double)g->ask->duration_us * 1e-6;
    struct curve curve;

    memcpy(&curve, &g->b->curves[v], sizeof curve);
    if (wait_s > 0.0)
        curve_advance(&curve, conf, curve.bound_w / conf->rated_w, wait_s);
    if (curve_trip_s(&curve, conf, i) <= lease_s)
        return CORE_TOKEN_REASON_CURVE;
    if ((conf->short_ratio > 0.0 && i > risk * conf->short_ratio + GRANT_ROUNDING) ||
        (conf->instant_ratio > 0.0 && i > risk * conf->instant_ratio + GRANT_ROUNDING))
        return CORE_TOKEN_REASON_CONFLICT;
    curve_advance(&curve, conf, i, lease_s);
    return curve_heat_ratio(&curve, conf) > risk + GRANT_ROUNDING ? CORE_TOKEN_REASON_CONFLICT
                                                                  : CORE_TOKEN_REASON_NONE;
}

static enum core_token_reason grant_curves(const struct grant *g)
{
    enum core_token_reason reason = CORE_TOKEN_REASON_NONE;

    for (int32_t v = g->ask->node; v >= 0; v--)
        if (grant_curved(g, v) && reason != CORE_TOKEN_REASON_CURVE) {
            enum core_token_reason here = grant_curve(g, v, g->amount_w, 0.0);

            reason = here != CORE_TOKEN_REASON_NONE ? here : reason;
        }
    return reason;
}

static double grant_curve_w(const struct grant *g, int32_t v)
{
    double low_w = 0.0, high_w = g->amount_w;

    if (grant_curve(g, v, high_w, 0.0) == CORE_TOKEN_REASON_NONE)
        return high_w;
    if (grant_curve(g, v, 0.0, 0.0) != CORE_TOKEN_REASON_NONE)
        return 0.0;
    for (int32_t k = 0; k < GRANT_HALVINGS; k++) {
        double middle_w = low_w + (high_w - low_w) / 2.0;

        if (grant_curve(g, v, middle_w, 0.0) == CORE_TOKEN_REASON_NONE)
            low_w = middle_w;
        else
            high_w = middle_w;
    }
    return low_w;
}

static bool grant_curve_fits(const struct grant *g, int32_t v, int64_t at_us)
{
    return grant_curve(g, v, g->amount_w, (double)(at_us - g->b->core->now_us) * 1e-6) ==
           CORE_TOKEN_REASON_NONE;
}

static int64_t grant_curve_when(const struct grant *g, int32_t v)
{
    double span_s = GRANT_COOLING * g->b->nodes[v].curve.cool_s;

    return grant_first(g, v, block_later(g->b->core->now_us, (int64_t)(span_s * 1e6) + 1), grant_curve_fits);
}

/* ---- coordination ---- */

/* A pool that somebody else than this zone charged settles first: the zones
 * above, and this one after a grant in a zone below it. */
static int64_t grant_settled_us(const struct grant *g, int32_t own)
{
    const struct core *core = g->b->core;
    int64_t ready_us = core->now_us;

    for (int32_t k = 0; k < core->plan.tokens.zone_count; k++) {
        const struct pool *pool = &core->pools[k];
        int64_t wait_us = core->plan.tokens.zone[own].coordination_us;

        if (!(g->coef[k] > 0.0) || pool->by == CORE_NONE || pool->by == own)
            continue;
        if (k == own)
            wait_us = core->plan.tokens.zone[pool->by].coordination_us;
        wait_us = block_later(pool->charged_us, wait_us);
        ready_us = wait_us > ready_us ? wait_us : ready_us;
    }
    return ready_us;
}

/* ---- the answer ---- */

static bool grant_lasts(const struct grant *g)
{
    const struct zone *node = &g->b->zones[g->ask->node];
    int64_t duration_us = g->ask->duration_us;

    /* shorter than the levers need: it would end before it is in force */
    return duration_us >= g->zone->lease_min_us && duration_us <= g->zone->lease_max_us &&
           duration_us > node->delay_us + g->b->core->period_us;
}

static enum core_token_reason grant_reason(struct grant *g, int32_t own)
{
    const struct core *core = g->b->core;
    enum core_token_reason reason = CORE_TOKEN_REASON_NONE;

    if (!grant_lasts(g))
        return CORE_TOKEN_REASON_DURATION;
    for (int32_t k = 0; k < core->plan.tokens.zone_count; k++) {
        if (g->coef[k] > 0.0 && grant_is_burst(g, k))
            return CORE_TOKEN_REASON_BURST;
        if (g->coef[k] > 0.0 && !grant_pool_fits(g, k, core->now_us))
            reason = CORE_TOKEN_REASON_POOL;
    }
    if (reason != CORE_TOKEN_REASON_NONE)
        return reason;
    if (!grant_limits(g, g->amount_w, core->now_us))
        return CORE_TOKEN_REASON_ENVELOPE;
    reason = grant_curves(g);
    if (reason == CORE_TOKEN_REASON_NONE && grant_settled_us(g, own) > core->now_us)
        reason = CORE_TOKEN_REASON_COORDINATION;
    return reason;
}

static double grant_whole(const struct grant *g, double amount_w)
{
    double unit_w = g->zone->unit_w;

    return unit_w > 0.0 ? __builtin_ceil(amount_w / unit_w - GRANT_ROUNDING) * unit_w : amount_w;
}

/* The most whole units that would be granted now, under what pools and devices
 * let pass. */
static double grant_alternative(struct grant *g, int32_t own)
{
    struct grant less = *g;
    double unit_w = g->zone->unit_w > 0.0 ? g->zone->unit_w : GRANT_GRAIN_W, most_w = g->amount_w - unit_w;
    double low = 0.0, high;

    for (int32_t k = 0; k < g->b->core->plan.tokens.zone_count; k++)
        if (g->coef[k] > 0.0) {
            double pool_w = grant_pool_w(g, k, g->b->core->now_us) / g->coef[k];

            most_w = pool_w < most_w ? pool_w : most_w;
        }
    for (int32_t v = g->ask->node; v >= 0; v--)
        if (grant_curved(g, v)) {
            double curve_w = grant_curve_w(g, v);

            most_w = curve_w < most_w ? curve_w : most_w;
        }
    high = __builtin_floor(most_w / unit_w + GRANT_ROUNDING) + 1.0;
    for (double units = high - 1.0; high - low > 1.0; units = __builtin_floor((low + high) / 2.0)) {
        less.amount_w = units * unit_w;
        if (grant_reason(&less, own) == CORE_TOKEN_REASON_NONE)
            low = units;
        else
            high = units;
    }
    return low * unit_w;
}

/* When all that forbids it now would be over. */
static int64_t grant_retry_us(struct grant *g, int32_t own, enum core_token_reason reason)
{
    int64_t now_us = g->b->core->now_us, when_us = grant_settled_us(g, own), next_us;

    if (reason == CORE_TOKEN_REASON_DURATION || reason == CORE_TOKEN_REASON_BURST)
        return 0;
    for (int32_t k = 0; k < g->b->core->plan.tokens.zone_count; k++)
        if (g->coef[k] > 0.0) {
            next_us = grant_pool_when(g, k);
            when_us = next_us > when_us ? next_us : when_us;
        }
    for (int32_t v = g->ask->node; v >= 0; v--)
        if (grant_curved(g, v)) {
            next_us = grant_curve_when(g, v);
            when_us = next_us > when_us ? next_us : when_us;
        }
    next_us = grant_limits_when(g);
    when_us = next_us > when_us ? next_us : when_us;
    return when_us == CORE_FOREVER ? 0 : when_us - now_us;
}

void grant_weigh(struct block *b, const struct grant_ask *ask, struct grant_answer *ret)
{
    size_t wide = grant_wide(b->core), zones = (size_t)b->core->zone_count;
    struct grant g = {
        .b = b,
        .ask = ask,
        .coef = ret->coef,
        .reach = b->grant,
        .slack_w = b->grant + zones,
        .less_w = b->grant + 2 * zones,
        .slack_us = INT64_MIN,
        .promises = b->scratch + wide,
        .other_w = b->scratch + 2 * wide,
    };

    ret->alternative_w = ret->granted_w = 0.0;
    ret->retry_after_us = 0;
    ret->reason = CORE_TOKEN_REASON_NO_ZONE;
    ret->zone = grant_zones(b, ask->node, ret->coef);
    if (ret->zone == CORE_NONE)
        return;
    g.zone = &b->core->plan.tokens.zone[ret->zone];
    g.amount_w = grant_whole(&g, ask->amount_w);
    grant_others(&g);
    ret->reason = grant_reason(&g, ret->zone);
    if (ret->reason == CORE_TOKEN_REASON_NONE) {
        ret->granted_w = g.amount_w;
        return;
    }
    ret->alternative_w = grant_alternative(&g, ret->zone);
    ret->retry_after_us = grant_retry_us(&g, ret->zone, ret->reason);
}
