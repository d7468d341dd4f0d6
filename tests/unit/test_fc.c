/* SPDX-License-Identifier: Apache-2.0 */
/* A forecaster as a whole: what it says of loads that are known, what it says before
 * it knows anything, and what bad readings and bad hints do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fenv.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "busbar/fc.h"

#define MS 1000
#define TWO_H                                                                                                \
    {                                                                                                        \
        50 * MS, 100 * MS                                                                                    \
    }

static uint32_t seed;

static double noise(double size)
{
    seed = seed * 1664525U + 1013904223U;
    return size * ((double)(seed >> 8) / 16777216.0 - 0.5);
}

static struct fc *fc_make(const struct fc_options *opt)
{
    struct fc *fc = malloc(fc_size(opt));

    assert_non_null(fc);
    fc_init(fc, opt);
    seed = 1;
    return fc;
}

static const struct fc_options at_1khz = {
    .kind = FC_RACK, .grid_us = MS, .horizon_count = 2, .horizon_us = TWO_H, .event_w = 25.0
};
static const struct fc_options at_100hz = {
    .kind = FC_RACK, .grid_us = 10 * MS, .horizon_count = 2, .horizon_us = TWO_H, .event_w = 25.0
};
static const struct fc_options of_a_gpu = {
    .kind = FC_GPU, .grid_us = 10 * MS, .horizon_count = 2, .horizon_us = TWO_H, .event_w = 25.0
};

/* What of a run's samples was right. */
struct tally {
    int32_t count, hits, alarms, spikes, held;
    double error;
};

struct stretch {
    const double *w;
    int32_t count;
    int32_t first;    /* scored from here on, as far as the horizon is in it */
    int64_t begin_us; /* the clock before its first sample                   */
};

static struct tally run(struct fc *fc, const struct fc_options *opt, int32_t h, const struct stretch *s)
{
    int32_t steps = (int32_t)(opt->horizon_us[h] / opt->grid_us);
    struct tally t = { .count = 0 };
    struct fc_forecast f;

    for (int32_t i = 0; i < s->count; i++) {
        int64_t at_us = s->begin_us + (i + 1) * opt->grid_us;
        double top = -INFINITY, now = s->w[i];

        fc_put(fc, at_us, now, INFINITY);
        fc_get(fc, at_us, &f);
        if (i < s->first || i + steps >= s->count)
            continue;
        for (int32_t k = 1; k <= steps; k++)
            top = fmax(top, s->w[i + k]);
        t.count++;
        t.error += fabs(s->w[i + steps] - f.ahead[h].expected_w);
        t.held += top <= f.ahead[h].upper_w[FC_99];
        t.spikes += top > now + opt->event_w;
        t.alarms += f.ahead[h].alarm;
        t.hits += f.ahead[h].alarm && top > now + opt->event_w;
    }
    return t;
}

static double *square(int32_t count, double period, double jitter)
{
    double *w = calloc((size_t)count, sizeof *w), end = 500.0, on = 0.0;

    assert_non_null(w);
    for (int32_t i = 0; i < count; i++) {
        if (i >= end) {
            double length = period * (1.0 + noise(2.0 * jitter));

            on = end + length / 2.0;
            end += length;
        }
        w[i] = (i < on ? 190.0 : 64.0) + noise(5.0);
    }
    return w;
}

/* ---- before it knows anything ---- */

static void without_a_reading_nothing_is_known(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_1khz);
    struct fc_forecast f;

    fc_get(fc, 1000, &f);
    assert_false(f.known);
    assert_float_equal(f.confidence, 0.0, 0.0);
    fc_hint(fc, 1000, FC_MARK_STEP, 0.0);
    fc_get(fc, 1000, &f);
    assert_false(f.known);
    free(fc);
}

static void the_first_reading_is_the_forecast_and_the_bound_lies_above(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_1khz);
    struct fc_forecast f;

    fc_put(fc, 1000, 500.0, INFINITY);
    fc_get(fc, 1000, &f);
    assert_true(f.known);
    assert_float_equal(f.now_w, 500.0, 0.01);
    assert_float_equal(f.ahead[0].expected_w, 500.0, 0.01);
    assert_true(f.ahead[0].upper_w[FC_90] >= 500.0);
    assert_true(f.ahead[0].upper_w[FC_99] >= f.ahead[0].upper_w[FC_90]);
    assert_true(f.ahead[0].upper_w[FC_999] >= f.ahead[0].upper_w[FC_99]);
    assert_true(f.confidence < 0.1);
    free(fc);
}

