/* SPDX-License-Identifier: Apache-2.0 */
/* Own orders that swing: what counts as a swing, what is done about it, and two
 * racks behind one budget that do not fall into step. */
#include "core/block.h"
#include "core_rig.h"

/* One leaf of 100 to 1000 W under a rack whose sensor the test sets; lever 0.
 * The bands release at once, so the sensor moves the orders. */
static struct rig *swinging(int32_t *ret_sensor)
{
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE);

    rig_gpu(rig, rack, 100, 1000);
    *ret_sensor = rig_sensor(rig, rack, 500.0);
    rig_start(rig);
    rig->plan->band.release_jitter_ratio = 0.0;
    rig->plan->band.release_gain_per_s = 5.0;
    rig_limit(rig, rack, 1000.0);
    rig_run(rig, 300000);
    return rig;
}

static double gain(const struct rig *rig)
{
    return rig_zone(rig, 0)->damping_ratio;
}

/* A cut and its release: two turns, the first time one. */
static void swing_once(struct rig *rig, int32_t sensor)
{
    rig->value[sensor] = 1200.0;
    rig_run(rig, 20000);
    rig->value[sensor] = 100.0;
    rig_run(rig, 480000);
}

static void orders_that_turn_too_often_halve_the_gain(void **state)
{
    (void)state;
    int32_t sensor;
    struct rig *rig = swinging(&sensor);

    rig->plan->damping.band_ratio = 1.0;
    rig_want(rig, 0);
    swing_once(rig, sensor);
    RIG_NEAR(gain(rig), 1.0);
    swing_once(rig, sensor); /* three turns are allowed */
    RIG_NEAR(gain(rig), 1.0);
    assert_int_equal(rig->events[EV_SWING], 0);
    swing_once(rig, sensor);
    RIG_NEAR(gain(rig), 0.5);
    assert_int_equal(rig->events[EV_SWING], 1);
    rig_free(rig);
}

/* A plan may allow more than are remembered: then all of those are too many. */
static void no_more_turns_are_allowed_than_are_remembered(void **state)
{
    (void)state;
    int32_t sensor;
    struct rig *rig = swinging(&sensor);

    rig->plan->damping.band_ratio = 1.0;
    rig->plan->damping.turns_max = 1000;
    rig_want(rig, 0);
    for (int32_t turns = 1; turns < BLOCK_TURNS; turns += 2) {
        swing_once(rig, sensor);
        RIG_NEAR(gain(rig), 1.0);
    }
    swing_once(rig, sensor);
    RIG_NEAR(gain(rig), 0.5);
    rig_free(rig);
}

static void the_gain_has_a_floor_and_one_event(void **state)
{
    (void)state;
    int32_t sensor;
    struct rig *rig = swinging(&sensor);

    for (int32_t k = 0; k < 200; k++)
        swing_once(rig, sensor);
    assert_true(gain(rig) <= 0.25 && gain(rig) >= 1.0 / 16.0);
    assert_int_equal(rig->events[EV_SWING], 1);
    rig_free(rig);
}

static void a_slower_release_is_what_damping_does(void **state)
{
    (void)state;
    double back_w[2];

    for (int32_t k = 0; k < 2; k++) {
        int32_t sensor;
        struct rig *rig = swinging(&sensor);
        double before_w;

        rig->plan->damping.turns_max = k == 0 ? 0 : 3;
        rig_want(rig, 0);
        for (int32_t n = 0; n < 4; n++)
            swing_once(rig, sensor);
        rig->plan->band.release_gain_per_s = 0.5;
        rig_want(rig, 0);
        rig->value[sensor] = 1200.0;
        rig_run(rig, 300000);
        before_w = rig_zone(rig, 0)->budget_w;
        rig->value[sensor] = 100.0;
        rig_run(rig, 200000);
        back_w[k] = rig_zone(rig, 0)->budget_w - before_w;
        assert_true(back_w[k] > 0.0);
        rig_free(rig);
    }
    assert_true(back_w[1] < 0.6 * back_w[0]);
}

static void calm_brings_the_gain_back(void **state)
{
    (void)state;
    int32_t sensor;
    struct rig *rig = swinging(&sensor);

    for (int32_t k = 0; k < 40; k++)
        swing_once(rig, sensor);
    assert_true(gain(rig) < 0.3);
    rig->value[sensor] = 100.0;
    rig_run(rig, 9000000);
    assert_true(gain(rig) < 0.3);
    rig_run(rig, 45000000);
    RIG_NEAR(gain(rig), 1.0);
    assert_int_equal(rig->events[EV_SWING_OVER], 1);
    rig_free(rig);
}

