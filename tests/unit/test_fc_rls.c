/* SPDX-License-Identifier: Apache-2.0 */
/* Recursive least squares: finds what was put in, follows when it changes, and does
 * not wind up while nothing happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "core/fc_rls.h"

static uint32_t seed;

static float noise(void)
{
    seed = seed * 1664525U + 1013904223U;
    return (float)(seed >> 8) / 16777216.0F - 0.5F;
}

static void teach(struct fc_rls *rls, int32_t count, double a, double b)
{
    for (int32_t i = 0; i < count; i++) {
        float x[3] = { 0.1F, noise(), noise() };
        double target[FC_RLS_TARGETS] = { a * (double)x[1] + b * (double)x[2], b * (double)x[1] };

        fc_rls_learn(rls, x, target, 0.99);
    }
}

static void it_begins_with_nothing(void **state)
{
    (void)state;
    struct fc_rls rls;
    const float x[3] = { 0.1F, 1.0F, -1.0F };

    fc_rls_init(&rls, 3);
    assert_float_equal(fc_rls_value(&rls, x, 0), 0.0, 0.0);
    assert_float_equal(fc_rls_value(&rls, x, 1), 0.0, 0.0);
}

static void both_targets_are_found(void **state)
{
    (void)state;
    struct fc_rls rls;

    seed = 1;
    fc_rls_init(&rls, 3);
    teach(&rls, 400, 0.7, -0.3);
    assert_float_equal(rls.weight[0][1], 0.7, 0.01);
    assert_float_equal(rls.weight[0][2], -0.3, 0.01);
    assert_float_equal(rls.weight[1][1], -0.3, 0.01);
}

static void it_follows_a_change(void **state)
{
    (void)state;
    struct fc_rls rls;

    seed = 2;
    fc_rls_init(&rls, 3);
    teach(&rls, 2000, 0.7, -0.3);
    teach(&rls, 1500, -0.5, 0.9);
    assert_float_equal(rls.weight[0][1], -0.5, 0.05);
    assert_float_equal(rls.weight[0][2], 0.9, 0.05);
}

static void an_hour_without_news_changes_nothing(void **state)
{
    (void)state;
    struct fc_rls rls;
    const float still[3] = { 0.1F, 0.0F, 0.0F };
    const double none[FC_RLS_TARGETS] = { 0.0, 0.0 };

    seed = 3;
    fc_rls_init(&rls, 3);
    teach(&rls, 400, 0.7, -0.3);
    for (int32_t i = 0; i < 360000; i++)
        fc_rls_learn(&rls, still, none, 0.99);
    assert_float_equal(rls.weight[0][1], 0.7, 0.02);
    for (int32_t i = 0; i < 9; i++)
        assert_true(fabs(rls.inverse[i]) <= 1001.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_nothing),
        cmocka_unit_test(both_targets_are_found),
        cmocka_unit_test(it_follows_a_change),
        cmocka_unit_test(an_hour_without_news_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
