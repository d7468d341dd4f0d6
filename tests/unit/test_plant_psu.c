/* SPDX-License-Identifier: Apache-2.0 */
/* One supply's behaviour, row by row of its data sheet. */
#include "plant_rig.h"

#define SEEDS 200

/* ---- line ---- */

static void the_line_falls_half_a_volt_to_full_load(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 18000.0);

    (void)state;
    plant_rig_set(plant, "psu_tolerance_ratio", 0.0);
    sim_run(plant, 30);
    SIM_NEAR(plant->bus_v, 50.5, 1e-6);
    plant->switch_w = 9000.0;
    sim_run(plant, 30);
    SIM_NEAR(plant->bus_v, 50.75, 0.125); /* the data sheet's middle, in its tolerance */
    plant->switch_w = 1.0;
    sim_run(plant, 30);
    SIM_NEAR(plant->bus_v, 51.0, 1e-3);
    free(plant);
}

static void the_selector_lowers_the_line_by_three_volts_in_a_millisecond(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 18000.0);

    (void)state;
    plant_rig_set(plant, "psu_tolerance_ratio", 0.0);
    plant_rig_no_batteries(plant);
    sim_run(plant, 30);
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].setting &= (uint16_t)~0x0200u;
    plant_step(plant, 500);
    SIM_NEAR(plant->psus[0].e_v, 49.5, 1e-6);
    plant_step(plant, 500);
    SIM_NEAR(plant->psus[0].e_v, 48.0, 1e-6);
    sim_run(plant, 60);
    SIM_NEAR(plant->bus_v, 48.0 - 0.5 * 50.5 / plant->bus_v, 1e-3); /* less voltage, more current */
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].setting |= 0x0200;
    sim_run(plant, 60);
    SIM_NEAR(plant->bus_v, 50.5, 1e-3);
    free(plant);
}

/* 51.0 to 48.0 V with 3 V/ms when half of the hold-up energy is gone. */
static void the_hand_over_step_takes_a_millisecond(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 12000.0);
    double began_s = 0.0, ended_s = 0.0;

    (void)state;
    sim_run(plant, 30);
    plant->ac_v = 0.0;
    for (int i = 0; i < 400 && ended_s <= 0.0; i++) {
        plant_step(plant, 50);
        if (began_s <= 0.0 && plant->psus[0].step_v > 0.0)
            began_s = plant_rig_now_s(plant) - plant->psus[0].step_v / 3000.0;
        if (plant->psus[0].step_v >= 3.0)
            ended_s = plant_rig_now_s(plant);
    }
    SIM_NEAR(ended_s - began_s, 0.001, 0.00006);
    free(plant);
}

static void supplies_share_within_their_tolerance(void **state)
{
    struct plant *plant = plant_rig(PLANT_HPR, 4, 100000.0);
    double least_w = 1e9, most_w = 0.0;

    (void)state;
    sim_run(plant, 30);
    for (int32_t i = 0; i < plant->psu_count; i++) {
        least_w = fmin(least_w, plant->psus[i].output_w);
        most_w = fmax(most_w, plant->psus[i].output_w);
    }
    assert_true(least_w > 0.949 * 100000.0 / 24 && most_w < 1.051 * 100000.0 / 24);
    assert_true(most_w > 1.02 * least_w);
    /* without the sharing bus a set-point that is 0.1 V higher carries 10 % more */
    for (int32_t i = 0; i < plant->psu_count; i++) {
        plant->psus[i].setting = 0;
        plant->psus[i].trim_v = 0.0;
    }
    plant->psus[3].setpoint_v += 0.1;
    sim_run(plant, 60);
    SIM_NEAR(
        (plant->psus[3].output_w / plant->psus[3].share - plant->psus[4].output_w / plant->psus[4].share) /
            5500.0,
        0.1, 0.005);
    free(plant);
}

/* ---- input ---- */

static struct plant *light(enum plant_kind kind)
{
    struct plant *plant = plant_rig(kind, 1, 300.0); /* hold-up for seconds */

    sim_run(plant, 30);
    return plant;
}

