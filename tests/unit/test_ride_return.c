/* SPDX-License-Identifier: Apache-2.0 */
/* Losses of input, the way back from them, and cores that begin in the middle. */
#include "ride_rig.h"

static struct ride_rig *ready(bool keeps)
{
    struct ride_rig *r = ride_rig_new(keeps);

    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    return r;
}

/* Shelves that come back one by one and keep what they are told meanwhile. */
static struct ride_rig *ready_apart(void)
{
    struct ride_rig *r = ride_rig_new_apart(SIGNAL_PSU_OUTPUT_W);

    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    return r;
}

/* ---- losing the input ---- */

static void start_delays_follow_the_length_of_the_outage(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.45);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    RIG_NEAR(*rig_held(r->rig, r->psu[0].start), 0.1);
    assert_int_equal(r->rig->out->ride.writes, 0);
    ride_rig_run(r, 0.2);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
        RIG_NEAR(*rig_held(r->rig, r->psu[i].start), 0.5);
        RIG_NEAR(*rig_held(r->rig, r->bbu[i].charge), 0.0);
        RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V); /* they come back as one */
    }
    assert_int_equal(rig_view(r->rig, r->psu[0].start)->why.rule, CORE_RULE_RIDE);
    ride_rig_run(r, 10.0);
    RIG_NEAR(*rig_held(r->rig, r->psu[5].start), 7.5);
    RIG_NEAR(ride_rig_setpoint(r, 5), 48.0); /* a long one: handed back slowly */
    ride_rig_free(r);
}

static void hardware_that_forgets_is_not_written_to_while_it_is_off(void **state)
{
    (void)state;
    struct ride_rig *r = ready(false);
    int32_t orders = r->rig->orders[r->psu[0].setpoint];

    ride_rig_input(r, 0.0);
    ride_rig_run(r, 5.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        assert_int_equal(r->rig->orders[r->psu[i].setpoint], orders);
    ride_rig_free(r);
}

/* Nobody ever read a low input: supplies fell silent, batteries discharge. */
static void silent_supplies_and_discharging_batteries_are_an_outage(void **state)
{
    (void)state;
    struct ride_rig *r = ready(false);

    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->silent[r->psu[i].device] = true;
    r->frozen = true;
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
        r->rig->value[r->bbu[i].current] = -70.0;
        r->rig->value[r->bbu[i].bus] = 47.7;
        r->psu[i].on = false;
    }
    for (int32_t k = 0; k < 40; k++) {
        r->rig->now_us += r->rig->step_us;
        rig_step_with(r->rig, 0); /* nothing new at all */
    }
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    for (int32_t k = 0; k < 80; k++) {
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            r->rig->silent[r->psu[i].device] = true;
        rig_step(r->rig);
    }
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    assert_int_equal(r->rig->events[EV_RIDE_OUTAGE], 1);
    ride_rig_free(r);
}

static void limits_go_to_their_base_when_energy_runs_out(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.0);
    ride_rig_run(r, 1.0);
    RIG_NEAR(*rig_held(r->rig, r->gpu[0]), 12000.0);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->bbu[i].energy_j = 1.9 * 61.0 * r->load_w / RIDE_RIG_COUNT;
    ride_rig_run(r, 4.0);
    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++) {
        RIG_NEAR(*rig_held(r->rig, r->gpu[g]), 6000.0);
        assert_int_equal(rig_view(r->rig, r->gpu[g])->why.rule, CORE_RULE_RIDE);
    }
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_run(r, 30.0);
    assert_true(*rig_held(r->rig, r->gpu[0]) > 9000.0);
    ride_rig_free(r);
}

/* ---- coming back ---- */

/* Shelves that draw their own start times: each shares with the batteries until
 * the last one is there. */
