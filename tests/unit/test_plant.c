/* SPDX-License-Identifier: Apache-2.0 */
/* The rack as a whole, a millisecond a step: loads, limits, sensors, sums; and that
 * long and small steps tell the same. */
#include "plant_rig.h"

#include "sim/speed.h"

static void the_same_seed_gives_the_same_rack(void **state)
{
    struct plant *a = sim_plant("hpr", 7), *b = sim_plant("hpr", 7), *c = sim_plant("hpr", 8);

    (void)state;
    sim_demand(a, 900.0);
    sim_demand(b, 900.0);
    sim_demand(c, 900.0);
    sim_run(a, 500);
    sim_run(b, 500);
    sim_run(c, 500);
    assert_memory_equal(a, b, sizeof *a);
    assert_true(memcmp(a->gpus, c->gpus, sizeof a->gpus) != 0);
    free(a);
    free(b);
    free(c);
}

static void a_gpu_rises_within_a_millisecond(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);

    (void)state;
    SIM_NEAR(plant->gpus[0].power_w, 150.0, 0.01);
    plant->gpus[0].demand_w = 1100.0;
    sim_run(plant, 1);
    SIM_NEAR(plant->gpus[0].power_w, 1100.0, 0.01);
    free(plant);
}

/* Measured boards lose 30 to 45 % of the step in 5 to 10 ms, the rest in 50 to 100 ms. */
static void a_gpu_falls_fast_and_then_slowly(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    double lost;

    (void)state;
    plant->gpus[0].demand_w = 1150.0;
    sim_run(plant, 10);
    plant->gpus[0].demand_w = 150.0;
    sim_run(plant, 7);
    lost = 1150.0 - plant->gpus[0].power_w;
    assert_true(lost > 300.0 && lost < 550.0);
    sim_run(plant, 93);
    assert_true(plant->gpus[0].power_w < 150.0 + 50.0);
    sim_run(plant, 900);
    SIM_NEAR(plant->gpus[0].power_w, 150.0, 0.01);
    free(plant);
}

static void a_limit_is_in_force_after_its_delay_and_may_be_overshot(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    struct plant_gpu *gpu = &plant->gpus[3];

    (void)state;
    gpu->demand_w = 1200.0;
    sim_run(plant, 10);
    plant_gpu_set_limit(plant, 3, 500.0);
    sim_run(plant, 59);
    SIM_NEAR(gpu->limit_active_w, 1200.0, 1e-9);
    SIM_NEAR(gpu->power_w, 1200.0, 1e-9);
    sim_run(plant, 2);
    SIM_NEAR(gpu->limit_active_w, 500.0, 1e-9);
    sim_run(plant, 1000);
    SIM_NEAR(gpu->power_w, 500.0 * 1.12, 0.1);
    assert_true(gpu->speed < 0.75 && gpu->speed > 0.5);
    free(plant);
}

static void the_newest_limit_wins_and_does_not_wait_anew(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);

    (void)state;
    plant_gpu_set_limit(plant, 0, 900.0);
    sim_run(plant, 40);
    plant_gpu_set_limit(plant, 0, 400.0);
    sim_run(plant, 21);
    SIM_NEAR(plant->gpus[0].limit_active_w, 400.0, 1e-9);
    free(plant);
}

static void no_limit_pushes_a_gpu_below_idle(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);

    (void)state;
    plant->gpus[0].demand_w = 1200.0;
    plant_gpu_set_limit(plant, 0, 50.0);
    sim_run(plant, 1000);
    SIM_NEAR(plant->gpus[0].power_w, plant->gpus[0].idle_w, 0.1);
    free(plant);
}

