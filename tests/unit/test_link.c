/* SPDX-License-Identifier: Apache-2.0 */
/* The wires between a core and a virtual rack: what arrives, what is done, by whom. */
#include "link_bench.h"

/* ---- what arrives ---- */

static void every_point_is_read_before_it_is_stale(void **state)
{
    static const char *const names[] = { "hpr", "orv3" };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bench *b = bench_of(names[i], PLANT_START_KEPT_ALIVE, 1);

        for (int s = 0; s < 40; s++) {
            bench_run(b, 1.0);
            for (int32_t p = 0; s >= 10 && p < b->conf->core.point_count; p++)
                assert_true(b->now_us - b->last[p].taken_us <= b->conf->core.points[p].stale_after_us);
        }
        assert_int_equal(b->identity_count, b->conf->core.device_count); /* each once */
        bench_free(b);
    }
}

static void readings_are_near_the_truth(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_STOCK, 1);

    (void)state;
    bench_run(b, 10.0);
    for (int32_t d = 0; d < b->conf->core.device_count; d++) {
        const struct link_conf_device *device = &b->conf->devices[d];

        if (device->kind == LINK_PSU) {
            const struct plant_psu *psu = &b->plant->psus[device->index];

            SIM_NEAR(b->last[device->first_point + LINK_PSU_INPUT_V].value, psu->input_v,
                     0.01 * psu->input_v);
            SIM_NEAR(b->last[device->first_point + LINK_PSU_INPUT_W].value, psu->input_w,
                     0.02 * psu->input_w + 1.0);
            SIM_NEAR(b->last[device->first_point + LINK_PSU_SETPOINT].value, psu->setpoint_v, 1e-9);
        } else if (device->kind == LINK_BMC) {
            SIM_NEAR(b->last[device->first_point + LINK_GPU_LIMIT].value,
                     b->plant->gpus[device->index * b->conf->node_gpus].limit_w, 1e-9);
        }
    }
    bench_free(b);
}

/* 11 bits a character: the slow line carries far fewer transactions. */
static void a_slow_line_carries_less(void **state)
{
    struct bench *fast = bench_of("hpr", PLANT_START_STOCK, 1), *slow = bench_of("hpr", PLANT_START_STOCK, 1);
    int32_t input = LINK_PSU_INPUT_V;

    (void)state;
    slow->link = link_free(slow->link);
    assert_int_equal(link_new(slow->conf, slow->plant, &slow->rack, 19200.0, 1, &slow->link), ST_OK);
    link_attend(slow->link, 0);
    bench_run(fast, 20.0);
    bench_run(slow, 20.0);
    assert_true(fast->readings[input] > 160 &&
                fast->readings[input] < 260); /* mirrored each 100 ms, and by itself */
    assert_true(slow->readings[input] > 50 && slow->readings[input] < 90); /* each 300 ms */
    bench_free(fast);
    bench_free(slow);
}

static void nobody_listening_means_nothing_is_asked(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    struct link_stats before, after;

    (void)state;
    bench_run(b, 3.0);
    link_forget(b->link, 0);
    bench_run(b, 6.0); /* what was asked ends */
    link_stats(b->link, &before);
    bench_run(b, 3.0);
    link_stats(b->link, &after);
    assert_int_equal(before.reads, after.reads);
    link_attend(b->link, 0);
    bench_run(b, 3.0);
    link_stats(b->link, &after);
    assert_true(after.reads > before.reads);
    bench_free(b);
}

/* ---- what is done ---- */

static void a_set_point_opens_its_gate_and_is_read_back(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_SETPOINT);
    const struct core_ack *ack;

    (void)state;
    bench_run(b, 2.0);
    assert_false(b->plant->psus[0].write_enable);
    ack = bench_try(b, lever, 48.25, 5.0);
    assert_non_null(ack);
    assert_int_equal(ack->status, ST_OK);
    SIM_NEAR(ack->readback, 48.25, 1e-9);
    SIM_NEAR(b->plant->psus[0].setpoint_v, 48.25, 1e-9);
    assert_true(b->plant->psus[0].write_enable);
    assert_true(ack->done_us - ack->dispatched_us < b->conf->levers[lever].delay_worst_us);
    SIM_NEAR(b->last[b->conf->levers[lever].readback_point].value, 48.25, 1e-9);
    bench_free(b);
}