/* `v` for so many milliseconds: how many supplies gave up? */
static int32_t trips_after(double v, double hz, int32_t ms)
{
    static struct plant_grid grid;
    struct plant *plant = light(PLANT_ORV3);
    uint32_t trips;

    plant_grid_init(&grid);
    assert_true(plant_grid_add(&grid, 1.0, v / 240.0, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 1.0 + ms / 1000.0, 1.0, PLANT_GRID_ABC, false));
    if (hz > 0.0) {
        assert_true(plant_grid_add_frequency(&grid, 0.0, 60.0));
        assert_true(plant_grid_add_frequency(&grid, 1.0 - 1e-6, 60.0));
        assert_true(plant_grid_add_frequency(&grid, 1.0, hz));
        assert_true(plant_grid_add_frequency(&grid, 1.0 + ms / 1000.0 - 1e-6, hz));
        assert_true(plant_grid_add_frequency(&grid, 1.0 + ms / 1000.0, 60.0));
    }
    plant->grid = &grid;
    sim_run(plant, 1000 + ms + 10);
    trips = plant_rig_trips(plant);
    free(plant);
    return (int32_t)trips;
}

static void the_pfc_is_off_under_175_v_for_20_ms(void **state)
{
    (void)state;
    assert_int_equal(trips_after(174.0, 0.0, 19), 0);
    assert_int_equal(trips_after(174.0, 0.0, 21), PLANT_RIG_SHELF);
    assert_int_equal(trips_after(176.0, 0.0, 2000), 0);
    assert_int_equal(trips_after(0.0, 0.0, 19), 0);
    assert_int_equal(trips_after(0.0, 0.0, 21), PLANT_RIG_SHELF);
}

static void the_pfc_is_off_above_309_v_for_50_ms_and_345_v_for_20_ms(void **state)
{
    (void)state;
    assert_int_equal(trips_after(308.0, 0.0, 2000), 0);
    assert_int_equal(trips_after(310.0, 0.0, 49), 0);
    assert_int_equal(trips_after(310.0, 0.0, 51), PLANT_RIG_SHELF);
    assert_int_equal(trips_after(346.0, 0.0, 19), 0);
    assert_int_equal(trips_after(346.0, 0.0, 21), PLANT_RIG_SHELF);
}

static void the_pfc_is_off_outside_its_frequencies_for_a_second(void **state)
{
    (void)state;
    assert_int_equal(trips_after(240.0, 47.5, 3000), 0);
    assert_int_equal(trips_after(240.0, 46.5, 950), 0);
    assert_int_equal(trips_after(240.0, 46.5, 1050), PLANT_RIG_SHELF);
    assert_int_equal(trips_after(240.0, 63.5, 1050), PLANT_RIG_SHELF);
}

/* Dips that end in time start the timer anew. */
static void short_dips_do_not_add_up(void **state)
{
    struct plant *plant = light(PLANT_ORV3);

    (void)state;
    for (int i = 0; i < 20; i++) {
        plant->ac_v = 100.0;
        sim_run(plant, 15);
        plant->ac_v = 240.0;
        sim_run(plant, 5);
    }
    assert_int_equal(plant_rig_trips(plant), 0);
    free(plant);
}

/* Constant power down to 198 V, then power falls with the voltage: at 180 V a
 * supply takes 10/11 of its rating, and batteries the rest. */
static void a_low_input_limits_what_a_supply_takes(void **state)
{
    struct plant *plant = plant_rig(PLANT_HPR, 1, 32000.0);

    (void)state;
    sim_run(plant, 30);
    plant->ac_v = 199.0;
    sim_run(plant, 2000);
    SIM_NEAR(plant->ac_w, 32000.0 / 0.965, 1.0);
    SIM_NEAR(plant->psus[0].input_a, plant->psus[0].input_w / 199.0, 1e-6);
    plant->ac_v = 180.0;
    sim_run(plant, 3000);
    assert_true(plant->ac_w <= 33000.0 / 0.965 * 180.0 / 198.0 + 1.0);
    assert_true(plant->ac_w > 0.97 * 33000.0 / 0.965 * 180.0 / 198.0);
    SIM_NEAR(plant->psu_w + plant->bbu_w, 32000.0, 5.0);
    assert_true(plant->bbu_w > 1500.0);
    assert_int_equal(plant_rig_trips(plant), 0);
    assert_int_equal(plant->it_resets, 0);
    plant->ac_v = 240.0;
    sim_run(plant, 3000);
    SIM_NEAR(plant->bbu_w, 0.0, 1e-6);
    SIM_NEAR(plant->ac_w, 32000.0 / 0.965, 1.0);
    free(plant);
}

/* ---- start ---- */

