/* SPDX-License-Identifier: Apache-2.0 */
/* What is armed ahead of a peak that is foreseen, for how long, and what never is. */
#include "core_rig.h"

#define SECOND  INT64_C(1000000)
#define LIMIT_W 1850.0
#define BASE    50.0
#define ARMED   48.0
#define PERIOD  20 /* seconds: the last quarter of each draws 1800 W */
#define CALM    15
#define LEARNED 12 /* periods */

struct bench {
    struct rig *rig;
    int32_t feed, rack, sensor;
    int32_t hold, other, ride; /* levers: with an armed value, without one, one for riding through */
};

static int32_t bench_lever(struct bench *bench, double value)
{
    int32_t lever = rig_lever(bench->rig, CORE_LEVER_HOLD, rig_device(bench->rig), bench->rack);

    bench->rig->levers[lever].min = 40.0;
    bench->rig->levers[lever].max = 60.0;
    bench->rig->levers[lever].deadband = 0.01;
    *rig_held(bench->rig, lever) = value;
    return lever;
}

static void bench_start_lossy(struct bench *bench, enum core_forecast forecast, double feed_loss_ratio)
{
    struct rig *rig = bench->rig = rig_new();

    rig->step_us = rig->config.period_us = 50000;
    rig->config.forecast = forecast;
    bench->feed = rig_node(rig, CORE_NODE_FEED, CORE_NONE);
    rig->nodes[bench->feed].loss_ratio = feed_loss_ratio;
    bench->rack = rig_node(rig, CORE_NODE_RACK, bench->feed);
    bench->sensor = rig_sensor(rig, bench->rack, 500.0);
    bench->hold = bench_lever(bench, BASE);
    bench->other = bench_lever(bench, BASE);
    bench->ride = bench_lever(bench, BASE);
    rig->levers[bench->ride].ride = CORE_LEVER_RIDE_OUTPUT_V;
    rig_start(rig);
    (void)rig_limit(rig, bench->rack, LIMIT_W);
    rig_want(rig, bench->hold)->target = BASE;
    rig_want(rig, bench->hold)->armed = ARMED;
    rig_want(rig, bench->other)->target = BASE;
    rig_want(rig, bench->ride)->target = BASE;
    rig_want(rig, bench->ride)->armed = ARMED;
    rig->plan->arm_hold_us = 4 * SECOND;
}

static void bench_start(struct bench *bench, enum core_forecast forecast)
{
    bench_start_lossy(bench, forecast, 0.0);
}

static void bench_free(struct bench *bench)
{
    rig_free(bench->rig);
}

/* Since this period began. */
static int64_t bench_at_us(const struct bench *bench)
{
    return (bench->rig->now_us - SECOND) % (PERIOD * SECOND);
}

static void bench_step(struct bench *bench)
{
    struct rig *rig = bench->rig;

    rig->value[bench->sensor] = (bench_at_us(bench) >= CALM * SECOND ? 1800.0 : 500.0) +
                                1e-3 * (double)(rig->now_us / rig->step_us % 7); /* as a real sensor's */
    rig_step(rig);
}

static void bench_run(struct bench *bench, int64_t span_us)
{
    for (int64_t end_us = bench->rig->now_us + span_us; bench->rig->now_us < end_us;)
        bench_step(bench);
}

static double bench_holds(const struct bench *bench, int32_t lever)
{
    return *rig_held(bench->rig, lever);
}

/* Two seconds before a peak that the forecaster knows of. */
static void bench_learned(struct bench *bench, enum core_forecast forecast)
{
    bench_start(bench, forecast);
    bench_run(bench, LEARNED * PERIOD * SECOND + (CALM - 2) * SECOND);
}

