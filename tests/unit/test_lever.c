/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an order, and what a lever counts for meanwhile. */
#include "core/lever.h"
#include "core_rig.h"

#define DELAY_US INT64_C(100000)

/* Two GPUs of 100 to 1000 W under a rack of 1200 W: each wants 600. */
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

static void limit_to(struct rig *rig, double limit_w)
{
    core_plan_nodes(rig->plan)[0].limit[0].limit_w = limit_w;
    core_plan_nodes(rig->plan)[0].limit[0].limit_standing_w = limit_w;
    rig->plan->version++;
}

/* The next step with one acknowledgement for the last order of lever 0. */
static void step_ack(struct rig *rig, enum status status, double readback)
{
    rig->now_us += rig->step_us;
    rig->acks[0] = (struct core_ack){.status = status,
                                     .number = rig_view(rig, 0)->number,
                                     .readback = readback,
                                     .dispatched_us = rig->now_us,
                                     .done_us = rig->now_us};
    rig->ack_count = 1;
    rig_step_with(rig, 0);
}

/* The next step with one reading of lever 0, taken `ago_us` before. */
static void step_read(struct rig *rig, double value, int64_t ago_us)
{
    rig->now_us += rig->step_us;
    rig->readings[0] = (struct core_reading){.point = rig->levers[0].readback_point,
                                             .value = value,
                                             .taken_us = rig->now_us - ago_us,
                                             .arrived_us = rig->now_us};
    rig_step_with(rig, 1);
}

/* Both levers at 600 for good, then lever 0 has an order for 500 in flight. */
static struct rig *in_flight(void)
{
    struct rig *rig = pair();

    rig_run(rig, 500000);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_IN_FORCE);
    limit_to(rig, 1000.0);
    rig->deaf = true;
    rig_step(rig);
    assert_non_null(rig_order(rig, 0));
    RIG_NEAR(rig_order(rig, 0)->value, 500.0);
    return rig;
}

static void an_unread_lever_counts_as_its_maximum_and_gets_no_order(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig->silent[0] = true;
    rig->value[1] = 300.0;
    rig_run(rig, 200000);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_UNREAD);
    RIG_NEAR(rig_view(rig, 0)->counted, 1000.0);
    assert_true(isnan(rig_view(rig, 0)->in_force));
    assert_int_equal(rig->orders[0], 0);
    assert_false(rig->out->armed);
    RIG_NEAR(*rig_held(rig, 1), 300.0); /* no room to raise it */
    rig_free(rig);
}

static void an_order_is_sent_answered_and_in_force(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_step(rig);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_SENT);
    assert_int_equal(rig_order(rig, 0)->number, 1);
    RIG_NEAR(rig_order(rig, 0)->value, 600.0);
    assert_true(rig_order(rig, 0)->lease_end_us == CORE_FOREVER);
    assert_int_equal(rig_order(rig, 0)->timeout_us, 0);
    RIG_NEAR(rig_order(rig, 0)->fallback, 600.0);
    RIG_NEAR(rig_view(rig, 0)->counted, 1000.0);
    rig_step(rig);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_IN_FORCE);
    RIG_NEAR(rig_view(rig, 0)->in_force, 600.0);
    assert_int_equal(rig_view(rig, 0)->orders, 1);
    assert_int_equal(rig->orders[0], 1);
    rig_free(rig);
}

/* A core that ran here before may have sent something: a reading lowers the
 * count only when it was taken one worst delay after the start. */
static void after_a_restart_a_read_value_counts_only_one_worst_delay_later(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig->value[0] = rig->value[1] = 600.0;
    rig_step(rig);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_STANDING);
    rig_run(rig, DELAY_US - 10000);
    RIG_NEAR(rig_view(rig, 0)->counted, 1000.0);
    assert_false(rig->out->armed);
    rig_run(rig, 20000);
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    assert_true(rig->out->armed); /* adopted as it stands */
    assert_int_equal(rig->orders[0], 0);
    assert_int_equal(rig->events[EV_ARMED], 1);
    rig_free(rig);
}