/* A new value each 100 ms, the mean of 25 ms, off by the board's gain. */
static void the_sensor_shows_the_last_25_ms_of_each_100(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    struct plant_gpu *gpu = &plant->gpus[0];
    double last_w = 0.0;
    int changes = 0;

    (void)state;
    gpu->demand_w = 1000.0;
    sim_run(plant, 250);
    SIM_NEAR(gpu->reading_w, 1000.0 * gpu->sensor_gain, 1.0);
    assert_true(gpu->sensor_gain >= 0.95 && gpu->sensor_gain <= 1.05);
    last_w = gpu->reading_w;
    for (int i = 0; i < 1000; i++) {
        sim_run(plant, 1);
        changes += gpu->reading_w != last_w;
        last_w = gpu->reading_w;
    }
    assert_int_equal(changes, 10);
    free(plant);
}

static void energy_is_the_integral_of_power(void **state)
{
    struct plant *plant = sim_plant("orv3", 1);
    double before_j;

    (void)state;
    plant->gpus[2].demand_w = 600.0;
    before_j = plant->gpus[2].energy_j;
    sim_run(plant, 2000);
    SIM_NEAR(plant->gpus[2].energy_j - before_j, 1200.0, 0.01);
    free(plant);
}

static void supplies_carry_the_load_and_lose_their_part(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    double dc_w = 0.0, ac_w = 0.0, shelf_w = 0.0;

    (void)state;
    sim_demand(plant, 1200.0);
    sim_run(plant, 190); /* settled since the static load last wandered */
    for (int32_t i = 0; i < plant->psu_count; i++) {
        dc_w += plant->psus[i].output_w;
        ac_w += plant->psus[i].input_w;
        SIM_NEAR(plant->psus[i].output_w / (plant->dc_w / plant->psu_count), 1.0, 0.055);
    }
    for (int32_t i = 0; i < plant->shelf_count; i++)
        shelf_w += plant->shelves[i].output_w;
    SIM_NEAR(dc_w, plant->dc_w, 1e-6);
    SIM_NEAR(shelf_w, plant->dc_w, 1e-6);
    SIM_NEAR(ac_w, plant->ac_w, 1e-6);
    SIM_NEAR(ac_w, dc_w / 0.965, 1e-3);
    assert_true(dc_w > 72 * 1200.0 + 0.99 * 18 * 1900.0 + 7416.0 - 1.0);
    /* 50 V without load, 49 V at full load and 5500 / 49 A; some tolerance is left */
    SIM_NEAR(plant->bus_v, 50.0 - dc_w / plant->bus_v / (24 * 5500.0 / 49.0), 0.05);
    free(plant);
}

static void the_bus_follows_the_set_points(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    double before_v;

    (void)state;
    sim_run(plant, 1);
    before_v = plant->bus_v;
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].setpoint_v -= 0.5;
    sim_run(plant, 5);
    SIM_NEAR(plant->bus_v, before_v - 0.5, 0.01);
    plant_psu_reset(plant, 0);
    SIM_NEAR(plant->psus[0].setpoint_v, 50.0, 1e-9);
    assert_int_equal(plant->psus[0].resets, 1);
    free(plant);
}

static void a_missing_supply_is_carried_by_the_others(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    double dc_w = 0.0;

    (void)state;
    plant->psus[5].on = false;
    sim_run(plant, 30);
    SIM_NEAR(plant->psus[5].output_w, 0.0, 1e-9);
    for (int32_t i = 0; i < plant->psu_count; i++)
        dc_w += plant->psus[i].output_w;
    SIM_NEAR(dc_w, plant->dc_w, 1e-6);
    free(plant);
}

static void a_discharged_battery_charges_at_its_chargers_current(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    const struct plant_bbu *bbu = &plant->bbus[0];
    double full_dc_w, before_j;

    (void)state;
    sim_run(plant, 1);
    full_dc_w = plant->dc_w;
    assert_true(!bbu->charging);
    plant_discharge(plant);
    sim_run(plant, 1);
    before_j = bbu->energy_j;
    assert_true(bbu->charging);
    SIM_NEAR(bbu->charge_a, 5.7, 1e-9);
    sim_run(plant, 1000);
    SIM_NEAR((bbu->energy_j - before_j) * plant->bbu_gain,
             bbu->charge_a * (bbu->pack_v * 0.97 - bbu->charge_a * plant->params.bbu_resistance_ohm), 0.1);
    SIM_NEAR(plant->dc_w - full_dc_w, 24 * 5.7 * 40.0, 900.0);
    free(plant);
}