static void a_start_delay_is_written_where_there_is_one(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_KEPT_ALIVE, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_START);

    (void)state;
    bench_run(b, 4.0);
    ends_with(b, lever, 0.1, ST_OK);
    SIM_NEAR(b->plant->psus[b->conf->lever_of[lever].index].start_delay_s, 0.1, 1e-9);
    bench_free(b);
}

static void a_charge_override_has_its_time_out_first(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_CHARGE);
    const struct plant_bbu *bbu = &b->plant->bbus[b->conf->lever_of[lever].index];

    (void)state;
    bench_run(b, 2.0);
    bench_order(b, lever, 2.5);
    bench_send(b, 0);
    for (int i = 0; i < 200 && b->ack_count == 0; i++) {
        bench_run(b, 0.01);
        if (bbu->override_a > 0.0 || bbu->override_on)
            SIM_NEAR(bbu->override_timeout_s, 120.0, 1e-9);
    }
    assert_int_equal(b->ack_count, 1);
    assert_int_equal(b->acks[0].status, ST_OK);
    assert_true(bbu->override_on);
    SIM_NEAR(bbu->override_a, 2.5, 1e-9);
    SIM_NEAR(bbu->override_left_s, 120.0, 1e-9);
    bench_free(b);
}

static void a_limit_is_patched_and_read_back(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_LIMIT);

    (void)state;
    bench_run(b, 2.0);
    ends_with(b, lever, 700.0, ST_OK);
    SIM_NEAR(b->plant->gpus[0].limit_w, 700.0, 1e-9);
    ends_with(b, lever, 650.0, ST_OK);
    /* a PATCH and a look: about two answers of 450 ms */
    assert_true(b->acks[1].done_us - b->acks[1].dispatched_us > 300000);
    assert_true(b->acks[1].done_us - b->acks[1].dispatched_us < 3000000);
    bench_free(b);
}

/* Six set-points of a line, written before polls. */
static void a_shelf_is_written_within_half_a_second(void **state)
{
    static const struct {
        const char *name;
        double within_s;
    } cases[] = { { "hpr", 0.5 }, { "orv3", 0.8 } };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bench *b = bench_of(cases[i].name, PLANT_START_STOCK, 3);

        for (int32_t p = 0; p < b->plant->psu_count; p++)
            b->plant->psus[p].write_enable = true;
        bench_run(b, 5.0);
        for (int32_t l = 0; l < b->conf->core.lever_count; l++)
            if (b->conf->lever_of[l].kind == LINK_LEVER_SETPOINT)
                bench_order(b, l, 48.5);
        bench_send(b, 0);
        bench_run(b, cases[i].within_s);
        for (int32_t p = 0; p < b->plant->psu_count; p++)
            SIM_NEAR(b->plant->psus[p].setpoint_v, 48.5, 1e-9);
        bench_run(b, 1.0);
        assert_int_equal(b->ack_count, b->plant->psu_count);
        bench_free(b);
    }
}

static void the_newest_order_replaces_one_that_waits(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_LIMIT);

    (void)state;
    bench_run(b, 2.0);
    bench_order(b, lever + 1, 900.0); /* the BMC is busy with this one */
    bench_send(b, 0);
    bench_run(b, 0.02);
    bench_order(b, lever, 800.0);
    bench_send(b, 0);
    bench_order(b, lever, 600.0);
    bench_send(b, 0);
    bench_run(b, 8.0);
    assert_int_equal(b->ack_count, 2);
    for (int32_t i = 0; i < 2; i++)
        assert_true(b->acks[i].number != 2);
    SIM_NEAR(b->plant->gpus[0].limit_w, 600.0, 1e-9);
    bench_free(b);
}

