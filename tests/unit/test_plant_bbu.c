/* SPDX-License-Identifier: Apache-2.0 */
/* Batteries: trigger, release, energy, charger; the capacitor shelf; storage that
 * smooths what the grid sees. */
#include "plant_rig.h"

static void supplies_off(struct plant *plant)
{
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].on = false;
}

static void supplies_on(struct plant *plant)
{
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].on = true;
}

/* ---- trigger and release ---- */

/* 2 ms under 48.5 V, 2 ms more: 4 ms from the crossing, on a bus that falls slowly. */
static void batteries_are_there_4_ms_after_the_crossing(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 3000.0);
    double crossed_s = 0.0, there_s = 0.0, last_v;

    (void)state;
    plant_rig_set(plant, "bus_capacitance_f", 2.5);
    sim_run(plant, 30);
    supplies_off(plant);
    for (int i = 0; i < 4000 && there_s <= 0.0; i++) {
        last_v = plant->bus_v;
        plant_step(plant, 50);
        if (crossed_s <= 0.0 && plant->bus_v < 48.5)
            crossed_s = plant_rig_now_s(plant) - 50e-6 * (48.5 - plant->bus_v) / (last_v - plant->bus_v);
        if (plant->bbus[0].discharging)
            there_s = plant_rig_now_s(plant) - (plant->bbus[0].start_s - 0.002);
    }
    SIM_NEAR(there_s - crossed_s, 0.004, 0.00001);
    free(plant);
}

static void a_dip_shorter_than_2_ms_triggers_nobody(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 3000.0);

    (void)state;
    plant_rig_set(plant, "bus_capacitance_f", 2.5);
    sim_run(plant, 30);
    supplies_off(plant);
    while (plant->bus_v >= 48.5)
        plant_step(plant, 50);
    plant_step(plant, 1500);
    plant->bus_v = plant->bus_last_v = 49.0; /* as if lifted from outside */
    plant_step(plant, 1500);
    assert_false(plant->bbus[0].triggered);
    free(plant);
}

/* Back when the supplies are: under 0.1 A and above 48.5 V for 200 ms. */
static void batteries_stand_by_after_200_ms(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 12000.0);
    double good_s = 0.0, by_s;

    (void)state;
    sim_run(plant, 30);
    supplies_off(plant);
    sim_run(plant, 500);
    SIM_NEAR(plant->bbu_w, 12000.0, 0.1);
    assert_true(plant->bbus[3].discharging);
    supplies_on(plant);
    while (plant->bbus[3].triggered) {
        plant_step(plant, 1000);
        if (good_s <= 0.0 && plant->bus_v > 48.5 && plant->bbus[3].output_a < 0.1)
            good_s = plant_rig_now_s(plant);
        assert_true(plant_rig_now_s(plant) < 5.0);
    }
    by_s = plant_rig_now_s(plant);
    SIM_NEAR(by_s - good_s, 0.2, 0.0021);
    free(plant);
}

static void the_line_falls_from_48_to_47_and_a_half_volts(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 18000.0);

    (void)state;
    sim_run(plant, 30);
    supplies_off(plant);
    sim_run(plant, 200);
    SIM_NEAR(plant->bus_v, 47.5, 1e-6);
    SIM_NEAR(plant->bbus[0].output_a, 3000.0 / 47.5, 1e-6);
    plant->switch_w = 10.0;
    sim_run(plant, 200);
    SIM_NEAR(plant->bus_v, 48.0, 1e-3);
    free(plant);
}

/* ---- energy ---- */

/* 3 kW for 240 s when new; 90 s at the end of life (270 kJ of 720). */
static double lasts_s(double health, double each_w)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, PLANT_RIG_SHELF * each_w);
    double from_s;

    plant->params.bbu_health_ratio = health;
    plant_start(plant, 1);
    for (int32_t i = 0; i < plant->bbu_count; i++) {
        plant->bbus[i].energy_j = plant->bbus[i].energy_full_j;
        plant->bbus[i].discharge_time_s = 0; /* no time limit */
    }
    sim_run(plant, 30);
    plant->ac_v = 0.0;
    sim_run(plant, 200);
    from_s = plant_rig_now_s(plant);
    while (plant->bbu_w > 0.5 * PLANT_RIG_SHELF * each_w)
        plant_step(plant, 100000);
    from_s = plant_rig_now_s(plant) - from_s;
    free(plant);
    return from_s;
}

