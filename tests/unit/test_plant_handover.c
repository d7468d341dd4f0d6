/* SPDX-License-Identifier: Apache-2.0 */
/* From supplies to batteries and back: times, voltages, energy. */
#include "plant_rig.h"

/* ---- the published rows: ORv3, 60 J, AC lost at t = 0 ---- */

struct row {
    double each_w, rated_w; /* a module's load and rating                        */
    double holdup_ms, half_ms, crosses_ms, detected_ms, carried_ms, margin_ms;
};

/* The third row's slide begins at 50.25 V as the second's: at 150 % of the rating. */
static const struct row rows[] = {
    { .each_w = 3000,
      .rated_w = 3000,
      .holdup_ms = 20.00,
      .half_ms = 10.00,
      .crosses_ms = 10.67,
      .detected_ms = 12.67,
      .carried_ms = 14.67,
      .margin_ms = 5.33 },
    { .each_w = 4500,
      .rated_w = 3000,
      .holdup_ms = 13.33,
      .half_ms = 6.67,
      .crosses_ms = 7.25,
      .detected_ms = 9.25,
      .carried_ms = 11.25,
      .margin_ms = 2.08 },
    { .each_w = 5500,
      .rated_w = 5500 / 1.5,
      .holdup_ms = 10.91,
      .half_ms = 5.45,
      .crosses_ms = 6.04,
      .detected_ms = 8.04,
      .carried_ms = 10.04,
      .margin_ms = 0.87 },
};

/* Six supplies alike on a busbar so small that its own energy does not count, and
 * without overload protection, which acts on another scale than this. */
static struct plant *row_plant(const struct row *row)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, PLANT_RIG_SHELF * row->each_w);

    plant->shelves[0].psu_rated_w = row->rated_w;
    plant->params.psu_share_ratio = plant->params.psu_tolerance_ratio = 0.0;
    plant->params.psu_pulse_1_ratio = plant->params.psu_pulse_2_ratio = plant->params.psu_pulse_3_ratio = 2.0;
    plant->params.bbu_rated_w = 6000.0;
    plant->params.bus_capacitance_f = 0.002;
    plant->params.psu_loop_s = 0.0001;
    plant_start(plant, 1);
    sim_run(plant, 50);
    return plant;
}

struct seen {
    double from_s, last_s, last_v, last_bulk_j;
    double half_ms, crosses_ms, detected_ms, carried_ms, empty_ms;
};

static void see(void *arg, const struct plant *plant, int64_t dt_us)
{
    struct seen *s = arg;
    const struct plant_psu *psu = &plant->psus[0];
    const struct plant_bbu *bbu = &plant->bbus[0];
    double t_s = plant_rig_now_s(plant) - s->from_s, dt_s = (double)dt_us / 1e6;

    if (s->half_ms <= 0.0 && psu->called)
        s->half_ms = 1e3 * (t_s - psu->late_s);
    if (s->crosses_ms <= 0.0 && plant->bus_v < plant->params.bbu_trigger_v)
        s->crosses_ms =
            1e3 * (t_s - dt_s * (plant->params.bbu_trigger_v - plant->bus_v) / (s->last_v - plant->bus_v));
    if (s->detected_ms <= 0.0 && bbu->triggered)
        s->detected_ms = 1e3 * (t_s - bbu->start_s);
    if (s->carried_ms <= 0.0 && bbu->discharging)
        s->carried_ms = 1e3 * (t_s - (bbu->start_s - plant->params.bbu_start_s));
    if (s->empty_ms <= 0.0 && psu->state == PLANT_PSU_OFF)
        s->empty_ms = 1e3 * (s->last_s + s->last_bulk_j * 6.0 / plant->switch_w);
    s->last_s = t_s;
    s->last_v = plant->bus_v;
    s->last_bulk_j = psu->bulk_j;
}

static void lose_ac(struct plant *plant, struct seen *seen, int64_t us)
{
    struct plant_watch watch = { .step = see, .arg = seen };

    *seen = (struct seen){ .from_s = plant_rig_now_s(plant), .last_v = plant->bus_v };
    plant->ac_v = 0.0;
    plant_run(plant, us, &watch);
}

