/* SPDX-License-Identifier: Apache-2.0 */
/* Earlier moments that look like now: they are whole periods of a periodic load,
 * and what followed them is what follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/fc_template.h"

#define SIZE 256

struct rig {
    struct fc_ring ring;
    float value[2 * SIZE], top[SIZE / FC_RING_GROUP], diff[FC_TEMPLATE_SPEEDS * SIZE], cost[SIZE];
    float beyond; /* nobody looks at what lies behind */
    struct fc_template like;
};

static void rig_start(struct rig *r, float w)
{
    memset(r, 0, sizeof *r);
    r->ring.size = SIZE;
    fc_ring_fill(&r->ring, r->value, r->top, w);
}

static void rig_put(struct rig *r, float w)
{
    fc_template_learn(&r->ring, r->value, r->diff, w);
    fc_ring_put(&r->ring, r->value, r->top, w);
}

static void rig_pick(struct rig *r, int32_t steps)
{
    struct fc_template *like = &r->like;

    struct fc_template_ask ask = {
        .floor = 1e-6F, .since = SIZE, .most = FC_TEMPLATE_MAX, .count = 1, .steps = &steps
    };

    fc_template_pick(&r->ring, r->diff, r->cost, &ask, &like);
}

static float square(int32_t n, int32_t period)
{
    return n % period < period / 2 ? 100.0F : 20.0F;
}

static void the_differences_are_means_of_squares(void **state)
{
    (void)state;
    struct rig r;

    rig_start(&r, 0.0F);
    for (int32_t n = 0; n < 4000; n++)
        rig_put(&r, n % 2 ? 1.0F : -1.0F);
    /* One apart they differ by 2, two apart not at all. */
    for (int32_t s = 0; s < FC_TEMPLATE_SPEEDS; s++) {
        assert_float_equal(r.diff[s * SIZE + 0], 4.0, 1e-3);
        assert_float_equal(r.diff[s * SIZE + 1], 0.0, 1e-3);
        assert_float_equal(r.diff[s * SIZE + 2], 4.0, 1e-3);
    }
}

static void a_square_wave_is_foretold_exactly(void **state)
{
    (void)state;
    struct rig r;

    rig_start(&r, 20.0F);
    for (int32_t n = 0; n < 400; n++)
        rig_put(&r, square(n, 40));
    for (int32_t n = 400; n < 480; n++) {
        rig_put(&r, square(n, 40));
        for (int32_t steps = 1; steps <= 100; steps += 11) {
            rig_pick(&r, steps);
            assert_true(r.like.count > 0);
            assert_int_equal(r.like.lag[0] % 40, 0);
            assert_float_equal(fc_template_value(&r.like, &r.ring, r.value, steps), square(n + steps, 40),
                               1e-3);
        }
    }
}

static void its_peak_is_the_highest_on_the_way(void **state)
{
    (void)state;
    struct rig r;

    rig_start(&r, 20.0F);
    for (int32_t n = 0; n < 400; n++)
        rig_put(&r, square(n, 40));
    rig_put(&r, square(400, 40)); /* on */
    for (int32_t n = 401; n < 421; n++)
        rig_put(&r, square(n, 40)); /* n = 420: off, for 19 more */
    rig_pick(&r, 10);
    assert_float_equal(fc_template_peak(&r.like, &r.ring, r.value, r.top, 10), 20.0, 1e-3);
    rig_pick(&r, 25);
    assert_float_equal(fc_template_peak(&r.like, &r.ring, r.value, r.top, 25), 100.0, 1e-3);
    /* A sample early or late, and the edge is in. */
    rig_pick(&r, 19);
    assert_float_equal(fc_template_peak(&r.like, &r.ring, r.value, r.top, 19), 20.0, 1e-3);
    assert_float_equal(fc_template_highest(&r.like, &r.ring, r.value, r.top, 19, 2), 100.0, 1e-3);
}

static void the_period_is_the_shortest_one(void **state)
{
    (void)state;
    struct rig r;

    rig_start(&r, 20.0F);
    for (int32_t n = 0; n < 1000; n++)
        rig_put(&r, square(n, 24));
    rig_pick(&r, 1);
    assert_int_equal(fc_template_period(&r.ring, r.cost), 24);
}