/* ---- loads that are known ---- */

static void a_square_wave_is_foretold_at_1_khz(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_1khz);
    double *w = square(6000, 104.0, 0.0);
    struct tally t =
        run(fc, &at_1khz, 0,
            &(struct stretch){ .w = w, .count = 6000, .first = 820 }); /* three periods after it began */

    assert_true(t.hits >= 0.99 * t.spikes);
    assert_true(t.hits >= 0.97 * t.alarms);
    assert_true(t.error / t.count < 0.03 * 126.0);
    assert_true(t.held >= 0.986 * t.count);
    free(w);
    free(fc);
}

static void five_percent_of_jitter_are_borne(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_1khz);
    double *w = square(12000, 104.0, 0.05);
    struct tally t = run(fc, &at_1khz, 0, &(struct stretch){ .w = w, .count = 12000, .first = 820 });

    assert_true(t.hits >= 0.99 * t.spikes);
    assert_true(t.hits >= 0.97 * t.alarms);
    assert_true(t.held >= 0.986 * t.count);
    free(w);
    free(fc);
}

static void a_new_period_is_found_within_three_of_it(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_1khz);
    double *a = square(4660, 104.0, 0.0), *b = square(6000, 150.0, 0.0); /* each idle for the first 500 */
    struct tally t;

    (void)run(fc, &at_1khz, 0, &(struct stretch){ .w = a, .count = 4660, .first = 4660 });
    t = run(fc, &at_1khz, 0,
            &(struct stretch){ .w = b + 500, .count = 5500, .first = 450, .begin_us = 4660 * (int64_t)MS });
    assert_true(t.hits >= 0.99 * t.spikes);
    assert_true(t.hits >= 0.97 * t.alarms);
    free(a);
    free(b);
    free(fc);
}

static void the_light_variant_foretells_it_too(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&of_a_gpu);
    double *w = square(3000, 12.0, 0.0);
    struct tally t = run(fc, &of_a_gpu, 0, &(struct stretch){ .w = w, .count = 3000, .first = 700 });

    assert_true(t.error / t.count < 0.1 * 126.0);
    assert_true(t.held >= 0.986 * t.count);
    free(w);
    free(fc);
}

/* Idle, six seconds of load, idle: nothing foretells its two edges. */
static void a_step_is_taken_as_well_as_persistence_takes_it(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_100hz);
    double w[1400], persistence = 0.0;
    struct tally t;

    seed = 3;
    for (int32_t i = 0; i < 1400; i++)
        w[i] = (i >= 300 && i < 900 ? 300.0 : 60.0) + noise(2.0);
    t = run(fc, &at_100hz, 1, &(struct stretch){ .w = w, .count = 1400, .first = 140 });
    for (int32_t i = 140; i + 10 < 1400; i++)
        persistence += fabs(w[i + 10] - w[i]);
    assert_true(t.error <= 1.02 * persistence);
    free(fc);
}

static void the_bound_holds_for_noise_that_grows(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_100hz);
    static double w[20000];
    struct tally t;

    seed = 5;
    for (int32_t i = 0; i < 20000; i++)
        w[i] = 500.0 + noise(20.0 + i / 100.0);
    t = run(fc, &at_100hz, 0, &(struct stretch){ .w = w, .count = 20000, .first = 300 });
    assert_true(t.held >= 0.986 * t.count);
    assert_true(t.held <= 0.9995 * t.count);
    free(fc);
}

