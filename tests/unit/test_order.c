/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out when: raising within the sums, fairness, restoring. */
#include "core/block.h"
#include "core_rig.h"

static struct rig *rack_of(int32_t count, double limit_w)
{
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    for (int32_t i = 0; i < count; i++)
        rig_gpu(rig, rack, 100, 1000);
    rig_start(rig);
    rig_limit(rig, rack, limit_w);
    return rig;
}

static void everything_lowers_first_when_the_start_does_not_fit(void **state)
{
    (void)state;
    struct rig *rig = rack_of(4, 2000.0);

    rig->value[0] = 200.0;
    rig_step(rig);
    assert_null(rig_order(rig, 0)); /* wants 500, and has to wait */
    for (int32_t l = 1; l < 4; l++)
        RIG_NEAR(rig_order(rig, l)->value, 500.0);
    assert_false(rig->out->armed);
    rig_run(rig, 300000);
    RIG_NEAR(rig->value[0], 500.0);
    assert_true(rig->out->armed);
    rig_free(rig);
}

static void a_raise_goes_as_far_as_there_is_room(void **state)
{
    (void)state;
    struct rig *rig = rack_of(3, 1500.0);

    rig_run(rig, 300000);
    rig_want(rig, 1)->max = 400.0;
    rig_want(rig, 2)->max = 300.0;
    rig->deaf = true;
    rig_step(rig); /* 1 and 2 lower */
    rig->acks[0] = (struct core_ack){ .lever = 1,
                                      .number = rig_view(rig, 1)->number,
                                      .readback = 400.0,
                                      .dispatched_us = rig->now_us,
                                      .done_us = rig->now_us };
    rig->ack_count = 1;
    rig->now_us += rig->step_us;
    rig_step_with(rig, 0);
    RIG_NEAR(rig_view(rig, 0)->wanted, 800.0);
    RIG_NEAR(rig_order(rig, 0)->value, 600.0);
    assert_int_equal(rig_order(rig, 0)->why.rule, CORE_RULE_IN_FLIGHT);
    assert_int_equal(rig_order(rig, 0)->why.node, 0);
    rig_free(rig);
}

static void partial_raises_are_whole_steps(void **state)
{
    (void)state;
    struct rig *rig = rack_of(2, 1000.0);

    rig->levers[0].step = rig->levers[1].step = 50.0;
    rig_boot(rig);
    rig_run(rig, 300000);
    core_plan_nodes(rig->plan)[0].limit[0].limit_w = 1130.0;
    core_plan_nodes(rig->plan)[0].limit[0].limit_standing_w = 1130.0;
    rig->plan->version++;
    rig_step(rig);
    rig_run(rig, 100000);
    RIG_NEAR(rig->value[0], 550.0);
    RIG_NEAR(rig->value[1], 550.0);
    rig_free(rig);
}

static void who_raises_first_rotates(void **state)
{
    (void)state;
    struct rig *rig = rack_of(4, 1000.0);
    int32_t first[4] = { 0 };

    rig_run(rig, 300000);
    for (int32_t i = 0; i < 80; i++) { /* room for one at a time */
        double limit_w = i % 2 ? 1000.0 : 1200.0;

        for (int32_t l = 0; l < 4; l++)
            rig_want(rig, l)->max = i % 2 ? 250.0 : 450.0;
        core_plan_nodes(rig->plan)[0].limit[0].limit_w = limit_w;
        core_plan_nodes(rig->plan)[0].limit[0].limit_standing_w = limit_w;
        rig_step(rig);
        if (rig->out->order_count > 0 && i % 2 == 0)
            first[core_outputs_orders(rig->out)[0].lever]++;
        rig_run(rig, 50000);
    }
    for (int32_t l = 0; l < 4; l++)
        assert_in_range(first[l], 5, 15);
    rig_free(rig);
}

static void observing_decides_and_orders_nothing(void **state)
{
    (void)state;
    struct rig *rig = rack_of(2, 1200.0);

    rig_mode(rig, CORE_WANT_OBSERVE);
    rig_run(rig, 1000000);
    RIG_NEAR(rig_view(rig, 0)->wanted, 600.0);
    assert_int_equal(rig_view(rig, 0)->why.rule, CORE_RULE_LIMIT);
    assert_int_equal(rig->orders[0] + rig->orders[1], 0);
    assert_int_equal(rig->out->mode, CORE_MODE_OBSERVE);
    assert_false(rig->out->armed);
    assert_int_equal(rig_view(rig, 0)->refused, 0);
    rig_free(rig);
}

