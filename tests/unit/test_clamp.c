/* SPDX-License-Identifier: Apache-2.0 */
/* The last word on every order: range, step, lease. */
#include "core/clamp.h"
#include "core/outputs.h"
#include "core_rig.h"

static void an_order_whose_lease_ends_within_its_delay_is_refused_and_told_once(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);
    int32_t lever = rig_lever(rig, CORE_LEVER_CHARGE, rig_device(rig), rack);

    rig->levers[lever].timeout_us = 100000; /* as long as its worst delay */
    rig_start(rig);
    rig_run(rig, 10000000);
    assert_int_equal(rig->orders[lever], 0);
    assert_int_equal(rig->events[EV_ORDER_REFUSED], 1);
    assert_in_range(rig_view(rig, lever)->refused, 2, 6); /* tried again now and then */
    assert_int_equal(rig_view(rig, lever)->number, 0);
    rig_free(rig);
}

static void every_order_is_in_range_and_a_whole_step(void **state)
{
    (void)state;
    srand(5);
    for (int32_t run = 0; run < 50; run++) {
        struct rig *rig = rig_new();
        int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

        for (int32_t l = 0; l < 4; l++) {
            rig_gpu(rig, rack, 90 + rand() % 30, 900 + rand() % 200);
            rig->levers[l].step = 7.0;
        }
        rig_start(rig);
        rig_limit(rig, rack, 0.0);
        for (int32_t i = 0; i < 40; i++) {
            double limit_w = 600.0 + rand() % 4000;

            core_plan_nodes(rig->plan)[rack].limit[0].limit_w = limit_w;
            core_plan_nodes(rig->plan)[rack].limit[0].limit_standing_w = limit_w;
            rig->plan->version++;
            rig_step(rig);
            for (int32_t o = 0; o < rig->out->order_count; o++) {
                const struct core_order *order = &core_outputs_orders(rig->out)[o];
                double steps = order->value / 7.0;

                assert_true(order->value >= rig->levers[order->lever].min);
                assert_true(order->value <= rig->levers[order->lever].max);
                assert_true(fabs(steps - round(steps)) < 1e-9);
            }
        }
        rig_free(rig);
    }
}

static void numbers_rise_by_one_with_each_order(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t lever = rig_gpu(rig, rig_node(rig, CORE_NODE_RACK, CORE_NONE), 100, 1000);
    uint64_t number = 0;

    rig_start(rig);
    rig_run(rig, 200000);
    for (int32_t i = 0; i < 40; i++) {
        rig_want(rig, lever)->max = i % 4 < 2 ? 500.0 : 700.0;
        rig_step(rig);
        if (rig_order(rig, lever)) {
            number++;
            assert_int_equal(rig_order(rig, lever)->number, number);
        }
    }
    assert_true(number > 10);
    assert_int_equal(rig_view(rig, lever)->orders, number);
    rig_free(rig);
}

/* ---- proposals made by hand ---- */

/* Two GPUs in force at 600 of 1200 W, and an empty list of orders. */
static struct rig *settled(struct block *ret)
{
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    rig_gpu(rig, rack, 100, 1000);
    rig_gpu(rig, rack, 100, 1000);
    rig_start(rig);
    rig_limit(rig, rack, 1200.0);
    rig_run(rig, 500000);
    assert_true(rig->out->armed);
    *ret = block_open(rig->core);
    ret->out = rig->out;
    rig->out->order_count = rig->out->event_count = 0;
    return rig;
}

static struct core_order *propose(struct block *b, int32_t lever, double value)
{
    struct core_order *order = outputs_order(b, lever);

    order->number = b->levers[lever].number + 1;
    order->value = value;
    return order;
}

static void a_raise_that_breaks_a_sum_is_withdrawn_and_told(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = settled(&b);

    propose(&b, 0, 500.0);
    propose(&b, 1, 700.0); /* 600 still counts for the other */
    clamp_step(&b);
    assert_int_equal(rig->out->order_count, 1);
    assert_int_equal(core_outputs_orders(rig->out)[0].lever, 0);
    assert_true(rig_event(rig, EV_ORDER_REFUSED));
    RIG_NEAR(b.zones[0].counted_w, 1200.0);
    assert_int_equal(b.levers[1].refused, 1);
    assert_int_equal(b.levers[1].state, CORE_LEVER_IN_FORCE);
    rig_free(rig);
}

static void values_are_brought_into_range(void **state)
{
    (void)state;
    struct block b;
    struct rig *rig = settled(&b);

    propose(&b, 0, -5.0);
    clamp_step(&b);
    RIG_NEAR(core_outputs_orders(rig->out)[0].value, 100.0);
    RIG_NEAR(core_outputs_orders(rig->out)[0].fallback, 100.0);
    rig_free(rig);
}

static void nothing_passes_that_must_not_be_sent(void **state)
{
    (void)state;

    for (int32_t what = 0; what < 5; what++) {
        struct block b;
        struct rig *rig = settled(&b);
        struct core_order *order = propose(&b, 0, what == 0 ? NAN : 500.0);

        if (what == 1)
            b.core->acting = 0;
        if (what == 2)
            b.levers[0].state = CORE_LEVER_UNREAD;
        if (what == 3)
            b.levers[0].state = CORE_LEVER_SENT; /* one write in flight a lever */
        if (what == 4)
            order->lease_end_us = rig->now_us + 100000;
        clamp_step(&b);
        assert_int_equal(rig->out->order_count, 0);
        assert_int_equal(b.levers[0].refused, 1);
        rig_free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_whose_lease_ends_within_its_delay_is_refused_and_told_once),
        cmocka_unit_test(every_order_is_in_range_and_a_whole_step),
        cmocka_unit_test(numbers_rise_by_one_with_each_order),
        cmocka_unit_test(a_raise_that_breaks_a_sum_is_withdrawn_and_told),
        cmocka_unit_test(values_are_brought_into_range),
        cmocka_unit_test(nothing_passes_that_must_not_be_sent),
    };

    return cmocka_run_group_tests_name("clamp", tests, NULL, NULL);
}