static void an_override_ends_by_itself(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    struct plant_bbu *bbu = &plant->bbus[4];

    (void)state;
    plant_discharge(plant);
    bbu->override_timeout_s = 2.0;
    bbu->override_a = 1.5;
    plant_bbu_override(plant, 4, true);
    sim_run(plant, 1000);
    SIM_NEAR(bbu->charge_a, 1.5, 1e-9);
    SIM_NEAR(bbu->override_left_s, 1.0, 0.003);
    plant_bbu_override(plant, 4, true); /* refreshed: the countdown starts over */
    sim_run(plant, 1900);
    assert_true(bbu->override_on);
    sim_run(plant, 105);
    assert_false(bbu->override_on);
    sim_run(plant, 1);
    SIM_NEAR(bbu->charge_a, 5.7, 1e-9);
    free(plant);
}

static void an_override_switched_on_by_its_field_counts_down_too(void **state)
{
    struct plant *plant = sim_plant("orv3", 1);
    struct plant_bbu *bbu = &plant->bbus[0];

    (void)state;
    bbu->override_timeout_s = 1.0;
    bbu->override_on = true;
    sim_run(plant, 990);
    assert_true(bbu->override_on);
    sim_run(plant, 20);
    assert_false(bbu->override_on);
    free(plant);
}

static void without_ac_the_batteries_carry_the_bus(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    double before_j = plant->bbus[0].energy_j, lost_j;

    (void)state;
    plant->ac_v = 0.0;
    sim_run(plant, 1000);
    SIM_NEAR(plant->ac_w, 0.0, 1e-9);
    assert_true(plant->bbus[0].discharging && plant->bbus[0].pack_a < 0.0);
    SIM_NEAR(plant->bus_v, 48.0 - 0.5 * plant->dc_w / plant->bus_v / (24 * 5500.0 / 47.5), 1e-6);
    SIM_NEAR(plant->bbu_w, plant->dc_w, 1e-6);
    /* the supplies gave 110 J each before; a light load loses less than a full one */
    SIM_NEAR(plant->bbus[0].discharged_j, plant->dc_w / 24.0 - 110.0, 10.0);
    lost_j = before_j - plant->bbus[0].energy_j;
    assert_true(lost_j < plant->bbus[0].discharged_j && lost_j > 0.85 * plant->bbus[0].discharged_j);
    plant->ac_v = 240.0;
    sim_run(plant, 12000);
    assert_false(plant->bbus[0].discharging);
    assert_true(plant->bus_v > 49.0);
    assert_int_equal(plant->it_resets, 0);
    free(plant);
}

static void the_truth_stays_under_what_the_daemon_is_told(void **state)
{
    struct plant *plant = sim_plant("hpr", 3);
    struct rack rack;

    (void)state;
    sim_rack("hpr", &rack);
    sim_demand(plant, 1200.0);
    for (int i = 0; i < 3000; i++) {
        double bound_w = 7416.0 + 18 * 1900.0;

        sim_run(plant, 1);
        for (int32_t g = 0; g < plant->gpu_count; g++)
            bound_w += plant->gpus[g].power_w;
        assert_true(plant->ac_w <= bound_w * (1.0 + rack_tree_loss_ratio(&rack)));
    }
    free(plant);
}

/* ---- long and small steps ---- */