static void a_full_module_carries_its_rating_for_its_time(void **state)
{
    (void)state;
    SIM_NEAR(lasts_s(1.0, 3000.0), 240.0, 3.0);
    SIM_NEAR(lasts_s(0.375, 3000.0), 90.0, 1.5);
    assert_true(lasts_s(1.0, 1000.0) > 3.05 * 240.0); /* a lighter load loses less */
}

/* Bus energy, converter loss and resistance make up what the pack gives. */
static void battery_energy_is_conserved(void **state)
{
    struct plant *plant = plant_rig(PLANT_HPR, 1, 20000.0);
    const struct plant_bbu *bbu = &plant->bbus[2];
    double before_j, out_j, lost_j = 0.0;

    (void)state;
    sim_run(plant, 30);
    before_j = bbu->energy_j;
    plant->ac_v = 0.0;
    for (int i = 0; i < 20000; i++) {
        plant_step(plant, 1000);
        lost_j += bbu->pack_a * bbu->pack_a * plant->params.bbu_resistance_ohm * 0.001;
    }
    out_j = bbu->discharged_j;
    SIM_NEAR(out_j, 20000.0 / 6 * 20.0 - 110.0, 10.0); /* the supplies gave their hold-up */
    SIM_NEAR((before_j - bbu->energy_j) * plant->bbu_gain / (out_j / 0.97 + lost_j), 1.0, 0.001);
    free(plant);
}

static void nobody_discharges_for_longer_than_it_is_set_to(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 9000.0);

    (void)state;
    for (int32_t i = 0; i < plant->bbu_count; i++)
        plant->bbus[i].discharge_time_s = 10;
    sim_run(plant, 30);
    plant->ac_v = 0.0;
    sim_run(plant, 9900);
    SIM_NEAR(plant->bbu_w, 9000.0, 1.0);
    sim_run(plant, 300);
    SIM_NEAR(plant->bbu_w, 0.0, 1e-9);
    assert_true(plant->bbus[0].spent);
    assert_int_equal(plant->it_resets, 1);
    plant->ac_v = 240.0;
    (void)plant_rig_until(plant, PLANT_PSU_ON, 6, 10000, 15.0);
    sim_run(plant, 500);
    assert_false(plant->bbus[0].spent);
    free(plant);
}

static void a_failed_battery_carries_nothing(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 12000.0);

    (void)state;
    plant->bbus[1].failed = true;
    sim_run(plant, 30);
    plant->ac_v = 0.0;
    sim_run(plant, 500);
    SIM_NEAR(plant->bbus[1].output_a, 0.0, 1e-9);
    assert_false(plant->bbus[1].discharging);
    SIM_NEAR(plant->bbu_w, 12000.0, 1.0);
    SIM_NEAR(plant->bbus[0].output_a * plant->bus_v, 12000.0 / 5, 1.0);
    free(plant);
}

/* ---- commands ---- */

/* On its line beforehand: a set-point under it shares at once, without a dip. */
static void a_forced_battery_takes_over_without_a_dip_and_its_time_ends(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 12000.0);
    double least_v = 99.0;

    (void)state;
    for (int32_t i = 0; i < plant->bbu_count; i++)
        plant->bbus[i].forced_left_s = 3.0;
    sim_run(plant, 100);
    assert_true(plant->bbus[0].discharging);
    SIM_NEAR(plant->bbu_w, 0.0, 1e-9);
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].setpoint_v = 48.0;
    for (int i = 0; i < 500; i++) {
        sim_run(plant, 1);
        least_v = fmin(least_v, plant->bus_v);
    }
    assert_true(least_v > 47.6);
    SIM_NEAR(plant->psu_w, 6000.0, 1000.0);
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].setpoint_v = 51.0;
    sim_run(plant, 2000);
    assert_true(plant->bbus[0].triggered);
    sim_run(plant, 1000);
    assert_false(plant->bbus[0].triggered);
    free(plant);
}