static void noise_has_no_period(void **state)
{
    (void)state;
    struct rig r;
    uint32_t seed = 9;

    rig_start(&r, 0.0F);
    for (int32_t n = 0; n < 2000; n++) {
        seed = seed * 1664525U + 1013904223U;
        rig_put(&r, (float)(seed >> 16));
    }
    rig_pick(&r, 1);
    assert_int_equal(fc_template_period(&r.ring, r.cost), 0);
    assert_false(fc_template_tells(&r.ring, r.diff, r.like.lag[0], SIZE));
}

static void a_shape_tells_and_a_level_is_flat(void **state)
{
    (void)state;
    struct rig r;

    rig_start(&r, 20.0F);
    for (int32_t n = 0; n < 1000; n++)
        rig_put(&r, square(n, 24));
    rig_pick(&r, 1);
    assert_true(fc_template_tells(&r.ring, r.diff, r.like.lag[0], SIZE));
    assert_false(fc_template_flat(&r.ring, r.diff, SIZE, 1.0F));
    for (int32_t n = 0; n < 4000; n++)
        rig_put(&r, 50.0F);
    assert_true(fc_template_flat(&r.ring, r.diff, SIZE, 1.0F));
}

/* Cycles of 38 to 42: what counts is when this one began. */
static void an_early_cycle_shifts_what_comes_after_it(void **state)
{
    (void)state;
    struct rig r;
    uint32_t seed = 3;
    int32_t wrong = 0, asked = 0;

    rig_start(&r, 20.0F);
    for (int32_t cycle = 0; cycle < 60; cycle++) {
        int32_t length;

        seed = seed * 1664525U + 1013904223U;
        length = 38 + (int32_t)(seed >> 16) % 5;
        for (int32_t n = 0; n < length; n++) {
            rig_put(&r, n < 20 ? 100.0F : 20.0F);
            if (cycle < 10 || n < 4 || n > 14)
                continue;
            rig_pick(&r, 10); /* still on, or off since a while: known from the edge alone */
            asked++;
            wrong += fabsf(fc_template_value(&r.like, &r.ring, r.value, 10) -
                           (n + 10 < 20 ? 100.0F : 20.0F)) > 1.0F;
        }
    }
    assert_true(wrong * 20 < asked);
}

/* ---- beside a plain reckoning ---- */

/* What the recursion stands for: at every lag a mean of squared differences that forgets, over 16,
 * 64 and 256 samples; minima of their sum are moments, the cheapest kept, the most alike counts most. */
static void the_moments_are_the_cheapest_minima(void **state)
{
    (void)state;
    static struct rig r;
    static double diff[FC_TEMPLATE_SPEEDS][SIZE];
    static float w[900];
    const int32_t steps[] = { 1, 30, 200 };
    struct fc_template like[3], *ret[3] = { &like[0], &like[1], &like[2] };
    uint32_t seed = 21;

    rig_start(&r, 0.0F);
    for (int32_t n = 0; n < 900; n++) {
        seed = seed * 1664525U + 1013904223U;
        w[n] = square(n, 31) + (float)(seed >> 27);
        rig_put(&r, w[n]);
        for (int32_t i = 0; i < SIZE; i++) {
            double off = (double)w[n] - (n - 1 - i >= 0 ? (double)w[n - 1 - i] : 0.0);

            for (int32_t s = 0; s < FC_TEMPLATE_SPEEDS; s++)
                diff[s][i] += (off * off - diff[s][i]) / (16 << 2 * s);
        }
        if (n % 50 != 49)
            continue;

        struct fc_template_ask ask = { .floor = 4.0F, .since = SIZE, .most = 4, .count = 3, .steps = steps };

        fc_template_pick(&r.ring, r.diff, r.cost, &ask, ret);
        for (int32_t i = 0; i < SIZE; i++) {
            double sum = diff[0][i] + diff[1][i] + diff[2][i];

            assert_true(fabs((double)r.cost[i] - sum) <= 1e-4 * (sum + 1.0));
        }
        for (int32_t h = 0; h < 3; h++) {
            double cost[SIZE], weight[4], all = 0.0, mean = 0.0;
            int32_t lag[4], count = 0;

            /* a lag that must be taken more often to reach that far costs more: 3 to 4, and so on */
            for (int32_t i = 1; i + 1 < SIZE; i++)
                cost[i] = r.cost[i] < r.cost[i - 1] && r.cost[i] <= r.cost[i + 1]
                              ? (double)r.cost[i] * (((steps[h] + i) / (i + 1)) + 3.0) / 4.0
                              : INFINITY;
            for (; count < 4; count++) {
                int32_t best = 1;

                for (int32_t i = 1; i + 1 < SIZE; i++)
                    best = cost[i] < cost[best] ? i : best;
                if (!(cost[best] < INFINITY))
                    break;
                weight[count] = cost[best];
                lag[count] = best + 1;
                cost[best] = INFINITY;
            }
            while (count > 1 && weight[count - 1] > 4.0 * (weight[0] + 4.0))
                count--; /* no moment like now */
            assert_int_equal(like[h].count, count);
            for (int32_t k = count - 1; k >= 0; k--) {
                double near = (weight[0] + 4.0) / (weight[k] + 4.0);

                assert_int_equal(like[h].lag[k], lag[k]);
                assert_true(fabs((double)like[h].cost[k] - weight[k]) <= 1e-5 * weight[k]);
                all += near * near;
                mean += near * near * weight[k];
            }
            for (int32_t k = 0; k < count; k++) {
                double near = (weight[0] + 4.0) / (weight[k] + 4.0);

                assert_true(fabs((double)like[h].weight[k] - near * near / all) < 1e-4);
            }
            assert_true(fabs((double)like[h].scale - sqrt((mean / all + 4.0) / 3.0)) < 1e-3);
        }
    }
}

