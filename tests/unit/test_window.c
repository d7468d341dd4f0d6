/* SPDX-License-Identifier: Apache-2.0 */
/* The sliding mean against one that is added up anew at every corner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "sim/plant.h"
#include "sim/rng.h"
#include "sim/window.h"

#define STEPS_MAX     4000
#define NEAR(a, b, e) assert_true(fabs((a) - (b)) <= (e))

/* ---- the plain way: every step is kept, every mean is added up anew ---- */

struct plain {
    int32_t count;
    int64_t end_us[STEPS_MAX];
    double power_w[STEPS_MAX];
    double before_w, limit_w, worst_w;
    int64_t window_us, violations;
    bool above;
};

static double plain_mean_w(const struct plain *p, int64_t now_us)
{
    int64_t from_us = now_us - p->window_us, at_us = now_us;
    double sum = 0.0;

    for (int32_t i = p->count - 1; i >= 0 && at_us > from_us; i--) {
        int64_t start_us = i > 0 ? p->end_us[i - 1] : 0, end_us = p->end_us[i] < at_us ? p->end_us[i] : at_us;

        if (start_us >= at_us)
            continue;
        if (start_us < from_us)
            start_us = from_us;
        sum += p->power_w[i] * (double)(end_us - start_us);
        at_us = start_us;
    }
    if (at_us > from_us)
        sum += p->before_w * (double)(at_us - from_us);
    return sum / (double)p->window_us;
}

static void plain_look(struct plain *p, int64_t now_us)
{
    double mean_w = plain_mean_w(p, now_us);
    bool above = mean_w > p->limit_w + 0.5;

    p->violations += above && !p->above;
    p->above = above;
    p->worst_w = fmax(p->worst_w, mean_w);
}

/* Corners: where a step of the past leaves the window, and the end. */
static void plain_step(struct plain *p, double power_w, int64_t dt_us)
{
    int64_t start_us = p->count > 0 ? p->end_us[p->count - 1] : 0;

    assert_true(p->count < STEPS_MAX);
    p->power_w[p->count] = power_w;
    p->end_us[p->count++] = start_us + dt_us;
    for (int32_t i = -1; i < p->count; i++) {
        int64_t leaves_us = (i < 0 ? 0 : p->end_us[i]) + p->window_us;

        if (leaves_us > start_us && leaves_us < start_us + dt_us)
            plain_look(p, leaves_us);
    }
    plain_look(p, start_us + dt_us);
}

static struct window *new_window(int64_t window_us, double limit_w, double before_w)
{
    struct window *ret = NULL;

    assert_int_equal(window_new(window_us, limit_w, before_w, &ret), ST_OK);
    return ret;
}

static struct window_result result_of(const struct window *window)
{
    struct window_result ret;

    window_result(window, &ret);
    return ret;
}

/* ---- tests ---- */

static void same_as_adding_up(int64_t window_us, int64_t least_us, int64_t most_us, uint64_t seed)
{
    static struct plain plain;
    struct window *window = new_window(window_us, 1000.0, 300.0);
    struct rng rng;

    plain = (struct plain){ .window_us = window_us, .limit_w = 1000.0, .before_w = 300.0, .worst_w = 300.0 };
    rng_init(&rng, seed, 0);
    for (int i = 0; i < 1500; i++) {
        /* lengths over decades; some powers twice in a row */
        int64_t dt_us = (int64_t)((double)least_us *
                                  pow((double)most_us / (double)least_us, rng_uniform(&rng, 0.0, 1.0)));
        double power_w = floor(rng_uniform(&rng, 0.0, 20.0)) * 100.0;

        window_step(window, power_w, dt_us);
        plain_step(&plain, power_w, dt_us);
        NEAR(result_of(window).mean_w, plain_mean_w(&plain, plain.end_us[plain.count - 1]), 1e-6);
    }
    NEAR(result_of(window).worst_w, plain.worst_w, 1e-6);
    NEAR(result_of(window).margin_w, 1000.0 - plain.worst_w, 1e-6);
    assert_int_equal(result_of(window).violations, plain.violations);
    assert_true(plain.violations > 3);
    window_free(window);
}

static void is_exact_at_any_length_of_steps(void **state)
{
    (void)state;
    same_as_adding_up(400, 10, 2000, 1);
    same_as_adding_up(1000, 10, 100000, 2);
    same_as_adding_up(10000, 50, 5000, 3);
    same_as_adding_up(100000, 50, 100000, 4);
    same_as_adding_up(1000000, 10, 100000, 5);
}

static void a_peak_inside_a_long_step_is_seen(void **state)
{
    struct window *window = new_window(1000, 1000.0, 0.0);

    (void)state;
    /* 2000 W for 0.6 ms in a row with 900 W: the worst is when both lie in the window */
    window_step(window, 900.0, 100000);
    window_step(window, 2000.0, 600);
    window_step(window, 900.0, 100000);
    NEAR(result_of(window).worst_w, 0.6 * 2000.0 + 0.4 * 900.0, 1e-6);
    assert_int_equal(result_of(window).violations, 1);
    assert_int_equal(result_of(window).violated_at_us, 100600);
    assert_false(result_of(window).exceeded);
    window_free(window);
}

static void half_a_watt_is_no_violation(void **state)
{
    struct window *window = new_window(1000, 1000.0, 0.0);

    (void)state;
    window_step(window, 1000.5, 5000);
    assert_int_equal(result_of(window).violations, 0);
    assert_int_equal(result_of(window).violated_at_us, -1);
    window_step(window, 1000.51, 5000);
    assert_int_equal(result_of(window).violations, 1);
    assert_true(result_of(window).exceeded);
    window_step(window, 1000.51, 5000);
    assert_int_equal(result_of(window).violations, 1);
    window_free(window);
}

