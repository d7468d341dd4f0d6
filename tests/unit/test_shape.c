/* SPDX-License-Identifier: Apache-2.0 */
/* Battery charging, warnings that follow a limit, values that are held. */
#include "core/shape.h"
#include "core_rig.h"

#define TIMEOUT_US INT64_C(2000000)

/* A rack of 2000 W with one GPU and one charger of 400 W (8 A at 50 V), which
 * falls back to 1 A by itself. Levers 0 and 1. */
static struct rig *charging(double load_w)
{
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), lever;

    rig_gpu(rig, rack, 100, 1900);
    rig_measure(rig, 0, load_w);
    lever = rig_lever(rig, CORE_LEVER_CHARGE, rig_device(rig), rig_node(rig, CORE_NODE_LOAD, rack));
    rig->levers[lever].max = 8.0;
    rig->levers[lever].watts_per_unit = 50.0;
    rig->levers[lever].timeout_us = TIMEOUT_US;
    rig->levers[lever].fallback = 1.0;
    *rig_held(rig, lever) = 1.0;
    rig_start(rig);
    rig_limit(rig, rack, 2000.0);
    return rig;
}

static void batteries_recharge_from_what_the_load_leaves(void **state)
{
    (void)state;
    struct rig *rig = charging(1000.0);

    rig_run(rig, 500000);
    RIG_NEAR(*rig_held(rig, 1), 8.0);    /* 1000 + 400 is under 1900 */
    RIG_NEAR(*rig_held(rig, 0), 1600.0); /* the cap made room */
    assert_int_equal(rig_view(rig, 1)->why.rule, CORE_RULE_DEVICE_MAX);
    rig_free(rig);
}

static void charging_yields_to_the_load_and_comes_back_late(void **state)
{
    (void)state;
    struct rig *rig = charging(1000.0);
    int32_t point = rig->levers[0].demand_point;

    rig->plan->band.cap_ratio = 2.0; /* the load goes where it likes here */
    rig_run(rig, 500000);
    rig->value[point] = 1580.0; /* room for 320 W under 0.95 of the limit */
    rig_run(rig, 100000);
    RIG_NEAR(*rig_held(rig, 1), 6.4);
    assert_int_equal(rig_view(rig, 1)->why.rule, CORE_RULE_RECHARGE);
    assert_int_equal(rig_view(rig, 1)->why.node, 0);
    RIG_NEAR(rig_view(rig, 1)->why.bound_w, 1900.0);
    rig->value[point] = 1570.0; /* not worth a change */
    rig_run(rig, 100000);
    RIG_NEAR(*rig_held(rig, 1), 6.4);
    rig->value[point] = 1530.0;
    rig_run(rig, 9000000); /* a load that swings does not swing the charging */
    RIG_NEAR(*rig_held(rig, 1), 6.4);
    rig_run(rig, 1100000);
    RIG_NEAR(*rig_held(rig, 1), 7.4);
    rig->value[point] = 1900.0;
    rig_run(rig, 100000);
    RIG_NEAR(*rig_held(rig, 1), 0.0);
    RIG_NEAR(rig_view(rig, 1)->counted, 1.0); /* it may come back to that */
    RIG_NEAR(*rig_held(rig, 0), 1900.0);
    rig_free(rig);
}

static void charging_stops_while_the_load_is_unknown(void **state)
{
    (void)state;
    struct rig *rig = charging(1000.0);

    rig->silent[0] = true;
    rig_run(rig, 500000);
    RIG_NEAR(rig_view(rig, 1)->wanted, 0.0);
    rig_free(rig);
}