static void it_is_armed_before_the_peak_and_goes_back_after_it(void **state)
{
    struct bench bench;
    int64_t early_us = 0, late_us = 0;
    const struct core_order *order;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench_run(&bench, LEARNED * PERIOD * SECOND + 9 * SECOND);
    assert_true(core_outputs_forecasts(bench.rig->out)[0].votes);
    assert_false(bench.rig->out->armed_ahead);
    RIG_NEAR(bench_holds(&bench, bench.hold), BASE);
    for (int32_t i = 0; i < 20 * PERIOD; i++) {
        bench_step(&bench);
        order = rig_order(bench.rig, bench.hold);
        if (!order)
            continue;
        if (early_us == 0) {
            early_us = bench_at_us(&bench);
            RIG_NEAR(order->value, ARMED);
            assert_int_equal(order->why.rule, CORE_RULE_ARMED);
            assert_true(bench.rig->out->armed_ahead && bench.rig->out->armed_ahead_us == bench.rig->now_us);
        } else {
            late_us = bench_at_us(&bench);
            RIG_NEAR(order->value, BASE);
            assert_int_equal(order->why.rule, CORE_RULE_HOLD);
        }
    }
    /* Between five seconds, the rack's horizon, and two before it; about four after it. */
    assert_true(early_us > 9 * SECOND && early_us <= 13 * SECOND);
    assert_true(late_us >= 3 * SECOND && late_us <= 6 * SECOND);
    RIG_NEAR(bench_holds(&bench, bench.hold), BASE);
    assert_int_equal(bench.rig->events[EV_PEAK_ARMED], bench.rig->events[EV_PEAK_OVER]);
    bench_free(&bench);
}

/* One event a change, whatever many levers there are. */
static void the_rack_says_so_once(void **state)
{
    const struct core_event *event = NULL;
    struct bench bench;
    uint64_t before;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    rig_want(bench.rig, bench.other)->armed = ARMED;
    bench_run(&bench, LEARNED * PERIOD * SECOND + 9 * SECOND);
    before = bench.rig->events[EV_PEAK_ARMED];
    for (int32_t i = 0; i < 20 * PERIOD / 2 && !event; i++) {
        bench_step(&bench);
        event = rig_event_of(bench.rig, EV_PEAK_ARMED);
    }
    assert_non_null(event);
    assert_int_equal(event->node, bench.rack);
    assert_int_equal(event->lever, CORE_NONE);
    assert_true(event->value >= 0.95 * LIMIT_W);
    RIG_NEAR(event->bound, LIMIT_W);
    bench_run(&bench, SECOND);
    assert_int_equal(bench.rig->events[EV_PEAK_ARMED], before + 1);
    RIG_NEAR(bench_holds(&bench, bench.hold), ARMED);
    RIG_NEAR(bench_holds(&bench, bench.other), ARMED);
    bench_free(&bench);
}

static void what_has_no_armed_value_is_never_touched(void **state)
{
    struct bench bench;

    (void)state;
    bench_learned(&bench, CORE_FORECAST_LEARN);
    assert_true(bench.rig->out->armed_ahead && bench.rig->orders[bench.hold] > 0);
    assert_int_equal(bench.rig->orders[bench.other], 0);
    assert_int_equal(rig_view(bench.rig, bench.other)->why.rule, CORE_RULE_HOLD);
    bench_free(&bench);
    /* Without any there is nothing to be said of a peak either. */
    bench_start(&bench, CORE_FORECAST_LEARN);
    rig_want(bench.rig, bench.hold)->armed = (double)NAN;
    bench_run(&bench, LEARNED * PERIOD * SECOND + (CALM - 2) * SECOND);
    assert_false(bench.rig->out->armed_ahead);
    assert_int_equal(bench.rig->events[EV_PEAK_ARMED], 0);
    assert_int_equal(bench.rig->orders[bench.hold], 0);
    bench_free(&bench);
}

/* Riding through owns these, and nothing of it waits for a forecast. */
static void what_rides_through_is_never_armed(void **state)
{
    struct bench bench;

    (void)state;
    bench_learned(&bench, CORE_FORECAST_LEARN);
    assert_true(bench.rig->out->armed_ahead);
    assert_int_equal(bench.rig->orders[bench.ride], 0);
    RIG_NEAR(bench_holds(&bench, bench.ride), BASE);
    bench_free(&bench);
}

/* The operator's "leave alone" is not touched: there would be nothing to go back to. */
static void what_is_left_alone_is_not_armed(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    rig_want(bench.rig, bench.hold)->target = (double)NAN;
    bench_run(&bench, LEARNED * PERIOD * SECOND + (CALM - 2) * SECOND);
    assert_int_equal(bench.rig->orders[bench.hold], 0);
    assert_false(bench.rig->out->armed_ahead);
    bench_free(&bench);
}