/* A dead or a living busbar at the return of AC; fills what was drawn. */
static void drawn(uint64_t seed, bool alive, double *ret_boot_s, double *ret_delay_s, double *ret_follow_s)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 9000.0);
    double first_s, ready_s;

    plant_start(plant, seed);
    if (!alive)
        plant_rig_no_batteries(plant);
    sim_run(plant, 10);
    plant->ac_v = 0.0;
    sim_run(plant, 400);
    plant->ac_v = 240.0;
    first_s = -plant_rig_now_s(plant);
    while (plant->psus[0].state != PLANT_PSU_WAIT)
        plant_run(plant, 1000, NULL);
    *ret_boot_s = first_s + plant_rig_now_s(plant);
    *ret_delay_s = plant->psus[0].delay_s;
    while (plant->psus[0].state == PLANT_PSU_WAIT)
        plant_run(plant, 250, NULL);
    first_s = plant_rig_now_s(plant);
    ready_s = plant->psus[1].state == PLANT_PSU_WAIT ? first_s : 0.0;
    while (plant->psus[1].state < PLANT_PSU_WALK_IN)
        plant_run(plant, 250, NULL);
    *ret_follow_s = ready_s > 0.0 ? plant_rig_now_s(plant) - ready_s : -1.0;
    free(plant);
}

static void boot_and_start_delay_are_drawn_from_their_ranges(void **state)
{
    (void)state;
    for (int alive = 0; alive < 2; alive++) {
        double boot_low = 9, boot_high = 0, delay_low = 9, delay_high = 0, most = alive ? 5.5 : 2.0;

        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            double boot_s, delay_s, follow_s;

            drawn(seed, alive == 1, &boot_s, &delay_s, &follow_s);
            boot_low = fmin(boot_low, boot_s);
            boot_high = fmax(boot_high, boot_s);
            delay_low = fmin(delay_low, delay_s);
            delay_high = fmax(delay_high, delay_s);
            /* SYNC: 2 to 5 ms, in steps of a quarter */
            assert_true(follow_s < 0.0 || (follow_s > 0.0018 && follow_s < 0.0056));
        }
        assert_true(boot_low >= 1.0 && boot_low < 1.1 && boot_high <= 2.502 && boot_high > 2.4);
        assert_true(delay_low >= 0.0 && delay_low < 0.05 * most && delay_high <= most);
        assert_true(delay_high > 0.95 * most);
    }
}

/* Without slot 1: 6 to 7.5 s on a dead busbar, 9.5 to 11 s on a living one. */
static void without_slot_1_the_others_start_by_their_time_out(void **state)
{
    (void)state;
    for (int alive = 0; alive < 2; alive++)
        for (uint64_t seed = 1; seed <= 40; seed++) {
            struct plant *plant = plant_rig(PLANT_ORV3, 1, 6000.0);
            double took_s;

            plant_start(plant, seed);
            if (!alive)
                plant_rig_no_batteries(plant);
            plant->psus[0].present = false;
            sim_run(plant, 30);
            plant->ac_v = 0.0;
            sim_run(plant, 400);
            plant->ac_v = 240.0;
            took_s = plant_rig_until(plant, PLANT_PSU_WALK_IN, 1, 10000, 20.0);
            assert_true(took_s > (alive ? 9.45 : 5.95) && took_s < (alive ? 11.05 : 7.55));
            free(plant);
        }
}

/* 60 ms from nothing to all, as a current limit that rises. */
static void output_walks_in_within_60_ms(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 12000.0);
    double took_s;

    (void)state;
    plant_rig_set(plant, "psu_random_alive_s", 0.0);
    sim_run(plant, 30);
    plant->ac_v = 0.0;
    sim_run(plant, 1000);
    plant->ac_v = 240.0;
    (void)plant_rig_until(plant, PLANT_PSU_WALK_IN, 1, 500, 10.0);
    took_s = plant_rig_now_s(plant);
    plant_run(plant, 500, NULL);
    while (plant->psus[0].limit_a < 0.5 * 3000.0 / 50.5)
        plant_run(plant, 500, NULL);
    SIM_NEAR(plant_rig_now_s(plant) - took_s, 0.060 * 0.5 / 1.05, 0.003);
    (void)plant_rig_until(plant, PLANT_PSU_ON, 6, 500, 2.0);
    free(plant);
}