/* Cost of one lag alone is small; all others are large, and fall so that there is no other minimum. */
static void rig_costs(struct rig *r, int32_t count, const int32_t *lag, const float *cost)
{
    for (int32_t i = 0; i < FC_TEMPLATE_SPEEDS * SIZE; i++)
        r->diff[i] = i < SIZE ? 1000.0F - (float)i : 0.0F;
    for (int32_t k = 0; k < count; k++)
        r->diff[lag[k] - 1] = cost[k];
}

/* After a change lags of nearly its length have hardly been tried: a fifth of the time since. */
static void lags_that_were_hardly_tried_are_left_out(void **state)
{
    (void)state;
    static const struct {
        int32_t since, lag;
        bool taken;
    } cases[] = {
        { 100, 80, true },       { 100, 81, false },       { 100, 100, false }, { 100, 101, true },
        { 100, 10, true },       { 103, 83, true },        { 103, 84, false },  { SIZE, 250, true },
        { SIZE - 1, 204, true }, { SIZE - 1, 205, false },
    };
    static struct rig r;

    rig_start(&r, 0.0F);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const int32_t steps = 1;
        const float cost = 1.0F;
        struct fc_template *like = &r.like;
        struct fc_template_ask ask = {
            .floor = 1.0F, .since = cases[k].since, .most = 3, .count = 1, .steps = &steps
        };

        rig_costs(&r, 1, &cases[k].lag, &cost);
        fc_template_pick(&r.ring, r.diff, r.cost, &ask, &like);
        assert_int_equal(r.like.count, cases[k].taken ? 1 : 0);
        if (cases[k].taken)
            assert_int_equal(r.like.lag[0], cases[k].lag);
    }
}

/* What costs more than four times the best, noise on top of it, is no moment like now; of the
 * rest each counts by the square of how near it came. */
static void what_fits_much_worse_is_left_out(void **state)
{
    (void)state;
    static const int32_t lags[] = { 20, 50, 80 };
    static const struct {
        float cost[3];
        int32_t count;
    } cases[] = { { { 1.0F, 3.0F, 19.5F }, 3 }, { { 1.0F, 3.0F, 20.5F }, 2 }, { { 1.0F, 20.5F, 20.6F }, 1 } };
    static struct rig r;

    rig_start(&r, 0.0F);
    for (int32_t k = 0; k < 3; k++) {
        const int32_t steps = 1;
        struct fc_template *like = &r.like;
        struct fc_template_ask ask = { .floor = 4.0F, .since = SIZE, .most = 3, .count = 1, .steps = &steps };
        double all = 0.0, mean = 0.0;

        rig_costs(&r, 3, lags, cases[k].cost);
        fc_template_pick(&r.ring, r.diff, r.cost, &ask, &like);
        assert_int_equal(r.like.count, cases[k].count);
        for (int32_t i = 0; i < cases[k].count; i++) {
            all += pow(5.0 / ((double)cases[k].cost[i] + 4.0), 2.0);
            mean += pow(5.0 / ((double)cases[k].cost[i] + 4.0), 2.0) * (double)cases[k].cost[i];
        }
        for (int32_t i = 0; i < cases[k].count; i++) {
            assert_int_equal(r.like.lag[i], lags[i]);
            assert_float_equal(r.like.weight[i],
                               (float)(pow(5.0 / ((double)cases[k].cost[i] + 4.0), 2.0) / all), 1e-5F);
        }
        assert_float_equal(r.like.scale, (float)sqrt((mean / all + 4.0) / 3.0), 1e-4F);
    }
}