/* Below its fall-back a leased value is counted for that anyhow, so no room is asked for. */
static void a_raise_to_the_fall_back_needs_no_room(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    rig_gpu(rig, rack, 100, 1000);
    rig_gpu(rig, rack, 100, 1000);
    rig->levers[0].timeout_us = 2000000;
    rig->levers[0].fallback = 300.0;
    *rig_held(rig, 0) = 200.0;
    *rig_held(rig, 1) = 800.0;
    rig_start(rig);
    rig_limit(rig, rack, 600.0);
    rig_mode(rig, CORE_WANT_OBSERVE);
    rig_run(rig, 300000);
    rig_mode(rig, CORE_WANT_CONTROL);
    rig->deaf = true;
    rig_step(rig); /* 300 and 800 are counted: 500 too much as long as the other one was not lowered */
    RIG_NEAR(rig_zone(rig, rack)->counted_w, 1100.0);
    assert_non_null(rig_order(rig, 0));
    RIG_NEAR(rig_order(rig, 0)->value, 300.0);
    RIG_NEAR(rig_order(rig, 1)->value, 300.0);
    rig_free(rig);
}

static void a_fall_back_that_no_time_out_leads_to_covers_no_raise(void **state)
{
    (void)state;
    struct rig *rig = rack_of(2, 1000.0);

    rig->levers[0].fallback = 900.0;
    rig_boot(rig);
    rig_run(rig, 300000);
    RIG_NEAR(*rig_held(rig, 0), 500.0);
    rig_want(rig, 1)->max = 300.0;
    rig->deaf = true;
    rig_step(rig);
    RIG_NEAR(rig_view(rig, 0)->wanted, 700.0);
    RIG_NEAR(rig_order(rig, 1)->value, 300.0);
    assert_null(rig_order(rig, 0)); /* the other one holds its 500 yet */
    rig_free(rig);
}

/* ---- restoring ---- */

static void restoring_lowers_first_and_raises_within_the_budget(void **state)
{
    (void)state;
    struct rig *rig = rack_of(3, 1500.0);

    rig_run(rig, 300000);
    rig_want(rig, 0)->target = 900.0;
    rig_want(rig, 1)->target = 300.0;
    rig_want(rig, 2)->target = NAN;
    rig_mode(rig, CORE_WANT_RESTORE);
    rig_step(rig);
    assert_int_equal(rig->out->mode, CORE_MODE_OBSERVE);
    assert_true(rig_reason(rig, CORE_REASON_RESTORING));
    assert_null(rig_order(rig, 0));
    RIG_NEAR(rig_order(rig, 1)->value, 300.0);
    assert_true(rig_order(rig, 1)->release);
    assert_int_equal(rig_order(rig, 1)->why.rule, CORE_RULE_RESTORE);
    assert_false(rig->out->restored);
    rig_run(rig, 100000);
    assert_true(rig->out->restored);
    assert_int_equal(rig->out->restore_left, 1); /* 900 + 300 + 500 do not fit */
    assert_int_equal(rig->events[EV_LEFT_STANDING], 1);
    assert_int_equal(rig->events[EV_RESTORED], 1);
    RIG_NEAR(rig->value[0], 500.0); /* all or nothing */
    RIG_NEAR(rig->value[1], 300.0);
    assert_int_equal(rig->orders[2], 1);
    core_plan_nodes(rig->plan)[0].limit[0].limit_w = 1700.0;
    core_plan_nodes(rig->plan)[0].limit[0].limit_standing_w = 1700.0;
    rig->plan->version++;
    rig_run(rig, 100000);
    assert_true(rig->out->restored);
    assert_int_equal(rig->out->restore_left, 0);
    RIG_NEAR(rig->value[0], 900.0);
    rig_free(rig);
}

/* A gate that our write opened is ours also where the value never was another. */
static void restoring_orders_what_has_a_switch_though_it_holds_its_original(void **state)
{
    (void)state;

    for (int32_t switched = 0; switched < 2; switched++) {
        struct rig *rig = rig_new();
        int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

        for (int32_t i = 0; i < 2; i++)
            rig_gpu(rig, rack, 100, 1000);
        rig->levers[1].switched = switched;
        rig_start(rig);
        rig_limit(rig, rack, 1000.0);
        rig_run(rig, 300000);
        rig_want(rig, 0)->target = rig->value[0];
        rig_want(rig, 1)->target = rig->value[1];
        rig_mode(rig, CORE_WANT_RESTORE);
        rig_step(rig);
        assert_null(rig_order(rig, 0));
        if (switched) {
            RIG_NEAR(rig_order(rig, 1)->value, 500.0);
            assert_true(rig_order(rig, 1)->release);
            assert_false(rig->out->restored);
        } else {
            assert_null(rig_order(rig, 1));
        }
        rig_run(rig, 300000);
        assert_true(rig->out->restored);
        assert_int_equal(rig->out->restore_left, 0);
        assert_int_equal(rig->orders[1], 1 + switched); /* once is enough */
        rig_free(rig);
    }
}

