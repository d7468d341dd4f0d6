/* SPDX-License-Identifier: Apache-2.0 */
/* Sums up the power tree, bounds where something is missing, coefficients. */
#include "core_rig.h"

static void sums_add_children_static_load_and_losses(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), tray = rig_node(rig, CORE_NODE_TRAY, rack);
    int32_t a = rig_gpu(rig, tray, 0, 1000), b = rig_gpu(rig, tray, 0, 1000);

    rig->nodes[tray].static_w = 100.0;
    rig->nodes[tray].loss_ratio = 0.05;
    rig->nodes[rack].loss_w = 30.0;
    rig_measure(rig, a, 300.0);
    rig_measure(rig, b, 500.0);
    rig_start(rig);
    rig_step(rig);
    RIG_NEAR(rig_zone(rig, tray)->power_w, 945.0);
    RIG_NEAR(rig_zone(rig, rack)->power_w, 975.0);
    RIG_NEAR(rig_zone(rig, rack)->low_w, 975.0);
    RIG_NEAR(rig_zone(rig, rack)->high_w, 975.0);
    assert_false(rig_zone(rig, rack)->measured);
    RIG_NEAR(rig_zone(rig, rack)->counted_w, (2000.0 + 100.0) * 1.05 + 30.0);
    rig_free(rig);
}

static void a_sensor_of_its_own_wins_over_the_sum(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), tray = rig_node(rig, CORE_NODE_TRAY, rack);
    int32_t gpu = rig_gpu(rig, tray, 0, 1000), one, two;

    rig_measure(rig, gpu, 300.0);
    one = rig_sensor(rig, tray, 260.0);
    two = rig_sensor(rig, tray, 100.0); /* two supplies of one tray */
    rig->points[two].node_scale = 0.5;
    rig_start(rig);
    rig_step(rig);
    RIG_NEAR(rig_zone(rig, tray)->power_w, 310.0);
    RIG_NEAR(rig_zone(rig, rack)->power_w, 310.0);
    assert_true(rig_zone(rig, tray)->measured);

    rig->silent[rig->points[one].device] = true; /* then: the last value, and the sum's bounds */
    rig_run(rig, 1500000);
    assert_false(rig_zone(rig, tray)->measured);
    RIG_NEAR(rig_zone(rig, tray)->power_w, 310.0);
    RIG_NEAR(rig_zone(rig, tray)->high_w, 300.0);
    rig_free(rig);
}

static void what_is_missing_lies_between_nothing_and_its_cap(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    int32_t a = rig_gpu(rig, rack, 0, 1000), b = rig_gpu(rig, rack, 0, 1000);

    rig_measure(rig, a, 300.0);
    rig_measure(rig, b, 500.0);
    rig->levers[b].overshoot_ratio = 0.2;
    rig->silent[rig->levers[b].device] = true;
    rig_start(rig);
    rig_step(rig);
    assert_true(isnan(rig_zone(rig, rack)->power_w)); /* never read */
    RIG_NEAR(rig_zone(rig, rack)->low_w, 300.0);
    RIG_NEAR(rig_zone(rig, rack)->high_w, 1500.0);
    rig->silent[rig->levers[b].device] = false;
    rig_run(rig, 200000);
    rig->silent[rig->levers[b].device] = true;
    rig_run(rig, 1500000);
    RIG_NEAR(rig_zone(rig, rack)->power_w, 800.0); /* its last value */
    RIG_NEAR(rig_zone(rig, rack)->low_w, 300.0);
    RIG_NEAR(rig_zone(rig, rack)->high_w, 1500.0);
    rig_free(rig);
}

/* A busbar on four shelves, any three of which can carry it, all on one rack. */
static void paths_that_meet_again_never_count_more_than_the_whole(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), shelf[4], bar, gpu;

    for (int32_t s = 0; s < 4; s++)
        shelf[s] = rig_node(rig, CORE_NODE_SHELF, rack);
    rig->nodes[shelf[1]].loss_ratio = 0.1; /* the worst way up */
    bar = rig_node(rig, CORE_NODE_BUSBAR, CORE_NONE);
    rig->nodes[bar].parent_count = 4;
    for (int32_t s = 0; s < 4; s++) {
        rig->nodes[bar].parent[s] = shelf[s];
        rig->nodes[bar].share[s] = 1.0 / 3.0;
    }
    gpu = rig_gpu(rig, bar, 0, 900);
    rig_measure(rig, gpu, 600.0);
    rig_start(rig);
    rig_step(rig);
    RIG_NEAR(rig_zone(rig, shelf[0])->counted_w, 300.0);
    RIG_NEAR(rig_zone(rig, shelf[1])->counted_w, 330.0);
    RIG_NEAR(rig_zone(rig, rack)->counted_w, 990.0);
    RIG_NEAR(rig_zone(rig, shelf[0])->power_w, 150.0); /* likely a quarter */
    RIG_NEAR(rig_zone(rig, shelf[0])->high_w, 200.0);  /* perhaps a third */
    RIG_NEAR(rig_zone(rig, shelf[0])->low_w, 0.0);
    RIG_NEAR(rig_zone(rig, rack)->power_w, 615.0);
    RIG_NEAR(rig_zone(rig, rack)->high_w, 660.0);
    rig_free(rig);
}