static void a_time_out_is_refreshed_at_half(void **state)
{
    (void)state;
    struct rig *rig = charging(1000.0);
    int64_t last_us = 0;
    int32_t refreshed = 0;

    rig_run(rig, 300000);
    while (rig->now_us < 12000000) {
        const struct core_order *order;

        rig_step(rig);
        order = rig_order(rig, 1);
        if (!order)
            continue;
        assert_int_equal(order->why.rule, CORE_RULE_REFRESH);
        assert_int_equal(order->cause.kind, CORE_CAUSE_TIME);
        assert_int_equal(order->timeout_us, TIMEOUT_US);
        assert_int_equal(order->lease_end_us, rig->now_us + TIMEOUT_US);
        RIG_NEAR(order->fallback, 1.0);
        RIG_NEAR(order->value, 8.0);
        if (last_us)
            assert_int_equal(rig->now_us - last_us, TIMEOUT_US / 2);
        last_us = rig->now_us;
        refreshed++;
    }
    assert_in_range(refreshed, 9, 12);
    rig_free(rig);
}

static void a_lease_that_ran_out_is_no_drift(void **state)
{
    (void)state;
    struct rig *rig = charging(1000.0);

    rig_run(rig, 500000);
    rig->deaf = true; /* refreshes are lost; the device falls back */
    rig_run(rig, 2500000);
    *rig_held(rig, 1) = 1.0;
    rig->deaf = false;
    rig_run(rig, 5000000);
    assert_int_equal(rig->events[EV_LEVER_DRIFTED], 0);
    RIG_NEAR(*rig_held(rig, 1), 8.0);
    rig_free(rig);
}

/* A budget lent for a while: caps never use it, charging does, and ends early. */
static void a_lent_budget_is_for_values_that_end_by_themselves(void **state)
{
    (void)state;
    struct rig *rig = charging(1000.0);
    struct core_plan_limit *limit = core_plan_nodes(rig->plan)[0].limit;
    int64_t end_us = rig->now_us + 6000000;

    limit->limit_w = 2000.0;
    limit->expires_us = end_us;
    limit->limit_standing_w = 1200.0;
    rig->value[rig->levers[0].demand_point] = 1000.0;
    rig_run(rig, 500000);
    RIG_NEAR(*rig_held(rig, 0), 1150.0); /* 1200 less the charger's fallback */
    RIG_NEAR(*rig_held(rig, 1), 8.0);
    assert_true(rig->out->armed);
    while (rig->now_us < end_us - TIMEOUT_US - 100000)
        rig_step(rig);
    rig_run(rig, 100000);
    assert_true(*rig_held(rig, 1) <= 3.0); /* 0.95 * 1200 - 1000 */
    assert_true(rig_zone(rig, 0)->counted_w <= 1200.0 + 1e-6);
    rig_free(rig);
}

static void a_warning_follows_the_tightest_limit_of_its_node(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), shelf = rig_node(rig, CORE_NODE_SHELF, rack);
    int32_t lever = rig_lever(rig, CORE_LEVER_WARN, rig_device(rig), shelf);
    int32_t other = rig_lever(rig, CORE_LEVER_WARN, rig_device(rig), rack);

    rig->levers[lever].max = 5000.0;
    rig->levers[lever].share = 0.5;
    rig->levers[lever].step = 10.0;
    rig_start(rig);
    rig_limit(rig, shelf, 4000.0);
    rig_limit(rig, shelf, 3010.0)->window_us = 5000000;
    rig_run(rig, 100000);
    RIG_NEAR(*rig_held(rig, lever), 1500.0);
    assert_int_equal(rig_view(rig, lever)->why.node, shelf);
    assert_int_equal(rig_view(rig, lever)->why.window_us, 5000000);
    assert_int_equal(rig->orders[other], 0); /* no limit to follow */
    assert_true(isnan(rig_view(rig, other)->wanted));
    rig_free(rig);
}