/* Each step back is watched for a whole window before the next. */
static void the_gain_doubles_once_a_window(void **state)
{
    (void)state;
    int32_t sensor, doubled = 0;
    struct rig *rig = swinging(&sensor);
    int64_t last_us = 0;
    double was = 1.0;

    for (int32_t k = 0; k < 40; k++) {
        int64_t began_us = rig->now_us;

        swing_once(rig, sensor);
        last_us = gain(rig) < was ? began_us : last_us; /* it fell then, or a little later */
        was = gain(rig);
    }
    assert_true(was < 0.3);
    while (gain(rig) < 1.0) {
        assert_true(rig->now_us < 100000000);
        rig_step(rig);
        if (gain(rig) <= was)
            continue;
        RIG_NEAR(gain(rig), 2.0 * was);
        if (doubled++)
            assert_int_equal(rig->now_us - last_us, rig->plan->damping.window_us);
        else
            assert_true(rig->now_us - last_us >= rig->plan->damping.window_us);
        last_us = rig->now_us;
        was = gain(rig);
    }
    assert_true(doubled > 1);
    rig_free(rig);
}

/* The way back from 79 % of a budget, from 90 % and from 90 % once more: each is a turn. */
static void a_turn_counts_however_deep_the_one_before_it_went(void **state)
{
    (void)state;
    static const double peaks_w[] = { 1200.0, 1050.0, 1050.0 };
    int32_t sensor;
    struct rig *rig = swinging(&sensor);

    rig->plan->damping.band_ratio = 1.0;
    rig_want(rig, 0);
    for (int32_t k = 0; k < 3; k++) {
        RIG_NEAR(gain(rig), 1.0);
        rig->value[sensor] = peaks_w[k];
        rig_run(rig, 20000);
        rig->value[sensor] = 100.0;
        rig_run(rig, 480000);
    }
    RIG_NEAR(gain(rig), 0.5);
    rig_free(rig);
}

/* Two turns are allowed. The third is the way down of the third swing; what comes then is counted
 * anew, and the way up after it is no turn, for nothing stands before it. */
static void after_the_gain_was_halved_turns_are_counted_anew(void **state)
{
    (void)state;
    static const double gains[] = { 1.0, 1.0, 0.5, 0.5, 0.25 };
    int32_t sensor;
    struct rig *rig = swinging(&sensor);

    rig->plan->damping.band_ratio = 1.0;
    rig->plan->damping.turns_max = 2;
    rig_want(rig, 0);
    for (size_t k = 0; k < sizeof gains / sizeof gains[0]; k++) {
        swing_once(rig, sensor);
        RIG_NEAR(gain(rig), gains[k]);
    }
    rig_mode(rig, CORE_WANT_OBSERVE); /* where nothing is ordered nothing of ours swings */
    rig_step(rig);
    RIG_NEAR(gain(rig), 1.0);
    rig_mode(rig, CORE_WANT_CONTROL);
    rig_step(rig);
    RIG_NEAR(gain(rig), 1.0);
    rig_free(rig);
}

/* Three turns are allowed; those from before a moment without orders are none of them. */
static void turns_from_before_a_pause_do_not_count(void **state)
{
    (void)state;

    for (int32_t pause = 0; pause < 2; pause++) {
        int32_t sensor;
        struct rig *rig = swinging(&sensor);

        rig->plan->damping.band_ratio = 1.0;
        rig_want(rig, 0);
        swing_once(rig, sensor);
        swing_once(rig, sensor);
        rig_mode(rig, pause ? CORE_WANT_OBSERVE : CORE_WANT_CONTROL);
        rig_run(rig, 50000);
        rig_mode(rig, CORE_WANT_CONTROL);
        rig_run(rig, 50000);
        swing_once(rig, sensor);
        RIG_NEAR(gain(rig), pause ? 1.0 : 0.5);
        rig_free(rig);
    }
}

