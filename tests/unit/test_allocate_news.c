/* SPDX-License-Identifier: Apache-2.0 */
/* What makes allocation divide anew: each of its inputs, alone and both ways. Set in
 * the block, since a plan or a reading seldom moves one of them without another. */
#include "core/allocate.h"
#include "core/curve.h"
#include "core_rig.h"

/* Two leaves of 100 to 1000 W, base 600, below a rack of 1000 W; 400 W wanted by each. */
static struct rig *two(struct block *ret)
{
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    for (int32_t l = 0; l < 2; l++) {
        rig_gpu(rig, rack, 100, 1000);
        rig->levers[l].base = 600.0;
    }
    rig_start(rig);
    rig_limit(rig, rack, 1000.0);
    rig_run(rig, 500000);
    *ret = block_open(rig->core);
    ret->out = rig->out;
    for (int32_t l = 0; l < 2; l++)
        ret->levers[l].demand_held_w = 400.0;
    return rig;
}

static void check(struct block *b, double first_w, double second_w)
{
    allocate_step(b);
    RIG_NEAR(b->levers[0].wanted, first_w);
    RIG_NEAR(b->levers[1].wanted, second_w);
}

static void nothing_that_changed_is_nothing_to_divide(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);

    check(&b, 500.0, 500.0);
    b.vars[0].x = 123.0; /* as if it had been divided like this */
    check(&b, 123.0, 500.0);
    rig_free(rig);
}

static void a_changed_maximum_alone(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);

    check(&b, 500.0, 500.0);
    b.plan_levers[0].max = 450.0; /* above what it wants */
    check(&b, 450.0, 550.0);
    b.plan_levers[0].max = 480.0;
    check(&b, 480.0, 520.0);
    b.plan_levers[0].max = 460.0; /* the reason is the same as before: the watts alone are not */
    check(&b, 460.0, 540.0);
    rig_free(rig);
}

/* The other one takes all that is not promised. */
static void a_changed_minimum_of_the_plan_alone(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);

    b.plan_levers[1].priority = CORE_PRIORITIES - 1;
    b.levers[1].demand_held_w = 1000.0;
    check(&b, 100.0, 900.0);
    b.plan_levers[0].min = 300.0; /* under what it wants */
    check(&b, 300.0, 700.0);
    b.plan_levers[0].min = 200.0;
    check(&b, 200.0, 800.0);
    rig_free(rig);
}

static void a_changed_demand_alone(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);

    check(&b, 500.0, 500.0);
    b.levers[0].demand_held_w = 600.0;
    check(&b, 600.0, 400.0);
    b.levers[0].demand_held_w = 550.0;
    check(&b, 550.0, 450.0);
    rig_free(rig);
}

static void a_changed_weight_alone(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);
    double weight = b.plan_levers[0].weight;

    b.levers[0].demand_held_w = b.levers[1].demand_held_w = 1000.0;
    check(&b, 500.0, 500.0);
    b.plan_levers[0].weight = 3.0 * weight;
    check(&b, 750.0, 250.0);
    b.plan_levers[0].weight = 1.5 * weight;
    check(&b, 600.0, 400.0);
    rig_free(rig);
}

static void a_changed_priority_alone(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);
    int32_t priority = b.plan_levers[0].priority;

    b.levers[0].demand_held_w = b.levers[1].demand_held_w = 700.0;
    check(&b, 500.0, 500.0);
    b.plan_levers[0].priority = priority + 1;
    check(&b, 700.0, 300.0);
    b.plan_levers[0].priority = priority;
    check(&b, 500.0, 500.0);
    rig_free(rig);
}

/* It stands at what it counts for; when it answers again its share is its wish's. */
static void a_device_that_went_or_came_back_alone(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);
    struct device *device = &b.devices[rig->levers[0].device];

    b.levers[0].demand_held_w = 600.0;
    check(&b, 600.0, 400.0);
    device->quality = CORE_DEVICE_STALE;
    check(&b, 500.0, 500.0);
    assert_int_equal(b.levers[0].why.rule, CORE_RULE_IN_FLIGHT);
    device->quality = CORE_DEVICE_GOOD;
    check(&b, 600.0, 400.0);
    rig_free(rig);
}

