/* SPDX-License-Identifier: Apache-2.0 */
/* Grid events: corner points, frequency, sags through a transformer. */
#include "plant_rig.h"

static void nothing_added_is_nominal_for_ever(void **state)
{
    static struct plant_grid grid;
    struct plant_grid_now now;

    (void)state;
    plant_grid_init(&grid);
    plant_grid_at(&grid, 17.0, &now);
    for (int i = 0; i < 3; i++)
        SIM_NEAR(now.ratio[i], 1.0, 1e-12);
    assert_true(isnan(now.hz));
    assert_true(isinf(plant_grid_next(&grid, 0.0)));
}

static void points_are_held_until_the_next(void **state)
{
    static struct plant_grid grid;
    struct plant_grid_now now;

    (void)state;
    plant_grid_init(&grid);
    assert_true(plant_grid_add(&grid, 1.0, 0.2, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, 1.25, 0.95, PLANT_GRID_ABC, false));
    plant_grid_at(&grid, 0.999, &now);
    SIM_NEAR(now.ratio[0], 1.0, 1e-12);
    plant_grid_at(&grid, 1.0, &now);
    SIM_NEAR(now.ratio[2], 0.2, 1e-12);
    plant_grid_at(&grid, 1.2499, &now);
    SIM_NEAR(now.ratio[1], 0.2, 1e-12);
    plant_grid_at(&grid, 99.0, &now);
    SIM_NEAR(now.ratio[1], 0.95, 1e-12);
    SIM_NEAR(plant_grid_next(&grid, 0.0), 1.0, 1e-12);
    SIM_NEAR(plant_grid_next(&grid, 1.0), 1.25, 1e-12);
    assert_true(isinf(plant_grid_next(&grid, 1.25)));
}

static void times_that_do_not_rise_are_refused(void **state)
{
    static struct plant_grid grid;
    double ratio[3] = { 1.0, 0.9, 0.8 };

    (void)state;
    plant_grid_init(&grid);
    assert_true(plant_grid_add_phases(&grid, 1.0, ratio));
    assert_false(plant_grid_add_phases(&grid, 1.0, ratio));
    assert_false(plant_grid_add(&grid, 0.5, 0.5, PLANT_GRID_A, true));
    assert_false(plant_grid_add_phases(&grid, (double)NAN, ratio));
    assert_true(plant_grid_add_frequency(&grid, 1.0, 60.0));
    assert_false(plant_grid_add_frequency(&grid, 1.0, 59.0));
    for (int i = 1; i < PLANT_GRID_POINTS_MAX; i++)
        assert_true(plant_grid_add_phases(&grid, 1.0 + i, ratio));
    assert_false(plant_grid_add_phases(&grid, 1e6, ratio));
}

/* F-1: 60 to 57.1 Hz at 5 Hz/s. */
static void frequency_is_linear_between_points(void **state)
{
    static struct plant_grid grid;
    struct plant_grid_now now;

    (void)state;
    plant_grid_init(&grid);
    assert_true(plant_grid_add_frequency(&grid, 1.0, 60.0));
    assert_true(plant_grid_add_frequency(&grid, 1.58, 57.1));
    plant_grid_at(&grid, 0.5, &now);
    assert_true(isnan(now.hz));
    plant_grid_at(&grid, 1.2, &now);
    SIM_NEAR(now.hz, 59.0, 1e-9);
    plant_grid_at(&grid, 300.0, &now);
    SIM_NEAR(now.hz, 57.1, 1e-9);
}

static void transformed(double ratio, enum plant_grid_phases phases, bool wye, const double want[3],
                        const double want_deg[3])
{
    double got[3], deg[3];

    plant_grid_transform(ratio, phases, wye, got, deg);
    for (int i = 0; i < 3; i++) {
        SIM_NEAR(got[i], want[i], 1e-4);
        SIM_NEAR(deg[i], want_deg[i], 1e-2);
    }
}

/* One phase gone in front of a delta-wye: two phases behind it at 1/sqrt(3), turned
 * by 30 degrees towards each other's place, the third whole. Two gone: one phase
 * gone, two at 1/sqrt(3). */
