/* SPDX-License-Identifier: Apache-2.0 */
/* Protective devices by themselves: published trip times and memory. */
#include "core_rig.h"

#include "core/block.h"
#include "core/curve.h"
#include "core/guard.h"

static const struct core_config_curve thermal_600 = {
    .kind = CORE_CURVE_THERMAL,
    .rated_w = 1000.0,
    .trip_ratio = 1.05,
    .heat_s = 600.0,
    .cool_s = 600.0,
};

static const struct core_config_curve lsi_8 = {
    .kind = CORE_CURVE_LSI,
    .rated_w = 1000.0,
    .trip_ratio = 1.1,
    .cool_s = 600.0,
    .long_s = 8.0,
    .short_ratio = 8.0,
    .short_s = 0.2,
    .instant_ratio = 10.0,
    .instant_margin_ratio = 0.85,
};

static void assert_close(double is, double should, double within)
{
    if (!(fabs(is - should) <= within))
        fail_msg("%.4f should be %.4f", is, should);
}

/* ---- one device ---- */

static void a_thermal_device_trips_after_the_published_times(void **state)
{
    (void)state;
    static const double cold[][2] = { { 1.1, 1452.5 }, { 1.2, 870.5 }, { 1.35, 557.2 }, { 1.5, 404.0 },
                                      { 2.0, 193.5 },  { 3.0, 78.4 },  { 6.0, 18.7 } };
    static const double warm[][2] = { { 1.1, 1000.9 }, { 1.2, 517.8 }, { 1.35, 297.7 }, { 1.5, 203.2 },
                                      { 2.0, 88.9 },   { 3.0, 34.1 },  { 6.0, 7.9 } };

    for (size_t k = 0; k < sizeof cold / sizeof cold[0]; k++) {
        struct curve curve = { .heat = 0.0 };

        assert_close(curve_trip_s(&curve, &thermal_600, cold[k][0]), cold[k][1], 0.05);
        curve.heat = 0.64;
        assert_close(curve_trip_s(&curve, &thermal_600, warm[k][0]), warm[k][1], 0.05);
    }
}

static void a_slow_breaker_trips_at_twice_its_rating_within_the_standards_time(void **state)
{
    (void)state;
    /* UL 489, by size; the time constant that just keeps each */
    static const double anchors[][2] = { { 120, 372 },  { 240, 744 },  { 360, 1117 }, { 480, 1489 },
                                         { 600, 1861 }, { 720, 2233 }, { 840, 2605 }, { 960, 2977 } };

    for (size_t k = 0; k < sizeof anchors / sizeof anchors[0]; k++) {
        struct core_config_curve conf = thermal_600;
        struct curve curve = { .heat = 0.0 };

        conf.heat_s = anchors[k][1];
        assert_close(curve_trip_s(&curve, &conf, 2.0), anchors[k][0], 0.5);
    }
}

static void memory_is_the_same_in_one_long_step_and_in_many_short_ones(void **state)
{
    (void)state;
    struct curve once = { .heat = 0.3 }, often = { .heat = 0.3 };

    curve_advance(&once, &thermal_600, 1.3, 200.0);
    for (int32_t k = 0; k < 20000; k++)
        curve_advance(&often, &thermal_600, 1.3, 0.01);
    assert_close(often.heat, once.heat, 1e-9);
    curve_advance(&once, &thermal_600, 0.2, 5000.0);
    for (int32_t k = 0; k < 50000; k++)
        curve_advance(&often, &thermal_600, 0.2, 0.1);
    assert_close(often.heat, once.heat, 1e-9);
    assert_close(once.heat, 0.04, 1e-3);
}