/* The watts are the same: the reason is not. */
static void a_changed_reason_alone(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);

    b.levers[0].demand_held_w = 1000.0;
    b.levers[1].demand_held_w = 100.0;
    b.core->ride.shed = 1;
    check(&b, 600.0, 400.0);
    assert_int_equal(b.levers[0].why.rule, CORE_RULE_RIDE);
    b.core->base_all = 1;
    check(&b, 600.0, 400.0);
    assert_int_equal(b.levers[0].why.rule, CORE_RULE_BASE);
    b.core->ride.shed = b.core->base_all = 0;
    b.promises[0] = 700.0; /* promised, then wanted by the plan itself */
    b.levers[1].demand_held_w = 1000.0;
    check(&b, 700.0, 300.0);
    assert_int_equal(b.levers[0].why.rule, CORE_RULE_TOKEN);
    b.plan_levers[0].min = 700.0;
    check(&b, 700.0, 300.0);
    assert_int_equal(b.levers[0].why.rule, CORE_RULE_PLAN_MIN);
    rig_free(rig);
}

/* The rack's device is about to trip, then the leaf's own as well: that one is nearer. */
static void a_changed_place_alone(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);
    int32_t leaf = rig->levers[0].node;

    b.levers[0].demand_held_w = 1000.0;
    b.levers[1].demand_held_w = 100.0;
    b.core->protecting = 1;
    b.curves[0].engaged = 1;
    assert_int_equal(curve_over(&b, 0), 0);
    check(&b, 600.0, 400.0);
    assert_int_equal(b.levers[0].why.rule, CORE_RULE_PROTECTION);
    assert_int_equal(b.levers[0].why.node, 0);
    b.curves[leaf].engaged = 1;
    check(&b, 600.0, 400.0);
    assert_int_equal(b.levers[0].why.node, leaf);
    rig_free(rig);
}

/* A leaf whose own device is about to trip goes to its base; its neighbour does not. */
static void a_leafs_own_protection_is_for_that_leaf(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);
    int32_t leaf = rig->levers[0].node;

    b.levers[0].demand_held_w = b.levers[1].demand_held_w = 1000.0;
    b.plan_levers[1].priority = CORE_PRIORITIES - 1;
    b.row_budget[0] = b.zones[0].budget_w = b.zones[0].standing_w = 2000.0;
    b.core->protecting = 1;
    b.curves[leaf].engaged = 1;
    assert_int_equal(curve_over(&b, 0), leaf);
    assert_int_equal(curve_over(&b, 1), CORE_NONE);
    check(&b, 600.0, 1000.0);
    rig_free(rig);
}

/* ---- what is left for them ---- */

/* Of 1000 W one stale leaf keeps 500, and standing it is more than now; trimmed, the other
 * one yields, down to its own minimum and no further. */
static void a_cut_takes_from_what_is_left_down_to_the_minimums(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);

    b.devices[rig->levers[0].device].quality = CORE_DEVICE_STALE;
    b.sources[0].now_w = b.sources[0].standing_w = 500.0;
    b.levers[1].demand_held_w = 1000.0;
    check(&b, 500.0, 500.0);
    b.zones[0].trim = 0.9;
    check(&b, 500.0, 400.0);
    assert_int_equal(b.levers[1].why.rule, CORE_RULE_BAND);
    b.zones[0].trim = 0.2;
    check(&b, 500.0, 100.0);
    assert_false(b.core->infeasible); /* the cut stopped at the minimum */
    b.zones[0].trim = 1.0;
    b.sources[0].standing_w = 700.0; /* it counts for more once nobody speaks */
    check(&b, 500.0, 300.0);
    b.sources[0].now_w = 800.0;
    check(&b, 500.0, 200.0);
    b.zones[0].standing_w = 850.0;
    check(&b, 500.0, 150.0);
    rig_free(rig);
}