/* The hold-up capacitor is full by then: it lasts until batteries carry. */
static void an_input_that_goes_during_a_start_is_held_up(void **state)
{
    struct plant *plant = plant_rig(PLANT_HPR, 1, 12000.0);
    double lowest_v = INFINITY;

    (void)state;
    plant_params_preset(&plant->params, PLANT_HPR, PLANT_START_SHORT_BOOT);
    plant_start(plant, 1);
    plant_rig_set(plant, "bus_capacitance_f", 0.03);
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].start_delay_s = 0.1;
    sim_run(plant, 30);
    plant->ac_v = 0.0;
    sim_run(plant, 3000);
    plant->ac_v = 240.0;
    (void)plant_rig_until(plant, PLANT_PSU_WALK_IN, 6, 1000, 10.0);
    while (plant->bbu_w > 0.0) /* until they carry all of it, still on their way */
        sim_run(plant, 1);
    sim_run(plant, 220); /* batteries stand by again */
    assert_int_equal(plant_rig_count(plant, PLANT_PSU_WALK_IN), 6);
    plant->ac_v = 0.0;
    for (int k = 0; k < 800; k++) {
        plant_run(plant, 100, NULL);
        lowest_v = fmin(lowest_v, plant->bus_far_v);
    }
    assert_true(plant->bbu_w > 11000.0);
    assert_true(lowest_v > plant->params.it_low_v);
    free(plant);
}

/* Hypothetical hardware takes a start delay, and its shelf may start in an order. */
static void a_written_start_delay_is_kept(void **state)
{
    struct plant *plant = plant_rig(PLANT_HPR, 1, 15000.0);

    (void)state;
    plant_params_preset(&plant->params, PLANT_HPR, PLANT_START_KEPT_ALIVE);
    plant_start(plant, 1);
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].start_delay_s = 0.1;
    sim_run(plant, 30);
    plant->ac_v = 0.0;
    sim_run(plant, 150);
    plant->ac_v = 240.0;
    SIM_NEAR(plant_rig_until(plant, PLANT_PSU_WALK_IN, 6, 1000, 10.0), 0.05 + 0.1, 0.004);
    SIM_NEAR(plant_rig_until(plant, PLANT_PSU_ON, 6, 1000, 10.0), 0.2, 0.03);
    free(plant);
}

static void a_stock_supply_ignores_a_written_delay(void **state)
{
    struct plant *plant = plant_rig(PLANT_HPR, 1, 15000.0);

    (void)state;
    plant_rig_set(plant, "psu_random_alive_s", 0.0);
    sim_run(plant, 30);
    plant->ac_v = 0.0;
    sim_run(plant, 1000);
    plant->ac_v = 240.0;
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].start_delay_s = 15.0;
    assert_true(plant_rig_until(plant, PLANT_PSU_WALK_IN, 1, 1000, 10.0) < 2.6);
    free(plant);
}

static void a_supply_switched_off_and_on_walks_in_again(void **state)
{
    struct plant *plant = plant_rig(PLANT_HPR, 1, 15000.0);

    (void)state;
    sim_run(plant, 30);
    plant->psus[4].on = false;
    sim_run(plant, 500);
    SIM_NEAR(plant->psus[4].output_w, 0.0, 1e-9);
    SIM_NEAR(plant->psu_w, 15000.0, 1.0);
    plant->psus[4].on = true;
    sim_run(plant, 100);
    assert_int_equal(plant->psus[4].state, PLANT_PSU_ON);
    SIM_NEAR(plant->psus[4].output_w, 2500.0, 150.0);
    plant->psus[2].failed = true;
    sim_run(plant, 500);
    SIM_NEAR(plant->psus[2].output_w, 0.0, 1e-9);
    plant->psus[2].failed = false;
    (void)plant_rig_until(plant, PLANT_PSU_ON, 6, 10000, 12.0);
    free(plant);
}

/* ---- overload ---- */

/* 155 % is constant current; after 10 ms, or the bus under 48.5 V: down to 48 V,
 * where batteries help, a try after 6 ms and then one every 5 s. */