static void a_held_value_is_reached_in_steps_of_its_slew(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t lever = rig_lever(rig, CORE_LEVER_HOLD, rig_device(rig), CORE_NONE);
    double last = 50.0;

    rig->levers[lever].min = 48.0;
    rig->levers[lever].max = 52.0;
    rig->levers[lever].slew = 0.25;
    rig->levers[lever].interval_min_us = 100000;
    *rig_held(rig, lever) = 50.0;
    rig_start(rig);
    rig_run(rig, 300000);
    assert_int_equal(rig->orders[lever], 0); /* nothing wanted */
    rig_want(rig, lever)->target = 51.0;
    for (int32_t i = 0; i < 100; i++) {
        rig_step(rig);
        assert_true(fabs(*rig_held(rig, lever) - last) <= 0.25 + 1e-9);
        last = *rig_held(rig, lever);
    }
    RIG_NEAR(last, 51.0);
    assert_int_equal(rig->orders[lever], 4);
    assert_int_equal(rig_view(rig, lever)->why.rule, CORE_RULE_HOLD);
    rig_want(rig, lever)->target = 60.0;
    rig_run(rig, 2000000);
    RIG_NEAR(*rig_held(rig, lever), 52.0); /* what the device takes */
    rig_free(rig);
}

static void restoring_puts_a_held_value_back_at_once(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t lever = rig_lever(rig, CORE_LEVER_HOLD, rig_device(rig), CORE_NONE);

    rig->levers[lever].slew = 10.0;
    *rig_held(rig, lever) = 500.0;
    rig_start(rig);
    rig_want(rig, lever)->target = 300.0;
    rig_mode(rig, CORE_WANT_RESTORE);
    rig_step(rig);
    assert_true(rig_order(rig, lever)->release);
    RIG_NEAR(rig_order(rig, lever)->value, 300.0);
    rig_step(rig);
    assert_true(rig->out->restored);
    rig_free(rig);
}

/* A cap that its device ends by itself: it can never count for less than what
 * stands after that, so it is never asked to be lower. */
static void a_cap_with_a_time_out_is_refreshed_and_counts_at_least_its_fallback(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    for (int32_t l = 0; l < 2; l++) {
        rig_gpu(rig, rack, 100, 1000);
        rig->levers[l].timeout_us = TIMEOUT_US;
        rig->levers[l].fallback = l == 0 ? 700.0 : 100.0;
    }
    rig_start(rig);
    rig_limit(rig, rack, 1200.0);
    rig_run(rig, 5000000);
    RIG_NEAR(*rig_held(rig, 0), 700.0);
    RIG_NEAR(*rig_held(rig, 1), 500.0);
    assert_true(rig->out->armed);
    assert_in_range(rig->orders[0], 4, 7);
    rig_free(rig);
}

static void restoring_ends_an_override(void **state)
{
    (void)state;
    struct rig *rig = charging(1000.0);

    rig_run(rig, 500000);
    rig_want(rig, 1)->target = 1.0;
    rig_mode(rig, CORE_WANT_RESTORE);
    rig_step(rig);
    assert_true(rig_order(rig, 1)->release);
    assert_int_equal(rig_order(rig, 1)->timeout_us, 0);
    rig_run(rig, 5000000);
    assert_true(rig->out->restored);
    rig->orders[1] = 0;
    rig_run(rig, 5000000);
    assert_int_equal(rig->orders[1], 0); /* no refresh of what was given back */
    rig_free(rig);
}

/* ---- the part of charging that fits, input by input ---- */

/* Below a rack that loses a tenth: a cap in steps of 2 W with an overshoot of 0.2, a cap on a
 * device that is gone, a charger of 8 A at 50 V, a load that nobody steers. */
enum { CAP, GONE, CHARGER, SOURCES };

struct parts {
    struct rig *rig;
    struct block b;
    int32_t load; /* source */
};

