/* SPDX-License-Identifier: Apache-2.0 */
/* What may be wrong with a virtual rack's wires: each fault is seen, and clears. */
#include "link_bench.h"

static void lost_messages_leave_orders_in_doubt(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_LIMIT), bad = 0, silent = 0;
    struct link_stats stats;

    (void)state;
    bench_run(b, 2.0);
    link_fault(b->link, CORE_NONE, LINK_LOSS, 0.5, INT64_MAX, 1);
    for (int i = 0; i < 30; i++) {
        const struct core_ack *ack = bench_try(b, lever + i % 16, 400.0 + i, 40.0);

        silent += ack == NULL;
        bad += ack && ack->status != ST_OK;
    }
    link_stats(b->link, &stats);
    assert_true(bad > 2 && silent > 2 && stats.lost > 50);
    link_clear(b->link);
    bench_run(b, 60.0);
    b->ack_count = 0;
    ends_with(b, lever, 500.0, ST_OK);
    bench_free(b);
}

static void late_answers_are_as_old_as_they_are(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_STOCK, 1);

    (void)state;
    bench_run(b, 5.0);
    assert_true(b->slowest_us < 2500000);
    link_fault(b->link, link_conf_bmc(b->conf, 0), LINK_LATE, 4.0, b->now_us + 20000000, 1);
    bench_run(b, 20.0);
    assert_true(b->slowest_us > 3000000);
    bench_run(b, 10.0); /* it ends by itself */
    b->slowest_us = 0;
    bench_run(b, 20.0);
    assert_true(b->slowest_us < 2500000);
    bench_free(b);
}

static void doubled_answers_come_again_with_their_old_number(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_LIMIT), doubled = 0;

    (void)state;
    bench_run(b, 2.0);
    link_fault(b->link, device_of(b, lever), LINK_DUPLICATE, 1.0, INT64_MAX, 1);
    for (int i = 0; i < 4; i++) {
        bench_order(b, lever, 700.0 + i);
        bench_send(b, 0);
        bench_run(b, 6.0);
    }
    for (int32_t i = 0; i < b->ack_count; i++)
        for (int32_t k = 0; k < i; k++)
            doubled += b->acks[i].number == b->acks[k].number;
    assert_int_equal(doubled, 4);
    bench_free(b);
}

static void a_stale_device_shows_the_same_and_its_settings_still_move(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_LIMIT), device = device_of(b, lever);
    int32_t power = b->conf->devices[device].first_point + LINK_GPU_POWER;
    double held;

    (void)state;
    link_fault(b->link, device, LINK_STALE, NAN, INT64_MAX, 1);
    bench_run(b, 5.0);
    held = b->last[power].value;
    b->plant->gpus[0].reading_w += 400.0;
    bench_run(b, 5.0);
    assert_true(b->now_us - b->last[power].taken_us < 4000000);
    SIM_NEAR(b->last[power].value, held, 1e-9);
    ends_with(b, lever, 640.0, ST_OK);
    link_clear(b->link);
    bench_run(b, 5.0);
    SIM_NEAR(b->last[power].value, held + 400.0, 2.0);
    bench_free(b);
}

static void a_lying_device_is_off_by_its_factor(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    double truth_w = b->plant->psus[0].input_w;

    (void)state;
    link_fault(b->link, 0, LINK_LIE, 0.5, INT64_MAX, 1);
    bench_run(b, 3.0);
    SIM_NEAR(b->last[LINK_PSU_INPUT_W].value, 0.5 * truth_w, 0.02 * truth_w);
    SIM_NEAR(b->last[LINK_PSU_INPUT_V].value, b->plant->psus[0].input_v, 2.0);
    link_clear(b->link);
    bench_run(b, 3.0);
    SIM_NEAR(b->last[LINK_PSU_INPUT_W].value, truth_w, 0.02 * truth_w);
    bench_free(b);
}

static void a_dead_line_and_a_dead_bmc_say_nothing_until_they_live_again(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_STOCK, 1);
    int32_t bmc = link_conf_bmc(b->conf, 3), gpu = b->conf->devices[bmc].first_point;
    int32_t psu = b->conf->devices[7].first_point, other = b->conf->devices[13].first_point;
    uint64_t seen[3];

    (void)state;
    bench_run(b, 5.0);
    link_fault(b->link, 6, LINK_DEAD, NAN, INT64_MAX, 1); /* psu-2-1: its line is dead */
    link_fault(b->link, bmc, LINK_DEAD, NAN, INT64_MAX, 1);
    bench_run(b, 5.0);
    seen[0] = b->readings[gpu];
    seen[1] = b->readings[psu];
    seen[2] = b->readings[other];
    bench_run(b, 20.0);
    assert_int_equal(b->readings[gpu], seen[0]);
    assert_int_equal(b->readings[psu], seen[1]);
    assert_true(b->readings[other] > seen[2] + 50);
    ends_with(b, b->conf->devices[7].first_lever, 48.5, ST_BUSY);
    ends_with(b, b->conf->devices[bmc].first_lever, 500.0, ST_NACK);
    assert_true(b->plant->psus[7].setpoint_v > 49.0);
    link_clear(b->link);
    bench_run(b, 12.0);
    assert_true(b->readings[gpu] > seen[0] && b->readings[psu] > seen[1]);
    bench_free(b);
}