/* The plan's minimum is a wish: a cut may go below it, to the device's own and its overshoot. */
static void a_cut_may_go_below_the_plans_minimum(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    struct block b;

    rig->levers[rig_gpu(rig, rack, 100, 1000)].overshoot_ratio = 0.5;
    rig_start(rig);
    rig_limit(rig, rack, 900.0);
    rig_want(rig, 0)->min = 400.0;
    rig_run(rig, 500000);
    b = block_open(rig->core);
    b.out = rig->out;
    allocate_step(&b);
    RIG_NEAR(b.levers[0].wanted, 600.0);
    b.zones[0].trim = 0.5;
    allocate_step(&b);
    RIG_NEAR(b.levers[0].wanted, 300.0);
    b.zones[0].trim = 0.0;
    allocate_step(&b);
    RIG_NEAR(b.levers[0].wanted, 100.0);
    assert_false(b.core->infeasible);
    rig_free(rig);
}

/* 300 W that nobody steers and 100 of the rack's own are taken off what may be drawn now, 350 and
 * 100 off what may stand: the smaller rest is divided. */
static void what_nobody_steers_is_taken_off_first(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    struct block b;

    rig_gpu(rig, rack, 100, 2000);
    rig_sensor(rig, rig_node(rig, CORE_NODE_LOAD, rack), 300.0);
    rig_start(rig);
    rig_limit(rig, rack, 1000.0);
    rig_run(rig, 500000);
    b = block_open(rig->core);
    b.out = rig->out;
    assert_int_equal(b.core->loose_count, 1);
    b.zones[0].fixed_w = 100.0;
    b.sources[1].now_w = 300.0;
    b.sources[1].standing_w = 350.0;
    b.zones[0].budget_w = 1000.0;
    b.zones[0].standing_w = 5000.0;
    allocate_step(&b);
    RIG_NEAR(b.levers[0].wanted, 600.0);
    b.zones[0].budget_w = 5000.0;
    b.zones[0].standing_w = 1000.0;
    allocate_step(&b);
    RIG_NEAR(b.levers[0].wanted, 550.0);
    rig_free(rig);
}

/* A budget below the minimums is not mended by a cut: that they do not fit is told. */
static void minimums_that_do_not_fit_are_told_under_a_cut_as_well(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);

    b.zones[0].budget_w = b.zones[0].standing_w = 150.0;
    b.zones[0].trim = 0.5;
    check(&b, 100.0, 100.0);
    assert_true(b.core->infeasible);
    rig_free(rig);
}

/* The reading that moved a budget is the cause of what is ordered for it; an old one is not. */
static void a_budget_that_a_reading_moved_names_that_reading(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = two(&b);

    check(&b, 500.0, 500.0);
    b.core->step++;
    b.zones[0].trim = 0.9;
    b.zones[0].news_step = b.core->step;
    b.zones[0].news_taken_us = 1111;
    b.zones[0].news_arrived_us = 2222;
    check(&b, 450.0, 450.0);
    assert_int_equal(b.levers[0].due.kind, CORE_CAUSE_READING);
    assert_int_equal(b.levers[0].due.taken_us, 1111);
    assert_int_equal(b.levers[0].due.arrived_us, 2222);
    b.core->step++;
    b.zones[0].news_taken_us = b.zones[0].news_arrived_us = 3333;
    b.zones[0].trim = 0.8;
    check(&b, 400.0, 400.0);
    assert_int_equal(b.levers[0].due.arrived_us, 2222);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_changed_is_nothing_to_divide),
        cmocka_unit_test(a_changed_maximum_alone),
        cmocka_unit_test(a_changed_minimum_of_the_plan_alone),
        cmocka_unit_test(a_changed_demand_alone),
        cmocka_unit_test(a_changed_weight_alone),
        cmocka_unit_test(a_changed_priority_alone),
        cmocka_unit_test(a_device_that_went_or_came_back_alone),
        cmocka_unit_test(a_changed_reason_alone),
        cmocka_unit_test(a_changed_place_alone),
        cmocka_unit_test(a_leafs_own_protection_is_for_that_leaf),
        cmocka_unit_test(a_cut_takes_from_what_is_left_down_to_the_minimums),
        cmocka_unit_test(a_cut_may_go_below_the_plans_minimum),
        cmocka_unit_test(what_nobody_steers_is_taken_off_first),
        cmocka_unit_test(minimums_that_do_not_fit_are_told_under_a_cut_as_well),
        cmocka_unit_test(a_budget_that_a_reading_moved_names_that_reading),
    };

    return cmocka_run_group_tests_name("allocate_news", tests, NULL, NULL);
}