static void long_and_small_steps_agree(void **state)
{
    struct plant *quiet = sim_plant("hpr", 5), *fast = sim_plant("hpr", 5);

    (void)state;
    for (int32_t n = 0; n < quiet->node_count; n++) /* static load would wander by itself */
        quiet->node_static_w[n] = fast->node_static_w[n] = 0.0;
    for (int i = 0; i < 60; i++) {
        double demand_w = i < 30 ? 900.0 : 300.0;

        sim_demand(quiet, demand_w);
        sim_demand(fast, demand_w);
        plant_step(quiet, 100000);
        for (int k = 0; k < 100; k++) {
            fast->quiet_us = 0;
            plant_step(fast, 1000);
            assert_true(fast->fast);
        }
        if (i % 30 < 3)
            continue; /* not settled */
        assert_false(quiet->fast);
        SIM_NEAR(quiet->bus_v / fast->bus_v, 1.0, 0.0002);
        SIM_NEAR(quiet->ac_w / fast->ac_w, 1.0, 0.001);
        for (int32_t p = 0; p < quiet->psu_count; p++)
            SIM_NEAR(quiet->psus[p].output_w / fast->psus[p].output_w, 1.0, 0.002);
        assert_true(quiet->gpus[0].power_w == fast->gpus[0].power_w);
    }
    SIM_NEAR(quiet->gpus[9].energy_j / fast->gpus[9].energy_j, 1.0, 0.001);
    free(quiet);
    free(fast);
}

static void steps_of_any_length_tell_the_same_outage(void **state)
{
    static const int64_t step_us[] = { 1000, 10000, 100000 };
    double energy_j[3], back_s[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct plant *plant = plant_rig(PLANT_HPR, 2, 50000.0);
        static struct plant_grid grid;

        plant_grid_init(&grid);
        assert_true(plant_grid_add(&grid, 1.0, 0.0, PLANT_GRID_ABC, false));
        assert_true(plant_grid_add(&grid, 21.0, 1.0, PLANT_GRID_ABC, false));
        plant->grid = &grid;
        back_s[i] = 0.0;
        while (plant->now_us < 40000000) {
            plant_step(plant, step_us[i]);
            if (back_s[i] <= 0.0 && plant->now_us > 21000000 && plant->psu_w > 49000.0)
                back_s[i] = plant_rig_now_s(plant);
        }
        energy_j[i] = plant->bbus[0].discharged_j;
        assert_int_equal(plant->it_resets, 0);
        free(plant);
    }
    SIM_NEAR(energy_j[1] / energy_j[0], 1.0, 0.001);
    SIM_NEAR(energy_j[2] / energy_j[0], 1.0, 0.001);
    SIM_NEAR(back_s[1], back_s[0], 0.012); /* seen at the end of a step */
    SIM_NEAR(back_s[2], back_s[0], 0.102);
}

struct energy {
    double ac_j, psu_j, bbu_j, load_j;
};

static void add_energy(void *arg, const struct plant *plant, int64_t dt_us)
{
    struct energy *e = arg;
    double dt_s = (double)dt_us / 1e6;

    e->ac_j += plant->ac_w * dt_s;
    e->psu_j += plant->psu_w * dt_s;
    e->bbu_j += plant->bbu_w * dt_s;
    e->load_j += plant->dc_w * dt_s;
}

/* Through an outage with small and long steps: what sources give is what the load
 * takes and what the busbar's capacitance lost; what the grid gives less the loss
 * is what supplies give and what their hold-up gained. */
static void energy_is_conserved(void **state)
{
    struct plant *plant = plant_rig(PLANT_ORV3, 1, 15000.0);
    struct energy e = { .ac_j = 0.0 };
    struct plant_watch watch = { .step = add_energy, .arg = &e };
    double before_j, bulk_j = 0.0;

    (void)state;
    sim_run(plant, 100);
    before_j = 0.5 * plant->params.bus_capacitance_f * plant->bus_v * plant->bus_v;
    plant->ac_v = 0.0;
    plant_run(plant, 3000000, &watch);
    SIM_NEAR(e.ac_j, 0.0, 1e-9);
    before_j -= 0.5 * plant->params.bus_capacitance_f * plant->bus_v * plant->bus_v;
    SIM_NEAR(e.psu_j + e.bbu_j + before_j - e.load_j, 0.0, 10.0); /* of 45 kJ */
    SIM_NEAR(e.psu_j, 6 * 60.0, 0.5);
    plant->ac_v = 240.0;
    e = (struct energy){ .ac_j = 0.0 };
    plant_run(plant, 20000000, &watch);
    for (int32_t i = 0; i < plant->psu_count; i++)
        bulk_j += plant->psus[i].bulk_j;
    SIM_NEAR(bulk_j, 360.0, 1e-6);
    SIM_NEAR(e.ac_j * 0.965 / (e.psu_j + bulk_j), 1.0, 0.0005);
    SIM_NEAR((e.psu_j + e.bbu_j) / e.load_j, 1.0, 0.0005);
    free(plant);
}