/* The first and the last lag have a neighbour on one side only. */
static void lags_at_the_ends_are_no_minima(void **state)
{
    (void)state;
    static const int32_t lags[] = { 1, 2, SIZE - 1, SIZE };
    static struct rig r;

    rig_start(&r, 0.0F);
    r.beyond = INFINITY;
    for (int32_t k = 0; k < 4; k++) {
        const float cost = 1.0F;

        rig_costs(&r, 1, &lags[k], &cost);
        rig_pick(&r, 1);
        assert_int_equal(r.like.count, k == 1 || k == 2 ? 1 : 0);
    }
}

/* The lowest that half of the weight does not lie above. */
static double half(const struct fc_template *t, const double *w)
{
    double best = INFINITY;

    for (int32_t k = 0; k < t->count; k++) {
        double under = 0.0;

        for (int32_t i = 0; i < t->count; i++)
            under += w[i] <= w[k] ? (double)t->weight[i] : 0.0;
        if (under >= 0.5 && w[k] < best)
            best = w[k];
    }
    return best;
}

static void half_of_the_weight_says_what_follows(void **state)
{
    (void)state;
    static struct rig r;
    const struct fc_template like = { .count = 3, .lag = { 100, 60, 20 }, .weight = { 0.4F, 0.35F, 0.25F } };
    const struct fc_template one = { .count = 1, .lag = { 10 }, .weight = { 1.0F } };
    struct fc_template heavy = { .count = 3, .lag = { 100, 60, 20 }, .weight = { 0.5F, 0.25F, 0.25F } };

    rig_start(&r, 0.0F);
    for (int32_t n = 0; n < 300; n++)
        rig_put(&r, (float)(n % 7 * 30 + n)); /* something else at every place */
    for (int32_t steps = 0; steps <= 45; steps++) {
        double w[3];

        for (int32_t k = 0; k < 3; k++) {
            int32_t ago = like.lag[k] - steps; /* past its own end it begins again */

            while (ago < (steps > 0 ? 0 : 1))
                ago += like.lag[k];
            w[k] = (299 - ago) % 7 * 30 + 299 - ago;
        }
        assert_float_equal(fc_template_value(&like, &r.ring, r.value, steps), (float)half(&like, w), 1e-3F);
        assert_float_equal(fc_template_value(&heavy, &r.ring, r.value, steps), (float)half(&heavy, w), 1e-3F);
    }
    heavy.count = 0;
    assert_float_equal(fc_template_value(&heavy, &r.ring, r.value, 3), 0.0, 0.0);

    /* Nearest to what the next sample is, of all moments. */
    for (int32_t k = 0; k < 3; k++) {
        int32_t n = 299 - like.lag[k] + 1;
        float w = (float)(n % 7 * 30 + n);

        assert_float_equal(fc_template_off(&like, &r.ring, r.value, w), 0.0, 1e-3);
        assert_float_equal(fc_template_off(&like, &r.ring, r.value, w + 3.0F), 3.0, 1e-3);
        assert_float_equal(fc_template_off(&like, &r.ring, r.value, w - 3.0F), 3.0, 1e-3);
    }
    assert_float_equal(fc_template_off(&heavy, &r.ring, r.value, 5.0F), 0.0, 0.0);
    assert_float_equal(fc_template_value(&one, &r.ring, r.value, 0), (289 % 7) * 30 + 289, 1e-3);
}