static void an_order_whose_lease_ends_on_the_way_is_not_sent(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_CHARGE);

    (void)state;
    bench_run(b, 2.0);
    bench_order(b, lever, 2.0);
    ((struct core_order *)(uintptr_t)core_outputs_orders(b->out))->lease_end_us =
        b->now_us + b->conf->levers[lever].delay_worst_us / 2;
    bench_send(b, 0);
    bench_run(b, 2.0);
    assert_int_equal(b->ack_count, 1);
    assert_int_equal(b->acks[0].status, ST_STALE);
    assert_false(b->plant->bbus[0].override_on);
    bench_free(b);
}

/* ---- devices that are not there ---- */

static void a_supply_without_power_is_silent_and_comes_back(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    const struct link_conf_device *device = &b->conf->devices[2];
    int32_t input = device->first_point, other = b->conf->devices[3].first_point;
    struct plant_psu *psu = &b->plant->psus[2];
    double input_v = psu->input_v;
    enum plant_psu_state was = psu->state;
    uint64_t seen, others;

    (void)state;
    bench_run(b, 3.0);
    psu->state = PLANT_PSU_OFF;
    psu->input_v = 0.0;
    bench_run(b, 0.5); /* what was asked before may still arrive */
    seen = b->readings[input];
    others = b->readings[other];
    ends_with(b, bench_lever(b, LINK_LEVER_SETPOINT) + 2, 48.5, ST_BUSY);
    bench_run(b, 4.0);
    assert_int_equal(b->readings[input], seen);
    assert_true(b->readings[other] > others + 5);
    psu->state = was;
    psu->input_v = input_v;
    bench_run(b, 7.0);
    assert_true(b->readings[input] > seen + 3);
    bench_free(b);
}

static void a_kept_alive_controller_answers_without_input(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_KEPT_ALIVE, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_SETPOINT);

    (void)state;
    for (int32_t i = 0; i < b->plant->psu_count; i++) {
        b->plant->psus[i].state = PLANT_PSU_OFF;
        b->plant->psus[i].input_v = 0.0;
    }
    b->plant->bus_v = 47.8;
    bench_run(b, 2.0);
    SIM_NEAR(b->last[LINK_PSU_INPUT_V].value, 0.0, 1e-9);
    ends_with(b, lever, 48.5, ST_OK);
    b->plant->bus_v = 0.0;
    bench_run(b, 3.0);
    assert_true(b->now_us - b->last[LINK_PSU_INPUT_V].taken_us > 2500000);
    bench_free(b);
}

static void a_swapped_module_is_told(void **state)
{
    struct bench *b = bench_of("orv3", PLANT_START_STOCK, 1);
    int32_t before;

    (void)state;
    bench_run(b, 10.0);
    before = b->identity_count;
    (void)snprintf(b->plant->psus[1].serial, sizeof b->plant->psus[1].serial, "ANOTHER");
    bench_run(b, 10.0);
    assert_int_equal(b->identity_count, before + 1);
    bench_free(b);
}

/* ---- daemons ---- */

static void what_is_on_the_wire_outlives_its_daemon_and_nothing_else_does(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_LIMIT);

    (void)state;
    bench_run(b, 2.0);
    ends_with(b, lever, 1000.0, ST_OK); /* so that the next one is PATCHed at once */
    bench_order(b, lever, 600.0);
    bench_send(b, 0);
    bench_run(b, 0.02);
    bench_order(b, lever + 1, 500.0);
    bench_send(b, 0);
    bench_run(b, 0.02);
    link_forget(b->link, 0);
    bench_run(b, 1.0);
    link_attend(b->link, 0);
    b->ack_count = 0;
    bench_run(b, 10.0);
    SIM_NEAR(b->plant->gpus[0].limit_w, 600.0, 1e-9);
    SIM_NEAR(b->plant->gpus[1].limit_w, 1200.0, 1e-9);
    assert_int_equal(b->ack_count, 0); /* nobody is left who asked for it */
    bench_free(b);
}