/* The memory is at its trip level exactly when the time that was told is over. */
static void the_time_told_is_the_time_it_takes(void **state)
{
    (void)state;

    for (double i = 1.06; i < 6.0; i += 0.37) {
        struct curve curve = { .heat = 0.5 };
        double trip_s = curve_trip_s(&curve, &thermal_600, i);

        curve_advance(&curve, &thermal_600, i, 0.999 * trip_s);
        assert_true(curve_heat_ratio(&curve, &thermal_600) < 1.0);
        curve_advance(&curve, &thermal_600, i, 0.002 * trip_s);
        assert_true(curve_heat_ratio(&curve, &thermal_600) >= 1.0);
        assert_close(curve_trip_s(&curve, &thermal_600, i), 0.0, 1e-9);
    }
    struct curve curve = { .heat = 1.0 };

    assert_true(isinf(curve_trip_s(&curve, &thermal_600, 1.05))); /* carries that for ever */
}

/* Duty by time: what heats is the square, not the mean. */
static void the_square_heats_and_not_the_mean(void **state)
{
    (void)state;
    static const double duty[][4] = { { 1.3, 0.7, 0.5, 1.044 },
                                      { 1.4, 0.8, 0.3, 1.018 },
                                      { 1.6, 0.6, 0.2, 0.894 } };

    for (size_t k = 0; k < sizeof duty / sizeof duty[0]; k++) {
        struct curve curve = { .heat = 0.8 };

        for (int32_t t = 0; t < 20000; t++) {
            curve_advance(&curve, &thermal_600, duty[k][0], duty[k][2]);
            curve_advance(&curve, &thermal_600, duty[k][1], 1.0 - duty[k][2]);
        }
        assert_close(sqrt(curve.heat), duty[k][3], 2e-3);
    }
}

static void the_long_stage_trips_after_the_published_times(void **state)
{
    (void)state;
    static const double times[][2] = { { 1.2, 200 }, { 1.5, 128 }, { 2, 72 }, { 3, 32 }, { 6, 8 } };

    for (size_t k = 0; k < sizeof times / sizeof times[0]; k++) {
        struct curve curve = { .heat = 0.0 };

        assert_close(curve_trip_s(&curve, &lsi_8, times[k][0]), times[k][1], 1e-9);
        curve_advance(&curve, &lsi_8, times[k][0], times[k][1] / 2.0);
        assert_close(curve_trip_s(&curve, &lsi_8, times[k][0]), times[k][1] / 2.0, 1e-9);
        assert_close(curve_heat_ratio(&curve, &lsi_8), 0.5, 1e-9);
    }
}

static void the_long_stage_forgets_below_its_pick_up(void **state)
{
    (void)state;
    struct core_config_curve off = lsi_8;
    struct curve curve = { .heat = 0.5 * 36.0 * 8.0 }, reset = curve;

    curve_advance(&curve, &lsi_8, 1.0, 600.0);
    assert_close(curve_heat_ratio(&curve, &lsi_8), 0.5 * exp(-1.0), 1e-9);
    off.cool_s = 0.0; /* memory off */
    curve_advance(&reset, &off, 1.0, 0.01);
    assert_close(curve_heat_ratio(&reset, &off), 0.0, 0.0);
}

static void the_short_stage_counts_its_time_and_begins_again(void **state)
{
    (void)state;
    struct core_config_curve i2t = lsi_8;
    struct curve curve = { .heat = 0.0 };

    assert_close(curve_trip_s(&curve, &lsi_8, 8.2), 0.2, 1e-9);
    curve_advance(&curve, &lsi_8, 8.2, 0.15);
    assert_close(curve_trip_s(&curve, &lsi_8, 8.2), 0.05, 1e-9);
    curve_advance(&curve, &lsi_8, 7.0, 0.001);
    assert_close(curve_trip_s(&curve, &lsi_8, 8.2), 0.2, 1e-9);
    i2t.short_i2t = true;
    i2t.short_ratio = 4.0;
    assert_close(curve_trip_s(&curve, &i2t, 5.0), 0.2 * 4.0, 1e-9);
    curve_advance(&curve, &i2t, 5.0, 3.0);
    assert_close(curve_trip_s(&curve, &i2t, 5.0), 0.0, 0.0);
}

