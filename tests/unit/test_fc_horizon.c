/* SPDX-License-Identifier: Apache-2.0 */
/* One horizon over many samples: what was forecast is judged when it has come, against what
 * came; and what is told of bounds, alarms and spikes is so. Each time beside a plain
 * reckoning that keeps everything. */
#include "fc_rig.h"

#define COUNT 3000

static const struct fc_options options = FC_RIG_RACK(8.0, 2, 50 * FC_RIG_MS, 900 * FC_RIG_MS);

/* What was given out at each sample, and what came. */
struct run {
    float w[COUNT];
    struct fc_forecast f[COUNT];
    int32_t since[COUNT];
};

/* Noise around a level, as seldom higher: nothing changes, and now and then there is a spike. */
static struct run *play(struct fc_rig *r)
{
    struct run *run = calloc(1, sizeof *run);

    assert_non_null(run);
    for (int32_t i = 0; i < COUNT; i++) {
        run->w[i] = (float)(500.0 + fc_rig_noise(r, 6.0) + (fc_rig_noise(r, 1.0) > 0.45 ? 10.0 : 0.0));
        fc_rig_put(r, (double)run->w[i]);
        fc_get(r->fc, r->now_us, &run->f[i]);
        run->since[i] = r->fc->change.since;
    }
    return run;
}

static float highest(const struct run *run, int32_t after, int32_t count)
{
    float top = -INFINITY;

    for (int32_t i = after + 1; i <= after + count; i++)
        top = run->w[i] > top ? run->w[i] : top;
    return top;
}

static void a_horizon_is_whole_samples_and_all_of_it_is_kept(void **state)
{
    (void)state;
    static const struct {
        enum fc_kind kind;
        int64_t grid_ms, horizon_ms, window_ms, period_ms;
        int32_t steps, span, stride;
    } cases[] = {
        { FC_RACK, 10, 50, 0, 0, 5, 5, 1 },
        { FC_RACK, 10, 54, 0, 0, 5, 5, 1 },
        { FC_RACK, 10, 55, 0, 0, 6, 6, 1 },
        { FC_RACK, 10, 3, 0, 0, 1, 1, 1 },
        { FC_RACK, 1, 63, 0, 0, 63, 63, 1 },
        { FC_RACK, 1, 64, 0, 0, 64, 64, 2 }, /* 64 are kept, one is new */
        { FC_RACK, 1, 126, 0, 0, 126, 126, 2 },
        { FC_RACK, 1, 127, 0, 0, 127, 127, 3 },
        { FC_GPU, 10, 70, 0, 0, 7, 7, 1 },
        { FC_GPU, 10, 80, 0, 0, 8, 8, 2 },
        { FC_RACK, 10, 200, 25, 100, 2, 8, 1 }, /* a quarter is seen: four readings see as much as one period */
        { FC_RACK, 10, 210, 25, 100, 2, 9, 1 },
        { FC_RACK, 10, 200, 100, 100, 2, 2, 1 },
        { FC_RACK, 100, 200, 400, 100, 2, 2, 1 },
    };

    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const struct fc_options opt = { .kind = cases[k].kind,
                                        .grid_us = cases[k].grid_ms * FC_RIG_MS,
                                        .horizon_count = 1,
                                        .horizon_us = { cases[k].horizon_ms * FC_RIG_MS },
                                        .event_w = 1.0,
                                        .sensor_window_us = cases[k].window_ms * FC_RIG_MS,
                                        .sensor_period_us = cases[k].period_ms * FC_RIG_MS };
        struct fc_rig r;

        fc_rig_make(&r, &opt);
        assert_int_equal(r.v.horizon[0].steps, cases[k].steps);
        assert_int_equal(r.v.horizon[0].span, cases[k].span);
        assert_int_equal(r.v.horizon[0].stride, cases[k].stride);
        for (int32_t p = 0; p < r.fc->pending; p++)
            assert_int_equal(r.v.pending[p].made, -1);
        fc_rig_done(&r);
    }
}

/* In spikes: how much the last sample rose, and how much room there is to the highest of late. */
static void a_sample_is_counted_by_its_rise_and_its_room(void **state)
{
    (void)state;
    static const struct fc_options opt = FC_RIG_RACK(8.0, 1, 50 * FC_RIG_MS);
    struct fc_rig r;

    fc_rig_make(&r, &opt);
    for (int32_t i = 0; i < 400; i++) {
        float before = fc_ring_at(&r.fc->ring, r.v.value, 0), now;
        const struct fc_pending *p;

        fc_rig_put(&r, 500.0 + fc_rig_noise(&r, 12.0));
        now = fc_ring_at(&r.fc->ring, r.v.value, 0);
        p = &r.v.pending[r.fc->ring.count % r.fc->pending];
        assert_int_equal(p->made, r.fc->ring.count);
        if (i > 0)
            assert_int_equal(p->cell[0],
                             fc_spike_own((now - before) / 8.0F, ((float)r.fc->stats.high - now) / 8.0F));
    }
    fc_rig_done(&r);
}