static void one_deep_cut_is_no_swing(void **state)
{
    (void)state;
    int32_t sensor;
    struct rig *rig = swinging(&sensor);

    rig->value[sensor] = 9000.0;
    rig_run(rig, 20000000);
    RIG_NEAR(rig_view(rig, 0)->wanted, 100.0);
    rig->value[sensor] = 100.0;
    rig_run(rig, 20000000);
    RIG_NEAR(rig_view(rig, 0)->wanted, 1000.0);
    assert_int_equal(rig->events[EV_SWING], 0);
    rig_free(rig);
}

static void a_budget_that_somebody_else_moves_is_no_swing(void **state)
{
    (void)state;
    int32_t sensor;
    struct rig *rig = swinging(&sensor);

    for (int32_t k = 0; k < 100; k++) {
        struct core_plan_limit *limit = core_plan_nodes(rig->plan)[0].limit;

        limit->limit_w = limit->limit_standing_w = k % 2 ? 700.0 : 1000.0;
        rig->plan->version++;
        rig_run(rig, 200000);
    }
    assert_int_equal(rig->events[EV_SWING], 0);
    RIG_NEAR(gain(rig), 1.0);
    rig_free(rig);
}

/* Two turns a window, so never too many; how large they are decides. */
static void moves_inside_the_band_count_by_their_size(void **state)
{
    (void)state;

    for (int32_t k = 0; k < 2; k++) {
        int32_t sensor;
        struct rig *rig = swinging(&sensor);

        rig->plan->damping.turns_max = 15;
        rig->plan->damping.band_ratio = 0.02;
        rig->plan->damping.window_us = 4000000;
        rig->plan->band.target_ratio = k == 0 ? 0.98 : 0.95;
        rig_want(rig, 0);
        for (int32_t n = 0; n < 12; n++) {                 /* 0.5 Hz */
            rig->value[sensor] = k == 0 ? 1000.0 : 4000.0; /* by 2 %, or by 60 % and more */
            rig_run(rig, k == 0 ? 100000 : 200000);
            rig->value[sensor] = 930.0; /* held */
            rig_run(rig, 800000);
            rig->value[sensor] = 100.0;
            rig_run(rig, 1000000);
        }
        assert_int_equal(rig->events[EV_SWING] > 0, k == 1);
        rig_free(rig);
    }
}

/* Eight leaves that could all be raised at once; whatever their levers count in. */
static void raises_under_a_zone_that_swings_are_rationed(void **state)
{
    (void)state;

    for (double unit_w = 1.0; unit_w < 5.0; unit_w += 3.0) {
        struct rig *rig = rig_new();
        int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), sensor;
        double held_w[2] = { 0.0, 0.0 };

        for (int32_t l = 0; l < 8; l++)
            rig->levers[rig_gpu(rig, rack, 100.0 / unit_w, 1000.0 / unit_w)].watts_per_unit = unit_w;
        sensor = rig_sensor(rig, rack, 500.0);
        rig_start(rig);
        rig->plan->band.release_jitter_ratio = 0.0;
        rig->plan->band.release_gain_per_s = 5.0;
        rig_limit(rig, rack, 8000.0);
        for (int32_t l = 0; l < 8; l++)
            rig_want(rig, l)->max = 800.0 / unit_w;
        for (int32_t k = 0; k < 80; k++) {
            rig->value[sensor] = 9600.0;
            rig_run(rig, 20000);
            rig->value[sensor] = 100.0;
            rig_run(rig, 480000);
        }
        assert_true(gain(rig) < 0.3);
        rig->plan->band.release_gain_per_s = 0.1; /* 800 W a second, undamped */
        for (int32_t l = 0; l < 8; l++)
            rig_want(rig, l)->max = 200.0 / unit_w;
        rig_run(rig, 500000);
        for (int32_t l = 0; l < 8; l++)
            held_w[0] += unit_w * *rig_held(rig, l);
        RIG_NEAR(held_w[0], 1600.0); /* lowering is not rationed */
        for (int32_t l = 0; l < 8; l++)
            rig_want(rig, l)->max = 900.0 / unit_w;
        rig_run(rig, 3000000);
        for (int32_t l = 0; l < 8; l++)
            held_w[1] += unit_w * *rig_held(rig, l);
        assert_true(held_w[1] > held_w[0]);
        assert_true(held_w[1] <=
                    held_w[0] + 800.0 + 3.0 * 0.25 * 800.0); /* what was saved up, and three seconds */
        rig_run(rig, 90000000);                              /* calm again */
        RIG_NEAR(gain(rig), 1.0);
        for (int32_t l = 0; l < 8; l++)
            assert_true(unit_w * *rig_held(rig, l) > 898.0); /* as close as levers are told apart */
        rig_free(rig);
    }
}