static void parts_new(struct parts *p)
{
    struct rig *rig = p->rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    rig->nodes[rack].loss_ratio = 0.1;
    rig_gpu(rig, rack, 100, 1000);
    rig->levers[CAP].watts_per_unit = 2.0;
    rig->levers[CAP].overshoot_ratio = 0.2;
    rig_gpu(rig, rack, 100, 1000);
    rig_lever(rig, CORE_LEVER_CHARGE, rig_device(rig), rig_node(rig, CORE_NODE_LOAD, rack));
    rig->levers[CHARGER].max = 8.0;
    rig->levers[CHARGER].watts_per_unit = 50.0;
    *rig_held(rig, CHARGER) = 0.0;
    rig_measure(rig, CHARGER, 100.0);
    rig_sensor(rig, rig_node(rig, CORE_NODE_LOAD, rack), 300.0);
    rig_start(rig);
    rig_limit(rig, rack, 20000.0);
    rig_run(rig, 500000);
    p->b = block_open(rig->core);
    p->b.out = rig->out;
    p->load = p->b.core->lever_count;
    assert_int_equal(p->b.core->loose_count, 1);
    p->b.core->plan.recharge_ratio = 0.9;
    p->b.devices[rig->levers[GONE].device].quality = CORE_DEVICE_STALE;
    p->b.sources[GONE].now_w = 500.0;
    p->b.sources[p->load].now_w = 300.0;
    p->b.zones[0].fixed_w = 50.0;
    p->b.zones[0].counted_w = p->b.zones[0].counted_standing_w = 0.0;
    p->b.zones[0].forecast_w = 0.0;
}

/* Amperes that charging may take, from a full share before. */
static double parts_a(struct parts *p)
{
    for (int32_t i = 0; i < 4 * SOURCES; i++)
        p->b.scratch[i] = 1e4; /* what another module left there */
    p->b.levers[CHARGER].charge_held = 1.0;
    shape_recharge(&p->b);
    return p->b.levers[CHARGER].wanted;
}

/* 0.9 of 10 000 W, less a load in which the charging itself is told apart. */
static void charging_gets_what_the_load_leaves_of_its_ratio(void **state)
{
    (void)state;
    struct parts p;
    struct point *point;

    parts_new(&p);
    point = &p.b.points[p.rig->levers[CHARGER].demand_point];
    p.b.zones[0].budget_w = 10000.0;
    p.b.zones[0].forecast_w = 9000.0 - 220.0 + 110.0; /* 100 W of charging are 110 at the rack */
    RIG_NEAR(parts_a(&p), 4.0);                       /* 220 of 440 W */
    assert_int_equal(p.b.levers[CHARGER].why.rule, CORE_RULE_RECHARGE);
    point->value = 0.0;
    RIG_NEAR(parts_a(&p), 2.0);
    point->value = 100.0;
    point->quality = POINT_STALE; /* what it draws is not known: all counts as load */
    RIG_NEAR(parts_a(&p), 2.0);
    p.b.zones[0].forecast_w = 9001.0;
    RIG_NEAR(parts_a(&p), 0.0);
    p.b.plan_levers[CHARGER].max = 4.0;
    p.b.zones[0].forecast_w = 9000.0 - 110.0;
    RIG_NEAR(parts_a(&p), 2.0); /* half of the plan's maximum */
    p.b.plan_levers[CHARGER].max = 0.0;
    p.b.zones[0].forecast_w = 99000.0;
    RIG_NEAR(parts_a(&p), 0.0); /* it is the plan, then, not the load */
    assert_int_equal(p.b.levers[CHARGER].why.rule, CORE_RULE_PLAN_MAX);
    rig_free(p.rig);
}