static void shelves_of_one_bus_go_up_together(void **state)
{
    (void)state;
    struct ride_rig *r = ready_apart();
    int32_t alone = 0;

    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->extra_s[s] = 0.5 + s;
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.4);
    ride_rig_input(r, 1.0);
    for (int32_t k = 0; k < 600; k++) {
        double high_w = 0.0;

        ride_rig_step(r);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            high_w = fmax(high_w, r->psu[i].carries_w);
        alone += high_w > RIDE_RIG_RATED_W;
        if (ride_rig_state(r) != CORE_RIDE_RETURN)
            continue;
        assert_true(ride_rig_spread(r) < 1e-9 || r->rig->events[EV_RIDE_RETURN] == 1);
        if (ride_rig_setpoint(r, 0) > 49.0 && k > 420)
            RIG_NEAR(ride_rig_spread(r), 0.0);
    }
    assert_int_equal(alone, 0); /* no supply was ever left alone with the load */
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    assert_true(r->lowest_v >= 47.5);
    assert_int_equal(r->rig->events[EV_RIDE_OUTAGE], 1); /* no second one */
    assert_int_equal(r->rig->events[EV_RIDE_OVER], 1);
    ride_rig_free(r);
}

/* Shelves are written to one after the other: the first one up takes load from those
 * that are not yet. A step is what one shelf bears, so all go up more slowly the more
 * they carry. */
static void set_points_go_up_by_what_one_shelf_bears(void **state)
{
    (void)state;
    static const double loads_w[] = { 20000.0, 33000.0, 46000.0 };
    int32_t before = 0;

    for (size_t k = 0; k < 3; k++) {
        struct ride_rig *r = ready_apart();
        /* One of four shelves that stands so much higher carries its part of the load and
         * three quarters of the step over 1 V of droop: 1.1 of its rating. */
        double most_v = (1.1 - loads_w[k] / (RIDE_RIG_COUNT * RIDE_RIG_RATED_W)) * 4.0 / 3.0, was_v = 0.0;
        int32_t steps = 0;

        r->load_w = loads_w[k];
        for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
            r->extra_s[s] = 0.5 + s;
        ride_rig_run(r, 3.0);
        ride_rig_input(r, 0.0);
        ride_rig_run(r, 0.4);
        ride_rig_input(r, 1.0);
        for (int32_t t = 0; t < 1000; t++) {
            double v;

            ride_rig_step(r);
            v = ride_rig_setpoint(r, 0);
            if (was_v > 0.0 && v > was_v) {
                assert_true(v - was_v <= most_v + 1e-6);
                RIG_NEAR(ride_rig_spread(r), 0.0);
                steps++;
            }
            was_v = v;
        }
        RIG_NEAR(was_v, RIDE_RIG_TARGET_V);
        assert_true(steps > before);
        before = steps;
        ride_rig_free(r);
    }
}

