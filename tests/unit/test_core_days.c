/* SPDX-License-Identifier: Apache-2.0 */
/* Whole days of a small rack: everything that can happen, from a seed, and all that the
 * core says to it. What must be so is in the other tests; here nothing may change unseen. */
#include "day_log.h"
#include "ride_rig.h"

#define STORM_STEPS  1500
#define STORM_GPUS   9
#define STORM_OTHERS 8
#define WILD_DAYS    9
#define STORM_BBUS   2
#define STORM_CAPS   (STORM_GPUS + STORM_BBUS)
#define STORM_S      INT64_C(1000000)

/* A rack on two feeds: two shelves, a busbar, three trays of three GPUs, two batteries,
 * a load that nobody controls, a warning threshold and a set-point. */
struct storm {
    struct rig *rig;
    struct day_log day;
    uint64_t random;
    int32_t feed[2], rack, shelf[2], bus, tray[3], pump;
    int32_t warn, hold;
    double demand_w[STORM_GPUS], pump_w, base_w;
    int32_t point[STORM_CAPS], pump_point, fan_point, rack_point;
    struct core_ack late[STORM_CAPS];
    int64_t late_us[STORM_CAPS], silent_us[RIG_DEVICES];
};

static double chance(struct storm *s)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (double)(s->random >> 11) * 0x1.0p-53;
}

static int32_t pick(struct storm *s, int32_t count)
{
    return (int32_t)(chance(s) * count);
}

static double between(struct storm *s, double low, double high)
{
    return low + chance(s) * (high - low);
}

/* ---- the rack ---- */

static void storm_tree(struct storm *s)
{
    struct rig *rig = s->rig;

    for (int32_t k = 0; k < 2; k++) {
        s->feed[k] = rig_node(rig, CORE_NODE_FEED, CORE_NONE);
        rig->nodes[s->feed[k]].loss_ratio = 0.01;
        rig->nodes[s->feed[k]].loss_w = 15.0;
    }
    rig->nodes[s->feed[0]].curve = (struct core_config_curve){ .kind = CORE_CURVE_LSI,
                                                               .rated_w = 4200.0,
                                                               .trip_ratio = 1.1,
                                                               .cool_s = 8.0,
                                                               .long_s = 0.5,
                                                               .short_ratio = 1.5,
                                                               .short_s = 0.4,
                                                               .short_i2t = true,
                                                               .instant_ratio = 8.0,
                                                               .instant_margin_ratio = 0.85 };
    rig->nodes[s->feed[1]].curve = (struct core_config_curve){
        .kind = CORE_CURVE_THERMAL, .rated_w = 3900.0, .trip_ratio = 1.05, .heat_s = 12.0, .cool_s = 20.0
    };
    s->rack = rig_node(rig, CORE_NODE_RACK, s->feed[0]);
    rig->nodes[s->rack].parent_count = 2;
    rig->nodes[s->rack].parent[1] = s->feed[1];
    rig->nodes[s->rack].share[0] = 0.8;
    rig->nodes[s->rack].share[1] = 0.7;
    for (int32_t k = 0; k < 2; k++) {
        s->shelf[k] = rig_node(rig, CORE_NODE_SHELF, s->rack);
        rig->nodes[s->shelf[k]].loss_ratio = 0.03;
        rig->nodes[s->shelf[k]].limit_count = 2;
        rig->nodes[s->shelf[k]].limit[0] =
            (struct core_limit){ .window_us = STORM_S / 20, .limit_w = 9000.0 };
        rig->nodes[s->shelf[k]].limit[1] = (struct core_limit){ .window_us = 2 * STORM_S, .limit_w = 6500.0 };
    }
    s->bus = rig_node(rig, CORE_NODE_BUSBAR, s->shelf[0]);
    rig->nodes[s->bus].parent_count = 2;
    rig->nodes[s->bus].parent[1] = s->shelf[1];
    rig->nodes[s->bus].share[0] = rig->nodes[s->bus].share[1] = 0.6;
    rig->nodes[s->bus].static_w = 120.0;
}

