/* SPDX-License-Identifier: Apache-2.0 */
/* Riding through sags, losses of input and the return from them. */
#include "ride_rig.h"

static struct ride_rig *ready(bool keeps)
{
    struct ride_rig *r = ride_rig_new(keeps);

    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    return r;
}

static uint64_t writes(const struct ride_rig *r)
{
    return r->rig->out->ride.writes;
}

/* ---- quiet ---- */

static void what_must_be_armed_ahead_is_armed_and_read_back(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    *rig_held(r->rig, r->psu[3].setpoint) = 49.9;
    ride_rig_step(r);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_UNARMED);
    ride_rig_run(r, 0.1);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
        RIG_NEAR(*rig_held(r->rig, r->psu[i].start), 0.1); /* half of the shortest window */
        RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V);
    }
    assert_int_equal(writes(r), 0); /* arming is no riding */
    ride_rig_free(r);
}

static void a_battery_that_is_not_well_leaves_the_rack_unarmed(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    r->rig->value[r->bbu[2].status] = 0x8000; /* discharge not allowed */
    ride_rig_run(r, 0.05);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_UNARMED);
    r->rig->value[r->bbu[2].status] = 0;
    ride_rig_run(r, 0.05);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    r->rig->silent[r->bbu[5].device] = true;
    ride_rig_run(r, 1.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_UNARMED);
    ride_rig_free(r);
}

static void without_sources_or_a_wish_nothing_changes(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);

    r->rig->plan->ride.enabled = false;
    r->rig->plan->version++;
    ride_rig_run(r, 1.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OFF);
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 1.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OFF);
    assert_int_equal(writes(r), 0);
    assert_int_equal(r->rig->orders[r->psu[0].start], 0);
    ride_rig_free(r);
}

static void switched_off_in_the_middle_set_points_are_the_plans_again(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 1.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    r->rig->plan->ride.enabled = false;
    r->rig->plan->version++;
    ride_rig_run(r, 0.1);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OFF);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

/* ---- sags ---- */

static void a_sag_shorter_than_support_needs_no_order(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);
    uint64_t before = r->rig->out->step;
    int32_t orders = r->rig->orders[r->bbu[0].charge];

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.08);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    assert_true(rig_reason(r->rig, CORE_REASON_RIDING));
    assert_int_equal(r->rig->events[EV_RIDE_SAG], 1);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 0.2);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    assert_int_equal(r->rig->events[EV_RIDE_OVER], 1);
    assert_false(rig_reason(r->rig, CORE_REASON_RIDING));
    assert_int_equal(writes(r), 0);
    assert_true(r->rig->out->step > before);
    assert_int_equal(r->rig->orders[r->bbu[0].charge], orders);
    ride_rig_free(r);
}

static void an_outage_of_150_ms_needs_no_order_where_hardware_is_kept_alive(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.15);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    assert_int_equal(r->rig->events[EV_RIDE_OUTAGE], 1);
    ride_rig_input(r, 0.95);
    ride_rig_run(r, 0.1);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    ride_rig_run(r, 0.6);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    assert_int_equal(writes(r), 0);
    assert_true(r->lowest_v >= 47.0);
    ride_rig_free(r);
}

/* 1.20 of 277 V: supplies switch off above 309 V, and batteries carry. The limits that a
 * rack came with stay; the way back begins when the input is good again. */
static void a_voltage_that_is_too_high_is_an_outage_once_batteries_carry(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 1.2);
    ride_rig_run(r, 0.3);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY); /* they bear it: 288 V */
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->psu[i].on = false;
    for (int32_t t = 0; t < 20; t++) {
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            r->psu[i].on = false; /* the model knows of low voltages alone */
        ride_rig_step(r);
    }
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 0.2);
    assert_true(ride_rig_state(r) == CORE_RIDE_RETURN || ride_rig_state(r) == CORE_RIDE_READY);
    ride_rig_free(r);
}

