/* SPDX-License-Identifier: Apache-2.0 */
/* Which load the hardware can hand over, by its books; and what follows from it. */
#include "ride_rig.h"

#include "core/ride.h"

/* An ORv3 supply on 60 J, and the batteries of the same generation. */
static const struct core_config_source orv3 = {
    .kind = CORE_SOURCE_PSU,
    .module_count = 6,
    .rated_w = 3000.0,
    .output_v = 51.0,
    .droop_v = 0.5,
    .holdup_j = 60.0,
    .handover_ratio = 0.5,
    .handover_step_v = 3.0,
    .handover_v_per_s = 3000.0,
};
static const struct ride_rule_battery battery = { .trigger_v = 48.5, .detect_s = 0.002, .start_s = 0.002 };

static void the_margin_is_that_of_the_published_timings(void **state)
{
    (void)state;
    static const double rows[][2] = { { 3000.0, 5.33e-3 }, { 4500.0, 2.08e-3 }, { 5500.0, 0.87e-3 } };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(fabs(ride_rule_margin_s(&orv3, &battery, rows[i][0]) - rows[i][1]) < 6e-6);
}

static void a_line_of_its_own_calls_batteries_at_once(void **state)
{
    (void)state;
    struct core_config_source hpr = orv3;

    hpr.handover_v_per_s = 0.0;
    hpr.rated_w = 5500.0;
    hpr.holdup_j = 110.0;
    /* 20 ms of hold-up, half of it until they are called, 2 ms until they are there */
    assert_true(fabs(ride_rule_margin_s(&hpr, &battery, 5500.0) - 8e-3) < 1e-9);
    assert_true(isinf(ride_rule_margin_s(&hpr, &battery, 0.0)));
}

static void a_step_that_ends_above_the_trigger_calls_nobody(void **state)
{
    (void)state;
    struct core_config_source psu = orv3;

    psu.handover_step_v = 1.5;
    RIG_NEAR(ride_rule_margin_s(&psu, &battery, 3000.0), -4e-3);
}

/* ---- on a rack ---- */

static struct core_config_source *sources(struct ride_rig *r)
{
    return (struct core_config_source *)(uintptr_t)r->rig->config.sources;
}

/* The same rack with other books. */
static void rebook(struct ride_rig *r)
{
    rig_boot(r->rig);
    r->rig->ack_count = 0;
    ride_rig_run(r, 3.0);
}

static void a_sound_rack_is_capable_up_to_its_batteries_power(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    const struct core_ride_view *view;

    ride_rig_run(r, 3.0);
    view = &r->rig->out->ride;
    assert_true(view->capable);
    RIG_NEAR(view->capable_w, RIDE_RIG_COUNT * RIDE_RIG_RATED_W);
    /* 40 kW over twelve: 33 ms of hold-up, half of it, less 2 ms */
    assert_true(fabs(view->margin_s - (0.5 * 110.0 / (40000.0 / 12.0) - 2e-3)) < 1e-5);
    RIG_NEAR(view->reserve_j, 90.0 * rig_zone(r->rig, r->busbar)->counted_w);
    assert_false(rig_reason(r->rig, CORE_REASON_NOT_CAPABLE));
    ride_rig_free(r);
}

/* Supplies of any one shelf that hold up half as long as the others have the margin of all. */
static void the_shelf_that_holds_up_least_counts(void **state)
{
    (void)state;

    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++) {
        struct ride_rig *r = ride_rig_new(true);

        sources(r)[ride_rig_supplies(s)].holdup_j = 55.0;
        rebook(r);
        assert_true(fabs(r->rig->out->ride.margin_s - (0.5 * 55.0 / (40000.0 / 12.0) - 2e-3)) < 1e-5);
        ride_rig_free(r);
    }
}

/* Half the batteries are out: limits below the busbar fit the rest. */
static void limits_fit_what_batteries_can_take_over(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double sum_w = 0.0;

    ride_rig_run(r, 3.0);
    RIG_NEAR(rig_zone(r->rig, r->busbar)->counted_w, 48000.0);
    for (int32_t i = 0; i < 6; i++)
        r->rig->value[r->bbu[i].status] = 0x8000;
    ride_rig_run(r, 2.0);
    RIG_NEAR(r->rig->out->ride.capable_w, 33000.0);
    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++)
        sum_w += *rig_held(r->rig, r->gpu[g]);
    assert_true(sum_w <= 33000.0 + 1e-6);
    assert_true(sum_w > 32000.0);
    assert_int_equal(rig_view(r->rig, r->gpu[0])->why.rule, CORE_RULE_CAPABLE);
    assert_int_equal(rig_view(r->rig, r->gpu[0])->why.node, r->busbar);
    assert_true(r->rig->out->ride.capable);                   /* by now */
    assert_int_equal(r->rig->events[EV_RIDE_NOT_CAPABLE], 0); /* lowered in time */
    for (int32_t i = 0; i < 6; i++)
        r->rig->value[r->bbu[i].status] = 0;
    r->load_w = 40000.0;
    ride_rig_run(r, 60.0);
    assert_true(*rig_held(r->rig, r->gpu[0]) > 11000.0);
    ride_rig_free(r);
}

