/* SPDX-License-Identifier: Apache-2.0 */
/* What power a reading stands for: running means taken apart, stuck sensors found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "core/fc_sensor.h"

static void a_momentary_reading_is_the_power(void **state)
{
    (void)state;
    struct fc_sensor s;

    fc_sensor_init(&s, 0, 0);
    assert_float_equal(fc_sensor_power(&s, 123.0, INFINITY), 123.0, 0.0);
    fc_sensor_init(&s, 25000, 100000);
    assert_int_equal(s.parts, 1);
    assert_float_equal(fc_sensor_power(&s, 123.0, INFINITY), 123.0, 0.0);
}

/* A mean over 1 s every 100 ms of a load that steps from 100 W to 400 W. */
static void a_running_mean_is_taken_apart(void **state)
{
    (void)state;
    struct fc_sensor s;
    double power[400], mean;

    fc_sensor_init(&s, 1000000, 100000);
    assert_int_equal(s.parts, 10);
    for (int32_t i = 0; i < 400; i++) {
        power[i] = i < 60 ? 100.0 : i % 14 < 7 ? 400.0 : 150.0;
        mean = 0.0;
        for (int32_t k = 0; k < 10; k++)
            mean += power[i - k > 0 ? i - k : 0] / 10.0;
        assert_float_equal(fc_sensor_power(&s, mean, INFINITY), power[i], 45.0F);
    }
}

static void noise_of_the_readings_does_not_add_up(void **state)
{
    (void)state;
    struct fc_sensor s;
    uint32_t seed = 1;
    double worst = 0.0;

    fc_sensor_init(&s, 1000000, 100000);
    for (int32_t i = 0; i < 100000; i++) {
        double off;

        seed = seed * 1664525U + 1013904223U;
        off = fabs(fc_sensor_power(&s, 200.0 + (double)(seed >> 16) / 65536.0, 700.0) - 200.5);
        worst = off > worst ? off : worst;
    }
    assert_true(worst < 90.0); /* a walk would be at some 400 W */
}

static void no_part_is_below_nothing_or_above_the_cap(void **state)
{
    (void)state;
    struct fc_sensor s;

    fc_sensor_init(&s, 1000000, 100000);
    for (int32_t i = 0; i < 1000; i++) {
        double w = fc_sensor_power(&s, i % 3 ? 600.0 : 10.0, 700.0);

        assert_true(w >= 0.0 && w <= 700.0);
    }
}

static void a_sensor_that_used_to_move_and_stands_still_is_stuck(void **state)
{
    (void)state;
    struct fc_sensor s;

    fc_sensor_init(&s, 0, 0);
    for (int32_t i = 0; i < 200; i++)
        (void)fc_sensor_power(&s, 46.0 + 0.1 * (i / 3 % 5), INFINITY);
    assert_false(fc_sensor_stuck(&s));
    for (int32_t i = 0; i < 49; i++)
        (void)fc_sensor_power(&s, 46.19, INFINITY);
    assert_false(fc_sensor_stuck(&s));
    for (int32_t i = 0; i < 10; i++)
        (void)fc_sensor_power(&s, 46.19, INFINITY);
    assert_true(fc_sensor_stuck(&s));
    (void)fc_sensor_power(&s, 46.3, INFINITY);
    assert_false(fc_sensor_stuck(&s));
}

static void a_sensor_that_never_moved_is_steady(void **state)
{
    (void)state;
    struct fc_sensor s;

    fc_sensor_init(&s, 0, 0);
    for (int32_t i = 0; i < 5000; i++)
        (void)fc_sensor_power(&s, 46.19, INFINITY);
    assert_false(fc_sensor_stuck(&s));
}

/* The new part is the one n ago and n times the change; drawn by a twentieth towards the reading,
 * it takes half of what the parts' mean is then off; each time between nothing and the cap. */
