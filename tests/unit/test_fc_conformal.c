/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of scores: right for any distribution, careful at first, and forgetting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "core/fc_conformal.h"

static const float miss[4] = { 0.5F, 0.1F, 0.01F, 0.001F };
static uint32_t seed;

static float uniform(void)
{
    seed = seed * 1664525U + 1013904223U;
    return (float)(seed >> 8) / 16777216.0F;
}

static void quantiles_of_a_uniform_score_are_found(void **state)
{
    (void)state;
    struct fc_conformal c;
    float q[4];

    seed = 1;
    fc_conformal_init(&c, 1.0F, 0.25F);
    for (int32_t i = 0; i < 20000; i++)
        fc_conformal_learn(&c, uniform(), 0.9999F);
    fc_conformal_quantiles(&c, 4, miss, q);
    assert_float_equal(q[0], 0.5, 0.03);
    assert_float_equal(q[1], 0.9, 0.03);
    assert_float_equal(q[2], 0.99, 0.06); /* bins are wide out there */
    assert_true(q[0] <= q[1] && q[1] <= q[2] && q[2] <= q[3]);
}

static void small_scores_are_told_apart(void **state)
{
    (void)state;
    struct fc_conformal c;
    float q[4];

    seed = 2;
    fc_conformal_init(&c, 1.0F, 0.02F);
    for (int32_t i = 0; i < 20000; i++)
        fc_conformal_learn(&c, 0.02F * uniform(), 0.9999F);
    fc_conformal_quantiles(&c, 4, miss, q);
    assert_float_equal(q[2], 0.0198, 0.006);
}

/* One score in fifty is large: at 99 % the margin is that large, at 90 % it is not. */
static void rare_large_scores_count_where_they_matter(void **state)
{
    (void)state;
    struct fc_conformal c;
    float q[4];

    fc_conformal_init(&c, 1.0F, 0.02F);
    for (int32_t i = 0; i < 5000; i++)
        fc_conformal_learn(&c, i % 50 ? 0.0F : 0.8F, 0.9999F);
    fc_conformal_quantiles(&c, 4, miss, q);
    assert_true(q[1] < 0.01F);
    assert_true(q[2] > 0.75F);
}

static void it_is_careful_before_it_knows(void **state)
{
    (void)state;
    struct fc_conformal c;
    float q[4];

    fc_conformal_init(&c, 1.0F, 0.25F);
    for (int32_t i = 0; i < 20; i++)
        fc_conformal_learn(&c, 0.0F, 0.9995F);
    fc_conformal_quantiles(&c, 4, miss, q);
    assert_true(q[2] > 0.05F);
    for (int32_t i = 0; i < 1000; i++)
        fc_conformal_learn(&c, 0.0F, 0.9995F);
    fc_conformal_quantiles(&c, 4, miss, q);
    assert_true(q[2] < 0.01F);
}

static void what_was_long_ago_is_forgotten(void **state)
{
    (void)state;
    struct fc_conformal c;
    float q[4];

    fc_conformal_init(&c, 1.0F, 0.25F);
    for (int32_t i = 0; i < 5000; i++)
        fc_conformal_learn(&c, 1.0F, 0.999F);
    for (int32_t i = 0; i < 20000; i++)
        fc_conformal_learn(&c, 0.1F, 0.999F);
    fc_conformal_quantiles(&c, 4, miss, q);
    assert_float_equal(q[2], 0.1, 0.03);
}

static void counts_stay_finite_for_ever(void **state)
{
    (void)state;
    struct fc_conformal c;
    float q[4];

    fc_conformal_init(&c, 1.0F, 0.25F);
    for (int32_t i = 0; i < 200000; i++)
        fc_conformal_learn(&c, i % 2 ? 0.5F : -0.5F, 0.99F);
    assert_true(c.total < 1e9F && c.unit < 1e7F);
    fc_conformal_quantiles(&c, 4, miss, q);
    assert_float_equal(q[2], 0.5, 0.06);
}

static void a_following_margin_holds_about_its_share(void **state)
{
    (void)state;
    float margin = 0.25F;
    int32_t missed = 0;

    seed = 4;
    for (int32_t i = 0; i < 50000; i++) {
        float score = uniform();

        missed += score > margin;
        margin = fc_conformal_follow(margin, 1.0F, score > margin, 0.01F, i);
    }
    assert_in_range(missed, 250, 1250);
}

/* 48 bins, their edges at 1.5 times the square of a 24th: -1.5 to 1.5, fine around zero. */
static double edge(int32_t bin)
{
    double x = (bin - 24) / 24.0;

    return 1.5 * x * fabs(x);
}

static int32_t bin_of(double score)
{
    int32_t bin = 0;

    while (bin < 47 && edge(bin + 1) <= score)
        bin++;
    return bin;
}

static void every_score_lies_in_its_bin(void **state)
{
    (void)state;

    for (int32_t i = -200; i <= 200; i++) {
        struct fc_conformal c;
        double score = i * 0.0101 + 0.0003;

        fc_conformal_init(&c, 0.0F, 0.25F);
        fc_conformal_learn(&c, (float)score, 0.5F);
        for (int32_t b = 0; b < FC_CONFORMAL_BINS; b++)
            assert_float_equal(c.count[b], (b == bin_of(score) ? 2.0F : 0.0F), 0.0F);
    }
    static const float ends[] = { -INFINITY, -1.5F, 1.4999999F, 1.5F, INFINITY };

    for (int32_t k = 0; k < 5; k++) {
        struct fc_conformal c;

        fc_conformal_init(&c, 0.0F, 0.25F);
        fc_conformal_learn(&c, ends[k], 1.0F);
        assert_float_equal(c.count[k < 2 ? 0 : FC_CONFORMAL_BINS - 1], 1.0F, 0.0F);
    }
}