static void persistence_foresees_nothing(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench, CORE_FORECAST_OFF);
    bench_run(&bench, LEARNED * PERIOD * SECOND + (CALM + 2) * SECOND); /* the peak is there */
    assert_true(rig_zone(bench.rig, bench.rack)->power_w > 0.95 * LIMIT_W);
    assert_false(bench.rig->out->armed_ahead);
    assert_int_equal(bench.rig->orders[bench.hold], 0);
    bench_free(&bench);
    /* Nor does a forecaster that has no vote yet. */
    bench_start(&bench, CORE_FORECAST_LEARN);
    for (int32_t i = 0; i < 20; i++) {
        bench.rig->value[bench.sensor] = 1800.0 + 1e-3 * i;
        rig_step(bench.rig);
    }
    assert_false(core_outputs_forecasts(bench.rig->out)[0].votes);
    assert_false(bench.rig->out->armed_ahead);
    bench_free(&bench);
}

static void nothing_is_armed_but_in_control(void **state)
{
    static const enum core_mode_wanted modes[] = { CORE_WANT_OBSERVE, CORE_WANT_EMERGENCY,
                                                   CORE_WANT_RESTORE };

    (void)state;
    for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
        struct bench bench;
        int32_t orders;

        bench_learned(&bench, CORE_FORECAST_LEARN);
        RIG_NEAR(bench_holds(&bench, bench.hold), ARMED);
        rig_mode(bench.rig, modes[m]); /* the peak is still foreseen */
        orders = bench.rig->orders[bench.hold];
        bench_run(&bench, SECOND);
        assert_false(bench.rig->out->armed_ahead);
        RIG_NEAR(bench_holds(&bench, bench.hold), modes[m] == CORE_WANT_OBSERVE ? ARMED : BASE);
        assert_int_equal(bench.rig->orders[bench.hold], orders + (modes[m] == CORE_WANT_OBSERVE ? 0 : 1));
        bench_free(&bench);
    }
}

/* Calm before and after, and the same level as long as it takes. */
static void it_stays_for_its_time_after_the_last_forecast(void **state)
{
    struct bench bench;
    int64_t seen_us = 0, over_us = 0;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench.rig->plan->arm_hold_us = 9 * SECOND;
    bench_run(&bench, LEARNED * PERIOD * SECOND + (CALM - 2) * SECOND);
    assert_true(bench.rig->out->armed_ahead);
    for (int32_t i = 0; i < 20 * PERIOD && over_us == 0; i++) {
        bool was = bench.rig->out->armed_ahead;

        bench_step(&bench);
        if (core_outputs_forecasts(bench.rig->out)[0].upper_w[0] >= 0.95 * LIMIT_W)
            seen_us = bench.rig->now_us;
        if (was && !bench.rig->out->armed_ahead)
            over_us = bench.rig->now_us;
    }
    assert_int_equal(over_us - seen_us, 9 * SECOND);
    assert_true(rig_event(bench.rig, EV_PEAK_OVER));
    assert_int_equal(bench.rig->out->armed_ahead_us, over_us);
    bench_free(&bench);
}

/* A time that is longer than the calm between peaks: nothing is written any more. */
static void peaks_close_together_are_one(void **state)
{
    struct bench bench;
    int32_t orders;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench.rig->plan->arm_hold_us = PERIOD * SECOND;
    bench_run(&bench, LEARNED * PERIOD * SECOND + (CALM - 2) * SECOND);
    orders = bench.rig->orders[bench.hold];
    bench_run(&bench, 5 * PERIOD * SECOND);
    RIG_NEAR(bench_holds(&bench, bench.hold), ARMED);
    assert_int_equal(bench.rig->orders[bench.hold], orders);
    bench_free(&bench);
}

static void it_goes_back_when_the_forecaster_is_heard_no_more(void **state)
{
    struct bench bench;

    (void)state;
    bench_learned(&bench, CORE_FORECAST_LEARN);
    RIG_NEAR(bench_holds(&bench, bench.hold), ARMED);
    bench.rig->silent[bench.rig->points[bench.sensor].device] = true;
    bench_run(&bench, 3 * SECOND);
    RIG_NEAR(bench_holds(&bench, bench.hold), ARMED);
    bench_run(&bench, 9 * SECOND); /* what is older than the horizon is not listened to; then its time */
    assert_int_equal(bench.rig->out->mode, CORE_MODE_DEGRADED);
    assert_false(bench.rig->out->armed_ahead);
    RIG_NEAR(bench_holds(&bench, bench.hold), BASE);
    bench_free(&bench);
}