static void the_simulated_hand_over_has_the_published_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct plant *plant = row_plant(row);
        struct seen with, without;

        lose_ac(plant, &with, 40000);
        assert_int_equal(plant->it_resets, 0);
        SIM_NEAR(plant->bbu_w, PLANT_RIG_SHELF * row->each_w, 1.0);
        free(plant);
        plant = row_plant(row);
        plant_rig_no_batteries(plant);
        lose_ac(plant, &without, 40000);
        free(plant);
        SIM_NEAR(with.half_ms, row->half_ms, 0.05);
        SIM_NEAR(with.crosses_ms, row->crosses_ms, 0.05);
        SIM_NEAR(with.detected_ms, row->detected_ms, 0.05);
        SIM_NEAR(with.carried_ms, row->carried_ms, 0.05);
        SIM_NEAR(without.empty_ms, row->holdup_ms, 0.05);
        SIM_NEAR(without.empty_ms - with.carried_ms, row->margin_ms, 0.05);
    }
}

static void the_rule_has_the_published_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct plant *plant = row_plant(row);
        struct plant_rule rule;

        plant_rule(plant, PLANT_RIG_SHELF * row->each_w, &rule);
        SIM_NEAR(1e3 * rule.holdup_s, row->holdup_ms, 0.01);
        SIM_NEAR(1e3 * rule.called_s, row->half_ms, 0.01);
        SIM_NEAR(1e3 * rule.detected_s, row->detected_ms, 0.01);
        SIM_NEAR(1e3 * rule.carried_s, row->carried_ms, 0.01);
        SIM_NEAR(1e3 * rule.margin_s, row->margin_ms, 0.01);
        SIM_NEAR(rule.bridge_f, 0.0, 1e-12);
        assert_true(rule.carries);
        free(plant);
    }
}

/* C = 2 P t / (V0^2 - 46^2): 18 kW for 0.5 ms from 50.5 V needs 0.041 F. */
static void a_negative_margin_needs_capacitance(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 18000.0);
    struct plant_rule rule;

    (void)state;
    /* half and 0.667 ms and 4 ms are 0.5 ms more than all: 8.333 ms of hold-up */
    plant->params.psu_holdup_j = 3000.0 * 2.0 * (0.004 + 2.0 / 3000.0 - 0.0005);
    plant->params.bus_capacitance_f = 0.04;
    plant_rule(plant, 18000.0, &rule);
    SIM_NEAR(rule.margin_s, -0.0005, 1e-9);
    SIM_NEAR(rule.bridge_f, 0.0414, 0.0002);
    assert_false(rule.carries);
    plant->params.bus_capacitance_f = 0.05;
    plant_rule(plant, 18000.0, &rule);
    assert_true(rule.carries);
    plant->params.bus_resistance_ohm = 0.006; /* 2.2 V on the way */
    plant_rule(plant, 18000.0, &rule);
    assert_false(rule.carries);
    plant->params.bus_resistance_ohm = 0.0003;
    for (int i = 0; i < 3; i++)
        plant->bbus[i].failed = true; /* three carry 13.5 kW at their peak */
    plant_rule(plant, 18000.0, &rule);
    assert_false(rule.carries);
    plant_rule(plant, 12000.0, &rule);
    assert_true(rule.carries);
    free(plant);
}

static void a_hand_over_that_no_step_reaches_never_comes(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 9000.0);
    struct plant_rule rule;

    (void)state;
    plant->params.psu_handover_step_v = 1.0; /* 51 to 50 V: not under 48.5 V */
    plant_rule(plant, 9000.0, &rule);
    assert_true(isinf(rule.detected_s));
    assert_false(rule.carries);
    free(plant);
}

/* ---- HPR: by the AC_LOSS_L line ---- */

static void hpr_batteries_are_called_by_the_line(void **state)
{
    struct plant *plant = plant_rig(PLANT_HPR, 4, 120000.0);
    struct plant_rule rule;
    struct seen seen;

    (void)state;
    plant_rule(plant, 120000.0, &rule);
    SIM_NEAR(rule.holdup_s, 110.0 / 5000.0, 1e-9);
    SIM_NEAR(rule.carried_s, 0.011 + 0.0001 + 0.002, 1e-9);
    assert_true(rule.carries);
    sim_run(plant, 50);
    lose_ac(plant, &seen, 200000);
    /* its own supplies' shares are 5 % apart: the first of a shelf calls */
    SIM_NEAR(seen.carried_ms, 1e3 * rule.carried_s, 0.05 * 11.0 + 0.2);
    assert_true(plant->shelves[0].ac_loss);
    assert_int_equal(plant->it_resets, 0);
    assert_true(plant->bus_v > 47.0 && plant->bus_far_v > 46.0);
    SIM_NEAR(plant->bbu_w, 120000.0, 1.0);
    assert_int_equal(plant_rig_count(plant, PLANT_PSU_OFF), 24);
    free(plant);
}