static void peak_and_period_are_told(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_1khz);
    struct fc_forecast f;

    for (int32_t i = 0; i < 3000; i++)
        fc_put(fc, (i + 1) * MS, i % 100 < 50 ? 200.0 : 50.0, INFINITY);
    /* i = 2999 was the last low sample: the edge is next. */
    fc_get(fc, 3000 * MS, &f);
    assert_in_range(f.period_us, 99 * MS, 101 * MS);
    assert_float_equal(f.ahead[0].peak_w, 200.0, 15.0);
    assert_true(f.ahead[0].spike_probability > 0.9);
    assert_in_range(f.ahead[0].peak_us, 1, 3 * MS);
    assert_true(f.confidence > 0.5);
    /* It comes lower than before: what came next then is the peak, not where it stood. */
    for (int32_t i = 3000; i < 3010; i++)
        fc_put(fc, (i + 1) * MS, 190.0, INFINITY);
    fc_get(fc, 3010 * MS, &f);
    assert_int_equal(f.ahead[0].peak_us, MS);
    free(fc);
}

/* ---- readings as they come ---- */

static void no_bound_passes_the_cap(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_100hz);
    struct fc_forecast f;

    for (int32_t i = 0; i < 500; i++)
        fc_put(fc, (i + 1) * 10 * MS, 100.0 + 600.0 * (i % 7 == 0), 650.0);
    fc_get(fc, 5000 * MS, &f);
    for (int32_t h = 0; h < 2; h++)
        for (int32_t l = 0; l < FC_LEVELS; l++)
            assert_true(f.ahead[h].upper_w[l] <= 650.0);
    free(fc);
}

static void gaps_and_jitter_of_the_clock_are_borne(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_1khz);
    double *w = square(8000, 104.0, 0.0), error = 0.0;
    int32_t count = 0;
    struct fc_forecast f;

    for (int32_t i = 0; i < 8000; i++) {
        int64_t at_us = (i + 1) * MS + (int64_t)noise(400.0);

        if (i % 37 == 5 || (i > 5000 && i < 5020)) /* lost */
            continue;
        fc_put(fc, at_us, w[i], INFINITY);
        fc_get(fc, at_us, &f);
        if (i < 1500 || i + 50 >= 8000)
            continue;
        error += fabs(w[i + 50] - f.ahead[0].expected_w);
        count++;
    }
    assert_true(error / count < 0.08 * 126.0);
    free(w);
    free(fc);
}

static void a_long_gap_begins_anew(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_1khz);
    struct fc_forecast f;

    for (int32_t i = 0; i < 3000; i++)
        fc_put(fc, (i + 1) * MS, i % 100 < 50 ? 200.0 : 50.0, INFINITY);
    fc_put(fc, 3600 * (int64_t)1000 * MS, 120.0, INFINITY);
    fc_get(fc, 3600 * (int64_t)1000 * MS, &f);
    assert_float_equal(f.ahead[0].expected_w, 120.0, 1.0);
    assert_int_equal(f.period_us, 0);
    free(fc);
}

static void old_readings_and_second_ones_are_ignored(void **state)
{
    (void)state;
    struct fc *a = fc_make(&at_1khz), *b = fc_make(&at_1khz);
    struct fc_forecast fa, fb;

    for (int32_t i = 0; i < 1000; i++) {
        fc_put(a, (i + 1) * MS, 100.0 + i % 10, INFINITY);
        fc_put(b, (i + 1) * MS, 100.0 + i % 10, INFINITY);
        fc_put(b, (i + 1) * MS + 10, 9000.0, INFINITY);
        fc_put(b, (i - 5) * MS, 9000.0, INFINITY);
        fc_put(b, (i + 1) * MS + 20, NAN, INFINITY);
        fc_put(b, (i + 1) * MS + 20, INFINITY, INFINITY);
    }
    fc_get(a, 1001 * MS, &fa);
    fc_get(b, 1001 * MS, &fb);
    fb.at_us = fa.at_us;
    assert_memory_equal(&fa, &fb, sizeof fa);
    free(a);
    free(b);
}

static void an_old_forecast_is_worth_less(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_1khz);
    struct fc_forecast fresh, old, dead;

    for (int32_t i = 0; i < 3000; i++)
        fc_put(fc, (i + 1) * MS, i % 100 < 50 ? 200.0 : 50.0, INFINITY);
    fc_get(fc, 3000 * MS, &fresh);
    fc_get(fc, 3010 * MS, &old);
    fc_get(fc, 4000 * MS, &dead);
    assert_true(old.confidence < fresh.confidence);
    assert_true(old.ahead[0].upper_w[FC_99] >= fresh.ahead[1].upper_w[FC_99]);
    assert_float_equal(dead.confidence, 0.0, 0.0);
    assert_true(dead.ahead[0].upper_w[FC_99] >= 200.0);
    free(fc);
}