static void a_confirmed_order_does_not_lay_the_fear_of_an_older_one(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_step(rig);
    rig_step(rig);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_IN_FORCE);
    RIG_NEAR(rig_view(rig, 0)->counted, 1000.0);
    rig_run(rig, DELAY_US);
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    rig_free(rig);
}

static void raising_waits_until_the_lowering_is_read_back(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_run(rig, 500000);
    rig_want(rig, 0)->max = 300.0; /* lever 1 may have 900 */
    rig->deaf = true;
    rig_step(rig);
    assert_non_null(rig_order(rig, 0));
    assert_null(rig_order(rig, 1));
    RIG_NEAR(rig_view(rig, 1)->wanted, 900.0);
    RIG_NEAR(rig_zone(rig, 0)->counted_w, 1200.0);
    rig->value[0] = 300.0;
    step_ack(rig, ST_OK, 300.0);
    assert_non_null(rig_order(rig, 1));
    RIG_NEAR(rig_order(rig, 1)->value, 900.0);
    assert_int_equal(rig_order(rig, 1)->cause.kind, CORE_CAUSE_ACK);
    assert_int_equal(rig_order(rig, 1)->cause.arrived_us, rig->now_us);
    RIG_NEAR(rig_view(rig, 1)->counted, 900.0); /* counted at once */
    rig_free(rig);
}

static void a_refused_order_leaves_the_old_value_and_is_tried_again_later(void **state)
{
    (void)state;
    struct rig *rig = in_flight();

    step_ack(rig, ST_REFUSED, NAN);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_IN_FORCE);
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    assert_int_equal(rig_view(rig, 0)->failures, 1);
    assert_int_equal(rig->events[EV_ORDER_FAILED], 1);
    rig->deaf = false;
    rig->orders[0] = 0;
    rig_run(rig, 700000);
    assert_int_equal(rig->orders[0], 0); /* a second or so */
    assert_int_equal(rig->events[EV_LEVER_DRIFTED], 0);
    rig_run(rig, 700000);
    assert_int_equal(rig->orders[0], 1);
    RIG_NEAR(rig_view(rig, 0)->counted, 500.0);
    assert_true(rig->events[EV_ORDER_CONFIRMED] >= 1);
    rig_free(rig);
}

static void retries_back_off_up_to_a_minute(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig->answer = ST_NACK;
    rig->step_us = 100000;
    rig_run(rig, 60000000);
    assert_in_range(rig->orders[0], 6, 8); /* 0, 1, 3, 7, 15, 31 s ... */
    rig_run(rig, 600000000);
    assert_in_range(rig->orders[0], 14, 22);
    assert_int_equal(rig->events[EV_ORDER_FAILED], 2); /* once a lever */
    rig_free(rig);
}

static void a_timed_out_order_counts_until_a_reading_one_worst_delay_later(void **state)
{
    (void)state;
    struct rig *rig = in_flight();

    step_ack(rig, ST_TIMEOUT, NAN);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_UNKNOWN);
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    step_read(rig, 500.0, 0); /* too early to be sure */
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    rig->now_us += DELAY_US;
    step_read(rig, 500.0, 0);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_IN_FORCE);
    RIG_NEAR(rig_view(rig, 0)->counted, 500.0);
    assert_int_equal(rig->events[EV_ORDER_CONFIRMED], 1);
    rig_free(rig);
}

static void a_timed_out_raise_counts_at_the_larger_value(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_run(rig, 500000);
    limit_to(rig, 1600.0);
    rig->deaf = true;
    rig_step(rig);
    RIG_NEAR(rig_order(rig, 0)->value, 800.0);
    step_ack(rig, ST_TIMEOUT, NAN);
    RIG_NEAR(rig_view(rig, 0)->counted, 800.0);
    rig->now_us += DELAY_US;
    step_read(rig, 600.0, 0); /* it never came */
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_IN_FORCE);
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    rig_free(rig);
}

static void a_mismatch_counts_at_what_was_read(void **state)
{
    (void)state;
    struct rig *rig = in_flight();

    step_ack(rig, ST_MISMATCH, 700.0);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_UNKNOWN);
    RIG_NEAR(rig_view(rig, 0)->counted, 700.0);
    assert_int_equal(rig->events[EV_ORDER_NOT_APPLIED], 1);
    rig->now_us += DELAY_US;
    step_read(rig, 700.0, 0);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_STANDING);
    rig_free(rig);
}