static void storm_leaves(struct storm *s)
{
    struct rig *rig = s->rig;

    for (int32_t t = 0; t < 3; t++) {
        s->tray[t] = rig_node(rig, CORE_NODE_TRAY, s->bus);
        rig->nodes[s->tray[t]].static_w = 80.0 + 40.0 * t;
        for (int32_t g = 3 * t; g < 3 * t + 3; g++) {
            struct core_config_lever *lever = &rig->levers[rig_gpu(rig, s->tray[t], 100.0, 1000.0)];

            s->point[g] = rig_measure(rig, g, 300.0);
            rig->points[s->point[g]].stuck_after_us = 3 * STORM_S;
            rig->points[s->point[g]].max = 1500.0;
            lever->overshoot_ratio = 0.1;
            lever->base = 250.0;
            lever->step = g % 3 == 0 ? 0.0 : 5.0;
            lever->deadband = g % 2 ? 12.0 : 0.0;
            lever->interval_min_us = g % 3 == 1 ? 200000 : 0;
        }
    }
    for (int32_t k = STORM_GPUS; k < STORM_CAPS; k++) {
        int32_t node = rig_node(rig, CORE_NODE_LOAD, s->bus), device = rig_device(rig);
        struct core_config_lever *lever = &rig->levers[rig_lever(rig, CORE_LEVER_CHARGE, device, node)];

        s->point[k] = rig_measure(rig, k, 50.0);
        lever->max = 8.0;
        lever->base = 0.0;
        lever->step = 0.1;
        lever->watts_per_unit = 50.0;
        lever->timeout_us = STORM_S;
        lever->fallback = 2.0;
        lever->deadband = 0.4;
        *rig_held(rig, k) = 2.0;
    }
}

static void storm_rest(struct storm *s)
{
    struct rig *rig = s->rig;
    int32_t device;

    s->pump = rig_node(rig, CORE_NODE_LOAD, s->rack);
    rig->nodes[s->pump].static_w = 200.0;
    s->pump_point = rig_sensor(rig, s->pump, 400.0);
    s->fan_point = rig_sensor(rig, rig_node(rig, CORE_NODE_LOAD, s->tray[2]), 60.0);
    s->rack_point = rig_sensor(rig, s->rack, 4000.0);
    rig->points[s->rack_point].node_scale = 1.02;
    device = rig_device(rig);
    s->warn = rig_lever(rig, CORE_LEVER_WARN, device, s->shelf[1]);
    rig->levers[s->warn].max = 9000.0;
    rig->levers[s->warn].share = 0.5;
    rig->levers[s->warn].step = 10.0;
    s->hold = rig_lever(rig, CORE_LEVER_HOLD, device, CORE_NONE);
    rig->levers[s->hold].min = 48.0;
    rig->levers[s->hold].max = 51.5;
    rig->levers[s->hold].slew = 0.2;
    rig->levers[s->hold].step = 0.01;
    rig->levers[s->hold].base = 50.0;
    *rig_held(rig, s->hold) = 50.0;
    rig->config.request_max = 6;
}

