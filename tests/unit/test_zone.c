/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets in time: equipment and plan, expiries, what may stand alone. */
#include "core_rig.h"

#define DELAY_US INT64_C(100000)

static struct rig *single(void)
{
    struct rig *rig = rig_new();

    rig_gpu(rig, rig_node(rig, CORE_NODE_RACK, CORE_NONE), 100, 5000);
    rig_start(rig);
    return rig;
}

static void the_tightest_of_equipment_and_plan_holds(void **state)
{
    (void)state;
    struct rig *rig = single();

    rig->nodes[0].limit_count = 1;
    rig->nodes[0].limit[0] = (struct core_limit){.window_us = 10000, .limit_w = 900.0};
    rig_boot(rig);
    rig_limit(rig, 0, 1000.0);
    rig_step(rig);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 900.0);
    assert_int_equal(rig_view(rig, 0)->why.window_us, 10000);
    core_plan_nodes(rig->plan)[0].limit[0].limit_w = 800.0;
    core_plan_nodes(rig->plan)[0].limit[0].limit_standing_w = 800.0;
    rig->plan->version++;
    rig_step(rig);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 800.0);
    assert_int_equal(rig_view(rig, 0)->why.window_us, RIG_WINDOW_US);
    rig_free(rig);
}

static void a_cap_that_stands_never_uses_a_budget_that_ends(void **state)
{
    (void)state;
    struct rig *rig = single();
    struct core_plan_limit *limit = rig_limit(rig, 0, 2000.0);

    limit->expires_us = rig->now_us + 5000000;
    limit->limit_standing_w = 1500.0;
    rig_run(rig, 1000000);
    RIG_NEAR(rig->value[0], 1500.0);
    rig_free(rig);
}

static void a_budget_ends_one_worst_delay_early(void **state)
{
    (void)state;
    struct rig *rig = single();
    struct core_plan_limit *limit = rig_limit(rig, 0, 2000.0);
    int64_t end_us = rig->now_us + 1000000;

    limit->expires_us = end_us;
    limit->limit_standing_w = 1500.0;
    while (rig->now_us < end_us - DELAY_US - rig->step_us)
        rig_step(rig);
    RIG_NEAR(rig_zone(rig, 0)->limit[0].limit_w, 2000.0);
    rig_step(rig);
    RIG_NEAR(rig_zone(rig, 0)->limit[0].limit_w, 1500.0);
    rig_free(rig);
}

static void a_lower_limit_for_a_while_ends_only_at_its_time(void **state)
{
    (void)state;
    struct rig *rig = single();
    struct core_plan_limit *limit = rig_limit(rig, 0, 700.0);
    int64_t end_us = rig->now_us + 1000000;

    limit->expires_us = end_us;
    limit->limit_standing_w = 1500.0;
    while (rig->now_us < end_us - rig->step_us) {
        rig_step(rig);
        RIG_NEAR(rig_view(rig, 0)->wanted, 700.0);
    }
    rig_step(rig);
    RIG_NEAR(rig_view(rig, 0)->wanted, 1500.0);
    assert_non_null(rig_order(rig, 0));
    rig_free(rig);
}

static void a_group_with_other_members_has_another_history(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    for (int32_t i = 0; i < 3; i++)
        rig_measure(rig, rig_gpu(rig, rack, 0, 1000), 400.0);
    rig_start(rig);
    rig_group(rig, (int32_t[]){1, 2}, 2, 500.0);
    rig_run(rig, 1500000);
    assert_int_equal(core_outputs_groups(rig->out)[0].limit[0].violations, 1);
    rig->plan->version++; /* same members: same history */
    rig_step(rig);
    assert_int_equal(core_outputs_groups(rig->out)[0].limit[0].violations, 1);
    core_plan_members(rig->plan)[1] = 3;
    rig->plan->version++;
    rig_step(rig);
    assert_int_equal(core_outputs_groups(rig->out)[0].limit[0].violations, 0);
    assert_true(isnan(core_outputs_groups(rig->out)[0].limit[0].mean_w));
    rig_free(rig);
}

static void a_plan_of_the_same_version_is_not_looked_at(void **state)
{
    (void)state;
    struct rig *rig = single();

    rig_limit(rig, 0, 900.0);
    rig_step(rig);
    core_plan_nodes(rig->plan)[0].limit[0].limit_w = 1.0;
    rig_step(rig);
    RIG_NEAR(rig_zone(rig, 0)->budget_w, 900.0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tightest_of_equipment_and_plan_holds),
        cmocka_unit_test(a_cap_that_stands_never_uses_a_budget_that_ends),
        cmocka_unit_test(a_budget_ends_one_worst_delay_early),
        cmocka_unit_test(a_lower_limit_for_a_while_ends_only_at_its_time),
        cmocka_unit_test(a_group_with_other_members_has_another_history),
        cmocka_unit_test(a_plan_of_the_same_version_is_not_looked_at),
    };

    return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