static void done_but_reading_back_another_value_is_a_mismatch(void **state)
{
    (void)state;
    struct rig *rig = in_flight();

    step_ack(rig, ST_OK, 580.0);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_UNKNOWN);
    assert_int_equal(rig->events[EV_ORDER_NOT_APPLIED], 1);
    rig_free(rig);
}

static void no_answer_at_all_is_a_time_out_until_another_order_is_answered(void **state)
{
    (void)state;
    struct rig *rig = in_flight();

    rig->readings[0].status = ST_NONE;
    rig->now_us += 2 * DELAY_US + 10000;
    rig_step_with(rig, 0);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_UNKNOWN);
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    rig->now_us += DELAY_US;
    step_read(rig, 500.0, 0); /* whoever holds the order may still begin with it */
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    rig->deaf = false;
    rig_run(rig, 2000000);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_IN_FORCE);
    RIG_NEAR(rig_view(rig, 0)->counted, 500.0);
    rig_free(rig);
}

static void late_and_doubled_answers_are_ignored(void **state)
{
    (void)state;
    struct rig *rig = in_flight();
    uint64_t number = rig_view(rig, 0)->number;

    rig->now_us += rig->step_us;
    rig->acks[0] = (struct core_ack){.status = ST_OK, .number = number - 1, .readback = 500.0};
    rig->ack_count = 1;
    rig_step_with(rig, 0);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_SENT);
    step_ack(rig, ST_OK, 500.0);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_IN_FORCE);
    step_ack(rig, ST_TIMEOUT, NAN);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_IN_FORCE);
    assert_int_equal(rig_view(rig, 0)->failures, 0);
    rig_free(rig);
}

static void a_reading_from_before_the_answer_says_nothing(void **state)
{
    (void)state;
    struct rig *rig = in_flight();

    step_ack(rig, ST_OK, 500.0);
    step_read(rig, 600.0, 20000);
    RIG_NEAR(rig_view(rig, 0)->in_force, 500.0);
    assert_int_equal(rig->events[EV_LEVER_DRIFTED], 0);
    rig_free(rig);
}

static void a_drifted_lever_counts_at_the_larger_and_is_put_back(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_run(rig, 500000);
    *rig_held(rig, 0) = 850.0;
    rig_step(rig);
    assert_int_equal(rig->events[EV_LEVER_DRIFTED], 1);
    RIG_NEAR(rig_view(rig, 0)->counted, 850.0);
    assert_false(rig->out->armed);
    assert_non_null(rig_order(rig, 0));
    assert_int_equal(rig_order(rig, 0)->why.rule, CORE_RULE_DRIFT);
    assert_int_equal(rig_order(rig, 0)->cause.kind, CORE_CAUSE_READING);
    RIG_NEAR(rig_order(rig, 0)->value, 600.0);
    rig_step(rig);
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    rig->orders[0] = 0;
    for (int32_t i = 0; i < 1000; i++) { /* two controllers on one limit */
        *rig_held(rig, 0) = 850.0;
        rig_step(rig);
    }
    assert_in_range(rig->orders[0], 2, 20); /* in ten seconds */
    rig_free(rig);
}

static void drift_to_a_smaller_value_counts_as_ours_until_put_back(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_run(rig, 500000);
    *rig_held(rig, 0) = 400.0;
    rig_step(rig);
    assert_int_equal(rig->events[EV_LEVER_DRIFTED], 1);
    RIG_NEAR(rig_view(rig, 0)->counted, 600.0);
    rig_run(rig, 20000);
    RIG_NEAR(*rig_held(rig, 0), 600.0);
    rig_free(rig);
}

static void small_read_back_errors_are_not_drift(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig_run(rig, 500000);
    *rig_held(rig, 0) = 600.4;
    rig_run(rig, 100000);
    assert_int_equal(rig->events[EV_LEVER_DRIFTED], 0);
    rig_free(rig);
}