static void storm_plan(struct storm *s)
{
    struct core_plan *plan = s->rig->plan;

    plan->forecast_margin_ratio = 0.05;
    plan->forecast_margin_w = 20.0;
    plan->protection.enabled = true;
    plan->protection.release_us = STORM_S;
    (void)rig_limit(s->rig, s->rack, 6500.0);
    (void)rig_limit(s->rig, s->tray[0], 2600.0);
    core_plan_nodes(plan)[s->rack].limit[0].window_us = STORM_S / 2;
    (void)rig_group(s->rig, (int32_t[]){ s->tray[1], s->tray[2] }, 2, 4500.0);
    (void)rig_group(s->rig, (int32_t[]){ s->rig->levers[0].node, s->rig->levers[8].node }, 2, 1500.0);
    for (int32_t k = 0; k < 2; k++)
        plan->tokens.zone[k] = (struct core_plan_token_zone){ .node = k ? s->tray[0] : s->rack,
                                                              .rated_w = k ? 3000.0 : 7000.0,
                                                              .pool_ratio = 0.8,
                                                              .burst_ratio = 0.9,
                                                              .refill_w_per_s = 40.0,
                                                              .unit_w = k ? 50.0 : 100.0,
                                                              .lease_min_us = STORM_S / 5,
                                                              .lease_max_us = 8 * STORM_S,
                                                              .coordination_us = 30000 };
    plan->tokens.zone_count = 2;
}

/* ---- other racks of the same shape ---- */

/* One draw a statement: in one expression their order would be the compiler's. */
static void storm_vary_limit(struct storm *s, struct core_config_node *node, bool leaf)
{
    struct core_limit *limit = &node->limit[node->limit_count++];

    limit->window_us = (int64_t)between(s, 1e4, 3e6);
    limit->limit_w = leaf ? between(s, 500.0, 1300.0) : between(s, 1500.0, 9000.0);
}

static void storm_vary_curve(struct storm *s, struct core_config_curve *curve, bool leaf)
{
    curve->kind = (enum core_curve_kind)(1 + pick(s, 3));
    curve->rated_w = leaf ? between(s, 700.0, 1200.0) : between(s, 2500.0, 7000.0);
    curve->trip_ratio = between(s, 1.0, 1.2);
    curve->heat_s = between(s, 2.0, 30.0);
    curve->cool_s = between(s, 2.0, 30.0);
    curve->long_s = between(s, 0.1, 2.0);
    curve->short_ratio = chance(s) < 0.7 ? between(s, 1.3, 3.0) : 0.0;
    curve->short_s = between(s, 0.1, 0.6);
    curve->short_i2t = chance(s) < 0.5;
    curve->instant_ratio = chance(s) < 0.7 ? between(s, 2.0, 9.0) : 0.0;
    curve->instant_margin_ratio = 0.85;
}

static void storm_vary_nodes(struct storm *s)
{
    for (int32_t n = 0; n < s->rig->config.node_count; n++) {
        struct core_config_node *node = &s->rig->nodes[n];
        bool leaf = node->kind == CORE_NODE_LOAD;

        if (chance(s) < 0.4)
            node->loss_ratio = between(s, 0.0, 0.06);
        if (chance(s) < 0.3)
            node->loss_w = between(s, 0.0, 30.0);
        if (chance(s) < 0.2)
            node->static_w += between(s, 0.0, 60.0);
        for (int32_t p = 0; p < node->parent_count && node->parent_count > 1; p++)
            node->share[p] = between(s, 0.5, 1.0);
        if (chance(s) < 0.25)
            storm_vary_limit(s, node, leaf);
        if (chance(s) < 0.2)
            storm_vary_curve(s, &node->curve, leaf);
    }
}

static void storm_vary_levers(struct storm *s)
{
    for (int32_t l = 0; l < STORM_CAPS; l++) {
        struct core_config_lever *lever = &s->rig->levers[l];
        double full = lever->max;

        lever->step = (double[]){ 0.0, 0.001, 0.005, 0.02 }[pick(s, 4)] * full;
        lever->deadband = (double[]){ 0.0, 0.01, 0.03 }[pick(s, 3)] * full;
        lever->interval_min_us = (int64_t[]){ 0, 50000, 300000 }[pick(s, 3)];
        lever->delay_worst_us = (int64_t[]){ 50000, 100000, 400000 }[pick(s, 3)];
        lever->overshoot_ratio = l < STORM_GPUS && chance(s) < 0.7 ? between(s, 0.0, 0.3) : 0.0;
        lever->base = between(s, 0.1, 0.5) * full;
        lever->min = l < STORM_GPUS ? between(s, 0.0, 0.2) * full : 0.0;
        lever->fallback = between(s, 0.0, 0.4) * full;
        if (chance(s) < 0.3)
            lever->timeout_us = (int64_t[]){ 0, 600000, 2000000 }[pick(s, 3)];
    }
}