static void over_current_steps_down_and_tries_every_five_seconds(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 12000.0);
    double low_s = 0.0, tries_s[8];
    int tries = 0;
    bool was = false;

    (void)state;
    plant_rig_set(plant, "bus_capacitance_f", 0.5); /* enough to stay up until batteries are there */
    sim_run(plant, 100);
    plant->switch_w = 29700.0; /* 165 % */
    for (int i = 0; i < 320000 && tries < 4; i++) {
        plant_step(plant, 50);
        if (low_s <= 0.0 && plant->psus[0].state == PLANT_PSU_LOW)
            low_s = plant_rig_now_s(plant);
        if (plant->psus[0].trying && !was)
            tries_s[tries++] = plant_rig_now_s(plant);
        was = plant->psus[0].trying;
    }
    assert_true(low_s > 0.1 && low_s < 0.112);
    assert_int_equal(tries, 4);
    SIM_NEAR(tries_s[0] - low_s, 0.006, 0.0002);
    for (int i = 1; i < 4; i++)
        SIM_NEAR(tries_s[i] - tries_s[i - 1], 5.0, 0.001);
    assert_int_equal(plant->it_resets, 0);
    sim_run(plant, 1000);
    SIM_NEAR(plant->psu_w, 14850.0, 1500.0); /* the same line: half each */
    plant->switch_w = 12000.0;
    sim_run(plant, 4500);
    assert_int_equal(plant_rig_count(plant, PLANT_PSU_ON), PLANT_RIG_SHELF);
    SIM_NEAR(plant->bbu_w, 0.0, 1e-6);
    free(plant);
}

/* Overload without batteries: how long until the supplies shut down? 0: they do not. */
static double shuts_down_after(enum plant_kind kind, double ratio, double most_s)
{
    struct plant *plant = plant_rig(kind, 1, 6000.0);
    double from_s, rated_w = plant->shelves[0].psu_rated_w * PLANT_RIG_SHELF;

    plant_rig_set(plant, "psu_share_ratio", 0.0);
    plant_rig_set(plant, "psu_overload_ratio", 0.0); /* ASSUMED where it is not 0 */
    plant_rig_no_batteries(plant);
    sim_run(plant, 100);
    plant->switch_w = ratio * rated_w;
    from_s = plant_rig_now_s(plant);
    while (plant_rig_count(plant, PLANT_PSU_LATCHED) == 0 && plant_rig_now_s(plant) - from_s < most_s)
        plant_run(plant, 1000, NULL);
    from_s = plant_rig_count(plant, PLANT_PSU_LATCHED) == 0 ? 0.0 : plant_rig_now_s(plant) - from_s;
    free(plant);
    return from_s;
}

static void a_long_overload_shuts_down(void **state)
{
    double took_s;

    (void)state;
    took_s = shuts_down_after(PLANT_ORV3, 1.22, 1.0); /* more than 3.6 kW for 100 ms */
    assert_true(took_s >= 0.099 && took_s < 0.13);
    took_s = shuts_down_after(PLANT_ORV3, 1.16, 20.0); /* more than 3.45 kW for 10 s */
    assert_true(took_s >= 9.4 && took_s < 11.3);
    SIM_NEAR(shuts_down_after(PLANT_ORV3, 1.19, 5.0), 0.0, 1e-9);
    SIM_NEAR(shuts_down_after(PLANT_ORV3, 1.14, 30.0), 0.0, 1e-9);
}

/* 12 kW supplies: 140 % in the mean of 50 ms, 100 % in that of a second. */
static void the_twelve_kilowatt_kind_has_windows_of_its_own(void **state)
{
    double took_s;

    (void)state;
    took_s = shuts_down_after(PLANT_HPR_V2, 1.43, 1.0);
    assert_true(took_s >= 0.049 && took_s < 0.07);
    took_s = shuts_down_after(PLANT_HPR_V2, 1.03, 5.0);
    assert_true(took_s >= 0.9 && took_s < 1.2);
    SIM_NEAR(shuts_down_after(PLANT_HPR_V2, 0.98, 5.0), 0.0, 1e-9);
}

/* 1 to 4.5 s on a dead busbar, 1 to 8 s on a living one, and 60 ms to walk in. */
static void from_good_input_to_all_of_the_output(void **state)
{
    (void)state;
    for (int alive = 0; alive < 2; alive++) {
        double low_s = INFINITY, high_s = 0.0;

        for (uint64_t seed = 1; seed <= 60; seed++) {
            struct plant *plant = plant_rig(PLANT_ORV3, 1, 6000.0);
            double took_s;

            plant_start(plant, seed);
            if (!alive)
                plant_rig_no_batteries(plant);
            sim_run(plant, 30);
            plant->ac_v = 0.0;
            sim_run(plant, 400);
            plant->ac_v = 240.0;
            took_s = plant_rig_until(plant, PLANT_PSU_ON, 1, 5000, 20.0);
            low_s = fmin(low_s, took_s);
            high_s = fmax(high_s, took_s);
            free(plant);
        }
        assert_true(low_s >= 1.0 && low_s < 2.0);
        assert_true(high_s > (alive ? 6.5 : 3.7) && high_s <= (alive ? 8.1 : 4.6));
    }
}

