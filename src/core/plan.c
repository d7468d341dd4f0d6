/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c: the plan's own block, and taking a new plan into the core's.
 *
 * Owns the plan's layout. A plan is checked by whoever makes it; what would
 * break the core's memory or its arithmetic is a CHECK here.
 */
#include "plan.h"

#include <string.h>

#define PLAN_ALIGN 16

static size_t plan_take(size_t *at, size_t count, size_t each)
{
    size_t here = *at;

    *at += (count * each + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;
    return here;
}

static void plan_layout(struct core_plan *plan, const struct core_config *config)
{
    size_t at = (sizeof *plan + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;

    plan->node_count = config->node_count;
    plan->lever_count = config->lever_count;
    plan->group_max = config->group_max;
    plan->member_max = config->group_member_max;
    plan->nodes_at = plan_take(&at, (size_t)config->node_count, sizeof(struct core_plan_node));
    plan->levers_at = plan_take(&at, (size_t)config->lever_count, sizeof(struct core_plan_lever));
    plan->groups_at = plan_take(&at, (size_t)config->group_max, sizeof(struct core_plan_group));
    plan->members_at = plan_take(&at, (size_t)config->group_member_max, sizeof(int32_t));
    plan->size = at;
}

size_t core_plan_size(const struct core_config *config)
{
    struct core_plan plan = {.size = 0};

    plan_layout(&plan, config);
    return plan.size;
}

void core_plan_init(struct core_plan *plan, const struct core_config *config)
{
    struct core_plan head = {.mode_wanted = CORE_WANT_OBSERVE};

    plan_layout(&head, config);
    memset(plan, 0, head.size);
    memcpy(plan, &head, sizeof head);
    plan->band.cap_ratio = 0.99;
    plan->band.target_ratio = 0.95;
    plan->band.release_ratio = 0.90;
    plan->band.release_gain_per_s = 0.1;
    plan->band.release_jitter_ratio = 0.2;
    plan->forecast_margin_ratio = 0.1;
    plan->recharge_ratio = 0.95;
    plan->arm_ratio = 0.95;
    plan->arm_hold_us = 30000000;
    plan->ride.sag_ratio = 0.90;
    plan->ride.support_ratio = 0.75;
    plan->ride.support_after_us = 100000;
    plan->ride.reserve_s = 90.0;
    plan->ride.wear_cycles_per_day = 1.0;
    plan->tokens.risk_ratio = 0.7;
    plan->protection.deadline_ratio = 0.7;
    plan->protection.release_us = 10000000;
    plan->damping.turns_max = 3;
    plan->damping.window_us = 10000000;
    plan->damping.band_low_hz = 0.1;
    plan->damping.band_high_hz = 5.0;
    plan->damping.band_ratio = 0.02;

    struct core_plan_lever *levers = core_plan_levers(plan);

    for (int32_t l = 0; l < config->lever_count; l++) {
        levers[l].min = config->levers[l].min;
        levers[l].max = config->levers[l].max;
        levers[l].weight = 1.0;
        levers[l].priority = 4;
        levers[l].target = __builtin_nan("");
        levers[l].armed = __builtin_nan("");
    }
}

struct core_plan_node *core_plan_nodes(struct core_plan *plan)
{
    return (void *)((char *)plan + plan->nodes_at);
}

struct core_plan_lever *core_plan_levers(struct core_plan *plan)
{
    return (void *)((char *)plan + plan->levers_at);
}

struct core_plan_group *core_plan_groups(struct core_plan *plan)
{
    return (void *)((char *)plan + plan->groups_at);
}

int32_t *core_plan_members(struct core_plan *plan)
{
    return (void *)((char *)plan + plan->members_at);
}

static void plan_check_limits(const struct core_plan_limit *limit, int32_t count)
{
    CHECK(count >= 0 && count <= CORE_LIMITS_MAX);
    for (int32_t k = 0; k < count; k++) {
        CHECK(limit[k].window_us > 0);
        CHECK(limit[k].limit_w >= 0.0 && limit[k].limit_standing_w >= 0.0);
    }
}

static void plan_check_tokens(const struct core_plan *plan)
{
    CHECK(plan->tokens.zone_count >= 0 && plan->tokens.zone_count <= CORE_TOKEN_ZONES_MAX);
    for (int32_t k = 0; k < plan->tokens.zone_count; k++) {
        const struct core_plan_token_zone *zone = &plan->tokens.zone[k];

        CHECK(zone->node >= 0 && zone->node < plan->node_count);
        CHECK(zone->rated_w >= 0.0 && zone->pool_ratio >= 0.0 && zone->burst_ratio >= 0.0);
        CHECK(zone->refill_w_per_s >= 0.0 && zone->unit_w >= 0.0 && zone->coordination_us >= 0);
    }
}

static void plan_check(const struct block *b)
{
    const struct core_plan *plan = &b->core->plan;

    plan_check_tokens(plan);
    CHECK(plan->damping.turns_max == 0 || plan->damping.window_us > 0);

    for (int32_t n = 0; n < plan->node_count; n++)
        plan_check_limits(b->plan_nodes[n].limit, b->plan_nodes[n].limit_count);
    for (int32_t l = 0; l < plan->lever_count; l++) {
        CHECK(b->plan_levers[l].weight > 0.0);
        CHECK(b->plan_levers[l].priority >= 0 && b->plan_levers[l].priority < CORE_PRIORITIES);
    }
    for (int32_t g = 0; g < plan->group_count; g++) {
        const struct core_plan_group *group = &b->plan_groups[g];

        plan_check_limits(group->limit, group->limit_count);
        CHECK(group->member_first >= 0 && group->member_count >= 0);
        CHECK(group->member_first + group->member_count <= plan->member_count);
    }
    for (int32_t m = 0; m < plan->member_count; m++)
        CHECK(b->plan_members[m] >= 0 && b->plan_members[m] < plan->node_count);
}

/* A plan with fewer groups than room for them is copied only as far as it goes. */
static void plan_copy(void *to, const struct core_plan *plan, size_t at, size_t bytes)
{
    CHECK(at + bytes <= plan->size);
    if (bytes > 0)
        memcpy(to, (const char *)plan + at, bytes);
}

void plan_step(struct block *b)
{
    struct core *core = b->core;
    const struct core_plan *plan = b->in->plan;

    CHECK(plan || core->plan_step > 0);
    if (!plan || (core->plan_step > 0 && plan->version == core->plan.version))
        return;
    CHECK(plan->node_count == core->node_count && plan->lever_count == core->lever_count);
    CHECK(plan->group_count >= 0 && plan->group_count <= core->group_max);
    CHECK(plan->member_count >= 0 && plan->member_count <= core->member_max);
    memcpy(&core->plan, plan, sizeof core->plan);
    plan_copy(b->plan_nodes, plan, plan->nodes_at, (size_t)plan->node_count * sizeof *b->plan_nodes);
    plan_copy(b->plan_levers, plan, plan->levers_at, (size_t)plan->lever_count * sizeof *b->plan_levers);
    plan_copy(b->plan_groups, plan, plan->groups_at, (size_t)plan->group_count * sizeof *b->plan_groups);
    plan_copy(b->plan_members, plan, plan->members_at, (size_t)plan->member_count * sizeof *b->plan_members);
    plan_check(b);
    core->plan_step = core->step;
}