static void a_limit_above_the_rack_counts(void **state)
{
    struct bench bench;

    (void)state;
    bench_start(&bench, CORE_FORECAST_LEARN);
    core_plan_nodes(bench.rig->plan)[bench.rack].limit_count = 0;
    (void)rig_limit(bench.rig, bench.feed, LIMIT_W);
    bench_run(&bench, LEARNED * PERIOD * SECOND + (CALM - 2) * SECOND);
    assert_true(bench.rig->out->armed_ahead);
    bench_free(&bench);
    /* With what is lost on the way: 1980 W of 2040 there, where the rise alone would make it 1850. */
    bench_start_lossy(&bench, CORE_FORECAST_LEARN, 0.1);
    core_plan_nodes(bench.rig->plan)[bench.rack].limit_count = 0;
    (void)rig_limit(bench.rig, bench.feed, 2040.0);
    bench_run(&bench, LEARNED * PERIOD * SECOND + (CALM - 2) * SECOND);
    assert_true(bench.rig->out->armed_ahead);
    bench_free(&bench);
    /* And a share of it that the peak does not reach does not. */
    bench_start(&bench, CORE_FORECAST_LEARN);
    bench.rig->plan->arm_ratio = 1.2;
    bench_run(&bench, LEARNED * PERIOD * SECOND + (CALM - 2) * SECOND);
    assert_false(bench.rig->out->armed_ahead);
    assert_int_equal(bench.rig->events[EV_PEAK_ARMED], 0);
    bench_free(&bench);
}

static void bench_reload(struct bench *bench, enum core_forecast forecast)
{
    int32_t same[RIG_POINTS];
    struct rig *rig = bench->rig;
    struct core *old = rig->core;

    for (int32_t i = 0; i < RIG_POINTS; i++)
        same[i] = i;
    rig->core = NULL;
    rig->config.forecast = forecast;
    rig_boot(rig);
    core_adopt(rig->core, old,
               &(struct core_map){ .node = same, .point = same, .lever = same, .device = same });
    free(old);
    free(rig->out);
    rig->out = calloc(1, core_outputs_size(&rig->config));
    assert_non_null(rig->out);
    core_outputs_init(rig->out, &rig->config);
    rig->plan->version++;
}

static void a_reload_keeps_it(void **state)
{
    struct bench bench;
    int64_t since_us;
    int32_t orders;

    (void)state;
    bench_learned(&bench, CORE_FORECAST_LEARN);
    since_us = bench.rig->out->armed_ahead_us;
    orders = bench.rig->orders[bench.hold];
    bench_reload(&bench, CORE_FORECAST_LEARN);
    bench_run(&bench, 4 * SECOND);
    assert_true(bench.rig->out->armed_ahead && bench.rig->out->armed_ahead_us == since_us);
    assert_int_equal(bench.rig->orders[bench.hold], orders);
    /* Without forecasters it goes back in its time. */
    bench_reload(&bench, CORE_FORECAST_OFF);
    bench_run(&bench, 3 * SECOND);
    RIG_NEAR(bench_holds(&bench, bench.hold), ARMED);
    bench_run(&bench, 2 * SECOND);
    RIG_NEAR(bench_holds(&bench, bench.hold), BASE);
    assert_false(bench.rig->out->armed_ahead);
    /* A plan without armed values does not wait for that. */
    bench_free(&bench);
    bench_learned(&bench, CORE_FORECAST_LEARN);
    rig_want(bench.rig, bench.hold)->armed = (double)NAN;
    bench_step(&bench);
    assert_false(bench.rig->out->armed_ahead);
    RIG_NEAR(bench_holds(&bench, bench.hold), BASE);
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_armed_before_the_peak_and_goes_back_after_it),
        cmocka_unit_test(the_rack_says_so_once),
        cmocka_unit_test(what_has_no_armed_value_is_never_touched),
        cmocka_unit_test(what_rides_through_is_never_armed),
        cmocka_unit_test(what_is_left_alone_is_not_armed),
        cmocka_unit_test(persistence_foresees_nothing),
        cmocka_unit_test(nothing_is_armed_but_in_control),
        cmocka_unit_test(it_stays_for_its_time_after_the_last_forecast),
        cmocka_unit_test(peaks_close_together_are_one),
        cmocka_unit_test(it_goes_back_when_the_forecaster_is_heard_no_more),
        cmocka_unit_test(a_limit_above_the_rack_counts),
        cmocka_unit_test(a_reload_keeps_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
