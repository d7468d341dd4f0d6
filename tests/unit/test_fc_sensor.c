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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_momentary_reading_is_the_power),
        cmocka_unit_test(a_running_mean_is_taken_apart),
        cmocka_unit_test(noise_of_the_readings_does_not_add_up),
        cmocka_unit_test(no_part_is_below_nothing_or_above_the_cap),
        cmocka_unit_test(a_sensor_that_used_to_move_and_stands_still_is_stuck),
        cmocka_unit_test(a_sensor_that_never_moved_is_steady),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