static void a_rack_whose_minimums_are_too_much_says_so_once(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    ride_rig_run(r, 3.0);
    for (int32_t i = 0; i < 10; i++)
        r->rig->value[r->bbu[i].status] = 0x8000; /* 11 kW are left; 12 kW are the least */
    ride_rig_run(r, 20.0);
    assert_false(r->rig->out->ride.capable);
    assert_int_equal(r->rig->events[EV_RIDE_NOT_CAPABLE], 1);
    assert_true(rig_reason(r->rig, CORE_REASON_NOT_CAPABLE));
    RIG_NEAR(*rig_held(r->rig, r->gpu[0]), 12000.0); /* nothing is gained by lowering */
    for (int32_t i = 0; i < 10; i++)
        r->rig->value[r->bbu[i].status] = 0;
    ride_rig_run(r, 20.0);
    assert_int_equal(r->rig->events[EV_RIDE_CAPABLE], 1);
    assert_false(rig_reason(r->rig, CORE_REASON_NOT_CAPABLE));
    ride_rig_free(r);
}

/* With 10 J a supply the margin ends at 2.5 kW each; what is on the bus carries on. */
static void capacitance_bridges_a_negative_margin(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double without_w, with_w;

    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        sources(r)[ride_rig_supplies(s)].holdup_j = 10.0; /* 0.5 * 10 J / 2 ms: 2.5 kW each */
    r->rig->config.bus.capacitance_f = 0.0;
    rebook(r);
    without_w = r->rig->out->ride.capable_w;
    assert_true(fabs(without_w - 30000.0) < 1.0);
    r->rig->config.bus.capacitance_f = 0.5;
    rebook(r);
    with_w = r->rig->out->ride.capable_w;
    assert_true(with_w > 1.2 * without_w);
    ride_rig_free(r);
}

static void a_long_cable_takes_voltage_from_the_far_end(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double load_w, bus_v;

    r->rig->config.bus.resistance_ohm = 0.0015;
    rebook(r);
    load_w = r->rig->out->ride.capable_w;
    assert_true(load_w < 60000.0 && load_w > 40000.0);
    bus_v = 48.0 - 0.5 * load_w / (RIDE_RIG_COUNT * RIDE_RIG_RATED_W);
    assert_true(fabs(bus_v - 0.0015 * load_w / bus_v - 46.0) < 0.01);
    ride_rig_free(r);
}

static void what_the_busbar_dips_while_batteries_take_over_counts(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double load_w, bus_v;

    r->rig->config.bus.resistance_ohm = 0.0015;
    r->rig->config.bus.dip_v = 0.4;
    rebook(r);
    load_w = r->rig->out->ride.capable_w;
    bus_v = 48.0 - 0.5 * load_w / (RIDE_RIG_COUNT * RIDE_RIG_RATED_W);
    assert_true(fabs(bus_v - 0.0015 * load_w / bus_v - 46.4) < 0.01);
    ride_rig_free(r);
}

/* The input stays at 0.95 of 240 V: supplies that want 285 V for all of their power
 * give 0.8 of it, and share it unevenly. */
static void supplies_bear_less_for_as_long_as_the_input_is_low(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    const double all_w = RIDE_RIG_COUNT * RIDE_RIG_RATED_W, left_w = 0.97 * 0.8 * all_w;
    double first_w, sum_w = 0.0;

    r->rig->config.bus.capacitance_f = 2.0; /* enough for the moment in which a sag begins */
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        sources(r)[ride_rig_supplies(s)].input_derate_v = 285.0;
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->input[s] = 0.95;
    rebook(r);
    first_w = r->rig->out->ride.capable_w;
    assert_true(fabs(first_w - left_w) < 1e-6);
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++) /* noise moves nothing */
        r->input[s] = 0.96;
    ride_rig_run(r, 3.0);
    assert_true(fabs(r->rig->out->ride.capable_w - first_w) < 1e-6);
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->input[s] = 0.91;
    ride_rig_run(r, 3.0);
    assert_true(r->rig->out->ride.capable_w < 0.97 * first_w);
    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++)
        sum_w += *rig_held(r->rig, r->gpu[g]);
    assert_true(sum_w <= r->rig->out->ride.capable_w + 1e-6);
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->input[s] = 1.2;
    ride_rig_run(r, 3.0);
    RIG_NEAR(r->rig->out->ride.capable_w, all_w);
    ride_rig_free(r);
}