static void storm_vary_plan(struct storm *s)
{
    struct core_plan *plan = s->rig->plan;

    plan->forecast_margin_ratio = between(s, 0.0, 0.1);
    plan->recharge_ratio = between(s, 0.7, 1.0);
    plan->band.cap_ratio = between(s, 0.9, 0.99);
    plan->band.release_ratio = between(s, 0.7, 0.9);
    plan->band.release_gain_per_s = between(s, 0.05, 0.5);
    plan->damping.turns_max = pick(s, 5);
    plan->damping.window_us = (int64_t)between(s, 1e6, 8e6);
    plan->damping.band_ratio = between(s, 0.005, 0.05);
    plan->protection.enabled = chance(s) < 0.8;
    plan->tokens.risk_ratio = between(s, 0.5, 0.9);
    for (int32_t k = 0; k < 4; k++) {
        struct core_plan_token_zone *zone = &plan->tokens.zone[k];

        *zone = plan->tokens.zone[k % 2];
        zone->node = (int32_t[]){ s->rack, s->tray[1], s->bus, s->feed[0] }[k];
        zone->rated_w = between(s, 1500.0, 8000.0);
        zone->unit_w = (double[]){ 0.0, 0.5, 50.0 }[pick(s, 3)];
        zone->refill_w_per_s = chance(s) < 0.2 ? 0.0 : between(s, 5.0, 200.0);
    }
    plan->tokens.zone_count = 2 + pick(s, 3);
}

static void storm_new(struct storm *s, const char *name, uint64_t seed, bool varied)
{
    memset(s, 0, sizeof *s);
    s->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    s->rig = rig_new();
    storm_tree(s);
    storm_leaves(s);
    storm_rest(s);
    if (varied) {
        storm_vary_nodes(s);
        storm_vary_levers(s);
    }
    rig_start(s->rig);
    storm_plan(s);
    if (varied)
        storm_vary_plan(s);
    s->pump_w = 400.0;
    s->base_w = 500.0;
    for (int32_t g = 0; g < STORM_GPUS; g++)
        s->demand_w[g] = 500.0;
    day_begin(&s->day, name, s->rig);
    s->day.quiet = varied;
}

/* ---- the load, and devices ---- */

static void storm_load(struct storm *s)
{
    struct rig *rig = s->rig;
    double sum_w = 0.0;

    if (chance(s) < 0.01)
        s->base_w = between(s, 100.0, 1000.0);
    for (int32_t g = 0; g < STORM_GPUS; g++) {
        if (chance(s) < 0.03)
            s->demand_w[g] = s->base_w * between(s, 0.8, 1.2);
        rig->value[s->point[g]] = floor(fmin(s->demand_w[g], *rig_held(rig, g) * 1.08) + 3.0 * chance(s));
        sum_w += rig->value[s->point[g]];
    }
    for (int32_t k = STORM_GPUS; k < STORM_CAPS; k++) {
        rig->value[s->point[k]] = 48.0 * *rig_held(rig, k);
        sum_w += rig->value[s->point[k]];
    }
    if (chance(s) < 0.02)
        s->pump_w = between(s, 200.0, 700.0);
    rig->value[s->pump_point] = s->pump_w;
    rig->value[s->fan_point] = 40.0 + 0.05 * s->pump_w;
    rig->value[s->rack_point] = ((sum_w + 480.0) * 1.03 + s->pump_w) * between(s, 0.99, 1.01);
}