/* The share that is told is the share of bounds that held, each judged once, when its
 * horizon had come; as long as only every so-manieth is kept, those. */
static void the_coverage_told_is_that_of_what_was_given_out(void **state)
{
    (void)state;
    struct fc_rig r;
    struct run *run;

    fc_rig_make(&r, &options);
    run = play(&r);
    for (int32_t h = 0; h < 2; h++) {
        int32_t steps = h ? 90 : 5, stride = h ? 2 : 1;
        double held[FC_LEVELS] = { 0.9, 0.99, 0.999 };
        int64_t judged = 0;

        for (int32_t i = 0; i + steps < COUNT; i++) {
            float top = highest(run, i, steps);

            if ((i + 1) % stride) /* the first sample is number 1 */
                continue;
            judged++;
            for (int32_t l = 0; l < FC_LEVELS; l++)
                held[l] += 0.002 * ((double)top <= run->f[i].ahead[h].upper_w[l] ? 1.0 - held[l] : -held[l]);
        }
        assert_int_equal(r.v.horizon[h].judged, judged);
        for (int32_t l = 0; l < FC_LEVELS; l++) {
            assert_true(fabs((double)r.v.horizon[h].held[l + 1] - held[l]) < 1e-4);
            if (h == 0)
                assert_true(fabs(run->f[COUNT - 1].coverage[l] - held[l]) < 1e-4);
        }
        assert_true(held[FC_90] > 0.8 && held[FC_90] < 0.99); /* there were misses */
    }
    double short_of = fmax(0.0, 0.98 - run->f[COUNT - 1].coverage[FC_99]);

    FC_NEAR(run->f[COUNT - 1].confidence,
            (COUNT - 5.0) / (COUNT - 5.0 + 32.0) * fmax(0.0, 1.0 - short_of / 0.05));
    free(run);
    fc_rig_done(&r);
}

/* Read off the bounds, in straight lines between 1/2, 1/10, 1/100 and 1/1000. */
static double chance(const struct fc_ahead *a, double spike_w)
{
    const double w[FC_QUANTILES] = { a->peak_w, a->upper_w[0], a->upper_w[1], a->upper_w[2] };
    const double share[FC_QUANTILES] = { 0.5, 0.1, 0.01, 0.001 };

    if (w[0] >= spike_w)
        return 1.0;
    for (int32_t l = 0; l + 1 < FC_QUANTILES; l++)
        if (spike_w <= w[l + 1] && w[l + 1] > w[l])
            return share[l] + (share[l + 1] - share[l]) * (spike_w - w[l]) / (w[l + 1] - w[l]);
    return 0.0;
}

/* The alarm is given at that one of three probabilities whose alarms were best of late (F1). */
static void alarms_are_given_where_they_were_worth_most(void **state)
{
    (void)state;
    static const double at[] = { 0.5, 0.35, 0.2 };
    struct fc_rig r;
    struct run *run;

    fc_rig_make(&r, &options);
    run = play(&r);
    for (int32_t h = 0; h < 2; h++) {
        int32_t steps = h ? 90 : 5, stride = h ? 2 : 1, alarmed = 0, chosen[3] = { 0 };
        double hits[3] = { 20.0, 19.0, 18.0 }, alarms[3] = { 20.0, 20.0, 20.0 },
               spikes[3] = { 20.0, 20.0, 20.0 };

        for (int32_t i = 0; i < COUNT; i++) {
            const struct fc_ahead *a = &run->f[i].ahead[h];
            int32_t made = i - steps, best = 0;

            if (made >= 0 && (made + 1) % stride == 0) {
                bool spike = highest(run, made, steps) > run->w[made] + 8.0F;

                for (int32_t t = 0; t < 3; t++) {
                    bool alarm = chance(&run->f[made].ahead[h], (double)run->w[made] + 8.0) >= at[t];

                    if (!spike && !alarm)
                        continue;
                    hits[t] = 0.9995 * hits[t] + (spike && alarm);
                    alarms[t] = 0.9995 * alarms[t] + alarm;
                    spikes[t] = 0.9995 * spikes[t] + spike;
                }
            }
            if (fabs(a->spike_probability - chance(a, (double)run->w[i] + 8.0)) >= 1e-3)
                continue; /* counts of spikes were worth more (test_fc_spike.c) */
            for (int32_t t = 1; t < 3; t++)
                if (hits[t] / (alarms[t] + spikes[t]) > hits[best] / (alarms[best] + spikes[best]) + 1e-9)
                    best = t;
            chosen[best]++;
            alarmed += a->alarm;
            assert_int_equal(a->alarm, a->spike_probability >= at[best]);
        }
        for (int32_t t = 0; t < 3; t++) {
            assert_true(fabs((double)r.v.horizon[h].alarm[FC_SOURCE_BOUND][t].hits - hits[t]) <
                        1e-2 * hits[t]);
            assert_true(fabs((double)r.v.horizon[h].alarm[FC_SOURCE_BOUND][t].alarms - alarms[t]) <
                        1e-2 * alarms[t]);
            assert_true(fabs((double)r.v.horizon[h].alarm[FC_SOURCE_BOUND][t].spikes - spikes[t]) <
                        1e-2 * spikes[t]);
        }
        assert_true(chosen[0] + chosen[1] + chosen[2] > COUNT - COUNT / 10);
        assert_true(chosen[0] > 0 && chosen[0] < COUNT);
        assert_true(alarmed > 0 && alarmed < COUNT);
    }
    free(run);
    fc_rig_done(&r);
}