/* At 175 V supplies that want 250 V give 0.97 of 0.7. The rest falls to the batteries,
 * which see it 4 ms later; until then it comes out of the busbar. */
static void a_busbar_bridges_what_supplies_do_not_give_in_a_sag(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    const double all_w = RIDE_RIG_COUNT * RIDE_RIG_RATED_W, least_w = 0.97 * 0.7 * all_w;
    double load_w, far_v;

    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        sources(r)[ride_rig_supplies(s)].input_derate_v = 250.0;
    r->rig->config.bus.capacitance_f = 0.2;
    rebook(r);
    load_w = r->rig->out->ride.capable_w;
    assert_true(load_w > least_w && load_w < 0.95 * all_w);
    far_v = 48.5 - 0.0001 * load_w / 48.5;
    assert_true(fabs(0.1 * (far_v * far_v - 46.0 * 46.0) - 0.004 * (load_w - least_w)) < 0.1);
    ride_rig_free(r);
}

/* Limits fit six batteries; then ten are out, and no limit is low enough any more. */
static void what_makes_a_rack_incapable_lets_it_draw_no_more(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double before = 0.0, after = 0.0;

    ride_rig_run(r, 3.0);
    for (int32_t i = 0; i < 6; i++)
        r->rig->value[r->bbu[i].status] = 0x8000;
    ride_rig_run(r, 3.0);
    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++)
        before += *rig_held(r->rig, r->gpu[g]);
    assert_true(before < 33001.0);
    for (int32_t i = 0; i < 10; i++)
        r->rig->value[r->bbu[i].status] = 0x8000;
    ride_rig_run(r, 10.0);
    assert_false(r->rig->out->ride.capable);
    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++)
        after += *rig_held(r->rig, r->gpu[g]);
    assert_true(after <= before + 1e-6);
    ride_rig_free(r);
}

static void a_dead_supply_leaves_more_to_the_others(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double margin_s;

    ride_rig_run(r, 3.0);
    margin_s = r->rig->out->ride.margin_s;
    ride_rig_run(r, 0.5);
    r->frozen = true;
    r->rig->value[r->psu[1].output] = 0.0;
    ride_rig_run(r, 2.0);
    assert_true(r->rig->out->ride.margin_s < 0.95 * margin_s);
    ride_rig_free(r);
}

/* ---- supplies that do not carry ---- */

static double limits_w(struct ride_rig *r)
{
    double sum_w = 0.0;

    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++)
        sum_w += *rig_held(r->rig, r->gpu[g]);
    return sum_w;
}

/* What supplies say of their output, the first six and the others. */
static void outputs(struct ride_rig *r, double first_w, double others_w)
{
    r->frozen = true;
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->value[r->psu[i].output] = i < RIDE_RIG_COUNT / 2 ? first_w : others_w;
}

static void discharge(struct ride_rig *r, double amperes)
{
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->value[r->bbu[i].current] = -amperes;
}

static void silence(struct ride_rig *r, bool silent)
{
    for (int32_t i = 0; i < RIDE_RIG_COUNT / 2; i++)
        r->psu[i].mute = silent;
}

/* Half of the supplies failed; batteries helped, and rest again while the failed ones start
 * and say nothing: until they are read to carry, limits stay at what the others bear. */
static void a_supply_that_starts_bears_nothing_before_it_says_so(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double half_w = RIDE_RIG_COUNT / 2 * RIDE_RIG_RATED_W;

    ride_rig_run(r, 3.0);
    outputs(r, 0.0, 6000.0);
    ride_rig_run(r, 2.0);
    assert_true(limits_w(r) <= half_w + 1.0);
    discharge(r, 40.0);
    ride_rig_run(r, 2.0);
    discharge(r, 0.0);
    silence(r, true);
    for (int32_t k = 0; k < 50; k++) {
        ride_rig_run(r, 0.1);
        assert_true(limits_w(r) <= half_w + 1.0);
    }
    silence(r, false);
    outputs(r, 3300.0, 3300.0);
    ride_rig_run(r, 4.0);
    assert_true(limits_w(r) > half_w + 1000.0);
    ride_rig_free(r);
}

/* While batteries carry, every supply reads nothing: that one is silent afterwards takes
 * nothing away where none was known to have failed. */
static void a_supply_that_falls_silent_in_an_outage_is_not_missing(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double before_w;

    ride_rig_run(r, 3.0);
    before_w = limits_w(r);
    outputs(r, 0.0, 0.0);
    discharge(r, 80.0);
    ride_rig_run(r, 1.0);
    silence(r, true);
    discharge(r, 0.0);
    outputs(r, 0.0, 3300.0);
    for (int32_t k = 0; k < 30; k++) {
        ride_rig_run(r, 0.1);
        assert_true(limits_w(r) >= before_w - 1.0);
    }
    ride_rig_free(r);
}

