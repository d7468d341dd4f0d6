/* SPDX-License-Identifier: Apache-2.0 */
/* From readings to samples, and from what is known to what is told: slots, gaps, what was seen
 * of late, age and caps. */
#include "fc_rig.h"

#define GRID_US (10 * FC_RIG_MS)

static const struct fc_options options = FC_RIG_RACK(25.0, 2, 50 * FC_RIG_MS, 200 * FC_RIG_MS);

static void noise(struct fc_rig *r, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        fc_rig_put(r, 500.0 + fc_rig_noise(r, 6.0));
}

static void the_parts_of_the_block_lie_behind_each_other(void **state)
{
    (void)state;

    for (int32_t kind = FC_RACK; kind <= FC_GPU; kind++)
        for (int32_t horizons = 1; horizons <= (kind == FC_RACK ? 6 : 2); horizons++) {
            struct fc_options opt = { .kind = (enum fc_kind)kind,
                                      .grid_us = GRID_US,
                                      .horizon_count = horizons };
            size_t lags = kind == FC_RACK ? 1024 : 64,
                   pending = (kind == FC_RACK ? 64U : 8U) * (size_t)horizons;
            struct fc_rig r;

            for (int32_t h = 0; h < horizons; h++)
                opt.horizon_us[h] = (h + 1) * GRID_US;
            fc_rig_make(&r, &opt);

            const size_t at[] = { 0,
                                  r.fc->horizon_at,
                                  r.fc->value_at,
                                  r.fc->top_at,
                                  r.fc->diff_at,
                                  r.fc->cost_at,
                                  r.fc->pending_top_at,
                                  r.fc->pending_at,
                                  fc_size(&opt) };
            const size_t bytes[] = { sizeof *r.fc,
                                     (size_t)horizons * sizeof(struct fc_horizon),
                                     2 * lags * sizeof(float),
                                     lags / 16 * sizeof(float),
                                     3 * lags * sizeof(float),
                                     lags * sizeof(float),
                                     pending * sizeof(float),
                                     pending * sizeof(struct fc_pending) };

            for (size_t k = 0; k < 8; k++) {
                assert_int_equal(at[k] % 16, 0);
                assert_in_range(at[k + 1] - at[k], bytes[k], bytes[k] + 15);
            }
            assert_int_equal(fc_size(&opt) % 16, 0);
            fc_rig_done(&r);
        }
}

static void a_grid_is_never_finer_than_the_sensor(void **state)
{
    (void)state;
    struct fc_options opt = options;
    struct fc_rig r;

    opt.sensor_window_us = opt.sensor_period_us = 100 * FC_RIG_MS;
    fc_rig_make(&r, &opt);
    assert_int_equal(r.fc->opt.grid_us, 100 * FC_RIG_MS);
    assert_int_equal(r.v.horizon[1].steps, 2);
    fc_rig_done(&r);
    opt.sensor_window_us = opt.sensor_period_us = 2 * FC_RIG_MS;
    fc_rig_make(&r, &opt);
    assert_int_equal(r.fc->opt.grid_us, GRID_US);
    fc_rig_done(&r);
}

/* The nearest slot, counted from the first reading. */
static void a_reading_belongs_to_the_nearest_slot(void **state)
{
    (void)state;
    const int64_t first_us = 123456;
    struct fc_rig r;

    fc_rig_make(&r, &options);
    fc_put(r.fc, first_us, 100.0, INFINITY);
    assert_int_equal(r.fc->ring.count, 1);
    fc_put(r.fc, first_us + GRID_US / 2 - 1, 200.0, INFINITY);
    assert_int_equal(r.fc->ring.count, 1);
    fc_put(r.fc, first_us + GRID_US / 2, 300.0, INFINITY);
    assert_int_equal(r.fc->ring.count, 2);
    assert_int_equal(r.fc->at_us, first_us + GRID_US / 2);
    fc_put(r.fc, first_us + 3 * GRID_US / 2 - 1, 400.0, INFINITY);
    assert_int_equal(r.fc->ring.count, 2);
    fc_put(r.fc, first_us + 3 * GRID_US / 2, 500.0, INFINITY);
    assert_int_equal(r.fc->ring.count, 3);
    FC_NEAR(fc_ring_at(&r.fc->ring, r.v.value, 0), 500.0);
    FC_NEAR(fc_ring_at(&r.fc->ring, r.v.value, 1), 300.0);
    FC_NEAR(fc_ring_at(&r.fc->ring, r.v.value, 2), 100.0);
    fc_put(r.fc, first_us + 3 * GRID_US, 1e9, INFINITY); /* nobody draws that much */
    fc_put(r.fc, first_us + 3 * GRID_US, -1e9, INFINITY);
    assert_int_equal(r.fc->ring.count, 3);
    fc_rig_done(&r);
}