/* What is expected to move until the horizon is what moved over as long before: the root of the
 * mean of three memories. Slow means are over the horizon, over 16 samples at least. */
static void what_moves_is_what_moved_over_as_long_before(void **state)
{
    (void)state;
    struct fc_rig r;
    double slow[2] = { 0.0 }, diff[2][3] = { { 0.0 } }, w[COUNT];

    fc_rig_make(&r, &options);
    for (int32_t i = 0; i < COUNT; i++) {
        double spread;

        w[i] = (double)(float)(500.0 + fc_rig_noise(&r, 6.0));
        fc_rig_put(&r, w[i]);
        spread = (double)fc_spread(r.fc);
        for (int32_t h = 0; h < 2; h++) {
            int32_t steps = h ? 90 : 5, n = i + 1;
            double off = w[i] - w[i < steps ? 0 : i - steps], moved;
            const struct fc_pending *p = &r.v.pending[h * 64 + n / (h + 1) % 64];

            slow[h] = i ? slow[h] : w[0];
            slow[h] += (w[i] - slow[h]) / (h ? 90.0 : 16.0);
            for (int32_t s = 0; s < 3; s++)
                diff[h][s] += (off * off - diff[h][s]) / (16 << 2 * s);
            moved = sqrt((diff[h][0] + diff[h][1] + diff[h][2]) / 3.0) + 0.002 * spread;
            assert_true(fabs(r.v.horizon[h].slow - slow[h]) < 1e-3);
            /* lags that the series has not had yet are tried anew as it goes on */
            if (i < 1600 || (h == 1 && n % 2))
                continue;
            assert_int_equal(p->made, n);
            FC_NEAR(p->now, w[i]);
            assert_true(fabs((double)p->point_scale[FC_POINT_LAST] - moved) < 2e-3 * moved);
        }
    }
    fc_rig_done(&r);
}

/* A gap that is too long begins anew, and no forecast of before it is judged by what comes after. */
static void what_was_forecast_before_a_gap_is_not_judged_after_it(void **state)
{
    (void)state;
    struct fc_rig r;
    int64_t judged;

    fc_rig_make(&r, &options);
    for (int32_t i = 0; i < 300; i++)
        fc_rig_put(&r, 500.0 + fc_rig_noise(&r, 6.0));
    judged = r.v.horizon[0].judged;
    assert_int_equal(judged, 300 - 5);
    r.now_us += r.fc->lags * r.fc->opt.grid_us;
    for (int32_t i = 0; i < 5; i++) {
        fc_rig_put(&r, 500.0 + fc_rig_noise(&r, 6.0));
        assert_int_equal(r.fc->ring.count, i + 1);
        assert_int_equal(r.v.horizon[0].judged, judged);
    }
    for (int32_t i = 1; i < 100; i++) {
        fc_rig_put(&r, 500.0 + fc_rig_noise(&r, 6.0));
        assert_int_equal(r.v.horizon[0].judged, judged + i);
    }
    fc_rig_done(&r);
}

/* Experts learn nothing from a surprise, until it and what a change takes is over. */
static void after_a_surprise_experts_wait_for_the_horizon(void **state)
{
    (void)state;

    for (int32_t since = 5 + 11; since <= 5 + 12; since++)
        for (int32_t surprised = 0; surprised < 2; surprised++) {
            struct fc_rig r;
            struct fc_horizon *z;
            float before;

            fc_rig_make(&r, &options);
            for (int32_t i = 0; i < 300; i++)
                fc_rig_put(&r, 500.0 + fc_rig_noise(&r, 6.0));
            z = r.v.horizon;
            before = z->ratio[FC_POINT_LAST];
            z->surprised = surprised;
            r.fc->change.since = since;
            fc_rig_put(&r, 510.0); /* since is one more now: 17 or 18 */
            if (surprised && since + 1 <= 5 + 12)
                FC_NEAR(z->ratio[FC_POINT_LAST], before);
            else
                assert_true(fabsf(z->ratio[FC_POINT_LAST] - before) > 1e-3F);
            fc_rig_done(&r);
        }
}

