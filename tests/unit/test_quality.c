/* SPDX-License-Identifier: Apache-2.0 */
/* Which readings are believed, and when a device is stale or well. */
#include "core_rig.h"

/* One sensor on one node that reads 500 W. */
static struct rig *one(void)
{
    struct rig *rig = rig_new();

    rig_sensor(rig, rig_node(rig, CORE_NODE_RACK, CORE_NONE), 500.0);
    rig_start(rig);
    return rig;
}

static const struct core_device_view *device(const struct rig *rig)
{
    return &core_outputs_devices(rig->out)[0];
}

static void a_device_is_unread_then_good_then_stale_then_well(void **state)
{
    (void)state;
    struct rig *rig = one();

    rig->silent[0] = true;
    rig_step(rig);
    assert_int_equal(device(rig)->quality, CORE_DEVICE_UNREAD);
    assert_true(device(rig)->age_us == CORE_FOREVER);
    rig->silent[0] = false;
    rig_step(rig);
    assert_int_equal(device(rig)->quality, CORE_DEVICE_GOOD);
    assert_int_equal(rig->events[EV_DEVICE_WELL], 0);
    rig->silent[0] = true;
    rig_run(rig, 1000000);
    assert_int_equal(device(rig)->quality, CORE_DEVICE_GOOD);
    assert_int_equal(device(rig)->age_us, 1000000);
    rig_run(rig, 2000000);
    assert_int_equal(device(rig)->quality, CORE_DEVICE_STALE);
    assert_int_equal(rig->events[EV_DEVICE_STALE], 1);
    rig->silent[0] = false;
    rig_step(rig);
    assert_int_equal(device(rig)->quality, CORE_DEVICE_GOOD);
    assert_int_equal(rig->events[EV_DEVICE_WELL], 1);
    rig_free(rig);
}

static void a_device_that_never_answers_is_stale_in_the_end(void **state)
{
    (void)state;
    struct rig *rig = one();

    rig->silent[0] = true;
    rig_run(rig, 2900000);
    assert_int_equal(device(rig)->quality, CORE_DEVICE_UNREAD);
    rig_run(rig, 200000);
    assert_int_equal(device(rig)->quality, CORE_DEVICE_STALE);
    rig_free(rig);
}

static void an_implausible_value_is_told_once_and_not_used(void **state)
{
    (void)state;
    const double wrong[3] = {-1.0, 2e6, NAN};

    for (int32_t i = 0; i < 3; i++) {
        struct rig *rig = one();

        rig_step(rig);
        RIG_NEAR(rig_zone(rig, 0)->power_w, 500.0);
        assert_true(rig_zone(rig, 0)->measured);
        rig->value[0] = wrong[i];
        rig_run(rig, 50000);
        assert_int_equal(rig->events[EV_READING_IMPLAUSIBLE], 1);
        RIG_NEAR(rig_zone(rig, 0)->power_w, 500.0); /* the last that was believed */
        assert_false(rig_zone(rig, 0)->measured);
        rig->value[0] = 400.0;
        rig_step(rig);
        RIG_NEAR(rig_zone(rig, 0)->power_w, 400.0);
        assert_true(rig_zone(rig, 0)->measured);
        rig->value[0] = wrong[i];
        rig_step(rig);
        assert_int_equal(rig->events[EV_READING_IMPLAUSIBLE], 2); /* a new edge */
        rig_free(rig);
    }
}

static void a_value_that_never_moves_is_stuck(void **state)
{
    (void)state;
    struct rig *rig = rig_new();

    rig_sensor(rig, rig_node(rig, CORE_NODE_RACK, CORE_NONE), 500.0);
    rig->points[0].stuck_after_us = 200000;
    rig_start(rig);
    rig_run(rig, 150000);
    assert_int_equal(rig->events[EV_READING_STUCK], 0);
    rig_run(rig, 200000);
    assert_int_equal(rig->events[EV_READING_STUCK], 1);
    assert_false(rig_zone(rig, 0)->measured);
    assert_int_equal(device(rig)->quality, CORE_DEVICE_GOOD); /* it does answer */
    rig->value[0] = 500.1;
    rig_step(rig);
    assert_true(rig_zone(rig, 0)->measured);
    rig_free(rig);
}

static void failed_late_and_doubled_readings_change_nothing(void **state)
{
    (void)state;
    struct rig *rig = one();

    rig_step(rig);
    rig->now_us += 10000;
    rig->readings[0] = (struct core_reading){
        .status = ST_TIMEOUT, .value = 7.0, .taken_us = rig->now_us, .arrived_us = rig->now_us};
    rig->readings[1] =
        (struct core_reading){.value = 8.0, .taken_us = rig->now_us - 50000, .arrived_us = rig->now_us};
    rig->readings[2] =
        (struct core_reading){.value = 9.0, .taken_us = rig->now_us - 10000, .arrived_us = rig->now_us};
    rig_step_with(rig, 3);
    RIG_NEAR(rig_zone(rig, 0)->power_w, 500.0);
    assert_int_equal(device(rig)->age_us, 10000);
    rig_free(rig);
}

static void a_reading_from_the_future_was_taken_now(void **state)
{
    (void)state;
    struct rig *rig = one();

    rig->readings[0] =
        (struct core_reading){.value = 450.0, .taken_us = rig->now_us + 9000000, .arrived_us = rig->now_us};
    rig_step_with(rig, 1);
    RIG_NEAR(rig_zone(rig, 0)->power_w, 450.0);
    assert_int_equal(device(rig)->age_us, 0);
    rig_step(rig);
    RIG_NEAR(rig_zone(rig, 0)->power_w, 500.0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_unread_then_good_then_stale_then_well),
        cmocka_unit_test(a_device_that_never_answers_is_stale_in_the_end),
        cmocka_unit_test(an_implausible_value_is_told_once_and_not_used),
        cmocka_unit_test(a_value_that_never_moves_is_stuck),
        cmocka_unit_test(failed_late_and_doubled_readings_change_nothing),
        cmocka_unit_test(a_reading_from_the_future_was_taken_now),
    };

    return cmocka_run_group_tests_name("quality", tests, NULL, NULL);
}