static void storm_silence(struct storm *s)
{
    struct rig *rig = s->rig;

    for (int32_t d = 0; d < rig->config.device_count; d++) {
        if (chance(s) < 0.0006)
            s->silent_us[d] = rig->now_us + (int64_t)between(s, 1e5, 2.5e6);
        rig->silent[d] = rig->now_us < s->silent_us[d];
    }
    if (chance(s) < 0.003) { /* somebody else, or a reset */
        double *held = rig_held(rig, pick(s, STORM_CAPS));

        *held *= between(s, 0.5, 1.0);
    }
    if (chance(s) < 0.002) {
        struct core_identity *identity = &rig->identities[rig->identity_count++];

        identity->device = pick(s, rig->config.device_count);
        identity->serial_hash = 1u + (uint32_t)pick(s, 2);
    }
    if (chance(s) < 0.004)
        rig->value[s->point[pick(s, STORM_GPUS)]] = 5000.0; /* no GPU draws that */
}

/* Orders are obeyed, refused, lost, kept to oneself; answered late, twice or never. */
static void storm_obey(struct storm *s)
{
    static const enum status ends[] = { ST_REFUSED, ST_TIMEOUT, ST_MISMATCH, ST_BUSY, ST_NACK, ST_CORRUPT };
    struct rig *rig = s->rig;
    int32_t count = 0;

    rig_obey(rig);
    for (int32_t a = 0; a < rig->ack_count; a++) {
        struct core_ack ack = rig->acks[a];
        double luck = chance(s);

        if (luck < 0.05) {
            ack.status = ends[pick(s, 6)];
            ack.readback = luck < 0.02 ? NAN : ack.readback * 0.9;
        } else if (luck < 0.25 && ack.lever < STORM_CAPS) { /* later */
            ack.done_us += 60000;
            s->late[ack.lever] = ack;
            s->late_us[ack.lever] = rig->now_us + (int64_t)between(s, 1e4, 3e5);
            continue;
        } else if (luck < 0.27) {
            continue;
        }
        rig->acks[count++] = ack;
    }
    for (int32_t l = 0; l < STORM_CAPS; l++)
        if (s->late_us[l] != 0 && rig->now_us >= s->late_us[l]) {
            rig->acks[count++] = s->late[l];
            s->late_us[l] = chance(s) < 0.3 ? rig->now_us + 100000 : 0; /* and once more */
        }
    rig->ack_count = count;
}

/* ---- people ---- */

static void storm_limits(struct storm *s)
{
    struct core_plan_node *node = &core_plan_nodes(s->rig->plan)[s->rack];
    struct core_plan_limit *limit = &node->limit[0];

    limit->limit_standing_w = limit->limit_w = floor(between(s, 3500.0, 7500.0));
    limit->expires_us = CORE_FOREVER;
    if (chance(s) < 0.4) { /* lent, or taken for a while */
        limit->limit_w = floor(between(s, 3500.0, 7500.0));
        limit->expires_us = s->rig->now_us + (int64_t)between(s, 2e5, 4e6);
    }
    node->limit_count = 1;
    if (chance(s) < 0.3)
        rig_add_limit(node->limit, &node->limit_count, 3 * STORM_S, limit->limit_standing_w * 0.95);
    limit = core_plan_groups(s->rig->plan)[pick(s, 2)].limit;
    limit->limit_w = between(s, 1200.0, 4500.0);
    s->rig->plan->group_count = chance(s) < 0.2 ? 1 : 2;
}

static void storm_levers(struct storm *s)
{
    struct core_plan_lever *lever = rig_want(s->rig, pick(s, STORM_CAPS));

    lever->priority = pick(s, CORE_PRIORITIES);
    lever->weight = between(s, 0.5, 3.0);
    lever = rig_want(s->rig, pick(s, STORM_GPUS));
    lever->min = chance(s) < 0.5 ? 0.0 : between(s, 100.0, 400.0);
    lever->max = chance(s) < 0.5 ? 1000.0 : between(s, 400.0, 1000.0);
    lever = rig_want(s->rig, s->hold);
    lever->target = chance(s) < 0.2 ? (double)NAN : between(s, 48.5, 51.0);
}