static void before_it_is_full_it_holds_what_was_before(void **state)
{
    struct window *window = new_window(10000000, 500.0, 100.0);

    (void)state;
    window_step(window, 600.0, 5000000);
    assert_true(result_of(window).partial);
    NEAR(result_of(window).mean_w, 350.0, 1e-9);
    window_step(window, 600.0, 5000000);
    assert_false(result_of(window).partial);
    NEAR(result_of(window).mean_w, 600.0, 1e-9);
    /* 100 + 50 t W: at 500.5 W after 8.01 s, in the step's middle, and counted at its end */
    assert_int_equal(result_of(window).violations, 1);
    window_free(window);
}

static void another_limit_judges_from_now_on(void **state)
{
    struct window *window = new_window(1000, INFINITY, 0.0);

    (void)state;
    window_step(window, 800.0, 10000);
    assert_int_equal(result_of(window).violations, 0);
    assert_true(isinf(result_of(window).margin_w));
    window_limit(window, 900.0);
    NEAR(result_of(window).margin_w, 100.0, 1e-9);
    window_limit(window, 700.0);
    assert_int_equal(result_of(window).violations, 1);
    NEAR(result_of(window).margin_w, -100.0, 1e-9);
    window_limit(window, 2000.0);
    window_step(window, 500.0, 10000);
    NEAR(result_of(window).margin_w, -100.0, 1e-9);
    NEAR(result_of(window).margin_limit_w, 700.0, 1e-9);
    window_reset(window);
    assert_int_equal(result_of(window).violations, 0);
    NEAR(result_of(window).worst_w, 500.0, 1e-9);
    NEAR(result_of(window).margin_w, 1500.0, 1e-9);
    window_free(window);
}

/* Ten seconds of 50 us steps that all differ do not fit the ring. */
#define LONG_US    INT64_C(10000000)
#define LONG_STEPS ((int32_t)(LONG_US / PLANT_FAST_US))

static void never_too_low_where(double (*power_w)(int32_t step, struct rng *rng), double span_w,
                                double *ret_high_w)
{
    struct window *window = new_window(LONG_US, INFINITY, 0.0);
    double *ring = calloc((size_t)LONG_STEPS, sizeof *ring);
    double sum = 0.0;
    struct rng rng;

    assert_non_null(ring);
    rng_init(&rng, 7, 0);
    *ret_high_w = 0.0;
    for (int32_t i = 0; i < LONG_STEPS * 5 / 2; i++) {
        double mean_w, exact_w, now_w = round(power_w(i, &rng));

        sum += now_w - ring[i % LONG_STEPS]; /* whole watts: without rounding */
        ring[i % LONG_STEPS] = now_w;
        window_step(window, now_w, PLANT_FAST_US);
        if (i % 7 != 0)
            continue;
        mean_w = result_of(window).mean_w;
        exact_w = sum / LONG_STEPS;
        assert_true(mean_w >= exact_w - 1e-6);
        assert_true(mean_w <= exact_w + span_w * 4.0 / WINDOW_RING_MAX + 1e-6);
        *ret_high_w = fmax(*ret_high_w, mean_w - exact_w);
    }
    free(ring);
    window_free(window);
}

static double power_random(int32_t step, struct rng *rng)
{
    (void)step;
    return rng_uniform(rng, 0.0, 100000.0);
}

static double power_rising(int32_t step, struct rng *rng)
{
    (void)rng;
    return (step % 47) * 1000.0;
}

static double power_square(int32_t step, struct rng *rng)
{
    return (step / 20000 % 2 ? 100000.0 : 20000.0) + rng_uniform(rng, 0.0, 50.0);
}

static void a_full_ring_is_never_too_low_and_hardly_too_high(void **state)
{
    double high_w;

    (void)state;
    never_too_low_where(power_random, 100000.0, &high_w);
    assert_true(high_w > 0.0); /* it was full */
    never_too_low_where(power_rising, 46000.0, &high_w);
    assert_true(high_w > 0.0);
    never_too_low_where(power_square, 80100.0, &high_w);
}

static void constant_power_needs_no_room(void **state)
{
    struct window *window = new_window(LONG_US, 1000.0, 1000.0);

    (void)state;
    for (int32_t i = 0; i < LONG_STEPS; i++)
        window_step(window, 1000.0, PLANT_FAST_US);
    window_step(window, 2000.0, 1000000);
    NEAR(result_of(window).mean_w, 1100.0, 1e-9);
    window_step(window, 2000.0, INT64_C(100000000));
    NEAR(result_of(window).mean_w, 2000.0, 1e-9);
    window_free(window);
}

static void a_day_of_ten_megawatts_does_not_overflow(void **state)
{
    struct window *window = new_window(INT64_C(86400000000), 1.0e7, 1.0e7);

    (void)state;
    for (int i = 0; i < 86400 * 2; i++)
        window_step(window, i % 2 ? 2.0e7 : 0.0, 1000000);
    assert_true(result_of(window).mean_w >= 1.0e7 - 1.0);
    assert_true(result_of(window).mean_w <= 1.0e7 * (1.0 + 8.0 / WINDOW_RING_MAX));
    window_free(window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_exact_at_any_length_of_steps),
        cmocka_unit_test(a_peak_inside_a_long_step_is_seen),
        cmocka_unit_test(half_a_watt_is_no_violation),
        cmocka_unit_test(before_it_is_full_it_holds_what_was_before),
        cmocka_unit_test(another_limit_judges_from_now_on),
        cmocka_unit_test(a_full_ring_is_never_too_low_and_hardly_too_high),
        cmocka_unit_test(constant_power_needs_no_room),
        cmocka_unit_test(a_day_of_ten_megawatts_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