static void nothing_is_damped_when_it_is_off_or_nothing_is_ordered(void **state)
{
    (void)state;

    for (int32_t k = 0; k < 2; k++) {
        int32_t sensor;
        struct rig *rig = swinging(&sensor);

        if (k == 0)
            rig->plan->damping.turns_max = 0;
        else
            rig->plan->mode_wanted = CORE_WANT_OBSERVE;
        rig_want(rig, 0);
        for (int32_t n = 0; n < 20; n++)
            swing_once(rig, sensor);
        RIG_NEAR(gain(rig), 1.0);
        assert_int_equal(rig->events[EV_SWING], 0);
        rig_free(rig);
    }
}

/* What was saved up and what was measured are of the time before: both begin anew, so a second
 * swing is told from what comes now alone. */
static void with_each_halving_nothing_is_saved_up_and_nothing_was_measured(void **state)
{
    (void)state;
    int32_t sensor, halved = 0;
    struct rig *rig = swinging(&sensor);
    struct block b = block_open(rig->core);
    double was = 1.0, full_w = 5.0 * 1000.0;

    rig_run(rig, 2000000);
    RIG_NEAR(b.damps[0].credit_w, full_w);
    for (int32_t k = 0; k < 3000 && halved < 3; k++) {
        double square_w2 = b.damps[0].square_w2;

        rig->value[sensor] = k % 50 < 2 ? 1200.0 : 100.0;
        rig_step(rig);
        if (gain(rig) < was) {
            halved++;
            assert_true(square_w2 > 1.0);
            RIG_NEAR(b.damps[0].square_w2, 0.0);
            assert_true(b.damps[0].credit_w <= gain(rig) * full_w * 0.01 + 1e-9); /* of this step */
        }
        was = gain(rig);
    }
    assert_int_equal(halved, 3);
    rig_free(rig);
}

/* A reading that nobody asks a cap of takes no part: only levers with a wanted cap are summed, in
 * watts and as the zone sees them, and what is no lever is nothing. */
static void what_is_watched_is_what_is_asked_of_levers(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    int32_t rack = rig_node(rig, CORE_NODE_RACK, CORE_NONE), charger, warning;
    struct block b;

    rig->nodes[rack].loss_ratio = 0.1;
    rig->levers[rig_gpu(rig, rack, 100, 250)].watts_per_unit = 4.0;
    rig_measure(rig, 0, 500.0);
    charger = rig_lever(rig, CORE_LEVER_CHARGE, rig_device(rig), rig_node(rig, CORE_NODE_LOAD, rack));
    rig->levers[charger].max = 8.0;
    rig->levers[charger].watts_per_unit = 50.0;
    *rig_held(rig, charger) = 0.0;
    warning = rig_lever(rig, CORE_LEVER_WARN, rig_device(rig), rack);
    rig_sensor(rig, rig_node(rig, CORE_NODE_LOAD, rack), 300.0); /* no lever: nothing is asked */
    rig_start(rig);
    rig_limit(rig, rack, 5000.0);
    rig_run(rig, 500000);
    b = block_open(rig->core);
    assert_true(b.core->loose_count > 0);
    assert_true(isfinite(b.levers[warning].wanted) && b.levers[warning].wanted > 0.0);
    RIG_NEAR(b.levers[0].wanted, 250.0);
    RIG_NEAR(b.levers[charger].wanted, 8.0);
    RIG_NEAR(b.damps[rack].sum_w, 1.1 * (250.0 * 4.0 + 8.0 * 50.0));
    rig_free(rig);
}

/* ---- two racks behind one budget ---- */

#define DELAY_MAX 64

/* Two jobs, each computing for half of its period: the work is slower under a
 * cap, so a cap that follows the sum couples their periods. */
struct pair {
    struct rig *rig[2];
    int32_t sensor;
    double phase[2], period_s[2], sum_w[DELAY_MAX];
    int32_t lag, at;
};