/* With some known to have failed, those that are silent after an outage do not make it
 * less: limits stay where they were, and follow what is read. */
static void silence_does_not_lower_what_supplies_bear(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double left_w = (RIDE_RIG_COUNT - 2) * RIDE_RIG_RATED_W, failed_w;

    r->load_w = 48000.0;
    ride_rig_run(r, 3.0);
    outputs(r, 4000.0, 4000.0);
    r->rig->value[r->psu[11].output] = r->rig->value[r->psu[10].output] = 0.0;
    ride_rig_run(r, 2.0);
    failed_w = limits_w(r);
    assert_true(failed_w <= left_w + 1.0);
    outputs(r, 0.0, 0.0);
    discharge(r, 80.0);
    ride_rig_run(r, 1.0);
    silence(r, true);
    discharge(r, 0.0);
    outputs(r, 0.0, 4000.0);
    r->rig->value[r->psu[11].output] = r->rig->value[r->psu[10].output] = 0.0;
    for (int32_t k = 0; k < 30; k++) {
        ride_rig_run(r, 0.1);
        assert_true(limits_w(r) >= failed_w - 1.0 && limits_w(r) <= left_w + 1.0);
    }
    ride_rig_free(r);
}

static void what_batteries_say_they_hold_counts_where_it_is_more(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    ride_rig_run(r, 3.0);
    RIG_NEAR(r->rig->out->ride.energy_j, RIDE_RIG_COUNT * RIDE_RIG_ENERGY_J); /* the books' end of life */
    ride_rig_free(r);
    r = ride_rig_new(true);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
        int32_t source = ride_rig_batteries(i / RIDE_RIG_EACH);
        int32_t ah = ride_rig_point(r->rig, r->bbu[i].device, source, SIGNAL_BBU_REMAINING_AH);
        int32_t v = ride_rig_point(r->rig, r->bbu[i].device, source, SIGNAL_BBU_PACK_V);

        r->rig->value[ah] = 6.0;
        r->rig->value[v] = 45.0;
    }
    rebook(r);
    RIG_NEAR(r->rig->out->ride.energy_j, RIDE_RIG_COUNT * 0.9 * 6.0 * 45.0 * 3600.0);
    ride_rig_free(r);
}

/* Unread for a while a battery counts as it was last known; unread for long, not. */
static void batteries_that_are_not_read_stop_counting_late(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    ride_rig_run(r, 3.0);
    for (int32_t i = 0; i < 6; i++)
        r->rig->silent[r->bbu[i].device] = true;
    ride_rig_run(r, 30.0);
    RIG_NEAR(r->rig->out->ride.capable_w, 66000.0);
    ride_rig_run(r, 35.0);
    RIG_NEAR(r->rig->out->ride.capable_w, 33000.0);
    ride_rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_margin_is_that_of_the_published_timings),
        cmocka_unit_test(a_line_of_its_own_calls_batteries_at_once),
        cmocka_unit_test(a_step_that_ends_above_the_trigger_calls_nobody),
        cmocka_unit_test(a_sound_rack_is_capable_up_to_its_batteries_power),
        cmocka_unit_test(the_shelf_that_holds_up_least_counts),
        cmocka_unit_test(limits_fit_what_batteries_can_take_over),
        cmocka_unit_test(a_rack_whose_minimums_are_too_much_says_so_once),
        cmocka_unit_test(capacitance_bridges_a_negative_margin),
        cmocka_unit_test(a_long_cable_takes_voltage_from_the_far_end),
        cmocka_unit_test(what_the_busbar_dips_while_batteries_take_over_counts),
        cmocka_unit_test(supplies_bear_less_for_as_long_as_the_input_is_low),
        cmocka_unit_test(a_busbar_bridges_what_supplies_do_not_give_in_a_sag),
        cmocka_unit_test(what_makes_a_rack_incapable_lets_it_draw_no_more),
        cmocka_unit_test(a_dead_supply_leaves_more_to_the_others),
        cmocka_unit_test(a_supply_that_starts_bears_nothing_before_it_says_so),
        cmocka_unit_test(a_supply_that_falls_silent_in_an_outage_is_not_missing),
        cmocka_unit_test(silence_does_not_lower_what_supplies_bear),
        cmocka_unit_test(what_batteries_say_they_hold_counts_where_it_is_more),
        cmocka_unit_test(batteries_that_are_not_read_stop_counting_late),
    };

    int failed = cmocka_run_group_tests_name("ride_rule", tests, NULL, NULL);

    ride_rig_batteries_first = true;
    return failed + cmocka_run_group_tests_name("ride_rule, batteries first", tests, NULL, NULL);
}
