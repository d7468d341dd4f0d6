/* SPDX-License-Identifier: Apache-2.0 */
/* Protective devices against the values of their books. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "sim/breaker.h"

#define COUNT(a)      (sizeof(a) / sizeof((a)[0]))
#define NEAR(a, b, e) assert_true(fabs((a) - (b)) <= (e))

/* What is printed with so many digits agrees to half of the last. */
static void printed(double value, double as, double digit)
{
    if (!(fabs(value - as) <= digit / 2.0 + 1e-12))
        fail_msg("%.9g is not %.9g", value, as);
}

static void inverse_curves_as_the_standards_say(void **state)
{
    static const struct {
        enum breaker_curve curve;
        double multiple, trip_s, digit;
    } rows[] = {
        { BREAKER_IEC_SI, 1.1, 73.374, 0.001 },
        { BREAKER_IEC_SI, 1.5, 17.194, 0.001 },
        { BREAKER_IEC_SI, 2, 10.029, 0.001 },
        { BREAKER_IEC_SI, 3, 6.302, 0.001 },
        { BREAKER_IEC_SI, 5, 4.280, 0.001 },
        { BREAKER_IEC_SI, 10, 2.971, 0.001 },
        { BREAKER_IEC_VI, 1.1, 135.0, 0.1 },
        { BREAKER_IEC_VI, 1.5, 27.0, 0.1 },
        { BREAKER_IEC_VI, 2, 13.5, 0.1 },
        { BREAKER_IEC_VI, 3, 6.75, 0.01 },
        { BREAKER_IEC_VI, 5, 3.375, 0.001 },
        { BREAKER_IEC_VI, 10, 1.5, 0.1 },
        { BREAKER_IEC_EI, 1.1, 380.95, 0.01 },
        { BREAKER_IEC_EI, 1.5, 64.0, 0.1 },
        { BREAKER_IEC_EI, 2, 26.667, 0.001 },
        { BREAKER_IEC_EI, 3, 10.0, 0.1 },
        { BREAKER_IEC_EI, 5, 3.333, 0.001 },
        { BREAKER_IEC_EI, 10, 0.808, 0.001 },
        { BREAKER_IEC_LTI, 1.1, 1200, 1 },
        { BREAKER_IEC_LTI, 1.5, 240, 1 },
        { BREAKER_IEC_LTI, 2, 120, 1 },
        { BREAKER_IEC_LTI, 3, 60, 1 },
        { BREAKER_IEC_LTI, 5, 30, 1 },
        { BREAKER_IEC_LTI, 10, 13.333, 0.001 },
        { BREAKER_IEEE_MI, 1.1, 27.105, 0.001 },
        { BREAKER_IEEE_MI, 1.5, 6.439, 0.001 },
        { BREAKER_IEEE_MI, 2, 3.8032, 0.0001 },
        { BREAKER_IEEE_MI, 5, 1.6883, 0.0001 },
        { BREAKER_IEEE_MI, 10, 1.2068, 0.0001 },
        { BREAKER_IEEE_VI, 1.1, 93.872, 0.001 },
        { BREAKER_IEEE_VI, 1.5, 16.179, 0.001 },
        { BREAKER_IEEE_VI, 2, 7.0277, 0.0001 },
        { BREAKER_IEEE_VI, 5, 1.3081, 0.0001 },
        { BREAKER_IEEE_VI, 10, 0.6891, 0.0001 },
        { BREAKER_IEEE_EI, 1.1, 134.407, 0.001 },
        { BREAKER_IEEE_EI, 1.5, 22.682, 0.001 },
        { BREAKER_IEEE_EI, 2, 9.5217, 0.0001 },
        { BREAKER_IEEE_EI, 5, 1.2967, 0.0001 },
        { BREAKER_IEEE_EI, 10, 0.4065, 0.0001 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        printed(breaker_curve_s(rows[i].curve, 1.0, rows[i].multiple), rows[i].trip_s, rows[i].digit);
        NEAR(breaker_curve_s(rows[i].curve, 0.5, rows[i].multiple),
             0.5 * breaker_curve_s(rows[i].curve, 1.0, rows[i].multiple), 1e-12);
    }
    assert_true(isinf(breaker_curve_s(BREAKER_IEC_SI, 1.0, 1.0)));
    assert_true(isinf(breaker_curve_s(BREAKER_IEEE_EI, 1.0, 0.5)));
    NEAR(breaker_curve_reset_s(BREAKER_IEEE_MI, 2.0, 0.5), 2.0 * 4.85 / 0.75, 1e-12);
    NEAR(breaker_curve_reset_s(BREAKER_IEC_VI, 1.0, 0.5), 0.0, 0.0);
    assert_int_equal(breaker_curve_find("ieee-vi"), BREAKER_IEEE_VI);
    assert_int_equal(breaker_curve_find("ieee"), BREAKER_CURVE_COUNT);
}

static const struct breaker_options thermal_600 = {
    .kind = BREAKER_THERMAL, .rated_a = 100.0, .carry_ratio = 1.05, .heat_s = 600.0, .cool_s = 1200.0
};

/* Steps of dt_s at a constant current until it trips. */
static double steps_to_trip_s(const struct breaker_options *opt, double before_a, double current_a,
                              double dt_s)
{
    struct breaker b;
    double t_s = 0.0;

    breaker_init(&b, opt, before_a);
    do {
        t_s += dt_s;
        if (breaker_step(&b, current_a, 0.0, dt_s) != BREAKER_NONE)
            return t_s;
    } while (t_s < 3600.0);
    return INFINITY;
}

static void thermal_memory_trips_when_the_formula_says(void **state)
{
    static const struct {
        double ratio, cold_s, warm_s; /* warm: 80 % before, so 0.64 of the heat */
    } rows[] = { { 1.1, 1452.5, 1000.9 }, { 1.2, 870.5, 517.8 }, { 1.35, 557.2, 297.7 },
                 { 1.5, 404.0, 203.2 },   { 2, 193.5, 88.9 },    { 3, 78.4, 34.1 },
                 { 6, 18.7, 7.9 } };
    struct breaker b;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        breaker_init(&b, &thermal_600, 0.0);
        printed(breaker_trip_s(&b, rows[i].ratio * 100.0), rows[i].cold_s, 0.1);
        breaker_init(&b, &thermal_600, 80.0);
        printed(breaker_trip_s(&b, rows[i].ratio * 100.0), rows[i].warm_s, 0.1);
        /* steps get there too, whatever their length */
        NEAR(steps_to_trip_s(&thermal_600, 80.0, rows[i].ratio * 100.0, 0.01), rows[i].warm_s, 0.06);
        NEAR(steps_to_trip_s(&thermal_600, 0.0, rows[i].ratio * 100.0, 1.0), rows[i].cold_s, 1.05);
    }
    breaker_init(&b, &thermal_600, 0.0);
    assert_true(isinf(breaker_trip_s(&b, 105.0)));
    assert_true(isinf(steps_to_trip_s(&thermal_600, 105.0, 105.0, 10.0)));
}