/* One shelf has nobody to take load from. */
static void a_single_shelf_goes_up_at_once(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new(true);
    struct core_config_source *sources = (struct core_config_source *)(uintptr_t)r->rig->config.sources;
    int32_t ups = 0;
    double was_v;

    sources[1] = sources[RIDE_RIG_SHELVES];
    sources[0].module_count = sources[1].module_count = RIDE_RIG_COUNT;
    r->rig->config.source_count = 2;
    for (int32_t p = 0; p < r->rig->config.point_count; p++)
        if (r->rig->points[p].source != CORE_NONE)
            r->rig->points[p].source = r->rig->points[p].source < RIDE_RIG_SHELVES ? 0 : 1;
    for (int32_t l = 0; l < r->rig->config.lever_count; l++)
        if (r->rig->levers[l].ride != CORE_LEVER_RIDE_NONE)
            r->rig->levers[l].source = 0;
    rig_boot(r->rig);
    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_input(r, 0.8);
    ride_rig_run(r, 1.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    was_v = ride_rig_setpoint(r, 0);
    assert_true(was_v < 48.6);
    ride_rig_input(r, 1.0);
    for (int32_t t = 0; t < 150; t++) {
        ride_rig_step(r);
        ups += ride_rig_setpoint(r, 0) > was_v;
        was_v = ride_rig_setpoint(r, 0);
    }
    assert_int_equal(ups, 1);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    RIG_NEAR(was_v, RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

/* Supplies that forget what they are told are told nothing, however long it took: one
 * that starts meanwhile would stand with half of its shelf lowered. */
static void supplies_that_forget_are_told_nothing_on_the_way_back(void **state)
{
    (void)state;
    static const double outages_s[] = { 0.4, 30.0 };

    for (size_t k = 0; k < 2; k++) {
        struct ride_rig *r = ready(false);

        for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
            r->extra_s[s] = 0.5 + s;
        ride_rig_input(r, 0.0);
        ride_rig_run(r, outages_s[k]);
        ride_rig_input(r, 1.0);
        ride_rig_run(r, 10.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            assert_int_equal(r->rig->orders[r->psu[i].setpoint], 0);
        ride_rig_free(r);
    }
}

static double limits(struct ride_rig *r)
{
    double sum_w = 0.0;

    for (int32_t g = 0; g < RIDE_RIG_GPUS; g++)
        sum_w += *rig_held(r->rig, r->gpu[g]);
    return sum_w;
}

/* ...so after a long outage the ramp is made by the load. */
static void after_a_long_outage_supplies_that_forget_find_less_load(void **state)
{
    (void)state;
    struct ride_rig *r = ready(false);
    double full_w = limits(r), was_w;

    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->extra_s[s] = 0.5 + s;
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 9.5);
    RIG_NEAR(limits(r), full_w); /* it may still be a short one */
    ride_rig_run(r, 5.0);
    assert_true(limits(r) <= 0.8 * 40000.0 + 1.0);
    assert_true(limits(r) >= 0.6 * 40000.0);
    assert_int_equal(rig_view(r->rig, r->gpu[0])->why.rule, CORE_RULE_RIDE);
    was_w = limits(r);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 3.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    RIG_NEAR(limits(r), was_w); /* not before all shelves carry */
    ride_rig_run(r, 6.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    for (int32_t t = 0; t < 60; t++) {
        was_w = limits(r);
        ride_rig_run(r, 1.0);
        assert_true(limits(r) >= was_w - 1.0);
        if (t < 10)
            assert_true(limits(r) - was_w <= 2.0 * 0.2 * 40000.0 / 15.0);
    }
    assert_true(limits(r) > 0.99 * full_w);
    assert_true(rig_view(r->rig, r->gpu[0])->why.rule != CORE_RULE_RIDE);
    ride_rig_free(r);
}

static void after_a_long_outage_power_comes_back_by_a_ramp(void **state)
{
    (void)state;

    for (int32_t apart = 0; apart < 2; apart++) {
        struct ride_rig *r = apart ? ready_apart() : ready(true);
        double was_w = 0.0, jump_w = 0.0;

        for (int32_t s = 0; s < RIDE_RIG_SHELVES && apart; s++)
            r->extra_s[s] = 0.5 + s;
        ride_rig_input(r, 0.0);
        ride_rig_run(r, 30.0);
        ride_rig_input(r, 1.0);
        for (int32_t k = 0; k < 4000; k++) {
            ride_rig_step(r);
            if (r->psu_w > 0.4 * r->load_w) /* beyond the part that low set-points share */
                jump_w = fmax(jump_w, r->psu_w - was_w);
            was_w = r->psu_w;
        }
        assert_true(jump_w > 0.0 && jump_w < 0.06 * r->load_w);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
        RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
        if (!apart)
            RIG_NEAR(*rig_held(r->rig, r->psu[0].start), 0.1); /* armed for the next */
        ride_rig_free(r);
    }
}

/* All shelves must be armed to come back as one: one that cannot be told when to start is enough. */
static void one_shelf_without_start_delays_is_enough_to_come_back_apart(void **state)
{
    (void)state;

    for (int32_t shelf = -1; shelf < RIDE_RIG_SHELVES; shelf++) {
        struct ride_rig *r = ride_rig_new(true);

        for (int32_t i = 0; i < RIDE_RIG_EACH && shelf >= 0; i++)
            r->rig->levers[ride_rig_shelf(r, shelf)[i].start].ride = CORE_LEVER_RIDE_NONE;
        ride_rig_restart(r);
        ride_rig_run(r, 6.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
        ride_rig_input(r, 0.0);
        ride_rig_run(r, 2.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            RIG_NEAR(ride_rig_setpoint(r, i), shelf >= 0 ? 48.0 : RIDE_RIG_TARGET_V);
        ride_rig_free(r);
    }
}

static void a_shelf_that_stays_away_is_given_up_when_the_rest_can_bear_it(void **state)
{
    (void)state;
    struct ride_rig *r = ready_apart();

    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->extra_s[s] = s < 3 ? 0.5 + 0.3 * s : 1000.0;
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.4);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 4.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    RIG_NEAR(ride_rig_setpoint(r, 0), 48.0);
    ride_rig_run(r, 4.0); /* 2.5 s to ready by its books */
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    assert_true(r->bbu_w < 1.0);
    assert_true(ride_rig_state(r) != CORE_RIDE_RETURN);
    ride_rig_free(r);
}

/* The same where nothing tells what supplies give: three shelves are back by their books. */
static void a_silent_shelf_is_given_up_when_the_rest_can_bear_it_by_their_books(void **state)
{
    (void)state;

    for (int32_t few = 0; few < 2; few++) {
        struct ride_rig *r = ride_rig_new_apart(SIGNAL_PSU_INLET_C);

        ride_rig_run(r, 6.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
        ride_rig_input(r, 0.0);
        ride_rig_run(r, 1.0);
        RIG_NEAR(ride_rig_setpoint(r, 0), 48.0);
        for (int32_t i = (few ? 2 : 3) * RIDE_RIG_EACH; i < RIDE_RIG_COUNT; i++)
            r->psu[i].mute = true;
        for (int32_t s = few ? 2 : 3; s < RIDE_RIG_SHELVES; s++)
            r->extra_s[s] = 1000.0;
        ride_rig_input(r, 1.0);
        ride_rig_run(r, 10.0); /* 49.5 kW of supplies for 40 kW, or 33 */
        assert_int_equal(ride_rig_state(r),
                         CORE_RIDE_RETURN); /* the others stand low, for all that is known */
        RIG_NEAR(ride_rig_setpoint(r, 0), few ? 48.0 : RIDE_RIG_TARGET_V);
        ride_rig_free(r);
    }
}

/* Three shelves took the load before anybody could be told: no second dip. */
static void shelves_that_carry_all_of_the_load_are_left_alone(void **state)
{
    (void)state;
    struct ride_rig *r = ready(false);

    r->extra_s[3] = 3.0;
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.4);
    ride_rig_input(r, 1.0);
    for (int32_t k = 0; k < 600; k++) {
        ride_rig_step(r);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V);
    }
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_free(r);
}

static void a_battery_that_fails_on_the_way_back_ends_the_sharing(void **state)
{
    (void)state;
    struct ride_rig *r = ready_apart();

    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->extra_s[s] = 0.5 + 3.0 * s;
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.4);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    RIG_NEAR(ride_rig_setpoint(r, 0), 48.0);
    r->rig->value[r->bbu[9].status] = 0x8000;
    ride_rig_run(r, 0.1);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

static void a_second_loss_on_the_way_back_is_the_same_outage(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.4);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 0.1);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.3);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    RIG_NEAR(*rig_held(r->rig, r->psu[0].start), 0.5); /* 0.8 s by now */
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 2.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_free(r);
}

/* Six dips in 82 s: each ridden through, nothing counted, nothing latched. */
static void dips_in_a_row_are_each_ridden_through(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    for (int32_t k = 0; k < 6; k++) {
        ride_rig_input(r, 0.3);
        ride_rig_run(r, 0.055);
        ride_rig_input(r, 1.0);
        ride_rig_run(r, 12.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    }
    assert_int_equal(r->rig->events[EV_RIDE_OVER], 6);
    assert_int_equal(r->rig->out->ride.writes, 0);
    ride_rig_free(r);
}

/* An interruption that ends in a sag: supplies carry from 0.85, then share. */
static void an_outage_that_ends_in_a_sag_goes_over_to_support(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.15);
    ride_rig_input(r, 0.85);
    ride_rig_run(r, 1.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SAG); /* not called again at once */
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_run(r, 2.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    ride_rig_input(r, 0.95);
    ride_rig_run(r, 2.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

static void a_sag_that_deepens_hands_over(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.6);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    ride_rig_input(r, 0.2);
    ride_rig_run(r, 0.3);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 3.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

/* ---- stale readings ---- */

static void support_ends_when_no_input_is_read_any_more(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.6);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    r->frozen = true;
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        r->rig->value[r->psu[i].input] = NAN; /* implausible: not a reading */
    ride_rig_run(r, 0.2);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    ride_rig_run(r, 1.5);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

static void old_readings_of_a_good_input_do_not_end_an_outage(void **state)
{
    (void)state;
    struct ride_rig *r = ready(false);

    for (int32_t p = 0; p < r->rig->config.point_count; p++)
        if (r->rig->points[p].signal == SIGNAL_PSU_INPUT_V)
            assert_true(r->rig->points[p].stale_after_us >= 1000000);
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.9); /* the last good readings are not stale yet */
    assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
    assert_int_equal(r->rig->events[EV_RIDE_RETURN], 0);
    ride_rig_free(r);
}

/* ---- cores that begin in the middle ---- */

static void a_new_core_brings_low_set_points_back(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.6);
    assert_true(ride_rig_setpoint(r, 0) < 48.6);
    ride_rig_restart(r);
    ride_rig_input(r, 1.0); /* it sees nothing but a good input */
    ride_rig_run(r, 1.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

static void a_new_core_does_so_without_a_plans_value_too(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);

    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++) {
        rig_want(r->rig, r->psu[i].setpoint)->target = NAN;
        *rig_held(r->rig, r->psu[i].setpoint) = 48.2;
    }
    ride_rig_restart(r);
    ride_rig_run(r, 1.5);
    for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
        RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V); /* the books' */
    ride_rig_free(r);
}

static void a_new_core_goes_on_with_support(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);
    double before_ma = r->most_ma;
    int32_t orders;

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.6);
    ride_rig_restart(r);
    orders = r->rig->orders[r->psu[0].setpoint];
    ride_rig_run(r, 0.09);
    assert_int_equal(r->rig->orders[r->psu[0].setpoint], orders); /* left alone at first */
    ride_rig_run(r, 2.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    assert_true(r->most_ma <= 1.02 * before_ma);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 1.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_free(r);
}

