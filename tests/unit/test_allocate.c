/* SPDX-License-Identifier: Apache-2.0 */
/* The division of budgets: exact vectors, groups, priorities, minimums. */
#include "core_rig.h"

/* A rack with `count` GPUs below it; returns the rack's node. */
static int32_t rack_of(struct rig *rig, int32_t count, const double *min, const double *max)
{
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    for (int32_t i = 0; i < count; i++)
        rig_gpu(rig, rack, min[i], max[i]);
    return rack;
}

static void expect(const struct rig *rig, int32_t count, const double *wanted)
{
    for (int32_t i = 0; i < count; i++)
        RIG_NEAR(rig_view(rig, i)->wanted, wanted[i]);
}

static void equal_weights_share_what_the_small_ones_leave(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 4, (double[]){200, 200, 200, 200}, (double[]){1200, 1200, 500, 300});

    rig_start(rig);
    rig_limit(rig, rack, 2400.0);
    rig_step(rig);
    expect(rig, 4, (double[]){800, 800, 500, 300});
    assert_int_equal(rig_view(rig, 0)->why.rule, CORE_RULE_LIMIT);
    assert_int_equal(rig_view(rig, 0)->why.node, rack);
    assert_int_equal(rig_view(rig, 0)->why.window_us, RIG_WINDOW_US);
    RIG_NEAR(rig_view(rig, 0)->why.bound_w, 2400.0);
    assert_int_equal(rig_view(rig, 3)->why.rule, CORE_RULE_DEVICE_MAX);
    rig_free(rig);
}

static void weights_share_in_proportion(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 4, (double[]){200, 200, 200, 200}, (double[]){1200, 1200, 1200, 1200});

    rig_start(rig);
    rig_limit(rig, rack, 2400.0);
    for (int32_t i = 0; i < 4; i++)
        rig_want(rig, i)->weight = i + 1;
    rig_step(rig);
    expect(rig, 4, (double[]){240, 480, 720, 960});
    rig_free(rig);
}

static void minimums_that_do_not_fit_are_infeasible_and_an_emergency(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 3, (double[]){200, 200, 200}, (double[]){1200, 1200, 1200});

    rig_start(rig);
    rig_limit(rig, rack, 500.0);
    rig_step(rig);
    expect(rig, 3, (double[]){200, 200, 200});
    assert_true(rig_event(rig, EV_INFEASIBLE));
    assert_int_equal(rig_view(rig, 0)->why.rule, CORE_RULE_DEVICE_MIN);
    rig_step(rig);
    assert_int_equal(rig->out->mode, CORE_MODE_EMERGENCY);
    assert_true(rig_reason(rig, CORE_REASON_INFEASIBLE));
    assert_false(rig_event(rig, EV_INFEASIBLE));
    assert_false(rig->out->armed);
    core_plan_nodes(rig->plan)[rack].limit[0].limit_w = 700.0;
    core_plan_nodes(rig->plan)[rack].limit[0].limit_standing_w = 700.0;
    rig->plan->version++;
    rig_step(rig);
    assert_true(rig_event(rig, EV_FEASIBLE));
    rig_step(rig);
    assert_int_equal(rig->out->mode, CORE_MODE_NORMAL);
    rig_free(rig);
}

static void unequal_ranges_meet_at_one_level(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 3, (double[]){100, 100, 400}, (double[]){300, 900, 900});

    rig_start(rig);
    rig_limit(rig, rack, 1300.0);
    rig_step(rig);
    expect(rig, 3, (double[]){300, 500, 500});
    rig_free(rig);
}

static void a_tight_shelf_leaves_the_rest_to_the_other(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t root = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    int32_t a = rig_node(rig, CORE_NODE_SHELF, root);
    int32_t b = rig_node(rig, CORE_NODE_SHELF, root);

    rig_gpu(rig, a, 50, 400);
    rig_gpu(rig, a, 50, 400);
    rig_gpu(rig, b, 50, 300);
    rig_gpu(rig, b, 50, 600);
    rig_start(rig);
    rig_limit(rig, root, 1100.0);
    rig_limit(rig, a, 500.0);
    rig_limit(rig, b, 700.0);
    rig_step(rig);
    expect(rig, 4, (double[]){250, 250, 300, 300});
    assert_int_equal(rig_view(rig, 0)->why.node, a);
    assert_int_equal(rig_view(rig, 3)->why.node, root);
    rig_free(rig);
}