/* Square load on all GPUs at once: edges of 65 kW. */
static void synchronous_edges_stay_within_the_bus(void **state)
{
    struct plant *plant = sim_plant("hpr", 1);
    double least_v = 99.0, most_v = 0.0;

    (void)state;
    for (int i = 0; i < 4000; i++) {
        sim_demand(plant, i / 250 % 2 ? 1150.0 : 250.0);
        sim_run(plant, 1);
        least_v = fmin(least_v, plant->bus_v);
        most_v = fmax(most_v, plant->bus_v);
    }
    assert_true(least_v > 48.5 && most_v < 50.2);
    assert_int_equal(plant_rig_count(plant, PLANT_PSU_ON), 24);
    for (int32_t i = 0; i < plant->bbu_count; i++)
        assert_false(plant->bbus[i].triggered);
    free(plant);
}

static void speed_has_a_knee(void **state)
{
    (void)state;
    for (int knee = 0; knee < SPEED_KNEE_COUNT; knee++) {
        double last = 0.0;

        SIM_NEAR(speed_at((enum speed_knee)knee, 1.0), 1.0, 1e-12);
        SIM_NEAR(speed_at((enum speed_knee)knee, 1.5), 1.0, 1e-12);
        SIM_NEAR(speed_at((enum speed_knee)knee, 0.0), SPEED_MIN, 1e-12);
        for (int i = 0; i <= 1000; i++) {
            double speed = speed_at((enum speed_knee)knee, i / 1000.0);

            assert_true(speed >= last && speed <= 1.0);
            last = speed;
        }
    }
    SIM_NEAR(speed_at(SPEED_V100, 0.747), 0.914, 1e-9);
    SIM_NEAR(speed_at(SPEED_V100, 0.454), 0.627, 1e-9);
    SIM_NEAR(speed_at(SPEED_A40, 0.590), 0.608, 1e-9);
    assert_int_equal(speed_find("a40"), SPEED_A40);
    assert_int_equal(speed_find("h100"), SPEED_KNEE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_rack),
        cmocka_unit_test(a_gpu_rises_within_a_millisecond),
        cmocka_unit_test(a_gpu_falls_fast_and_then_slowly),
        cmocka_unit_test(a_limit_is_in_force_after_its_delay_and_may_be_overshot),
        cmocka_unit_test(the_newest_limit_wins_and_does_not_wait_anew),
        cmocka_unit_test(no_limit_pushes_a_gpu_below_idle),
        cmocka_unit_test(the_sensor_shows_the_last_25_ms_of_each_100),
        cmocka_unit_test(energy_is_the_integral_of_power),
        cmocka_unit_test(supplies_carry_the_load_and_lose_their_part),
        cmocka_unit_test(the_bus_follows_the_set_points),
        cmocka_unit_test(a_missing_supply_is_carried_by_the_others),
        cmocka_unit_test(a_discharged_battery_charges_at_its_chargers_current),
        cmocka_unit_test(an_override_ends_by_itself),
        cmocka_unit_test(an_override_switched_on_by_its_field_counts_down_too),
        cmocka_unit_test(without_ac_the_batteries_carry_the_bus),
        cmocka_unit_test(the_truth_stays_under_what_the_daemon_is_told),
        cmocka_unit_test(long_and_small_steps_agree),
        cmocka_unit_test(steps_of_any_length_tell_the_same_outage),
        cmocka_unit_test(energy_is_conserved),
        cmocka_unit_test(synchronous_edges_stay_within_the_bus),
        cmocka_unit_test(speed_has_a_knee),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