static void long_steps_are_exact(void **state)
{
    struct breaker one, many;

    (void)state;
    breaker_init(&one, &thermal_600, 50.0);
    breaker_init(&many, &thermal_600, 50.0);
    (void)breaker_step(&one, 103.0, 0.0, 200.0);
    for (int i = 0; i < 20000; i++)
        (void)breaker_step(&many, 103.0, 0.0, 0.01);
    NEAR(one.heat, many.heat, 1e-9);
    /* and it cools by its own time constant */
    (void)breaker_step(&one, 0.0, 0.0, 1200.0);
    NEAR(one.heat, many.heat * exp(-1.0), 1e-9);
}

/* 1.3 and 0.7 of the rating in turn heat like 1.044: the mean of squares counts. */
static void squares_heat_and_not_means(void **state)
{
    static const struct {
        double high, low, duty, rms;
    } rows[] = { { 1.3, 0.7, 0.5, 1.044 }, { 1.4, 0.8, 0.3, 1.018 }, { 1.6, 0.6, 0.2, 0.894 } };
    struct breaker_options opt = thermal_600;

    (void)state;
    opt.cool_s = opt.heat_s;
    opt.carry_ratio = 2.0; /* not to trip */
    for (size_t i = 0; i < COUNT(rows); i++) {
        double sum = 0.0;
        struct breaker b;

        breaker_init(&b, &opt, 90.0);
        for (int k = 0; k < 20000; k++) {
            (void)breaker_step(&b, rows[i].high * 100.0, 0.0, rows[i].duty);
            sum += k >= 19000 ? b.heat : 0.0;
            (void)breaker_step(&b, rows[i].low * 100.0, 0.0, 1.0 - rows[i].duty);
            sum += k >= 19000 ? b.heat : 0.0;
        }
        printed(sqrt(sum / 2000.0), rows[i].rms, 0.001);
    }
}