/* Missing ones are as the last, each at its own time: marks are told of them as well. */
static void missing_readings_are_like_the_last(void **state)
{
    (void)state;
    struct fc_rig r;
    const struct fc_hint_profile *p;

    fc_rig_make(&r, &options);
    p = &r.fc->hints.profile[FC_MARK_GO];
    fc_put(r.fc, 1000, 100.0, INFINITY);
    fc_hint(r.fc, 1000, FC_MARK_GO, 0.0);
    fc_put(r.fc, 1000 + 5 * GRID_US, 200.0, INFINITY);
    assert_int_equal(r.fc->ring.count, 6);
    assert_int_equal(r.fc->slot, 5);
    for (int32_t age = 0; age <= 5; age++)
        FC_NEAR(fc_ring_at(&r.fc->ring, r.v.value, age), age == 0 ? 200.0 : 100.0);
    for (int32_t place = 0; place <= 6; place++) {
        assert_int_equal(p->count[place], place >= 1 && place <= 5 ? 1 : 0);
        FC_NEAR(p->mean[place], place == 5 ? 200.0 : place >= 1 && place <= 4 ? 100.0 : 0.0);
    }
    fc_rig_done(&r);
}

/* A quarter of the memory may be missing. */
static void a_gap_of_more_than_a_quarter_begins_anew(void **state)
{
    (void)state;

    for (int32_t gap = 256; gap <= 257; gap++) {
        struct fc_rig r;

        fc_rig_make(&r, &options);
        for (int32_t i = 0; i < 200; i++)
            fc_rig_put(&r, i % 20 < 10 ? 200.0 : 100.0);
        assert_int_equal(r.fc->period, 20);
        r.now_us += (gap - 1) * GRID_US;
        fc_rig_put(&r, 150.0);
        assert_int_equal(r.fc->ring.count, gap == 256 ? 456 : 1);
        assert_int_equal(r.fc->period, gap == 256 ? r.fc->period : 0);
        FC_NEAR(r.fc->stats.low, gap == 256 ? r.fc->stats.low : 150.0);
        if (gap == 257) { /* nothing of before is left */
            FC_NEAR(r.fc->stats.high, 150.0);
            FC_NEAR(r.v.horizon[0].slow, 150.0);
            FC_NEAR(fc_ring_at(&r.fc->ring, r.v.value, 500), 150.0);
            for (int32_t i = 1; i < 3 * 1024; i++) /* but for the first lag, which is tried anew */
                FC_NEAR(r.v.diff[i], 0.0);
        }
        fc_rig_put(&r, 151.0);
        assert_int_equal(r.fc->ring.count, gap == 256 ? 457 : 2);
        fc_rig_done(&r);
    }
}

/* Beside a plain reckoning: the highest of the last 1024, and what sinks towards each other by a
 * twentieth of a per cent of the spread; a short mean. */
static void what_was_seen_of_late_is_forgotten_slowly(void **state)
{
    (void)state;
    struct fc_rig r;
    static double w[4000];
    double high = 0.0, low = 0.0, smooth = 0.0;

    fc_rig_make(&r, &options);
    for (int32_t i = 0; i < 4000; i++) {
        double sink = 0.0005 * (high - low), top = -INFINITY;

        w[i] = (double)(float)(500.0 + fc_rig_noise(&r, 20.0) + (i % 1500 == 700 ? 300.0 : 0.0) -
                               (i % 1300 == 600 ? 200.0 : 0.0));
        fc_rig_put(&r, w[i]);
        if (i == 0) {
            high = low = smooth = w[0];
            continue;
        }
        for (int32_t k = i; k >= 0 && k > i - 1024; k--)
            top = fmax(top, w[k]);
        high = fmax(top, high - sink);
        low = fmin(w[i], low + sink);
        smooth += 0.3 * (w[i] - smooth);
        assert_true(fabs(r.fc->stats.high - high) < 1e-6);
        assert_true(fabs(r.fc->stats.low - low) < 1e-6);
        assert_true(fabs(r.fc->stats.smooth - smooth) < 1e-6);
        assert_true(fabs((double)fc_spread(r.fc) - fmax(high - low, 0.05 * high + 1e-3)) < 1e-3);
    }
    fc_rig_done(&r);
}

/* Lags that were hardly tried since a change are left out of what every horizon looks at. */
static void what_was_hardly_tried_since_a_change_is_no_moment(void **state)
{
    (void)state;

    for (int32_t changed = 0; changed < 2; changed++) {
        struct fc_rig r;

        fc_rig_make(&r, &options);
        noise(&r, 400);
        for (int32_t i = 0; i < 3 * 1024; i++)
            r.v.diff[i] = i % 1024 == 89 ? 1.0F : 1000.0F;
        if (changed)
            r.fc->change.since = 99;
        fc_rig_put(&r, (double)fc_ring_at(&r.fc->ring, r.v.value, 89));
        for (int32_t h = 0; h < 3; h++) {
            const struct fc_template *like = h ? &r.v.horizon[h - 1].like : &r.fc->like;
            bool there = false;

            for (int32_t k = 0; k < like->count; k++)
                there = there || like->lag[k] == 90;
            assert_int_equal(there, !changed);
        }
        fc_rig_done(&r);
    }
}

/* ---- what is told ---- */

