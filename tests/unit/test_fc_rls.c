/* SPDX-License-Identifier: Apache-2.0 */
/* Recursive least squares: finds what was put in, follows when it changes, and does
 * not wind up while nothing happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

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

/* What the recursion stands for: weights that make the sum of squares least, each older one
 * forgotten by as much as was learnt since; solved anew each time from the sums themselves. */
static void solve(int32_t n, const double *a, const double *b, double *ret)
{
    double m[4][5];

    for (int32_t i = 0; i < n; i++) {
        for (int32_t j = 0; j < n; j++)
            m[i][j] = a[i * n + j];
        m[i][n] = b[i];
    }
    for (int32_t i = 0; i < n; i++)
        for (int32_t k = 0; k < n; k++) {
            double part = m[k][i] / m[i][i];

            for (int32_t j = i; j <= n && k != i; j++)
                m[k][j] -= part * m[i][j];
        }
    for (int32_t i = 0; i < n; i++)
        ret[i] = m[i][n] / m[i][i];
}

static void it_is_least_squares_that_forget(void **state)
{
    (void)state;
    enum { N = 4 };
    struct fc_rls rls;
    double a[N * N] = { 0.0 }, b[FC_RLS_TARGETS][N] = { { 0.0 } };

    seed = 4;
    fc_rls_init(&rls, N);
    for (int32_t i = 0; i < N; i++)
        a[i * N + i] = 0.1; /* weights of zero, believed a tenth as much as one sample */
    for (int32_t k = 0; k < 500; k++) {
        float x[N] = { 0.1F, noise(), noise() + (k > 200 ? 0.5F : 0.0F), k % 50 < 25 ? noise() : 0.0F };
        double y[FC_RLS_TARGETS] = { (double)noise() + (double)x[1], (double)noise() - (double)x[3] };
        double w[N], unit[N], news = 0.0, keep;

        for (int32_t i = 0; i < N; i++)
            unit[i] = (double)x[i];
        solve(N, a, unit, w);
        for (int32_t i = 0; i < N; i++)
            news += unit[i] * w[i];
        keep = fmax(0.98, 1.0 - news / N);
        for (int32_t i = 0; i < N; i++) {
            for (int32_t j = 0; j < N; j++)
                a[i * N + j] = keep * a[i * N + j] + unit[i] * unit[j];
            for (int32_t t = 0; t < FC_RLS_TARGETS; t++)
                b[t][i] = keep * b[t][i] + unit[i] * y[t];
        }
        fc_rls_learn(&rls, x, y, 0.98);
        for (int32_t t = 0; t < FC_RLS_TARGETS; t++) {
            double sum = 0.0;

            solve(N, a, b[t], w);
            for (int32_t i = 0; i < N; i++) {
                assert_true(fabs(rls.weight[t][i] - w[i]) < 1e-6);
                sum += w[i] * unit[i];
            }
            assert_true(fabs(fc_rls_value(&rls, x, t) - sum) < 1e-6);
        }
    }
}

/* A feature that is never there would be forgotten without bound: it begins anew. */
static void what_is_never_heard_of_begins_anew(void **state)
{
    (void)state;
    struct fc_rls rls;
    double most = 0.0;
    int32_t anew = 0;

    seed = 5;
    fc_rls_init(&rls, 3);
    rls.weight[0][2] = -0.3;
    for (int32_t k = 0; k < 20000; k++) {
        float x[3] = { 0.1F, noise(), 0.0F };
        double y[FC_RLS_TARGETS] = { 0.7 * (double)x[1], -0.3 * (double)x[1] }, before = rls.inverse[8];

        fc_rls_learn(&rls, x, y, 0.98);
        most = fmax(most, rls.inverse[8]);
        for (int32_t i = 0; i < 9; i++)
            assert_true(fabs(rls.inverse[i]) < 1000.0);
        if (rls.inverse[8] < before) {
            anew++;
            assert_float_equal(rls.inverse[8], 10.0, 1e-9);
            for (int32_t i = 0; i < 2; i++) {
                assert_float_equal(rls.inverse[2 * 3 + i], 0.0, 1e-12);
                assert_float_equal(rls.inverse[i * 3 + 2], 0.0, 1e-12);
                assert_true(rls.inverse[i * 3 + i] > 1e-3); /* of the others it keeps what it knows */
            }
        }
    }
    assert_true(most > 900.0);
    assert_true(anew > 0);
    assert_float_equal(rls.weight[0][2], -0.3, 1e-9); /* what it knew of it stays */
    assert_float_equal(rls.weight[0][1], 0.7, 0.02);
}

static void nothing_is_learnt_from_nothing(void **state)
{
    (void)state;
    struct fc_rls rls, before;
    const float none[3] = { 0.0F, 0.0F, 0.0F };
    const double target[FC_RLS_TARGETS] = { 1.0, 1.0 };

    memset(&rls, 0xff, sizeof rls); /* whatever lay there before */
    fc_rls_init(&rls, 3);
    for (int32_t t = 0; t < FC_RLS_TARGETS; t++)
        for (int32_t i = 0; i < FC_RLS_FEATURES; i++)
            assert_float_equal(rls.weight[t][i], 0.0, 0.0);
    for (int32_t i = 0; i < 9; i++)
        assert_true(fabs(rls.inverse[i] - (i % 4 == 0 ? 10.0 : 0.0)) < 1e-12);
    for (int32_t i = 9; i < FC_RLS_FEATURES * FC_RLS_FEATURES; i++)
        assert_float_equal(rls.inverse[i], 0.0, 0.0);
    before = rls;
    fc_rls_learn(&rls, none, target, 0.99);
    assert_memory_equal(&rls, &before, sizeof rls);
    fc_rls_loosen(&rls);
    for (int32_t i = 0; i < 9; i++)
        assert_true(fabs(rls.inverse[i] - (i % 4 == 0 ? 20.0 : 0.0)) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_nothing),
        cmocka_unit_test(both_targets_are_found),
        cmocka_unit_test(it_follows_a_change),
        cmocka_unit_test(an_hour_without_news_changes_nothing),
        cmocka_unit_test(it_is_least_squares_that_forget),
        cmocka_unit_test(what_is_never_heard_of_begins_anew),
        cmocka_unit_test(nothing_is_learnt_from_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
