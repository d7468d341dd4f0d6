/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of the books along a grid event: the 20 ms / 175 V timers, hold-up
 * energy, hand-over, what capacitance bridges. */
#include <math.h>

#include "sim_rig.h"

#include "sim/grid_rule.h"

static struct plant *rack_of(const char *name)
{
    struct plant *plant = sim_plant(name, 1);

    assert_true(plant->params.nominal_v > 0.0);
    plant->params.nominal_v = 240.0;
    for (int32_t i = 0; i < plant->psu_count; i++)
        plant->psus[i].share = 1.0; /* all alike */
    return plant;
}

/* Nominal, then `ratio` from 1 s on for so long, then nominal again. */
static struct plant_grid sag(double ratio, double long_s, enum plant_grid_phases phases)
{
    struct plant_grid grid;

    plant_grid_init(&grid);
    assert_true(plant_grid_add(&grid, 0.0, 1.0, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 1.0, ratio, phases, false));
    assert_true(plant_grid_add(&grid, 1.0 + long_s, 1.0, PLANT_GRID_ABC, false));
    return grid;
}

static bool trips(const struct plant_params *params, double volts, double long_s)
{
    struct plant_grid grid = sag(volts / params->nominal_v, long_s, PLANT_GRID_ABC);

    return grid_rule_trips(&grid, params, NULL);
}

static void a_pfc_goes_off_after_20_ms_under_175_v(void **state)
{
    (void)state;
    struct plant_params p;
    struct plant_grid grid;
    double at_s = 0.0;

    plant_params_preset(&p, PLANT_HPR, PLANT_START_STOCK);
    assert_false(trips(&p, 174.9, 0.0199));
    assert_true(trips(&p, 174.9, 0.0201));
    assert_true(trips(&p, 0.0, 0.0201));
    assert_false(trips(&p, 175.1, 100.0));
    grid = sag(0.5, 0.5, PLANT_GRID_ABC);
    assert_true(grid_rule_trips(&grid, &p, &at_s));
    SIM_NEAR(at_s, 1.020, 1e-9);
    grid = sag(0.8, 2.0, PLANT_GRID_ABC);
    assert_false(grid_rule_trips(&grid, &p, &at_s));
    assert_true(isnan(at_s));
}

static void two_short_dips_are_not_one_long_one(void **state)
{
    (void)state;
    struct plant_params p;
    struct plant_grid grid;

    plant_params_preset(&p, PLANT_ORV3, PLANT_START_STOCK);
    plant_grid_init(&grid);
    assert_true(plant_grid_add(&grid, 1.000, 0.0, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 1.015, 1.0, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 1.016, 0.0, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 1.031, 1.0, PLANT_GRID_ABC, false));
    assert_false(grid_rule_trips(&grid, &p, NULL));
    plant_grid_init(&grid); /* two depths in a row are */
    assert_true(plant_grid_add(&grid, 1.000, 0.0, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 1.015, 0.4, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 1.030, 1.0, PLANT_GRID_ABC, false));
    assert_true(grid_rule_trips(&grid, &p, NULL));
}

static void too_much_voltage_trips_as_well(void **state)
{
    (void)state;
    struct plant_params p;

    plant_params_preset(&p, PLANT_HPR, PLANT_START_STOCK);
    assert_false(trips(&p, 310.0, 0.0499));
    assert_true(trips(&p, 310.0, 0.0501));
    assert_false(trips(&p, 346.0, 0.0199));
    assert_true(trips(&p, 346.0, 0.0201));
    assert_false(trips(&p, 1.2 * 240.0, 2.0));
    p.nominal_v = 277.0;
    assert_true(trips(&p, 1.2 * 277.0, 2.0)); /* the fifth gap */
}

