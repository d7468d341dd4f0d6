/* SPDX-License-Identifier: Apache-2.0 */
/* The mode machine, and when the rack counts as armed. */
#include "core_rig.h"

static struct rig *pair(void)
{
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    rig_gpu(rig, rack, 100, 1000);
    rig_gpu(rig, rack, 100, 1000);
    rig_start(rig);
    rig_limit(rig, rack, 1200.0);
    return rig;
}

static void control_starts_degraded_and_becomes_normal_when_all_is_read(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig->silent[0] = rig->silent[1] = true;
    rig_step(rig);
    assert_int_equal(rig->out->mode, CORE_MODE_DEGRADED);
    assert_true(rig_reason(rig, CORE_REASON_STARTING));
    rig->silent[0] = rig->silent[1] = false;
    rig_step(rig);
    assert_int_equal(rig->out->mode, CORE_MODE_NORMAL);
    assert_int_equal(rig->out->reasons, 0);
    assert_int_equal(rig->events[EV_MODE_CHANGED], 2);
    rig_free(rig);
}

static void a_stale_device_degrades_and_its_lever_stands(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_run(rig, 500000);
    assert_true(rig->out->armed);
    rig->silent[0] = true;
    rig_run(rig, 1500000);
    assert_int_equal(rig->out->mode, CORE_MODE_DEGRADED);
    assert_true(rig_reason(rig, CORE_REASON_DEVICES_STALE));
    rig->orders[0] = rig->orders[1] = 0;
    core_plan_nodes(rig->plan)[0].limit[0].limit_w = 1000.0;
    core_plan_nodes(rig->plan)[0].limit[0].limit_standing_w = 1000.0;
    rig->plan->version++;
    rig_run(rig, 300000);
    assert_int_equal(rig->orders[0], 0);
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    RIG_NEAR(rig->value[1], 400.0);
    assert_true(rig->out->armed);
    rig_free(rig);
}

static void a_device_that_matters_to_nobody_does_not_degrade(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t device;

    rig_gpu(rig, rig_node(rig, CORE_NODE_RACK, CORE_NONE), 0, 1000);
    device = rig_device(rig);
    rig_point(rig, device, CORE_NONE, SIGNAL_PSU_STATUS_WORD);
    rig->silent[device] = true;
    rig_start(rig);
    rig_run(rig, 4000000);
    assert_int_equal(core_outputs_devices(rig->out)[device].quality, CORE_DEVICE_STALE);
    assert_int_equal(rig->out->mode, CORE_MODE_NORMAL);
    rig_free(rig);
}

static void an_emergency_brings_everything_to_its_base(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig->levers[0].base = 250.0;
    rig->levers[1].base = 50.0; /* under its minimum */
    rig_boot(rig);
    rig_run(rig, 500000);
    rig_mode(rig, CORE_WANT_EMERGENCY);
    rig_run(rig, 500000);
    assert_int_equal(rig->out->mode, CORE_MODE_EMERGENCY);
    assert_true(rig_reason(rig, CORE_REASON_OPERATOR));
    RIG_NEAR(rig->value[0], 250.0);
    RIG_NEAR(rig->value[1], 100.0);
    assert_int_equal(rig_view(rig, 0)->why.rule, CORE_RULE_BASE);
    assert_int_equal(rig_view(rig, 1)->why.rule, CORE_RULE_DEVICE_MIN);
    rig_mode(rig, CORE_WANT_CONTROL);
    rig_run(rig, 500000);
    RIG_NEAR(rig->value[0], 600.0);
    rig_free(rig);
}

static void bases_that_do_not_fit_are_divided_fairly(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_mode(rig, CORE_WANT_EMERGENCY);
    rig_run(rig, 500000);
    RIG_NEAR(rig->value[0], 600.0);
    RIG_NEAR(rig->value[1], 600.0);
    rig_free(rig);
}

static void armed_is_told_at_each_rising_edge(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_run(rig, 500000);
    assert_true(rig->out->armed);
    for (int32_t i = 0; i < 20; i++) { /* ordinary orders do not disarm */
        rig_want(rig, 0)->max = i % 2 ? 300.0 : 500.0;
        rig_step(rig);
        assert_true(rig->out->armed);
    }
    assert_int_equal(rig->events[EV_ARMED], 1);
    rig_mode(rig, CORE_WANT_OBSERVE);
    rig_step(rig);
    assert_false(rig->out->armed);
    rig_mode(rig, CORE_WANT_CONTROL);
    rig_step(rig);
    assert_int_equal(rig->events[EV_ARMED], 2);
    rig_free(rig);
}

static void a_lower_envelope_is_armed_when_it_is_kept(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_run(rig, 500000);
    core_plan_nodes(rig->plan)[0].limit[0].limit_w = 800.0;
    core_plan_nodes(rig->plan)[0].limit[0].limit_standing_w = 800.0;
    rig->plan->version++;
    rig_step(rig);
    assert_false(rig->out->armed);
    rig_step(rig);
    assert_true(rig->out->armed);
    assert_int_equal(rig->events[EV_ARMED], 2);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_starts_degraded_and_becomes_normal_when_all_is_read),
        cmocka_unit_test(a_stale_device_degrades_and_its_lever_stands),
        cmocka_unit_test(a_device_that_matters_to_nobody_does_not_degrade),
        cmocka_unit_test(an_emergency_brings_everything_to_its_base),
        cmocka_unit_test(bases_that_do_not_fit_are_divided_fairly),
        cmocka_unit_test(armed_is_told_at_each_rising_edge),
        cmocka_unit_test(a_lower_envelope_is_armed_when_it_is_kept),
    };

    return cmocka_run_group_tests_name("mode", tests, NULL, NULL);
}