/* Quantiles lie inside of a bin, by how much of it is needed; newer scores count for more. */
static void quantiles_are_read_off_the_bins(void **state)
{
    (void)state;
    static const float scores[] = { -0.9F, -0.5F, -0.1F, 0.0F, 0.1F, 0.5F, 0.9F };
    float level[9], q[9];
    struct fc_conformal c;
    double count[48] = { 0.0 }, total = 0.0;

    fc_conformal_init(&c, 0.0F, 0.25F);
    for (int32_t i = 0; i < 7; i++) {
        fc_conformal_learn(&c, scores[i], 0.5F); /* the newest counts for twice the one before */
        count[bin_of((double)scores[i])] += pow(2.0, i + 1);
        total += pow(2.0, i + 1);
    }
    assert_float_equal(c.total, (float)total, 1e-3F);
    for (int32_t l = 0; l < 9; l++)
        level[l] = 0.9F - 0.1F * (float)l + (l == 8 ? 0.05F : 0.0F);
    fc_conformal_quantiles(&c, 9, level, q);
    for (int32_t l = 0; l < 9; l++) {
        double above = 0.0, want = (double)level[l] * total;
        int32_t bin = 47;

        for (; bin > 0 && above + count[bin] < want; bin--)
            above += count[bin];
        assert_float_equal(
            q[l], (float)(edge(bin + 1) - (want - above) / count[bin] * (edge(bin + 1) - edge(bin))), 1e-4F);
    }
}

/* Three fifths of the doubt lie at nothing, the rest at half of it, at it, at twice and four times. */
static void doubt_is_spread_upwards(void **state)
{
    (void)state;
    struct fc_conformal c;

    fc_conformal_init(&c, 5.0F, 0.2F);
    assert_float_equal(c.total, 5.0F, 0.0F);
    assert_float_equal(c.count[bin_of(0.0)], 3.0F, 1e-5F);
    assert_float_equal(c.count[bin_of(0.1)], 1.0F, 1e-5F);
    assert_float_equal(c.count[bin_of(0.2)], 0.5F, 1e-5F);
    assert_float_equal(c.count[bin_of(0.4)], 0.3F, 1e-5F);
    assert_float_equal(c.count[bin_of(0.8)], 0.2F, 1e-5F);
}

/* Counts are made smaller together: nothing else changes by it. */
static void making_counts_smaller_changes_no_quantile(void **state)
{
    (void)state;
    struct fc_conformal c;
    bool smaller = false;
    float before[4], after[4];

    seed = 9;
    fc_conformal_init(&c, 1.0F, 0.25F);
    for (int32_t i = 0; i < 400; i++) {
        float score = 2.0F * uniform() - 1.0F, unit = c.unit;
        struct fc_conformal other = c;

        fc_conformal_learn(&c, score, 0.95F);
        if (c.unit < unit) {
            smaller = true;
            other.unit *= 1e-3F; /* the same, from counts that were smaller all along */
            other.total *= 1e-3F;
            for (int32_t b = 0; b < FC_CONFORMAL_BINS; b++)
                other.count[b] *= 1e-3F;
            fc_conformal_learn(&other, score, 0.95F);
            assert_true(other.unit > 1.0F);
            fc_conformal_quantiles(&c, 4, miss, after);
            fc_conformal_quantiles(&other, 4, miss, before);
            for (int32_t l = 0; l < 4; l++)
                assert_float_equal(after[l], before[l], 1e-4F);
            assert_float_equal(c.unit, 1.0F, 0.0F);
        }
    }
    assert_true(smaller);
}

/* 0.06 of the scores' size, and as much more as there are few of them: never above their size. */
static void a_following_margin_goes_by_steps(void **state)
{
    (void)state;

    for (int32_t count = 0; count < 100; count += 9) {
        double step = (0.06 + 1.0 / (count + 2)) * 0.5;

        assert_float_equal(fc_conformal_follow(-0.2F, 0.5F, true, 0.1F, count),
                           (float)fmin(-0.2 + step * 0.9, 0.5), 1e-6F);
        assert_float_equal(fc_conformal_follow(0.2F, 0.5F, false, 0.1F, count), (float)(0.2 - step * 0.1),
                           1e-6F);
    }
    assert_float_equal(fc_conformal_follow(0.49F, 0.5F, true, 0.1F, 50), 0.5F, 0.0F);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_of_a_uniform_score_are_found),
        cmocka_unit_test(small_scores_are_told_apart),
        cmocka_unit_test(rare_large_scores_count_where_they_matter),
        cmocka_unit_test(it_is_careful_before_it_knows),
        cmocka_unit_test(what_was_long_ago_is_forgotten),
        cmocka_unit_test(counts_stay_finite_for_ever),
        cmocka_unit_test(a_following_margin_holds_about_its_share),
        cmocka_unit_test(every_score_lies_in_its_bin),
        cmocka_unit_test(quantiles_are_read_off_the_bins),
        cmocka_unit_test(doubt_is_spread_upwards),
        cmocka_unit_test(making_counts_smaller_changes_no_quantile),
        cmocka_unit_test(a_following_margin_goes_by_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