static void parts_are_worked_out_and_kept_near_their_mean(void **state)
{
    (void)state;
    struct fc_sensor s;
    double part[4] = { 0.0 }, before = 0.0;
    int32_t low = 0, high = 0;
    uint32_t seed = 3;

    fc_sensor_init(&s, 400000, 100000);
    for (int32_t i = 0; i < 2000; i++) {
        double reading, expected, mean = 0.0, *own = &part[(i + 3) % 4]; /* the oldest, after the first */

        seed = seed * 1664525U + 1013904223U;
        reading = 300.0 + (double)(seed >> 16) / 65536.0 * 60.0 + (i / 50 % 2 ? 200.0 : 0.0);
        if (i == 0) {
            for (int32_t k = 0; k < 4; k++)
                part[k] = reading;
            expected = reading;
        } else {
            expected = *own + 4.0 * (reading - before);
            *own = fmin(fmax(expected + 0.05 * (reading - expected), 0.0), 700.0);
            for (int32_t k = 0; k < 4; k++)
                mean += part[k] / 4.0;
            expected = *own = fmin(fmax(*own + 0.5 * 4.0 * (reading - mean), 0.0), 700.0);
        }
        assert_true(fabs(fc_sensor_power(&s, reading, 700.0) - expected) < 1e-9);
        before = reading;
        low += expected <= 0.0;
        high += expected >= 700.0;
    }
    assert_true(low > 0 && high > 0); /* both were met */
}

/* Four rows as long as the longest before, 50 readings and twenty moves: less is nothing unusual. */
static void how_long_a_sensor_may_stand_still_is_what_it_did_before(void **state)
{
    (void)state;
    static const struct {
        int32_t moves, row, still;
        bool stuck;
    } cases[] = { { 20, 0, 49, false }, { 20, 0, 50, true },   { 19, 0, 500, false }, { 30, 20, 80, false },
                  { 30, 20, 81, true }, { 30, 12, 49, false }, { 30, 12, 50, true } };

    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct fc_sensor s;

        fc_sensor_init(&s, 0, 0);
        for (int32_t i = 1; i < cases[k].moves; i++)
            (void)fc_sensor_power(&s, 10.0 + i, INFINITY);
        for (int32_t i = 0; i < cases[k].row; i++)
            (void)fc_sensor_power(&s, 10.0 + cases[k].moves - 1, INFINITY);
        for (int32_t i = 0; i <= cases[k].still; i++) /* the first is a move */
            (void)fc_sensor_power(&s, 5.0, INFINITY);
        assert_int_equal(fc_sensor_stuck(&s), cases[k].stuck);
    }
}

/* The first reading is a move whatever it is: nothing stood before it, not even nothing. */
static void a_load_that_begins_at_nothing_moved_there(void **state)
{
    (void)state;

    for (int32_t moves = 19; moves <= 20; moves++) {
        struct fc_sensor s;

        fc_sensor_init(&s, 0, 0);
        for (int32_t i = 0; i < moves; i++)
            (void)fc_sensor_power(&s, 10.0 * i, INFINITY);
        for (int32_t i = 0; i < 50; i++)
            (void)fc_sensor_power(&s, 10.0 * (moves - 1), INFINITY);
        assert_int_equal(fc_sensor_stuck(&s), moves == 20);
    }
}

static void a_window_is_whole_periods(void **state)
{
    (void)state;
    static const struct {
        int64_t window_us, period_us;
        int32_t parts;
    } cases[] = { { 149000, 100000, 1 }, { 150000, 100000, 2 },   { 1000000, 0, 1 },
                  { 10000, 100000, 1 },  { 3200000, 100000, 32 }, { 9000000, 100000, 32 } };

    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct fc_sensor s;

        fc_sensor_init(&s, cases[k].window_us, cases[k].period_us);
        assert_int_equal(s.parts, cases[k].parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_momentary_reading_is_the_power),
        cmocka_unit_test(a_running_mean_is_taken_apart),
        cmocka_unit_test(noise_of_the_readings_does_not_add_up),
        cmocka_unit_test(no_part_is_below_nothing_or_above_the_cap),
        cmocka_unit_test(a_sensor_that_used_to_move_and_stands_still_is_stuck),
        cmocka_unit_test(a_sensor_that_never_moved_is_steady),
        cmocka_unit_test(parts_are_worked_out_and_kept_near_their_mean),
        cmocka_unit_test(how_long_a_sensor_may_stand_still_is_what_it_did_before),
        cmocka_unit_test(a_load_that_begins_at_nothing_moved_there),
        cmocka_unit_test(a_window_is_whole_periods),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