static void storm_wish(struct storm *s)
{
    struct rig *rig = s->rig;
    int32_t row = pick(s, 7); /* one more than there is room for */
    struct core_request *wish;
    const int32_t places[] = { s->rack, s->tray[0], s->tray[1], rig->levers[1].node, s->feed[0] };

    if (row >= rig->request_count)
        row = rig->request_count < 6 ? rig->request_count++ : 5;
    wish = &rig->requests[row];
    wish->version++;
    wish->node = places[pick(s, 5)];
    wish->priority = pick(s, CORE_PRIORITIES);
    wish->amount_w = chance(s) < 0.2 ? 0.0 : between(s, 50.0, 3500.0);
    wish->duration_us = (int64_t)between(s, 1e5, 9e6);
    if (rig->requests[row].client == 0)
        rig->requests[row].client = 100 + (uint64_t)row;
}

static void storm_people(struct storm *s)
{
    double luck = chance(s);

    if (luck < 0.004)
        storm_limits(s), s->rig->plan->version++;
    else if (luck < 0.010)
        storm_levers(s);
    else if (luck < 0.030)
        storm_wish(s);
    else if (luck < 0.033)
        rig_mode(s->rig, (enum core_mode_wanted[]){ CORE_WANT_OBSERVE, CORE_WANT_EMERGENCY }[pick(s, 2)]);
    else if (luck < 0.045 && s->rig->plan->mode_wanted != CORE_WANT_CONTROL)
        rig_mode(s->rig, CORE_WANT_CONTROL);
}

static void storm_step(struct storm *s)
{
    storm_people(s);
    storm_load(s);
    s->rig->now_us += s->rig->step_us;
    storm_silence(s);
    rig_step_with(s->rig, rig_readings(s->rig));
    storm_obey(s);
    day_note(&s->day, s->rig);
}

/* A configuration of the same things takes over, or a new core that knows nothing. */
static void storm_again(struct storm *s, bool adopts)
{
    struct rig *rig = s->rig;
    struct core *old = rig->core;
    int32_t same[RIG_POINTS];

    for (int32_t i = 0; i < RIG_POINTS; i++)
        same[i] = i;
    rig->core = NULL;
    rig_boot(rig);
    if (adopts)
        core_adopt(rig->core, old,
                   &(struct core_map){ .node = same, .point = same, .lever = same, .device = same });
    free(old);
}

static void storm_day(const char *name, uint64_t seed, bool varied)
{
    static struct storm s;

    storm_new(&s, name, seed, varied);
    for (int32_t i = 0; i < STORM_STEPS; i++) {
        if (i == STORM_STEPS / 3 || i == STORM_STEPS / 2)
            storm_again(&s, i < STORM_STEPS / 2);
        storm_step(&s);
    }
    for (int32_t l = 0; l < s.rig->config.lever_count; l++) /* what stood there before us */
        rig_want(s.rig, l)->target = s.rig->levers[l].max;
    rig_mode(s.rig, CORE_WANT_RESTORE);
    for (int32_t i = 0; i < 400; i++) {
        s.rig->now_us += s.rig->step_us;
        rig_step_with(s.rig, rig_readings(s.rig));
        storm_obey(&s);
        day_note(&s.day, s.rig);
    }
    day_end(&s.day);
    rig_free(s.rig);
}

static void a_rack_in_a_storm_1(void **state)
{
    (void)state;
    storm_day("storm-1", 1, false);
}

static void a_rack_in_a_storm_2(void **state)
{
    (void)state;
    storm_day("storm-2", 2, false);
}

static void a_rack_in_a_storm_3(void **state)
{
    (void)state;
    storm_day("storm-3", 3, false);
}

static void other_racks_in_a_storm(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed < 11 + STORM_OTHERS; seed++) {
        char name[24];

        (void)snprintf(name, sizeof name, "storm-%d", (int)seed);
        storm_day(name, seed, true);
    }
}