static void a_swapped_device_counts_as_its_maximum_until_read_again(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig->identities[0] = (struct core_identity){.device = 0, .serial_hash = 11};
    rig->identity_count = 1;
    rig_run(rig, 500000);
    assert_int_equal(rig->events[EV_DEVICE_CHANGED], 0); /* found, not swapped */
    assert_true(rig->out->armed);
    rig->identities[0].serial_hash = 12;
    rig->identity_count = 1;
    rig->now_us += 10000;
    rig_step_with(rig, 0);
    assert_int_equal(rig->events[EV_DEVICE_CHANGED], 1);
    assert_int_equal(rig_view(rig, 0)->state, CORE_LEVER_UNREAD);
    assert_true(isnan(rig_view(rig, 0)->in_force)); /* of the one that is there now nothing is known */
    RIG_NEAR(rig_view(rig, 0)->counted, 1000.0);
    assert_false(rig->out->armed);
    *rig_held(rig, 0) = 1000.0;
    rig->orders[0] = 0;
    rig_run(rig, 500000);
    assert_true(rig->orders[0] >= 1);
    RIG_NEAR(*rig_held(rig, 0), 600.0);
    assert_true(rig->out->armed);
    rig_free(rig);
}

static void small_changes_are_not_ordered_unless_a_sum_needs_them(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig->levers[0].deadband = rig->levers[1].deadband = 30.0;
    rig_boot(rig);
    rig_run(rig, 500000);
    rig->orders[0] = 0;
    rig_want(rig, 0)->max = 580.0;
    rig_run(rig, 100000);
    assert_int_equal(rig->orders[0], 0);
    limit_to(rig, 1180.0); /* 600 and 600 do not fit any more */
    rig_run(rig, 100000);
    assert_true(rig->orders[0] + rig->orders[1] > 0);
    assert_true(rig_zone(rig, 0)->counted_w <= 1180.0 + 1e-6);
    rig_free(rig);
}

static void orders_of_one_lever_keep_their_interval(void **state)
{
    (void)state;
    struct rig *rig = pair();

    rig->levers[0].interval_min_us = 200000;
    rig_boot(rig);
    limit_to(rig, 2000.0); /* room enough for both */
    rig_run(rig, 500000);
    rig->orders[0] = 0;
    for (int32_t i = 0; i < 100; i++) { /* a second of changing wishes */
        rig_want(rig, 0)->max = i % 2 ? 300.0 : 500.0;
        rig_step(rig);
    }
    assert_in_range(rig->orders[0], 3, 6);
    rig_free(rig);
}

static void an_order_for_a_new_plan_says_so(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    rig_gpu(rig, rack, 100, 1000);
    rig_gpu(rig, rack, 100, 1000);
    rig_start(rig);
    rig_limit(rig, rack, 1200.0);
    rig_run(rig, 500000);
    limit_to(rig, 1000.0);
    rig_step(rig);
    assert_non_null(rig_order(rig, 1));
    assert_int_equal(rig_order(rig, 1)->cause.kind, CORE_CAUSE_PLAN);
    assert_int_equal(rig_order(rig, 1)->cause.arrived_us, rig->now_us);
    rig_free(rig);
}

/* A thousandth of the range, at most half a unit; half a step where that is more. */
static void a_read_back_is_ours_within_its_tolerance(void **state)
{
    (void)state;
    struct core_config_lever conf = { .min = 0.0, .max = 200.0 };

    RIG_NEAR(lever_tolerance(&conf), 0.2);
    conf.min = 100.0;
    RIG_NEAR(lever_tolerance(&conf), 0.1);
    conf.max = 10000.0;
    RIG_NEAR(lever_tolerance(&conf), 0.5);
    conf.step = 0.5;
    RIG_NEAR(lever_tolerance(&conf), 0.5);
    conf.step = 8.0;
    RIG_NEAR(lever_tolerance(&conf), 4.0);
}