static void in_a_storm_answers_are_slow_and_every_other_one_fails(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    int32_t bmc = link_conf_bmc(b->conf, 0), gpu = b->conf->devices[bmc].first_point;
    uint64_t calm, storm;

    (void)state;
    bench_run(b, 40.0);
    calm = b->readings[gpu];
    link_fault(b->link, bmc, LINK_STORM, NAN, INT64_MAX, 1);
    bench_run(b, 40.0);
    storm = b->readings[gpu] - calm;
    assert_true(storm < calm / 8);
    assert_true(b->slowest_us > 2000000);
    bench_free(b);
}

static void an_ignored_write_reads_back_as_the_old_value(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    int32_t limit = bench_lever(b, LINK_LEVER_LIMIT), charge = bench_lever(b, LINK_LEVER_CHARGE);

    (void)state;
    bench_run(b, 3.0);
    link_fault(b->link, CORE_NONE, LINK_IGNORE, NAN, INT64_MAX, 1);
    ends_with(b, limit, 333.0, ST_MISMATCH);
    SIM_NEAR(b->acks[0].readback, 700.0, 1e-9);
    ends_with(b, charge, 3.0, ST_BUSY); /* not even its time-out was taken */
    link_clear(b->link);
    ends_with(b, limit, 333.0, ST_OK);
    ends_with(b, charge, 3.0, ST_OK);
    bench_free(b);
}

static void a_late_write_lands_after_its_time_out_and_within_the_worst_delay(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    int32_t setpoint = bench_lever(b, LINK_LEVER_SETPOINT);
    const struct core_ack *ack;
    int64_t landed_us = 0, sent_us;

    (void)state;
    b->plant->psus[0].write_enable = true;
    bench_run(b, 3.0);
    link_fault(b->link, device_of(b, setpoint), LINK_LATE_WRITE, 100.0, INT64_MAX, 1);
    sent_us = b->now_us;
    bench_order(b, setpoint, 48.5);
    bench_send(b, 0);
    for (int i = 0; i < 600; i++) {
        bench_run(b, 0.01);
        if (!landed_us && b->plant->psus[0].setpoint_v < 49.0)
            landed_us = b->now_us;
    }
    ack = &b->acks[0];
    assert_int_equal(b->ack_count, 1);
    assert_int_equal(ack->status, ST_TIMEOUT);
    assert_true(landed_us > ack->done_us);
    assert_true(landed_us - ack->dispatched_us < b->conf->levers[setpoint].delay_worst_us);
    assert_true(ack->dispatched_us >= sent_us);
    bench_free(b);
}

static void a_meddler_lowers_limits_now_and_then(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    int32_t lowered = 0;

    (void)state;
    link_fault(b->link, CORE_NONE, LINK_MEDDLER, 2.0, b->now_us + 30000000, 1);
    bench_run(b, 30.0);
    for (int32_t i = 0; i < b->plant->gpu_count; i++) {
        double limit_w = b->plant->gpus[i].limit_w;

        assert_true(limit_w >= b->plant->gpus[i].limit_min_w && limit_w <= b->plant->gpus[i].limit_max_w);
        lowered += limit_w < 700.0;
        b->plant->gpus[i].limit_w = 700.0;
    }
    assert_true(lowered > 4);
    bench_run(b, 30.0); /* it has ended */
    for (int32_t i = 0; i < b->plant->gpu_count; i++)
        SIM_NEAR(b->plant->gpus[i].limit_w, 700.0, 1e-9);
    bench_free(b);
}

static void a_fault_that_hits_each_fourth_time_hits_a_quarter(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    struct link_stats stats;
    int32_t first = b->conf->devices[link_conf_bmc(b->conf, 0)].first_point;
    double answered = 0.0;

    (void)state;
    link_fault(b->link, link_conf_bmc(b->conf, 0), LINK_DEAD, NAN, INT64_MAX, 4);
    bench_run(b, 300.0);
    link_stats(b->link, &stats);
    for (int32_t g = 0; g < b->conf->node_gpus; g++)
        answered += (double)b->readings[first + g * LINK_GPU_POINTS];
    assert_true(answered > 100.0);
    SIM_NEAR((double)stats.lost / answered, 1.0 / 3.0, 0.02);
    bench_free(b);
}

static void every_fault_has_a_word(void **state)
{
    (void)state;
    for (int f = 0; f < LINK_FAULT_COUNT; f++)
        assert_int_equal(link_fault_find(link_fault_word((enum link_fault)f)), f);
    assert_int_equal(link_fault_find("nonsense"), LINK_FAULT_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_messages_leave_orders_in_doubt),
        cmocka_unit_test(late_answers_are_as_old_as_they_are),
        cmocka_unit_test(doubled_answers_come_again_with_their_old_number),
        cmocka_unit_test(a_stale_device_shows_the_same_and_its_settings_still_move),
        cmocka_unit_test(a_lying_device_is_off_by_its_factor),
        cmocka_unit_test(a_dead_line_and_a_dead_bmc_say_nothing_until_they_live_again),
        cmocka_unit_test(in_a_storm_answers_are_slow_and_every_other_one_fails),
        cmocka_unit_test(an_ignored_write_reads_back_as_the_old_value),
        cmocka_unit_test(a_late_write_lands_after_its_time_out_and_within_the_worst_delay),
        cmocka_unit_test(a_meddler_lowers_limits_now_and_then),
        cmocka_unit_test(a_fault_that_hits_each_fourth_time_hits_a_quarter),
        cmocka_unit_test(every_fault_has_a_word),
    };

    return cmocka_run_group_tests_name("link_fault", tests, NULL, NULL);
}