/* A minimum that cannot be left behind: what keeps it there is the nearest limit that is full. */
static void what_holds_a_lever_at_its_minimum_is_the_nearest_full_limit(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t root = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    int32_t a = rig_node(rig, CORE_NODE_SHELF, root);

    rig_gpu(rig, a, 0, 1000);
    rig_gpu(rig, a, 600, 1000);
    rig_gpu(rig, root, 0, 1000);
    rig_start(rig);
    rig_limit(rig, root, 1000.0);
    rig_limit(rig, a, 700.0);
    rig_step(rig);
    expect(rig, 3, (double[]){ 100, 600, 300 });
    assert_int_equal(rig_view(rig, 1)->why.rule, CORE_RULE_DEVICE_MIN);
    assert_int_equal(rig_view(rig, 1)->why.node, a);
    rig_free(rig);
}

static void a_group_may_cut_across_the_tree(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t root = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    int32_t a = rig_node(rig, CORE_NODE_SHELF, root), b = rig_node(rig, CORE_NODE_SHELF, root);
    int32_t lever[4] = {rig_gpu(rig, a, 100, 1000), rig_gpu(rig, a, 100, 1000), rig_gpu(rig, b, 100, 1000),
                        rig_gpu(rig, b, 100, 1000)};
    int32_t members[2] = {rig->levers[lever[1]].node, rig->levers[lever[2]].node};

    rig_start(rig);
    rig_limit(rig, root, 2400.0);
    rig_group(rig, members, 2, 600.0);
    rig_step(rig);
    expect(rig, 4, (double[]){900, 300, 300, 900});
    assert_int_equal(rig_view(rig, 1)->why.rule, CORE_RULE_GROUP);
    assert_int_equal(rig_view(rig, 1)->why.node, 0);
    assert_int_equal(rig_view(rig, 0)->why.rule, CORE_RULE_LIMIT);
    RIG_NEAR(core_outputs_groups(rig->out)[0].budget_w, 600.0);

    rig->plan->group_count = 0; /* a group can go on a live plan */
    rig->plan->version++;
    rig_step(rig);
    expect(rig, 4, (double[]){600, 600, 600, 600});
    rig_free(rig);
}

static void two_groups_share_one_member(void **state)
{
    (void)state;
    struct rig *rig = rig_new();

    rack_of(rig, 3, (double[]){0, 0, 0}, (double[]){1000, 1000, 1000});
    rig_start(rig);
    rig_group(rig, (int32_t[]){1, 2}, 2, 400.0);
    rig_group(rig, (int32_t[]){2, 3}, 2, 1000.0);
    rig_step(rig);
    expect(rig, 3, (double[]){200, 200, 800});
    rig_free(rig);
}

static void plan_minimums_of_the_lowest_priority_are_shed_first(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 3, (double[]){100, 100, 100}, (double[]){1000, 1000, 1000});

    rig_start(rig);
    rig_limit(rig, rack, 1200.0);
    for (int32_t i = 0; i < 3; i++) {
        rig_want(rig, i)->min = 500.0;
        rig_want(rig, i)->priority = i;
    }
    rig_step(rig);
    expect(rig, 3, (double[]){100, 500, 600});
    assert_false(rig_event(rig, EV_INFEASIBLE));
    rig_free(rig);
}

static void higher_priorities_get_their_demand_first(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 3, (double[]){100, 100, 100}, (double[]){1000, 1000, 1000});

    rig_measure(rig, 0, 500.0); /* grain is 1 % of the maximum */
    rig_start(rig);
    rig_limit(rig, rack, 1500.0);
    rig_want(rig, 0)->priority = 7;
    rig_want(rig, 1)->priority = 5;
    rig_step(rig);
    expect(rig, 3, (double[]){1000, 400, 100}); /* one reading says little */
    rig_run(rig, 120000000);
    /* as measured, within what is not heard; then all the others may want; nothing for the last */
    assert_true(rig_view(rig, 0)->wanted >= 500.0 && rig_view(rig, 0)->wanted <= 600.0);
    RIG_NEAR(rig_view(rig, 1)->wanted, 1400.0 - rig_view(rig, 0)->wanted);
    RIG_NEAR(rig_view(rig, 2)->wanted, 100.0);
    rig_free(rig);
}