/* The newest sample followed no moment that is as old as the ring. */
static void the_newest_is_not_of_what_followed_the_oldest(void **state)
{
    (void)state;
    static struct rig r;
    const struct fc_template like = { .count = 1, .lag = { SIZE - 1 }, .weight = { 1.0F } };

    rig_start(&r, 100.0F);
    for (int32_t n = 0; n < SIZE; n++)
        rig_put(&r, 100.0F);
    rig_put(&r, 500.0F);
    assert_float_equal(fc_template_highest(&like, &r.ring, r.value, r.top, 5, 3), 100.0, 0.0);
}

/* Of the samples that followed the moment, as many as were asked for, and not more than there were. */
static void the_peak_is_of_the_samples_asked_for(void **state)
{
    (void)state;
    static struct rig r;
    static float w[400];
    uint32_t seed = 6;

    rig_start(&r, 0.0F);
    for (int32_t n = 0; n < 400; n++) {
        seed = seed * 1664525U + 1013904223U;
        w[n] = (float)(seed >> 20);
        rig_put(&r, w[n]);
    }
    for (int32_t lag = 2; lag < SIZE; lag += 3)
        for (int32_t steps = 1; steps < 300; steps += 7)
            for (int32_t slack = 0; slack < 4; slack++) {
                const struct fc_template like = { .count = 1, .lag = { lag }, .weight = { 1.0F } };
                float top = -1.0F, wide = -1.0F;

                for (int32_t n = 400 - SIZE; n < 400; n++) {
                    int32_t after = n - (399 - lag);

                    if (after >= 1 && after <= steps)
                        top = fmaxf(top, w[n]);
                    if (after >= 1 - slack && after <= steps + slack)
                        wide = fmaxf(wide, w[n]);
                }
                assert_float_equal(fc_template_peak(&like, &r.ring, r.value, r.top, steps), top, 0.0);
                assert_float_equal(fc_template_highest(&like, &r.ring, r.value, r.top, steps, slack), wide,
                                   0.0);
            }
    const struct fc_template both = { .count = 2, .lag = { 40, 90 }, .weight = { 0.9F, 0.1F } };
    const struct fc_template old = { .count = 1, .lag = { 90 }, .weight = { 1.0F } };
    const struct fc_template young = { .count = 1, .lag = { 40 }, .weight = { 1.0F } };

    for (int32_t steps = 1; steps < 30; steps++) {
        float a = fc_template_peak(&young, &r.ring, r.value, r.top, steps);
        float b = fc_template_peak(&old, &r.ring, r.value, r.top, steps);

        assert_float_equal(fc_template_highest(&both, &r.ring, r.value, r.top, steps, 0), fmaxf(a, b), 0.0);
        assert_float_equal(fc_template_peak(&both, &r.ring, r.value, r.top, steps), a, 0.0);
    }
}

/* What is tried anew costs `prior` in the shortest memory, and in those that would need longer
 * than twice the lag to hear of it. */
static void a_lag_that_is_tried_anew_is_doubted_as_long_as_it_is(void **state)
{
    (void)state;
    static struct rig r;
    static const int32_t lags[] = { 1, 8, 9, 31, 32, 33, 127, 128, 129, 200, SIZE };

    for (size_t k = 0; k < sizeof lags / sizeof lags[0]; k++) {
        rig_start(&r, 0.0F);
        for (int32_t i = 0; i < FC_TEMPLATE_SPEEDS * SIZE; i++)
            r.diff[i] = 5.0F;
        fc_template_fresh(&r.ring, r.diff, lags[k], 7.0F);
        for (int32_t s = 0; s < FC_TEMPLATE_SPEEDS; s++)
            for (int32_t i = 0; i < SIZE; i++) {
                float fresh = s == 0 || 2 * lags[k] > 16 << 2 * s ? 7.0F : 0.0F;

                assert_float_equal(r.diff[s * SIZE + i], (i == lags[k] - 1 ? fresh : 5.0F), 0.0F);
            }
    }
}