static void what_latched_comes_back_by_an_ac_cycle_or_a_reset(void **state)
{
    (void)state;
    for (int by_reset = 0; by_reset < 2; by_reset++) {
        struct plant *plant = plant_rig(PLANT_ORV3, 1, 12000.0);

        sim_run(plant, 30);
        for (int32_t i = 0; i < plant->psu_count; i++)
            plant->psus[i].setpoint_v = 53.0;
        sim_run(plant, 180);
        assert_int_equal(plant_rig_count(plant, PLANT_PSU_LATCHED), 0);
        sim_run(plant, 50); /* over-voltage: off after 0.2 s */
        assert_int_equal(plant_rig_count(plant, PLANT_PSU_LATCHED), PLANT_RIG_SHELF);
        SIM_NEAR(plant->bbu_w, 12000.0, 5.0);
        sim_run(plant, 3000);
        assert_int_equal(plant_rig_count(plant, PLANT_PSU_LATCHED), PLANT_RIG_SHELF);
        if (by_reset) {
            for (int32_t i = 0; i < plant->psu_count; i++)
                plant_psu_reset(plant, i);
        } else {
            plant->ac_v = 0.0;
            sim_run(plant, 100);
            plant->ac_v = 240.0;
        }
        (void)plant_rig_until(plant, PLANT_PSU_ON, 6, 10000, 12.0);
        assert_true(plant->bus_v < 51.2);
        free(plant);
    }
}

/* A pulse within the limits is carried, partly by the hold-up capacitor. */
static void a_pulse_within_the_limits_is_carried(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 12000.0);

    (void)state;
    sim_run(plant, 100);
    plant->switch_w = 1.5 * 18000.0;
    sim_run(plant, 8);
    plant->switch_w = 12000.0;
    sim_run(plant, 2);
    assert_true(plant->psus[0].bulk_j < 60.0);
    sim_run(plant, 500);
    assert_int_equal(plant_rig_count(plant, PLANT_PSU_ON), PLANT_RIG_SHELF);
    assert_false(plant->bbus[0].triggered);
    SIM_NEAR(plant->psus[0].bulk_j, 60.0, 1e-6);
    free(plant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_falls_half_a_volt_to_full_load),
        cmocka_unit_test(the_selector_lowers_the_line_by_three_volts_in_a_millisecond),
        cmocka_unit_test(the_hand_over_step_takes_a_millisecond),
        cmocka_unit_test(supplies_share_within_their_tolerance),
        cmocka_unit_test(the_pfc_is_off_under_175_v_for_20_ms),
        cmocka_unit_test(the_pfc_is_off_above_309_v_for_50_ms_and_345_v_for_20_ms),
        cmocka_unit_test(the_pfc_is_off_outside_its_frequencies_for_a_second),
        cmocka_unit_test(short_dips_do_not_add_up),
        cmocka_unit_test(a_low_input_limits_what_a_supply_takes),
        cmocka_unit_test(boot_and_start_delay_are_drawn_from_their_ranges),
        cmocka_unit_test(without_slot_1_the_others_start_by_their_time_out),
        cmocka_unit_test(output_walks_in_within_60_ms),
        cmocka_unit_test(an_input_that_goes_during_a_start_is_held_up),
        cmocka_unit_test(a_written_start_delay_is_kept),
        cmocka_unit_test(a_stock_supply_ignores_a_written_delay),
        cmocka_unit_test(a_supply_switched_off_and_on_walks_in_again),
        cmocka_unit_test(over_current_steps_down_and_tries_every_five_seconds),
        cmocka_unit_test(a_long_overload_shuts_down),
        cmocka_unit_test(the_twelve_kilowatt_kind_has_windows_of_its_own),
        cmocka_unit_test(from_good_input_to_all_of_the_output),
        cmocka_unit_test(what_latched_comes_back_by_an_ac_cycle_or_a_reset),
        cmocka_unit_test(a_pulse_within_the_limits_is_carried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