static void an_idle_leaf_lends_its_watts_to_one_at_its_cap(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 2, (double[]){100, 100}, (double[]){1000, 1000});

    rig_measure(rig, 0, 200.0);
    rig_measure(rig, 1, 600.0);
    *rig_held(rig, 0) = *rig_held(rig, 1) = 600.0;
    rig_start(rig);
    rig_limit(rig, rack, 1200.0);
    rig_step(rig);
    expect(rig, 2, (double[]){600, 600}); /* one reading says little */
    rig->plan->forecast_margin_w = 50.0;
    rig->plan->version++;
    for (int32_t i = 0; i < 12000; i++) {
        rig->value[rig->levers[1].demand_point] = 0.97 * *rig_held(rig, 1); /* at its cap */
        rig_step(rig);
    }
    assert_true(rig_view(rig, 0)->wanted >= 250.0 && rig_view(rig, 0)->wanted <= 350.0);
    RIG_NEAR(rig_view(rig, 1)->wanted, 1200.0 - rig_view(rig, 0)->wanted);
    rig_free(rig);
}

static void nobody_is_lowered_while_there_is_enough(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 2, (double[]){100, 100}, (double[]){1000, 1000});

    rig_measure(rig, 0, 150.0);
    rig_measure(rig, 1, 700.0);
    rig_start(rig);
    rig_limit(rig, rack, 2000.0);
    rig_step(rig);
    expect(rig, 2, (double[]){1000, 1000});
    rig_free(rig);
}

static void equal_leaves_keep_equal_caps_when_one_dips(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 3, (double[]){100, 100, 100}, (double[]){1000, 1000, 1000});

    for (int32_t i = 0; i < 3; i++)
        rig_measure(rig, i, i == 1 ? 150.0 : 550.0);
    rig_start(rig);
    rig_limit(rig, rack, 1800.0);
    rig_step(rig);
    expect(rig, 3, (double[]){600, 600, 600});
    rig_free(rig);
}

static void a_parent_with_a_share_carries_only_that(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    int32_t shelf[2] = {rig_node(rig, CORE_NODE_SHELF, rack), rig_node(rig, CORE_NODE_SHELF, rack)};
    int32_t bar = rig_node(rig, CORE_NODE_BUSBAR, CORE_NONE);

    rig->nodes[bar].parent_count = 2;
    for (int32_t p = 0; p < 2; p++) {
        rig->nodes[bar].parent[p] = shelf[p];
        rig->nodes[bar].share[p] = 0.6;
    }
    rig_gpu(rig, bar, 0, 1000);
    rig_gpu(rig, bar, 0, 1000);
    rig_start(rig);
    rig_limit(rig, shelf[0], 600.0);
    rig_limit(rig, rack, 1100.0);
    rig_step(rig);
    expect(rig, 2, (double[]){500, 500}); /* 0.6 * 1000; at the rack 1000, not 1200 */
    rig_free(rig);
}

static void overshoot_losses_and_static_load_are_taken_off(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    int32_t lever = rig_gpu(rig, rack, 0, 1000);

    rig->nodes[rack].loss_ratio = 0.1;
    rig->nodes[rack].loss_w = 20.0;
    rig->nodes[rack].static_w = 100.0;
    rig->levers[lever].overshoot_ratio = 0.25;
    rig_start(rig);
    rig_limit(rig, rack, 955.0); /* (x * 1.25 + 100) * 1.1 + 20 */
    rig_step(rig);
    RIG_NEAR(rig_view(rig, lever)->wanted, 600.0);
    rig_free(rig);
}

static void caps_are_whole_steps_below(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 2, (double[]){0, 0}, (double[]){1000, 1000});

    rig->levers[0].step = rig->levers[1].step = 25.0;
    rig_start(rig);
    rig_limit(rig, rack, 1248.0);
    rig_step(rig);
    expect(rig, 2, (double[]){600, 600});
    rig_free(rig);
}