static void one_phase_is_enough(void **state)
{
    (void)state;
    struct plant_params p;
    struct plant_grid grid = sag(0.0, 0.1, PLANT_GRID_A);

    plant_params_preset(&p, PLANT_HPR, PLANT_START_STOCK);
    assert_true(grid_rule_trips(&grid, &p, NULL));
}

/* Two rows of the hand-over table: 3 kW and 4.5 kW a supply on 60 J. */
static void a_loss_gives_the_margins_of_the_books(void **state)
{
    (void)state;
    struct plant *plant = rack_of("orv3");
    struct plant_grid grid = sag(0.0, 1.0, PLANT_GRID_ABC);
    struct grid_rule rule;

    grid_rule(plant, &grid, 3000.0 * plant->psu_count, &rule);
    assert_true(rule.trips && rule.called);
    SIM_NEAR(rule.called_s, 1.010, 1e-6);
    SIM_NEAR(rule.margin_s, 0.02 - 0.01466667, 1e-5);
    assert_true(rule.bridge_f <= 0.0);
    assert_true(rule.carries);
    grid_rule(plant, &grid, 4500.0 * plant->psu_count, &rule);
    SIM_NEAR(rule.margin_s, 0.01333333 - 0.01125, 1e-5);
    free(plant);
}

static void a_dip_that_ends_in_time_calls_nobody(void **state)
{
    (void)state;
    struct plant *plant = rack_of("orv3");
    struct plant_grid grid = sag(0.0, 0.009, PLANT_GRID_ABC);
    struct grid_rule rule;

    grid_rule(plant, &grid, 3000.0 * plant->psu_count, &rule);
    assert_false(rule.called || rule.trips);
    assert_true(rule.carries && rule.steady);
    grid = sag(0.0, 0.012, PLANT_GRID_ABC); /* called, and never empty */
    grid_rule(plant, &grid, 3000.0 * plant->psu_count, &rule);
    assert_true(rule.called);
    assert_true(isinf(rule.margin_s));
    free(plant);
}

/* At half voltage a lightly loaded supply is fed until its PFC goes off. */
static void what_is_left_of_the_voltage_counts(void **state)
{
    (void)state;
    struct plant *plant = rack_of("orv3");
    struct plant_grid grid = sag(0.5, 1.0, PLANT_GRID_ABC);
    struct grid_rule rule;

    grid_rule(plant, &grid, 1500.0 * plant->psu_count, &rule);
    SIM_NEAR(rule.called_s, 1.0 + 0.020 + 0.020, 1e-6);
    assert_true(rule.carries);
    free(plant);
}

static void capacitance_bridges_what_hold_up_lacks(void **state)
{
    (void)state;
    struct plant *plant = rack_of("hpr");
    struct plant_grid grid = sag(0.0, 1.0, PLANT_GRID_ABC);
    struct grid_rule rule;

    plant->params.psu_holdup_j = 20.0; /* 3.64 ms at rated load, batteries need 1.82 + 0.1 + 2 */
    plant->params.bus_resistance_ohm = 0.00005;
    grid_rule(plant, &grid, 5500.0 * plant->psu_count, &rule);
    SIM_NEAR(rule.margin_s, -0.000282, 1e-5);
    assert_true(rule.bridge_f > 0.0);
    double bridge_f = rule.bridge_f;

    plant->params.bus_capacitance_f = 1.001 * bridge_f;
    grid_rule(plant, &grid, 5500.0 * plant->psu_count, &rule);
    assert_true(rule.carries);
    assert_false(rule.steady); /* nothing is left for the batteries' loops */
    plant->params.bus_capacitance_f = 0.999 * bridge_f;
    grid_rule(plant, &grid, 5500.0 * plant->psu_count, &rule);
    assert_false(rule.carries);
    free(plant);
}