static void a_measured_leaf_without_a_lever_counts_for_what_it_draws(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), leaf = rig_node(rig, CORE_NODE_LOAD, rack);
    int32_t point = rig_sensor(rig, leaf, 700.0);

    rig->nodes[leaf].static_w = 500.0;
    rig->nodes[rack].loss_ratio = 0.1;
    rig_start(rig);
    rig_run(rig, 50000);
    RIG_NEAR(rig_zone(rig, rack)->counted_w, (500.0 + 200.0 * 1.02) * 1.1);
    rig->value[point] = 690.0; /* within a tenth of what it counted for: it may come back to that */
    rig_run(rig, 50000);
    RIG_NEAR(rig_zone(rig, rack)->counted_w, (500.0 + 200.0 * 1.02) * 1.1);
    rig->value[point] = 680.0;
    rig_run(rig, 50000);
    RIG_NEAR(rig_zone(rig, rack)->counted_w, (500.0 + 180.0 * 1.02) * 1.1);
    rig->value[point] = 400.0;
    rig_run(rig, 50000);
    RIG_NEAR(rig_zone(rig, rack)->counted_w, 550.0); /* never under its static load */
    rig_free(rig);
}

static void a_group_is_the_sum_of_its_members(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), tray = rig_node(rig, CORE_NODE_TRAY, rack);
    int32_t a = rig_gpu(rig, tray, 0, 1000), b = rig_gpu(rig, rack, 0, 1000);

    rig->nodes[tray].static_w = 50.0;
    rig_measure(rig, a, 300.0);
    rig_measure(rig, b, 500.0);
    rig_start(rig);
    rig_group(rig, (int32_t[]){tray, rig->levers[b].node}, 2, 3000.0);
    rig_step(rig);
    RIG_NEAR(core_outputs_groups(rig->out)[0].power_w, 850.0);
    RIG_NEAR(core_outputs_groups(rig->out)[0].counted_w, 2050.0);
    assert_true(isinf(core_outputs_groups(rig->out)[0].trip_s)); /* no device protects one */
    assert_true(isnan(core_outputs_groups(rig->out)[0].heat_ratio));
    rig_free(rig);
}

/* A member that is not read lies between nothing and its cap. */
static void a_group_is_known_as_far_as_its_members_are(void **state)
{
    (void)state;

    for (int32_t gone = 0; gone < 3; gone++) { /* one of three, the first, the middle one or the last */
        struct rig *rig = rig_new();
        int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), members[3];
        const struct core_node_view *view;

        for (int32_t l = 0; l < 3; l++) {
            members[l] = rig->levers[rig_gpu(rig, rack, 0, 1000)].node;
            rig_measure(rig, l, 300.0 + 100.0 * l);
        }
        rig_start(rig);
        rig_group(rig, members, 3, 5000.0);
        rig_step(rig);
        view = &core_outputs_groups(rig->out)[0];
        RIG_NEAR(view->power_w, 1200.0);
        RIG_NEAR(view->low_w, 1200.0);
        RIG_NEAR(view->high_w, 1200.0);
        rig->silent[rig->levers[gone].device] = true;
        rig_run(rig, 1500000);
        view = &core_outputs_groups(rig->out)[0];
        RIG_NEAR(view->power_w, 1200.0); /* what it drew last */
        RIG_NEAR(view->low_w, 900.0 - 100.0 * gone);
        RIG_NEAR(view->high_w, 900.0 - 100.0 * gone + 1000.0);
        rig_free(rig);
    }
}

static void a_group_is_measured_where_all_of_its_members_are(void **state)
{
    (void)state;

    for (int32_t bare = -1; bare < 2; bare++) {
        struct rig *rig = rig_new();
        int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), members[2];

        for (int32_t l = 0; l < 2; l++) {
            members[l] = rig->levers[rig_gpu(rig, rack, 0, 1000)].node;
            rig_measure(rig, l, 300.0);
            if (l != bare)
                rig_sensor(rig, members[l], 310.0);
        }
        rig_start(rig);
        rig_group(rig, members, 2, 5000.0);
        rig_step(rig);
        assert_int_equal(core_outputs_groups(rig->out)[0].measured, bare < 0);
        rig_free(rig);
    }
}

static void a_forecast_is_what_is_drawn_plus_a_margin_under_the_caps(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    int32_t a = rig_gpu(rig, rack, 0, 1000), point = rig_measure(rig, a, 500.0);

    rig_start(rig);
    rig->plan->forecast_margin_ratio = 0.1;
    rig->plan->forecast_margin_w = 20.0;
    rig_step(rig);
    RIG_NEAR(rig_view(rig, a)->demand_w, 570.0);
    RIG_NEAR(rig_zone(rig, rack)->forecast_w, 500.0);
    RIG_NEAR(rig_zone(rig, rack)->upper_w, 570.0);
    rig->value[point] = 980.0;
    rig_step(rig);
    RIG_NEAR(rig_view(rig, a)->demand_w, 1000.0);
    RIG_NEAR(rig_zone(rig, rack)->upper_w, 1000.0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_add_children_static_load_and_losses),
        cmocka_unit_test(a_sensor_of_its_own_wins_over_the_sum),
        cmocka_unit_test(what_is_missing_lies_between_nothing_and_its_cap),
        cmocka_unit_test(paths_that_meet_again_never_count_more_than_the_whole),
        cmocka_unit_test(a_measured_leaf_without_a_lever_counts_for_what_it_draws),
        cmocka_unit_test(a_group_is_the_sum_of_its_members),
        cmocka_unit_test(a_group_is_known_as_far_as_its_members_are),
        cmocka_unit_test(a_group_is_measured_where_all_of_its_members_are),
        cmocka_unit_test(a_forecast_is_what_is_drawn_plus_a_margin_under_the_caps),
    };

    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
