/* SPDX-License-Identifier: Apache-2.0 */
/* Each check of power and energy holds where all is right, and fails where its one thing is
 * wrong. */
#include "checks_rig.h"

/* ---- all is right ---- */

static void a_rack_where_all_is_right_holds_every_check(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_arm(rig);
    for (int32_t l = 0; l < LEVERS; l++)
        rig_order(rig, l, rig->out.levers[l].sent, 100.0);
    rig->plant.bbus[0].override_on = true;
    rig->plant.bbus[0].override_timeout_s = 120.0;
    rig->plant.bbus[0].override_left_s = 120.0;
    rig_run(rig, 20.0);
    assert_true(checks_ok(rig->checks));
    for (int k = 0; k < CHECKS_COUNT; k++) {
        struct checks_result result = rig_result(rig, (enum checks_kind)k);

        assert_true(result.ok);
        /* the rig restores nothing, and its outputs carry no views of nodes and grid */
        if (k != CHECKS_RESTORED && k != CHECKS_WINDOWS && k != CHECKS_RIDING)
            assert_true(result.looked);
        assert_true(result.margin >= 0.0);
        assert_non_null(result.name);
        assert_non_null(result.unit);
    }
    NEAR(rig_result(rig, CHECKS_LIMITS).margin, ENVELOPE_W - 4160.0, 1e-6);
    NEAR(rig_result(rig, CHECKS_BUS_LOW).margin, 4.5, 1e-9);
    NEAR(rig_result(rig, CHECKS_BUS_HIGH).margin, 1.5, 1e-9);
    NEAR(rig_result(rig, CHECKS_STANDING).value, STANDING_W, 1e-6);
    NEAR(rig_result(rig, CHECKS_STANDING).margin, ENVELOPE_W - STANDING_W, 1e-6);
    NEAR(rig_result(rig, CHECKS_RESERVE).value, 700000.0 / (4000.0 / 6.0), 1e-6);
    rig_free(rig);
}

static void nothing_is_looked_at_before_the_first_step(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    assert_true(checks_ok(rig->checks));
    assert_false(rig_result(rig, CHECKS_BUS_LOW).looked);
    assert_false(rig_result(rig, CHECKS_STANDING).looked);
    rig_free(rig);
}

/* ---- limits ---- */

static void a_rack_above_its_envelope_fails_limits(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_arm(rig);
    rig_run(rig, 2.0);
    rig->plant.ac_w = 7000.0; /* 64.8 ms of it fill the window of 100 ms */
    rig_run(rig, 0.060);
    assert_true(rig_ok(rig, CHECKS_LIMITS));
    rig_run(rig, 0.010);
    rig->plant.ac_w = 4000.0;
    rig_run(rig, 2.0);
    rig_only(rig, CHECKS_LIMITS, "rack, window of 100 ms");
    NEAR(rig_result(rig, CHECKS_LIMITS).value, 0.70 * 7000.0 + 0.30 * 4160.0, 1e-6);
    NEAR(rig_result(rig, CHECKS_LIMITS).limit, ENVELOPE_W, 1e-9);
    NEAR(rig_result(rig, CHECKS_LIMITS).at_s, 0.02 + 2.0 + 0.065, 0.001);
    rig_free(rig);
}

static void before_the_first_arming_the_envelope_is_not_held_against_it(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->plant.ac_w = 9000.0;
    rig->plant.gpus[0].limit_w = 1000.0;
    rig_run(rig, 5.0);
    assert_true(rig_ok(rig, CHECKS_LIMITS));
    rig->plant.ac_w = 5900.0;
    rig->plant.gpus[0].limit_w = 800.0;
    rig_arm(rig);
    rig_run(rig, 5.0);
    assert_true(checks_ok(rig->checks)); /* nor what was drawn before it */
    rig_free(rig);
}

static void a_lower_envelope_counts_after_the_time_it_takes(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_arm(rig);
    rig_run(rig, 2.0);
    checks_armed(rig->checks, 4100.0); /* 4160 W flow, 4867 W stand */
    rig_run(rig, GRACE_S - 0.01);
    assert_true(checks_ok(rig->checks));
    for (int32_t i = 0; i < GPUS; i++)
        rig->plant.gpus[i].limit_w = rig->plant.gpus[i].limit_active_w = rig->out.levers[i].sent = 500.0;
    rig->plant.ac_w = 4000.0;
    rig_run(rig, 3.0);
    assert_true(checks_ok(rig->checks));
    rig->plant.ac_w = 4200.0;
    rig_run(rig, 0.2);
    rig_only(rig, CHECKS_LIMITS, "rack, window of 100 ms");
    rig_free(rig);
}

