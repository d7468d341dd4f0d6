/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever comes in, what comes out is numbers in order: random readings, times,
 * caps and hints, drawn from seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "busbar/fc.h"

static uint64_t state_;

static uint32_t draw(uint32_t below)
{
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(state_ >> 33) % below;
}

static double drawn_w(void)
{
    static const double odd[] = { 0.0, -0.0, -1.0, 1e-300, 5e-324, 1e9, -1e9, 1e12, 1e300, -1e300 };

    switch (draw(12)) {
    case 0:
        return NAN;
    case 1:
        return draw(2) ? INFINITY : -INFINITY;
    case 2:
        return odd[draw(sizeof odd / sizeof odd[0])];
    case 3:
        return (double)draw(1000000000);
    default:
        return 100.0 + (double)draw(5000) / 10.0;
    }
}

static int64_t drawn_step_us(int64_t grid_us)
{
    switch (draw(20)) {
    case 0:
        return -(int64_t)draw(1000000);
    case 1:
        return 0;
    case 2:
        return grid_us * (int64_t)draw(2000);
    case 3:
        return (int64_t)draw(1000000) * 1000000;
    default:
        return grid_us + (int64_t)draw((uint32_t)grid_us) - grid_us / 2;
    }
}

static void assert_sound(const struct fc *fc, const struct fc_options *opt, int64_t now_us, double cap_w)
{
    struct fc_forecast f;

    fc_get(fc, now_us, &f);
    if (!f.known)
        return;
    assert_true(f.confidence >= 0.0 && f.confidence <= 1.0);
    assert_true(isfinite(f.now_w));
    for (int32_t h = 0; h < opt->horizon_count; h++) {
        const struct fc_ahead *a = &f.ahead[h];

        assert_true(isfinite(a->expected_w) && isfinite(a->peak_w));
        assert_true(a->spike_probability >= 0.0 && a->spike_probability <= 1.0);
        assert_true(a->peak_us >= 0);
        for (int32_t l = 0; l < FC_LEVELS; l++) {
            assert_true(isfinite(a->upper_w[l]));
            assert_true(a->upper_w[l] <= cap_w || !(cap_w > 0.0));
            assert_true(l == 0 || a->upper_w[l] >= a->upper_w[l - 1]);
        }
    }
}

static void drawn_options(struct fc_options *opt)
{
    *opt = (struct fc_options){ .kind = draw(3) ? FC_RACK : FC_GPU, .event_w = (double)draw(100) };
    opt->grid_us = 1000 * (int64_t)(1 + draw(1000));
    opt->horizon_count = opt->kind == FC_GPU ? 1 + (int32_t)draw(2) : 1 + (int32_t)draw(FC_HORIZONS_MAX);
    if (draw(3) == 0) {
        opt->sensor_period_us = opt->grid_us * (int64_t)(1 + draw(4));
        opt->sensor_window_us = opt->sensor_period_us * (int64_t)(1 + draw(40)) / 4;
    }
    for (int32_t h = 0; h < opt->horizon_count; h++)
        opt->horizon_us[h] = (h ? opt->horizon_us[h - 1] : 0) + opt->grid_us * (int64_t)(1 + draw(300)) / 2;
}

static void garbage_in_numbers_out(void **state)
{
    (void)state;

    for (uint64_t run = 0; run < 60; run++) {
        struct fc_options opt;
        struct fc *fc;
        int64_t at_us = 0;

        state_ = run;
        drawn_options(&opt);
        fc = malloc(fc_size(&opt));
        assert_non_null(fc);
        fc_init(fc, &opt);
        for (int32_t i = 0; i < 1200; i++) {
            static const double caps[] = { INFINITY, 800.0, 1e6, NAN, -5.0, 0.0 };
            double cap_w = caps[draw(20) ? 0 : draw(6)];

            at_us += drawn_step_us(opt.grid_us);
            fc_put(fc, at_us, drawn_w(), cap_w);
            if (draw(10) == 0)
                fc_hint(fc, at_us + drawn_step_us(opt.grid_us), (enum fc_mark)((int32_t)draw(12) - 2),
                        drawn_w());
            assert_sound(fc, &opt, at_us + drawn_step_us(opt.grid_us), cap_w);
        }
        free(fc);
    }
}

static void the_same_garbage_gives_the_same(void **state)
{
    (void)state;
    struct fc_options opt;
    struct fc *fc[2];

    for (int32_t k = 0; k < 2; k++) {
        int64_t at_us = 0;

        state_ = 77;
        drawn_options(&opt);
        fc[k] = malloc(fc_size(&opt));
        assert_non_null(fc[k]);
        fc_init(fc[k], &opt);
        for (int32_t i = 0; i < 3000; i++) {
            at_us += opt.grid_us + (int64_t)draw(10);
            fc_put(fc[k], at_us, drawn_w(), INFINITY);
        }
    }
    assert_memory_equal(fc[0], fc[1], fc_size(&opt));
    free(fc[0]);
    free(fc[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_in_numbers_out),
        cmocka_unit_test(the_same_garbage_gives_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