/* What bounds allow for after a surprise ends by itself, a sample at a time; the next step of a load
 * that begins comes under it. */
static void wariness_ends_after_as_many_samples(void **state)
{
    (void)state;
    struct fc_rig r;
    struct fc_forecast f;
    bool wide;

    fc_rig_make(&r, &options);
    fc_rig_put(&r, 500.0);
    fc_rig_put(&r, 501.0);
    fc_rig_put(&r, 900.0); /* beyond all that was seen */
    for (int32_t i = 1; i < 20; i++) {
        assert_int_equal(r.v.horizon[0].wary, i < 15 ? 15 - i : 0);
        fc_get(r.fc, r.now_us, &f);
        wide = f.ahead[0].upper_w[1] >= r.fc->stats.high + 0.999 * (double)fc_spread(r.fc);
        assert_int_equal(wide, i < 15);
        fc_rig_put(&r, 900.0);
    }
    fc_rig_done(&r);
}

/* Right after a change what lies a horizon back is another load: it moves 0.3 of the spread. */
static void right_after_a_change_no_more_is_expected_than_it_should(void **state)
{
    (void)state;
    static const int32_t since[] = { 3, 4, 5, 6, 400 };

    for (int32_t k = 0; k < 5; k++) {
        struct fc_rig r;
        double spread, moved;

        fc_rig_make(&r, &options);
        for (int32_t i = 0; i < 301; i++)
            fc_rig_put(&r, 500.0 + 100.0 * (i % 7 == 0));
        spread = (double)fc_spread(r.fc);
        r.fc->change.since = since[k] - 1;
        r.fc->change.trusted = 0;
        fc_rig_put(&r, 500.0);
        moved = (double)r.v.pending[302 % 64].point_scale[FC_POINT_LAST];
        assert_int_equal(r.v.pending[302 % 64].made, 302);
        if (since[k] < 5)
            FC_NEAR(moved, 0.3 * spread);
        else if (since[k] ==
                 5) /* a lag that is tried anew costs a tenth of the spread squared, in one memory */
            FC_NEAR(moved, (sqrt(0.1 / 3.0) + 0.002) * spread);
        else
            assert_true(moved > 0.4 * spread); /* one sample in seven is higher: root of 2/7 */
        fc_rig_done(&r);
    }
}

/* What moves less than that goes on moving less. */
static void a_change_makes_nothing_move_that_stood(void **state)
{
    (void)state;

    for (int32_t since = 3; since <= 5; since++) {
        struct fc_rig r;
        double square = 0.0;

        fc_rig_make(&r, &options);
        for (int32_t i = 0; i < 301; i++)
            fc_rig_put(&r, 500.0 + 100.0 * (i % 7 == 0));
        for (int32_t s = 0; s < FC_TEMPLATE_SPEEDS; s++) {
            r.v.diff[s * r.fc->lags + 4] = 100.0F; /* five samples back: 10 W, a tenth of the spread */
            square += 100.0 * (1.0 - 1.0 / (16 << 2 * s));
        }
        r.fc->change.since = since - 1;
        fc_rig_put(&r, 500.0); /* as it was five samples ago */
        assert_int_equal(r.v.pending[302 % 64].made, 302);
        if (since < 5)
            FC_NEAR(r.v.pending[302 % 64].point_scale[FC_POINT_LAST],
                    sqrt(square / FC_TEMPLATE_SPEEDS) + 0.002 * (double)fc_spread(r.fc));
        else
            assert_true(r.v.pending[302 % 64].point_scale[FC_POINT_LAST] < 0.3F * fc_spread(r.fc));
        fc_rig_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_horizon_is_whole_samples_and_all_of_it_is_kept),
        cmocka_unit_test(a_sample_is_counted_by_its_rise_and_its_room),
        cmocka_unit_test(the_coverage_told_is_that_of_what_was_given_out),
        cmocka_unit_test(alarms_are_given_where_they_were_worth_most),
        cmocka_unit_test(what_moves_is_what_moved_over_as_long_before),
        cmocka_unit_test(what_was_forecast_before_a_gap_is_not_judged_after_it),
        cmocka_unit_test(after_a_surprise_experts_wait_for_the_horizon),
        cmocka_unit_test(wariness_ends_after_as_many_samples),
        cmocka_unit_test(right_after_a_change_no_more_is_expected_than_it_should),
        cmocka_unit_test(a_change_makes_nothing_move_that_stood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
