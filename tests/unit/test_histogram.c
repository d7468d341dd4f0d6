/* SPDX-License-Identifier: Apache-2.0 */
/* test_histogram.c: quantiles within one bucket's width, the maximum exact. */
#include "busbar/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool near(double a, double b, double within)
{
    return a - b <= within && b - a <= within;
}

static void an_empty_histogram_answers_zero(void **state)
{
    struct histogram h = {.count = 0};

    (void)state;
    assert_int_equal(histogram_quantile_us(&h, 0.5), 0);
    assert_int_equal(histogram_quantile_us(&h, 1.0), 0);
}

static void edges_double_every_eight_buckets_up_to_134_s(void **state)
{
    (void)state;
    assert_true(near(histogram_edge_us(0), 1.0, 0.0));
    assert_true(near(histogram_edge_us(8), 2.0, 0.0));
    assert_true(near(histogram_edge_us(80), 1024.0, 0.0));
    assert_true(near(histogram_edge_us(HISTOGRAM_BUCKETS - 1), 134217728.0, 0.0));
    for (int i = 1; i < HISTOGRAM_BUCKETS; i++)
        assert_true(near(histogram_edge_us(i) / histogram_edge_us(i - 1), 1.0905077, 1e-6));
}

static void each_value_lands_in_the_first_bucket_whose_edge_holds_it(void **state)
{
    (void)state;
    for (int64_t value_us = 0; value_us < 5000; value_us++) {
        struct histogram h = {.count = 0};
        int bucket = 0;

        histogram_add(&h, value_us);
        while (h.bucket[bucket] == 0)
            bucket++;
        assert_true(histogram_edge_us(bucket) >= (double)value_us);
        assert_true(bucket == 0 || histogram_edge_us(bucket - 1) < (double)value_us);
    }
}

/* A rack's SMBus brings some thousands a second: 32 bits are full after weeks. */
static void a_bucket_never_falls(void **state)
{
    struct histogram h = {.count = 0}, total, both;

    (void)state;
    histogram_add(&h, 1024);
    h.bucket[80] = UINT32_MAX;
    h.count = UINT32_MAX;
    histogram_add(&h, 1024);
    histogram_add(&h, 1);
    assert_true(h.bucket[80] > UINT32_MAX);
    assert_int_equal(histogram_quantile_us(&h, 0.5), 1024);
    both = h;
    histogram_add(&both, 1024);
    total = histogram_since(&both, &h);
    assert_true(total.bucket[80] == 1);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Against the values sorted, the slow and certain way. */
static void quantiles_agree_with_sorted_values_within_nine_percent(void **state)
{
    static int64_t values[10000];
    const size_t count = sizeof values / sizeof values[0];
    const double shares[] = {0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0};
    struct histogram h = {.count = 0};
    uint64_t seed = 12345;

    (void)state;
    for (size_t i = 0; i < count; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        values[i] = INT64_C(1) + (int64_t)(seed >> 40) % (INT64_C(1) << (i % 24));
        histogram_add(&h, values[i]);
    }
    qsort(values, count, sizeof values[0], compare);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        size_t at = (size_t)((double)count * shares[i]);
        double exact = (double)values[at > 0 ? at - 1 : 0];
        double got = (double)histogram_quantile_us(&h, shares[i]);

        assert_true(got >= exact - 1.0);
        assert_true(got <= exact * 1.0906);
    }
    assert_int_equal(h.max_us, values[count - 1]);
    assert_int_equal(histogram_quantile_us(&h, 1.0), values[count - 1]);
}

static void negative_and_endless_durations_are_kept_in_the_end_buckets(void **state)
{
    struct histogram h = {.count = 0};

    (void)state;
    histogram_add(&h, -5);
    assert_int_equal(h.bucket[0], 1);
    assert_int_equal(h.max_us, 0);
    histogram_add(&h, INT64_MAX);
    assert_int_equal(h.bucket[HISTOGRAM_BUCKETS - 1], 1);
    assert_true(histogram_quantile_us(&h, 1.0) == INT64_MAX);
    assert_int_equal(h.count, 2);
}

static void the_difference_of_two_copies_is_what_came_between(void **state)
{
    struct histogram h = {.count = 0}, before, diff;

    (void)state;
    histogram_add(&h, 100000);
    before = h;
    histogram_add(&h, 10);
    histogram_add(&h, 20);
    diff = histogram_since(&h, &before);
    assert_int_equal(diff.count, 2);
    assert_true(near(diff.sum_us, 30.0, 1e-9));
    assert_true(diff.max_us >= 20 && diff.max_us <= 22);
    assert_true(histogram_quantile_us(&diff, 1.0) <= 22);
    diff = histogram_since(&h, &h);
    assert_int_equal(diff.count, 0);
    assert_int_equal(diff.max_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_answers_zero),
        cmocka_unit_test(edges_double_every_eight_buckets_up_to_134_s),
        cmocka_unit_test(each_value_lands_in_the_first_bucket_whose_edge_holds_it),
        cmocka_unit_test(a_bucket_never_falls),
        cmocka_unit_test(quantiles_agree_with_sorted_values_within_nine_percent),
        cmocka_unit_test(negative_and_endless_durations_are_kept_in_the_end_buckets),
        cmocka_unit_test(the_difference_of_two_copies_is_what_came_between),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