static void a_device_that_is_gone_is_left_standing(void **state)
{
    (void)state;
    struct rig *rig = rack_of(2, 1000.0);

    rig_run(rig, 300000);
    rig_want(rig, 0)->target = 400.0;
    rig_want(rig, 1)->target = 400.0;
    rig->silent[1] = true;
    rig_run(rig, 2000000);
    rig_mode(rig, CORE_WANT_RESTORE);
    rig_run(rig, 100000);
    assert_true(rig->out->restored);
    assert_int_equal(rig->out->restore_left, 1);
    RIG_NEAR(rig->value[0], 400.0);
    assert_int_equal(rig->events[EV_LEFT_STANDING], 1); /* said once, of the last lever too */
    rig_free(rig);
}

static void one_that_always_refuses_is_left_standing_in_the_end(void **state)
{
    (void)state;
    struct rig *rig = rack_of(1, 1000.0);

    rig->step_us = 100000;
    rig_want(rig, 0)->target = 400.0;
    rig_mode(rig, CORE_WANT_RESTORE);
    rig->answer = ST_REFUSED;
    rig_run(rig, 3000000);
    assert_false(rig->out->restored);
    rig_run(rig, 60000000);
    assert_true(rig->out->restored);
    assert_int_equal(rig->out->restore_left, 1);
    rig_free(rig);
}

static void after_restoring_control_takes_over_again(void **state)
{
    (void)state;
    struct rig *rig = rack_of(2, 1000.0);

    rig_run(rig, 300000);
    rig_want(rig, 0)->target = 200.0;
    rig_want(rig, 1)->target = 200.0;
    rig_mode(rig, CORE_WANT_RESTORE);
    rig_run(rig, 200000);
    RIG_NEAR(rig->value[0], 200.0);
    rig_mode(rig, CORE_WANT_CONTROL);
    rig_run(rig, 200000);
    RIG_NEAR(rig->value[0], 500.0);
    assert_true(rig->out->armed);
    rig_free(rig);
}

/* A change under the deadband is not worth an order, unless a sum would stay above its budget
 * without it: there, and only there, every watt is ordered. The zone is the first, or another. */
static void no_lowering_is_too_small_where_a_sum_is_above_its_budget(void **state)
{
    (void)state;

    for (int32_t over = 0; over < 3; over++) {
        struct rig *rig = rig_new();
        int32_t feed = rig_node(rig, CORE_NODE_FEED, CORE_NONE), rack[2];
        double budget_w[3] = { 3800.0, 1900.0, 1900.0 }; /* the racks' own 100 W each among them */

        for (int32_t k = 0; k < 2; k++) {
            rack[k] = rig_node(rig, CORE_NODE_RACK, feed);
            rig->nodes[rack[k]].static_w = 100.0;
            for (int32_t i = 0; i < 2; i++)
                rig->levers[rig_gpu(rig, rack[k], 100, 1000)].deadband = 50.0;
        }
        rig_start(rig);
        rig_limit(rig, feed, budget_w[0]);
        rig_limit(rig, rack[0], budget_w[1]);
        rig_limit(rig, rack[1], budget_w[2]);
        rig_run(rig, 1000000);
        for (int32_t l = 0; l < 4; l++)
            RIG_NEAR(*rig_held(rig, l), 900.0);
        for (int32_t l = 0; l < 4; l++)
            rig_want(rig, l)->max = 880.0; /* nobody asked for more than that: it can wait */
        rig_run(rig, 500000);
        for (int32_t l = 0; l < 4; l++)
            RIG_NEAR(*rig_held(rig, l), 900.0);
        struct core_plan_limit *limit = core_plan_nodes(rig->plan)[over == 0 ? feed : rack[over - 1]].limit;

        limit->limit_w = limit->limit_standing_w = budget_w[over] - (over == 0 ? 80.0 : 40.0);
        rig->plan->version++;
        rig_run(rig, 500000);
        for (int32_t l = 0; l < 4; l++)
            RIG_NEAR(*rig_held(rig, l), over == 0 || l / 2 == over - 1 ? 880.0 : 900.0);
        rig_free(rig);
    }
}