static void a_forced_line_calls_batteries_and_they_carry_nothing(void **state)
{
    struct plant *plant = plant_rig(PLANT_HPR, 2, 30000.0);

    (void)state;
    plant->psus[1].setting |= 0x0080;
    sim_run(plant, 30);
    for (int32_t i = 0; i < plant->bbu_count; i++) {
        assert_int_equal(plant->bbus[i].triggered, i < PLANT_RIG_SHELF);
        SIM_NEAR(plant->bbus[i].output_a, 0.0, 1e-9);
    }
    plant->psus[1].setting &= (uint16_t)~0x0080u;
    sim_run(plant, 250);
    assert_false(plant->bbus[0].triggered);
    free(plant);
}

/* ---- short and long losses ---- */

/* Back before half of the hold-up energy is gone: nobody has noticed. */
static void a_loss_shorter_than_half_the_hold_up_calls_nobody(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 18000.0);

    (void)state;
    sim_run(plant, 20);
    plant->ac_v = 0.0;
    sim_run(plant, 8);
    assert_int_equal(plant_rig_count(plant, PLANT_PSU_HOLD_UP), PLANT_RIG_SHELF);
    plant->ac_v = 240.0;
    sim_run(plant, 5);
    assert_int_equal(plant_rig_count(plant, PLANT_PSU_ON), PLANT_RIG_SHELF);
    assert_true(plant->psus[0].refill_w > 100.0 && plant->psus[0].refill_w < 151.0);
    sim_run(plant, 1000);
    SIM_NEAR(plant->psus[0].bulk_j, 60.0, 1e-6);
    SIM_NEAR(plant->ac_w, 18000.0 / 0.965, 0.1);
    assert_int_equal(plant_rig_trips(plant), 0);
    assert_false(plant->bbus[0].triggered);
    free(plant);
}

/* Half gone but not all: batteries come and go, no supply restarts. */
static void a_loss_within_the_hold_up_needs_no_restart(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 18000.0);

    (void)state;
    sim_run(plant, 20);
    plant->ac_v = 0.0;
    sim_run(plant, 16);
    assert_true(plant->bbus[0].discharging);
    plant->ac_v = 240.0;
    sim_run(plant, 300);
    assert_int_equal(plant_rig_count(plant, PLANT_PSU_ON), PLANT_RIG_SHELF);
    assert_int_equal(plant_rig_trips(plant), 0);
    assert_true(plant->bus_v > 50.4);
    assert_int_equal(plant->it_resets, 0);
    assert_int_equal(plant->psus[0].resets, 0);
    sim_run(plant, 600);
    assert_false(plant->bbus[0].triggered);
    free(plant);
}

static void losing_power_takes_a_stock_controllers_settings(void **state)
{
    static const enum plant_start_kind starts[] = { PLANT_START_STOCK, PLANT_START_SHORT_BOOT,
                                                    PLANT_START_KEPT_ALIVE };

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct plant *plant = plant_rig(PLANT_HPR, 1, 20000.0);
        struct plant_psu *psu = &plant->psus[2];

        plant_params_preset(&plant->params, PLANT_HPR, starts[i]);
        plant_start(plant, 1);
        for (int32_t k = 0; k < plant->psu_count; k++) {
            plant->psus[k].setpoint_v = 49.8;
            plant->psus[k].start_delay_s = 0.1;
        }
        sim_run(plant, 50);
        plant->ac_v = 0.0;
        sim_run(plant, 200);
        assert_int_equal(psu->resets, starts[i] == PLANT_START_KEPT_ALIVE ? 0 : 1);
        SIM_NEAR(psu->setpoint_v, starts[i] == PLANT_START_KEPT_ALIVE ? 49.8 : 50.0, 1e-9);
        if (starts[i] == PLANT_START_STOCK)
            assert_true(isnan(psu->start_delay_s));
        else
            SIM_NEAR(psu->start_delay_s, 0.1, 1e-9);
        free(plant);
    }
}

/* ---- no second dip, and nothing explodes ---- */