/* No load at all: what cannot be lowered is taken off first, each at the rack. */
static void charging_leaves_room_for_what_nothing_lowers(void **state)
{
    (void)state;
    struct parts p;

    parts_new(&p);
    p.b.zones[0].trim = 0.5;
    p.b.zones[0].budget_w = 2.0 * (50.0 + 1.1 * (500.0 + 300.0 + 100.0 * 2.0 * 1.2) + 220.0);
    p.b.plan_levers[CAP].min = 50.0;
    RIG_NEAR(parts_a(&p), 4.0); /* the device's minimum: the plan asks for less */
    p.b.plan_levers[CAP].min = 120.0;
    RIG_NEAR(parts_a(&p), 8.0 * (220.0 - 1.1 * 20.0 * 2.0 * 1.2) / 440.0);
    p.b.promises[CAP] = 240.0; /* no more than that */
    RIG_NEAR(parts_a(&p), 8.0 * (220.0 - 1.1 * 20.0 * 2.0 * 1.2) / 440.0);
    p.b.promises[CAP] = 280.0;
    RIG_NEAR(parts_a(&p), 8.0 * (220.0 - 1.1 * 40.0 * 2.0 * 1.2) / 440.0);
    p.b.sources[p.load].now_w = 310.0;
    RIG_NEAR(parts_a(&p), 8.0 * (220.0 - 1.1 * (40.0 * 2.0 * 1.2 + 10.0)) / 440.0);
    p.b.sources[GONE].now_w = 460.0;
    RIG_NEAR(parts_a(&p), 8.0 * (220.0 - 1.1 * (40.0 * 2.0 * 1.2 - 30.0)) / 440.0);
    p.b.zones[0].fixed_w = 40.0;
    RIG_NEAR(parts_a(&p), 8.0 * (230.0 - 1.1 * (40.0 * 2.0 * 1.2 - 30.0)) / 440.0);
    p.b.zones[0].counted_w = 1e6; /* a sum above its budget: nothing more is begun */
    RIG_NEAR(parts_a(&p), 0.0);
    rig_free(p.rig);
}

/* Two limits, one inside the other: the inner one, seen second, binds as if it were alone. */
static void of_nested_limits_the_tighter_one_says_what_fits(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t outer = rig_node(rig, CORE_NODE_RACK, CORE_NONE), inner = rig_node(rig, CORE_NODE_SHELF, outer);
    struct block b;

    rig_lever(rig, CORE_LEVER_CHARGE, rig_device(rig), rig_node(rig, CORE_NODE_LOAD, inner));
    rig->levers[0].max = 8.0;
    rig->levers[0].watts_per_unit = 50.0;
    *rig_held(rig, 0) = 0.0;
    rig_measure(rig, 0, 100.0);
    rig_sensor(rig, inner, 1000.0);
    rig_start(rig);
    rig_limit(rig, outer, 5000.0);
    rig_limit(rig, inner, 5000.0);
    rig_run(rig, 500000);
    b = block_open(rig->core);
    b.out = rig->out;
    b.core->plan.recharge_ratio = 0.9;
    b.zones[inner].forecast_w = 4500.0 - 200.0 + 100.0; /* 100 W of it is charging */
    b.levers[0].charge_held = 1.0;
    shape_recharge(&b);
    RIG_NEAR(b.levers[0].wanted, 4.0); /* 200 of 400 W */
    assert_int_equal(b.levers[0].why.node, inner);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batteries_recharge_from_what_the_load_leaves),
        cmocka_unit_test(charging_yields_to_the_load_and_comes_back_late),
        cmocka_unit_test(charging_stops_while_the_load_is_unknown),
        cmocka_unit_test(a_time_out_is_refreshed_at_half),
        cmocka_unit_test(a_lease_that_ran_out_is_no_drift),
        cmocka_unit_test(a_lent_budget_is_for_values_that_end_by_themselves),
        cmocka_unit_test(a_warning_follows_the_tightest_limit_of_its_node),
        cmocka_unit_test(a_held_value_is_reached_in_steps_of_its_slew),
        cmocka_unit_test(restoring_puts_a_held_value_back_at_once),
        cmocka_unit_test(a_cap_with_a_time_out_is_refreshed_and_counts_at_least_its_fallback),
        cmocka_unit_test(restoring_ends_an_override),
        cmocka_unit_test(charging_gets_what_the_load_leaves_of_its_ratio),
        cmocka_unit_test(charging_leaves_room_for_what_nothing_lowers),
        cmocka_unit_test(of_nested_limits_the_tighter_one_says_what_fits),
    };

    return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