/* One lag in the middle memory against the mean of the first so many, whole groups of four. */
static void a_shape_is_told_by_a_fifth_of_the_mean(void **state)
{
    (void)state;
    static struct rig r;

    for (int32_t count = 1; count <= 2 * SIZE; count = count < 12 ? count + 1 : 2 * count) {
        int32_t used = (count < SIZE ? count : SIZE) / 4 * 4;
        double mean = 0.0;

        rig_start(&r, 0.0F);
        for (int32_t i = 0; i < FC_TEMPLATE_SPEEDS * SIZE; i++)
            r.diff[i] = (float)(i % SIZE % 13 + 3 * (i / SIZE));
        for (int32_t i = 0; i < used; i++)
            mean += (double)r.diff[SIZE + i] / used;
        if (used > 99) /* it is one of them itself: x = 0.2 * (mean + (x - before) / used) */
            mean = (mean - (double)r.diff[SIZE + 99] / used) / (1.0 - 0.2 / used);
        r.diff[SIZE + 99] = (float)(0.2 * mean * 0.99);
        assert_int_equal(fc_template_tells(&r.ring, r.diff, 100, count), used > 0);
        r.diff[SIZE + 99] = (float)(0.2 * mean * 1.01);
        assert_false(fc_template_tells(&r.ring, r.diff, 100, count));
    }
    /* Flat: 256 lags at least, by the longest memory. */
    rig_start(&r, 0.0F);
    for (int32_t i = 0; i < FC_TEMPLATE_SPEEDS * SIZE; i++)
        r.diff[i] = i < 2 * SIZE ? 50.0F : (float)(i % 4);
    assert_true(fc_template_flat(&r.ring, r.diff, SIZE, 1.51F));
    assert_false(fc_template_flat(&r.ring, r.diff, SIZE, 1.49F));
    assert_true(fc_template_flat(&r.ring, r.diff, 10 * SIZE, 1.51F));
    assert_false(fc_template_flat(&r.ring, r.diff, SIZE - 1, 1.51F));
}

/* YIN: the first minimum under 0.15 of the mean of all up to it. */
static void the_period_is_yins(void **state)
{
    (void)state;
    static struct rig r;
    static const float under[] = { 0.98F, 1.02F };

    rig_start(&r, 0.0F);
    for (int32_t lag = 2; lag < SIZE; lag += 9)
        for (int32_t k = 0; k < 2; k++) {
            double before = 0.0, at;

            for (int32_t i = 0; i < SIZE; i++)
                r.cost[i] = 10.0F + (float)(i % 3);
            for (int32_t i = 0; i < lag - 1; i++)
                before += (double)r.cost[i];
            /* c * lag = 0.15 * (before + c) */
            at = 0.15 * before / (lag - 0.15) * (double)under[k];
            r.cost[lag - 1] = (float)at;
            assert_int_equal(fc_template_period(&r.ring, r.cost), k == 0 ? lag : 0);
            if (k == 0 && lag + 1 < SIZE) { /* still falling: the next one */
                r.cost[lag] = (float)at * 0.5F;
                assert_int_equal(fc_template_period(&r.ring, r.cost), lag + 1);
            }
        }
    for (int32_t i = 0; i < SIZE; i++)
        r.cost[i] = i == 0 ? 0.0F : 10.0F; /* one sample is no period */
    assert_int_equal(fc_template_period(&r.ring, r.cost), 0);
    for (int32_t i = 0; i < SIZE; i++)
        r.cost[i] = i == SIZE - 2 ? 0.0F : 10.0F;
    assert_int_equal(fc_template_period(&r.ring, r.cost), SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_differences_are_means_of_squares),
        cmocka_unit_test(a_square_wave_is_foretold_exactly),
        cmocka_unit_test(its_peak_is_the_highest_on_the_way),
        cmocka_unit_test(the_period_is_the_shortest_one),
        cmocka_unit_test(noise_has_no_period),
        cmocka_unit_test(a_shape_tells_and_a_level_is_flat),
        cmocka_unit_test(an_early_cycle_shifts_what_comes_after_it),
        cmocka_unit_test(the_moments_are_the_cheapest_minima),
        cmocka_unit_test(lags_that_were_hardly_tried_are_left_out),
        cmocka_unit_test(what_fits_much_worse_is_left_out),
        cmocka_unit_test(lags_at_the_ends_are_no_minima),
        cmocka_unit_test(half_of_the_weight_says_what_follows),
        cmocka_unit_test(the_newest_is_not_of_what_followed_the_oldest),
        cmocka_unit_test(the_peak_is_of_the_samples_asked_for),
        cmocka_unit_test(a_lag_that_is_tried_anew_is_doubted_as_long_as_it_is),
        cmocka_unit_test(a_shape_is_told_by_a_fifth_of_the_mean),
        cmocka_unit_test(the_period_is_yins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