/* What was left standing for want of room is no longer left once there is some: its order is on
 * the way, and until that is answered nothing is restored. */
static void what_has_room_again_is_waited_for(void **state)
{
    (void)state;
    struct rig *rig = rack_of(2, 1000.0);

    rig_run(rig, 300000);
    rig_want(rig, 0)->target = 900.0;
    rig_want(rig, 1)->target = 300.0;
    rig_mode(rig, CORE_WANT_RESTORE);
    rig_run(rig, 200000);
    assert_true(rig->out->restored);
    assert_int_equal(rig->out->restore_left, 1);
    core_plan_nodes(rig->plan)[0].limit[0].limit_w = 1200.0;
    core_plan_nodes(rig->plan)[0].limit[0].limit_standing_w = 1200.0;
    rig->plan->version++;
    rig->deaf = true;
    rig_step(rig);
    RIG_NEAR(rig_order(rig, 0)->value, 900.0);
    assert_false(rig->out->restored);
    assert_int_equal(rig->out->restore_left, 0);
    rig_free(rig);
}

/* Whoever was raised, the next step begins with the next lever; where nobody was, with the same. */
static void the_turn_moves_on_with_any_raise_and_with_no_other_order(void **state)
{
    (void)state;
    struct rig *rig = rack_of(3, 3000.0);
    struct block b = block_open(rig->core);

    for (int32_t l = 0; l < 3; l++)
        rig_want(rig, l)->max = 500.0;
    rig_run(rig, 300000);
    for (int32_t l = 0; l < 3; l++) {
        int32_t turn = b.core->turn;

        RIG_NEAR(*rig_held(rig, l), 500.0);
        rig_want(rig, l)->max = 400.0;
        rig_step(rig);
        assert_non_null(rig_order(rig, l)); /* lowered */
        rig_run(rig, 200000);
        assert_int_equal(b.core->turn, turn);
        rig_want(rig, l)->max = 500.0;
        rig_step(rig);
        assert_non_null(rig_order(rig, l));
        assert_int_equal(rig->out->order_count, 1);
        assert_int_equal(b.core->turn, (turn + 1) % 3);
        rig_run(rig, 200000);
    }
    rig_free(rig);
}

/* The sum is above its budget until the order in flight has landed; then it fits, so a change
 * under the deadband can wait. */
static void what_is_on_the_way_is_enough_where_the_sum_then_fits(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    for (int32_t i = 0; i < 2; i++)
        rig->levers[rig_gpu(rig, rack, 100, 1000)].deadband = 50.0;
    rig_start(rig);
    rig_limit(rig, rack, 1800.0);
    rig_run(rig, 1000000);
    rig_want(rig, 0)->max = 500.0;
    rig->deaf = true;
    rig_step(rig);
    RIG_NEAR(rig_order(rig, 0)->value, 500.0);
    rig_want(rig, 1)->max = 880.0;
    core_plan_nodes(rig->plan)[0].limit[0].limit_w = 1500.0;
    core_plan_nodes(rig->plan)[0].limit[0].limit_standing_w = 1500.0;
    rig_step(rig);
    assert_true(rig_zone(rig, rack)->counted_w > 1500.0);
    RIG_NEAR(rig_view(rig, 1)->wanted, 880.0);
    assert_null(rig_order(rig, 1));
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_lowers_first_when_the_start_does_not_fit),
        cmocka_unit_test(a_raise_goes_as_far_as_there_is_room),
        cmocka_unit_test(a_raise_to_the_fall_back_needs_no_room),
        cmocka_unit_test(a_fall_back_that_no_time_out_leads_to_covers_no_raise),
        cmocka_unit_test(partial_raises_are_whole_steps),
        cmocka_unit_test(who_raises_first_rotates),
        cmocka_unit_test(observing_decides_and_orders_nothing),
        cmocka_unit_test(restoring_lowers_first_and_raises_within_the_budget),
        cmocka_unit_test(restoring_orders_what_has_a_switch_though_it_holds_its_original),
        cmocka_unit_test(a_device_that_is_gone_is_left_standing),
        cmocka_unit_test(one_that_always_refuses_is_left_standing_in_the_end),
        cmocka_unit_test(after_restoring_control_takes_over_again),
        cmocka_unit_test(no_lowering_is_too_small_where_a_sum_is_above_its_budget),
        cmocka_unit_test(what_is_on_the_way_is_enough_where_the_sum_then_fits),
        cmocka_unit_test(what_has_room_again_is_waited_for),
        cmocka_unit_test(the_turn_moves_on_with_any_raise_and_with_no_other_order),
    };

    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