/* A device may round to a step either way, or to a thousandth of the value, at most half a unit. */
static void drift_is_what_no_rounding_explains(void **state)
{
    (void)state;
    struct core_config_lever conf = { .min = 0.0, .max = 50.0 };

    RIG_NEAR(lever_drift_tolerance(&conf, 10.0), 0.05); /* of its range */
    RIG_NEAR(lever_drift_tolerance(&conf, 200.0), 0.2); /* of the value */
    RIG_NEAR(lever_drift_tolerance(&conf, -200.0), 0.2);
    RIG_NEAR(lever_drift_tolerance(&conf, 4000.0), 0.5);
    conf.step = 0.3;
    RIG_NEAR(lever_drift_tolerance(&conf, 200.0), 0.3); /* a whole step */
    RIG_NEAR(lever_drift_tolerance(&conf, 4000.0), 0.5);
    conf.step = 8.0;
    RIG_NEAR(lever_drift_tolerance(&conf, 4000.0), 8.0);
}

/* Up to its fall-back a device with a time-out goes by itself: that is no raise. Without one, any
 * value above the base is, and a value that is no cap never. */
static void a_raise_is_above_the_base_and_above_what_comes_by_itself(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), hold;
    struct block b;

    rig_gpu(rig, rack, 100, 1000);
    hold = rig_lever(rig, CORE_LEVER_HOLD, rig_device(rig), rack);
    rig_start(rig);
    rig_limit(rig, rack, 600.0);
    rig_run(rig, 500000);
    b = block_open(rig->core);
    RIG_NEAR(b.levers[0].base, 600.0);
    assert_false(lever_is_raise(&b, 0, 600.0));
    assert_true(lever_is_raise(&b, 0, 600.5));
    b.levers_conf[0].fallback = 700.0; /* with no time-out it covers nothing */
    assert_true(lever_is_raise(&b, 0, 650.0));
    b.levers_conf[0].timeout_us = 1000000;
    assert_false(lever_is_raise(&b, 0, 650.0));
    assert_false(lever_is_raise(&b, 0, 700.0));
    assert_true(lever_is_raise(&b, 0, 700.5));
    assert_false(lever_is_raise(&b, hold, 1e6));
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unread_lever_counts_as_its_maximum_and_gets_no_order),
        cmocka_unit_test(an_order_is_sent_answered_and_in_force),
        cmocka_unit_test(after_a_restart_a_read_value_counts_only_one_worst_delay_later),
        cmocka_unit_test(a_confirmed_order_does_not_lay_the_fear_of_an_older_one),
        cmocka_unit_test(raising_waits_until_the_lowering_is_read_back),
        cmocka_unit_test(a_refused_order_leaves_the_old_value_and_is_tried_again_later),
        cmocka_unit_test(retries_back_off_up_to_a_minute),
        cmocka_unit_test(a_timed_out_order_counts_until_a_reading_one_worst_delay_later),
        cmocka_unit_test(a_timed_out_raise_counts_at_the_larger_value),
        cmocka_unit_test(a_mismatch_counts_at_what_was_read),
        cmocka_unit_test(done_but_reading_back_another_value_is_a_mismatch),
        cmocka_unit_test(no_answer_at_all_is_a_time_out_until_another_order_is_answered),
        cmocka_unit_test(late_and_doubled_answers_are_ignored),
        cmocka_unit_test(a_reading_from_before_the_answer_says_nothing),
        cmocka_unit_test(a_drifted_lever_counts_at_the_larger_and_is_put_back),
        cmocka_unit_test(drift_to_a_smaller_value_counts_as_ours_until_put_back),
        cmocka_unit_test(small_read_back_errors_are_not_drift),
        cmocka_unit_test(a_swapped_device_counts_as_its_maximum_until_read_again),
        cmocka_unit_test(small_changes_are_not_ordered_unless_a_sum_needs_them),
        cmocka_unit_test(orders_of_one_lever_keep_their_interval),
        cmocka_unit_test(an_order_for_a_new_plan_says_so),
        cmocka_unit_test(a_read_back_is_ours_within_its_tolerance),
        cmocka_unit_test(drift_is_what_no_rounding_explains),
        cmocka_unit_test(a_raise_is_above_the_base_and_above_what_comes_by_itself),
    };

    return cmocka_run_group_tests_name("lever", tests, NULL, NULL);
}