static void the_instant_stage_is_feared_at_its_margin(void **state)
{
    (void)state;
    struct curve curve = { .heat = 0.0 };

    assert_close(curve_trip_s(&curve, &lsi_8, 8.5), 0.0, 0.0); /* 0.85 of 10 */
    assert_true(curve_trip_s(&curve, &lsi_8, 7.9) > 4.0);
}

static void an_unknown_history_is_a_steady_one(void **state)
{
    (void)state;
    struct curve curve = { .heat = 0.0 };

    curve_start(&curve, &thermal_600, 0.3);
    assert_close(curve.heat, 0.64, 0.0);
    curve_start(&curve, &thermal_600, 0.9);
    assert_close(curve.heat, 0.81, 1e-12);
    curve_start(&curve, &thermal_600, 1.5); /* it would have tripped: just before that */
    assert_close(curve_trip_s(&curve, &thermal_600, 1.5), 0.0, 1e-9);
    curve_start(&curve, &lsi_8, 0.5);
    assert_close(curve_heat_ratio(&curve, &lsi_8), 0.64, 1e-12);
    curve_start(&curve, &lsi_8, 1.5);
    assert_close(curve_trip_s(&curve, &lsi_8, 1.5), 0.0, 1e-9);
}

/* ---- windows ---- */

static void the_time_until_a_window_is_full_is_the_time_it_takes(void **state)
{
    (void)state;
    uint64_t random = 7;

    for (int32_t trial = 0; trial < 200; trial++) {
        struct window window = {
            .window_us = 1000000, .bucket_us = 50000, .start_us = INT64_MIN, .mean_w = NAN
        };
        int64_t now_us = 0, over_us;
        double told_s, limit_w = 1000.0, power_w;

        for (int32_t k = 0; k < 170 + trial % 7; k++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            guard_window(&window, 900.0 * (double)(random >> 40) * 0x1.0p-24, now_us, now_us + 10000);
            now_us += 10000;
        }
        power_w = 1050.0 + 10.0 * trial;
        told_s = curve_window_s(&window, limit_w, power_w, now_us);
        for (over_us = 0; !(window.mean_w > limit_w); over_us += 1000)
            guard_window(&window, power_w, now_us + over_us, now_us + over_us + 1000);
        assert_close(told_s, (double)over_us * 1e-6, 1.1e-3);
    }
}

static void a_window_that_is_not_full_yet_counts_as_at_its_limit(void **state)
{
    (void)state;
    struct window window = { .window_us = 1000000, .bucket_us = 50000, .start_us = INT64_MIN, .mean_w = NAN };

    assert_close(curve_window_s(&window, 1000.0, 1100.0, 0), 0.0, 0.0);
    assert_true(isinf(curve_window_s(&window, 1000.0, 1000.0, 0)));
    guard_window(&window, 500.0, 0, 500000); /* half of it is known: 250 J of room */
    assert_close(curve_window_s(&window, 1000.0, 1500.0, 500000), 0.5, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thermal_device_trips_after_the_published_times),
        cmocka_unit_test(a_slow_breaker_trips_at_twice_its_rating_within_the_standards_time),
        cmocka_unit_test(memory_is_the_same_in_one_long_step_and_in_many_short_ones),
        cmocka_unit_test(the_time_told_is_the_time_it_takes),
        cmocka_unit_test(the_square_heats_and_not_the_mean),
        cmocka_unit_test(the_long_stage_trips_after_the_published_times),
        cmocka_unit_test(the_long_stage_forgets_below_its_pick_up),
        cmocka_unit_test(the_short_stage_counts_its_time_and_begins_again),
        cmocka_unit_test(the_instant_stage_is_feared_at_its_margin),
        cmocka_unit_test(an_unknown_history_is_a_steady_one),
        cmocka_unit_test(the_time_until_a_window_is_full_is_the_time_it_takes),
        cmocka_unit_test(a_window_that_is_not_full_yet_counts_as_at_its_limit),
    };

    return cmocka_run_group_tests_name("curve", tests, NULL, NULL);
}