static void a_new_core_finds_itself_in_an_outage(void **state)
{
    (void)state;

    for (int32_t keeps = 0; keeps < 2; keeps++) {
        struct ride_rig *r = ready(keeps);

        ride_rig_input(r, 0.0);
        ride_rig_run(r, 3.0);
        ride_rig_restart(r);
        ride_rig_run(r, 1.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_OUTAGE);
        if (keeps)
            RIG_NEAR(*rig_held(r->rig, r->psu[0].start), 0.5); /* never shorter than armed */
        ride_rig_input(r, 1.0);
        ride_rig_run(r, 20.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V);
        ride_rig_free(r);
    }
}

static void a_new_core_takes_a_return_over(void **state)
{
    (void)state;
    struct ride_rig *r = ready_apart();

    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        r->extra_s[s] = 0.5 + s;
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 0.4);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 2.2);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    RIG_NEAR(ride_rig_setpoint(r, 0), 48.0);
    ride_rig_restart(r);
    ride_rig_run(r, 0.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    RIG_NEAR(ride_rig_setpoint(r, 0), 48.0); /* the others are not there yet */
    ride_rig_run(r, 5.0);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

/* Every moment of an event, and always the same end. */
static void a_crash_at_any_moment_ends_well(void **state)
{
    (void)state;

    for (int32_t k = 0; k < 60; k++) {
        struct ride_rig *r = ready(k % 2);
        double at_s = 0.07 * k;

        for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
            r->extra_s[s] = k % 2 ? 0.0 : 0.3 * s;
        ride_rig_input(r, k % 3 ? 0.0 : 0.82);
        for (double t_s = 0.0; t_s < 5.0; t_s += 0.01) {
            if (t_s >= at_s && t_s < at_s + 0.009)
                ride_rig_restart(r);
            if (t_s >= 1.0)
                ride_rig_input(r, 1.0);
            ride_rig_step(r);
            assert_true(r->bus_v >= 47.0);
        }
        ride_rig_run(r, 6.0);
        assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
        assert_true(r->bbu_w < 1.0);
        for (int32_t i = 0; i < RIDE_RIG_COUNT; i++)
            RIG_NEAR(ride_rig_setpoint(r, i), RIDE_RIG_TARGET_V);
        ride_rig_free(r);
    }
}

static void adopt(struct ride_rig *r)
{
    struct core *old = r->rig->core;
    int32_t same[RIG_POINTS];

    for (int32_t i = 0; i < RIG_POINTS; i++)
        same[i] = i;
    r->rig->core = NULL;
    rig_boot(r->rig);
    core_adopt(r->rig->core, old,
               &(struct core_map){ .node = same, .point = same, .lever = same, .device = same });
    free(old);
}

static void a_reload_in_the_middle_of_support_changes_nothing(void **state)
{
    (void)state;
    struct ride_rig *r = ready(true);
    double setpoint_v, wear;
    uint64_t writes;

    ride_rig_input(r, 0.8);
    ride_rig_run(r, 0.6);
    setpoint_v = ride_rig_setpoint(r, 0);
    wear = r->rig->out->ride.wear_left_cycles;
    writes = r->rig->out->ride.writes;
    adopt(r);
    ride_rig_step(r);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_SUPPORT);
    RIG_NEAR(ride_rig_setpoint(r, 0), setpoint_v);
    assert_true(r->rig->out->ride.wear_left_cycles <= wear &&
                r->rig->out->ride.wear_left_cycles > 0.9 * wear);
    assert_int_equal(r->rig->out->ride.writes, writes);
    assert_int_equal(r->rig->events[EV_RIDE_SUPPORT], 1);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 1.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_READY);
    ride_rig_free(r);
}