static void sizes_follow_ul_489(void **state)
{
    static const struct {
        double rated_a, slowest_s;
    } rows[] = { { 20, 372 },   { 50, 744 },   { 60, 1117 },  { 150, 1489 },
                 { 225, 1861 }, { 400, 2233 }, { 600, 2605 }, { 800, 2977 } };
    struct breaker_options opt;
    struct breaker b;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        printed(breaker_ul489_slowest_s(rows[i].rated_a), rows[i].slowest_s,
                1.2); /* of the sheet: 360 s gives 1116.5 */
    /* a 20 A breaker at the slow edge: 200 % within 120 s, 135 % within the hour */
    breaker_thermal(20.0, &opt);
    opt.heat_s = breaker_ul489_slowest_s(20.0);
    breaker_init(&b, &opt, 0.0);
    NEAR(breaker_trip_s(&b, 40.0), 120.0, 1e-6);
    assert_true(breaker_trip_s(&b, 27.0) < 3600.0);
    /* 10 % for 17 minutes, as a power panel is said to bear, fits 421 s */
    opt.heat_s = 421.0;
    breaker_init(&b, &opt, 0.0);
    NEAR(breaker_trip_s(&b, 22.0) / 60.0, 17.0, 0.02);
    /* the preset is the fast edge, and lets go at once on a short circuit */
    breaker_thermal(20.0, &opt);
    NEAR(opt.heat_s, breaker_ul489_slowest_s(20.0) / 4.0, 1e-9);
    breaker_init(&b, &opt, 10.0);
    assert_int_equal(breaker_step(&b, 200.0, 0.0, 1e-5), BREAKER_NONE);
    assert_int_equal(breaker_step(&b, 201.0, 0.0, 1e-5), BREAKER_INSTANT);
    assert_int_equal(breaker_step(&b, 201.0, 0.0, 1e-5), BREAKER_NONE);
    NEAR(breaker_spent_ratio(&b), 1.0, 0.0);
}

static const struct breaker_options lsig = {
    .kind = BREAKER_LSIG,
    .rated_a = 100.0,
    .carry_ratio = 1.1,
    .cool_s = 600.0,
    .long_s = 8.0,
    .short_ratio = 7.0,
    .short_s = 0.2,
    .instant_ratio = 12.0,
    .ground_ratio = 0.3,
    .ground_s = 0.4,
};

static void the_long_stage_trips_by_i2t(void **state)
{
    static const struct {
        double ratio, trip_s;
    } rows[] = { { 1.2, 200 }, { 1.5, 128 }, { 2, 72 }, { 3, 32 }, { 6, 8 } };
    struct breaker b;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        breaker_init(&b, &lsig, 0.0);
        NEAR(breaker_trip_s(&b, rows[i].ratio * 100.0), rows[i].trip_s, 1e-9);
        NEAR(steps_to_trip_s(&lsig, 0.0, rows[i].ratio * 100.0, 0.05), rows[i].trip_s, 0.051);
    }
    breaker_init(&b, &lsig, 0.0);
    assert_true(isinf(breaker_trip_s(&b, 110.0)));
    /* it remembers: half of the way, then cooling by one time constant */
    (void)breaker_step(&b, 200.0, 0.0, 36.0);
    NEAR(breaker_trip_s(&b, 200.0), 36.0, 1e-9);
    NEAR(breaker_spent_ratio(&b), 0.5, 1e-9);
    (void)breaker_step(&b, 50.0, 0.0, 600.0);
    NEAR(breaker_spent_ratio(&b), 0.5 * exp(-1.0), 1e-9);
}