/* ---- the grid ---- */

static void grid_run(struct ride_rig *r, struct day_log *day, double input, double seconds)
{
    ride_rig_input(r, input);
    for (int32_t k = 0; k < (int32_t)(seconds * 100.0); k++) {
        ride_rig_step(r);
        day_note(day, r->rig);
    }
}

/* Sags of every kind, outages of every length, and what is broken meanwhile. */
static void grid_day(const char *name, struct ride_rig *r)
{
    struct day_log day;

    day_begin(&day, name, r->rig);
    grid_run(r, &day, 1.0, 3.0);
    grid_run(r, &day, 0.0, 0.2);
    grid_run(r, &day, 1.0, 4.0);
    grid_run(r, &day, 0.82, 3.0); /* batteries take part */
    grid_run(r, &day, 1.0, 4.0);
    r->input[2] = 0.3; /* one shelf's phases alone */
    for (int32_t k = 0; k < 300; k++) {
        ride_rig_step(r);
        day_note(&day, r->rig);
    }
    grid_run(r, &day, 1.0, 4.0);
    r->psu[4].mute = true;
    r->bbu[2].energy_j *= 0.5;
    grid_run(r, &day, 0.5, 2.0);
    r->extra_s[1] = 0.8;
    grid_run(r, &day, 1.0, 6.0);
    r->psu[4].mute = false;
    r->load_w = 46000.0;
    *rig_held(r->rig, r->psu[7].setpoint) = 49.0; /* it forgot */
    grid_run(r, &day, 0.0, 12.0);
    grid_run(r, &day, 1.0, 12.0);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->bbu[i].energy_j = 1.9 * 65.0 * r->load_w / RIDE_RIG_COUNT;
    grid_run(r, &day, 0.0, 8.0);
    grid_run(r, &day, 1.0, 10.0);
    day_end(&day);
    ride_rig_free(r);
}

static void the_grid_and_hardware_that_keeps_its_settings(void **state)
{
    (void)state;
    grid_day("grid-kept", ride_rig_new(true));
}

static void the_grid_and_stock_hardware(void **state)
{
    (void)state;
    grid_day("grid-stock", ride_rig_new(false));
}

static void the_grid_and_shelves_that_come_back_one_by_one(void **state)
{
    (void)state;
    grid_day("grid-apart", ride_rig_new_apart(SIGNAL_PSU_INPUT_A));
}

/* ---- any grid, any books ---- */

static void wild_books(struct ride_rig *r, struct storm *s)
{
    static struct core_config_source sources[2 * RIDE_RIG_SHELVES + 1];
    struct core_config *config = &r->rig->config;
    bool steps = chance(s) < 0.5;

    memcpy(sources, config->sources, 2 * RIDE_RIG_SHELVES * sizeof *sources);
    for (int32_t k = 0; k < 2 * RIDE_RIG_SHELVES; k++) {
        sources[k].droop_v = between(s, 0.4, 1.2);
        sources[k].rated_w *= between(s, 0.8, 1.3);
        sources[k].holdup_j = between(s, 60.0, 140.0);
        sources[k].handover_ratio = between(s, 0.3, 0.7);
        sources[k].handover_step_v = steps ? 3.0 : 0.0;
        sources[k].handover_v_per_s = steps ? 3000.0 : 0.0;
        sources[k].trigger_us = (int64_t)between(s, 1000.0, 3000.0);
        sources[k].start_us = (int64_t)between(s, 1000.0, 3000.0);
        sources[k].energy_j = between(s, 2e5, 5e5);
    }
    config->sources = sources;
    if (chance(s) < 0.4)
        sources[config->source_count++] = (struct core_config_source){ .kind = CORE_SOURCE_CAPACITOR,
                                                                       .output_v = 48.0,
                                                                       .droop_v = 0.5,
                                                                       .node = r->busbar,
                                                                       .module_count = 2,
                                                                       .rated_w = 30000.0,
                                                                       .energy_j = 300.0 };
    config->bus.capacitance_f = between(s, 0.02, 0.5);
    config->bus.resistance_ohm = between(s, 0.0, 0.0005);
    ride_rig_restart(r);
}