static void a_long_busbar_or_no_battery_carries_nothing(void **state)
{
    (void)state;
    struct plant *plant = rack_of("hpr");
    struct plant_grid grid = sag(0.0, 1.0, PLANT_GRID_ABC);
    struct grid_rule rule;

    grid_rule(plant, &grid, 120000.0, &rule);
    assert_true(rule.carries);
    plant->params.bus_resistance_ohm = 0.0009; /* 2 500 A: more than 2 V */
    grid_rule(plant, &grid, 120000.0, &rule);
    assert_false(rule.powerful || rule.carries);
    plant->params.bus_resistance_ohm = 0.0001;
    for (int32_t i = 0; i < plant->bbu_count; i++)
        plant->bbus[i].failed = true;
    grid_rule(plant, &grid, 120000.0, &rule);
    assert_false(rule.carries);
    free(plant);
}

static void empty_batteries_do_not_last(void **state)
{
    (void)state;
    struct plant *plant = rack_of("hpr");
    struct plant_grid grid = sag(0.0, 60.0, PLANT_GRID_ABC);
    struct grid_rule rule;

    grid_rule(plant, &grid, 80000.0, &rule);
    assert_true(rule.lasting && rule.carries);
    for (int32_t i = 0; i < plant->bbu_count; i++)
        plant->bbus[i].energy_j = 80000.0 * 30.0 / plant->bbu_count;
    grid_rule(plant, &grid, 80000.0, &rule);
    assert_false(rule.lasting || rule.carries);
    free(plant);
}

/* Low but there: above rated load the supplies give less, batteries fill the gap. */
static void a_low_input_folds_before_it_calls(void **state)
{
    (void)state;
    struct plant *plant = rack_of("hpr");
    struct plant_grid grid = sag(0.8, 2.0, PLANT_GRID_ABC);
    struct grid_rule rule;

    grid_rule(plant, &grid, 0.9 * 5500.0 * plant->psu_count, &rule);
    assert_false(rule.folded || rule.called); /* 192 of 198 V: 97 % are still there */
    assert_true(rule.carries);
    grid_rule(plant, &grid, 5500.0 * plant->psu_count, &rule);
    assert_true(rule.folded);
    assert_false(rule.called || rule.trips);
    SIM_NEAR(rule.short_w, 5500.0 * plant->psu_count * (1.0 - 0.98 * 192.0 / 198.0), 1.0);
    assert_true(rule.carries && rule.speaks);
    plant->params.bus_capacitance_f = 0.02; /* how they share decides */
    grid_rule(plant, &grid, 5500.0 * plant->psu_count, &rule);
    assert_false(rule.speaks || rule.steady);
    free(plant);
}

/* The supply that takes most of the current pulls AC_LOSS_L for all. */
static void an_uneven_shelf_calls_earlier(void **state)
{
    (void)state;
    struct plant *plant = rack_of("hpr");
    struct plant_grid grid = sag(0.0, 1.0, PLANT_GRID_ABC);
    struct grid_rule even, uneven;

    grid_rule(plant, &grid, 5000.0 * plant->psu_count, &even);
    plant->psus[0].share = 1.2;
    plant->psus[1].share = 0.8;
    grid_rule(plant, &grid, 5000.0 * plant->psu_count, &uneven);
    SIM_NEAR(uneven.called_s - 1.0, (even.called_s - 1.0) / 1.2, 1e-6);
    SIM_NEAR(uneven.margin_s - even.margin_s, even.called_s - uneven.called_s, 1e-6);
    free(plant);
}

