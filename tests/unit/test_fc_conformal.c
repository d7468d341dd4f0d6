/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of scores: right for any distribution, careful at first, and forgetting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

static void the_loss_is_least_at_the_quantile(void **state)
{
    (void)state;
    float at[3] = { 0.0F, 0.0F, 0.0F };

    for (int32_t i = 0; i < 1000; i++)
        for (int32_t k = 0; k < 3; k++)
            at[k] += fc_conformal_loss((float)i * 0.001F, 0.80F + 0.1F * (float)k, 0.1F);
    assert_true(at[1] < at[0] && at[1] < at[2]);
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
        cmocka_unit_test(the_loss_is_least_at_the_quantile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