static void a_lower_envelope_that_is_not_kept_fails_both(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_arm(rig);
    rig_run(rig, 2.0);
    checks_armed(rig->checks, 4100.0);
    rig_run(rig, GRACE_S + 0.01);
    assert_false(rig_ok(rig, CHECKS_STANDING));
    assert_true(rig_ok(rig, CHECKS_LIMITS)); /* the window of 100 ms still holds what was before */
    rig_run(rig, 0.1);
    assert_false(rig_ok(rig, CHECKS_LIMITS));
    rig_free(rig);
}

static void a_higher_envelope_counts_at_once(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_arm(rig);
    checks_armed(rig->checks, 9000.0);
    rig->plant.ac_w = 8000.0;
    rig_run(rig, 3.0);
    assert_true(rig_ok(rig, CHECKS_LIMITS));
    rig->plant.ac_w = 9100.0;
    rig_run(rig, 3.0);
    assert_false(rig_ok(rig, CHECKS_LIMITS));
    rig_free(rig);
}

static void rig_supplies(struct rig *rig, int32_t carry, double each_w, enum plant_psu_state rest)
{
    for (int32_t i = 0; i < MODULES; i++) {
        rig->plant.psus[i].state = i < carry ? PLANT_PSU_ON : rest;
        rig->plant.psus[i].output_w = i < carry ? each_w : 0.0;
    }
}