static void supplies_and_batteries_share_a_shallow_sag(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);
    double before_ma = r->most_ma, wear = r->rig->out->ride.wear_left_cycles, low_v;

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.09);
    assert_int_equal(writes(r), 0);
    assert_true(r->most_ma > 1.2 * before_ma);
    ride_rig_run(r, 0.6);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    assert_int_equal(r->rig->events[EV_RIDE_SUPPORT], 1);
    assert_true(r->most_ma <= before_ma);
    assert_true(r->most_ma >= 0.85 * before_ma);
    RIG_NEAR(ride_rig_spread(r), 0.0); /* all shelves alike */
    RIG_NEAR(*rig_held(r->rig, r->bbu[0].charge), 0.0);
    assert_true(r->rig->out->ride.wear_left_cycles < wear);
    assert_int_equal(rig_view(r->rig, r->psu[0].setpoint)->why.rule, CORE_RULE_RIDE);
    assert_true(writes(r) >= RIDE_RIG_COUNT);
    low_v = ride_rig_setpoint(r, 7);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 0.04);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT); /* not yet sure */
    ride_rig_run(r, 0.1);
    assert_true(ride_rig_setpoint(r, 7) > low_v && ride_rig_setpoint(r, 7) < low_v + 0.7); /* a step */
    for (int32_t t = 0; t < 200 && ride_rig_state(r) == CORE_RIDE_RETURN; t++)
        ride_rig_step(r);
    ride_rig_run(r, 0.05);
    RIG_NEAR(ride_rig_setpoint(r, 7), RIDE_RIG_TARGET_V);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    RIG_NEAR(*rig_held(r->rig, r->bbu[0].charge), 0.0); /* recharge waits a second */
    ride_rig_run(r, 1.0);
    assert_true(*rig_held(r->rig, r->bbu[0].charge) > 4.0);
    ride_rig_free(r);
}

/* Lines a third off the books: what is measured brings the split right. */
static void the_split_is_trimmed_by_what_supplies_carry(void **state)
{
    (void)state;

    for (int32_t k = 0; k < 2; k++) {
        struct ride_rig *r = ride_rig_new(true);
        double before_ma;

        r->psu_droop_v = k ? 1.3 : 0.7;
        r->bbu_droop_v = k ? 0.35 : 0.65;
        ride_rig_run(r, 3.0);
        before_ma = r->most_ma;
        ride_rig_input(r, 0.85);
        ride_rig_run(r, 0.7);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
        assert_true(r->most_ma <= before_ma);
        ride_rig_run(r, 2.0);
        assert_true(r->most_ma <= before_ma);
        assert_true(r->most_ma >= 0.85 * before_ma);
        ride_rig_free(r);
    }
}

/* Supplies share a load unevenly: each counts by what it showed before, so the few that
 * are read after an order do not tell too much, or too little, of all. */
static void a_few_readings_are_taken_for_no_more_than_they_say(void **state)
{
    (void)state;

    for (int32_t k = 0; k < 4; k++) {
        int32_t few = k / 2 ? RIDE_RIG_EACH - 1 : 0; /* the last supply of all with them, or not */
        struct ride_rig *r = ride_rig_new(true);
        double before_ma;

        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            r->psu[i].gain = (i % RIDE_RIG_EACH == few) == (k % 2 == 0) ? 1.3 : 0.7;
        ride_rig_run(r, 3.0);
        before_ma = r->most_ma;
        ride_rig_input(r, 0.8);
        for (int32_t t = 0; t < 40; t++) {
            for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) /* the same few, most of the time */
                r->psu[i].mute = i % RIDE_RIG_EACH != few && t % 4 != 3;
            ride_rig_run(r, 0.2);
            if (t < 4)
                continue;
            assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
            assert_true(r->most_ma <= before_ma);
            assert_true(t < 12 || r->most_ma >= 0.88 * before_ma);
        }
        ride_rig_free(r);
    }
}

/* Some supplies are read slowly: what they said in an outage is old when it is over, and nothing
 * that the split of the next sag is measured by. */