static void pair_new(struct pair *p, bool plain, double release_gain_per_s, int32_t lag)
{
    *p = (struct pair){ .phase = { 0.0, 0.3 }, .period_s = { 1.0, 1.03 }, .lag = lag };
    for (uint64_t i = 0; i < 2; i++) {
        struct rig *rig = p->rig[i] = rig_new();
        int32_t feed = rig_node(rig, CORE_NODE_FEED, CORE_NONE);

        rig_gpu(rig, feed, 100, 700);
        rig_measure(rig, 0, 100.0);
        p->sensor = rig_sensor(rig, feed, 200.0);
        rig->config.seed = i + 1;
        rig_start(rig);
        rig->plan->band.release_gain_per_s = release_gain_per_s;
        rig->plan->band.release_jitter_ratio = plain ? 0.0 : 0.2;
        rig->plan->damping.turns_max = plain ? 0 : 3;
        rig_limit(rig, feed, 1000.0);
    }
}

static void pair_step(struct pair *p)
{
    double sum_w = 0.0;

    for (int32_t i = 0; i < 2; i++) {
        struct rig *rig = p->rig[i];
        double wants_w = p->phase[i] - floor(p->phase[i]) < 0.5 ? 700.0 : 100.0;
        double gets_w = fmin(wants_w, *rig_held(rig, 0));

        p->phase[i] += 0.01 / p->period_s[i] * gets_w / wants_w;
        rig->value[rig->levers[0].demand_point] = gets_w;
        sum_w += gets_w;
    }
    p->sum_w[p->at % DELAY_MAX] = sum_w;
    for (int32_t i = 0; i < 2; i++) {
        p->rig[i]->value[p->sensor] = p->at >= p->lag ? p->sum_w[(p->at - p->lag) % DELAY_MAX] : sum_w;
        rig_step(p->rig[i]);
    }
    p->at++;
}

/* The order of two phases after the first half: 1 is in step, 0 is anywhere. */
static double pair_run(struct pair *p)
{
    double c = 0.0, s = 0.0;

    for (int32_t k = 0; k < 40000; k++) {
        double apart;

        pair_step(p);
        apart = 2.0 * 3.14159265358979 * (p->phase[0] - p->phase[1]);
        c += k >= 20000 ? cos(apart) : 0.0;
        s += k >= 20000 ? sin(apart) : 0.0;
    }
    rig_free(p->rig[0]);
    rig_free(p->rig[1]);
    return hypot(c, s) / 20000.0;
}

static void two_racks_behind_one_budget_do_not_fall_into_step(void **state)
{
    (void)state;
    static const double gains[] = { 0.2, 0.5, 1.0 };
    static const int32_t lags[] = { 2, 20, 50 };

    for (size_t g = 0; g < 3; g++)
        for (size_t k = 0; k < 3; k++) {
            struct pair p;
            double plain, damped;

            pair_new(&p, true, gains[g], lags[k]);
            plain = pair_run(&p);
            pair_new(&p, false, gains[g], lags[k]);
            damped = pair_run(&p);
            print_message(
                "release %.1f a second, %2d0 ms late: in step %.3f plain, %.3f with jitter and damping\n",
                gains[g], (int)lags[k], plain, damped);
            assert_true(plain > 0.9);
            assert_true(damped < 0.6);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_that_turn_too_often_halve_the_gain),
        cmocka_unit_test(no_more_turns_are_allowed_than_are_remembered),
        cmocka_unit_test(the_gain_has_a_floor_and_one_event),
        cmocka_unit_test(a_slower_release_is_what_damping_does),
        cmocka_unit_test(calm_brings_the_gain_back),
        cmocka_unit_test(the_gain_doubles_once_a_window),
        cmocka_unit_test(a_turn_counts_however_deep_the_one_before_it_went),
        cmocka_unit_test(after_the_gain_was_halved_turns_are_counted_anew),
        cmocka_unit_test(turns_from_before_a_pause_do_not_count),
        cmocka_unit_test(one_deep_cut_is_no_swing),
        cmocka_unit_test(a_budget_that_somebody_else_moves_is_no_swing),
        cmocka_unit_test(moves_inside_the_band_count_by_their_size),
        cmocka_unit_test(raises_under_a_zone_that_swings_are_rationed),
        cmocka_unit_test(nothing_is_damped_when_it_is_off_or_nothing_is_ordered),
        cmocka_unit_test(with_each_halving_nothing_is_saved_up_and_nothing_was_measured),
        cmocka_unit_test(what_is_watched_is_what_is_asked_of_levers),
        cmocka_unit_test(two_racks_behind_one_budget_do_not_fall_into_step),
    };

    return cmocka_run_group_tests_name("damp", tests, NULL, NULL);
}