static void the_return_hands_back_and_batteries_stand_by(void **state)
{
    struct plant *plant = plant_rig(PLANT_HPR, 4, 120000.0);
    double least_v = 99.0;

    (void)state;
    sim_run(plant, 50);
    plant->ac_v = 0.0;
    sim_run(plant, 1000);
    plant->ac_v = 240.0;
    for (int i = 0; i < 12000; i++) {
        sim_run(plant, 1);
        least_v = fmin(least_v, plant->bus_v);
        assert_true(plant->ac_w < 1.06 * 132000.0 / 0.965);
    }
    assert_true(least_v > 47.0);
    assert_int_equal(plant_rig_count(plant, PLANT_PSU_ON), 24);
    for (int32_t i = 0; i < plant->bbu_count; i++)
        assert_false(plant->bbus[i].triggered);
    SIM_NEAR(plant->psu_w, 120000.0, 0.1);
    assert_int_equal(plant->it_resets, 0);
    free(plant);
}

static void it_gear_that_lost_power_comes_back_after_30_s(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    double left_s;

    (void)state;
    plant_rig_no_batteries(plant);
    sim_demand(plant, 800.0);
    sim_run(plant, 50);
    plant->ac_v = 0.0;
    sim_run(plant, 200);
    assert_int_equal(plant->it_resets, 1);
    assert_true(plant->it_down);
    SIM_NEAR(plant->gpus[7].power_w, 0.0, 1e-9);
    SIM_NEAR(plant->bus_v, 0.0, 0.5);
    plant->ac_v = 240.0;
    while (plant->bus_far_v < 46.0 && plant_rig_now_s(plant) < 20.0) /* the first shelf is there */
        plant_step(plant, 10000);
    left_s = plant_rig_now_s(plant);
    while (plant->it_down && plant_rig_now_s(plant) - left_s < 60.0)
        plant_step(plant, 10000);
    SIM_NEAR(plant_rig_now_s(plant) - left_s, 30.0, 0.1);
    sim_run(plant, 100);
    SIM_NEAR(plant->gpus[7].power_w, 800.0, 1e-6);
    assert_int_equal(plant->it_resets, 1);
    free(plant);
}

/* Over the whole range of the parameters that make the bus fast or slow. */
static void the_bus_is_stable_at_every_capacitance_and_loop(void **state)
{
    static const double farads[] = { 0.02, 0.1, 0.5, 2.5 }, loops[] = { 0.0001, 0.0003, 0.002 };

    (void)state;
    for (int c = 0; c < 4; c++)
        for (int l = 0; l < 3; l++) {
            struct plant *plant = plant_rig(PLANT_HPR, 4, 130000.0);
            double least_v = 99.0, most_v = 0.0;

            plant->params.bus_capacitance_f = farads[c];
            plant->params.psu_loop_s = loops[l];
            plant_start(plant, 1);
            sim_run(plant, 30);
            plant->switch_w = 60000.0;
            for (int i = 0; i < 200; i++) {
                plant_step(plant, 500);
                plant->ac_v = i < 100 ? 240.0 : 0.0;
                plant->switch_w = i < 50 ? 60000.0 : 130000.0;
                least_v = fmin(least_v, plant->bus_v);
                most_v = fmax(most_v, plant->bus_v);
            }
            if (!(least_v > 46.0 && most_v < 52.0))
                fail_msg("%g F, loop %g s: %g to %g V", farads[c], loops[l], least_v, most_v);
            SIM_NEAR(plant->bbu_w, 130000.0, 10.0);
            assert_int_equal(plant->it_resets, 0);
            free(plant);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_simulated_hand_over_has_the_published_times),
        cmocka_unit_test(the_rule_has_the_published_times),
        cmocka_unit_test(a_negative_margin_needs_capacitance),
        cmocka_unit_test(a_hand_over_that_no_step_reaches_never_comes),
        cmocka_unit_test(hpr_batteries_are_called_by_the_line),
        cmocka_unit_test(a_forced_line_calls_batteries_and_they_carry_nothing),
        cmocka_unit_test(a_loss_shorter_than_half_the_hold_up_calls_nobody),
        cmocka_unit_test(a_loss_within_the_hold_up_needs_no_restart),
        cmocka_unit_test(losing_power_takes_a_stock_controllers_settings),
        cmocka_unit_test(the_return_hands_back_and_batteries_stand_by),
        cmocka_unit_test(it_gear_that_lost_power_comes_back_after_30_s),
        cmocka_unit_test(the_bus_is_stable_at_every_capacitance_and_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