/* One supply a shelf: the shelf is back when that one carries, not when it answers. */
static void a_shelf_of_one_supply_is_waited_for(void **state)
{
    (void)state;
    struct ride_rig *r = ride_rig_new_apart(SIGNAL_PSU_OUTPUT_W);
    struct core_config_source sources[2 * RIDE_RIG_SHELVES];

    memcpy(sources, r->rig->config.sources, sizeof sources);
    for (int32_t s = 0; s < RIDE_RIG_SHELVES; s++)
        sources[s].module_count = 1;
    r->rig->config.sources = sources;
    r->load_w = 12000.0;
    ride_rig_restart(r);
    ride_rig_run(r, 3.0);
    r->extra_s[1] = 3.0;
    ride_rig_input(r, 0.0);
    ride_rig_run(r, 5.0);
    ride_rig_input(r, 1.0);
    ride_rig_run(r, 2.5);
    assert_int_equal(ride_rig_state(r), CORE_RIDE_RETURN);
    assert_true(ride_rig_setpoint(r, 0) < 48.1);
    ride_rig_run(r, 20.0);
    RIG_NEAR(ride_rig_setpoint(r, 0), RIDE_RIG_TARGET_V);
    ride_rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_delays_follow_the_length_of_the_outage),
        cmocka_unit_test(hardware_that_forgets_is_not_written_to_while_it_is_off),
        cmocka_unit_test(silent_supplies_and_discharging_batteries_are_an_outage),
        cmocka_unit_test(limits_go_to_their_base_when_energy_runs_out),
        cmocka_unit_test(shelves_of_one_bus_go_up_together),
        cmocka_unit_test(set_points_go_up_by_what_one_shelf_bears),
        cmocka_unit_test(a_single_shelf_goes_up_at_once),
        cmocka_unit_test(supplies_that_forget_are_told_nothing_on_the_way_back),
        cmocka_unit_test(after_a_long_outage_supplies_that_forget_find_less_load),
        cmocka_unit_test(after_a_long_outage_power_comes_back_by_a_ramp),
        cmocka_unit_test(a_shelf_that_stays_away_is_given_up_when_the_rest_can_bear_it),
        cmocka_unit_test(one_shelf_without_start_delays_is_enough_to_come_back_apart),
        cmocka_unit_test(a_silent_shelf_is_given_up_when_the_rest_can_bear_it_by_their_books),
        cmocka_unit_test(shelves_that_carry_all_of_the_load_are_left_alone),
        cmocka_unit_test(a_battery_that_fails_on_the_way_back_ends_the_sharing),
        cmocka_unit_test(a_second_loss_on_the_way_back_is_the_same_outage),
        cmocka_unit_test(dips_in_a_row_are_each_ridden_through),
        cmocka_unit_test(an_outage_that_ends_in_a_sag_goes_over_to_support),
        cmocka_unit_test(a_sag_that_deepens_hands_over),
        cmocka_unit_test(support_ends_when_no_input_is_read_any_more),
        cmocka_unit_test(old_readings_of_a_good_input_do_not_end_an_outage),
        cmocka_unit_test(a_new_core_brings_low_set_points_back),
        cmocka_unit_test(a_new_core_does_so_without_a_plans_value_too),
        cmocka_unit_test(a_new_core_goes_on_with_support),
        cmocka_unit_test(a_new_core_finds_itself_in_an_outage),
        cmocka_unit_test(a_new_core_takes_a_return_over),
        cmocka_unit_test(a_crash_at_any_moment_ends_well),
        cmocka_unit_test(a_reload_in_the_middle_of_support_changes_nothing),
        cmocka_unit_test(a_shelf_of_one_supply_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