static void an_overloaded_shelf_fails_limits(void **state)
{
    static const struct {
        int32_t carry;
        double each_w, for_s;
        const char *detail;
    } rows[] = {
        { 6, 1.56 * 3000.0, 0.011, "shelf 1, window of 10 ms" },
        { 6, 1.25 * 3000.0, 0.101, "shelf 1, window of 100 ms" },
        { 6, 1.16 * 3000.0, 10.10, "shelf 1, window of 10000 ms" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig *rig = rig_new();

        rig_run(rig, 1.0);
        rig_supplies(rig, rows[i].carry, rows[i].each_w, PLANT_PSU_OFF);
        rig_run(rig, rows[i].for_s);
        rig_only(rig, CHECKS_LIMITS, rows[i].detail);
        rig_free(rig);
    }
}

/* Half of the supplies without input leave the others with too much at once. */
static void a_shelf_that_is_not_all_fed_is_not_judged(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_run(rig, 1.0);
    rig_supplies(rig, 3, 1.25 * 3000.0, PLANT_PSU_OFF);
    rig_run(rig, 0.2);
    assert_true(checks_ok(rig->checks));
    rig_free(rig);
}

static void a_shelf_within_its_pulses_holds(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_run(rig, 1.0);
    rig_supplies(rig, 6, 1.5 * 3000.0, PLANT_PSU_OFF); /* 20 ms of 150 % */
    rig_run(rig, 0.020);
    rig_supplies(rig, 6, 1.1 * 3000.0, PLANT_PSU_OFF);
    rig_run(rig, 12.0);
    rig_supplies(rig, 0, 0.0, PLANT_PSU_BOOT); /* off: whatever its sum says */
    rig->plant.psus[0].output_w = 9.0e4;
    rig_run(rig, 1.0);
    assert_true(rig_ok(rig, CHECKS_LIMITS));
    assert_true(rig_result(rig, CHECKS_LIMITS).margin < 0.06 * 18000.0);
    rig_free(rig);
}

/* ---- busbar and IT gear ---- */

static void a_busbar_outside_its_band_fails(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_run(rig, 0.1);
    rig->plant.bus_far_v = 46.0;
    rig_run(rig, 0.001);
    assert_true(rig_ok(rig, CHECKS_BUS_LOW));
    rig->plant.bus_far_v = 45.9;
    rig_run(rig, 0.001);
    rig->plant.bus_far_v = 50.0;
    rig_run(rig, 0.1);
    rig_only(rig, CHECKS_BUS_LOW, "");
    NEAR(rig_result(rig, CHECKS_BUS_LOW).value, 45.9, 1e-9);
    NEAR(rig_result(rig, CHECKS_BUS_LOW).at_s, 0.102, 1e-9);
    rig_free(rig);

    rig = rig_new();
    rig->plant.bus_v = 52.1;
    rig_run(rig, 0.001);
    rig_only(rig, CHECKS_BUS_HIGH, "");
    NEAR(rig_result(rig, CHECKS_BUS_HIGH).value, 52.1, 1e-9);
    rig_free(rig);
}

static void lost_it_gear_fails(void **state)
{
    struct rig *rig = rig_fill();

    (void)state;
    rig->plant.it_resets = 3; /* before we looked */
    rig_begin(rig);
    rig->plant.it_low_s = 0.0002;
    rig_run(rig, 0.1);
    assert_true(rig_ok(rig, CHECKS_IT_KEPT));
    NEAR(rig_result(rig, CHECKS_IT_KEPT).margin, 0.6, 1e-9);
    rig->plant.it_resets = 4;
    rig_run(rig, 0.1);
    rig_only(rig, CHECKS_IT_KEPT, "lost with the busbar at 50.5");
    NEAR(rig_result(rig, CHECKS_IT_KEPT).value, 1.0, 0.0);
    rig_free(rig);
}

/* ---- batteries ---- */

static void giving_energy_away_under_the_reserve_fails(void **state)
{
    struct rig *rig = rig_new(); /* 667 W each: 90 s are 60 kJ */

    (void)state;
    rig_run(rig, 1.0);
    rig->plant.bbus[4].energy_j = 61000.0;
    rig_run(rig, 1.0);
    assert_true(checks_ok(rig->checks));
    NEAR(rig_result(rig, CHECKS_RESERVE).margin, 1.5, 1e-6);
    rig->plant.bbus[4].energy_j = 59000.0;
    rig_run(rig, 1.0);
    rig_only(rig, CHECKS_RESERVE, "bbu-1-5: holds");
    NEAR(rig_result(rig, CHECKS_RESERVE).value, 88.5, 1e-6);
    rig_free(rig);
}

static void an_outage_may_take_the_reserve(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_run(rig, 1.0);
    rig->plant.ac_v = 0.0;
    rig->plant.bbus[0].energy_j = 20000.0;
    rig_run(rig, 1.0);
    rig->plant.ac_v = 240.0; /* back: supplies start, batteries still carry */
    rig_supplies(rig, 3, 1000.0, PLANT_PSU_WALK_IN);
    rig->plant.bbus[0].energy_j = 15000.0;
    rig_run(rig, 10.0);
    rig_supplies(rig, 6, 700.0, PLANT_PSU_OFF);
    rig_run(rig, 1.0);
    rig->plant.bbus[0].energy_j = 16000.0; /* it charges, far under the reserve */
    rig_run(rig, 60.0);
    assert_true(checks_ok(rig->checks));
    rig->plant.bbus[0].energy_j = 11000.0; /* and is used again at a good input */
    rig_run(rig, 1.0);
    rig_only(rig, CHECKS_RESERVE, "bbu-1-1: holds");
    rig_free(rig);
}

static void a_small_full_battery_is_no_fault_of_an_order(void **state)
{
    struct rig *rig = rig_fill();

    (void)state;
    for (int32_t i = 0; i < MODULES; i++)
        rig->plant.bbus[i].energy_j = rig->plant.bbus[i].energy_full_j = 50000.0;
    rig->plant.bbus[1].failed = true;
    rig->plant.bbus[1].energy_j = 0.0;
    rig->plant.bbus[2].present = false;
    rig_begin(rig);
    rig_run(rig, 1.0);
    assert_true(checks_ok(rig->checks));
    assert_false(rig_result(rig, CHECKS_RESERVE).looked);
    rig_free(rig);
}

static void discharge_by_orders_is_counted_against_its_budget(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_run(rig, 1.0);
    for (int32_t i = 0; i < MODULES; i++)
        rig->plant.bbus[i].discharged_j += 0.9 * 720000.0;
    rig_run(rig, 1.0);
    assert_true(checks_ok(rig->checks));
    NEAR(rig_result(rig, CHECKS_WEAR).value, 0.9, 1e-9);
    rig->plant.ac_v = 0.8 * 240.0; /* support in a sag is our order too */
    for (int32_t i = 0; i < MODULES; i++)
        rig->plant.bbus[i].discharged_j += 0.2 * 720000.0;
    rig_run(rig, 1.0);
    rig_only(rig, CHECKS_WEAR, "batteries give");
    NEAR(rig_result(rig, CHECKS_WEAR).value, 1.1, 1e-9);
    rig_free(rig);
}

static void discharge_in_an_outage_is_not(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_run(rig, 1.0);
    rig->plant.ac_v = 0.0;
    rig->plant.bbus[0].discharged_j += 1.0e7;
    rig_run(rig, 1.0);
    rig->plant.ac_v = 240.0;
    rig_supplies(rig, 5, 1000.0, PLANT_PSU_BOOT);
    rig->plant.bbus[0].discharged_j += 1.0e7;
    rig_run(rig, 5.0);
    rig_supplies(rig, 6, 700.0, PLANT_PSU_ON);
    rig->plant.bbus[0].discharged_j = 0.0; /* another one in its place */
    rig_run(rig, 5.0);
    assert_true(checks_ok(rig->checks));
    NEAR(rig_result(rig, CHECKS_WEAR).value, 0.0, 1e-12);
    rig_free(rig);
}

/* ---- breaker ---- */

static void an_overload_trips_the_feed(void **state)
{
    struct rig *rig = rig_fill();
    double margin;

    (void)state;
    rig->opt.envelope_w = 1.0e6;
    rig_begin(rig); /* 10 A a phase; time constant 93 s */
    rig_run(rig, 1.0);
    margin = rig_result(rig, CHECKS_BREAKERS).margin;
    NEAR(margin, 1.0 - 4160.0 / 7200.0 * (4160.0 / 7200.0) / (1.05 * 1.05), 0.01);
    rig->plant.ac_w = 1.5 * 7200.0;
    rig_run(rig, 10.0);
    assert_true(checks_ok(rig->checks));
    assert_true(rig_result(rig, CHECKS_BREAKERS).margin < margin - 0.1);
    /* 93.04 s * ln((2.25 - 0.334) / (2.25 - 1.1025)) = 47.7 s */
    rig_run(rig, 36.7);
    assert_true(checks_ok(rig->checks));
    rig_run(rig, 2.0);
    rig_only(rig, CHECKS_BREAKERS, "phase A: A 15");
    NEAR(rig_result(rig, CHECKS_BREAKERS).value, 1.0, 0.0);
    rig_free(rig);
}

static void the_phase_that_carries_most_trips(void **state)
{
    struct rig *rig = rig_fill();

    (void)state;
    rig_begin(rig);
    for (int p = 0; p < 3; p++) {
        rig->plant.phase_v[p] = p == 1 ? 200.0 : 240.0;
        rig->plant.phase_w[p] = 2000.0;
    }
    rig_run(rig, 100.0);
    assert_true(checks_ok(rig->checks));
    rig->plant.phase_w[1] = 200.0 * 101.0; /* 101 A: at once */
    rig_run(rig, 0.001);
    rig_only(rig, CHECKS_BREAKERS, "phase B: A 101");
    rig_free(rig);
}

static void without_a_rating_there_is_no_breaker(void **state)
{
    struct rig *rig = rig_fill();

    (void)state;
    rig->opt.breaker_rated_w = 0.0;
    rig_begin(rig);
    rig->plant.ac_w = 1.0e6;
    rig_run(rig, 1.0);
    assert_true(checks_ok(rig->checks));
    assert_false(rig_result(rig, CHECKS_BREAKERS).looked);
    rig_free(rig);
}

/* ---- without a controller ---- */

static void without_a_controller_only_the_rack_is_judged(void **state)
{
    struct rig *rig = rig_fill();

    (void)state;
    rig->opt.config = NULL;
    rig->out.head.lever_count = 0;
    rig_begin(rig);
    checks_armed(rig->checks, 4500.0);
    rig_run(rig, 1.0);
    assert_true(checks_ok(rig->checks));
    assert_false(rig_result(rig, CHECKS_STANDING).looked);
    assert_false(rig_result(rig, CHECKS_CALM).looked);
    rig->plant.ac_w = 4600.0;
    rig_run(rig, 1.0);
    rig_only(rig, CHECKS_LIMITS, "rack");
    rig_free(rig);
}

/* ---- supplies that are left alone ---- */

/* One is on its way back, the others have more than they bear: they shut down, and with
 * them the busbar goes. */
static void rig_shut_down(struct rig *rig, double after_s)
{
    rig_run(rig, 0.1);
    rig->plant.psus[0].state = PLANT_PSU_WAIT;
    rig_run(rig, after_s);
    for (int32_t i = 1; i < MODULES; i++)
        rig->plant.psus[i].state = PLANT_PSU_LATCHED;
    rig_run(rig, 0.002);
    rig->plant.bus_v = rig->plant.bus_far_v = 44.0;
    rig_run(rig, 0.003);
}

static void an_overload_sooner_than_any_order_is_excused_where_asked_for(void **state)
{
    struct rig *rig = rig_fill();

    (void)state;
    rig->plant.params.psu_ovp_v = 52.5;
    rig->opt.excuses_overload = true;
    rig_begin(rig);
    rig_shut_down(rig, GRACE_S - 0.1);
    assert_true(checks_ok(rig->checks));
    assert_true(checks_beyond(rig->checks));
    rig_free(rig);

    rig = rig_fill(); /* an order had time enough */
    rig->plant.params.psu_ovp_v = 52.5;
    rig->opt.excuses_overload = true;
    rig_begin(rig);
    rig_shut_down(rig, GRACE_S + 0.1);
    assert_false(rig_ok(rig, CHECKS_BUS_LOW));
    assert_false(checks_beyond(rig->checks));
    rig_free(rig);

    rig = rig_fill(); /* nobody asked for it */
    rig->plant.params.psu_ovp_v = 52.5;
    rig_begin(rig);
    rig_shut_down(rig, 0.5);
    assert_false(rig_ok(rig, CHECKS_BUS_LOW));
    rig_free(rig);
}

static void a_low_busbar_without_an_overload_is_not(void **state)
{
    struct rig *rig = rig_fill();

    (void)state;
    rig->plant.params.psu_ovp_v = 52.5;
    rig->opt.excuses_overload = true;
    rig_begin(rig);
    rig_run(rig, 0.1);
    rig->plant.psus[0].state = PLANT_PSU_WAIT;
    rig_run(rig, 0.5);
    rig->plant.bus_v = rig->plant.bus_far_v = 44.0;
    rig_run(rig, 0.003);
    rig_only(rig, CHECKS_BUS_LOW, "");
    rig_free(rig);
}

/* ---- originals ---- */

static void what_is_not_put_back_fails(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_run(rig, 0.1);
    rig->plant.psus[2].setpoint_v = 50.9; /* our write */
    rig_run(rig, 0.1);
    checks_restored(rig->checks);
    rig_only(rig, CHECKS_RESTORED, "psu-1-3: set-point after restoring, V 50.9");
    rig_free(rig);

    rig = rig_new();
    rig_run(rig, 0.1);
    rig->plant.psus[2].setpoint_v = 50.9;
    rig_run(rig, 0.1);
    rig->plant.psus[2].setpoint_v = 51.0;
    rig_run(rig, 0.1);
    checks_restored(rig->checks);
    assert_true(checks_ok(rig->checks));
    rig->plant.bbus[1].override_on = true;
    checks_restored(rig->checks);
    assert_false(rig_ok(rig, CHECKS_RESTORED));
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rack_where_all_is_right_holds_every_check),
        cmocka_unit_test(nothing_is_looked_at_before_the_first_step),
        cmocka_unit_test(a_rack_above_its_envelope_fails_limits),
        cmocka_unit_test(before_the_first_arming_the_envelope_is_not_held_against_it),
        cmocka_unit_test(a_lower_envelope_counts_after_the_time_it_takes),
        cmocka_unit_test(a_lower_envelope_that_is_not_kept_fails_both),
        cmocka_unit_test(a_higher_envelope_counts_at_once),
        cmocka_unit_test(an_overloaded_shelf_fails_limits),
        cmocka_unit_test(a_shelf_that_is_not_all_fed_is_not_judged),
        cmocka_unit_test(a_shelf_within_its_pulses_holds),
        cmocka_unit_test(a_busbar_outside_its_band_fails),
        cmocka_unit_test(lost_it_gear_fails),
        cmocka_unit_test(giving_energy_away_under_the_reserve_fails),
        cmocka_unit_test(an_outage_may_take_the_reserve),
        cmocka_unit_test(a_small_full_battery_is_no_fault_of_an_order),
        cmocka_unit_test(discharge_by_orders_is_counted_against_its_budget),
        cmocka_unit_test(discharge_in_an_outage_is_not),
        cmocka_unit_test(an_overload_trips_the_feed),
        cmocka_unit_test(the_phase_that_carries_most_trips),
        cmocka_unit_test(without_a_rating_there_is_no_breaker),
        cmocka_unit_test(without_a_controller_only_the_rack_is_judged),
        cmocka_unit_test(an_overload_sooner_than_any_order_is_excused_where_asked_for),
        cmocka_unit_test(a_low_busbar_without_an_overload_is_not),
        cmocka_unit_test(what_is_not_put_back_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