static void what_was_read_in_an_event_is_not_what_stood_before_the_next(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    double before_ma;

    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->points[r->psu[i].output].stale_after_us = 20000000;
    ride_rig_restart(r);
    ride_rig_run(r, 3.0);
    before_ma = r->most_ma;
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.15);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->psu[i].mute = i % RIDE_RIG_EACH == 1;
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 4.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->psu[i].mute = false;
    ride_rig_input(r, 0.8);
    ride_rig_run(r, 2.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    assert_true(r->most_ma <= before_ma);
    assert_true(r->most_ma >= 0.85 * before_ma);
    ride_rig_free(r);
}

/* What is inside the band stays: set-points do not swing. */
static void set_points_stand_once_the_split_is_right(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);
    int32_t moves = 0;
    double was_v;

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 3.0);
    was_v = ride_rig_setpoint(r, 0);
    for (int32_t t = 0; t < 500; t++) {
        ride_rig_step(r);
        moves += fabs(ride_rig_setpoint(r, 0) - was_v) > 1e-9;
        was_v = ride_rig_setpoint(r, 0);
    }
    assert_int_equal(moves, 0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    ride_rig_free(r);
}

static void observing_lowers_nothing(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    rig_mode(r->rig, CORE_WANT_OBSERVE);
    ride_rig_run(r, 0.1);
    ride_rig_input(r, 0.8);
    ride_rig_run(r, 1.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    assert_int_equal(writes(r), 0);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

/* Whatever is wrong with one battery, set-points stay above the trigger. */
static void one_bad_battery_forbids_support(void **state)
{
    (void)state;

    for (int32_t k = 0; k < 4; k++) {
        struct ride_rig *r = ready(true);

        if (k == 0)
            r->rig->value[r->bbu[4].status] = 0x8000; /* discharge not allowed */
        else if (k == 1)
            r->rig->value[r->bbu[4].status] = 0x0080; /* end of life */
        else if (k == 2)
            r->rig->silent[r->bbu[4].device] = true;
        else
            for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) /* under the reserve */
                r->bbu[i].energy_j = 0.6 * RIDE_RIG_ENERGY_J;
        ride_rig_run(r, 1.5);
        ride_rig_input(r, 0.8);
        ride_rig_run(r, 1.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
        RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
        RIG_NEAR(*rig_held(r->rig, r->bbu[0].charge), 0.0); /* but nothing recharges */
        ride_rig_input(r, 1.0);
        ride_rig_run(r, 0.3);
        assert_true(ride_rig_state(r) == (k == 3 ? CORE_RIDE_READY : CORE_RIDE_UNARMED));
        ride_rig_free(r);
    }
}

static void a_battery_that_fails_during_support_ends_it_for_this_sag(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.6);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    r->rig->value[r->bbu[4].status] = 0x8000;
    ride_rig_run(r, 0.1);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    r->rig->value[r->bbu[4].status] = 0;
    ride_rig_run(r, 1.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

static void support_ends_when_its_wear_is_spent(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);
    double spent_s;

    r->rig->plan->ride.wear_cycles_per_day = 0.002; /* of 5.94 MJ: 11.9 kJ */
    r->rig->plan->version++;
    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.6);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    for (spent_s = 0.5; ride_rig_state(r) == CORE_RIDE_SUPPORT && spent_s < 60.0; spent_s += 0.01)
        ride_rig_step(r);
    assert_true(spent_s > 0.8 && spent_s < 2.0); /* some 10 kW from batteries */
    ride_rig_run(r, 0.1);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    assert_true(r->rig->out->ride.wear_left_cycles < 1e-6);
    ride_rig_free(r);
}

static void support_ends_at_the_reserve_by_what_was_counted(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);
    double reserve_j = r->rig->out->ride.reserve_j, lived_s = 0.0;

    assert_true(reserve_j > 4e6); /* 90 s at what limits let through */
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->bbu[i].energy_j = 1.9 * (reserve_j + 20000.0) / RIDE_RIG_COUNT;
    ride_rig_run(r, 0.1);
    r->frozen = true; /* the state of charge is not told anew */
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->value[r->psu[i].input] = 0.8 * RIDE_RIG_NOMINAL_V;
    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.3);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    for (; ride_rig_state(r) == CORE_RIDE_SUPPORT && lived_s < 60.0; lived_s += 0.01)
        ride_rig_step(r);
    assert_true(lived_s > 0.5 && lived_s < 4.0);
    ride_rig_free(r);
}

