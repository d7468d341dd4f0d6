/* SPDX-License-Identifier: Apache-2.0 */
/* test_latency.c: durations of orders, from made-up times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/latency.h"

static const struct core_order latency_order_one = {
    .lever = 0, .number = 7, .cause = { .kind = CORE_CAUSE_READING, .taken_us = 1000, .arrived_us = 3000 },
};

static void each_part_of_the_way_is_measured(void **state)
{
    static struct latency latency;
    struct latency_lever lever = { .protocol = 1 };
    struct core_ack ack = { .number = 7, .status = ST_OK, .dispatched_us = 12000, .done_us = 20000 };
    const struct operator_latency *modbus = &latency.protocol[1];

    (void)state;
    memset(&latency, 0, sizeof latency);
    latency_order(&latency, &lever, &latency_order_one, 4000);
    assert_int_equal(modbus->event_to_order.max_us, 1000);
    assert_int_equal(modbus->total.count, 0);
    latency_ack(&latency, &lever, &ack);
    assert_int_equal(modbus->detect.max_us, 2000);
    assert_int_equal(modbus->decide.max_us, 1000);
    assert_int_equal(modbus->dispatch.max_us, 8000);
    assert_int_equal(modbus->device.max_us, 8000);
    assert_int_equal(modbus->total.max_us, 19000);
    assert_int_equal(latency.written, 1);
    latency_ack(&latency, &lever, &ack); /* told once, counted once */
    assert_int_equal(latency.written, 1);
    assert_int_equal(latency.protocol[0].total.count, 0);
}

static void an_order_due_to_time_alone_has_no_total(void **state)
{
    static struct latency latency;
    struct latency_lever lever = { .protocol = 0 };
    struct core_order order = latency_order_one;
    struct core_ack ack = { .number = 7, .status = ST_OK, .dispatched_us = 5000, .done_us = 6000 };

    (void)state;
    memset(&latency, 0, sizeof latency);
    order.cause.kind = CORE_CAUSE_TIME;
    latency_order(&latency, &lever, &order, 4000);
    latency_ack(&latency, &lever, &ack);
    assert_int_equal(latency.protocol[0].event_to_order.count, 0);
    assert_int_equal(latency.protocol[0].total.count, 0);
    assert_int_equal(latency.protocol[0].device.count, 1);
}

static void outcomes_are_counted_apart(void **state)
{
    static struct latency latency;
    struct latency_lever lever = { .protocol = 2 };
    struct core_ack ack = { .number = 7, .status = ST_REFUSED };

    (void)state;
    memset(&latency, 0, sizeof latency);
    latency_order(&latency, &lever, &latency_order_one, 4000);
    latency_ack(&latency, &lever, &ack);
    latency_order(&latency, &lever, &latency_order_one, 4000);
    ack.status = ST_TIMEOUT;
    latency_ack(&latency, &lever, &ack);
    ack.number = 6; /* of an order long replaced */
    ack.status = ST_OK;
    latency_ack(&latency, &lever, &ack);
    assert_int_equal(latency.refused, 1);
    assert_int_equal(latency.failed, 1);
    assert_int_equal(latency.written, 0);
    assert_int_equal(latency.protocol[2].device.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_of_the_way_is_measured),
        cmocka_unit_test(an_order_due_to_time_alone_has_no_total),
        cmocka_unit_test(outcomes_are_counted_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