static void the_short_stage_waits_and_forgets(void **state)
{
    struct breaker_options opt = lsig;
    struct breaker b;

    (void)state;
    NEAR(steps_to_trip_s(&lsig, 0.0, 800.0, 0.01), 0.2, 1e-9);
    assert_true(steps_to_trip_s(&lsig, 0.0, 700.0, 0.01) > 1.0); /* not above it: the long stage */
    breaker_init(&b, &lsig, 0.0);
    NEAR(breaker_trip_s(&b, 800.0), 0.2, 1e-9);
    for (int i = 0; i < 20; i++) { /* it lets go in time, again and again */
        assert_int_equal(breaker_step(&b, 800.0, 0.0, 0.19), BREAKER_NONE);
        assert_int_equal(breaker_step(&b, 50.0, 0.0, 60.0), BREAKER_NONE);
    }
    opt.short_i2t = true; /* 0.2 s at ten times, so 0.3125 s at eight times */
    breaker_init(&b, &opt, 0.0);
    NEAR(breaker_trip_s(&b, 800.0), 0.3125, 1e-9);
    NEAR(steps_to_trip_s(&opt, 0.0, 800.0, 0.0125), 0.3125, 1e-9);
}

static void instantaneous_and_ground_stages_trip(void **state)
{
    struct breaker_options opt = lsig;
    struct breaker b;

    (void)state;
    breaker_init(&b, &lsig, 0.0);
    NEAR(breaker_trip_s(&b, 1201.0), 0.0, 0.0);
    assert_int_equal(breaker_step(&b, 1201.0, 0.0, 1e-5), BREAKER_INSTANT);
    breaker_init(&b, &lsig, 0.0);
    assert_int_equal(breaker_step(&b, 50.0, 31.0, 0.3), BREAKER_NONE);
    assert_int_equal(breaker_step(&b, 50.0, 31.0, 0.1), BREAKER_GROUND);
    breaker_init(&b, &lsig, 0.0);
    assert_int_equal(breaker_step(&b, 50.0, 30.0, 100.0), BREAKER_NONE);
    opt.kind = BREAKER_LSI; /* the same without a ground stage */
    breaker_init(&b, &opt, 0.0);
    assert_int_equal(breaker_step(&b, 50.0, 100.0, 100.0), BREAKER_NONE);
    breaker_lsig(250.0, &opt);
    breaker_init(&b, &opt, 100.0);
    assert_int_equal(breaker_step(&b, 6.5 * 250.0, 0.0, 0.21), BREAKER_SHORT);
}

static void a_relay_disc_travels_and_returns(void **state)
{
    struct breaker_options opt = {
        .kind = BREAKER_INVERSE, .rated_a = 100.0, .curve = BREAKER_IEEE_EI, .time_dial = 1.0
    };
    double trip_s = breaker_curve_s(BREAKER_IEEE_EI, 1.0, 2.0);
    struct breaker b;

    (void)state;
    breaker_init(&b, &opt, 0.0);
    NEAR(breaker_trip_s(&b, 200.0), trip_s, 1e-9);
    assert_int_equal(breaker_step(&b, 200.0, 0.0, trip_s * 0.9), BREAKER_NONE);
    (void)breaker_step(&b, 0.0, 0.0, 29.1 * 0.4); /* comes back by 0.4 of its way */
    NEAR(breaker_spent_ratio(&b), 0.5, 1e-9);
    assert_int_equal(breaker_step(&b, 200.0, 0.0, trip_s * 0.51), BREAKER_LONG);
    opt.curve = BREAKER_IEC_VI; /* an electronic one forgets at once */
    breaker_init(&b, &opt, 0.0);
    assert_int_equal(breaker_step(&b, 200.0, 0.0, 13.4), BREAKER_NONE);
    assert_int_equal(breaker_step(&b, 90.0, 0.0, 0.01), BREAKER_NONE);
    assert_int_equal(breaker_step(&b, 200.0, 0.0, 13.4), BREAKER_NONE);
    assert_int_equal(breaker_step(&b, 200.0, 0.0, 0.2), BREAKER_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inverse_curves_as_the_standards_say),
        cmocka_unit_test(thermal_memory_trips_when_the_formula_says),
        cmocka_unit_test(long_steps_are_exact),
        cmocka_unit_test(squares_heat_and_not_means),
        cmocka_unit_test(sizes_follow_ul_489),
        cmocka_unit_test(the_long_stage_trips_by_i2t),
        cmocka_unit_test(the_short_stage_waits_and_forgets),
        cmocka_unit_test(instantaneous_and_ground_stages_trip),
        cmocka_unit_test(a_relay_disc_travels_and_returns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