/* Whoever asks: not under the trigger while a battery could not take the load. */
static void a_plan_that_asks_for_less_waits_for_sound_batteries(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    r->rig->value[r->bbu[4].status] = 0x8000;
    ride_rig_run(r, 0.05);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        rig_want(r->rig, r->psu[i].setpoint)->target = 48.0;
    ride_rig_run(r, 0.1);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    assert_true(rig_view(r->rig, r->psu[0].setpoint)->refused > 0);
    assert_true(r->rig->events[EV_ORDER_REFUSED] > 0);
    r->rig->value[r->bbu[4].status] = 0;
    ride_rig_run(r, 80.0);
    RIG_NEAR(ride_rig_setpoint(r, 0), 48.0);
    ride_rig_free(r);
}

/* ---- what is no sag ---- */

static void one_lying_sensor_sheds_nothing(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    r->frozen = true;
    for (int32_t lie = 0; lie < 3; lie++) {
        r->rig->value[r->psu[4].input] = (double[]){ 0.0, 190.0, 120.0 }[lie];
        ride_rig_run(r, 1.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
        assert_true(r->rig->out->ride.input_ratio > 0.99);
    }
    assert_int_equal(r->rig->events[EV_RIDE_SAG], 0);
    assert_int_equal(writes(r), 0);
    ride_rig_free(r);
}

static void a_dip_that_two_supplies_of_a_shelf_see_is_one(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    r->frozen = true; /* one phase of three: two supplies of the second shelf */
    r->rig->value[r->psu[3].input] = r->rig->value[r->psu[4].input] = 0.85 * RIDE_RIG_NOMINAL_V;
    ride_rig_run(r, 0.05);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    assert_true(fabs(r->rig->out->ride.input_ratio - 0.85) < 1e-6);
    ride_rig_free(r);
}

static void a_phase_that_is_gone_while_supplies_carry_on_is_no_outage(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    r->frozen = true;
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++) /* two of three on each shelf see it, and still carry */
        r->rig->value[ride_rig_shelf(r, s)[0].input] = r->rig->value[ride_rig_shelf(r, s)[1].input] = 100.0;
    ride_rig_run(r, 1.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

/* An overload makes supplies step down by 3 V every 5 s, on purpose. */
static void batteries_that_help_with_an_overload_are_no_outage(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    r->frozen = true;
    for (int32_t k = 0; k < 3; k++) {
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
            r->rig->value[r->bbu[i].current] = -40.0;
            r->rig->value[r->bbu[i].bus] = 47.8;
        }
        ride_rig_run(r, 1.0);
        assert_true(ride_rig_state(r) == CORE_RIDE_READY);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
            r->rig->value[r->bbu[i].current] = 0.0;
            r->rig->value[r->bbu[i].bus] = 49.5;
        }
        ride_rig_run(r, 4.0);
    }
    assert_int_equal(r->rig->events[EV_RIDE_OUTAGE], 0);
    assert_int_equal(writes(r), 0);
    ride_rig_free(r);
}

static void one_feed_that_stays_away_is_no_event_for_ever(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    r->load_w = 30000.0; /* three shelves bear it */
    ride_rig_run(r, 0.2);
    r->input[2] = 0.0;
    ride_rig_run(r, 5.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG);
    RIG_NEAR(*rig_held(r->rig, r->bbu[0].charge), 0.0);
    ride_rig_run(r, 60.0);
    assert_true(ride_rig_state(r) == CORE_RIDE_READY || ride_rig_state(r) == CORE_RIDE_UNARMED);
    ride_rig_run(r, 2.0);
    assert_true(*rig_held(r->rig, r->bbu[0].charge) > 0.0);
    ride_rig_input(r, 0.0); /* the others go too */
    ride_rig_run(r, 0.3);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_free(r);
}