static void sags_through_a_delta_wye_have_their_textbook_values(void **state)
{
    double ratio[3], deg[3], sum = 0.0;

    (void)state;
    transformed(0.3, PLANT_GRID_ABC, false, (double[]){ 0.3, 0.3, 0.3 }, (double[]){ 0, 0, 0 });
    transformed(0.3, PLANT_GRID_ABC, true, (double[]){ 0.3, 0.3, 0.3 }, (double[]){ 0, 0, 0 });
    transformed(0.4, PLANT_GRID_A, false, (double[]){ 0.4, 1, 1 }, (double[]){ 0, 0, 0 });
    transformed(0.4, PLANT_GRID_AB, false, (double[]){ 0.4, 0.4, 1 }, (double[]){ 0, 0, 0 });
    plant_grid_transform(0.0, PLANT_GRID_A, true, ratio, deg);
    for (int i = 0; i < 3; i++) {
        bool whole = fabs(ratio[i] - 1.0) < 1e-9;

        assert_true(whole || fabs(ratio[i] - 1.0 / sqrt(3.0)) < 1e-9);
        SIM_NEAR(fabs(deg[i]), whole ? 0.0 : 30.0, 1e-6);
        sum += deg[i];
    }
    SIM_NEAR(sum, 0.0, 1e-6);
    SIM_NEAR(ratio[0] + ratio[1] + ratio[2], 1.0 + 2.0 / sqrt(3.0), 1e-9);
    plant_grid_transform(0.0, PLANT_GRID_AB, true, ratio, deg);
    SIM_NEAR(fmin(fmin(ratio[0], ratio[1]), ratio[2]), 0.0, 1e-9);
    SIM_NEAR(ratio[0] + ratio[1] + ratio[2], 2.0 / sqrt(3.0), 1e-9);
    plant_grid_transform(0.5, PLANT_GRID_A, true, ratio, deg);
    /* |0.5 - e^(-j120)| / sqrt(3) = sqrt(0.25 + 0.5 + 1) / sqrt(3) */
    SIM_NEAR(fmin(fmin(ratio[0], ratio[1]), ratio[2]), sqrt(1.75 / 3.0), 1e-9);
}

/* Supplies of a shelf sit on the three phases in turn; one phase alone is lost. */
static void one_phase_lost_hits_every_third_supply(void **state)
{
    static struct plant_grid grid;
    struct plant *plant = plant_rig(PLANT_HPR, 1, 12000.0);

    (void)state;
    plant_grid_init(&grid);
    assert_true(plant_grid_add(&grid, 0.1, 0.0, PLANT_GRID_A, false));
    plant->grid = &grid;
    sim_run(plant, 600);
    for (int32_t i = 0; i < plant->psu_count; i++)
        assert_int_equal(plant->psus[i].trips, i % 3 == 0 ? 1 : 0);
    SIM_NEAR(plant->phase_w[0], 0.0, 1e-9);
    SIM_NEAR(plant->phase_w[1] + plant->phase_w[2], plant->ac_w, 1e-6);
    SIM_NEAR(plant->psu_w, 12000.0, 1.0);
    SIM_NEAR(plant->ac_v, 0.0, 1e-9);
    assert_int_equal(plant->it_resets, 0);
    free(plant);
}

struct corners {
    double corner_s[2];
    int64_t steps, sum_us;
};

static void corners_seen(void *arg, const struct plant *plant, int64_t dt_us)
{
    struct corners *c = arg;
    double end_s = plant_rig_now_s(plant), begin_s = end_s - (double)dt_us / 1e6;

    for (int i = 0; i < 2; i++)
        assert_false(begin_s < c->corner_s[i] - 1e-7 && end_s > c->corner_s[i] + 1e-6);
    c->steps++;
    c->sum_us += dt_us;
}

static void no_step_goes_over_a_corner(void **state)
{
    static struct plant_grid grid;
    struct plant *plant = plant_rig(PLANT_HPR, 1, 12000.0);
    struct corners seen = { .corner_s = { 0.123457, 0.25 } };
    struct plant_watch watch = { .step = corners_seen, .arg = &seen };

    (void)state;
    plant_grid_init(&grid);
    assert_true(plant_grid_add(&grid, seen.corner_s[0], 0.85, PLANT_GRID_ABC, false));
    assert_true(plant_grid_add(&grid, seen.corner_s[1], 1.0, PLANT_GRID_ABC, false));
    plant->grid = &grid;
    plant->now_us = 0;
    plant_run(plant, 1000000, &watch);
    assert_int_equal(seen.sum_us, 1000000);
    assert_true(seen.steps < 40);
    free(plant);
}

/* The grid's time 0 may be anywhere in the plant's own time. */
static void the_grid_begins_when_it_is_told_to(void **state)
{
    static struct plant_grid grid;
    struct plant *plant = plant_rig(PLANT_HPR, 1, 12000.0);

    (void)state;
    plant_grid_init(&grid);
    assert_true(plant_grid_add(&grid, 0.0, 0.85, PLANT_GRID_ABC, false));
    plant->grid = &grid;
    plant->grid_from_us = 500000;
    sim_run(plant, 499);
    SIM_NEAR(plant->psus[0].input_v, 240.0, 1e-9);
    sim_run(plant, 3);
    SIM_NEAR(plant->psus[0].input_v, 0.85 * 240.0, 1e-9);
    free(plant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_added_is_nominal_for_ever),
        cmocka_unit_test(points_are_held_until_the_next),
        cmocka_unit_test(times_that_do_not_rise_are_refused),
        cmocka_unit_test(frequency_is_linear_between_points),
        cmocka_unit_test(sags_through_a_delta_wye_have_their_textbook_values),
        cmocka_unit_test(one_phase_lost_hits_every_third_supply),
        cmocka_unit_test(no_step_goes_over_a_corner),
        cmocka_unit_test(the_grid_begins_when_it_is_told_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