static void wild_turn(struct ride_rig *r, struct storm *s)
{
    double luck = chance(s);
    int32_t i = pick(s, RIDE_RIG_COUNT);
    struct ride_rig_psu *psu = &r->psu[i];
    struct ride_rig_bbu *bbu = &r->bbu[i];

    r->load_w = between(s, 5000.0, 48000.0);
    if (luck < 0.25)
        psu->mute = chance(s) < 0.5;
    else if (luck < 0.4)
        psu->gain = between(s, 0.0, 1.5);
    else if (luck < 0.5)
        *rig_held(r->rig, psu->setpoint) = between(s, 47.5, 50.5);
    else if (luck < 0.6)
        r->rig->silent[bbu->device] = chance(s) < 0.5;
    else if (luck < 0.7)
        r->rig->value[bbu->status] = (double[]){ 0.0, 128.0, 2048.0 }[pick(s, 3)];
    else if (luck < 0.8)
        bbu->energy_j *= between(s, 0.1, 1.0);
    else if (luck < 0.85)
        ride_rig_restart(r);
    for (int32_t k = 0; k < RIDE_RIG_SHELVES; k++)
        r->extra_s[k] = chance(s) < 0.5 ? 0.0 : between(s, 0.0, 2.0);
}

static void wild_day(const char *name, uint64_t seed, struct ride_rig *r)
{
    static struct storm s;
    struct day_log day;

    memset(&s, 0, sizeof s);
    s.random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    wild_books(r, &s);
    day_begin(&day, name, r->rig);
    day.quiet = true;
    grid_run(r, &day, 1.0, 2.0);
    for (int32_t turn = 0; turn < 8; turn++) {
        double deep = (double[]){ 0.0, 0.4, 0.76, 0.83, 0.88, 0.91, 1.15 }[pick(&s, 7)];

        wild_turn(r, &s);
        grid_run(r, &day, deep, (double[]){ 0.05, 0.12, 0.3, 0.7, 1.6, 4.0 }[pick(&s, 6)]);
        r->input[1] = 1.0; /* one shelf before the others, or as they */
        for (int32_t k = chance(&s) < 0.3 ? 40 : 0; k > 0; k--) {
            ride_rig_step(r);
            day_note(&day, r->rig);
        }
        grid_run(r, &day, 1.0, between(&s, 0.5, 4.0));
    }
    day_end(&day);
    ride_rig_free(r);
}

static void any_grid_and_any_books(void **state)
{
    (void)state;
    for (uint64_t seed = 21; seed < 21 + WILD_DAYS; seed++) {
        enum signal says = seed % 2 ? SIGNAL_PSU_OUTPUT_W : SIGNAL_PSU_INPUT_W;
        char name[24];

        (void)snprintf(name, sizeof name, "grid-%d", (int)seed);
        wild_day(name, seed, seed % 3 < 2 ? ride_rig_new(seed % 3 == 0) : ride_rig_new_apart(says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rack_in_a_storm_1),
        cmocka_unit_test(a_rack_in_a_storm_2),
        cmocka_unit_test(a_rack_in_a_storm_3),
        cmocka_unit_test(other_racks_in_a_storm),
        cmocka_unit_test(the_grid_and_hardware_that_keeps_its_settings),
        cmocka_unit_test(the_grid_and_stock_hardware),
        cmocka_unit_test(the_grid_and_shelves_that_come_back_one_by_one),
        cmocka_unit_test(any_grid_and_any_books),
    };

    return cmocka_run_group_tests_name("core_days", tests, NULL, NULL);
}