static void a_forecast_ages_and_at_last_is_none(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_forecast fresh, f;
    double high_w;

    fc_rig_make(&r, &options);
    noise(&r, 500);
    high_w = r.fc->stats.high + (double)fc_spread(r.fc);
    fc_get(r.fc, r.now_us, &fresh);
    assert_true(fresh.confidence > 0.5);
    fc_get(r.fc, r.now_us + 3 * GRID_US, &f); /* three slots are nothing */
    assert_memory_equal(&f, &fresh, sizeof f);
    for (int32_t k = 0; k < 3; k++) {
        int64_t age_us = k == 0 ? 3 * GRID_US + 1 : k == 1 ? 200 * FC_RIG_MS : 200 * FC_RIG_MS + 1;
        bool over = k == 2;

        r.v.horizon[0].out.upper_w[FC_90] = fresh.ahead[1].upper_w[FC_90] + 3.0; /* a higher one stays */
        fc_get(r.fc, r.now_us + age_us, &f);
        FC_NEAR(f.confidence, over ? 0.0 : fresh.confidence / 2.0);
        for (int32_t h = 0; h < 2; h++)
            for (int32_t l = 0; l < FC_LEVELS; l++) {
                double upper_w = fresh.ahead[1].upper_w[l] + (h == 0 && l == FC_90 ? 3.0 : 0.0);

                FC_NEAR(f.ahead[h].upper_w[l], over ? fmax(upper_w, high_w) : upper_w);
            }
        FC_NEAR(f.ahead[0].expected_w, fresh.ahead[0].expected_w);
    }
    fc_rig_done(&r);
}

/* A cap that is told with any reading bounds all that is told, also the mean. */
static void nothing_that_is_told_passes_the_cap(void **state)
{
    (void)state;
    static const double none[] = { 0.0, -5.0, NAN, INFINITY };
    struct fc_rig r;
    struct fc_forecast fresh, f;

    fc_rig_make(&r, &options);
    noise(&r, 500);
    fc_get(r.fc, r.now_us, &fresh);
    fc_put(r.fc, r.now_us, NAN, 490.0); /* no reading, but a cap */
    fc_get(r.fc, r.now_us, &f);
    for (int32_t h = 0; h < 2; h++) {
        FC_NEAR(f.ahead[h].expected_w, 490.0);
        FC_NEAR(f.ahead[h].peak_w, 490.0);
        for (int32_t l = 0; l < FC_LEVELS; l++)
            FC_NEAR(f.ahead[h].upper_w[l], 490.0);
    }
    fc_get(r.fc, r.now_us + 1000 * FC_RIG_MS, &f); /* however old it is */
    FC_NEAR(f.ahead[0].upper_w[FC_999], 490.0);
    for (size_t k = 0; k < 4; k++) {
        fc_put(r.fc, r.now_us, NAN, none[k]);
        fc_get(r.fc, r.now_us, &f);
        assert_memory_equal(&f, &fresh, sizeof f);
    }
    fc_rig_done(&r);
}

/* The highest that followed the best moment, within the horizon and not beyond the present; what
 * is higher by less than 0.2 % of the spread is as high. */
static void when_the_peak_comes_is_when_it_came_then(void **state)
{
    (void)state;
    static const struct {
        int32_t lag, peak;
        double more_w;
        int32_t expected;
    } cases[] = {
        { 30, 1, 20.0, 1 }, { 30, 3, 20.0, 3 }, { 30, 5, 20.0, 5 }, { 30, 6, 20.0, 0 }, /* the horizon is 5 */
        { 4, 3, 20.0, 3 },  { 30, 3, 0.15, 0 }, { 30, 3, 0.25, 3 },
    };

    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct fc_rig r;
        struct fc_forecast f;
        float w[100];

        for (int32_t i = 0; i < 100; i++)
            w[i] = i == 99 - cases[k].lag + cases[k].peak ? (float)(150.0 + cases[k].more_w) : 150.0F;
        fc_rig_stand(&r, &options, 150.0, 100, w);
        r.v.horizon[0].like = (struct fc_template){ .count = 1, .lag = { cases[k].lag }, .weight = { 1.0F } };
        fc_get(r.fc, 0, &f);
        assert_int_equal(f.ahead[0].peak_us, cases[k].expected * GRID_US);
        r.v.horizon[0].like.count = 0;
        fc_get(r.fc, 0, &f);
        assert_int_equal(f.ahead[0].peak_us, 0);
        fc_rig_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_the_block_lie_behind_each_other),
        cmocka_unit_test(a_grid_is_never_finer_than_the_sensor),
        cmocka_unit_test(a_reading_belongs_to_the_nearest_slot),
        cmocka_unit_test(missing_readings_are_like_the_last),
        cmocka_unit_test(a_gap_of_more_than_a_quarter_begins_anew),
        cmocka_unit_test(what_was_seen_of_late_is_forgotten_slowly),
        cmocka_unit_test(what_was_hardly_tried_since_a_change_is_no_moment),
        cmocka_unit_test(a_forecast_ages_and_at_last_is_none),
        cmocka_unit_test(nothing_that_is_told_passes_the_cap),
        cmocka_unit_test(when_the_peak_comes_is_when_it_came_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