/* To the step: a minute from its first low reading on, and what a good input is waited for. */
static void a_feed_is_given_up_after_a_minute(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);
    int32_t steps = 0;

    r->load_w = 30000.0;
    ride_rig_run(r, 0.2);
    r->input[2] = 0.0;
    while (ride_rig_state(r) != CORE_RIDE_SAG && steps++ < 10)
        ride_rig_step(r);
    for (steps = 0; ride_rig_state(r) == CORE_RIDE_SAG && steps < 7000; steps++)
        ride_rig_step(r);
    assert_int_equal(steps, 6000 + 1 + 5);
    ride_rig_free(r);
}

static void nothing_is_known_while_no_input_is_read(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    r->frozen = true;
    for (int32_t p = 0; p < r->rig->config.point_count; p++)
        if (r->rig->points[p].signal == SIGNAL_PSU_INPUT_V)
            r->rig->value[p] = NAN;
    ride_rig_run(r, 1.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OFF);
    assert_true(isnan(r->rig->out->ride.input_ratio));
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

/* One may be at fault; two that carry tell of a deep sag what it is, whatever the others say. */
static void two_batteries_that_carry_are_believed(void **state)
{
    (void)state;
    for (int32_t carry = 1; carry <= 2; carry++) {
        struct ride_rig *r = ready(true);

        ride_rig_freeze(r, 0.1, 0.0);
        for (int32_t i = 0; i < carry; i++)
            r->rig->value[r->bbu[i].current] = -40.0;
        ride_rig_run(r, 0.03);
        assert_int_equal(ride_rig_state(r), carry == 1 ? CORE_RIDE_SAG : CORE_RIDE_OUTAGE);
        ride_rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_must_be_armed_ahead_is_armed_and_read_back),
        cmocka_unit_test(a_battery_that_is_not_well_leaves_the_rack_unarmed),
        cmocka_unit_test(without_sources_or_a_wish_nothing_changes),
        cmocka_unit_test(switched_off_in_the_middle_set_points_are_the_plans_again),
        cmocka_unit_test(a_sag_shorter_than_support_needs_no_order),
        cmocka_unit_test(an_outage_of_150_ms_needs_no_order_where_hardware_is_kept_alive),
        cmocka_unit_test(a_voltage_that_is_too_high_is_an_outage_once_batteries_carry),
        cmocka_unit_test(supplies_and_batteries_share_a_shallow_sag),
        cmocka_unit_test(the_split_is_trimmed_by_what_supplies_carry),
        cmocka_unit_test(a_few_readings_are_taken_for_no_more_than_they_say),
        cmocka_unit_test(what_was_read_in_an_event_is_not_what_stood_before_the_next),
        cmocka_unit_test(set_points_stand_once_the_split_is_right),
        cmocka_unit_test(observing_lowers_nothing),
        cmocka_unit_test(one_bad_battery_forbids_support),
        cmocka_unit_test(a_battery_that_fails_during_support_ends_it_for_this_sag),
        cmocka_unit_test(support_ends_when_its_wear_is_spent),
        cmocka_unit_test(support_ends_at_the_reserve_by_what_was_counted),
        cmocka_unit_test(a_plan_that_asks_for_less_waits_for_sound_batteries),
        cmocka_unit_test(one_lying_sensor_sheds_nothing),
        cmocka_unit_test(a_dip_that_two_supplies_of_a_shelf_see_is_one),
        cmocka_unit_test(a_phase_that_is_gone_while_supplies_carry_on_is_no_outage),
        cmocka_unit_test(batteries_that_help_with_an_overload_are_no_outage),
        cmocka_unit_test(one_feed_that_stays_away_is_no_event_for_ever),
        cmocka_unit_test(a_feed_is_given_up_after_a_minute),
        cmocka_unit_test(nothing_is_known_while_no_input_is_read),
        cmocka_unit_test(two_batteries_that_carry_are_believed),
    };

    int failed = cmocka_run_group_tests_name("ride", tests, NULL, NULL);

    ride_rig_batteries_first = true;
    return failed + cmocka_run_group_tests_name("ride, batteries first", tests, NULL, NULL);
}