static void a_stuck_sensor_is_not_believed(void **state)
{
    (void)state;
    struct fc *fc = fc_make(&at_100hz);
    struct fc_forecast f;
    int32_t i = 0;

    seed = 8;
    for (; i < 1000; i++)
        fc_put(fc, (i + 1) * 10 * MS, (i < 500 ? 300.0 : 46.0) + noise(1.0), INFINITY);
    for (; i < 1200; i++)
        fc_put(fc, (i + 1) * 10 * MS, 46.19, INFINITY);
    fc_get(fc, i * 10 * MS, &f);
    assert_true(f.stuck);
    assert_float_equal(f.confidence, 0.0, 0.0);
    assert_true(f.ahead[0].upper_w[FC_99] > 200.0);
    free(fc);
}

/* A 52/52 ms square seen through 25 ms in every 100: slow and wrong, so the bound
 * stands at the top all the time. */
static void an_aliased_sensor_has_wide_bounds(void **state)
{
    (void)state;
    const struct fc_options opt = { .kind = FC_RACK,
                                    .grid_us = 10 * MS,
                                    .horizon_count = 1,
                                    .horizon_us = { 100 * MS },
                                    .event_w = 25.0,
                                    .sensor_window_us = 25 * MS,
                                    .sensor_period_us = 100 * MS };
    struct fc *fc = fc_make(&opt);
    int32_t held = 0, count = 0;

    for (int32_t i = 1; i <= 2000; i++) {
        struct fc_forecast f;
        double w = 0.0;

        for (int32_t ms = i * 100 - 25; ms < i * 100; ms++)
            w += (ms % 104 < 52 ? 190.0 : 64.0) / 25.0;
        fc_put(fc, i * 100 * MS, w, INFINITY);
        fc_get(fc, i * 100 * MS, &f);
        if (i < 300)
            continue;
        count++;
        held += f.ahead[0].upper_w[FC_99] >= 190.0; /* the next 100 ms always reach it */
    }
    assert_true(held >= 0.98 * count);
    free(fc);
}

/* ---- hints ---- */

/* Steps of 10 to 13 s at 1 s: a dip of 2 s after each. Only the log knows when. */
static double hinted_error(int32_t kind)
{
    const struct fc_options opt = { .kind = FC_RACK,
                                    .grid_us = 1000 * MS,
                                    .horizon_count = 1,
                                    .horizon_us = { 1000 * MS },
                                    .event_w = 25.0 };
    struct fc *fc = fc_make(&opt);
    double error = 0.0, guess = NAN;
    int32_t left = 0, since = 0;

    seed = 11;
    for (int64_t i = 1; i <= 4000; i++) {
        struct fc_forecast f;
        double w;

        if (left-- == 0) {
            left = 9 + (int32_t)(noise(4.0) + 2.0);
            since = 0;
            if (kind == 1)
                fc_hint(fc, (i - 1) * 1000 * MS, FC_MARK_STEP, 0.0);
        }
        if (kind == 2 && noise(1.0) > 0.4)
            fc_hint(fc, (i - 1) * 1000 * MS, (enum fc_mark)((int32_t)(noise(5.9) + 2.95)), 0.0);
        w = (since++ < 3 && since > 1 ? 60.0 : 100.0) + noise(1.0);
        if (i > 500)
            error += fabs(w - guess) / 3500.0;
        fc_put(fc, i * 1000 * MS, w, INFINITY);
        fc_get(fc, i * 1000 * MS, &f);
        guess = f.ahead[0].expected_w;
    }
    free(fc);
    return error;
}

static void true_hints_help_and_false_ones_cost_little(void **state)
{
    (void)state;
    double none = hinted_error(0), good = hinted_error(1), bad = hinted_error(2);

    print_message("errors: no hints %.2f W, true ones %.2f W, false ones %.2f W\n", none, good, bad);
    assert_true(good < 0.6 * none);
    assert_true(bad < 1.1 * none);
}

/* ---- one block ---- */