/* Half a minute apart: both count, and so does the energy of both. */
static void every_event_of_a_grid_counts(void **state)
{
    (void)state;
    struct plant *plant = rack_of("orv3");
    double load_w = 3000.0 * plant->psu_count;
    struct plant_grid grid = sag(0.0, 0.012, PLANT_GRID_ABC); /* called, never empty */
    struct grid_rule rule;

    assert_true(plant_grid_add(&grid, 30.0, 0.0, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 31.0, 1.0, PLANT_GRID_ABC, false));
    grid_rule(plant, &grid, load_w, &rule);
    SIM_NEAR(rule.called_s, 1.010, 1e-6);
    SIM_NEAR(rule.margin_s, 0.02 - 0.01466667, 1e-5); /* the second's */
    assert_true(rule.carries && rule.speaks);
    grid = sag(0.0, 1.0, PLANT_GRID_ABC);
    assert_true(plant_grid_add(&grid, 30.0, 0.0, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 31.0, 1.0, PLANT_GRID_ABC, false));
    for (int32_t i = 0; i < plant->bbu_count; i++)
        plant->bbus[i].energy_j = 3000.0 * 10.0; /* enough for one */
    grid_rule(plant, &grid, load_w, &rule);
    assert_false(rule.lasting || rule.carries);
    free(plant);
}

/* Such a shelf does not take the load back by itself: over-current mode decides. */
static void above_its_rating_a_second_event_is_beyond_the_books(void **state)
{
    (void)state;
    struct plant *plant = rack_of("orv3");
    struct plant_grid grid = sag(0.0, 1.0, PLANT_GRID_ABC);
    struct grid_rule rule;

    grid_rule(plant, &grid, 1.05 * 3000.0 * plant->psu_count, &rule);
    assert_true(rule.speaks);
    assert_true(plant_grid_add(&grid, 30.0, 0.0, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 31.0, 1.0, PLANT_GRID_ABC, false));
    grid_rule(plant, &grid, 1.05 * 3000.0 * plant->psu_count, &rule);
    assert_false(rule.speaks || rule.steady);
    grid_rule(plant, &grid, 0.95 * 3000.0 * plant->psu_count, &rule);
    assert_true(rule.speaks);
    free(plant);
}

/* The loops' dip: counted whole where the band must hold, and where only IT gear
 * must be kept, by how long its trough lasts. */
static void a_short_dip_leaves_the_band_and_keeps_it_gear(void **state)
{
    (void)state;
    struct plant *plant = rack_of("hpr");
    struct plant_grid grid = sag(0.0, 1.0, PLANT_GRID_ABC);
    struct grid_rule rule;

    grid_rule(plant, &grid, 100000.0, &rule);
    assert_true(rule.steady);
    assert_true(rule.dip_v > 0.1 && rule.dip_v < 1.5);
    plant->params.bbu_output_v = 46.0 + 0.3 + plant->params.bbu_droop_v;
    plant->params.bus_resistance_ohm = 0.00005;
    grid_rule(plant, &grid, 100000.0, &rule);
    assert_true(rule.carries);
    assert_false(rule.steady);
    plant->params.it_low_s = 0.0;
    plant->params.bbu_output_v = 46.0 + 0.15 + plant->params.bbu_droop_v;
    grid_rule(plant, &grid, 100000.0, &rule);
    assert_false(rule.carries);
    free(plant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pfc_goes_off_after_20_ms_under_175_v),
        cmocka_unit_test(two_short_dips_are_not_one_long_one),
        cmocka_unit_test(too_much_voltage_trips_as_well),
        cmocka_unit_test(one_phase_is_enough),
        cmocka_unit_test(a_loss_gives_the_margins_of_the_books),
        cmocka_unit_test(a_dip_that_ends_in_time_calls_nobody),
        cmocka_unit_test(what_is_left_of_the_voltage_counts),
        cmocka_unit_test(capacitance_bridges_what_hold_up_lacks),
        cmocka_unit_test(a_long_busbar_or_no_battery_carries_nothing),
        cmocka_unit_test(empty_batteries_do_not_last),
        cmocka_unit_test(a_low_input_folds_before_it_calls),
        cmocka_unit_test(an_uneven_shelf_calls_earlier),
        cmocka_unit_test(every_event_of_a_grid_counts),
        cmocka_unit_test(above_its_rating_a_second_event_is_beyond_the_books),
        cmocka_unit_test(a_short_dip_leaves_the_band_and_keeps_it_gear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
