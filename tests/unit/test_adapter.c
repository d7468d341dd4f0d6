/* SPDX-License-Identifier: Apache-2.0 */
/* test_adapter.c: orders are taken once and in time; state reaches both readers. */
#include "field/adapter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct adapter adapter;
static struct device_orders orders;
static struct device_state seen;
static const struct conf_device device = { .reading_count = 2, .lever_count = 3 };

static int adapter_make(void **state)
{
    (void)state;
    memset(&adapter, 0, sizeof adapter);
    memset(&orders, 0, sizeof orders);
    adapter.device = &device;
    return adapter_init(&adapter) != ST_OK;
}

static int adapter_end(void **state)
{
    (void)state;
    adapter_done(&adapter);
    return 0;
}

static void order(int32_t lever, uint64_t number, int64_t lease_end_us)
{
    orders.levers[lever] = (struct device_order){
        .number = number, .op = DEVICE_OP_SET, .value = 1.0, .lease_end_us = lease_end_us,
    };
    mailbox_put(adapter.from_tick, &orders);
}

static void an_order_is_new_until_it_is_acknowledged(void **state)
{
    struct device_ack ack = { .number = 7, .status = ST_OK, .readback = 1.0 };

    (void)state;
    assert_int_equal(adapter_next_order(&adapter, 0, 0), CORE_NONE);
    order(1, 7, INT64_MAX);
    assert_int_equal(adapter_next_order(&adapter, 0, 1000), 1);
    assert_int_equal(adapter_next_order(&adapter, 1, 1000), 1);
    assert_int_equal(adapter_next_order(&adapter, 2, 1000), CORE_NONE);
    assert_int_equal(adapter_next_order(&adapter, 0, 1000), 1); /* nobody had looked at the ones before */
    adapter_ack(&adapter, 1, &ack);
    assert_int_equal(adapter_next_order(&adapter, 0, 1000), CORE_NONE);
    order(1, 8, INT64_MAX);
    assert_int_equal(adapter_next_order(&adapter, 0, 1000), 1);
}

static void an_order_past_its_lease_is_answered_and_not_given_out(void **state)
{
    (void)state;
    order(0, 3, 5000);
    order(2, 4, INT64_MAX);
    assert_int_equal(adapter_next_order(&adapter, 0, 5000), 2);
    assert_true(mailbox_get(adapter.to_tick, &seen));
    assert_int_equal(seen.acks[0].number, 3);
    assert_int_equal(seen.acks[0].status, ST_STALE);
    assert_true(isnan(seen.acks[0].readback));
    assert_int_equal(seen.acks[2].number, 0);
}

static void an_order_in_its_lease_is_given_out(void **state)
{
    (void)state;
    order(0, 3, 5000);
    assert_int_equal(adapter_next_order(&adapter, 0, 4999), 0);
}

static void readings_reach_the_tick_and_main(void **state)
{
    (void)state;
    adapter_reading(&adapter, 1, ST_OK, 48.5, 100, 200);
    adapter_reading(&adapter, 0, ST_TIMEOUT, 48.5, 100, 200);
    adapter_publish(&adapter);
    assert_true(mailbox_get(adapter.to_main, &seen));
    assert_true(mailbox_get(adapter.to_tick, &seen));
    assert_int_equal(seen.sequence, 1);
    assert_true(seen.readings[1].value == 48.5);
    assert_int_equal(seen.readings[1].taken_us, 100);
    assert_int_equal(seen.readings[1].arrived_us, 200);
    assert_int_equal(seen.readings[1].sequence, 1);
    assert_int_equal(seen.readings[0].status, ST_TIMEOUT);
    assert_true(isnan(seen.readings[0].value));
    adapter_reading(&adapter, 1, ST_OK, 48.5, 100, 200);
    assert_int_equal(adapter.state.readings[1].sequence, 2); /* the same value is news too */
}

static void what_no_reading_uses_is_not_carried(void **state)
{
    const struct device_reading untouched = { .value = -1.0, .sequence = 7 };

    (void)state;
    adapter_reading(&adapter, 1, ST_OK, 48.5, 100, 200);
    adapter_publish(&adapter);
    for (int32_t i = 0; i < DEVICE_READINGS_MAX; i++)
        seen.readings[i] = untouched;
    assert_true(mailbox_get(adapter.to_main, &seen));
    assert_true(seen.readings[1].value == 48.5);
    for (int32_t i = 2; i < DEVICE_READINGS_MAX; i++)
        assert_int_equal(seen.readings[i].sequence, untouched.sequence);
    assert_int_equal(seen.lever_count, 3);
}

static void nothing_is_known_at_first(void **state)
{
    (void)state;
    assert_int_equal(adapter.state.reading_count, 2);
    assert_int_equal(adapter.state.readings[1].status, ST_NONE);
    assert_int_equal(adapter.state.acks[2].status, ST_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_order_is_new_until_it_is_acknowledged, adapter_make, adapter_end),
        cmocka_unit_test_setup_teardown(an_order_past_its_lease_is_answered_and_not_given_out, adapter_make, adapter_end),
        cmocka_unit_test_setup_teardown(an_order_in_its_lease_is_given_out, adapter_make, adapter_end),
        cmocka_unit_test_setup_teardown(readings_reach_the_tick_and_main, adapter_make, adapter_end),
        cmocka_unit_test_setup_teardown(what_no_reading_uses_is_not_carried, adapter_make, adapter_end),
        cmocka_unit_test_setup_teardown(nothing_is_known_at_first, adapter_make, adapter_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