static void a_copy_of_the_block_goes_on_as_the_original(void **state)
{
    (void)state;
    struct fc *a = fc_make(&at_1khz), *b = malloc(fc_size(&at_1khz));
    double *w = square(3000, 104.0, 0.02);
    struct fc_forecast fa, fb;

    assert_non_null(b);
    for (int32_t i = 0; i < 1500; i++)
        fc_put(a, (i + 1) * MS, w[i], INFINITY);
    memcpy(b, a, fc_size(&at_1khz));
    for (int32_t i = 1500; i < 3000; i++) {
        fc_put(a, (i + 1) * MS, w[i], INFINITY);
        fc_put(b, (i + 1) * MS, w[i], INFINITY);
        fc_get(a, (i + 1) * MS, &fa);
        fc_get(b, (i + 1) * MS, &fb);
        assert_memory_equal(&fa, &fb, sizeof fa);
    }
    free(w);
    free(a);
    free(b);
}

/* Floats that fade under their least normal size cost a hundred times as much. */
static void no_load_makes_an_update_underflow(void **state)
{
    static const struct fc_options *const kinds[] = { &at_1khz, &at_100hz, &of_a_gpu };
    static const struct {
        double high_w, low_w, noise_w;
    } loads[] = { { 190.0, 64.0, 0.0 },
                  { 190.0, 64.0, 3.0 },
                  { 0.0, 0.0, 0.0 },
                  { 100.0, 100.0, 0.0 },
                  { 1e5, 1.0, 0.0 } };

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (size_t l = 0; l < sizeof loads / sizeof loads[0]; l++) {
            struct fc *fc = fc_make(kinds[k]);

            (void)feclearexcept(FE_ALL_EXCEPT);
            for (int32_t i = 0; i < 30000; i++) { /* a load, then one that stands still, and again */
                bool still = i % 15000 > 2000;
                double w = (i % 104 < 52 || still ? loads[l].high_w : loads[l].low_w) +
                           (still ? 0.0 : noise(loads[l].noise_w));

                fc_hint(fc, (i + 1) * kinds[k]->grid_us, FC_MARK_QUEUE, still ? 0.0 : (double)(i % 7));
                fc_put(fc, (i + 1) * kinds[k]->grid_us, w, INFINITY);
                if (fetestexcept(FE_UNDERFLOW))
                    fail_msg("kind %zu, load %zu: underflow at sample %d", k, l, i);
            }
            free(fc);
        }
}

static void beginning_anew_forgets_everything(void **state)
{
    (void)state;
    struct fc *a = fc_make(&at_1khz), *b = fc_make(&at_1khz);
    double *w = square(1000, 104.0, 0.0);

    for (int32_t i = 0; i < 1000; i++)
        fc_put(a, (i + 1) * MS, w[i], INFINITY);
    fc_init(a, &at_1khz);
    assert_memory_equal(a, b, fc_size(&at_1khz));
    free(w);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_reading_nothing_is_known),
        cmocka_unit_test(the_first_reading_is_the_forecast_and_the_bound_lies_above),
        cmocka_unit_test(a_square_wave_is_foretold_at_1_khz),
        cmocka_unit_test(five_percent_of_jitter_are_borne),
        cmocka_unit_test(a_new_period_is_found_within_three_of_it),
        cmocka_unit_test(the_light_variant_foretells_it_too),
        cmocka_unit_test(a_step_is_taken_as_well_as_persistence_takes_it),
        cmocka_unit_test(the_bound_holds_for_noise_that_grows),
        cmocka_unit_test(peak_and_period_are_told),
        cmocka_unit_test(no_bound_passes_the_cap),
        cmocka_unit_test(gaps_and_jitter_of_the_clock_are_borne),
        cmocka_unit_test(a_long_gap_begins_anew),
        cmocka_unit_test(old_readings_and_second_ones_are_ignored),
        cmocka_unit_test(an_old_forecast_is_worth_less),
        cmocka_unit_test(a_stuck_sensor_is_not_believed),
        cmocka_unit_test(an_aliased_sensor_has_wide_bounds),
        cmocka_unit_test(true_hints_help_and_false_ones_cost_little),
        cmocka_unit_test(a_copy_of_the_block_goes_on_as_the_original),
        cmocka_unit_test(no_load_makes_an_update_underflow),
        cmocka_unit_test(beginning_anew_forgets_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