/* The charger waits its delay after a discharge; its override ends by itself. */
static void charging_waits_a_minute(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 9000.0);
    struct plant_bbu *bbu = &plant->bbus[0];
    double rest_s;

    (void)state;
    plant_rig_set(plant, "psu_random_alive_s", 0.0);
    sim_run(plant, 30);
    plant->ac_v = 0.0;
    for (int i = 0; i < 300; i++)
        plant_step(plant, 100000);
    assert_true(bbu->energy_j < 0.95 * bbu->energy_full_j);
    plant->ac_v = 240.0;
    while (bbu->triggered)
        plant_step(plant, 1000);
    rest_s = plant_rig_now_s(plant);
    SIM_NEAR(bbu->charge_a, 0.0, 1e-9);
    while (bbu->charge_a <= 0.0)
        plant_step(plant, 10000);
    SIM_NEAR(plant_rig_now_s(plant) - rest_s, 60.0, 0.03);
    SIM_NEAR(bbu->charge_a * bbu->pack_v, 250.0, 15.0);
    SIM_NEAR(plant->shelves[0].charge_w, 6 * bbu->charge_a * bbu->pack_v, 20.0);
    bbu->override_timeout_s = 2.0;
    bbu->override_a = 60.0; /* more than the charger can */
    plant_bbu_override(plant, 0, true);
    plant_step(plant, 100000);
    SIM_NEAR(bbu->charge_a, 6.0, 1e-9);
    for (int i = 0; i < 21; i++)
        plant_step(plant, 100000);
    SIM_NEAR(bbu->charge_a, 5.7, 1e-9);
    free(plant);
}

/* ---- capacitors ---- */

/* With a shelf of capacitors the bus never stays under the trigger for 2 ms. */
static void a_capacitor_shelf_fills_the_gap(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 12000.0);

    (void)state;
    plant->params.cap_energy_j = 20000.0;
    plant->params.cap_power_w = 20000.0;
    plant_start(plant, 1);
    plant_rig_no_batteries(plant);
    sim_run(plant, 30);
    supplies_off(plant);
    sim_run(plant, 1000);
    SIM_NEAR(plant->cap_w, 12000.0, 1.0);
    SIM_NEAR(plant->cap_j, 20000.0 - 12000.0, 200.0);
    assert_true(plant->bus_v > 48.0 && plant->bus_v < 48.5);
    supplies_on(plant);
    sim_run(plant, 500);
    SIM_NEAR(plant->cap_charge_w, 400.0, 1e-6);
    SIM_NEAR(plant->psu_w, 12400.0, 1.0);
    sim_run(plant, 35000);
    SIM_NEAR(plant->cap_j, 20000.0, 1e-6);
    SIM_NEAR(plant->psu_w, 12000.0, 1.0);
    free(plant);
}

/* 65 J a GPU take most of a swing of 4 Hz, and lose nothing. */
static void storage_in_the_shelves_smooths_what_the_grid_sees(void **state)
{
    double peak_w[2], mean_w[2];

    (void)state;
    for (int on = 0; on < 2; on++) {
        struct plant *plant = sim_plant("hpr", 1);

        plant->params.gpu_storage_on = on;
        plant_start(plant, 1);
        peak_w[on] = mean_w[on] = 0.0;
        for (int i = 0; i < 1000; i++) {
            sim_demand(plant, i / 12 % 2 ? 1100.0 : 300.0);
            plant_step(plant, 10000);
            if (i < 240)
                continue;
            peak_w[on] = fmax(peak_w[on], plant->ac_w);
            mean_w[on] += plant->ac_w / 760.0;
        }
        free(plant);
    }
    assert_true(peak_w[1] - mean_w[1] < 0.4 * (peak_w[0] - mean_w[0]));
    SIM_NEAR(mean_w[1] / mean_w[0], 1.0, 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batteries_are_there_4_ms_after_the_crossing),
        cmocka_unit_test(a_dip_shorter_than_2_ms_triggers_nobody),
        cmocka_unit_test(batteries_stand_by_after_200_ms),
        cmocka_unit_test(the_line_falls_from_48_to_47_and_a_half_volts),
        cmocka_unit_test(a_full_module_carries_its_rating_for_its_time),
        cmocka_unit_test(battery_energy_is_conserved),
        cmocka_unit_test(nobody_discharges_for_longer_than_it_is_set_to),
        cmocka_unit_test(a_failed_battery_carries_nothing),
        cmocka_unit_test(a_forced_battery_takes_over_without_a_dip_and_its_time_ends),
        cmocka_unit_test(charging_waits_a_minute),
        cmocka_unit_test(a_capacitor_shelf_fills_the_gap),
        cmocka_unit_test(storage_in_the_shelves_smooths_what_the_grid_sees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