static void a_stale_lever_stands_and_the_others_make_room(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rack_of(rig, 3, (double[]){100, 100, 100}, (double[]){1000, 1000, 1000});

    rig->silent[0] = true;
    rig_start(rig);
    rig_limit(rig, rack, 1800.0);
    rig_run(rig, 1000000);
    expect(rig, 3, (double[]){600, 600, 600}); /* not given up yet */
    rig_run(rig, 3000000);
    expect(rig, 3, (double[]){1000, 400, 400});
    assert_int_equal(rig_view(rig, 0)->why.rule, CORE_RULE_IN_FLIGHT);
    rig_free(rig);
}

/* Any point of a random problem: it fits, and no leaf can get more without
 * taking from one that has no more of it. */
static void check_fair(const struct rig *rig, int32_t levers, int32_t zones)
{
    for (int32_t i = 0; i < levers; i++) {
        const struct core_lever_view *view = rig_view(rig, i);
        bool stopped = view->wanted >= rig->levers[i].max - 1e-6;

        for (int32_t z = 0; z < zones; z++) {
            double sum = 0.0, most = 0.0;
            bool inside = false;

            for (int32_t k = 0; k < levers; k++) {
                int32_t n = rig->levers[k].node;

                while (n != CORE_NONE && n != z)
                    n = rig->nodes[n].parent_count ? rig->nodes[n].parent[0] : CORE_NONE;
                if (n != z)
                    continue;
                inside = inside || k == i;
                sum += rig_view(rig, k)->wanted;
                most =
                    fmax(most, rig_view(rig, k)->wanted > rig->levers[k].min + 1e-6 ? rig_view(rig, k)->wanted
                                                                                    : 0.0);
            }
            double limit = core_plan_nodes(rig->plan)[z].limit[0].limit_w;

            assert_true(sum <= limit + 1e-6);
            stopped = stopped || (inside && sum >= limit - 1e-6 && view->wanted >= most - 1e-6);
        }
        assert_true(stopped);
    }
}

static void random_trees_are_divided_fairly(void **state)
{
    (void)state;
    srand(7);
    for (int32_t run = 0; run < 200; run++) {
        struct rig *rig = rig_new();
        int32_t zones = 2 + rand() % 6, levers = 1 + rand() % 12;

        for (int32_t z = 0; z < zones; z++)
            rig_node(rig, CORE_NODE_SHELF, z == 0 ? CORE_NONE : rand() % z);
        for (int32_t l = 0; l < levers; l++)
            rig_gpu(rig, rand() % zones, rand() % 100, 100 + rand() % 900);
        rig_start(rig);
        for (int32_t z = 0; z < zones; z++)
            rig_limit(rig, z, 1300.0 + rand() % 3000);
        rig_step(rig);
        check_fair(rig, levers, zones);
        rig_free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_weights_share_what_the_small_ones_leave),
        cmocka_unit_test(weights_share_in_proportion),
        cmocka_unit_test(minimums_that_do_not_fit_are_infeasible_and_an_emergency),
        cmocka_unit_test(unequal_ranges_meet_at_one_level),
        cmocka_unit_test(a_tight_shelf_leaves_the_rest_to_the_other),
        cmocka_unit_test(what_holds_a_lever_at_its_minimum_is_the_nearest_full_limit),
        cmocka_unit_test(a_group_may_cut_across_the_tree),
        cmocka_unit_test(two_groups_share_one_member),
        cmocka_unit_test(plan_minimums_of_the_lowest_priority_are_shed_first),
        cmocka_unit_test(higher_priorities_get_their_demand_first),
        cmocka_unit_test(an_idle_leaf_lends_its_watts_to_one_at_its_cap),
        cmocka_unit_test(nobody_is_lowered_while_there_is_enough),
        cmocka_unit_test(equal_leaves_keep_equal_caps_when_one_dips),
        cmocka_unit_test(a_parent_with_a_share_carries_only_that),
        cmocka_unit_test(overshoot_losses_and_static_load_are_taken_off),
        cmocka_unit_test(caps_are_whole_steps_below),
        cmocka_unit_test(a_stale_lever_stands_and_the_others_make_room),
        cmocka_unit_test(random_trees_are_divided_fairly),
    };

    return cmocka_run_group_tests_name("allocate", tests, NULL, NULL);
}