static void a_stalled_machine_hears_late_and_devices_go_on(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_LIMIT);
    int64_t at_us;

    (void)state;
    bench_run(b, 2.0);
    ends_with(b, lever, 1000.0, ST_OK);
    bench_order(b, lever, 600.0);
    bench_send(b, 0);
    bench_run(b, 0.02);
    b->ack_count = 0;
    link_freeze(b->link, true);
    bench_run(b, 4.0);
    SIM_NEAR(b->plant->gpus[0].limit_w, 600.0, 1e-9);
    assert_int_equal(b->ack_count, 0);
    at_us = b->last[LINK_PSU_INPUT_V].arrived_us;
    assert_true(b->now_us - at_us > 3900000);
    link_freeze(b->link, false);
    bench_run(b, 3.0);
    assert_int_equal(b->ack_count, 1);
    assert_int_equal(b->acks[0].status, ST_OK);
    assert_true(b->last[LINK_PSU_INPUT_V].arrived_us > at_us);
    bench_free(b);
}

static void each_daemon_gets_the_answers_to_its_own_orders(void **state)
{
    struct bench *b = bench_of("hpr", PLANT_START_STOCK, 1);
    int32_t lever = bench_lever(b, LINK_LEVER_LIMIT), second = 0, readings = 0;

    (void)state;
    link_attend(b->link, 1);
    bench_run(b, 2.0);
    bench_order(b, lever, 900.0);
    bench_send(b, 0);
    bench_order(b, lever, 800.0);
    bench_send(b, 1);
    for (int i = 0; i < 800; i++) {
        struct core_inputs in = { .now_us = 0 };

        bench_run(b, 0.01);
        link_collect(b->link, 1, &in);
        readings += in.reading_count;
        for (int32_t k = 0; k < in.ack_count; k++) {
            assert_int_equal(in.acks[k].number, 2);
            second++;
        }
    }
    assert_int_equal(second, 1);
    assert_int_equal(b->ack_count, 1);
    assert_int_equal(b->acks[0].number, 1);
    assert_true(readings > 1000);
    bench_free(b);
}

static void the_same_seed_gives_the_same_readings(void **state)
{
    struct bench *a = bench_of("hpr", PLANT_START_STOCK, 5), *b = bench_of("hpr", PLANT_START_STOCK, 5);
    struct bench *c = bench_of("hpr", PLANT_START_STOCK, 6);

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct bench *one = i == 0 ? a : i == 1 ? b : c;

        link_fault(one->link, CORE_NONE, LINK_LOSS, 0.2, INT64_MAX, 1);
        for (int32_t l = 0; l < one->conf->core.lever_count; l++)
            if (one->conf->lever_of[l].kind == LINK_LEVER_LIMIT)
                bench_order(one, l, 500.0 + l);
        bench_send(one, 0);
        bench_run(one, 20.0);
    }
    assert_memory_equal(a->last, b->last, sizeof a->last);
    assert_memory_equal(a->acks, b->acks, sizeof a->acks);
    assert_true(memcmp(a->last, c->last, sizeof a->last) != 0);
    bench_free(a);
    bench_free(b);
    bench_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_is_read_before_it_is_stale),
        cmocka_unit_test(readings_are_near_the_truth),
        cmocka_unit_test(a_slow_line_carries_less),
        cmocka_unit_test(nobody_listening_means_nothing_is_asked),
        cmocka_unit_test(a_set_point_opens_its_gate_and_is_read_back),
        cmocka_unit_test(a_start_delay_is_written_where_there_is_one),
        cmocka_unit_test(a_charge_override_has_its_time_out_first),
        cmocka_unit_test(a_limit_is_patched_and_read_back),
        cmocka_unit_test(a_shelf_is_written_within_half_a_second),
        cmocka_unit_test(the_newest_order_replaces_one_that_waits),
        cmocka_unit_test(an_order_whose_lease_ends_on_the_way_is_not_sent),
        cmocka_unit_test(a_supply_without_power_is_silent_and_comes_back),
        cmocka_unit_test(a_kept_alive_controller_answers_without_input),
        cmocka_unit_test(a_swapped_module_is_told),
        cmocka_unit_test(what_is_on_the_wire_outlives_its_daemon_and_nothing_else_does),
        cmocka_unit_test(a_stalled_machine_hears_late_and_devices_go_on),
        cmocka_unit_test(each_daemon_gets_the_answers_to_its_own_orders),
        cmocka_unit_test(the_same_seed_gives_the_same_readings),
    };

    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
